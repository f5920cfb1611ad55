//! A coordinate check: trains the same network at several widths for a few steps, and compares
//! the exponents of the measured quantities with those that a parametrisation predicts.

use burn_tensor::backend::Backend;
use rayon::prelude::*;
use regime_data::Dataset;
use regime_models::{
    Alpha, Convention, Layout, Limit, NetworkSpec, Parametrisation, UnstableLimit,
};
use regime_scaling::{
    BootstrapConfig, Equivalence, Expected, ExponentCheck, ExponentClaim, Pairing, Sample,
    check_exponents,
};
use regime_train::{Coordinates, System, Targets, coordinates};
use serde_json::{Map, Value};

use crate::{
    coordinate_spec::CoordinateSpec, error::StudyError, points::tensor, ready::fits,
    spec::check_parameters, spec_file::from_value,
};

/// The largest numbers of widths, of seeds and of steps. A larger number is a mistake.
const MAX_WIDTHS: usize = 100;
const MAX_SEEDS: u64 = 10_000;
const MAX_STEPS: usize = 100_000;

/// A coordinate check whose spec is valid.
#[derive(Debug, Clone)]
pub struct CoordinateCheck {
    spec: CoordinateSpec,
    /// By width.
    networks: Vec<NetworkSpec>,
    parametrisation: Parametrisation,
    /// The expected exponents. For an unstable parametrisation the check only requires that
    /// nothing grows.
    pub limit: Result<Limit, UnstableLimit>,
    hidden_layers: usize,
}

impl CoordinateCheck {
    /// Checks everything that can be checked without the data.
    ///
    /// # Errors
    /// One line that names the first field out of its range.
    pub fn new(spec: CoordinateSpec) -> Result<Self, StudyError> {
        let CoordinateSpec { alpha, rate, margin, alpha_exponent, rate_exponent, .. } = spec;
        for (field, value) in [("alpha", alpha), ("rate", rate), ("margin", margin)] {
            if !(value.is_finite() && value > 0.0) {
                return Err(StudyError::field(field, value, "must be finite and greater than 0"));
            }
        }
        for (field, value) in [("alpha_exponent", alpha_exponent), ("rate_exponent", rate_exponent)]
        {
            if !value.is_finite() {
                return Err(StudyError::field(field, value, "must be finite"));
            }
        }
        if !(1..=MAX_STEPS).contains(&spec.steps) {
            return Err(StudyError::field(
                "steps",
                spec.steps,
                format!("must be 1 to {MAX_STEPS}"),
            ));
        }
        if !(1..=MAX_SEEDS).contains(&spec.seeds) {
            return Err(StudyError::field(
                "seeds",
                spec.seeds,
                format!("must be 1 to {MAX_SEEDS}"),
            ));
        }
        if spec.widths.len() > MAX_WIDTHS {
            let requirement = format!("must be at most {MAX_WIDTHS}");
            return Err(StudyError::field("the number of widths", spec.widths.len(), requirement));
        }
        let mut widths = spec.widths.clone();
        widths.sort_unstable();
        widths.dedup();
        if widths.len() < 2 || widths.len() < spec.widths.len() {
            let message = "widths has to hold two or more different numbers";
            return Err(StudyError::Mismatch(message.into()));
        }
        spec.loss.check()?;
        spec.data.check()?;
        if spec.data.n_kernel == 0 {
            let requirement = "must be at least 1: kernel points are measured";
            return Err(StudyError::field("data.n_kernel", 0, requirement));
        }

        let own = table("parametrisation", &spec.parametrisation)?;
        let parametrisation = own.slower(rate_exponent);
        let expected = match &spec.expect {
            Some(value) => table("expect", value)?,
            None => parametrisation.with_alpha(alpha_exponent),
        };
        let mut networks = Vec::with_capacity(spec.widths.len());
        let (mut hidden_layers, mut bias) = (0, false);
        for &width in &spec.widths {
            let network = with_width(&spec.network, width)?;
            let layout = Layout::of(&network).map_err(StudyError::Network)?;
            check_parameters(layout.n_params())?;
            let rates = layout.own_rates(&own, 1.0);
            hidden_layers = rates.len() - 1;
            bias = rates[0].biases.is_some();
            networks.push(network);
        }
        let limit = Limit::of(&expected, networks[0].activation(), hidden_layers, bias);
        Ok(Self { spec, networks, parametrisation, limit, hidden_layers })
    }

