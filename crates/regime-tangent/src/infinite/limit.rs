use ndarray::{Array2, ArrayView2, Axis, concatenate};
use regime_models::{Activation, ConvolutionalSpec, DenseSpec, ImageShape, NetworkSpec};

use super::{
    arc_cosine::ArcCosine,
    error::InfiniteError,
    initialisation::{Factors, InitialDeviations, ParameterRates},
    layout::{Layout, Readout},
    plan::{DEFAULT_MEMORY, InfinitePlan, Sizes, work_of_sums},
    points::Points,
    profile::Profile,
    recursion::{Pairs, Propagated, propagate, work_of_pair},
    smooth::Smooth,
};

/// The kernels of a network of infinite width.
///
/// See the [module's documentation](super) for formulas, accuracy and costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InfiniteWidth {
    architecture: Architecture,
    activation: Activation,
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

/// Both kernels of infinite width, on the same points or between two sets.
#[derive(Debug, Clone, PartialEq)]
pub struct InfiniteKernels {
    /// The covariance `E f(x) f(x')` over initialisations, `[n_a, n_b]`.
    pub nngp: Array2<f64>,
    /// The tangent kernel `∇f(x)·∇f(x')`, `[n_a, n_b]`.
    pub tangent: Array2<f64>,
    /// Bound on the error of every entry of both kernels, relative to `√(K(x,x) K(x',x'))` of
    /// the kernel: rounding, and the truncation of series. Directions in which a kernel is
    /// smaller than this times its trace are not known: see the [accuracy](super#accuracy).
    pub relative_error: f64,
}

/// The tangent kernels that lazy learning at infinite width needs.
#[derive(Debug, Clone, PartialEq)]
pub struct LazyLimit {
    /// On the training points, `[n, n]`, symmetric to the bit.
    pub train: Array2<f64>,
    /// Between test points (rows) and training points, `[n_test, n]`.
    pub test_train: Array2<f64>,
    /// Bound on the error of every entry of both, as
    /// [`InfiniteKernels::relative_error`].
    pub relative_error: f64,
}

