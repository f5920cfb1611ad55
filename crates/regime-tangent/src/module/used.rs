//! Whether the forward pass of a module calls one of its layers.

use burn::{
    module::{Module, ModuleVisitor, Param},
    tensor::{Tensor, backend::AutodiffBackend},
};

use super::{function::ModuleFunction, parameters::is_below};

/// What is known of the calls of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Calls {
    /// The outputs are computed from a parameter of the layer.
    Some,
    /// The outputs are not computed from any of its parameters.
    None,
    /// The layer has no parameters with respect to which the function is differentiated.
    Unknown,
}

/// Whether the outputs for the first two points are computed from a parameter below `path`.
/// This costs a forward and a backward pass.
pub(super) fn calls<AB, M, F, const D: usize>(
    function: &ModuleFunction<AB, M, F, D>,
    path: &str,
) -> Calls
where
    AB: AutodiffBackend,
    M: Module<AB>,
    F: Fn(&M, Tensor<AB, D>) -> Tensor<AB, 2>,
{
    let n = function.n_points().min(2);
    let points = function.points().clone().narrow(0, 0, n);
    let gradients = &function.gradients(function.evaluate(points));
    let mut below =
        Below::<AB> { prefix: path, path: Vec::new(), gradients, calls: Calls::Unknown };
    function.module().visit(&mut below);
    below.calls
}

struct Below<'a, AB: AutodiffBackend> {
    prefix: &'a str,
    path: Vec<String>,
    gradients: &'a AB::Gradients,
    calls: Calls,
}

impl<AB: AutodiffBackend> ModuleVisitor<AB> for Below<'_, AB> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<AB, D>>) {
        let leaf = param.val();
        if !leaf.is_require_grad() || !is_below(&self.path.join("."), self.prefix) {
            return;
        }
        // A derivative that is 0 still has a gradient: only parameters outside the graph have none.
        if leaf.grad(self.gradients).is_some() {
            self.calls = Calls::Some;
        } else if self.calls == Calls::Unknown {
            self.calls = Calls::None;
        }
    }

    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }
}
