//! The store: a record is complete or absent, whatever happens.

mod toy;

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use regime_lab::{
    Claimed, Damage, Entry, Failure, Lookup, Provenance, RecordHeader, RunKey, Spec, Store,
    StoreError,
};
use serde::Serialize;
use tempfile::TempDir;
use toy::{Logistic, Orbit, spec};

fn fresh() -> (TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path().join("made/on/the/way")).unwrap();
    (dir, store)
}

fn orbit() -> Orbit {
    let points = vec![0.1, -0.0, 1.0 / 3.0, f64::MIN_POSITIVE / 3.0, f64::MAX, 1.0];
    Orbit { points, mean: None }
}

fn put(store: &Store, spec: &Logistic) -> RunKey {
    store.put(spec, &orbit(), &Provenance::default()).unwrap()
}

fn bits(orbit: &Orbit) -> Vec<u64> {
    orbit.points.iter().map(|x| x.to_bits()).collect()
}

/// The names in a folder, sorted.
fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_stored_record_is_returned_with_the_same_bits() {
    let (_dir, store) = fresh();
    let key = RunKey::of(&spec(3)).unwrap();
    assert_eq!(store.get::<Orbit>(&key).unwrap(), None);
    assert_eq!(put(&store, &spec(3)), key);
    assert_eq!(bits(&store.get(&key).unwrap().unwrap()), bits(&orbit()));
    assert_eq!(names(store.dir()), [format!("{key}.json")]);
}

#[test]
fn the_file_is_readable() {
    let (_dir, store) = fresh();
    let provenance = Provenance { host: "heron".into(), ..Provenance::default() }.with("a", "b");
    let record = Orbit { points: vec![0.5, -0.0, 1e-7], mean: None };
    let key = store.put(&spec(3), &record, &provenance).unwrap();
    let text = fs::read_to_string(store.path(&key)).unwrap();
    let (body, checksum) = text.rsplit_once(",\n").unwrap();
    let expected = format!(
        r#"{{
  "format": 1,
  "key": "{key}",
  "kind": "logistic",
  "version": 2,
  "spec": {{
    "n_steps": 3,
    "r": 3.9,
    "seed": 5
  }},
  "record": {{
    "mean": null,
    "points": [0.5, -0.0, 1e-7]
  }},
  "provenance": {{
    "extra": {{
      "a": "b"
    }},
    "host": "heron"
  }}"#
    );
    assert_eq!(body, expected);
    assert!(checksum.starts_with("  \"sha256\": \""));
}

#[test]
fn entries_are_those_of_the_requested_kind() {
    #[derive(Clone, Serialize, serde::Deserialize)]
    struct Other(u8);
    impl Spec for Other {
        const KIND: &'static str = "other";
        const VERSION: u32 = 2;
    }
    let (_dir, store) = fresh();
    let provenance = Provenance::of_program("toy", "0.1").with("commit", "abc");
    let mut keys = vec![store.put(&Other(1), &0.5, &provenance).unwrap()];
    for n_steps in 0..3 {
        keys.push(store.put(&spec(n_steps), &orbit(), &provenance).unwrap());
    }
    keys.sort();
    assert_eq!(store.keys().unwrap(), keys);

    let entries: Vec<Entry<Logistic, Orbit>> =
        store.entries().unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(entries.len(), 3);
    for entry in &entries {
        assert_eq!(RunKey::of(&entry.spec).unwrap(), entry.key);
        assert_eq!((&entry.record, &entry.provenance), (&orbit(), &provenance));
    }
}

#[test]
fn a_file_cut_anywhere_is_damaged() {
    let (_dir, store) = fresh();
    let key = put(&store, &spec(1));
    let path = store.path(&key);
    let whole = fs::read(&path).unwrap();
    for len in 0..whole.len() {
        fs::write(&path, &whole[..len]).unwrap();
        match store.get::<Orbit>(&key) {
            Err(StoreError::Damaged { path: named, .. }) => assert_eq!(named, path),
            other => panic!("cut to {len} of {} bytes: {other:?}", whole.len()),
        }
    }
    fs::write(&path, &whole).unwrap();
    assert!(store.get::<Orbit>(&key).unwrap().is_some());
}

