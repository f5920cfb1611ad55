use std::{fmt, sync::Arc};

use burn::{
    module::Module,
    tensor::{DType, Tensor, TensorData, backend::AutodiffBackend},
};

use super::{
    error::ModuleError,
    parameters::Parameters,
    ties::{assigned, flattened, tied, values},
};

/// Points evaluated at once, few enough for a small graph.
pub(super) const BATCH: usize = 128;

/// A burn module as a function of its parameters, on some points.
///
/// It is made of a module over an autodiff backend, the function that evaluates it, and
/// points. It gives a [`Tape`](regime_models::Tape) for every output, and so everything
/// this crate makes of tapes: held ([`ModuleTape`](super::ModuleTape), the Jacobian in
/// memory) or not ([`UnheldTape`](super::UnheldTape), which differentiates again whenever
/// it is asked).
///
/// # Shapes
/// - points: any rank, `n` of them along the first dimension
/// - the forward function's result: `[n, K]`
///
/// # What is differentiated
/// Every row of the Jacobian comes from a forward and a backward pass on *one* point.
/// The parameters are the float tensors of the module that require gradients, in the
/// order in which the module shows them. A parameter that is found in several places is
/// one parameter, with one column for each of its numbers; a layer that is called
/// several times needs no care. Parameters on which an output does not depend have
/// derivative 0. Tensors that require no gradient (buffers, frozen parameters) are
/// constants.
///
/// # What is refused
/// A tangent kernel is defined for a function of one point. [`ModuleFunction::new`]
/// compares the outputs for a batch (of up to 128 points) with those for single points, for the first
/// half and for the reversed batch, and the gradient of a weighted sum over up to eight
/// points with the sum of the single points' gradients; a layer that mixes the points of
/// a batch shows itself in one or the other (a normalisation whose scale is still zero
/// only in the gradient). A single point is compared with itself beside a point of
/// zeros. Differences count as rounding up to `ε^(2/3)` of the largest number of the same
/// output, or of the same gradient: 4·10⁻¹¹ in float64. Outputs that change from one
/// evaluation to the next are refused likewise, and so is a dropout that is switched on
/// even where the few evaluations happened to agree. Errors name the layer where its
/// type is a known one (`BatchNorm`, `Dropout`, `GaussianNoise`, and what has such a word
/// in its name), otherwise the point. A module is evaluated as in training, so a batch
/// norm's running statistics have moved when it is refused.
///
/// # Precision
/// The kernel has the element type of the points, and the module's parameters must have
/// the same: [`in_precision`](crate::in_precision) makes a module one of float64.
/// Two things in burn 0.21 round to float32 all the same, an error of about 6·10⁻⁸: the
/// backward pass of `div_scalar`, unless the divisor is a power of two (write
/// `mul_scalar(1.0 / c)` in a forward pass instead), and the logistic functions
/// `sigmoid` and `hard_sigmoid` of backends that have none of their own (Flex has).
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

/// What does not depend on the points.
struct Model<AB: AutodiffBackend, M, F> {
    /// With leaves for parameters.
    module: M,
    forward: Arc<F>,
    parameters: Arc<Parameters>,
    /// 0, tracked: added to an output it gives a graph to outputs that have none.
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
    /// A function of which it is not known yet whether it mixes points or is random.
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

    /// The same function at other values of the parameters: the function `f(w, x)` of
    /// which the module is one point. It is not checked again.
    ///
    /// # Shapes
    /// `[P]`
    ///
    /// # Panics
    /// When the shape is another.
    pub fn with_values(&self, w: &Tensor<AB::InnerBackend, 1>) -> Self {
        let Model { module, forward, parameters, anchor } = &*self.model;
        assert_eq!(w.dims(), [parameters.n_params()], "the parameters have the wrong length");
        let model = Model {
            module: assigned(module, parameters, w),
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

    /// The parameters by which it is differentiated.
    pub fn parameters(&self) -> &Arc<Parameters> {
        &self.model.parameters
    }

    /// The outputs, `[n, K]`.
    pub fn outputs(&self) -> Tensor<AB::InnerBackend, 2> {
        let batches = self.batches().map(|(_, points)| self.evaluate(points).inner());
        Tensor::cat(batches.collect(), 0)
    }

    /// The points in stretches, with the number of the first of each.
    fn batches(&self) -> impl Iterator<Item = (usize, Tensor<AB::InnerBackend, D>)> {
        let n = self.n_points();
        let batch =
            move |start: usize| (start, self.points.clone().narrow(0, start, BATCH.min(n - start)));
        (0..n).step_by(BATCH).map(batch)
    }

    /// `∂f_k(xᵢ)/∂w`, `[P]`, from the point alone.
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

    /// The gradient of the sum of what was computed from the module, `[P]`.
    pub(super) fn pulled(&self, terms: Tensor<AB, 2>) -> Tensor<AB::InnerBackend, 1> {
        let Model { module, parameters, anchor, .. } = &*self.model;
        let gradients = (terms.sum() + anchor.clone()).backward();
        flattened(module, parameters, &gradients)
    }

    /// `f` on any points, with its graph.
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