    /// The spec of the check.
    pub fn spec(&self) -> &CoordinateSpec {
        &self.spec
    }

    /// Network and seed of every measurement: width by width, all seeds of a width in order.
    pub fn runs(&self) -> Vec<(NetworkSpec, u64)> {
        let of = |network: &NetworkSpec| {
            let network = *network;
            (0..self.spec.seeds).map(move |seed| (network, seed))
        };
        self.networks.iter().flat_map(of).collect()
    }

    /// Estimated bytes of the measurement of the widest network, the data not included: weights,
    /// gradient and rates, the passes over both sets of points, and the kernels.
    pub fn memory_bytes(&self) -> f64 {
        // Gradients of some outputs of a convolution, and their scaled copy.
        const GRADIENTS: f64 = 2.0 * (1 << 25) as f64;
        let CoordinateSpec { data, precision, .. } = &self.spec;
        let of = |network: &NetworkSpec| {
            let Ok(net) = network.build() else { return 0.0 };
            let points = (2 * data.n_train + 2 * data.n_kernel) as f64;
            let kernels = 4.0 * (data.n_kernel as f64).powi(2);
            let n_params = net.n_params() as f64;
            let gradients = match network {
                NetworkSpec::Dense(_) => 0.0,
                _ => GRADIENTS.min(2.0 * data.n_kernel as f64 * n_params),
            };
            let tensors = 5.0 * n_params + points * net.trace_size() + kernels + gradients;
            // Weights and rates on the host are of float64 in any case.
            tensors * precision.bytes() as f64 + 8.0 * 3.0 * n_params
        };
        self.networks.iter().map(of).fold(0.0, f64::max)
    }

    /// Makes all measurements in the current rayon pool, and checks every exponent. `measured` is
    /// called after each measurement, on the thread that made it.
    ///
    /// # Errors
    /// As [`Self::measure`].
    pub fn run<B: Backend>(
        &self,
        data: &Dataset,
        device: &B::Device,
        measured: &(dyn Fn() + Sync),
    ) -> Result<ExponentCheck, StudyError> {
        let samples: Result<Vec<Vec<Sample>>, StudyError> = self
            .runs()
            .par_iter()
            .map(|(network, seed)| {
                let samples = self.measure::<B>(network, *seed, data, device);
                measured();
                samples
            })
            .collect();
        // Networks of different widths are independent, also with the same seed.
        let pairing = Pairing::Independent;
        let config = BootstrapConfig::default();
        Ok(check_exponents(&samples?.concat(), &self.claims(), pairing, &config))
    }

    /// Makes one measurement.
    ///
    /// # Errors
    /// When the points do not fit the network.
    pub fn measure<B: Backend>(
        &self,
        network: &NetworkSpec,
        seed: u64,
        data: &Dataset,
        device: &B::Device,
    ) -> Result<Vec<Sample>, StudyError> {
        let spec = &self.spec;
        let net = network.build().map_err(StudyError::Network)?;
        let layout = Layout::of(network).map_err(StudyError::Network)?;
        fits(&net, data)?;
        let alpha = spec.alpha * (network.width() as f64).powf(-spec.alpha_exponent);
        let own = Convention { parametrisation: self.parametrisation, alpha };
        // The network's own convention, with the same α.
        let ntk = Convention { parametrisation: Parametrisation::NTK, alpha };
        let w = layout.initial_weights(&self.parametrisation, seed);
        let w = spec.precision.vector::<B>(&layout.convert(&w, &own, &ntk), device);
        let rates = layout.per_parameter(&layout.learning_rates(&own, &ntk, spec.rate));
        let inputs = tensor::<B>(&data.train, spec.precision, device);
        let points = tensor::<B>(&data.kernel, spec.precision, device);

        let system = System::builder(&net, &inputs)
            .targets(Targets::signs(data.train.y.to_vec())?)
            .alpha(Alpha::paper(alpha).map_err(StudyError::Alpha)?)
            .loss(spec.loss)
            .weights(&w)
            .build()?;
        let measured = coordinates(&system, &w, &rates, &points, spec.steps).ok_or_else(|| {
            StudyError::Mismatch("the network cannot report its preactivations".into())
        })?;
        let width = network.width() as f64;
        Ok(measured
            .iter()
            .filter(|coordinates| self.steps().contains(&coordinates.step))
            .flat_map(|coordinates| {
                let step = coordinates.step;
                let sample = move |(quantity, value)| Sample { quantity, step, width, seed, value };
                quantities(coordinates, alpha).into_iter().map(sample)
            })
            .collect())
    }

