//! The convolutional net of setup (B): the parts of an implicit step, compared with the
//! bare matrix products of one gradient.
//!
//! `RAYON_NUM_THREADS=1 cargo bench --bench convolution`

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use regime_benches::{Backend, DEVICE, bare, matrix};
use regime_models::{ConvolutionalSpec, Network, Precision, Tape, Trace};
use regime_tangent::kernel;

/// The fraction of points that are active in a typical implicit step.
const ACTIVE: f64 = 0.25;

fn main() {
    println!("{:>5} {:>4} {:>22} {:>9} {:>9} {:>6}", "n", "h", "work", "ms", "Gflop/s", "ratio");
    for (n, h) in [(1000, 16), (500, 32)] {
        let net = ConvolutionalSpec::setup_b(h).build().expect("the paper's net");
        let w = Precision::F64.vector::<Backend>(&net.initial_weights(0), &DEVICE);
        let x = matrix(n, net.n_inputs());
        let flops = 2.0 * n as f64 * net.forward_cost();
        let bare = median(bare::convolutions(n, h, Precision::F64));
        let print = |work: &str, time: Duration, flops: f64| {
            let ratio = time.as_secs_f64() / bare.as_secs_f64();
            let (ms, rate) = (time.as_secs_f64() * 1e3, flops / time.as_secs_f64() / 1e9);
            println!("{n:>5} {h:>4} {work:>22} {ms:>9.1} {rate:>9.1} {ratio:>6.2}");
        };
        print("bare products", bare, 3.0 * flops);
        print("forward", median(|| drop(black_box(net.forward(&w, &x)))), flops);
        print("trace", median(|| drop(black_box(net.trace(&w, &x)))), flops);
        let g = Precision::F64.vector::<Backend>(&vec![1.0 / n as f64; n], &DEVICE);
        let gradient = || drop(black_box(net.trace(&w, &x).linearise().vjp(g.clone())));
        print("gradient", median(gradient), 3.0 * flops);
        let linearise = || drop(black_box(net.trace(&w, &x).linearise()));
        print("trace and linearise", median(linearise), 2.0 * flops);

        let tape = net.trace(&w, &x).linearise();
        print("vjp", median(|| drop(black_box(tape.vjp(g.clone())))), flops);
        print("jvp", median(|| drop(black_box(tape.jvp(w.clone())))), flops);
        let active: Vec<usize> = (0..(ACTIVE * n as f64) as usize).collect();
        let part = tape.select(&active);
        let m = active.len() as f64;
        let kernel_flops = m * m * net.n_params() as f64;
        print("kernel of a quarter", median(|| drop(black_box(kernel(&part)))), kernel_flops);
        let kernel_gradients = 2.0 * m * net.forward_cost();
        let gradients = || {
            for block in part.blocks().expect("a convolutional net has blocks") {
                drop(black_box(block.point_gradients(0..block.n_outputs())));
            }
        };
        print("gradients of a quarter", median(gradients), kernel_gradients);
    }
}

fn median(mut work: impl FnMut()) -> Duration {
    work();
    let mut times: Vec<Duration> = (0..5)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .collect();
    times.sort();
    times[2]
}
