use std::{ops::Range, sync::Arc};

use burn_tensor::{Tensor, backend::Backend};
use rayon::prelude::*;

use crate::{
    Activation, ModelError,
    block::Block,
    dispatch::operations,
    init::standard_normals,
    layer::{ChainLayer, Layer},
    memory::Memory,
    network::{Network, Trace},
    rows::joined,
    tape::BlockTape,
    window::Window,
};

/// A network of affine layers, non-linearities, sums and means, in the order of
/// evaluation. [`DenseSpec`](crate::DenseSpec),
/// [`ConvolutionalSpec`](crate::ConvolutionalSpec) and
/// [`WideResNetSpec`](crate::WideResNetSpec) build it.
///
/// The parameter vector holds the layers in order: for each layer the weights `[k, m]`
/// in row-major order, then the biases. For a convolution, `k` runs over the taps in
/// reading order and, within each tap, over the channels.
///
/// A clone shares all data with the original.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedForward {
    plan: Arc<Plan>,
}

/// Nodes in the order of evaluation; the value of the last node is the output.
#[derive(Debug, PartialEq)]
struct Plan {
    /// Number of values of one input point.
    inputs: usize,
    /// Channels of the map of a point; 1 for greyscale images.
    channels: usize,
    nodes: Vec<Node>,
    layers: Vec<Layer>,
}

/// Maximum number of values in the trace of one part of the points on a GPU: half a gibibyte in
/// float64.
const DEVICE_NUMBERS: u32 = 1 << 26;

/// Number of rows from which a product is about as fast as with many rows.
const MIN_ROWS: usize = 96;

/// The index of an earlier node.
pub(crate) type Source = usize;

/// The index of the input node.
pub(crate) const INPUT: Source = 0;

#[derive(Debug, PartialEq)]
enum Node {
    /// The points, as maps with channels.
    Input,
    /// The layer with the index `layer`, applied to the node `of`.
    Affine { layer: usize, of: Source },
    /// `gain · φ`.
    Activation { activation: Activation, gain: f64, of: Source },
    /// `Σ c·value`.
    Mix { terms: [(Source, f64); 2] },
    /// The mean over the `pixels` of each point.
    Mean { pixels: usize, of: Source },
}

/// A network under construction.
pub(crate) struct Builder {
    plan: Plan,
    n_params: usize,
}

impl Builder {
    /// Starts a network for points of `inputs` values, which are maps with `channels` channels.
    pub(crate) fn new(inputs: usize, channels: usize) -> Self {
        let plan = Plan { inputs, channels, nodes: vec![Node::Input], layers: Vec::new() };
        Self { plan, n_params: 0 }
    }

    /// Adds an affine layer with `inputs` inputs and `outputs` outputs.
    pub(crate) fn affine(
        &mut self,
        of: Source,
        [inputs, outputs]: [usize; 2],
        bias: bool,
        window: Option<Arc<Window>>,
    ) -> Source {
        let mut take = |n: usize| {
            self.n_params += n;
            self.n_params - n..self.n_params
        };
        let weights = take(inputs * outputs);
        let biases = bias.then(|| take(outputs));
        self.plan.layers.push(Layer { inputs, outputs, window, weights, biases });
        self.push(Node::Affine { layer: self.plan.layers.len() - 1, of })
    }

    /// Adds a convolution of maps with `channels` channels.
    pub(crate) fn convolution(
        &mut self,
        of: Source,
        window: &Arc<Window>,
        [channels, outputs]: [usize; 2],
        bias: bool,
    ) -> Source {
        let inputs = window.n_taps() * channels;
        self.affine(of, [inputs, outputs], bias, Some(Arc::clone(window)))
    }

    /// Adds a normalised non-linearity.
    pub(crate) fn activation(&mut self, of: Source, activation: Activation) -> Source {
        self.push(Node::Activation { activation, gain: activation.gain(), of })
    }

    /// Adds the sum `Σ c·value`.
    pub(crate) fn mix(&mut self, terms: [(Source, f64); 2]) -> Source {
        self.push(Node::Mix { terms })
    }

    /// Adds the mean over the pixels of each point.
    pub(crate) fn mean(&mut self, of: Source, pixels: usize) -> Source {
        self.push(Node::Mean { pixels, of })
    }

    /// Returns the network. Its output is the node added last.
    pub(crate) fn finish(self) -> FeedForward {
        FeedForward { plan: Arc::new(self.plan) }
    }

    fn push(&mut self, node: Node) -> Source {
        self.plan.nodes.push(node);
        self.plan.nodes.len() - 1
    }
}

