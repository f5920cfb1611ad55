//! Counts the work of the flows of a finding.

use std::collections::BTreeMap;

use regime_study::{Dynamics, Run};

use crate::report::Table;

/// The total work of the runs of one network and one decade of `√h α`, in the units of the table.
#[derive(Default)]
struct Row {
    runs: f64,
    steps: f64,
    rejected: f64,
    forward: f64,
    backward: f64,
    kernels: f64,
    factors: f64,
}

/// One line for each network and decade of `√h α` in which flows ran; `None` if no flow ran.
pub(super) fn work(runs: &[Run]) -> Option<Table> {
    let mut rows: BTreeMap<(String, usize, i32), Row> = BTreeMap::new();
    for run in runs {
        let (Ok(record), Dynamics::Flow(_)) = (&run.record, run.spec.dynamics) else { continue };
        let decade = run.spec.sqrt_h_alpha().log10().floor() as i32;
        let network = run.spec.network.architecture().to_owned();
        let n = run.spec.data.n_train as f64;
        let row = rows.entry((network, run.spec.network.width(), decade)).or_default();
        row.runs += 1.0;
        row.steps += record.steps as f64;
        row.rejected += record.rejected as f64;
        row.forward += record.work.points_forward as f64 / n;
        row.backward += record.work.points_backward as f64 / n;
        row.kernels += record.work.kernel_numbers as f64 / n.powi(2);
        row.factors += record.work.factor_cubes as f64 / n.powi(3);
    }
    let cells = |((network, width, decade), row): ((String, usize, i32), Row)| {
        let mean = |value: f64| format!("{:.0}", value / row.runs);
        let finer = |value: f64| format!("{:.1}", value / row.runs);
        vec![
            network,
            width.to_string(),
            format!("1e{decade}"),
            format!("{}", row.runs),
            mean(row.steps),
            mean(row.rejected),
            mean(row.forward),
            mean(row.backward),
            finer(row.kernels),
            finer(row.factors),
        ]
    };
    let rows: Vec<Vec<String>> = rows.into_iter().map(cells).collect();
    let header = [
        "network",
        "h",
        "√h α from",
        "runs",
        "steps",
        "rejected",
        "forward, n",
        "backward, n",
        "Σm²/n²",
        "Σm³/n³",
    ];
    (!rows.is_empty()).then(|| Table {
        caption: "Work of a flow by decade of √h α, mean over runs: accepted and rejected steps, \
                  passes over all n points, and the sizes of kernels of m points (m²) and of their \
                  factorisations (m³); measurements during the run are not counted"
            .into(),
        header: header.map(String::from).to_vec(),
        rows,
    })
}
