//! One run, from a spec in a file to a figure: how the tangent kernel changes while a network
//! learns. `cargo run -p own-study -- run.json change.svg` from `docs/examples`.

use std::{env, error::Error, fs};

use burn_flex::{Flex, FlexDevice};
use regime_plot::{Axis, Figure, Guide, Theme, to_svg};
use regime_study::{Measurement, RunSpec, run};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(spec), Some(svg)) = (arguments.next(), arguments.next()) else {
        return Err("usage: own-study SPEC.json FIGURE.svg".into());
    };
    let mut spec: RunSpec = serde_json::from_str(&fs::read_to_string(spec)?)?;
    spec.kernel_path = true;
    let record = run::<Flex>(&spec, &FlexDevice, &mut |now: &Measurement| {
        eprintln!("t = {:.3e}, mean loss {:.3e}", now.training.t, now.training.mean_loss);
    })?;

    let change = |m: &Measurement| Some((m.training.t, m.kernel_change?));
    let points = record.path.iter().filter_map(change).filter(|(t, c)| t * c > 0.0).collect();
    let mut figure = Figure::new("change")
        .title("How the tangent kernel changes")
        .x(Axis::log("time t"))
        .y(Axis::log("‖Θ − Θ₀‖/‖Θ₀‖"))
        .line(format!("α = {}", spec.alpha), points);
    if let Some(t1) = record.t1 {
        figure = figure.guide(Guide::VerticalLevel { x: t1, label: "t₁".into() });
    }
    fs::write(&svg, to_svg(&figure, Theme::Adaptive))?;
    println!("{}, test error {:?}: {svg}", record.ending.name(), record.test_error());
    Ok(())
}
