//! The public constructors, which check the function.

use burn::{
    module::Module,
    tensor::{Tensor, backend::AutodiffBackend},
};

use super::{error::ModuleError, function::ModuleFunction, independence};

impl<AB, M, F, const D: usize> ModuleFunction<AB, M, F, D>
where
    AB: AutodiffBackend,
    M: Module<AB>,
    F: Fn(&M, Tensor<AB, D>) -> Tensor<AB, 2>,
{
    /// Creates and checks the function of a module. Later changes of the module have no
    /// effect on the function.
    ///
    /// Costs about four evaluations of all points, and `n` of single points.
    ///
    /// # Errors
    /// [`ModuleError`] when there are no points, parameters or outputs, when element
    /// types differ, when two places share a parameter identifier but not its values, and
    /// for modules that mix points or are random.
    pub fn new(
        module: &M,
        forward: F,
        points: Tensor<AB::InnerBackend, D>,
    ) -> Result<Self, ModuleError> {
        Self::checked(module, forward, points, None)
    }

    /// As [`new`](Self::new), with derivatives only with respect to the parameters below a
    /// path: see [`Parameters::group`](super::Parameters::group).
    ///
    /// # Errors
    /// As [`new`](Self::new), and when there are no parameters below the path.
    pub fn of_group(
        module: &M,
        forward: F,
        points: Tensor<AB::InnerBackend, D>,
        prefix: &str,
    ) -> Result<Self, ModuleError> {
        Self::checked(module, forward, points, Some(prefix))
    }

    fn checked(
        module: &M,
        forward: F,
        points: Tensor<AB::InnerBackend, D>,
        group: Option<&str>,
    ) -> Result<Self, ModuleError> {
        let function = Self::unchecked(module, forward, points, group)?;
        independence::check(&function)?;
        Ok(function)
    }

    /// The same function on other points, for kernels between two sets.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn at(&self, points: Tensor<AB::InnerBackend, D>) -> Result<Self, ModuleError> {
        if points.dims()[0] == 0 {
            return Err(ModuleError::NoPoints);
        }
        let function = self.on(points);
        independence::check(&function)?;
        Ok(function)
    }
}
