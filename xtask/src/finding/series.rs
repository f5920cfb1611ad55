//! Series of a figure from the points of a grid.

use regime_plot::{Color, Interval, Series, position};
use regime_scaling::mean;
use regime_study::curves::{Point, Sample, values};

/// How values of several seeds are averaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Average {
    /// Of the values.
    Arithmetic,
    /// Of their logarithms.
    Geometric,
}

/// One series per width: the mean over seeds with a band of one standard error.
pub(super) fn series_by_width<S: Sample>(
    points: &[S],
    x: impl Fn(&S) -> f64,
    y: impl Fn(&S) -> f64,
    average: Average,
) -> Vec<Series> {
    series_by(points, (S::width, "h"), x, y, average)
}

/// The test error against `√h·α`, a series per width.
pub(super) fn test_errors(points: &[Point]) -> Vec<Series> {
    series_by_width(points, Sample::root_width_alpha, |p| p.test_error, Average::Arithmetic)
}

/// One series per value of a size with this sign: the mean over seeds, at every α, with a
/// band of one standard error.
pub(super) fn series_by<S: Sample>(
    points: &[S],
    (size, sign): (fn(&S) -> usize, &str),
    x: impl Fn(&S) -> f64,
    y: impl Fn(&S) -> f64,
    average: Average,
) -> Vec<Series> {
    let sizes = values(points, size);
    let one = |(index, &of): (usize, &usize)| {
        let here: Vec<S> = points.iter().filter(|p| size(p) == of).copied().collect();
        let mut means = Vec::new();
        let mut band = Vec::new();
        for alpha in values(&here, S::alpha) {
            let at: Vec<&S> = here.iter().filter(|p| p.alpha() == alpha).collect();
            let values: Vec<f64> = at.iter().map(|p| y(p)).collect();
            let Some((centre, spread)) = centre(&values, average) else { continue };
            let x = x(at[0]);
            means.push((x, centre));
            if let Some((low, high)) = spread {
                band.push(Interval { x, low, high });
            }
        }
        Series {
            band,
            color: Color::Ordered(position(index, sizes.len())),
            ..Series::new(format!("{sign} = {of}"), means)
        }
    };
    sizes.iter().enumerate().map(one).collect()
}

/// The geometric mean of points, in either coordinate.
pub(super) fn geometric_centre(points: &[(f64, f64)]) -> Option<(f64, f64)> {
    let of = |pick: fn(&(f64, f64)) -> f64| {
        let logs: Vec<f64> = points.iter().map(|point| pick(point).ln()).collect();
        mean(&logs).map(|m| m.mean.exp()).filter(|c| c.is_finite() && *c > 0.0)
    };
    Some((of(|p| p.0)?, of(|p| p.1)?))
}

/// A mean and, from two values on, the ends of one standard error around it.
fn centre(values: &[f64], average: Average) -> Option<(f64, Option<(f64, f64)>)> {
    let to = |v: f64| if average == Average::Geometric { v.ln() } else { v };
    let from = |v: f64| if average == Average::Geometric { v.exp() } else { v };
    let moved: Vec<f64> = values.iter().map(|&v| to(v)).collect();
    let m = mean(&moved).filter(|m| m.mean.is_finite())?;
    let ends = m.std_error.map(|e| (from(m.mean - e), from(m.mean + e)));
    Some((from(m.mean), ends))
}
