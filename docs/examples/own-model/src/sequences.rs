//! Two models of sequences, `[n, t, 2]` → `[n, 1]`: a block of attention and an LSTM.

use burn::{
    module::Module,
    nn::{
        LayerNorm, LayerNormConfig, Linear, LinearConfig, Lstm, LstmConfig,
        attention::{MhaInput, MultiHeadAttention, MultiHeadAttentionConfig},
    },
    tensor::{Tensor, backend::Backend},
};
use burn_flex::FlexDevice;
use regime_tangent::{Precision, in_precision};

use crate::Plain;

/// A block of self-attention with a residual connection and a layer norm, and a layer that reads
/// the mean over the sequence.
#[derive(Module, Debug)]
pub struct Attention<B: Backend> {
    encoder: Linear<B>,
    attention: MultiHeadAttention<B>,
    norm: LayerNorm<B>,
    head: Linear<B>,
}

impl<B: Backend> Attention<B> {
    /// A block of some width, which two heads divide.
    pub fn new(width: usize, seed: u64, device: &B::Device) -> Self {
        B::seed(device, seed);
        let net = Self {
            encoder: LinearConfig::new(2, width).init(device),
            // A tangent kernel is that of a function: no dropout.
            attention: MultiHeadAttentionConfig::new(width, 2).with_dropout(0.0).init(device),
            norm: LayerNormConfig::new(width).init(device),
            head: LinearConfig::new(width, 1).init(device),
        };
        in_precision(net, Precision::F64)
    }

    /// `[n, t, 2]` → `[n, 1]`
    pub fn forward(&self, x: Tensor<B, 3>) -> Tensor<B, 2> {
        let z = self.encoder.forward(x);
        let change = self.attention.forward(MhaInput::self_attn(z.clone())).context;
        let z = self.norm.forward(z + change).tanh();
        self.head.forward(z.mean_dim(1).squeeze_dim::<2>(1))
    }
}

/// An LSTM, and a layer that reads its last state. burn's LSTM creates its states in the default
/// type of the device: call [`float64`](crate::float64) first.
#[derive(Module, Debug)]
pub struct Recurrent<B: Backend> {
    lstm: Lstm<B>,
    head: Linear<B>,
}

impl<B: Backend> Recurrent<B> {
    /// A network with some number of hidden units.
    pub fn new(width: usize, seed: u64, device: &B::Device) -> Self {
        B::seed(device, seed);
        let lstm = LstmConfig::new(2, width, true).init(device);
        let net = Self { lstm, head: LinearConfig::new(width, 1).init(device) };
        in_precision(net, Precision::F64)
    }

    /// `[n, t, 2]` → `[n, 1]`
    pub fn forward(&self, x: Tensor<B, 3>) -> Tensor<B, 2> {
        let (_, last) = self.lstm.forward(x, None);
        self.head.forward(last.hidden)
    }
}

/// Sequences of `t` points of a circle, turning to the left (label 1) or to the right (label −1).
///
/// # Shapes
/// `[n, t, 2]` and `[n]`
pub fn task(n: usize, t: usize) -> (Tensor<Plain, 3>, Vec<f64>) {
    let label = |i: usize| if i.is_multiple_of(2) { 1.0 } else { -1.0 };
    let angle = |i: usize, step: usize| 2.4 * i as f64 + label(i) * 0.7 * step as f64;
    let numbers = |i| (0..t).flat_map(move |step| [angle(i, step).cos(), angle(i, step).sin()]);
    let values: Vec<f64> = (0..n).flat_map(numbers).collect();
    let x = Precision::F64.matrix::<Plain>(&values, [n, t * 2], &FlexDevice);
    (x.reshape([n, t, 2]), (0..n).map(label).collect())
}
