//! Pins the work of the named problems. The test fails when a change increases the work, and does
//! not depend on a clock. After an intended change, run `cargo insta accept`, or run the test with
//! `INSTA_UPDATE=always`.

use regime_benches::{Backend, DEVICE, named};
use regime_train::Scheme;

#[test]
fn the_work_of_the_named_problems() {
    let mut lines = Vec::new();
    for problem in named() {
        let prepared = problem.prepare::<Backend>(0, &DEVICE).unwrap();
        let outcome = prepared.run(Scheme::adaptive(), None).outcome;
        let work = outcome.work;
        lines.push(format!(
            "{}: {:?}, steps {} + {}, points {} forward {} backward {} in products, kernels {}, \
             factors {}, substeps {}, largest kernel {} bytes",
            problem.name,
            outcome.end,
            outcome.steps,
            outcome.rejected,
            work.points_forward,
            work.points_backward,
            work.points_product,
            work.kernel_numbers,
            work.factor_cubes,
            work.substeps,
            work.largest_kernel_bytes,
        ));
    }
    insta::assert_snapshot!(lines.join("\n"));
}
