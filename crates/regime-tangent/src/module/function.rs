use std::{fmt, sync::Arc};

use burn::{
    module::Module,
    tensor::{DType, Tensor, TensorData, backend::AutodiffBackend},
};

use super::{
    error::ModuleError,
    parameters::Parameters,
    ties::{Graph, assigned, flattened, tied, values},
};

/// Points evaluated at once, few enough for a small graph.
pub(super) const BATCH: usize = 128;

/// A burn module as a function of its parameters, on some points.
///
/// It consists of a module over an autodiff backend, the function that evaluates it, and
/// points. It returns one [`Tape`](regime_models::Tape) per output, for every function of
/// this crate that takes tapes. A [`ModuleTape`](super::ModuleTape) has the Jacobian in
/// memory; an [`MatrixFreeTape`](super::MatrixFreeTape) differentiates again for every product.
///
/// # Shapes
/// - points: any rank, with `n` points along the first dimension
/// - the forward function's result: `[n, K]`
///
/// # What is differentiated
/// Every row of the Jacobian comes from a forward and a backward pass on *one* point.
/// The parameters are the float tensors of the module that require gradients, in the
/// order in which the module visits them. A parameter in several places is one parameter,
/// with one column for each of its numbers. A layer may be called several times. Parameters
/// on which an output does not depend have derivative 0. Tensors that require no gradient
/// (buffers, frozen parameters) are constants.
///
/// # Functions that are refused
/// A tangent kernel is defined for a function of one point. [`ModuleFunction::new`] checks
/// that a layer does not mix the points of a batch. It compares
/// - the outputs for a batch (of up to 128 points) with the outputs for single points, for
///   the first half of the batch and for the reversed batch;
/// - the gradient of a weighted sum over up to eight points with the sum of the single
///   points' gradients. Only this shows a normalisation whose scale is still zero;
/// - a single point with the same point next to a point of zeros.
///
/// Differences count as rounding up to `ε^(2/3)` of the largest number of the same output,
/// or of the same gradient: 4·10⁻¹¹ in float64. Outputs that change from one evaluation to
/// the next are refused, too. A dropout with a positive probability is refused even if the
/// few evaluations agree. Errors name the layer if its type is known (`BatchNorm`,
/// `Dropout`, `GaussianNoise`, and types with such a word in their name), otherwise the
/// point. A module is evaluated as in training; the check leaves the running statistics of
/// a batch norm as they are.
///
/// # Precision
/// The kernel has the element type of the points. The module's parameters must have the
/// same type: [`in_precision`](crate::in_precision) converts a module to float64. A layer that
/// creates tensors of its own, such as the states of burn's recurrent layers, creates them in the
/// default type of the device: call `burn::tensor::set_default_dtypes` for float64, before
/// the program creates its first tensor.
/// Two operations of burn 0.21 round to float32 nevertheless, an error of about 6·10⁻⁸: the
/// backward pass of `div_scalar`, unless the divisor is a power of two (use
/// `mul_scalar(1.0 / c)` in a forward pass instead), and the logistic functions
/// `sigmoid` and `hard_sigmoid` of backends without their own implementation (Flex has
/// one).
///
/// ```
/// use burn::{module::{Module, Param}, tensor::{Tensor, backend::Backend}};
/// use burn_autodiff::Autodiff;
/// use burn_flex::{Flex, FlexDevice};
/// use regime_tangent::{ModuleFunction, Precision, kernel};
///
/// #[derive(Module, Debug)]
/// struct Line<B: Backend> {
///     slope: Param<Tensor<B, 2>>,
///     bias: Param<Tensor<B, 2>>,
/// }
///
/// type Grad = Autodiff<Flex>;
/// let number = |v: f64| Param::from_tensor(Precision::F64.matrix::<Grad>(&[v], [1, 1], &FlexDevice));
/// let line = Line { slope: number(0.5), bias: number(1.0) };
/// let forward = |m: &Line<Grad>, x: Tensor<Grad, 2>| x * m.slope.val() + m.bias.val();
///
/// let points = Precision::F64.matrix::<Flex>(&[1.0, 3.0], [2, 1], &FlexDevice);
/// let f = ModuleFunction::new(&line, forward, points)?;
/// let tape = &f.tapes(1 << 20)?[0];
/// // Θ(x, x') = x x' + 1
/// assert_eq!(Precision::to_host(kernel(tape)), [2.0, 4.0, 4.0, 10.0]);
/// assert_eq!(Precision::to_host(kernel(&tape.group("slope")?)), [1.0, 3.0, 3.0, 9.0]);
/// # Ok::<(), regime_tangent::ModuleError>(())
/// ```
pub struct ModuleFunction<AB: AutodiffBackend, M, F, const D: usize> {
    model: Arc<Model<AB, M, F>>,
    points: Tensor<AB::InnerBackend, D>,
    n_outputs: usize,
}

