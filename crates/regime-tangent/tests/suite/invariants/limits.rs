//! Group 10: wide networks, and large α. On one backend, because other tests show that all
//! backends compute the same kernel.

use std::{collections::HashMap, f64::consts::PI};

use burn_flex::{Flex, FlexDevice};
use ndarray::{Array1, Array2, Axis, Slice, array};
use rayon::prelude::*;
use regime_models::{Activation, DenseSpec};
use regime_tangent::kit::{
    Claim, Invariant, OnBackend, Violation, bias_falls_with_width, fluctuations_fall_with_width,
    kernel_change_falls_with_alpha, numbers,
};

use super::control::Control;

/// Three points on the sphere of radius `√3`, 60 to 150 degrees apart.
fn points() -> Array2<f64> {
    let (sin, cos) = (PI / 3.0).sin_cos();
    array![[1.0, 0.0, 0.0], [cos, sin, 0.0], [-0.5, 0.1, (0.75f64 - 0.01).sqrt()]] * 3f64.sqrt()
}

fn initial_kernel(spec: &DenseSpec, seed: u64) -> Array2<f64> {
    let net = spec.build().unwrap();
    let w = Array1::from_vec(net.initial_weights(seed));
    OnBackend::<Flex, _>::new(&net, &FlexDevice).kernel(w.view(), points().view())
}

fn spec(activation: Activation, hidden_layers: usize) -> DenseSpec {
    DenseSpec { inputs: 3, width: 1, hidden_layers, activation, bias: true }
}

#[test]
fn fluctuations_fall_as_the_root_of_the_width() {
    let of =
        |spec: DenseSpec| move |width, seed| initial_kernel(&DenseSpec { width, ..spec }, seed);
    // One hidden layer is cheap at every width.
    let shallow = [(64, 24), (256, 24), (1024, 24), (4096, 24)];
    for activation in [Activation::Relu, Activation::Tanh] {
        let kernel = of(spec(activation, 1));
        fluctuations_fall_with_width(&shallow, 0.1, kernel).unwrap();
    }
    let deep = [(64, 16), (256, 16), (1024, 8), (4096, 3)];
    fluctuations_fall_with_width(&deep, 0.2, of(spec(Activation::Relu, 2))).unwrap();
}

/// Kernels of networks minus a control variate with mean zero.
#[test]
fn the_mean_kernel_approaches_its_limit_as_the_inverse_of_the_width() {
    let deep = DenseSpec { bias: false, ..spec(Activation::Relu, 2) };
    let points = points();
    let control = Control::new(points.row(0), points.row(1));
    let infinite = array![[control.infinite()]];
    let kernel = |width, seed| {
        let net = DenseSpec { width, ..deep }.build().unwrap();
        let w = net.initial_weights(seed);
        let control = control.of(&w, width);
        let claim = OnBackend::<Flex, _>::new(&net, &FlexDevice);
        let [x, y] = [0..1, 1..2].map(|row| points.slice_axis(Axis(0), Slice::from(row)));
        claim.cross_kernel(Array1::from_vec(w).view(), x, y) - control
    };
    let replicas = [(64, 2000), (256, 2000), (1024, 600), (4096, 160)];
    let made: Vec<((usize, u64), Array2<f64>)> = replicas
        .into_par_iter()
        .flat_map(|(width, seeds)| (0..seeds).into_par_iter().map(move |seed| (width, seed)))
        .map(|(width, seed)| ((width, seed), kernel(width, seed)))
        .collect();
    let made: HashMap<_, _> = made.into_iter().collect();
    let found = |width, seed| made[&(width, seed)].clone();
    bias_falls_with_width(&replicas, infinite.view(), 0.2, found).unwrap();
    // The distance from a wrong limit does not fall.
    let other = &infinite + 0.05;
    let violation = bias_falls_with_width(&replicas, other.view(), 0.2, found).unwrap_err();
    assert_eq!(violation.invariant(), Invariant::WidthBias);
}

#[test]
fn at_large_alpha_the_kernel_is_frozen() {
    for activation in [Activation::Tanh, Activation::Softplus { beta: 5.0 }] {
        let net = DenseSpec { width: 33, ..spec(activation, 2) }.build().unwrap();
        let claim = OnBackend::<Flex, _>::new(&net, &FlexDevice);
        let starts: Vec<_> = (0..4).map(|s| Array1::from_vec(net.initial_weights(s))).collect();
        let alphas = [1e2, 1e3, 1e4, 1e5];
        let points = points();
        let exponent =
            kernel_change_falls_with_alpha(&claim, &starts, points.view(), &alphas, 0.03);
        exponent.unwrap();
    }
}

/// Kernels from a formula with known exponents, right and wrong.
#[test]
fn other_exponents_are_refused() {
    let infinite = array![[2.0, 0.3], [0.3, 1.0]];
    let made = |fluctuation: f64, bias: f64| {
        let infinite = infinite.clone();
        move |width: usize, seed: u64| {
            let h = width as f64;
            let noise = numbers(3, seed * 131 + width as u64);
            let noise = array![[noise[0], noise[1]], [noise[1], noise[2]]];
            &infinite + &(noise * (0.1 * h.powf(fluctuation))) + 3.0 * h.powf(bias)
        }
    };
    let replicas = [(4, 60), (16, 60), (64, 60), (256, 60)];
    let fluctuation = |kernel: &dyn Fn(usize, u64) -> Array2<f64>| {
        fluctuations_fall_with_width(&replicas, 0.1, kernel)
    };
    let bias = |kernel: &dyn Fn(usize, u64) -> Array2<f64>| {
        bias_falls_with_width(&replicas, infinite.view(), 0.15, kernel)
    };
    let right = made(-0.5, -1.0);
    assert!((bias(&right).unwrap().estimate + 1.0).abs() < 0.1);
    for wrong in [made(-1.0, -1.0), made(0.0, -1.0)] {
        let violation = fluctuation(&wrong).unwrap_err();
        assert!(matches!(violation, Violation::Exponent { target: -0.5, .. }), "{violation}");
    }
    let violation = bias(&made(-0.5, -0.5)).unwrap_err();
    assert_eq!(violation.invariant(), Invariant::WidthBias);
    // Equal kernels do not fluctuate.
    let copies = fluctuation(&|_, _| infinite.clone()).unwrap_err();
    assert!(matches!(copies, Violation::NoExponent { .. }), "{copies}");
    // A linear model has the same kernel everywhere.
    let frozen = kernel_change_falls_with_alpha(
        &super::mutations::Linear { inputs: 3 },
        &[array![1.0, 2.0, 3.0], array![0.1, 0.2, 0.3]],
        points().view(),
        &[1.0, 10.0, 100.0],
        0.1,
    );
    assert!(matches!(frozen.unwrap_err(), Violation::NoExponent { .. }));
}
