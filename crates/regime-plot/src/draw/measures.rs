//! Sizes and distances that all figures share, in pixels.

/// The width of a figure and the height of its axes.
pub(super) const WIDTH: f64 = 780.0;
pub(super) const PLOT_HEIGHT: f64 = 340.0;

/// The length of both axes of a square heat map.
pub(super) const SQUARE: f64 = 460.0;

/// The margin at the edges.
pub(super) const EDGE: f64 = 14.0;

/// Sizes of text, and the distances between its lines.
pub(super) const TITLE_SIZE: f64 = 16.0;
pub(super) const TITLE_LINE: f64 = 22.0;
pub(super) const LABEL_SIZE: f64 = 13.5;
pub(super) const LABEL_LINE: f64 = 18.0;
pub(super) const TICK_SIZE: f64 = 12.5;

/// The distance from the baseline of a text up to the middle of its letters, in units
/// of the text size.
pub(super) const MIDDLE: f64 = 0.36;

/// The length of a labelled tick.
pub(super) const TICK_LENGTH: f64 = 6.0;

/// The distance from the x-axis down to its label.
pub(super) const TO_X_LABEL: f64 = 28.0;

/// The size of the colour bar of a heat map, and its height with margins.
pub(super) const BAR_LENGTH: f64 = 260.0;
pub(super) const BAR_HEIGHT: f64 = 12.0;
pub(super) const BAR_SPACE: f64 = 22.0 + BAR_HEIGHT + 22.0;
