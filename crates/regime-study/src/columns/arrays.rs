//! The arrays in the records of runs: curves, outputs, kernels.

use crate::{
    outcome::Run,
    record::{FrozenOutcome, RunRecord},
};

/// A column of one of the tables of [`run_arrays`].
#[derive(Debug, Clone, PartialEq)]
pub struct RunArray {
    /// The name, `<table>.<column>`.
    pub name: &'static str,
    /// The meaning, with the unit.
    pub description: &'static str,
    /// One number for each row of its table; NaN where there is no value.
    pub values: Vec<f64>,
}

/// The tables: name and meaning of each column.
const TABLES: [&[(&str, &str)]; 6] = [
    &[
        ("path.run", RUN),
        ("path.t", "Time of the measurement: time of the flow, paper's convention"),
        ("path.steps", "Accepted steps until then"),
        ("path.mean_loss", "Mean training loss: mean of the loss of a margin"),
        ("path.n_violating", "Training points whose margin is not reached"),
        ("path.n_wrong", "Training points on the wrong side"),
        ("path.smallest_margin", "Smallest y F of the training points"),
        ("path.output_rms", "Root mean square of F on the training points"),
        ("path.network_rms", "Root mean square of f on the training points"),
        ("path.test_error", "Fraction of test points on the wrong side"),
        ("path.kernel_change", "Change of the tangent kernel: relative, Frobenius norm"),
        ("path.weight_change", "Change of the weights: relative, Euclidean norm"),
    ],
    &[
        ("layer.run", RUN),
        ("layer.t", "Time of the measurement: time of the flow, paper's convention"),
        ("layer.layer", "Layer, counted from 0"),
        ("layer.norm", "Euclidean norm of its weights and biases"),
        ("layer.change", "Euclidean norm of their change from the start"),
    ],
    &[
        ("test.run", RUN),
        ("test.point", "Test point, counted from 0, of those that the spec keeps"),
        ("test.output", "F at the end"),
        ("test.label", "Label, 1 or -1"),
    ],
    &[
        ("kernel.run", RUN),
        ("kernel.row", "Point of the row, counted from 0"),
        ("kernel.column", "Point of the column, not below the row: the kernel is symmetric"),
        ("kernel.before", "Entry of the tangent kernel of f at the start"),
        ("kernel.after", "Entry of the tangent kernel of f at the end"),
    ],
    &[
        ("kernel_point.run", RUN),
        ("kernel_point.point", "Point of the kernel, counted from 0"),
        ("kernel_point.label", "Label, 1 or -1"),
        ("kernel_point.class", "Class"),
    ],
    &[
        ("frozen.run", RUN),
        ("frozen.kernel", "Frozen kernel, counted from 0 in the order of the spec"),
        ("frozen.t", "Time of the observation: time of the flow, paper's convention"),
        ("frozen.mean_loss", "Mean training loss: mean of the loss of a margin"),
        ("frozen.n_violating", "Training points whose margin is not reached"),
        ("frozen.output_rms", "Root mean square of F on the training points"),
    ],
];

/// The rows that a record has in a table, without the first column.
type RowsOf = fn(&RunRecord) -> Vec<Vec<f64>>;

const RUN: &str = "The run: its row in the table of runs, counted from 0";

/// The arrays in the records of `runs`, as the columns of tables with one row per measurement, layer,
/// test point, entry of a kernel and so on. The first column of each table, `<table>.run`, is the index of the run
/// in `runs`, which is its row in [`run_columns`](super::run_columns).
pub fn run_arrays(runs: &[Run]) -> Vec<RunArray> {
    let rows: [RowsOf; 6] = [path, layers, test_points, kernel, kernel_points, frozen];
    let mut arrays = Vec::new();
    for (columns, rows) in TABLES.iter().zip(rows) {
        let mut table: Vec<RunArray> = columns
            .iter()
            .map(|&(name, description)| RunArray { name, description, values: Vec::new() })
            .collect();
        for (index, run) in runs.iter().enumerate() {
            for row in run.record.iter().flat_map(rows) {
                let row = std::iter::once(index as f64).chain(row);
                table.iter_mut().zip(row).for_each(|(column, value)| column.values.push(value));
            }
        }
        arrays.extend(table);
    }
    arrays
}

