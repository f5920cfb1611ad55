//! The matrix products that a task cannot avoid, without any other work.

use std::{
    hint::black_box,
    sync::{Mutex, PoisonError},
};

use faer::{
    Accum, Mat, MatRef, Par, Side,
    linalg::{
        matmul::{
            matmul as product,
            triangular::{BlockStructure, matmul},
        },
        solvers::Llt,
    },
    traits::ComplexField,
};
use rayon::prelude::*;
use regime_models::Precision;

use crate::problem::{INPUTS, numbers};

/// Matrix products that run when called, on any thread.
pub type Products = Box<dyn Fn() + Send + Sync>;

/// The three products per layer of a loss and its gradient in a dense net, written in place by
/// faer on the host. The rows are divided among the threads of the pool.
pub fn gradient(n: usize, h: usize, layers: usize, precision: Precision) -> Products {
    let mut shapes = vec![(INPUTS, h, false)];
    shapes.extend((1..layers).map(|_| (h, h, true)));
    affine(vec![(n, 1, shapes)], precision)
}

/// Affine maps, as rows, repetitions and shapes. A shape is the number of inputs, the number of
/// outputs, and whether the sensitivities of the inputs are computed.
type Affine = Vec<(usize, usize, Vec<(usize, usize, bool)>)>;

fn affine(maps: Affine, precision: Precision) -> Products {
    match precision {
        Precision::F64 => Box::new(affine_in(maps, |v| v)),
        Precision::F32 => Box::new(affine_in(maps, |v| v as f32)),
    }
}

fn affine_in<T: ComplexField + Copy + Send + Sync>(
    maps: Affine,
    to: fn(f64) -> T,
) -> impl Fn() + Send + Sync {
    let threads = rayon::current_num_threads();
    let matrix = move |rows: usize, columns: usize| {
        let numbers = numbers(rows * columns);
        Mat::from_fn(rows, columns, |i, j| to(numbers[i * columns + j]))
    };
    let mut jobs = Vec::new();
    for (rows, times, shapes) in maps {
        for (k, m, sensitive) in shapes {
            // Column-major, the fastest layout for products. Each thread has one part of the rows.
            let parts: Vec<_> = (0..threads)
                .map(|part| rows * (part + 1) / threads - rows * part / threads)
                .map(|rows| {
                    let zeros = |rows, columns| Mat::<T>::zeros(rows, columns);
                    let out = Mutex::new((zeros(rows, m), zeros(rows, k), zeros(k, m)));
                    (matrix(rows, k), matrix(rows, m), out)
                })
                .collect();
            jobs.push((times, parts, matrix(k, m), sensitive));
        }
    }
    move || {
        for (times, parts, w, sensitive) in &jobs {
            parts.par_iter().with_max_len(1).for_each(|(a, delta, out)| {
                // No other thread locks it, and its contents are never read.
                let mut out = out.lock().unwrap_or_else(PoisonError::into_inner);
                let (forward, back, sum) = &mut *out;
                let (a, w, delta, one) = (a.as_ref(), w.as_ref(), delta.as_ref(), to(1.0));
                for _ in 0..*times {
                    product(forward.as_mut(), Accum::Replace, a, w, one, Par::Seq);
                    if *sensitive {
                        product(back.as_mut(), Accum::Replace, delta, w.transpose(), one, Par::Seq);
                    }
                    product(sum.as_mut(), Accum::Replace, a.transpose(), delta, one, Par::Seq);
                }
                black_box(&out);
            });
        }
    }
}

/// Multiply-adds of [`gradient`].
pub fn gradient_cost(n: usize, h: usize, layers: usize) -> f64 {
    let (n, h) = (n as f64, h as f64);
    n * h * (2.0 * INPUTS as f64 + 3.0 * h * (layers as f64 - 1.0))
}

/// One triangle of two Gram matrices for every layer of a dense net, by faer on the host. Each
/// product uses one thread; a pool with several threads computes several products in parallel.
pub fn kernel(n: usize, h: usize, layers: usize, precision: Precision) -> Products {
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
) -> impl Fn() + Send + Sync {
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
pub fn factorisation(n: usize) -> impl Fn() + Send + Sync {
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

/// The three products of every convolution of setup (B) that a gradient cannot avoid, except
/// the sensitivities of the points; as [`gradient`].
pub fn convolutions(n: usize, h: usize, precision: Precision) -> Products {
    let shapes = [(169, 25, false), (121, 25 * h, true), (25, 25 * h, true), (9, 25 * h, true)];
    let maps = shapes.map(|(positions, inputs, sensitive)| {
        // A few points at a time, as for the patches of a network.
        let step = ((1 << 17) / (positions * inputs)).max(1);
        (step * positions, n.div_ceil(step), vec![(inputs, h, sensitive)])
    });
    affine(maps.to_vec(), precision)
}
