//! The example of the front page of `regime-plot`, as a program of its own. It is written by
//! `UPDATE_DOCS=1 cargo test -p xtask --test alone`.

use regime_plot::{Axis, Figure, Guide, Theme, to_svg};

fn main() {
    let widths = [64.0, 128.0, 256.0, 512.0_f64];
    let curve = |factor: f64| widths.map(|h| (h, factor / h.sqrt())).to_vec();
    let figure = Figure::new("kernel-change")
        .title("How much the kernel changes")
        .x(Axis::log("width h"))
        .y(Axis::log("‖ΔΘ‖ / ‖Θ₀‖"))
        .line("depth 2", curve(1.0))
        .points("depth 3", curve(1.7))
        .guide(Guide::Slope {
            slope: -0.5,
            through: (64.0, 0.3),
            range: (64.0, 512.0),
            label: "slope −1/2".into(),
        });
    let svg = to_svg(&figure, Theme::Adaptive);
    // In a file: cargo run > kernel-change.svg
    println!("{svg}");
    assert!(svg.starts_with("<svg") && svg.contains(">depth 3</text>"));
}
