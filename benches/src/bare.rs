//! The matrix products without which a work cannot be done, and nothing else.

use std::hint::black_box;

use burn::tensor::backend::Backend;
use faer::{
    Accum, Mat, MatRef, Par, Side,
    linalg::{
        matmul::triangular::{BlockStructure, matmul},
        solvers::Llt,
    },
    traits::ComplexField,
};
use rayon::prelude::*;
use regime_models::Precision;

use crate::{INPUTS, matrix_on, numbers};

/// The three products per layer of a loss and its gradient in a dense net, on the backend's own
/// product.
pub fn gradient<B: Backend>(
    n: usize,
    h: usize,
    layers: usize,
    precision: Precision,
    device: &B::Device,
) -> impl Fn() + use<B> {
    let matrix = |rows, columns| matrix_on::<B>(rows, columns, precision, device);
    let (a, w) = (matrix(n, h), matrix(h, h));
    let (x, w0) = (matrix(n, INPUTS), matrix(INPUTS, h));
    let device = device.clone();
    move || {
        black_box(x.clone().matmul(w0.clone()));
        black_box(x.clone().transpose().matmul(a.clone()));
        for _ in 1..layers {
            black_box(a.clone().matmul(w.clone()));
            black_box(a.clone().matmul(w.clone().transpose()));
            black_box(a.clone().transpose().matmul(a.clone()));
        }
        // A device may work behind the program's back.
        let _ = B::sync(&device);
    }
}

/// Multiply-adds of [`gradient`].
pub fn gradient_cost(n: usize, h: usize, layers: usize) -> f64 {
    let (n, h) = (n as f64, h as f64);
    n * h * (2.0 * INPUTS as f64 + 3.0 * h * (layers as f64 - 1.0))
}

/// Two Gram matrices for every layer of a dense net, one triangle of each, by faer on the host:
/// each on one thread, side by side where the pool has several.
pub fn kernel(n: usize, h: usize, layers: usize, precision: Precision) -> Box<dyn Fn() + Sync> {
    match precision {
        Precision::F64 => Box::new(grams::<f64>(n, h, layers, |v| v)),
        Precision::F32 => Box::new(grams::<f32>(n, h, layers, |v| v as f32)),
    }
}

/// Multiply-adds of [`kernel`].
pub fn kernel_cost(n: usize, h: usize, layers: usize) -> f64 {
    let columns = INPUTS + 2 * layers * h + 1;
    0.5 * (n as f64).powi(2) * columns as f64
}

fn grams<T: ComplexField + Copy + Send + Sync>(
    n: usize,
    h: usize,
    layers: usize,
    to: fn(f64) -> T,
) -> impl Fn() + Sync {
    let factor = move |k: usize| {
        let numbers = numbers(n * k);
        Mat::from_fn(n, k, |i, j| to(numbers[i * k + j]))
    };
    let (x, a, one) = (factor(INPUTS), factor(h), factor(1));
    move || {
        let mut all: Vec<MatRef<'_, T>> = vec![x.as_ref()];
        all.extend((0..2 * layers).map(|_| a.as_ref()));
        all.push(one.as_ref());
        all.par_iter().with_max_len(1).for_each_init(
            || Mat::<T>::zeros(n, n),
            |gram, a| {
                matmul(
                    gram.as_mut(),
                    BlockStructure::TriangularLower,
                    Accum::Replace,
                    *a,
                    BlockStructure::Rectangular,
                    a.transpose(),
                    BlockStructure::Rectangular,
                    to(1.0),
                    Par::Seq,
                );
                black_box(gram);
            },
        );
    }
}

/// A Cholesky factorisation in float64, by faer on one thread of the host.
pub fn factorisation(n: usize) -> impl Fn() + Sync {
    let matrix =
        Mat::<f64>::from_fn(
            n,
            n,
            |i, j| {
                if i == j { 2.0 } else { (1.0 + i.abs_diff(j) as f64).powi(-2) }
            },
        );
    move || {
        let factor: Result<Llt<f64>, _> = matrix.llt(Side::Lower);
        drop(black_box(factor));
    }
}

/// Multiply-adds of [`factorisation`].
pub fn factorisation_cost(n: usize) -> f64 {
    (n as f64).powi(3) / 6.0
}

/// The three products of every convolution of setup (B) that no gradient can do without, but
/// for the sensitivities of the points, on the backend's own product.
pub fn convolutions<B: Backend>(
    n: usize,
    h: usize,
    precision: Precision,
    device: &B::Device,
) -> impl Fn() + use<B> {
    let matrix = |rows, columns| matrix_on::<B>(rows, columns, precision, device);
    let shapes = [(169, 25, true), (121, 25 * h, false), (25, 25 * h, false), (9, 25 * h, false)];
    let factors = shapes.map(|(positions, inputs, first)| {
        // Some points at a time, as patches are made.
        let step = ((1 << 17) / (positions * inputs)).max(1);
        let patches = matrix(step * positions, inputs);
        (n.div_ceil(step), patches, matrix(inputs, h), matrix(step * positions, h), first)
    });
    let device = device.clone();
    move || {
        for (times, patches, w, delta, first) in &factors {
            for _ in 0..*times {
                drop(black_box(patches.clone().matmul(w.clone())));
                if !first {
                    drop(black_box(delta.clone().matmul(w.clone().transpose())));
                }
                drop(black_box(patches.clone().transpose().matmul(delta.clone())));
            }
        }
        let _ = B::sync(&device);
    }
}
