//! A drawing in pixels: groups of shapes from back to front, each group with
//! one pen. It does not depend on figures or on files.

use crate::colour::{GRID, INK, MUTED, Paint, SURFACE};

/// A point in pixels, x to the right and y down.
pub(crate) type Pixel = (f64, f64);

/// A drawing.
pub(crate) struct Drawing {
    /// Its size in pixels.
    pub(crate) width: f64,
    pub(crate) height: f64,
    /// The content in one sentence, for screen readers.
    pub(crate) description: String,
    /// Two corners of the rectangle to which a pen may be clipped: top left and
    /// bottom right.
    pub(crate) clip: (Pixel, Pixel),
    /// The colours of [`Role::Series`].
    pub(crate) series: Vec<Paint>,
    /// The colours of [`Role::Shade`].
    pub(crate) shades: Vec<Paint>,
    /// The groups, from back to front.
    pub(crate) groups: Vec<Group>,
}

/// Shapes that are drawn with the same pen.
pub(crate) struct Group {
    pub(crate) pen: Pen,
    pub(crate) shapes: Vec<Shape>,
}

/// The fill and stroke of shapes, and the font of texts. The fields correspond to
/// the attributes of an SVG.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pen {
    pub(crate) fill: Option<Role>,
    pub(crate) fill_opacity: f64,
    /// Whether edges are drawn without blending, so that no seam shows between cells
    /// that touch.
    pub(crate) crisp: bool,
    pub(crate) font_size: Option<f64>,
    pub(crate) bold: bool,
    pub(crate) italic: bool,
    /// The stroke, drawn over the fill of a shape and under the fill of a text.
    pub(crate) stroke: Option<Role>,
    pub(crate) stroke_width: f64,
    pub(crate) round_joins: bool,
    pub(crate) stroke_opacity: f64,
    /// Alternating lengths of dashes and gaps; `None` or an empty list for a solid
    /// line.
    pub(crate) dashes: Option<&'static [f64]>,
    /// Whether shapes are clipped to the rectangle [`Drawing::clip`].
    pub(crate) clipped: bool,
}

impl Pen {
    /// The pen that draws nothing. It has the default values of the fields.
    pub(crate) const BLANK: Self = Self {
        fill: None,
        fill_opacity: 1.0,
        crisp: false,
        font_size: None,
        bold: false,
        italic: false,
        stroke: None,
        stroke_width: 1.0,
        round_joins: false,
        stroke_opacity: 1.0,
        dashes: None,
        clipped: false,
    };

    /// A pen that fills shapes.
    pub(crate) const fn fill(role: Role) -> Self {
        Self { fill: Some(role), ..Self::BLANK }
    }

    /// A pen that draws lines of this width.
    pub(crate) const fn line(role: Role, stroke_width: f64) -> Self {
        Self { stroke: Some(role), stroke_width, ..Self::BLANK }
    }

    /// A pen that writes texts of this size.
    pub(crate) const fn text(role: Role, size: f64) -> Self {
        Self { fill: Some(role), font_size: Some(size), ..Self::BLANK }
    }
}

/// The purpose of a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The paper.
    Surface,
    /// Primary text.
    Ink,
    /// Axes, guides and secondary text.
    Muted,
    /// Grid lines.
    Grid,
    /// The series of this index.
    Series(usize),
    /// The shade of this index on the ramp of a heat map.
    Shade(usize),
}

/// A shape that a pen draws.
pub(crate) enum Shape {
    /// One outline, of several parts.
    Path(Path),
    /// A line of text.
    Text(Text),
}

/// One outline.
#[derive(Default)]
pub(crate) struct Path {
    /// The parts; empty if there is only a `hover`.
    pub(crate) parts: Vec<Part>,
    /// The title under the mouse pointer, in an SVG only.
    pub(crate) hover: Option<Hover>,
}

/// The title that an outline shows under the mouse pointer.
pub(crate) struct Hover {
    pub(crate) title: String,
    /// An invisible region that shows the title, in addition to the outline.
    pub(crate) target: Option<Part>,
}

/// A part of an outline.
pub(crate) enum Part {
    /// An open line through the points.
    Line(Vec<Pixel>),
    /// A closed line through the points.
    Polygon(Vec<Pixel>),
    /// The rectangle between two opposite corners.
    Rectangle(Pixel, Pixel),
    /// A circle by its centre and radius.
    Circle(Pixel, f64),
}

/// A line of text.
pub(crate) struct Text {
    /// The position of the anchor on the baseline.
    pub(crate) at: Pixel,
    pub(crate) anchor: Anchor,
    pub(crate) text: String,
    /// The rotation, if any: the angle in degrees clockwise, and the centre, which is
    /// then the origin of `at`.
    pub(crate) turn: Option<(f64, Pixel)>,
}

/// The part of a text that is placed at its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

impl Drawing {
    /// Adds an empty group in front of all others.
    pub(crate) fn group(&mut self, pen: Pen) -> &mut Group {
        self.groups.push(Group { pen, shapes: Vec::new() });
        let last = self.groups.len() - 1;
        &mut self.groups[last]
    }

    /// The colour of a role.
    pub(crate) fn paint(&self, role: Role) -> Paint {
        match role {
            Role::Surface => SURFACE,
            Role::Ink => INK,
            Role::Muted => MUTED,
            Role::Grid => GRID,
            Role::Series(index) => self.series.get(index).copied().unwrap_or(INK),
            Role::Shade(index) => self.shades.get(index).copied().unwrap_or(INK),
        }
    }
}

impl Group {
    /// Adds an outline.
    pub(crate) fn path(&mut self, parts: Vec<Part>) {
        self.shapes.push(Shape::Path(Path { parts, hover: None }));
    }

    /// Adds an outline, with a hover title if `title` is not `None`.
    pub(crate) fn hover(&mut self, parts: Vec<Part>, title: Option<String>, target: Option<Part>) {
        let hover = title.map(|title| Hover { title, target });
        self.shapes.push(Shape::Path(Path { parts, hover }));
    }

    /// Adds a straight line.
    pub(crate) fn line(&mut self, from: Pixel, to: Pixel) {
        self.path(vec![Part::Line(vec![from, to])]);
    }

    /// Adds a horizontal text.
    pub(crate) fn text(&mut self, at: Pixel, anchor: Anchor, text: &str) {
        self.shapes.push(Shape::Text(Text { at, anchor, text: text.into(), turn: None }));
    }
}
