//! Numbers written with their significant digits.

/// The format of numbers of similar size with a common error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Digits {
    /// This number of decimals.
    Decimals(usize),
    /// Scientific, down to this power of ten.
    Power(i32),
    /// Six digits: the error is zero, unknown or smaller than the sixth digit.
    Six,
}

impl Digits {
    /// The format with two significant digits of `error`, for numbers up to `largest`.
    pub(crate) fn of_error(error: f64, largest: f64) -> Self {
        if !(error > 0.0 && error.is_finite() && largest.is_finite()) {
            return Self::Six;
        }
        let (last, first) = (power_of_ten(error, 1) - 1, power_of_ten(largest.abs().max(error), 1));
        match first - last {
            7.. => Self::Six,
            _ if (-4..=6).contains(&first) => Self::Decimals((-last).max(0) as usize),
            _ => Self::Power(last),
        }
    }

    /// Writes a number.
    pub(crate) fn write(self, value: f64) -> String {
        match self {
            Self::Decimals(decimals) => format!("{value:.decimals$}"),
            Self::Power(last) => {
                let digits = (power_of_ten(value, 1) - last).max(0) as usize;
                format!("{value:.digits$e}")
            }
            Self::Six => short(value, 6),
        }
    }
}

/// `value ± error`, or the value with four digits.
pub(crate) fn with_error(value: f64, error: Option<f64>) -> String {
    let Some(error) = error else { return short(value, 4) };
    match Digits::of_error(error, value) {
        Digits::Six => format!("{} ± {}", short(value, 6), short(error, 2)),
        digits => format!("{} ± {}", digits.write(value), digits.write(error)),
    }
}

/// `value` rounded to `digits` significant digits, without trailing zeros.
pub(crate) fn short(value: f64, digits: usize) -> String {
    let decimals = digits.saturating_sub(1);
    match format!("{value:.decimals$e}").parse::<f64>() {
        Ok(rounded) if rounded != 0.0 && !(1e-4..1e7).contains(&rounded.abs()) => {
            // Infinities and NaN are written the same way in both forms.
            format!("{rounded:e}")
        }
        Ok(rounded) => rounded.to_string(),
        Err(_) => value.to_string(),
    }
}

/// The power of ten of the first digit, after rounding to `decimals` digits after it.
fn power_of_ten(value: f64, decimals: usize) -> i32 {
    let text = format!("{value:.decimals$e}");
    text.rsplit_once('e').and_then(|(_, power)| power.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_digits_of_the_error() {
        for (value, error, text) in [
            (-0.5234, 0.0912, "-0.523 ± 0.091"),
            (2.0, 0.0996, "2.00 ± 0.10"),
            (3.456, 0.25, "3.46 ± 0.25"),
            (1234.6, 56.0, "1235 ± 56"),
            (1234.6, 560.0, "1235 ± 560"),
            (0.0, 0.02, "0.000 ± 0.020"),
            (5.234e-9, 9.12e-11, "5.234e-9 ± 9.1e-11"),
            (5.234e9, 9.12e7, "5.234e9 ± 9.1e7"),
            (-0.5, 1.1e-16, "-0.5 ± 1.1e-16"),
            (0.25, 0.0, "0.25 ± 0"),
            (f64::NAN, 0.1, "NaN ± 0.1"),
        ] {
            assert_eq!(with_error(value, Some(error)), text);
        }
        assert_eq!(with_error(-1.0 / 3.0, None), "-0.3333");
    }

    #[test]
    fn short_numbers() {
        for (value, text) in [
            (64.0, "64"),
            (131_072.0, "131072"),
            (0.1 + 0.2, "0.3"),
            (1e-7, "1e-7"),
            (1e300, "1e300"),
            (0.0, "0"),
            (f64::INFINITY, "inf"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(short(value, 6), text);
        }
    }
}