impl Node {
    fn sources(&self) -> impl Iterator<Item = Source> {
        let (first, second) = match *self {
            Self::Input => (None, None),
            Self::Affine { of, .. } | Self::Activation { of, .. } | Self::Mean { of, .. } => {
                (Some(of), None)
            }
            Self::Mix { terms } => (Some(terms[0].0), Some(terms[1].0)),
        };
        first.into_iter().chain(second)
    }
}

impl FeedForward {
    /// Number of inputs of one point.
    pub fn n_inputs(&self) -> usize {
        self.plan.inputs
    }

    /// Number of parameters `P`.
    pub fn n_params(&self) -> usize {
        self.plan.layers.last().expect("a network has layers").range().end
    }

    /// The range of the parameters (weights and biases) of each layer, from
    /// the first layer to the last.
    pub fn layer_ranges(&self) -> Vec<Range<usize>> {
        self.plan.layers.iter().map(Layer::range).collect()
    }

    /// The network as a chain of affine layers, each followed by its activation. Returns `None`
    /// for any other network, and for several outputs.
    pub(crate) fn chain(&self) -> Option<Vec<ChainLayer>> {
        let mut chain: Vec<ChainLayer> = Vec::with_capacity(self.plan.layers.len());
        for (at, node) in self.plan.nodes.iter().enumerate() {
            match *node {
                Node::Input => {}
                Node::Affine { layer, of } if of + 1 == at => {
                    let layer = &self.plan.layers[layer];
                    let free = chain.last().is_none_or(|before| before.activation.is_some());
                    if layer.window.is_some() || !free {
                        return None;
                    }
                    chain.push(ChainLayer {
                        inputs: layer.inputs,
                        outputs: layer.outputs,
                        scale: layer.scale(),
                        bias_scale: 1.0,
                        weights: layer.weights.clone(),
                        biases: layer.biases.clone(),
                        activation: None,
                    });
                }
                Node::Activation { activation, gain, of } if of + 1 == at => {
                    let layer = chain.last_mut().filter(|layer| layer.activation.is_none())?;
                    layer.activation = Some((activation, gain));
                }
                _ => return None,
            }
        }
        let last = chain.last()?;
        (last.outputs == 1 && last.activation.is_none()).then_some(chain)
    }

    /// The affine layers, from the first to the last.
    pub(crate) fn layers(&self) -> &[Layer] {
        &self.plan.layers
    }

    /// The initial parameters `[P]` for `seed`: weights `N(0, 1)`, drawn in the order of
    /// the parameter vector, and biases 0. They are drawn on the host, so they are the
    /// same on every backend.
    pub fn initial_weights(&self, seed: u64) -> Vec<f64> {
        let mut normals = standard_normals(seed);
        let mut w = vec![0.0; self.n_params()];
        for layer in &self.plan.layers {
            for (value, normal) in w[layer.weights.clone()].iter_mut().zip(&mut normals) {
                *value = normal;
            }
        }
        w
    }

    /// Multiply-adds of the products in a forward pass of one point.
    pub fn forward_cost(&self) -> f64 {
        let of = |layer: &Layer| {
            let positions = layer.window.as_ref().map_or(1, |window| window.n_positions());
            (positions * layer.weights.len()) as f64
        };
        self.plan.layers.iter().map(of).sum()
    }

    /// Number of values in the trace of one point: the inputs and slopes of every layer.
    pub fn trace_size(&self) -> f64 {
        let of = |layer: &Layer| {
            let positions = layer.window.as_ref().map_or(1, |window| window.n_positions());
            (positions * layer.outputs) as f64
        };
        self.plan.inputs as f64 + 2.0 * self.plan.layers.iter().map(of).sum::<f64>()
    }

    /// Splits the points into parts. On the host the trace of a part fits into a core's
    /// cache, unless the layers are so wide that products would have too few rows. On a
    /// device with its own memory a part has at most [`DEVICE_NUMBERS`] values.
    ///
    /// Parts are evaluated in parallel. The split does not depend on the number of threads,
    /// and sums over parts are taken in the order of the parts, so the results are the same
    /// to the bit for any number of threads.
    fn parts<B: Backend>(&self, x: &Tensor<B, 2>) -> Vec<Tensor<B, 2>> {
        let n = x.dims()[0];
        let has_maps = self.plan.layers.iter().any(|layer| layer.window.is_some());
        // A product with few rows is slow. A point with maps has many rows.
        let min_step = if has_maps { 1 } else { MIN_ROWS };
        let numbers = f64::from(match Memory::of::<B>(&x.device()) {
            Memory::Host => operations::<B>().part_numbers(),
            Memory::Device => DEVICE_NUMBERS,
        });
        let step = ((numbers / self.trace_size()) as usize).max(min_step);
        if step >= n {
            return vec![x.clone()];
        }
        let part = |start: usize| x.clone().narrow(0, start, step.min(n - start));
        (0..n).step_by(step).map(part).collect()
    }

