//! The page is well-formed, complete and escaped.

use roxmltree::Document;

use super::*;

const HOSTILE: &str = "<script>alert('1 & \"2\"')</script>";

fn report(text: &str, rows: usize) -> Report {
    let text = || text.to_string();
    let file = || File { name: text(), href: text(), note: text() };
    Report {
        kicker: text(),
        title: text(),
        claim: text(),
        source: text(),
        verdict: Verdict { kind: Outcome::Undecided, sentence: text() },
        key_figures: vec![
            KeyFigure::new(text(), -0.47, Some((-0.55, -0.39)), text()),
            KeyFigure::new(text(), f64::NAN, None, text()),
        ],
        figures: vec![ReportFigure { svg: "<svg/>".into(), caption: text(), files: vec![file()] }],
        tables: vec![Table {
            caption: text(),
            header: vec![text()],
            rows: vec![vec![text(), "−1".into()]; rows],
        }],
        rule: format!("{0}\n\n{0}", text()),
        notes: vec![text()],
        provenance: vec![(text(), text())],
        files: vec![file()],
    }
}

/// A page without the parts of HTML that are not XML.
fn as_xml(html: &str) -> String {
    let html = html.strip_prefix("<!DOCTYPE html>").expect("a page of HTML");
    let mut parts = html.split("<meta ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |xml, part| xml + part.split_once('>').expect("a closed tag").1)
}

#[test]
fn every_text_is_escaped_and_every_element_closed() {
    for rows in [0, 1, LONG, LONG + 1] {
        let html = to_html(&report(HOSTILE, rows));
        assert!(!html.contains("<script"));
        let xml = as_xml(&html);
        let document = Document::parse(&xml).unwrap_or_else(|error| panic!("{error}\n{xml}"));
        let count =
            |tag| document.descendants().filter(|node| node.tag_name().name() == tag).count();
        assert_eq!((count("main"), count("h1"), count("table")), (1, 1, 2));
        assert_eq!(count("details"), usize::from(rows > LONG));
        // A reader finds the same text again, in elements and in attributes.
        let texts = document.descendants().filter_map(|node| node.text());
        let attributes = document.descendants().flat_map(|node| node.attributes());
        let hostile: Vec<&str> = texts
            .chain(attributes.map(|attribute| attribute.value()))
            .filter(|text| text.contains("alert("))
            .collect();
        assert!(hostile.len() > 10 && hostile.iter().all(|text| text.contains(HOSTILE)));
    }
}

#[test]
fn the_page_loads_nothing_from_elsewhere() {
    // The page links to the paper, but does not load it.
    let html = to_html(&report("text", 3)).replacen(&format!("href=\"{PAPER}\""), "", 1);
    for mark in ["http", "src=", "@import", "url("] {
        assert!(!html.contains(mark), "{mark}");
    }
}

#[test]
fn empty_parts_have_no_heading() {
    let empty = Report {
        key_figures: Vec::new(),
        figures: Vec::new(),
        tables: Vec::new(),
        notes: Vec::new(),
        provenance: Vec::new(),
        files: Vec::new(),
        ..report("", 0)
    };
    let html = to_html(&empty);
    assert!(!html.contains("<h2>") && !html.contains("<h1>"));
    assert!(html.contains("Inconclusive"));
}

#[test]
fn numbers_are_set_flush_right() {
    for number in
        ["−0.47", "1.2·10⁻³", "(2.5 [2.1, 3.0])·10⁻⁶", "< 0.01", "–", "100", "[0.1, 0.2]", "2.3 %"]
    {
        assert!(is_number(number), "{number}");
    }
    for text in ["h = 100", "softplus", "3 unconverged", "4b0e"] {
        assert!(!is_number(text), "{text}");
    }
}

fn code(text: &str) -> String {
    prose(text).into_string()
}

#[test]
fn text_between_backticks_is_code() {
    assert_eq!(code("a `b < c` d `e`"), "a <code>b &lt; c</code> d <code>e</code>");
    assert_eq!(code("one ` alone"), "one ` alone");
    assert_eq!(code("`a` and ` alone"), "<code>a</code> and ` alone");
    assert_eq!(code(""), "");
}

#[test]
fn rows_may_be_shorter_than_the_header() {
    let row = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
    let table = Table {
        caption: "Short".into(),
        header: row(&["a", "b"]),
        rows: vec![row(&["x", "word"]), row(&["y", "1.0 [0.9, 1.1]"]), row(&["z"])],
    };
    let html = super::table(1, &table).into_string();
    assert!(html.contains("<td class=\"whole\">1.0 [0.9, 1.1]</td>"), "{html}");
    assert!(html.contains("<th scope=\"row\">z</th><td></td>"), "{html}");
}
