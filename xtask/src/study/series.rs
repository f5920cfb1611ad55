//! Curves of means over training sets, with their 95 % intervals.

use std::collections::BTreeMap;

use regime_findings::{SetKey, training_set};
use regime_plot::{Color, Interval, Series, position};
use regime_scaling::{BootstrapConfig, mean, mean_interval};
use regime_study::{Run, curves::values};

use super::answer::Answer;

/// A part of the caption of every figure of means.
pub(super) const MEANS: &str = "Means over training sets and their networks; bars and bands are 95 % \
    intervals over training sets, crosses mark positions where a training set has no value.";

/// How values are averaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Average {
    /// The mean of the values.
    Arithmetic,
    /// The mean of their logarithms, mapped back.
    Geometric,
}

/// The value of one run, which may be missing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Value {
    /// The curve to which it belongs.
    pub(super) size: usize,
    /// The position along the axis.
    pub(super) x: f64,
    /// The value.
    pub(super) y: Option<f64>,
}

/// One series for every size, labelled `sign = size`, over the runs for which `value` is not `None`.
pub(super) fn by_size(
    runs: &[Run],
    sign: &str,
    average: Average,
    value: impl Fn(&Run) -> Option<Value>,
) -> Vec<Series> {
    let found: Vec<(SetKey, Value)> =
        runs.iter().filter_map(|run| Some((training_set(&run.spec), value(run)?))).collect();
    let sizes = values(&found, |(_, value)| value.size);
    let one = |(index, &size): (usize, &usize)| {
        let here: Vec<(SetKey, Value)> =
            found.iter().filter(|(_, value)| value.size == size).copied().collect();
        let (mut points, mut band, mut missing) = (Vec::new(), Vec::new(), Vec::new());
        for x in values(&here, |(_, value)| value.x) {
            let mut of_sets: BTreeMap<SetKey, Vec<f64>> = BTreeMap::new();
            for (set, value) in here.iter().filter(|(_, value)| value.x == x) {
                of_sets.entry(*set).or_default().extend(value.y);
            }
            if of_sets.values().any(Vec::is_empty) {
                missing.push(x);
            }
            let sets: Vec<Vec<f64>> = of_sets.into_values().filter(|of| !of.is_empty()).collect();
            if let Some((centre, interval)) = centre(&sets, average) {
                points.push((x, centre));
                band.extend(interval.map(|(low, high)| Interval { x, low, high }));
            }
        }
        Series {
            band,
            missing,
            color: Color::Ordered(position(index, sizes.len())),
            ..Series::new(format!("{sign} = {size}"), points)
        }
    };
    sizes.iter().enumerate().map(one).collect()
}

/// Estimates along the axis with their intervals as bars; positions without an estimate are marked as missing.
pub(super) fn with_intervals(label: impl Into<String>, estimates: &[(f64, Answer)]) -> Series {
    let found = || estimates.iter().filter_map(|(x, answer)| Some((*x, answer.as_ref().ok()?)));
    Series {
        error_bars: found().map(|(x, i)| Interval { x, low: i.low, high: i.high }).collect(),
        missing: estimates.iter().filter(|(_, answer)| answer.is_err()).map(|(x, _)| *x).collect(),
        ..Series::new(label, found().map(|(x, i)| (x, i.estimate)).collect())
    }
}

/// The mean over training sets of the means over their networks, with its 95 % interval.
fn centre(sets: &[Vec<f64>], average: Average) -> Option<(f64, Option<(f64, f64)>)> {
    let to = |v: f64| if average == Average::Geometric { v.ln() } else { v };
    let from = |v: f64| if average == Average::Geometric { v.exp() } else { v };
    let of_sets: Vec<f64> = sets
        .iter()
        .filter_map(|of| mean(&of.iter().map(|&v| to(v)).collect::<Vec<_>>()))
        .map(|m| m.mean)
        .collect();
    let m = mean(&of_sets).filter(|m| m.mean.is_finite())?;
    let interval = mean_interval(&of_sets, &BootstrapConfig::default()).ok();
    Some((from(m.mean), interval.map(|i| (from(i.low), from(i.high)))))
}

/// The geometric mean of points, in each coordinate.
pub(super) fn geometric_centre(points: &[(f64, f64)]) -> Option<(f64, f64)> {
    let of = |pick: fn(&(f64, f64)) -> f64| {
        let logs: Vec<f64> = points.iter().map(|point| pick(point).ln()).collect();
        mean(&logs).map(|m| m.mean.exp()).filter(|c| c.is_finite() && *c > 0.0)
    };
    Some((of(|p| p.0)?, of(|p| p.1)?))
}
