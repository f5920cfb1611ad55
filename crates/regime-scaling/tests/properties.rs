//! Properties that hold for any input.

use proptest::prelude::*;
use regime_scaling::{
    BootstrapConfig, CrossingPolicy, Equivalence, Pairing, Placement, Scales, crossing,
    exponent_interval, fit_line, fit_line_weighted, fit_power_law, fit_power_law_weighted,
    local_exponents, log_spaced, rescale,
};

/// Points at increasing, well separated x with y of any size.
fn points() -> impl Strategy<Value = Vec<(f64, f64)>> {
    prop::collection::vec((0.1..2.0f64, -5.0..5.0f64), 2..12).prop_map(|steps| {
        let mut log_x = 0.0;
        let place = |(step, log_y): (f64, f64)| {
            log_x += step;
            (log_x.exp(), log_y.exp())
        };
        steps.into_iter().map(place).collect()
    })
}

/// Any finite number, often near the limits of the range or a common number.
fn any_finite() -> impl Strategy<Value = f64> {
    use prop::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    prop_oneof![
        NORMAL | SUBNORMAL | ZERO | POSITIVE | NEGATIVE,
        -10.0..10.0f64,
        prop::sample::select(vec![1e308, -1e308, f64::MAX, 5e-324, 1e-300, 0.0, -0.0, 1.0]),
    ]
}

/// As `any_finite`, but positive.
fn any_positive() -> impl Strategy<Value = f64> {
    any_finite().prop_map(|v| if v == 0.0 { 1.0 } else { v.abs() })
}

fn scaled(points: &[(f64, f64)], kx: f64, ky: f64) -> Vec<(f64, f64)> {
    points.iter().map(|&(x, y)| (kx * x, ky * y)).collect()
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-8 * (1.0 + a.abs().max(b.abs()))
}

