//! The page that leads to the reports of all findings.

use std::fmt::Write as _;

use super::{
    Verdict,
    html::{badge, class, page},
};
use crate::figure::escape;

/// One finding on the page.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct IndexEntry {
    /// Such as `finding-1`.
    pub(crate) name: String,
    /// What is examined.
    pub(crate) title: String,
    /// What was found, and with which profile; `None` before it has been computed.
    pub(crate) found: Option<(Verdict, String)>,
    /// The report, relative to the page.
    pub(crate) href: String,
}

/// Writes the page.
pub(crate) fn index_html(entries: &[IndexEntry]) -> String {
    let mut body = String::from(
        "<header>\n<p class=\"kicker\">Regime</p>\n<h1>Lazy or feature learning: the findings</h1>\n\
         <p>Claims of Geiger, Spigler, Jacot, Wyart, arXiv 1906.08034 v1, each measured anew.</p>\n\
         </header>\n<main>\n",
    );
    for IndexEntry { name, title, found, href } in entries {
        let (name, title, href) = (escape(name), escape(title), escape(href));
        let _ = match found {
            Some((Verdict { kind, sentence }, profile)) => writeln!(
                body,
                "<section class=\"verdict {}\" aria-label=\"{name}\">\n\
                 <h2><a href=\"{href}\">{title}</a></h2>\n{}<p>{}</p>\n\
                 <p class=\"kicker\">{name} · profile {}</p>\n</section>",
                class(*kind),
                badge(*kind),
                escape(sentence),
                escape(profile),
            ),
            None => writeln!(
                body,
                "<section class=\"verdict inconclusive\" aria-label=\"{name}\">\n<h2>{title}</h2>\n\
                 <p>Not computed yet: <code>cargo xtask reproduce {name}</code></p>\n</section>",
            ),
        };
    }
    page("Lazy or feature learning: the findings", &(body + "</main>\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::VerdictKind;

    #[test]
    fn a_page_tells_verdicts_and_what_is_missing() {
        let verdict = Verdict { kind: VerdictKind::NotReproduced, sentence: "p < q".into() };
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
