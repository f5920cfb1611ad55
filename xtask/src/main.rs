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
mod status;
mod study;
mod terminal;

use std::process::ExitCode;

fn main() -> ExitCode {
    let command = match cli::parse(std::env::args_os()) {
        Ok(command) => command,
        Err(exit) => return console::end(exit),
    };
    console::end(command::run(command).unwrap_or_else(|error| {
        // One line: the chain of causes.
        console::warn(format_args!("error: {error:#}"));
        ExitCode::from(status::BAD_INPUT)
    }))
}
