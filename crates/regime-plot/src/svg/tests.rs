//! Tests: any figure is a well-formed SVG.

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::roxmltree::{Document, Node};
use resvg::usvg::{Options, Tree};

use super::*;
use crate::colour::Color;
use crate::figure::{Axis, Cell, Guide, HeatMap, Interval, Scale, Series, Style};

const SVG_TITLE: (&str, &str) = ("http://www.w3.org/2000/svg", "title");
const THEMES: [Theme; 3] = [Theme::Adaptive, Theme::Light, Theme::Dark];

fn figure(series: Vec<Series>) -> Figure {
    Figure {
        id: "a figure".into(),
        title: "α & <β>".into(),
        caption: "\"quoted\"".into(),
        x: Axis::log("√h·α"),
        y: Axis::log("‖ΔΘ‖ / ‖Θ₀‖"),
        map: None,
        series,
        guides: vec![
            Guide::Slope {
                slope: -1.0,
                through: (1.0, 1.0),
                range: (0.1, 10.0),
                label: "slope −1".into(),
            },
            Guide::HorizontalLevel { y: 0.5, label: "level".into() },
            Guide::VerticalLevel { x: f64::NAN, label: "nowhere".into() },
        ],
    }
}

fn parse(svg: &str) -> Document<'_> {
    Document::parse(svg).unwrap_or_else(|error| panic!("{error}\n{svg}"))
}

#[test]
fn any_points_make_a_figure() {
    let values = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 0.0, 1e-300, 0.3, 1.0, 1e300];
    let pairs = || values.into_iter().flat_map(|x| values.map(|y| (x, y)));
    let mut clouds: Vec<Vec<(f64, f64)>> = pairs().map(|point| vec![point]).collect();
    clouds.push(Vec::new());
    clouds.push(pairs().collect());
    clouds.push(vec![(2.0, 3.0); 5]);
    for (index, points) in clouds.into_iter().enumerate() {
        let intervals: Vec<Interval> =
            points.iter().map(|&(x, y)| Interval { x, low: -y, high: y }).collect();
        let style = [Style::Line, Style::Points, Style::LinePoints][index % 3];
        let series = Series {
            band: intervals.clone(),
            error_bars: intervals,
            missing: values.to_vec(),
            style,
            color: Color::Ordered(f64::NAN),
            ..Series::new("h = 100", points)
        };
        for scales in
            [(Scale::Log, Scale::Log), (Scale::Linear, Scale::Log), (Scale::Linear, Scale::Linear)]
        {
            let mut figure =
                figure(vec![series.clone(), Series { label: String::new(), ..series.clone() }]);
            (figure.x.scale, figure.y.scale) = scales;
            let svg = to_svg(&figure, THEMES[index % 3]);
            parse(&svg);
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }
}

#[test]
fn title_and_description_are_escaped() {
    let svg = to_svg(&figure(Vec::new()), Theme::Adaptive);
    let document = parse(&svg);
    let text = |tag| {
        document
            .descendants()
            .find(|node| node.has_tag_name(("http://www.w3.org/2000/svg", tag)))
            .and_then(|node| node.text())
    };
    assert_eq!(text("title"), Some("α & <β>"));
    let desc = "A plot of ‖ΔΘ‖ / ‖Θ₀‖ at 0.5 against √h·α; \
                compared with: slope −1, level. \"quoted\"";
    assert_eq!(text("desc"), Some(desc));
    assert!(svg.contains("no data to show"));
}

#[test]
fn only_an_adaptive_figure_has_a_style_sheet() {
    for theme in THEMES {
        let svg = to_svg(&figure(Vec::new()), theme);
        assert_eq!(svg.contains("<style>"), theme == Theme::Adaptive);
        assert_eq!(svg.contains("class="), theme == Theme::Adaptive);
    }
}

#[test]
fn a_viewer_without_media_queries_shows_the_light_figure() -> Result<(), Box<dyn std::error::Error>>
{
    let figure = figure(vec![Series::new("h = 100", vec![(1.0, 1.0), (2.0, 0.5)])]);
    let draw = |theme| -> Result<Pixmap, Box<dyn std::error::Error>> {
        let tree = Tree::from_str(&to_svg(&figure, theme), &Options::default())?;
        let mut image = Pixmap::new(780, 500).ok_or("no memory")?;
        resvg::render(&tree, Transform::identity(), &mut image.as_mut());
        Ok(image)
    };
    assert!(draw(Theme::Adaptive)? == draw(Theme::Light)?);
    assert!(draw(Theme::Adaptive)? != draw(Theme::Dark)?);
    Ok(())
}

#[test]
fn visible_series_have_labels_and_empty_series_have_none() {
    let labels = ["h = 100", "h = 200", "nothing"];
    let points = [vec![(1.0, 1.0), (2.0, 1.0)], vec![(1.0, 1.0), (2.0, 1.0)], vec![(1.0, -1.0)]];
    let series =
        labels.into_iter().zip(points).map(|(label, points)| Series::new(label, points)).collect();
    let svg = to_svg(&figure(series), Theme::Light);
    let shown = labels.map(|label| svg.matches(&format!(">{label}<")).count());
    assert_eq!(shown, [1, 1, 0]);
}

