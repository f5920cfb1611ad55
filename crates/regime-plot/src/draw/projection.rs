//! Maps from values to pixels, for one axis and for the two axes of a figure.

use crate::figure::{Axis, Scale};

/// The map from the values of one axis to pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Projection {
    pub(super) scale: Scale,
    /// The ends, as values.
    pub(super) low: f64,
    pub(super) high: f64,
    /// The pixels of the ends; `start > end` on a vertical axis.
    pub(super) start: f64,
    pub(super) end: f64,
    /// The range of the axis if it is set, otherwise the smallest and the largest
    /// value; `None` without values.
    pub(super) held: Option<(f64, f64)>,
}

/// Largest absolute value of a pixel coordinate; larger ones are clamped, because some
/// renderers overflow.
const FAR: f64 = 1e5;

impl Projection {
    /// An axis over its range, or over `values` and a margin if it has no usable range.
    pub(super) fn new(
        axis: &Axis,
        values: impl Iterator<Item = f64>,
        start: f64,
        end: f64,
    ) -> Self {
        let scale = axis.scale;
        let own = own_range(axis);
        let ends = ends_of(scale, values);
        let (low, high) = own.unwrap_or_else(|| range_of(scale, ends));
        let held = own.or(ends.map(|(low, high)| (scale.value(low), scale.value(high))));
        Self { scale, low, high, start, end, held }
    }

    /// The pixel of a value; `None` for NaN and ±∞, and for a value that is not positive
    /// on a logarithmic axis.
    pub(super) fn pixel(&self, value: f64) -> Option<f64> {
        self.coordinate(value).map(|place| self.pixel_of_coordinate(place))
    }

    /// The pixel of an end of an interval: as [`Self::pixel`], but a value without a
    /// pixel is placed at an end of the axis: ∞ at the upper end, other values at the
    /// lower end. `None` for NaN.
    pub(super) fn pixel_or_edge(&self, value: f64) -> Option<f64> {
        match value {
            _ if value.is_nan() => None,
            f64::INFINITY => Some(self.end),
            _ => Some(self.pixel(value).unwrap_or(self.start)),
        }
    }

    /// The pixel of a [coordinate](Self::coordinate).
    pub(super) fn pixel_of_coordinate(&self, place: f64) -> f64 {
        // Halved, because the difference of two very large ends overflows.
        let (low, high) = self.ends();
        let share = (place / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0);
        (self.start + share * (self.end - self.start)).clamp(-FAR, FAR)
    }

    /// [`Scale::coordinate`] on this axis.
    pub(super) fn coordinate(&self, value: f64) -> Option<f64> {
        self.scale.coordinate(value)
    }

    /// Whether a pixel lies on the axis.
    pub(super) fn holds_pixel(&self, pixel: f64) -> bool {
        let (low, high) = (self.start.min(self.end), self.start.max(self.end));
        (low - 0.5..=high + 0.5).contains(&pixel)
    }

    fn ends(&self) -> (f64, f64) {
        match self.scale {
            Scale::Linear | Scale::Count => (self.low, self.high),
            Scale::Log => (self.low.log10(), self.high.log10()),
        }
    }
}

/// The two axes of a figure.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) x: Projection,
    pub(super) y: Projection,
}

impl Frame {
    /// The pixel of a point; `None` if an axis cannot show it.
    pub(super) fn pixel(&self, (x, y): (f64, f64)) -> Option<(f64, f64)> {
        Some((self.x.pixel(x)?, self.y.pixel(y)?))
    }

    /// Whether a pixel lies between the axes.
    pub(super) fn holds(&self, (x, y): (f64, f64)) -> bool {
        self.x.holds_pixel(x) && self.y.holds_pixel(y)
    }
}

/// The range that is set for the axis, in increasing order, if it is usable.
fn own_range(axis: &Axis) -> Option<(f64, f64)> {
    let (one, other) = axis.range?;
    let (low, high) = (one.min(other), one.max(other));
    let usable = axis.scale.coordinate(low)? < axis.scale.coordinate(high)?;
    usable.then_some((low, high))
}

