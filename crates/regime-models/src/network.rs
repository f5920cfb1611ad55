use std::{ops::Range, sync::Arc};

use burn_tensor::{DType, Tensor, backend::Backend};

use crate::{block::Block, dispatch::operations, shared::SharedLayers};

/// A network as a function `f(w, x)` of a flat vector of parameters, with one output or several.
///
/// The value holds only the architecture; the point `w` in parameter space is
/// passed to every call, so a flow can move it as one vector. A shared network (`&N`,
/// `Arc<N>`) is a network, too.
///
/// # Shapes
/// - `w`: `[P]`, `P` = [`Network::n_params`]
/// - `x`: `[n, d]`, one point per row, `d` = [`Network::n_inputs`]
/// - output: `[nK]`, `K` = [`Network::n_outputs`], output by output: output `k` of point `i` is
///   number `k·n + i`. With one output, `[n]`.
///
/// # Panics
/// All methods panic when a shape differs from those above. Wrong shapes are a bug
/// in the calling program and not an error in its input.
pub trait Network<B: Backend>: Sync {
    /// The values that a forward pass saves.
    type Trace: Trace<B>;

    /// Number of inputs `d` of one point.
    fn n_inputs(&self) -> usize;

    /// Number of parameters `P`.
    fn n_params(&self) -> usize;

    /// Number of outputs `K` of one point. The default is 1.
    fn n_outputs(&self) -> usize {
        1
    }

    /// Whether the outputs are a linear function of the parameters, up to a constant. The default
    /// is `false`.
    fn is_linear(&self) -> bool {
        false
    }

    /// Whether the network is defined at these points, beyond their shape: for example, whether they
    /// are indices that exist. Programs that take points from a user call it before an evaluation.
    /// The default accepts all points.
    ///
    /// # Shapes
    /// `x`: `[n, d]`
    ///
    /// # Errors
    /// A line that names the first point that is not allowed, and what would be right.
    fn check_inputs(&self, x: &Tensor<B, 2>) -> Result<(), String> {
        let _ = x;
        Ok(())
    }

    /// Whether the network has a tangent kernel at these points. The default accepts all points.
    ///
    /// # Shapes
    /// `x`: `[n, d]`, points that [`check_inputs`](Self::check_inputs) accepts
    ///
    /// # Errors
    /// A line that names the first point without a kernel, and what would be right.
    fn check_kernel_inputs(&self, x: &Tensor<B, 2>) -> Result<(), String> {
        let _ = x;
        Ok(())
    }

    /// The range of the parameters (weights and biases) of each layer, from the
    /// first layer to the last. The default is a single range, for a network without
    /// distinct layers.
    fn layer_ranges(&self) -> Vec<Range<usize>> {
        std::iter::once(0..self.n_params()).collect()
    }

    /// Computes the outputs `f(w, x)`, `[nK]`, and saves nothing.
    fn forward(&self, w: &Tensor<B, 1>, x: &Tensor<B, 2>) -> Tensor<B, 1>;

    /// Runs the forward pass and saves what a linearisation needs.
    fn trace(&self, w: &Tensor<B, 1>, x: &Tensor<B, 2>) -> Self::Trace;
}

/// Implements [`Network`] for a pointer to a network.
macro_rules! network_behind {
    ($pointer:ty, $($network:tt)+) => {
        impl<B: Backend, N: $($network)+> Network<B> for $pointer {
            type Trace = N::Trace;

            fn n_inputs(&self) -> usize {
                (**self).n_inputs()
            }

            fn n_params(&self) -> usize {
                (**self).n_params()
            }

            fn n_outputs(&self) -> usize {
                (**self).n_outputs()
            }

            fn is_linear(&self) -> bool {
                (**self).is_linear()
            }

            fn check_inputs(&self, x: &Tensor<B, 2>) -> Result<(), String> {
                (**self).check_inputs(x)
            }

            fn check_kernel_inputs(&self, x: &Tensor<B, 2>) -> Result<(), String> {
                (**self).check_kernel_inputs(x)
            }

            fn layer_ranges(&self) -> Vec<Range<usize>> {
                (**self).layer_ranges()
            }

            fn forward(&self, w: &Tensor<B, 1>, x: &Tensor<B, 2>) -> Tensor<B, 1> {
                (**self).forward(w, x)
            }

            fn trace(&self, w: &Tensor<B, 1>, x: &Tensor<B, 2>) -> Self::Trace {
                (**self).trace(w, x)
            }
        }
    };
}

network_behind!(&N, Network<B>);
network_behind!(Arc<N>, Network<B> + Send);

/// A saved forward pass, from which the backward pass can start.
pub trait Trace<B: Backend> {
    /// The linearisation at this point.
    type Tape: Tape<B>;

    /// The outputs `f(w, x)`, `[nK]`.
    fn output(&self) -> Tensor<B, 1>;