#[test]
fn a_changed_byte_is_found_and_the_file_moved_aside() {
    let (_dir, store) = fresh();
    let key = put(&store, &spec(1));
    let path = store.path(&key);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("0.1", "0.2", 1)).unwrap();

    let error = store.get::<Orbit>(&key).unwrap_err();
    assert!(matches!(&error, StoreError::Damaged { damage: Damage::Checksum { .. }, .. }));
    let message = error.to_string();
    assert!(message.contains(path.to_str().unwrap()) && !message.contains('\n'), "{message}");

    let Lookup::SetAside { moved_to, .. } = store.look_up::<Orbit>(&key).unwrap() else {
        panic!("the file is damaged");
    };
    assert_eq!(moved_to, path.with_extension("json.damaged"));
    assert!(moved_to.exists() && !path.exists());
    assert!(matches!(store.look_up::<Orbit>(&key).unwrap(), Lookup::Absent));
    assert_eq!(store.keys().unwrap(), []);
    // Moved by another process meanwhile.
    assert_eq!(store.set_aside(&key).unwrap(), moved_to);
}

#[test]
fn a_record_under_a_wrong_name_is_damaged() {
    let (_dir, store) = fresh();
    let (key, other) = (put(&store, &spec(1)), RunKey::of(&spec(2)).unwrap());
    fs::rename(store.path(&key), store.path(&other)).unwrap();
    let error = store.get::<Orbit>(&other).unwrap_err();
    assert!(
        matches!(error, StoreError::Damaged { damage: Damage::Key { found }, .. } if found == key)
    );
}

#[test]
fn a_record_of_another_type_is_not_damaged() {
    let (_dir, store) = fresh();
    let key = put(&store, &spec(1));
    for result in [store.get::<u32>(&key).map(drop), store.look_up::<u32>(&key).map(drop)] {
        let error = result.unwrap_err();
        assert!(matches!(error, StoreError::Mismatch { .. }), "{error}");
    }
    assert!(store.path(&key).exists());
}

#[test]
fn a_record_that_json_cannot_hold_is_an_error_and_leaves_no_file() {
    let (_dir, store) = fresh();
    let broken = Orbit { points: vec![0.0, f64::NAN], mean: None };
    let error = store.put(&spec(1), &broken, &Provenance::default()).unwrap_err();
    assert!(matches!(&error, StoreError::Encode(e) if e.path == "points[1]"), "{error}");
    assert_eq!(names(store.dir()), [""; 0]);
}

#[test]
fn left_over_temporary_files_are_ignored_and_the_old_ones_removed() {
    let (_dir, store) = fresh();
    let key = put(&store, &spec(1));
    let text = fs::read(store.path(&key)).unwrap();
    let day = Duration::from_secs(24 * 60 * 60);
    for (name, age) in [
        (".run-old.tmp", day + Duration::from_secs(60)),
        (".run-new.tmp", day - Duration::from_secs(60)),
        ("notes.tmp", 100 * day),
    ] {
        let path = store.dir().join(name);
        fs::write(&path, &text[..text.len() / 2]).unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        file.set_modified(SystemTime::now() - age).unwrap();
    }
    assert_eq!(store.keys().unwrap(), [key]);

    let store = Store::open(store.dir()).unwrap();
    let record = format!("{key}.json");
    assert_eq!(names(store.dir()), [".run-new.tmp", record.as_str(), "notes.tmp"]);
}

#[test]
fn readers_never_see_an_incomplete_record() {
    let (_dir, store) = fresh();
    let key = put(&store, &spec(1));
    let long = Orbit { points: (0..20_000).map(f64::from).collect(), mean: None };
    std::thread::scope(|scope| {
        for record in [orbit(), long] {
            // A separate handle, as another process would have.
            let store = Store::open(store.dir()).unwrap();
            scope.spawn(move || {
                for _ in 0..20 {
                    store.put(&spec(1), &record, &Provenance::default()).unwrap();
                }
            });
        }
        for _ in 0..100 {
            let seen: Orbit = store.get(&key).unwrap().unwrap();
            assert!([6, 20_000].contains(&seen.points.len()));
        }
    });
    assert_eq!(names(store.dir()), [format!("{key}.json")]);
}

