use std::ops::Range;

use burn::tensor::{DType, Tensor, TensorData, backend::Backend};
use serde::{Deserialize, Serialize};

use crate::{
    Activation, ModelError,
    init::standard_normals,
    network::{Block, Network, Tape, Trace},
};

/// A fully connected network in the parametrisation of the paper.
///
/// With `L` hidden layers of width `h`, inputs `x ∈ ℝᵈ`, `z⁰ = x`:
///
/// ```text
/// z̃¹ = W⁰x/√d + b⁰      zˡ = φ(z̃ˡ)      z̃ˡ⁺¹ = Wˡzˡ/√h + bˡ      f = Wᴸzᴸ/√h + bᴸ
/// ```
///
/// Weights start as `N(0, 1)` and biases at 0; the factors stand in the forward
/// pass (NTK parametrisation).
///
/// # Reference
/// Geiger, Spigler, Jacot, Wyart, arXiv 1906.08034 v1, section 2.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
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

/// The architecture of a [`DenseSpec`], checked and laid out.
#[derive(Debug, Clone, PartialEq)]
pub struct Dense {
    spec: DenseSpec,
    gain: f64,
    layers: Vec<Layer>,
}

/// One layer's place in the parameter vector.
#[derive(Debug, Clone, PartialEq)]
struct Layer {
    inputs: usize,
    outputs: usize,
    weights: Range<usize>,
    biases: Option<Range<usize>>,
}

impl Layer {
    /// The factor in front of the weights.
    fn scale(&self) -> f64 {
        (self.inputs as f64).sqrt().recip()
    }
}

impl Dense {
    /// Checks the specification and lays the parameters out: layer by layer, the
    /// weights `[inputs, outputs]` in row-major order, then the biases.
    ///
    /// # Errors
    /// [`ModelError`] for a size of 0 or a sharpness that is not positive.
    pub fn new(spec: DenseSpec) -> Result<Self, ModelError> {
        for (field, size) in
            [("inputs", spec.inputs), ("width", spec.width), ("hidden_layers", spec.hidden_layers)]
        {
            if size == 0 {
                return Err(ModelError::Zero { field });
            }
        }
        spec.activation.check()?;
        let mut sizes = vec![spec.inputs];
        sizes.extend(std::iter::repeat_n(spec.width, spec.hidden_layers));
        sizes.push(1);
        let mut end = 0;
        let mut take = |n: usize| {
            end += n;
            end - n..end
        };
        let layers = sizes
            .windows(2)
            .map(|pair| Layer {
                inputs: pair[0],
                outputs: pair[1],
                weights: take(pair[0] * pair[1]),
                biases: spec.bias.then(|| take(pair[1])),
            })
            .collect();
        Ok(Self { spec, gain: spec.activation.gain(), layers })
    }

    /// What it was made from.
    pub fn spec(&self) -> DenseSpec {
        self.spec
    }

    /// Number of parameters `P`.
    pub fn n_params(&self) -> usize {
        let last = self.layers.last().expect("a network has layers");
        last.biases.as_ref().unwrap_or(&last.weights).end
    }

    /// Number of layers with weights, `L + 1`.
    pub fn n_weight_layers(&self) -> usize {
        self.layers.len()
    }

    /// Where the parameters of each layer lie (weights and biases together), from
    /// the first layer to the last.
    pub fn layer_ranges(&self) -> Vec<Range<usize>> {
        self.layers
            .iter()
            .map(|l| l.weights.start..l.biases.as_ref().unwrap_or(&l.weights).end)
            .collect()
    }

    /// The initial parameters `[P]` belonging to `seed`: weights `N(0, 1)` drawn in
    /// the order of the parameter vector, biases 0. Drawn on the host, so they are
    /// the same on every backend.
    pub fn initial_weights(&self, seed: u64) -> Vec<f64> {
        let mut normals = standard_normals(seed);
        let mut w = vec![0.0; self.n_params()];
        for layer in &self.layers {
            for (value, normal) in w[layer.weights.clone()].iter_mut().zip(&mut normals) {
                *value = normal;
            }
        }
        w
    }

