//! The training points that the passes of a flow evaluate: all except those that are settled.
//!
//! Points are rows here: with several outputs, a point has several rows, and no row is left out.
//!
//! A point is settled when the slope and the curvature of its loss are negligible. It is left out
//! only while it is estimated to stay settled: the speed of its margin in the last step gives the
//! distance that the weights may move before the point is evaluated again.

use burn_tensor::{Tensor, backend::Backend};
use regime_models::Network;
use serde::{Deserialize, Serialize};

use crate::{spec::SpecError, system::System};

/// A margin is assumed to move this many times faster than in the last step.
const SAFETY: f64 = 2.0;

/// Number of steps after which all points are evaluated again.
const MAX_STEPS: u32 = 16;

/// More points are left out only if they are more than this fraction of the followed points.
const WORTHWHILE: f64 = 0.1;

/// The points that passes evaluate.
pub(crate) struct View<B: Backend> {
    /// The points that are followed, in increasing order.
    pub(crate) points: Vec<usize>,
    /// `[points, d]`
    pub(crate) inputs: Tensor<B, 2>,
    /// The other points, and their inputs; `None` if there are none.
    pub(crate) rest: Option<(Vec<usize>, Tensor<B, 2>)>,
    /// How far the weights may move before the other points are evaluated.
    reach: f64,
}

/// The state of the points that are left out, from which a flow can be resumed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct LeftOut {
    points: Vec<usize>,
    /// Their margins at the last evaluation.
    margins: Vec<f64>,
    reach: f64,
    since: Since,
}

impl LeftOut {
    /// Checks that these are points of a training set of `n` points.
    pub(crate) fn check(&self, n: usize) -> Result<(), SpecError> {
        let field = "points left out in the checkpoint";
        SpecError::check_points(field, &self.points, n)?;
        if self.points.len() < n && self.margins.len() == self.points.len() {
            return Ok(());
        }
        let right =
            "smaller than the number of points, with one margin for each point that is left out";
        Err(SpecError { field, value: self.points.len() as f64, right })
    }

    /// The margins of `n` points; those of the followed points are 0.
    pub(crate) fn margins(&self, n: usize) -> Vec<f64> {
        let mut margins = vec![0.0; n];
        self.points.iter().zip(&self.margins).for_each(|(&i, &u)| margins[i] = u);
        margins
    }

    pub(crate) fn since(&self) -> Since {
        self.since
    }
}

/// Steps and distance since the points that are left out were evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Since {
    /// How far the weights have moved.
    pub(crate) travelled: f64,
    pub(crate) steps: u32,
}

/// The margins at two times.
pub(crate) struct Motion<'a> {
    pub(crate) before: &'a [f64],
    pub(crate) after: &'a [f64],
    /// How far the weights have moved between these times.
    pub(crate) step: f64,
    /// The same for the points that were left out.
    pub(crate) travelled: f64,
}

impl<B: Backend> View<B> {
    /// The view of all points.
    pub(crate) fn all<N: Network<B>>(system: &System<B, N>) -> Self {
        let points = system.objective().rows().to_vec();
        Self { points, inputs: system.inputs().clone(), rest: None, reach: f64::INFINITY }
    }

    /// The view of all points except `rest`.
    fn without<N: Network<B>>(system: &System<B, N>, rest: Vec<usize>, reach: f64) -> Self {
        let mut followed = vec![true; system.objective().n_points()];
        rest.iter().for_each(|&i| followed[i] = false);
        let points: Vec<usize> = (0..followed.len()).filter(|&i| followed[i]).collect();
        let (inputs, rest_inputs) = (system.inputs_at(&points), system.inputs_at(&rest));
        Self { points, inputs, rest: Some((rest, rest_inputs)), reach }
    }

    /// The view that is stored in a checkpoint.
    pub(crate) fn resume<N: Network<B>>(system: &System<B, N>, left_out: &LeftOut) -> Self {
        Self::without(system, left_out.points.clone(), left_out.reach)
    }

