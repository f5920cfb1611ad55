//! Hover titles of data: the series, the coordinates, and the interval.

mod cells;

pub(super) use cells::Cells;

use super::text::shorten;
use crate::figure::{Interval, Series};
use crate::number::{short, value_and_interval};

/// The largest number of characters of a label. Longer labels are cut, because every
/// title of a series contains the label.
const LONGEST: usize = 32;

/// A series with more points, or more intervals, has no titles: the file would be many
/// times as large, and the points are too close to point at.
const MAX_POINTS: usize = 1000;

/// The titles of one series.
pub(super) struct Titles<'a> {
    series: &'a Series,
    label: String,
}

/// The titles of all series. Labels are cut if they remain different.
pub(super) fn titles(series: &[Series]) -> Vec<Titles<'_>> {
    let cut: Vec<String> = series.iter().map(|series| shorten(&series.label, LONGEST)).collect();
    let alike = |label: &String| cut.iter().filter(|other| *other == label).count() > 1;
    let labels = cut.iter().zip(series).map(|(label, series)| match alike(label) {
        true => series.label.split_whitespace().collect::<Vec<_>>().join(" "),
        false => label.clone(),
    });
    labels.zip(series).map(|(label, series)| Titles { series, label }).collect()
}

impl Titles<'_> {
    /// `h = 64 · x 0.1 · y 0.25 [0.21, 0.30]` for the point of this index.
    pub(super) fn point(&self, index: usize) -> Option<String> {
        let &(x, y) =
            self.series.points.get(index).filter(|_| self.series.points.len() <= MAX_POINTS)?;
        let interval = [&self.series.error_bars, &self.series.band]
            .into_iter()
            .find_map(|intervals| self.interval_of(index, intervals));
        Some(self.at(x, &value(y, interval)))
    }

    /// The title of the interval of this index, with its point if there is one.
    pub(super) fn interval(&self, index: usize, intervals: &[Interval]) -> Option<String> {
        let interval = intervals.get(index).filter(|_| intervals.len() <= MAX_POINTS)?;
        let x = interval.x;
        let points = self.series.points.iter().map(|point| point.0);
        let partner = partner(index, || intervals.iter().map(|interval| interval.x), points);
        Some(match partner {
            Some(point) => self.at(x, &value(self.series.points[point].1, Some(interval))),
            None => {
                let middle = 0.5 * (interval.low + interval.high);
                let (_, ends) = value_and_interval(middle, interval.low, interval.high);
                self.at(x, &format!("y {ends}"))
            }
        })
    }

    /// The title of the mark for an x without data.
    pub(super) fn missing(&self, x: f64) -> Option<String> {
        let few = self.series.missing.len() <= MAX_POINTS;
        few.then(|| join([&self.label, &format!("no data at x = {}", short(x))]))
    }

    fn at(&self, x: f64, y: &str) -> String {
        join([&self.label, &format!("x {}", short(x)), y])
    }

    /// The interval of a point, which has the same x. If several points have the same x,
    /// they have the intervals at this x in order, if there are equally many.
    fn interval_of<'a>(&self, index: usize, intervals: &'a [Interval]) -> Option<&'a Interval> {
        let points = || self.series.points.iter().map(|point| point.0);
        let all = intervals.iter().map(|interval| interval.x);
        partner(index, points, all).map(|partner| &intervals[partner])
    }
}

/// The index in `others` that corresponds to `index` in `own`; both lists hold x.
/// `None` if the two cannot be paired.
fn partner<I: Iterator<Item = f64>>(
    index: usize,
    own: impl Fn() -> I,
    others: impl Iterator<Item = f64>,
) -> Option<usize> {
    let x = own().nth(index)?;
    let before = own().take(index).filter(|&other| other == x).count();
    let count = own().filter(|&other| other == x).count();
    let there: Vec<usize> =
        others.enumerate().filter(|&(_, other)| other == x).map(|(other, _)| other).collect();
    (there.len() == count).then(|| there[before])
}

fn value(y: f64, interval: Option<&Interval>) -> String {
    match interval {
        None => format!("y {}", short(y)),
        Some(&Interval { low, high, .. }) => {
            let (value, ends) = value_and_interval(y, low, high);
            format!("y {value} {ends}")
        }
    }
}

/// Joins the parts of a title that are not empty.
fn join<const N: usize>(parts: [&str; N]) -> String {
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(x: f64, low: f64, high: f64) -> Interval {
        Interval { x, low, high }
    }

    #[test]
    fn a_point_has_the_interval_at_its_x() {
        let series = Series {
            error_bars: vec![interval(1.0, 2.0, 3.0), interval(0.1, 0.21, 0.3)],
            band: vec![interval(2.0, 4.0, 6.0)],
            ..Series::new("h = 64", vec![(0.1, 0.25), (1.0, 2.5), (2.0, 5.0), (3.0, 0.125)])
        };
        let series = [series];
        let titles = &titles(&series)[0];
        let points: Vec<_> = (0..4).filter_map(|index| titles.point(index)).collect();
        assert_eq!(points[0], "h = 64 · x 0.1 · y 0.250 [0.210, 0.300]");
        assert_eq!(points[1], "h = 64 · x 1 · y 2.5 [2.0, 3.0]");
        assert_eq!(points[2], "h = 64 · x 2 · y 5.0 [4.0, 6.0]");
        assert_eq!(points[3], "h = 64 · x 3 · y 0.125");
        assert_eq!(titles.interval(1, &series[0].error_bars).as_ref(), Some(&points[0]));
        assert_eq!(titles.point(4), None);
    }

    #[test]
    fn points_at_one_x_have_the_intervals_at_this_x_in_order() {
        let both = vec![interval(1.0, 1.0, 2.0), interval(1.0, 3.0, 4.0)];
        let points = vec![(1.0, 1.5), (1.0, 3.5)];
        let series = [
            Series { error_bars: both.clone(), ..Series::new("", points.clone()) },
            Series { error_bars: both[..1].to_vec(), ..Series::new("", points) },
        ];
        let titles = titles(&series);
        assert_eq!(titles[0].point(1).unwrap(), "x 1 · y 3.5 [3.0, 4.0]".to_owned());
        // One interval cannot be paired with two points.
        assert_eq!(titles[1].point(0).unwrap(), "x 1 · y 1.5");
        assert_eq!(titles[1].interval(0, &both[..1]).unwrap(), "x 1 · y [1.0, 2.0]");
    }

    #[test]
    fn any_numbers_have_a_title() {
        for y in [f64::NAN, f64::INFINITY, -1e300, 0.0, 1e-300] {
            let bars = vec![interval(1.0, -y, y)];
            let series = [Series { error_bars: bars, ..Series::new("h", vec![(1.0, y)]) }];
            assert!(titles(&series)[0].point(0).unwrap().starts_with("h · x 1 · y "));
        }
    }

    #[test]
    fn long_labels_are_cut_if_they_remain_different() {
        let long = "the relative change of the kernel, of width ";
        let label = |label: &str| Series::new(label, vec![(1.0, 1.0)]);
        let series = [label(&format!("{long}64"))];
        let title = titles(&series)[0].point(0).unwrap();
        assert_eq!(title, "the relative change of the kern… · x 1 · y 1");
        let series = [label(&format!("{long}64")), label(&format!("{long}128"))];
        assert!(titles(&series)[1].point(0).unwrap().starts_with(&format!("{long}128 ·")));
    }

    #[test]
    fn too_many_points_have_no_titles() {
        let series = [Series::new("h", vec![(1.0, 1.0); MAX_POINTS + 1])];
        assert_eq!(titles(&series)[0].point(0), None);
    }
}
