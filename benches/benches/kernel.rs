//! The tangent kernel of a dense net in its three forms, compared with the bare symmetric
//! products of the same shapes.
//!
//! `RAYON_NUM_THREADS=1 cargo bench --bench kernel`: the bare products use one thread. Each
//! form is timed alternately with the bare products, and the medians are compared.

use std::{hint::black_box, time::Duration};

use regime_benches::{Backend, DEVICE, INPUTS, bare, clock::medians, matrix, network};
use regime_models::{Network, Precision, Tape, Trace};
use regime_tangent::{contracted_kernel, kernel, multiply};

const LAYERS: usize = 5;

fn main() {
    println!("{:>5} {:>4} {:>26} {:>9} {:>6}", "n", "h", "work", "ms", "ratio");
    for (n, h) in [(1000, 100), (2000, 100), (2000, 400)] {
        let net = network(INPUTS, h, LAYERS);
        let w = Precision::F64.vector::<Backend>(&net.initial_weights(0), &DEVICE);
        let x = matrix(n, INPUTS);
        let tape = net.trace(&w, &x).linearise();
        let bare = bare::kernel(n, h, LAYERS, Precision::F64);

        let [form, reference] = medians(9, || drop(black_box(kernel(&tape))), &bare);
        row(n, h, "bare symmetric products", reference, reference);
        row(n, h, "structured", form, reference);
        let whole = || drop(black_box(kernel(&net.trace(&w, &x).linearise())));
        let [form, reference] = medians(9, whole, &bare);
        row(n, h, "structured, with its tape", form, reference);

        let v = Precision::F64.vector::<Backend>(&vec![1.0; n], &DEVICE);
        let [form, reference] = medians(9, || drop(black_box(multiply(&tape, v.clone()))), &bare);
        row(n, h, "one product, of n columns", form, reference);

        // A quarter of the points for wide nets, because all points would take minutes.
        let n = if h > 100 { n / 4 } else { n };
        let part: Vec<usize> = (0..n).collect();
        let part = tape.select(&part);
        let bare = bare::kernel(n, h, LAYERS, Precision::F64);
        let [form, reference] = medians(3, || drop(black_box(contracted_kernel(&part))), &bare);
        row(n, h, "contraction", form, reference);
    }
}

fn row(n: usize, h: usize, work: &str, time: Duration, reference: Duration) {
    let ratio = time.as_secs_f64() / reference.as_secs_f64();
    println!("{n:>5} {h:>4} {work:>26} {:>9.1} {ratio:>6.2}", time.as_secs_f64() * 1e3);
}
