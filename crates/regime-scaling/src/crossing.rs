//! The crossing of a level by a sampled curve.

use crate::isotonic::isotonic;
use crate::samples::{interpolate, sort_and_merge};
use crate::scale::{Axis, Scales};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Which crossing to report if noise or shape produces several.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum CrossingPolicy {
    /// The crossing of the monotone curve closest to the samples in least squares
    /// (on the scale of y; rising or falling, whichever is closer), which crosses at
    /// most once. This policy is the default: for a monotone quantity with noise, it
    /// uses all samples and favours neither early nor late fluctuations. A noiseless
    /// monotone curve is not changed.
    #[default]
    Isotonic,
    /// The crossing at the smallest x, such as an event in time.
    First,
    /// The crossing at the largest x.
    Last,
    /// The only crossing; several are an error.
    Only,
}

/// The direction in which a curve crosses a level, for increasing x.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Direction {
    /// From below to above.
    Rising,
    /// From above to below.
    Falling,
}

/// The crossing of a level by a curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Crossing {
    /// The position, in the units of the samples.
    pub x: f64,
    /// The direction.
    pub direction: Direction,
    /// The last sampled x before the crossing and the first sampled x after it.
    pub bracket: (f64, f64),
    /// How often the samples, joined by straight lines, cross the level. A number
    /// above one indicates noise, or a curve that is not monotone.
    pub n_crossings: usize,
}

/// Why there is no crossing to report.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum CrossingError {
    /// The curve stays on one side of the level. A curve that touches the level, or
    /// ends on it, does not cross it.
    #[error("never passes {level}: values lie between {min} and {max}")]
    NeverCrosses {
        /// Smallest ordinate (of the monotone curve, under
        /// [`CrossingPolicy::Isotonic`]).
        min: f64,
        /// Largest ordinate, likewise.
        max: f64,
        /// The requested level.
        level: f64,
    },
    /// A sample is NaN or infinite.
    #[error("{axis}[{index}] = {value} is not finite")]
    NotFinite {
        /// Which coordinate.
        axis: Axis,
        /// Position in the input.
        index: usize,
        /// The offending value.
        value: f64,
    },
    /// A sample is not positive on a logarithmic axis.
    #[error("{axis}[{index}] = {value} is not positive on a logarithmic axis")]
    NotPositive {
        /// Which coordinate.
        axis: Axis,
        /// Position in the input.
        index: usize,
        /// The offending value.
        value: f64,
    },
    /// The level is not finite, or not positive on a logarithmic axis.
    #[error("level {level} is not valid on the y axis")]
    BadLevel {
        /// The requested level.
        level: f64,
    },
    /// Fewer than two different abscissae.
    #[error("{distinct} distinct x; a crossing needs at least 2")]
    TooFewPoints {
        /// Number of different x found.
        distinct: usize,
    },
    /// Several crossings under [`CrossingPolicy::Only`].
    #[error("{n} crossings; exactly one was requested")]
    Several {
        /// Number of crossings.
        n: usize,
    },
}

