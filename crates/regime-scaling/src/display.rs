//! Results written in one line. Intervals are written in `bootstrap.rs`.

use std::fmt;

use crate::collapse::Collapse;
use crate::crossing::{Crossing, Direction};
use crate::line::Line;
use crate::number::{Digits, short, with_error};
use crate::power_law::{Drift, LocalExponent, PowerLaw};
use crate::summary::Mean;

/// `slope 0.50 ± 0.12, intercept 3.0 ± 1.1 (11 points)`: two significant digits of
/// the standard errors, or four digits of the values without errors.
impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slope = with_error(self.slope, self.slope_error);
        let intercept = with_error(self.intercept, self.intercept_error);
        f.pad(&format!("slope {slope}, intercept {intercept} ({} points)", self.n_points))
    }
}

/// `exponent -0.520 ± 0.012, prefactor 2.50 ± 0.15 (4 points)`: two significant digits
/// of the standard errors, or four digits of the values without errors.
impl fmt::Display for PowerLaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exponent = with_error(self.exponent, self.exponent_error);
        let error = self.log_prefactor_error.map(|error| error * self.prefactor());
        let prefactor = with_error(self.prefactor(), error);
        f.pad(&format!("exponent {exponent}, prefactor {prefactor} ({} points)", self.n_points))
    }
}

/// `-0.5146 between x = 64 and 128`.
impl fmt::Display for LocalExponent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (low, high) = (short(self.x_low, 6), short(self.x_high, 6));
        f.pad(&format!("{} between x = {low} and {high}", short(self.exponent, 4)))
    }
}

/// `exponent -0.520 with all x, -0.500 without the smallest: change +0.020`,
/// with two significant digits of the standard error of the first exponent.
impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (all, rest) = (self.all.exponent, self.without_smallest.exponent);
        let largest = all.abs().max(rest.abs());
        let digits = Digits::of_error(self.all.exponent_error.unwrap_or(0.0), largest);
        let [all, rest, change] = [all, rest, self.change].map(|v| digits.write(v));
        let sign = if self.change >= 0.0 { "+" } else { "" };
        f.pad(&format!(
            "exponent {all} with all x, {rest} without the smallest: change {sign}{change}"
        ))
    }
}

/// `exponent 0.512, quality 0.0031 (0.0035 at 0.5, 0.81 at 0)`.
impl fmt::Display for Collapse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quality = |value: Option<f64>| value.map_or("no overlap".into(), |v| short(v, 2));
        f.pad(&format!(
            "exponent {}, quality {} ({} at {}, {} at 0)",
            short(self.exponent, 3),
            quality(Some(self.quality)),
            quality(self.quality_at_reference),
            short(self.reference, 3),
            quality(self.quality_at_zero),
        ))
    }
}

/// `falling at x = 0.0123, between 0.01 and 0.02`, and the number of crossings
/// if there are several.
impl fmt::Display for Crossing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direction = match self.direction {
            Direction::Rising => "rising",
            Direction::Falling => "falling",
        };
        let (low, high) = (short(self.bracket.0, 6), short(self.bracket.1, 6));
        let several = match self.n_crossings {
            0 | 1 => String::new(),
            n => format!(" ({n} crossings)"),
        };
        let x = short(self.x, 4);
        f.pad(&format!("{direction} at x = {x}, between {low} and {high}{several}"))
    }
}

/// `0.520 ± 0.030 (7 values)`: two significant digits of the standard error, or
/// four digits of the mean without an error.
impl fmt::Display for Mean {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values = if self.n == 1 { "value" } else { "values" };
        f.pad(&format!("{} ({} {values})", with_error(self.mean, self.std_error), self.n))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::power_law::{exponent_drift, fit_power_law, local_exponents};
    use crate::summary::mean;

    #[test]
    fn lines_and_power_laws() {
        let line = Line {
            slope: 0.500_09,
            intercept: 3.000_09,
            slope_error: Some(0.117_9),
            intercept_error: Some(1.124_7),
            scatter: Some(1.237),
            r_squared: Some(0.667),
            n_points: 11,
        };
        assert_eq!(line.to_string(), "slope 0.50 ± 0.12, intercept 3.0 ± 1.1 (11 points)");
        let points = [(64.0, 0.123), (128.0, 0.089), (256.0, 0.0601)];
        let law = fit_power_law(&points).unwrap();
        assert_eq!(law.to_string(), "exponent -0.517 ± 0.029, prefactor 1.07 ± 0.15 (3 points)");
        let law = fit_power_law(&points[..2]).unwrap();
        assert_eq!(law.to_string(), "exponent -0.4668, prefactor 0.857 (2 points)");
        let local = local_exponents(&points).unwrap();
        assert_eq!(local[0].to_string(), "-0.4668 between x = 64 and 128");
        assert_eq!(
            exponent_drift(&points).unwrap().to_string(),
            "exponent -0.517 with all x, -0.566 without the smallest: change -0.050"
        );
    }

    #[test]
    fn collapses_and_crossings() {
        let collapse = Collapse {
            exponent: 0.512_34,
            quality: 0.003_14,
            reference: 0.5,
            quality_at_reference: Some(0.003_51),
            quality_at_zero: None,
        };
        let text = "exponent 0.512, quality 0.0031 (0.0035 at 0.5, no overlap at 0)";
        assert_eq!(collapse.to_string(), text);
        let once = Crossing {
            x: 0.012_345_6,
            direction: Direction::Falling,
            bracket: (0.01, 0.02),
            n_crossings: 1,
        };
        assert_eq!(once.to_string(), "falling at x = 0.01235, between 0.01 and 0.02");
        let several = Crossing { n_crossings: 3, ..once };
        assert!(several.to_string().ends_with("0.02 (3 crossings)"));
    }

    #[test]
    fn means() {
        let values = [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0];
        assert_eq!(mean(&values).unwrap().to_string(), "5.00 ± 0.76 (8 values)");
        assert_eq!(format!("{:>12}|", mean(&values[..1]).unwrap()), " 2 (1 value)|");
    }
}
