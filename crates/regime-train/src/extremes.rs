//! The largest and the smallest of some numbers, where a NaN is not dropped.

/// `max_i |a_i − b_i|`, which is the change of `F` when `a` and `b` are margins.
/// It is not finite if any difference is not finite.
pub(crate) fn largest_change(a: &[f64], b: &[f64]) -> f64 {
    largest(a.iter().zip(b).map(|(a, b)| (a - b).abs()))
}

/// As [`largest_change`], in units of `unit`, or of `|a_i|` where that is larger.
pub(crate) fn largest_scaled_change(a: &[f64], b: &[f64], unit: f64) -> f64 {
    largest(a.iter().zip(b).map(|(a, b)| (a - b).abs() / a.abs().max(unit)))
}

/// The largest of these values, at least 0; NaN if any of them is NaN.
pub(crate) fn largest(changes: impl Iterator<Item = f64>) -> f64 {
    let mut largest = 0.0;
    for change in changes {
        // `f64::max` would drop a NaN.
        if !(change <= largest) {
            largest = change;
        }
        if largest.is_nan() {
            return largest;
        }
    }
    largest
}

/// The smallest of the margins; NaN if any of them is NaN.
pub(crate) fn smallest(margins: &[f64]) -> f64 {
    let least = |least: f64, &u: &f64| if least <= u || least.is_nan() { least } else { u };
    margins.iter().fold(f64::INFINITY, least)
}

#[cfg(test)]
mod tests {
    use super::{largest, smallest};

    #[test]
    fn no_extremum_drops_a_value_that_is_not_a_number() {
        for place in 0..3 {
            let mut values = [2.0, 3.0, 4.0];
            assert_eq!((smallest(&values), largest(values.into_iter())), (2.0, 4.0));
            values[place] = f64::NAN;
            assert!(smallest(&values).is_nan() && largest(values.into_iter()).is_nan());
        }
    }
}
