//! What a run costs, estimated from its spec.

use regime_lab::Spec;
use regime_models::Activation;
use regime_train::{FlowSpec, Scheme, Work};

use crate::{dynamics::Dynamics, record::RunRecord, spec::RunSpec};

/// Steps, with those that are undone, of a lazy run of the reference scheme with its default
/// tolerance.
const LAZY_STEPS: f64 = 220.0;

/// Gradients that one such step is worth, with its kernel and its solutions.
const GRADIENTS_PER_STEP: f64 = 2.5;

/// Forward passes over all points of an adaptive flow at √h·α = 100 with an error of 0.03 in a
/// step, and the gradients that one is worth with what belongs to it.
const ADAPTIVE_PASSES: f64 = 200.0;
const GRADIENTS_PER_PASS: f64 = 1.1;

/// Numbers of the kernels of such a flow and rows cubed of its factorisations, in units of those of
/// all points.
const ADAPTIVE_KERNELS: f64 = 9.0;
const ADAPTIVE_FACTORS: f64 = 1.2;

/// The part of an adaptive flow that is over at `t₁`: a fifth of the passes, and less of the kernels.
const UNTIL_HALF_LOSS: f64 = 0.22;

/// Steps of the explicit schemes, and of stochastic training for every training point, which differ by a factor
/// of ten to either side and more: a guess.
const EXPLICIT_STEPS: f64 = 2e4;
const STOCHASTIC_STEPS_PER_POINT: f64 = 100.0;

/// Decades of time in which a run is observed.
const DECADES: f64 = 6.0;

impl Spec for RunSpec {
    const KIND: &'static str = "regime-run";
    const VERSION: u32 = 5;

    fn cost(&self) -> f64 {
        self.run_cost()
    }
}

impl RunSpec {
    /// Multiply-adds of a run, without what its frozen kernels learn.
    ///
    /// The reference scheme takes the more steps the farther a run is on the feature side, where
    /// they are twice those of a lazy run at √h·α = 1 and seven times at 10⁻³; they fall more
    /// slowly with the tolerance than its square root. Runs of one place in a grid differ by
    /// a factor of two and more, those at small α of small widths most.
    fn run_cost(&self) -> f64 {
        // Roots alone, whose bits are the same on every machine: shares of a grid rest on them.
        let fourth = |x: f64| x.sqrt().sqrt();
        let sqrt_h_alpha = self.sqrt_h_alpha();
        let (steps, stop, per_decade) = match self.dynamics {
            Dynamics::Flow(flow) => {
                let steps = match flow.scheme {
                    // Measured in the findings of the profile `laptop`, within some thirty percent.
                    Scheme::Adaptive { .. } => {
                        let tolerance = flow.scheme.step_tolerance().unwrap_or(0.03);
                        let coarse = fourth(tolerance / 0.03);
                        let feature = 1.0 + 0.4 / fourth(sqrt_h_alpha);
                        let lazy = 1.0 + (sqrt_h_alpha / 2000.0).sqrt();
                        f64::max(ADAPTIVE_PASSES * feature / lazy, 25.0) / (coarse * coarse.sqrt())
                    }
                    Scheme::Reference { tolerance, .. } => {
                        let regime = 1.0 + 1.0 / fourth(sqrt_h_alpha);
                        let coarse = fourth(tolerance / 0.01);
                        LAZY_STEPS * regime / (coarse * coarse.sqrt())
                    }
                    Scheme::Explicit { .. } => EXPLICIT_STEPS,
                };
                (steps, flow.stop, flow.observations_per_decade)
            }
            Dynamics::Stochastic(spec) => {
                let steps = STOCHASTIC_STEPS_PER_POINT * self.data.n_train as f64;
                (steps, spec.stop, spec.observations_per_decade)
            }
        };
        let adaptive = matches!(
            self.dynamics,
            Dynamics::Flow(FlowSpec { scheme: Scheme::Adaptive { .. }, .. })
        );
        let part = if adaptive && stop.at_half_loss { UNTIL_HALF_LOSS } else { 1.0 };
        let steps = (part * steps).min(stop.max_steps as f64);
        let observations = DECADES * f64::from(per_decade);
        // Test points are looked at in the beginning and at the end.
        let tests = 2.0 * self.data.n_test as f64 * self.gradient_cost() / 3.0;
        let kernels = if adaptive {
            let n = self.data.n_train as f64;
            part * self.kernel_cost(ADAPTIVE_KERNELS * n * n, ADAPTIVE_FACTORS * n * n * n)
        } else {
            0.0
        };
        kernels + steps * self.step_cost() + observations * self.observation_cost() + tests
    }

    /// Multiply-adds of the training that a record tells of.
    pub fn training_cost(&self, record: &RunRecord) -> f64 {
        let work = record.work;
        if !matches!(self.dynamics, Dynamics::Flow(_)) || work == Work::default() {
            return (record.steps + record.rejected) as f64 * self.step_cost();
        }
        let points = work.points_forward + work.points_backward + work.points_product;
        let kernels = self.kernel_cost(work.kernel_numbers as f64, work.factor_cubes as f64);
        points as f64 / 3.0 * self.gradient_cost() + kernels
    }

    /// Multiply-adds of kernels with so many numbers and of factorisations with so many rows cubed.
    fn kernel_cost(&self, numbers: f64, cubes: f64) -> f64 {
        let Ok(net) = self.network.build() else { return 0.0 };
        // Two products a layer, of which half the numbers are made; a trace has two numbers a unit.
        numbers * 0.5 * net.trace_size() + cubes / 6.0
    }

    /// Multiply-adds of a step; of an adaptive flow, of what belongs to a forward pass.
    pub fn step_cost(&self) -> f64 {
        let n = self.data.n_train as f64;
        let gradients = match self.dynamics {
            Dynamics::Flow(FlowSpec { scheme: Scheme::Reference { .. }, .. }) => {
                GRADIENTS_PER_STEP * n
            }
            Dynamics::Flow(FlowSpec { scheme: Scheme::Adaptive { .. }, .. }) => {
                GRADIENTS_PER_PASS * n
            }
            Dynamics::Flow(_) => n,
            // The gradient of a batch, and the forward pass that judges it.
            Dynamics::Stochastic(spec) => 4.0 / 3.0 * n.min(spec.largest_batch as f64),
        };
        gradients * self.gradient_cost()
    }

    /// Multiply-adds of an observation: where training knows its points already, none to speak
    /// of; else a forward pass of them.
    pub fn observation_cost(&self) -> f64 {
        match self.dynamics {
            Dynamics::Flow(_) => 0.0,
            Dynamics::Stochastic(_) => self.data.n_train as f64 * self.gradient_cost() / 3.0,
        }
    }

    /// Multiply-adds of the gradient of one point's loss; 0 for a network that cannot be built.
    fn gradient_cost(&self) -> f64 {
        let Ok(net) = self.network.build() else { return 0.0 };
        // A fused activation costs about as much as this many multiply-adds, and the
        // trace holds two numbers per unit.
        let pointwise = if self.network.activation() == Activation::Relu { 10.0 } else { 50.0 };
        3.0 * net.forward_cost() + pointwise * net.trace_size()
    }
}
