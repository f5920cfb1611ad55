//! The monotone curve closest to noisy ordinates.

/// The non-decreasing sequence closest to `y` in least squares.
///
/// Time and memory are linear in the length.
///
/// # Reference
/// Pool adjacent violators: Barlow et al., "Statistical Inference under Order
/// Restrictions" (1972).
pub(crate) fn isotonic(y: &[f64]) -> Vec<f64> {
    let mut blocks: Vec<(f64, usize)> = Vec::with_capacity(y.len());
    for &value in y {
        blocks.push((value, 1));
        while let [.., (left, n_left), (right, n_right)] = blocks[..] {
            if left <= right {
                break;
            }
            let n = n_left + n_right;
            let weight = n_right as f64 / n as f64;
            blocks.truncate(blocks.len() - 2);
            blocks.push((left + (right - left) * weight, n));
        }
    }
    blocks.into_iter().flat_map(|(value, n)| std::iter::repeat_n(value, n)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn violators_are_pooled() {
        assert_eq!(isotonic(&[1.0, 3.0, 2.0, 4.0]), [1.0, 2.5, 2.5, 4.0]);
        assert_eq!(isotonic(&[4.0, 3.0, 2.0]), [3.0, 3.0, 3.0]);
        assert_eq!(isotonic(&[1.0, 5.0, 6.0, 1.0]), [1.0, 4.0, 4.0, 4.0]);
        assert_eq!(isotonic(&[1.0, 2.0, 2.0]), [1.0, 2.0, 2.0]);
        assert!(isotonic(&[]).is_empty());
    }
}
