//! One run of the laboratory, from its spec to its record.
//!
//! A [`RunSpec`] holds everything that a run depends on: points, network, α, loss, dynamics,
//! seeds. [`run()`] prepares the data, trains the network and measures its tangent kernel. It
//! returns a [`RunRecord`], whose fields state their units. Equal specs on the same backend
//! give the same bits. [`run_batch_on()`], which trains several runs as one batch on a GPU, gives
//! the same records within the tolerance of the integrator. Frozen kernels can learn the same
//! task as the network ([`FrozenKernel`]).
//!
//! The crate is generic over Burn's backend. It does not print, read a clock or parse a
//! command line: a program passes a [`RunContext`] with the time, the stop request and the
//! checkpoints. It uses the disk only through `regime-data`, which reads data sets. Grids,
//! stores and executors are in `regime-lab`; figures are in `regime-plot`.
//!
//! Start reading at [`RunSpec`], then [`run_on()`].
//!
//! ```
//! use burn_flex::{Flex, FlexDevice};
//! use regime_data::{DataSpec, InputSpec, Source, Task};
//! use regime_models::{DenseSpec, NetworkSpec};
//! use regime_study::{Measurement, RunSpec, run};
//!
//! let network = NetworkSpec::Dense(DenseSpec::new(4, 20).hidden_layers(2));
//! let mut spec = RunSpec::new(network, 0.5);
//! spec.data = DataSpec {
//!     source: Source::Stripe { dim: 4 },
//!     task: Task::Own,
//!     inputs: InputSpec::RAW,
//!     n_train: 30,
//!     n_test: 50,
//!     n_kernel: 10,
//!     ..DataSpec::default()
//! };
//! let mut times = Vec::new();
//! let record = run::<Flex>(&spec, &FlexDevice, &mut |m: &Measurement| times.push(m.training.t))?;
//! println!("{} after {} steps", record.ending.name(), record.steps);
//! for m in &record.path {
//!     println!("t = {:8.3}: mean loss {:.4}", m.training.t, m.training.mean_loss);
//! }
//! let last = record.last().expect("a measurement at the end");
//! println!("kernel change {:.3?}, test error {:.3?}", last.kernel_change, last.test_error);
//! assert!(record.converged());
//! assert_eq!(times.len(), record.path.len());
//! assert!(record.kernel_change().unwrap() > 0.0);
//! # Ok::<(), regime_study::StudyError>(())
//! ```

mod batch;
mod calibration;
mod checkpoint;
mod columns;
mod context;
mod coordinate_check;
mod coordinate_spec;
mod cost_model;
pub mod curves;
mod data_cache;
mod diagnosis;
mod dynamics;
mod error;
mod estimate;
mod frozen_kernel;
mod frozen_training;
mod gram;
mod measuring_observer;
mod memory_model;
mod outcome;
mod place;
mod point_set;
mod points;
mod ready;
mod record;
mod run;
mod schema_paths;
mod spec;
mod spec_file;
mod trainer;

pub use batch::{BatchRun, BatchShape, run_batch_on};
pub use calibration::{Calibration, TimedRuns, Timer};
pub use checkpoint::RunCheckpoint;
pub use columns::{
    Cells, Column, Columns, RunArray, column_descriptions, run_arrays, run_columns, varying_fields,
};
pub use context::{RunContext, Uninterrupted};
pub use coordinate_check::CoordinateCheck;
pub use coordinate_spec::CoordinateSpec;
pub use data_cache::DataCache;
pub use diagnosis::{Border, Diagnosis, KERNEL_CHANGE_AT_BORDER, Regime};
pub use dynamics::Dynamics;
pub use error::StudyError;
pub use estimate::{Estimate, estimate};
pub use frozen_kernel::FrozenKernel;
pub use measuring_observer::{NoObserver, RunObserver};
pub use outcome::{NoRecord, Run};
pub use place::{BackendName, DeviceName};
pub use point_set::PointSet;
pub use record::{Ending, FrozenOutcome, FrozenRecord, GramPair, Measurement, RunRecord};
pub use run::{run, run_on};
pub use spec::{Budget, RunSpec};
pub use spec_file::{
    MAX_SPEC_BYTES, Override, PlacedSpec, file_schema, read_coordinate_spec, read_specs,
};
