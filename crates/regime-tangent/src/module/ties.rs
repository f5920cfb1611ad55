//! A module whose parameters are leaves of the graph. A shared parameter is the same leaf in
//! all its places.

use std::{any::Any, collections::HashMap};

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId},
    tensor::{
        DType, Tensor,
        backend::{AutodiffBackend, Backend},
    },
};
use regime_models::Precision;

use super::{
    error::ModuleError,
    parameters::{Parameter, Parameters, is_below},
};

/// Converts all float tensors of a module to another element type.
///
/// In burn, the clones of a module share their running statistics, so the conversion
/// changes the statistics of all clones.
pub fn in_precision<B: Backend, M: Module<B>>(module: M, precision: Precision) -> M {
    struct Cast(DType);
    impl<B: Backend> ModuleMapper<B> for Cast {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<B, D>>) -> Param<Tensor<B, D>> {
            let (id, tensor, mapper) = param.consume();
            let tracked = tensor.is_require_grad();
            let tensor = tensor.cast(self.0).detach().set_require_grad(tracked);
            Param::from_mapped_value(id, tensor, mapper)
        }
    }
    module.map(&mut Cast(precision.dtype()))
}

/// A clone of a module whose parameters are leaves, and the list of the parameters.
///
/// If `group` is given, only parameters below this path become leaves; the others become
/// constants.
pub(super) fn tied<AB: AutodiffBackend, M: Module<AB>>(
    module: &M,
    dtype: DType,
    group: Option<&str>,
) -> Result<(M, Parameters), ModuleError> {
    // Every clone would initialise an uninitialised parameter again, with other values.
    module.visit(&mut Initialise);
    let mut tie = Tie {
        dtype,
        inside: HashMap::new(),
        path: Vec::new(),
        leaves: HashMap::new(),
        entries: Vec::new(),
        n_params: 0,
        problem: None,
    };
    if let Some(prefix) = group {
        let mut inside = Inside { prefix, path: Vec::new(), found: HashMap::new() };
        module.visit(&mut inside);
        tie.inside = inside.found;
    }
    let module = module.clone().map(&mut tie);
    match tie.problem {
        Some(problem) => Err(problem),
        None => Ok((module, Parameters::new(tie.entries))),
    }
}

struct Initialise;

impl<B: Backend> ModuleVisitor<B> for Initialise {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
        let _ = param.val();
    }
}

/// Which parameters lie below a path by any of their names.
struct Inside<'a> {
    prefix: &'a str,
    path: Vec<String>,
    found: HashMap<ParamId, bool>,
}

impl<B: Backend> ModuleVisitor<B> for Inside<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
        let below = is_below(&self.path.join("."), self.prefix);
        *self.found.entry(param.id).or_default() |= below;
    }

    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }
}

struct Tie {
    dtype: DType,
    /// `false` for parameters that stay constant.
    inside: HashMap<ParamId, bool>,
    path: Vec<String>,
    /// By identifier: the index of the entry, and its leaf.
    leaves: HashMap<ParamId, (usize, Box<dyn Any>)>,
    entries: Vec<Parameter>,
    n_params: usize,
    problem: Option<ModuleError>,
}

impl Tie {
    /// The leaf of a parameter that was already found in another place.
    fn again<AB: AutodiffBackend, const D: usize>(
        &mut self,
        id: ParamId,
        name: &str,
        value: &Tensor<AB, D>,
    ) -> Option<Tensor<AB, D>> {
        let (index, leaf) = self.leaves.get(&id)?;
        let entry = &mut self.entries[*index];
        entry.names.push(name.to_owned());
        let leaf = leaf.downcast_ref::<Tensor<AB, D>>();
        let same = |leaf: &Tensor<AB, D>| {
            leaf.dims() == value.dims()
                && Precision::to_host(leaf.clone()) == Precision::to_host(value.clone())
        };
        if leaf.is_none_or(|leaf| !same(leaf)) {
            let first = entry.names[0].clone();
            self.problem.get_or_insert(ModuleError::Shared { first, second: name.to_owned() });
        }
        leaf.cloned()
    }
}

