//! What a run needs from the program: the clock, the signals, and the store for its checkpoints.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

use regime_lab::{FileKind, Lookup, RunKey, Store, StoreError, StoredFile};
use regime_study::{RunCheckpoint, RunContext, RunSpec, StudyError};

use crate::{console, run_name::run_name};

/// The context of one run.
pub(super) struct StoreContext<'a> {
    pub(super) start: Instant,
    /// Once true, the run stops and leaves its checkpoint.
    pub(super) stop: &'a AtomicBool,
    pub(super) store: &'a Store,
    pub(super) spec: &'a RunSpec,
    /// Set when the run has saved a checkpoint that differs from the one that it started from.
    pub(super) advanced: &'a AtomicBool,
}

impl StoreContext<'_> {
    fn look_up(&self) -> Option<Lookup<RunCheckpoint>> {
        let key = RunKey::of(self.spec).ok()?;
        let warn = |reason: String| {
            console::warn(format_args!("{}: {reason}; the run starts again", run_name(self.spec)));
        };
        match self.store.checkpoint(&key) {
            Ok(Lookup::SetAside { moved_to, damage }) => {
                warn(format!(
                    "its checkpoint is damaged ({damage}) and was moved to {}",
                    moved_to.display()
                ));
                None
            }
            Ok(found) => Some(found),
            Err(error) => {
                warn(error.to_string());
                None
            }
        }
    }
}

/// Why a run must not be computed: a later version of the program has left its checkpoint, which this version
/// cannot continue and would replace.
pub(super) fn refusal(store: &Store, spec: &RunSpec) -> Option<String> {
    let key = RunKey::of(spec).ok()?;
    let (path, kind) = (store.checkpoint_path(&key), FileKind::Checkpoint(key));
    match store.verify_file(&StoredFile { path, kind }) {
        Err(error @ StoreError::Newer { .. }) => Some(error.to_string()),
        _ => None,
    }
}

impl RunContext for StoreContext<'_> {
    fn elapsed_s(&self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }

    fn stop_requested(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn checkpoint(&self) -> Option<RunCheckpoint> {
        self.look_up()?.found()
    }

    /// A checkpoint that cannot be written, as on a full disk, does not end the run: its record may fit.
    fn save(&self, checkpoint: &RunCheckpoint) -> Result<(), StudyError> {
        let mut has_advanced = false;
        if !self.advanced.load(Ordering::Relaxed) {
            let before = self.look_up().and_then(Lookup::found);
            has_advanced = before.as_ref() != Some(checkpoint);
        }
        let saved = self.store.put_checkpoint(self.spec, checkpoint);
        self.advanced.fetch_or(has_advanced && saved.is_ok(), Ordering::Relaxed);
        if let Err(error) = saved {
            console::warn(format_args!(
                "warning: {}: its checkpoint cannot be saved: {error}",
                run_name(self.spec)
            ));
        }
        Ok(())
    }
}