    /// The weights `[inputs, outputs]` of a layer, as a view where the backend can.
    fn weights<B: Backend>(layer: &Layer, w: &Tensor<B, 1>) -> Tensor<B, 2> {
        w.clone().slice([layer.weights.clone()]).reshape([layer.inputs, layer.outputs])
    }

    /// `z̃ = c·a·W + b`.
    fn preactivations<B: Backend>(
        layer: &Layer,
        w: &Tensor<B, 1>,
        a: Tensor<B, 2>,
    ) -> Tensor<B, 2> {
        let weights = Self::weights(layer, w).mul_scalar(layer.scale());
        let z = a.matmul(weights);
        match &layer.biases {
            Some(range) => {
                let n = z.dims()[0];
                z + rows_of(w.clone().slice([range.clone()]), n)
            }
            None => z,
        }
    }

    fn assert_shapes<B: Backend>(&self, w: &Tensor<B, 1>, x: &Tensor<B, 2>) {
        assert_eq!(w.dims(), [self.n_params()], "the parameter vector has the wrong length");
        assert_eq!(x.dims()[1], self.spec.inputs, "the points have the wrong number of inputs");
    }
}

impl<B: Backend> Network<B> for Dense {
    type Trace = DenseTrace<B>;

    fn n_inputs(&self) -> usize {
        self.spec.inputs
    }

    fn n_params(&self) -> usize {
        Dense::n_params(self)
    }

    fn forward(&self, w: &Tensor<B, 1>, x: &Tensor<B, 2>) -> Tensor<B, 1> {
        self.assert_shapes(w, x);
        let n = x.dims()[0];
        let (last, hidden) = self.layers.split_last().expect("a network has layers");
        let a = hidden.iter().fold(x.clone(), |a, layer| {
            self.spec.activation.value(self.gain, Self::preactivations(layer, w, a))
        });
        Self::preactivations(last, w, a).reshape([n])
    }

    fn trace(&self, w: &Tensor<B, 1>, x: &Tensor<B, 2>) -> DenseTrace<B> {
        self.assert_shapes(w, x);
        let n = x.dims()[0];
        let (last, hidden) = self.layers.split_last().expect("a network has layers");
        let mut inputs = vec![x.clone()];
        let mut slopes = Vec::with_capacity(hidden.len());
        for layer in hidden {
            let z = Self::preactivations(layer, w, inputs[inputs.len() - 1].clone());
            let (value, slope) = self.spec.activation.value_and_slope(self.gain, z);
            inputs.push(value);
            slopes.push(slope);
        }
        let output = Self::preactivations(last, w, inputs[hidden.len()].clone()).reshape([n]);
        DenseTrace { net: self.clone(), w: w.clone(), inputs, slopes, output }
    }
}

/// The forward pass of a [`Dense`] network: inputs and slopes of every layer.
#[derive(Debug, Clone)]
pub struct DenseTrace<B: Backend> {
    net: Dense,
    w: Tensor<B, 1>,
    /// Inputs of each layer, `[n, k]`; the first are the points themselves.
    inputs: Vec<Tensor<B, 2>>,
    /// `φ'(z̃ˡ)` of each hidden layer, `[n, h]`.
    slopes: Vec<Tensor<B, 2>>,
    output: Tensor<B, 1>,
}

impl<B: Backend> Trace<B> for DenseTrace<B> {
    type Tape = DenseTape<B>;

    fn output(&self) -> Tensor<B, 1> {
        self.output.clone()
    }

    fn linearise(self) -> DenseTape<B> {
        let n = self.output.dims()[0];
        let options = (&self.output.device(), self.output.dtype());
        let mut sensitivities = Tensor::ones([n, 1], options);
        let mut blocks = Vec::with_capacity(self.net.layers.len());
        let mut slopes = self.slopes;
        for (layer, inputs) in self.net.layers.iter().zip(self.inputs).rev() {
            blocks.push(Block {
                inputs,
                sensitivities: sensitivities.clone(),
                weight_scale: layer.scale(),
                weights: layer.weights.clone(),
                biases: layer.biases.clone(),
            });
            if let Some(slope) = slopes.pop() {
                let back = Dense::weights(layer, &self.w).mul_scalar(layer.scale()).transpose();
                sensitivities = sensitivities.matmul(back) * slope;
            }
        }
        blocks.reverse();
        DenseTape { n_points: n, blocks }
    }
}

