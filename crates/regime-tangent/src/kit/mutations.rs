//! Group 11: kernels and functions that are broken on purpose, to test that the other
//! groups reject them.
//!
//! A test suite that accepts a wrong kernel proves nothing. Run your suite on these kernels.
//!
//! ```
//! use burn_flex::{Flex, FlexDevice};
//! use ndarray::{Array1, Array2};
//! use regime_models::{Activation, DenseSpec};
//! use regime_tangent::kit::{OnBackend, check, mutations::{Mutation, mutant}, numbers};
//!
//! let net = DenseSpec {
//!     inputs: 2,
//!     width: 8,
//!     hidden_layers: 2,
//!     activation: Activation::Tanh,
//!     bias: true,
//! }.build()?;
//! let claim = OnBackend::<Flex, _>::new(&net, &FlexDevice);
//! let w = Array1::from_vec(numbers(net.n_params(), 1));
//! let x = Array2::from_shape_vec((5, 2), numbers(10, 2))?;
//! for mutation in Mutation::ALL {
//!     assert!(check(&mutant(&claim, mutation), w.view(), x.view()).is_err());
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use burn_tensor::backend::Backend;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, Slice};
use regime_models::{Block, Network, Precision, Tape};

use super::{Claim, OnBackend, Scaled, WithKernel};
use crate::analysis::to_host_matrix;

/// One way in which a kernel can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mutation {
    /// The backward pass forgets φ'. For fully connected networks only.
    WithoutSlopes,
    /// The term of the biases is missing. For networks with biases.
    WithoutBiases,
    /// The first layer is missing. For networks of several layers.
    WithoutFirstLayer,
    /// The last layer is missing. For networks of several layers.
    WithoutLastLayer,
    /// The kernel has the factor `c` of each layer instead of `c²`.
    ScaleNotSquared,
    /// One entry above the diagonal is wrong in the last bit. For two or more points.
    Asymmetric,
    /// Each entry is rounded to float32.
    SinglePrecision,
}

impl Mutation {
    /// All mutations.
    pub const ALL: [Self; 7] = [
        Self::WithoutSlopes,
        Self::WithoutBiases,
        Self::WithoutFirstLayer,
        Self::WithoutLastLayer,
        Self::ScaleNotSquared,
        Self::Asymmetric,
        Self::SinglePrecision,
    ];

    /// The broken kernel at the points of a tape, `[n, n]`, for weights `w`, `[P]`.
    /// `None` if the mutation does not apply to the network, or the tape has no blocks.
    pub fn kernel<B: Backend, T: Tape<B>>(
        self,
        tape: &T,
        w: ArrayView1<'_, f64>,
    ) -> Option<Array2<f64>> {
        let blocks = tape.blocks()?;
        let last = blocks.len() - 1;
        let biased = blocks.iter().any(|block| block.biases.is_some());
        let correct = || sum(blocks, |gradients| gradients.kernel(1.0, 1.0));
        match self {
            Self::WithoutSlopes => without_slopes(blocks, w),
            Self::WithoutBiases => {
                biased.then(|| sum(blocks, |gradients| gradients.kernel(1.0, 0.0)))
            }
            Self::WithoutFirstLayer if last > 0 => {
                Some(sum(&blocks[1..], |gradients| gradients.kernel(1.0, 1.0)))
            }
            Self::WithoutLastLayer if last > 0 => {
                Some(sum(&blocks[..last], |gradients| gradients.kernel(1.0, 1.0)))
            }
            Self::WithoutFirstLayer | Self::WithoutLastLayer => None,
            Self::ScaleNotSquared => blocks
                .iter()
                .any(|block| block.weight_scale != 1.0)
                .then(|| sum(blocks, |gradients| gradients.kernel(gradients.scale.recip(), 1.0))),
            Self::Asymmetric => {
                let (n, mut theta) = (tape.n_points(), to_host_matrix(crate::kernel(tape)));
                (n > 1).then(|| {
                    theta[(0, n - 1)] = theta[(0, n - 1)].next_up();
                    theta
                })
            }
            Self::SinglePrecision => Some(correct().mapv(|v| f64::from(v as f32))),
        }
    }
}

/// A network of this workspace with a broken kernel.
///
/// # Panics
/// The kernel panics where [`Mutation::kernel`] returns `None`.
pub fn mutant<'a, B: Backend, N: Network<B>>(
    claim: &'a OnBackend<'a, B, N>,
    mutation: Mutation,
) -> impl Claim + use<'a, B, N> {
    WithKernel::new(claim, move |w, x| {
        let broken = mutation.kernel(&claim.tape(w, x), w);
        broken.unwrap_or_else(|| panic!("{mutation:?} does not apply to this network"))
    })
}

