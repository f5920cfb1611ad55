//! Runs of a grid grouped into curves.

use std::cmp::Ordering;

use regime_scaling::Curve;

use crate::{outcome::Run, spec::RunSpec};

/// The numbers of one converged run that an analysis needs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Position of the run in the grid.
    pub place: Place,
    /// `‖Θ − Θ₀‖/‖Θ₀‖` at the end.
    pub kernel_change: f64,
    /// Test error at the end.
    pub test_error: f64,
}

/// Position of a run in its grid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// Width `h`.
    pub width: usize,
    /// α, in the convention of the paper.
    pub alpha: f64,
    /// Seed of the initial weights.
    pub seed: u64,
}

impl Place {
    /// The position of a spec.
    pub fn of(spec: &RunSpec) -> Self {
        Self { width: spec.network.width(), alpha: spec.alpha, seed: spec.seed }
    }
}

/// A measurement of one run.
pub trait Sample: Copy {
    /// Position of the run in its grid.
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
    fn sqrt_h_alpha(&self) -> f64 {
        (self.width() as f64).sqrt() * self.alpha()
    }
}

impl Sample for Point {
    fn place(&self) -> Place {
        self.place
    }
}

/// One point per converged run. Runs without kernel points are left out.
pub fn converged(runs: &[Run]) -> Vec<Point> {
    let point = |run: &Run| {
        let record = run.converged()?;
        Some(Point {
            place: Place::of(&run.spec),
            kernel_change: record.kernel_change()?,
            test_error: record.test_error()?,
        })
    };
    runs.iter().filter_map(point).collect()
}

/// The distinct values of a quantity, in increasing order.
pub fn values<S, T: PartialOrd + Copy>(points: &[S], quantity: impl Fn(&S) -> T) -> Vec<T> {
    let mut all: Vec<T> = points.iter().map(quantity).collect();
    // A NaN has no order and stays where it is.
    all.sort_by(|a, b| a.partial_cmp(b).unwrap_or(Ordering::Equal));
    all.dedup_by(|a, b| a == b);
    all
}

/// For every seed, one curve per width of `y` against α.
pub fn by_seed<S: Sample>(points: &[S], y: impl Fn(&S) -> f64) -> Vec<Vec<Curve>> {
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
