//! `cargo xtask`: reproduces the findings of the paper.
//!
//! `cargo xtask reproduce finding-1` makes the runs of a finding that are not yet
//! stored, analyses them, and writes a report with its verdict. `cargo xtask help`
//! lists the rest.

#[macro_use]
mod console;
mod backend;
mod cli;
mod clock;
mod command;
mod memory;
mod output;
mod progress;
mod provenance;
mod report;
mod run_name;
mod signals;
mod status;
mod study;
mod terminal;

use std::{process::ExitCode, sync::Arc};

fn main() -> ExitCode {
    let command = match cli::parse(std::env::args_os()) {
        Ok(command) => command,
        Err(exit) => return console::end(exit),
    };
    // Before any file is read: a signal must not end the program without its message and status.
    let stop = if command.makes_runs() { signals::stop_on_signals() } else { Ok(Arc::default()) };
    let ended = stop.and_then(|stop| command::run(command, &stop));
    console::end(ended.unwrap_or_else(|error| {
        if signals::is_stop(&error) {
            note!("stopped; run the same command again to continue");
            return ExitCode::from(status::INTERRUPTED);
        }
        // One line: the chain of causes.
        console::warn(format_args!("error: {error:#}"));
        ExitCode::from(status::BAD_INPUT)
    }))
}
