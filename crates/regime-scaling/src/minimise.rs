//! The minimum of a rough function of one variable on a bracket.

/// Where a minimum was found.
pub(crate) struct Minimum {
    pub(crate) x: f64,
    pub(crate) value: f64,
    /// Whether the best grid point is an end of the bracket, or next to a point
    /// without a value: there may be lower values outside.
    pub(crate) at_edge: bool,
}

/// Evaluates `f` on a grid of `n_grid ≥ 3` points on `[low, high]`, then searches the
/// two cells next to the best point by golden section, to `10⁻⁶` of the bracket.
/// Points without a value are never best. `None` if no grid point has a value.
pub(crate) fn minimise(
    mut f: impl FnMut(f64) -> Option<f64>,
    (low, high): (f64, f64),
    n_grid: usize,
) -> Option<Minimum> {
    let mut cost = |x: f64| f(x).unwrap_or(f64::INFINITY);
    let step = (high - low) / (n_grid - 1) as f64;
    let grid: Vec<f64> = (0..n_grid).map(|i| low + step * i as f64).collect();
    let costs: Vec<f64> = grid.iter().map(|&x| cost(x)).collect();
    let best = (0..n_grid).min_by(|&i, &j| costs[i].total_cmp(&costs[j]))?;
    if costs[best].is_infinite() {
        return None;
    }
    let (left, right) = (best.saturating_sub(1), (best + 1).min(n_grid - 1));
    let at_edge =
        left == best || right == best || costs[left].is_infinite() || costs[right].is_infinite();
    let golden = golden_section(&mut cost, grid[left], grid[right], 1e-6 * (high - low));
    let (x, value) = if golden.1 < costs[best] { golden } else { (grid[best], costs[best]) };
    Some(Minimum { x, value, at_edge })
}

/// Kiefer's golden-section search. Returns the point and its value.
fn golden_section(
    cost: &mut impl FnMut(f64) -> f64,
    mut low: f64,
    mut high: f64,
    width: f64,
) -> (f64, f64) {
    let ratio = (5f64.sqrt() - 1.0) / 2.0;
    let inner = |low: f64, high: f64| (high - ratio * (high - low), low + ratio * (high - low));
    let (mut a, mut b) = inner(low, high);
    let (mut at_a, mut at_b) = (cost(a), cost(b));
    while high - low > width {
        if at_a <= at_b {
            (high, b, at_b) = (b, a, at_a);
            a = inner(low, high).0;
            at_a = cost(a);
        } else {
            (low, a, at_a) = (a, b, at_b);
            b = inner(low, high).1;
            at_b = cost(b);
        }
    }
    if at_a <= at_b { (a, at_a) } else { (b, at_b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lower_of_two_minima_is_found() {
        let f = |x: f64| Some((x * x - 1.0).powi(2) + 0.1 * x);
        let minimum = minimise(f, (-2.0, 2.0), 41).unwrap();
        assert!((minimum.x + 1.012_2).abs() < 1e-3);
        assert!(!minimum.at_edge);
    }

    #[test]
    fn a_kink_is_found() {
        let minimum = minimise(|x| Some((x - 0.3).abs()), (0.0, 1.0), 11).unwrap();
        assert!((minimum.x - 0.3).abs() < 2e-6 && minimum.value < 2e-6);
    }

    #[test]
    fn edges_and_gaps_are_reported() {
        assert!(minimise(|x| Some(2.0 * x), (0.0, 1.0), 11).unwrap().at_edge);
        assert!(minimise(|x| (x > 0.45).then_some(x), (0.0, 1.0), 11).unwrap().at_edge);
        assert!(minimise(|_| None, (0.0, 1.0), 11).is_none());
    }
}
