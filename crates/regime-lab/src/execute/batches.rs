//! The division of runs into batches.

use super::ExecError;
use super::distinct::Task;

/// The tasks of each batch, whose indices are in `divided`. Empty batches are left out.
///
/// # Errors
/// [`ExecError::Division`] unless every index occurs exactly once, and no other.
pub(super) fn batches(
    tasks: &[Task],
    divided: Vec<Vec<usize>>,
) -> Result<Vec<Vec<&Task>>, ExecError> {
    let n_runs = tasks.len();
    let mut times = vec![0; n_runs];
    for &index in divided.iter().flatten() {
        *times.get_mut(index).ok_or(ExecError::Division { index, times: 1, n_runs })? += 1;
    }
    if let Some((index, &times)) = times.iter().enumerate().find(|&(_, &times)| times != 1) {
        return Err(ExecError::Division { index, times, n_runs });
    }
    let with_runs = divided.into_iter().filter(|batch| !batch.is_empty());
    Ok(with_runs.map(|batch| batch.into_iter().map(|index| &tasks[index]).collect()).collect())
}
