//! The signals that stop a command: Ctrl-C, the end of a job on a cluster, a closed terminal.

use std::sync::{Arc, atomic::AtomicBool};

use anyhow::Context;
use regime_study::StudyError;
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};

use crate::status::INTERRUPTED;

/// Handles the signals from now on; returns a flag that is true once a stop is requested.
///
/// The first signal lets the runs in flight leave their checkpoints. A second Ctrl-C or SIGTERM ends the program. A
/// second SIGHUP does not: a terminal that is closed sends one, and so does its shell.
///
/// # Errors
/// A system that refuses the handlers.
pub(crate) fn stop_on_signals() -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // In this order: the first signal finds the flag down, and raises it.
        flag::register_conditional_shutdown(signal, INTERRUPTED.into(), Arc::clone(&stop))
            .and_then(|_| flag::register(signal, Arc::clone(&stop)))
            .context("Ctrl-C cannot be handled")?;
    }
    // `nohup` starts a program with SIGHUP ignored, so that it outlives its terminal.
    #[cfg(unix)]
    if !std::fs::read_to_string("/proc/self/status").is_ok_and(|status| ignores_hangup(&status)) {
        flag::register(signal_hook::consts::SIGHUP, Arc::clone(&stop))
            .context("SIGHUP cannot be handled")?;
    }
    Ok(stop)
}

/// Whether an error only says that a signal stopped the command.
pub(crate) fn is_stop(error: &anyhow::Error) -> bool {
    error
        .chain()
        .any(|cause| matches!(cause.downcast_ref::<StudyError>(), Some(StudyError::Stopped)))
}

/// Whether a process ignores SIGHUP, from its status file: signal 1 is the lowest bit of a hexadecimal mask. Systems
/// without this file do not say it.
#[cfg(unix)]
fn ignores_hangup(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    // Some processors have 128 signals.
    mask.and_then(|mask| u128::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn the_mask_says_whether_hangups_are_ignored() {
        let status =
            |mask: &str| format!("Name:\txtask\nSigBlk:\t{mask}\nSigIgn:\t{mask}\nSigCgt:\t0\n");
        assert!(ignores_hangup(&status("0000000000000001")));
        assert!(ignores_hangup(&status("0000000000001007")));
        assert!(ignores_hangup(&status("00000000000000000000000000000001")));
        assert!(!ignores_hangup(&status("0000000000001006")));
        assert!(!ignores_hangup(&status("no number")));
        assert!(!ignores_hangup("SigBlk:\t1\nSigCgt:\t1\n"));
    }

    #[test]
    fn a_stop_is_recognised_below_its_context() {
        let error = anyhow::Error::from(StudyError::Stopped);
        assert!(is_stop(&error) && is_stop(&error.context("sweep.json, run 1")));
        let below = Err::<(), _>(StudyError::Stopped).context("sweep.json").context("all");
        assert!(is_stop(&below.unwrap_err()));
        assert!(!is_stop(&anyhow::Error::from(StudyError::Estimate("the run was stopped".into()))));
    }
}
