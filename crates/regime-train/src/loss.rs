use serde::{Deserialize, Serialize};

use crate::{
    own_loss::{Argument, OwnLoss},
    spec::{SpecError, positive},
};

/// The loss of one training point.
///
/// With labels ±1 it is a function `ℓ(u)` of the margin `u = y F`, as written at each variant. With
/// other [`Targets`](crate::Targets):
///
/// | loss | classes, one output `F_k` for each | real numbers |
/// |---|---|---|
/// | hinges, logistic | `Σ_{k≠y} ℓ(F_y − F_k)` | – |
/// | squared | `½ Σ_k (F_k − 1[k = y])²` | `½ Σ_k (F_k − y_k)²` |
/// | cross-entropy | `ln Σ_k e^{F_k} − F_y` | – |
/// | own, of the margin | `Σ_{k≠y} ℓ(F_y − F_k)` | – |
/// | own, of the residual | – | `Σ_k ℓ(F_k − y_k)` |
///
/// # Reference
/// J. Weston, C. Watkins, Support vector machines for multi-class pattern recognition, ESANN 1999:
/// the sum over the other classes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", tag = "kind")]
#[serde(deny_unknown_fields)]
pub enum Loss {
    /// `max(0, 1 − u)`, the loss of the paper's first version.
    Hinge,
    /// `ln(1 + e^{β(1−u)})/β`, which tends to the hinge as β grows; the later
    /// version takes β = 20.
    SoftHinge {
        /// Sharpness β > 0.
        beta: f64,
    },
    /// `½ max(0, 1 − u)²`.
    QuadraticHinge,
    /// `½ (1 − u)²`, which for labels ±1 is `½ (y − F)²`.
    Squared,
    /// `ln(1 + e^{−u})`.
    Logistic,
    /// Softmax cross-entropy. With labels ±1 it is the logistic loss: two classes with
    /// `u = F_y − F_k`.
    CrossEntropy,
    /// A loss of the program, registered under a name.
    Own(OwnLoss),
}

impl Loss {
    /// Checks that the sharpness of a soft hinge is finite and positive.
    ///
    /// # Errors
    /// [`SpecError`] for a sharpness that is not finite and positive.
    pub fn check(self) -> Result<(), SpecError> {
        match self {
            Self::SoftHinge { beta } => positive("loss.beta", beta),
            _ => Ok(()),
        }
    }

    /// `[ℓ(u), ℓ'(u), ℓ''(u)]`, with one exponential for all three. The values are bit-identical
    /// to those of [`value`](Self::value), [`slope`](Self::slope) and
    /// [`curvature`](Self::curvature).
    pub fn jet(self, u: f64) -> [f64; 3] {
        match self {
            Self::SoftHinge { beta } => {
                let at = Exponential::of(beta * (1.0 - u));
                let curvature = beta * at.logistic() * at.logistic_of_opposite();
                [at.ln_one_plus() / beta, -at.logistic(), curvature]
            }
            Self::Logistic | Self::CrossEntropy => {
                let at = Exponential::of(-u);
                let curvature = at.logistic_of_opposite() * at.logistic();
                [at.ln_one_plus(), -at.logistic(), curvature]
            }
            Self::Own(own) => own.loss().jet(u),
            Self::Hinge | Self::QuadraticHinge | Self::Squared => {
                [self.value(u), self.slope(u), self.curvature(u)]
            }
        }
    }

    /// `ℓ(u)`.
    pub fn value(self, u: f64) -> f64 {
        match self {
            Self::Hinge => (1.0 - u).max(0.0),
            Self::SoftHinge { beta } => Exponential::of(beta * (1.0 - u)).ln_one_plus() / beta,
            Self::QuadraticHinge => 0.5 * (1.0 - u).max(0.0).powi(2),
            Self::Squared => 0.5 * (1.0 - u).powi(2),
            Self::Logistic | Self::CrossEntropy => Exponential::of(-u).ln_one_plus(),
            Self::Own(own) => own.loss().jet(u)[0],
        }
    }

    /// `ℓ'(u)`; at the kink of the hinge it is 0.
    pub fn slope(self, u: f64) -> f64 {
        match self {
            Self::Hinge => {
                if u < 1.0 {
                    -1.0
                } else {
                    0.0
                }
            }
            Self::SoftHinge { beta } => -Exponential::of(beta * (1.0 - u)).logistic(),
            Self::QuadraticHinge => -(1.0 - u).max(0.0),
            Self::Squared => u - 1.0,
            Self::Logistic | Self::CrossEntropy => -Exponential::of(-u).logistic(),
            Self::Own(own) => own.loss().jet(u)[1],
        }
    }

    /// `ℓ''(u)`, where it exists.
    pub fn curvature(self, u: f64) -> f64 {
        match self {
            Self::Hinge => 0.0,
            Self::SoftHinge { .. } | Self::Logistic | Self::CrossEntropy | Self::Own(_) => {
                self.jet(u)[2]
            }
            Self::QuadraticHinge => {
                if u < 1.0 {
                    1.0
                } else {
                    0.0
                }
            }
            Self::Squared => 1.0,
        }
    }

    /// The margin beyond which a point is settled: at every larger margin, the slope of the loss
    /// is less than this `part` of its slope at margin 0, and its curvature less than this `part`
    /// of its largest curvature. `None` for a loss that has no such margin.
    pub(crate) fn settled_above(self, part: f64) -> Option<f64> {
        // 4 e^{−z} = part
        let z = (4.0 / part).ln();
        match self {
            Self::Hinge | Self::QuadraticHinge => Some(1.0),
            Self::SoftHinge { beta } => Some(1.0 + z / beta),
            Self::Squared => None,
            Self::Logistic | Self::CrossEntropy => Some(z),
            Self::Own(own) => own.loss().settled_above(part),
        }
    }

