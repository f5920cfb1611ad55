use ndarray::{Array1, Array2};
use regime_models::kit::Problem;

/// Weights `[P]` and points `[n, d]` of a problem, as arguments for the checks.
pub fn arrays(problem: &Problem) -> (Array1<f64>, Array2<f64>) {
    let shape = (problem.n, problem.net.n_inputs());
    let x = Array2::from_shape_vec(shape, problem.x.clone()).expect("a problem has n·d numbers");
    (Array1::from_vec(problem.w.clone()), x)
}
