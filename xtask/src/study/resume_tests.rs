//! A run that is killed again and again ends as one that never was.

use std::cell::{Cell, RefCell};

use regime_data::{DataSpec, Dataset, InputSpec, Source, Task, default_cache_dir, prepare};
use regime_models::{Activation, DenseSpec, NetworkSpec, Precision};
use regime_train::{FlowSpec, Loss, Momentum, StochasticSpec};

use super::{BackendName, Budget, Dynamics, Partial, RunRecord, RunSpec, STOPPED, World};
use crate::backend;

/// A world in which time goes on by a second whenever one asks, and that ends after
/// some questions.
struct Impatient {
    patience: Cell<u32>,
    now: Cell<f64>,
    /// As text, as on a disk.
    kept: RefCell<Option<String>>,
    n_kept: Cell<u32>,
}

impl Impatient {
    fn after(earlier: Option<String>, patience: u32) -> Self {
        let (now, n_kept) = (Cell::new(0.0), Cell::new(0));
        Self { patience: Cell::new(patience), now, kept: RefCell::new(earlier), n_kept }
    }
}

impl World for Impatient {
    fn elapsed_s(&self) -> f64 {
        self.now.set(self.now.get() + 1.0);
        self.now.get()
    }

    fn stopped(&self) -> bool {
        self.patience.set(self.patience.get().saturating_sub(1));
        self.patience.get() == 0
    }

    fn earlier(&self) -> Option<Partial> {
        self.kept.borrow().as_ref().map(|text| serde_json::from_str(text).unwrap())
    }

    fn keep(&self, partial: &Partial) -> anyhow::Result<()> {
        self.n_kept.set(self.n_kept.get() + 1);
        *self.kept.borrow_mut() = Some(serde_json::to_string(partial)?);
        Ok(())
    }
}

fn spec(loss: Loss, dynamics: Dynamics) -> RunSpec {
    RunSpec {
        backend: BackendName::Flex,
        precision: Precision::F64,
        data: DataSpec {
            source: Source::Stripe { dim: 3 },
            task: Task::Own,
            inputs: InputSpec::RAW,
            n_train: 24,
            n_test: 20,
            n_kernel: 5,
            ..DataSpec::default()
        },
        data_sha256: String::new(),
        network: NetworkSpec::Dense(DenseSpec {
            inputs: 3,
            width: 10,
            hidden_layers: 2,
            activation: Activation::Softplus { beta: 5.0 },
            bias: true,
        }),
        alpha: 0.5,
        loss,
        dynamics,
        budget: Budget { max_wall_s: f64::INFINITY },
        seed: 1,
    }
}

fn data(spec: &RunSpec) -> Dataset {
    prepare(&spec.data, &default_cache_dir()).unwrap()
}

fn text(record: &RunRecord) -> String {
    serde_json::to_string(record).unwrap()
}

#[test]
fn a_run_killed_again_and_again_ends_with_the_same_record() {
    let momentum = Momentum::Constant { tau: 0.3 };
    let flow = Dynamics::Flow(FlowSpec { momentum, ..FlowSpec::default() });
    let stochastic = Dynamics::Stochastic(StochasticSpec {
        momentum,
        temperature: 1e-2,
        undo_above: 0.1,
        grow_below: 0.02,
        ..StochasticSpec::default()
    });
    for (loss, dynamics) in [(Loss::SoftHinge { beta: 20.0 }, flow), (Loss::Hinge, stochastic)] {
        let spec = spec(loss, dynamics);
        let data = data(&spec);
        let run = |world: &Impatient| backend::run(&spec, &data, world);
        let patient = Impatient::after(None, u32::MAX);
        let whole = text(&run(&patient).unwrap());
        // In between it was kept, and went on.
        assert!(patient.n_kept.get() > 0);

        let mut kept = None;
        let mut kills = 0;
        let killed = loop {
            let world = Impatient::after(kept, 17 + kills);
            match run(&world) {
                Ok(record) => break text(&record),
                Err(error) => assert_eq!(error.to_string(), STOPPED),
            }
            kept = world.kept.take();
            kills += 1;
        };
        assert!(kills > 3, "{kills}");
        assert!(killed == whole, "{dynamics:?}");
    }
}

#[test]
fn a_spent_budget_tells_how_far_it_got_and_keeps_it() {
    let spec = RunSpec {
        budget: Budget { max_wall_s: 20.0 },
        ..spec(Loss::SoftHinge { beta: 20.0 }, Dynamics::default())
    };
    let world = Impatient::after(None, u32::MAX);
    let error = backend::run(&spec, &data(&spec), &world).unwrap_err();
    let line = error.to_string();
    assert!(line.starts_with("not finished within 20 s of wall-clock time: "), "{line}");
    assert!(line.contains("of 24 margins are not reached"), "{line}");
    assert!(world.earlier().is_some());
}

#[test]
fn points_that_do_not_fit_the_network_are_refused() {
    let mut spec = spec(Loss::Hinge, Dynamics::default());
    spec.data.source = Source::Stripe { dim: 4 };
    let world = Impatient::after(None, u32::MAX);
    let error = backend::run(&spec, &data(&spec), &world).unwrap_err();
    assert_eq!(error.to_string(), "network: it has 3 inputs, but the points have 4 coordinates");
}