    /// The largest curvature of the loss, `max ℓ''`.
    pub fn largest_curvature(self) -> f64 {
        match self {
            Self::Hinge => 0.0,
            Self::SoftHinge { beta } => 0.25 * beta,
            Self::QuadraticHinge | Self::Squared => 1.0,
            Self::Logistic | Self::CrossEntropy => 0.25,
            Self::Own(own) => own.loss().largest_curvature(),
        }
    }

    /// Whether the loss is a function of the margin, and of the residual.
    pub(crate) fn arguments(self) -> (bool, bool) {
        match self {
            Self::Squared => (true, true),
            Self::Own(own) => {
                let residual = own.loss().argument() == Argument::Residual;
                (!residual, residual)
            }
            Self::Hinge
            | Self::SoftHinge { .. }
            | Self::QuadraticHinge
            | Self::Logistic
            | Self::CrossEntropy => (true, false),
        }
    }

    /// The name of the loss in a spec.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hinge => "hinge",
            Self::SoftHinge { .. } => "soft-hinge",
            Self::QuadraticHinge => "quadratic-hinge",
            Self::Squared => "squared",
            Self::Logistic => "logistic",
            Self::CrossEntropy => "cross-entropy",
            Self::Own(own) => own.name(),
        }
    }
}

/// `z` and `e^{−|z|}`, from which the smooth losses are computed without overflow.
struct Exponential {
    z: f64,
    e: f64,
}

impl Exponential {
    fn of(z: f64) -> Self {
        Self { z, e: (-z.abs()).exp() }
    }

    /// `ln(1 + eᶻ)`
    fn ln_one_plus(&self) -> f64 {
        self.z.max(0.0) + self.e.ln_1p()
    }

    /// `1/(1 + e⁻ᶻ)`
    fn logistic(&self) -> f64 {
        (if self.z >= 0.0 { 1.0 } else { self.e }) / (1.0 + self.e)
    }

    /// `1/(1 + eᶻ)`, to full relative precision where it is small.
    fn logistic_of_opposite(&self) -> f64 {
        (if self.z <= 0.0 { 1.0 } else { self.e }) / (1.0 + self.e)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: [Loss; 7] = [
        Loss::Hinge,
        Loss::SoftHinge { beta: 20.0 },
        Loss::SoftHinge { beta: 1.0 },
        Loss::QuadraticHinge,
        Loss::Squared,
        Loss::Logistic,
        Loss::CrossEntropy,
    ];

    proptest! {
        #[test]
        fn derivatives_agree_with_central_differences(u in -4.0..4.0f64) {
            // The hinges are not twice differentiable at u = 1.
            prop_assume!((u - 1.0).abs() > 1e-3);
            let e = 1e-5;
            for loss in ALL {
                let slope = (loss.value(u + e) - loss.value(u - e)) / (2.0 * e);
                prop_assert!((loss.slope(u) - slope).abs() < 3e-8, "{loss:?} slope at {u}");
                let curvature = (loss.slope(u + e) - loss.slope(u - e)) / (2.0 * e);
                prop_assert!((loss.curvature(u) - curvature).abs() < 3e-7, "{loss:?} at {u}");
                prop_assert!(loss.curvature(u) <= loss.largest_curvature() * (1.0 + 1e-15));
                prop_assert_eq!(loss.jet(u), [loss.value(u), loss.slope(u), loss.curvature(u)]);
            }
        }
    }

    #[test]
    fn known_values() {
        let beta = 20.0;
        assert_eq!(Loss::SoftHinge { beta }.value(1.0), std::f64::consts::LN_2 / beta);
        assert_eq!(Loss::SoftHinge { beta }.slope(1.0), -0.5);
        assert_eq!(Loss::SoftHinge { beta }.curvature(1.0), beta / 4.0);
        assert_eq!(Loss::Hinge.value(-1.0), 2.0);
        assert_eq!(Loss::Hinge.slope(1.0), 0.0);
        assert_eq!(Loss::QuadraticHinge.value(-1.0), 2.0);
        assert_eq!(Loss::Logistic.value(0.0), std::f64::consts::LN_2);
        // Nothing overflows for large |u|.
        assert_eq!(Loss::SoftHinge { beta }.value(-1e6), 1e6 + 1.0);
        assert_eq!(Loss::Logistic.value(1e6), 0.0);
    }

    #[test]
    fn slope_and_curvature_are_negligible_beyond_the_settled_margin() {
        for loss in ALL {
            let Some(settled) = loss.settled_above(1e-6) else { continue };
            for u in [settled, settled + 0.01, settled + 10.0] {
                let [_, slope, curvature] = loss.jet(u);
                assert!(slope.abs() <= 1e-6 * loss.slope(0.0).abs(), "{loss:?} at {u}");
                assert!(curvature <= 1e-6 * loss.largest_curvature(), "{loss:?} at {u}");
            }
            // Just below that margin, slope and curvature are not negligible.
            let [_, slope, curvature] = loss.jet(settled - 0.1);
            let limit = 1e-6 * loss.largest_curvature();
            assert!(slope.abs() > 0.0 && (curvature > limit || loss == Loss::Hinge));
        }
    }

    #[test]
    fn the_soft_hinge_tends_to_the_hinge() {
        for u in [-2.0, 0.5, 0.99, 1.01, 3.0] {
            let soft = Loss::SoftHinge { beta: 1e5 };
            assert!((soft.value(u) - Loss::Hinge.value(u)).abs() < 1e-5);
            assert!((soft.slope(u) - Loss::Hinge.slope(u)).abs() < 1e-5);
        }
    }
}
