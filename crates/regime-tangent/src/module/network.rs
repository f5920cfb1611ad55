use std::{fmt, ops::Range, sync::Arc};

use burn::{
    module::Module,
    tensor::{Tensor, backend::AutodiffBackend},
};
use regime_models::Network;

use super::{
    checked::caught, error::ModuleError, function::ModuleFunction, independence,
    network_tape::ModuleNetworkTrace, parameters::Parameters, ties::Graph, token_check::all_tokens,
};

/// The memory for a Jacobian that a tape of a [`ModuleNetwork`] stores unless
/// [`ModuleNetwork::with_jacobian_limit`] says otherwise: 256 MiB.
pub const JACOBIAN_LIMIT: u64 = 256 << 20;

/// A burn module as a [`Network`] `f(w, x)`: for flows, frozen kernels, and everything else that
/// takes a network.
///
/// The module gives the architecture and the weights `w₀` = [`values`](Self::values), from which
/// a flow usually starts; [`module`](Self::module) gives it back with other weights. What is
/// differentiated, and which functions are refused, is as in [`ModuleFunction`]. The network is
/// one over the backend without automatic differentiation, `AB::InnerBackend`.
///
/// # Shapes
/// - the forward function: `[n, …]` → `[n, K]`, for points of any rank
/// - inputs of the network: `[n, d]`, with the numbers of a point in one row. The network restores
///   the shape of the points; [`inputs`](Self::inputs) makes the rows.
/// - outputs of the network: `[nK]`, output `k` of point `i` is number `k·n + i`
/// - parameters: `[P]`, in the order of [`parameters`](Self::parameters)
///
/// # Checks
/// [`new`](Self::new) evaluates all sample points and checks for the first 128 of them, by about
/// as many evaluations of single points, that the module neither mixes points nor is random. It takes one gradient for every 128 points
/// to find derivatives that are infinite or NaN, such as that of a square root at 0.
/// Later evaluations do not repeat this. [`check`](Self::check) does so for other points.
///
/// # Cost
/// A product `Jᵀg` takes one forward and one backward pass in batches of 128 points, whatever the
/// number of outputs: an explicit integrator needs no more. A row of the Jacobian takes a forward
/// and a backward pass on one point, since burn releases the forward pass with its first
/// derivative. `J v` and the kernel take `n·K` of them, and so does every step of an implicit
/// integrator. A tape stores the rows that were computed if all of them fit into the memory limit,
/// so a kernel followed by products with `J` computes each row once; otherwise it computes the
/// rows for every product. A contracted kernel needs the memory of all rows in any case.
///
/// ```
/// use burn::{module::Module, nn::{Linear, LinearConfig}, tensor::{Tensor, backend::Backend}};
/// use burn_autodiff::Autodiff;
/// use burn_flex::{Flex, FlexDevice};
/// use regime_models::{Network, Tape, Trace};
/// use regime_tangent::{ModuleNetwork, Precision, in_precision, kernel};
///
/// #[derive(Module, Debug)]
/// struct Net<B: Backend> {
///     hidden: Linear<B>,
///     head: Linear<B>,
/// }
///
/// type Grad = Autodiff<Flex>;
/// let (hidden, head) = (LinearConfig::new(2, 8), LinearConfig::new(8, 3));
/// let net = Net { hidden: hidden.init::<Grad>(&FlexDevice), head: head.init(&FlexDevice) };
/// let net = in_precision(net, Precision::F64);
/// let x = Precision::F64.matrix::<Flex>(&[1.0, 0.0, 0.6, 0.8], [2, 2], &FlexDevice);
///
/// let forward = |m: &Net<Grad>, x: Tensor<Grad, 2>| m.head.forward(m.hidden.forward(x).tanh());
/// let network = ModuleNetwork::new(&net, forward, x.clone())?;
/// let w0 = network.values();
/// assert_eq!((network.n_params(), network.n_outputs()), (51, 3));
/// // Two points with three outputs each.
/// assert_eq!(network.forward(&w0, &x).dims(), [6]);
/// assert_eq!(kernel(&network.trace(&w0, &x).linearise()).dims(), [6, 6]);
/// # Ok::<(), regime_tangent::ModuleError>(())
/// ```
pub struct ModuleNetwork<AB: AutodiffBackend, M, F, const D: usize> {
    /// On a single point: evaluations replace it.
    function: ModuleFunction<AB, M, F, D>,
    jacobian_limit: u64,
    takes_tokens: bool,
}

