//! From a report to a page, from top to bottom.

use std::fmt::Write as _;

use super::{File, KeyFigure, Report, ReportFigure, Table, Verdict, VerdictKind};
use crate::figure::escape;

/// Tables with more rows are folded.
const LONG: usize = 12;

/// What stands in a column of numbers where there is none.
const IN_PLACE_OF_NUMBERS: [&str; 2] = ["none", "the same"];

/// Columns from which a table is set smaller, so that its intervals fit beside one another.
const WIDE: usize = 6;

const STYLE: &str = include_str!("style.css");

/// Writes the report as one self-contained HTML page.
pub(crate) fn to_html(report: &Report) -> String {
    let body: String = [
        header(report),
        section("Key figures", &key_figures(&report.key_figures)),
        section("Figures", &numbered(&report.figures, figure)),
        section("Tables", &numbered(&report.tables, table)),
        section("How the verdict is reached", &paragraphs(&report.rule)),
        section("Notes", &list(&report.notes)),
        section("Provenance", &provenance(&report.provenance)),
        section("Files", &files(&report.files)),
    ]
    .concat();
    page(&report.title, &(body + "</main>\n"))
}

/// A whole page around its body.
pub(super) fn page(title: &str, body: &str) -> String {
    let title = escape(title);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
    )
}

/// The head of the page, and the verdict, with which the main part begins.
fn header(report: &Report) -> String {
    let Report { kicker, title, claim, source, verdict, .. } = report;
    let mut html = String::from("<header>\n");
    html += &optional("<p class=\"kicker\">", kicker, "</p>\n");
    html += &optional("<h1>", title, "</h1>\n");
    if !claim.is_empty() {
        html += "<figure class=\"claim\">\n";
        html += &optional("<blockquote><p>", claim, "</p></blockquote>\n");
        html += &optional("<figcaption>", source, "</figcaption>\n");
        html += "</figure>\n";
    }
    html += "</header>\n<main>\n";
    html + &verdict_box(verdict)
}

fn verdict_box(Verdict { kind, sentence }: &Verdict) -> String {
    format!(
        "<section class=\"verdict {}\" aria-label=\"Verdict\">\n{}{}</section>\n",
        class(*kind),
        badge(*kind),
        optional("<p>", sentence, "</p>\n")
    )
}

/// How a verdict is styled.
pub(super) fn class(kind: VerdictKind) -> &'static str {
    match kind {
        VerdictKind::Reproduced => "reproduced",
        VerdictKind::NotReproduced => "not-reproduced",
        VerdictKind::Inconclusive => "inconclusive",
    }
}

/// A sign and words: colour alone does not reach every reader.
pub(super) fn badge(kind: VerdictKind) -> String {
    let (sign, words) = match kind {
        VerdictKind::Reproduced => ("✓", "Reproduced"),
        VerdictKind::NotReproduced => ("✗", "Not reproduced"),
        VerdictKind::Inconclusive => ("?", "Inconclusive"),
    };
    format!(
        "<p class=\"badge\"><span class=\"sign\" aria-hidden=\"true\">{sign}</span>{words}</p>\n"
    )
}

fn key_figures(rows: &[KeyFigure]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let has_intervals = rows.iter().any(|row| !row.interval.is_empty());
    let has_notes = rows.iter().any(|row| !row.note.is_empty());
    let mut html = String::from(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Key figures\">\n<table class=\"key\">\n\
         <thead><tr><th scope=\"col\">Quantity</th><th scope=\"col\" class=\"number\">Value</th>",
    );
    html += if has_intervals { "<th scope=\"col\">Interval</th>" } else { "" };
    html += if has_notes { "<th scope=\"col\">Remark</th>" } else { "" };
    html += "</tr></thead>\n<tbody>\n";
    for KeyFigure { name, value, interval, note } in rows {
        let (name, value) = (escape(name), escape(value));
        let _ = write!(
            html,
            "<tr><th scope=\"row\">{name}</th><td class=\"number value\">{value}</td>"
        );
        if has_intervals {
            let _ = write!(html, "<td class=\"interval\">{}</td>", escape(interval));
        }
        if has_notes {
            let _ = write!(html, "<td class=\"note\">{}</td>", escape(note));
        }
        html += "</tr>\n";
    }
    html + "</tbody>\n</table>\n</div>\n"
}

fn figure(number: usize, ReportFigure { svg, caption, files }: &ReportFigure) -> String {
    let links: Vec<String> = files.iter().map(link).collect();
    let links = if links.is_empty() {
        String::new()
    } else {
        format!(" <span class=\"links\">{}</span>", links.join(" · "))
    };
    format!(
        "<figure class=\"plot\" id=\"figure-{number}\">\n\
         <div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Figure {number}\">\n{svg}</div>\n\
         <figcaption><b>Figure {number}.</b> {}{links}</figcaption>\n</figure>\n",
        escape(caption)
    )
}

