//! Conversion of a figure to PNG.

use tiny_skia::{
    FillRule, LineJoin, Mask, Paint, Path, PathBuilder, Pixmap, Stroke, StrokeDash, Transform,
};
use ttf_parser::OutlineBuilder;

use crate::draw::draw;
use crate::drawing::{Anchor, Drawing, Group, Part, Pen, Pixel, Role, Shape, Text};
use crate::figure::Figure;
use crate::line::set;

/// Image pixels per drawing pixel, along each axis. Two are enough for print and for
/// screens of high density.
const SCALE: f32 = 2.0;

/// Why a figure could not be converted to PNG.
#[derive(Debug, thiserror::Error)]
pub enum PngError {
    /// An image of this size cannot be allocated.
    #[error("cannot allocate an image of {width} × {height} pixels")]
    Size {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// The pixels could not be encoded.
    #[error("cannot encode figure `{id}` as PNG: {reason}")]
    Encoding {
        /// The name of the figure.
        id: String,
        /// The error of the encoder.
        reason: String,
    },
}

/// Draws a figure as PNG on white paper, at twice its size. The letters are outlines
/// of the embedded font, so that the pixels are the same on every machine.
///
/// # Errors
/// [`PngError`] if the image cannot be allocated or encoded.
pub fn to_png(figure: &Figure) -> Result<Vec<u8>, PngError> {
    let image = paint(&draw(figure))?;
    image
        .encode_png()
        .map_err(|error| PngError::Encoding { id: figure.id.clone(), reason: error.to_string() })
}

fn paint(drawing: &Drawing) -> Result<Pixmap, PngError> {
    let pixels = |length: f64| (length as f32 * SCALE).ceil() as u32;
    let (width, height) = (pixels(drawing.width), pixels(drawing.height));
    let image = Pixmap::new(width, height).ok_or(PngError::Size { width, height })?;
    let clip = clip(drawing, width, height).ok_or(PngError::Size { width, height })?;
    let mut painter = Painter { drawing, image, clip };
    let corner = (drawing.width, drawing.height);
    painter.parts(&Pen::fill(Role::Surface), &[Part::Rectangle((0.0, 0.0), corner)]);
    for Group { pen, shapes } in &drawing.groups {
        for shape in shapes {
            match shape {
                Shape::Path(path) => painter.parts(pen, &path.parts),
                Shape::Text(text) => painter.text(pen, text),
            }
        }
    }
    Ok(painter.image)
}

/// The mask of the rectangle to which pens may be clipped.
fn clip(drawing: &Drawing, width: u32, height: u32) -> Option<Mask> {
    let mut mask = Mask::new(width, height)?;
    let (from, to) = drawing.clip;
    if let Some(path) = path(&[Part::Rectangle(from, to)]) {
        mask.fill_path(&path, FillRule::Winding, true, to_image());
    }
    Some(mask)
}

/// The transform from the drawing to the image.
fn to_image() -> Transform {
    Transform::from_scale(SCALE, SCALE)
}

/// An image and the drawing to paint on it.
struct Painter<'a> {
    drawing: &'a Drawing,
    image: Pixmap,
    clip: Mask,
}

