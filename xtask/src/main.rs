//! `cargo xtask`: reproduces the findings of the paper.
//!
//! `cargo xtask reproduce finding-1` makes the runs of a finding that are not yet
//! stored, analyses them, and writes a report with its verdict. `cargo xtask help`
//! lists the rest.

mod backend;
mod cli;
mod command;
mod output;
mod progress;
mod provenance;
mod report;
mod study;
mod terminal;

use std::process::ExitCode;

fn main() -> ExitCode {
    let command = match cli::parse(std::env::args_os()) {
        Ok(command) => command,
        Err(exit) => return exit,
    };
    match command::run(command) {
        Ok(code) => code,
        Err(error) => {
            // One line: the chain of causes, each adding what the one before lacks.
            eprintln!("error: {error:#}");
            ExitCode::from(cli::BAD_INPUT)
        }
    }
}
