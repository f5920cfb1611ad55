//! Faults of the machine, and what becomes of stored results: processes that are killed or stopped, full disks,
//! damaged files, wrong clocks, several processes at once.
//!
//! The tests try each fault a few times. `REGIME_FAULTS=whole cargo test --release -p xtask --test faults --
//! --nocapture` tries it many times and writes the table of docs/reliability.md. `REGIME_FAULTS_SKIP` names facilities
//! of the machine that are missing (`facility.rs`); a fault that needs a missing one fails otherwise.
//! `REGIME_FAULTS_SEED` chooses other random moments, `REGIME_FAULTS_ONLY` the faults of the whole form whose name
//! contains it.
#![cfg(target_os = "linux")]

mod clocks;
mod damage;
mod damaged_checkpoints;
mod damaged_records;
mod facility;
mod fault;
mod full_disk;
mod kills;
mod later_version;
mod mount;
mod page;
mod permissions;
mod pipes;
mod place;
mod program;
mod random;
mod record_file;
mod refused_flush;
mod scale;
mod shim;
mod signals;
mod tally;
mod two_processes;
mod undisturbed;

use std::fs;

use fault::{Fault, reduced};
use scale::Scale;

/// All faults, in the order of the table.
fn all() -> Vec<Fault> {
    let mut faults = Vec::new();
    faults.extend(kills::FAULTS);
    faults.extend(signals::FAULTS);
    faults.extend(pipes::FAULTS);
    faults.extend(full_disk::FAULTS);
    faults.extend(permissions::FAULTS);
    faults.extend(damaged_records::FAULTS);
    faults.extend(damaged_checkpoints::FAULTS);
    faults.extend(later_version::FAULTS);
    faults.extend(two_processes::FAULTS);
    faults.extend(clocks::FAULTS);
    faults.extend(refused_flush::FAULTS);
    faults
}

#[test]
fn killed_programs_lose_nothing() {
    reduced(&kills::FAULTS);
}

#[test]
fn stopped_programs_continue() {
    reduced(&signals::FAULTS);
}

#[test]
fn unread_outputs_lose_nothing() {
    reduced(&pipes::FAULTS);
}

#[test]
fn full_disks_lose_nothing() {
    reduced(&full_disk::FAULTS);
}

#[test]
fn forbidden_folders_are_named() {
    reduced(&permissions::FAULTS);
}

#[test]
fn damaged_records_are_reported_and_computed_again() {
    reduced(&damaged_records::FAULTS);
}

#[test]
fn damaged_checkpoints_are_reported_and_not_used() {
    reduced(&damaged_checkpoints::FAULTS);
}

#[test]
fn records_of_later_versions_are_refused() {
    reduced(&later_version::FAULTS);
}

#[test]
fn processes_share_a_store() {
    reduced(&two_processes::FAULTS);
}

#[test]
fn clocks_change_no_record() {
    reduced(&clocks::FAULTS);
}

#[test]
fn refused_flushes_are_reported_once() {
    reduced(&refused_flush::FAULTS);
}

/// The whole form, if the user chose it: one fault after the other, so that moments are what they say.
#[test]
fn the_page_shows_all_faults() {
    let mut page = page::read();
    if Scale::chosen() == Scale::Whole {
        let only = std::env::var("REGIME_FAULTS_ONLY").unwrap_or_default();
        let mut rows = Vec::new();
        for fault in all().into_iter().filter(|fault| fault.name.contains(&only)) {
            rows.extend(fault.tally(Scale::Whole).map(|tally| (fault.name, tally)));
        }
        let table = page::table(&rows);
        println!("{table}");
        let found: Vec<&String> =
            rows.iter().flat_map(|(_, tally)| tally.lost.iter().chain(&tally.wrong)).collect();
        // The page is written only when it can claim that nothing is wrong.
        assert!(found.is_empty(), "{found:#?}");
        assert_eq!(rows.len(), all().len(), "without all faults the page stays as it is");
        page = page::with_table(&page, &table);
        fs::write(page::path(), &page).expect("docs is writable");
    }
    let names: Vec<&str> = all().iter().map(|fault| fault.name).collect();
    assert_eq!(
        page::faults_of(&page),
        names,
        "docs/reliability.md is out of date: {}",
        page::BEGIN
    );
}
