//! Systems of frozen kernels.

use std::sync::Arc;

use burn_tensor::{Tensor, backend::Backend};
use regime_models::{Alpha, Network};

use crate::{
    builder::SystemBuilder,
    kernel_model::{KernelModel, KernelModelError, cross_rows},
    system::System,
};

impl<B: Backend> System<B, KernelModel<B>> {
    /// Starts a system of a frozen kernel: its inputs are the training points of the model, and its
    /// initial weights are `c = 0`. α is 1 if none is given: `F` does not depend on it. Targets and
    /// loss have to be given.
    pub fn of_kernel(model: KernelModel<B>) -> SystemBuilder<B, KernelModel<B>> {
        let points = model.training_points();
        let one = Alpha::paper(1.0).expect("1 is positive");
        System::builder(model, points).origin().alpha(one)
    }
}

impl<B: Backend, N: Network<B>> System<B, N> {
    /// The same problem with the tangent kernel of the network frozen at the weights `w`: its
    /// flow is the limit `α → ∞` of the flow of the network that starts there.
    ///
    /// # Shapes
    /// `w`: `[P]`
    ///
    /// # Errors
    /// [`KernelModelError::NotFinite`] if the kernel is not finite at these weights.
    pub fn frozen(&self, w: &Tensor<B, 1>) -> Result<System<B, KernelModel<B>>, KernelModelError> {
        let model = KernelModel::of(self.network(), w, self.inputs())?;
        Ok(self.with_kernel(model))
    }

    /// As [`frozen`](Self::frozen), with other points `x` at which the model can be evaluated; they
    /// are the [`other_points`](KernelModel::other_points) of the model. `batch_size` of them are
    /// evaluated at a time.
    ///
    /// # Shapes
    /// `w`: `[P]`, `x`: `[m, d]`
    ///
    /// # Errors
    /// As [`frozen`](Self::frozen).
    ///
    /// # Panics
    /// When `batch_size` is 0.
    pub fn frozen_with_points(
        &self,
        w: &Tensor<B, 1>,
        x: &Tensor<B, 2>,
        batch_size: usize,
    ) -> Result<System<B, KernelModel<B>>, KernelModelError> {
        let rows = cross_rows(self.network(), w, self.inputs(), x, batch_size);
        let model = KernelModel::of(self.network(), w, self.inputs())?.with_points(rows)?;
        Ok(self.with_kernel(model))
    }

    fn with_kernel(&self, model: KernelModel<B>) -> System<B, KernelModel<B>> {
        let (points, origin) = (model.training_points(), model.origin());
        let objective = self.objective();
        let zeros = vec![0.0; objective.initial().len()];
        System::from_parts(Arc::new(model), points, objective.clone().with_initial(zeros), origin)
    }
}
