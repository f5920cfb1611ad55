use burn_tensor::{Tensor, backend::Backend};
use regime_models::{Alpha, Network, Precision, Scaled};

use super::Probe;
use crate::targets::Targets;

/// The fraction of a set of points on the wrong side, `y F ≤ 0`, or in the wrong class, see
/// [`Targets::wrong`].
///
/// A NaN output counts as wrong.
#[derive(Debug)]
pub struct TestError<'a, B: Backend, N> {
    net: &'a N,
    targets: Targets,
    batches: Vec<Batch<B>>,
}

/// Some points with the outputs that `F` subtracts.
#[derive(Debug)]
struct Batch<B: Backend> {
    inputs: Tensor<B, 2>,
    scaled: Scaled<B>,
}

impl<'a, B: Backend, N: Network<B>> TestError<'a, B, N> {
    /// For `F = α(f − f₀)` with `f₀` at the weights `w0`, `[P]`; `batch_size` points are
    /// evaluated at a time, which bounds the memory of a large set.
    ///
    /// # Shapes
    /// `inputs`: `[n, d]`, `targets` of `n` points: labels ±1 or classes
    ///
    /// # Panics
    /// When the numbers of inputs and targets differ, the network has other outputs than the targets,
    /// the targets are real numbers, or `batch_size` is 0.
    pub fn new(
        net: &'a N,
        inputs: &Tensor<B, 2>,
        targets: Targets,
        (w0, alpha): (&Tensor<B, 1>, Alpha),
        batch_size: usize,
    ) -> Self {
        let n = targets.n_points();
        assert_eq!(inputs.dims()[0], n, "every input has a target");
        assert_eq!(net.n_outputs(), targets.n_outputs(), "every output has a target");
        assert!(targets.has_sides(), "real numbers have no wrong side");
        let batch = |start: usize| {
            let inputs = inputs.clone().narrow(0, start, batch_size.min(n - start));
            let scaled = Scaled::at(net, w0, &inputs, alpha);
            Batch { inputs, scaled }
        };
        Self { net, targets, batches: (0..n).step_by(batch_size).map(batch).collect() }
    }

    /// `F` on all points with the weights `w`, `[P]`.
    ///
    /// # Shapes
    /// `[nK]`, output by output
    pub fn outputs(&self, w: &Tensor<B, 1>) -> Vec<f64> {
        let parts: Vec<Vec<f64>> =
            self.batches.iter().map(|batch| batch.outputs(self.net, w)).collect();
        let n_outputs = self.targets.n_outputs();
        let of = |k: usize| {
            parts.iter().flat_map(move |part| {
                let n = part.len() / n_outputs;
                part[k * n..(k + 1) * n].iter().copied()
            })
        };
        (0..n_outputs).flat_map(of).collect()
    }

    /// The fraction of the points whose outputs are on the wrong side.
    ///
    /// # Shapes
    /// `outputs`: `[nK]`
    pub fn share_wrong(&self, outputs: &[f64]) -> f64 {
        let wrong = self.wrong(outputs);
        wrong.iter().filter(|&&is_wrong| is_wrong).count() as f64 / wrong.len() as f64
    }

    /// For every point, whether its outputs are on the wrong side.
    ///
    /// # Shapes
    /// `outputs`: `[nK]`, the result: `[n]`
    pub fn wrong(&self, outputs: &[f64]) -> Vec<bool> {
        self.targets.wrong(outputs).expect("the targets have sides")
    }
}

impl<B: Backend> Batch<B> {
    fn outputs<N: Network<B>>(&self, net: &N, w: &Tensor<B, 1>) -> Vec<f64> {
        Precision::to_host(self.scaled.output(net.forward(w, &self.inputs)))
    }
}

impl<B: Backend, N: Network<B>> Probe<B> for TestError<'_, B, N> {
    type Reading = f64;

    fn read(&self, w: &Tensor<B, 1>) -> f64 {
        self.share_wrong(&self.outputs(w))
    }
}
