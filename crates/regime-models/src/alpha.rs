use serde::{Deserialize, Serialize};

use crate::error::{ModelError, positive};

/// The output scale α of `F = α(f − f₀)`, stored in the convention of the paper.
///
/// In arXiv 1906.08034 v1 the last layer is divided by `√h`. The authors' code
/// and the later version divide it by `h` and multiply by a larger α, so that
/// `α_code = √h · α_paper` describes the same `F`. A number without its
/// convention is therefore not an α: construct one with [`Alpha::paper`] or
/// [`Alpha::code`] and read it with the accessor of the same name.
///
/// The time also depends on the convention. With `L = (1/α²n) Σ ℓ` and the flow
/// `dw/dt = −∇L`, the same trajectory takes `t_code = h · t_paper`, since
/// `L_code = L_paper / h`: see [`Alpha::code_time`].
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Alpha {
    paper: f64,
}

impl TryFrom<f64> for Alpha {
    type Error = ModelError;

    /// From the value in the convention of the paper.
    fn try_from(alpha: f64) -> Result<Self, ModelError> {
        Self::paper(alpha)
    }
}

impl From<Alpha> for f64 {
    /// The value in the convention of the paper.
    fn from(alpha: Alpha) -> Self {
        alpha.paper
    }
}

impl Alpha {
    /// α in the convention of the paper (last layer `/√h`).
    ///
    /// # Errors
    /// [`ModelError::NotPositive`] unless `alpha` is finite and positive.
    pub fn paper(alpha: f64) -> Result<Self, ModelError> {
        positive("alpha", alpha).map(|paper| Self { paper })
    }

    /// α in the convention of the authors' code (last layer `/h`), for width `h`.
    ///
    /// # Errors
    /// As [`Alpha::paper`], and [`ModelError::Zero`] when `width` is 0.
    pub fn code(alpha: f64, width: usize) -> Result<Self, ModelError> {
        if width == 0 {
            return Err(ModelError::Zero { field: "width" });
        }
        Self::paper(positive("alpha", alpha)? / (width as f64).sqrt())
    }

    /// The value in the paper's convention.
    pub fn value(self) -> f64 {
        self.paper
    }

    /// The value in the code's convention, `√h · α`. The paper's curves collapse
    /// when they are plotted against it.
    pub fn times_root_width(self, width: usize) -> f64 {
        self.paper * (width as f64).sqrt()
    }

    /// Converts a time from the paper's convention to the code's, `h · t_paper`.
    pub fn code_time(t_paper: f64, width: usize) -> f64 {
        t_paper * width as f64
    }
}

#[cfg(test)]
mod tests {
    use super::Alpha;

    #[test]
    fn conventions_convert_into_one_another() {
        let alpha = Alpha::paper(0.5).unwrap();
        assert_eq!(alpha.times_root_width(16), 2.0);
        assert_eq!(Alpha::code(2.0, 16).unwrap(), alpha);
        assert_eq!(Alpha::code_time(3.0, 16), 48.0);
    }

    #[test]
    fn values_that_are_not_finite_and_positive_are_rejected() {
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Alpha::paper(bad).is_err());
            assert!(Alpha::code(bad, 4).is_err());
        }
        assert!(Alpha::code(1.0, 0).is_err());
    }
}
