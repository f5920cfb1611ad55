//! Which seeds say something about a common slope.

use crate::student_t;

/// The seeds to average the slopes of, in their order: those whose mean is
/// expected to have the shortest 95 % interval if the noise is the same at all
/// points.
///
/// `sxx[s]` is the sum of squares of seed `s` about its mean abscissa. A seed
/// where it is zero has no slope and is never chosen. Seeds of equal `sxx` are
/// chosen together.
///
/// # Reference
/// The slope of seed `s` has the variance `σ²/sxx[s]`. Of the `k` seeds with
/// the largest `sxx`, that `k ≥ 2` is taken for which
/// `t_{k−1}² · Σ_s 1/sxx[s] / k²` is smallest.
pub(crate) fn informative(sxx: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..sxx.len()).filter(|&seed| sxx[seed] > 0.0).collect();
    order.sort_by(|&a, &b| sxx[b].total_cmp(&sxx[a]));
    let (mut best, mut shortest, mut variances) = (order.len(), f64::INFINITY, 0.0);
    for (before, &seed) in order.iter().enumerate() {
        variances += 1.0 / sxx[seed];
        let k = before + 1;
        let same_as_next = order.get(k).is_some_and(|&next| sxx[next] > (1.0 - SAME) * sxx[seed]);
        if k < 2 || same_as_next {
            continue;
        }
        let t = student_t::quantile(0.975, before as f64);
        let square = (t / k as f64).powi(2) * variances;
        if square < shortest {
            (best, shortest) = (k, square);
        }
    }
    order.truncate(best);
    order.sort_unstable();
    order
}

/// Relative difference below which two sums of squares are equal up to rounding.
const SAME: f64 = 1e-9;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_seeds_all_count() {
        for n in 2..50 {
            assert_eq!(informative(&vec![2.4; n]).len(), n);
        }
        let rounded = [2.4, 2.4 * (1.0 + 1e-15), 2.4 * (1.0 - 1e-15)];
        assert_eq!(informative(&rounded), [0, 1, 2]);
    }

    #[test]
    fn seeds_without_a_slope_never_count() {
        assert_eq!(informative(&[0.0, 2.4, 0.0, 2.4]), [1, 3]);
        assert_eq!(informative(&[0.0, 2.4]), [1]);
        assert!(informative(&[0.0, 0.0]).is_empty());
        assert!(informative(&[]).is_empty());
    }

    /// Half-empty seeds help two whole ones, whose t is 12.7, and not five, whose
    /// t is 2.8.
    #[test]
    fn a_weak_seed_counts_if_it_narrows_the_interval() {
        assert_eq!(informative(&[2.4, 0.24, 2.4]), [0, 1, 2]);
        assert_eq!(informative(&[2.4, 2.4, 0.24, 2.4, 2.4, 2.4]), [0, 1, 3, 4, 5]);
        assert_eq!(informative(&[2.4, 1e-12, 2.4]), [0, 2]);
    }
}
