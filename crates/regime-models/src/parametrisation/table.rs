use serde::{Deserialize, Serialize};

use super::role::Role;

/// How the width `n` enters one kind of weights.
///
/// A weight enters the forward pass as `n⁻ᵃ w`, starts as `N(0, n⁻²ᵇ)` and is updated
/// as `w ← w − η n⁻ᶜ ∂L/∂w`.
///
/// # Reference
/// Yang and Hu, "Feature Learning in Infinite-Width Neural Networks", arXiv
/// 2011.14522 (abc-parametrisations); there `c` is common to all layers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Abc {
    /// The exponent `a` of the multiplier.
    pub a: f64,
    /// The exponent `b` of the initial standard deviation.
    pub b: f64,
    /// The exponent `c` of the learning rate.
    pub c: f64,
}

impl Abc {
    /// Creates a value from the three exponents.
    pub const fn new(a: f64, b: f64, c: f64) -> Self {
        Self { a, b, c }
    }

    /// The same function and dynamics in another variable, `w' = n^θ w`:
    /// `(a + θ, b − θ, c − 2θ)`.
    ///
    /// ```
    /// use regime_models::Abc;
    ///
    /// let ntk = Abc::new(0.5, 0.0, 0.0);
    /// assert_eq!(ntk.moved(-0.5), Abc::new(0.0, 0.5, 1.0));
    /// ```
    pub const fn moved(self, theta: f64) -> Self {
        Self { a: self.a + theta, b: self.b - theta, c: self.c - 2.0 * theta }
    }

    /// The exponent `a + b`: the weight in the forward pass, `W = n⁻ᵃ w`, starts with
    /// the standard deviation `n^−(a+b)`. [`Abc::moved`] does not change it.
    pub const fn initial(self) -> f64 {
        self.a + self.b
    }

    /// The exponent `2a + c`: the weight in the forward pass is updated as
    /// `W ← W − η n^−(2a+c) ∂L/∂W`. [`Abc::moved`] does not change it.
    pub const fn pace(self) -> f64 {
        2.0 * self.a + self.c
    }
}

/// How the width `n` enters biases, which start at 0: `n⁻ᵃ b` in the forward pass,
/// `b ← b − η n⁻ᶜ ∂L/∂b`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BiasExponents {
    /// The exponent `a` of the multiplier.
    pub a: f64,
    /// The exponent `c` of the learning rate.
    pub c: f64,
}

impl BiasExponents {
    /// Creates a value from the two exponents.
    pub const fn new(a: f64, c: f64) -> Self {
        Self { a, c }
    }

    /// The exponent `2a + c`, as [`Abc::pace`].
    pub const fn pace(self) -> f64 {
        2.0 * self.a + self.c
    }
}

/// A parametrisation: the powers of the width `n` in every layer.
///
/// The fan-in of the *input* layer and the fan-out of the *output* layer do not grow with
/// the width. Both grow for the *hidden* layers, which all have the same width. The part of
/// a fan-in that does not grow (the `d` inputs of the first layer, the taps of a
/// convolution's window, 1 elsewhere) has separate exponents, `fan_in`: an input layer with
/// `d` inputs has the multiplier `d^−fan_in.a · n^−input.a`, and so on.
///
/// A network that is trained as `F = α(f − f₀)` with the loss divided by `α²` has one
/// more factor α in front of its last layer, including the bias, and rates divided by
/// `α²`: see [`Parametrisation::with_alpha`] if α is a power of the width and
/// [`Convention`](crate::Convention) for any other α.
///
/// # Reference
/// Yang and Hu, arXiv 2011.14522; Yang et al., "Tensor
/// Programs V", arXiv 2203.03466, table 3.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parametrisation {
    /// The weights of the first layer.
    pub input: Abc,
    /// The weights between hidden layers.
    pub hidden: Abc,
    /// The weights of the last layer.
    pub output: Abc,
    /// The part of any layer's fan-in that does not grow with the width.
    pub fan_in: Abc,
    /// The biases of all layers but the last.
    pub biases: BiasExponents,
    /// The bias of the last layer.
    pub output_bias: BiasExponents,
}