/// The titles of elements of one tag, in their order.
fn titles<'a>(document: &'a Document<'_>, tag: &str) -> Vec<&'a str> {
    let title = |node: Node<'a, '_>| node.children().find(|child| child.has_tag_name(SVG_TITLE));
    let titled = document.descendants().filter(|node| node.tag_name().name() == tag);
    titled.filter_map(title).filter_map(|title| title.text()).collect()
}

#[test]
fn markers_and_error_bars_have_hover_titles() {
    let bars = vec![Interval { x: 0.1, low: 0.21, high: 0.3 }];
    let series =
        Series { error_bars: bars, ..Series::new("h < 64", vec![(0.1, 0.25), (1.0, 0.5)]) };
    let svg = to_svg(&figure(vec![series]), Theme::Light);
    let document = parse(&svg);
    let with_interval = "h < 64 · x 0.1 · y 0.250 [0.210, 0.300]";
    assert_eq!(titles(&document, "path"), [with_interval, "h < 64 · x 1 · y 0.5"]);
    assert_eq!(titles(&document, "g"), [with_interval]);
    assert!(titles(&document, "circle").is_empty());
}

#[test]
fn short_lines_without_markers_have_hover_titles() {
    let line = |count: u32| {
        let points = (1..=count).map(|x| (f64::from(x), 1.0)).collect();
        let band = vec![Interval { x: 1.0, low: 0.5, high: 2.0 }];
        Series { style: Style::Line, band, ..Series::new("fit", points) }
    };
    let svg = to_svg(&figure(vec![line(60)]), Theme::Light);
    let document = parse(&svg);
    let found = titles(&document, "circle");
    assert_eq!((found.len(), found[0]), (60, "fit · x 1 · y 1.0 [0.5, 2.0]"));
    // A band of one interval is an error bar.
    assert_eq!(titles(&document, "g"), ["fit · x 1 · y 1.0 [0.5, 2.0]"]);
    assert!(svg.contains("fill=\"transparent\" stroke=\"none\" pointer-events=\"all\""));
    let svg = to_svg(&figure(vec![line(61)]), Theme::Light);
    assert!(titles(&parse(&svg), "circle").is_empty());
}

#[test]
fn coloured_and_blank_cells_have_hover_titles() {
    let cell = |x, value| Cell { x: (x, 2.0 * x), y: (0.5, 2.0), value };
    let cells = vec![cell(0.5, 0.125), cell(1.0, f64::NAN)];
    let map = HeatMap { label: "error".into(), scale: Scale::Linear, square: false, cells };
    let mut figure = Figure { map: Some(map), ..figure(Vec::new()) };
    let svg = to_svg(&figure, Theme::Light);
    let found = ["error – · x 1.414 · y 1", "error 0.125 · x 0.7071 · y 1"];
    assert_eq!(titles(&parse(&svg), "path"), found);
    let svg_of_many = {
        let map = figure.map.as_mut().unwrap();
        map.cells = vec![cell(0.5, 0.125); 2001];
        to_svg(&figure, Theme::Light)
    };
    assert!(titles(&parse(&svg_of_many), "path").is_empty());
}

#[test]
fn places_without_data_are_marked_and_extend_the_axis() {
    let missing = vec![100.0, f64::NAN, -1.0];
    let some = Series { missing, ..Series::new("h = 64", vec![(1.0, 1.0), (2.0, 1.0)]) };
    let none = Series { missing: vec![0.01], ..Series::new("h = 32", Vec::new()) };
    let svg = to_svg(&figure(vec![some, none]), Theme::Adaptive);
    let document = parse(&svg);
    let found = ["h = 64 · no data at x = 100", "h = 32 · no data at x = 0.01"];
    assert_eq!(titles(&document, "g"), found);
    assert!(svg.contains("from 0.01 to 100; curves: h = 64; "), "{svg}");
    assert!(svg.contains("places without data: h = 64 (1), h = 32 (1)"), "{svg}");
    assert_eq!(svg.matches(">h = 32</text>").count(), 1);
}

#[test]
fn identifiers_of_different_figures_differ() {
    let names = |id: &str| -> Vec<String> {
        let svg = to_svg(&Figure { id: id.into(), ..figure(Vec::new()) }, Theme::Adaptive);
        let document = parse(&svg);
        let found: Vec<String> = document
            .descendants()
            .filter_map(|node| node.attribute("id"))
            .map(String::from)
            .collect();
        let root = document.root_element();
        let labels = root.attribute("aria-labelledby").unwrap_or_default();
        assert_eq!(root.attribute("role"), Some("img"));
        assert!(
            labels.split(' ').count() == 2
                && labels.split(' ').all(|id| found.iter().any(|f| f == id))
        );
        found
    };
    let ids = ["a", "a-title", "a_title", "a title", "a-plot", ""].map(names).concat();
    for (index, id) in ids.iter().enumerate() {
        assert!(!ids[..index].contains(id), "{id}");
    }
}