impl Painter<'_> {
    fn parts(&mut self, pen: &Pen, parts: &[Part]) {
        if let Some(path) = path(parts) {
            self.fill(pen, &path, to_image());
            self.stroke(pen, &path, to_image());
        }
    }

    fn text(&mut self, pen: &Pen, text: &Text) {
        let size = pen.font_size.unwrap_or_default();
        if let Some(path) = letters(text, size, pen.bold) {
            let place = text.turn.map_or(to_image(), |(degrees, (x, y))| {
                to_image().pre_translate(x as f32, y as f32).pre_rotate(degrees as f32)
            });
            self.stroke(pen, &path, place);
            self.fill(pen, &path, place);
        }
    }

    fn fill(&mut self, pen: &Pen, path: &Path, place: Transform) {
        if let Some(role) = pen.fill {
            let paint = Paint { anti_alias: !pen.crisp, ..self.paint(role, pen.fill_opacity) };
            let clip = pen.clipped.then_some(&self.clip);
            self.image.fill_path(path, &paint, FillRule::Winding, place, clip);
        }
    }

    fn stroke(&mut self, pen: &Pen, path: &Path, place: Transform) {
        if let Some(role) = pen.stroke {
            let paint = self.paint(role, pen.stroke_opacity);
            let clip = pen.clipped.then_some(&self.clip);
            let dashes = pen.dashes.unwrap_or_default().iter().map(|&length| length as f32);
            let stroke = Stroke {
                width: pen.stroke_width as f32,
                line_join: if pen.round_joins { LineJoin::Round } else { LineJoin::Miter },
                // An empty list of dashes is a solid line.
                dash: StrokeDash::new(dashes.collect(), 0.0),
                ..Stroke::default()
            };
            self.image.stroke_path(path, &paint, &stroke, place, clip);
        }
    }

    fn paint(&self, role: Role, opacity: f64) -> Paint<'static> {
        let [red, green, blue] = self.drawing.paint(role).light;
        let mut paint = Paint::default();
        paint.set_color_rgba8(red, green, blue, (255.0 * opacity).round() as u8);
        paint
    }
}

/// The parts of an outline as one path; `None` if there is nothing to draw.
fn path(parts: &[Part]) -> Option<Path> {
    let mut path = PathBuilder::new();
    for part in parts {
        match *part {
            Part::Line(ref points) => join(&mut path, points),
            Part::Polygon(ref points) => {
                join(&mut path, points);
                path.close();
            }
            Part::Rectangle((x0, y0), (x1, y1)) => {
                join(&mut path, &[(x0, y0), (x1, y0), (x1, y1), (x0, y1)]);
                path.close();
            }
            Part::Circle((x, y), radius) => path.push_circle(x as f32, y as f32, radius as f32),
        }
    }
    path.finish()
}

fn join(path: &mut PathBuilder, points: &[Pixel]) {
    for (index, &(x, y)) in points.iter().enumerate() {
        let (x, y) = (x as f32, y as f32);
        if index == 0 { path.move_to(x, y) } else { path.line_to(x, y) }
    }
}

/// The outlines of all letters of a text as one path; `None` if there is nothing
/// to draw.
fn letters(Text { at: (x, y), anchor, text, .. }: &Text, size: f64, bold: bool) -> Option<Path> {
    // As in viewers of an SVG, runs of white space become one space.
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let line = set(&words.join(" "), bold);
    let before = match anchor {
        Anchor::Start => 0.0,
        Anchor::Middle => 0.5 * line.width,
        Anchor::End => line.width,
    };
    let mut path = PathBuilder::new();
    for glyph in &line.glyphs {
        let (right, up) = glyph.at;
        let origin = ((x + size * (right - before)) as f32, (y - size * up) as f32);
        let unit = (size * glyph.font.unit()) as f32;
        glyph.font.outline(glyph.id, &mut Contours { path: &mut path, origin, unit });
    }
    path.finish()
}

/// Adds the contours of a glyph to a path.
struct Contours<'a> {
    path: &'a mut PathBuilder,
    /// The position of the glyph.
    origin: (f32, f32),
    /// The length of a font unit.
    unit: f32,
}

impl Contours<'_> {
    fn place(&self, x: f32, y: f32) -> (f32, f32) {
        (self.origin.0 + self.unit * x, self.origin.1 - self.unit * y)
    }
}

impl OutlineBuilder for Contours<'_> {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.place(x, y);
        self.path.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.place(x, y);
        self.path.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.place(x1, y1), self.place(x, y));
        self.path.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let ((x1, y1), (x2, y2), (x, y)) =
            (self.place(x1, y1), self.place(x2, y2), self.place(x, y));
        self.path.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}

#[cfg(test)]
mod tests;
