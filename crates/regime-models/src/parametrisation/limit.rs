use super::table::Parametrisation;
use crate::Activation;

/// The scaling of a network with its width `n`, at a fixed base rate, number of steps and
/// set of points: the exponents `p` of quantities that behave as `nᵖ`.
///
/// The exponents follow from the sizes of the terms in the forward pass, the backward pass
/// and the update. They assume a non-linear activation and labels that do not depend on the
/// initial weights. Step 0 is the initial state. The first gradient step depends on the
/// initial weights only. Later steps also depend on the change of the last layer.
///
/// # Example
/// ```
/// use regime_models::{Activation, Limit, Parametrisation};
///
/// let limit = |table| Limit::of(&table, Activation::Tanh, 3, true);
/// let lazy = limit(Parametrisation::NTK)?;
/// assert_eq!(lazy.preactivation_change(2, 1), -0.5);
/// assert_eq!((lazy.output_change(1), lazy.kernel_change(1)), (0.0, -1.0));
/// assert!(!lazy.learns_features());
///
/// let rich = limit(Parametrisation::MU_P)?;
/// assert_eq!((rich.preactivation_change(2, 1), rich.kernel_change(4)), (0.0, 0.0));
/// assert!(rich.learns_features());
///
/// // With a common rate, a step changes the output of a standard network by ∝ n.
/// assert!(limit(Parametrisation::STANDARD).is_err());
/// # Ok::<(), regime_models::UnstableLimit>(())
/// ```
///
/// # Reference
/// Yang and Hu, arXiv 2011.14522 (their number `r`, and the conditions for stability),
/// extended to rates by layer, biases, and a first step that differs from later ones. For
/// the change of the NTK kernel, `1/n`: Dyer and Gur-Ari, arXiv 1909.11304.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// `a + b` of the last layer: its weights start at `n^−start`.
    start: f64,
    /// `2a + c` of each kind of parameters; infinite for parameters that do not exist.
    paces: Paces,
    /// Whether the slope of the activation jumps.
    kinked: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Paces {
    input: f64,
    hidden: f64,
    output: f64,
    biases: f64,
    output_bias: f64,
}

/// Why a parametrisation has no limit.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum UnstableLimit {
    /// The preactivations of a layer grow or vanish at initialisation.
    #[error(
        "a + b of the {layer} layers is {found}, but must be {needed}: otherwise their \
         preactivations grow or vanish with the width"
    )]
    Preactivations {
        /// `input` or `hidden`.
        layer: &'static str,
        /// The value of `a + b`.
        found: f64,
        /// The required value.
        needed: f64,
    },
    /// The output grows at initialisation.
    #[error(
        "a + b of the output layer is {found}, but must be at least 0.5: otherwise the output \
         grows with the width"
    )]
    Output {
        /// The value of `a + b`.
        found: f64,
    },
    /// The change of preactivations in a step grows with the width.
    #[error("a step changes preactivations by n^{exponent}")]
    Features {
        /// The exponent, positive.
        exponent: f64,
    },
    /// The change of the output in a step grows with the width.
    #[error("a step changes the output by n^{exponent}")]
    OutputChange {
        /// The exponent, positive.
        exponent: f64,
    },
}

impl Limit {
    /// The exponents of a network with `hidden_layers` hidden layers and this
    /// activation, with or without biases.
    ///
    /// # Errors
    /// [`UnstableLimit`] when a quantity grows or vanishes with the width at initialisation,
    /// or its change grows in the first two steps.
    ///
    /// # Panics
    /// When there is no hidden layer.
    pub fn of(
        parametrisation: &Parametrisation,
        activation: Activation,
        hidden_layers: usize,
        bias: bool,
    ) -> Result<Self, UnstableLimit> {
        assert!(hidden_layers > 0, "a network has a hidden layer");
        let Parametrisation { input, hidden, output, biases, output_bias, .. } = parametrisation;
        let deeper = hidden_layers > 1;
        let there = |it: bool, pace: f64| if it { pace } else { f64::INFINITY };
        let starts = [("input", input.initial(), 0.0), ("hidden", hidden.initial(), 0.5)];
        for (layer, found, needed) in &starts[..if deeper { 2 } else { 1 }] {
            if !same(*found, *needed) {
                return Err(UnstableLimit::Preactivations {
                    layer,
                    found: *found,
                    needed: *needed,
                });
            }
        }
        let start = output.initial();
        if start < 0.5 && !same(start, 0.5) {
            return Err(UnstableLimit::Output { found: start });
        }
        let paces = Paces {
            input: input.pace(),
            hidden: there(deeper, hidden.pace()),
            output: output.pace(),
            biases: there(bias, biases.pace()),
            output_bias: there(bias, output_bias.pace()),
        };
        let limit = Self { start, paces, kinked: activation == Activation::Relu };
        let exponent = limit.preactivation_change(hidden_layers, 2);
        if exponent > 0.0 && !same(exponent, 0.0) {
            return Err(UnstableLimit::Features { exponent });
        }
        let exponent = limit.output_change(2);
        if exponent > 0.0 && !same(exponent, 0.0) {
            return Err(UnstableLimit::OutputChange { exponent });
        }
        Ok(limit)
    }