/// The smallest and the largest coordinate of the values that can be shown.
pub(super) fn ends_of(scale: Scale, values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.filter_map(|value| scale.coordinate(value)).fold(None, |ends, place| match ends {
        None => Some((place, place)),
        Some((low, high)) => Some((place.min(low), place.max(high))),
    })
}

/// The range between the smallest and the largest coordinate, with a margin. If they are
/// equal, the range is centred on them; without values, it is a default.
fn range_of(scale: Scale, ends: Option<(f64, f64)>) -> (f64, f64) {
    /// Margin at either end, as a fraction of the range.
    const MARGIN: f64 = 0.04;
    /// Limits of the ends, so that the margins do not overflow.
    const LARGEST: f64 = 1e300;
    const MAX_DECADES: f64 = 300.0;

    match scale {
        Scale::Log => {
            let (low, high) = ends.unwrap_or((-1.0, 1.0));
            let (low, high) =
                (low.clamp(-MAX_DECADES, MAX_DECADES), high.clamp(-MAX_DECADES, MAX_DECADES));
            let margin = if high - low < 1e-6 { 0.5 } else { (MARGIN * (high - low)).min(1.0) };
            (10f64.powf(low - margin), 10f64.powf(high + margin))
        }
        Scale::Linear | Scale::Count => {
            let (low, high) = ends.unwrap_or((0.0, 1.0));
            let (low, high) = (low.clamp(-LARGEST, LARGEST), high.clamp(-LARGEST, LARGEST));
            let size = low.abs().max(high.abs());
            let margin = match high - low {
                _ if size == 0.0 => 1.0,
                span if span <= 1e-9 * size => 0.1 * size,
                span => MARGIN * span,
            };
            // Values that are never negative have no margin below zero.
            let floor = if low >= 0.0 { 0.0 } else { f64::NEG_INFINITY };
            ((low - margin).max(floor), high + margin)
        }
    }
}

/// A frame for tests: two decades on both axes, with 200 pixels each.
#[cfg(test)]
pub(super) fn two_decades() -> Frame {
    let axis = Axis { range: Some((1.0, 100.0)), ..Axis::log("") };
    Frame {
        x: Projection::new(&axis, std::iter::empty(), 0.0, 200.0),
        y: Projection::new(&axis, std::iter::empty(), 200.0, 0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decades_are_equally_long() {
        let axis = Axis { range: Some((100.0, 0.01)), ..Axis::log("x") };
        let projection = Projection::new(&axis, std::iter::empty(), 0.0, 400.0);
        assert_eq!(projection.pixel(1.0), Some(200.0));
        assert_eq!(projection.pixel(10.0), Some(300.0));
        assert_eq!(projection.pixel(0.0), None);
        assert_eq!(projection.pixel_or_edge(-3.0), Some(0.0));
        assert_eq!(projection.pixel_or_edge(f64::INFINITY), Some(400.0));
        assert_eq!(projection.pixel_or_edge(f64::NAN), None);
    }

    #[test]
    fn any_values_give_a_range() {
        let values = [f64::NAN, f64::INFINITY, -1e308, -1.0, 0.0, 1e-320, 1e-300, 0.3, 1.0, 1e308];
        for axis in [Axis::log(""), Axis::linear("")] {
            for one in values {
                for other in values {
                    for range in [None, Some((one, other))] {
                        let axis = Axis { range, ..axis.clone() };
                        let projection =
                            Projection::new(&axis, [one, other].into_iter(), 0.0, 100.0);
                        assert!(projection.low < projection.high, "{one} {other} {axis:?}");
                        for value in [one, other] {
                            assert!(projection.pixel(value).is_none_or(f64::is_finite));
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn positive_values_have_no_margin_below_zero() {
        let projection = Projection::new(&Axis::linear(""), [0.01, 0.5].into_iter(), 0.0, 1.0);
        assert_eq!(projection.low, 0.0);
    }
}
