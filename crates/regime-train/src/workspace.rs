//! Memory for the matrices of a step, which the steps of a flow hand on to one another.

use std::{
    fmt,
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, PoisonError},
};

/// Scratch vectors that are not in use.
///
/// The kernel of a step's active points and its factor are by far the largest that a step
/// makes; fresh memory for them would have to be cleared by the system every time. Which
/// memory a number lies in changes no bit of it. A kernel that does not come in float64 and
/// host memory, or from layers under windows, is made in memory of its own.
#[derive(Clone, Default)]
pub(crate) struct Workspace(Arc<Mutex<Vec<Vec<f64>>>>);

impl Workspace {
    /// A vector that came back, whose numbers have no meaning, or an empty one.
    pub(crate) fn take(&self) -> Vec<f64> {
        self.free().pop().unwrap_or_default()
    }

    /// Frees the vectors that are not in use.
    pub(crate) fn clear(&self) {
        self.free().clear();
    }

    /// Numbers whose memory comes back here when they are dropped.
    pub(crate) fn lend(&self, numbers: Vec<f64>) -> Lent {
        Lent { numbers, home: self.clone() }
    }

    fn free(&self) -> std::sync::MutexGuard<'_, Vec<Vec<f64>>> {
        // A panic elsewhere leaves vectors as good as they were.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Workspace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // How much there is; the numbers mean nothing.
        f.debug_list().entries(self.free().iter().map(Vec::capacity)).finish()
    }
}

/// Numbers in memory that goes back to its [`Workspace`].
pub(crate) struct Lent {
    numbers: Vec<f64>,
    home: Workspace,
}

impl Lent {
    /// Where the memory goes back to.
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
    fn memory_is_handed_on() {
        let workspace = Workspace::default();
        let lent = workspace.lend(vec![1.0; 100]);
        assert_eq!(workspace.take().capacity(), 0, "it is still in use");
        let address = lent.as_ptr();
        drop(lent);
        let again = workspace.take();
        assert_eq!((again.as_ptr(), again.len()), (address, 100), "nothing is written to it");
        drop(workspace.lend(again));
        assert_eq!(format!("{workspace:?}"), "[100]");
        workspace.clear();
        assert_eq!(workspace.take().capacity(), 0);
    }
}
