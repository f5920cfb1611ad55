//! Computing the runs that a store lacks.

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
    observer.on(&Event::Planned {
        total: slots.len(),
        reused: slots.len() - lacking.len(),
        cost: lacking.iter().map(|task| task.cost).sum(),
    });

    workers::compute(
        workers::Work { specs, tasks: &lacking, store, options, run: &run, clock },
        observer,
        |slot, outcome| slots[slot].1 = outcome,
    )?;
    Ok(Report { slots, slot_of_spec })
}
