//! A run that is stopped repeatedly gives the record of an uninterrupted run; frozen kernels.

use std::cell::{Cell, RefCell};

use burn_flex::{Flex, FlexDevice};
use burn_tensor::backend::Backend;
use regime_data::{DataSpec, Dataset, InputSpec, Source, Task, default_cache_dir, prepare};
use regime_models::{Activation, ConvolutionalSpec, DenseSpec, NetworkSpec};
use regime_study::{
    Budget, Dynamics, Ending, FrozenKernel, FrozenOutcome, NoObserver, RunCheckpoint, RunContext,
    RunRecord, RunSpec, StudyError, run_on,
};
use regime_train::{FlowSpec, Loss, Momentum, StochasticSpec};

/// A context in which a second passes at every query of the clock, and that requests a stop after
/// `max_queries` queries.
pub(crate) struct InterruptingContext {
    max_queries: Cell<u32>,
    now: Cell<f64>,
    /// The checkpoint as text, as on a disk.
    saved: RefCell<Option<String>>,
    n_saved: Cell<u32>,
}

impl InterruptingContext {
    pub(crate) fn after(earlier: Option<String>, max_queries: u32) -> Self {
        let (now, n_saved) = (Cell::new(0.0), Cell::new(0));
        Self { max_queries: Cell::new(max_queries), now, saved: RefCell::new(earlier), n_saved }
    }

    /// The checkpoint that was saved last, as text.
    pub(crate) fn saved(&self) -> Option<String> {
        self.saved.borrow().clone()
    }
}

impl RunContext for InterruptingContext {
    fn elapsed_s(&self) -> f64 {
        self.now.set(self.now.get() + 1.0);
        self.now.get()
    }

    fn stop_requested(&self) -> bool {
        self.max_queries.set(self.max_queries.get().saturating_sub(1));
        self.max_queries.get() == 0
    }

    fn checkpoint(&self) -> Option<RunCheckpoint> {
        self.saved.borrow().as_ref().map(|text| serde_json::from_str(text).unwrap())
    }

    fn save(&self, checkpoint: &RunCheckpoint) -> Result<(), StudyError> {
        self.n_saved.set(self.n_saved.get() + 1);
        *self.saved.borrow_mut() = Some(serde_json::to_string(checkpoint).unwrap());
        Ok(())
    }
}

pub(crate) fn spec(loss: Loss, dynamics: Dynamics) -> RunSpec {
    let network = NetworkSpec::Dense(DenseSpec {
        inputs: 3,
        width: 10,
        hidden_layers: 2,
        activation: Activation::Softplus { beta: 5.0 },
        bias: true,
    });
    RunSpec {
        data: DataSpec {
            source: Source::Stripe { dim: 3 },
            task: Task::Own,
            inputs: InputSpec::RAW,
            n_train: 24,
            n_test: 20,
            n_kernel: 5,
            ..DataSpec::default()
        },
        loss,
        dynamics,
        outputs_kept: 7,
        kernel_path: true,
        gram_kept: 4,
        budget: Budget { max_wall_s: f64::INFINITY },
        seed: 1,
        ..RunSpec::new(network, 0.5)
    }
}

fn run(spec: &RunSpec, context: &InterruptingContext) -> Result<RunRecord, StudyError> {
    run_on::<Flex>(spec, &data(spec), &FlexDevice, context, &mut NoObserver)
}

fn data(spec: &RunSpec) -> Dataset {
    prepare(&spec.data, &default_cache_dir()).unwrap()
}

fn text(record: &RunRecord) -> String {
    serde_json::to_string(record).unwrap()
}

