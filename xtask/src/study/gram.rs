//! Figures of tangent kernels before and after training.

use regime_plot::{Axis, Cell, Figure, Guide, HeatMap, Scale, number};
use regime_study::{GramPair, Run};

/// One figure before training, and one after training for each run with a stored kernel, in the order
/// of the grid.
pub(super) fn gram_figures(runs: &[Run]) -> Vec<Figure> {
    let mut figures = Vec::new();
    for (index, run) in runs.iter().filter(|run| stored_pair(run).is_some()).enumerate() {
        let Some(pair) = stored_pair(run) else { continue };
        let spec = &run.spec;
        let alpha = number::significant(spec.alpha, 2);
        let (h, seed) = (spec.network.width(), spec.seed);
        let change = run.record.as_ref().ok().and_then(|record| record.kernel_change());
        let change = change.map_or("unknown".into(), |c| number::significant(c, 2));
        let run = format!("Run: h = {h}, α = {alpha}, seed {seed}");
        if index == 0 {
            // The initial weights are the same for every α.
            let caption = format!(
                "{run}. Cosines between the gradients of f at points outside the training set, \
                 Θ(a, b)/√(Θ(a, a) Θ(b, b)), sorted by label and within it by class. Dotted: \
                 where the label changes."
            );
            figures.push(figure(
                "gram-before".into(),
                "before training".into(),
                caption,
                pair,
                true,
            ));
        }
        let caption =
            format!("{run}; kernel change {change}. Entries and order as before training.");
        let title = format!("after training with α = {alpha}");
        figures.push(figure(format!("gram-after-{}", index + 1), title, caption, pair, false));
    }
    figures
}

fn stored_pair(run: &Run) -> Option<&GramPair> {
    run.record.as_ref().ok()?.gram.as_ref()
}

fn figure(id: String, title: String, caption: String, pair: &GramPair, before: bool) -> Figure {
    let entries = if before { &pair.before } else { &pair.after };
    let range = Some((0.0, pair.labels.len() as f64));
    let border = pair.labels.iter().filter(|&&label| label < 0).count() as f64;
    Figure {
        id,
        title: format!("The tangent kernel {title}"),
        caption,
        x: Axis { range, ..Axis::count("point") },
        y: Axis { range, ..Axis::count("point") },
        map: Some(HeatMap {
            label: "cosine between gradients".into(),
            scale: Scale::Linear,
            square: true,
            cells: cells(pair, entries),
        }),
        series: Vec::new(),
        guides: vec![
            Guide::VerticalLevel { x: border, label: String::new() },
            Guide::HorizontalLevel { y: border, label: String::new() },
        ],
    }
}

/// Cosines between the tangent features of the points, sorted by label and class.
fn cells(pair: &GramPair, triangle: &[f64]) -> Vec<Cell> {
    let n = pair.labels.len();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by_key(|&i| (pair.labels[i], pair.classes[i]));
    // Row i of the upper triangle begins after i rows of n, n − 1, … entries.
    let at = |i: usize, j: usize| {
        let (i, j) = (i.min(j), i.max(j));
        triangle.get(i * n - i * i.saturating_sub(1) / 2 + j - i).copied().unwrap_or(f64::NAN)
    };
    let mut cells = Vec::new();
    for (row, &i) in order.iter().enumerate() {
        for (column, &j) in order.iter().enumerate() {
            cells.push(Cell {
                x: (column as f64, column as f64 + 1.0),
                y: (row as f64, row as f64 + 1.0),
                value: at(i, j) / (at(i, i) * at(j, j)).sqrt(),
            });
        }
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_sorted_by_label_and_entries_are_cosines() {
        // Θ = ΦΦᵀ with rows (2, 0), (0, 3), (1, 1).
        let pair = GramPair {
            labels: vec![1, -1, -1],
            classes: vec![3, 4, 2],
            before: vec![4.0, 0.0, 2.0, 9.0, 3.0, 2.0],
            after: Vec::new(),
        };
        let value = |row: usize, column: usize| {
            let all = cells(&pair, &pair.before);
            let at = |c: &&Cell| c.x.0 == column as f64 && c.y.0 == row as f64;
            all.iter().find(at).unwrap().value
        };
        let root_half = 0.5f64.sqrt();
        let expected = [[1.0, root_half, root_half], [root_half, 1.0, 0.0], [root_half, 0.0, 1.0]];
        for row in 0..3 {
            for column in 0..3 {
                let error = value(row, column) - expected[row][column];
                assert!(error.abs() < 1e-12, "{row} {column}");
            }
        }
    }
}
