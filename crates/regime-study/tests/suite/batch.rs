//! Runs in a batch give the records of single runs.

use std::cell::{Cell, RefCell};

use burn_tensor::backend::Backend;
use regime_data::{DataSpec, Dataset, default_cache_dir, prepare};
use regime_models::{Activation, DenseSpec, NetworkSpec};
use regime_study::{
    BatchRun, Dynamics, FrozenKernel, NoObserver, RunCheckpoint, RunContext, RunRecord, RunSpec,
    StudyError, Uninterrupted, run_batch_on, run_on,
};
use regime_train::{FlowSpec, Loss, Momentum, Scheme, Stop};

use crate::resume::{self, InterruptingContext};

fn spec(alpha: f64, seed: u64) -> RunSpec {
    // A single adaptive run takes other steps than a batch does, so the tests use the reference scheme.
    let dynamics = FlowSpec { scheme: Scheme::reference(), ..FlowSpec::default() };
    let spec = resume::spec(Loss::SoftHinge { beta: 20.0 }, Dynamics::Flow(dynamics));
    RunSpec { alpha, seed, outputs_kept: 0, kernel_path: false, gram_kept: 0, ..spec }
}

/// Runs of one shape that differ in everything in which they may.
fn specs() -> Vec<RunSpec> {
    let mut specs = vec![spec(0.3, 1), spec(100.0, 2), spec(1.0, 3), spec(10.0, 4)];
    specs[1].kernel_path = true;
    specs[1].gram_kept = 4;
    specs[2].outputs_kept = 7;
    specs[2].frozen = vec![FrozenKernel::HalfLoss, FrozenKernel::End];
    specs[3].data.seed = 5;
    let stop = Stop { max_steps: 20, ..Stop::default() };
    let scheme = Scheme::reference();
    specs[3].dynamics = Dynamics::Flow(FlowSpec { scheme, stop, ..FlowSpec::default() });
    specs
}

fn data(specs: &[RunSpec]) -> Vec<Dataset> {
    specs.iter().map(|spec| prepare(&spec.data, &default_cache_dir()).unwrap()).collect()
}

/// Asserts that the numbers of two records agree and that all else is equal.
fn close(a: &serde_json::Value, b: &serde_json::Value, place: &str) {
    use serde_json::Value;
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => {
            let (x, y) = (x.as_f64().unwrap(), y.as_f64().unwrap());
            assert!((x - y).abs() <= 1e-6 * y.abs().max(1e-3), "{place}: {x} is not {y}");
        }
        (Value::Array(a), Value::Array(b)) => {
            assert_eq!(a.len(), b.len(), "{place}");
            for (i, (a, b)) in a.iter().zip(b).enumerate() {
                close(a, b, &format!("{place}.{i}"));
            }
        }
        (Value::Object(a), Value::Object(b)) => {
            assert!(a.keys().eq(b.keys()), "{place}");
            a.iter().for_each(|(key, a)| close(a, &b[key], &format!("{place}.{key}")));
        }
        _ => assert_eq!(a, b, "{place}"),
    }
}

fn same(record: &RunRecord, expected: &RunRecord) {
    assert_eq!((record.steps, record.rejected), (expected.steps, expected.rejected));
    // A batch computes the gradients of all its trials, so the backward passes differ.
    assert_eq!(record.work.points_forward, expected.work.points_forward);
    assert_eq!(record.work.kernel_numbers, expected.work.kernel_numbers);
    let json = |record: &RunRecord| {
        let mut record = record.clone();
        record.work = Default::default();
        serde_json::to_value(record).unwrap()
    };
    close(&json(record), &json(expected), "record");
}

/// One uninterrupted run for each spec and its data.
fn uninterrupted<'a>(specs: &'a [RunSpec], data: &'a [Dataset]) -> Vec<BatchRun<'a>> {
    let pairs = specs.iter().zip(data);
    pairs.map(|(spec, data)| BatchRun { spec, data, context: &Uninterrupted }).collect()
}

fn alone<B: Backend>(spec: &RunSpec, data: &Dataset, device: &B::Device) -> RunRecord {
    run_on::<B>(spec, data, device, &Uninterrupted, &mut NoObserver).unwrap()
}

pub(crate) fn runs_in_a_batch_give_the_records_of_single_runs<B: Backend>(device: &B::Device) {
    let specs = specs();
    let data = data(&specs);
    let runs = uninterrupted(&specs, &data);
    let records = run_batch_on::<B>(&runs, device);
    assert_eq!(records.len(), specs.len());
    for ((spec, data), record) in specs.iter().zip(&data).zip(records) {
        same(&record.unwrap(), &alone::<B>(spec, data, device));
    }
}

pub(crate) fn a_repeatedly_stopped_batch_gives_the_same_records<B: Backend>(device: &B::Device) {
    let specs = specs();
    let data = data(&specs);
    let mut texts: Vec<Option<String>> = vec![None; specs.len()];
    let mut records: Vec<Option<RunRecord>> = vec![None; specs.len()];
    for max_queries in (150..).step_by(100) {
        let contexts: Vec<InterruptingContext> = texts
            .iter()
            .map(|text| InterruptingContext::after(text.clone(), max_queries))
            .collect();
        let left: Vec<usize> = (0..specs.len()).filter(|&k| records[k].is_none()).collect();
        if left.is_empty() {
            break;
        }
        let runs: Vec<BatchRun<'_>> = left
            .iter()
            .map(|&k| BatchRun { spec: &specs[k], data: &data[k], context: &contexts[k] })
            .collect();
        for (&k, record) in left.iter().zip(run_batch_on::<B>(&runs, device)) {
            records[k] = record.ok();
            texts[k] = contexts[k].saved();
        }
    }
    for ((spec, data), record) in specs.iter().zip(&data).zip(records) {
        same(&record.unwrap(), &alone::<B>(spec, data, device));
    }
}

