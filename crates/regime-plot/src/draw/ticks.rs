//! Positions and labels of the ticks of an axis.

use crate::figure::Scale;
use crate::number;

/// A labelled tick.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    /// The position, in the units of the data.
    pub(super) value: f64,
    /// The text.
    pub(super) label: String,
}

/// The ticks of one axis.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Ticks {
    /// Labelled ticks, in increasing order.
    pub(super) major: Vec<Tick>,
    /// Positions of the unlabelled ticks, in increasing order.
    pub(super) minor: Vec<f64>,
}

/// The ticks of the range from `low` to `high`, with about `target` labels. There are
/// no ticks if the range is empty, not finite, or not positive on a logarithmic axis.
pub(super) fn ticks(scale: Scale, low: f64, high: f64, target: usize) -> Ticks {
    let usable = low < high && (high - low).is_finite() && target > 0;
    match scale {
        Scale::Linear if usable => linear(low, high, target, 0.0),
        Scale::Count if usable => linear(low, high, target, 1.0),
        Scale::Log if usable && low > 0.0 => logarithmic(low, high, target),
        _ => Ticks::default(),
    }
}

/// Labelled ticks at multiples of 1, 2 or 5 times a power of ten, with four or five
/// subdivisions. The distance between ticks is at least `finest`.
fn linear(low: f64, high: f64, target: usize, finest: f64) -> Ticks {
    let Some((round, order)) = round_step(((high - low) / target as f64).max(finest)) else {
        return Ticks::default();
    };
    let step = round * power(order);
    let subdivisions = if round == 2.0 { 4.0 } else { 5.0 };
    let subdivisions = if step / subdivisions < finest { 1.0 } else { subdivisions };
    let widest = low.abs().max(high.abs());
    let label = |value: f64| {
        let value = if value.abs() < step / 2.0 { 0.0 } else { value };
        if widest >= 1e5 || order < -4 {
            let digits = number::exponent(value).map_or(0, |first| (first - order).clamp(0, 12));
            number::scientific(value, digits as usize)
        } else {
            number::fixed(value, (-order).max(0) as usize)
        }
    };
    let major: Vec<Tick> =
        multiples(step, low, high).map(|(_, value)| Tick { value, label: label(value) }).collect();
    let minor = multiples(step / subdivisions, low, high)
        .filter(|(index, _)| index % subdivisions != 0.0)
        .map(|(_, value)| value)
        .collect();
    Ticks { major, minor }
}

/// The smallest step of 1, 2 or 5 times a power of ten that is not below `target`,
/// up to a tolerance. Returns 1, 2 or 5, and the exponent of the power of ten.
fn round_step(target: f64) -> Option<(f64, i32)> {
    let order = number::exponent(target)?;
    let mantissa = target / power(order);
    // A few more labels are better than half as many.
    const TOLERANCE: f64 = 1.25;
    let round = [1.0, 2.0, 5.0].into_iter().find(|&round| mantissa <= round * TOLERANCE);
    Some(round.map_or((1.0, order + 1), |round| (round, order)))
}

/// The multiples of `step` in the closed range, each with its index. The index is a
/// float because it may be too large for an integer. There are at most 1000.
fn multiples(step: f64, low: f64, high: f64) -> impl Iterator<Item = (f64, f64)> {
    let first = (low / step - 1e-9).ceil();
    let count = ((high / step + 1e-9).floor() - first + 1.0).clamp(0.0, 1000.0) as usize;
    (0..count).map(move |offset| first + offset as f64).map(move |index| (index, index * step))
}

/// Ticks at powers of ten if the range contains at least two; otherwise at 1, 2 and 5
/// times a power of ten; in a still shorter range, those of a linear axis.
fn logarithmic(low: f64, high: f64, target: usize) -> Ticks {
    let first = (low.log10() - 1e-9).ceil() as i32;
    let last = (high.log10() + 1e-9).floor() as i32;
    if last > first {
        return decades(low, high, first, last, target);
    }
    let inside = |value: &f64| (low * (1.0 - 1e-9)..=high * (1.0 + 1e-9)).contains(value);
    let digits: Vec<(i32, f64)> = (first - 1..=last)
        .flat_map(|order| (1..10).map(move |digit| (digit, f64::from(digit) * power(order))))
        .filter(|(_, value)| inside(value))
        .collect();
    let (round, minor): (Vec<_>, Vec<_>) =
        digits.into_iter().partition(|(digit, _)| [1, 2, 5].contains(digit));
    if round.len() < 3 {
        return linear(low, high, target, 0.0);
    }
    Ticks {
        major: round
            .into_iter()
            .map(|(_, value)| Tick { value, label: digit_label(value) })
            .collect(),
        minor: minor.into_iter().map(|(_, value)| value).collect(),
    }
}

