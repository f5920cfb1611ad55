//! Computation of the runs that are missing in a store.

mod attempt;
mod batches;
mod distinct;
mod event;
mod options;
mod progress;
mod report;
mod share;
mod workers;

use std::fmt::Display;
use std::time::Instant;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use event::{Event, Observer};
pub use options::{ExecError, Options};
pub use progress::Progress;
pub use report::{Counts, Incomplete, Outcome, Report, RunError};
pub use share::{ParseShareError, Share};

use crate::spec::{RunKey, Spec};
use crate::store::{Lookup, Store};
use batches::batches;
use distinct::{costliest_first, distinct};

/// Computes the runs that are missing in the store, and returns the outcomes of all
/// specs, in their order.
///
/// A run that the store contains is read and not computed again. Equal specs are
/// computed once. The missing runs are computed by `options.jobs` workers, in the order
/// of decreasing cost ([`Spec::cost`]; equal costs in the order of `specs`). Each record
/// is stored as soon as it is computed, so an interrupted call loses only the runs in
/// flight. Records are returned as read from their files: a fresh and a resumed call
/// return the same. A damaged file is moved aside ([`Store::look_up`]) and reported as
/// an event, and its run is computed again.
///
/// Several processes may work on one grid: each holds a [`Claim`](crate::Claim) on the runs that it
/// computes, and looks a run up again before it starts it. A run that another process computes is
/// left for the end: the call then waits for its record, or computes the run if the other process ends
/// without one.
///
/// # Same spec, same bits
/// Each worker owns a rayon pool of `options.threads_per_run` threads and calls `run`
/// inside it. The pool that a run sees does not depend on `jobs`, and neither do the
/// bytes of its record, provided that `run` is a function of its spec. (With several
/// threads per run, the arithmetic must then not depend on which thread computes which
/// part; rayon's own `sum` of floats does.) The wall time is measured for the events and
/// for [`Provenance::wall_s`](crate::Provenance::wall_s); it is not part of a record.
///
/// # Failed runs
/// A run that returns an error or panics, or whose record JSON cannot hold, is listed in
/// the report. It has no record; its error is stored as a [`Failure`](crate::Failure), unless the execution
/// is cancelled. The other runs continue, and the next call tries a failed run again. (The panic hook of the program
/// writes the message of a panic to the standard error.)
///
/// # Observation and cancellation
/// `observer` is called on the calling thread. Once `options.cancel` is set, no further
/// run is started. Runs in flight continue, unless `run` itself reads the flag.
///
/// # Errors
/// [`ExecError`], before anything runs, for invalid options or specs. After the runs in
/// flight have ended, [`ExecError::Store`] when the store fails or contains an undamaged
/// record that is not an `R`. The records stored until then stay.
pub fn execute<S, R, E, F>(
    specs: &[S],
    store: &Store,
    options: &Options,
    run: F,
    observer: &mut dyn Observer,
) -> Result<Report<R, E>, ExecError>
where
    S: Spec,
    R: Serialize + DeserializeOwned + Send,
    E: Display + Send,
    F: Fn(&S) -> Result<R, E> + Sync,
{
    let one_by_one = |specs: &[&S]| (0..specs.len()).map(|index| vec![index]).collect();
    let run_each = |specs: &[&S]| specs.iter().map(|spec| run(spec)).collect();
    execute_batches(specs, store, options, &one_by_one, run_each, observer)
}