    /// The claims that are checked.
    pub fn claims(&self) -> Vec<ExponentClaim> {
        let mut claims = Vec::new();
        for step in self.steps() {
            for (quantity, exponent) in self.exponents(step) {
                let margin = self.spec.margin;
                let expected = match exponent {
                    Some(target) => Expected::Near(Equivalence { target, margin }),
                    None => Expected::AtMost(margin),
                };
                claims.push(ExponentClaim { quantity, step, expected });
            }
        }
        claims
    }

    /// The steps that are checked: the start, the first step and the last.
    fn steps(&self) -> Vec<usize> {
        let mut steps = vec![0, 1, self.spec.steps];
        steps.dedup();
        steps
    }

    /// The exponents that are checked at one step; `None` where the only requirement is that
    /// nothing grows.
    fn exponents(&self, step: usize) -> Vec<(String, Option<f64>)> {
        let layers = 1..=self.hidden_layers;
        let expected = |of: &dyn Fn(&Limit) -> f64| self.limit.as_ref().ok().map(of);
        let mut all: Vec<_> = layers
            .clone()
            .map(|layer| (value_of(layer), expected(&|limit| limit.preactivation())))
            .collect();
        if step == 0 {
            // At later steps the output is a sum of two powers, and only its change is checked.
            all.push((OUTPUT.into(), expected(&|limit| limit.output(step))));
        }
        all.push((KERNEL.into(), expected(&|limit| limit.kernel(step))));
        if step > 0 {
            all.extend(layers.map(|layer| {
                let change = expected(&|limit| limit.preactivation_change(layer, step));
                (change_of(layer), change)
            }));
            all.push((OUTPUT_CHANGE.into(), expected(&|limit| limit.output_change(step))));
        }
        if step > 0 && step == self.spec.steps {
            // After one step, a term that is smaller than the leading term by √n is still the
            // larger one at every affordable width.
            all.push((KERNEL_CHANGE.into(), expected(&|limit| limit.kernel_change(step))));
        }
        all
    }
}

const OUTPUT: &str = "output";
const KERNEL: &str = "kernel";
const OUTPUT_CHANGE: &str = "Δ output";
const KERNEL_CHANGE: &str = "Δ kernel";

fn value_of(layer: usize) -> String {
    format!("preactivations {layer}")
}

fn change_of(layer: usize) -> String {
    format!("Δ preactivations {layer}")
}

/// The measured numbers of one step, by name. Outputs are `α f`, that is `F` without `f₀`.
fn quantities(of: &Coordinates, alpha: f64) -> Vec<(String, f64)> {
    let layers = || of.preactivations.iter().zip(1..);
    let mut all: Vec<(String, f64)> =
        layers().map(|(layer, at)| (value_of(at), layer.value)).collect();
    all.push((OUTPUT.into(), alpha * of.output.value));
    all.push((KERNEL.into(), of.kernel));
    if of.step > 0 {
        all.extend(layers().map(|(layer, at)| (change_of(at), layer.change)));
        all.push((OUTPUT_CHANGE.into(), alpha * of.output.change));
        all.push((KERNEL_CHANGE.into(), of.kernel_change));
    }
    all
}

/// Reads a parametrisation, given by its name or as a table.
fn table(field: &str, value: &Value) -> Result<Parametrisation, StudyError> {
    let wrong = |reason: String| StudyError::Parse { place: field.to_owned(), reason };
    let Value::String(name) = value else {
        return serde_json::from_value(value.clone()).map_err(|e| wrong(e.to_string()));
    };
    Parametrisation::named(name).ok_or_else(|| {
        let names: Vec<&str> = Parametrisation::NAMED.iter().map(|(name, _)| *name).collect();
        wrong(format!("there is no '{name}': choose {} or write a table", names.join(", ")))
    })
}

/// The network of a spec at one width.
fn with_width(network: &Map<String, Value>, width: usize) -> Result<NetworkSpec, StudyError> {
    let wrong = |reason: String| StudyError::Parse { place: "network".into(), reason };
    if network.contains_key("width") {
        return Err(wrong("it must have no width: the widths are given in `widths`".into()));
    }
    let mut network = network.clone();
    network.insert("width".into(), width.into());
    let schema = schemars::schema_for!(NetworkSpec).to_value();
    from_value(Value::Object(network), &schema)
        .map_err(|reason| StudyError::Parse { place: "network".into(), reason })
}