fn path(record: &RunRecord) -> Vec<Vec<f64>> {
    let or_nan = |value: Option<f64>| value.unwrap_or(f64::NAN);
    let row = |m: &crate::record::Measurement| {
        let of = &m.training;
        vec![
            of.t,
            of.steps as f64,
            of.mean_loss,
            of.n_violating as f64,
            of.n_wrong as f64,
            of.smallest_margin,
            of.output_rms,
            of.network_rms,
            or_nan(m.test_error),
            or_nan(m.kernel_change),
            m.weight_change,
        ]
    };
    record.path.iter().map(row).collect()
}

fn layers(record: &RunRecord) -> Vec<Vec<f64>> {
    let mut rows = Vec::new();
    for measurement in &record.path {
        for (layer, of) in measurement.layers.iter().enumerate() {
            rows.push(vec![measurement.training.t, layer as f64, of.norm, of.change]);
        }
    }
    rows
}

fn test_points(record: &RunRecord) -> Vec<Vec<f64>> {
    let points = record.test_outputs.iter().zip(&record.test_labels).enumerate();
    points.map(|(point, (&output, &label))| vec![point as f64, output, label.into()]).collect()
}

fn kernel(record: &RunRecord) -> Vec<Vec<f64>> {
    let Some(gram) = &record.gram else { return Vec::new() };
    let n = gram.labels.len();
    let places = (0..n).flat_map(|row| (row..n).map(move |column| (row, column)));
    let entries = gram.before.iter().zip(&gram.after);
    places
        .zip(entries)
        .map(|((row, column), (&before, &after))| vec![row as f64, column as f64, before, after])
        .collect()
}

fn kernel_points(record: &RunRecord) -> Vec<Vec<f64>> {
    let Some(gram) = &record.gram else { return Vec::new() };
    let points = gram.labels.iter().zip(&gram.classes).enumerate();
    points.map(|(point, (&label, &class))| vec![point as f64, label.into(), class.into()]).collect()
}

fn frozen(record: &RunRecord) -> Vec<Vec<f64>> {
    let mut rows = Vec::new();
    for (index, frozen) in record.frozen.iter().enumerate() {
        let FrozenOutcome::Trained { path, .. } = &frozen.learning else { continue };
        for of in path {
            let violating = of.n_violating as f64;
            rows.push(vec![index as f64, of.t, of.mean_loss, violating, of.output_rms]);
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NoRecord, RunSpec};

    #[test]
    fn every_column_has_a_name_of_its_table_and_all_columns_of_a_table_are_equally_long() {
        let net: regime_models::NetworkSpec = serde_json::from_value(serde_json::json!({
            "architecture": "dense", "inputs": 2, "width": 3, "hidden_layers": 1,
            "activation": {"kind": "relu"}, "bias": true
        }))
        .unwrap();
        let spec = RunSpec::new(net, 1.0);
        let record: RunRecord = serde_json::from_value(serde_json::json!({
            "ending": {"ending": "converged"}, "steps": 1, "rejected": 0, "t1": null, "t2": 0.5,
            "preactivation_speeds": [], "path": [],
            "test_outputs": [0.5, -0.25], "test_labels": [1, -1],
            "gram": {"labels": [1, -1], "classes": [3, 4], "before": [1.0, 2.0, 3.0], "after": [4.0, 5.0, 6.0]}
        }))
        .unwrap();
        let run = |record| Run { spec: spec.clone(), record, provenance: None };
        let arrays = run_arrays(&[run(Err(NoRecord::Missing)), run(Ok(record))]);
        let of =
            |name: &str| arrays.iter().find(|array| array.name == name).unwrap().values.clone();
        assert_eq!(of("test.run"), [1.0, 1.0]);
        assert_eq!(of("test.output"), [0.5, -0.25]);
        assert_eq!(of("kernel.row"), [0.0, 0.0, 1.0]);
        assert_eq!(of("kernel.column"), [0.0, 1.0, 1.0]);
        assert_eq!(of("kernel.after"), [4.0, 5.0, 6.0]);
        assert_eq!(of("kernel_point.class"), [3.0, 4.0]);
        for table in TABLES {
            let (prefix, _) = table[0].0.split_once('.').unwrap();
            let length = of(table[0].0).len();
            for (name, description) in table {
                assert!(name.starts_with(&format!("{prefix}.")) && !description.is_empty());
                assert_eq!(of(name).len(), length, "{name}");
            }
        }
    }
}
