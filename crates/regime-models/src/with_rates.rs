use std::{cell::OnceCell, ops::Range, sync::Arc};

use burn_tensor::{DType, Tensor, backend::Backend};

use crate::{
    block::Block,
    error::ModelError,
    network::{Network, Tape, Trace},
    rates::Rates,
    shared::{SharedLayer, SharedLayers},
};

/// A network in a metric with a learning rate for every parameter: a flow of it is
/// `dw/dt = −D ∇L` with `D = diag(rates)`.
///
/// The weights and the outputs are those of the network. Only what the flow and the kernel see
/// changes: [`vjp`](Tape::vjp) is `D Jᵀ`, the inner product is `⟨a, b⟩ = aᵀ D⁻¹ b`, and the kernel is
/// `J D Jᵀ`. [`jvp`](Tape::jvp) is `J v`, as without rates.
///
/// Parameters with the rate 0 are frozen, and the inner product leaves them out: `g·(J v) = ⟨D Jᵀg, v⟩`
/// holds for every `v` that does not move them, and so for every direction of the flow.
///
/// # Example
/// The rates of µP, in a network with the factors of this crate.
/// ```
/// use burn_flex::{Flex, FlexDevice};
/// use regime_models::{
///     Activation, Convention, DenseSpec, Layout, Network, NetworkSpec, Parametrisation, Precision,
///     Rates, Tape, Trace, WithRates,
/// };
///
/// let activation = Activation::Relu;
/// let spec = DenseSpec { inputs: 4, width: 16, hidden_layers: 2, activation, bias: true };
/// let layout = Layout::of(&NetworkSpec::Dense(spec))?;
/// let mu_p = Convention::from(Parametrisation::MU_P);
/// let here = Convention::from(Parametrisation::NTK);
/// let rates = Rates::of_convention(&layout, &mu_p, &here)?;
/// let start = layout.initial_weights(&Parametrisation::MU_P, 7);
/// let w0 = layout.convert(&start, &mu_p, &here);
///
/// let net = WithRates::new::<Flex>(spec.build()?, rates)?;
/// let w = Precision::F64.vector::<Flex>(&w0, &FlexDevice);
/// let x = Precision::F64.matrix::<Flex>(&[0.3, -0.8, 1.1, 0.2], [1, 4], &FlexDevice);
/// let tape = net.trace(&w, &x).linearise();
/// // A weight of the first layer moves 16 times as fast as one of the last.
/// let last = net.network().layer_ranges()[2].start;
/// assert_eq!(net.rates().to_vec()[0], 16.0 * net.rates().to_vec()[last]);
/// assert!(!tape.is_euclidean());
/// # Ok::<(), regime_models::ModelError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct WithRates<N> {
    net: N,
    rates: Arc<Rates>,
}

impl<N> WithRates<N> {
    /// Adds rates to a network. The network's own metric has to be Euclidean, or a diagonal one.
    ///
    /// # Errors
    /// [`ModelError::RateCount`] if there are more or fewer rates than parameters.
    pub fn new<B: Backend>(net: N, rates: Rates) -> Result<Self, ModelError>
    where
        N: Network<B>,
    {
        let (expected, found) = (net.n_params(), rates.n_params());
        if expected != found {
            return Err(ModelError::RateCount { of: "parameters", expected, found });
        }
        Ok(Self { net, rates: Arc::new(rates) })
    }

    /// The network without the rates.
    pub fn network(&self) -> &N {
        &self.net
    }

    /// The rates.
    pub fn rates(&self) -> &Rates {
        &self.rates
    }
}

impl<B: Backend, N: Network<B>> Network<B> for WithRates<N> {
    type Trace = RatesTrace<N::Trace>;

    fn n_inputs(&self) -> usize {
        self.net.n_inputs()
    }

    fn n_params(&self) -> usize {
        self.net.n_params()
    }

    fn n_outputs(&self) -> usize {
        self.net.n_outputs()
    }

    fn is_linear(&self) -> bool {
        self.net.is_linear()
    }

    fn check_inputs(&self, x: &Tensor<B, 2>) -> Result<(), String> {
        self.net.check_inputs(x)
    }

