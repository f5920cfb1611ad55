use std::ops::Range;

use burn_tensor::{Tensor, backend::Backend};

use crate::{
    feed_forward::{FeedForward, FeedForwardTrace},
    multi_tape::MultiTape,
    network::{Network, Trace},
    tape::BlockTape,
};

/// A network with `K` outputs that share all layers but the last.
///
/// The weights of the last layer are `[h, K]`. The linearisation is a [`MultiTape`]; [`tapes`]
/// gives one [`BlockTape`] per output instead. With one output the network and its tape equal
/// those of `build` to the bit.
///
/// [`tapes`]: Self::tapes
///
/// # Shapes
/// - `w`: `[P]`
/// - `x`: `[n, d]`
/// - output: `[nK]`, output by output, as in [`Network`]; [`outputs`](Self::outputs): `[n, K]`
///
/// # Example
/// ```
/// use burn_flex::{Flex, FlexDevice};
/// use regime_models::{Activation, DenseSpec, Network, Precision, Tape, Trace};
///
/// let activation = Activation::Tanh;
/// let spec = DenseSpec { inputs: 2, width: 8, hidden_layers: 2, activation, bias: true };
/// let net = spec.build_outputs(3)?;
/// let w = Precision::F64.vector::<Flex>(&net.initial_weights(1), &FlexDevice);
/// let x = Precision::F64.matrix::<Flex>(&[0.5, -1.0, 2.0, 0.3], [2, 2], &FlexDevice);
///
/// // Two points, three outputs: output k of point i is number 2k + i.
/// let tape = net.trace(&w, &x).linearise();
/// assert_eq!(tape.n_points(), 6);
/// // The gradient of output 2 of point 1.
/// let gradient = tape.select(&[5]).vjp(Precision::F64.vector(&[1.0], &FlexDevice));
/// assert_eq!(gradient.dims(), [net.n_params()]);
/// # Ok::<(), regime_models::ModelError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct MultiOutput {
    net: FeedForward,
    n_outputs: usize,
}

impl MultiOutput {
    pub(crate) fn new(net: FeedForward, n_outputs: usize) -> Self {
        Self { net, n_outputs }
    }

    /// Number of inputs `d` of one point.
    pub fn n_inputs(&self) -> usize {
        self.net.n_inputs()
    }

    /// Number of parameters `P`.
    pub fn n_params(&self) -> usize {
        self.net.n_params()
    }

    /// Number of outputs `K`.
    pub fn n_outputs(&self) -> usize {
        self.n_outputs
    }

    /// The range of the parameters of each layer, as in [`FeedForward::layer_ranges`].
    pub fn layer_ranges(&self) -> Vec<Range<usize>> {
        self.net.layer_ranges()
    }

    /// The initial parameters `[P]` for `seed`, as in [`FeedForward::initial_weights`].
    pub fn initial_weights(&self, seed: u64) -> Vec<f64> {
        self.net.initial_weights(seed)
    }

    /// The outputs as a matrix with one row per point, `[n, K]`.
    ///
    /// # Panics
    /// When a shape differs from those of [`MultiOutput`].
    pub fn outputs<B: Backend>(&self, w: &Tensor<B, 1>, x: &Tensor<B, 2>) -> Tensor<B, 2> {
        self.net.outputs(w, x)
    }

    /// The linearisations of the `K` outputs, from one forward pass and a backward pass
    /// for each.
    ///
    /// # Panics
    /// When a shape differs from those of [`MultiOutput`].
    pub fn tapes<B: Backend>(&self, w: &Tensor<B, 1>, x: &Tensor<B, 2>) -> Vec<BlockTape<B>> {
        self.net.trace(w, x).tapes()
    }
}

impl<B: Backend> Network<B> for MultiOutput {
    type Trace = MultiTrace<B>;

    fn n_inputs(&self) -> usize {
        MultiOutput::n_inputs(self)
    }

    fn n_params(&self) -> usize {
        MultiOutput::n_params(self)
    }

    fn n_outputs(&self) -> usize {
        MultiOutput::n_outputs(self)
    }

    fn layer_ranges(&self) -> Vec<Range<usize>> {
        MultiOutput::layer_ranges(self)
    }

    fn forward(&self, w: &Tensor<B, 1>, x: &Tensor<B, 2>) -> Tensor<B, 1> {
        output_by_output(self.outputs(w, x))
    }

    fn trace(&self, w: &Tensor<B, 1>, x: &Tensor<B, 2>) -> MultiTrace<B> {
        MultiTrace { trace: self.net.trace(w, x) }
    }
}

/// The forward pass of a [`MultiOutput`] network.
#[derive(Debug, Clone)]
pub struct MultiTrace<B: Backend> {
    trace: FeedForwardTrace<B>,
}

impl<B: Backend> Trace<B> for MultiTrace<B> {
    type Tape = MultiTape<B>;

    fn output(&self) -> Tensor<B, 1> {
        output_by_output(self.trace.outputs())
    }

    /// As for any network; the preactivation of the last layer is the matrix of outputs, `[n, K]`.
    fn preactivations(&self) -> Option<Vec<Tensor<B, 2>>> {
        self.trace.preactivations()
    }

    /// As for any network; the rate of the last layer is `J v` as a matrix, `[n, K]`.
    fn preactivation_rates(&self, v: &Tensor<B, 1>) -> Option<Vec<Tensor<B, 2>>> {
        self.trace.preactivation_rates(v)
    }

    fn linearise(self) -> MultiTape<B> {
        MultiTape::new(self.trace.tapes())
    }
}

/// `[n, K]` → `[nK]`, output by output. Not a transpose, see docs/architecture.md on burn-tch.
fn output_by_output<B: Backend>(outputs: Tensor<B, 2>) -> Tensor<B, 1> {
    let [n, n_outputs] = outputs.dims();
    if n_outputs == 1 {
        return outputs.reshape([n]);
    }
    let columns = (0..n_outputs).map(|k| outputs.clone().narrow(1, k, 1).reshape([n]));
    Tensor::cat(columns.collect(), 0)
}
