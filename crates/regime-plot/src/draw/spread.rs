//! Positions of labels in a column, without overlap.

/// Moves labels apart vertically, by the smallest sum of squared displacements.
///
/// `targets[i]` is the best position of the centre of label `i` and `heights[i]` its
/// height; `targets` must be in increasing order. The labels keep this order, do not
/// overlap, and stay between `top` and `bottom`. If they do not fit there, they overlap
/// evenly.
///
/// # Panics
/// If `targets` and `heights` differ in length.
///
/// # Reference
/// After subtraction of the heights before each label, "no overlap" becomes "not
/// decreasing". The problem is then isotonic regression, solved by pooling adjacent
/// violators. Clamping the solution to an interval solves the bounded problem.
pub(super) fn spread(targets: &[f64], heights: &[f64], top: f64, bottom: f64) -> Vec<f64> {
    assert_eq!(targets.len(), heights.len(), "targets and heights differ in length");
    let total: f64 = heights.iter().sum();
    let available = (bottom - top).max(0.0);
    let shrink = if total > available { available / total } else { 1.0 };

    // Offset of the centre of each label in the stack of all labels.
    let offsets: Vec<f64> = heights
        .iter()
        .scan(0.0, |stacked, height| {
            *stacked += height * shrink;
            Some(*stacked - height * shrink / 2.0)
        })
        .collect();

    // Blocks of labels that touch: (sum of the target origins, number of labels).
    let mut blocks: Vec<(f64, usize)> = Vec::new();
    for (target, offset) in targets.iter().zip(&offsets) {
        let mut block = (target - offset, 1);
        while let Some(&(sum, count)) = blocks.last()
            && sum / count as f64 >= block.0 / block.1 as f64
        {
            block = (block.0 + sum, block.1 + count);
            blocks.pop();
        }
        blocks.push(block);
    }

    let last_origin = (bottom - total * shrink).max(top);
    blocks
        .into_iter()
        .flat_map(|(sum, count)| {
            std::iter::repeat_n((sum / count as f64).clamp(top, last_origin), count)
        })
        .zip(offsets)
        .map(|(origin, offset)| origin + offset)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_without_overlap_do_not_move() {
        assert_eq!(spread(&[20.0, 60.0], &[10.0, 10.0], 0.0, 100.0), [20.0, 60.0]);
        assert!(spread(&[], &[], 0.0, 1.0).is_empty());
    }

    #[test]
    fn equal_labels_are_centred_on_their_target() {
        assert_eq!(spread(&[50.0; 3], &[10.0; 3], 0.0, 100.0), [40.0, 50.0, 60.0]);
        assert_eq!(spread(&[99.0; 2], &[10.0; 2], 0.0, 100.0), [85.0, 95.0]);
    }

    #[test]
    fn order_and_bounds_hold_for_any_labels() {
        // A linear congruential generator is good enough here.
        let mut state = 7u64;
        let mut uniform = move || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 11) as f64 / (1u64 << 53) as f64
        };
        for count in [1, 2, 3, 7, 12, 33] {
            for _ in 0..50 {
                let mut targets: Vec<f64> = (0..count).map(|_| 300.0 * uniform() - 50.0).collect();
                targets.sort_by(f64::total_cmp);
                let heights: Vec<f64> = (0..count).map(|_| 5.0 + 15.0 * uniform()).collect();
                let placed = spread(&targets, &heights, 0.0, 200.0);
                let fits = heights.iter().sum::<f64>() <= 200.0;
                assert!(placed.is_sorted());
                for index in 0..count {
                    let half = if fits { heights[index] / 2.0 } else { 0.0 };
                    assert!(placed[index] >= half - 1e-9 && placed[index] <= 200.0 - half + 1e-9);
                }
                for index in 1..count {
                    let apart = (heights[index - 1] + heights[index]) / 2.0;
                    assert!(!fits || placed[index] - placed[index - 1] >= apart - 1e-9);
                }
            }
        }
    }
}
