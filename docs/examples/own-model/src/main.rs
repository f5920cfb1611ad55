//! Prints the estimated cost of the model's kernel, the kernel, and the share of each layer.

use burn_flex::FlexDevice;
use own_model::{Gated, Grad, on_circle};
use regime_tangent::{Method, Outputs, Precision, Sizes, Tape, kernel, plan};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let n = 6;
    let net = Gated::<Grad>::new(2, 16, 2, 7, &FlexDevice);
    let f = on_circle(&net, n)?;
    let tapes = f.tapes(64 << 20)?;

    let sizes = Sizes::of(&tapes);
    let full = plan(&sizes, Outputs::Full, Method::Auto, 64 << 20)?;
    println!("{full}");
    println!("at 10¹⁰ multiply-adds per second: {:.1e} s\n", full.seconds_at(1e10));
    let theta = full.compute(&tapes)?;
    println!("full kernel: {:?}", theta.dims());

    println!("traced over the outputs (their mean):");
    let mean = plan(&sizes, Outputs::TracedMean, Method::Auto, 64 << 20)?;
    for row in Precision::to_host(mean.compute(&tapes)?).chunks(n) {
        println!("{}", row.iter().map(|v| format!("{v:9.4}")).collect::<String>());
    }

    println!("\nlayer        parameters  share of the trace, output 0");
    let trace = |theta| Precision::to_host(theta).iter().step_by(n + 1).sum::<f64>();
    let whole = trace(kernel(&tapes[0]));
    for (name, layer) in tapes[0].layers() {
        let name = if name.is_empty() { "(mix)" } else { &name };
        let share = 100.0 * trace(kernel(&layer)) / whole;
        println!("{name:12} {:10}  {share:5.1} %", layer.n_params());
    }
    Ok(())
}
