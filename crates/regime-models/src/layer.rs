//! One affine layer and the ranges of its parameters.

use std::{ops::Range, sync::Arc};

use crate::{activation::Activation, window::Window};

/// `z = c·a·W + b` with `c = 1/√k`, at every position of a window or once.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Layer {
    /// Number of inputs `k`; for a convolution taps times channels.
    pub(crate) inputs: usize,
    /// Number of outputs `m`.
    pub(crate) outputs: usize,
    pub(crate) window: Option<Arc<Window>>,
    pub(crate) weights: Range<usize>,
    pub(crate) biases: Option<Range<usize>>,
}

impl Layer {
    /// The factor `c` in front of the weights.
    pub(crate) fn scale(&self) -> f64 {
        (self.inputs as f64).sqrt().recip()
    }

    /// The range of all its parameters.
    pub(crate) fn range(&self) -> Range<usize> {
        self.weights.start..self.biases.as_ref().unwrap_or(&self.weights).end
    }
}

/// An affine layer `z = s·a·W + t·b`, and the activation that follows it.
#[derive(Debug, Clone)]
pub(crate) struct ChainLayer {
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    /// `s`
    pub(crate) scale: f64,
    /// `t`
    pub(crate) bias_scale: f64,
    pub(crate) weights: Range<usize>,
    pub(crate) biases: Option<Range<usize>>,
    /// `gain · φ`; `None` after the last layer.
    pub(crate) activation: Option<(Activation, f64)>,
}

/// Moves the gains and sharpnesses of the activations into the scales of the layers, so that an
/// activation needs fewer passes over its values. The output of the chain stays the same:
/// `gain · softplus(z; β)` is `gain/β · ln(1 + eˣ)` with `x = βz`. The factor β goes into the
/// scales of the layer before the activation, and `gain/β` into the scale of the next layer.
pub(crate) fn folded(mut chain: Vec<ChainLayer>) -> Vec<ChainLayer> {
    let mut before = 1.0;
    for layer in &mut chain {
        layer.scale *= before;
        if let Some((activation, gain)) = &mut layer.activation {
            before = *gain;
            *gain = 1.0;
            if let Activation::Softplus { beta } = activation {
                layer.scale *= *beta;
                layer.bias_scale *= *beta;
                before /= *beta;
                *beta = 1.0;
            }
        }
    }
    chain
}
