//! The executor: which runs are computed, in which order, and what is returned.

mod toy;

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rayon::prelude::*;
use regime_lab::{
    Claimed, Counts, Event, ExecError, Options, Outcome, Progress, Provenance, Report, RunError,
    RunKey, Spec, Store, StoreError, execute,
};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use toy::{Logistic, Orbit, spec};

/// The last bit of the sum depends on how rayon splits it, and so on the thread pool.
fn run(spec: &Logistic) -> Result<Orbit, String> {
    let mut x = 1.0 / (spec.seed as f64 + 2.0);
    let points: Vec<f64> = (0..spec.n_steps)
        .map(|_| {
            x *= spec.r * (1.0 - x);
            x
        })
        .collect();
    let sum: f64 = points.par_iter().sum();
    let mean = (!points.is_empty()).then(|| sum / points.len() as f64);
    Ok(Orbit { points, mean })
}

fn fresh() -> (TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    (dir, store)
}

fn jobs(jobs: usize) -> Options {
    Options { jobs, ..Options::default() }
}

fn quietly(
    specs: &[Logistic],
    store: &Store,
    options: &Options,
    run: impl Fn(&Logistic) -> Result<Orbit, String> + Sync,
) -> Report<Orbit, String> {
    execute(specs, store, options, run, &mut |_: &Event| {}).unwrap()
}

fn grid() -> Vec<Logistic> {
    (0..24).map(|i| Logistic { seed: i, ..spec(1000 + 100 * (i as u32 % 5)) }).collect()
}

/// The text of every record, as stored.
fn payloads(store: &Store) -> BTreeMap<RunKey, String> {
    let payload = |key: &RunKey| {
        let text = fs::read_to_string(store.path(key)).unwrap();
        let (_, rest) = text.split_once("\"record\": ").unwrap();
        rest.split_once("\"provenance\": ").unwrap().0.to_owned()
    };
    store.keys().unwrap().iter().map(|key| (*key, payload(key))).collect()
}

#[test]
fn the_bytes_of_records_do_not_depend_on_jobs() {
    let specs = grid();
    let of = |n| {
        let (_dir, store) = fresh();
        let report = quietly(&specs, &store, &jobs(n), run);
        (payloads(&store), report.into_records().unwrap())
    };
    let one = of(1);
    assert_eq!(one.0.len(), specs.len());
    for n in [2, 7] {
        assert_eq!(of(n), one);
    }
}

#[test]
fn runs_see_a_pool_of_the_requested_size() {
    for (n_jobs, threads_per_run) in [(1, 1), (3, 1), (2, 3)] {
        let (_dir, store) = fresh();
        let options = Options { threads_per_run, ..jobs(n_jobs) };
        let report = quietly(&grid(), &store, &options, |spec| {
            assert_eq!(rayon::current_num_threads(), threads_per_run);
            run(spec)
        });
        assert_eq!(report.counts().computed, 24);
    }
}

#[test]
fn records_come_in_the_order_of_the_specs() {
    let (_dir, store) = fresh();
    // The costliest run is last, so runs are completed in the reverse order.
    let specs: Vec<Logistic> = (1..20).map(spec).collect();
    let records = quietly(&specs, &store, &jobs(3), run).into_records().unwrap();
    for (spec, record) in specs.iter().zip(&records) {
        assert_eq!(record.points, run(spec).unwrap().points);
    }
}

#[test]
fn a_checkpoint_is_removed_once_the_record_is_stored() {
    let (_dir, store) = fresh();
    let begun = spec(7);
    store.put_checkpoint(&begun, &run(&begun).unwrap()).unwrap();
    let resume = |spec: &Logistic| {
        let state = store.checkpoint(&RunKey::of(spec).unwrap()).unwrap();
        state.found().ok_or("no checkpoint".to_owned())
    };
    let report = quietly(&[begun.clone(), spec(8)], &store, &jobs(1), resume);
    assert_eq!((report.counts().computed, report.counts().failed), (1, 1));
    assert!(!store.checkpoint_path(&RunKey::of(&begun).unwrap()).exists());
}

