//! What is written to stdout and stderr.
//!
//! Results go to stdout, with `out!`; notes to stderr, with `note!`, unless `--quiet` is set; warnings and errors to
//! stderr, with [`warn`]. No write panics: a reader that closes its end of a pipe wants no more, and is no
//! error; a full disk is one, which [`end`] reports.

use std::{
    fmt,
    io::{self, ErrorKind, Write},
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::status::BAD_INPUT;

static QUIET: AtomicBool = AtomicBool::new(false);

/// The first error of stdout; nothing is written after it.
static FAILED: Mutex<Option<ErrorKind>> = Mutex::new(None);

/// Prints a line of results on stdout.
macro_rules! out {
    ($($part:tt)*) => {
        $crate::console::write(&format!("{}\n", format_args!($($part)*)))
    };
}

/// Prints a note on stderr, unless the user asked for quiet.
macro_rules! note {
    ($($part:tt)*) => {
        $crate::console::note(format_args!($($part)*))
    };
}

/// Whether to leave out notes and progress.
pub(crate) fn set_quiet(quiet: bool) {
    QUIET.store(quiet, Ordering::Relaxed);
}

/// Whether notes and progress are left out.
pub(crate) fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// Writes text to stdout as it is.
pub(crate) fn write(text: &str) {
    let mut failed = FAILED.lock().unwrap_or_else(PoisonError::into_inner);
    if failed.is_none() {
        let mut stdout = io::stdout().lock();
        let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
        *failed = written.err().map(|error| error.kind());
    }
}

/// Writes a line to stderr, unless notes are left out.
pub(crate) fn note(line: fmt::Arguments<'_>) {
    if !is_quiet() {
        warn(line);
    }
}

/// Writes a line to stderr. If that fails there is no place left to say so.
pub(crate) fn warn(line: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// The exit status of the program, given that of its command.
pub(crate) fn end(status: ExitCode) -> ExitCode {
    match *FAILED.lock().unwrap_or_else(PoisonError::into_inner) {
        None | Some(ErrorKind::BrokenPipe) => status,
        Some(kind) => {
            warn(format_args!("error: stdout cannot be written to: {kind}"));
            ExitCode::from(BAD_INPUT)
        }
    }
}
