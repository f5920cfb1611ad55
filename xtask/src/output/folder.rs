//! A folder into which this program writes, without touching files of the user.
//!
//! A manifest lists the files that this program wrote there, with checksums of their content. Only these files are
//! replaced or deleted, and only while their content is what was written. The checksum of a new content is in
//! the manifest before the file has that content: a program that is killed between two writes leaves no file that the
//! next call takes for one of the user's.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};

use super::{
    earlier::is_of_earlier_version,
    manifest::{Manifest, checksum},
    replace::replace,
};

/// The name of a file and its content.
pub(super) type NewFile = (String, Vec<u8>);

/// A folder with its manifest. Other processes wait until it is dropped.
pub(super) struct OutputFolder {
    path: PathBuf,
    manifest: Manifest,
    had_manifest: bool,
    /// The files that were written since the folder was opened.
    written: BTreeSet<String>,
    _lock: Option<File>,
}

/// What has the name of a file.
enum Found {
    Nothing,
    /// A file with this checksum.
    File(String),
    /// A folder, a link, or what else this program does not write.
    Other,
}

impl OutputFolder {
    /// # Errors
    /// One line for a manifest that cannot be used.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let lock = lock(path);
        let manifest = Manifest::read(path)?;
        Ok(Self {
            path: path.to_owned(),
            had_manifest: manifest.is_some(),
            manifest: manifest.unwrap_or_default(),
            written: BTreeSet::new(),
            _lock: lock,
        })
    }

    /// Checks that files of these names may be written.
    ///
    /// # Errors
    /// One line that names a file that is not ours.
    pub(super) fn check(&self, names: &[&str]) -> anyhow::Result<()> {
        names.iter().try_for_each(|name| self.replaceable(name, None).map(drop))
    }

    /// Writes files, in this order, each in one step.
    ///
    /// # Errors
    /// One line that names a file that is not ours, or that cannot be written. If any file is not ours, none
    /// is written.
    pub(super) fn write(&mut self, files: &[NewFile]) -> anyhow::Result<()> {
        self.announce(files)?;
        files.iter().try_for_each(|(name, bytes)| self.put(name, bytes))
    }

    /// Deletes the files of earlier calls that were not written since the folder was opened. Those that were changed
    /// stay, and are the user's from now on.
    pub(super) fn remove_stale(&mut self) {
        let stale = self.manifest.names().filter(|name| !self.written.contains(*name));
        for name in stale.cloned().collect::<Vec<_>>() {
            let path = self.path.join(&name);
            match found(&path) {
                Ok(Found::File(checksum)) if self.manifest.lists(&name, &checksum) => {
                    // A file that cannot be deleted does no harm, since no report links to it. It stays in the
                    // manifest, so the next call tries again.
                    if fs::remove_file(&path).is_ok() {
                        self.manifest.remove(&name);
                    }
                }
                Ok(_) => self.manifest.remove(&name),
                Err(_) => {}
            }
        }
    }

    /// Writes the manifest. Without this call, the old content of each file stays listed besides the new one.
    ///
    /// # Errors
    /// A manifest that cannot be written.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        self.manifest.save(&self.path)
    }

    /// Checks all files, and adds the checksums of their new content to the manifest.
    fn announce(&mut self, files: &[NewFile]) -> anyhow::Result<()> {
        let mut announced = Vec::new();
        for (name, bytes) in files {
            let new = checksum(bytes);
            let old = self.replaceable(name, Some(&new))?;
            announced.push((name, old, new));
        }
        for (name, old, new) in announced {
            self.manifest.set(name, old.into_iter().chain([new]));
        }
        self.manifest.save(&self.path)
    }

    /// Replaces one file, which must be announced.
    fn put(&mut self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let new = checksum(bytes);
        // Again: other programs may have written since.
        if self.replaceable(name, Some(&new))?.as_ref() != Some(&new) {
            let path = self.path.join(name);
            replace(&path, bytes).with_context(|| path.display().to_string())?;
        }
        self.manifest.set(name, [new]);
        self.written.insert(name.to_owned());
        Ok(())
    }

    /// The checksum of a file that may be replaced by a content with the checksum `new`; `None` if there is no file.
    fn replaceable(&self, name: &str, new: Option<&str>) -> anyhow::Result<Option<String>> {
        let path = self.path.join(name);
        let is_ours = |checksum: &str| {
            new == Some(checksum)
                || self.manifest.lists(name, checksum)
                || (!self.had_manifest && is_of_earlier_version(&self.path, name))
        };
        match found(&path)? {
            Found::Nothing => Ok(None),
            Found::File(checksum) if is_ours(&checksum) => Ok(Some(checksum)),
            Found::File(_) | Found::Other => bail!(
                "{} was not written by this program, or was changed since: move it, or choose another --out",
                path.display()
            ),
        }
    }
}

/// What is at a path. Links are not followed: this program writes none.
fn found(path: &Path) -> anyhow::Result<Found> {
    let place = || path.display().to_string();
    match fs::symlink_metadata(path) {
        Ok(about) if about.is_file() => {
            Ok(Found::File(checksum(&fs::read(path).with_context(place)?)))
        }
        Ok(_) => Ok(Found::Other),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Found::Nothing),
        Err(error) => Err(error).with_context(place),
    }
}

