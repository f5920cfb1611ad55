//! Panels of a quadrature, refined towards 0.

use std::iter;

/// Panels `[a, b]` that cover `[0, range]`. The first has the width `first`; each of the
/// others is as wide as its distance from 0, but at most `widest`.
///
/// A function that is irregular only at 0, with singularities in the complex plane no
/// nearer than `first`, is then equally smooth on every panel.
pub(super) fn panels(range: f64, first: f64, widest: f64) -> impl Iterator<Item = (f64, f64)> {
    let mut start = 0.0;
    iter::from_fn(move || {
        let width = if start == 0.0 { first } else { start };
        let end = range.min(start + width.min(widest));
        (end > start).then(|| (std::mem::replace(&mut start, end), end))
    })
}

#[cfg(test)]
mod tests {
    use super::panels;

    #[test]
    fn panels_double_up_to_the_widest() {
        let found: Vec<_> = panels(3.5, 0.25, 1.0).collect();
        let edges = [0.0, 0.25, 0.5, 1.0, 2.0, 3.0, 3.5];
        let expected: Vec<_> = edges.windows(2).map(|e| (e[0], e[1])).collect();
        assert_eq!(found, expected);
        assert_eq!(panels(0.5, f64::INFINITY, 1.0).collect::<Vec<_>>(), [(0.0, 0.5)]);
        assert_eq!(panels(0.0, 0.1, 1.0).count(), 0);
        assert!(panels(1.0, 1e-300, 1.0).count() < 1100);
    }
}
