//! The kernel of any network by finite differences of its outputs alone.

use burn_tensor::backend::Backend;
use ndarray::{Array2, ArrayView1, ArrayView2};
use regime_models::{Network, Precision, Trace};

use super::{
    Invariant, Violation,
    compare::Comparison,
    differences::{self, Function},
    on_backend::host,
};
use crate::{analysis::to_host_matrix, kernel};

/// The tangent kernel of a network from central differences of [`Network::forward`] along every
/// parameter, in float64. It uses no derivative that the network computes, so it is independent of
/// traces, tapes and every other method of this crate. It is `J Jᵀ`: for a network with a metric
/// ([`Tape::is_euclidean`](regime_models::Tape::is_euclidean) is false) this is not the kernel.
///
/// It costs at least `4P` evaluations of the outputs, and `nK·P` numbers.
///
/// # Accuracy
/// The error is below 10⁻⁶ of the largest entry for weights of order one: about 10⁻⁹ for smooth
/// functions. For ReLU the step is shortened until two steps agree; a unit whose preactivation is
/// within 10⁻⁸ of the kink may have the mean of both slopes.
///
/// # Shapes
/// `w`: `[P]`, `x`: `[n, d]` → `[nK, nK]`, in the order of the network's outputs.
///
/// # Panics
/// As the network, for other shapes.
///
/// # Examples
/// ```
/// use burn_flex::{Flex, FlexDevice};
/// use ndarray::{Array1, array};
/// use regime_models::{Activation, DenseSpec};
/// use regime_tangent::kit::{differences_give_the_kernel, kernel_by_differences, numbers};
///
/// let net = DenseSpec {
///     inputs: 2,
///     width: 4,
///     hidden_layers: 1,
///     activation: Activation::Tanh,
///     bias: true,
/// }.build()?;
/// let w = Array1::from_vec(numbers(net.n_params(), 1));
/// let x = array![[0.5, 1.0], [-1.0, 0.3]];
/// let theta = kernel_by_differences::<Flex, _>(&net, &FlexDevice, w.view(), x.view());
/// assert_eq!(theta.dim(), (2, 2));
/// differences_give_the_kernel::<Flex, _>(&net, &FlexDevice, w.view(), x.view())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn kernel_by_differences<B: Backend, N: Network<B>>(
    network: &N,
    device: &B::Device,
    w: ArrayView1<'_, f64>,
    x: ArrayView2<'_, f64>,
) -> Array2<f64> {
    let points = Precision::F64.matrix::<B>(&values(x), [x.nrows(), x.ncols()], device);
    let f = |w: ArrayView1<'_, f64>| {
        host(network.forward(&Precision::F64.vector(&w.to_vec(), device), &points))
    };
    let n = x.nrows() * network.n_outputs();
    let jacobian = differences::jacobian(&Function { f, n, precision: Precision::F64 }, w);
    jacobian.dot(&jacobian.t())
}

/// Checks that [`kernel`] of the network's tape is [`kernel_by_differences`], within 10⁻⁶ of the
/// largest entry. The network may have several outputs.
///
/// # Errors
/// The entry that differs.
pub fn differences_give_the_kernel<B: Backend, N: Network<B>>(
    network: &N,
    device: &B::Device,
    w: ArrayView1<'_, f64>,
    x: ArrayView2<'_, f64>,
) -> Result<(), Violation> {
    let points = Precision::F64.matrix::<B>(&values(x), [x.nrows(), x.ncols()], device);
    let tape = network.trace(&Precision::F64.vector(&w.to_vec(), device), &points).linearise();
    let what = "the kernel";
    Comparison::of(Invariant::Differences, what, differences::accuracy(Precision::F64))
        .arrays(&to_host_matrix(kernel(&tape)), &kernel_by_differences(network, device, w, x))
}

fn values(x: ArrayView2<'_, f64>) -> Vec<f64> {
    x.iter().copied().collect()
}
