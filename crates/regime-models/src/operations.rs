//! The operations from which networks and their tangents are built, as an extension of a
//! backend.

use burn_tensor::{Tensor, backend::Backend};

use crate::{
    activation::Activation,
    block::{Block, Part},
    layer::Layer,
    window::Window,
};

/// The operations of a network on tensors of `B`. The operations on stacks of several networks of
/// one shape have a default implementation in ordinary tensor operations.
///
/// # Shapes
/// `n` points; a layer of `k` inputs and `m` outputs at `p` positions, on maps of `c` channels.
pub(crate) trait Operations<B: Backend> {
    /// Applies a layer, `c·a·W + b`, or `c·a·W` without `biases`: `[n, k]`, or maps
    /// `[n·pixels, c]` for a layer with a window, → `[n·p, m]`.
    fn affine(
        &self,
        layer: &Layer,
        w: &Tensor<B, 1>,
        a: Tensor<B, 2>,
        biases: bool,
    ) -> Tensor<B, 2>;

    /// The sensitivities of a layer's inputs, from those of its outputs, `delta`, `[n·p, m]`.
    fn back(&self, layer: &Layer, w: &Tensor<B, 1>, delta: Tensor<B, 2>) -> Tensor<B, 2>;

    /// `gain · φ(z)`, element by element.
    fn value(&self, phi: Activation, gain: f64, z: Tensor<B, 2>) -> Tensor<B, 2>;

    /// `gain · φ(z)` and `gain · φ'(z)`, element by element.
    fn value_and_slope(
        &self,
        phi: Activation,
        gain: f64,
        z: Tensor<B, 2>,
    ) -> (Tensor<B, 2>, Tensor<B, 2>);

    /// `a ∘ b`
    fn elementwise(&self, a: Tensor<B, 2>, b: Tensor<B, 2>) -> Tensor<B, 2>;

    /// `a · b`, summed in float64.
    fn dot(&self, a: Tensor<B, 1>, b: Tensor<B, 1>) -> f64;

    /// The patches of maps: `[n·pixels, c]` → `[n·p, taps·c]`.
    fn patches(&self, window: &Window, maps: Tensor<B, 2>) -> Tensor<B, 2>;

    /// The adjoint of [`patches`](Self::patches).
    fn overlay(&self, window: &Window, patches: Tensor<B, 2>) -> Tensor<B, 2>;

    /// `J v`, `[P]` → `[n]`.
    fn jvp(&self, parts: &[Part<B>], v: &Tensor<B, 1>) -> Tensor<B, 1>;

    /// `Jᵀ g`, `[n]` → `[P]`.
    fn vjp(&self, parts: &[Part<B>], g: &Tensor<B, 1>) -> Tensor<B, 1>;

    /// `Σ diag(g) δ` over the terms `(δ, g)`, where each of `n` points has `p` rows.
    ///
    /// # Shapes
    /// `δ` and the result: `[n·p, m]`, `g`: `[n]`
    ///
    /// # Panics
    /// When there is no term.
    fn weighted_sum(&self, terms: &[(&Tensor<B, 2>, Tensor<B, 1>)]) -> Tensor<B, 2> {
        let term = |(delta, g): &(&Tensor<B, 2>, Tensor<B, 1>)| {
            let (shape, n) = (delta.dims(), g.dims()[0]);
            let per_point = shape[0] / n * shape[1];
            // A broadcast as a product, see `rows_of`.
            let ones = Tensor::<B, 2>::ones([1, per_point], (&g.device(), g.dtype()));
            let repeated = g.clone().reshape([n, 1]).matmul(ones);
            (*delta).clone() * repeated.reshape(shape)
        };
        terms.iter().map(term).reduce(|a, b| a + b).expect("there is a term")
    }

    /// `Σ a ∘ b` over the rows and columns of each of `n` points.
    ///
    /// # Shapes
    /// `[n·p, m]`, `[n·p, m]` → `[n]`
    fn dots_by_point(&self, a: &Tensor<B, 2>, b: &Tensor<B, 2>, n: usize) -> Tensor<B, 1> {
        let [rows, columns] = a.dims();
        let per_point = rows / n * columns;
        // A row sum as a product: reductions are slower on every backend.
        let ones = Tensor::<B, 2>::ones([per_point, 1], (&a.device(), a.dtype()));
        let products = a.clone() * b.clone();
        products.reshape([n, per_point]).matmul(ones).reshape([n])
    }

    /// The kernel of layers, `[n, n]`, computed tile by tile in the memory of `scratch`, whose
    /// contents are ignored. Returns `None` where products of the layers' factors are as good.
    fn kernel(&self, blocks: &[&Block<B>], scratch: Vec<f64>) -> Option<Tensor<B, 2>>;