/// Like [`execute()`], but computes several runs at a time: for devices that compute
/// many runs of one shape in one batch.
///
/// `divide` groups the missing runs into batches. It is called once, on the calling
/// thread, with their specs in the order of decreasing cost; it is not called when no
/// run is missing. It returns the batches as indices into that slice, and must return
/// each index exactly once. Batches are started in the returned order. Empty batches are
/// ignored.
///
/// A worker takes a whole batch, and looks up each of its runs in the store again. The
/// runs that it finds are reused and leave the batch. Then it calls `run` once, inside
/// its rayon pool, with the specs of the other runs, in the order that `divide` returned.
/// `run` returns one result for each spec, in the same order. The records are stored one
/// after another as soon as `run` returns. `options.jobs` is the number of batches
/// computed in parallel.
///
/// ```
/// use std::convert::Infallible;
///
/// use regime_lab::{Event, Options, Spec, Store, execute_batches};
/// use serde::Serialize;
///
/// #[derive(Clone, Serialize)]
/// struct Square { x: i32 }
///
/// impl Spec for Square {
///     const KIND: &'static str = "square";
///     const VERSION: u32 = 1;
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let store = Store::open(folder.path())?;
/// let specs = [1, 2, 3].map(|x| Square { x });
/// // At most two runs in a batch.
/// let divide = |specs: &[&Square]| {
///     let indices: Vec<usize> = (0..specs.len()).collect();
///     indices.chunks(2).map(<[usize]>::to_vec).collect()
/// };
/// let run = |batch: &[&Square]| batch.iter().map(|s| Ok::<i32, Infallible>(s.x * s.x)).collect();
/// let mut silent = |_: &Event| {};
/// let report =
///     execute_batches(&specs, &store, &Options::default(), &divide, run, &mut silent)?;
/// assert_eq!(report.into_records()?, [1, 4, 9]);
/// # Ok(())
/// # }
/// ```
///
/// # Same spec, same bits
/// The batch of a run depends on the content of the store. The bytes of a record do not,
/// provided that each result of `run` is a function of its own spec, whatever the other
/// specs of the batch are.
///
/// # Wall time
/// The `wall_s` of a run is the wall time of its batch divided by the number of runs
/// computed in it. The sum over all runs is therefore the time that the workers
/// spent in `run`.
///
/// # Failed runs
/// An error, or a record that JSON cannot hold, concerns its run only. A panic of `run`
/// fails every run of the batch with the message of the panic. A number of results that
/// is not the number of specs also fails every run of the batch
/// ([`RunError::WrongCount`]). The other batches continue.
///
/// # Observation and cancellation
/// As in [`execute()`]. Every run of a batch has its own events;
/// [`Event::Started`] contains the number of runs in the batch. The cancel flag is read
/// before each batch.
///
/// # Errors
/// As [`execute()`], and [`ExecError::Division`], before anything runs, when `divide`
/// does not return every index exactly once. After an error of the store, the other runs
/// of a batch in flight are still stored if possible.
pub fn execute_batches<S, R, E, F>(
    specs: &[S],
    store: &Store,
    options: &Options,
    divide: &dyn Fn(&[&S]) -> Vec<Vec<usize>>,
    run: F,
    observer: &mut dyn Observer,
) -> Result<Report<R, E>, ExecError>
where
    S: Spec,
    R: Serialize + DeserializeOwned + Send,
    E: Display + Send,
    F: Fn(&[&S]) -> Vec<Result<R, E>> + Sync,
{
    options.check()?;
    let clock = Instant::now();

    let (tasks, slot_of_spec) = distinct(specs)?;
    let mut slots: Vec<(RunKey, Outcome<R, E>)> =
        tasks.iter().map(|task| (task.key, Outcome::NotStarted)).collect();
    let mut missing = Vec::new();
    for task in tasks {
        match store.look_up(&task.key)? {
            Lookup::Found(record) => slots[task.slot].1 = Outcome::Reused(record),
            Lookup::Absent => missing.push(task),
            Lookup::SetAside { moved_to, damage } => {
                observer.on(&Event::Damaged { key: task.key, moved_to, damage });
                missing.push(task);
            }
        }
    }
    costliest_first(&mut missing);
    let divided = if missing.is_empty() {
        Vec::new()
    } else {
        divide(&missing.iter().map(|task| &specs[task.index]).collect::<Vec<&S>>())
    };
    let batches = batches(&missing, divided)?;
    observer.on(&Event::Planned {
        total: slots.len(),
        reused: slots.len() - missing.len(),
        cost: missing.iter().map(|task| task.cost).sum(),
    });

    workers::compute(
        workers::Work { specs, batches: &batches, store, options, run: &run, clock },
        observer,
        |slot, outcome| slots[slot].1 = outcome,
    )?;
    Ok(Report { slots, slot_of_spec })
}
