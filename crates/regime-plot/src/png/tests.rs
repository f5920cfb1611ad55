//! Tests: an image has the right size, and agrees with a rendering of the SVG.

use resvg::usvg::{Options, Tree};

use super::*;
use crate::figure::{Axis, Cell, Guide, HeatMap, Interval, Scale, Series, Style};
use crate::svg::{Theme, to_svg};

fn figure(map: Option<HeatMap>) -> Figure {
    let curve = |power: f64| (1..=12).map(|i| (f64::from(i), f64::from(i).powf(power))).collect();
    let intervals = |points: &[(f64, f64)]| -> Vec<Interval> {
        points.iter().map(|&(x, y)| Interval { x, low: 0.5 * y, high: 1.7 * y }).collect()
    };
    let mut figure = Figure { map, ..Figure::new("figure") }
        .title("α & <β>")
        .x(Axis { range: Some((1.5, 10.0)), ..Axis::log("√h·α") })
        .y(Axis { range: Some((0.3, 40.0)), ..Axis::log("‖ΔΘ‖ / ‖Θ₀‖") })
        .line("line", curve(1.0))
        .line("dashed", curve(0.5))
        .points("points", curve(0.2))
        .guide(Guide::Slope {
            slope: -1.0,
            through: (1.0, 10.0),
            range: (0.1, 10.0),
            label: String::new(),
        })
        .guide(Guide::HorizontalLevel { y: 0.5, label: String::new() })
        .series(Series::new("marked", curve(1.5)));
    figure.series[0].band = intervals(&figure.series[0].points);
    figure.series[2].error_bars = intervals(&figure.series[2].points);
    // One of each marker, the hollow one included.
    for index in 0..6 {
        let points = vec![(2.0 + f64::from(index), 20.0)];
        figure = figure.series(Series { style: Style::Points, ..Series::new("", points) });
    }
    figure
}

fn heat_map() -> HeatMap {
    let edges = |i: i32| (f64::from(i) + 0.3, f64::from(i) + 1.3);
    let pairs = (1..9).flat_map(|i| (0..9).map(move |j| (i, j)));
    let cells = pairs.map(|(i, j)| Cell { x: edges(i), y: edges(j), value: f64::from(i * j) });
    HeatMap { label: "value".into(), scale: Scale::Linear, square: true, cells: cells.collect() }
}

#[test]
fn an_image_is_twice_the_drawing() -> Result<(), Box<dyn std::error::Error>> {
    let figure = figure(None);
    let image = Pixmap::decode_png(&to_png(&figure)?)?;
    let drawing = draw(&figure);
    assert_eq!(
        (image.width(), image.height()),
        (2 * drawing.width as u32, (2.0 * drawing.height).ceil() as u32)
    );
    // White paper with ink on it.
    assert!(image.pixels()[0].red() == 255 && image.pixels().iter().any(|pixel| pixel.red() < 128));
    Ok(())
}

/// The renderer is built without text. Only the region between the axes is compared,
/// and the guides have no labels.
#[test]
fn the_plot_agrees_with_a_rendering_of_the_svg() -> Result<(), Box<dyn std::error::Error>> {
    for map in [None, Some(heat_map())] {
        let figure = figure(map);
        let image = Pixmap::decode_png(&to_png(&figure)?)?;
        let tree = Tree::from_str(&to_svg(&figure, Theme::Light), &Options::default())?;
        let mut viewed = Pixmap::new(image.width(), image.height()).ok_or("no memory")?;
        resvg::render(&tree, to_image(), &mut viewed.as_mut());

        let ((left, top), (right, bottom)) = draw(&figure).clip;
        let pixel = |length: f64| (SCALE * length as f32) as u32;
        let (mut inked, mut largest) = (0, 0);
        for y in pixel(top) + 3..pixel(bottom) - 3 {
            for x in pixel(left) + 3..pixel(right) - 3 {
                let [one, other] = [&image, &viewed].map(|image| image.pixel(x, y).unwrap());
                inked += usize::from(one.green() < 250);
                let channels = [
                    one.red().abs_diff(other.red()),
                    one.green().abs_diff(other.green()),
                    one.blue().abs_diff(other.blue()),
                ];
                largest = channels.into_iter().fold(largest, u8::max);
            }
        }
        // The SVG rounds coordinates to a hundredth of a pixel, which changes the
        // shades along edges.
        assert!(inked > 10_000 && largest <= 64, "{inked} {largest}");
    }
    Ok(())
}

#[test]
fn text_has_its_position_and_size() {
    let bounds = |at, anchor, size, bold| {
        let text = Text { at, anchor, text: "Ho\n  H".into(), turn: None };
        letters(&text, size, bold).map(|path| path.bounds()).unwrap()
    };
    let start = bounds((100.0, 50.0), Anchor::Start, 20.0, false);
    // DejaVu Sans: capitals are 1493 of 2048 units high, H begins 201 units from
    // its origin.
    assert!((start.left() - (100.0 + 20.0 * 201.0 / 2048.0)).abs() < 0.01, "{start:?}");
    assert!((start.top() - (50.0 - 20.0 * 1493.0 / 2048.0)).abs() < 0.01, "{start:?}");
    let middle = bounds((100.0, 50.0), Anchor::Middle, 20.0, false);
    assert!(((middle.left() + middle.right()) / 2.0 - 100.0).abs() < 0.1, "{middle:?}");
    let end = bounds((100.0, 50.0), Anchor::End, 20.0, false);
    assert!((end.right() - (100.0 - 20.0 * 201.0 / 2048.0)).abs() < 0.1, "{end:?}");
    let double = bounds((0.0, 0.0), Anchor::Start, 40.0, false);
    assert!((double.width() / start.width() - 2.0).abs() < 1e-3);
    assert!(bounds((0.0, 0.0), Anchor::Start, 20.0, true).width() > 1.05 * start.width());
}

#[test]
fn any_text_is_drawn() {
    for text in ["", " ", "\u{0}", "漢字 🦀", "\u{303}", "a\u{303}\u{303}", "שלום"] {
        let figure = Figure::new(text)
            .title(text)
            .x(Axis::log(text))
            .line(text, vec![(1.0, 1.0), (2.0, 2.0)])
            .guide(Guide::VerticalLevel { x: 1.5, label: text.into() });
        assert!(to_png(&figure).is_ok(), "{text:?}");
    }
}