proptest! {
    #[test]
    fn units_do_not_change_an_exponent(points in points(), kx in 1e-6..1e6f64, ky in 1e-6..1e6f64) {
        let a = fit_power_law(&points).unwrap();
        let b = fit_power_law(&scaled(&points, kx, ky)).unwrap();
        prop_assert!(close(a.exponent, b.exponent));
        prop_assert!(close(a.log_prefactor + ky.ln() - a.exponent * kx.ln(), b.log_prefactor));
        prop_assert!(close(a.exponent_error.unwrap_or(0.0), b.exponent_error.unwrap_or(0.0)));
        prop_assert!(close(a.r_squared.unwrap_or(0.0), b.r_squared.unwrap_or(0.0)));
    }

    #[test]
    fn a_weighted_fit_is_finite_or_an_error(
        points in prop::collection::vec((any_finite(), any_finite(), any_positive()), 0..8),
    ) {
        let weights: Vec<f64> = points.iter().map(|p| p.2).collect();
        let points: Vec<(f64, f64)> = points.iter().map(|p| (p.0, p.1)).collect();
        let absolute: Vec<(f64, f64)> = points.iter().map(|p| (p.0.abs(), p.1.abs())).collect();
        for fit in [
            fit_line(&points),
            fit_line_weighted(&points, &weights),
        ] {
            let Ok(line) = fit else { continue };
            prop_assert!(line.slope.is_finite() && line.intercept.is_finite(), "{line:?}");
            let optional = [line.slope_error, line.intercept_error, line.scatter, line.r_squared];
            prop_assert!(optional.iter().flatten().all(|v| v.is_finite() && *v >= 0.0), "{line:?}");
        }
        if let Ok(law) = fit_power_law_weighted(&absolute, &weights) {
            prop_assert!(law.exponent.is_finite() && law.log_prefactor.is_finite(), "{law:?}");
            let optional =
                [law.exponent_error, law.log_prefactor_error, law.scatter, law.r_squared];
            prop_assert!(optional.iter().flatten().all(|v| v.is_finite() && *v >= 0.0), "{law:?}");
        }
    }

    /// Weights of similar size, so that the plain sums of the formulas are accurate.
    #[test]
    fn a_weighted_fit_solves_the_normal_equations(
        points in prop::collection::vec((-9.0..9.0f64, -9.0..9.0f64, 0.1..9.0f64), 3..12),
    ) {
        let weights: Vec<f64> = points.iter().map(|p| p.2).collect();
        let xy: Vec<(f64, f64)> = points.iter().map(|p| (p.0, p.1)).collect();
        let line = fit_line_weighted(&xy, &weights).unwrap();
        let residual = |p: &(f64, f64, f64)| p.2 * (p.1 - line.value_at(p.0));
        let scale = 1.0 + line.slope.abs();
        prop_assert!(points.iter().map(residual).sum::<f64>().abs() < 1e-9 * scale);
        prop_assert!(points.iter().map(|p| p.0 * residual(p)).sum::<f64>().abs() < 1e-8 * scale);
    }

    #[test]
    fn inverting_y_inverts_the_exponent(points in points()) {
        let inverted: Vec<_> = points.iter().map(|&(x, y)| (x, 1.0 / y)).collect();
        let (a, b) = (fit_power_law(&points).unwrap(), fit_power_law(&inverted).unwrap());
        prop_assert!(close(a.exponent, -b.exponent));
    }

    #[test]
    fn the_fit_lies_between_the_local_exponents(points in points()) {
        let local: Vec<f64> =
            local_exponents(&points).unwrap().iter().map(|l| l.exponent).collect();
        let (low, high) = local
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), &e| (l.min(e), h.max(e)));
        let p = fit_power_law(&points).unwrap().exponent;
        prop_assert!(low - 1e-9 <= p && p <= high + 1e-9);
    }

    #[test]
    fn units_do_not_change_an_interval(points in points(), k in 1e-3..1e3f64) {
        let seeds = [points.clone(), scaled(&points, 1.0, 1.3)
            .into_iter().enumerate().map(|(i, (x, y))| (x, y * (1.0 + 0.1 * i as f64))).collect()];
        let units: Vec<_> = seeds.iter().map(|s| scaled(s, k, 1.0 / k)).collect();
        let config = BootstrapConfig { resamples: 100, ..Default::default() };
        let a = exponent_interval(&seeds, Pairing::Paired, &config).unwrap();
        let b = exponent_interval(&units, Pairing::Paired, &config).unwrap();
        prop_assert!(close(a.low, b.low) && close(a.high, b.high));
        prop_assert!(a.low < a.estimate && a.estimate < a.high);
    }

    #[test]
    fn a_crossing_scales_with_x(points in points(), k in 1e-3..1e3f64, at in 0.01..0.99f64) {
        let ys = || points.iter().map(|p| p.1);
        let (min, max) = (ys().fold(f64::INFINITY, f64::min), ys().fold(0.0, f64::max));
        let level = min + at * (max - min);
        for policy in [CrossingPolicy::First, CrossingPolicy::Last] {
            let a = crossing(&points, level, Scales::LOG_X, policy).unwrap();
            let b = crossing(&scaled(&points, k, 1.0), level, Scales::LOG_X, policy).unwrap();
            prop_assert!(close(k * a.x, b.x));
            prop_assert_eq!(a.n_crossings, b.n_crossings);
            prop_assert!(a.bracket.0 <= a.x * (1.0 + 1e-12));
            prop_assert!(a.x <= a.bracket.1 * (1.0 + 1e-12));
        }
    }

    #[test]
    fn policies_agree_on_a_monotone_curve(points in points(), at in 0.01..0.99f64) {
        let mut ys: Vec<f64> = points.iter().map(|p| p.1).collect();
        ys.sort_by(f64::total_cmp);
        ys.dedup();
        prop_assume!(ys.len() > 1);
        let curve: Vec<_> = points.iter().map(|p| p.0).zip(ys.iter().copied()).collect();
        let level = ys[0] + at * (ys[ys.len() - 1] - ys[0]);
        let found = [CrossingPolicy::Isotonic, CrossingPolicy::First, CrossingPolicy::Only]
            .map(|policy| crossing(&curve, level, Scales::LINEAR, policy).unwrap());
        prop_assert_eq!(found[0], found[1]);
        prop_assert_eq!(found[1], found[2]);
    }

    #[test]
    fn placement_agrees_with_set_inclusion(
        target in -2.0..2.0f64, margin in 0.0..2.0f64, a in -5.0..5.0f64, b in -5.0..5.0f64,
    ) {
        let (low, high) = (a.min(b), a.max(b));
        let inside = |v: f64| target - margin <= v && v <= target + margin;
        let grid = (0..=200).map(|i| low + (high - low) * f64::from(i) / 200.0);
        match (Equivalence { target, margin }).place(low, high) {
            Placement::Within => prop_assert!(inside(low) && inside(high)),
            Placement::Outside => prop_assert!(!grid.clone().any(inside) && !(low..=high).contains(&target)),
            Placement::Straddles => {
                prop_assert!(!(inside(low) && inside(high)));
                prop_assert!(low <= target + margin && target - margin <= high);
            }
        }
    }

    #[test]
    fn a_larger_margin_never_refutes_more(
        target in -2.0..2.0f64, margin in 0.0..2.0f64, more in 0.0..2.0f64,
        low in -5.0..5.0f64, width in 0.0..3.0f64,
    ) {
        let place = |margin| (Equivalence { target, margin }).place(low, low + width);
        if place(margin) == Placement::Within {
            prop_assert_eq!(place(margin + more), Placement::Within);
        }
        if place(margin + more) == Placement::Outside {
            prop_assert_eq!(place(margin), Placement::Outside);
        }
    }

    #[test]
    fn rescaling_can_be_inverted(y in -1e3..1e3f64, lo in -10.0..0.0f64, hi in 1.0..10.0f64) {
        let there = rescale(&[y], lo, hi).unwrap();
        let back = rescale(&there, -lo / (hi - lo), (1.0 - lo) / (hi - lo)).unwrap();
        prop_assert!(close(back[0], y));
    }

    #[test]
    fn a_logarithmic_grid_increases(low in 1e-9..1.0f64, ratio in 1.001..1e9f64, n in 2..50usize) {
        let grid = log_spaced(low, low * ratio, n).unwrap();
        prop_assert_eq!(grid.len(), n);
        prop_assert!(grid.windows(2).all(|w| w[0] < w[1]));
    }
}

#[test]
fn invalid_intervals_straddle() {
    let half = Equivalence { target: 0.5, margin: 0.1 };
    for (low, high) in [(f64::NAN, 0.1), (0.1, f64::NAN), (0.2, 0.1)] {
        assert_eq!(half.place(low, high), Placement::Straddles);
    }
    let negative = Equivalence { target: 0.5, margin: -0.1 };
    assert_eq!(negative.place(0.9, 1.0), Placement::Straddles);
}
