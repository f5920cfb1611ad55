//! What the tries of a fault gave.

use std::collections::BTreeMap;

/// The result of all tries of one fault.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// How many times the fault was tried.
    pub(crate) times: usize,
    /// Stored results that were lost, with the try.
    pub(crate) lost: Vec<String>,
    /// Everything else that is not as it must be, with the try.
    pub(crate) wrong: Vec<String>,
    /// The messages of the program without names and numbers that differ between tries, and how many tries
    /// had each.
    said: BTreeMap<String, usize>,
}

impl Tally {
    /// Counts a try.
    pub(crate) fn tried(&mut self) {
        self.times += 1;
    }

    /// Reports a stored result that is not there any more.
    pub(crate) fn lost(&mut self, what: impl Into<String>) {
        self.lost.push(what.into());
    }

    /// Reports something that is not as it must be.
    pub(crate) fn wrong(&mut self, what: impl Into<String>) {
        self.wrong.push(what.into());
    }

    /// Reports a condition that does not hold.
    pub(crate) fn check(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.wrong.push(what());
        }
    }

    /// Counts a message.
    pub(crate) fn said(&mut self, line: &str) {
        *self.said.entry(plain(line)).or_default() += 1;
    }

    /// The most frequent messages, at most `n`.
    pub(crate) fn messages(&self, n: usize) -> Vec<&str> {
        let mut lines: Vec<(&String, &usize)> = self.said.iter().collect();
        lines.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        lines.into_iter().take(n).map(|(line, _)| line.as_str()).collect()
    }
}

/// A message without what differs between tries and machines: folders, keys, checksums.
fn plain(line: &str) -> String {
    // Which run it was depends on the moment: "run 01234567 (width 20, α = 1, seed 0): …".
    let line = match line.split_once(" (width ") {
        Some((before, rest)) => match rest.split_once(')') {
            Some((_, after)) => format!("{before}{after}"),
            None => line.to_owned(),
        },
        None => line.to_owned(),
    };
    let hexadecimal = |word: &str| {
        let digits = word.chars().filter(char::is_ascii_hexdigit).count();
        (word.len() >= 60 && digits + 8 >= word.chars().count())
            || (word.len() == 8 && digits == 8 && word.chars().any(|c| c.is_ascii_digit()))
    };
    let word = |word: &str| -> String {
        let start = word.find(|c: char| c.is_alphanumeric() || c == '/' || c == '.').unwrap_or(0);
        let (open, rest) = word.split_at(start);
        // A folder is named by its last part, a file of a run by its ending.
        let rest = rest.rsplit('/').next().unwrap_or_default();
        if let Some((_, ending)) = rest.split_once(".tmp").filter(|_| rest.starts_with(".run-")) {
            return format!("{open}.run-….tmp{ending}");
        }
        let (stem, ending) =
            rest.split_at(rest.find(['.', ',', ')', ':', ';']).unwrap_or(rest.len()));
        match hexadecimal(stem) {
            true => format!("{open}…{ending}"),
            false => format!("{open}{rest}"),
        }
    };
    line.split_whitespace().map(word).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_message_has_no_keys_and_folders() {
    let key = "0123456789abcdef".repeat(4);
    let line = format!("error: cannot write /tmp/x1/runs/{key}.json: no space (os error 28)");
    assert_eq!(plain(&line), "error: cannot write ….json: no space (os error 28)");
    let line = r#"no space at path "/tmp/x1/runs/.run-a1B2.tmp""#;
    assert_eq!(plain(line), r#"no space at path ".run-….tmp""#);
    let line = format!("damaged (its checksum is {key}, but it states {key})");
    assert_eq!(plain(&line), "damaged (its checksum is …, but it states …)");
    assert_eq!(plain("run 0123abcd failed: stopped"), "run … failed: stopped");
    assert_eq!(plain("run 0123abcd (width 2, α = 1, seed 0): why (x)"), "run …: why (x)");
}
