//! Writes a report as an HTML page, from top to bottom.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use regime_scaling::Outcome;

use super::{File, KeyFigure, Report, ReportFigure, Table, Verdict};

/// Tables with more rows are folded.
const LONG: usize = 12;

/// Texts in a column of numbers that replace a missing number.
const IN_PLACE_OF_NUMBERS: [&str; 2] = ["none", "the same"];

/// Tables with this many columns or more are set smaller, so that their intervals fit on the page.
const WIDE: usize = 6;

/// The paper whose claims are examined.
const PAPER: &str = "https://arxiv.org/abs/1906.08034v1";

const STYLE: &str = include_str!("style.css");

/// Writes the report as one self-contained HTML page.
pub(crate) fn to_html(report: &Report) -> String {
    let Report { kicker, title, claim, source, verdict, .. } = report;
    let body = html! {
        header {
            @if !kicker.is_empty() { p.kicker { (kicker) } }
            @if !title.is_empty() { h1 { (title) } }
            @if !claim.is_empty() {
                figure.claim {
                    blockquote { p { (claim) } }
                    @if !source.is_empty() {
                        figcaption { (source) " · " a href=(PAPER) { "the paper" } }
                    }
                }
            }
        }
        main {
            (verdict_box(verdict))
            (section("Key figures", &report.key_figures, key_figures))
            (section("Figures", &report.figures, |all| numbered(all, figure)))
            (section("Tables", &report.tables, |all| numbered(all, table)))
            (section("How the verdict is reached", paragraphs(&report.rule), |all| html! {
                @for paragraph in all { p { (prose(paragraph)) } }
            }))
            (section("Notes", &report.notes, |all| html! {
                ul { @for note in all { li { (prose(note)) } } }
            }))
            (section("Provenance", &report.provenance, |all| html! {
                dl { @for (key, value) in all { div { dt { (key) } dd { (value) } } } }
            }))
            (section("Files", &report.files, |all| html! {
                ul.files {
                    @for file in all {
                        li { (link(file)) @if !file.note.is_empty() { " – " (file.note) } }
                    }
                }
            }))
        }
    };
    page(title, &body)
}

/// A whole page with this body.
pub(super) fn page(title: &str, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { (body) }
        }
    };
    // The message of a failed run may hold characters that are not allowed in HTML.
    let shown = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    page.into_string().chars().map(|c| if shown(c) { c } else { '\u{FFFD}' }).collect()
}

fn verdict_box(Verdict { kind, sentence }: &Verdict) -> Markup {
    html! {
        section class={ "verdict " (class(*kind)) } aria-label="Verdict" {
            (badge(*kind))
            @if !sentence.is_empty() { p { (prose(sentence)) } }
        }
    }
}

/// How a verdict is styled.
pub(super) fn class(kind: Outcome) -> &'static str {
    match kind {
        Outcome::Pass => "reproduced",
        Outcome::Fail => "not-reproduced",
        Outcome::Undecided => "inconclusive",
    }
}

/// A sign and words, for readers who cannot see the colour.
pub(super) fn badge(kind: Outcome) -> Markup {
    let (sign, words) = match kind {
        Outcome::Pass => ("✓", "Reproduced"),
        Outcome::Fail => ("✗", "Not reproduced"),
        Outcome::Undecided => ("?", "Inconclusive"),
    };
    html! { p.badge { span.sign aria-hidden="true" { (sign) } (words) } }
}

/// Content that scrolls sideways on a narrow page.
fn scrolling(label: &str, content: &Markup) -> Markup {
    html! { div.scroll tabindex="0" role="region" aria-label=(label) { (content) } }
}

fn key_figures(rows: &[KeyFigure]) -> Markup {
    let has_intervals = rows.iter().any(|row| !row.interval.is_empty());
    let has_notes = rows.iter().any(|row| !row.note.is_empty());
    let table = html! {
        table.key {
            thead { tr {
                th scope="col" { "Quantity" }
                th.number scope="col" { "Value" }
                @if has_intervals { th scope="col" { "Interval" } }
                @if has_notes { th scope="col" { "Remark" } }
            } }
            tbody {
                @for KeyFigure { name, value, interval, note } in rows {
                    tr {
                        th scope="row" { (name) }
                        td.number.value { (value) }
                        @if has_intervals { td.interval { (interval) } }
                        @if has_notes { td.note { (note) } }
                    }
                }
            }
        }
    };
    scrolling("Key figures", &table)
}