impl Parametrisation {
    /// The parametrisation of the networks in this crate: multipliers `1/√fan-in`, weights
    /// `N(0, 1)`, one rate.
    pub const NTK: Self = Self {
        input: Abc::new(0.0, 0.0, 0.0),
        hidden: Abc::new(0.5, 0.0, 0.0),
        output: Abc::new(0.5, 0.0, 0.0),
        fan_in: Abc::new(0.5, 0.0, 0.0),
        biases: BiasExponents::new(0.0, 0.0),
        output_bias: BiasExponents::new(0.0, 0.0),
    };

    /// As [`Parametrisation::NTK`], but the last layer, including its bias, is divided by
    /// another `√n`. The authors' code of arXiv 1906.08034 and the later version of the
    /// paper state α in this convention.
    pub const CODE: Self = Self {
        output: Abc::new(1.0, 0.0, 0.0),
        output_bias: BiasExponents::new(0.5, 0.0),
        ..Self::NTK
    };

    /// The parametrisation of common libraries: no multipliers, weights `N(0, 1/fan-in)`,
    /// one rate. It has no stable limit unless the rate decreases with the width; see
    /// [`Parametrisation::slower`].
    pub const STANDARD: Self = Self {
        input: Abc::new(0.0, 0.0, 0.0),
        hidden: Abc::new(0.0, 0.5, 0.0),
        output: Abc::new(0.0, 0.5, 0.0),
        fan_in: Abc::new(0.0, 0.5, 0.0),
        biases: BiasExponents::new(0.0, 0.0),
        output_bias: BiasExponents::new(0.0, 0.0),
    };

    /// As [`Parametrisation::NTK`], but with the multiplier `1/n` in the last layer and every
    /// rate multiplied by `n`. With one hidden layer it gives the mean-field limit, with more
    /// hidden layers the same dynamics as [`Parametrisation::MU_P`].
    pub const MEAN_FIELD: Self = Self {
        input: Abc::new(0.0, 0.0, -1.0),
        hidden: Abc::new(0.5, 0.0, -1.0),
        output: Abc::new(1.0, 0.0, -1.0),
        fan_in: Abc::new(0.5, 0.0, 0.0),
        biases: BiasExponents::new(0.0, -1.0),
        output_bias: BiasExponents::new(0.5, -1.0),
    };

    /// Maximal update (µP) for stochastic gradient descent: no multipliers, initial
    /// variances `1/fan-in` (input and hidden) and `1/fan-in²` (output), rates
    /// `fan-out` (input and biases), 1 (hidden) and `1/fan-in` (output).
    ///
    /// The rates have a further factor `1/d` for the first layer, and one over the number of
    /// taps for a convolution. The table leaves these constants to the base rate. They are
    /// chosen so that µP and [`Parametrisation::MEAN_FIELD`] have exactly the same dynamics.
    ///
    /// # Reference
    /// Yang et al., arXiv 2203.03466, table 3.
    pub const MU_P: Self = Self {
        input: Abc::new(0.0, 0.0, -1.0),
        hidden: Abc::new(0.0, 0.5, 0.0),
        output: Abc::new(0.0, 1.0, 1.0),
        fan_in: Abc::new(0.0, 0.5, 1.0),
        biases: BiasExponents::new(0.0, -1.0),
        output_bias: BiasExponents::new(0.0, 0.0),
    };

    /// The named parametrisations, with their names in files.
    pub const NAMED: [(&'static str, Self); 5] = [
        ("ntk", Self::NTK),
        ("code", Self::CODE),
        ("standard", Self::STANDARD),
        ("mean-field", Self::MEAN_FIELD),
        ("mu-p", Self::MU_P),
    ];

    /// The parametrisation with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMED.iter().find(|(own, _)| *own == name).map(|&(_, table)| table)
    }

    /// Every rate multiplied by `n^−exponent`.
    pub const fn slower(self, exponent: f64) -> Self {
        const fn weights(abc: Abc, by: f64) -> Abc {
            Abc::new(abc.a, abc.b, abc.c + by)
        }
        const fn bias(of: BiasExponents, by: f64) -> BiasExponents {
            BiasExponents::new(of.a, of.c + by)
        }
        Self {
            input: weights(self.input, exponent),
            hidden: weights(self.hidden, exponent),
            output: weights(self.output, exponent),
            fan_in: self.fan_in,
            biases: bias(self.biases, exponent),
            output_bias: bias(self.output_bias, exponent),
        }
    }

