//! The exit statuses of the program besides 0 and 1, as shells and scripts see them.

/// Input cannot be used, or output cannot be written.
pub(crate) const BAD_INPUT: u8 = 2;

/// A measurement does not decide.
pub(crate) const UNDECIDED: u8 = 3;

/// A worker of a sweep was stopped before any run had advanced: started again, it would end in the same way.
pub(crate) const NO_PROGRESS: u8 = 4;

/// A signal stopped the program, as shells report Ctrl-C; the same command continues.
pub(crate) const INTERRUPTED: u8 = 130;
