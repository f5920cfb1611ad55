//! The example of the front page of `regime-scaling`, as a program of its own. It is written by
//! `UPDATE_DOCS=1 cargo test -p xtask --test alone`.

use regime_scaling::{
    BootstrapConfig, CrossingPolicy, Equivalence, Pairing, Placement, Scales, crossing,
    exponent_interval, log_spaced,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut seeds = Vec::new();
    for noise in [0.02, -0.03, 0.05, 0.01, -0.04] {
        let mut crossings = Vec::new();
        for h in [100.0, 200.0, 400.0, 800.0_f64] {
            let scale = h.sqrt() * (1.0 + noise * h.ln());
            let curve: Vec<(f64, f64)> = log_spaced(1e-3, 1e2, 16)?
                .into_iter()
                .map(|alpha| (alpha, 1.0 / (1.0 + scale * alpha)))
                .collect();
            let found = crossing(&curve, 0.5, Scales::LOG_X, CrossingPolicy::default())?;
            crossings.push((h, found.x));
        }
        seeds.push(crossings);
    }
    let exponent = exponent_interval(&seeds, Pairing::Paired, &BootstrapConfig::default())?;
    println!("exponent of the crossover: {exponent}");
    let claim = Equivalence { target: -0.5, margin: 0.1 };
    assert_eq!(claim.place(exponent.low, exponent.high), Placement::Within);
    Ok(())
}
