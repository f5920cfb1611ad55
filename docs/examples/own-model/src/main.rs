//! Prints the estimated cost of a model's kernel, the kernel, and the share of each layer; then
//! how another model learns under the flow, between feature learning and the frozen kernel.

use burn_flex::FlexDevice;
use own_model::{
    Attention, Gated, Grad, on_circle, task,
    training::{Task, learned, learned_by_the_frozen_kernel},
};
use regime_tangent::{Method, ModuleNetwork, Outputs, Precision, Sizes, Tape, kernel, plan};

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
    attention()
}

/// A block of attention under the flow, for several α.
fn attention() -> Result<(), Box<dyn std::error::Error>> {
    let (sequences, labels) = task(6, 3);
    let module = Attention::<Grad>::new(8, 1, &FlexDevice);
    let net = ModuleNetwork::new(&module, |m, x| Attention::forward(m, x), sequences.clone())?;
    let (w0, t) = (net.values(), 1.0);
    let task = Task { x: net.inputs(sequences)?, labels };

    println!("\na block of attention at t = {t}: α (f − f₀) on six sequences");
    let print = |name: String, outputs: Vec<f64>| {
        let outputs = outputs.iter().map(|f| format!("{f:9.4}")).collect::<String>();
        println!("{name:14}{outputs}");
    };
    for alpha in [0.1, 1.0, 10.0, 1000.0] {
        print(format!("α = {alpha}"), learned(&net, &task, &w0, alpha, t)?.0);
    }
    print("frozen kernel".to_owned(), learned_by_the_frozen_kernel(&net, &task, &w0, t)?.0);
    Ok(())
}
