//! Execution in batches, compared with one run at a time.

mod toy;

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, Mutex};

use regime_lab::{
    Counts, Event, ExecError, Options, Outcome, Progress, Provenance, Report, RunError, RunKey,
    Store, StoreError, execute, execute_batches,
};
use tempfile::TempDir;
use toy::{Logistic, Orbit, spec};

fn run(spec: &Logistic) -> Result<Orbit, String> {
    let orbit = |x: &mut f64, _| {
        *x *= spec.r * (1.0 - *x);
        Some(*x)
    };
    let points = (0..spec.n_steps).scan(1.0 / (spec.seed as f64 + 2.0), orbit).collect();
    Ok(Orbit { points, mean: None })
}

fn run_all(specs: &[&Logistic]) -> Vec<Result<Orbit, String>> {
    specs.iter().map(|spec| run(spec)).collect()
}

/// Batches of three runs; the last one may be smaller.
fn threes(specs: &[&Logistic]) -> Vec<Vec<usize>> {
    let indices: Vec<usize> = (0..specs.len()).collect();
    indices.chunks(3).map(<[usize]>::to_vec).collect()
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
    run: impl Fn(&[&Logistic]) -> Vec<Result<Orbit, String>> + Sync,
) -> Report<Orbit, String> {
    execute_batches(specs, store, options, &threes, run, &mut |_: &Event| {}).unwrap()
}

fn grid(lengths: impl IntoIterator<Item = u32>) -> Vec<Logistic> {
    lengths.into_iter().map(spec).collect()
}

/// Records the lengths of the runs in every call of `run`.
#[derive(Default)]
struct Calls(Mutex<Vec<Vec<u32>>>);

impl Calls {
    fn note(&self, specs: &[&Logistic]) {
        self.0.lock().unwrap().push(specs.iter().map(|spec| spec.n_steps).collect());
    }

    fn noted(&self) -> Vec<Vec<u32>> {
        self.0.lock().unwrap().clone()
    }
}

