//! From a description to an SVG, from back to front.

use super::axis::Frame;
use super::canvas::{Anchor, Canvas, Pixel, Role, polyline};
use super::layout::{
    EDGE, LABEL_LINE, LABEL_SIZE, Layout, TICK_LENGTH, TICK_SIZE, TITLE_LINE, TITLE_SIZE,
    TO_X_LABEL, WIDTH,
};
use super::markup::identifier;
use super::ticks::Ticks;
use super::{Figure, Theme, guides, heat_map, series};

/// Draws a figure. The SVG has no XML declaration, so that it can stand in a
/// page as well as in a file.
pub(crate) fn to_svg(figure: &Figure, theme: Theme) -> String {
    let paints = figure.series.iter().map(|series| series.color.paint()).collect();
    let shades = figure.map.as_ref().map_or_else(Vec::new, |_| heat_map::shades());
    let mut canvas = Canvas::new(theme, identifier(&figure.id), paints, shades);
    let layout = Layout::new(figure);
    let frame = &layout.frame;
    let looks = layout.looks.iter().copied();

    canvas.define_clip((frame.x.start, frame.y.end), (frame.x.end, frame.y.start));
    draw_grid(&mut canvas, &layout);
    if let Some(map) = &figure.map {
        heat_map::draw(&mut canvas, frame, map);
    }
    for (look, series) in looks.clone().zip(&figure.series) {
        series::draw_band(&mut canvas, frame, look, series);
    }
    guides::draw_lines(&mut canvas, frame, &figure.guides, figure.map.is_some());
    draw_axes(&mut canvas, &layout);
    for (look, series) in looks.clone().zip(&figure.series) {
        series::draw_error_bars(&mut canvas, frame, look, series);
    }
    for (look, series) in looks.zip(&figure.series) {
        if figure.map.is_some() {
            // Against cells of any shade.
            series::draw_halo(&mut canvas, frame, series);
        }
        series::draw(&mut canvas, frame, look, series);
    }
    draw_titles(&mut canvas, &layout);
    let ink: Vec<Pixel> =
        figure.series.iter().flat_map(|series| series::ink(frame, series)).collect();
    if let (Some(map), Some(top)) = (&figure.map, layout.bar_top) {
        heat_map::draw_bar(&mut canvas, frame.x.start, top, map);
    } else if ink.is_empty() {
        draw_notice(&mut canvas, frame);
    }
    guides::draw_labels(&mut canvas, frame, &figure.guides, &ink);
    layout.end_labels.draw(&mut canvas, frame, &figure.series);

    canvas.finish(WIDTH, layout.height, &figure.title, &figure.caption)
}

fn draw_grid(canvas: &mut Canvas, Layout { frame, x_ticks, y_ticks, .. }: &Layout) {
    canvas.open(None, Some(Role::Grid), "stroke-width=\"1\"");
    for x in x_ticks.major.iter().filter_map(|tick| frame.x.pixel(tick.value)) {
        canvas.line((x, frame.y.start), (x, frame.y.end));
    }
    for y in y_ticks.major.iter().filter_map(|tick| frame.y.pixel(tick.value)) {
        canvas.line((frame.x.start, y), (frame.x.end, y));
    }
    canvas.close();
}

fn draw_axes(canvas: &mut Canvas, Layout { frame, x_ticks, y_ticks, .. }: &Layout) {
    let (left, bottom) = (frame.x.start, frame.y.start);
    canvas.open(None, Some(Role::Muted), "stroke-width=\"1.1\"");
    canvas.path(&polyline(&[(left, frame.y.end), (left, bottom), (frame.x.end, bottom)]));
    for (value, length) in tick_marks(x_ticks) {
        if let Some(x) = frame.x.pixel(value) {
            canvas.line((x, bottom), (x, bottom + length));
        }
    }
    for (value, length) in tick_marks(y_ticks) {
        if let Some(y) = frame.y.pixel(value) {
            canvas.line((left - length, y), (left, y));
        }
    }
    canvas.close();

    canvas.open(Some(Role::Muted), None, &format!("font-size=\"{TICK_SIZE}\""));
    for tick in &x_ticks.major {
        if let Some(x) = frame.x.pixel(tick.value) {
            canvas.text((x, bottom + TICK_LENGTH + 15.0), Anchor::Middle, &tick.label);
        }
    }
    for tick in &y_ticks.major {
        if let Some(y) = frame.y.pixel(tick.value) {
            canvas.text((left - TICK_LENGTH - 4.0, y + 0.36 * TICK_SIZE), Anchor::End, &tick.label);
        }
    }
    canvas.close();
}

/// Each tick with its length.
fn tick_marks(ticks: &Ticks) -> impl Iterator<Item = (f64, f64)> {
    let major = ticks.major.iter().map(|tick| (tick.value, TICK_LENGTH));
    major.chain(ticks.minor.iter().map(|&value| (value, TICK_LENGTH / 2.0)))
}

/// The title; the label of the y-axis below it, horizontal and so easier to
/// read than along the axis; and the label of the x-axis.
fn draw_titles(canvas: &mut Canvas, layout: &Layout) {
    let Layout { frame, title, x_label, y_label, .. } = layout;
    canvas.open(Some(Role::Ink), None, &format!("font-size=\"{TITLE_SIZE}\" font-weight=\"600\""));
    for (index, line) in title.iter().enumerate() {
        canvas.text(
            (EDGE, EDGE + TITLE_SIZE - 2.0 + TITLE_LINE * index as f64),
            Anchor::Start,
            line,
        );
    }
    canvas.close();

    canvas.open(Some(Role::Ink), None, &format!("font-size=\"{LABEL_SIZE}\""));
    let first = EDGE + TITLE_LINE * title.len() as f64 + LABEL_SIZE;
    for (index, line) in y_label.iter().enumerate() {
        canvas.text((EDGE, first + LABEL_LINE * index as f64), Anchor::Start, line);
    }
    let middle = (frame.x.start + frame.x.end) / 2.0;
    let first = frame.y.start + TO_X_LABEL + LABEL_SIZE;
    for (index, line) in x_label.iter().enumerate() {
        canvas.text((middle, first + LABEL_LINE * index as f64), Anchor::Middle, line);
    }
    canvas.close();
}

/// Says that there is nothing to see, so that it is not taken for a mistake.
fn draw_notice(canvas: &mut Canvas, frame: &Frame) {
    let middle = ((frame.x.start + frame.x.end) / 2.0, (frame.y.start + frame.y.end) / 2.0);
    canvas.open(
        Some(Role::Muted),
        None,
        &format!("font-size=\"{LABEL_SIZE}\" font-style=\"italic\""),
    );
    canvas.text(middle, Anchor::Middle, "no data to show");
    canvas.close();
}

#[cfg(test)]
mod tests;