impl<AB: AutodiffBackend, M, F, const D: usize> Clone for ModuleNetwork<AB, M, F, D> {
    fn clone(&self) -> Self {
        Self { function: self.function.clone(), ..*self }
    }
}

impl<AB: AutodiffBackend, M, F, const D: usize> fmt::Debug for ModuleNetwork<AB, M, F, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModuleNetwork")
            .field("function", &self.function)
            .field("jacobian_limit", &self.jacobian_limit)
            .finish_non_exhaustive()
    }
}

impl<AB, M, F, const D: usize> ModuleNetwork<AB, M, F, D>
where
    AB: AutodiffBackend,
    M: Module<AB>,
    F: Fn(&M, Tensor<AB, D>) -> Tensor<AB, 2>,
{
    /// Creates the network of a module, and checks it on sample points, usually the training
    /// points. Later changes of the module have no effect on the network.
    ///
    /// # Shapes
    /// `samples`: `[n, …]`
    ///
    /// # Errors
    /// As [`ModuleFunction::new`].
    pub fn new(
        module: &M,
        forward: F,
        samples: Tensor<AB::InnerBackend, D>,
    ) -> Result<Self, ModuleError> {
        Self::checked(module, forward, samples, false)
    }

    pub(super) fn checked(
        module: &M,
        forward: F,
        samples: Tensor<AB::InnerBackend, D>,
        takes_tokens: bool,
    ) -> Result<Self, ModuleError> {
        caught(module, || {
            let function = ModuleFunction::unchecked(module, forward, samples.clone(), None)?;
            independence::check_sample(&function)?;
            let function = function.on(samples.narrow(0, 0, 1));
            Ok(Self { function, jacobian_limit: JACOBIAN_LIMIT, takes_tokens })
        })
    }

    /// The same network with another limit of the memory in which a tape stores its Jacobian, in
    /// bytes. The Jacobian counts twice, since a kernel is computed from a copy: `2·n·K·P` numbers.
    /// With a limit of 0 a tape stores no rows.
    pub fn with_jacobian_limit(self, bytes: u64) -> Self {
        Self { jacobian_limit: bytes, ..self }
    }

    /// Checks the module on other inputs: as [`new`](Self::new) does, but for all of them.
    ///
    /// Costs about four evaluations of all points, and `n` of single points.
    ///
    /// # Shapes
    /// `x`: `[n, d]`
    ///
    /// # Errors
    /// As [`new`](Self::new), and when `x` has another number of columns.
    pub fn check(&self, x: &Tensor<AB::InnerBackend, 2>) -> Result<(), ModuleError> {
        if x.dims()[0] == 0 {
            return Err(ModuleError::NoPoints);
        }
        let points = self.points(x)?;
        caught(self.function.module(), || {
            independence::check_with_derivatives(&self.function.on(points))
        })
    }

    /// Points as inputs of the network.
    ///
    /// # Shapes
    /// `points`: `[n, …]` → `[n, d]`
    ///
    /// # Errors
    /// When a point has another shape than the sample points.
    pub fn inputs(
        &self,
        points: Tensor<AB::InnerBackend, D>,
    ) -> Result<Tensor<AB::InnerBackend, 2>, ModuleError> {
        let (found, expected) = (points.dims(), self.function.points().dims());
        if found[1..] != expected[1..] {
            let (found, expected) = (found[1..].to_vec(), expected[1..].to_vec());
            return Err(ModuleError::PointShape { found, expected });
        }
        Ok(points.reshape([found[0], expected[1..].iter().product()]))
    }

    /// The values of the module's parameters, `[P]`.
    pub fn values(&self) -> Tensor<AB::InnerBackend, 1> {
        self.function.values()
    }

    /// The module with the weights `w`, `[P]`: to save it, or to use it elsewhere. Parameters keep
    /// their identifiers, and parameters that require no gradients their values.
    ///
    /// # Panics
    /// When `w` has another shape.
    pub fn module(&self, w: &Tensor<AB::InnerBackend, 1>) -> M {
        self.function.with_values(w).module().clone()
    }

    /// The parameters in the order of `w`, with their names and shapes.
    pub fn parameters(&self) -> &Arc<Parameters> {
        self.function.parameters()
    }

    /// The inputs in the shape of the points.
    fn points(
        &self,
        x: &Tensor<AB::InnerBackend, 2>,
    ) -> Result<Tensor<AB::InnerBackend, D>, ModuleError> {
        let [n, d] = x.dims();
        let mut shape = self.function.points().dims();
        if d != shape[1..].iter().product::<usize>() {
            let expected = shape[1..].to_vec();
            return Err(ModuleError::PointShape { found: vec![d], expected });
        }
        if self.takes_tokens {
            all_tokens(x)?;
        }
        shape[0] = n;
        Ok(x.clone().reshape(shape))
    }

    /// The function at `w` and `x`.
    fn at(
        &self,
        w: &Tensor<AB::InnerBackend, 1>,
        x: &Tensor<AB::InnerBackend, 2>,
        graph: Graph,
    ) -> ModuleFunction<AB, M, F, D> {
        let points = self.points(x).unwrap_or_else(|error| panic!("{error}"));
        self.function.assigned(w, graph).on(points)
    }
}

