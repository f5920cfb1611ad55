//! Stacked systems: networks of one shape, each with its own points and objective.

use burn_tensor::{DType, Tensor, backend::Backend};
use regime_models::{Precision, StackedNetwork, StackedTape};

use crate::{loss::Loss, objective::Objective, selection::numbered};

/// The systems of a batch.
pub(super) struct StackedSystem<B: Backend> {
    net: StackedNetwork,
    loss: Loss,
    /// `[1, P]`, see [`StackedNetwork::scales`].
    scales: Tensor<B, 2>,
    /// `[r, n, d]`
    inputs: Tensor<B, 3>,
    /// `yα`, the derivative of a margin with respect to its output, `[r, n]`.
    gains: Tensor<B, 2>,
    /// `f₀`, `[r, n]`.
    initial: Tensor<B, 2>,
    /// `y/(αn)`, which converts a slope of the loss to a slope of `L` with respect to the output,
    /// `[r, n]`.
    weights: Tensor<B, 2>,
}

/// The networks, evaluated at some weights.
#[derive(Clone)]
pub(super) struct StackedPoint<B: Backend> {
    /// `[r, P]`
    pub(super) w: Tensor<B, 2>,
    pub(super) tape: StackedTape<B>,
    /// `∇L`, `[r, P]`.
    pub(super) gradient: Tensor<B, 2>,
    /// `[r, n]`
    pub(super) margins: Tensor<B, 2>,
}

impl<B: Backend> StackedSystem<B> {
    /// `inputs`: `[r, n, d]`, in the order of the objectives, which share their loss.
    pub(super) fn new(net: StackedNetwork, inputs: Tensor<B, 3>, objectives: &[Objective]) -> Self {
        let device = inputs.device();
        let precision = Precision::of(inputs.dtype());
        let shape = [objectives.len(), objectives[0].n_points()];
        let stacked = |of: &dyn Fn(&Objective) -> Vec<f64>| {
            let numbers: Vec<f64> = objectives.iter().flat_map(of).collect();
            precision.matrix::<B>(&numbers, shape, &device)
        };
        let times = |o: &Objective, c: f64| o.signs().iter().map(|y| c * y).collect();
        Self {
            scales: net.scales(precision, &device),
            loss: objectives[0].loss(),
            gains: stacked(&|o| times(o, o.alpha().value())),
            initial: stacked(&|o| o.initial().to_vec()),
            weights: stacked(&|o| times(o, (o.alpha().value() * o.n_points() as f64).recip())),
            net,
            inputs,
        }
    }

    pub(super) fn device(&self) -> B::Device {
        self.inputs.device()
    }

    /// The element type of weights and points.
    pub(super) fn dtype(&self) -> DType {
        self.inputs.dtype()
    }

    /// The outputs `f` at `w`, `[r, P]`, in host memory, one network after the other.
    pub(super) fn outputs(&self, w: &Tensor<B, 2>) -> Vec<f64> {
        Precision::to_host(self.net.trace(w, &self.scales, &self.inputs).outputs())
    }

    /// A forward and a backward pass at `w`, `[r, P]`, without transfers to the host.
    pub(super) fn point(&self, w: Tensor<B, 2>) -> StackedPoint<B> {
        let trace = self.net.trace(&w, &self.scales, &self.inputs);
        let margins = (trace.outputs() - self.initial.clone()) * self.gains.clone();
        let tape = trace.linearise();
        let g = self.loss.slopes(margins.clone()) * self.weights.clone();
        let gradient = tape.vjp(&g);
        StackedPoint { w, tape, gradient, margins }
    }

    /// The networks with these numbers, in this order.
    pub(super) fn networks(&self, numbers: &[usize]) -> Self {
        let rows = numbered::<B>(numbers, &self.device());
        let of = |t: &Tensor<B, 2>| t.clone().select(0, rows.clone());
        Self {
            net: self.net.clone(),
            loss: self.loss,
            scales: self.scales.clone(),
            inputs: self.inputs.clone().select(0, rows.clone()),
            gains: of(&self.gains),
            initial: of(&self.initial),
            weights: of(&self.weights),
        }
    }
}

impl<B: Backend> StackedPoint<B> {
    /// The networks with these numbers, in this order.
    pub(super) fn networks(&self, numbers: &[usize]) -> Self {
        let rows = numbered::<B>(numbers, &self.w.device());
        let of = |t: &Tensor<B, 2>| t.clone().select(0, rows.clone());
        Self {
            w: of(&self.w),
            tape: self.tape.networks(numbers),
            gradient: of(&self.gradient),
            margins: of(&self.margins),
        }
    }

    /// These networks, with those marked in `takes` replaced by the ones in `other`.
    pub(super) fn or(&self, other: &Self, takes: &[bool]) -> Self {
        let r = takes.len();
        let both = |a: &Tensor<B, 2>, b: &Tensor<B, 2>| Tensor::cat(vec![a.clone(), b.clone()], 0);
        if !takes.contains(&false) {
            return other.clone();
        }
        let all = Self {
            w: both(&self.w, &other.w),
            tape: self.tape.and(&other.tape),
            gradient: both(&self.gradient, &other.gradient),
            margins: both(&self.margins, &other.margins),
        };
        let numbers: Vec<usize> =
            takes.iter().enumerate().map(|(k, &takes)| if takes { r + k } else { k }).collect();
        all.networks(&numbers)
    }

    /// `‖∇L‖²`, `[r, 1]` in float64.
    pub(super) fn squares(&self) -> Tensor<B, 2> {
        let gradient = self.gradient.clone().cast(DType::F64);
        (gradient.clone() * gradient).sum_dim(1)
    }
}
