//! Quantities of a kernel that do not need its matrix.

use burn_tensor::{Tensor, backend::Backend};
use regime_models::{Precision, Tape};

use crate::{
    gram::{output_ranges, sum},
    jacobian::{assert_euclidean, jacobian},
};

/// The product `Θ v = J (Jᵀ v)`: one product with `Jᵀ` and one with `J`, about `4 n P`
/// multiply-adds and no memory for the matrix.
///
/// # Shapes
/// `[n]` → `[n]`
pub fn multiply<B: Backend, T: Tape<B>>(tape: &T, v: Tensor<B, 1>) -> Tensor<B, 1> {
    tape.jvp(tape.vjp(v))
}

/// The diagonal `Θ_ii = ‖∇f(x_i)‖²`.
///
/// It is computed from the norms of inputs and sensitivities if the tape has blocks, from
/// the kernel if the tape knows it, and otherwise gradient by gradient.
///
/// # Shapes
/// `[n]`
///
/// # Panics
/// As [`kernel`](crate::kernel).
pub fn diagonal<B: Backend, T: Tape<B>>(tape: &T) -> Tensor<B, 1> {
    let n = tape.n_points();
    if let Some(theta) = tape.kernel_with(tape) {
        let (device, dtype) = tape.placement();
        let diagonal: Vec<f64> = Precision::to_host(theta).into_iter().step_by(n + 1).collect();
        return Precision::of(dtype).vector(&diagonal, &device);
    }
    let Some(blocks) = tape.blocks() else {
        assert_euclidean(tape);
        let squares = (0..n).map(|i| jacobian(&tape.select(&[i])).square().sum());
        return Tensor::cat(squares.collect(), 0);
    };
    let terms = blocks.iter().map(|block| {
        if block.n_positions() > 1 {
            let some = |outputs| block.point_gradients(outputs).square().sum_dim(1);
            return sum(output_ranges(block, n).map(some));
        }
        let scale = block.weight_scale * block.weight_scale;
        let mut inputs = block.inputs(0..n).square().sum_dim(1).mul_scalar(scale);
        if block.biases.is_some() {
            inputs = inputs.add_scalar(1.0);
        }
        inputs * block.sensitivities.clone().square().sum_dim(1)
    });
    sum(terms).reshape([n])
}
