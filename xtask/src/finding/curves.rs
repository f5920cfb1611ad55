//! Runs grouped into curves.

use regime_models::NetworkSpec;
use regime_scaling::{Curve, mean};

use super::Run;
use crate::{
    figure::{Color, Interval, Series, position},
    report::Table,
    study::{Ending, FrozenLearning, FrozenRecord, RunSpec},
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

/// How many runs ended in which way, and one line for each run that left
/// nothing or did not converge, and for each frozen kernel of which that is true.
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
            Ok(record) if record.converged() => record,
            _ => {
                row(ending, detail);
                continue;
            }
        };
        for FrozenRecord { kernel, learning } in &record.frozen {
            let kernel = kernel.name();
            match learning {
                FrozenLearning::Learnt { ending: Ending::Converged, .. } => {}
                FrozenLearning::Learnt { ending, steps, .. } => {
                    row(ending.name().to_owned(), format!("kernel {kernel}, {steps} steps"));
                }
                FrozenLearning::NoKernel(why) => {
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
    use serde_json::json;

    use super::*;
    use crate::{
        backend,
        finding::NoRecord,
        study::{DataCache, Unlimited},
    };

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

    /// The records of runs that end well, spend their steps, fail and are not made.
    #[test]
    fn what_did_not_end_well_is_counted_and_told() {
        let cache = DataCache::new(default_cache_dir());
        let computed = |spec: RunSpec| {
            let data = cache.get(&spec.data).unwrap();
            Run { record: Ok(backend::run(&spec, &data, &Unlimited).unwrap()), spec }
        };
        let mut with_kernel = computed(spec(2000, &["end"]));
        // A kernel that could not be learnt with, beside a network that could.
        let record = with_kernel.record.as_mut().unwrap();
        record.frozen[0].learning = FrozenLearning::NoKernel("no such time".into());
        let runs = [
            computed(spec(2000, &["initial"])),
            with_kernel,
            computed(spec(1, &[])),
            Run { spec: spec(9, &[]), record: Err(NoRecord::Failed("out of memory".into())) },
            Run { spec: spec(9, &[]), record: Err(NoRecord::Missing) },
        ];
        let (summary, table) = endings(&runs);
        assert_eq!(summary, "5 runs: 2 converged, 1 steps-spent, 1 failed, 1 missing.");
        let table = table.unwrap();
        let told: Vec<(&str, &str)> =
            table.rows.iter().map(|row| (row[4].as_str(), row[5].as_str())).collect();
        assert_eq!(told[0], ("no kernel", "kernel end: no such time"));
        assert_eq!(told[1].0, "steps-spent");
        assert_eq!(told[2..], [("failed", "out of memory"), ("missing", "no record in the store")]);
        assert_eq!(table.rows[0][..2], ["dense, L = 2, ReLU", "16"]);
        // Only those that ended well have a place in an analysis.
        assert_eq!(converged(&runs).len(), 2);
    }
}
