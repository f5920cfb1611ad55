//! Figures as pixels.

use resvg::{tiny_skia, usvg};

use super::{Figure, Theme, text, to_svg};

/// Pixels of the image for each pixel of the drawing, enough for print and for
/// screens of high density.
const SCALE: f32 = 2.0;

/// Why a figure could not be made into pixels.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PngError {
    /// The drawing is not an SVG; a bug in this module.
    #[error("the drawing of figure `{id}` cannot be read back")]
    Svg {
        /// The figure.
        id: String,
        /// What the parser says.
        source: usvg::Error,
    },
    /// There is no memory for an image of this size.
    #[error("no room for an image of {width} × {height} pixels")]
    Size {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// The pixels could not be encoded.
    #[error("cannot encode figure `{id}` as PNG: {reason}")]
    Encoding {
        /// The figure.
        id: String,
        /// What the encoder says.
        reason: String,
    },
}

/// Draws a figure on white paper, at twice its size, in the embedded font: the
/// same pixels on every machine.
///
/// # Errors
/// If the image does not fit into memory; see [`PngError`].
pub(crate) fn to_png(figure: &Figure) -> Result<Vec<u8>, PngError> {
    let id = || figure.id.clone();
    let svg = to_svg(figure, Theme::Light);
    let tree = usvg::Tree::from_str(&svg, &text::options())
        .map_err(|source| PngError::Svg { id: id(), source })?;
    let size = tree.size();
    let (width, height) =
        ((size.width() * SCALE).ceil() as u32, (size.height() * SCALE).ceil() as u32);
    let mut image =
        tiny_skia::Pixmap::new(width, height).ok_or(PngError::Size { width, height })?;
    resvg::render(&tree, tiny_skia::Transform::from_scale(SCALE, SCALE), &mut image.as_mut());
    image.encode_png().map_err(|error| PngError::Encoding { id: id(), reason: error.to_string() })
}