    /// Computes the values of the last node, `[n, K]`, and saves nothing.
    pub(crate) fn outputs<B: Backend>(&self, w: &Tensor<B, 1>, x: &Tensor<B, 2>) -> Tensor<B, 2> {
        joined(self.parts(x).into_par_iter().map(|x| self.evaluate(w, &x, None)).collect())
    }

    fn sweeps<B: Backend>(&self, w: &Tensor<B, 1>, x: &Tensor<B, 2>) -> Vec<Sweep<B>> {
        let sweep = |x: Tensor<B, 2>| {
            let mut saved = Vec::with_capacity(self.plan.nodes.len());
            let output = self.evaluate(w, &x, Some(&mut saved));
            Sweep { saved, output }
        };
        self.parts(x).into_par_iter().map(sweep).collect()
    }

    /// Evaluates the nodes in order. `save`, if present, collects what a linearisation
    /// needs.
    fn evaluate<B: Backend>(
        &self,
        w: &Tensor<B, 1>,
        x: &Tensor<B, 2>,
        mut save: Option<&mut Vec<Saved<B>>>,
    ) -> Tensor<B, 2> {
        let Plan { inputs, channels, nodes, layers } = &*self.plan;
        assert_eq!(w.dims(), [self.n_params()], "the parameter vector has the wrong length");
        assert_eq!(x.dims()[1], *inputs, "the points have the wrong number of inputs");
        let n = x.dims()[0];
        let mut values: Vec<Option<Tensor<B, 2>>> = Vec::with_capacity(nodes.len());
        for (at, node) in nodes.iter().enumerate() {
            // The last use of a value takes it, so that its memory can be overwritten.
            let mut take = |of: Source| {
                let used_again = nodes[at + 1..].iter().any(|node| node.sources().any(|s| s == of));
                let value = if used_again { values[of].clone() } else { values[of].take() };
                value.expect("sources come before their uses")
            };
            let mut saved = Saved::Nothing;
            let value = match *node {
                Node::Input => x.clone().reshape([n * (inputs / channels), *channels]),
                Node::Affine { layer, of } => {
                    let a = take(of);
                    if save.is_some() {
                        saved = Saved::Inputs(a.clone());
                    }
                    layers[layer].forward(w, a)
                }
                Node::Activation { activation, gain, of } if save.is_some() => {
                    let (value, slope) = activation.value_and_slope(gain, take(of));
                    saved = Saved::Slopes(slope);
                    value
                }
                Node::Activation { activation, gain, of } => activation.value(gain, take(of)),
                Node::Mix { terms: [(a, c), (b, d)] } => {
                    take(a).mul_scalar(c) + take(b).mul_scalar(d)
                }
                Node::Mean { pixels, of } => mean(take(of), pixels),
            };
            values.push(Some(value));
            if let Some(save) = &mut save {
                save.push(saved);
            }
        }
        values.pop().flatten().expect("a network has an output")
    }
}

impl<B: Backend> Network<B> for FeedForward {
    type Trace = FeedForwardTrace<B>;

    fn n_inputs(&self) -> usize {
        FeedForward::n_inputs(self)
    }

    fn n_params(&self) -> usize {
        FeedForward::n_params(self)
    }

    fn layer_ranges(&self) -> Vec<Range<usize>> {
        FeedForward::layer_ranges(self)
    }

    fn forward(&self, w: &Tensor<B, 1>, x: &Tensor<B, 2>) -> Tensor<B, 1> {
        column(self.outputs(w, x))
    }

    fn trace(&self, w: &Tensor<B, 1>, x: &Tensor<B, 2>) -> FeedForwardTrace<B> {
        FeedForwardTrace { net: self.clone(), w: w.clone(), sweeps: self.sweeps(w, x) }
    }
}

/// The forward pass of a [`FeedForward`] network.
#[derive(Debug, Clone)]
pub struct FeedForwardTrace<B: Backend> {
    net: FeedForward,
    w: Tensor<B, 1>,
    sweeps: Vec<Sweep<B>>,
}

impl<B: Backend> FeedForwardTrace<B> {
    /// The values of the last node, `[n, K]`.
    pub(crate) fn outputs(&self) -> Tensor<B, 2> {
        joined(self.sweeps.iter().map(|sweep| sweep.output.clone()).collect())
    }

