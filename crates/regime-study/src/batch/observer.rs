//! Measurements of the runs of a batch during training.

use burn_tensor::{Tensor, backend::Backend};
use ndarray::ArrayView2;
use regime_models::{FeedForward, Precision, StackedNetwork};
use regime_train::{BatchObserver, Moment, Observation};

use crate::{
    context::InterruptPolicy, measuring_observer::MeasuringObserver, points::tensor, ready::Ready,
};

/// Computes the kernels of several runs at once, each on the kernel points of its run.
pub(super) struct Kernels<B: Backend> {
    net: StackedNetwork,
    /// `[1, P]`
    scales: Tensor<B, 2>,
    /// By member, `[n, d]`; `None` where kernels are not measured.
    points: Vec<Option<Tensor<B, 2>>>,
}

impl<B: Backend> Kernels<B> {
    pub(super) fn of<'a>(
        net: &FeedForward,
        runs: impl Iterator<Item = &'a Ready<'a, B>>,
        device: &B::Device,
    ) -> Self {
        let net = StackedNetwork::of(net).expect("the batch has accepted this network");
        let mut precision = Precision::F64;
        let mut points = Vec::new();
        for Ready { spec, data, .. } in runs {
            precision = spec.precision;
            let of_run = (!data.kernel.is_empty()).then_some(&data.kernel);
            points.push(of_run.map(|part| tensor::<B>(part, precision, device)));
        }
        Self { scales: net.scales(precision, device), net, points }
    }

    /// The kernels of the given members at the weights `w`, `[r, P]`. They are on the host, one
    /// after the other.
    fn read(&self, members: &[usize], w: &Tensor<B, 2>) -> Vec<f64> {
        let points = members.iter().map(|&member| {
            let points =
                self.points[member].as_ref().expect("the kernel of this member is measured");
            points.clone().unsqueeze::<3>()
        });
        let points = Tensor::cat(points.collect(), 0);
        Precision::to_host(self.net.trace(w, &self.scales, &points).linearise().kernel())
    }
}

/// Measures the runs of a batch.
pub(super) struct BatchMeasurements<'o, 'm, 'p, B: Backend> {
    pub(super) kernels: &'o mut Kernels<B>,
    pub(super) measuring: &'o mut [MeasuringObserver<'m, B>],
    pub(super) policies: &'o [InterruptPolicy<'p>],
    /// Whether the member has neither ended nor failed.
    pub(super) active_flow: &'o mut [bool],
}

impl<B: Backend> BatchObserver<B> for BatchMeasurements<'_, '_, '_, B> {
    fn observe(&mut self, observed: &[(usize, Observation)], w: &Tensor<B, 2>) {
        let [_, n_params] = w.dims();
        let row = |k: usize| w.clone().narrow(0, k, 1);
        let measured: Vec<usize> = (0..observed.len())
            .filter(|&k| self.measuring[observed[k].0].needs_kernel(observed[k].1.moment))
            .collect();
        let mut thetas: Vec<Option<Vec<f64>>> = vec![None; observed.len()];
        if !measured.is_empty() {
            let members: Vec<usize> = measured.iter().map(|&k| observed[k].0).collect();
            let weights = match measured.len() == observed.len() {
                true => w.clone(),
                false => Tensor::cat(measured.iter().map(|&k| row(k)).collect(), 0),
            };
            let all = self.kernels.read(&members, &weights);
            let size = all.len() / measured.len();
            for (&k, theta) in measured.iter().zip(all.chunks_exact(size)) {
                thetas[k] = Some(theta.to_vec());
            }
        }
        let weights = Precision::to_host(w.clone());
        let weights = weights.chunks_exact(n_params);
        for (k, (((member, observation), weights), theta)) in
            observed.iter().zip(weights).zip(&thetas).enumerate()
        {
            let theta = theta.as_ref().map(|theta| {
                let n = theta.len().isqrt();
                ArrayView2::from_shape((n, n), theta).expect("a kernel is square")
            });
            let w = row(k).reshape([n_params]);
            self.measuring[*member].record(observation, &w, weights, theta);
            if observation.moment == Moment::End {
                self.active_flow[*member] = false;
            }
        }
    }

    fn interrupts(&mut self) -> bool {
        let pairs = self.policies.iter().zip(&*self.active_flow);
        pairs.filter(|(_, active_flow)| **active_flow).any(|(policy, _)| policy.is_due())
    }
}