#[test]
fn the_division_decides_the_batches_and_their_order() {
    let (_dir, store) = fresh();
    let calls = Calls::default();
    let divide = |specs: &[&Logistic]| {
        // Costliest first.
        let lengths: Vec<u32> = specs.iter().map(|spec| spec.n_steps).collect();
        assert_eq!(lengths, [9, 7, 5, 4, 2]);
        // Empty batches are ignored.
        vec![vec![3, 1], vec![], vec![0, 4, 2]]
    };
    let noted = |specs: &[&Logistic]| {
        calls.note(specs);
        run_all(specs)
    };
    let mut started = Vec::new();
    let mut observer = |event: &Event| {
        if let Event::Started { index, batch, .. } = event {
            started.push((*index, *batch));
        }
    };
    let specs = grid([5, 9, 2, 7, 4]);
    let report = execute_batches(&specs, &store, &jobs(1), &divide, noted, &mut observer).unwrap();
    assert_eq!(calls.noted(), [vec![4, 7], vec![9, 2, 5]]);
    assert_eq!(started, [(4, 2), (3, 2), (1, 3), (2, 3), (0, 3)]);
    for (spec, record) in specs.iter().zip(report.into_records().unwrap()) {
        assert_eq!(record, run(spec).unwrap());
    }
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
fn records_equal_those_of_one_run_at_a_time() {
    let specs = grid((0..20).map(|i| 100 + i * 7 % 20));
    let (_dir, store) = fresh();
    let one_by_one = execute(&specs, &store, &jobs(1), run, &mut |_: &Event| {}).unwrap();
    let expected = (payloads(&store), one_by_one.into_records().unwrap());
    assert_eq!(expected.0.len(), specs.len());
    for n in [1, 3] {
        let (_dir, store) = fresh();
        let report = quietly(&specs, &store, &jobs(n), run_all);
        assert_eq!(report.counts(), Counts { computed: 20, ..Counts::default() });
        assert_eq!((payloads(&store), report.into_records().unwrap()), expected);
    }
}

#[test]
fn equal_specs_are_one_run_in_a_batch() {
    let (_dir, store) = fresh();
    let calls = Calls::default();
    let report = quietly(&grid([5, 7, 5, 5]), &store, &jobs(1), |specs| {
        calls.note(specs);
        run_all(specs)
    });
    assert_eq!(calls.noted(), [[7, 5]]);
    assert_eq!(report.counts().total(), 2);
    let lengths: Vec<usize> =
        report.into_records().unwrap().iter().map(|orbit| orbit.points.len()).collect();
    assert_eq!(lengths, [5, 7, 5, 5]);
}

#[test]
fn only_missing_runs_are_divided() {
    let (_dir, store) = fresh();
    quietly(&grid([4, 2]), &store, &jobs(1), run_all);
    let calls = Calls::default();
    let noted = |specs: &[&Logistic]| {
        calls.note(specs);
        run_all(specs)
    };
    let specs = grid([1, 2, 3, 4, 5]);
    let report = quietly(&specs, &store, &jobs(1), noted);
    assert_eq!(report.counts(), Counts { reused: 2, computed: 3, ..Counts::default() });
    assert_eq!(calls.noted(), [[5, 3, 1]]);

    // With nothing left to compute, there is nothing to divide.
    let never = |_: &[&Logistic]| panic!("nothing is left to divide");
    let report =
        execute_batches(&specs, &store, &jobs(1), &never, noted, &mut |_: &Event| {}).unwrap();
    assert_eq!(report.counts(), Counts { reused: 5, ..Counts::default() });
    assert_eq!(calls.noted().len(), 1);
}

#[test]
fn runs_found_meanwhile_leave_their_batch() {
    let (_dir, store) = fresh();
    let calls = Calls::default();
    let mut found = 0;
    let mut observer =
        |event: &Event| found += usize::from(matches!(event, Event::FoundInStore { .. }));
    let put = |n| store.put(&spec(n), &run(&spec(n)).unwrap(), &Provenance::default()).unwrap();
    let with_another_process = |specs: &[&Logistic]| {
        calls.note(specs);
        // The other process finishes one run of the second batch, and the third batch.
        for n in [5, 3, 2, 1] {
            put(n);
        }
        run_all(specs)
    };
    let specs = grid(1..10);
    let report =
        execute_batches(&specs, &store, &jobs(1), &threes, with_another_process, &mut observer)
            .unwrap();
    assert_eq!(calls.noted(), [vec![9, 8, 7], vec![6, 4]]);
    assert_eq!(report.counts(), Counts { reused: 4, computed: 5, ..Counts::default() });
    assert_eq!(found, 4);
}

#[test]
fn a_failing_run_does_not_affect_the_others_of_its_batch() {
    let (_dir, store) = fresh();
    let fail = |spec: &&Logistic| match spec.n_steps {
        2 => Err("diverged".to_owned()),
        3 => Ok(Orbit { points: vec![f64::NAN], mean: None }),
        _ => run(spec),
    };
    let specs = grid([1, 2, 3]);
    let report = quietly(&specs, &store, &jobs(1), |specs| specs.iter().map(fail).collect());
    assert_eq!(report.counts(), Counts { computed: 1, failed: 2, ..Counts::default() });
    let outcomes: Vec<_> = report.outcomes().map(|(_, outcome)| outcome).collect();
    assert!(matches!(outcomes[0], Outcome::Computed { .. }));
    assert!(matches!(outcomes[1], Outcome::Failed(RunError::Failed(e)) if e == "diverged"));
    assert!(
        matches!(outcomes[2], Outcome::Failed(RunError::Unstorable(e)) if e.path == "points[0]")
    );

    let corrected = quietly(&specs, &store, &jobs(1), run_all);
    assert_eq!(corrected.counts(), Counts { reused: 1, computed: 2, ..Counts::default() });
}

#[test]
fn a_panic_fails_only_its_batch() {
    let (_dir, store) = fresh();
    let mut reasons = Vec::new();
    let mut observer = |event: &Event| {
        if let Event::Failed { reason, .. } = event {
            reasons.push(reason.clone());
        }
    };
    let panics = |specs: &[&Logistic]| {
        assert!(specs.iter().all(|spec| spec.n_steps != 5), "out of memory\nbacktrace");
        run_all(specs)
    };
    let report =
        execute_batches(&grid(1..10), &store, &jobs(2), &threes, panics, &mut observer).unwrap();
    assert_eq!(report.counts(), Counts { computed: 6, failed: 3, ..Counts::default() });
    assert_eq!(reasons, ["panicked: out of memory"; 3]);
    let failed: Vec<bool> =
        report.outcomes().map(|(_, outcome)| matches!(outcome, Outcome::Failed(_))).collect();
    // The second batch: the runs of 6, 5 and 4 steps.
    assert_eq!(failed, [false, false, false, true, true, true, false, false, false]);
}

#[test]
fn a_batch_must_return_one_result_for_each_run() {
    for n_results in [0, 2, 4] {
        let (_dir, store) = fresh();
        let report = quietly(&grid(1..5), &store, &jobs(1), |specs| {
            if specs.len() == 1 { run_all(specs) } else { vec![run(specs[0]); n_results] }
        });
        assert_eq!(report.counts(), Counts { computed: 1, failed: 3, ..Counts::default() });
        for (_, error) in report.failures() {
            assert_eq!(
                error.to_string(),
                format!("a batch of 3 runs returned {n_results} results")
            );
        }
    }
}

#[test]
fn a_wrong_division_is_an_error_before_anything_runs() {
    let (_dir, store) = fresh();
    let attempt = |division: &[&[usize]]| {
        let divide =
            |_: &[&Logistic]| division.iter().map(|batch| batch.to_vec()).collect::<Vec<_>>();
        let never = |_: &[&Logistic]| -> Vec<Result<Orbit, String>> { panic!("no run may start") };
        let mut nothing = |event: &Event| panic!("{event:?}");
        let error = execute_batches(&grid(1..4), &store, &jobs(1), &divide, never, &mut nothing)
            .unwrap_err();
        let ExecError::Division { index, times, n_runs: 3 } = error else { panic!("{error}") };
        (index, times, error.to_string())
    };
    assert_eq!(
        attempt(&[&[0], &[2]]),
        (
            1,
            0,
            "the division into batches gives the index 1 0 times; \
             it must give each index below 3 exactly once, and no other"
                .to_owned()
        )
    );
    let error_of = |division: &[&[usize]]| {
        let (index, times, _) = attempt(division);
        (index, times)
    };
    assert_eq!(error_of(&[]), (0, 0));
    assert_eq!(error_of(&[&[0, 1], &[2, 1]]), (1, 2));
    assert_eq!(error_of(&[&[0, 1, 2], &[3]]), (3, 1));
    assert_eq!(store.keys().unwrap(), []);
}

#[test]
fn no_batch_is_started_after_a_cancellation() {
    let (_dir, store) = fresh();
    let flag = Arc::new(AtomicBool::new(false));
    let options = Options { cancel: Some(flag.clone()), ..jobs(1) };
    let report = quietly(&grid(1..10), &store, &options, |specs| {
        flag.store(specs.iter().any(|spec| spec.n_steps == 5), Ordering::SeqCst);
        run_all(specs)
    });
    // The batch in flight was finished and stored.
    assert_eq!(report.counts(), Counts { computed: 6, not_started: 3, ..Counts::default() });
    assert_eq!(store.keys().unwrap().len(), 6);
}

#[test]
fn jobs_is_the_number_of_parallel_batches() {
    let (_dir, store) = fresh();
    // Each batch waits for another one: with one at a time, the test would not end.
    let two = Barrier::new(2);
    let in_flight = Mutex::new((0, 0));
    let options = Options { threads_per_run: 3, ..jobs(2) };
    let report = quietly(&grid(1..13), &store, &options, |specs| {
        assert_eq!(rayon::current_num_threads(), 3);
        {
            let mut count = in_flight.lock().unwrap();
            count.0 += 1;
            count.1 = count.1.max(count.0);
        }
        two.wait();
        in_flight.lock().unwrap().0 -= 1;
        run_all(specs)
    });
    assert_eq!(report.counts(), Counts { computed: 12, ..Counts::default() });
    assert_eq!(in_flight.into_inner().unwrap(), (0, 2));
}

#[test]
fn the_runs_of_a_batch_share_its_wall_time() {
    let (_dir, store) = fresh();
    let spent = std::time::Duration::from_millis(30);
    let mut progress = Progress::new(1);
    let mut last_s = 0.0;
    let mut observer = |event: &Event| {
        progress.observe(event);
        if let Event::Finished { at_s, .. } = event {
            last_s = *at_s;
        }
    };
    let slow = |specs: &[&Logistic]| {
        std::thread::sleep(spent);
        run_all(specs)
    };
    let specs = grid(1..4);
    let report = execute_batches(&specs, &store, &jobs(1), &threes, slow, &mut observer).unwrap();
    let walls: Vec<f64> = report
        .outcomes()
        .map(|(_, outcome)| match outcome {
            Outcome::Computed { wall_s, .. } => *wall_s,
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(walls.iter().all(|wall_s| *wall_s == walls[0]));
    let sum: f64 = walls.iter().sum();
    assert!(sum >= 0.999 * spent.as_secs_f64() && sum <= 1.001 * last_s, "{sum} {last_s}");
    let entry = store.entry::<Logistic, Orbit>(&RunKey::of(&specs[0]).unwrap()).unwrap().unwrap();
    assert_eq!(entry.provenance.wall_s, Some(walls[0]));
    assert_eq!((progress.settled(), progress.running(), progress.fraction()), (3, 0, 1.0));
}

#[test]
fn after_a_store_error_the_other_runs_of_the_batch_are_stored() {
    let (_dir, store) = fresh();
    let specs = grid(1..7);
    let blocked = store.path(&RunKey::of(&specs[4]).unwrap());
    let error = execute_batches(
        &specs,
        &store,
        &jobs(1),
        &threes,
        |specs: &[&Logistic]| {
            // A folder cannot be replaced by a file.
            fs::create_dir_all(blocked.join("full")).unwrap();
            run_all(specs)
        },
        &mut |_: &Event| {},
    )
    .unwrap_err();
    assert!(matches!(error, ExecError::Store(StoreError::Write { .. })), "{error}");
    // The runs of 6 and 4 steps; the second batch was not started.
    for (spec, stored) in specs.iter().zip([false, false, false, true, false, true]) {
        assert_eq!(store.path(&RunKey::of(spec).unwrap()).is_file(), stored);
    }
}