    /// The parametrisation of `F = α(f − f₀)` under the flow of a loss divided by `α²`, for
    /// `α = n^−exponent`. The multipliers of the last layer get the factor α, and the rates
    /// get the factor `1/α²`. (Subtracting `f₀` changes no derivative.)
    ///
    /// At `α = 1/√n`, where the paper finds the border between the regimes, the NTK
    /// parametrisation becomes the mean-field one:
    /// ```
    /// use regime_models::Parametrisation;
    ///
    /// assert_eq!(Parametrisation::NTK.with_alpha(0.5), Parametrisation::MEAN_FIELD);
    /// assert!(Parametrisation::NTK.with_alpha(0.5).is_equivalent(&Parametrisation::MU_P));
    /// ```
    pub const fn with_alpha(self, exponent: f64) -> Self {
        let Self { mut output, mut output_bias, .. } = self;
        output.a += exponent;
        output_bias.a += exponent;
        Self { output, output_bias, ..self }.slower(-2.0 * exponent)
    }

    /// Whether two parametrisations differ only in their variables: `a + b` and `2a + c`
    /// agree everywhere. With the same base rate and converted weights they then give the
    /// same function at all times.
    pub fn is_equivalent(&self, other: &Self) -> bool {
        let same = |a: f64, b: f64| (a - b).abs() <= 8.0 * f64::EPSILON;
        let weights = |table: &Self| [table.input, table.hidden, table.output, table.fan_in];
        let biases = |table: &Self| [table.biases, table.output_bias];
        weights(self)
            .iter()
            .zip(&weights(other))
            .all(|(a, b)| same(a.initial(), b.initial()) && same(a.pace(), b.pace()))
            && biases(self).iter().zip(&biases(other)).all(|(a, b)| same(a.pace(), b.pace()))
    }

    /// The exponents of the weights and the biases of a layer.
    pub(super) fn of(&self, role: Role) -> (Abc, BiasExponents) {
        match role {
            Role::Input => (self.input, self.biases),
            Role::Hidden => (self.hidden, self.biases),
            Role::Output => (self.output, self.output_bias),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moving_keeps_function_and_dynamics() {
        let abc = Abc::new(0.25, 0.5, -1.0);
        for theta in [-1.0, -0.5, 0.5, 2.0] {
            let moved = abc.moved(theta);
            assert_ne!(moved, abc);
            assert_eq!((moved.initial(), moved.pace()), (abc.initial(), abc.pace()));
            assert_eq!(moved.moved(-theta), abc);
        }
    }

    #[test]
    fn only_mean_field_and_mu_p_are_equivalent() {
        for (i, (left, a)) in Parametrisation::NAMED.iter().enumerate() {
            assert_eq!(Parametrisation::named(left), Some(*a));
            for (j, (right, b)) in Parametrisation::NAMED.iter().enumerate() {
                let pair = [*left, *right];
                let one = i == j || pair.iter().all(|n| ["mean-field", "mu-p"].contains(n));
                assert_eq!(a.is_equivalent(b), one, "{left} and {right}");
            }
        }
        assert_eq!(Parametrisation::named("pytorch"), None);
    }

    /// α in the code's convention is `√n` times the α of the paper. The loss is then divided
    /// by an `α²` that is `n` times larger, and all rates are slower by `n`.
    #[test]
    fn the_two_conventions_of_alpha() {
        for s in [0.0, 0.25, 0.5] {
            let paper = Parametrisation::NTK.with_alpha(s);
            let code = Parametrisation::CODE.with_alpha(s - 0.5);
            assert_eq!(code, paper.slower(1.0));
        }
    }

    /// Yang and Hu write µP with `(a, b) = (−½, ½), (0, ½), (½, ½)` and `c = 0`.
    #[test]
    fn mu_p_in_its_first_form() {
        let first = Parametrisation {
            input: Abc::new(-0.5, 0.5, 0.0),
            hidden: Abc::new(0.0, 0.5, 0.0),
            output: Abc::new(0.5, 0.5, 0.0),
            biases: BiasExponents::new(-0.5, 0.0),
            ..Parametrisation::MU_P
        };
        assert!(first.is_equivalent(&Parametrisation::MU_P));
        let wrong = Parametrisation { output: Abc::new(0.5, 0.5, 0.5), ..first };
        assert!(!wrong.is_equivalent(&Parametrisation::MU_P));
    }
}