impl<AB: AutodiffBackend> ModuleMapper<AB> for Tie {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<AB, D>>) -> Param<Tensor<AB, D>> {
        let (id, tensor, mapper) = param.consume();
        let name = self.path.join(".");
        let (found, expected) = (tensor.dtype(), self.dtype);
        if found != expected {
            let name = name.clone();
            self.problem.get_or_insert(ModuleError::ElementType { name, found, expected });
        }
        if !tensor.is_require_grad() {
            return Param::from_mapped_value(id, tensor, mapper);
        }
        let value = Tensor::from_inner(tensor.inner());
        if self.inside.get(&id) == Some(&false) {
            return Param::from_mapped_value(id, value, mapper);
        }
        let leaf = match self.again(id, &name, &value) {
            Some(leaf) => leaf,
            None => {
                let range = self.n_params..self.n_params + value.shape().num_elements();
                self.n_params = range.end;
                let shape = value.dims().to_vec();
                let entry = Parameter { names: vec![name], shape, range, id };
                let leaf = value.require_grad();
                self.leaves.insert(id, (self.entries.len(), Box::new(leaf.clone())));
                self.entries.push(entry);
                leaf
            }
        };
        Param::from_mapped_value(id, leaf, mapper)
    }
}

/// Whether an evaluation of a module records what its derivatives need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Graph {
    /// The parameters are leaves.
    Recorded,
    /// The parameters are constants: for outputs alone.
    None,
}

/// A tied module with other values of its parameters, `[P]`.
pub(super) fn assigned<AB: AutodiffBackend, M: Module<AB>>(
    module: &M,
    parameters: &Parameters,
    values: &Tensor<AB::InnerBackend, 1>,
    graph: Graph,
) -> M {
    let leaves = HashMap::new();
    module.clone().map(&mut Assign::<AB> { parameters, values, graph, leaves })
}

struct Assign<'a, AB: AutodiffBackend> {
    parameters: &'a Parameters,
    values: &'a Tensor<AB::InnerBackend, 1>,
    graph: Graph,
    leaves: HashMap<ParamId, Box<dyn Any>>,
}

impl<AB: AutodiffBackend> ModuleMapper<AB> for Assign<'_, AB> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<AB, D>>) -> Param<Tensor<AB, D>> {
        let (id, tensor, mapper) = param.consume();
        let Some(index) = self.parameters.index(&id) else {
            return Param::from_mapped_value(id, tensor, mapper);
        };
        let again = self.leaves.get(&id).and_then(|leaf| leaf.downcast_ref::<Tensor<AB, D>>());
        let leaf = again.cloned().unwrap_or_else(|| {
            let range = &self.parameters.entries()[index].range;
            let values = self.values.clone().narrow(0, range.start, range.len());
            let value = Tensor::from_inner(values.reshape(tensor.dims()));
            value.set_require_grad(self.graph == Graph::Recorded)
        });
        self.leaves.insert(id, Box::new(leaf.clone()));
        Param::from_mapped_value(id, leaf, mapper)
    }
}

/// The values of all parameters of a tied module, concatenated, `[P]`.
pub(super) fn values<AB: AutodiffBackend, M: Module<AB>>(
    module: &M,
    parameters: &Parameters,
) -> Tensor<AB::InnerBackend, 1> {
    collected(module, parameters, Collect::Values)
}

/// The gradients of all parameters of a tied module, concatenated, `[P]`: 0 for parameters
/// without a gradient.
pub(super) fn flattened<AB: AutodiffBackend, M: Module<AB>>(
    module: &M,
    parameters: &Parameters,
    gradients: &AB::Gradients,
) -> Tensor<AB::InnerBackend, 1> {
    collected(module, parameters, Collect::Gradients(gradients))
}

fn collected<AB: AutodiffBackend, M: Module<AB>>(
    module: &M,
    parameters: &Parameters,
    what: Collect<'_, AB>,
) -> Tensor<AB::InnerBackend, 1> {
    let parts = parameters.entries().iter().map(|_| None).collect();
    let mut collector = Collector { parameters, what, parts };
    module.visit(&mut collector);
    let parts = collector.parts.into_iter();
    Tensor::cat(parts.map(|part| part.expect("the module visits the same parameters")).collect(), 0)
}

enum Collect<'a, AB: AutodiffBackend> {
    Values,
    Gradients(&'a AB::Gradients),
}

struct Collector<'a, AB: AutodiffBackend> {
    parameters: &'a Parameters,
    what: Collect<'a, AB>,
    parts: Vec<Option<Tensor<AB::InnerBackend, 1>>>,
}

impl<AB: AutodiffBackend> ModuleVisitor<AB> for Collector<'_, AB> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<AB, D>>) {
        let Some(index) = self.parameters.index(&param.id) else { return };
        // A shared parameter is one leaf, whose gradient counts once.
        if self.parts[index].is_some() {
            return;
        }
        let leaf = param.val();
        let n = leaf.shape().num_elements();
        let part = match self.what {
            Collect::Values => leaf.inner().reshape([n]),
            Collect::Gradients(gradients) => match leaf.grad(gradients) {
                Some(gradient) => gradient.reshape([n]),
                None => Tensor::zeros([n], (&leaf.device(), leaf.dtype())),
            },
        };
        self.parts[index] = Some(part);
    }
}
