//! Losses that another program defines.

use std::{
    fmt,
    sync::{OnceLock, PoisonError, RwLock},
};

use serde::{Deserialize, Deserializer, Serialize, de::Error};

/// What a loss of one number is a function of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Argument {
    /// The margin `u = yF` of a label ±1; with classes, `F_y − F_k` for each other class `k`, and
    /// the loss of a point is the sum over these classes.
    Margin,
    /// The residual `F − y` of a real-valued target; the loss of a point is the sum over its
    /// outputs.
    Residual,
}

/// A loss of one number, with its first two derivatives.
///
/// A program registers its loss under a name ([`OwnLoss::register`]) and can then write
/// `{"kind": "own", "name": "…"}` in specs. Stored runs know a loss by its name: give a changed loss
/// another name. The parameters of a loss, if it has any, belong to its name. [`check_loss`] compares the derivatives with finite
/// differences.
///
/// ```
/// use regime_train::{Argument, Loss, OwnLoss, PointLoss, check_loss};
///
/// /// `ln cosh r`: squared for small residuals, absolute for large ones.
/// struct LogCosh;
///
/// impl PointLoss for LogCosh {
///     fn argument(&self) -> Argument {
///         Argument::Residual
///     }
///     fn jet(&self, r: f64) -> [f64; 3] {
///         let value = r.abs() + (-2.0 * r.abs()).exp().ln_1p() - std::f64::consts::LN_2;
///         [value, r.tanh(), r.cosh().powi(-2)]
///     }
///     fn largest_curvature(&self) -> f64 {
///         1.0
///     }
/// }
///
/// check_loss(&LogCosh)?;
/// let loss = Loss::Own(OwnLoss::register("log-cosh", &LogCosh)?);
/// assert_eq!(loss.slope(0.0), 0.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait PointLoss: Send + Sync {
    /// What the loss is a function of.
    fn argument(&self) -> Argument;

    /// `[ℓ(u), ℓ'(u), ℓ''(u)]`. The loss must be convex: `ℓ'' ≥ 0`.
    fn jet(&self, u: f64) -> [f64; 3];

    /// The largest curvature, `max ℓ''`; 0 for a loss that is linear in pieces.
    fn largest_curvature(&self) -> f64;

    /// A margin at and above which the slope is less than `part` of the slope at 0, and the
    /// curvature less than `part` of the largest one. A flow then leaves out points beyond it. The
    /// default, `None`, follows all points.
    fn settled_above(&self, part: f64) -> Option<f64> {
        let _ = part;
        None
    }
}

/// A registered loss.
#[derive(Clone, Copy, Serialize)]
#[serde(into = "Name")]
pub struct OwnLoss {
    name: &'static str,
    loss: &'static dyn PointLoss,
}

/// The name of a registered loss.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct Name {
    /// The name under which the program has registered the loss.
    name: String,
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for OwnLoss {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "OwnLoss".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Name::json_schema(generator)
    }
}

fn registered() -> &'static RwLock<Vec<OwnLoss>> {
    static REGISTERED: OnceLock<RwLock<Vec<OwnLoss>>> = OnceLock::new();
    REGISTERED.get_or_init(RwLock::default)
}

impl OwnLoss {
    /// Registers a loss for this process. A second registration of the same object under the same
    /// name has no effect.
    ///
    /// # Errors
    /// [`OwnLossError::Taken`] if another loss has this name.
    pub fn register(
        name: &'static str,
        loss: &'static dyn PointLoss,
    ) -> Result<Self, OwnLossError> {
        let mut known = registered().write().unwrap_or_else(PoisonError::into_inner);
        if let Some(other) = known.iter().find(|other| other.name == name) {
            // Objects without size may share their address, so the values are compared, too.
            let same = std::ptr::addr_eq(other.loss, loss)
                && [-1.5, 0.0, 0.7, 2.0].iter().all(|&u| other.loss.jet(u) == loss.jet(u));
            return if same { Ok(*other) } else { Err(OwnLossError::Taken { name }) };
        }
        let own = Self { name, loss };
        known.push(own);
        Ok(own)
    }

    /// The registered loss with this name.
    ///
    /// # Errors
    /// [`OwnLossError::Unknown`]
    pub fn named(name: &str) -> Result<Self, OwnLossError> {
        let known = registered().read().unwrap_or_else(PoisonError::into_inner);
        known.iter().find(|own| own.name == name).copied().ok_or_else(|| OwnLossError::Unknown {
            name: name.to_owned(),
            known: known.iter().map(|own| own.name).collect(),
        })
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.name
    }

    /// The loss.
    pub fn loss(self) -> &'static dyn PointLoss {
        self.loss
    }
}

impl fmt::Debug for OwnLoss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OwnLoss").field(&self.name).finish()
    }
}

impl PartialEq for OwnLoss {
    fn eq(&self, other: &Self) -> bool {
        // Names are unique.
        self.name == other.name
    }
}

impl<'de> Deserialize<'de> for OwnLoss {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Name { name } = Name::deserialize(deserializer)?;
        Self::named(&name).map_err(D::Error::custom)
    }
}

impl From<OwnLoss> for Name {
    fn from(own: OwnLoss) -> Self {
        Self { name: own.name.to_owned() }
    }
}

