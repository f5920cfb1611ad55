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
mod run_data;
mod schema;
mod setup_tch;
mod share;
mod spec_files;
mod store;
mod stored;
mod sweep;
mod timer;

use std::{
    process::ExitCode,
    sync::{Arc, atomic::AtomicBool},
};

use crate::{
    cli::{self, Command},
    console,
};

/// Runs one command. Once `stop` is true, commands that make runs stop.
///
/// # Errors
/// The error of the command; its chain of causes is printed as one line.
pub(crate) fn run(command: Command, stop: &Arc<AtomicBool>) -> anyhow::Result<ExitCode> {
    match command {
        Command::Reproduce(arguments) => reproduce::run(&arguments, stop),
        Command::Run(arguments) => run::run(&arguments, stop),
        Command::List { json } => {
            list::run(json);
            Ok(ExitCode::SUCCESS)
        }
        Command::Plan(grid) => plan::run(&grid).map(|()| ExitCode::SUCCESS),
        Command::Report(grid) => report::run(&grid),
        Command::Diagnose(arguments) => diagnose::run(&arguments, stop),
        Command::Sweep(command) => sweep::run(&command, stop),
        Command::Store(command) => store::run(&command),
        Command::Docs(arguments) => docs::run(&arguments),
        Command::Protocol(arguments) => protocol::run(&arguments, stop),
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
