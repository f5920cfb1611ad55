//! Public mirrors, through `curl` or `wget`.

use std::fs;
use std::path::Path;

use super::command::run;
use super::error::AttemptError;
use super::place::Place;
use super::provider::Provider;
use crate::archive::{Archive, ArchiveFile};

/// A folder on the web that holds the files of an archive, compressed.
pub(super) struct Mirror {
    /// A name for partial downloads.
    label: &'static str,
    /// The address of the folder, with a slash at its end.
    base: String,
}

const MNIST: [(&str, &str); 2] = [
    ("ossci", "https://ossci-datasets.s3.amazonaws.com/mnist/"),
    ("cvdf", "https://storage.googleapis.com/cvdf-datasets/mnist/"),
];

// The last one has no https; the checksum verifies each file.
const FASHION_MNIST: [(&str, &str); 3] = [
    ("keras", "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"),
    (
        "github",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    ),
    ("zalando", "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"),
];

/// The mirrors of `archive`, in the order in which to try them.
pub(super) fn of(archive: Archive) -> impl Iterator<Item = Mirror> {
    let mirrors: &'static [(&'static str, &'static str)] = match archive {
        Archive::Mnist => &MNIST,
        Archive::FashionMnist => &FASHION_MNIST,
    };
    mirrors.iter().map(|&(label, base)| Mirror { label, base: base.to_owned() })
}

impl Provider for Mirror {
    fn name(&self) -> String {
        self.base.clone()
    }

    fn provide(
        &self,
        missing: &[ArchiveFile],
        place: &mut Place<'_, '_>,
    ) -> Result<(), AttemptError> {
        for file in missing {
            let part = place.partial(file, self.label);
            // An earlier fetch may have stopped between download and installation.
            if part.is_file() && place.install(file, &part).is_ok() {
                let _ = fs::remove_file(&part);
                continue;
            }
            let downloaded = download(&format!("{}{}.gz", self.base, file.name), &part);
            if let Err(error) = downloaded {
                if !can_be_resumed(&error) {
                    let _ = fs::remove_file(&part);
                }
                return Err(error);
            }
            let installed = place.install(file, &part);
            // Valid or not, the download is complete and no longer needed.
            let _ = fs::remove_file(&part);
            installed?;
        }
        Ok(())
    }
}

/// Downloads `url` to `part`, resuming an earlier download.
fn download(url: &str, part: &Path) -> Result<(), AttemptError> {
    let path = part.to_string_lossy();
    let dir = part.parent().unwrap_or(Path::new("."));
    let curl = [
        "--fail",
        "--silent",
        "--show-error",
        "--location",
        "--proto",
        "=http,https",
        "--max-redirs",
        "5",
        "--max-filesize",
        "200M",
        "--connect-timeout",
        "10",
        "--speed-limit",
        "1000",
        "--speed-time",
        "30",
        "--continue-at",
        "-",
        "--output",
        &path,
        url,
    ];
    let wget = [
        "--no-verbose",
        "--tries=1",
        "--connect-timeout=10",
        "--read-timeout=30",
        "--continue",
        "--output-document",
        &path,
        url,
    ];
    match run("curl", &curl, dir) {
        Err(AttemptError::NoProgram { .. }) => {}
        outcome => return outcome,
    }
    match run("wget", &wget, dir) {
        Err(AttemptError::NoProgram { .. }) => {
            Err(AttemptError::NoProgram { program: "curl` or `wget".to_owned() })
        }
        outcome => outcome,
    }
}

/// Whether a failed download can be resumed next time.
///
/// It cannot if the server refused the request: statuses 22 and 33 of curl, 8 of wget. A
/// server also refuses a request that starts at the end of a complete file.
fn can_be_resumed(error: &AttemptError) -> bool {
    let AttemptError::Program { status, .. } = error else {
        return true;
    };
    !["22", "33", "8"].iter().any(|refused| status.ends_with(&format!(" {refused}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checksum::sha256_hex;
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;
    use std::thread;

    /// Serves `content` for every request, honouring `Range: bytes=n-`, and returns the
    /// address and the start of each requested range.
    fn serve(content: Vec<u8>, requests: usize) -> (String, thread::JoinHandle<Vec<usize>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        let server = thread::spawn(move || {
            let serve_one = |_| {
                let (mut stream, _) = listener.accept().unwrap();
                let lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let head: Vec<String> =
                    lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
                let start = head.iter().find_map(|line| {
                    let line = line.to_ascii_lowercase();
                    line.strip_prefix("range: bytes=")?.strip_suffix('-')?.parse().ok()
                });
                let total = content.len();
                let body = &content[start.unwrap_or(0)..];
                let status = match start {
                    Some(start) => format!(
                        "206 Partial Content\r\nContent-Range: bytes {start}-{}/{total}",
                        total - 1
                    ),
                    None => "200 OK".to_owned(),
                };
                let length = body.len();
                write!(
                    stream,
                    "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
                )
                .unwrap();
                stream.write_all(body).unwrap();
                start.unwrap_or(0)
            };
            (0..requests).map(serve_one).collect()
        });
        (address, server)
    }

    fn has_a_downloader() -> bool {
        ["curl", "wget"].iter().any(|program| run(program, &["--version"], Path::new(".")).is_ok())
    }

    #[test]
    fn an_interrupted_download_is_resumed() {
        if !has_a_downloader() {
            return;
        }
        let content = b"forty bytes of content, or nearly forty.".to_vec();
        let sha256 = Box::leak(sha256_hex([&content[..]]).into_boxed_str());
        let file = ArchiveFile { name: "a-file", bytes: content.len(), sha256 };
        let (base, server) = serve(content.clone(), 1);
        let mirror = Mirror { label: "local", base };

        let dir = tempfile::tempdir().unwrap();
        let mut on_event = |_: super::super::FetchEvent<'_>| ();
        let mut place = Place::new(dir.path(), &mut on_event);
        fs::write(place.partial(&file, "local"), &content[..15]).unwrap();
        mirror.provide(&[file], &mut place).unwrap();

        assert_eq!(server.join().unwrap(), [15]);
        assert_eq!(fs::read(dir.path().join("a-file")).unwrap(), content);
        assert!(!place.partial(&file, "local").exists());
    }

    #[test]
    fn a_download_with_a_wrong_checksum_is_deleted() {
        if !has_a_downloader() {
            return;
        }
        let (base, server) = serve(b"something else".to_vec(), 1);
        let mirror = Mirror { label: "local", base };
        let file = ArchiveFile { name: "a-file", bytes: 5, sha256: "0000" };
        let dir = tempfile::tempdir().unwrap();
        let mut on_event = |_: super::super::FetchEvent<'_>| ();
        let mut place = Place::new(dir.path(), &mut on_event);
        let error = mirror.provide(&[file], &mut place).unwrap_err();
        server.join().unwrap();
        assert!(matches!(error, AttemptError::Checksum(_)), "{error}");
        assert!(!place.partial(&file, "local").exists());
    }
}
