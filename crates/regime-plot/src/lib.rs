//! Figures from plain arrays: series, bands, guides and heat maps, as SVG and PNG.
//!
//! A [`Figure`] describes what is shown, without coordinates: axes, series,
//! guides, coloured cells. [`to_svg`] draws it, and [`to_png`] makes the same
//! drawing into pixels. Labels are placed where they cover nothing, if there is
//! such a place; axes have ticks at round numbers, and numbers are written as in
//! print ([`number`]).
//!
//! It is *not* a plotting library for every kind of chart: a figure has one pair
//! of axes and a fixed size, and no script. It knows nothing of what the
//! numbers mean or where they come from, touches no file, and needs no font on
//! the machine.
//!
//! What the drawings have in common:
//! - Nothing panics on data: what cannot be shown (NaN, or a value that is not
//!   positive on a logarithmic axis) is left out and leaves a gap. Data that were
//!   asked for and do not exist are marked where [`Series::missing`] names them.
//! - Series are labelled where they end, not in a legend box, and differ in
//!   marker or dash as well as in colour, for print in black and white.
//! - Colours come in pairs for white and for dark paper. The attributes of the
//!   SVG hold those for white, so that every viewer shows a right figure; a
//!   style sheet puts the dark ones in their place where the reader wants that.
//! - In an SVG, points, error bars and cells say their numbers to a reader who
//!   points at them, and the description says what is drawn to one who does not
//!   see it.
//!
//! # Where to start
//! Start at [`Figure`] and its parts: [`Axis`], [`Series`], [`Guide`],
//! [`HeatMap`]. For curves of equal height over a grid there are [`contour`], for
//! the cells around grid points [`borders`], and for the colours of series in an
//! order [`position`].
//!
//! Inside, data flow one way: a figure is drawn (`draw`) into groups of shapes in
//! pixels (`drawing`), and these are written (`svg`) or painted (`png`).
//!
//! # Example
//! Two measured curves and the power law that they should follow:
//! ```
//! use regime_plot::{Axis, Figure, Guide, Theme, to_svg};
//!
//! let widths = [64.0, 128.0, 256.0, 512.0_f64];
//! let curve = |factor: f64| widths.map(|h| (h, factor / h.sqrt())).to_vec();
//! let figure = Figure::new("kernel-change")
//!     .title("How much the kernel changes")
//!     .x(Axis::log("width h"))
//!     .y(Axis::log("‖ΔΘ‖ / ‖Θ₀‖"))
//!     .line("depth 2", curve(1.0))
//!     .points("depth 3", curve(1.7))
//!     .guide(Guide::Slope {
//!         slope: -0.5,
//!         through: (64.0, 0.3),
//!         range: (64.0, 512.0),
//!         label: "slope −1/2".into(),
//!     });
//! let svg = to_svg(&figure, Theme::Adaptive);
//! assert!(svg.starts_with("<svg") && svg.contains(">depth 3</text>"));
//! ```

mod colour;
mod contour;
mod draw;
mod drawing;
mod figure;
mod font;
mod line;
pub mod number;
mod png;
mod svg;

pub use colour::{Color, position};
pub use contour::{Surface, contour};
pub use figure::{Axis, Cell, Figure, Guide, HeatMap, Interval, Scale, Series, Style, borders};
pub use png::{PngError, to_png};
pub use svg::{Theme, to_svg};
