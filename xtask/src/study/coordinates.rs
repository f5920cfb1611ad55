//! A coordinate check: the same network at several widths, a few steps of descent each,
//! and what a parametrisation says of it.

use anyhow::{Context, bail};
use burn::tensor::backend::Backend;
use regime_data::{DataSpec, Dataset};
use regime_models::{
    Convention, Layout, Limit, Network, NetworkSpec, Parametrisation, Precision, UnstableLimit,
};
use regime_scaling::{Equivalence, Expected, ExponentClaim, Sample};
use regime_train::{Coordinates, Loss, Objective, System, coordinates};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{BackendName, DeviceName, simulate::tensor};

/// Numbers that the gradients of one measurement may hold: 8 GiB of float64.
const MOST_NUMBERS: usize = 1 << 30;

/// What a coordinate check depends on. In a file, what is absent takes its default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct CoordinateSpec {
    /// Where tensors live.
    pub(crate) backend: BackendName,
    /// Which device of the backend. Default: cpu.
    pub(crate) device: DeviceName,
    /// Their element type.
    pub(crate) precision: Precision,
    /// The points to learn from, and, as its kernel points, those to measure on.
    /// Default: 16 and 32 of the embedded images, ten components.
    pub(crate) data: DataSpec,
    /// The network as in a run, without its width. Default: dense, three hidden
    /// layers, tanh.
    pub(crate) network: Map<String, Value>,
    /// The widths, two or more. Default: 32 to 512 in powers of 2.
    pub(crate) widths: Vec<usize>,
    /// How many initialisations per width. Default: 8.
    pub(crate) seeds: u64,
    /// The parametrisation: a name or a table. Default: ntk.
    pub(crate) parametrisation: Value,
    /// α of `F = α(f − f₀)`, in the convention of that parametrisation. Default: 1.
    pub(crate) alpha: f64,
    /// α falls with the width `h` as `h^−this`. Default: 0.
    pub(crate) alpha_exponent: f64,
    /// The base learning rate. Default: 0.3.
    pub(crate) rate: f64,
    /// All rates fall as `h^−this`, beside what the parametrisation says. Default: 0.
    pub(crate) rate_exponent: f64,
    /// Steps of descent, at least 1. Default: 6.
    pub(crate) steps: usize,
    /// The loss of a margin. Default: squared.
    pub(crate) loss: Loss,
    /// The parametrisation whose exponents are expected, if not the one that is run.
    pub(crate) expect: Option<Value>,
    /// The deviation of an exponent that still counts as agreement. Default: 0.2.
    pub(crate) margin: f64,
}

impl Default for CoordinateSpec {
    fn default() -> Self {
        let network = json!({
            "architecture": "dense",
            "inputs": 10,
            "hidden_layers": 3,
            "activation": {"kind": "tanh"},
            "bias": true,
        });
        let Value::Object(network) = network else { unreachable!("it is written as an object") };
        Self {
            backend: BackendName::default(),
            device: DeviceName::default(),
            precision: Precision::default(),
            data: DataSpec { n_train: 16, n_test: 1, n_kernel: 32, ..DataSpec::default() },
            network,
            widths: vec![32, 64, 128, 256, 512],
            seeds: 8,
            parametrisation: "ntk".into(),
            alpha: 1.0,
            alpha_exponent: 0.0,
            rate: 0.3,
            rate_exponent: 0.0,
            steps: 6,
            loss: Loss::Squared,
            expect: None,
            margin: 0.2,
        }
    }
}

/// A spec that has been found good.
#[derive(Debug, Clone)]
pub(crate) struct CoordinateCheck {
    spec: CoordinateSpec,
    /// By width.
    networks: Vec<NetworkSpec>,
    parametrisation: Parametrisation,
    /// What is expected; an unstable parametrisation leaves only that nothing grows.
    pub(crate) limit: Result<Limit, UnstableLimit>,
    hidden_layers: usize,
}

impl CoordinateCheck {
    /// Checks all that can be checked without the data.
    ///
    /// # Errors
    /// One line that names the first field out of its range.
    pub(crate) fn new(spec: CoordinateSpec) -> anyhow::Result<Self> {
        let CoordinateSpec { alpha, rate, margin, alpha_exponent, rate_exponent, .. } = spec;
        for (field, value) in [("alpha", alpha), ("rate", rate), ("margin", margin)] {
            if !(value.is_finite() && value > 0.0) {
                bail!("{field} is {value}, but has to be finite and greater than 0");
            }
        }
        for (field, value) in [("alpha_exponent", alpha_exponent), ("rate_exponent", rate_exponent)]
        {
            if !value.is_finite() {
                bail!("{field} is {value}, but has to be finite");
            }
        }
        if spec.steps == 0 || spec.seeds == 0 {
            bail!(
                "steps is {} and seeds {}, but each has to be at least 1",
                spec.steps,
                spec.seeds
            );
        }
        let mut widths = spec.widths.clone();
        widths.sort_unstable();
        widths.dedup();
        if widths.len() < 2 || widths.len() < spec.widths.len() {
            bail!("widths has to hold two or more different numbers");
        }
        spec.loss.check()?;
        spec.data.check()?;
        if spec.data.n_kernel == 0 {
            bail!("data.n_kernel is 0, but those are the points that are measured");
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
            let layout = Layout::of(&network).context("network")?;
            if layout.n_params().saturating_mul(spec.data.n_kernel) > MOST_NUMBERS {
                bail!(
                    "width {width}: {} parameters on {} points are more than fit into memory",
                    layout.n_params(),
                    spec.data.n_kernel
                );
            }
            let rates = layout.own_rates(&own, 1.0);
            hidden_layers = rates.len() - 1;
            bias = rates[0].biases.is_some();
            networks.push(network);
        }
        let limit = Limit::of(&expected, networks[0].activation(), hidden_layers, bias);
        Ok(Self { spec, networks, parametrisation, limit, hidden_layers })
    }

