//! Training, over every backend.

mod adaptive;
mod batch;
mod coordinates;
mod device;
mod flow;
mod frozen;
mod linear;
mod probes;
mod problem;
mod remote;
mod scipy;
mod stochastic;

mod on {
    use regime_models::on_every_backend;

    on_every_backend!(adaptive:
        it_ends_where_the_reference_scheme_does,
        resumed_anywhere_it_ends_with_the_same_bits,
        observers_see_the_network_also_inside_of_large_steps,
        a_settled_point_comes_back_in_time,
    );
    on_every_backend!(batch:
        flows_in_a_batch_are_flows,
        float32_is_near,
        outputs_vanish_at_the_start_however_they_are_rounded,
        an_interrupted_batch_goes_on_together_or_alone,
        a_flow_that_cannot_go_on_leaves_the_others,
    );
    on_every_backend!(coordinates:
        coordinates_are_those_of_descent_by_hand,
        coordinates_are_the_same_in_every_parametrisation,
    );
    on_every_backend!(flow:
        a_linear_model_follows_its_closed_form,
        momentum_follows_the_damped_oscillator,
        at_large_alpha_a_network_follows_its_frozen_kernel,
        implicit_and_explicit_flows_agree,
        every_loss_reaches_its_margins,
        a_resumed_flow_ends_with_the_same_bits,
        budgets_end_a_run_and_say_so,
        a_gradient_that_is_nil_stalls_and_one_that_is_not_finite_diverges,
        a_hinge_does_not_go_with_the_turn_of_its_gradient,
        a_flow_that_cannot_go_on_has_diverged_and_its_record_is_finite,
    );
    on_every_backend!(frozen:
        a_kernel_learns_as_the_linearised_network_does,
        stochastic_training_takes_the_same_way_too,
        squares_follow_their_closed_form_whatever_alpha_is,
        in_the_end_squares_are_ridgeless_regression,
        at_large_alpha_a_network_ends_where_its_kernel_does,
        resumed_learning_ends_with_the_same_bits,
        a_singular_kernel_runs_through,
        a_kernel_is_observed_like_a_network,
        the_tape_of_a_kernel_is_consistent,
        a_linearised_network_touches_it,
    );
    on_every_backend!(stochastic:
        every_sampling_reaches_all_margins,
        a_batch_of_all_points_is_the_explicit_flow,
        resumed_training_ends_with_the_same_bits,
        training_depends_on_its_seed_alone,
        budgets_and_divergence_are_told,
        a_convolutional_net_trains,
    );
    on_every_backend!(probes:
        readings_are_made_at_their_moments,
        preactivations_move_as_differences_say,
        layers_and_test_points_are_counted,
    );
}
