//! Slopes of losses as tensor operations, for margins that stay on their device.

use burn_tensor::{Tensor, backend::Backend};
use regime_models::{Precision, logistic};

use crate::loss::Loss;

impl Loss {
    /// `ℓ'(u)`, element by element, on the device of the margins; see [`slope`](Self::slope) for
    /// a single margin. The margins of a loss of the program go through host memory.
    pub fn slopes<B: Backend>(self, u: Tensor<B, 2>) -> Tensor<B, 2> {
        match self {
            Self::Hinge => u.sub_scalar(1.0).sign().clamp_max(0.0),
            Self::SoftHinge { beta } => logistic(u.mul_scalar(-beta).add_scalar(beta)).neg(),
            Self::QuadraticHinge => u.sub_scalar(1.0).clamp_max(0.0),
            Self::Squared => u.sub_scalar(1.0),
            Self::Logistic | Self::CrossEntropy => logistic(u.neg()).neg(),
            Self::Own(_) => {
                let (dims, device, dtype) = (u.dims(), u.device(), u.dtype());
                let slopes: Vec<f64> =
                    Precision::to_host(u).iter().map(|&u| self.slope(u)).collect();
                Precision::of(dtype).matrix(&slopes, dims, &device)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    regime_models::on_every_backend!(slopes_on_a_device_equal_those_on_the_host);

    fn slopes_on_a_device_equal_those_on_the_host<B: Backend>(device: &B::Device) {
        let margins: Vec<f64> = (-40..80).map(|i| 0.0375 * f64::from(i)).collect();
        for loss in [
            Loss::Hinge,
            Loss::SoftHinge { beta: 20.0 },
            Loss::QuadraticHinge,
            Loss::Squared,
            Loss::Logistic,
        ] {
            let u = Precision::F64.matrix::<B>(&margins, [2, margins.len() / 2], device);
            for (&u, found) in margins.iter().zip(Precision::to_host(loss.slopes(u))) {
                let expected = loss.slope(u);
                assert!(
                    (found - expected).abs() <= 1e-14 * expected.abs(),
                    "{loss:?} at {u}: {found}"
                );
            }
        }
    }
}