#[test]
fn a_finished_run_is_never_computed_again() {
    let (_dir, store) = fresh();
    let n_calls = AtomicUsize::new(0);
    let counted = |spec: &Logistic| {
        n_calls.fetch_add(1, Ordering::SeqCst);
        run(spec)
    };
    let specs = grid();
    let first = quietly(&specs[..10], &store, &jobs(2), counted);
    assert_eq!(first.counts(), Counts { computed: 10, ..Counts::default() });

    let second = quietly(&specs, &store, &jobs(2), counted);
    assert_eq!(second.counts(), Counts { reused: 10, computed: 14, ..Counts::default() });

    let files = || -> Vec<Vec<u8>> {
        let keys = store.keys().unwrap();
        keys.iter().map(|key| fs::read(store.path(key)).unwrap()).collect()
    };
    let before = files();
    let third = quietly(&specs, &store, &jobs(2), counted);
    assert_eq!(third.counts(), Counts { reused: 24, ..Counts::default() });
    assert_eq!(n_calls.into_inner(), 24);
    assert_eq!(files(), before);
    assert_eq!(third.into_records().unwrap(), second.into_records().unwrap());
}

#[test]
fn equal_specs_are_computed_once() {
    let (_dir, store) = fresh();
    let n_calls = AtomicUsize::new(0);
    let specs = [spec(5), spec(7), spec(5), spec(5)];
    let report = quietly(&specs, &store, &jobs(3), |spec| {
        n_calls.fetch_add(1, Ordering::SeqCst);
        run(spec)
    });
    assert_eq!(n_calls.into_inner(), 2);
    assert_eq!(report.counts().total(), 2);
    let lengths: Vec<usize> =
        report.into_records().unwrap().iter().map(|orbit| orbit.points.len()).collect();
    assert_eq!(lengths, [5, 7, 5, 5]);
}

#[test]
fn the_costliest_run_is_started_first() {
    let (_dir, store) = fresh();
    let specs: Vec<Logistic> = [3, 9, 1, 9, 5].map(spec).into();
    let mut started = Vec::new();
    let mut observer = |event: &Event| {
        if let Event::Started { index, .. } = event {
            started.push(*index);
        }
    };
    execute(&specs, &store, &jobs(1), run, &mut observer).unwrap();
    assert_eq!(started, [1, 4, 0, 2]);
}

#[test]
fn failures_and_panics_concern_their_run_only() {
    let (_dir, store) = fresh();
    let specs: Vec<Logistic> = (0..8).map(spec).collect();
    let broken = |spec: &Logistic| match spec.n_steps {
        2 => Err("diverged".to_owned()),
        4 => panic!("index {} of nothing", spec.n_steps),
        6 => Ok(Orbit { points: vec![f64::NAN], mean: None }),
        _ => run(spec),
    };
    let mut reasons = Vec::new();
    let mut observer = |event: &Event| {
        if let Event::Failed { reason, .. } = event {
            reasons.push(reason.clone());
        }
    };
    let report = execute(&specs, &store, &jobs(2), broken, &mut observer).unwrap();

    assert_eq!(report.counts(), Counts { computed: 5, failed: 3, ..Counts::default() });
    let outcomes: Vec<_> = report.outcomes().map(|(_, outcome)| outcome).collect();
    assert!(matches!(outcomes[2], Outcome::Failed(RunError::Failed(e)) if e == "diverged"));
    assert!(
        matches!(outcomes[4], Outcome::Failed(RunError::Panicked(e)) if e == "index 4 of nothing")
    );
    assert!(
        matches!(outcomes[6], Outcome::Failed(RunError::Unstorable(e)) if e.path == "points[0]")
    );
    assert_eq!(report.failures().count(), 3);
    assert_eq!(reasons.len(), 3);
    assert_eq!(store.keys().unwrap().len(), 5);

    let key = RunKey::of(&specs[2]).unwrap();
    let message = report.into_records().unwrap_err().to_string();
    assert_eq!(
        message,
        format!(
            "3 of 8 runs have no record: 3 failed (first {}: diverged), 0 not started",
            key.short()
        )
    );

    // After a correction, only the failed runs are computed.
    let corrected = quietly(&specs, &store, &jobs(2), run);
    assert_eq!(corrected.counts(), Counts { reused: 5, computed: 3, ..Counts::default() });
}