#[test]
fn a_repeatedly_stopped_run_gives_the_same_record() {
    let momentum = Momentum::Constant { tau: 0.3 };
    let flow = Dynamics::Flow(FlowSpec { momentum, ..FlowSpec::default() });
    let stochastic = Dynamics::Stochastic(StochasticSpec {
        momentum,
        temperature: 1e-2,
        undo_above: 0.1,
        grow_below: 0.02,
        ..StochasticSpec::default()
    });
    let all =
        [FrozenKernel::Initial, FrozenKernel::At(0.5), FrozenKernel::HalfLoss, FrozenKernel::End];
    let hinges = (Loss::SoftHinge { beta: 20.0 }, Loss::Hinge);
    for (loss, dynamics, frozen) in [
        (hinges.0, flow, &all[..0]),
        (hinges.0, flow, &all),
        (hinges.1, stochastic, &all[..0]),
        (hinges.1, stochastic, &all),
    ] {
        let spec = RunSpec { frozen: frozen.to_vec(), ..spec(loss, dynamics) };
        let run_here = |context: &InterruptingContext| run(&spec, context);
        let patient = InterruptingContext::after(None, u32::MAX);
        let whole = run_here(&patient).unwrap();
        assert_eq!(whole.frozen.len(), frozen.len());
        // The uninterrupted run saved checkpoints, too.
        assert!(patient.n_saved.get() > 0);

        let mut saved = None;
        let (mut stops, mut stops_of_kernels) = (0, 0);
        let stopped = loop {
            let context = InterruptingContext::after(saved, 17 + stops);
            match run_here(&context) {
                Ok(record) => break text(&record),
                Err(error) => assert_eq!(error, StudyError::Stopped),
            }
            saved = context.saved.take();
            stops += 1;
            let learning = saved.as_ref().is_some_and(|text| text.contains("\"learning\""));
            stops_of_kernels += u32::from(learning);
        };
        assert!(stops > 3, "{stops}");
        assert!(frozen.is_empty() || stops_of_kernels > 3, "{stops_of_kernels} of {stops}");
        assert!(stopped == text(&whole), "{dynamics:?}, {frozen:?}");
    }
}

#[test]
fn a_spent_budget_reports_the_progress_and_saves_a_checkpoint() {
    let spec = RunSpec {
        budget: Budget { max_wall_s: 20.0 },
        ..spec(Loss::SoftHinge { beta: 20.0 }, Dynamics::default())
    };
    let context = InterruptingContext::after(None, u32::MAX);
    let error = run(&spec, &context).unwrap_err();
    let line = error.to_string();
    assert!(line.starts_with("not finished within 20 s of wall-clock time: "), "{line}");
    assert!(line.contains("of 24 margins are not reached"), "{line}");
    assert!(context.checkpoint().is_some());
}

#[test]
fn points_that_do_not_fit_the_network_are_an_error() {
    let mut spec = spec(Loss::Hinge, Dynamics::default());
    spec.data.source = Source::Stripe { dim: 4 };
    let context = InterruptingContext::after(None, u32::MAX);
    let error = run(&spec, &context).unwrap_err();
    assert_eq!(error.to_string(), "network: it has 3 inputs, but the points have 4 coordinates");
}

