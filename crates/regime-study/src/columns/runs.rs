//! The table of runs that every study writes as `data.csv` and `data.parquet`.

use super::{Cells, Columns, spec_fields};
use crate::{outcome::Run, record::RunRecord, spec::RunSpec};

const TIME: &str = "time of the flow, paper's convention";
const NORM: &str = "relative, Frobenius norm";

/// Name, unit and description of every column that is not a field of the spec.
const MEASURED: [(&str, &str, &str); 20] = [
    ("key", "", "The key of the run: its record in the store is the file `<key>.json`."),
    ("sqrt_h_alpha", "", "√h·α, the variable in which the curves of all widths collapse."),
    (
        "ending",
        "",
        "How the run ended, such as `converged`; `failed` or `missing` for a run without a record.",
    ),
    ("reason", "", "Why a run diverged or has no record."),
    (
        "steps",
        "accepted steps",
        "Accepted steps of the integrator, or batches of stochastic training.",
    ),
    ("rejected", "rejected steps", "Rejected steps of the integrator."),
    ("points_forward", "points", "Forward passes of the flow, counted in points."),
    ("points_backward", "points", "Backward passes of the flow, counted in points."),
    ("kernel_numbers", "numbers", "Entries of the kernels that the flow computed."),
    (
        "factor_cubes",
        "rows cubed",
        "Sum of the cubes of the sizes of the matrices that the flow factorised.",
    ),
    ("t1", TIME, "Time at which the mean loss falls below half its initial value."),
    ("t2", TIME, "Time at which the last training margin is reached."),
    ("t_end", TIME, "Time at the end of the run."),
    (
        "kernel_change",
        NORM,
        "Change of the tangent kernel on the kernel points from the start to the end.",
    ),
    (
        "kernel_change_at_t1",
        NORM,
        "Change of the tangent kernel on the kernel points from the start to t1.",
    ),
    (
        "test_error",
        "share of test points",
        "Fraction of test points on the wrong side, y F ≤ 0, at the end.",
    ),
    (
        "weight_change",
        "relative, Euclidean norm",
        "Change of the weights from the start to the end.",
    ),
    ("mean_loss", "mean of the loss of a margin", "Mean training loss at the end."),
    (
        "n_violating",
        "training points",
        "Number of training points whose margin is not reached at the end.",
    ),
    ("version", "", "Version of the program that computed the record, and its commit."),
];

/// One row per run, in the order of the grid: the key, every field of the spec under its path
/// (`network.width`), the measurements, and the version of the program. Cells without a value are
/// empty.
///
/// Times of the flow and α are in the convention of the paper (`dF/dt = −Θ ∂ℓ` at α → ∞).
pub fn run_columns(runs: &[Run]) -> Columns {
    let spec = spec_fields::spec_columns(runs.iter().map(|run| &run.spec));
    let mut all = with(Columns::default(), "key", runs);
    all = with(all, "sqrt_h_alpha", runs);
    for column in spec.columns() {
        all =
            all.described(&*column.name, &*column.unit, &*column.description, column.cells.clone());
    }
    MEASURED.iter().skip(2).fold(all, |all, (name, ..)| with(all, name, runs))
}

/// The names of the fields of the specs in which runs differ, in the table of [`run_columns`].
pub fn varying_fields(runs: &Columns) -> Vec<String> {
    let is_field = |name: &str| MEASURED.iter().all(|measured| measured.0 != name);
    let fields = runs.columns().iter().filter(|column| is_field(&column.name));
    fields.filter(|column| column.cells.varies()).map(|column| column.name.clone()).collect()
}

/// Name, unit and description of every column that [`run_columns`] can have.
pub fn column_descriptions() -> Vec<[String; 3]> {
    let measured = |of: &(&str, &str, &str)| [of.0, of.1, of.2].map(str::to_owned);
    let fields = spec_fields::descriptions(&RunSpec::schema());
    let fields = fields.into_iter().map(|(name, text)| [name, String::new(), text]);
    let (first, last) = MEASURED.split_at(2);
    first.iter().map(measured).chain(fields).chain(last.iter().map(measured)).collect()
}

fn with(columns: Columns, name: &str, runs: &[Run]) -> Columns {
    let (_, unit, description) = MEASURED.iter().find(|of| of.0 == name).expect("a listed column");
    columns.described(name, *unit, *description, cells(name, runs))
}

/// The values of a measured column.
fn cells(name: &str, runs: &[Run]) -> Cells {
    let text = |of: &dyn Fn(&Run) -> Option<String>| Cells::Text(runs.iter().map(of).collect());
    let count = |of: &dyn Fn(&RunRecord) -> Option<u64>| {
        Cells::Integer(runs.iter().map(|run| run.record.as_ref().ok().and_then(of)).collect())
    };
    let number = |of: &dyn Fn(&RunRecord) -> Option<f64>| {
        Cells::Float(runs.iter().map(|run| run.record.as_ref().ok().and_then(of)).collect())
    };
    match name {
        "key" => text(&|run| run.key().map(|key| key.to_string())),
        "sqrt_h_alpha" => {
            Cells::Float(runs.iter().map(|run| Some(run.spec.sqrt_h_alpha())).collect())
        }
        "ending" => text(&|run| Some(run.ending().to_owned())),
        "reason" => text(&Run::reason),
        "steps" => count(&|record| Some(record.steps)),
        "rejected" => count(&|record| Some(record.rejected)),
        "points_forward" => count(&|record| Some(record.work.points_forward)),
        "points_backward" => count(&|record| Some(record.work.points_backward)),
        "kernel_numbers" => count(&|record| Some(record.work.kernel_numbers)),
        "factor_cubes" => count(&|record| Some(record.work.factor_cubes)),
        "t1" => number(&|record| record.t1),
        "t2" => number(&|record| record.t2),
        "t_end" => number(&|record| record.last().map(|m| m.training.t)),
        "kernel_change" => number(&RunRecord::kernel_change),
        "kernel_change_at_t1" => number(&RunRecord::kernel_change_at_t1),
        "test_error" => number(&RunRecord::test_error),
        "weight_change" => number(&|record| record.last().map(|m| m.weight_change)),
        "mean_loss" => number(&|record| record.last().map(|m| m.training.mean_loss)),
        "n_violating" => count(&|record| record.last().map(|m| m.training.n_violating as u64)),
        "version" => text(&Run::version),
        other => unreachable!("{other} is not listed"),
    }
}
