//! The checks before a flow starts.

use burn_tensor::backend::Backend;
use regime_models::{Network, Precision};

use crate::{
    extremes::largest,
    flow_error::FlowError,
    spec::{FlowSpec, Scheme, SpecError, StepRule},
    system::System,
};

/// Checks the spec, also against the loss of the system.
pub(super) fn check<B: Backend, N: Network<B>>(
    spec: &FlowSpec,
    system: &System<B, N>,
) -> Result<FlowSpec, SpecError> {
    let criterion = system.objective().criterion();
    let has_kinks = criterion.largest_curvature() == 0.0;
    if let (Scheme::Explicit { rule: StepRule::GradientTurn { max_turn, .. } }, true) =
        (spec.scheme, has_kinks)
    {
        // Reaching a margin turns the gradient of a hinge by a finite angle, however small the
        // step.
        let right =
            "used with a loss of continuous slope: use the rule output-change for the hinge";
        return Err(SpecError { field: "scheme.rule.max_turn", value: max_turn, right });
    }
    criterion.check_stop(&spec.stop)?;
    spec.check()
}

/// Checks that rounding in `F` is smaller than the error that the scheme allows in a step; `unit` is
/// the scale of these errors.
pub(super) fn check_rounding<B: Backend, N: Network<B>>(
    spec: &FlowSpec,
    system: &System<B, N>,
    unit: f64,
) -> Result<(), FlowError> {
    let allowed = match spec.scheme {
        Scheme::Explicit { rule: StepRule::OutputChange { undo_above, .. } } => {
            unit.min(1.0) * undo_above
        }
        Scheme::Explicit { rule: StepRule::GradientTurn { max_output_change, .. } } => {
            unit.min(1.0) * max_output_change
        }
        Scheme::Adaptive { .. } | Scheme::Reference { .. } => {
            unit * spec.scheme.step_tolerance().expect("these schemes have a tolerance")
        }
    };
    let objective = system.objective();
    let alpha = objective.alpha().value();
    let epsilon = Precision::of(system.inputs().dtype()).epsilon();
    let of_f = epsilon * largest(objective.initial().iter().map(|f| f.abs()));
    let rounding = alpha * of_f;
    if rounding > allowed && !system.accepts_rounding() {
        let largest = allowed / of_f;
        return Err(FlowError::Rounding { alpha, rounding, allowed, largest });
    }
    Ok(())
}
