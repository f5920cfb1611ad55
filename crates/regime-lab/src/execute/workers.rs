//! The worker threads.

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

/// The data that all workers share.
pub(super) struct Work<'a, S, F> {
    pub(super) specs: &'a [S],
    /// In the order in which they are to be started.
    pub(super) batches: &'a [Vec<&'a Task>],
    pub(super) store: &'a Store,
    pub(super) options: &'a Options,
    pub(super) run: &'a F,
    /// Started at the beginning of the execution.
    pub(super) clock: Instant,
}

/// A message from a worker to the calling thread.
enum Message<R, E> {
    Event(Event),
    Outcome(usize, Outcome<R, E>),
    /// The store failed: no further record can be stored.
    Broken(StoreError),
}

/// Computes the batches. Calls `observer` with events and `settle` with outcomes, on the
/// calling thread.
pub(super) fn compute<S, R, E, F>(
    work: Work<'_, S, F>,
    observer: &mut dyn Observer,
    mut settle: impl FnMut(usize, Outcome<R, E>),
) -> Result<(), ExecError>
where
    S: Spec,
    R: Serialize + DeserializeOwned + Send,
    E: Display + Send,
    F: Fn(&[&S]) -> Vec<Result<R, E>> + Sync,
{
    let workers = work.options.jobs.min(work.batches.len());
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
            let worker = move || run_worker(work, &pool, next, halt, &sender);
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

/// The loop of one worker: takes batches until none is left, or until it has to stop.
fn run_worker<S, R, E, F>(
    work: &Work<'_, S, F>,
    pool: &ThreadPool,
    next: &AtomicUsize,
    halt: &AtomicBool,
    sender: &mpsc::Sender<Message<R, E>>,
) where
    S: Spec,
    R: Serialize + DeserializeOwned + Send,
    E: Display + Send,
    F: Fn(&[&S]) -> Vec<Result<R, E>> + Sync,
{
    let cancelled = || work.options.cancel.as_ref().is_some_and(|flag| flag.load(Ordering::SeqCst));
    while !halt.load(Ordering::SeqCst) && !cancelled() {
        let Some(batch) = work.batches.get(next.fetch_add(1, Ordering::SeqCst)) else { return };
        // The receiver is gone only when the observer panicked.
        let mut is_received = true;
        compute_batch(work, pool, batch, &mut |message| {
            // Here, and not only when the calling thread reads the message: no worker starts
            // another batch.
            if matches!(message, Message::Broken(_)) {
                halt.store(true, Ordering::SeqCst);
            }
            is_received &= sender.send(message).is_ok();
        });
        if !is_received {
            return;
        }
    }
}

/// Computes one batch: looks up its runs again, computes the missing ones in one call,
/// stores each record and reads it back.
fn compute_batch<S, R, E, F>(
    work: &Work<'_, S, F>,
    pool: &ThreadPool,
    batch: &[&Task],
    send: &mut dyn FnMut(Message<R, E>),
) where
    S: Spec,
    R: Serialize + DeserializeOwned + Send,
    E: Display + Send,
    F: Fn(&[&S]) -> Vec<Result<R, E>> + Sync,
{
    let now_s = || work.clock.elapsed().as_secs_f64();
    let mut tasks: Vec<&Task> = Vec::with_capacity(batch.len());
    for &task in batch {
        let key = task.key;
        match work.store.look_up(&key) {
            Ok(Lookup::Found(record)) => {
                send(Message::Event(Event::FoundInStore { key, cost: task.cost }));
                send(Message::Outcome(task.slot, Outcome::Reused(record)));
            }
            Ok(Lookup::Absent) => tasks.push(task),
            Ok(Lookup::SetAside { moved_to, damage }) => {
                send(Message::Event(Event::Damaged { key, moved_to, damage }));
                tasks.push(task);
            }
            Err(error) => return send(Message::Broken(error)),
        }
    }
    let n_runs = tasks.len();
    if n_runs == 0 {
        return;
    }

    let specs: Vec<&S> = tasks.iter().map(|task| &work.specs[task.index]).collect();
    let start_s = now_s();
    for &&Task { key, index, cost, .. } in &tasks {
        send(Message::Event(Event::Started { key, index, cost, batch: n_runs, at_s: start_s }));
    }
    let caught = pool.install(|| catch_unwind(AssertUnwindSafe(|| (work.run)(&specs))));
    let wall_s = (now_s() - start_s) / n_runs as f64;

    let fail_all = |error: &dyn Fn() -> RunError<E>| tasks.iter().map(|_| Err(error())).collect();
    let results: Vec<Result<R, RunError<E>>> = match caught {
        Ok(results) if results.len() == n_runs => {
            results.into_iter().map(|result| result.map_err(RunError::Failed)).collect()
        }
        Ok(results) => fail_all(&|| RunError::WrongCount { n_runs, n_results: results.len() }),
        Err(payload) => fail_all(&|| RunError::Panicked(message(payload.as_ref()))),
    };
    for (task, result) in tasks.iter().zip(results) {
        let key = task.key;
        // After an error of the store, the other records are still tried: they are
        // computed already.
        let stored = match result {
            Ok(record) => store_record(work, task, record, wall_s),
            Err(error) => Ok(Err(error)),
        };
        match stored {
            Ok(Ok(record)) => {
                send(Message::Event(Event::Finished { key, wall_s, at_s: now_s() }));
                send(Message::Outcome(task.slot, Outcome::Computed { record, wall_s }));
            }
            Ok(Err(error)) => {
                let reason = error.to_string();
                send(Message::Event(Event::Failed { key, reason, at_s: now_s() }));
                send(Message::Outcome(task.slot, Outcome::Failed(error)));
            }
            Err(error) => send(Message::Broken(error)),
        }
    }
}

/// Stores a record and reads it back. The inner error is for a record that JSON cannot
/// hold.
fn store_record<S, R, E, F>(
    work: &Work<'_, S, F>,
    task: &Task,
    record: R,
    wall_s: f64,
) -> Result<Result<R, RunError<E>>, StoreError>
where
    S: Spec,
    R: Serialize + DeserializeOwned,
{
    let provenance = Provenance { wall_s: Some(wall_s), ..work.options.provenance.clone() };
    match work.store.put(&work.specs[task.index], &record, &provenance) {
        Ok(_) => {}
        Err(StoreError::Encode(error)) => return Ok(Err(RunError::Unstorable(error))),
        Err(error) => return Err(error),
    }
    work.store.remove_checkpoint(&task.key)?;
    // The returned record is the one that the next call will read. If another process
    // has just removed the file, it is the computed one.
    Ok(Ok(work.store.get(&task.key)?.unwrap_or(record)))
}

/// The first line of a panic message that is not empty. The payload of `panic!` is a
/// `&str` or a `String`.
///
/// A line also ends at the two characters `\n`, the form in which `{:?}` writes a line
/// break: `Result::unwrap` panics with an error in that form.
fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let mut lines = text.unwrap_or_default().lines().flat_map(|line| line.split("\\n"));
    let first = lines.find(|line| !line.trim().is_empty());
    first.map_or("without a message", str::trim_end).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The shortened message of a panic in `f`.
    fn of_panic(f: impl FnOnce()) -> String {
        message(catch_unwind(AssertUnwindSafe(f)).unwrap_err().as_ref())
    }

    #[test]
    fn a_message_of_one_line_is_not_changed() {
        assert_eq!(of_panic(|| panic!("no such layer")), "no such layer");
        assert_eq!(of_panic(|| panic!("layer {}", 3)), "layer 3");
    }

    #[test]
    fn a_longer_message_is_cut_to_its_first_line_that_is_not_empty() {
        assert_eq!(of_panic(|| panic!("\n \r\nfirst\r\nsecond\n")), "first");
    }

    #[test]
    fn an_unwrapped_error_is_cut_after_its_first_line() {
        #[derive(Debug)]
        #[expect(dead_code, reason = "read by Debug")]
        struct Torch(&'static str);
        let allocate = || -> Result<(), Torch> {
            Err(Torch("CUDA out of memory. Tried to allocate 2.00 GiB.\nException raised from"))
        };
        assert_eq!(
            of_panic(|| allocate().unwrap()),
            "called `Result::unwrap()` on an `Err` value: \
             Torch(\"CUDA out of memory. Tried to allocate 2.00 GiB."
        );
    }

    #[test]
    fn a_panic_may_have_no_message() {
        assert_eq!(of_panic(|| panic!("\n")), "without a message");
        assert_eq!(of_panic(|| std::panic::panic_any(7)), "without a message");
    }
}