    /// `c + a b` for each of `r` networks.
    ///
    /// # Shapes
    /// `a`: `[r, n, k]`, `b`: `[r, k, m]`, `c`: `[r, 1, m]` or `[r, n, m]`
    fn add_products(&self, c: Tensor<B, 3>, a: Tensor<B, 3>, b: Tensor<B, 3>) -> Tensor<B, 3> {
        a.matmul(b) + c
    }

    /// `sum + a ∘ b` for each of `r` networks.
    ///
    /// # Shapes
    /// All `[r, n, m]`
    fn add_elementwise(&self, sum: Tensor<B, 3>, a: Tensor<B, 3>, b: Tensor<B, 3>) -> Tensor<B, 3> {
        sum + a * b
    }

    /// `1/(1 + e⁻ᶻ)`, element by element, with a small relative error for z ≥ −80.
    fn logistic(&self, z: Tensor<B, 2>) -> Tensor<B, 2> {
        // Some backends round Burn's own sigmoid to float32. The clamp keeps the denominator finite
        // in float32; a slope of 10⁻³⁵ is negligible.
        z.neg().clamp_max(80.0).exp().add_scalar(1.0).recip()
    }

    /// As [`gram_products`].
    fn gram_products(&self, layers: &[GramFactors<B>]) -> Tensor<B, 3> {
        gram_products(layers)
    }

    /// As [`gram_products`], but only the lower triangle is valid.
    fn lower_gram_products(&self, layers: &[GramFactors<B>]) -> Tensor<B, 3> {
        gram_products(layers)
    }

    /// Maximum number of values in the trace of one part of the points in host memory: as many as
    /// a core's cache holds.
    fn part_numbers(&self) -> u32 {
        1 << 18
    }

    /// Whether the backend provides factorisations.
    fn factorises(&self) -> bool {
        false
    }

    /// The Cholesky factors of `I + diag(root) M diag(root)`, computed in float64 on the device
    /// of the tensors. Returns `None` for a backend without factorisations.
    ///
    /// # Shapes
    /// `m`: `[r, n, n]`, symmetric, of which one triangle is read; `root`: `[r, n]`
    fn cholesky_of_shifted(&self, m: Tensor<B, 3>, root: Tensor<B, 2>) -> Option<Factorised<B>> {
        let _ = (m, root);
        None
    }

    /// The solution `(L Lᵀ)⁻¹ v` for the right-hand side `v` and the factors `L` of
    /// [`cholesky_of_shifted`](Self::cholesky_of_shifted).
    ///
    /// # Shapes
    /// `factors`: `[r, n, n]`, `right`: `[r, n]`
    ///
    /// # Panics
    /// For a backend without factorisations.
    fn cholesky_solve(&self, factors: &Tensor<B, 3>, right: Tensor<B, 2>) -> Tensor<B, 2> {
        let _ = (factors, right);
        unreachable!("this backend has no Cholesky factorisation")
    }
}

/// Cholesky factors `L`, in float64.
#[derive(Debug, Clone)]
pub struct Factorised<B: Backend> {
    /// `L` in the lower triangle, `[r, n, n]`.
    pub factors: Tensor<B, 3>,
    /// 0, or the order of the leading minor that is not positive, `[r]`. If it is not 0, the
    /// factor of that matrix is invalid. A matrix with non-finite entries may count as
    /// factorised; its solutions are then not finite.
    pub failed_at: Tensor<B, 1>,
}

/// The factors of the part of one layer in a kernel.
pub(crate) struct GramFactors<B: Backend> {
    /// `a`, `[r, n, k]`
    pub(crate) inputs: Tensor<B, 3>,
    /// `s²`
    pub(crate) factor: f64,
    /// `t²`, or 0 for a layer without biases.
    pub(crate) summand: f64,
    /// `δ`, `[r, n, m]`; `None` where they are 1.
    pub(crate) sensitivities: Option<Tensor<B, 3>>,
}

/// `Σ (s² a aᵀ + t²) ∘ (δ δᵀ)` over layers.
///
/// # Shapes
/// `[r, n, n]`
///
/// # Panics
/// When `layers` is empty.
fn gram_products<B: Backend>(layers: &[GramFactors<B>]) -> Tensor<B, 3> {
    let term = |layer: &GramFactors<B>| {
        let gram = |a: Tensor<B, 3>, scaled: Tensor<B, 3>| scaled.matmul(a.swap_dims(1, 2));
        let a = layer.inputs.clone();
        let of_inputs = gram(a.clone(), a.mul_scalar(layer.factor)).add_scalar(layer.summand);
        match &layer.sensitivities {
            Some(delta) => of_inputs * gram(delta.clone(), delta.clone()),
            None => of_inputs,
        }
    };
    layers.iter().map(term).reduce(|a, b| a + b).expect("a network has layers")
}
