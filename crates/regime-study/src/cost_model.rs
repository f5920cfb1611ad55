//! The cost of a run, estimated from its spec.

use regime_lab::Spec;
use regime_models::Activation;
use regime_train::{FlowSpec, Scheme, Work};

use crate::{dynamics::Dynamics, record::RunRecord, spec::RunSpec};

/// Accepted and rejected steps of a lazy run of the reference scheme with its default tolerance.
const LAZY_STEPS: f64 = 220.0;

/// Cost of such a step in gradients, its kernel and its linear solves included.
const GRADIENTS_PER_STEP: f64 = 2.5;

/// Forward passes over all points of an adaptive flow at √h·α = 100 with an error of 0.03 in a
/// step, and the cost of a pass in gradients, with everything else that the flow does per pass.
const ADAPTIVE_PASSES: f64 = 200.0;
const GRADIENTS_PER_PASS: f64 = 1.1;

/// Kernel entries that such a flow computes, in units of `n²`, and rows cubed of its factorisations, in
/// units of `n³`.
const ADAPTIVE_KERNELS: f64 = 9.0;
const ADAPTIVE_FACTORS: f64 = 1.2;

/// The part of the cost of an adaptive flow that is spent before `t₁`: a fifth of the passes, and less of the
/// kernels.
const UNTIL_HALF_LOSS: f64 = 0.22;

/// Steps of the explicit schemes, and steps of stochastic training per training point: rough guesses. Real
/// runs differ from them by a factor of ten and more.
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
    /// Multiply-adds of a run, the training with frozen kernels not included.
    ///
    /// The reference scheme takes more steps on the feature side: twice as many as in a lazy run at
    /// √h·α = 1, and seven times as many at 10⁻³. The number of steps falls more slowly than the square root of the
    /// tolerance. Runs that differ in their seed only differ by a factor of two and more, at small α and small
    /// widths most.
    fn run_cost(&self) -> f64 {
        // Only square roots: their bits are the same on every machine, and shares of a grid depend on them.
        let fourth = |x: f64| x.sqrt().sqrt();
        let sqrt_h_alpha = self.sqrt_h_alpha();
        let (steps, stop, per_decade) = match self.dynamics {
            Dynamics::Flow(flow) => {
                let steps = match flow.scheme {
                    // Measured on the runs of the profile `laptop`, accurate to about thirty percent.
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
        // Test points are evaluated at the start and at the end.
        let tests = 2.0 * self.data.n_test as f64 * self.gradient_cost() / 3.0;
        let kernels = if adaptive {
            let n = self.data.n_train as f64;
            part * self.kernel_cost(ADAPTIVE_KERNELS * n * n, ADAPTIVE_FACTORS * n * n * n)
        } else {
            0.0
        };
        kernels + steps * self.step_cost() + observations * self.observation_cost() + tests
    }

    /// Multiply-adds of the training, from the work in its record.
    pub fn training_cost(&self, record: &RunRecord) -> f64 {
        let work = record.work;
        if !matches!(self.dynamics, Dynamics::Flow(_)) || work == Work::default() {
            return (record.steps + record.rejected) as f64 * self.step_cost();
        }
        let points = work.points_forward + work.points_backward + work.points_product;
        let kernels = self.kernel_cost(work.kernel_numbers as f64, work.factor_cubes as f64);
        points as f64 / 3.0 * self.gradient_cost() + kernels
    }

    /// Multiply-adds of kernels with `numbers` entries and of factorisations with `cubes` rows cubed.
    fn kernel_cost(&self, numbers: f64, cubes: f64) -> f64 {
        let Ok(net) = self.network.build() else { return 0.0 };
        // Two products per layer, of which half of the entries are computed; a trace has two numbers per unit.
        numbers * 0.5 * net.trace_size() + cubes / 6.0
    }

    /// Multiply-adds of a step; for an adaptive flow, of a forward pass and what the flow does per pass.
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
            // The gradient of a batch, and the forward pass that checks the step.
            Dynamics::Stochastic(spec) => 4.0 / 3.0 * n.min(spec.largest_batch as f64),
        };
        gradients * self.gradient_cost()
    }

    /// Multiply-adds of an observation: about 0 for a flow, which knows its outputs; a forward pass over all
    /// training points for stochastic training.
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
