//! Numbers formatted as in print: a true minus sign, powers of ten with superscript
//! exponents, and no more digits than the uncertainty allows.

/// The text for NaN.
const MISSING: &str = "–";

/// An exponent in superscript digits: `superscript(-12)` is `⁻¹²`.
pub fn superscript(exponent: i32) -> String {
    exponent.to_string().chars().map(raised).collect()
}

fn raised(character: char) -> char {
    match character {
        '-' => '⁻',
        '0' => '⁰',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        digit @ '4'..='9' => {
            char::from_u32('⁴' as u32 + (digit as u32 - '4' as u32)).unwrap_or(digit)
        }
        other => other,
    }
}

/// A power of ten as a tick label: `10⁻²`, `1`, `10`, `10²`.
pub fn power_of_ten(exponent: i32) -> String {
    match exponent {
        0 => "1".into(),
        1 => "10".into(),
        _ => format!("10{}", superscript(exponent)),
    }
}

/// `value` with a fixed number of decimals, a true minus sign and no negative
/// zero.
pub fn fixed(value: f64, decimals: usize) -> String {
    if let Some(word) = not_finite(value) {
        return word.into();
    }
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(digits) if digits.bytes().all(|byte| matches!(byte, b'0' | b'.')) => digits.into(),
        Some(digits) => format!("−{digits}"),
        None => text,
    }
}

/// `value` as mantissa and power of ten: `scientific(-1.234e-5, 2)` is
/// `−1.23·10⁻⁵`. A mantissa of exactly one without decimals is left out.
pub fn scientific(value: f64, decimals: usize) -> String {
    if let Some(word) = not_finite(value) {
        return word.into();
    }
    if value == 0.0 {
        return "0".into();
    }
    let text = format!("{value:.decimals$e}");
    let Some((mantissa, exponent)) = text.split_once('e') else {
        return text;
    };
    let power = format!("10{}", superscript(exponent.parse().unwrap_or(0)));
    match mantissa {
        "1" => power,
        "-1" => format!("−{power}"),
        _ => format!("{}·{power}", mantissa.replace('-', "−")),
    }
}

/// `value` to `digits` significant digits, with a power of ten if its absolute value
/// is below 10⁻³ or at least 10⁵. Without a power of ten, all digits before the
/// decimal point are written.
pub fn significant(value: f64, digits: usize) -> String {
    let decimals = digits.saturating_sub(1);
    match exponent(value) {
        None => fixed(value, 0),
        Some(order) if is_plain(order) => fixed(value, (decimals as i32 - order).max(0) as usize),
        Some(_) => scientific(value, decimals),
    }
}

/// `value` as shown under the mouse pointer: whole numbers below ten million in full,
/// other numbers to four significant digits, without trailing zeros.
pub(crate) fn short(value: f64) -> String {
    const LARGEST: f64 = 1e7;
    if value.abs() < LARGEST && (value - value.round()).abs() <= 1e-9 * value.abs() {
        return fixed(value, 0);
    }
    let text = significant(value, 4);
    let (mantissa, power) = match text.split_once('·') {
        Some((mantissa, power)) => (mantissa, Some(power)),
        None => (text.as_str(), None),
    };
    let mantissa = match mantissa.contains('.') {
        true => mantissa.trim_end_matches('0').trim_end_matches('.'),
        false => mantissa,
    };
    match (mantissa, power) {
        (_, None) => mantissa.into(),
        ("1", Some(power)) => power.into(),
        ("−1", Some(power)) => format!("−{power}"),
        (_, Some(power)) => format!("{mantissa}·{power}"),
    }
}

/// A value with its confidence interval: `−0.47 [−0.55, −0.39]`; see
/// [`value_and_interval`].
pub fn with_interval(value: f64, low: f64, high: f64) -> String {
    let (value, interval) = value_and_interval(value, low, high);
    format!("{value} {interval}")
}

