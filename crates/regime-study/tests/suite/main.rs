//! Runs, over every backend.

mod backends;
mod batch;
mod columns;
mod coordinates;
mod mutations;
mod resume;

mod on {
    use regime_models::on_every_backend;

    on_every_backend!(backends:
        implicit_and_explicit_runs_agree,
        float32_is_near,
        convolutional_runs_agree,
        stochastic_runs_agree,
    );
    on_every_backend!(batch:
        runs_in_a_batch_are_runs,
        a_batch_stopped_again_and_again_ends_with_the_same_records,
    );
    on_every_backend!(resume:
        frozen_kernels_learn_beside_the_network,
    );
}