/// Waits until no other process has the folder open, so that two commands that write the same index do not
/// overwrite each other's manifest. Not every system or file system can lock a folder; then nothing is locked.
fn lock(folder: &Path) -> Option<File> {
    let folder = File::open(folder).ok()?;
    folder.lock().ok()?;
    Some(folder)
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::output::manifest::NAME;

    fn temporary() -> TempDir {
        tempfile::tempdir().unwrap()
    }

    fn read(folder: &TempDir, name: &str) -> String {
        fs::read_to_string(folder.path().join(name)).unwrap()
    }

    /// Writes as the user does.
    fn write(folder: &TempDir, name: &str, text: &str) {
        fs::write(folder.path().join(name), text).unwrap();
    }

    fn files(all: &[(&str, &str)]) -> Vec<NewFile> {
        all.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect()
    }

    fn open(folder: &TempDir) -> OutputFolder {
        OutputFolder::open(folder.path()).unwrap()
    }

    /// Writes as a report does.
    fn report(folder: &TempDir, all: &[(&str, &str)]) -> anyhow::Result<()> {
        let mut output = open(folder);
        output.write(&files(all))?;
        output.remove_stale();
        output.finish()
    }

    /// The message of an error is one line that names the file and what to do.
    #[track_caller]
    fn assert_refuses(result: anyhow::Result<()>, name: &str) {
        let message = format!("{:#}", result.unwrap_err());
        assert!(message.contains(&format!("{name} was not written by this program")), "{message}");
        assert!(message.ends_with("move it, or choose another --out"), "{message}");
        assert_eq!(message.lines().count(), 1, "{message}");
    }

    #[test]
    fn our_files_are_replaced_while_they_are_unchanged() {
        let folder = temporary();
        report(&folder, &[("data.csv", "1"), ("report.html", "one")]).unwrap();
        open(&folder).check(&["data.csv", "report.html", "new.svg"]).unwrap();
        report(&folder, &[("data.csv", "2"), ("report.html", "two")]).unwrap();
        assert_eq!(
            (read(&folder, "data.csv"), read(&folder, "report.html")),
            ("2".into(), "two".into())
        );

        write(&folder, "report.html", "two, with notes");
        assert_refuses(open(&folder).check(&["data.csv", "report.html"]), "report.html");
        // None is written if one is refused.
        assert_refuses(
            report(&folder, &[("data.csv", "3"), ("report.html", "three")]),
            "report.html",
        );
        assert_eq!(read(&folder, "data.csv"), "2");
        assert_eq!(read(&folder, "report.html"), "two, with notes");
        // What is moved away is written again.
        fs::rename(folder.path().join("report.html"), folder.path().join("mine.html")).unwrap();
        report(&folder, &[("data.csv", "3"), ("report.html", "three")]).unwrap();
        assert_eq!(
            (read(&folder, "data.csv"), read(&folder, "report.html")),
            ("3".into(), "three".into())
        );
        assert_eq!(read(&folder, "mine.html"), "two, with notes");
    }

    #[test]
    fn a_file_of_the_user_is_refused_unless_it_has_the_same_content() {
        let folder = temporary();
        write(&folder, "data.csv", "mine");
        assert_refuses(open(&folder).check(&["data.csv"]), "data.csv");
        assert_refuses(report(&folder, &[("data.csv", "1")]), "data.csv");
        assert_eq!(read(&folder, "data.csv"), "mine");
        assert!(!folder.path().join(NAME).exists());
        report(&folder, &[("data.csv", "mine")]).unwrap();
        report(&folder, &[("data.csv", "2")]).unwrap();
        assert_eq!(read(&folder, "data.csv"), "2");
    }

    #[test]
    fn a_folder_of_this_name_is_refused() {
        let folder = temporary();
        fs::create_dir(folder.path().join("data.csv")).unwrap();
        assert_refuses(report(&folder, &[("data.csv", "1")]), "data.csv");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_refused_wherever_it_leads() {
        let folder = temporary();
        report(&folder, &[("data.csv", "1")]).unwrap();
        fs::rename(folder.path().join("data.csv"), folder.path().join("moved.csv")).unwrap();
        std::os::unix::fs::symlink("moved.csv", folder.path().join("data.csv")).unwrap();
        assert_refuses(report(&folder, &[("data.csv", "2")]), "data.csv");
        assert_eq!(read(&folder, "moved.csv"), "1");
    }

    #[test]
    fn a_file_that_changes_between_check_and_write_is_refused() {
        let folder = temporary();
        report(&folder, &[("data.csv", "1")]).unwrap();
        let mut output = open(&folder);
        output.check(&["data.csv"]).unwrap();
        output.announce(&files(&[("data.csv", "2")])).unwrap();
        write(&folder, "data.csv", "mine");
        assert_refuses(output.put("data.csv", b"2"), "data.csv");
        assert_eq!(read(&folder, "data.csv"), "mine");
    }

    #[test]
    fn stale_files_are_deleted_only_if_they_are_ours_and_unchanged() {
        let folder = temporary();
        report(&folder, &[("a.svg", "a"), ("b.svg", "b"), ("c.svg", "c"), ("gone.svg", "g")])
            .unwrap();
        write(&folder, "b.svg", "b, with notes");
        write(&folder, "mine.svg", "a");
        fs::remove_file(folder.path().join("gone.svg")).unwrap();
        report(&folder, &[("c.svg", "c")]).unwrap();
        let there = |name: &str| folder.path().join(name).exists();
        assert_eq!(["a.svg", "b.svg", "c.svg", "mine.svg"].map(there), [false, true, true, true]);
        // The changed file is the user's from now on, even with a content that was once ours.
        write(&folder, "b.svg", "b");
        report(&folder, &[("c.svg", "c")]).unwrap();
        assert_refuses(open(&folder).check(&["b.svg"]), "b.svg");
        // So is one in the place of a file that the user deleted.
        write(&folder, "gone.svg", "g");
        assert_refuses(open(&folder).check(&["gone.svg"]), "gone.svg");
    }

    #[test]
    fn after_a_kill_between_two_writes_our_files_are_ours_and_others_are_not() {
        let all = [("data.csv", "2"), ("report.html", "two"), ("new.svg", "n")];
        // Killed after the manifest was written, and `done` files.
        for done in 0..=all.len() {
            let folder = temporary();
            report(&folder, &[("data.csv", "1"), ("report.html", "one"), ("old.svg", "o")])
                .unwrap();
            let mut killed = open(&folder);
            killed.announce(&files(&all)).unwrap();
            for (name, text) in &all[..done] {
                killed.put(name, text.as_bytes()).unwrap();
            }
            drop(killed);
            let page = if done > 1 { "two" } else { "one" };
            assert_eq!(read(&folder, "report.html"), page);

            // The next call neither refuses its own files, whatever it writes now ...
            open(&folder).check(&all.map(|(name, _)| name)).unwrap();
            // ... nor replaces or deletes those of the user.
            let mine = if done == all.len() { "report.html" } else { "new.svg" };
            write(&folder, mine, "mine");
            assert_refuses(report(&folder, &all), mine);
            assert_eq!(read(&folder, mine), "mine");
            report(&folder, &[("data.csv", "3")]).unwrap();
            assert_eq!(read(&folder, mine), "mine");
            let there = |name: &str| folder.path().join(name).exists();
            assert!(!there("old.svg"));
            assert_eq!(there("report.html"), mine == "report.html");
            assert_eq!(read(&folder, "data.csv"), "3");
        }
    }

    #[test]
    fn a_kill_while_stale_files_are_deleted_leaves_the_rest_ours() {
        let folder = temporary();
        report(&folder, &[("a.svg", "a"), ("b.svg", "b")]).unwrap();
        let mut killed = open(&folder);
        killed.write(&files(&[("a.svg", "a2")])).unwrap();
        killed.remove_stale();
        // Before the manifest is written.
        drop(killed);
        assert!(!folder.path().join("b.svg").exists());
        write(&folder, "b.svg", "mine");
        report(&folder, &[("a.svg", "a3")]).unwrap();
        assert_eq!((read(&folder, "a.svg"), read(&folder, "b.svg")), ("a3".into(), "mine".into()));
    }

    #[test]
    fn files_of_an_earlier_version_are_adopted_when_they_are_written() {
        let folder = temporary();
        write(&folder, "outcome.json", r#"{"finding": "finding-1"}"#);
        for name in ["data.csv", "report.html", "old.svg", "new.svg"] {
            write(&folder, name, "of an earlier version");
        }
        open(&folder).check(&["data.csv", "report.html", "outcome.json"]).unwrap();
        assert!(!folder.path().join(NAME).exists());
        // A kill after the first file leaves the others adopted.
        let all = [("outcome.json", "{}"), ("new.svg", "n"), ("report.html", "page")];
        let mut killed = open(&folder);
        killed.announce(&files(&all)).unwrap();
        killed.put("outcome.json", b"{}").unwrap();
        drop(killed);
        report(&folder, &all).unwrap();
        assert_eq!(
            (read(&folder, "new.svg"), read(&folder, "report.html")),
            ("n".into(), "page".into())
        );
        // Files that are not written stay, and are the user's.
        assert_eq!(read(&folder, "old.svg"), "of an earlier version");
        assert_refuses(open(&folder).check(&["data.csv"]), "data.csv");
    }

    #[test]
    fn a_manifest_that_cannot_be_used_stops_before_anything_is_written() {
        let folder = temporary();
        report(&folder, &[("data.csv", "1")]).unwrap();
        write(&folder, NAME, "half a manif");
        let message = format!("{:#}", OutputFolder::open(folder.path()).err().unwrap());
        assert!(message.contains("manifest.json: the manifest is damaged"), "{message}");
        assert_eq!(message.lines().count(), 1, "{message}");
        assert_eq!(read(&folder, "data.csv"), "1");
    }
}