/// Why a loss of another program cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum OwnLossError {
    /// Another loss has this name.
    #[error("another loss is registered as `{name}`")]
    Taken {
        /// The name.
        name: &'static str,
    },
    /// No loss has this name.
    #[error("no loss is registered as `{name}`; registered: {}", listed(known))]
    Unknown {
        /// The name.
        name: String,
        /// The registered names.
        known: Vec<&'static str>,
    },
    /// A derivative is wrong.
    #[error("the {derivative} of the loss at {at} is {given}, but finite differences give {found}")]
    Derivative {
        /// "slope" or "curvature".
        derivative: &'static str,
        /// The argument.
        at: f64,
        /// What the loss returns.
        given: f64,
        /// The central difference.
        found: f64,
    },
    /// The loss is not flat beyond the margin that it calls settled.
    #[error(
        "at {at}, beyond the margin settled for the part {part}, the slope of the loss is {slope} and \
         its curvature {curvature}: larger than this part of the slope at 0 and of the largest curvature"
    )]
    NotSettled {
        /// The margin.
        at: f64,
        /// The slope there.
        slope: f64,
        /// The curvature there.
        curvature: f64,
        /// The part that was asked for.
        part: f64,
    },
    /// A curvature is negative, or above the largest one.
    #[error("the curvature of the loss at {at} is {given}, but must be between 0 and {largest}")]
    Curvature {
        /// The argument.
        at: f64,
        /// What the loss returns.
        given: f64,
        /// The largest curvature that the loss states.
        largest: f64,
    },
}

fn listed(names: &[&str]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// Compares the derivatives of a loss with central differences at 161 arguments between −8 and 8,
/// to a relative error of 10⁻⁵. The arguments are not on a grid of round numbers, so that a kink at
/// such a number does no harm. Compares slope and curvature beyond
/// [`PointLoss::settled_above`] with what it promises.
///
/// # Errors
/// [`OwnLossError`] with the first argument at which a derivative is wrong or not finite.
pub fn check_loss(loss: &dyn PointLoss) -> Result<(), OwnLossError> {
    const STEP: f64 = 1e-5;
    let largest = loss.largest_curvature();
    for i in -80..=80 {
        let at = 0.1 * f64::from(i) + 0.0137;
        let [_, slope, curvature] = loss.jet(at);
        let ([above, slope_above, _], [below, slope_below, _]) =
            (loss.jet(at + STEP), loss.jet(at - STEP));
        let of_values = (above - below) / (2.0 * STEP);
        let of_slopes = (slope_above - slope_below) / (2.0 * STEP);
        for (derivative, given, found) in
            [("slope", slope, of_values), ("curvature", curvature, of_slopes)]
        {
            // Written so that NaN is refused.
            if !((given - found).abs() <= 1e-5 * f64::max(1.0, found.abs())) {
                return Err(OwnLossError::Derivative { derivative, at, given, found });
            }
        }
        if !(0.0..=largest * (1.0 + 1e-12)).contains(&curvature) {
            return Err(OwnLossError::Curvature { at, given: curvature, largest });
        }
    }
    let parts = [1e-2, 1e-4];
    for (part, margin) in parts.iter().filter_map(|part| Some((part, loss.settled_above(*part)?))) {
        let [_, at_zero, _] = loss.jet(0.0);
        for beyond in [0.0, 0.1, 1.0, 10.0] {
            let at = margin + beyond;
            let [_, slope, curvature] = loss.jet(at);
            if !(slope.abs() <= part * at_zero.abs() && curvature <= part * largest) {
                return Err(OwnLossError::NotSettled { at, slope, curvature, part: *part });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `½ k (1 − u)²`, with a slope that may be wrong.
    struct Spring {
        stiffness: f64,
        wrong: f64,
    }

    impl PointLoss for Spring {
        fn argument(&self) -> Argument {
            Argument::Margin
        }

        fn jet(&self, u: f64) -> [f64; 3] {
            let k = self.stiffness;
            [0.5 * k * (1.0 - u).powi(2), -(k + self.wrong) * (1.0 - u), k]
        }

        fn largest_curvature(&self) -> f64 {
            1.0
        }
    }

    #[test]
    fn wrong_derivatives_are_found() {
        assert_eq!(check_loss(&Spring { stiffness: 1.0, wrong: 0.0 }), Ok(()));
        let slope = check_loss(&Spring { stiffness: 1.0, wrong: 1e-3 }).unwrap_err();
        assert!(matches!(slope, OwnLossError::Derivative { derivative: "slope", .. }), "{slope}");
        let large = check_loss(&Spring { stiffness: 1.5, wrong: 0.0 }).unwrap_err();
        assert!(matches!(large, OwnLossError::Curvature { largest: 1.0, .. }), "{large}");
        assert!(check_loss(&Spring { stiffness: f64::NAN, wrong: 0.0 }).is_err());
    }

    #[test]
    fn a_name_belongs_to_one_loss() {
        static SPRING: Spring = Spring { stiffness: 1.0, wrong: 0.0 };
        static OTHER: Spring = Spring { stiffness: 0.5, wrong: 0.0 };
        let own = OwnLoss::register("spring", &SPRING).unwrap();
        assert_eq!(OwnLoss::register("spring", &SPRING), Ok(own));
        assert_eq!(
            OwnLoss::register("spring", &OTHER),
            Err(OwnLossError::Taken { name: "spring" })
        );
        let text = serde_json::to_string(&own).unwrap();
        assert_eq!(text, r#"{"name":"spring"}"#);
        assert_eq!(serde_json::from_str::<OwnLoss>(&text).unwrap(), own);
        let unknown = serde_json::from_str::<OwnLoss>(r#"{"name":"sprang"}"#).unwrap_err();
        let unknown = unknown.to_string();
        assert!(
            unknown.starts_with("no loss is registered as `sprang`; registered: "),
            "{unknown}"
        );
        assert!(unknown.contains("spring"), "{unknown}");
    }
}
