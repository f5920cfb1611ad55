//! The commands, one file each.

mod batches;
mod bench;
mod compute;
mod coord_check;
mod data;
mod data_memory;
mod diagnose;
mod docs;
mod error_rates;
mod list;
mod only;
mod peak_memory;
mod plan;
mod protocol;
mod report;
mod reproduce;
mod run;
mod run_context;
mod schema;
mod setup_tch;
mod share;
mod spec_files;
mod stored;
mod sweep;
mod timer;

use std::process::ExitCode;

use crate::{
    cli::{self, Command},
    console,
};

/// Runs one command.
///
/// # Errors
/// The error of the command; its chain of causes is printed as one line.
pub(crate) fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Reproduce(arguments) => reproduce::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::List { json } => {
            list::run(json);
            Ok(ExitCode::SUCCESS)
        }
        Command::Plan(grid) => plan::run(&grid).map(|()| ExitCode::SUCCESS),
        Command::Report(grid) => report::run(&grid),
        Command::Diagnose(arguments) => diagnose::run(&arguments),
        Command::Sweep(command) => sweep::run(&command),
        Command::Docs(arguments) => docs::run(&arguments),
        Command::Protocol(arguments) => protocol::run(&arguments),
        Command::ErrorRates(arguments) => error_rates::run(&arguments),
        Command::CoordCheck(arguments) => coord_check::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments).map(|()| ExitCode::SUCCESS),
        Command::SetupTch(arguments) => setup_tch::run(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Schema(of) => {
            schema::run(of);
            Ok(ExitCode::SUCCESS)
        }
        Command::Completions { shell } => {
            console::write(&cli::completions(shell));
            Ok(ExitCode::SUCCESS)
        }
        Command::Data(task) => data::run(&task).map(|()| ExitCode::SUCCESS),
    }
}
