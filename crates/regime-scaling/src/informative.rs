//! The selection of seeds for the average of their slopes.

use crate::student_t;

/// Selects the seeds whose mean slope has the shortest expected 95 % interval if the
/// noise is the same at all points. Returns their indices in increasing order.
///
/// `sxx[s]` is the sum of squares of seed `s` about its mean abscissa. A seed
/// with `sxx[s] = 0` has no slope and is never selected. Of seeds with equal `sxx`,
/// all or none are selected.
///
/// # Reference
/// The slope of seed `s` has the variance `σ²/sxx[s]`. The `k ≥ 2` seeds with
/// the largest `sxx` are selected, where `k` minimises
/// `t_{k−1}² · Σ_s 1/sxx[s] / k²`.
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
    fn equal_seeds_are_all_selected() {
        for n in 2..50 {
            assert_eq!(informative(&vec![2.4; n]).len(), n);
        }
        let rounded = [2.4, 2.4 * (1.0 + 1e-15), 2.4 * (1.0 - 1e-15)];
        assert_eq!(informative(&rounded), [0, 1, 2]);
    }

    #[test]
    fn seeds_without_a_slope_are_never_selected() {
        assert_eq!(informative(&[0.0, 2.4, 0.0, 2.4]), [1, 3]);
        assert_eq!(informative(&[0.0, 2.4]), [1]);
        assert!(informative(&[0.0, 0.0]).is_empty());
        assert!(informative(&[]).is_empty());
    }

    /// A weak seed narrows the interval of two strong seeds, whose t is 12.7, but not
    /// of five, whose t is 2.8.
    #[test]
    fn a_weak_seed_is_selected_if_it_narrows_the_interval() {
        assert_eq!(informative(&[2.4, 0.24, 2.4]), [0, 1, 2]);
        assert_eq!(informative(&[2.4, 2.4, 0.24, 2.4, 2.4, 2.4]), [0, 1, 3, 4, 5]);
        assert_eq!(informative(&[2.4, 1e-12, 2.4]), [0, 2]);
    }
}
