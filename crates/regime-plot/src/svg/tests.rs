//! Any figure is a well-formed SVG.

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::roxmltree::Document;
use resvg::usvg::{Options, Tree};

use super::*;
use crate::colour::Color;
use crate::figure::{Axis, Guide, Interval, Scale, Series, Style};

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
fn title_and_description_are_there_and_escaped() {
    let svg = to_svg(&figure(Vec::new()), Theme::Adaptive);
    let document = parse(&svg);
    let text = |tag| {
        document
            .descendants()
            .find(|node| node.has_tag_name(("http://www.w3.org/2000/svg", tag)))
            .and_then(|node| node.text())
    };
    assert_eq!(text("title"), Some("α & <β>"));
    assert_eq!(text("desc"), Some("\"quoted\""));
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
fn each_series_has_its_label_and_empty_ones_have_none() {
    let labels = ["h = 100", "h = 200", "nothing"];
    let points = [vec![(1.0, 1.0), (2.0, 1.0)], vec![(1.0, 1.0), (2.0, 1.0)], vec![(1.0, -1.0)]];
    let series =
        labels.into_iter().zip(points).map(|(label, points)| Series::new(label, points)).collect();
    let svg = to_svg(&figure(series), Theme::Light);
    let shown = labels.map(|label| svg.matches(&format!(">{label}<")).count());
    assert_eq!(shown, [1, 1, 0]);
}
