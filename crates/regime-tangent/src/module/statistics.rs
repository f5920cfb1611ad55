//! Keeps the running statistics of a module.

use std::{any::Any, collections::HashMap};

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId},
    tensor::{Tensor, backend::Backend},
};

/// Calls `evaluate`, and gives the running statistics of the module back the values that they had
/// before. In burn, the clones of a module share its statistics, and a batch norm changes them in
/// every evaluation under automatic differentiation.
pub(super) fn kept<B: Backend, M: Module<B>, T>(module: &M, evaluate: impl FnOnce() -> T) -> T {
    let mut statistics = Statistics::default();
    module.visit(&mut statistics);
    if statistics.0.is_empty() {
        return evaluate();
    }
    // Evaluations are merged into the statistics when a record is made.
    let merge = || drop(module.clone().into_record());
    merge();
    module.visit(&mut statistics);
    let result = evaluate();
    merge();
    drop(module.clone().map(&mut statistics));
    result
}

/// The tensors that require no gradients, among which are the running statistics.
#[derive(Default)]
struct Statistics(HashMap<ParamId, Box<dyn Any>>);

impl<B: Backend> ModuleVisitor<B> for Statistics {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
        let value = param.val();
        if !value.is_require_grad() {
            self.0.insert(param.id, Box::new(value));
        }
    }
}

impl<B: Backend> ModuleMapper<B> for Statistics {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<B, D>>) -> Param<Tensor<B, D>> {
        let (id, value, mapper) = param.consume();
        let before = self.0.get(&id).and_then(|kept| kept.downcast_ref::<Tensor<B, D>>());
        Param::from_mapped_value(id, before.cloned().unwrap_or(value), mapper)
    }
}