#[test]
fn no_run_is_started_after_a_cancellation() {
    let (_dir, store) = fresh();
    let flag = Arc::new(AtomicBool::new(false));
    let options = Options { cancel: Some(flag.clone()), ..jobs(1) };
    let done = AtomicUsize::new(0);
    let report = quietly(&grid(), &store, &options, |spec| {
        if done.fetch_add(1, Ordering::SeqCst) == 4 {
            flag.store(true, Ordering::SeqCst);
        }
        run(spec)
    });
    // The run in flight was finished and stored.
    assert_eq!(report.counts(), Counts { computed: 5, not_started: 19, ..Counts::default() });
    assert_eq!(store.keys().unwrap().len(), 5);

    let report = quietly(&grid(), &store, &options, run);
    assert_eq!(report.counts(), Counts { reused: 5, not_started: 19, ..Counts::default() });
    assert_eq!(report.records().flatten().count(), 5);
}

#[test]
fn a_damaged_record_is_moved_aside_and_computed_again() {
    let (_dir, store) = fresh();
    let specs = grid();
    let whole = quietly(&specs, &store, &jobs(2), run).into_records().unwrap();
    let key = RunKey::of(&specs[3]).unwrap();
    let path = store.path(&key);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();

    let mut damaged = Vec::new();
    let mut observer = |event: &Event| {
        if let Event::Damaged { key, moved_to, .. } = event {
            damaged.push((*key, moved_to.clone()));
        }
    };
    let report = execute(&specs, &store, &jobs(2), run, &mut observer).unwrap();
    assert_eq!(report.counts(), Counts { reused: 23, computed: 1, ..Counts::default() });
    assert_eq!(damaged, [(key, path.with_extension("json.damaged"))]);
    assert_eq!(fs::read(&damaged[0].1).unwrap(), &bytes[..bytes.len() / 2]);
    assert_eq!(report.into_records().unwrap(), whole);
}

#[test]
fn a_run_that_another_process_finished_meanwhile_is_reused() {
    let (_dir, store) = fresh();
    let specs = [spec(9), spec(1)];
    let report = quietly(&specs, &store, &jobs(1), |spec| {
        // Acts as another process during the first run.
        store.put(&specs[1], &run(&specs[1]).unwrap(), &Provenance::default()).unwrap();
        assert_eq!(spec, &specs[0]);
        run(spec)
    });
    assert_eq!(report.counts(), Counts { reused: 1, computed: 1, ..Counts::default() });
}

#[test]
fn executions_can_share_a_store() {
    let (_dir, store) = fresh();
    let specs = grid();
    std::thread::scope(|scope| {
        let both: Vec<_> = (0..2)
            .map(|_| scope.spawn(|| quietly(&specs, &store, &jobs(2), run).into_records().unwrap()))
            .collect();
        let records: Vec<_> = both.into_iter().map(|one| one.join().unwrap()).collect();
        assert_eq!(records[0], records[1]);
    });
    assert_eq!(store.keys().unwrap().len(), specs.len());
}

#[test]
fn the_events_of_an_execution_are_complete() {
    let (_dir, store) = fresh();
    let specs = grid();
    quietly(&specs[..4], &store, &jobs(1), run);
    let mut progress = Progress::new(2);
    let mut last_s = 0.0;
    let mut observer = |event: &Event| {
        progress.observe(event);
        if let Event::Finished { wall_s, at_s, .. } = event {
            assert!(*wall_s >= 0.0 && wall_s <= at_s);
            last_s = *at_s;
        }
    };
    execute(&specs, &store, &jobs(2), run, &mut observer).unwrap();
    assert_eq!((progress.total(), progress.settled(), progress.running()), (24, 24, 0));
    assert_eq!((progress.fraction(), progress.time_left_s(last_s)), (1.0, Some(0.0)));
}

