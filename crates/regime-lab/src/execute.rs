//! Computing the runs that a store lacks.

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
pub use share::{NotAShare, Share};

use crate::spec::{RunKey, Spec};
use crate::store::{Lookup, Store};
use batches::batches;
use distinct::{costliest_first, distinct};

/// Brings the store to hold a record of every spec and returns all of them, in
/// the order of `specs`.
///
/// A run that the store holds is read, never computed again, and each of several
/// equal specs is computed once. The others are computed by `options.jobs`
/// workers, costliest first ([`Spec::cost`]; equal costs in the order of
/// `specs`), and stored as soon as each is done, so that a call cut short loses
/// the runs in flight only. A record comes back as read from its file: a
/// fresh and a resumed call return the same. A file that turns out damaged is
/// moved aside ([`Store::look_up`]), reported as an event, and its run computed
/// anew.
///
/// Several processes may work on one grid: each looks a run up once more before
/// starting it. Nothing is claimed, so that what is in flight in one may be
/// computed by another too; the record stored last stays. A [`Share`] for each
/// keeps them apart.
///
/// # Same spec, same bits
/// Each worker owns a rayon pool of `options.threads_per_run` threads and calls
/// `run` inside it, so that what a run sees of its surroundings does not depend
/// on `jobs`, nor do the bytes of its record provided that `run` is a function
/// of its spec. (With several threads per run that asks for arithmetic which
/// does not depend on which thread took which part; rayon's own `sum` of floats
/// does.) Wall time is measured for the events and for
/// [`Provenance::wall_s`](crate::Provenance::wall_s); it enters no record.
///
/// # What goes wrong in a run stays in that run
/// A `run` that returns an error or panics, or whose record JSON cannot hold,
/// is listed in the report and not stored; the others go on. (The message that
/// a panic leaves on the standard error is that of the program's panic hook.)
///
/// # Observation and cancellation
/// `observer` is called on the calling thread. Once `options.cancel` is set, no
/// run is started; those in flight end as they like, by looking at the flag
/// themselves if `run` has captured it.
///
/// # Errors
/// [`ExecError`]: before anything runs, for options or specs that make no
/// sense; [`ExecError::Store`] when the store fails or holds a record that is
/// whole but no `R`, after the runs in flight have ended. What was stored until
/// then stays.
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

/// Does what [`execute()`] does, several runs at a time: for devices on which many
/// runs of one shape advance together.
///
/// `divide` puts the runs that the store lacks into batches. It is called once, on
/// the calling thread, with their specs, costliest first; it is not called when the
/// store lacks none. It returns the batches as indices into that slice, and must
/// give each index exactly once. Batches are started in the order in which it
/// returns them. Empty ones are ignored.
///
/// A worker takes a whole batch. It looks every run of it up in the store once more.
/// The runs that it finds are reused and leave the batch. Then it calls `run` once,
/// inside its rayon pool, with the specs of all the others, in the order that
/// `divide` gave them. `run` returns one result for each spec, in the same order.
/// The records are stored one after another as soon as `run` returns. `options.jobs`
/// is the number of batches computed side by side.
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
/// The batch of a run depends on what the store holds. The bytes of a record do not,
/// provided that each result of `run` is a function of its own spec, whatever the
/// other specs of the batch are.
///
/// # Wall time
/// The `wall_s` of a run is the wall time of its batch divided by the number of runs
/// computed in it. The sum over all runs is therefore the time that the workers
/// spent in `run`.
///
/// # What goes wrong in a run
/// An error or a record that JSON cannot hold concerns its run only. A panic of
/// `run` fails every run of the batch with the message of the panic. So does a
/// number of results that is not the number of specs ([`RunError::WrongCount`]).
/// The other batches go on.
///
/// # Observation and cancellation
/// As in [`execute()`]. Every run of a batch has its own events;
/// [`Event::Started`] gives the number of runs computed together. The cancel flag
/// is read before each batch.
///
/// # Errors
/// As [`execute()`], and [`ExecError::Division`], before anything runs, when `divide`
/// does not give every index exactly once. When the store fails, the runs in flight
/// include all those of a batch: each is still stored if that is possible.
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
    let mut lacking = Vec::new();
    for task in tasks {
        match store.look_up(&task.key)? {
            Lookup::Whole(record) => slots[task.slot].1 = Outcome::Reused(record),
            Lookup::Absent => lacking.push(task),
            Lookup::SetAside { moved_to, damage } => {
                observer.on(&Event::Damaged { key: task.key, moved_to, damage });
                lacking.push(task);
            }
        }
    }
    costliest_first(&mut lacking);
    let divided = if lacking.is_empty() {
        Vec::new()
    } else {
        divide(&lacking.iter().map(|task| &specs[task.index]).collect::<Vec<&S>>())
    };
    let batches = batches(&lacking, divided)?;
    observer.on(&Event::Planned {
        total: slots.len(),
        reused: slots.len() - lacking.len(),
        cost: lacking.iter().map(|task| task.cost).sum(),
    });

    workers::compute(
        workers::Work { specs, batches: &batches, store, options, run: &run, clock },
        observer,
        |slot, outcome| slots[slot].1 = outcome,
    )?;
    Ok(Report { slots, slot_of_spec })
}
