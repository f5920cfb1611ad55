//! Memory for the matrices of a step, which the steps of a flow reuse.

use std::{
    fmt,
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, PoisonError},
};

/// Scratch vectors that are not in use.
///
/// The kernel of the active points and its factor are by far the largest arrays of a step;
/// the system would have to clear new memory for them in every step. Reuse does not change
/// results. A kernel that is not computed in float64 and host memory, or that comes from
/// layers with windows, uses its own memory.
#[derive(Clone, Default)]
pub(crate) struct Workspace(Arc<Mutex<Vec<Vec<f64>>>>);

impl Workspace {
    /// A returned vector, whose values are meaningless, or an empty one.
    pub(crate) fn take(&self) -> Vec<f64> {
        self.free().pop().unwrap_or_default()
    }

    /// Frees the vectors that are not in use.
    pub(crate) fn clear(&self) {
        self.free().clear();
    }

    /// Wraps values whose memory returns to this workspace when they are dropped.
    pub(crate) fn lend(&self, numbers: Vec<f64>) -> Lent {
        Lent { numbers, home: self.clone() }
    }

    fn free(&self) -> std::sync::MutexGuard<'_, Vec<Vec<f64>>> {
        // The vectors stay valid after a panic in another thread.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Workspace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Capacities only; the values are meaningless.
        f.debug_list().entries(self.free().iter().map(Vec::capacity)).finish()
    }
}

/// Values in memory that returns to its [`Workspace`] on drop.
pub(crate) struct Lent {
    numbers: Vec<f64>,
    home: Workspace,
}

impl Lent {
    /// The workspace to which the memory returns.
    pub(crate) fn home(&self) -> &Workspace {
        &self.home
    }
}

impl Deref for Lent {
    type Target = [f64];

    fn deref(&self) -> &[f64] {
        &self.numbers
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut [f64] {
        &mut self.numbers
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.home.free().push(std::mem::take(&mut self.numbers));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_reused() {
        let workspace = Workspace::default();
        let lent = workspace.lend(vec![1.0; 100]);
        assert_eq!(workspace.take().capacity(), 0, "lent memory is in use");
        let address = lent.as_ptr();
        drop(lent);
        let again = workspace.take();
        assert_eq!((again.as_ptr(), again.len()), (address, 100), "the vector is unchanged");
        drop(workspace.lend(again));
        assert_eq!(format!("{workspace:?}"), "[100]");
        workspace.clear();
        assert_eq!(workspace.take().capacity(), 0);
    }
}