    /// The preactivations of every layer with parameters, from the first layer to the
    /// last. The preactivation of the last layer is the output. The product of each
    /// layer is computed again. Returns `None` for a network without preactivations.
    ///
    /// # Shapes
    /// One `[n·p, m]` per layer, for `p` positions and `m` outputs.
    fn preactivations(&self) -> Option<Vec<Tensor<B, 2>>> {
        None
    }

    /// The exact directional derivatives of the preactivations of every layer with
    /// parameters, when the parameters move along `v`, `[P]`. They take one more
    /// forward pass. The preactivation of the last layer is the output, so its rate
    /// is `J v`. Returns `None` for a network without preactivations.
    ///
    /// # Shapes
    /// One `[n·p, m]` per layer, for `p` positions and `m` outputs.
    fn preactivation_rates(&self, v: &Tensor<B, 1>) -> Option<Vec<Tensor<B, 2>>> {
        let _ = v;
        None
    }

    /// Runs the backward pass once. Any number of products with the Jacobian can
    /// follow.
    fn linearise(self) -> Self::Tape;
}

/// The Jacobian `J = ∂f/∂w`, `[n, P]`, at one point, as an operator.
///
/// The tape of a network with `K` outputs has a row for each output of each point, in the order of
/// the network's outputs. In this documentation such a pair of point and output is a point: `n`
/// stands for the number of rows.
pub trait Tape<B: Backend> {
    /// Number of points `n`, which is the number of rows.
    fn n_points(&self) -> usize;

    /// The device and the element type of the arguments and results of the products.
    fn placement(&self) -> (B::Device, DType);

    /// Number of parameters `P`.
    ///
    /// The default computes a product and returns its length.
    fn n_params(&self) -> usize {
        let (device, dtype) = self.placement();
        let zeros = Tensor::zeros([self.n_points()], (&device, dtype));
        self.vjp(zeros).dims()[0]
    }

    /// Multiply-adds per point of a product with `J` or `Jᵀ`. The default is `P`.
    fn row_cost(&self) -> f64 {
        self.n_params() as f64
    }

    /// `J v`: `[P]` → `[n]`.
    fn jvp(&self, v: Tensor<B, 1>) -> Tensor<B, 1>;

    /// `Jᵀ g`: `[n]` → `[P]`.
    fn vjp(&self, g: Tensor<B, 1>) -> Tensor<B, 1>;

    /// The rows of the Jacobian at `points`, in that order.
    ///
    /// # Panics
    /// When `points` is empty: backends have no empty products.
    fn select(&self, points: &[usize]) -> Self;

    /// The Jacobian as sums of outer products, one block per layer in the order of
    /// the layers, if the network has that structure. Each parameter lies in exactly
    /// one block. The tangent kernel of a layer that is used once per point is then an
    /// elementwise product of Gram matrices and costs `h/2` times less than through `J`.
    fn blocks(&self) -> Option<&[Block<B>]> {
        None
    }

    /// The layers of a tape with several outputs, which share their inputs, if the network has that
    /// structure and uses every layer once per point. The kernel of `K` outputs then takes one Gram
    /// matrix of the inputs per layer, and not `K²`. `None` for one output, where
    /// [`blocks`](Self::blocks) cost as little, and by default. A caller then uses the blocks.
    ///
    /// The call copies the inputs of every layer.
    fn shared_layers(&self) -> Option<SharedLayers<B>> {
        None
    }

    /// Whether [`vjp`](Self::vjp) multiplies with the transpose of `J`, so that the rows of the
    /// Jacobian are its products with unit vectors and the kernel is `J Jᵀ`. A model with another
    /// metric (see [`inner`](Self::inner)) returns `false`.
    fn is_euclidean(&self) -> bool {
        true
    }

    /// The inner product `⟨a, b⟩` of two vectors of parameters, in the metric in which
    /// [`vjp`](Self::vjp) is the adjoint of [`jvp`](Self::jvp): `g·(J v) = ⟨Jᵀg, v⟩`.
    /// The default is the Euclidean inner product, summed in float64. A model overrides
    /// it if its parameters are coordinates in a space with another metric.
    ///
    /// # Shapes
    /// `a`, `b`: `[P]`
    fn inner(&self, a: Tensor<B, 1>, b: Tensor<B, 1>) -> f64 {
        dot(a, b)
    }

    /// The tangent kernel `J Jᵀ` between the points of this tape and the points of
    /// `other`, a tape of the same model, if the model is defined by its kernel.
    /// A model with another metric (see [`inner`](Self::inner)) has to return it, because
    /// its kernel cannot be contracted from a Jacobian, unless its [`blocks`](Self::blocks)
    /// contain the metric.
    ///
    /// # Shapes
    /// `[n, n_other]`
    fn kernel_with(&self, other: &Self) -> Option<Tensor<B, 2>> {
        let _ = other;
        None
    }
}

/// `a · b`, summed in float64 on the device of the tensors: only one number is copied to
/// the host.
pub fn dot<B: Backend>(a: Tensor<B, 1>, b: Tensor<B, 1>) -> f64 {
    operations::<B>().dot(a, b)
}