/// `F = α(f − f₀)` with the kernel of `f`.
pub fn without_alpha<C: Claim>(scaled: &Scaled<C>) -> impl Claim + use<'_, C> {
    WithKernel::new(scaled, move |w, x| scaled.bare().kernel(w, x))
}

/// `F = α(f − f₀)` with α times the kernel of `f`.
pub fn alpha_not_squared<C: Claim>(scaled: &Scaled<C>) -> impl Claim + use<'_, C> {
    WithKernel::new(scaled, move |w, x| scaled.bare().kernel(w, x) * scaled.alpha())
}

/// `F = αf` with the correct kernel: only the values of `F` show that `f₀` is missing.
pub fn without_initial_outputs<C: Claim>(scaled: &Scaled<C>) -> impl Claim + use<'_, C> {
    InitialForgotten { scaled }
}

struct InitialForgotten<'a, C> {
    scaled: &'a Scaled<C>,
}

impl<C: Claim> Claim for InitialForgotten<'_, C> {
    fn n_params(&self) -> usize {
        self.scaled.n_params()
    }

    fn output(&self, w: ArrayView1<'_, f64>, x: ArrayView2<'_, f64>) -> Array1<f64> {
        self.scaled.bare().output(w, x) * self.scaled.alpha()
    }

    fn kernel(&self, w: ArrayView1<'_, f64>, x: ArrayView2<'_, f64>) -> Array2<f64> {
        self.scaled.kernel(w, x)
    }

    fn precision(&self) -> Precision {
        self.scaled.precision()
    }
}

/// The gradients of all points with respect to one layer.
struct Gradients {
    /// `[n, k·m]`.
    weights: Array2<f64>,
    /// `[n, m]`, or `[n, 0]` without biases.
    biases: Array2<f64>,
    /// The factor `c` in front of the weights.
    scale: f64,
}

impl Gradients {
    fn of<B: Backend>(block: &Block<B>) -> Self {
        let all = to_host_matrix(block.point_gradients(0..block.n_outputs()));
        let (weights, biases) = all.view().split_at(Axis(1), block.weights.len());
        Self { weights: weights.to_owned(), biases: biases.to_owned(), scale: block.weight_scale }
    }

    fn kernel(&self, of_weights: f64, of_biases: f64) -> Array2<f64> {
        let gram = |a: &Array2<f64>| a.dot(&a.t());
        gram(&self.weights) * of_weights + gram(&self.biases) * of_biases
    }
}

fn sum<B: Backend>(blocks: &[Block<B>], kernel: impl Fn(&Gradients) -> Array2<f64>) -> Array2<f64> {
    let n = blocks[0].n_points();
    let mut theta = Array2::zeros((n, n));
    blocks.iter().for_each(|block| theta += &kernel(&Gradients::of(block)));
    // Symmetric to the bit, as correct kernels are.
    (&theta + &theta.t()) * 0.5
}

/// The kernel with sensitivities from a backward pass without φ'.
fn without_slopes<B: Backend>(blocks: &[Block<B>], w: ArrayView1<'_, f64>) -> Option<Array2<f64>> {
    let n = blocks[0].n_points();
    let mut theta = Array2::<f64>::zeros((n, n));
    let mut sensitivities: Option<Array2<f64>> = None;
    for block in blocks.iter().rev() {
        if block.window.is_some() {
            return None;
        }
        let delta = sensitivities.unwrap_or_else(|| to_host_matrix(block.sensitivities.clone()));
        let inputs = to_host_matrix(block.inputs(0..n));
        let (k, m) = (inputs.ncols(), delta.ncols());
        if block.weights.len() != k * m {
            return None;
        }
        let scale = block.weight_scale;
        let mut inner = inputs.dot(&inputs.t()) * (scale * scale);
        if block.biases.is_some() {
            inner += 1.0;
        }
        theta += &(delta.dot(&delta.t()) * inner);
        let weights = w.slice_axis(Axis(0), Slice::from(block.weights.clone())).to_owned();
        let weights = weights.into_shape_with_order((k, m)).expect("a layer has k·m weights");
        sensitivities = Some(delta.dot(&weights.t()) * scale);
    }
    Some((&theta + &theta.t()) * 0.5)
}
