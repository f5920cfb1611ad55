//! Tests every architecture on every backend against plain loops, `burn-autodiff` and
//! finite differences.

mod forward;
mod initial;
mod linearisation;
mod loops;
mod normalisation;
mod outputs;
mod own_activation;
mod parametrisation;
mod rates;
mod refused;
mod stacked;

mod on {
    use regime_models::on_every_backend;

    on_every_backend!(forward:
        the_forward_pass_agrees_with_plain_loops,
        f_vanishes_at_the_initial_weights_for_every_alpha,
        single_precision_stays_single_and_close,
    );
    on_every_backend!(linearisation:
        the_gradient_agrees_with_autodiff,
        the_jacobian_agrees_with_finite_differences,
        products_with_the_jacobian_are_adjoint,
        blocks_contain_the_jacobian,
        selected_rows_agree_with_the_full_jacobian,
        preactivation_rates_agree_with_the_jacobian,
        points_in_several_parts_give_the_same_products,
    );
    on_every_backend!(outputs:
        outputs_come_one_after_the_other,
        several_outputs_agree_with_single_ones,
        several_outputs_agree_with_finite_differences,
        one_output_equals_the_scalar_network_to_the_bit,
        shared_layers_contain_the_kernel,
    );
    on_every_backend!(own_activation:
        an_own_activation_agrees_with_a_built_in_one,
        gradients_through_an_own_activation_agree,
    );
    on_every_backend!(rates:
        rates_are_the_metric,
        equal_rates_scale_the_kernel_and_frozen_layers_leave_it,
        rates_of_several_outputs,
    );
    on_every_backend!(stacked:
        a_stack_agrees_with_its_networks,
        points_and_networks_of_a_stack_can_be_selected,
        cholesky_factors_solve_the_system,
    );
    on_every_backend!(parametrisation: preactivations_agree_with_rates_and_output);
}