    /// Whether the points that are left out have to be evaluated after a step.
    pub(crate) fn is_expired(&self, since: Since) -> bool {
        self.rest.is_some() && (since.travelled > self.reach || since.steps >= MAX_STEPS)
    }

    /// The view after a step in which some of the points that were left out did not stay settled:
    /// it follows these points, and those that would not stay settled if they moved twice as far.
    pub(crate) fn with_unsettled<N: Network<B>>(
        &self,
        system: &System<B, N>,
        settled_above: f64,
        (before, after): (&[f64], &[f64]),
    ) -> Self {
        let rest = self.rest.as_ref().map_or(&[][..], |(rest, _)| rest);
        // The margin stays settled even if it falls twice as far.
        let stays = |&&i: &&usize| 2.0 * after[i] - before[i].max(after[i]) >= settled_above;
        let rest: Vec<usize> = rest.iter().filter(stays).copied().collect();
        if rest.is_empty() { Self::all(system) } else { Self::without(system, rest, 0.0) }
    }

    /// Whether the points that are left out are settled at these margins.
    pub(crate) fn is_settled(&self, margins: &[f64], settled_above: f64) -> bool {
        // Written so that a NaN margin is not settled.
        let settled = |&i: &usize| margins[i] >= settled_above;
        self.rest.as_ref().is_none_or(|(rest, _)| rest.iter().all(settled))
    }

    /// The view after an evaluation of all points; `None` if this view can still be used. A point
    /// is left out when it is estimated to stay settled for at least `ahead` steps of the last
    /// length.
    pub(crate) fn next<N: Network<B>>(
        &self,
        system: &System<B, N>,
        settled_above: f64,
        ahead: f64,
        motion: &Motion<'_>,
    ) -> Option<Self> {
        let Motion { before, after, step, travelled } = *motion;
        let n = after.len();
        let mut distance = vec![step; n];
        if let Some((rest, _)) = &self.rest {
            rest.iter().for_each(|&i| distance[i] = travelled);
        }
        let rates: Vec<f64> = (0..n)
            .map(|i| (after[i] - before[i]).abs() / distance[i].max(f64::MIN_POSITIVE))
            .collect();
        let mean = rates.iter().sum::<f64>() / n as f64;
        // How far the weights may move until the point may be no longer settled.
        let reach = |i: usize| {
            (after[i] - settled_above) / (SAFETY * rates[i].max(mean)).max(f64::MIN_POSITIVE)
        };
        let rest: Vec<usize> = (0..n).filter(|&i| reach(i) > ahead * step).collect();
        let stays = self.rest.as_ref().map_or(0, |(rest, _)| rest.len());
        let least = stays + (WORTHWHILE * self.points.len() as f64) as usize;
        let old = self.rest.as_ref().map_or(&[][..], |(rest, _)| rest);
        let still_settled = old.iter().all(|&i| reach(i) > ahead * step);
        if still_settled && rest.len() <= least {
            // The same points, with the estimate updated.
            let Some((old, inputs)) = &self.rest else { return None };
            let reach = old.iter().map(|&i| reach(i)).fold(f64::MAX, f64::min);
            let rest = Some((old.clone(), inputs.clone()));
            return Some(Self {
                points: self.points.clone(),
                inputs: self.inputs.clone(),
                rest,
                reach,
            });
        }
        if rest.is_empty() {
            return Some(Self::all(system));
        }
        let reach = rest.iter().map(|&i| reach(i)).fold(f64::MAX, f64::min);
        Some(Self::without(system, rest, reach))
    }

    /// The state for a checkpoint, with these margins; `None` if no point is left out.
    pub(crate) fn left_out(&self, margins: &[f64], since: Since) -> Option<LeftOut> {
        let (points, _) = self.rest.as_ref()?;
        let margins = points.iter().map(|&i| margins[i]).collect();
        Some(LeftOut { points: points.clone(), margins, reach: self.reach, since })
    }
}
