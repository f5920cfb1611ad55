//! Groups 8 and 9: a step, and the linearised flow.

use burn_tensor::backend::Backend;
use ndarray::{Array1, Array2, ArrayView1, array};
use proptest::prelude::*;
use regime_models::NetworkSpec;
use regime_tangent::kit::{
    Claim, Invariant, OnBackend, Problem, Violation, WithKernel, arrays,
    flow_ends_at_ridgeless_regression, for_all, kernel_flow, loss_falls_at_the_rate_of_the_kernel,
    numbers, remainder_of_a_step,
    strategies::{dense, problems, smooth_activations},
    weight_flow_is_kernel_flow,
};

pub(crate) fn a_small_step_moves_f_by_the_kernel<B: Backend>(device: &B::Device) {
    for_all(16, problems(smooth_activations()), |problem| {
        let (w, x) = arrays(&problem);
        let claim = OnBackend::<B, _>::new(&problem.net, device);
        let g = Array1::from_vec(problem.cotangent());
        remainder_of_a_step(&claim, w.view(), x.view(), g.view(), 0.02)?;

        // A kernel that is too large by a thousandth leaves a remainder of first order.
        let large = WithKernel::new(&claim, |w, x| claim.kernel(w, x) * 1.001);
        let order = remainder_of_a_step(&large, w.view(), x.view(), g.view(), 1e-4).unwrap_err();
        prop_assert_eq!(order.invariant(), Invariant::StepOrder);
        let rate = loss_falls_at_the_rate_of_the_kernel(&large, w.view(), x.view(), g.view());
        prop_assert_eq!(rate.unwrap_err().invariant(), Invariant::Descent);
        let flow = weight_flow_is_kernel_flow(&large, w.view(), x.view(), g.view());
        prop_assert_eq!(flow.unwrap_err().invariant(), Invariant::WeightFlow);
        Ok(())
    });
}

pub(crate) fn the_linearised_flow_ends_at_ridgeless_regression<B: Backend>(device: &B::Device) {
    // More parameters than points, and points with large distances.
    let specs = dense(smooth_activations(), any::<bool>().boxed())
        .prop_filter("wide", |spec| spec.width > 3 && spec.inputs > 2);
    for_all(16, (specs, 1..5usize, any::<u64>()), |(spec, n, seed)| {
        let problem = Problem::of(NetworkSpec::Dense(spec), n, seed);
        let (w, x) = arrays(&problem);
        let others = Array2::from_shape_vec((3, spec.inputs), numbers(3 * spec.inputs, seed ^ 5));
        let (others, y) = (others.unwrap(), Array1::from_vec(problem.cotangent()));
        let claim = OnBackend::<B, _>::new(&problem.net, device);
        let end = |claim: &dyn Claim| {
            let (w, x, y, others) = (w.view(), x.view(), y.view(), others.view());
            flow_ends_at_ridgeless_regression(claim, w, x, y, others)
        };
        match end(&claim) {
            Err(Violation::IllConditioned { .. }) => return Err(TestCaseError::reject("close")),
            outcome => outcome?,
        }
        // Ridgeless regression does not change with a factor, but it does with a ridge.
        let ridged = WithKernel::new(&claim, |w, x| {
            let theta = claim.kernel(w, x);
            let scale = theta.diag().sum() / theta.nrows() as f64;
            // A kernel on more points is used for its off-diagonal block only.
            if theta.nrows() == n {
                &theta + &(Array2::<f64>::eye(n) * (1e-3 * scale))
            } else {
                theta
            }
        });
        prop_assert_eq!(end(&ridged).unwrap_err().invariant(), Invariant::Ridgeless);
        Ok(())
    });
}

/// The flow with a frozen kernel, by Runge-Kutta in the outputs; `over` divides the speed.
fn integrated(
    theta: &Array2<f64>,
    y: &Array1<f64>,
    over: f64,
    f0: ArrayView1<f64>,
    t: f64,
) -> Array1<f64> {
    let speed = |f: &Array1<f64>| theta.dot(&(f - y)) / -over;
    let dt = t / 800.0;
    let mut f = f0.to_owned();
    for _ in 0..800 {
        let a = speed(&f);
        let b = speed(&(&f + &(&a * (0.5 * dt))));
        let c = speed(&(&f + &(&b * (0.5 * dt))));
        let d = speed(&(&f + &(&c * dt)));
        f += &((a + b * 2.0 + c * 2.0 + d) * (dt / 6.0));
    }
    f
}

#[test]
fn a_flow_of_outputs_equals_its_closed_form_and_is_a_semigroup() {
    let theta = array![[2.0, 0.3, -0.1], [0.3, 1.0, 0.2], [-0.1, 0.2, 0.05]];
    let (f0, y) = (array![0.1, -0.2, 0.4], array![1.0, -1.0, 1.0]);
    let flow = |over: f64| {
        let (theta, y) = (theta.clone(), y.clone());
        move |f0: ArrayView1<f64>, t: f64| integrated(&theta, &y, over, f0, t)
    };
    kernel_flow(theta.view(), f0.view(), y.view(), 1e-9, flow(3.0)).unwrap();
    // A flow without the number of points.
    let forgotten = kernel_flow(theta.view(), f0.view(), y.view(), 1e-9, flow(1.0));
    assert_eq!(forgotten.unwrap_err().invariant(), Invariant::KernelFlow);
    // A flow that ignores its starting value and always starts from `f₀`.
    let start = f0.clone();
    let stuck = |_: ArrayView1<f64>, t: f64| flow(3.0)(start.view(), t);
    let stuck = kernel_flow(theta.view(), f0.view(), y.view(), 1e-9, stuck);
    assert_eq!(stuck.unwrap_err().invariant(), Invariant::Semigroup);
}

/// One weight and one point, with values by hand.
#[test]
fn the_checks_accept_a_parabola() {
    use ndarray::ArrayView2;

    /// `f = x w²`, so `J = 2xw`.
    struct Parabola;

    impl Claim for Parabola {
        fn n_params(&self) -> usize {
            1
        }

        fn output(&self, w: ArrayView1<f64>, x: ArrayView2<f64>) -> Array1<f64> {
            x.column(0).mapv(|x| x * w[0] * w[0])
        }

        fn kernel(&self, w: ArrayView1<f64>, x: ArrayView2<f64>) -> Array2<f64> {
            x.dot(&x.t()) * (4.0 * w[0] * w[0])
        }
    }

    let (w, x, y) = (array![0.7], array![[1.5]], array![2.0]);
    regime_tangent::kit::check(&Parabola, w.view(), x.view()).unwrap();
    remainder_of_a_step(&Parabola, w.view(), x.view(), array![1.0].view(), 0.02).unwrap();
    // A kernel with a NaN has no order.
    let spoiled = WithKernel::new(Parabola, |_, x| Array2::from_elem([x.nrows(); 2], f64::NAN));
    let error = remainder_of_a_step(&spoiled, w.view(), x.view(), array![1.0].view(), 0.02);
    assert_eq!(error.unwrap_err().invariant(), Invariant::StepOrder);
    // J = 2.1; an increase of w by 1/2.1 of the residual solves the linear problem.
    let others = array![[-1.0], [4.0]];
    flow_ends_at_ridgeless_regression(&Parabola, w.view(), x.view(), y.view(), others.view())
        .unwrap();
    let pulled = Parabola.vjp(w.view(), x.view(), array![1.0].view());
    assert!((pulled[0] - 2.1).abs() < 1e-8);
}
