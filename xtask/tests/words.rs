//! The text of the repository uses plain words: a list of words must not occur in it.
//!
//! Each is archaic, ambiguous, or has a plain equivalent; docs/glossary.md has the terms to use.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A word or a phrase that must not occur, and what to write instead.
const AVOIDED: [(&str, &str); 24] = [
    ("told", "reported, said"),
    ("nil", "zero"),
    ("whoever", "the caller, the user"),
    ("foresee", "estimate, expect"),
    ("foresees", "estimates, expects"),
    ("foreseen", "estimated, expected"),
    ("anew", "again"),
    ("beforehand", "in advance, first"),
    ("lest", "so that … not"),
    ("whence", "from which"),
    ("wherein", "in which"),
    ("whereof", "of which"),
    ("thereof", "of it"),
    ("thereby", "so"),
    ("aught", "anything"),
    ("heed", "read, consider"),
    ("hitherto", "until now"),
    ("ere", "before"),
    ("for good", "permanently"),
    ("of one's own", "your own"),
    ("in vain", "without effect"),
    ("makes do", "uses"),
    ("goes on from", "continues from"),
    ("the house's", "the default, the project's"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").into()
}

/// All files with text that people read, other than this one.
fn texts() -> Vec<(String, String)> {
    let mut open: Vec<PathBuf> =
        ["README.md", "Cargo.toml", "docs", "crates", "xtask", "benches", ".ci", ".cargo"]
            .map(|name| root().join(name))
            .into();
    let mut found = Vec::new();
    while let Some(path) = open.pop() {
        let name = path.strip_prefix(root()).expect("below the root").display().to_string();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name == "target") {
                continue;
            }
            let entries = fs::read_dir(&path).expect("a readable folder");
            open.extend(entries.map(|entry| entry.expect("a readable entry").path()));
            continue;
        }
        let extension = path.extension().unwrap_or_default().to_string_lossy().into_owned();
        let is_text = ["rs", "md", "toml", "py", "sh", "json"].contains(&&*extension);
        if (is_text || name == ".ci/run") && name != "xtask/tests/words.rs" {
            found.push((name, fs::read_to_string(&path).expect("UTF-8")));
        }
    }
    assert!(found.len() > 400, "only {} files", found.len());
    found
}

/// Lines of a text in which a phrase occurs as whole words, with their numbers.
fn lines_with<'a>(text: &'a str, phrase: &str) -> Vec<(usize, &'a str)> {
    let occurs = |line: &str| {
        let line = line.to_lowercase();
        line.match_indices(phrase).any(|(start, _)| {
            let before = line[..start].chars().next_back();
            let after = line[start + phrase.len()..].chars().next();
            [before, after].into_iter().flatten().all(|c| !c.is_alphanumeric())
        })
    };
    text.lines()
        .enumerate()
        .filter(|(_, line)| occurs(line))
        .map(|(i, line)| (i + 1, line))
        .collect()
}

#[test]
fn avoided_words_do_not_occur() {
    let mut found = Vec::new();
    for (name, text) in texts() {
        for (phrase, instead) in AVOIDED {
            for (number, line) in lines_with(&text, phrase) {
                found.push(format!(
                    "{name}:{number}: `{phrase}` (write: {instead}): {}",
                    line.trim()
                ));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn words_are_found_as_words() {
    let text = "The loss is told.\nUntold riches; a nil_pointer\nTOLD again, for good";
    assert_eq!(lines_with(text, "told").iter().map(|line| line.0).collect::<Vec<_>>(), [1, 3]);
    // An underscore divides the words of a name.
    assert_eq!(lines_with(text, "nil").len(), 1);
    assert_eq!(lines_with(text, "for good")[0].0, 3);
}