    fn check_kernel_inputs(&self, x: &Tensor<B, 2>) -> Result<(), String> {
        self.net.check_kernel_inputs(x)
    }

    fn layer_ranges(&self) -> Vec<Range<usize>> {
        self.net.layer_ranges()
    }

    fn forward(&self, w: &Tensor<B, 1>, x: &Tensor<B, 2>) -> Tensor<B, 1> {
        self.net.forward(w, x)
    }

    fn trace(&self, w: &Tensor<B, 1>, x: &Tensor<B, 2>) -> Self::Trace {
        RatesTrace { trace: self.net.trace(w, x), rates: Arc::clone(&self.rates) }
    }
}

/// The forward pass of a network [`WithRates`].
#[derive(Debug, Clone)]
pub struct RatesTrace<T> {
    trace: T,
    rates: Arc<Rates>,
}

impl<B: Backend, T: Trace<B>> Trace<B> for RatesTrace<T> {
    type Tape = RatesTape<B, T::Tape>;

    fn output(&self) -> Tensor<B, 1> {
        self.trace.output()
    }

    fn preactivations(&self) -> Option<Vec<Tensor<B, 2>>> {
        self.trace.preactivations()
    }

    fn preactivation_rates(&self, v: &Tensor<B, 1>) -> Option<Vec<Tensor<B, 2>>> {
        self.trace.preactivation_rates(v)
    }

    fn linearise(self) -> Self::Tape {
        RatesTape::new(self.trace.linearise(), self.rates)
    }
}

/// The linearisation of a network [`WithRates`].
///
/// If the weights of every layer have one rate, and its biases one, the [`blocks`](Tape::blocks) and
/// the [`shared_layers`](Tape::shared_layers) are those of `J √D`, and kernels cost as much as without
/// rates. They leave out frozen biases. Otherwise [`kernel_with`](Tape::kernel_with) computes the
/// kernel column by column, with a product with `Jᵀ` for one point and one with `J` for all points per
/// column: `n² P` multiply-adds, and no memory for the Jacobian.
#[derive(Debug, Clone)]
pub struct RatesTape<B: Backend, T> {
    tape: T,
    rates: Arc<Rates>,
    /// `D`, computed at the first request, like the others.
    diagonal: OnceCell<Tensor<B, 1>>,
    /// `D⁻¹`, with 0 for frozen parameters.
    inverse: OnceCell<Tensor<B, 1>>,
    blocks: OnceCell<Option<Vec<Block<B>>>>,
}

impl<B: Backend, T: Tape<B>> RatesTape<B, T> {
    fn new(tape: T, rates: Arc<Rates>) -> Self {
        let (diagonal, inverse, blocks) = (OnceCell::new(), OnceCell::new(), OnceCell::new());
        Self { tape, rates, diagonal, inverse, blocks }
    }

    fn scaled_blocks(&self) -> Option<Vec<Block<B>>> {
        self.tape.blocks()?.iter().map(|block| scaled_block(block, &self.rates)).collect()
    }

    /// `J D J'ᵀ`, column by column.
    fn kernel_by_columns(&self, other: &Self) -> Tensor<B, 2> {
        let (device, dtype) = self.placement();
        let n = self.n_points();
        let column = |point: usize| {
            let gradient = other.select(&[point]).vjp(Tensor::ones([1], (&device, dtype)));
            self.jvp(gradient).reshape([n, 1])
        };
        let kernel: Tensor<B, 2> = Tensor::cat((0..other.n_points()).map(column).collect(), 1);
        if !std::ptr::eq(self, other) {
            return kernel;
        }
        // Columns do not round symmetrically. Both live until they are added, see
        // docs/architecture.md on burn-tch.
        let transposed = kernel.clone().transpose();
        let sum = kernel.clone() + transposed.clone();
        drop((kernel, transposed));
        sum.mul_scalar(0.5)
    }
}

impl<B: Backend, T: Tape<B>> Tape<B> for RatesTape<B, T> {
    fn n_points(&self) -> usize {
        self.tape.n_points()
    }

    fn placement(&self) -> (B::Device, DType) {
        self.tape.placement()
    }

