//! Comparisons that return a violation.

use ndarray::{ArrayBase, ArrayView2, Data, Dimension, IntoDimension};

use super::{Invariant, Violation};

/// The quantity that is compared, and the tolerance.
#[derive(Clone, Copy)]
pub(super) struct Comparison {
    pub(super) invariant: Invariant,
    pub(super) what: &'static str,
    /// Allowed difference in units of the largest entry.
    pub(super) relative: f64,
    /// A lower bound on the largest entry in these units.
    pub(super) floor: f64,
}

impl Comparison {
    pub(super) fn of(invariant: Invariant, what: &'static str, relative: f64) -> Self {
        Self { invariant, what, relative, floor: 0.0 }
    }

    pub(super) fn with_floor(self, floor: f64) -> Self {
        Self { floor, ..self }
    }

    /// The largest violation among the entries of two arrays.
    pub(super) fn arrays<D: Dimension>(
        self,
        found: &ArrayBase<impl Data<Elem = f64>, D>,
        expected: &ArrayBase<impl Data<Elem = f64>, D>,
    ) -> Result<(), Violation> {
        let Self { invariant, what, relative, floor } = self;
        if found.shape() != expected.shape() {
            return Err(Violation::Shape {
                invariant,
                what,
                found: found.shape().to_vec(),
                expected: expected.shape().to_vec(),
            });
        }
        let scale = largest(found).max(largest(expected)).max(floor);
        let allowed = relative * scale;
        let mut worst: Option<(f64, Violation)> = None;
        for ((at, &found), &expected) in found.indexed_iter().zip(expected) {
            let difference = (found - expected).abs();
            // A NaN counts as an infinite difference.
            let difference = if difference.is_nan() { f64::INFINITY } else { difference };
            let beyond = worst.as_ref().is_none_or(|(worst, _)| difference > *worst);
            if !(difference <= allowed) && beyond {
                let at = at.into_dimension().slice().to_vec();
                let violation =
                    Violation::Differs { invariant, what, at, found, expected, allowed };
                worst = Some((difference, violation));
            }
        }
        worst.map_or(Ok(()), |(_, violation)| Err(violation))
    }

    /// Two numbers, in units of the larger one.
    pub(super) fn numbers(self, found: f64, expected: f64) -> Result<(), Violation> {
        self.arrays(&ndarray::arr0(found), &ndarray::arr0(expected))
    }
}

/// The largest absolute value; infinite entries and NaN do not count.
pub(super) fn largest<D: Dimension>(array: &ArrayBase<impl Data<Elem = f64>, D>) -> f64 {
    array.iter().filter(|v| v.is_finite()).fold(0.0, |m, v| m.max(v.abs()))
}

/// The Frobenius norm.
pub(super) fn norm(theta: ArrayView2<'_, f64>) -> f64 {
    theta.iter().map(|v| v * v).sum::<f64>().sqrt()
}
