//! Outputs that nobody reads, and outputs that cannot be written.

use std::{
    fs::OpenOptions,
    process::{Command, Stdio},
};

use crate::{
    fault::Fault, place::Place, program::Ended, scale::Scale, tally::Tally,
    undisturbed::undisturbed,
};

pub(crate) const FAULTS: [Fault; 2] = [
    Fault { name: "stdout or stderr is a closed pipe", needs: &[], tries: closed_pipes },
    Fault { name: "stdout or stderr is a full device", needs: &[], tries: full_devices },
];

/// The status of a command whose results could not be printed.
const UNUSABLE: i32 = 2;

/// An output to which nothing can be written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sink {
    ClosedPipe,
    FullDevice,
}

impl Sink {
    fn open(self) -> Stdio {
        match self {
            Self::ClosedPipe => {
                let (reader, writer) = std::io::pipe().expect("a pipe");
                drop(reader);
                writer.into()
            }
            Self::FullDevice => {
                OpenOptions::new().write(true).open("/dev/full").expect("/dev/full").into()
            }
        }
    }
}

fn closed_pipes(scale: Scale, tally: &mut Tally) {
    sinks(Sink::ClosedPipe, scale, tally);
}

fn full_devices(scale: Scale, tally: &mut Tally) {
    sinks(Sink::FullDevice, scale, tally);
}

/// Commands that print at once, with their statuses where stdout is closed.
const QUICK: [(&[&str], i32); 9] = [
    (&["--help"], 0),
    (&["--version"], 0),
    (&["list"], 0),
    (&["schema", "run"], 0),
    (&["completions", "bash"], 0),
    (&["run", "sweep.json", "--print-spec"], 0),
    (&["run", "sweep.json", "--plan"], 0),
    (&["run", "nothing.json"], UNUSABLE),
    (&["no-command"], UNUSABLE),
];

fn sinks(sink: Sink, scale: Scale, tally: &mut Tally) {
    let undisturbed = undisturbed();
    let whole = scale == Scale::Whole;
    for (stdout, stderr) in [(true, true), (true, false), (false, true)] {
        let both = stdout && stderr;
        for (arguments, status) in QUICK {
            if !(both || whole) {
                break;
            }
            let place = Place::with_store(&undisturbed.files);
            let ended = run_into(sink, (stdout, stderr), &mut place.bare(arguments));
            tally.tried();
            let label = format!("{arguments:?}, {}", words(stdout, stderr));
            let expected = if stdout && sink == Sink::FullDevice { UNUSABLE } else { status };
            expect(&ended, expected, &label, tally);
        }
        // The sweep with all records, and from the beginning; with progress, and without it.
        for (quiet, computed) in [("--json", false), ("--quiet", false), ("--json", true)] {
            if quiet == "--quiet" && !whole || computed && !(both || whole) {
                continue;
            }
            let place = if computed { Place::new() } else { Place::with_store(&undisturbed.files) };
            let mut command = place.command(&["run", "sweep.json", "--jobs", "2", quiet]);
            let ended = run_into(sink, (stdout, stderr), &mut command);
            tally.tried();
            let label = format!("sweep {quiet}, {}", words(stdout, stderr));
            let expected = if stdout && sink == Sink::FullDevice { UNUSABLE } else { 0 };
            expect(&ended, expected, &label, tally);
            // Nothing that was computed depends on it.
            undisturbed.compare_results(&place, &label, tally);
        }
    }
}

fn words(stdout: bool, stderr: bool) -> &'static str {
    match (stdout, stderr) {
        (true, true) => "both",
        (true, false) => "stdout",
        _ => "stderr",
    }
}

/// Runs a command with one or both outputs into a sink.
fn run_into(sink: Sink, (stdout, stderr): (bool, bool), command: &mut Command) -> Ended {
    crate::program::run_with(command, |command| {
        if stdout {
            command.stdout(sink.open());
        }
        if stderr {
            command.stderr(sink.open());
        }
    })
}

fn expect(ended: &Ended, status: i32, label: &str, tally: &mut Tally) {
    match ended.crash() {
        Some(crash) => tally.wrong(format!("{label}: {crash}")),
        None => tally.check(ended.code() == Some(status), || {
            format!("{label}: status {:?} instead of {status}: {}", ended.code(), ended.stderr)
        }),
    }
    ended.lines_with("stdout cannot").for_each(|line| tally.said(line));
}
