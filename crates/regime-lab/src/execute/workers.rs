//! The worker threads.

use std::any::Any;
use std::collections::VecDeque;
use std::fmt::Display;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use rayon::{ThreadPool, ThreadPoolBuilder};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::attempt::{Attempt, attempt};
use super::distinct::Task;
use super::{Event, ExecError, Observer, Options, Outcome, RunError};
use crate::provenance::Provenance;
use crate::spec::Spec;
use crate::store::{Claim, Failure, Store, StoreError};

/// Time between two tries of a run that another process computes.
const RETRY: Duration = Duration::from_millis(200);

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

    let queue = Queue {
        next: AtomicUsize::new(0),
        held: Mutex::default(),
        halt: AtomicBool::new(false),
        cancel: work.options.cancel.as_deref(),
    };
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for pool in pools {
            let (work, queue, sender) = (&work, &queue, sender.clone());
            let worker = move || run_worker(work, &pool, queue, &sender);
            if let Err(cause) = thread::Builder::new().spawn_scoped(scope, worker) {
                queue.halt.store(true, Ordering::SeqCst);
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
                    queue.halt.store(true, Ordering::SeqCst);
                    broken.get_or_insert(error);
                }
            }
        }
        broken.map_or(Ok(()), |error| Err(ExecError::Store(error)))
    })
}

/// The batches that no worker has taken.
struct Queue<'a> {
    /// The next batch.
    next: AtomicUsize,
    /// Runs that another process computed when a worker tried them.
    held: Mutex<VecDeque<&'a Task>>,
    /// Set when the store has failed.
    halt: AtomicBool,
    /// Set when the caller requests a stop.
    cancel: Option<&'a AtomicBool>,
}

impl<'a> Queue<'a> {
    fn is_stopped(&self) -> bool {
        self.halt.load(Ordering::SeqCst) || self.is_cancelled()
    }

    fn is_cancelled(&self) -> bool {
        self.cancel.is_some_and(|flag| flag.load(Ordering::SeqCst))
    }

    fn push_held(&self, task: &'a Task) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).push_back(task);
    }

    fn pop_held(&self) -> Option<&'a Task> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

/// The loop of one worker: takes batches until none is left, or until it has to stop. At the end it tries
/// the runs again that another process computed, one at a time.
fn run_worker<'a, S, R, E, F>(
    work: &Work<'a, S, F>,
    pool: &ThreadPool,
    queue: &Queue<'a>,
    sender: &mpsc::Sender<Message<R, E>>,
) where
    S: Spec,
    R: Serialize + DeserializeOwned + Send,
    E: Display + Send,
    F: Fn(&[&S]) -> Vec<Result<R, E>> + Sync,
{
    // The receiver is gone only when the observer panicked.
    let mut is_received = true;
    let mut send = |message| {
        // Here, and not only when the calling thread reads the message: no worker starts
        // another batch.
        if matches!(message, Message::Broken(_)) {
            queue.halt.store(true, Ordering::SeqCst);
        }
        is_received &= sender.send(message).is_ok();
        if !is_received {
            queue.halt.store(true, Ordering::SeqCst);
        }
    };
    while !queue.is_stopped() {
        let next = queue.next.fetch_add(1, Ordering::SeqCst);
        let Some(batch) = work.batches.get(next) else { break };
        compute_batch(work, pool, batch, queue, &mut send);
    }
    while !queue.is_stopped() {
        let Some(task) = queue.pop_held() else { return };
        if work.store.claimed_by(&task.key).is_some() {
            queue.push_held(task);
            thread::sleep(RETRY);
        } else {
            compute_batch(work, pool, &[task], queue, &mut send);
        }
    }
}

/// Computes one batch: looks up its runs again and claims them, computes the missing ones in one call,
/// stores each record and reads it back. Runs that another process computes leave the batch.
fn compute_batch<'a, S, R, E, F>(
    work: &Work<'a, S, F>,
    pool: &ThreadPool,
    batch: &[&'a Task],
    queue: &Queue<'a>,
    send: &mut dyn FnMut(Message<R, E>),
) where
    S: Spec,
    R: Serialize + DeserializeOwned + Send,
    E: Display + Send,
    F: Fn(&[&S]) -> Vec<Result<R, E>> + Sync,
{
    let now_s = || work.clock.elapsed().as_secs_f64();
    let mut tasks: Vec<&Task> = Vec::with_capacity(batch.len());
    // Released when the records are stored.
    let mut claims: Vec<Claim> = Vec::with_capacity(batch.len());
    for &task in batch {
        let key = task.key;
        let (damaged, state) = attempt(work.store, task, &work.options.holder);
        if let Some(event) = damaged {
            send(Message::Event(event));
        }
        match state {
            Ok(Attempt::Claimed(claim)) => {
                tasks.push(task);
                claims.push(claim);
            }
            Ok(Attempt::Found(record)) => {
                send(Message::Event(Event::FoundInStore { key, cost: task.cost }));
                send(Message::Outcome(task.slot, Outcome::Reused(record)));
            }
            Ok(Attempt::Held(holder)) => {
                send(Message::Event(Event::Held { key, holder }));
                queue.push_held(task);
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
        // If this attempt is killed, its cause is not that of an earlier one.
        let _ = work.store.remove_failure(&key);
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
                if !queue.is_cancelled() {
                    let provenance = provenance_of(work, wall_s);
                    let failure = Failure { reason: reason.clone(), provenance };
                    // The observer and the report have the reason in any case.
                    let _ = work.store.put_failure(&work.specs[task.index], &failure);
                }
                send(Message::Event(Event::Failed { key, reason, at_s: now_s() }));
                send(Message::Outcome(task.slot, Outcome::Failed(error)));
            }
            Err(error) => send(Message::Broken(error)),
        }
    }
    drop(claims);
}

/// The provenance of a run that took `wall_s` seconds.
fn provenance_of<S, F>(work: &Work<'_, S, F>, wall_s: f64) -> Provenance {
    Provenance { wall_s: Some(wall_s), ..work.options.provenance.clone() }
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
    match work.store.put(&work.specs[task.index], &record, &provenance_of(work, wall_s)) {
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
