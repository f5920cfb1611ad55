//! Figures from plain arrays: series, bands, guides and heat maps, as SVG and PNG.
//!
//! A [`Figure`] describes the content of a plot, without coordinates: axes, series,
//! guides, coloured cells. [`to_svg`] draws it as SVG, and [`to_png`] renders the
//! same drawing to pixels. Labels are placed where they cover no data, if possible.
//! Axes have ticks at round numbers, and numbers are written as in print ([`number`]).
//!
//! It is *not* a plotting library for every kind of chart: a figure has one pair
//! of axes, a fixed size and no script. The crate does not interpret the numbers,
//! uses no file, and needs no installed font.
//!
//! All drawings follow the same rules:
//! - No data cause a panic: values that cannot be shown (NaN, or not positive on a
//!   logarithmic axis) are left out and leave a gap. [`Series::missing`] marks
//!   requested data that do not exist.
//! - Series are labelled at their ends, not in a legend box. They differ in
//!   marker or dash as well as in colour, for print in black and white.
//! - Every colour has a version for white and a version for dark paper. The
//!   attributes of the SVG hold the colours for white paper, so that every viewer
//!   shows a correct figure. A style sheet replaces them if the reader prefers dark.
//! - In an SVG, points, error bars and cells show their numbers under the mouse
//!   pointer, and a description serves screen readers.
//!
//! # Where to start
//! Start at [`Figure`] and its parts: [`Axis`], [`Series`], [`Guide`],
//! [`HeatMap`]. [`contour`] computes level lines of a quantity on a grid,
//! [`borders`] computes cells centred on grid points, and [`position`] gives the
//! colours of an ordered list of series.
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
//! // In a file: cargo run > kernel-change.svg
//! println!("{svg}");
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
