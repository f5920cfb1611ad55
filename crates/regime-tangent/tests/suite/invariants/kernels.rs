//! Groups 1 to 4, and the checks of groups 8 and 9 that hold for any function.

use burn_tensor::backend::Backend;
use ndarray::{Array1, Array2};
use regime_models::{Activation, DenseSpec, NetworkSpec, Precision, Tape};
use regime_tangent::{
    TILE, contracted_kernel, cross_kernel, diagonal, jacobian,
    kit::{
        Claim, OnBackend, Problem, arrays, check, cross_is_a_block, for_all, kernel_is_equivariant,
        kernel_is_independent_of_batches, methods_agree, numbers,
        strategies::{activations, problems},
        symmetric,
    },
    weighted_kernel,
};

use super::mutations::host;

pub(crate) fn general_invariants_hold<B: Backend>(device: &B::Device) {
    for_all(24, problems(activations()), |problem| {
        let (w, x) = arrays(&problem);
        check(&OnBackend::<B, _>::new(&problem.net, device), w.view(), x.view())?;
        Ok(())
    });
}

/// Products with basis vectors are a further way; [`check`] uses them for every claim.
pub(crate) fn all_ways_to_compute_the_kernel_agree<B: Backend>(device: &B::Device) {
    for_all(24, problems(activations()), |problem| {
        let tape = problem.tape::<B>(device);
        let structured = host(regime_tangent::kernel(&tape));
        let of_gradients = Array1::from_vec(Precision::to_host(diagonal(&tape)));
        let found = Array2::from_diag(&of_gradients);
        let expected = Array2::from_diag(&structured.diag());
        methods_agree(&[("the diagonal", expected), ("`diagonal`", found)], Precision::F64)?;
        let ways = [
            ("structured", structured),
            ("contracted", host(contracted_kernel(&tape))),
            ("crossed with itself", host(cross_kernel(&tape, &tape))),
        ];
        methods_agree(&ways, Precision::F64)?;
        Ok(())
    });
}

/// With one rate for the weights and one for the biases of each layer, and with a rate for every
/// parameter: as from the Jacobian.
pub(crate) fn rates_weight_the_parameters<B: Backend>(device: &B::Device) {
    for_all(12, problems(activations()), |problem| {
        let tape = problem.tape::<B>(device);
        let n_params = tape.n_params();
        let mut by_layer = vec![0.0; n_params];
        for (layer, block) in tape.blocks().expect("a layered network").iter().enumerate() {
            by_layer[block.weights.clone()].fill(0.5 + layer as f64);
            if let Some(biases) = &block.biases {
                by_layer[biases.clone()].fill(3.0 / (1.0 + layer as f64));
            }
        }
        let by_parameter: Vec<f64> = numbers(n_params, 5).iter().map(|r| r * r).collect();
        for rates in [by_layer, by_parameter] {
            let gradients = host(jacobian(&tape));
            let expected = (&gradients * &Array1::from_vec(rates.clone())).dot(&gradients.t());
            let found = host(weighted_kernel(&tape, &rates));
            symmetric(found.view())?;
            methods_agree(&[("from the Jacobian", expected), ("weighted", found)], Precision::F64)?;
        }
        Ok(())
    });
}

pub(crate) fn the_order_and_the_batches_of_points_do_not_matter<B: Backend>(device: &B::Device) {
    for_all(12, problems(activations()), |problem| {
        let (w, x) = arrays(&problem);
        let claim = OnBackend::<B, _>::new(&problem.net, device);
        let n = problem.n;
        for split in [1, n / 2, n.saturating_sub(1)] {
            if 0 < split && split < n {
                cross_is_a_block(&claim, w.view(), x.view(), split)?;
            }
        }
        // A stride of 5 visits every point, because no other number of points is a multiple
        // of 5.
        let stride = if n == 5 { 2 } else { 5 };
        let order: Vec<usize> = (0..n).map(|i| (i * stride + 1) % n).collect();
        kernel_is_equivariant(&claim, w.view(), x.view(), &order)?;
        for size in [2, n.div_ceil(2)] {
            kernel_is_independent_of_batches(&claim, w.view(), x.view(), size)?;
        }
        Ok(())
    });
}

fn dense(inputs: usize, width: usize, activation: Activation) -> NetworkSpec {
    NetworkSpec::Dense(DenseSpec { inputs, width, hidden_layers: 2, activation, bias: true })
}

/// More points than a tile has rows in host memory, with a last tile that is not full.
pub(crate) fn tiling_does_not_change_the_kernel<B: Backend>(device: &B::Device) {
    let problem = Problem::of(dense(3, 5, Activation::Tanh), TILE + TILE / 2 + 1, 5);
    let tape = problem.tape::<B>(device);
    let theta = host(regime_tangent::kernel(&tape));
    symmetric(theta.view()).unwrap();
    let n = problem.n;
    for used in [n, n * n, n * n + 7] {
        let again = host(regime_tangent::kernel_in(&tape, vec![f64::NAN; used]));
        assert_eq!(again, theta, "with a scratch buffer of {used} numbers");
    }
    let ways = [
        ("in tiles", theta),
        ("contracted", host(contracted_kernel(&tape))),
        ("crossed with itself", host(cross_kernel(&tape, &tape))),
    ];
    methods_agree(&ways, Precision::F64).unwrap();
}

pub(crate) fn single_precision_agrees_up_to_its_rounding<B: Backend>(device: &B::Device) {
    let problem = Problem::of(dense(3, 31, Activation::Tanh), 7, 5);
    let (w, x) = arrays(&problem);
    let claim = OnBackend::<B, _>::new(&problem.net, device);
    let single = claim.clone().in_precision(Precision::F32);
    check(&single, w.view(), x.view()).unwrap();
    let ways = [
        ("in double precision", claim.kernel(w.view(), x.view())),
        ("in single precision", single.kernel(w.view(), x.view())),
    ];
    methods_agree(&ways, Precision::F32).unwrap();
    assert!(methods_agree(&ways, Precision::F64).is_err());
}

/// The number of threads on Flex, the only backend that uses the rayon pool.
#[test]
fn threads_do_not_change_the_kernel() {
    let problem = Problem::of(dense(10, 150, Activation::Relu), TILE + 44, 5);
    let x = numbers(10 * problem.n, 5);
    let problem = Problem { x, ..problem };
    let ways = [("one thread", 1), ("two threads", 2), ("three threads", 3)].map(|(name, n)| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
        let kernel = || {
            let tape = problem.tape::<burn_flex::Flex>(&burn_flex::FlexDevice);
            host(regime_tangent::kernel(&tape))
        };
        (name, pool.install(kernel))
    });
    methods_agree(&ways, Precision::F64).unwrap();
}
