//! A digest of the problem that a flow integrates, stored in its checkpoints.

use burn_tensor::{Tensor, backend::Backend};
use regime_models::Precision;
use serde::{Deserialize, Serialize};

use crate::{flow_error::FlowError, objective::Objective};

/// Two 64-bit numbers that differ for different problems, except by an improbable coincidence.
/// They find mistakes, not forgeries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Digest {
    /// Of the sizes of the network, the training inputs, the targets, α and the loss.
    pub(crate) problem: u64,
    /// Of the initial weights.
    pub(crate) weights: u64,
}

impl Digest {
    pub(crate) fn of_weights<B: Backend>(initial: &Tensor<B, 1>) -> u64 {
        let mut sum = Fnv::default();
        sum.numbers(&Precision::to_host(initial.clone()));
        sum.0
    }
}

impl Digest {
    /// Compares the digest in a checkpoint with that of a system.
    pub(crate) fn check(self, system: Self) -> Result<(), FlowError> {
        let part = match (self.problem == system.problem, self.weights == system.weights) {
            (true, true) => return Ok(()),
            (true, false) => "initial weights",
            _ => "inputs, targets, α, loss or network",
        };
        Err(FlowError::OtherProblem { part })
    }
}

/// What the first part of a digest covers. The initial outputs are not part of it: their rounding
/// depends on the backend, and the initial weights determine them.
pub(crate) struct Problem<'a, B: Backend> {
    pub(crate) inputs: &'a Tensor<B, 2>,
    pub(crate) objective: &'a Objective,
    /// Sizes of the network.
    pub(crate) sizes: Vec<usize>,
}

impl<B: Backend> Problem<'_, B> {
    pub(crate) fn digest(&self) -> u64 {
        let Self { inputs, objective, sizes } = self;
        let mut sum = Fnv::default();
        sizes.iter().for_each(|&size| sum.word(size as u64));
        sum.bytes(format!("{:?} {:?}", objective.loss(), objective.labels()).as_bytes());
        sum.numbers(&[objective.alpha().value()]);
        sum.bytes(format!("{:?}", inputs.dims()).as_bytes());
        sum.numbers(&Precision::to_host((*inputs).clone()));
        sum.0
    }
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

    fn word(&mut self, word: u64) {
        self.bytes(&word.to_le_bytes());
    }

    fn numbers(&mut self, values: &[f64]) {
        values.iter().for_each(|value| self.word(value.to_bits()));
    }
}

#[cfg(test)]
mod tests {
    use super::Fnv;

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
}
