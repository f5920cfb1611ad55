//! Fetching over the network, ignored by default:
//! `cargo test -p regime-data --release --test fetch -- --ignored --nocapture`.

use std::collections::BTreeMap;

use regime_data::{Archive, fetch};

fn fetched(archive: Archive, counts_of_classes: [usize; 10]) {
    let cache = tempfile::tempdir().unwrap();
    let mut events = Vec::new();
    let dir = fetch(archive, cache.path(), &mut |event| events.push(format!("{event:?}"))).unwrap();
    println!("{}", events.join("\n"));
    assert_eq!(dir, archive.dir(cache.path()));
    assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 4, "only the four files are left");

    let mut events = Vec::new();
    fetch(archive, cache.path(), &mut |event| events.push(format!("{event:?}"))).unwrap();
    assert_eq!(events.len(), 4);
    assert!(events.iter().all(|event| event.starts_with("Present")), "{events:?}");

    let images = archive.load(cache.path()).unwrap();
    let mut counts = BTreeMap::new();
    for &label in images.labels() {
        *counts.entry(label).or_insert(0) += 1;
    }
    assert_eq!(counts.into_values().collect::<Vec<_>>(), counts_of_classes);
}

#[test]
#[ignore = "needs a network"]
fn mnist() {
    fetched(Archive::Mnist, [6903, 7877, 6990, 7141, 6824, 6313, 6876, 7293, 6825, 6958]);
}

#[test]
#[ignore = "needs a network"]
fn fashion_mnist() {
    fetched(Archive::FashionMnist, [7000; 10]);
}
