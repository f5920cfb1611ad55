//! Models that are not networks: a linear model, whose tape has no blocks, and a model
//! that is NaN except at one point.

use burn_tensor::{DType, Tensor, backend::Backend};
use regime_models::{Network, Tape, Trace};

/// `f = x·w/√d`, defined as a general model: by products with its Jacobian, without
/// further structure.
pub(crate) struct Linear {
    pub(crate) inputs: usize,
}

impl<B: Backend> Network<B> for Linear {
    type Trace = Rows<B>;

    fn n_inputs(&self) -> usize {
        self.inputs
    }

    fn n_params(&self) -> usize {
        self.inputs
    }

    fn forward(&self, w: &Tensor<B, 1>, x: &Tensor<B, 2>) -> Tensor<B, 1> {
        self.trace(w, x).output()
    }

    fn trace(&self, w: &Tensor<B, 1>, x: &Tensor<B, 2>) -> Rows<B> {
        let jacobian = x.clone().div_scalar((self.inputs as f64).sqrt());
        Rows { output: times(&jacobian, w.clone()), jacobian }
    }
}

/// The Jacobian, row by row.
pub(crate) struct Rows<B: Backend> {
    jacobian: Tensor<B, 2>,
    output: Tensor<B, 1>,
}

fn times<B: Backend>(matrix: &Tensor<B, 2>, v: Tensor<B, 1>) -> Tensor<B, 1> {
    let n = matrix.dims()[0];
    matrix.clone().matmul(v.unsqueeze_dim(1)).reshape([n])
}

impl<B: Backend> Trace<B> for Rows<B> {
    type Tape = Self;

    fn output(&self) -> Tensor<B, 1> {
        self.output.clone()
    }

    fn linearise(self) -> Self {
        self
    }
}

impl<B: Backend> Tape<B> for Rows<B> {
    fn n_points(&self) -> usize {
        self.jacobian.dims()[0]
    }

    fn placement(&self) -> (B::Device, DType) {
        (self.jacobian.device(), self.jacobian.dtype())
    }

    fn jvp(&self, v: Tensor<B, 1>) -> Tensor<B, 1> {
        times(&self.jacobian, v)
    }

    fn vjp(&self, g: Tensor<B, 1>) -> Tensor<B, 1> {
        times(&self.jacobian.clone().transpose(), g)
    }

    fn select(&self, points: &[usize]) -> Self {
        let rows: Vec<_> = points.iter().map(|&i| self.jacobian.clone().narrow(0, i, 1)).collect();
        let outputs: Vec<_> = points.iter().map(|&i| self.output.clone().narrow(0, i, 1)).collect();
        Self { jacobian: Tensor::cat(rows, 0), output: Tensor::cat(outputs, 0) }
    }
}

/// A model that is linear at `w = 0` and NaN everywhere else.
pub(crate) struct Cliff;

impl<B: Backend> Network<B> for Cliff {
    type Trace = Rows<B>;

    fn n_inputs(&self) -> usize {
        2
    }

    fn n_params(&self) -> usize {
        2
    }

    fn forward(&self, w: &Tensor<B, 1>, x: &Tensor<B, 2>) -> Tensor<B, 1> {
        self.trace(w, x).output()
    }

    fn trace(&self, w: &Tensor<B, 1>, x: &Tensor<B, 2>) -> Rows<B> {
        let mut rows = Linear { inputs: 2 }.trace(w, x);
        if w.clone().abs().sum().into_data().iter::<f64>().any(|norm| norm > 0.0) {
            rows.output = rows.output.mul_scalar(f64::NAN);
        }
        rows
    }
}
