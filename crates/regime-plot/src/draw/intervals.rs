//! The uncertainty of a series: its band and its error bars.

use super::hover::Titles;
use super::look::Look;
use super::placement::sample;
use super::projection::Frame;
use crate::drawing::{Drawing, Part, Pen, Pixel};
use crate::figure::{Interval, Series};

/// Half the length of the caps of an error bar.
const CAP: f64 = 3.5;

/// Draws the band of a series.
pub(super) fn draw_band(drawing: &mut Drawing, frame: &Frame, look: Look, series: &Series) {
    let outlines = band_outlines(frame, &series.band);
    if outlines.is_empty() {
        return;
    }
    let pen = Pen { fill_opacity: 0.17, clipped: true, ..Pen::fill(look.color) };
    let group = drawing.group(pen);
    for outline in outlines {
        group.path(vec![Part::Polygon(outline)]);
    }
}

/// Draws the error bars of a series. Intervals of the band without a neighbour are also
/// drawn as error bars, because they have no width.
pub(super) fn draw_error_bars(
    drawing: &mut Drawing,
    frame: &Frame,
    look: Look,
    series: &Series,
    titles: &Titles<'_>,
) {
    let bars = bars(frame, series, |intervals, index| titles.interval(index, intervals));
    if bars.is_empty() {
        return;
    }
    let group = drawing.group(Pen { clipped: true, ..Pen::line(look.color, 1.3) });
    for (Bar { x, low, high }, title) in bars {
        let cap = |y| Part::Line(vec![(x - CAP, y), (x + CAP, y)]);
        let parts = vec![Part::Line(vec![(x, low), (x, high)]), cap(low), cap(high)];
        // Wider than the line, which is hard to point at.
        let (top, bottom) = (low.min(high), low.max(high));
        let target = Part::Rectangle((x - 1.5 * CAP, top - CAP), (x + 1.5 * CAP, bottom + CAP));
        group.hover(parts, title, Some(target));
    }
}

/// The pixels of the error bars, which labels avoid.
pub(super) fn ink(frame: &Frame, series: &Series) -> Vec<Pixel> {
    let bars = bars(frame, series, |_, _| ());
    bars.into_iter().flat_map(|(Bar { x, low, high }, ())| sample((x, low), (x, high))).collect()
}

/// Whether a band is drawn. Bands do not count as ink: labels may lie on them.
pub(super) fn has_band(frame: &Frame, series: &Series) -> bool {
    !band_outlines(frame, &series.band).is_empty()
}

/// The middle of the rightmost visible interval.
pub(super) fn end(frame: &Frame, series: &Series) -> Option<Pixel> {
    let all = series.error_bars.iter().chain(&series.band);
    let middle = |Bar { x, low, high }: Bar| {
        let (top, bottom) = (low.min(high), low.max(high));
        let (top, bottom) = (top.max(frame.y.end), bottom.min(frame.y.start));
        (frame.x.holds_pixel(x) && top <= bottom).then_some((x, 0.5 * (top + bottom)))
    };
    let seen = all.filter_map(|interval| middle(bar(frame, interval)?));
    seen.max_by(|(one, _), (other, _)| one.total_cmp(other))
}

/// An interval in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bar {
    x: f64,
    low: f64,
    high: f64,
}

fn bar(frame: &Frame, interval: &Interval) -> Option<Bar> {
    Some(Bar {
        x: frame.x.pixel(interval.x)?,
        low: frame.y.pixel_or_edge(interval.low)?,
        high: frame.y.pixel_or_edge(interval.high)?,
    })
}

/// All error bars that can be shown, each with the value of `of` for its list of
/// intervals and its index.
fn bars<T>(frame: &Frame, series: &Series, of: impl Fn(&[Interval], usize) -> T) -> Vec<(Bar, T)> {
    let shown = |intervals: &[Interval], index: usize| {
        bar(frame, &intervals[index]).map(|bar| (bar, of(intervals, index)))
    };
    let own = (0..series.error_bars.len()).filter_map(|index| shown(&series.error_bars, index));
    let alone = runs(frame, &series.band)
        .into_iter()
        .filter(|run| !is_wide(run))
        .flat_map(|run| run.into_iter().map(|(index, _)| index))
        .filter(|&index| !series.error_bars.contains(&series.band[index]));
    own.chain(alone.filter_map(|index| shown(&series.band, index))).collect()
}

/// The intervals that can be shown, with their indices, as runs without a gap.
fn runs(frame: &Frame, band: &[Interval]) -> Vec<Vec<(usize, Bar)>> {
    let bars: Vec<(usize, Option<Bar>)> =
        band.iter().map(|interval| bar(frame, interval)).enumerate().collect();
    let runs = bars.split(|(_, bar)| bar.is_none());
    runs.map(|run| run.iter().filter_map(|&(index, bar)| Some((index, bar?))).collect()).collect()
}

/// Whether a run of intervals has a width to be shaded.
fn is_wide(run: &[(usize, Bar)]) -> bool {
    run.windows(2).any(|pair| pair[0].1.x != pair[1].1.x)
}

/// One closed outline for each run of intervals that has a width.
fn band_outlines(frame: &Frame, band: &[Interval]) -> Vec<Vec<Pixel>> {
    let outline = |run: Vec<(usize, Bar)>| {
        let low = run.iter().map(|(_, bar)| (bar.x, bar.low));
        low.chain(run.iter().rev().map(|(_, bar)| (bar.x, bar.high))).collect()
    };
    runs(frame, band).into_iter().filter(|run| is_wide(run)).map(outline).collect()
}

#[cfg(test)]
mod tests {
    use super::super::projection::two_decades;
    use super::*;

    #[test]
    fn a_band_that_reaches_zero_goes_down_to_the_axis() {
        let band = [1.0, 10.0].map(|x| Interval { x, low: -1.0, high: 10.0 });
        let outline = [(0.0, 200.0), (100.0, 200.0), (100.0, 100.0), (0.0, 100.0)];
        assert_eq!(band_outlines(&two_decades(), &band), [outline]);
    }

    #[test]
    fn intervals_of_a_band_without_neighbours_are_error_bars() {
        let at = |x| Interval { x, low: 1.0, high: 10.0 };
        let shown = |band: Vec<Interval>, error_bars: Vec<Interval>| {
            let outlines = band_outlines(&two_decades(), &band).len();
            let series = Series { band, error_bars, ..Series::new("", Vec::new()) };
            let bars = bars(&two_decades(), &series, |_, index| index);
            let indices: Vec<usize> = bars.into_iter().map(|(_, index)| index).collect();
            (outlines, indices)
        };
        assert_eq!(shown(vec![at(10.0)], vec![]), (0, vec![0]));
        assert_eq!(shown(vec![at(1.0), at(f64::NAN), at(10.0), at(20.0)], vec![]), (1, vec![0]));
        // At one x, a band has no width.
        assert_eq!(shown(vec![at(10.0), at(10.0)], vec![]), (0, vec![0, 1]));
        // An interval in both lists is drawn once.
        assert_eq!(shown(vec![at(10.0)], vec![at(20.0), at(10.0)]), (0, vec![0, 1]));
        assert_eq!(shown(vec![], vec![at(0.0)]), (0, vec![]));
    }
}
