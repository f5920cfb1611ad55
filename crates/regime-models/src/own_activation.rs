//! Activations that a program adds, by name.

use std::{
    any::Any,
    collections::BTreeMap,
    sync::{PoisonError, RwLock, RwLockReadGuard},
};

use serde::{Deserialize, Serialize};

use crate::error::ModelError;

/// A non-linearity that a program adds to those of this crate.
///
/// Register it under its name with [`Activation::register`](crate::Activation::register), before
/// specs that contain it are read; then [`Activation::own`](crate::Activation::own) gives the
/// value for a spec. The gain is computed as for every activation, so the function need not be
/// normalised. [`check_activation`](crate::check_activation) compares the derivative with finite
/// differences.
///
/// It is called once per element, and works on every backend. On Flex it works in place on the
/// memory of the tensor. Other backends copy the values to the host and the results back at every
/// call, which on a GPU can take most of the time. Automatic differentiation uses the slope that
/// the function returns, so it gives first derivatives, and no second ones.
///
/// # Example
/// ```
/// use regime_models::{Activation, ActivationFunction, check_activation};
///
/// /// `z + sin²(az)/a`
/// #[derive(PartialEq)]
/// struct Snake;
///
/// impl ActivationFunction for Snake {
///     fn name(&self) -> &'static str {
///         "snake"
///     }
///     fn parameters(&self) -> &'static [&'static str] {
///         &["a"]
///     }
///     fn value_and_slope(&self, z: f64, parameters: &[f64]) -> (f64, f64) {
///         let a = parameters[0];
///         (z + (a * z).sin().powi(2) / a, 1.0 + (2.0 * a * z).sin())
///     }
/// }
///
/// check_activation(&Snake, &[1.5])?;
/// Activation::register(Snake)?;
/// let snake = Activation::own("snake", &[1.5])?;
/// let text = serde_json::to_string(&snake)?;
/// assert_eq!(text, r#"{"kind":"own","name":"snake","parameters":{"a":1.5}}"#);
/// println!("the gain of snake is {:.4}", snake.gain());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait ActivationFunction: Any + Send + Sync {
    /// The name in specs and tables: letters, digits, `-` and `_`, and not the name of an activation
    /// of this crate.
    fn name(&self) -> &'static str;

    /// The names of its parameters, at most [`MAX_PARAMETERS`]. The default is none.
    fn parameters(&self) -> &'static [&'static str] {
        &[]
    }

    /// `φ(z)` and `φ'(z)`, without the gain. The values of the parameters come in the order of
    /// [`parameters`](Self::parameters). The function depends on nothing else: results must not
    /// depend on the order of calls.
    fn value_and_slope(&self, z: f64, parameters: &[f64]) -> (f64, f64);

    /// Checks the values of the parameters, which are finite numbers. The default accepts all.
    ///
    /// # Errors
    /// A sentence that names the parameter and says what would be right.
    fn check(&self, parameters: &[f64]) -> Result<(), String> {
        let _ = parameters;
        Ok(())
    }

    /// The distance from 0 of the nearest singularity of φ in the complex plane, or the length over
    /// which it bends if it has none. The networks do not use it; the quadratures of the infinite
    /// width do: a value that is too large costs accuracy there, a small one time. The default is 1.
    fn transition(&self, parameters: &[f64]) -> f64 {
        let _ = parameters;
        1.0
    }
}

/// The largest number of parameters of an [`ActivationFunction`].
pub const MAX_PARAMETERS: usize = 4;

/// A registered [`ActivationFunction`] and the values of its parameters.
///
/// Two values are equal if they have the same name and the same parameters.
///
/// Serialised as `{"name": …, "parameters": {…}}`, without the parameters if there are none. A name
/// that is not registered is refused.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(try_from = "OwnFields", into = "OwnFields")]
pub struct OwnActivation {
    function: &'static dyn ActivationFunction,
    /// Zero after the last parameter.
    values: [f64; MAX_PARAMETERS],
}

impl OwnActivation {
    /// The function that is registered under a name, with the values of its parameters.
    pub(crate) fn new(name: &str, parameters: &[f64]) -> Result<Self, ModelError> {
        let function = registered(name)?;
        let names = function.parameters();
        if parameters.len() != names.len() {
            return Err(ModelError::ActivationParameters {
                name: function.name(),
                parameters: names,
                problem: format!("{} values are given", parameters.len()),
            });
        }
        Self::with(function, parameters)
    }