    /// The linearisation of each output, from one backward pass per output. The blocks of all
    /// outputs share their inputs.
    pub(crate) fn tapes(&self) -> Vec<BlockTape<B>> {
        let tape = |output: usize| {
            let parts = self
                .sweeps
                .par_iter()
                .map(|sweep| sweep.clone().linearise(&self.net.plan, &self.w, output));
            BlockTape::new(parts.collect())
        };
        (0..self.sweeps[0].output.dims()[1]).map(tape).collect()
    }
}

impl<B: Backend> Trace<B> for FeedForwardTrace<B> {
    type Tape = BlockTape<B>;

    fn output(&self) -> Tensor<B, 1> {
        column(self.outputs())
    }

    fn preactivations(&self) -> Option<Vec<Tensor<B, 2>>> {
        let Plan { nodes, layers, .. } = &*self.net.plan;
        let mut of_layers = vec![Vec::new(); layers.len()];
        for sweep in &self.sweeps {
            for (node, saved) in nodes.iter().zip(&sweep.saved) {
                if let (Node::Affine { layer, .. }, Saved::Inputs(a)) = (node, saved) {
                    of_layers[*layer].push(layers[*layer].forward(&self.w, a.clone()));
                }
            }
        }
        Some(of_layers.into_iter().map(joined).collect())
    }

    fn preactivation_rates(&self, v: &Tensor<B, 1>) -> Option<Vec<Tensor<B, 2>>> {
        let mut of_layers = vec![Vec::new(); self.net.plan.layers.len()];
        for sweep in &self.sweeps {
            let rates = sweep.preactivation_rates(&self.net.plan, &self.w, v);
            of_layers.iter_mut().zip(rates).for_each(|(all, rate)| all.push(rate));
        }
        Some(of_layers.into_iter().map(joined).collect())
    }

    fn linearise(self) -> BlockTape<B> {
        let Self { net, w, sweeps } = self;
        let parts = sweeps.into_par_iter().map(|sweep| sweep.linearise(&net.plan, &w, 0));
        BlockTape::new(parts.collect())
    }
}

/// The forward pass of some of the points.
#[derive(Debug, Clone)]
struct Sweep<B: Backend> {
    /// One entry per node.
    saved: Vec<Saved<B>>,
    /// `[n, K]`.
    output: Tensor<B, 2>,
}

/// What a node saves for the backward pass.
#[derive(Debug, Clone)]
enum Saved<B: Backend> {
    Nothing,
    /// The inputs of an affine layer.
    Inputs(Tensor<B, 2>),
    /// `gain · φ'`.
    Slopes(Tensor<B, 2>),
}

impl<B: Backend> Sweep<B> {
    fn preactivation_rates(
        &self,
        plan: &Plan,
        w: &Tensor<B, 1>,
        v: &Tensor<B, 1>,
    ) -> Vec<Tensor<B, 2>> {
        let Plan { nodes, layers, .. } = plan;
        let mut rates: Vec<Option<Tensor<B, 2>>> = Vec::with_capacity(nodes.len());
        let mut of_layers = Vec::with_capacity(layers.len());
        for (node, saved) in nodes.iter().zip(&self.saved) {
            let rate = match (node, saved) {
                (Node::Input, _) => None,
                (&Node::Affine { layer, of }, Saved::Inputs(a)) => {
                    let layer = &layers[layer];
                    let own = layer.forward(v, a.clone());
                    let rate = match &rates[of] {
                        Some(rate) => own + layer.linear(w, rate.clone()),
                        None => own,
                    };
                    of_layers.push(rate.clone());
                    Some(rate)
                }
                (&Node::Activation { of, .. }, Saved::Slopes(slopes)) => {
                    rates[of].clone().map(|rate| rate * slopes.clone())
                }
                (Node::Mix { terms }, _) => {
                    let rate = |(of, c): (Source, f64)| rates[of].clone().map(|r| r.mul_scalar(c));
                    match (rate(terms[0]), rate(terms[1])) {
                        (Some(a), Some(b)) => Some(a + b),
                        (a, b) => a.or(b),
                    }
                }
                (&Node::Mean { pixels, of }, _) => rates[of].clone().map(|rate| mean(rate, pixels)),
                _ => unreachable!("a node saves what its kind needs"),
            };
            rates.push(rate);
        }
        of_layers
    }

