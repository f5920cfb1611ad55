//! Ranges of the parameters of a synthetic source.

use super::Source;
use crate::error::DataError;

/// The largest number of coordinates of a synthetic point.
const MAX_SYNTHETIC_DIM: usize = 100_000;

/// The largest number of inputs of [`Source::And`]: one point in a million is of class 1.
const MAX_AND_INPUTS: usize = 20;

impl Source {
    /// Checks the parameters of a synthetic source.
    pub(crate) fn check(&self) -> Result<(), DataError> {
        let Some(dim) = self.synthetic_dim() else { return Ok(()) };
        let min_dim = if matches!(self, Self::Xnor { .. }) { 2 } else { 1 };
        if !(min_dim..=MAX_SYNTHETIC_DIM).contains(&dim) {
            let want = format!("{min_dim} to {MAX_SYNTHETIC_DIM}");
            return Err(DataError::field("source.dim", dim, want));
        }
        let check_count = |field, number| {
            if (1..=dim).contains(&number) {
                return Ok(());
            }
            let want = format!("1 to {dim}, the number of coordinates");
            Err(DataError::field(field, number, want))
        };
        match *self {
            Self::Cylinder { stretch, .. } if !(stretch > 0.0 && stretch.is_finite()) => {
                Err(DataError::field("source.stretch", stretch, "above 0 and finite"))
            }
            Self::Cylinder { round, .. } => check_count("source.round", round),
            Self::And { inputs, .. } if inputs > MAX_AND_INPUTS => {
                let want = format!(
                    "at most {MAX_AND_INPUTS}: label +1 has probability 2^-inputs, and drawing \
                     equally many points of each label would take too long"
                );
                Err(DataError::field("source.inputs", inputs, want))
            }
            Self::And { inputs, .. } => check_count("source.inputs", inputs),
            Self::SignOfProduct { factors, .. } => check_count("source.factors", factors),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_parameter_that_is_out_of_range() {
        let error = |source: Source| source.check().unwrap_err().to_string();
        let cylinder = |round, stretch| Source::Cylinder { dim: 5, round, stretch };
        for dim in [0, 100_001] {
            for source in [
                Source::Stripe { dim },
                Source::Sphere { dim },
                Source::Cylinder { dim, round: 1, stretch: 1.0 },
                Source::Cube { dim },
                Source::And { dim, inputs: 1 },
                Source::SignOfProduct { dim, factors: 1 },
            ] {
                assert_eq!(error(source), format!("`source.dim` = {dim}: should be 1 to 100000"));
            }
        }
        assert_eq!(error(Source::Xnor { dim: 1 }), "`source.dim` = 1: should be 2 to 100000");
        for number in [0, 6] {
            for (field, source) in [
                ("round", cylinder(number, 1.0)),
                ("inputs", Source::And { dim: 5, inputs: number }),
                ("factors", Source::SignOfProduct { dim: 5, factors: number }),
            ] {
                let line = format!(
                    "`source.{field}` = {number}: should be 1 to 5, the number of coordinates"
                );
                assert_eq!(error(source), line);
            }
        }
        for stretch in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let line = format!("`source.stretch` = {stretch}: should be above 0 and finite");
            assert_eq!(error(cylinder(2, stretch)), line);
        }
        assert_eq!(
            error(Source::And { dim: 30, inputs: 21 }),
            "`source.inputs` = 21: should be at most 20: label +1 has probability 2^-inputs, and \
             drawing equally many points of each label would take too long"
        );
        for source in [
            cylinder(5, 1e-3),
            Source::Xnor { dim: 2 },
            Source::And { dim: 20, inputs: 20 },
            Source::SignOfProduct { dim: 5, factors: 5 },
        ] {
            source.check().unwrap();
        }
    }
}
