//! The grids of the profiles.

use std::collections::BTreeSet;

use regime_findings::{FINDINGS, Profile, Settings, training_set};

fn settings(profile: Profile) -> Settings {
    Settings::of(profile)
}

#[test]
fn every_run_of_every_grid_can_be_made() {
    for finding in FINDINGS {
        for profile in Profile::ALL {
            for spec in finding.grid(&settings(profile)) {
                spec.check().unwrap();
            }
        }
    }
}

#[test]
fn a_grid_has_no_run_twice() {
    for finding in FINDINGS {
        for profile in Profile::ALL {
            let specs = finding.grid(&settings(profile));
            let keys: BTreeSet<String> =
                specs.iter().map(|spec| serde_json::to_string(spec).unwrap()).collect();
            assert_eq!(keys.len(), specs.len(), "{} {}", finding.name(), profile.name());
        }
    }
}

/// finding-1 and finding-3 use runs of finding-2.
#[test]
fn findings_share_their_runs() {
    let specs = |finding: usize| FINDINGS[finding].grid(&settings(Profile::Laptop));
    let of_second = specs(1);
    for finding in [0, 2] {
        assert!(specs(finding).iter().all(|spec| of_second.contains(spec)), "{finding}");
    }
}

#[test]
fn seeds_and_data_can_be_new() {
    for finding in FINDINGS {
        let usual = finding.grid(&settings(Profile::Laptop));
        let fresh =
            finding.grid(&Settings { seed_offset: 100, data_seed: 7, ..settings(Profile::Laptop) });
        assert_eq!(usual.len(), fresh.len());
        let sets = |specs: &[regime_study::RunSpec]| -> BTreeSet<_> {
            specs.iter().map(training_set).collect()
        };
        assert!(sets(&usual).is_disjoint(&sets(&fresh)));
        let seeds: BTreeSet<u64> = usual.iter().map(|spec| spec.seed).collect();
        assert!(fresh.iter().all(|spec| !seeds.contains(&spec.seed)));
    }
}

/// Training sets beyond those of one order of the data come from the next order.
#[test]
fn more_training_sets_take_further_orders_of_the_data() {
    let more = Settings { seeds: Some(20), ..settings(Profile::Laptop) };
    let specs = FINDINGS[0].grid(&more);
    let sets: BTreeSet<_> = specs.iter().map(training_set).collect();
    assert_eq!(sets.len(), 20);
    assert_eq!(sets.iter().map(|set| set.0).max(), Some(2));
    let usual = FINDINGS[0].grid(&settings(Profile::Laptop));
    assert!(usual.iter().all(|spec| specs.contains(spec)));
}
