//! Writes two figures that show all features, for visual inspection.
//!
//! `cargo run -p regime-plot --example demo FOLDER`

use std::{env, error::Error, fs, path::PathBuf};

use regime_plot::{
    Axis, Cell, Color, Figure, Guide, HeatMap, Interval, Scale, Series, Style, Theme, borders,
    position, to_png, to_svg,
};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(env::args().nth(1).ok_or("give a folder for the figures")?);
    for figure in [curves(), cells()] {
        for (theme, name) in [(Theme::Light, "light"), (Theme::Dark, "dark")] {
            fs::write(folder.join(format!("{}-{name}.svg", figure.id)), to_svg(&figure, theme))?;
        }
        let path = folder.join(&figure.id);
        fs::write(path.with_extension("svg"), to_svg(&figure, Theme::Adaptive))?;
        fs::write(path.with_extension("png"), to_png(&figure)?)?;
    }
    Ok(())
}

fn intervals(points: &[(f64, f64)], share: f64) -> Vec<Interval> {
    let interval = |&(x, y): &(f64, f64)| Interval { x, low: y / share, high: y * share };
    points.iter().map(interval).collect()
}

fn curves() -> Figure {
    let places = [0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0, 10_000.0];
    let curve = |h: f64| -> Vec<(f64, f64)> {
        places.iter().map(|&x: &f64| (x, 2.0 / (1.0 + x) + 0.3 / h)).collect()
    };
    let widths = [32.0, 64.0, 128.0];
    let mut figure = Figure::new("plot-demo")
        .title("How much the kernel changes")
        .caption("Invented numbers, as an example.")
        .x(Axis::log("√h·α"))
        .y(Axis::log("kernel change"))
        .guide(Guide::Slope {
            slope: -1.0,
            through: (1.0, 1.0),
            range: (3.0, 300.0),
            label: "slope −1".into(),
        })
        .guide(Guide::VerticalLevel { x: 1.0, label: "border".into() });
    for (index, h) in widths.into_iter().enumerate() {
        let points = curve(h);
        let missing = [vec![1000.0, 3000.0, 30_000.0], vec![3000.0], vec![]][index].clone();
        let points: Vec<_> = points.into_iter().filter(|(x, _)| !missing.contains(x)).collect();
        figure = figure.series(Series {
            missing,
            error_bars: intervals(&points, 1.2),
            color: Color::Ordered(position(index, widths.len())),
            ..Series::new(format!("h = {h}"), points)
        });
    }
    let fit: Vec<(f64, f64)> = places.map(|x| (x, 1.0 / (1.0 + x) + 0.002)).to_vec();
    figure
        .series(Series {
            band: intervals(&fit, 1.4),
            style: Style::Line,
            color: Color::Ink,
            ..Series::new("fit to the widest", fit)
        })
        .series(Series {
            band: intervals(&[(0.3, 0.1)], 2.0),
            style: Style::Line,
            color: Color::Category(1),
            ..Series::new("a band of one interval", vec![(0.1, 0.12), (0.3, 0.1), (1.0, 0.05)])
        })
        .series(Series {
            missing: vec![0.3, 3000.0],
            color: Color::Category(3),
            ..Series::new("only missing", Vec::new())
        })
}

fn cells() -> Figure {
    let (widths, alphas) = ([32.0, 64.0, 128.0, 256.0], [0.1, 0.3, 1.0, 3.0, 10.0]);
    let (x, y) = (borders(&widths, Scale::Log), borders(&alphas, Scale::Log));
    let mut cells = Vec::new();
    for i in 0..widths.len() {
        for j in 0..alphas.len() {
            let value = 0.5 / (1.0 + widths[i].sqrt() * alphas[j]);
            let value = if (i, j) == (2, 1) { f64::NAN } else { value };
            cells.push(Cell { x: (x[i], x[i + 1]), y: (y[j], y[j + 1]), value });
        }
    }
    let line = Series {
        style: Style::Line,
        color: Color::Ink,
        missing: vec![128.0],
        ..Series::new("kernel change 0.1", vec![(32.0, 1.8), (64.0, 1.2), (256.0, 0.6)])
    };
    Figure::new("plot-demo-cells")
        .title("Test error over width and scale")
        .x(Axis { range: Some((x[0], x[widths.len()])), ..Axis::log("width h") })
        .y(Axis { range: Some((y[0], y[alphas.len()])), ..Axis::log("α") })
        .map(HeatMap { label: "test error".into(), scale: Scale::Linear, square: false, cells })
        .series(line)
}
