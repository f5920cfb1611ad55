//! A finding on one page: the claim, the verdict and its evidence.
//!
//! A [`Report`] is plain text, figures and tables; [`to_html`] writes it as a
//! single HTML file without external scripts, style sheets or fonts. The page
//! follows the reader's light or dark setting and has a print style. Every text
//! is escaped; only [`ReportFigure::svg`] is inserted as it is.

mod html;
mod index;

use regime_plot::number;
use regime_scaling::Outcome;
use serde::Serialize;

pub(crate) use html::to_html;
pub(crate) use index::{HEADING as INDEX_HEADING, IndexEntry, index_html};

/// The content of the page of one finding.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Report {
    /// Where the page belongs, such as `Regime · finding-1 · profile laptop`.
    pub(crate) kicker: String,
    /// What was examined.
    pub(crate) title: String,
    /// The claim as its authors make it.
    pub(crate) claim: String,
    /// Who claims it, and where.
    pub(crate) source: String,
    /// What was found.
    pub(crate) verdict: Verdict,
    /// The numbers that the verdict rests on.
    pub(crate) key_figures: Vec<KeyFigure>,
    /// The figures, in order.
    pub(crate) figures: Vec<ReportFigure>,
    /// The tables, in order; long ones are folded.
    pub(crate) tables: Vec<Table>,
    /// The rule by which the verdict follows from the numbers. Blank lines
    /// separate paragraphs.
    pub(crate) rule: String,
    /// Further facts, such as failed runs and deviations.
    pub(crate) notes: Vec<String>,
    /// How to reproduce it, as pairs such as `("commit", "1a2b3c")`.
    pub(crate) provenance: Vec<(String, String)>,
    /// The files that belong to the report.
    pub(crate) files: Vec<File>,
}

/// A verdict and its reason.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Verdict {
    /// Whether the measurement supports the claim.
    pub(crate) kind: Outcome,
    /// Why, in a sentence.
    pub(crate) sentence: String,
}

/// The name of a verdict, as in the middle of a sentence.
pub(crate) fn words(verdict: Outcome) -> &'static str {
    match verdict {
        Outcome::Pass => "reproduced",
        Outcome::Fail => "not reproduced",
        Outcome::Undecided => "inconclusive",
    }
}

/// A number that the verdict rests on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct KeyFigure {
    /// What it is.
    pub(crate) name: String,
    /// The value, written out.
    pub(crate) value: String,
    /// Its interval, written out; empty if there is no interval.
    pub(crate) interval: String,
    /// A value to compare it with, or how it was obtained.
    pub(crate) note: String,
}

impl KeyFigure {
    /// A value and its confidence interval, written with the same decimals.
    pub(crate) fn new(
        name: impl Into<String>,
        value: f64,
        interval: Option<(f64, f64)>,
        note: impl Into<String>,
    ) -> Self {
        let (value, interval) = match interval {
            None => (number::significant(value, 3), String::new()),
            Some((low, high)) => number::value_and_interval(value, low, high),
        };
        Self { name: name.into(), value, interval, note: note.into() }
    }
}

/// A figure on the page.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ReportFigure {
    /// The SVG, as [`to_svg`](regime_plot::to_svg) makes it with
    /// [`Theme::Adaptive`](regime_plot::Theme::Adaptive). It is not escaped.
    pub(crate) svg: String,
    /// How it was measured, and what it shows.
    pub(crate) caption: String,
    /// The files that hold it.
    pub(crate) files: Vec<File>,
}

/// A table. Its first column names the rows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Table {
    /// What it holds.
    pub(crate) caption: String,
    /// The names of the columns.
    pub(crate) header: Vec<String>,
    /// The cells, row by row; missing ones are left empty.
    pub(crate) rows: Vec<Vec<String>>,
}

/// A link to a file in the page's folder.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct File {
    /// The text of the link, such as `data.csv`.
    pub(crate) name: String,
    /// Where it is, relative to the page.
    pub(crate) href: String,
    /// What the file holds; empty if the name says it.
    pub(crate) note: String,
}