/// A context in which seven seconds pass at every query of the clock.
struct Slow {
    now: Cell<f64>,
    saved: RefCell<Option<RunCheckpoint>>,
}

impl RunContext for Slow {
    fn elapsed_s(&self) -> f64 {
        self.now.set(self.now.get() + 7.0);
        self.now.get()
    }

    fn save(&self, checkpoint: &RunCheckpoint) -> Result<(), StudyError> {
        *self.saved.borrow_mut() = Some(checkpoint.clone());
        Ok(())
    }
}

#[test]
fn checkpoints_are_saved_after_other_runs_have_ended() {
    use burn_flex::{Flex, FlexDevice};
    let mut specs = specs();
    // Only the interval between checkpoints interrupts.
    specs.iter_mut().for_each(|spec| spec.budget.max_wall_s = f64::INFINITY);
    let data = data(&specs);
    let slow = || Slow { now: Cell::new(0.0), saved: RefCell::new(None) };
    let contexts: Vec<Slow> = specs.iter().map(|_| slow()).collect();
    let runs: Vec<BatchRun<'_>> = specs
        .iter()
        .zip(&data)
        .zip(&contexts)
        .map(|((spec, data), context)| BatchRun { spec, data, context })
        .collect();
    let records = run_batch_on::<Flex>(&runs, &FlexDevice);
    for (((spec, data), record), context) in specs.iter().zip(&data).zip(records).zip(&contexts) {
        let expected = alone::<Flex>(spec, data, &FlexDevice);
        same(&record.unwrap(), &expected);
        // A run from the last checkpoint gives the same record. The checkpoint of the short run
        // contains its end.
        let saved = context.saved.borrow_mut().take().expect("a checkpoint was saved");
        let resumed = Slow { now: Cell::new(0.0), saved: RefCell::new(Some(saved)) };
        let resumed = Resumed(resumed);
        same(
            &run_on::<Flex>(spec, data, &FlexDevice, &resumed, &mut NoObserver).unwrap(),
            &expected,
        );
    }
}

/// A context that continues from a checkpoint.
struct Resumed(Slow);

impl RunContext for Resumed {
    fn checkpoint(&self) -> Option<RunCheckpoint> {
        self.0.saved.borrow().clone()
    }
}

#[test]
fn runs_whose_data_do_not_match_their_specs_train_alone() {
    use burn_flex::{Flex, FlexDevice};
    let specs = [spec(0.3, 1), spec(1.0, 2)];
    let other =
        RunSpec { data: DataSpec { n_kernel: 0, ..specs[1].data.clone() }, ..specs[1].clone() };
    let data = data(&[specs[0].clone(), other]);
    let runs = uninterrupted(&specs, &data);
    for ((spec, data), record) in
        specs.iter().zip(&data).zip(run_batch_on::<Flex>(&runs, &FlexDevice))
    {
        assert_eq!(record.unwrap(), alone::<Flex>(spec, data, &FlexDevice));
    }
}

#[test]
fn runs_that_cannot_form_a_batch_train_alone() {
    use burn_flex::{Flex, FlexDevice};
    let mut specs = specs();
    let momentum = Momentum::Constant { tau: 0.3 };
    specs[1].dynamics = Dynamics::Flow(FlowSpec { momentum, ..FlowSpec::default() });
    specs[2].data.n_test = 0;
    assert!(specs[1].batch_shape().is_none());
    assert_eq!(specs[0].batch_shape(), specs[3].batch_shape());
    let mut wider = specs[0].clone();
    wider.network = NetworkSpec::Dense(DenseSpec {
        inputs: 3,
        width: 11,
        hidden_layers: 2,
        activation: Activation::Relu,
        bias: true,
    });
    assert_ne!(specs[0].batch_shape(), wider.batch_shape());
    let (first, second) = (specs[0].clone(), specs[1].clone());
    let specs = [first, second];
    let data = data(&specs);
    let runs = uninterrupted(&specs, &data);
    let records = run_batch_on::<Flex>(&runs, &FlexDevice);
    for ((spec, data), record) in specs.iter().zip(&data).zip(records) {
        // Each run trains alone, so the records are equal to the bit.
        assert_eq!(record.unwrap(), alone::<Flex>(spec, data, &FlexDevice));
    }
}

#[test]
fn an_invalid_spec_does_not_affect_the_other_runs() {
    use burn_flex::{Flex, FlexDevice};
    let mut specs = specs();
    specs[1].alpha = -1.0;
    let good = [&specs[0], &specs[0], &specs[2], &specs[3]].map(Clone::clone);
    let data = data(&good);
    let runs = uninterrupted(&specs, &data);
    let records = run_batch_on::<Flex>(&runs, &FlexDevice);
    let failed: Vec<bool> = records.iter().map(Result::is_err).collect();
    assert_eq!(failed, [false, true, false, false]);
}