pub(crate) fn frozen_kernels_learn_the_task_of_the_network<B: Backend>(device: &B::Device) {
    let frozen = vec![
        FrozenKernel::Initial,
        FrozenKernel::HalfLoss,
        FrozenKernel::End,
        FrozenKernel::At(1e-9),
        FrozenKernel::At(1e9),
    ];
    let run = |alpha: f64| {
        let spec = RunSpec {
            alpha,
            frozen: frozen.clone(),
            ..spec(Loss::SoftHinge { beta: 20.0 }, Dynamics::default())
        };
        let context = InterruptingContext::after(None, u32::MAX);
        run_on::<B>(&spec, &data(&spec), device, &context, &mut NoObserver).unwrap()
    };
    // In the lazy limit all kernels are equal, and learn the same function as the network.
    let lazy = run(1e6);
    assert_eq!(lazy.frozen.iter().map(|f| f.kernel).collect::<Vec<_>>(), frozen);
    for record in &lazy.frozen[..4] {
        let FrozenOutcome::Trained { ending, t1, t2, test_error, path, .. } = &record.learning
        else {
            panic!("{record:?}")
        };
        assert_eq!(*ending, Ending::Converged);
        assert_eq!(Some(*test_error), lazy.test_error());
        let same = |a: Option<f64>, b: Option<f64>| (a.unwrap() / b.unwrap() - 1.0).abs() < 1e-3;
        assert!(same(*t1, lazy.t1));
        assert!(same(*t2, lazy.t2));
        assert_eq!(path.last().unwrap().n_violating, 0);
    }
    // Training ended before the time of the last kernel.
    assert!(matches!(lazy.frozen[4].learning, FrozenOutcome::NoKernel(_)));

    // With feature learning the kernels differ, except the initial one, which does not depend on α.
    let feature = run(0.01);
    let path = |record: &RunRecord, index: usize| match &record.frozen[index].learning {
        FrozenOutcome::Trained { path, .. } => path.clone(),
        FrozenOutcome::NoKernel(why) => panic!("{why}"),
    };
    assert_eq!(path(&feature, 0), path(&lazy, 0));
    assert_ne!(path(&feature, 2), path(&feature, 0));
    assert_ne!(path(&feature, 1), path(&feature, 2));
    let FrozenOutcome::Trained { kernel_time, .. } = feature.frozen[1].learning else {
        panic!("t₁ was reached")
    };
    assert!(kernel_time >= feature.t1.unwrap());
}

#[test]
fn infinite_width_learns_as_a_wide_lazy_network_does() {
    let mut spec = RunSpec {
        alpha: 1e4,
        frozen: vec![FrozenKernel::InfiniteWidth],
        ..spec(Loss::SoftHinge { beta: 20.0 }, Dynamics::default())
    };
    let NetworkSpec::Dense(dense) = &mut spec.network else {
        panic!("the network of the spec is dense")
    };
    dense.width = 600;
    let wide = run(&spec, &InterruptingContext::after(None, u32::MAX)).unwrap();
    let FrozenOutcome::Trained { ending, t1, t2, path, .. } = &wide.frozen[0].learning else {
        panic!("{:?}", wide.frozen)
    };
    assert_eq!(*ending, Ending::Converged);
    assert_eq!(path.last().unwrap().n_violating, 0);
    // The kernel of 600 units fluctuates by a few percent, and so does t₁. The last margin
    // depends on the smallest eigenvalues of the kernel: over six seeds, the ratio of the times
    // was 0.7 to 1.3.
    let ratio = |infinite: &Option<f64>, wide: Option<f64>| infinite.unwrap() / wide.unwrap();
    let (half_loss, margins) = (ratio(t1, wide.t1), ratio(t2, wide.t2));
    assert!((half_loss - 1.0).abs() < 0.15, "{half_loss}");
    assert!((0.5..2.0).contains(&margins), "{margins}");

    spec.network = NetworkSpec::Convolutional(ConvolutionalSpec::setup_b(3));
    let line = spec.check().unwrap_err().to_string();
    assert_eq!(line, "frozen: infinite-width needs a dense network, but this one is convolutional");
}

#[test]
fn a_spec_without_frozen_kernels_is_serialised_without_the_field() {
    let bare = spec(Loss::Hinge, Dynamics::default());
    let written = serde_json::to_string(&bare).unwrap();
    assert!(!written.contains("frozen"), "{written}");
    let mut with = bare.clone();
    with.frozen = vec![FrozenKernel::Initial, FrozenKernel::HalfLoss, FrozenKernel::At(2.5)];
    let written = serde_json::to_string(&with).unwrap();
    assert!(written.contains(r#""frozen":["initial","half-loss",{"at":2.5}]"#), "{written}");
    let read: RunSpec = serde_json::from_str(&written).unwrap();
    assert_eq!(read.frozen, with.frozen);
    with.frozen.push(FrozenKernel::At(-1.0));
    let line = with.check().unwrap_err().to_string();
    assert_eq!(line, "frozen[3].at is -1, but must be finite and greater than 0");
}
