//! The program as a process.

use std::{
    fs::File,
    io::{Read, Seek},
    os::unix::process::ExitStatusExt,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

/// After this time a program hangs. The sweep takes some seconds.
const LIMIT: Duration = Duration::from_secs(60);

/// How many tries may come too late, when the program has ended already, before `n` that do not.
pub(crate) fn too_late(n: usize) -> usize {
    10 + 2 * n
}

/// The exit status after a panic of the main thread.
const PANICKED: i32 = 101;

/// The exit status of a program that was stopped and can be continued.
pub(crate) const STOPPED: i32 = 130;

/// A process, with the files that hold what it prints.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) child: Child,
    stdout: File,
    stderr: File,
}

/// A process that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// Whether it was killed because it did not end.
    hung: bool,
}

/// Starts a program. Its output goes to files, so that no pipe can block or end it.
pub(crate) fn start(command: &mut Command) -> Running {
    start_with(command, |_| ())
}

/// The same; `change` may give it other outputs.
fn start_with(command: &mut Command, change: impl FnOnce(&mut Command)) -> Running {
    let file = || tempfile::tempfile().expect("a temporary file");
    let (stdout, stderr) = (file(), file());
    let copy = |file: &File| Stdio::from(file.try_clone().expect("a second descriptor"));
    command.stdin(Stdio::null()).stdout(copy(&stdout)).stderr(copy(&stderr));
    change(command);
    let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    Running { child, stdout, stderr }
}

/// Runs a program to its end.
pub(crate) fn run(command: &mut Command) -> Ended {
    start(command).end()
}

/// Runs a program to its end; `change` may give it other outputs.
pub(crate) fn run_with(command: &mut Command, change: impl FnOnce(&mut Command)) -> Ended {
    start_with(command, change).end()
}

impl Running {
    /// Waits for a time; returns whether the program still runs.
    pub(crate) fn runs_after(&mut self, time: Duration) -> bool {
        thread::sleep(time);
        self.child.try_wait().expect("a child").is_none()
    }

    /// Kills the program (SIGKILL), unless it has ended; returns whether it was killed.
    pub(crate) fn kill(mut self) -> bool {
        let _ = self.child.kill();
        self.child.wait().expect("a child").signal().is_some()
    }

    /// Sends a signal by its name, such as TERM.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent =
            Command::new("kill").args([&format!("-{name}"), &id]).stderr(Stdio::null()).status();
        // It fails when the process has ended meanwhile.
        sent.expect("the program `kill`");
    }

    /// Waits for the end.
    pub(crate) fn end(mut self) -> Ended {
        let start = Instant::now();
        let mut hung = false;
        let status = loop {
            match self.child.try_wait().expect("a child") {
                Some(status) => break status,
                None if start.elapsed() > LIMIT => {
                    hung = true;
                    let _ = self.child.kill();
                    break self.child.wait().expect("a child");
                }
                None => thread::sleep(Duration::from_millis(5)),
            }
        };
        let (stdout, stderr) = (text(self.stdout), text(self.stderr));
        Ended { status, stdout, stderr, hung }
    }
}

fn text(mut file: File) -> String {
    let mut bytes = Vec::new();
    file.rewind().and_then(|()| file.read_to_end(&mut bytes)).expect("a file in memory");
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Ended {
    /// The exit status; `None` after a signal.
    pub(crate) fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// What no fault excuses: a panic, death by a signal, a program that does not end.
    pub(crate) fn crash(&self) -> Option<String> {
        if self.hung {
            return Some(format!("it did not end: {}", self.stderr));
        }
        if self.stderr.contains("panicked") || self.code() == Some(PANICKED) {
            return Some(format!("it panicked: {}", self.stderr));
        }
        self.status.signal().map(|signal| format!("signal {signal} ended it: {}", self.stderr))
    }

    /// The lines of stderr that contain a word.
    pub(crate) fn lines_with<'a>(&'a self, word: &'a str) -> impl Iterator<Item = &'a str> {
        self.stderr.lines().filter(move |line| line.contains(word))
    }
}
