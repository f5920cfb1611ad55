//! A grid, split among machines.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use super::ExecError;
use super::distinct::{costliest_first, distinct};
use crate::spec::Spec;

/// One of several shares into which a grid is split, counted from 1 and written
/// `2/5`.
///
/// Machines that know nothing of each other but a common folder make one share
/// each; whoever asks for the whole grid afterwards finds every run made.
///
/// ```
/// use regime_lab::{Share, Spec};
/// # use serde::Serialize;
/// # #[derive(Clone, Debug, PartialEq, Serialize)]
/// # struct Flow { width: u32 }
/// # impl Spec for Flow {
/// #     const KIND: &'static str = "flow";
/// #     const VERSION: u32 = 1;
/// #     fn cost(&self) -> f64 { f64::from(self.width).powi(2) }
/// # }
///
/// // The cost of these runs is width².
/// let grid = [2, 3, 4].map(|width| Flow { width });
/// assert_eq!("1/2".parse::<Share>()?.of(&grid)?, [Flow { width: 4 }]);
/// assert_eq!("2/2".parse::<Share>()?.of(&grid)?, [Flow { width: 2 }, Flow { width: 3 }]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Share {
    number: usize,
    shares: usize,
}

/// Not a share.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a share: write 2/5 for the second of five")]
pub struct NotAShare(
    /// The text that was to be one.
    pub String,
);

impl Share {
    /// The only share there is: all runs.
    pub const WHOLE: Share = Share { number: 1, shares: 1 };

    /// Share `number` of `shares`, where 1 ≤ `number` ≤ `shares`.
    ///
    /// # Errors
    /// [`NotAShare`] otherwise.
    pub fn new(number: usize, shares: usize) -> Result<Share, NotAShare> {
        let share = Share { number, shares };
        if (1..=shares).contains(&number) { Ok(share) } else { Err(NotAShare(share.to_string())) }
    }

    /// The specs of this share, in their order; equal ones once.
    ///
    /// Every run of the grid is in one share. Runs are dealt costliest first
    /// ([`Spec::cost`]), each to the share with the least so far, so that the
    /// costs of two shares differ by that of one run at most. It depends on the
    /// specs and their costs alone, never on what a store holds, so that shares stay
    /// what they are while others fill the store.
    ///
    /// # Errors
    /// [`ExecError::Spec`] and [`ExecError::Cost`], as [`execute`](crate::execute()).
    pub fn of<S: Spec>(self, specs: &[S]) -> Result<Vec<S>, ExecError> {
        let (mut tasks, _) = distinct(specs)?;
        costliest_first(&mut tasks);
        // By cost, whose bits are in its order as it is not negative, then by number of
        // runs (where nothing costs anything), then by share.
        let mut loads: BTreeSet<(u64, usize, usize)> =
            (1..=self.shares.min(tasks.len())).map(|share| (0, 0, share)).collect();
        let mut mine = Vec::new();
        for task in tasks {
            let Some((load, runs, share)) = loads.pop_first() else { break };
            let load = f64::from_bits(load) + task.cost;
            loads.insert((load.to_bits(), runs + 1, share));
            if share == self.number {
                mine.push(task.index);
            }
        }
        mine.sort_unstable();
        Ok(mine.into_iter().map(|index| specs[index].clone()).collect())
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.shares)
    }
}

impl FromStr for Share {
    type Err = NotAShare;

    fn from_str(text: &str) -> Result<Share, NotAShare> {
        let refused = || NotAShare(text.to_owned());
        let (number, shares) = text.split_once('/').ok_or_else(refused)?;
        match (number.parse(), shares.parse()) {
            (Ok(number), Ok(shares)) => Share::new(number, shares).map_err(|_| refused()),
            _ => Err(refused()),
        }
    }
}
