//! Labels in a column, pushed apart until none covers another.

/// Moves labels apart vertically, as little as possible in the sense of least
/// squares.
///
/// `wanted[i]` is where the centre of label `i` would best stand and
/// `heights[i]` its height; the labels must be in increasing order of
/// `wanted`. They keep that order, do not overlap, and stay between `top` and
/// `bottom`; if they do not fit there, they overlap evenly.
///
/// # Panics
/// If `wanted` and `heights` differ in length.
///
/// # Reference
/// With the heights before a label subtracted, "no overlap" reads "not
/// decreasing", so this is isotonic regression, solved by pooling adjacent
/// violators. Clamping its solution to an interval solves the bounded problem.
pub(super) fn spread(wanted: &[f64], heights: &[f64], top: f64, bottom: f64) -> Vec<f64> {
    assert_eq!(wanted.len(), heights.len(), "one height for each label");
    let total: f64 = heights.iter().sum();
    let available = (bottom - top).max(0.0);
    let shrink = if total > available { available / total } else { 1.0 };

    // Offset of the centre of each label in the stack of all of them.
    let offsets: Vec<f64> = heights
        .iter()
        .scan(0.0, |stacked, height| {
            *stacked += height * shrink;
            Some(*stacked - height * shrink / 2.0)
        })
        .collect();

    // Blocks of labels that touch: (sum of the wanted origins, how many).
    let mut blocks: Vec<(f64, usize)> = Vec::new();
    for (wanted, offset) in wanted.iter().zip(&offsets) {
        let mut block = (wanted - offset, 1);
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
    fn labels_with_space_stay_where_they_are() {
        assert_eq!(spread(&[20.0, 60.0], &[10.0, 10.0], 0.0, 100.0), [20.0, 60.0]);
        assert!(spread(&[], &[], 0.0, 1.0).is_empty());
    }

    #[test]
    fn equal_labels_are_centred_on_their_place() {
        assert_eq!(spread(&[50.0; 3], &[10.0; 3], 0.0, 100.0), [40.0, 50.0, 60.0]);
        assert_eq!(spread(&[99.0; 2], &[10.0; 2], 0.0, 100.0), [85.0, 95.0]);
    }

    #[test]
    fn order_and_bounds_hold_for_any_labels() {
        // A linear congruential generator: any numbers will do.
        let mut state = 7u64;
        let mut uniform = move || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 11) as f64 / (1u64 << 53) as f64
        };
        for count in [1, 2, 3, 7, 12, 33] {
            for _ in 0..50 {
                let mut wanted: Vec<f64> = (0..count).map(|_| 300.0 * uniform() - 50.0).collect();
                wanted.sort_by(f64::total_cmp);
                let heights: Vec<f64> = (0..count).map(|_| 5.0 + 15.0 * uniform()).collect();
                let placed = spread(&wanted, &heights, 0.0, 200.0);
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
