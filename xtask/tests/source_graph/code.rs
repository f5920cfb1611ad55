//! What a file declares, imports and names.

use std::collections::BTreeSet;

/// One name that a `use` brings in.
pub(crate) struct Use {
    /// The name in this file; `*` for all.
    pub(crate) name: String,
    pub(crate) path: Vec<String>,
    /// Whether it is a re-export.
    pub(crate) is_public: bool,
}

/// The code of one file, without its tests.
pub(crate) struct Code {
    /// Child modules in separate files.
    pub(crate) children: BTreeSet<String>,
    /// Names of the items that are defined here.
    pub(crate) items: BTreeSet<String>,
    pub(crate) uses: Vec<Use>,
    /// Paths in expressions and types that begin with `crate`, `self`, `super` or a child.
    pub(crate) paths: Vec<Vec<String>>,
}

impl Code {
    pub(crate) fn parse(text: &str) -> Self {
        let text = without_tests(&without_comments(text));
        let (statements, rest) = split_uses(&text);
        let mut code = Self {
            children: BTreeSet::new(),
            items: BTreeSet::new(),
            uses: statements.iter().flat_map(|(use_, public)| leaves(use_, *public)).collect(),
            paths: Vec::new(),
        };
        for line in rest.lines() {
            code.read_line(line);
        }
        let children = code.children.clone();
        let starts =
            |word: &str| matches!(word, "crate" | "self" | "super") || children.contains(word);
        code.paths = paths(&rest).into_iter().filter(|path| starts(&path[0])).collect();
        code
    }

    /// Reads a declaration, which begins at the start of a line.
    fn read_line(&mut self, line: &str) {
        let mut words = line.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '!'));
        if line.starts_with([' ', '\t']) {
            return;
        }
        const KINDS: [&str; 10] = [
            "fn",
            "struct",
            "enum",
            "trait",
            "type",
            "const",
            "static",
            "union",
            "mod",
            "macro_rules!",
        ];
        let Some(kind) = words.by_ref().find(|word| KINDS.contains(word)) else { return };
        let named = words.find(|word| !word.is_empty() && !["fn", "unsafe"].contains(word));
        let Some(named) = named.map(str::to_owned) else { return };
        if kind == "mod" && line.trim_end().ends_with(';') {
            self.children.insert(named);
        } else {
            self.items.insert(named);
        }
    }
}

/// Removes comments and strings.
fn without_comments(text: &str) -> String {
    let mut code = String::new();
    let mut left = text;
    while let Some(c) = left.chars().next() {
        if left.starts_with("//") {
            left = &left[left.find('\n').unwrap_or(left.len())..];
        } else if left.starts_with("r\"") || left.starts_with("r#") {
            let hashes = left[1..].chars().take_while(|c| *c == '#').count();
            let end = format!("\"{}", "#".repeat(hashes));
            let body = left[1 + hashes..].strip_prefix('"');
            match body.and_then(|body| Some(&body[body.find(&end)? + end.len()..])) {
                Some(after) => left = after,
                // A raw identifier.
                None => left = &left[1..],
            }
        } else if c == '"' {
            let mut escaped = false;
            let end = left[1..].find(|c| {
                let ends = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                ends
            });
            left = &left[end.map_or(left.len(), |end| end + 2)..];
        } else if left.starts_with("'\"'") {
            left = &left[3..];
        } else {
            code.push(c);
            left = &left[c.len_utf8()..];
        }
    }
    code
}

/// Removes the items after `#[cfg(test)]`.
fn without_tests(text: &str) -> String {
    let mut code = String::new();
    let mut left = text;
    while let Some(start) = left.find("#[cfg(test)]") {
        code += &left[..start];
        let item = &left[start..];
        let brace = item.find('{').unwrap_or(item.len());
        let semicolon = item.find(';').unwrap_or(item.len());
        let end = if semicolon < brace {
            semicolon + 1
        } else {
            // The item begins at the margin, and so does its closing brace.
            item.find("\n}").map_or(item.len(), |end| end + 2)
        };
        left = &item[end..];
    }
    code + left
}

/// The trees of all `use` statements, with whether they are re-exports; and the rest of the code.
fn split_uses(text: &str) -> (Vec<(String, bool)>, String) {
    let mut uses = Vec::new();
    let mut rest = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let words = line.trim_start();
        let public = words.starts_with("pub");
        let tree = match words.split_once("use ") {
            Some(("", tree)) => Some(tree),
            Some((visibility, tree)) if public && !visibility.trim().contains(' ') => Some(tree),
            _ => None,
        };
        let Some(tree) = tree else {
            rest += line;
            rest.push('\n');
            continue;
        };
        let mut tree = tree.to_owned();
        while !tree.contains(';') {
            tree += lines.next().expect("a use ends");
        }
        let end = tree.find(';').expect("it ends");
        uses.push((tree[..end].to_owned(), public));
    }
    (uses, rest)
}

/// The names of one tree of a `use`.
fn leaves(tree: &str, is_public: bool) -> Vec<Use> {
    fn walk(tree: &str, before: &[String], is_public: bool, out: &mut Vec<Use>) {
        let segments = |text: &str| -> Vec<String> {
            let parts = text.split("::").map(str::trim).filter(|part| !part.is_empty());
            before.iter().cloned().chain(parts.map(str::to_owned)).collect()
        };
        if let Some(open) = tree.find('{') {
            let prefix = segments(&tree[..open]);
            let inner = &tree[open + 1..tree.rfind('}').expect("a closed brace")];
            let (mut depth, mut start) = (0, 0);
            let mut parts = Vec::new();
            for (index, c) in inner.char_indices() {
                match c {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    ',' if depth == 0 => {
                        parts.push(&inner[start..index]);
                        start = index + 1;
                    }
                    _ => {}
                }
            }
            parts.push(&inner[start..]);
            for part in parts.into_iter().filter(|part| !part.trim().is_empty()) {
                walk(part, &prefix, is_public, out);
            }
            return;
        }
        let (path, alias) = match tree.split_once(" as ") {
            Some((path, alias)) => (path, Some(alias.trim().to_owned())),
            None => (tree, None),
        };
        let mut path = segments(path);
        if path.last().is_some_and(|last| last == "self") && path.len() > 1 {
            path.pop();
        }
        let name = alias.unwrap_or_else(|| path.last().cloned().unwrap_or_default());
        out.push(Use { name, path, is_public });
    }
    let mut out = Vec::new();
    walk(tree, &[], is_public, &mut out);
    out
}

/// All paths with at least two segments.
fn paths(code: &str) -> Vec<Vec<String>> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut all = Vec::new();
    let mut at = 0;
    while let Some(start) = code[at..].find(is_word).map(|found| at + found) {
        let after_path = code[..start].ends_with("::") || code[..start].ends_with('.');
        let mut path = Vec::new();
        let mut end = start;
        loop {
            let length = code[end..].find(|c| !is_word(c)).unwrap_or(code.len() - end);
            path.push(code[end..end + length].to_owned());
            end += length;
            if !code[end..].starts_with("::") || !code[end + 2..].starts_with(is_word) {
                break;
            }
            end += 2;
        }
        if path.len() > 1 && !after_path {
            all.push(path);
        }
        at = end.max(start + 1);
    }
    all
}
