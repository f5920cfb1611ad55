//! The manifest of a folder: the files that this program wrote there, with the checksums of their content.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    fmt::Display,
    fs,
    io::ErrorKind,
    path::Path,
};

use anyhow::{Context, anyhow, bail};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::replace::replace;

/// The name of the file.
pub(super) const NAME: &str = "manifest.json";

/// Distinguishes a manifest from another file of this name.
const PROGRAM: &str = "regime";

/// The version of the layout of the file.
const FORMAT: u64 = 1;

const ABOUT: &str = "Files that `cargo xtask` wrote into this folder, with the SHA-256 of their content. Of all \
                     files here it replaces and deletes only these, and only while their content is unchanged.";

const REMEDY: &str = "move the files of this folder elsewhere, or choose another --out";

/// The checksums that a file may have, by its name. There are two while the file is being replaced, that of the
/// old and that of the new content; else there is one.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Manifest(BTreeMap<String, BTreeSet<String>>);

impl Manifest {
    /// The manifest of a folder; `None` if there is none.
    ///
    /// # Errors
    /// One line for a file that cannot be read, is damaged, is of a later version, or is no manifest.
    pub(super) fn read(folder: &Path) -> anyhow::Result<Option<Self>> {
        let path = folder.join(NAME);
        let place = || path.display().to_string();
        match fs::read(&path) {
            Ok(text) => Self::parse(&text).map(Some).with_context(place),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(place),
        }
    }

    fn parse(text: &[u8]) -> anyhow::Result<Self> {
        let damaged = |why: &dyn Display| anyhow!("the manifest is damaged ({why}): {REMEDY}");
        let all: Value = serde_json::from_slice(text).map_err(|error| damaged(&error))?;
        if all["program"] != PROGRAM {
            bail!("this is not a manifest of this program: {REMEDY}");
        }
        match all["format"].as_u64() {
            Some(FORMAT) => {}
            Some(format) if format > FORMAT => bail!(
                "the manifest has format {format}, of a later version of this program, but this version \
                 reads format {FORMAT}: use the later version, or choose another --out"
            ),
            _ => return Err(damaged(&"it has no format")),
        }
        let files: BTreeMap<String, BTreeSet<String>> =
            serde_json::from_value(all["files"].clone()).map_err(|error| damaged(&error))?;
        // No file outside of the folder is ever deleted.
        let is_plain = |name: &String| Path::new(name).file_name() == Some(OsStr::new(name));
        match files.keys().find(|name| !is_plain(name)) {
            Some(name) => Err(damaged(&format!("{name:?} is not the name of a file"))),
            None => Ok(Self(files)),
        }
    }

    /// Writes the manifest of a folder in one step.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub(super) fn save(&self, folder: &Path) -> anyhow::Result<()> {
        let all = json!({
            "about": ABOUT,
            "program": PROGRAM,
            "format": FORMAT,
            "files": self.0,
        });
        let path = folder.join(NAME);
        replace(&path, format!("{all:#}\n").as_bytes()).with_context(|| path.display().to_string())
    }

    /// Whether this program wrote a file of this name with this checksum.
    pub(super) fn lists(&self, name: &str, checksum: &str) -> bool {
        self.0.get(name).is_some_and(|checksums| checksums.contains(checksum))
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }

    /// Sets the checksums that a file may have.
    pub(super) fn set(&mut self, name: &str, checksums: impl IntoIterator<Item = String>) {
        self.0.insert(name.to_owned(), checksums.into_iter().collect());
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }
}

/// The SHA-256 of a content, in hexadecimal digits.
pub(super) fn checksum(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Manifest::read(folder.path()).unwrap(), None);
        let mut manifest = Manifest::default();
        manifest.set("data.csv", [checksum(b"old"), checksum(b"new")]);
        manifest.set("report.html", [checksum(b"page")]);
        manifest.save(folder.path()).unwrap();
        let read = Manifest::read(folder.path()).unwrap().unwrap();
        assert_eq!(read, manifest);
        assert!(
            read.lists("data.csv", &checksum(b"old")) && read.lists("data.csv", &checksum(b"new"))
        );
        assert!(
            !read.lists("data.csv", &checksum(b"page")) && !read.lists("other", &checksum(b"page"))
        );
    }

    #[test]
    fn what_is_no_manifest_is_one_line_that_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let with = |fields: &str| format!(r#"{{"program": "regime", {fields}}}"#);
        for (text, part) in [
            (String::new(), "damaged"),
            (with(r#""format": 1, "files": {"data.csv""#), "damaged"),
            (with(r#""format": 1, "files": {"data.csv": 7}"#), "damaged"),
            (with(r#""format": 1"#), "damaged"),
            (with(r#""files": {}"#), "damaged (it has no format)"),
            (with(r#""format": 1, "files": {"../data.csv": []}"#), "not the name of a file"),
            (with(r#""format": 1, "files": {"..": []}"#), "not the name of a file"),
            (with(r#""format": 2, "files": []"#), "has format 2, of a later version"),
            (
                r#"{"name": "a web application", "icons": []}"#.into(),
                "not a manifest of this program",
            ),
            ("[1, 2]".into(), "not a manifest of this program"),
        ] {
            fs::write(folder.path().join(NAME), &text).unwrap();
            let message = format!("{:#}", Manifest::read(folder.path()).unwrap_err());
            assert!(message.contains(part) && message.contains(NAME), "{text}: {message}");
            assert!(message.contains("another --out"), "{text}: {message}");
            assert_eq!(message.lines().count(), 1, "{text}: {message}");
        }
    }

    /// The first test vector of FIPS 180-2, appendix B.
    #[test]
    fn a_checksum_is_the_sha_256() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(checksum(b"abc"), abc);
    }
}
