//! The index page, with links to the reports of all findings.

use maud::{Markup, html};

use super::{
    Verdict,
    html::{badge, class, page, prose},
};

/// The heading of the page.
pub(crate) const HEADING: &str = "Lazy or feature learning: the findings";

/// One finding on the page.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct IndexEntry {
    /// Such as `finding-1`.
    pub(crate) name: String,
    /// What is examined.
    pub(crate) title: String,
    /// The verdict and the profile; `None` if the finding has not been computed.
    pub(crate) found: Option<(Verdict, String)>,
    /// The report, relative to the page.
    pub(crate) href: String,
}

/// Writes the page.
pub(crate) fn index_html(entries: &[IndexEntry]) -> String {
    let body = html! {
        header {
            p.kicker { "Regime" }
            h1 { (HEADING) }
            p { "Claims of Geiger, Spigler, Jacot, Wyart, arXiv 1906.08034 v1, each measured again." }
        }
        main { @for entry in entries { (section(entry)) } }
    };
    page(HEADING, &body)
}

fn section(IndexEntry { name, title, found, href }: &IndexEntry) -> Markup {
    html! {
        @if let Some((Verdict { kind, sentence }, profile)) = found {
            section class={ "verdict " (class(*kind)) } aria-label=(name) {
                h2 { a href=(href) { (title) } }
                (badge(*kind))
                p { (prose(sentence)) }
                p.kicker { (name) " · profile " (profile) }
            }
        } @else {
            section.verdict.inconclusive aria-label=(name) {
                h2 { (title) }
                p { "Not computed yet: " code { "cargo xtask reproduce " (name) } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use regime_scaling::Outcome;

    #[test]
    fn the_page_shows_verdicts_and_missing_findings() {
        let verdict = Verdict { kind: Outcome::Fail, sentence: "p < q".into() };
        let entry = |name: &str, found| IndexEntry {
            name: name.into(),
            title: format!("Title of {name}"),
            found,
            href: format!("{name}/report.html"),
        };
        let page = index_html(&[entry("a", Some((verdict, "smoke".into()))), entry("b", None)]);
        for part in ["href=\"a/report.html\"", "Not reproduced", "p &lt; q", "profile smoke"] {
            assert!(page.contains(part), "{part}: {page}");
        }
        assert!(page.contains("cargo xtask reproduce b") && !page.contains("b/report.html"));
    }
}
