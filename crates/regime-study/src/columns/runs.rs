//! The table of runs that every study writes as `data.csv`.

use super::{Cells, Columns};
use crate::{outcome::Run, record::RunRecord};

/// One row per run, in the order of the grid; empty where there is no value.
///
/// Times are those of the flow in the convention of the paper (`dF/dt = −Θ ∂ℓ` at α → ∞), α is
/// that of the paper.
pub fn run_columns(runs: &[Run]) -> Columns {
    let text =
        |of: &dyn Fn(&Run) -> String| Cells::Text(runs.iter().map(|run| Some(of(run))).collect());
    let whole = |of: &dyn Fn(&Run) -> Option<u64>| Cells::Whole(runs.iter().map(of).collect());
    let real = |of: &dyn Fn(&Run) -> Option<f64>| Cells::Real(runs.iter().map(of).collect());
    let of_record =
        |of: fn(&RunRecord) -> Option<f64>| real(&move |run| run.record.as_ref().ok().and_then(of));
    let steps = |of: fn(&RunRecord) -> u64| whole(&move |run| run.record.as_ref().ok().map(of));
    let ending = |run: &Run| match &run.record {
        Ok(record) => record.ending.name().to_owned(),
        Err(why) => why.name().to_owned(),
    };
    let violating = |run: &Run| {
        let last = run.record.as_ref().ok()?.last()?;
        Some(last.training.n_violating as u64)
    };
    let (time, relative) = ("time of the flow, paper's convention", "relative, Frobenius norm");
    Columns::default()
        .with("architecture", text(&|run| run.spec.network.architecture().to_owned()))
        .with_unit("width", "units h", whole(&|run| Some(run.spec.network.width() as u64)))
        .with_unit("alpha", "paper's convention", real(&|run| Some(run.spec.alpha)))
        .with("sqrt_h_alpha", real(&|run| Some(run.spec.root_width_alpha())))
        .with("training", text(&|run| run.spec.dynamics.name().to_owned()))
        .with("seed", whole(&|run| Some(run.spec.seed)))
        .with("data_seed", whole(&|run| Some(run.spec.data.seed)))
        .with("training_set", whole(&|run| Some(run.spec.data.training_set.index as u64)))
        .with_unit("n_train", "training points", whole(&|run| Some(run.spec.data.n_train as u64)))
        .with("ending", text(&ending))
        .with_unit("steps", "accepted steps", steps(|record| record.steps))
        .with_unit("rejected", "rejected steps", steps(|record| record.rejected))
        .with_unit("points_forward", "points", steps(|record| record.work.points_forward))
        .with_unit("points_backward", "points", steps(|record| record.work.points_backward))
        .with_unit("kernel_numbers", "numbers", steps(|record| record.work.kernel_numbers))
        .with_unit("factor_cubes", "rows cubed", steps(|record| record.work.factor_cubes))
        .with_unit("t1", time, of_record(|record| record.half_loss_time))
        .with_unit("t2", time, of_record(|record| record.margins_time))
        .with_unit("kernel_change", relative, of_record(RunRecord::kernel_change))
        .with_unit(
            "kernel_change_at_t1",
            relative,
            of_record(RunRecord::kernel_change_at_half_loss),
        )
        .with_unit("test_error", "share of test points", of_record(RunRecord::test_error))
        .with_unit(
            "weight_change",
            "relative, Euclidean norm",
            of_record(|record| record.last().map(|m| m.weight_change)),
        )
        .with_unit(
            "mean_loss",
            "mean of the loss of a margin",
            of_record(|record| record.last().map(|m| m.training.mean_loss)),
        )
        .with_unit("n_violating", "training points", whole(&violating))
}
