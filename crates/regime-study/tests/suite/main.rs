//! Tests of runs, some of them on every backend.

mod backends;
mod batch;
mod columns;
mod coordinates;
mod mutations;
mod own;
mod resume;

mod on {
    use regime_models::on_every_backend;

    on_every_backend!(backends:
        implicit_and_explicit_runs_agree,
        float32_runs_are_close,
        convolutional_runs_agree,
        stochastic_runs_agree,
    );
    on_every_backend!(batch:
        runs_in_a_batch_give_the_records_of_single_runs,
        a_repeatedly_stopped_batch_gives_the_same_records,
    );
    on_every_backend!(resume:
        frozen_kernels_learn_the_task_of_the_network,
    );
}
