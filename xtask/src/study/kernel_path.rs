//! The kernel change over time, in units of `t₁`.

use regime_plot::{Axis, Color, Figure, Guide, Interval, Series, number, position};
use regime_scaling::mean;
use regime_study::{Run, RunRecord, curves::values};

/// Positions along the axis per decade of `t/t₁`.
const PER_DECADE: i32 = 4;

/// The first and the last decade of `t/t₁` in the figure.
const DECADES: (i32, i32) = (-4, 6);

/// `‖Θ(t) − Θ₀‖/‖Θ₀‖` against `t/t₁` for every α of the largest width, over the runs that reached their end.
pub(super) fn kernel_path(runs: &[Run]) -> Figure {
    let with_paths: Vec<(&Run, Vec<(f64, f64)>)> = runs
        .iter()
        .filter(|run| run.spec.kernel_path)
        .filter_map(|run| Some((run, path(run.record.as_ref().ok()?)?)))
        .collect();
    let width = with_paths.iter().map(|(run, _)| run.spec.network.width()).max();
    let widest: Vec<_> =
        with_paths.into_iter().filter(|(run, _)| Some(run.spec.network.width()) == width).collect();
    let alphas = values(&widest, |(run, _)| run.spec.alpha);
    let series = alphas.iter().enumerate().map(|(index, &alpha)| {
        let paths: Vec<&[(f64, f64)]> = widest
            .iter()
            .filter(|(run, _)| run.spec.alpha == alpha)
            .map(|(_, path)| path.as_slice())
            .collect();
        let (points, band) = averaged(&paths);
        Series {
            band,
            color: Color::Ordered(position(index, alphas.len())),
            ..Series::new(format!("α = {}", number::significant(alpha, 2)), points)
        }
    });
    let width = width.map_or("the largest width".into(), |h| format!("h = {h}"));
    Figure {
        id: "kernel-change-through-time".into(),
        title: "How the kernel changes over time".into(),
        caption: format!(
            "‖Θ(t) − Θ₀‖/‖Θ₀‖ on points outside the training set, {width}. Geometric mean over training sets, \
             interpolated along each run, at times that all runs cover; bands show one standard error."
        ),
        x: Axis::log("t/t₁"),
        y: Axis::log("kernel change"),
        map: None,
        series: series.collect(),
        guides: vec![
            Guide::VerticalLevel { x: 1.0, label: "t₁".into() },
            Guide::HorizontalLevel { y: 1.0, label: "kernel change 1".into() },
        ],
    }
}

/// `(ln t/t₁, ln change)` of a run that reached its end, where both times and changes are positive.
fn path(record: &RunRecord) -> Option<Vec<(f64, f64)>> {
    let half_loss = record.t1.filter(|_| record.reached_requested_end())?;
    let points: Vec<(f64, f64)> = record
        .path
        .iter()
        .filter_map(|m| Some((m.training.t / half_loss, m.kernel_change?)))
        .filter(|(t, change)| *t > 0.0 && *change > 0.0)
        .map(|(t, change)| (t.ln(), change.ln()))
        .collect();
    (points.len() > 1).then_some(points)
}

/// Means of paths over the times that all of them cover, with one standard error.
fn averaged(paths: &[&[(f64, f64)]]) -> (Vec<(f64, f64)>, Vec<Interval>) {
    let (mut points, mut band) = (Vec::new(), Vec::new());
    for k in DECADES.0 * PER_DECADE..=DECADES.1 * PER_DECADE {
        let x = 10f64.powf(f64::from(k) / f64::from(PER_DECADE));
        let at_x: Option<Vec<f64>> = paths.iter().map(|path| interpolated(path, x.ln())).collect();
        let Some(m) = at_x.and_then(|values| mean(&values)) else { continue };
        points.push((x, m.mean.exp()));
        if let Some(error) = m.std_error {
            band.push(Interval { x, low: (m.mean - error).exp(), high: (m.mean + error).exp() });
        }
    }
    (points, band)
}

/// The value at `x` by linear interpolation; `None` outside the path.
fn interpolated(path: &[(f64, f64)], x: f64) -> Option<f64> {
    let after = path.iter().position(|p| p.0 >= x)?;
    let (x1, y1) = path[after];
    if x1 == x {
        return Some(y1);
    }
    let (x0, y0) = *path.get(after.checked_sub(1)?)?;
    Some(y0 + (x - x0) / (x1 - x0) * (y1 - y0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_cover_the_times_that_all_runs_cover() {
        let slope =
            |from: f64, to: f64, c: f64| [from, to].map(|x| ((x).ln(), (c * x).ln())).to_vec();
        let (one, other) = (slope(0.01, 10.0, 1.0), slope(0.1, 100.0, 4.0));
        let (points, band) = averaged(&[&one, &other]);
        assert!((points[0].0 / 0.1 - 1.0).abs() < 1e-9 || points[0].0 > 0.1);
        assert!(points.last().unwrap().0 < 10.1);
        for (x, y) in &points {
            assert!((y / (2.0 * x) - 1.0).abs() < 1e-9, "{x} {y}");
        }
        assert_eq!(points.len(), band.len());
        assert!(averaged(&[]).0.is_empty());
        assert_eq!(interpolated(&one, 100f64.ln()), None);
        assert_eq!(interpolated(&one, 1e-3f64.ln()), None);
    }
}
