//! Networks that know how they are initialised.

use std::sync::Arc;

use burn_tensor::{Tensor, backend::Backend};
use regime_models::{FeedForward, MultiOutput, WithRates};

/// A network with a random initialisation.
pub trait Initialised {
    /// Weights drawn with this seed, `[P]`.
    fn initial_weights(&self, seed: u64) -> Vec<f64>;
}

impl Initialised for FeedForward {
    fn initial_weights(&self, seed: u64) -> Vec<f64> {
        self.initial_weights(seed)
    }
}

impl Initialised for MultiOutput {
    fn initial_weights(&self, seed: u64) -> Vec<f64> {
        self.initial_weights(seed)
    }
}

impl<N: Initialised + ?Sized> Initialised for &N {
    fn initial_weights(&self, seed: u64) -> Vec<f64> {
        (**self).initial_weights(seed)
    }
}

impl<N: Initialised + ?Sized> Initialised for Arc<N> {
    fn initial_weights(&self, seed: u64) -> Vec<f64> {
        (**self).initial_weights(seed)
    }
}

/// The rates do not change the initial weights.
impl<N: Initialised> Initialised for WithRates<N> {
    fn initial_weights(&self, seed: u64) -> Vec<f64> {
        self.network().initial_weights(seed)
    }
}

/// A network that holds the weights from which it starts: a kernel at zero coefficients, a
/// linearised network at the weights of its expansion. For a burn module `net` in a `ModuleNetwork`,
/// use `.weights(net.values())`.
pub trait Origin<B: Backend> {
    /// These weights, `[P]`.
    fn origin(&self) -> Tensor<B, 1>;
}

impl<B: Backend, N: Origin<B> + ?Sized> Origin<B> for &N {
    fn origin(&self) -> Tensor<B, 1> {
        (**self).origin()
    }
}

impl<B: Backend, N: Origin<B> + ?Sized> Origin<B> for Arc<N> {
    fn origin(&self) -> Tensor<B, 1> {
        (**self).origin()
    }
}

impl<B: Backend, N: Origin<B>> Origin<B> for WithRates<N> {
    fn origin(&self) -> Tensor<B, 1> {
        self.network().origin()
    }
}
