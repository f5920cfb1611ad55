//! The plane of width and α: test error as colour, kernel change as contours.

use regime_plot::{
    Axis, Cell, Color, Figure, HeatMap, Scale, Series, Style, Surface, borders, contour,
};
use regime_scaling::mean;
use regime_study::curves::{Point, Sample, values};

/// Kernel changes whose contours are drawn, with their labels.
const LEVELS: [(f64, &str); 4] = [(0.01, "0.01"), (0.1, "0.1"), (1.0, "1"), (10.0, "10")];

/// One cell per width and α that has converged runs, coloured by their mean test error.
pub(super) fn phase_diagram(points: &[Point]) -> Figure {
    let widths = values(points, |p| p.width());
    let alphas = values(points, |p| p.alpha());
    let at = |width: usize, alpha: f64, of: &dyn Fn(&Point) -> f64| {
        let here = points.iter().filter(|p| p.width() == width && p.alpha() == alpha);
        mean(&here.map(of).collect::<Vec<f64>>()).map_or(f64::NAN, |m| m.mean)
    };
    let x: Vec<f64> = widths.iter().map(|&h| h as f64).collect();
    let (x_borders, y_borders) = (borders(&x, Scale::Log), borders(&alphas, Scale::Log));
    let mut cells = Vec::new();
    let mut change = Vec::new();
    for (j, &alpha) in alphas.iter().enumerate() {
        for (i, &width) in widths.iter().enumerate() {
            cells.push(Cell {
                x: (x_borders[i], x_borders[i + 1]),
                y: (y_borders[j], y_borders[j + 1]),
                value: at(width, alpha, &|p| p.test_error),
            });
        }
        let row = widths.iter().map(|&width| at(width, alpha, &|p| p.kernel_change.ln()).exp());
        change.push(row.collect());
    }
    cells.retain(|cell| cell.value.is_finite());
    let ends = |borders: &[f64]| Some((*borders.first()?, *borders.last()?));
    let surface =
        Surface { x: (&x, Scale::Log), y: (&alphas, Scale::Log), values: (&change, Scale::Log) };
    let line = |(level, label): (f64, &str)| {
        let points = contour(&surface, level);
        (!points.is_empty()).then(|| Series {
            style: Style::Line,
            color: Color::Ink,
            ..Series::new(format!("kernel change {label}"), points)
        })
    };
    Figure {
        id: "phase-diagram".into(),
        title: "The plane of width and α: feature learning below, lazy learning above".into(),
        caption: "Colour: test error at the end of training, mean over training sets; a cell is a width and an α of the \
                  grid. Lines: equal final kernel change ‖Θ − Θ₀‖/‖Θ₀‖ (geometric mean over training sets), \
                  interpolated between the centres of the cells. If the claim holds, the lines have \
                  slope −½."
            .into(),
        x: Axis { range: ends(&x_borders), ..Axis::log("width h") },
        y: Axis { range: ends(&y_borders), ..Axis::log("α") },
        map: Some(HeatMap {
            label: "test error".into(),
            scale: Scale::Linear,
            square: false,
            cells,
        }),
        series: LEVELS.into_iter().filter_map(line).collect(),
        guides: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use regime_study::curves::Place;

    #[test]
    fn cells_hold_means_and_contours_follow_the_kernel() {
        let mut points = Vec::new();
        for width in [64usize, 256] {
            for alpha in [0.1, 1.0, 10.0] {
                for seed in 0..2 {
                    points.push(Point {
                        place: Place { width, alpha, seed },
                        kernel_change: 8.0 / ((width as f64).sqrt() * alpha),
                        test_error: 0.1 + 0.02 * seed as f64,
                    });
                }
            }
        }
        // A cell without runs is left out.
        points.retain(|p| p.width() != 256 || p.alpha() != 10.0);
        let figure = phase_diagram(&points);
        let cells = &figure.map.as_ref().unwrap().cells;
        assert_eq!(cells.len(), 5);
        assert!(cells.iter().all(|cell| (cell.value - 0.11).abs() < 1e-12));
        let border = figure.series.iter().find(|s| s.label.ends_with(" 1")).unwrap();
        for (h, alpha) in &border.points {
            assert!((h.sqrt() * alpha / 8.0 - 1.0).abs() < 1e-9, "{h} {alpha}");
        }
        assert!(phase_diagram(&[]).map.unwrap().cells.is_empty());
    }
}