fn table(number: usize, table: &Table) -> String {
    let Table { caption, header, rows } = table;
    let title = format!("<b>Table {number}.</b> {}", escape(caption));
    let label = format!("Table {number}");
    if rows.len() <= LONG {
        return cells(&label, &format!("<caption>{title}</caption>\n"), header, rows);
    }
    let count = rows.len();
    format!(
        "<details>\n<summary>{title} <span class=\"count\">{count} rows</span></summary>\n{}</details>\n",
        cells(&label, "", header, rows)
    )
}

fn cells(label: &str, caption: &str, header: &[String], rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).chain([header.len()]).max().unwrap_or(0);
    let cell = |row: &[String], column: usize| {
        row.get(column).map(|text| escape(text)).unwrap_or_default()
    };
    let classes: Vec<&str> = (0..columns)
        .map(|column| {
            let mut texts = rows
                .iter()
                .filter_map(|row| row.get(column))
                .filter(|text| !text.is_empty() && !IN_PLACE_OF_NUMBERS.contains(&text.as_str()));
            if texts.all(|text| is_number(text)) { " class=\"number\"" } else { "" }
        })
        .collect();

    let wide = if columns >= WIDE { " class=\"wide\"" } else { "" };
    let mut html = format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{label}\">\n<table{wide}>\n{caption}<thead><tr>"
    );
    for (column, class) in classes.iter().enumerate() {
        let _ = write!(html, "<th scope=\"col\"{class}>{}</th>", cell(header, column));
    }
    html += "</tr></thead>\n<tbody>\n";
    for row in rows {
        html += "<tr>";
        for (column, class) in classes.iter().enumerate() {
            let text = cell(row, column);
            let _ = match column {
                0 => write!(html, "<th scope=\"row\"{class}>{text}</th>"),
                _ if class.is_empty() && row.get(column).is_some_and(|text| is_number(text)) => {
                    write!(html, "<td class=\"whole\">{text}</td>")
                }
                _ => write!(html, "<td{class}>{text}</td>"),
            };
        }
        html += "</tr>\n";
    }
    html + "</tbody>\n</table>\n</div>\n"
}

/// Whether a cell holds numbers and signs only, to be set flush right.
fn is_number(text: &str) -> bool {
    !text.contains(char::is_alphabetic)
}

/// The text, escaped, with what stands between backticks as code.
fn prose(text: &str) -> String {
    let parts: Vec<String> = text.split('`').map(escape).collect();
    let [pairs @ .., last] = &parts[..] else { return String::new() };
    // A backtick alone is one.
    let mut html = String::new();
    for pair in pairs.chunks(2) {
        let _ = match pair {
            [before, code] => write!(html, "{before}<code>{code}</code>"),
            one => write!(html, "{}`", one.concat()),
        };
    }
    html + last
}

fn paragraphs(text: &str) -> String {
    let paragraphs = text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty());
    paragraphs.map(|paragraph| format!("<p>{}</p>\n", prose(paragraph))).collect()
}

fn list(items: &[String]) -> String {
    if items.is_empty() {
        return String::new();
    }
    let items: String = items.iter().map(|item| format!("<li>{}</li>\n", prose(item))).collect();
    format!("<ul>\n{items}</ul>\n")
}

fn provenance(pairs: &[(String, String)]) -> String {
    if pairs.is_empty() {
        return String::new();
    }
    let pairs: String = pairs
        .iter()
        .map(|(key, value)| {
            format!("<div><dt>{}</dt><dd>{}</dd></div>\n", escape(key), escape(value))
        })
        .collect();
    format!("<dl>\n{pairs}</dl>\n")
}

fn files(files: &[File]) -> String {
    if files.is_empty() {
        return String::new();
    }
    let items: String = files
        .iter()
        .map(|file| format!("<li>{}{}</li>\n", link(file), optional(" – ", &file.note, "")))
        .collect();
    format!("<ul class=\"files\">\n{items}</ul>\n")
}

fn link(File { name, href, .. }: &File) -> String {
    format!("<a href=\"{}\">{}</a>", escape(href), escape(name))
}

/// A section with its heading; nothing without content.
fn section(heading: &str, content: &str) -> String {
    if content.is_empty() {
        return String::new();
    }
    format!("<section>\n<h2>{heading}</h2>\n{content}</section>\n")
}

fn numbered<T>(items: &[T], write: impl Fn(usize, &T) -> String) -> String {
    items.iter().enumerate().map(|(index, item)| write(index + 1, item)).collect()
}

/// The text, escaped, between `before` and `after`; nothing for no text.
fn optional(before: &str, text: &str, after: &str) -> String {
    if text.is_empty() { String::new() } else { format!("{before}{}{after}", escape(text)) }
}

#[cfg(test)]
mod tests;
