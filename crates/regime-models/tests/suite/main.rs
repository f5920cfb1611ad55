//! Every architecture: against plain loops, against `burn-autodiff`, against
//! differences; one suite over every backend.

mod forward;
mod initial;
mod linearisation;
mod loops;
mod normalisation;
mod parametrisation;
mod refused;
mod stacked;

mod on {
    use regime_models::on_every_backend;

    on_every_backend!(forward:
        the_forward_pass_is_the_formula,
        f_vanishes_at_the_start_for_every_alpha,
        single_precision_stays_single_and_close,
    );
    on_every_backend!(linearisation:
        the_gradient_is_that_of_autodiff,
        the_jacobian_is_that_of_differences,
        products_with_the_jacobian_are_adjoint,
        blocks_hold_the_jacobian,
        selected_rows_are_rows,
        preactivations_move_at_their_rates,
        points_in_several_parts_are_points,
    );
    on_every_backend!(stacked:
        a_stack_is_its_networks,
        points_and_networks_of_a_stack_are_selected,
        factors_solve,
    );
    on_every_backend!(parametrisation: preactivations_are_those_of_the_forward_pass);
}
