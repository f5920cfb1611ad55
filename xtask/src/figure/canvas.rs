//! The text of an SVG in the making: groups that carry the paint, and the few
//! shapes a figure needs.

use std::fmt::Write as _;

use super::Theme;
use super::colour::{GRID, INK, MUTED, Paint, SURFACE, hex};
use super::markup::escape;
use super::text::FAMILIES;

/// A point in pixels, x to the right and y down.
pub(super) type Pixel = (f64, f64);

/// What a colour is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The paper.
    Surface,
    /// Text that matters.
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

/// Which end of a text stands at its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// An SVG in the making.
pub(super) struct Canvas {
    theme: Theme,
    id: String,
    series: Vec<Paint>,
    shades: Vec<Paint>,
    body: String,
}

impl Canvas {
    /// An empty drawing. `id` scopes its style sheet and the names in it;
    /// `series` are the colours of [`Role::Series`], `shades` those of [`Role::Shade`].
    pub(super) fn new(theme: Theme, id: String, series: Vec<Paint>, shades: Vec<Paint>) -> Self {
        Self { theme, id, series, shades, body: String::new() }
    }

    /// Opens a group whose shapes are filled and stroked alike, and which has
    /// further attributes as written.
    pub(super) fn open(&mut self, fill: Option<Role>, stroke: Option<Role>, attributes: &str) {
        let paint = self.paint(fill, stroke);
        let space = if attributes.is_empty() { "" } else { " " };
        self.push(format_args!("<g {paint}{space}{attributes}>\n"));
    }

    /// Opens a group whose origin is at the pixel, turned clockwise.
    pub(super) fn open_turned(&mut self, degrees: f64, (x, y): Pixel) {
        self.push(format_args!(
            "<g transform=\"translate({x:.2} {y:.2}) rotate({degrees:.2})\">\n"
        ));
    }

    /// Closes the innermost group.
    pub(super) fn close(&mut self) {
        self.push(format_args!("</g>\n"));
    }

    /// A path, from the commands of an SVG path.
    pub(super) fn path(&mut self, commands: &str) {
        self.push(format_args!("<path d=\"{commands}\"/>\n"));
    }

    /// A straight line.
    pub(super) fn line(&mut self, from: Pixel, to: Pixel) {
        self.path(&polyline(&[from, to]));
    }

    /// A line of text whose baseline is at the pixel.
    pub(super) fn text(&mut self, (x, y): Pixel, anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        self.push(format_args!(
            "<text x=\"{x:.2}\" y=\"{y:.2}\"{anchor}>{}</text>\n",
            escape(text)
        ));
    }

    /// Names the rectangle between two corners, to be used as
    /// [`Self::clipped`].
    pub(super) fn define_clip(&mut self, (left, top): Pixel, (right, bottom): Pixel) {
        let (width, height) = (right - left, bottom - top);
        let id = self.id.clone();
        self.push(format_args!(
            "<clipPath id=\"{id}-plot\"><rect x=\"{left:.2}\" y=\"{top:.2}\" width=\"{width:.2}\" height=\"{height:.2}\"/></clipPath>\n"
        ));
    }

    /// The attribute that cuts a group to the rectangle of
    /// [`Self::define_clip`].
    pub(super) fn clipped(&self) -> String {
        format!("clip-path=\"url(#{}-plot)\"", self.id)
    }

    /// The whole SVG, with its title and description for screen readers.
    pub(super) fn finish(self, width: f64, height: f64, title: &str, description: &str) -> String {
        let Self { id, body, .. } = &self;
        let paper = self.paint(Some(Role::Surface), None);
        let style = self.style_sheet();
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" id=\"{id}\" viewBox=\"0 0 {width} {height}\" \
             width=\"{width}\" height=\"{height}\" role=\"img\" aria-labelledby=\"{id}-title {id}-desc\" \
             font-family=\"{FAMILIES}\">\n\
             <title id=\"{id}-title\">{title}</title>\n<desc id=\"{id}-desc\">{description}</desc>\n\
             {style}<rect width=\"{width}\" height=\"{height}\" {paper}/>\n{body}</svg>\n",
            title = escape(title),
            description = escape(description),
        )
    }

    /// The attributes for a fill and a stroke. An adaptive figure also names
    /// their classes, by which the style sheet finds them.
    fn paint(&self, fill: Option<Role>, stroke: Option<Role>) -> String {
        let mut attributes = Vec::new();
        let mut classes = Vec::new();
        for (property, role) in [("fill", fill), ("stroke", stroke)] {
            match role {
                None => attributes.push(format!("{property}=\"none\"")),
                Some(role) => {
                    let Paint { light, dark } = self.colour(role);
                    let colour = if self.theme == Theme::Dark { dark } else { light };
                    attributes.push(format!("{property}=\"{}\"", hex(colour)));
                    classes.push(class(property, role));
                }
            }
        }
        if self.theme == Theme::Adaptive && !classes.is_empty() {
            attributes.push(format!("class=\"{}\"", classes.join(" ")));
        }
        attributes.join(" ")
    }

    /// The rules that give an adaptive figure its dark colours, on screens
    /// only: paper is white.
    fn style_sheet(&self) -> String {
        if self.theme != Theme::Adaptive {
            return String::new();
        }
        let id = &self.id;
        let roles = [Role::Surface, Role::Ink, Role::Muted, Role::Grid]
            .into_iter()
            .chain((0..self.series.len()).map(Role::Series))
            .chain((0..self.shades.len()).map(Role::Shade));
        let rules: String = roles
            .flat_map(|role| ["fill", "stroke"].map(|property| (property, role)))
            .map(|(property, role)| {
                let colour = hex(self.colour(role).dark);
                format!("#{id} .{}{{{property}:{colour}}}\n", class(property, role))
            })
            .collect();
        let (light, dark) = (hex(SURFACE.light), hex(SURFACE.dark));
        format!(
            "<style>\n#{id}{{background:{light}}}\n@media screen and (prefers-color-scheme:dark){{\n\
             #{id}{{background:{dark}}}\n{rules}}}\n</style>\n"
        )
    }

    fn colour(&self, role: Role) -> Paint {
        match role {
            Role::Surface => SURFACE,
            Role::Ink => INK,
            Role::Muted => MUTED,
            Role::Grid => GRID,
            Role::Series(index) => self.series.get(index).copied().unwrap_or(INK),
            Role::Shade(index) => self.shades.get(index).copied().unwrap_or(INK),
        }
    }

    fn push(&mut self, text: std::fmt::Arguments) {
        // Writing to a String cannot fail.
        let _ = self.body.write_fmt(text);
    }
}

fn class(property: &str, role: Role) -> String {
    let name = match role {
        Role::Surface => "surface".into(),
        Role::Ink => "ink".into(),
        Role::Muted => "muted".into(),
        Role::Grid => "grid".into(),
        Role::Series(index) => format!("s{index}"),
        Role::Shade(index) => format!("h{index}"),
    };
    format!("{property}-{name}")
}

/// The commands of a path through the points; empty for none.
pub(super) fn polyline(points: &[Pixel]) -> String {
    let mut commands = String::new();
    for (index, (x, y)) in points.iter().enumerate() {
        let command = if index == 0 { 'M' } else { 'L' };
        let _ = write!(commands, "{command}{x:.2} {y:.2}");
    }
    commands
}