    /// The exponent of the preactivations of every hidden layer, at any step: 0.
    pub fn preactivation(&self) -> f64 {
        0.0
    }

    /// The exponent of the change of the preactivations of hidden layer `layer`, counted
    /// from 1, from their initial values after `step ≥ 1` steps.
    pub fn preactivation_change(&self, layer: usize, step: usize) -> f64 {
        let Paces { input, hidden, biases, .. } = self.paces;
        // A step changes the weights by n^−pace times sensitivities times inputs. The
        // product with the layer's inputs is a sum of n terms, except in the first layer.
        // Higher layers do not change the exponent.
        let own = input.min(biases);
        let own = if layer > 1 { own.min(hidden - 1.0) } else { own };
        shown(self.sensitivity(step - 1) + own)
    }

    /// The exponent of the output after `step` steps.
    pub fn output(&self, step: usize) -> f64 {
        let initial = 0.5 - self.start;
        if step == 0 { initial } else { initial.max(self.output_change(step)) }
    }

    /// The exponent of the change of the output from its initial value after `step ≥ 1`
    /// steps.
    pub fn output_change(&self, step: usize) -> f64 {
        // A small step changes the output in proportion to the kernel before the step.
        self.kernel(step - 1)
    }

    /// The exponent of the tangent kernel with every parameter weighted by its rate,
    /// `Θ = Σ r ∂f ∂f'`, after `step` steps.
    pub fn kernel(&self, step: usize) -> f64 {
        shown(self.kernels(step).iter().map(|kernel| kernel.size).fold(f64::INFINITY, f64::min))
    }

    /// The exponent of the relative change `‖Θ − Θ₀‖/‖Θ₀‖` of that kernel after
    /// `step ≥ 1` steps.
    ///
    /// If `n` units change by a relative `n^−q`, independently of their values, their mean
    /// changes by `n^−(q+½)` at first order and by `n^−2q` at second order. Of the slopes of
    /// rectifiers, 0 or 1, a fraction `n^−q` switches, and the mean changes by `n^−(1+q)/2`.
    /// Therefore the kernel of the NTK parametrisation changes by `1/n`, and by `n^−¾` with
    /// rectifiers. Where features are learned, the second-order term decides; it needs
    /// several steps to become as large as the first-order term.
    pub fn kernel_change(&self, step: usize) -> f64 {
        let features = -self.preactivation_change(2, step).max(self.preactivation_change(1, step));
        let sensitivities = features.min(self.paces.output - self.start);
        let initial = self.kernels(0);
        let whole = initial.iter().map(|kernel| kernel.size).fold(f64::INFINITY, f64::min);
        let change = initial.iter().filter_map(|kernel| {
            let smooth = |moved: f64| (moved + 0.5).min(2.0 * moved);
            let moved = match kernel.made_of {
                Parts::Constant => return None,
                Parts::Features => smooth(features),
                Parts::Sensitivities if self.kinked => {
                    smooth(sensitivities).min(0.5 * (1.0 + features))
                }
                Parts::Sensitivities => smooth(sensitivities),
            };
            Some(kernel.size - whole + moved)
        });
        shown(change.fold(f64::INFINITY, f64::min))
    }

    /// Whether preactivations change at infinite width. Otherwise the kernel is fixed in
    /// the limit.
    pub fn learns_features(&self) -> bool {
        same(self.preactivation_change(1, 2).max(self.preactivation_change(2, 2)), 0.0)
    }

    /// The exponent `s` of the sensitivities `n^−s` of a unit's preactivation after `step`
    /// steps. The weights of the last layer have the same exponent.
    fn sensitivity(&self, step: usize) -> f64 {
        if step == 0 { self.start } else { self.start.min(self.paces.output) }
    }

    /// The kernels of all kinds of parameters after `step` steps.
    fn kernels(&self, step: usize) -> [KernelPart; 5] {
        let Paces { input, hidden, output, biases, output_bias } = self.paces;
        let squares = 2.0 * self.sensitivity(step) - 1.0;
        let part = |size, made_of| KernelPart { size, made_of };
        [
            part(input + squares, Parts::Sensitivities),
            part(hidden - 1.0 + squares, Parts::Sensitivities),
            part(biases + squares, Parts::Sensitivities),
            part(output - 1.0, Parts::Features),
            part(output_bias, Parts::Constant),
        ]
    }
}

/// The contribution of one kind of parameters to the kernel: `n^−size`.
#[derive(Debug, Clone, Copy)]
struct KernelPart {
    size: f64,
    made_of: Parts,
}

/// The values on which a part of the kernel depends.
#[derive(Debug, Clone, Copy)]
enum Parts {
    /// No values: the part is constant.
    Constant,
    /// The last hidden layer.
    Features,
    /// The hidden layers and the weights above a layer.
    Sensitivities,
}

/// The exponent of `n^−decay`, without a negative zero.
fn shown(decay: f64) -> f64 {
    0.0 - decay
}