    /// What it was made of.
    pub(crate) fn spec(&self) -> &CoordinateSpec {
        &self.spec
    }

    /// What is to be run: width by width, the seeds of each.
    pub(crate) fn runs(&self) -> Vec<(NetworkSpec, u64)> {
        let of = |network: &NetworkSpec| {
            let network = *network;
            (0..self.spec.seeds).map(move |seed| (network, seed))
        };
        self.networks.iter().flat_map(of).collect()
    }

    /// Carries out one of them.
    ///
    /// # Errors
    /// Points that do not fit the network.
    pub(crate) fn measure<B: Backend>(
        &self,
        network: &NetworkSpec,
        seed: u64,
        data: &Dataset,
        device: &B::Device,
    ) -> anyhow::Result<Vec<Sample>> {
        let spec = &self.spec;
        let (net, layout) = (network.build()?, Layout::of(network)?);
        if data.train.dim() != net.n_inputs() {
            bail!(
                "network: it has {} inputs, but the points have {} coordinates",
                net.n_inputs(),
                data.train.dim()
            );
        }
        let alpha = spec.alpha * (network.width() as f64).powf(-spec.alpha_exponent);
        let own = Convention { parametrisation: self.parametrisation, alpha };
        // The network's own convention, with the same α.
        let house = Convention { parametrisation: Parametrisation::NTK, alpha };
        let w = layout.initial_weights(&self.parametrisation, seed);
        let w = spec.precision.vector::<B>(&layout.convert(&w, &own, &house), device);
        let rates = layout.per_parameter(&layout.learning_rates(&own, &house, spec.rate));
        let inputs = tensor::<B>(&data.train, spec.precision, device);
        let points = tensor::<B>(&data.kernel, spec.precision, device);

        let f0 = Precision::to_host(net.forward(&w, &inputs));
        let alpha_of_paper = regime_models::Alpha::paper(alpha)?;
        let objective = Objective::new(alpha_of_paper, spec.loss, data.train.y.to_vec(), f0)?;
        let system = System::new(&net, inputs, objective);
        let told = coordinates(&system, &w, &rates, &points, spec.steps)
            .context("the network does not show its preactivations")?;
        let width = network.width() as f64;
        Ok(told
            .iter()
            .filter(|coordinates| self.steps().contains(&coordinates.step))
            .flat_map(|coordinates| {
                let step = coordinates.step;
                let sample = move |(quantity, value)| Sample { quantity, step, width, seed, value };
                quantities(coordinates, alpha).into_iter().map(sample)
            })
            .collect())
    }

    /// What ought to hold.
    pub(crate) fn claims(&self) -> Vec<ExponentClaim> {
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

    /// The steps that are judged: the start, the first step and the last.
    fn steps(&self) -> Vec<usize> {
        let mut steps = vec![0, 1, self.spec.steps];
        steps.dedup();
        steps
    }

    /// The exponents that are judged at one step; `None` where all that
    /// can be asked is that nothing grows.
    fn exponents(&self, step: usize) -> Vec<(String, Option<f64>)> {
        let layers = 1..=self.hidden_layers;
        let expected = |of: &dyn Fn(&Limit) -> f64| self.limit.as_ref().ok().map(of);
        let mut all: Vec<_> = layers
            .clone()
            .map(|layer| (value_of(layer), expected(&|limit| limit.preactivation())))
            .collect();
        if step == 0 {
            // Later it is a sum of two powers; its change is the one that counts.
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
            // After the first step alone, a term that falls by √n more than the one that
            // wins in the end would still be in front at any width one can afford.
            all.push((KERNEL_CHANGE.into(), expected(&|limit| limit.kernel_change(step))));
        }
        all
    }
}

const OUTPUT: &str = "output";
const KERNEL: &str = "kernel";
const OUTPUT_CHANGE: &str = "change of output";
const KERNEL_CHANGE: &str = "change of kernel";

fn value_of(layer: usize) -> String {
    format!("preactivations {layer}")
}

fn change_of(layer: usize) -> String {
    format!("change of preactivations {layer}")
}

/// The numbers of one moment by name; outputs are those of `F`, without its `f₀`.
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

/// A parametrisation by its name or as a table.
fn table(field: &str, value: &Value) -> anyhow::Result<Parametrisation> {
    let Value::String(name) = value else {
        return serde_json::from_value(value.clone()).with_context(|| field.to_owned());
    };
    Parametrisation::named(name).with_context(|| {
        let names: Vec<&str> = Parametrisation::NAMED.iter().map(|(name, _)| *name).collect();
        format!("{field}: there is no '{name}': choose {} or write a table", names.join(", "))
    })
}

fn with_width(network: &Map<String, Value>, width: usize) -> anyhow::Result<NetworkSpec> {
    if network.contains_key("width") {
        bail!("network: its width is one of `widths`");
    }
    let mut network = network.clone();
    network.insert("width".into(), width.into());
    serde_json::from_value(Value::Object(network)).context("network")
}
