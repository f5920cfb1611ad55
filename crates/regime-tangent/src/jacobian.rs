//! The kernel from an explicit Jacobian: for any model, but more expensive.

use burn_tensor::{Tensor, backend::Backend};
use regime_models::{Precision, Tape};

use crate::assemble::Assembled;

/// The Jacobian `J = ∂f/∂w`, row by row: `n` products with `Jᵀ`, each on the tape
/// of a single point.
///
/// # Shapes
/// `[n, P]`; memory `n·P` numbers. If a tape has its own metric (see [`Tape::inner`]), the
/// rows are gradients in that metric.
pub fn jacobian<B: Backend, T: Tape<B>>(tape: &T) -> Tensor<B, 2> {
    let row = |i| {
        let point = tape.select(&[i]);
        point.vjp(ones(&point)).unsqueeze::<2>()
    };
    let first = row(0);
    let n = tape.n_points();
    if n == 1 {
        return first;
    }
    let mut rows = Assembled::zeros([n, first.dims()[1]], tape.placement());
    rows.add([0, 0], first);
    (1..n).for_each(|i| rows.add([i, 0], row(i)));
    rows.finish()
}

/// The tangent kernel contracted from the Jacobian, `n² P` multiply-adds.
///
/// On a tape with blocks it is slower than [`kernel`](crate::kernel) by a factor of about
/// `h/2`. The two computations are independent, and each is tested against the other.
///
/// # Shapes
/// `[n, n]`
///
/// # Panics
/// For a tape with its own metric ([`Tape::is_euclidean`]), where `J Jᵀ` is not the kernel.
pub fn contracted_kernel<B: Backend, T: Tape<B>>(tape: &T) -> Tensor<B, 2> {
    assert!(tape.is_euclidean(), "this tape has its own metric: use `kernel`");
    let j = jacobian(tape);
    contract(j.clone(), j)
}

/// # Panics
/// For a tape with its own metric that knows neither its kernel nor the layers.
pub(crate) fn assert_euclidean<B: Backend, T: Tape<B>>(tape: &T) {
    assert!(
        tape.is_euclidean(),
        "this tape has its own metric, in which J Jᵀ is not the kernel: it needs `kernel_with` or `blocks`"
    );
}

/// `a bᵀ`.
pub(crate) fn contract<B: Backend>(a: Tensor<B, 2>, b: Tensor<B, 2>) -> Tensor<B, 2> {
    a.matmul(b.transpose())
}

fn ones<B: Backend, T: Tape<B>>(tape: &T) -> Tensor<B, 1> {
    let (device, dtype) = tape.placement();
    Precision::of(dtype).vector(&vec![1.0; tape.n_points()], &device)
}
