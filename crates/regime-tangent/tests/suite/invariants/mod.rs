//! The invariants of tangent kernels, checked by the test kit on every backend; and tests
//! that the kit rejects broken kernels.

mod control;
pub(crate) mod dynamics;
pub(crate) mod kernels;
mod limits;
pub(crate) mod mutations;
pub(crate) mod networks;

mod on {
    use regime_models::on_every_backend;

    on_every_backend!(kernels:
        general_invariants_hold,
        all_ways_to_compute_the_kernel_agree,
        rates_weight_the_parameters,
        the_order_and_the_batches_of_points_do_not_matter,
        tiling_does_not_change_the_kernel,
        single_precision_agrees_up_to_its_rounding,
    );
    on_every_backend!(networks:
        alpha_enters_squared_and_f0_does_not_matter,
        relu_without_biases_is_homogeneous,
        permuting_hidden_units_keeps_the_kernel,
        rescaling_hidden_units_changes_the_kernel,
    );
    on_every_backend!(dynamics:
        a_small_step_moves_f_by_the_kernel,
        the_linearised_flow_ends_at_ridgeless_regression,
    );
    on_every_backend!(mutations:
        broken_kernels_are_caught,
        broken_scales_are_caught,
    );
}
