//! Linear and logarithmic axes.

use serde::{Deserialize, Serialize};

/// One of the two coordinates of a point, for error messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Axis {
    /// The abscissa: a width, an α, a time.
    X,
    /// The ordinate: what was measured.
    Y,
}

impl std::fmt::Display for Axis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::X => "x",
            Self::Y => "y",
        })
    }
}

/// The coordinate in which a curve between two samples is a straight line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scale {
    /// The value itself.
    Linear,
    /// Its natural logarithm; values must be positive.
    Log,
}

impl Scale {
    /// Whether `value` is valid on this scale: finite, and positive if the scale is
    /// logarithmic.
    pub fn admits(self, value: f64) -> bool {
        value.is_finite() && (self == Self::Linear || value > 0.0)
    }

    /// The coordinate of a valid value.
    pub(crate) fn coordinate(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            Self::Log => value.ln(),
        }
    }

    /// The value at a coordinate.
    pub(crate) fn value(self, coordinate: f64) -> f64 {
        match self {
            Self::Linear => coordinate,
            Self::Log => coordinate.exp(),
        }
    }
}

/// The scales of both axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scales {
    /// Scale of the abscissa.
    pub x: Scale,
    /// Scale of the ordinate.
    pub y: Scale,
}

impl Scales {
    /// Both axes linear.
    pub const LINEAR: Self = Self { x: Scale::Linear, y: Scale::Linear };
    /// `x` logarithmic, `y` linear: a test error against α.
    pub const LOG_X: Self = Self { x: Scale::Log, y: Scale::Linear };
    /// Both axes logarithmic: a kernel change against α.
    pub const LOG_LOG: Self = Self { x: Scale::Log, y: Scale::Log };
}
