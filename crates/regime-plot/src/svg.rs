//! Conversion of a figure to SVG.

mod markup;
mod shape;

use std::fmt::Write as _;

pub(crate) use markup::escape;

use markup::identifier;
use shape::shape;

use crate::colour::{Paint, SURFACE, hex};
use crate::draw::draw;
use crate::drawing::{Drawing, Group, Pen, Role, Shape};
use crate::figure::Figure;

/// The paper for which a figure is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// White paper, or dark paper if the reader's system prefers it.
    #[default]
    Adaptive,
    /// White paper.
    Light,
    /// Dark paper.
    Dark,
}

/// The fonts of the figures, in order of preference, as the value of an attribute.
const FAMILIES: &str = "'DejaVu Sans', Verdana, system-ui, sans-serif";

/// Draws a figure as SVG, without an XML declaration, for a page or for a file.
///
/// The title and the description are for screen readers. The description lists the
/// content and the ranges, and ends with the caption. Data show their numbers under
/// the mouse pointer, except if there are too many: more than 1000 points in a
/// series, 60 points in a line without markers, or 2000 cells.
pub fn to_svg(figure: &Figure, theme: Theme) -> String {
    let drawing = draw(figure);
    let id = identifier(&figure.id);
    let title = escape(&figure.title);
    let description = escape(format!("{} {}", drawing.description, figure.caption).trim_end());
    let Drawing { width, height, .. } = drawing;
    let writer = Writer { drawing: &drawing, theme, id: &id };
    let (style, clip) = (writer.style_sheet(), writer.clip());
    let paper = writer.paint(&Pen::fill(Role::Surface));
    let groups: String = drawing.groups.iter().map(|group| writer.group(group)).collect();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" id=\"{id}\" viewBox=\"0 0 {width} {height}\" \
         width=\"{width}\" height=\"{height}\" role=\"img\" aria-labelledby=\"{id}_title {id}_desc\" \
         font-family=\"{FAMILIES}\">\n\
         <title id=\"{id}_title\">{title}</title>\n<desc id=\"{id}_desc\">{description}</desc>\n\
         {style}<rect width=\"{width}\" height=\"{height}\" {paper}/>\n{clip}{groups}</svg>\n"
    )
}

/// The data that the markup of every group needs.
struct Writer<'a> {
    drawing: &'a Drawing,
    theme: Theme,
    /// Scopes the style sheet and the names in it.
    id: &'a str,
}

impl Writer<'_> {
    /// Defines the clipping rectangle of [`Pen::clipped`].
    fn clip(&self) -> String {
        let ((left, top), (right, bottom)) = self.drawing.clip;
        let (width, height, id) = (right - left, bottom - top, self.id);
        format!(
            "<clipPath id=\"{id}_plot\"><rect x=\"{left:.2}\" y=\"{top:.2}\" width=\"{width:.2}\" height=\"{height:.2}\"/></clipPath>\n"
        )
    }

    fn group(&self, Group { pen, shapes }: &Group) -> String {
        // Shapes without a hover title do not react to the pointer. Texts do, so that
        // readers can select them.
        let silent =
            shapes.iter().all(|shape| matches!(shape, Shape::Path(path) if path.hover.is_none()));
        let pointer = if silent { " pointer-events=\"none\"" } else { "" };
        let shapes: String = shapes.iter().map(shape).collect();
        format!("<g {}{}{pointer}>\n{shapes}</g>\n", self.paint(pen), self.attributes(pen))
    }

    /// The attributes for a fill and a stroke. An adaptive figure also names
    /// the classes that the style sheet uses.
    fn paint(&self, pen: &Pen) -> String {
        let mut attributes = Vec::new();
        let mut classes = Vec::new();
        for (property, role) in [("fill", pen.fill), ("stroke", pen.stroke)] {
            match role {
                None => attributes.push(format!("{property}=\"none\"")),
                Some(role) => {
                    let Paint { light, dark } = self.drawing.paint(role);
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

    /// The other attributes of a pen, each after a space. Attributes with their
    /// initial value are left out.
    fn attributes(&self, pen: &Pen) -> String {
        let mut text = String::new();
        let mut put = |name: &str, value: &dyn std::fmt::Display| {
            // Writing to a String cannot fail.
            let _ = write!(text, " {name}=\"{value}\"");
        };
        if pen.fill_opacity != 1.0 {
            put("fill-opacity", &pen.fill_opacity);
        }
        if pen.crisp {
            put("shape-rendering", &"crispEdges");
        }
        if let Some(size) = pen.font_size {
            put("font-size", &size);
        }
        if pen.bold {
            put("font-weight", &600);
        }
        if pen.italic {
            put("font-style", &"italic");
        }
        if pen.stroke.is_some() {
            put("stroke-width", &pen.stroke_width);
        }
        if pen.round_joins {
            put("stroke-linejoin", &"round");
        }
        if pen.stroke_opacity != 1.0 {
            put("stroke-opacity", &pen.stroke_opacity);
        }
        if let Some(dashes) = pen.dashes {
            let lengths: Vec<String> = dashes.iter().map(f64::to_string).collect();
            let lengths = if lengths.is_empty() { "none".into() } else { lengths.join(" ") };
            put("stroke-dasharray", &lengths);
        }
        if pen.font_size.is_some() && pen.stroke.is_some() {
            put("paint-order", &"stroke");
        }
        if pen.clipped {
            put("clip-path", &format_args!("url(#{}_plot)", self.id));
        }
        text
    }

    /// The rules that give an adaptive figure its dark colours, on screens only:
    /// printed figures are always light.
    fn style_sheet(&self) -> String {
        if self.theme != Theme::Adaptive {
            return String::new();
        }
        let (id, drawing) = (self.id, self.drawing);
        let roles = [Role::Surface, Role::Ink, Role::Muted, Role::Grid]
            .into_iter()
            .chain((0..drawing.series.len()).map(Role::Series))
            .chain((0..drawing.shades.len()).map(Role::Shade));
        let rules: String = roles
            .flat_map(|role| ["fill", "stroke"].map(|property| (property, role)))
            .map(|(property, role)| {
                let colour = hex(drawing.paint(role).dark);
                format!("#{id} .{}{{{property}:{colour}}}\n", class(property, role))
            })
            .collect();
        let (light, dark) = (hex(SURFACE.light), hex(SURFACE.dark));
        format!(
            "<style>\n#{id}{{background:{light}}}\n@media screen and (prefers-color-scheme:dark){{\n\
             #{id}{{background:{dark}}}\n{rules}}}\n</style>\n"
        )
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

#[cfg(test)]
mod tests;
