use ndarray::ArrayView2;
use regime_models::{Activation, ConvolutionalSpec, DenseSpec, ImageShape, NetworkSpec};

use super::{
    arc_cosine::ArcCosine,
    error::InfiniteError,
    initialisation::{Factors, InitialDeviations, ParameterRates},
    layout::{Layout, Readout},
    plan::{DEFAULT_MEMORY, Sizes},
    smooth::Smooth,
};

/// The kernels of a network of infinite width.
///
/// See the [module's documentation](super) for formulas, accuracy and costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InfiniteWidth {
    architecture: Architecture,
    pub(super) activation: Activation,
    bias: bool,
    gain: f64,
    deviations: InitialDeviations,
    rates: ParameterRates,
    memory: u64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Architecture {
    Dense { inputs: usize, hidden_layers: usize },
    Convolutional { spec: ConvolutionalSpec, readout: Readout },
}

impl InfiniteWidth {
    /// The limit `h → ∞` of a fully connected network; the width of `spec` is ignored.
    ///
    /// # Errors
    /// [`InfiniteError::Model`] for sizes of 0 (except the width) or a sharpness that is
    /// not positive.
    pub fn new(spec: &DenseSpec) -> Result<Self, InfiniteError> {
        let DenseSpec { inputs, hidden_layers, activation, bias, .. } = *spec;
        DenseSpec { width: 1, ..*spec }.build()?;
        Ok(Self::of_architecture(Architecture::Dense { inputs, hidden_layers }, activation, bias))
    }

    /// The limit `h → ∞` of a convolutional network; the width of `spec`, its channels, is
    /// ignored. With [`Readout::Mean`] it is the limit of the network that `spec` builds.
    ///
    /// # Errors
    /// [`InfiniteError::Model`] for a specification that does not build a network.
    pub fn convolutional(
        spec: &ConvolutionalSpec,
        readout: Readout,
    ) -> Result<Self, InfiniteError> {
        let spec = ConvolutionalSpec { width: 1, ..*spec };
        spec.build()?;
        let architecture = Architecture::Convolutional { spec, readout };
        Ok(Self::of_architecture(architecture, spec.activation, spec.bias))
    }

    /// The limit `h → ∞` of the network that `spec` builds.
    ///
    /// # Errors
    /// [`InfiniteError::Model`] as [`new`](Self::new) and
    /// [`convolutional`](Self::convolutional); [`InfiniteError::Architecture`] for a
    /// residual network.
    pub fn of(spec: &NetworkSpec) -> Result<Self, InfiniteError> {
        match spec {
            NetworkSpec::Dense(spec) => Self::new(spec),
            NetworkSpec::Convolutional(spec) => Self::convolutional(spec, Readout::Mean),
            NetworkSpec::WideResNet(_) => {
                Err(InfiniteError::Architecture { architecture: spec.architecture() })
            }
        }
    }

    fn of_architecture(architecture: Architecture, activation: Activation, bias: bool) -> Self {
        Self {
            architecture,
            activation,
            bias,
            gain: activation.gain(),
            deviations: InitialDeviations::default(),
            rates: ParameterRates::default(),
            memory: DEFAULT_MEMORY,
        }
    }

    /// Sets the standard deviations of the parameters at initialisation.
    ///
    /// # Errors
    /// [`InfiniteError::Parameter`] for deviations out of range, and for a deviation of the
    /// biases of a network without biases.
    pub fn with_deviations(self, deviations: InitialDeviations) -> Result<Self, InfiniteError> {
        Ok(Self { deviations: deviations.checked(self.bias)?, ..self })
    }

    /// Sets the learning rates of the parameters.
    ///
    /// # Errors
    /// [`InfiniteError::Parameter`] for rates that are negative or too large.
    pub fn with_rates(self, rates: ParameterRates) -> Result<Self, InfiniteError> {
        Ok(Self { rates: rates.checked()?, ..self })
    }

    /// Takes φ without its gain, so that `E φ(g)²` need not be 1.
    #[must_use]
    pub fn with_bare_activation(self) -> Self {
        Self { gain: 1.0, ..self }
    }

    /// The conventions of neural-tangents: `Dense(W_std, b_std)` or `Conv(…, W_std, b_std)` in
    /// its parametrisation `"ntk"` for every layer, with activations without a gain. A
    /// network without biases takes `b_std = 0`.
    ///
    /// There, a layer computes `W_std/√n W a + b_std b` with `W`, `b ~ N(0, 1)`. So the
    /// deviations are `W_std` and `b_std`, and the rates are their squares.
    ///
    /// # Errors
    /// As [`with_deviations`](Self::with_deviations).
    ///
    /// # Reference
    /// Novak et al., arXiv 1912.02803.
    pub fn neural_tangents(self, w_std: f64, b_std: f64) -> Result<Self, InfiniteError> {
        self.with_bare_activation()
            .with_deviations(InitialDeviations { weights: w_std, biases: b_std })?
            .with_rates(ParameterRates { weights: w_std * w_std, biases: b_std * b_std })
    }

    /// Sets the limit on the bytes that a kernel may need in memory, [`DEFAULT_MEMORY`] at
    /// first.
    #[must_use]
    pub fn with_memory(self, bytes: u64) -> Self {
        Self { memory: bytes, ..self }
    }

    /// Number of inputs of the network.
    pub fn inputs(&self) -> usize {
        match self.architecture {
            Architecture::Dense { inputs, .. } => inputs,
            Architecture::Convolutional { spec: ConvolutionalSpec { image, .. }, .. } => {
                ImageShape::n_inputs(image)
            }
        }
    }

    pub(super) fn checked(&self, x: &ArrayView2<'_, f64>) -> Result<(), InfiniteError> {
        let (found, wanted) = (x.ncols(), self.inputs());
        if found == wanted { Ok(()) } else { Err(InfiniteError::Inputs { found, wanted }) }
    }

    pub(super) fn arc_cosine(&self) -> ArcCosine {
        // The gain of ReLU is √2 only up to rounding.
        let factor = if self.gain == 1.0 { 0.5 } else { 1.0 };
        ArcCosine { factor }
    }

    pub(super) fn smooth(&self) -> Smooth {
        Smooth::new(self.activation, self.gain)
    }

    pub(super) fn sizes(&self, parts: usize) -> Sizes {
        let series = !matches!(self.activation, Activation::Relu | Activation::Gelu);
        Sizes::new(&self.layout(), series, parts, self.memory)
    }

    pub(super) fn layout(&self) -> Layout {
        match &self.architecture {
            Architecture::Dense { inputs, hidden_layers } => Layout::dense(*inputs, *hidden_layers),
            Architecture::Convolutional { spec, readout } => Layout::convolutional(spec, *readout),
        }
    }

    pub(super) fn factors(&self) -> Factors {
        let Self { deviations, rates, .. } = self;
        Factors {
            weights: deviations.weights * deviations.weights,
            biases: deviations.biases * deviations.biases,
            weights_rate: rates.weights,
            biases_rate: if self.bias { rates.biases } else { 0.0 },
        }
    }
}
