//! A digest of the problem that a flow integrates, stored in its checkpoints.

use burn_tensor::{Tensor, backend::Backend};
use regime_models::{Network, Precision, Tape, Trace};
use serde::{Deserialize, Serialize};

use crate::{
    flow_error::FlowError,
    objective::{Derivatives, Objective},
    selection::numbered,
};

/// The rates of at most this many points are part of a digest.
const RATED_POINTS: usize = 128;

/// A summary that differs for different problems, except by an improbable coincidence. It finds
/// mistakes, not forgeries.
///
/// Inputs and weights are compared within 10⁻⁶ of their norm: their rounding can depend on the
/// machine that computes them. The initial outputs and their rates are compared within 10⁻³ of their
/// norm, since a network rounds them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Digest {
    /// Of the sizes of the network, the targets, α and the loss.
    pub(crate) problem: u64,
    /// The training inputs.
    pub(crate) inputs: Sketch,
    /// The initial weights.
    pub(crate) initial: Sketch,
    /// The initial outputs `f₀`. `None` in a checkpoint of an earlier version.
    #[serde(default)]
    pub(crate) outputs: Option<Sketch>,
    /// `J ∇L` of some points at the initial weights: it depends on the activation, the kernel, and
    /// the learning rates. `None` in a checkpoint of an earlier version, and where it is not finite.
    #[serde(default)]
    pub(crate) rates: Option<Sketch>,
}

impl Digest {
    /// The digest without the rates.
    pub(crate) fn of<B: Backend>(
        sizes: &[usize],
        objective: &Objective,
        inputs: &Tensor<B, 2>,
        initial: Sketch,
    ) -> Self {
        let alpha = objective.alpha().value().to_bits();
        let words = sizes.iter().map(|&size| size as u64).chain([alpha]);
        let mut problem = Fnv::default();
        words.for_each(|word| problem.bytes(&word.to_le_bytes()));
        problem.bytes(format!("{:?}", objective.criterion()).as_bytes());
        let (inputs, outputs) = (Sketch::of(inputs.clone()), Sketch::finite(objective.initial()));
        Self { problem: problem.0, inputs, initial, outputs, rates: None }
    }

    /// The digest with the rates, for a network whose initial weights are `w`.
    pub(crate) fn whole<B: Backend, N: Network<B>>(
        net: &N,
        objective: &Objective,
        inputs: &Tensor<B, 2>,
        w: &Tensor<B, 1>,
    ) -> Self {
        Self::of(&sizes(net), objective, inputs, Sketch::of(w.clone()))
            .with_rates(net, objective, inputs, w)
    }

    /// Adds the initial rates of the outputs of a network whose initial weights are `w`.
    fn with_rates<B: Backend, N: Network<B>>(
        self,
        net: &N,
        objective: &Objective,
        inputs: &Tensor<B, 2>,
        w: &Tensor<B, 1>,
    ) -> Self {
        let n = objective.n_points();
        let rated = n.min(RATED_POINTS);
        let points: Vec<usize> = (0..rated).map(|i| i * n / rated).collect();
        let Derivatives { gradient, .. } =
            objective.derivatives(&objective.margins(objective.initial()));
        let rows = objective.rows_of(&points);
        let gradient: Vec<f64> = rows.iter().map(|&row| gradient[row]).collect();
        let indices = numbered::<B>(&points, &inputs.device());
        let tape = net.trace(w, &inputs.clone().select(0, indices)).linearise();
        let gradient = Precision::of(inputs.dtype()).vector(&gradient, &inputs.device());
        let rates = Precision::to_host(tape.jvp(tape.vjp(gradient)));
        Self { rates: Sketch::finite(&rates), ..self }
    }

    /// Compares the digest in a checkpoint with that of a system.
    pub(crate) fn check(self, system: Self) -> Result<(), FlowError> {
        let part = if self.problem != system.problem {
            "targets, α, loss or network"
        } else if !self.inputs.agrees_with(system.inputs, GIVEN) {
            "inputs"
        } else if !self.initial.agrees_with(system.initial, GIVEN) {
            "initial weights"
        } else if differ(self.outputs, system.outputs) {
            "initial outputs"
        } else if differ(self.rates, system.rates) {
            "initial rates of the outputs (they depend on the activation, the kernel, and the learning \
             rates)"
        } else {
            return Ok(());
        };
        Err(FlowError::OtherProblem { part })
    }
}

/// The sizes of a network: inputs, outputs, and the end of the parameters of each layer.
pub(crate) fn sizes<B: Backend, N: Network<B> + ?Sized>(net: &N) -> Vec<usize> {
    let ends = net.layer_ranges().into_iter().map(|range| range.end);
    [net.n_inputs(), net.n_outputs(), net.n_params()].into_iter().chain(ends).collect()
}

/// The relative difference that inputs and weights may have.
const GIVEN: f64 = 1e-6;

/// The relative difference that outputs and rates may have.
const COMPUTED: f64 = 1e-3;

/// Whether two sketches that are both known differ.
fn differ(a: Option<Sketch>, b: Option<Sketch>) -> bool {
    a.zip(b).is_some_and(|(a, b)| !a.agrees_with(b, COMPUTED))
}

/// The norm of some numbers and their sum with random signs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sketch {
    norm: f64,
    sum: f64,
}

impl Sketch {
    pub(crate) fn of<B: Backend, const D: usize>(values: Tensor<B, D>) -> Self {
        Self::of_host(&Precision::to_host(values))
    }

    /// `None` if a number is not finite: JSON has no such numbers.
    fn finite(values: &[f64]) -> Option<Self> {
        let sketch = Self::of_host(values);
        (sketch.norm.is_finite() && sketch.sum.is_finite()).then_some(sketch)
    }

    fn of_host(values: &[f64]) -> Self {
        let (mut squares, mut sum) = (0.0, 0.0);
        for (index, &value) in values.iter().enumerate() {
            squares += value * value;
            sum += if is_negative(index as u64) { -value } else { value };
        }
        Self { norm: f64::sqrt(squares), sum }
    }

    fn agrees_with(self, other: Self, relative: f64) -> bool {
        let allowed = relative * self.norm.max(other.norm);
        (self.norm - other.norm).abs() <= allowed && (self.sum - other.sum).abs() <= allowed
    }
}

/// A random sign for each index.
///
/// # Reference
/// The finaliser of SplitMix64: G. L. Steele, D. Lea, C. H. Flood, OOPSLA 2014, 453–472.
fn is_negative(index: u64) -> bool {
    let z = index.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) & 1 == 1
}

/// # Reference
/// The hash FNV-1a of 64 bits, by G. Fowler, L. C. Noll and K.-P. Vo: RFC 9923.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn bytes(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Fnv, is_negative};

    #[test]
    fn known_values_of_the_hash() {
        let of = |text: &str| {
            let mut sum = Fnv::default();
            sum.bytes(text.as_bytes());
            sum.0
        };
        // From the test vectors of the reference implementation.
        assert_eq!(of(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(of("a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(of("foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn signs_are_balanced() {
        let negative = (0..10_000).filter(|&index| is_negative(index)).count();
        assert!(negative.abs_diff(5000) < 200, "{negative}");
    }
}