fn figure(number: usize, ReportFigure { svg, caption, files }: &ReportFigure) -> Markup {
    html! {
        figure.plot id={ "figure-" (number) } {
            (scrolling(&format!("Figure {number}"), &PreEscaped(svg.clone())))
            figcaption {
                b { "Figure " (number) "." } " " (caption)
                @if !files.is_empty() {
                    " " span.links {
                        @for (index, file) in files.iter().enumerate() {
                            @if index > 0 { " · " }
                            (link(file))
                        }
                    }
                }
            }
        }
    }
}

fn table(number: usize, Table { caption, header, rows }: &Table) -> Markup {
    let title = html! { b { "Table " (number) "." } " " (caption) };
    let label = format!("Table {number}");
    if rows.len() <= LONG {
        let caption = html! { caption { (title) } };
        return scrolling(&label, &cells(&caption, header, rows));
    }
    html! {
        details {
            summary { (title) " " span.count { (rows.len()) " rows" } }
            (scrolling(&label, &cells(&html! {}, header, rows)))
        }
    }
}

fn cells(caption: &Markup, header: &[String], rows: &[Vec<String>]) -> Markup {
    let columns = rows.iter().map(Vec::len).chain([header.len()]).max().unwrap_or(0);
    let cell = |row: &[String], column: usize| row.get(column).cloned().unwrap_or_default();
    let of_numbers: Vec<bool> = (0..columns)
        .map(|column| {
            let mut texts = rows
                .iter()
                .filter_map(|row| row.get(column))
                .filter(|text| !text.is_empty() && !IN_PLACE_OF_NUMBERS.contains(&text.as_str()));
            texts.all(|text| is_number(text))
        })
        .collect();
    html! {
        table class=[(columns >= WIDE).then_some("wide")] {
            (caption)
            thead { tr {
                @for (column, &number) in of_numbers.iter().enumerate() {
                    th class=[number.then_some("number")] scope="col" { (cell(header, column)) }
                }
            } }
            tbody {
                @for row in rows {
                    tr {
                        @for (column, &number) in of_numbers.iter().enumerate() {
                            @let text = cell(row, column);
                            @if column == 0 {
                                th class=[number.then_some("number")] scope="row" { (text) }
                            } @else {
                                @let whole = column < row.len() && is_number(&text);
                                @let class = match (number, whole) {
                                    (true, _) => Some("number"),
                                    (false, true) => Some("whole"),
                                    (false, false) => None,
                                };
                                td class=[class] { (text) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Whether a cell holds numbers and signs only, to be set flush right.
fn is_number(text: &str) -> bool {
    !text.contains(char::is_alphabetic)
}

/// The text, with the parts between backticks as code.
pub(super) fn prose(text: &str) -> Markup {
    let parts: Vec<&str> = text.split('`').collect();
    let [pairs @ .., last] = &parts[..] else { return html! {} };
    html! {
        @for pair in pairs.chunks(2) {
            (pair[0])
            // An unpaired backtick stays as it is.
            @if let [_, code] = pair { code { (code) } } @else { "`" }
        }
        (last)
    }
}

/// The paragraphs of a text, which blank lines separate.
fn paragraphs(text: &str) -> Vec<&str> {
    text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty()).collect()
}

fn link(File { name, href, .. }: &File) -> Markup {
    html! { a href=(href) { (name) } }
}

/// A section with its heading; empty if there are no items.
fn section<T>(heading: &str, items: impl AsRef<[T]>, write: impl FnOnce(&[T]) -> Markup) -> Markup {
    let items = items.as_ref();
    if items.is_empty() {
        return html! {};
    }
    html! { section { h2 { (heading) } (write(items)) } }
}

fn numbered<T>(items: &[T], write: impl Fn(usize, &T) -> Markup) -> Markup {
    html! { @for (index, item) in items.iter().enumerate() { (write(index + 1, item)) } }
}

#[cfg(test)]
mod tests;
