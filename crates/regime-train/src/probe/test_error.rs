use burn_tensor::{Tensor, backend::Backend};
use regime_models::{Alpha, Network, Precision, Scaled};

use super::Probe;

/// The fraction of a set of points on the wrong side, `y F ≤ 0`.
///
/// A NaN output counts as wrong.
#[derive(Debug)]
pub struct TestError<'a, B: Backend, N> {
    net: &'a N,
    batches: Vec<Batch<B>>,
}

/// Some points with their labels and the outputs that `F` subtracts.
#[derive(Debug)]
struct Batch<B: Backend> {
    inputs: Tensor<B, 2>,
    labels: Vec<f64>,
    scaled: Scaled<B>,
}

impl<'a, B: Backend, N: Network<B>> TestError<'a, B, N> {
    /// For `F = α(f − f₀)` with `f₀` at the weights `w0`, `[P]`; `batch_size` points are
    /// evaluated at a time, which bounds the memory of a large set.
    ///
    /// # Shapes
    /// `inputs`: `[n, d]`, `labels`: `[n]`
    ///
    /// # Panics
    /// When the numbers of inputs and labels differ, or `batch_size` is 0.
    pub fn new(
        net: &'a N,
        inputs: &Tensor<B, 2>,
        labels: &[f64],
        (w0, alpha): (&Tensor<B, 1>, Alpha),
        batch_size: usize,
    ) -> Self {
        let n = labels.len();
        assert_eq!(inputs.dims()[0], n, "every input has a label");
        let batch = |start: usize| {
            let labels = labels[start..n.min(start + batch_size)].to_vec();
            let inputs = inputs.clone().narrow(0, start, labels.len());
            let scaled = Scaled::at(net, w0, &inputs, alpha);
            Batch { inputs, labels, scaled }
        };
        Self { net, batches: (0..n).step_by(batch_size).map(batch).collect() }
    }

    /// `F` on all points with the weights `w`, `[P]`.
    ///
    /// # Shapes
    /// `[n]`
    pub fn outputs(&self, w: &Tensor<B, 1>) -> Vec<f64> {
        self.batches.iter().flat_map(|batch| batch.outputs(self.net, w)).collect()
    }

    /// The fraction of the points whose outputs are on the wrong side.
    ///
    /// # Shapes
    /// `outputs`: `[n]`
    pub fn share_wrong(&self, outputs: &[f64]) -> f64 {
        let wrong = self.wrong(outputs);
        wrong.iter().filter(|&&is_wrong| is_wrong).count() as f64 / wrong.len() as f64
    }

    /// For every point, whether its output is on the wrong side.
    ///
    /// # Shapes
    /// `outputs` and the result: `[n]`
    pub fn wrong(&self, outputs: &[f64]) -> Vec<bool> {
        let labels = self.batches.iter().flat_map(|batch| &batch.labels);
        outputs.iter().zip(labels).map(|(&f, &y)| !(f * y > 0.0)).collect()
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