/// Finds where the curve through `points` crosses `level`.
///
/// The points may be in any order; points that share an x are averaged. On
/// the given scales the curve consists of straight lines between samples. If the
/// curve lies on the level over a stretch before it reaches the other side, the
/// crossing is the middle of that stretch.
///
/// ```
/// use regime_scaling::{CrossingPolicy, Scales, crossing};
/// let points = [(1.0, 0.0), (100.0, 1.0)];
/// let found = crossing(&points, 0.5, Scales::LOG_X, CrossingPolicy::default()).unwrap();
/// assert!((found.x - 10.0).abs() < 1e-12);
/// ```
///
/// # Errors
/// See [`CrossingError`].
pub fn crossing(
    points: &[(f64, f64)],
    level: f64,
    scales: Scales,
    policy: CrossingPolicy,
) -> Result<Crossing, CrossingError> {
    check(points, level, scales)?;
    let coordinates =
        points.iter().map(|&(x, y)| (scales.x.coordinate(x), scales.y.coordinate(y))).collect();
    let curve = sort_and_merge(coordinates);
    if curve.len() < 2 {
        return Err(CrossingError::TooFewPoints { distinct: curve.len() });
    }
    let height = scales.y.coordinate(level);
    let raw = passages(&curve, height);
    let monotone;
    let (searched, found) = match policy {
        CrossingPolicy::Isotonic => {
            monotone = closest_monotone(&curve);
            (&monotone, passages(&monotone, height).first().copied())
        }
        CrossingPolicy::First => (&curve, raw.first().copied()),
        CrossingPolicy::Last => (&curve, raw.last().copied()),
        CrossingPolicy::Only if raw.len() > 1 => {
            return Err(CrossingError::Several { n: raw.len() });
        }
        CrossingPolicy::Only => (&curve, raw.first().copied()),
    };
    let Some(passage) = found else {
        let (min, max) = searched
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), p| (lo.min(p.1), hi.max(p.1)));
        return Err(CrossingError::NeverCrosses {
            min: scales.y.value(min),
            max: scales.y.value(max),
            level,
        });
    };
    let sampled = |coordinate: f64| {
        let at = points.iter().map(|p| p.0).find(|&x| scales.x.coordinate(x) == coordinate);
        at.unwrap_or_else(|| scales.x.value(coordinate))
    };
    Ok(Crossing {
        x: scales.x.value(passage.x),
        direction: passage.direction,
        bracket: (sampled(passage.bracket.0), sampled(passage.bracket.1)),
        n_crossings: raw.len(),
    })
}

/// A crossing, in the coordinates of the scales.
#[derive(Clone, Copy)]
struct Passage {
    x: f64,
    direction: Direction,
    bracket: (f64, f64),
}

/// All crossings of the level `height` by a sorted curve, in order.
fn passages(curve: &[(f64, f64)], height: f64) -> Vec<Passage> {
    let off_level: Vec<usize> = (0..curve.len()).filter(|&i| curve[i].1 != height).collect();
    let mut found = Vec::new();
    for pair in off_level.windows(2) {
        let (before, after) = (curve[pair[0]], curve[pair[1]]);
        if (before.1 < height) == (after.1 < height) {
            continue;
        }
        let x = if pair[1] == pair[0] + 1 {
            interpolate((before.1, before.0), (after.1, after.0), height)
        } else {
            0.5 * (curve[pair[0] + 1].0 + curve[pair[1] - 1].0)
        };
        let direction = if before.1 < height { Direction::Rising } else { Direction::Falling };
        found.push(Passage { x, direction, bracket: (before.0, after.0) });
    }
    found
}

/// The rising or falling monotone curve closest to the samples.
fn closest_monotone(curve: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let y: Vec<f64> = curve.iter().map(|p| p.1).collect();
    let negated: Vec<f64> = y.iter().map(|v| -v).collect();
    let rising = isotonic(&y);
    let falling: Vec<f64> = isotonic(&negated).into_iter().map(|v| -v).collect();
    let distance = |fit: &[f64]| fit.iter().zip(&y).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
    let closest = if distance(&rising) <= distance(&falling) { rising } else { falling };
    curve.iter().zip(closest).map(|(p, y)| (p.0, y)).collect()
}

