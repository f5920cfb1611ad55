//! Experiment grids. A run takes a serialisable spec and returns a serialisable record.
//!
//! - [`Spec`] and [`RunKey`]: the description of a run, and a key for it that is the
//!   same in all processes, on all machines and in all versions.
//! - [`Store`]: finished runs on disk, one readable file per run, complete or absent; next to them the
//!   checkpoints of unfinished runs and the causes of failed ones.
//! - [`Claim`]: several processes on one store compute no run twice.
//! - [`execute()`]: computes the runs that are missing in a store, in parallel. The
//!   bits of a record do not depend on the number of workers.
//! - [`execute_batches`]: the same for devices that compute many runs of one shape in
//!   one batch.
//! - [`Grid`], [`Sweep`]: products of axes, in a program and in a file.
//! - [`Share`]: one of several shares of a grid, for machines with a common folder.
//! - [`Provenance`], [`Progress`]: the origin of a record, and the time left.
//!
//! The crate is *not* a scheduler for clusters (a scheduler starts one share per
//! machine) and *not* a database. It does not know what a run computes: it contains no
//! network, kernel or data set. It draws no random numbers (seeds belong in specs),
//! prints nothing, and reads the clock only to time the runs.
//!
//! Start reading at [`execute()`], which uses everything else. In the source, read
//! `spec.rs`, then `store.rs`, then `execute.rs`.
//!
//! ```
//! use std::convert::Infallible;
//!
//! use regime_lab::{Event, Grid, Options, Spec, Store, execute};
//! use serde::{Deserialize, Serialize};
//!
//! /// x ← x − rate · x, `n_steps` times from x = 1.
//! #[derive(Clone, Serialize, Deserialize)]
//! struct Decay { rate: f64, n_steps: u32 }
//!
//! impl Spec for Decay {
//!     const KIND: &'static str = "decay";
//!     const VERSION: u32 = 1;
//!     fn cost(&self) -> f64 { f64::from(self.n_steps) }
//! }
//!
//! fn run(spec: &Decay) -> Result<f64, Infallible> {
//!     Ok((0..spec.n_steps).fold(1.0, |x, _| x - spec.rate * x))
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let grid = Grid::from_base(Decay { rate: 0.0, n_steps: 0 })
//!     .axis("rate", [0.5, 0.25], |spec, rate| spec.rate = rate)
//!     .axis("n_steps", [1, 2], |spec, n| spec.n_steps = n);
//!
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path();
//! let store = Store::open(folder)?;
//! let options = Options { jobs: 2, ..Options::default() };
//! let mut silent = |_: &Event| {};
//! let report = execute(grid.specs(), &store, &options, run, &mut silent)?;
//! assert_eq!(report.counts().computed, 4);
//! let records = report.into_records()?;
//! for (spec, record) in grid.specs().iter().zip(&records) {
//!     println!("rate {:.2}, {} steps: x = {record}", spec.rate, spec.n_steps);
//! }
//! assert_eq!(records, [0.5, 0.25, 0.75, 0.5625]);
//!
//! // A second call computes nothing.
//! let again = execute(grid.specs(), &store, &options, run, &mut silent)?;
//! assert_eq!((again.counts().reused, again.counts().computed), (4, 0));
//! # Ok(())
//! # }
//! ```

mod execute;
mod grid;
mod json;
mod provenance;
mod spec;
mod store;
mod sweep;

pub use execute::{
    Counts, Event, ExecError, Incomplete, Observer, Options, Outcome, ParseShareError, Progress,
    Report, RunError, Share, execute, execute_batches,
};
pub use grid::Grid;
pub use json::{EncodeError, Unencodable};
pub use provenance::Provenance;
pub use spec::{ParseRunKeyError, RunKey, Spec, canonical_form};
pub use store::{
    Claim, Claimed, Damage, Entry, Failure, FileKind, Lookup, RecordHeader, Store, StoreError,
    StoredFile,
};
pub use sweep::{Sweep, SweepError};