    /// The values come in the order of the function's parameters.
    fn with(
        function: &'static dyn ActivationFunction,
        parameters: &[f64],
    ) -> Result<Self, ModelError> {
        let names = function.parameters();
        let refused = |problem| ModelError::ActivationParameters {
            name: function.name(),
            parameters: names,
            problem,
        };
        if let Some(at) = parameters.iter().position(|value| !value.is_finite()) {
            return Err(refused(format!("{} is {}, not finite", names[at], parameters[at])));
        }
        function.check(parameters).map_err(refused)?;
        let mut values = [0.0; MAX_PARAMETERS];
        values[..parameters.len()].copy_from_slice(parameters);
        Ok(Self { function, values })
    }

    /// The name of the function.
    pub fn name(self) -> &'static str {
        self.function.name()
    }

    /// The values of the parameters, in the order of [`ActivationFunction::parameters`].
    pub fn parameters(&self) -> &[f64] {
        &self.values[..self.function.parameters().len()]
    }

    /// `φ(z)` and `φ'(z)`, without the gain.
    pub fn value_and_slope(self, z: f64) -> (f64, f64) {
        self.function.value_and_slope(z, self.parameters())
    }

    /// As [`ActivationFunction::transition`].
    pub fn transition(self) -> f64 {
        self.function.transition(self.parameters())
    }
}

impl PartialEq for OwnActivation {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name() && self.parameters() == other.parameters()
    }
}

impl std::fmt::Debug for OwnActivation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut named = f.debug_struct(self.name());
        for (name, value) in self.function.parameters().iter().zip(self.parameters()) {
            named.field(name, value);
        }
        named.finish()
    }
}

/// The fields of an own activation in a spec.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct OwnFields {
    /// The name under which the program registered the function.
    name: String,
    /// The values of its parameters by name; left out if it has none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    parameters: BTreeMap<String, f64>,
}

impl TryFrom<OwnFields> for OwnActivation {
    type Error = ModelError;

    fn try_from(fields: OwnFields) -> Result<Self, ModelError> {
        let function = registered(&fields.name)?;
        let names = function.parameters();
        let refused = |problem| ModelError::ActivationParameters {
            name: function.name(),
            parameters: names,
            problem,
        };
        if let Some(unknown) = fields.parameters.keys().find(|name| !names.contains(&&***name)) {
            return Err(refused(format!("`{unknown}` is given")));
        }
        let value = |name: &&str| {
            let value = fields.parameters.get(*name).copied();
            value.ok_or_else(|| refused(format!("`{name}` is missing")))
        };
        let values = names.iter().map(value).collect::<Result<Vec<f64>, _>>()?;
        Self::with(function, &values)
    }
}

impl From<OwnActivation> for OwnFields {
    fn from(own: OwnActivation) -> Self {
        let names = own.function.parameters().iter().map(|&name| name.to_owned());
        Self {
            name: own.name().to_owned(),
            parameters: names.zip(own.parameters().iter().copied()).collect(),
        }
    }
}

type Functions = BTreeMap<&'static str, &'static dyn ActivationFunction>;

/// The functions of this process. A function stays for the life of the process.
static REGISTRY: RwLock<Functions> = RwLock::new(BTreeMap::new());

fn functions() -> RwLockReadGuard<'static, Functions> {
    // A map is valid also after a panic elsewhere.
    REGISTRY.read().unwrap_or_else(PoisonError::into_inner)
}

fn registered(name: &str) -> Result<&'static dyn ActivationFunction, ModelError> {
    let functions = functions();
    functions.get(name).copied().ok_or_else(|| ModelError::UnknownActivation {
        name: name.to_owned(),
        registered: functions.keys().copied().collect(),
    })
}

/// Adds a function; `reserved` are the names of this crate's activations.
pub(crate) fn register<F: ActivationFunction + PartialEq>(
    function: F,
    reserved: &[&str],
) -> Result<(), ModelError> {
    let name = function.name();
    let valid = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || !name.chars().all(valid) {
        return Err(ModelError::ActivationName { name });
    }
    if reserved.iter().any(|own| own.eq_ignore_ascii_case(name)) {
        return Err(ModelError::ActivationTaken { name });
    }
    let parameters = function.parameters();
    let repeated = (1..parameters.len()).find(|&at| parameters[..at].contains(&parameters[at]));
    if repeated.is_some() || parameters.len() > MAX_PARAMETERS {
        let problem = match repeated {
            Some(at) => format!("`{}` occurs twice", parameters[at]),
            None => format!("there are {}, but at most {MAX_PARAMETERS}", parameters.len()),
        };
        return Err(ModelError::ActivationParameters { name, parameters, problem });
    }
    let mut functions = REGISTRY.write().unwrap_or_else(PoisonError::into_inner);
    if let Some(&known) = functions.get(name) {
        let same = (known as &dyn Any).downcast_ref::<F>().is_some_and(|known| *known == function);
        return if same { Ok(()) } else { Err(ModelError::ActivationTaken { name }) };
    }
    functions.insert(name, Box::leak(Box::new(function)));
    Ok(())
}
