//! Kernels whose memory is checked before anything is computed.

use std::slice::from_ref;

use burn_tensor::{Tensor, backend::Backend};
use regime_models::Tape;

use super::{Method, PlanError, Sizes, plan};
use crate::{
    kernel::{cross_kernel, kernel},
    outputs::Outputs,
};

/// The kernel by the cheapest [`Method`] that stays within `limit_bytes`, as
/// [`kernel`](crate::kernel) for one tape and [`traced_kernel`](crate::traced_kernel) for one
/// tape per output.
///
/// # Shapes
/// As in [`Outputs`]; `[n, n]` for one tape.
///
/// # Errors
/// [`PlanError::Memory`] with the bytes that the kernel takes and the number of points that fit.
/// [`write_kernel`](crate::file::write_kernel) writes a larger kernel to a file tile by tile;
/// [`multiply`](crate::multiply) and [`top_eigenpairs`](crate::analysis::top_eigenpairs) need no
/// matrix.
///
/// # Panics
/// For no tapes, and for tapes on different points.
pub fn kernel_within<B: Backend, T: Tape<B>>(
    tapes: &[T],
    outputs: Outputs,
    limit_bytes: u64,
) -> Result<Tensor<B, 2>, PlanError> {
    if let [tape] = tapes
        && is_known(tape)
    {
        let n = tape.n_points();
        return fits(tape, [n, n], 0.0, limit_bytes).map(|()| kernel(tape));
    }
    plan(&Sizes::of(tapes), outputs, Method::Auto, limit_bytes)?.compute(tapes)
}

/// As [`cross_kernel`], if it stays within `limit_bytes`.
///
/// # Shapes
/// `[n_a, n_b]`
///
/// # Errors
/// [`PlanError::CrossMemory`] with the bytes that the kernel takes. Compute the kernel for some of
/// the points of `a` at a time instead.
///
/// # Panics
/// As [`cross_kernel`].
pub fn cross_kernel_within<B: Backend, T: Tape<B>>(
    a: &T,
    b: &T,
    limit_bytes: u64,
) -> Result<Tensor<B, 2>, PlanError> {
    let shape = [a.n_points(), b.n_points()];
    let scratch =
        if is_known(a) { 0.0 } else { Sizes::of(from_ref(a)).cross_scratch(b.n_points()) };
    fits(a, shape, scratch, limit_bytes).map(|()| cross_kernel(a, b))
}

/// Whether the tape knows its kernel. It is asked with a single point.
fn is_known<B: Backend, T: Tape<B>>(tape: &T) -> bool {
    let point = tape.select(&[0]);
    point.kernel_with(&point).is_some()
}

fn fits<B: Backend, T: Tape<B>>(
    tape: &T,
    [rows, columns]: [usize; 2],
    scratch: f64,
    limit: u64,
) -> Result<(), PlanError> {
    let bytes = tape.placement().1.size() as f64;
    let needed = bytes * (rows as f64 * columns as f64 + scratch);
    if needed <= limit as f64 {
        return Ok(());
    }
    Err(PlanError::CrossMemory { rows, columns, needed, limit })
}