/// The linearisation of a [`Dense`] network: one outer-product block per layer.
#[derive(Debug, Clone)]
pub struct DenseTape<B: Backend> {
    n_points: usize,
    blocks: Vec<Block<B>>,
}

impl<B: Backend> Tape<B> for DenseTape<B> {
    fn n_points(&self) -> usize {
        self.n_points
    }

    fn placement(&self) -> (B::Device, DType) {
        let inputs = &self.blocks[0].inputs;
        (inputs.device(), inputs.dtype())
    }

    fn jvp(&self, v: Tensor<B, 1>) -> Tensor<B, 1> {
        let terms = self.blocks.iter().map(|block| {
            let [_, k] = block.inputs.dims();
            let [_, m] = block.sensitivities.dims();
            let direction = v.clone().slice([block.weights.clone()]).reshape([k, m]);
            let mut moved = block.inputs.clone().matmul(direction.mul_scalar(block.weight_scale));
            if let Some(range) = &block.biases {
                moved = moved + rows_of(v.clone().slice([range.clone()]), self.n_points);
            }
            // A row sum as a product: reductions are slower on every backend.
            let ones = Tensor::ones([m, 1], (&v.device(), v.dtype()));
            (moved * block.sensitivities.clone()).matmul(ones)
        });
        terms.reduce(|a, b| a + b).expect("a network has layers").reshape([self.n_points])
    }

    fn vjp(&self, g: Tensor<B, 1>) -> Tensor<B, 1> {
        let g = g.reshape([self.n_points, 1]);
        // `g` beside itself as often as the widest layer has outputs; see `rows_of`.
        let widest = self.blocks.iter().map(|b| b.sensitivities.dims()[1]).max().unwrap_or(1);
        let ones = Tensor::ones([1, widest], (&g.device(), g.dtype()));
        let spread = g.clone().matmul(ones);
        let mut parts = Vec::with_capacity(2 * self.blocks.len());
        for block in &self.blocks {
            let [_, m] = block.sensitivities.dims();
            let g_m = if m == widest { spread.clone() } else { spread.clone().narrow(1, 0, m) };
            let weighted = block.sensitivities.clone() * g_m;
            let weights = block.inputs.clone().transpose().matmul(weighted);
            parts.push(weights.mul_scalar(block.weight_scale).reshape([block.weights.len()]));
            if let Some(range) = &block.biases {
                let biases = g.clone().transpose().matmul(block.sensitivities.clone());
                parts.push(biases.reshape([range.len()]));
            }
        }
        Tensor::cat(parts, 0)
    }

    fn select(&self, points: &[usize]) -> Self {
        let (device, _) = self.placement();
        let indices: Vec<i64> = points.iter().map(|&i| i as i64).collect();
        let indices =
            Tensor::from_data(TensorData::new(indices, [points.len()]), (&device, DType::I64));
        let blocks = self
            .blocks
            .iter()
            .map(|block| Block {
                inputs: block.inputs.clone().select(0, indices.clone()),
                sensitivities: block.sensitivities.clone().select(0, indices.clone()),
                ..block.clone()
            })
            .collect();
        Self { n_points: points.len(), blocks }
    }

    fn blocks(&self) -> Option<&[Block<B>]> {
        Some(&self.blocks)
    }
}

/// The vector `b`, `[m]`, as each of `n` rows, by a product: adding it by broadcast
/// takes several times longer in float64 on Flex than product and addition together.
fn rows_of<B: Backend>(b: Tensor<B, 1>, n: usize) -> Tensor<B, 2> {
    let ones = Tensor::ones([n, 1], (&b.device(), b.dtype()));
    ones.matmul(b.unsqueeze::<2>())
}
