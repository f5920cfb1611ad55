use std::ops::Range;

use burn_tensor::{DType, Tensor, backend::Backend};

use crate::{block::Block, dispatch::operations};

/// A network with one output, as a function `f(w, x)` of a flat vector of
/// parameters.
///
/// The value holds only the architecture; the point `w` in parameter space is
/// passed to every call, so a flow can move it as one vector.
///
/// # Shapes
/// - `w`: `[P]`, `P` = [`Network::n_params`]
/// - `x`: `[n, d]`, one point per row, `d` = [`Network::n_inputs`]
/// - output: `[n]`
///
/// # Panics
/// All methods panic when a shape is not the one above: that is an error of the
/// program and not of its input.
pub trait Network<B: Backend>: Sync {
    /// What one forward pass leaves behind.
    type Trace: Trace<B>;

    /// Number of inputs `d` of one point.
    fn n_inputs(&self) -> usize;

    /// Number of parameters `P`.
    fn n_params(&self) -> usize;

    /// Where the parameters of each layer lie (weights and biases), from the
    /// first layer to the last. One stretch for a network that has no layers to tell
    /// apart.
    fn layer_ranges(&self) -> Vec<Range<usize>> {
        std::iter::once(0..self.n_params()).collect()
    }

    /// The outputs `f(w, x)`, `[n]`, keeping nothing.
    fn forward(&self, w: &Tensor<B, 1>, x: &Tensor<B, 2>) -> Tensor<B, 1>;

    /// The forward pass, keeping what a linearisation needs.
    fn trace(&self, w: &Tensor<B, 1>, x: &Tensor<B, 2>) -> Self::Trace;
}

/// A forward pass that can still be followed by its backward pass.
pub trait Trace<B: Backend> {
    /// The linearisation at this point.
    type Tape: Tape<B>;

    /// The outputs `f(w, x)`, `[n]`.
    fn output(&self) -> Tensor<B, 1>;

    /// The preactivations of every layer with parameters, from the first layer to the
    /// last, whose preactivation is the output; each product is made once more. `None`
    /// for a network that has no preactivations to show.
    ///
    /// # Shapes
    /// One `[n·p, m]` per layer, for `p` positions and `m` outputs.
    fn preactivations(&self) -> Option<Vec<Tensor<B, 2>>> {
        None
    }

    /// How fast the preactivations of every layer with parameters move when the
    /// parameters move along `v`, `[P]`: the exact directional derivatives, by one
    /// more forward sweep. The last layer's preactivation is the output, so its rate
    /// is `J v`. `None` for a network that has no preactivations to show.
    ///
    /// # Shapes
    /// One `[n·p, m]` per layer, for `p` positions and `m` outputs.
    fn preactivation_rates(&self, v: &Tensor<B, 1>) -> Option<Vec<Tensor<B, 2>>> {
        let _ = v;
        None
    }

    /// The backward pass: one sweep, from which any number of products with the
    /// Jacobian follow.
    fn linearise(self) -> Self::Tape;
}

/// The Jacobian `J = ∂f/∂w`, `[n, P]`, at one point, as an operator.
pub trait Tape<B: Backend> {
    /// Number of points `n`.
    fn n_points(&self) -> usize;

    /// The device and element type of what the products take and give.
    fn placement(&self) -> (B::Device, DType);

    /// Number of parameters `P`.
    ///
    /// Unless a tape knows better it looks at the length of a product.
    fn n_params(&self) -> usize {
        let (device, dtype) = self.placement();
        let zeros = Tensor::zeros([self.n_points()], (&device, dtype));
        self.vjp(zeros).dims()[0]
    }

    /// Multiply-adds of one row of the Jacobian, and so of each point's share in a
    /// product with `J` or `Jᵀ`: `P`, unless a tape knows better.
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
    /// For no points at all: backends have no products of nothing.
    fn select(&self, points: &[usize]) -> Self;

    /// The Jacobian as sums of outer products, one block per layer in the order of
    /// the layers, if the network has that structure. Each parameter lies in one
    /// of the blocks. The tangent kernel of a layer that is used once per point is
    /// then a product of Gram matrices and costs `h/2` times less than through `J`.
    fn blocks(&self) -> Option<&[Block<B>]> {
        None
    }

    /// The inner product `⟨a, b⟩` of two vectors of parameters, in the metric in which
    /// [`vjp`](Self::vjp) is the adjoint of [`jvp`](Self::jvp): `g·(J v) = ⟨Jᵀg, v⟩`.
    /// The Euclidean one, but for models whose parameters are coordinates of something
    /// else; added up in float64.
    ///
    /// # Shapes
    /// `a`, `b`: `[P]`
    fn inner(&self, a: Tensor<B, 1>, b: Tensor<B, 1>) -> f64 {
        dot(a, b)
    }

    /// The tangent kernel `J Jᵀ` between the points of this tape and those of `other`, a
    /// tape of the same model, where the model is made of its kernel and so knows it.
    /// A model with a metric of its own (see [`inner`](Self::inner)) has to give it, for it
    /// cannot be contracted from a Jacobian then.
    ///
    /// # Shapes
    /// `[n, n_other]`
    fn kernel_with(&self, other: &Self) -> Option<Tensor<B, 2>> {
        let _ = other;
        None
    }
}

/// `a · b`, added up in float64 where the tensors are: a single number comes to the host.
pub fn dot<B: Backend>(a: Tensor<B, 1>, b: Tensor<B, 1>) -> f64 {
    operations::<B>().dot(a, b)
}
