//! From values to pixels: one axis, and the two of a figure.

use crate::figure::{Axis, Scale};

/// One axis with its ends, laid out between two pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Projection {
    pub(super) scale: Scale,
    /// The ends, as values.
    pub(super) low: f64,
    pub(super) high: f64,
    /// The pixels of the ends; `start > end` on a vertical axis.
    pub(super) start: f64,
    pub(super) end: f64,
    /// What it was asked to hold: its own range, or without one the smallest and
    /// the largest value; none if there are no values.
    pub(super) held: Option<(f64, f64)>,
}

/// Beyond this many pixels outside the drawing a point is only moved nearer;
/// some renderers overflow on larger coordinates.
const FAR: f64 = 1e5;

impl Projection {
    /// The axis over its own range or, without a usable one, over `values` and
    /// a margin.
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

    /// The pixel of a value; none for NaN, ±∞, and for what is not positive on
    /// a logarithmic axis.
    pub(super) fn pixel(&self, value: f64) -> Option<f64> {
        self.coordinate(value).map(|place| self.pixel_of_coordinate(place))
    }

    /// The pixel of an end of an interval: as [`Self::pixel`], but a value
    /// that is off the axis altogether stands at the end of the axis that is
    /// on its side.
    pub(super) fn pixel_or_edge(&self, value: f64) -> Option<f64> {
        match value {
            _ if value.is_nan() => None,
            f64::INFINITY => Some(self.end),
            _ => Some(self.pixel(value).unwrap_or(self.start)),
        }
    }

    /// The pixel of a logarithm on a logarithmic axis, of a value on a linear
    /// one.
    pub(super) fn pixel_of_coordinate(&self, place: f64) -> f64 {
        // Halved, because the difference of two huge ends overflows.
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
    /// The pixel of a point; none where an axis cannot hold it.
    pub(super) fn pixel(&self, (x, y): (f64, f64)) -> Option<(f64, f64)> {
        Some((self.x.pixel(x)?, self.y.pixel(y)?))
    }

    /// Whether a pixel lies between the axes.
    pub(super) fn holds(&self, (x, y): (f64, f64)) -> bool {
        self.x.holds_pixel(x) && self.y.holds_pixel(y)
    }
}

/// The range that the axis asks for, the right way round.
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

/// The range of the values that can be shown, with a margin, or a range around
/// them if they are all the same.
fn range_of(scale: Scale, ends: Option<(f64, f64)>) -> (f64, f64) {
    /// Share of the range that is left free at either end.
    const MARGIN: f64 = 0.04;
    /// Beyond these a margin would leave the range of floats.
    const LARGEST: f64 = 1e300;
    const MOST_DECADES: f64 = 300.0;

    match scale {
        Scale::Log => {
            let (low, high) = ends.unwrap_or((-1.0, 1.0));
            let (low, high) =
                (low.clamp(-MOST_DECADES, MOST_DECADES), high.clamp(-MOST_DECADES, MOST_DECADES));
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
            // What is never negative has no margin below zero.
            let floor = if low >= 0.0 { 0.0 } else { f64::NEG_INFINITY };
            ((low - margin).max(floor), high + margin)
        }
    }
}

/// Two decades on both axes, on 200 pixels each, for the tests of what is drawn in a frame.
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
    fn shares_have_no_margin_below_zero() {
        let projection = Projection::new(&Axis::linear(""), [0.01, 0.5].into_iter(), 0.0, 1.0);
        assert_eq!(projection.low, 0.0);
    }
}