/// A value and its confidence interval as two texts: `−0.47` and `[−0.55, −0.39]`.
///
/// The three numbers have equally many decimals, so that the width of the interval has
/// two significant digits. If the width is zero or not finite, each number has three
/// significant digits.
pub fn value_and_interval(value: f64, low: f64, high: f64) -> (String, String) {
    let largest = exponent(value.abs().max(low.abs()).max(high.abs()));
    let write: Box<dyn Fn(f64) -> String> = match (largest, exponent(high - low)) {
        (Some(order), Some(width)) if is_plain(order) => {
            Box::new(move |number| fixed(number, decimals(width)))
        }
        (Some(order), Some(width)) => {
            let (unit, decimals) = (10f64.powi(order), decimals(width - order));
            Box::new(move |number| {
                format!("{}·10{}", fixed(number / unit, decimals), superscript(order))
            })
        }
        _ => Box::new(|number| significant(number, 3)),
    };
    (write(value), format!("[{}, {}]", write(low), write(high)))
}

/// The number of decimals that shows two significant digits of a number of this order.
fn decimals(order: i32) -> usize {
    (1 - order).clamp(0, 12) as usize
}

/// Whether numbers of this order are written without a power of ten.
fn is_plain(order: i32) -> bool {
    (-3..5).contains(&order)
}

/// The power of ten of a number's first digit; `None` for 0, NaN and ±∞.
pub(crate) fn exponent(value: f64) -> Option<i32> {
    (value.is_finite() && value != 0.0).then(|| value.abs().log10().floor() as i32)
}

fn not_finite(value: f64) -> Option<&'static str> {
    match value {
        _ if value.is_nan() => Some(MISSING),
        f64::INFINITY => Some("∞"),
        f64::NEG_INFINITY => Some("−∞"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponents_are_superscripts() {
        assert_eq!(superscript(-1234567890), "⁻¹²³⁴⁵⁶⁷⁸⁹⁰");
        assert_eq!([-2, 0, 1, 2].map(power_of_ten), ["10⁻²", "1", "10", "10²"]);
    }

    #[test]
    fn numbers_have_a_true_minus_and_no_negative_zero() {
        assert_eq!(fixed(-0.466, 2), "−0.47");
        assert_eq!(fixed(-0.001, 2), "0.00");
        assert_eq!(scientific(-1.234e-5, 2), "−1.23·10⁻⁵");
        assert_eq!(scientific(1e7, 0), "10⁷");
    }

    #[test]
    fn significant_digits() {
        assert_eq!(significant(0.123456, 3), "0.123");
        assert_eq!(significant(12.3456, 3), "12.3");
        assert_eq!(significant(12345.6, 3), "12346");
        assert_eq!(significant(1.5e6, 3), "1.50·10⁶");
        assert_eq!(significant(0.0, 3), "0");
        assert_eq!(significant(f64::NAN, 3), "–");
        assert_eq!(significant(f64::NEG_INFINITY, 3), "−∞");
    }

    #[test]
    fn short_numbers_have_no_trailing_zeros() {
        let values = [0.1, 0.30000000000000004, 64.0, 10f64.powf(131072f64.log10()), -2.5, 1.23456];
        assert_eq!(values.map(short), ["0.1", "0.3", "64", "131072", "−2.5", "1.235"]);
        let values = [0.0, 1e-4, -1e9, 2.5e-6, 12345.6, f64::NAN, f64::INFINITY];
        assert_eq!(values.map(short), ["0", "10⁻⁴", "−10⁹", "2.5·10⁻⁶", "12346", "–", "∞"]);
    }

    #[test]
    fn an_interval_determines_the_digits() {
        assert_eq!(with_interval(-0.4684, -0.5512, -0.3899), "−0.47 [−0.55, −0.39]");
        assert_eq!(with_interval(1.8342, 1.8301, 1.8391), "1.8342 [1.8301, 1.8391]");
        assert_eq!(with_interval(2.5e-6, 2.1e-6, 3.0e-6), "2.50·10⁻⁶ [2.10·10⁻⁶, 3.00·10⁻⁶]");
        assert_eq!(with_interval(1.0, 1.0, 1.0), "1.00 [1.00, 1.00]");
        assert_eq!(with_interval(0.5, f64::NAN, f64::INFINITY), "0.500 [–, ∞]");
    }
}