/// One line that names the path.
fn assert_clear(error: &StoreError, path: &Path) {
    let message = error.to_string();
    assert!(message.contains(path.to_str().unwrap()), "{message}");
    assert!(!message.contains('\n'), "{message}");
}

#[test]
fn a_path_that_is_not_a_folder_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();

    let error = Store::open(&file).unwrap_err();
    assert!(matches!(error, StoreError::NotAFolder { .. }));
    assert_clear(&error, &file);

    let below = file.join("below");
    let error = Store::open(&below).unwrap_err();
    assert!(matches!(error, StoreError::Open { .. }));
    assert_clear(&error, &below);
}

#[cfg(target_os = "linux")]
#[test]
fn a_path_that_cannot_be_written_is_an_error() {
    use std::os::unix::fs::PermissionsExt;

    // Nobody, not even root, can make files there.
    for place in ["/proc/self/fd", "/proc/regime-lab"] {
        let error = Store::open(place).unwrap_err();
        assert!(matches!(error, StoreError::Open { .. }));
        assert_clear(&error, Path::new(place));
    }

    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o555)).unwrap();
    // Root can write anyway; then there is nothing to test.
    if File::create(dir.path().join("probe")).is_err() {
        assert_clear(&Store::open(dir.path()).unwrap_err(), dir.path());
    }
}

#[test]
fn a_folder_that_vanishes_is_an_error_that_names_the_file() {
    let (_dir, store) = fresh();
    fs::remove_dir(store.dir()).unwrap();
    let key = RunKey::of(&spec(1)).unwrap();
    let error = store.put(&spec(1), &orbit(), &Provenance::default()).unwrap_err();
    assert!(matches!(error, StoreError::Write { .. }));
    assert_clear(&error, &store.path(&key));
    assert!(matches!(store.keys().unwrap_err(), StoreError::Read { .. }));
}

#[test]
fn a_checkpoint_is_stored_next_to_the_records_until_it_is_dropped() {
    let (_dir, store) = fresh();
    let key = RunKey::of(&spec(3)).unwrap();
    assert!(matches!(store.checkpoint::<Orbit>(&key).unwrap(), Lookup::Absent));
    store.remove_checkpoint(&key).unwrap();
    store.put_checkpoint(&spec(3), &Orbit { points: vec![1.0], mean: None }).unwrap();
    store.put_checkpoint(&spec(3), &orbit()).unwrap();
    assert_eq!(bits(&store.checkpoint(&key).unwrap().found().unwrap()), bits(&orbit()));
    // A checkpoint is not a record.
    assert_eq!(store.get::<Orbit>(&key).unwrap(), None);
    assert_eq!(store.keys().unwrap(), []);
    assert_eq!(names(store.dir()), [format!("{key}.checkpoint.json")]);
    store.remove_checkpoint(&key).unwrap();
    assert!(names(store.dir()).is_empty());
}

#[test]
fn a_damaged_checkpoint_is_moved_aside() {
    let (_dir, store) = fresh();
    let key = RunKey::of(&spec(3)).unwrap();
    store.put_checkpoint(&spec(3), &orbit()).unwrap();
    let path = store.checkpoint_path(&key);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let found = store.checkpoint::<Orbit>(&key).unwrap();
    let Lookup::SetAside { moved_to, damage } = found else { panic!("{found:?}") };
    assert_eq!(damage, Damage::Incomplete);
    assert_eq!(fs::read(moved_to).unwrap(), whole[..whole.len() / 2]);
    assert!(!path.exists());
    // Undamaged, but of another type.
    fs::write(&path, &whole).unwrap();
    let found = store.checkpoint::<String>(&key).unwrap();
    assert!(matches!(found, Lookup::SetAside { damage: Damage::Type(_), .. }), "{found:?}");
    assert!(matches!(store.checkpoint::<Orbit>(&key).unwrap(), Lookup::Absent));
}

