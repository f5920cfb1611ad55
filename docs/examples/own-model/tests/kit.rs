//! The test kit of regime-tangent on a model from outside the workspace.

use burn::tensor::Tensor;
use burn_flex::FlexDevice;
use ndarray::{Array1, Array2};
use own_model::{Gated, Grad, Plain, on_circle};
use regime_tangent::{
    Method, Outputs, Precision, Sizes, full_kernel,
    kit::{
        Claim, OnModule, WithKernel, audit, methods_agree, numbers, positive_semidefinite,
        remainder_of_a_step, symmetric,
    },
    plan, traced_kernel,
};

fn net() -> Gated<Grad> {
    Gated::new(2, 7, 2, 7, &FlexDevice)
}

fn matrix(tensor: Tensor<Plain, 2>) -> Array2<f64> {
    let [rows, columns] = tensor.dims();
    Array2::from_shape_vec((rows, columns), Precision::to_host(tensor)).unwrap()
}

#[test]
fn each_output_satisfies_the_invariants() {
    let f = on_circle(&net(), 5).unwrap();
    for output in 0..2 {
        let claim = OnModule::new(&f, output);
        for n in [1, 2, 7] {
            let x = Array2::from_shape_vec((n, 2), numbers(2 * n, 3)).unwrap();
            let w = claim.weights();
            assert_eq!(audit(&claim, w.view(), x.view()), []);
            let g = Array1::from_vec(numbers(n, 5));
            remainder_of_a_step(&claim, w.view(), x.view(), g.view(), 0.1).unwrap();
        }
    }
}

#[test]
fn a_kernel_that_forgets_the_shared_matrix_is_caught() {
    let f = on_circle(&net(), 5).unwrap();
    let claim = OnModule::new(&f, 0);
    let without = WithKernel::new(claim.clone(), |w, x| {
        let groups = claim.group_kernels(w, x);
        let shared = groups.iter().find(|group| group.parameters[0].len() == 7 * 7).unwrap();
        claim.kernel(w, x) - &shared.kernel
    });
    let x = Array2::from_shape_vec((4, 2), numbers(8, 3)).unwrap();
    assert!(!audit(&without, claim.weights().view(), x.view()).is_empty());
}

#[test]
fn all_ways_to_the_kernel_of_both_outputs_agree() {
    let n = 6;
    let f = on_circle(&net(), n).unwrap();
    let (held, unheld) = (f.tapes(1 << 24).unwrap(), f.matrix_free_tapes());
    let by = |method| plan(&Sizes::of(&unheld), Outputs::Full, method, 1 << 24).unwrap();
    let full = matrix(full_kernel(&held));
    assert_eq!(full.dim(), (2 * n, 2 * n));
    symmetric(full.view()).unwrap();
    positive_semidefinite(full.view(), Precision::F64).unwrap();
    let ways = [
        ("held", full.clone()),
        ("contraction", matrix(by(Method::Contraction).compute(&unheld).unwrap())),
        ("products", matrix(by(Method::Products).compute(&unheld).unwrap())),
    ];
    methods_agree(&ways, Precision::F64).unwrap();

    let mean = matrix(traced_kernel(&held, Outputs::TracedMean));
    for ((i, j), value) in mean.indexed_iter() {
        let blocks = 0.5 * (full[(i, j)] + full[(n + i, n + j)]);
        assert!((value - blocks).abs() <= 1e-14 * mean[(i, i)]);
    }
}