#[test]
fn provenance_is_stored_with_the_wall_time() {
    let (_dir, store) = fresh();
    let provenance = Provenance::of_program("toy", "0.1");
    let options = Options { provenance: provenance.clone(), ..jobs(1) };
    quietly(&[spec(3)], &store, &options, run);
    let entry = store.entry::<Logistic, Orbit>(&RunKey::of(&spec(3)).unwrap()).unwrap().unwrap();
    assert!(entry.provenance.wall_s.unwrap() >= 0.0);
    assert_eq!(Provenance { wall_s: None, ..entry.provenance }, provenance);
}

#[test]
fn a_failing_store_ends_the_execution() {
    let (_dir, store) = fresh();
    let n_calls = AtomicUsize::new(0);
    let error = execute(
        &grid(),
        &store,
        &jobs(1),
        |spec| {
            if n_calls.fetch_add(1, Ordering::SeqCst) == 0 {
                fs::remove_dir_all(store.dir()).unwrap();
            }
            run(spec)
        },
        &mut |_: &Event| {},
    )
    .unwrap_err();
    assert!(matches!(error, ExecError::Store(StoreError::Write { .. })), "{error}");
    assert!(n_calls.into_inner() < 24);
}

#[test]
fn invalid_input_is_an_error_before_anything_runs() {
    #[derive(Clone, Serialize, Deserialize)]
    struct Priced(f64);
    impl Spec for Priced {
        const KIND: &'static str = "priced";
        const VERSION: u32 = 1;
        fn cost(&self) -> f64 {
            -self.0
        }
    }
    let (_dir, store) = fresh();
    let attempt = |specs: &[Priced], options: &Options| {
        let never = |_: &Priced| -> Result<u8, String> { panic!("no run may start") };
        execute(specs, &store, options, never, &mut |_: &Event| {}).unwrap_err()
    };
    assert!(matches!(attempt(&[], &jobs(0)), ExecError::Zero { option: "jobs" }));
    let no_threads = Options { threads_per_run: 0, ..jobs(1) };
    assert!(matches!(attempt(&[], &no_threads), ExecError::Zero { option: "threads_per_run" }));
    let specs = [Priced(-1.0), Priced(2.0)];
    assert!(matches!(attempt(&specs, &jobs(1)), ExecError::Cost { index: 1, cost: -2.0 }));
    let specs = [Priced(-1.0), Priced(f64::NAN)];
    assert!(matches!(attempt(&specs, &jobs(1)), ExecError::Spec { index: 1, .. }));
}

#[test]
fn an_empty_grid_is_done() {
    let (_dir, store) = fresh();
    let report = quietly(&[], &store, &jobs(4), run);
    assert_eq!(report.into_records().unwrap(), []);
}

#[test]
fn no_more_runs_are_in_flight_than_jobs() {
    let (_dir, store) = fresh();
    let in_flight = Mutex::new((0, 0));
    quietly(&grid(), &store, &jobs(3), |spec| {
        {
            let mut count = in_flight.lock().unwrap();
            count.0 += 1;
            count.1 = count.1.max(count.0);
        }
        let orbit = run(spec);
        in_flight.lock().unwrap().0 -= 1;
        orbit
    });
    let (left, max) = in_flight.into_inner().unwrap();
    assert_eq!(left, 0);
    assert!((1..=3).contains(&max));
}

