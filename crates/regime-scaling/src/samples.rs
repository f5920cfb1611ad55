//! Sorting and interpolation of a sampled curve.

/// Sorts points by `x` and replaces points that share an `x` by their mean.
pub(crate) fn sort_and_merge(mut points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    points
        .chunk_by(|a, b| a.0 == b.0)
        .map(|same| (same[0].0, same.iter().map(|p| p.1).sum::<f64>() / same.len() as f64))
        .collect()
}

/// The ordinate at `x` of the straight line through `a` and `b`.
pub(crate) fn interpolate(a: (f64, f64), b: (f64, f64), x: f64) -> f64 {
    a.1 + (b.1 - a.1) * ((x - a.0) / (b.0 - a.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_abscissae_are_merged() {
        let merged = sort_and_merge(vec![(2.0, 1.0), (1.0, 5.0), (2.0, 3.0)]);
        assert_eq!(merged, [(1.0, 5.0), (2.0, 2.0)]);
    }

    #[test]
    fn interpolation_is_exact_at_its_ends() {
        let (a, b) = ((1.0, 3.0), (2.0, -1.0));
        assert_eq!(interpolate(a, b, 1.0), 3.0);
        assert_eq!(interpolate(a, b, 2.0), -1.0);
        assert_eq!(interpolate(a, b, 1.25), 2.0);
    }
}
