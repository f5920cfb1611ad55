//! A batch norm in evaluation mode that can be differentiated.

use burn::{
    module::{Module, Param},
    nn::BatchNorm,
    tensor::{Tensor, backend::Backend},
};

/// A batch norm with its running mean `μ` and variance `σ²` as constants, under automatic
/// differentiation too:
///
/// ```text
/// y = γ (x − μ) / √(σ² + ε) + β
/// ```
///
/// burn's [`BatchNorm`] has no evaluation mode on a backend that differentiates: it then uses
/// the mean and the variance of the batch, so the output for a point depends on the other
/// points, and [`ModuleFunction`](super::ModuleFunction) refuses it. `FrozenBatchNorm` is the
/// function that `BatchNorm` computes after training, on a backend without automatic
/// differentiation. `γ` and `β` are parameters; `μ` and `σ²` are stored in a record but
/// require no gradients.
///
/// # Shapes
/// - `γ`, `β`, `μ`, `σ²`: `[channels]`
/// - points: `[n, channels, …]` of any rank from 2 on; the result has the same shape
///
/// # Reference
/// S. Ioffe, C. Szegedy, "Batch normalization" (2015), algorithm 2.
///
/// ```
/// use burn::{nn::BatchNormConfig, tensor::Tensor};
/// use burn_autodiff::Autodiff;
/// use burn_flex::{Flex, FlexDevice};
/// use regime_tangent::{FrozenBatchNorm, ModuleFunction, Precision, in_precision};
///
/// type Grad = Autodiff<Flex>;
/// let norm = in_precision(BatchNormConfig::new(2).init::<Grad>(&FlexDevice), Precision::F64);
/// let points = Precision::F64.matrix::<Flex>(&[1.0, 3.0, -2.0, 0.5], [2, 2], &FlexDevice);
///
/// let refused = ModuleFunction::new(&norm, |m, x: Tensor<Grad, 2>| m.forward(x), points.clone());
/// assert!(refused.unwrap_err().to_string().contains("mixes the points of a batch"));
///
/// let frozen = FrozenBatchNorm::from(&norm);
/// let f = ModuleFunction::new(&frozen, |m, x: Tensor<Grad, 2>| m.forward(x), points)?;
/// assert_eq!(f.parameters().names(), ["gamma", "beta"]);
/// # Ok::<(), regime_tangent::ModuleError>(())
/// ```
#[derive(Module, Debug)]
pub struct FrozenBatchNorm<B: Backend> {
    /// The scale `γ`.
    pub gamma: Param<Tensor<B, 1>>,
    /// The shift `β`.
    pub beta: Param<Tensor<B, 1>>,
    /// The running mean `μ`, a constant.
    pub mean: Param<Tensor<B, 1>>,
    /// The running variance `σ²`, a constant.
    pub variance: Param<Tensor<B, 1>>,
    /// `ε`
    pub epsilon: f64,
}

/// Copies the current statistics. The scale and the shift keep their parameter identifiers.
impl<B: Backend> From<&BatchNorm<B>> for FrozenBatchNorm<B> {
    fn from(norm: &BatchNorm<B>) -> Self {
        // A clone of an uninitialised parameter would be initialised a second time.
        let initialised = |param: &Param<Tensor<B, 1>>| {
            let _ = param.val();
            param.clone()
        };
        let constant =
            |value: Tensor<B, 1>| Param::from_tensor(value.detach()).set_require_grad(false);
        Self {
            gamma: initialised(&norm.gamma),
            beta: initialised(&norm.beta),
            mean: constant(norm.running_mean.value_sync()),
            variance: constant(norm.running_var.value_sync()),
            epsilon: norm.epsilon,
        }
    }
}

impl<B: Backend> FrozenBatchNorm<B> {
    /// `y = γ (x − μ) / √(σ² + ε) + β`, channel by channel.
    ///
    /// # Shapes
    /// `x`: `[n, channels, …]` → the same
    ///
    /// # Panics
    /// For a rank below 2, and for another number of channels.
    pub fn forward<const D: usize>(&self, x: Tensor<B, D>) -> Tensor<B, D> {
        assert!(D >= 2, "a batch norm takes points [n, channels, …], not a tensor of rank {D}");
        let mut shape = [1; D];
        shape[1] = self.gamma.shape().num_elements();
        let channels = |param: &Param<Tensor<B, 1>>| param.val().reshape(shape);
        // The operations of burn's batch norm, in its order: the results have the same bits.
        let deviation = channels(&self.variance).add_scalar(self.epsilon).sqrt();
        let x = (x - channels(&self.mean)).div(deviation);
        x * channels(&self.gamma) + channels(&self.beta)
    }
}
