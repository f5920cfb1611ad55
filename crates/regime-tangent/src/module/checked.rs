//! The public constructors, which check the function.

use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::{
    module::Module,
    tensor::{
        Tensor,
        backend::{AutodiffBackend, Backend},
    },
};

use super::{error::ModuleError, function::ModuleFunction, independence, statistics};

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
    /// types differ, when two places share a parameter identifier but not its values, when an
    /// output or a derivative is not finite, when the module panics, and for modules that mix points or
    /// are random.
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
        caught(module, || {
            let function = Self::unchecked(module, forward, points, group)?;
            independence::check(&function)?;
            Ok(function)
        })
    }

    /// The same function on other points, for kernels between two sets.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn at(&self, points: Tensor<AB::InnerBackend, D>) -> Result<Self, ModuleError> {
        if points.dims()[0] == 0 {
            return Err(ModuleError::NoPoints);
        }
        caught(self.module(), || {
            let function = self.on(points);
            independence::check(&function)?;
            Ok(function)
        })
    }
}

/// Turns a panic of the module into an error: its operations are those of the caller's code and data.
/// Keeps the module's running statistics.
pub(super) fn caught<B: Backend, M: Module<B>, T>(
    module: &M,
    make: impl FnOnce() -> Result<T, ModuleError>,
) -> Result<T, ModuleError> {
    let made = statistics::kept(module, || catch_unwind(AssertUnwindSafe(make)));
    made.unwrap_or_else(|payload| {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or_default();
        let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("without a message");
        Err(ModuleError::Panicked { message: line.trim().to_owned() })
    })
}
