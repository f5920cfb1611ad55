//! Measurements during training.

use burn_tensor::{Tensor, backend::Backend};
use ndarray::ArrayView2;
use regime_data::Dataset;
use regime_models::{Alpha, FeedForward, Precision};
use regime_train::{
    KernelChange, Moment, Observation, Observer, Outcome, Targets, TestError, WeightsByLayer,
};

use crate::{
    checkpoint::{FrozenProgress, RunCheckpoint, SavedWeights},
    memory_model::batch_points,
    point_set::PointSet,
    points::tensor,
    record::Measurement,
    spec::RunSpec,
    trainer::TrainerState,
};

/// Receives the measurements of a run as they are made.
pub trait RunObserver {
    /// Called once for each measurement, in the order of time. A run that continues from a
    /// checkpoint does not repeat the measurements before it.
    fn on_measurement(&mut self, measurement: &Measurement);
}

/// An observer that ignores all measurements.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoObserver;

impl RunObserver for NoObserver {
    fn on_measurement(&mut self, _: &Measurement) {}
}

impl<F: FnMut(&Measurement)> RunObserver for F {
    fn on_measurement(&mut self, measurement: &Measurement) {
        self(measurement);
    }
}

/// Measures a run at every observation of its training.
pub(crate) struct MeasuringObserver<'a, B: Backend> {
    spec: &'a RunSpec,
    layers: WeightsByLayer,
    kernel: Option<KernelChange<'a, B, FeedForward>>,
    pub(crate) test: TestError<'a, B, FeedForward>,
    pub(crate) path: Vec<Measurement>,
    /// `F` on the test points at the end, once the end is reached.
    outputs: Option<Vec<f64>>,
    /// See [`RunCheckpoint`].
    pub(crate) saved_weights: Vec<Option<SavedWeights>>,
    observer: &'a mut dyn RunObserver,
}

impl<'a, B: Backend> MeasuringObserver<'a, B> {
    pub(crate) fn new(
        spec: &'a RunSpec,
        net: &'a FeedForward,
        data: &Dataset,
        w0: &Tensor<B, 1>,
        device: &B::Device,
        observer: &'a mut dyn RunObserver,
    ) -> Self {
        let precision = spec.precision;
        let alpha = Alpha::paper(spec.alpha).expect("the check of the spec has accepted α");
        let targets =
            Targets::signs(data.test.y.to_vec()).expect("test points have labels 1 and -1");
        let inputs = tensor::<B>(&data.test, precision, device);
        let points =
            (!data.kernel.is_empty()).then(|| tensor::<B>(&data.kernel, precision, device));
        Self {
            spec,
            layers: WeightsByLayer::from(net, w0),
            kernel: points.map(|points| KernelChange::from(net, points, w0)),
            test: TestError::new(net, &inputs, targets, (w0, alpha), batch_points(net)),
            path: Vec::new(),
            outputs: None,
            saved_weights: vec![None; spec.frozen.len()],
            observer,
        }
    }

    /// Continues from the measurements of an earlier call.
    pub(crate) fn resume(
        &mut self,
        path: Vec<Measurement>,
        mut saved_weights: Vec<Option<SavedWeights>>,
    ) {
        saved_weights.resize(self.spec.frozen.len(), None);
        (self.path, self.saved_weights) = (path, saved_weights);
    }

    /// The checkpoint of the whole run.
    pub(crate) fn checkpoint(
        &self,
        training: TrainerState,
        frozen: Option<(Outcome, FrozenProgress)>,
    ) -> RunCheckpoint {
        let (path, saved_weights) = (self.path.clone(), self.saved_weights.clone());
        RunCheckpoint { training, path, saved_weights, frozen }
    }
}

impl<B: Backend> MeasuringObserver<'_, B> {
    /// Whether the kernel is measured at this moment.
    pub(crate) fn needs_kernel(&self, moment: Moment) -> bool {
        let measured = self.spec.kernel_path || moment != Moment::Scheduled;
        self.kernel.is_some() && moment != Moment::Start && measured
    }

    /// `F` on the test points at the end, where the weights are `w`, and which of them are on
    /// the wrong side.
    pub(crate) fn at_end(&self, w: &Tensor<B, 1>) -> (Vec<f64>, PointSet) {
        let outputs = self.outputs.clone().unwrap_or_else(|| self.test.outputs(w));
        let wrong = self.test.wrong(&outputs).into_iter().collect();
        (outputs, wrong)
    }

    /// Records a measurement. `weights` are the weights on the host. `theta` is the tangent kernel
    /// on the kernel points, if it is measured at this moment.
    pub(crate) fn record(
        &mut self,
        observation: &Observation,
        w: &Tensor<B, 1>,
        weights: &[f64],
        theta: Option<ArrayView2<'_, f64>>,
    ) {
        if observation.moment == Moment::End {
            self.outputs = Some(self.test.outputs(w));
        }
        let test_error = self.outputs.as_ref().map(|outputs| self.test.share_wrong(outputs));
        let kernel_change = match (&self.kernel, theta) {
            (Some(_), None) if observation.moment == Moment::Start => Some(0.0),
            (Some(kernel), Some(theta)) => {
                kernel.change(theta).ok().filter(|change| change.is_finite())
            }
            _ => None,
        };
        let layers = self.layers.of(weights);
        let moved = layers.iter().map(|layer| layer.change.powi(2)).sum::<f64>().sqrt();
        let measurement = Measurement {
            training: *observation,
            test_error,
            kernel_change,
            weight_change: moved / self.layers.initial_norm(),
            layers,
        };
        self.observer.on_measurement(&measurement);
        self.path.push(measurement);
        for (kernel, saved) in self.spec.frozen.iter().zip(&mut self.saved_weights) {
            if saved.is_none() && kernel.belongs_to(observation) {
                *saved = Some(SavedWeights { t: observation.t, weights: weights.to_vec() });
            }
        }
    }
}

impl<B: Backend> Observer<B> for MeasuringObserver<'_, B> {
    fn observe(&mut self, observation: &Observation, w: &Tensor<B, 1>) {
        let kernel = self.kernel.as_ref().filter(|_| self.needs_kernel(observation.moment));
        let theta = kernel.map(|kernel| kernel.whole(w));
        let weights = Precision::to_host(w.clone());
        self.record(observation, w, &weights, theta.as_ref().map(|theta| theta.view()));
    }
}