fn decades(low: f64, high: f64, first: i32, last: i32, target: usize) -> Ticks {
    let every = ((last - first + 1) as usize).div_ceil(target).max(1) as i32;
    let major = (first..=last)
        .filter(|order| order.rem_euclid(every) == 0)
        .map(|order| Tick { value: power(order), label: number::power_of_ten(order) })
        .collect();
    let minor = if every == 1 {
        (first - 1..=last)
            .flat_map(|order| (2..10).map(move |digit| f64::from(digit) * power(order)))
            .filter(|value| (low..=high).contains(value))
            .collect()
    } else {
        (first..=last).filter(|order| order.rem_euclid(every) != 0).map(power).collect()
    };
    Ticks { major, minor }
}

/// `0.02`, `5`, `200`: a single digit with zeros, or with a power of ten.
fn digit_label(value: f64) -> String {
    match number::exponent(value * (1.0 + 1e-9)) {
        Some(order @ -3..5) => number::fixed(value, (-order).max(0) as usize),
        _ => number::scientific(value, 0),
    }
}

/// 10 to an integer power, correctly rounded; `powi` is not.
fn power(order: i32) -> f64 {
    format!("1e{order}").parse().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(ticks: &Ticks) -> Vec<&str> {
        ticks.major.iter().map(|tick| tick.label.as_str()).collect()
    }

    #[test]
    fn linear_ticks_are_round_numbers() {
        let found = ticks(Scale::Linear, -0.1, 1.0, 6);
        assert_eq!(labels(&found), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(found.minor[..3].len(), 3);
        assert!((found.minor[0] + 0.1).abs() < 1e-12 && (found.minor[1] + 0.05).abs() < 1e-12);
        assert_eq!(
            labels(&ticks(Scale::Linear, -25.0, 30.0, 6)),
            ["−20", "−10", "0", "10", "20", "30"]
        );
        assert_eq!(labels(&ticks(Scale::Linear, 0.0, 3e6, 3)), ["0", "10⁶", "2·10⁶", "3·10⁶"]);
    }

    #[test]
    fn counts_have_ticks_at_whole_numbers_only() {
        let found = ticks(Scale::Count, 1.88, 5.12, 6);
        assert_eq!(labels(&found), ["2", "3", "4", "5"]);
        assert!(found.minor.is_empty());
        let found = ticks(Scale::Count, 0.0, 60.0, 6);
        assert_eq!(labels(&found), ["0", "10", "20", "30", "40", "50", "60"]);
        assert!(found.minor.iter().all(|tick| (tick % 2.0).abs() < 1e-9));
    }

    #[test]
    fn decades_are_labelled_and_divided() {
        let found = ticks(Scale::Log, 5e-3, 200.0, 8);
        assert_eq!(labels(&found), ["10⁻²", "10⁻¹", "1", "10", "10²"]);
        assert_eq!(found.major[0].value, 0.01);
        assert_eq!(found.minor.len(), 5 + 8 * 4 + 1);
    }

    #[test]
    fn many_decades_are_thinned() {
        let found = ticks(Scale::Log, 1e-3, 1e9, 7);
        assert_eq!(labels(&found), ["10⁻²", "1", "10²", "10⁴", "10⁶", "10⁸"]);
        assert_eq!(found.minor.len(), 7);
    }

    #[test]
    fn short_logarithmic_ranges_have_labels_too() {
        assert_eq!(labels(&ticks(Scale::Log, 0.15, 3.0, 6)), ["0.2", "0.5", "1", "2"]);
        assert_eq!(labels(&ticks(Scale::Log, 40.0, 900.0, 6)), ["50", "100", "200", "500"]);
        assert_eq!(
            labels(&ticks(Scale::Log, 1.02, 1.09, 6)),
            ["1.02", "1.03", "1.04", "1.05", "1.06", "1.07", "1.08", "1.09"]
        );
    }

    #[test]
    fn ticks_of_any_range_are_few_ordered_and_inside() {
        let ends = [
            -1e300,
            -1e5,
            -3.7,
            -1e-9,
            0.0,
            1e-300,
            1e-9,
            0.3,
            0.300001,
            1.0,
            7.0,
            1e5,
            1e12,
            1e300,
            f64::MAX,
            f64::NAN,
            f64::INFINITY,
        ];
        for (scale, target) in [
            (Scale::Linear, 6),
            (Scale::Count, 6),
            (Scale::Log, 6),
            (Scale::Log, 1),
            (Scale::Linear, 0),
        ] {
            for low in ends {
                for high in ends {
                    let found = ticks(scale, low, high, target);
                    assert!(found.major.len() <= 16, "{low} {high}: {:?}", found.major);
                    assert!(found.major.is_sorted_by(|a, b| a.value < b.value));
                    assert!(found.minor.is_sorted());
                    let slack = 1e-6 * (high - low);
                    assert!(
                        found
                            .major
                            .iter()
                            .all(|tick| tick.value >= low - slack && tick.value <= high + slack)
                    );
                }
            }
        }
    }
}
