//! Loss gradient and its parts, compared with the bare matrix products of the same shapes.
//!
//! Use one thread, as runs do: `RAYON_NUM_THREADS=1 cargo bench`.

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use regime_benches::{Backend, DEVICE, INPUTS, bare, matrix, network};
use regime_models::{Activation, Network, Precision, Tape, Trace};
use regime_train::Loss;
use std::hint::black_box;

const SIZES: [(usize, usize); 3] = [(1000, 100), (1000, 256), (5000, 100)];
const LAYERS: usize = 5;

fn activation(c: &mut Criterion) {
    let mut group = c.benchmark_group("softplus value and slope");
    for (n, h) in SIZES {
        let activation = Activation::Softplus { beta: 5.0 };
        let z = matrix(n, h);
        group.bench_function(BenchmarkId::from_parameter(format!("n{n} h{h}")), |b| {
            b.iter_batched(
                || z.clone().add_scalar(0.0),
                |z| black_box(activation.value_and_slope(1.4, z)),
                BatchSize::LargeInput,
            );
        });
    }
}

/// The work of the host on the outputs: the loss of every margin and its first two derivatives.
fn loss(c: &mut Criterion) {
    let mut group = c.benchmark_group("loss, slope and curvature");
    let loss = Loss::SoftHinge { beta: 20.0 };
    for n in [1000, 5000] {
        let margins: Vec<f64> = (0..n).map(|i| 2.0 * i as f64 / n as f64).collect();
        let all = |u: &f64| loss.jet(*u).iter().sum::<f64>();
        group.bench_function(BenchmarkId::from_parameter(format!("n{n}")), |b| {
            b.iter(|| black_box(&margins).iter().map(all).sum::<f64>());
        });
    }
}

/// The three products per layer that a gradient cannot avoid.
fn products(c: &mut Criterion) {
    let mut group = c.benchmark_group("bare products of a gradient");
    for (n, h) in SIZES {
        let products = bare::gradient(n, h, LAYERS, Precision::F64);
        group.bench_function(BenchmarkId::from_parameter(format!("n{n} h{h}")), |b| {
            b.iter(&products);
        });
    }
}

fn gradient(c: &mut Criterion) {
    let mut group = c.benchmark_group("gradient");
    for (n, h) in SIZES {
        let net = network(INPUTS, h, LAYERS);
        let x = matrix(n, INPUTS);
        let w = Precision::F64.vector::<Backend>(&net.initial_weights(0), &DEVICE);
        let g = Precision::F64.vector::<Backend>(&vec![1.0 / n as f64; n], &DEVICE);
        group.bench_function(BenchmarkId::from_parameter(format!("n{n} h{h}")), |b| {
            b.iter(|| black_box(net.trace(&w, &x).linearise().vjp(g.clone())));
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = activation, loss, products, gradient
}
criterion_main!(benches);
