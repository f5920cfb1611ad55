//! Tests of training on every backend.

mod adaptive;
mod batch;
mod coordinates;
mod device;
mod events;
mod faults;
mod flow;
mod frozen;
mod heads;
mod linear;
mod probes;
mod problem;
mod remote;
mod scipy;
mod stochastic;
mod system;

mod on {
    use regime_models::on_every_backend;

    on_every_backend!(adaptive:
        the_adaptive_and_the_reference_scheme_agree,
        a_flow_resumed_at_any_step_is_bit_identical,
        the_network_is_observed_inside_large_steps,
        a_point_that_is_no_longer_settled_is_followed_again,
    );
    on_every_backend!(batch:
        flows_in_a_batch_agree_with_single_flows,
        float32_agrees_with_float64,
        initial_outputs_are_zero_for_any_rounding,
        an_interrupted_batch_continues_as_a_batch_or_as_single_flows,
        a_diverged_flow_does_not_affect_the_others,
    );
    on_every_backend!(coordinates:
        coordinates_agree_with_explicit_gradient_descent,
        coordinates_are_the_same_in_every_parametrisation,
    );
    on_every_backend!(flow:
        a_linear_model_follows_its_closed_form,
        momentum_follows_the_damped_oscillator,
        at_large_alpha_a_network_follows_its_frozen_kernel,
        implicit_and_explicit_flows_agree,
        every_loss_reaches_its_margins,
        a_resumed_flow_is_bit_identical,
        budgets_end_a_run_and_are_reported,
        a_zero_gradient_stalls_and_an_infinite_one_diverges,
        the_gradient_turn_rule_rejects_the_hinge,
        a_diverged_flow_has_a_finite_record,
    );
    on_every_backend!(frozen:
        a_kernel_model_agrees_with_the_linearised_network,
        stochastic_training_agrees_with_the_linearised_network,
        the_squared_loss_follows_its_closed_form_for_every_alpha,
        the_squared_loss_converges_to_ridgeless_regression,
        at_large_alpha_a_network_agrees_with_its_kernel,
        a_resumed_kernel_model_is_bit_identical,
        a_singular_kernel_converges,
        a_kernel_is_observed_like_a_network,
        the_tape_of_a_kernel_is_consistent,
        a_linearised_network_is_its_first_order_expansion,
    );
    on_every_backend!(stochastic:
        every_sampling_reaches_all_margins,
        a_batch_of_all_points_is_the_explicit_flow,
        resumed_training_is_bit_identical,
        training_depends_only_on_its_seed,
        budgets_and_divergence_are_reported,
        a_convolutional_net_trains,
    );
    on_every_backend!(probes:
        a_recorder_reads_at_its_moments,
        preactivation_speeds_agree_with_differences,
        layer_norms_and_test_errors_are_correct,
    );
}