    fn n_params(&self) -> usize {
        self.tape.n_params()
    }

    fn row_cost(&self) -> f64 {
        self.tape.row_cost()
    }

    fn jvp(&self, v: Tensor<B, 1>) -> Tensor<B, 1> {
        self.tape.jvp(v)
    }

    fn vjp(&self, g: Tensor<B, 1>) -> Tensor<B, 1> {
        let diagonal = || self.rates.tensor(|rate| rate, self.placement());
        self.tape.vjp(g) * self.diagonal.get_or_init(diagonal).clone()
    }

    fn select(&self, points: &[usize]) -> Self {
        let blocks = OnceCell::new();
        let (diagonal, inverse) = (self.diagonal.clone(), self.inverse.clone());
        let (tape, rates) = (self.tape.select(points), Arc::clone(&self.rates));
        Self { tape, rates, diagonal, inverse, blocks }
    }

    fn blocks(&self) -> Option<&[Block<B>]> {
        self.blocks.get_or_init(|| self.scaled_blocks()).as_deref()
    }

    fn shared_layers(&self) -> Option<SharedLayers<B>> {
        let SharedLayers { layers, rows } = self.tape.shared_layers()?;
        let layers = layers.into_iter().map(|layer| scaled_layer(layer, &self.rates));
        Some(SharedLayers { layers: layers.collect::<Option<_>>()?, rows })
    }

    fn is_euclidean(&self) -> bool {
        false
    }

    fn inner(&self, a: Tensor<B, 1>, b: Tensor<B, 1>) -> f64 {
        let of = |rate: f64| if rate > 0.0 { rate.recip() } else { 0.0 };
        let inverse = self.inverse.get_or_init(|| self.rates.tensor(of, self.placement()));
        self.tape.inner(a * inverse.clone(), b)
    }

    fn kernel_with(&self, other: &Self) -> Option<Tensor<B, 2>> {
        // The callers take the kernel from the layers.
        let has_layers = |tape: &Self| tape.shared_layers().is_some() || tape.blocks().is_some();
        let from_layers = has_layers(self) && has_layers(other);
        (!from_layers).then(|| self.kernel_by_columns(other))
    }
}

/// The rates of a layer's weights and of its biases, `None` where they differ within one of the two.
/// The rate of biases that do not exist is 0.
fn common(
    rates: &Rates,
    weights: &Range<usize>,
    biases: Option<&Range<usize>>,
) -> Option<(f64, f64)> {
    let biases = match biases {
        Some(range) => rates.common(range)?,
        None => 0.0,
    };
    Some((rates.common(weights)?, biases))
}

/// A block of `J √D`. The gradient of the biases is the sensitivities, so they carry the root of the
/// biases' rate, and the factor of the weights carries the rest.
fn scaled_block<B: Backend>(block: &Block<B>, rates: &Rates) -> Option<Block<B>> {
    let (weights, biases) = common(rates, &block.weights, block.biases.as_ref())?;
    if biases == 0.0 {
        let weight_scale = block.weight_scale * weights.sqrt();
        return Some(Block { weight_scale, biases: None, ..block.clone() });
    }
    Some(Block {
        weight_scale: block.weight_scale * (weights / biases).sqrt(),
        sensitivities: match biases {
            1.0 => block.sensitivities.clone(),
            _ => block.sensitivities.clone().mul_scalar(biases.sqrt()),
        },
        ..block.clone()
    })
}

fn scaled_layer<B: Backend>(layer: SharedLayer<B>, rates: &Rates) -> Option<SharedLayer<B>> {
    let (weights, biases) = common(rates, &layer.weights, layer.biases.as_ref())?;
    let part = |start: usize, len: usize, rate: f64| {
        layer.inputs.clone().narrow(1, start, len).mul_scalar(rate.sqrt())
    };
    let columns = layer.inputs.dims()[1];
    let inputs = match layer.biases {
        Some(_) => {
            Tensor::cat(vec![part(0, columns - 1, weights), part(columns - 1, 1, biases)], 1)
        }
        None => part(0, columns, weights),
    };
    Some(SharedLayer { inputs, ..layer })
}