/// # Panics
/// Evaluations panic when a shape differs, when a token is not a whole number from 0 on, and when
/// the module panics, for example because a token is out of its range. [`ModuleNetwork::check`]
/// returns these as errors.
impl<AB, M, F, const D: usize> Network<AB::InnerBackend> for ModuleNetwork<AB, M, F, D>
where
    AB: AutodiffBackend,
    M: Module<AB> + Sync,
    F: Fn(&M, Tensor<AB, D>) -> Tensor<AB, 2> + Send + Sync,
{
    type Trace = ModuleNetworkTrace<AB, M, F, D>;

    fn n_inputs(&self) -> usize {
        self.function.points().dims()[1..].iter().product()
    }

    fn n_params(&self) -> usize {
        self.parameters().n_params()
    }

    fn n_outputs(&self) -> usize {
        self.function.n_outputs()
    }

    /// Tokens have to be whole numbers that are not negative.
    fn check_inputs(&self, x: &Tensor<AB::InnerBackend, 2>) -> Result<(), String> {
        self.points(x).map(drop).map_err(|error| error.to_string())
    }

    /// A layer is consecutive parameters whose paths differ only in the last part.
    fn layer_ranges(&self) -> Vec<Range<usize>> {
        self.parameters().consecutive()
    }

    fn forward(
        &self,
        w: &Tensor<AB::InnerBackend, 1>,
        x: &Tensor<AB::InnerBackend, 2>,
    ) -> Tensor<AB::InnerBackend, 1> {
        let outputs = self.at(w, x, Graph::None).outputs();
        let [n, k] = outputs.dims();
        outputs.transpose().reshape([n * k])
    }

    fn trace(
        &self,
        w: &Tensor<AB::InnerBackend, 1>,
        x: &Tensor<AB::InnerBackend, 2>,
    ) -> Self::Trace {
        let function = self.at(w, x, Graph::Recorded);
        ModuleNetworkTrace::new(function, self.forward(w, x), self.jacobian_limit)
    }
}
