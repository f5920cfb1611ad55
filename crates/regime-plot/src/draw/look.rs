//! The appearance of the series of a figure.

use crate::drawing::Role;
use crate::figure::{Series, Style};

/// The number of markers; the last is a hollow circle.
pub(super) const MARKERS: usize = 6;

/// The dashes of the series that have no markers; the first is solid.
/// Guides have different dashes.
const DASHES: [&[f64]; 5] = [&[], &[9.0, 3.0], &[2.0, 3.0], &[9.0, 3.0, 2.0, 3.0], &[14.0, 4.0]];

/// The appearance of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Look {
    pub(super) color: Role,
    pub(super) style: Style,
    pub(super) marker: usize,
    pub(super) dashes: &'static [f64],
}

/// The looks of the series. Series with markers use the markers in order; series without
/// markers use the dashes in order, so that a single fit among measurements is solid.
pub(super) fn looks(series: &[Series]) -> Vec<Look> {
    let (mut marked, mut unmarked) = (0, 0);
    let mut next = |style| match style {
        Style::Points | Style::LinePoints => {
            marked += 1;
            (marked - 1, DASHES[0])
        }
        Style::Line => {
            unmarked += 1;
            (0, DASHES[(unmarked - 1) % DASHES.len()])
        }
    };
    let looks = series.iter().enumerate().map(|(index, series)| {
        let (marker, dashes) = next(series.style);
        Look { color: Role::Series(index), style: series.style, marker, dashes }
    });
    looks.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_and_dashes_are_counted_separately() {
        let styles = [Style::Points, Style::Line, Style::LinePoints, Style::Line];
        let series = styles.map(|style| Series { style, ..Series::new("", Vec::new()) });
        let looks = looks(&series);
        assert_eq!((looks[0].marker, looks[2].marker), (0, 1));
        assert_eq!((looks[1].dashes, looks[3].dashes), (&[][..], DASHES[1]));
    }
}
