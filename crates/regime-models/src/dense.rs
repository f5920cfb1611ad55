use serde::{Deserialize, Serialize};

use crate::{
    Activation, ModelError,
    feed_forward::{Builder, FeedForward, INPUT, MAX_LAYERS, MAX_WIDTH, at_least_one, at_most},
    multi_output::MultiOutput,
};

/// A fully connected network in the parametrisation of the paper.
///
/// With `L` hidden layers of width `h`, inputs `x ∈ ℝᵈ`, `z⁰ = x`:
///
/// ```text
/// z̃¹ = W⁰x/√d + b⁰      zˡ = φ(z̃ˡ)      z̃ˡ⁺¹ = Wˡzˡ/√h + bˡ      f = Wᴸzᴸ/√h + bᴸ
/// ```
///
/// Weights start as `N(0, 1)` and biases at 0. The factors are part of the forward
/// pass (NTK parametrisation).
///
/// # Reference
/// Geiger, Spigler, Jacot, Wyart, arXiv 1906.08034 v1, section 2.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DenseSpec {
    /// Number of inputs `d`, at least 1.
    pub inputs: usize,
    /// Width `h` of every hidden layer, at least 1.
    pub width: usize,
    /// Number of hidden layers `L`, at least 1.
    pub hidden_layers: usize,
    /// The non-linearity φ.
    pub activation: Activation,
    /// Whether the layers, the last one included, have biases (the paper: yes).
    pub bias: bool,
}

impl DenseSpec {
    /// A network of `inputs` inputs and width `width`, with two hidden layers, the softplus of the
    /// paper (β = 5) and biases. Methods change these choices:
    ///
    /// ```
    /// use regime_models::{Activation, DenseSpec};
    ///
    /// let net = DenseSpec::new(2, 20).hidden_layers(3).activation(Activation::Tanh).build()?;
    /// assert_eq!(net.n_params(), (2 + 1) * 20 + 2 * (20 + 1) * 20 + (20 + 1));
    /// # Ok::<(), regime_models::ModelError>(())
    /// ```
    #[must_use]
    pub fn new(inputs: usize, width: usize) -> Self {
        let activation = Activation::Softplus { beta: 5.0 };
        Self { inputs, width, hidden_layers: 2, activation, bias: true }
    }

    /// The same network with this number of hidden layers.
    #[must_use]
    pub fn hidden_layers(self, hidden_layers: usize) -> Self {
        Self { hidden_layers, ..self }
    }

    /// The same network with this non-linearity.
    #[must_use]
    pub fn activation(self, activation: Activation) -> Self {
        Self { activation, ..self }
    }

    /// The same network with or without biases.
    #[must_use]
    pub fn bias(self, bias: bool) -> Self {
        Self { bias, ..self }
    }

    /// Builds the network.
    ///
    /// # Errors
    /// [`ModelError`] for a size of 0 or a sharpness that is not positive.
    pub fn build(&self) -> Result<FeedForward, ModelError> {
        self.plan(1)
    }

    /// Builds the same network with `outputs` outputs, which share all layers but the last.
    ///
    /// # Errors
    /// As [`build`](Self::build), and when `outputs` is 0.
    pub fn build_outputs(&self, outputs: usize) -> Result<MultiOutput, ModelError> {
        self.plan(outputs).map(|net| MultiOutput::new(net, outputs))
    }

    fn plan(&self, outputs: usize) -> Result<FeedForward, ModelError> {
        at_least_one(&[("outputs", outputs)])?;
        let Self { inputs, width, hidden_layers, activation, bias } = *self;
        at_least_one(&[("inputs", inputs), ("width", width), ("hidden_layers", hidden_layers)])?;
        at_most(MAX_WIDTH, &[("inputs", inputs), ("width", width), ("outputs", outputs)])?;
        at_most(MAX_LAYERS, &[("hidden_layers", hidden_layers)])?;
        activation.check()?;
        let mut net = Builder::new(inputs, inputs);
        let (mut at, mut k) = (INPUT, inputs);
        for _ in 0..hidden_layers {
            let z = net.affine(at, [k, width], bias, None);
            at = net.activation(z, activation);
            k = width;
        }
        net.affine(at, [k, outputs], bias, None);
        Ok(net.finish())
    }
}
