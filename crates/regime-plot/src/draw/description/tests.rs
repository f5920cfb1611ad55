use crate::draw::draw;
use crate::figure::{Axis, Cell, Figure, Guide, HeatMap, Scale, Series};

fn figure() -> Figure {
    Figure::new("f").x(Axis::log("√h·α")).y(Axis::log("kernel change"))
}

#[test]
fn axes_and_series_are_listed() {
    let points = vec![(0.1, 0.01), (1e4, 1.0)];
    let figure = figure()
        .line("h = 32", points.clone())
        .line("h = 64", points.clone())
        .line("", points.clone())
        .points("measured", points.clone())
        .points("nothing", vec![(1.0, -1.0)])
        .series(Series { missing: vec![1.0, 1.0, 10.0], ..Series::new("h = 128", points) })
        .guide(Guide::VerticalLevel { x: 1.0, label: "border".into() })
        .guide(Guide::HorizontalLevel { y: -1.0, label: "nowhere".into() });
    assert_eq!(
        draw(&figure).description,
        "A plot of kernel change from 0.01 to 1 against √h·α from 0.1 to 10000; \
         curves: h = 32, h = 64, h = 128; points: measured; \
         places without data: h = 128 (2); compared with: border."
    );
}

#[test]
fn the_quantity_of_a_heat_map_is_listed() {
    let cell = |value| Cell { x: (0.5, 1.0), y: (1.0, 2.0), value };
    let map = HeatMap {
        label: "test error".into(),
        scale: Scale::Log,
        square: false,
        cells: vec![cell(0.25), cell(-1.0), cell(0.5)],
    };
    assert_eq!(
        draw(&figure().map(map)).description,
        "A heat map of test error from 0.25 to 0.5 over √h·α from 0.5 to 1 \
         and kernel change from 1 to 2."
    );
}

#[test]
fn a_description_without_data_is_short() {
    assert_eq!(draw(&Figure::new("")).description, "A plot of y against x.");
    let figure = figure().points("one", vec![(1.0, 2.0)]);
    assert_eq!(
        draw(&figure).description,
        "A plot of kernel change at 2 against √h·α at 1; points: one."
    );
}