/// Points whose pairs are looked at for a plan, and fewer where each has many positions.
const SAMPLE: usize = 24;
const SAMPLE_OF_IMAGES: usize = 5;

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

    /// Memory and work of both kernels between the points `a` and `b`, or on the points `a`,
    /// before they are computed.
    ///
    /// # Shapes
    /// `[n_a, d]`, `[n_b, d]`
    ///
    /// # Errors
    /// [`InfiniteError::Inputs`], [`InfiniteError::Point`] and [`InfiniteError::Overflow`],
    /// for the points of the sample.
    pub fn plan(
        &self,
        a: ArrayView2<'_, f64>,
        b: Option<ArrayView2<'_, f64>>,
    ) -> Result<InfinitePlan, InfiniteError> {
        let most = match self.architecture {
            Architecture::Dense { .. } => SAMPLE,
            Architecture::Convolutional { .. } => SAMPLE_OF_IMAGES,
        };
        let sample = |x: ArrayView2<'_, f64>| {
            let step = x.nrows().div_ceil(most).max(1);
            let rows: Vec<usize> = (0..x.nrows()).step_by(step).collect();
            x.select(Axis(0), &rows)
        };
        self.checked(&a)?;
        let mut points = sample(a);
        if let Some(b) = b {
            self.checked(&b)?;
            points = concatenate(Axis(0), &[points.view(), sample(b).view()])
                .expect("both have the inputs of the network");
        }
        let (layout, factors) = (self.layout(), self.factors());
        let points = Points::of(&[points.view()], &layout, &factors)?;
        let entries = match self.activation {
            Activation::Relu => {
                let law = self.arc_cosine();
                let profile = Profile::of(&law, &layout, &factors, points)?;
                work_of_pair(&law, &layout, &factors, &profile)
            }
            _ => {
                let law = self.smooth();
                let profile = Profile::of(&law, &layout, &factors, points)?;
                work_of_pair(&law, &layout, &factors, &profile)
            }
        };
        let work = work_of_sums(&layout, &factors) + entries;
        Ok(self.sizes(1).plan(a.nrows(), b.map(|b| b.nrows()), work))
    }

    /// Both kernels on the points `x`.
    ///
    /// # Shapes
    /// `[n, d]` → `[n, n]`, symmetric to the bit.
    ///
    /// # Errors
    /// [`InfiniteError::Inputs`], [`InfiniteError::Point`], [`InfiniteError::Overflow`];
    /// [`InfiniteError::Memory`] when the kernels need more than
    /// [the limit](Self::with_memory).
    pub fn kernels(&self, x: ArrayView2<'_, f64>) -> Result<InfiniteKernels, InfiniteError> {
        self.check_memory(x.nrows(), None)?;
        Ok(self.propagated(&[x], Pairs::own(x.nrows()), 1)?.into())
    }

    /// Both kernels between two sets of points.
    ///
    /// # Shapes
    /// `[n_a, d]`, `[n_b, d]` → `[n_a, n_b]`, up to rounding a block of the kernels on the
    /// union of both sets.
    ///
    /// # Errors
    /// As [`kernels`](Self::kernels), where the points of `b` are counted after those of `a`.
    pub fn cross_kernels(
        &self,
        a: ArrayView2<'_, f64>,
        b: ArrayView2<'_, f64>,
    ) -> Result<InfiniteKernels, InfiniteError> {
        self.check_memory(a.nrows(), Some(b.nrows()))?;
        Ok(self.propagated(&[a, b], Pairs::between(a.nrows(), b.nrows()), 1)?.into())
    }

    /// The contribution of each layer's parameters (weights and biases) to the tangent
    /// kernel, from the first layer to the last. Their sum is the tangent kernel.
    ///
    /// # Shapes
    /// `[n, d]` → `L + 1` times `[n, n]`, symmetric to the bit.
    ///
    /// # Errors
    /// As [`kernels`](Self::kernels).
    pub fn layer_kernels(&self, x: ArrayView2<'_, f64>) -> Result<Vec<Array2<f64>>, InfiniteError> {
        let parts = self.layout().layers.len() + 1;
        self.sizes(parts).check(x.nrows(), None)?;
        Ok(self.propagated(&[x], Pairs::own(x.nrows()), parts)?.contributions)
    }

    /// The tangent kernels that predict an experiment's lazy limit for wide networks.
    ///
    /// # Shapes
    /// `[n, d]`, `[n_test, d]` → `[n, n]` and `[n_test, n]`
    ///
    /// # Errors
    /// As [`kernels`](Self::kernels), for the training points and for both sets. In the second
    /// case the training points are counted after the test points.
    pub fn lazy_limit(
        &self,
        train: ArrayView2<'_, f64>,
        test: ArrayView2<'_, f64>,
    ) -> Result<LazyLimit, InfiniteError> {
        let own = self.kernels(train)?;
        let cross = self.cross_kernels(test, train)?;
        Ok(LazyLimit {
            train: own.tangent,
            test_train: cross.tangent,
            relative_error: own.relative_error.max(cross.relative_error),
        })
    }

    /// # Errors
    /// [`InfiniteError::Memory`]
    pub(super) fn check_memory(&self, a: usize, b: Option<usize>) -> Result<(), InfiniteError> {
        self.sizes(1).check(a, b)
    }

    /// Checks everything that can be wrong with points.
    ///
    /// # Errors
    /// As [`kernels`](Self::kernels), without [`InfiniteError::Memory`].
    pub(super) fn check_deviations(&self, x: ArrayView2<'_, f64>) -> Result<(), InfiniteError> {
        // The kernels between the points and no others.
        self.propagated(&[x], Pairs::between(x.nrows(), 0), 1).map(|_| ())
    }

    fn propagated(
        &self,
        sets: &[ArrayView2<'_, f64>],
        pairs: Pairs,
        parts: usize,
    ) -> Result<Propagated, InfiniteError> {
        sets.iter().try_for_each(|set| self.checked(set))?;
        let (layout, factors) = (self.layout(), self.factors());
        let points = Points::of(sets, &layout, &factors)?;
        match self.activation {
            Activation::Relu => {
                let law = self.arc_cosine();
                let profile = Profile::of(&law, &layout, &factors, points)?;
                Ok(propagate(&law, &layout, &factors, &profile, pairs, parts))
            }
            _ => {
                let law = self.smooth();
                let profile = Profile::of(&law, &layout, &factors, points)?;
                Ok(propagate(&law, &layout, &factors, &profile, pairs, parts))
            }
        }
    }

    fn checked(&self, x: &ArrayView2<'_, f64>) -> Result<(), InfiniteError> {
        let (found, wanted) = (x.ncols(), self.inputs());
        if found == wanted { Ok(()) } else { Err(InfiniteError::Inputs { found, wanted }) }
    }

    fn arc_cosine(&self) -> ArcCosine {
        // The gain of ReLU is √2 only up to rounding.
        let factor = if self.gain == 1.0 { 0.5 } else { 1.0 };
        ArcCosine { factor }
    }

    fn smooth(&self) -> Smooth {
        Smooth::new(self.activation, self.gain)
    }

    fn sizes(&self, parts: usize) -> Sizes {
        let series = !matches!(self.activation, Activation::Relu | Activation::Gelu);
        Sizes::new(&self.layout(), series, parts, self.memory)
    }

    fn layout(&self) -> Layout {
        match &self.architecture {
            Architecture::Dense { inputs, hidden_layers } => Layout::dense(*inputs, *hidden_layers),
            Architecture::Convolutional { spec, readout } => Layout::convolutional(spec, *readout),
        }
    }

    fn factors(&self) -> Factors {
        let Self { deviations, rates, .. } = self;
        Factors {
            weights: deviations.weights * deviations.weights,
            biases: deviations.biases * deviations.biases,
            weights_rate: rates.weights,
            biases_rate: if self.bias { rates.biases } else { 0.0 },
        }
    }
}

impl From<Propagated> for InfiniteKernels {
    fn from(mut propagated: Propagated) -> Self {
        Self {
            nngp: propagated.nngp,
            tangent: propagated.contributions.remove(0),
            relative_error: propagated.relative_error,
        }
    }
}