#[test]
fn a_folder_in_the_place_of_a_record_is_moved_aside_each_time() {
    let (_dir, store) = fresh();
    let key = RunKey::of(&spec(3)).unwrap();
    for name in [format!("{key}.json.damaged"), format!("{key}.json.damaged.1")] {
        fs::create_dir(store.path(&key)).unwrap();
        fs::write(store.path(&key).join("note"), "x").unwrap();
        assert!(matches!(
            store.get::<Orbit>(&key),
            Err(StoreError::Damaged { damage: Damage::NotAFile, .. })
        ));
        let found = store.look_up::<Orbit>(&key).unwrap();
        let Lookup::SetAside { moved_to, .. } = found else { panic!("{found:?}") };
        assert_eq!(moved_to, store.dir().join(name));
        assert!(moved_to.join("note").is_file());
    }
    put(&store, &spec(3));
    assert!(store.contains(&key).unwrap());
}

#[cfg(unix)]
#[test]
fn a_pipe_in_the_place_of_a_record_is_damage_and_does_not_block() {
    let (_dir, store) = fresh();
    let key = RunKey::of(&spec(3)).unwrap();
    let made = std::process::Command::new("mkfifo").arg(store.path(&key)).status().unwrap();
    assert!(made.success());
    assert!(!store.contains(&key).unwrap());
    assert!(matches!(store.look_up::<Orbit>(&key).unwrap(), Lookup::SetAside { .. }));
}

/// The file of a record with `from` replaced by `to`, and the checksum updated.
fn resealed(path: &Path, from: &str, to: &str) -> String {
    use sha2::{Digest, Sha256};
    let text = fs::read_to_string(path).unwrap();
    let body = text[..text.len() - 83].replacen(from, to, 1);
    let digits: String = Sha256::digest(&body).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{body},\n  \"sha256\": \"{digits}\"\n}}\n")
}

#[test]
fn a_record_of_a_later_version_is_refused_and_stays() {
    let (_dir, store) = fresh();
    let key = put(&store, &spec(3));
    let path = store.path(&key);
    let later = resealed(&path, "\"format\": 1", "\"format\": 7");
    fs::write(&path, &later).unwrap();
    for error in [
        store.get::<Orbit>(&key).unwrap_err(),
        store.look_up::<Orbit>(&key).unwrap_err(),
        store.contains(&key).unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::Newer { found: 7, known: 1, .. }), "{error}");
        assert_clear(&error, &path);
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), later);
}

#[test]
fn a_record_sealed_again_under_another_key_is_damaged() {
    let (_dir, store) = fresh();
    let key = put(&store, &spec(3));
    let other = RunKey::of(&spec(4)).unwrap();
    let copied = resealed(&store.path(&key), &key.to_string(), &other.to_string());
    fs::write(store.path(&other), copied).unwrap();
    let error = store.get::<Orbit>(&other).unwrap_err();
    let damage = Damage::Spec { of_spec: Some(key) };
    assert!(matches!(&error, StoreError::Damaged { damage: found, .. } if *found == damage));
    assert_clear(&error, &store.path(&other));
}

#[test]
fn the_header_of_a_record_is_read_without_its_type() {
    let (_dir, store) = fresh();
    let key = RunKey::of(&spec(3)).unwrap();
    assert_eq!(store.verify(&key).unwrap(), None);
    put(&store, &spec(3));
    let expected = RecordHeader { kind: "logistic".into(), version: 2 };
    assert_eq!(store.verify(&key).unwrap(), Some(expected));
}

#[test]
fn a_failure_is_stored_until_it_is_removed() {
    let (_dir, store) = fresh();
    let key = RunKey::of(&spec(3)).unwrap();
    assert_eq!(store.failure(&key).unwrap(), None);
    let provenance = Provenance { host: "heron".into(), ..Provenance::default() };
    let failure = Failure { reason: "out of memory".into(), provenance };
    store.put_failure(&spec(3), &failure).unwrap();
    assert_eq!(store.failure(&key).unwrap(), Some(failure));
    // A failure is not a record.
    assert!(!store.contains(&key).unwrap());
    assert_eq!(store.keys().unwrap(), []);
    store.remove_failure(&key).unwrap();
    store.remove_failure(&key).unwrap();
    assert!(names(store.dir()).is_empty());
}