fn check(points: &[(f64, f64)], level: f64, scales: Scales) -> Result<(), CrossingError> {
    if !scales.y.admits(level) {
        return Err(CrossingError::BadLevel { level });
    }
    for (index, &(x, y)) in points.iter().enumerate() {
        for (axis, value, scale) in [(Axis::X, x, scales.x), (Axis::Y, y, scales.y)] {
            if !value.is_finite() {
                return Err(CrossingError::NotFinite { axis, index, value });
            }
            if !scale.admits(value) {
                return Err(CrossingError::NotPositive { axis, index, value });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use CrossingPolicy::{First, Isotonic, Last, Only};

    const POLICIES: [CrossingPolicy; 4] = [Isotonic, First, Last, Only];

    #[test]
    fn the_crossing_of_a_line_is_exact() {
        let points = [(3.0, 5.0), (1.0, 1.0), (2.0, 3.0)];
        for policy in POLICIES {
            let found = crossing(&points, 2.5, Scales::LINEAR, policy).unwrap();
            assert!((found.x - 1.75).abs() < 1e-15);
            assert_eq!(found.bracket, (1.0, 2.0));
            assert_eq!((found.direction, found.n_crossings), (Direction::Rising, 1));
        }
    }

    #[test]
    fn a_power_law_is_a_line_in_log_log() {
        let points = [0.1, 10.0, 1000.0].map(|x: f64| (x, 3.0 * x.powf(-1.5)));
        for policy in POLICIES {
            let found = crossing(&points, 3.0 * 8.0, Scales::LOG_LOG, policy).unwrap();
            assert!((found.x - 0.25).abs() < 1e-14);
            assert_eq!(found.bracket, (0.1, 10.0));
            assert_eq!(found.direction, Direction::Falling);
        }
    }

    #[test]
    fn policies_differ_on_a_noisy_curve() {
        let y = [0.0, 0.6, 0.4, 0.5, 1.0, 1.0];
        let points: Vec<_> = y.into_iter().enumerate().map(|(i, y)| (i as f64, y)).collect();
        let at = |policy| crossing(&points, 0.55, Scales::LINEAR, policy);
        assert!((at(First).unwrap().x - 0.55 / 0.6).abs() < 1e-15);
        assert!((at(Last).unwrap().x - 3.1).abs() < 1e-12);
        // 0.6, 0.4, 0.5 are pooled to 0.5; the level lies a tenth of the way up.
        assert!((at(Isotonic).unwrap().x - 3.1).abs() < 1e-12);
        assert_eq!(at(Isotonic).unwrap().n_crossings, 3);
        assert_eq!(at(Only), Err(CrossingError::Several { n: 3 }));
    }

    #[test]
    fn a_plateau_on_the_level_is_crossed_in_its_middle() {
        let points = [(0.0, 0.0), (1.0, 0.5), (4.0, 0.5), (5.0, 1.0)];
        for policy in POLICIES {
            let found = crossing(&points, 0.5, Scales::LINEAR, policy).unwrap();
            assert_eq!((found.x, found.bracket), (2.5, (0.0, 5.0)));
        }
    }

    #[test]
    fn touching_is_not_passing() {
        let points = [(0.0, 0.0), (1.0, 0.5), (2.0, 0.0)];
        let at = |level| crossing(&points, level, Scales::LINEAR, First);
        assert_eq!(at(0.5), Err(CrossingError::NeverCrosses { min: 0.0, max: 0.5, level: 0.5 }));
        assert_eq!(at(0.4).unwrap().n_crossings, 2);
        assert_eq!(at(2.0), Err(CrossingError::NeverCrosses { min: 0.0, max: 0.5, level: 2.0 }));
    }

    #[test]
    fn invalid_input_is_an_error() {
        let at = |points: &[(f64, f64)], level, scales| crossing(points, level, scales, Only);
        assert_eq!(
            at(&[(1.0, 1.0), (1.0, 3.0)], 2.0, Scales::LINEAR),
            Err(CrossingError::TooFewPoints { distinct: 1 })
        );
        assert_eq!(
            at(&[(0.0, 1.0), (1.0, 3.0)], 2.0, Scales::LOG_X),
            Err(CrossingError::NotPositive { axis: Axis::X, index: 0, value: 0.0 })
        );
        assert!(matches!(
            at(&[(0.0, 1.0), (1.0, f64::NAN)], 2.0, Scales::LINEAR),
            Err(CrossingError::NotFinite { axis: Axis::Y, index: 1, .. })
        ));
        assert_eq!(
            at(&[(1.0, 1.0), (2.0, 3.0)], 0.0, Scales::LOG_LOG),
            Err(CrossingError::BadLevel { level: 0.0 })
        );
    }
}
