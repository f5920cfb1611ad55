//! Marks at places where data were requested but do not exist.

use super::hover::Titles;
use super::look::Look;
use super::placement::sample;
use super::projection::Frame;
use crate::drawing::{Drawing, Part, Pen, Pixel, Role};
use crate::figure::Series;

/// Half the size of a cross.
const ARM: f64 = 3.4;
/// The distance from the axis up to the centre of the lowest crosses.
const UP: f64 = 9.0;
/// The distance from one cross to the next cross above it.
const STEP: f64 = 10.5;

/// The crosses of all series, just above the bottom axis.
pub(super) struct Crosses {
    /// For each series, the centres of its crosses and their x.
    places: Vec<Vec<(Pixel, f64)>>,
}

impl Crosses {
    /// Places the crosses. A cross that would cover another cross is placed above it.
    /// A series has at most one cross at one x.
    pub(super) fn new(frame: &Frame, series: &[Series]) -> Self {
        let mut placed: Vec<Pixel> = Vec::new();
        let mut places = Vec::new();
        for series in series {
            let mut own: Vec<(Pixel, f64)> = Vec::new();
            for &x in &series.missing {
                let pixel = frame.x.pixel(x).filter(|&pixel| frame.x.holds_pixel(pixel));
                let Some(pixel) = pixel.filter(|_| own.iter().all(|&(_, other)| other != x)) else {
                    continue;
                };
                let covered = placed.iter().filter(|other| (other.0 - pixel).abs() < 2.0 * ARM);
                let height = covered.map(|other| other.1 - STEP).fold(frame.y.start - UP, f64::min);
                // Too many crosses at one place cover one another at the top of the axes.
                own.push(((pixel, height.max(frame.y.end + UP)), x));
            }
            placed.extend(own.iter().map(|&(pixel, _)| pixel));
            places.push(own);
        }
        Self { places }
    }

    /// Draws the crosses of the series of this index.
    pub(super) fn draw(
        &self,
        drawing: &mut Drawing,
        index: usize,
        look: Look,
        titles: &Titles<'_>,
    ) {
        let crosses = self.of(index);
        if crosses.is_empty() {
            return;
        }
        let edge = Pen { stroke_opacity: 0.8, ..Pen::line(Role::Surface, 4.5) };
        let group = drawing.group(edge);
        for &(pixel, _) in crosses {
            group.path(cross(pixel));
        }
        let group = drawing.group(Pen::line(look.color, 1.7));
        for &(pixel, x) in crosses {
            let target = Part::Circle(pixel, 1.5 * ARM);
            group.hover(cross(pixel), titles.missing(x), Some(target));
        }
    }

    /// The approximate pixels of the crosses, which labels avoid.
    pub(super) fn ink(&self) -> impl Iterator<Item = Pixel> {
        self.places.iter().flatten().flat_map(|&((x, y), _)| sample((x - ARM, y), (x + ARM, y)))
    }

    /// The rightmost cross of the series of this index.
    pub(super) fn end(&self, index: usize) -> Option<Pixel> {
        let middles = self.of(index).iter().map(|&(pixel, _)| pixel);
        middles.max_by(|(one, _), (other, _)| one.total_cmp(other))
    }

    /// The number of crosses of the series of this index.
    pub(super) fn count(&self, index: usize) -> usize {
        self.of(index).len()
    }

    fn of(&self, index: usize) -> &[(Pixel, f64)] {
        self.places.get(index).map_or(&[], Vec::as_slice)
    }
}

fn cross((x, y): Pixel) -> Vec<Part> {
    let stroke = |side: f64| Part::Line(vec![(x - ARM, y - side * ARM), (x + ARM, y + side * ARM)]);
    vec![stroke(1.0), stroke(-1.0)]
}

#[cfg(test)]
mod tests {
    use super::super::projection::Projection;
    use super::*;
    use crate::figure::Axis;

    #[test]
    fn crosses_are_placed_above_the_axis_and_above_one_another() {
        let axis = Axis { range: Some((1.0, 100.0)), ..Axis::log("") };
        let frame = Frame {
            x: Projection::new(&axis, std::iter::empty(), 0.0, 200.0),
            y: Projection::new(&axis, std::iter::empty(), 200.0, 0.0),
        };
        let missing = vec![10.0, 10.0, f64::NAN, -1.0, 1e9];
        let series = Series { missing, ..Series::new("", Vec::new()) };
        let other = Series { missing: vec![10.1, 50.0], ..series.clone() };
        let crosses = Crosses::new(&frame, &[series, other]);
        assert_eq!(crosses.of(0), [((100.0, 200.0 - UP), 10.0)]);
        let heights: Vec<f64> = crosses.of(1).iter().map(|((_, y), _)| *y).collect();
        assert_eq!(heights, [200.0 - UP - STEP, 200.0 - UP]);
        assert_eq!(crosses.end(1).map(|(_, y)| y), Some(200.0 - UP));
        assert_eq!(crosses.end(2), None);
    }
}
