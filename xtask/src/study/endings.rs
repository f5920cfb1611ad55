//! How the runs of a finding ended.

use regime_models::NetworkSpec;
use regime_study::{Ending, FrozenOutcome, FrozenRecord, Run, RunSpec};

use crate::report::Table;

/// Counts the runs by ending. The table has one line for each run that left no record or did not
/// reach its end, and for each frozen kernel that was missing or did not converge.
pub(super) fn endings(runs: &[Run]) -> (String, Option<Table>) {
    let mut counts: Vec<(String, usize)> = Vec::new();
    let mut rows = Vec::new();
    for run in runs {
        let (ending, detail) = match &run.record {
            Ok(record) => {
                let left = record.last().map_or(0, |m| m.training.n_violating);
                let text = format!("{} steps, {left} margins not reached", record.steps);
                (record.ending.name().to_owned(), text)
            }
            Err(why) => (why.name().to_owned(), why.to_string()),
        };
        match counts.iter_mut().find(|(name, _)| *name == ending) {
            Some((_, n)) => *n += 1,
            None => counts.push((ending.clone(), 1)),
        }
        let RunSpec { network, alpha, seed, .. } = &run.spec;
        let mut row = |ending: String, detail: String| {
            let (alpha, seed) = (format!("{alpha:e}"), seed.to_string());
            let h = network.width().to_string();
            rows.push(vec![described(network), h, alpha, seed, ending, detail]);
        };
        let record = match &run.record {
            Ok(record) if record.reached_requested_end() => record,
            _ => {
                row(ending, detail);
                continue;
            }
        };
        for FrozenRecord { kernel, learning } in &record.frozen {
            let kernel = kernel.name();
            match learning {
                FrozenOutcome::Trained { ending: Ending::Converged, .. } => {}
                FrozenOutcome::Trained { ending, steps, .. } => {
                    row(ending.name().to_owned(), format!("kernel {kernel}, {steps} steps"));
                }
                FrozenOutcome::NoKernel(why) => {
                    row("no kernel".to_owned(), format!("kernel {kernel}: {why}"));
                }
            }
        }
    }
    let summary: Vec<String> = counts.iter().map(|(name, n)| format!("{n} {name}")).collect();
    let table = (!rows.is_empty()).then(|| Table {
        caption: "Runs and frozen kernels without a final state; they enter no fit".into(),
        header: ["network", "h", "α", "seed", "ending", "detail"].map(String::from).to_vec(),
        rows,
    });
    (format!("{} runs: {}.", runs.len(), summary.join(", ")), table)
}

/// A network without its width.
fn described(network: &NetworkSpec) -> String {
    match network {
        NetworkSpec::Dense(net) => {
            format!("dense, L = {}, {}", net.hidden_layers, net.activation.name())
        }
        other => other.architecture().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use regime_data::default_cache_dir;
    use regime_study::{DataCache, NoRecord, Uninterrupted, curves::converged};
    use serde_json::json;

    use super::*;
    use crate::backend;

    fn spec(max_steps: u64, frozen: &[&str]) -> RunSpec {
        serde_json::from_value(json!({
            "data": {"n_train": 20, "n_test": 5, "n_kernel": 4},
            "network": {"architecture": "dense", "inputs": 10, "width": 16, "hidden_layers": 2,
                "activation": {"kind": "relu"}, "bias": true},
            "alpha": 10.0,
            "dynamics": {"kind": "flow", "stop": {"max_steps": max_steps}},
            "frozen": frozen,
        }))
        .unwrap()
    }

    /// Runs that converge, spend their steps, fail, or are missing.
    #[test]
    fn runs_without_a_final_state_are_counted_and_listed() {
        let cache = DataCache::new(default_cache_dir());
        let computed = |spec: RunSpec| {
            let data = cache.get(&spec.data).unwrap();
            Run {
                record: Ok(backend::run(&spec, &data, &Uninterrupted).unwrap()),
                provenance: None,
                spec,
            }
        };
        let mut with_kernel = computed(spec(2000, &["end"]));
        // The network converged, but its frozen kernel was not trained.
        let record = with_kernel.record.as_mut().unwrap();
        record.frozen[0].learning = FrozenOutcome::NoKernel("no such time".into());
        let runs = [
            computed(spec(2000, &["initial"])),
            with_kernel,
            computed(spec(1, &[])),
            Run {
                spec: spec(9, &[]),
                record: Err(NoRecord::Failed("out of memory".into())),
                provenance: None,
            },
            Run { spec: spec(9, &[]), record: Err(NoRecord::Missing), provenance: None },
        ];
        let (summary, table) = endings(&runs);
        assert_eq!(summary, "5 runs: 2 converged, 1 steps-spent, 1 failed, 1 missing.");
        let table = table.unwrap();
        let reported: Vec<(&str, &str)> =
            table.rows.iter().map(|row| (row[4].as_str(), row[5].as_str())).collect();
        assert_eq!(reported[0], ("no kernel", "kernel end: no such time"));
        assert_eq!(reported[1].0, "steps-spent");
        assert_eq!(
            reported[2..],
            [("failed", "out of memory"), ("missing", "no record in the store")]
        );
        assert_eq!(table.rows[0][..2], ["dense, L = 2, ReLU", "16"]);
        // Only converged runs enter an analysis.
        assert_eq!(converged(&runs).len(), 2);
    }
}
