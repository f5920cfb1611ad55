//! Runs grouped into curves.

use regime_scaling::{Curve, mean};

use super::Run;
use crate::{
    figure::{Color, Interval, Series, position},
    report::Table,
    study::RunSpec,
};

/// The numbers of one converged run that an analysis needs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    /// Where it is in the grid.
    pub(super) place: Place,
    /// `‖Θ − Θ₀‖/‖Θ₀‖` at the end.
    pub(super) kernel_change: f64,
    /// Test error at the end.
    pub(super) test_error: f64,
}

/// Where a run is in its grid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    /// Width `h`.
    pub(super) width: usize,
    /// α, in the convention of the paper.
    pub(super) alpha: f64,
    /// Seed of the initial weights.
    pub(super) seed: u64,
}

impl Place {
    pub(super) fn of(spec: &RunSpec) -> Self {
        Self { width: spec.network.width(), alpha: spec.alpha, seed: spec.seed }
    }
}

/// Something measured in one run.
pub(super) trait Sample: Copy {
    /// Where the run is in its grid.
    fn place(&self) -> Place;

    /// Width `h`.
    fn width(&self) -> usize {
        self.place().width
    }

    /// α, in the convention of the paper.
    fn alpha(&self) -> f64 {
        self.place().alpha
    }

    /// Seed of the initial weights.
    fn seed(&self) -> u64 {
        self.place().seed
    }

    /// `√h · α`.
    fn root_width_alpha(&self) -> f64 {
        (self.width() as f64).sqrt() * self.alpha()
    }
}

impl Sample for Point {
    fn place(&self) -> Place {
        self.place
    }
}

/// The points of the converged runs. Runs without kernel points have none.
pub(super) fn converged(runs: &[Run]) -> Vec<Point> {
    let point = |run: &Run| {
        let record = run.record.as_ref().ok().filter(|record| record.converged())?;
        Some(Point {
            place: Place::of(&run.spec),
            kernel_change: record.kernel_change()?,
            test_error: record.test_error()?,
        })
    };
    runs.iter().filter_map(point).collect()
}

/// The different values of a quantity, in increasing order.
pub(super) fn values<S, T: PartialOrd + Copy>(points: &[S], quantity: impl Fn(&S) -> T) -> Vec<T> {
    let mut all: Vec<T> = points.iter().map(quantity).collect();
    all.sort_by(|a, b| a.partial_cmp(b).expect("specs hold no NaN"));
    all.dedup_by(|a, b| a == b);
    all
}

/// For every seed, one curve per width of `y` against α.
pub(super) fn by_seed<S: Sample>(points: &[S], y: impl Fn(&S) -> f64) -> Vec<Vec<Curve>> {
    let widths = values(points, S::width);
    let curve = |seed: u64, width: usize| Curve {
        size: width as f64,
        points: points
            .iter()
            .filter(|p| p.seed() == seed && p.width() == width)
            .map(|p| (p.alpha(), y(p)))
            .collect(),
    };
    values(points, S::seed)
        .into_iter()
        .map(|seed| widths.iter().map(|&width| curve(seed, width)).collect())
        .collect()
}

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

/// How many runs ended in which way, and one line for each run that left
/// nothing or did not converge.
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
            Err(reason) => ("failed".to_owned(), reason.clone()),
        };
        match counts.iter_mut().find(|(name, _)| *name == ending) {
            Some((_, n)) => *n += 1,
            None => counts.push((ending.clone(), 1)),
        }
        if !run.record.as_ref().is_ok_and(|record| record.converged()) {
            let spec = &run.spec;
            rows.push(vec![
                spec.network.width().to_string(),
                format!("{:e}", spec.alpha),
                spec.seed.to_string(),
                ending,
                detail,
            ]);
        }
    }
    let summary: Vec<String> = counts.iter().map(|(name, n)| format!("{n} {name}")).collect();
    let table = (!rows.is_empty()).then(|| Table {
        caption: "Runs without a final state; they enter no fit".into(),
        header: ["h", "α", "seed", "ending", "detail"].map(String::from).to_vec(),
        rows,
    });
    (format!("{} runs: {}.", runs.len(), summary.join(", ")), table)
}
