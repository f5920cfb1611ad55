//! Shares of a grid, for several machines.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use super::ExecError;
use super::distinct::{costliest_first, distinct};
use crate::spec::Spec;

/// One of several shares into which a grid is split, counted from 1 and written
/// `2/5`.
///
/// Machines that have only a common folder compute one share each. A later execution of
/// the whole grid finds all runs in the store.
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

/// The error for a text that is not a share.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a share: write 2/5 for the second of five")]
pub struct ParseShareError(
    /// The text.
    pub String,
);

impl Share {
    /// The share 1/1, which contains all runs.
    pub const WHOLE: Share = Share { number: 1, shares: 1 };

    /// Share `number` of `shares`, where 1 ≤ `number` ≤ `shares`.
    ///
    /// # Errors
    /// [`ParseShareError`] otherwise.
    pub fn new(number: usize, shares: usize) -> Result<Share, ParseShareError> {
        let share = Share { number, shares };
        if (1..=shares).contains(&number) {
            Ok(share)
        } else {
            Err(ParseShareError(share.to_string()))
        }
    }

    /// The specs of this share, in their order and without duplicates.
    ///
    /// Every run of the grid is in exactly one share. The distribution depends only on the specs and
    /// their costs, and not on the content of a store: it stays the same while other machines fill the
    /// store. See [`divide`](Share::divide).
    ///
    /// # Errors
    /// [`ExecError::Spec`] and [`ExecError::Cost`], as [`execute`](crate::execute()).
    pub fn of<S: Spec>(self, specs: &[S]) -> Result<Vec<S>, ExecError> {
        let mut shares = Share::divide(specs, self.shares)?;
        Ok(if self.number <= shares.len() {
            shares.swap_remove(self.number - 1)
        } else {
            Vec::new()
        })
    }

    /// Divides specs into at most `shares` parts that are not empty, each in the order of `specs` and without
    /// duplicates.
    ///
    /// Runs are distributed in the order of decreasing cost ([`Spec::cost`]), each to the part with the
    /// smallest cost so far. The costs of two parts therefore differ by at most the cost of one run.
    ///
    /// # Errors
    /// [`ExecError::Spec`] and [`ExecError::Cost`], as [`execute`](crate::execute()).
    pub fn divide<S: Spec>(specs: &[S], shares: usize) -> Result<Vec<Vec<S>>, ExecError> {
        let (mut tasks, _) = distinct(specs)?;
        costliest_first(&mut tasks);
        let shares = shares.min(tasks.len());
        // Sorted by cost (the bits of floats that are not negative are in their order),
        // then by number of runs (for costs of 0), then by part.
        let mut loads: BTreeSet<(u64, usize, usize)> =
            (0..shares).map(|share| (0, 0, share)).collect();
        let mut parts: Vec<Vec<usize>> = vec![Vec::new(); shares];
        for task in tasks {
            let Some((load, runs, share)) = loads.pop_first() else { break };
            let load = f64::from_bits(load) + task.cost;
            loads.insert((load.to_bits(), runs + 1, share));
            parts[share].push(task.index);
        }
        for part in &mut parts {
            part.sort_unstable();
        }
        let specs_of =
            |part: Vec<usize>| part.into_iter().map(|index| specs[index].clone()).collect();
        Ok(parts.into_iter().map(specs_of).collect())
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.shares)
    }
}

impl FromStr for Share {
    type Err = ParseShareError;

    fn from_str(text: &str) -> Result<Share, ParseShareError> {
        let refused = || ParseShareError(text.to_owned());
        let (number, shares) = text.split_once('/').ok_or_else(refused)?;
        match (number.parse(), shares.parse()) {
            (Ok(number), Ok(shares)) => Share::new(number, shares).map_err(|_| refused()),
            _ => Err(refused()),
        }
    }
}
