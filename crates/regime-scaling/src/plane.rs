//! The dependence on two quantities, with intervals over seeds.

use crate::bootstrap::{BootstrapConfig, BootstrapError, BootstrapInterval, bootstrap};

/// Smallest fraction of the variance of one abscissa that the other abscissa must leave
/// unexplained, for the slopes to be determined.
const MIN_FREE_FRACTION: f64 = 1e-9;

/// A combination of the slopes `[p, q]` of `z = c + p·x + q·y`, with its interval over seeds. Every
/// seed has its own `c`; all seeds share the slopes.
///
/// If x (or y) does not vary within any seed, its slope is `None`, and the other slope is the slope
/// of a straight-line fit.
///
/// ```
/// use regime_scaling::{BootstrapConfig, slopes_interval};
///
/// let seed = |c: f64, noise: f64| -> Vec<[f64; 3]> {
///     [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)]
///         .map(|(x, y)| [x, y, c + 2.0 * x - (0.5 + noise) * y])
///         .to_vec()
/// };
/// let seeds = [seed(0.0, 0.1), seed(3.0, -0.1), seed(1.0, 0.05)];
/// let found = slopes_interval(&seeds, &BootstrapConfig::default(), |[p, q]| Some(p? + q?))?;
/// assert!(found.contains(1.5));
/// # Ok::<(), regime_scaling::BootstrapError>(())
/// ```
///
/// # Errors
/// Those of [`bootstrap`]; [`BootstrapError::StatisticFailed`] if the slopes that
/// `combine` needs are not determined. Seeds with fewer than two points are not counted.
///
/// # Reference
/// Least squares about the mean of each seed, the within estimator of panel data.
pub fn slopes_interval<S: AsRef<[[f64; 3]]>>(
    seeds: &[S],
    config: &BootstrapConfig,
    combine: impl Fn([Option<f64>; 2]) -> Option<f64>,
) -> Result<BootstrapInterval, BootstrapError> {
    let sums: Vec<Sums> =
        seeds.iter().map(AsRef::as_ref).filter(|seed| seed.len() > 1).map(Sums::of).collect();
    bootstrap(sums.len(), config, |drawn| {
        let total = drawn.iter().fold(Sums::default(), |total, &seed| total.plus(sums[seed]));
        combine(total.slopes())
    })
}

/// Sums of squares and products about the means.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    xx: f64,
    xy: f64,
    yy: f64,
    xz: f64,
    yz: f64,
    /// Sums of squares about zero. A spread much smaller than these sums is rounding error.
    scale: [f64; 2],
}

impl Sums {
    fn of(points: &[[f64; 3]]) -> Self {
        let n = points.len() as f64;
        let centre = [0, 1, 2].map(|k| points.iter().map(|p| p[k]).sum::<f64>() / n);
        let s = |j: usize, k: usize| {
            points.iter().map(|p| (p[j] - centre[j]) * (p[k] - centre[k])).sum::<f64>()
        };
        let scale = [0, 1].map(|k| points.iter().map(|p| p[k] * p[k]).sum());
        Self { xx: s(0, 0), xy: s(0, 1), yy: s(1, 1), xz: s(0, 2), yz: s(1, 2), scale }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            xx: self.xx + other.xx,
            xy: self.xy + other.xy,
            yy: self.yy + other.yy,
            xz: self.xz + other.xz,
            yz: self.yz + other.yz,
            scale: [self.scale[0] + other.scale[0], self.scale[1] + other.scale[1]],
        }
    }

    fn slopes(self) -> [Option<f64>; 2] {
        let Self { xx, xy, yy, xz, yz, scale } = self;
        let differs = |square: f64, scale: f64| square > 1e-20 * scale && square > 0.0;
        match (differs(xx, scale[0]), differs(yy, scale[1])) {
            (false, false) => [None, None],
            (true, false) => [Some(xz / xx), None],
            (false, true) => [None, Some(yz / yy)],
            (true, true) => {
                let determinant = xx * yy - xy * xy;
                if determinant <= MIN_FREE_FRACTION * xx * yy {
                    return [None, None];
                }
                [Some((xz * yy - yz * xy) / determinant), Some((yz * xx - xz * xy) / determinant)]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slopes(points: &[[f64; 3]]) -> [Option<f64>; 2] {
        Sums::of(points).slopes()
    }

    #[test]
    fn exact_planes_are_recovered() {
        let points: Vec<[f64; 3]> = (0..12)
            .map(|i| {
                let (x, y) = (f64::from(i % 4), f64::from(i * i % 5));
                [x, y, 7.0 + 1.25 * x - 0.5 * y]
            })
            .collect();
        let [p, q] = slopes(&points);
        assert!((p.unwrap() - 1.25).abs() < 1e-12 && (q.unwrap() + 0.5).abs() < 1e-12);
    }

    #[test]
    fn a_constant_abscissa_has_no_slope() {
        let along_x = [[0.0, 0.3, 1.0], [1.0, 0.3, 3.0]];
        assert_eq!(slopes(&along_x), [Some(2.0), None]);
        let along_y = [[0.1, 0.0, 1.0], [0.1, 2.0, 2.0]];
        assert_eq!(slopes(&along_y), [None, Some(0.5)]);
        // For points on a line in the plane of x and y, neither slope is determined.
        let collinear = [[0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [2.0, 2.0, 2.0]];
        assert_eq!(slopes(&collinear), [None, None]);
        assert_eq!(slopes(&[[1.0, 2.0, 3.0]]), [None, None]);
    }

    #[test]
    fn seeds_without_two_points_are_not_counted() {
        let seed = |tilt: f64| vec![[0.0, 0.0, 0.0], [1.0, 0.0, tilt]];
        let seeds = [seed(1.0), vec![[0.0, 0.0, 5.0]], seed(1.2), Vec::new()];
        let found = slopes_interval(&seeds, &BootstrapConfig::default(), |[p, _]| p).unwrap();
        assert_eq!(found.n_seeds, 2);
        assert!((found.estimate - 1.1).abs() < 1e-12);
    }
}