/// The part of a function that does not depend on the points.
struct Model<AB: AutodiffBackend, M, F> {
    /// The module with its parameters as leaves of the graph.
    module: M,
    forward: Arc<F>,
    parameters: Arc<Parameters>,
    /// A tracked 0, which is added to outputs: an output without a graph gets one.
    anchor: Tensor<AB, 1>,
}

impl<AB: AutodiffBackend, M, F, const D: usize> Clone for ModuleFunction<AB, M, F, D> {
    fn clone(&self) -> Self {
        Self { model: Arc::clone(&self.model), points: self.points.clone(), ..*self }
    }
}

impl<AB: AutodiffBackend, M, F, const D: usize> fmt::Debug for ModuleFunction<AB, M, F, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModuleFunction")
            .field("points", &self.points.dims())
            .field("n_outputs", &self.n_outputs)
            .field("parameters", &self.model.parameters.names())
            .finish_non_exhaustive()
    }
}

impl<AB, M, F, const D: usize> ModuleFunction<AB, M, F, D>
where
    AB: AutodiffBackend,
    M: Module<AB>,
    F: Fn(&M, Tensor<AB, D>) -> Tensor<AB, 2>,
{
    /// A function that has not been checked for mixed points and randomness.
    pub(super) fn unchecked(
        module: &M,
        forward: F,
        points: Tensor<AB::InnerBackend, D>,
        group: Option<&str>,
    ) -> Result<Self, ModuleError> {
        if points.dims()[0] == 0 {
            return Err(ModuleError::NoPoints);
        }
        let (tied_module, parameters) = tied(module, points.dtype(), group)?;
        if parameters.entries().is_empty() {
            let (_, all) = tied(module, points.dtype(), None)?;
            return Err(match group {
                Some(prefix) if !all.entries().is_empty() => {
                    ModuleError::NoGroup { prefix: prefix.to_owned(), known: all.names() }
                }
                _ => ModuleError::NoParameters,
            });
        }
        let anchor = Tensor::zeros([1], (&points.device(), points.dtype())).require_grad();
        let parameters = Arc::new(parameters);
        let forward = Arc::new(forward);
        let model = Model { module: tied_module, forward, parameters, anchor };
        let mut function = Self { model: Arc::new(model), points, n_outputs: 0 };
        let n = function.n_points().min(BATCH);
        let [rows, columns] = function.evaluate(function.points.clone().narrow(0, 0, n)).dims();
        if rows != n || columns == 0 {
            return Err(ModuleError::Outputs { rows, columns, points: n });
        }
        function.n_outputs = columns;
        Ok(function)
    }

    /// The values of the parameters, `[P]`, in the order of the Jacobian's columns.
    pub fn values(&self) -> Tensor<AB::InnerBackend, 1> {
        values(&self.model.module, self.parameters())
    }

    /// The same function `f(w, x)` at other values of the parameters. It is not checked
    /// again.
    ///
    /// # Shapes
    /// `w`: `[P]`
    ///
    /// # Panics
    /// When `w` has another shape.
    pub fn with_values(&self, w: &Tensor<AB::InnerBackend, 1>) -> Self {
        self.assigned(w, Graph::Recorded)
    }

    pub(super) fn assigned(&self, w: &Tensor<AB::InnerBackend, 1>, graph: Graph) -> Self {
        let Model { module, forward, parameters, anchor } = &*self.model;
        assert_eq!(w.dims(), [parameters.n_params()], "the parameters have the wrong length");
        let model = Model {
            module: assigned(module, parameters, w, graph),
            forward: Arc::clone(forward),
            parameters: Arc::clone(parameters),
            anchor: anchor.clone(),
        };
        Self { model: Arc::new(model), ..self.clone() }
    }

    /// The same function on other points, not checked again.
    pub(crate) fn on(&self, points: Tensor<AB::InnerBackend, D>) -> Self {
        Self { points, ..self.clone() }
    }

    /// Number of points `n`.
    pub fn n_points(&self) -> usize {
        self.points.dims()[0]
    }

    /// Number of outputs `K`.
    pub fn n_outputs(&self) -> usize {
        self.n_outputs
    }

    /// The parameters with respect to which the function is differentiated.
    pub fn parameters(&self) -> &Arc<Parameters> {
        &self.model.parameters
    }

    /// The outputs, `[n, K]`.
    pub fn outputs(&self) -> Tensor<AB::InnerBackend, 2> {
        let batches = self.batches().map(|(_, points)| self.evaluate(points).inner());
        Tensor::cat(batches.collect(), 0)
    }

    /// The points in batches, each with the index of its first point.
    fn batches(&self) -> impl Iterator<Item = (usize, Tensor<AB::InnerBackend, D>)> {
        let n = self.n_points();
        let batch =
            move |start: usize| (start, self.points.clone().narrow(0, start, BATCH.min(n - start)));
        (0..n).step_by(BATCH).map(batch)
    }

    /// `∂f_k(xᵢ)/∂w`, `[P]`, from a pass on this point alone.
    pub(super) fn gradient(&self, i: usize, output: usize) -> Tensor<AB::InnerBackend, 1> {
        let f = self.evaluate(self.points.clone().narrow(0, i, 1));
        self.pulled(f.narrow(1, output, 1))
    }

    /// `Σ gᵢ ∂f_k(xᵢ)/∂w`, `[P]`, batch by batch.
    pub(super) fn weighted_gradient(
        &self,
        output: usize,
        g: &Tensor<AB::InnerBackend, 1>,
    ) -> Tensor<AB::InnerBackend, 1> {
        let sums = self.batches().map(|(start, points)| {
            let length = points.dims()[0];
            let f = self.evaluate(points);
            let g = g.clone().narrow(0, start, length).reshape([length, 1]);
            self.pulled(f.narrow(1, output, 1) * Tensor::from_inner(g))
        });
        sums.reduce(|a, b| a + b).expect("there are points")
    }

    /// `Σ g_ik ∂f_k(xᵢ)/∂w` for `g`, `[n, K]`: `[P]`, one pass for each batch.
    pub(super) fn weighted_gradients(
        &self,
        g: &Tensor<AB::InnerBackend, 2>,
    ) -> Tensor<AB::InnerBackend, 1> {
        let sums = self.batches().map(|(start, points)| {
            let g = g.clone().narrow(0, start, points.dims()[0]);
            self.pulled(self.evaluate(points) * Tensor::from_inner(g))
        });
        sums.reduce(|a, b| a + b).expect("there are points")
    }

    /// The gradient of the sum of `terms`, which were computed from the module, `[P]`.
    pub(super) fn pulled(&self, terms: Tensor<AB, 2>) -> Tensor<AB::InnerBackend, 1> {
        flattened(&self.model.module, self.parameters(), &self.gradients(terms))
    }

    /// The gradients of the sum of `terms` with respect to all leaves.
    pub(super) fn gradients(&self, terms: Tensor<AB, 2>) -> AB::Gradients {
        (terms.sum() + self.model.anchor.clone()).backward()
    }

    /// The outputs on any points, with their graph.
    pub(super) fn evaluate(&self, points: Tensor<AB::InnerBackend, D>) -> Tensor<AB, 2> {
        (self.model.forward)(&self.model.module, Tensor::from_inner(points))
    }

    /// The points, `[n, …]`.
    pub fn points(&self) -> &Tensor<AB::InnerBackend, D> {
        &self.points
    }

    pub(super) fn module(&self) -> &M {
        &self.model.module
    }

    /// The same function on some of the points.
    pub(super) fn select(&self, points: &[usize]) -> Self {
        let indices: Vec<i64> = points.iter().map(|&i| i as i64).collect();
        let indices = TensorData::new(indices, [points.len()]);
        let indices = Tensor::from_data(indices, (&self.points.device(), DType::I64));
        Self { points: self.points.clone().select(0, indices), ..self.clone() }
    }
}
