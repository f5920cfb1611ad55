//! The threads that compute.

use std::any::Any;
use std::fmt::Display;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use rayon::{ThreadPool, ThreadPoolBuilder};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::distinct::Task;
use super::{Event, ExecError, Observer, Options, Outcome, RunError};
use crate::provenance::Provenance;
use crate::spec::Spec;
use crate::store::{Lookup, Store, StoreError};

/// What every worker shares.
pub(super) struct Work<'a, S, F> {
    pub(super) specs: &'a [S],
    /// In the order in which they are to be started.
    pub(super) tasks: &'a [Task],
    pub(super) store: &'a Store,
    pub(super) options: &'a Options,
    pub(super) run: &'a F,
    /// Started with the execution.
    pub(super) clock: Instant,
}

/// What workers tell the calling thread.
enum Message<R, E> {
    Event(Event),
    Outcome(usize, Outcome<R, E>),
    /// The store failed: nothing further can be kept.
    Broken(StoreError),
}

/// Computes the tasks; hands events and outcomes over on the calling thread.
pub(super) fn compute<S, R, E, F>(
    work: Work<'_, S, F>,
    observer: &mut dyn Observer,
    mut settle: impl FnMut(usize, Outcome<R, E>),
) -> Result<(), ExecError>
where
    S: Spec,
    R: Serialize + DeserializeOwned + Send,
    E: Display + Send,
    F: Fn(&S) -> Result<R, E> + Sync,
{
    let workers = work.options.jobs.min(work.tasks.len());
    let pools = (0..workers)
        .map(|_| ThreadPoolBuilder::new().num_threads(work.options.threads_per_run).build())
        .collect::<Result<Vec<ThreadPool>, _>>()
        .map_err(|cause| ExecError::Threads(io::Error::other(cause)))?;

    let next = AtomicUsize::new(0);
    let halt = AtomicBool::new(false);
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for pool in pools {
            let (work, next, halt, sender) = (&work, &next, &halt, sender.clone());
            let worker = move || work_off(work, &pool, next, halt, &sender);
            if let Err(cause) = thread::Builder::new().spawn_scoped(scope, worker) {
                halt.store(true, Ordering::SeqCst);
                return Err(ExecError::Threads(cause));
            }
        }
        drop(sender);
        let mut broken = None;
        for message in receiver {
            match message {
                Message::Event(event) => observer.on(&event),
                Message::Outcome(slot, outcome) => settle(slot, outcome),
                Message::Broken(error) => {
                    halt.store(true, Ordering::SeqCst);
                    broken.get_or_insert(error);
                }
            }
        }
        broken.map_or(Ok(()), |error| Err(ExecError::Store(error)))
    })
}

/// One worker: takes tasks until there are none, or until it is told to stop.
fn work_off<S, R, E, F>(
    work: &Work<'_, S, F>,
    pool: &ThreadPool,
    next: &AtomicUsize,
    halt: &AtomicBool,
    sender: &mpsc::Sender<Message<R, E>>,
) where
    S: Spec,
    R: Serialize + DeserializeOwned + Send,
    E: Display + Send,
    F: Fn(&S) -> Result<R, E> + Sync,
{
    let cancelled = || work.options.cancel.as_ref().is_some_and(|flag| flag.load(Ordering::SeqCst));
    while !halt.load(Ordering::SeqCst) && !cancelled() {
        let Some(task) = work.tasks.get(next.fetch_add(1, Ordering::SeqCst)) else { return };
        // The receiver is gone only when the observer panicked.
        let mut heard = true;
        let mut tell = |event| heard &= sender.send(Message::Event(event)).is_ok();
        let last = match settle_task(work, pool, task, &mut tell) {
            Ok(outcome) => Message::Outcome(task.slot, outcome),
            Err(error) => Message::Broken(error),
        };
        if sender.send(last).is_err() || !heard {
            return;
        }
    }
}

/// One run: looks for it once more, computes it, stores it, reads it back.
fn settle_task<S, R, E, F>(
    work: &Work<'_, S, F>,
    pool: &ThreadPool,
    task: &Task,
    tell: &mut dyn FnMut(Event),
) -> Result<Outcome<R, E>, StoreError>
where
    S: Spec,
    R: Serialize + DeserializeOwned + Send,
    E: Display + Send,
    F: Fn(&S) -> Result<R, E> + Sync,
{
    let key = task.key;
    let now_s = || work.clock.elapsed().as_secs_f64();
    match work.store.look_up(&key)? {
        Lookup::Whole(record) => {
            tell(Event::FoundMeanwhile { key, cost: task.cost });
            return Ok(Outcome::Reused(record));
        }
        Lookup::Absent => {}
        Lookup::SetAside { moved_to, damage } => tell(Event::Damaged { key, moved_to, damage }),
    }

    let spec = &work.specs[task.index];
    let start_s = now_s();
    tell(Event::Started { key, index: task.index, cost: task.cost, at_s: start_s });
    let caught = pool.install(|| catch_unwind(AssertUnwindSafe(|| (work.run)(spec))));
    let wall_s = now_s() - start_s;

    let mut failed = |error: RunError<E>| {
        tell(Event::Failed { key, reason: error.to_string(), at_s: now_s() });
        Ok(Outcome::Failed(error))
    };
    let record = match caught {
        Ok(Ok(record)) => record,
        Ok(Err(error)) => return failed(RunError::Failed(error)),
        Err(payload) => return failed(RunError::Panicked(message(payload.as_ref()))),
    };
    let provenance = Provenance { wall_s: Some(wall_s), ..work.options.provenance.clone() };
    match work.store.put(spec, &record, &provenance) {
        Ok(_) => {}
        Err(StoreError::Encode(error)) => return failed(RunError::Unstorable(error)),
        Err(error) => return Err(error),
    }
    work.store.drop_checkpoint(&key)?;
    // What is returned is what the next call will read. The file can only be
    // missing if someone removed it this instant; the run then keeps its own.
    let record = work.store.get(&key)?.unwrap_or(record);
    tell(Event::Finished { key, wall_s, at_s: now_s() });
    Ok(Outcome::Computed { record, wall_s })
}

/// The text of a panic, which is a `&str` or a `String` wherever it was made by
/// `panic!`.
fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("without a message").to_owned()
}