fn same(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-12
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Abc, BiasExponents};

    fn of(table: &Parametrisation, layers: usize, bias: bool) -> Result<Limit, UnstableLimit> {
        Limit::of(table, Activation::Tanh, layers, bias)
    }

    fn limit(table: Parametrisation) -> Limit {
        of(&table, 3, true).unwrap()
    }

    #[test]
    fn equivalent_parametrisations_have_the_same_limit() {
        let named = [Parametrisation::MEAN_FIELD, Parametrisation::MU_P];
        let moved = Parametrisation {
            input: Parametrisation::MU_P.input.moved(0.3),
            hidden: Parametrisation::MU_P.hidden.moved(-1.0),
            output: Parametrisation::MU_P.output.moved(0.7),
            ..Parametrisation::MU_P
        };
        let expected = limit(named[0]);
        for table in [named[1], moved] {
            let found = limit(table);
            for step in 1..4 {
                assert!(same(found.output(step), expected.output(step)));
                assert!(same(found.kernel_change(step), expected.kernel_change(step)));
                assert!(same(found.preactivation_change(2, step), 0.0));
            }
        }
    }

    #[test]
    fn a_rate_that_falls_with_the_width_makes_the_standard_parametrisation_lazy() {
        let unstable = of(&Parametrisation::STANDARD, 2, false).unwrap_err();
        // The first step: δ ~ n^−½ and n terms give √n. Then the last layer has changed by
        // more than its initial size.
        assert_eq!(unstable, UnstableLimit::Features { exponent: 1.0 });
        let slow = limit(Parametrisation::STANDARD.slower(1.0));
        assert!(!slow.learns_features());
        assert_eq!(slow.output_change(1), 0.0);
        assert_eq!(slow.preactivation_change(2, 1), -0.5);
        // The first layer and the biases learn slowly: their rates are 1/n, with NTK 1.
        assert_eq!(slow.preactivation_change(1, 1), -1.5);
        assert_eq!(slow.kernel_change(2), -1.0);
    }

    #[test]
    fn alpha_takes_the_ntk_from_lazy_to_rich_and_no_further() {
        for (s, change) in [(0.0, -0.5), (0.25, -0.25), (0.5, 0.0)] {
            let limit = limit(Parametrisation::NTK.with_alpha(s));
            assert_eq!(limit.preactivation_change(2, 1), change);
            assert_eq!(limit.output_change(1), 0.0);
            assert_eq!(limit.kernel_change(1), 2.0 * change);
            assert_eq!(limit.output(0), -s);
            assert_eq!(limit.learns_features(), s == 0.5);
        }
        // For larger s, F would grow by √n or more per step.
        let beyond = of(&Parametrisation::NTK.with_alpha(0.75), 3, true);
        assert!(matches!(beyond, Err(UnstableLimit::Features { .. })));
    }

    /// The last layer starts far smaller than its change in a step: the first step changes
    /// only the last layer, the second step changes all layers.
    #[test]
    fn later_steps_depend_on_the_change_of_the_last_layer() {
        let small = Parametrisation { output: Abc::new(0.0, 1.5, 1.0), ..Parametrisation::MU_P };
        let limit = limit(small);
        assert_eq!(
            (limit.preactivation_change(1, 1), limit.preactivation_change(1, 2)),
            (-0.5, 0.0)
        );
        assert_eq!((limit.output_change(1), limit.kernel(0), limit.kernel(1)), (0.0, 0.0, 0.0));
        assert_eq!(limit.kernel_change(1), 0.0);
    }

    #[test]
    fn rectifiers_change_the_lazy_kernel_by_more() {
        let change = |table| {
            let limit = Limit::of(&table, Activation::Relu, 2, true).unwrap();
            (limit.kernel_change(1), limit.preactivation_change(1, 1))
        };
        assert_eq!(change(Parametrisation::NTK), (-0.75, -0.5));
        assert_eq!(change(Parametrisation::NTK.with_alpha(0.25)), (-0.5, -0.25));
        assert_eq!(change(Parametrisation::MU_P), (0.0, 0.0));
    }

    #[test]
    fn the_error_names_what_grows() {
        let bad = Parametrisation { hidden: Abc::new(0.0, 0.0, 0.0), ..Parametrisation::NTK };
        let error = of(&bad, 2, true).unwrap_err();
        assert_eq!(
            error,
            UnstableLimit::Preactivations { layer: "hidden", found: 0.0, needed: 0.5 }
        );
        // A network with one hidden layer has no hidden-to-hidden weights.
        assert!(of(&bad, 1, true).is_ok());
        let bad = Parametrisation { output: Abc::new(0.0, 0.0, 1.0), ..Parametrisation::NTK };
        assert_eq!(of(&bad, 2, true), Err(UnstableLimit::Output { found: 0.0 }));
        let output_bias = BiasExponents::new(0.0, -1.0);
        let bad = Parametrisation { output_bias, ..Parametrisation::NTK };
        assert_eq!(of(&bad, 2, true), Err(UnstableLimit::OutputChange { exponent: 1.0 }));
        assert!(of(&bad, 2, false).is_ok());
    }
}
