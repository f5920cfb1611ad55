//! Training, over every backend.

mod coordinates;
mod flow;
mod linear;
mod probes;
mod problem;
mod stochastic;

macro_rules! on_every_backend {
    ($module:ident: $($name:ident),* $(,)?) => {
        mod $module {
            mod flex {
                $(#[test] fn $name() {
                    crate::$module::$name::<burn_flex::Flex>(&burn_flex::FlexDevice)
                })*
            }
            mod ndarray {
                $(#[test] fn $name() {
                    let device = burn_ndarray::NdArrayDevice::Cpu;
                    crate::$module::$name::<burn_ndarray::NdArray>(&device)
                })*
            }
        }
    };
}

mod on {
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