#[test]
fn a_run_is_claimed_once_until_the_claim_is_dropped() {
    let (_dir, store) = fresh();
    let key = RunKey::of(&spec(3)).unwrap();
    assert_eq!(store.claimed_by(&key), None);
    let granted = store.claim(&key, "first").unwrap();
    let Claimed::Granted(claim) = granted else { panic!("{granted:?}") };
    let held = store.claim(&key, "second").unwrap();
    assert!(matches!(&held, Claimed::Held(by) if by == "first"), "{held:?}");
    assert_eq!(store.claimed_by(&key).as_deref(), Some("first"));
    drop(claim);
    assert!(names(store.dir()).is_empty());
    // A file that a crashed process left is no claim.
    fs::write(store.lock_path(&key), "crashed").unwrap();
    assert_eq!(store.claimed_by(&key), None);
    assert!(matches!(store.claim(&key, "third").unwrap(), Claimed::Granted(_)));
}

#[test]
fn at_most_one_of_many_threads_holds_a_claim() {
    let (_dir, store) = fresh();
    let key = RunKey::of(&spec(3)).unwrap();
    let holders = std::sync::atomic::AtomicUsize::new(0);
    let granted = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..300 {
                    if let Claimed::Granted(_claim) = store.claim(&key, "").unwrap() {
                        use std::sync::atomic::Ordering::SeqCst;
                        assert_eq!(holders.fetch_add(1, SeqCst), 0);
                        std::thread::yield_now();
                        holders.fetch_sub(1, SeqCst);
                        granted.fetch_add(1, SeqCst);
                    }
                }
            });
        }
    });
    assert!(granted.into_inner() >= 8);
}

#[test]
fn only_files_of_the_store_are_discarded() {
    let (_dir, store) = fresh();
    let key = put(&store, &spec(3));
    fs::write(store.dir().join("notes.txt"), "mine").unwrap();
    fs::write(store.dir().join(format!("{key}.json.damaged")), "x").unwrap();
    fs::create_dir(store.dir().join(format!("{key}.json.damaged.1"))).unwrap();
    let Claimed::Granted(claim) = store.claim(&key, "").unwrap() else { panic!() };
    let discard = || -> Vec<bool> {
        store.files().unwrap().iter().map(|file| store.discard(file).unwrap()).collect()
    };
    // In the order of names: record, set aside, folder set aside, lock, notes.
    assert_eq!(discard(), [true, true, false, false, false]);
    drop(claim);
    assert_eq!(names(store.dir()), [format!("{key}.json.damaged.1"), "notes.txt".to_owned()]);
}

#[test]
fn every_kind_of_sealed_file_is_verified() {
    let (_dir, store) = fresh();
    let key = put(&store, &spec(3));
    store.put_checkpoint(&spec(3), &orbit()).unwrap();
    store
        .put_failure(&spec(3), &Failure { reason: "x".into(), provenance: Provenance::default() })
        .unwrap();
    fs::write(store.dir().join("notes.txt"), "mine").unwrap();
    let headers = |store: &Store| -> Vec<Option<bool>> {
        let verify = |file| store.verify_file(file).ok().map(|header| header.is_some());
        store.files().unwrap().iter().map(verify).collect()
    };
    // In the order of names: checkpoint, failure, record, notes.
    assert_eq!(headers(&store), [Some(true), Some(true), Some(true), Some(false)]);
    for path in [store.checkpoint_path(&key), store.failure_path(&key)] {
        fs::write(path, "damaged").unwrap();
    }
    assert_eq!(headers(&store), [None, None, Some(true), Some(false)]);
    let file = &store.files().unwrap()[1];
    let moved_to = store.set_file_aside(file).unwrap();
    assert_eq!(fs::read_to_string(moved_to).unwrap(), "damaged");
}