#[test]
fn two_executions_at_once_compute_no_run_twice() {
    let (_dir, store) = fresh();
    let specs = grid();
    let computed = AtomicUsize::new(0);
    let slowly = |spec: &Logistic| {
        computed.fetch_add(1, Ordering::SeqCst);
        std::thread::sleep(std::time::Duration::from_millis(5));
        run(spec)
    };
    let reports: Vec<Report<Orbit, String>> = std::thread::scope(|scope| {
        let calls = [1, 2, 3].map(|n| {
            let (specs, store, slowly) = (&specs, &store, &slowly);
            scope.spawn(move || quietly(specs, store, &jobs(n), slowly))
        });
        calls.map(|call| call.join().unwrap()).into()
    });
    assert_eq!(computed.into_inner(), specs.len());
    let counts = reports.iter().map(Report::counts);
    assert_eq!(counts.map(|c| c.computed).sum::<usize>(), specs.len());
    let records: Vec<Vec<Orbit>> =
        reports.into_iter().map(|report| report.into_records().unwrap()).collect();
    assert!(records[0] == records[1] && records[0] == records[2]);
    assert_eq!(store.files().unwrap().len(), specs.len());
}

#[test]
fn a_run_of_another_process_is_waited_for() {
    let (_dir, store) = fresh();
    let specs = [spec(10), spec(20)];
    let key = RunKey::of(&specs[1]).unwrap();
    let Claimed::Granted(claim) = store.claim(&key, "task 7").unwrap() else { panic!() };

    // The other process ends without a record.
    let (report, held) = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let mut held = Vec::new();
            let mut observer = |event: &Event| {
                if let Event::Held { key, holder } = event {
                    held.push((*key, holder.clone()));
                }
            };
            let report = execute(&specs, &store, &jobs(2), run, &mut observer).unwrap();
            (report, held)
        });
        std::thread::sleep(std::time::Duration::from_millis(300));
        assert!(!waiting.is_finished());
        // The other run was computed first.
        assert_eq!(store.keys().unwrap(), [RunKey::of(&specs[0]).unwrap()]);
        drop(claim);
        waiting.join().unwrap()
    });
    assert_eq!(report.counts(), Counts { computed: 2, ..Counts::default() });
    assert_eq!(held, [(key, "task 7".to_owned())]);
}

#[test]
fn waiting_for_another_process_ends_with_a_cancellation() {
    let (_dir, store) = fresh();
    let specs = [spec(10)];
    let key = RunKey::of(&specs[0]).unwrap();
    let Claimed::Granted(_claim) = store.claim(&key, "").unwrap() else { panic!() };
    let cancel = Arc::new(AtomicBool::new(false));
    let options = Options { cancel: Some(Arc::clone(&cancel)), ..jobs(1) };
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| quietly(&specs, &store, &options, run));
        std::thread::sleep(std::time::Duration::from_millis(50));
        cancel.store(true, Ordering::SeqCst);
        let counts = waiting.join().unwrap().counts();
        assert_eq!(counts, Counts { not_started: 1, ..Counts::default() });
    });
}

#[test]
fn a_failure_is_stored_with_its_cause_until_the_run_succeeds() {
    let (_dir, store) = fresh();
    let specs = [spec(10)];
    let key = RunKey::of(&specs[0]).unwrap();
    let refuse = |_: &Logistic| Err("too little memory".to_owned());
    let host = Provenance { host: "heron".into(), ..Provenance::default() };
    let options = Options { provenance: host, ..jobs(1) };
    quietly(&specs, &store, &options, refuse);
    let failure = store.failure(&key).unwrap().unwrap();
    assert_eq!(
        (failure.reason.as_str(), failure.provenance.host.as_str()),
        ("too little memory", "heron")
    );

    // A run that a cancellation ends has not failed.
    store.remove_failure(&key).unwrap();
    let cancel = Arc::new(AtomicBool::new(false));
    let cancelled = Options { cancel: Some(Arc::clone(&cancel)), ..jobs(1) };
    quietly(&specs, &store, &cancelled, |_: &Logistic| {
        cancel.store(true, Ordering::SeqCst);
        Err("stopped".to_owned())
    });
    assert_eq!(store.failure(&key).unwrap(), None);

    quietly(&specs, &store, &options, refuse);
    assert!(store.failure(&key).unwrap().is_some());
    quietly(&specs, &store, &options, run);
    assert_eq!(store.failure(&key).unwrap(), None);
}