    /// Runs the backward pass of one output and returns its blocks.
    fn linearise(self, plan: &Plan, w: &Tensor<B, 1>, output: usize) -> Vec<Block<B>> {
        let Plan { nodes, layers, .. } = plan;
        let mut deltas: Vec<Option<Tensor<B, 2>>> = nodes.iter().map(|_| None).collect();
        let last = one_output(self.output.dims(), output, &self.output);
        *deltas.last_mut().expect("a network has an output") = Some(last);
        let mut blocks = Vec::with_capacity(layers.len());
        for (at, (node, saved)) in nodes.iter().zip(self.saved).enumerate().rev() {
            let Some(delta) = deltas[at].take() else { continue };
            let mut add = |of: Source, delta: Tensor<B, 2>| {
                deltas[of] = Some(match deltas[of].take() {
                    Some(sum) => sum + delta,
                    None => delta,
                });
            };
            match (node, saved) {
                (Node::Input, _) => {}
                (&Node::Affine { layer, of }, Saved::Inputs(sources)) => {
                    let layer = &layers[layer];
                    // No parameters come before the points.
                    if of != INPUT {
                        add(of, layer.back(w, delta.clone()));
                    }
                    blocks.push(Block {
                        sources,
                        window: layer.window.clone(),
                        sensitivities: delta,
                        weight_scale: layer.scale(),
                        weights: layer.weights.clone(),
                        biases: layer.biases.clone(),
                    });
                }
                (&Node::Activation { of, .. }, Saved::Slopes(slopes)) => {
                    add(of, operations::<B>().elementwise(delta, slopes))
                }
                (&Node::Mix { terms: [(a, c), (b, d)] }, _) => {
                    add(a, delta.clone().mul_scalar(c));
                    add(b, delta.mul_scalar(d));
                }
                (&Node::Mean { pixels, of }, _) => add(of, spread(delta, pixels)),
                _ => unreachable!("a node saves what its kind needs"),
            }
        }
        blocks.reverse();
        blocks
    }
}

/// A matrix with 1 in the column of one output and 0 elsewhere, with the device and element type
/// of `like`.
fn one_output<B: Backend>(
    [n, outputs]: [usize; 2],
    output: usize,
    like: &Tensor<B, 2>,
) -> Tensor<B, 2> {
    let options = (&like.device(), like.dtype());
    if outputs == 1 {
        return Tensor::ones([n, 1], options);
    }
    let columns = (0..outputs).map(|k| match k == output {
        true => Tensor::ones([n, 1], options),
        false => Tensor::zeros([n, 1], options),
    });
    Tensor::cat(columns.collect(), 1)
}

/// `[n, 1]` → `[n]`
fn column<B: Backend>(output: Tensor<B, 2>) -> Tensor<B, 1> {
    let n = output.dims()[0];
    output.reshape([n])
}

/// `[n·pixels, c]` → `[n, c]`
fn mean<B: Backend>(maps: Tensor<B, 2>, pixels: usize) -> Tensor<B, 2> {
    let [rows, channels] = maps.dims();
    let n = rows / pixels;
    maps.reshape([n, pixels, channels])
        .sum_dim(1)
        .mul_scalar((pixels as f64).recip())
        .reshape([n, channels])
}

/// The adjoint of [`mean`]: `[n, c]` → `[n·pixels, c]`.
fn spread<B: Backend>(delta: Tensor<B, 2>, pixels: usize) -> Tensor<B, 2> {
    let [n, channels] = delta.dims();
    delta
        .mul_scalar((pixels as f64).recip())
        .reshape([n, 1, channels])
        .repeat_dim(1, pixels)
        .reshape([n * pixels, channels])
}

/// The largest number of layers, blocks, or convolutions in a block.
pub(crate) const MAX_LAYERS: usize = 1000;

/// The largest side of an image, in pixels, and number of its channels.
pub(crate) const MAX_SIDE: usize = 1 << 12;

/// The largest number of inputs, units or channels of a layer.
pub(crate) const MAX_WIDTH: usize = 1 << 24;

/// Returns [`ModelError::TooLarge`] for the first size above `most`.
pub(crate) fn at_most(most: usize, sizes: &[(&'static str, usize)]) -> Result<(), ModelError> {
    match sizes.iter().find(|(_, size)| *size > most) {
        Some(&(field, value)) => Err(ModelError::TooLarge { field, value, most }),
        None => Ok(()),
    }
}

/// Returns [`ModelError::Zero`] for the first size that is zero.
pub(crate) fn at_least_one(sizes: &[(&'static str, usize)]) -> Result<(), ModelError> {
    match sizes.iter().find(|(_, size)| *size == 0) {
        Some(&(field, _)) => Err(ModelError::Zero { field }),
        None => Ok(()),
    }
}
