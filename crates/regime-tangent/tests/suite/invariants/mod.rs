//! What every tangent kernel must obey, by the functions of the test kit, over every
//! backend; and that the kit catches kernels that are broken.

mod control;
pub(crate) mod dynamics;
pub(crate) mod kernels;
mod limits;
pub(crate) mod mutations;
pub(crate) mod networks;

mod on {
    use regime_models::on_every_backend;

    on_every_backend!(kernels:
        what_holds_for_any_function_holds,
        all_ways_to_the_kernel_agree,
        rates_weight_the_parameters,
        the_order_and_the_batches_of_points_do_not_matter,
        tiles_do_not_show,
        single_precision_is_as_good_as_it_can_be,
    );
    on_every_backend!(networks:
        alpha_enters_squared_and_f0_not_at_all,
        relu_without_biases_is_homogeneous,
        permuting_hidden_units_keeps_the_kernel,
        rescaling_hidden_units_does_not,
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
