//! Draws a figure, from back to front.

mod description;
mod end_labels;
mod guides;
mod heat_map;
mod hover;
mod intervals;
mod layout;
mod look;
mod measures;
mod missing;
mod placement;
mod projection;
mod series;
mod spread;
mod text;
mod ticks;

use crate::drawing::{Anchor, Drawing, Part, Pen, Pixel, Role};
use crate::figure::{Figure, Series};
use hover::{Cells, Titles};
use layout::Layout;
use look::Look;
use measures::{
    EDGE, LABEL_LINE, LABEL_SIZE, MIDDLE, TICK_LENGTH, TICK_SIZE, TITLE_LINE, TITLE_SIZE,
    TO_X_LABEL, WIDTH,
};
use missing::Crosses;
use projection::Frame;
use ticks::Ticks;

/// Draws a figure.
pub(crate) fn draw(figure: &Figure) -> Drawing {
    let layout = Layout::new(figure);
    let frame = &layout.frame;
    let titles = hover::titles(&figure.series);
    let crosses = Crosses::new(frame, &figure.series);
    let all: Vec<(Look, &Series, &Titles<'_>)> = layout
        .looks
        .iter()
        .zip(&figure.series)
        .zip(&titles)
        .map(|((&look, series), titles)| (look, series, titles))
        .collect();
    let mut drawing = Drawing {
        width: WIDTH,
        height: layout.height,
        description: description::description(figure, frame, &crosses),
        clip: ((frame.x.start, frame.y.end), (frame.x.end, frame.y.start)),
        series: figure.series.iter().map(|series| series.color.paint()).collect(),
        shades: figure.map.as_ref().map_or_else(Vec::new, |_| heat_map::shades()),
        groups: Vec::new(),
    };

    draw_grid(&mut drawing, &layout);
    if let Some(map) = &figure.map {
        heat_map::draw(&mut drawing, frame, map, Cells::new(figure, map).as_ref());
    }
    for &(look, series, _) in &all {
        intervals::draw_band(&mut drawing, frame, look, series);
    }
    guides::draw_lines(&mut drawing, frame, &figure.guides, figure.map.is_some());
    draw_axes(&mut drawing, &layout);
    for &(_, series, titles) in &all {
        series::draw_targets(&mut drawing, frame, series, titles);
    }
    for &(look, series, titles) in &all {
        intervals::draw_error_bars(&mut drawing, frame, look, series, titles);
    }
    for &(look, series, titles) in &all {
        if figure.map.is_some() {
            // Makes the line visible on cells of any shade.
            series::draw_halo(&mut drawing, frame, series);
        }
        series::draw(&mut drawing, frame, look, series, titles);
    }
    for (index, &(look, _, titles)) in all.iter().enumerate() {
        crosses.draw(&mut drawing, index, look, titles);
    }
    draw_titles(&mut drawing, &layout);
    let mut ink: Vec<Pixel> =
        figure.series.iter().flat_map(|series| series::ink(frame, series)).collect();
    if let (Some(map), Some(top)) = (&figure.map, layout.bar_top) {
        heat_map::draw_bar(&mut drawing, frame.x.start, top, map);
    } else if ink.is_empty() && !figure.series.iter().any(|s| intervals::has_band(frame, s)) {
        draw_notice(&mut drawing, frame);
    }
    ink.extend(crosses.ink());
    guides::draw_labels(&mut drawing, frame, &figure.guides, &ink);
    layout.end_labels.draw(&mut drawing, frame, &figure.series, &crosses);
    drawing
}

fn draw_grid(drawing: &mut Drawing, Layout { frame, x_ticks, y_ticks, .. }: &Layout) {
    let group = drawing.group(Pen::line(Role::Grid, 1.0));
    for x in x_ticks.major.iter().filter_map(|tick| frame.x.pixel(tick.value)) {
        group.line((x, frame.y.start), (x, frame.y.end));
    }
    for y in y_ticks.major.iter().filter_map(|tick| frame.y.pixel(tick.value)) {
        group.line((frame.x.start, y), (frame.x.end, y));
    }
}

fn draw_axes(drawing: &mut Drawing, Layout { frame, x_ticks, y_ticks, .. }: &Layout) {
    let (left, bottom) = (frame.x.start, frame.y.start);
    let group = drawing.group(Pen::line(Role::Muted, 1.1));
    let corners = vec![(left, frame.y.end), (left, bottom), (frame.x.end, bottom)];
    group.path(vec![Part::Line(corners)]);
    for (value, length) in tick_marks(x_ticks) {
        if let Some(x) = frame.x.pixel(value) {
            group.line((x, bottom), (x, bottom + length));
        }
    }
    for (value, length) in tick_marks(y_ticks) {
        if let Some(y) = frame.y.pixel(value) {
            group.line((left - length, y), (left, y));
        }
    }

    let group = drawing.group(Pen::text(Role::Muted, TICK_SIZE));
    for tick in &x_ticks.major {
        if let Some(x) = frame.x.pixel(tick.value) {
            group.text((x, bottom + TICK_LENGTH + 15.0), Anchor::Middle, &tick.label);
        }
    }
    for tick in &y_ticks.major {
        if let Some(y) = frame.y.pixel(tick.value) {
            let baseline = y + MIDDLE * TICK_SIZE;
            group.text((left - TICK_LENGTH - 4.0, baseline), Anchor::End, &tick.label);
        }
    }
}

/// The value and the length of each tick.
fn tick_marks(ticks: &Ticks) -> impl Iterator<Item = (f64, f64)> {
    let major = ticks.major.iter().map(|tick| (tick.value, TICK_LENGTH));
    major.chain(ticks.minor.iter().map(|&value| (value, TICK_LENGTH / 2.0)))
}

/// Writes the title, the label of the y-axis below the title, and the label of the
/// x-axis. The label of the y-axis is horizontal, which is easier to read.
fn draw_titles(drawing: &mut Drawing, layout: &Layout) {
    let Layout { frame, title, x_label, y_label, .. } = layout;
    let group = drawing.group(Pen { bold: true, ..Pen::text(Role::Ink, TITLE_SIZE) });
    let first = EDGE + TITLE_SIZE - 2.0;
    for (index, line) in title.iter().enumerate() {
        group.text((EDGE, first + TITLE_LINE * index as f64), Anchor::Start, line);
    }

    let group = drawing.group(Pen::text(Role::Ink, LABEL_SIZE));
    let first = EDGE + TITLE_LINE * title.len() as f64 + LABEL_SIZE;
    for (index, line) in y_label.iter().enumerate() {
        group.text((EDGE, first + LABEL_LINE * index as f64), Anchor::Start, line);
    }
    let middle = (frame.x.start + frame.x.end) / 2.0;
    let first = frame.y.start + TO_X_LABEL + LABEL_SIZE;
    for (index, line) in x_label.iter().enumerate() {
        group.text((middle, first + LABEL_LINE * index as f64), Anchor::Middle, line);
    }
}

/// Writes that there are no data, so that an empty figure is not taken for an error.
fn draw_notice(drawing: &mut Drawing, frame: &Frame) {
    let middle = ((frame.x.start + frame.x.end) / 2.0, (frame.y.start + frame.y.end) / 2.0);
    let group = drawing.group(Pen { italic: true, ..Pen::text(Role::Muted, LABEL_SIZE) });
    group.text(middle, Anchor::Middle, "no data to show");
}
