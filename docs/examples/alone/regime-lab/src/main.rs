//! The example of the front page of `regime-lab`, as a program of its own. It is written by
//! `UPDATE_DOCS=1 cargo test -p xtask --test alone`.

use std::convert::Infallible;

use regime_lab::{Event, Grid, Options, Spec, Store, execute};
use serde::{Deserialize, Serialize};

/// x ← x − rate · x, `n_steps` times from x = 1.
#[derive(Clone, Serialize, Deserialize)]
struct Decay {
    rate: f64,
    n_steps: u32,
}

impl Spec for Decay {
    const KIND: &'static str = "decay";
    const VERSION: u32 = 1;
    fn cost(&self) -> f64 {
        f64::from(self.n_steps)
    }
}

fn run(spec: &Decay) -> Result<f64, Infallible> {
    Ok((0..spec.n_steps).fold(1.0, |x, _| x - spec.rate * x))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let grid = Grid::from_base(Decay { rate: 0.0, n_steps: 0 })
        .axis("rate", [0.5, 0.25], |spec, rate| spec.rate = rate)
        .axis("n_steps", [1, 2], |spec, n| spec.n_steps = n);

    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    let store = Store::open(folder)?;
    let options = Options { jobs: 2, ..Options::default() };
    let mut silent = |_: &Event| {};
    let report = execute(grid.specs(), &store, &options, run, &mut silent)?;
    assert_eq!(report.counts().computed, 4);
    let records = report.into_records()?;
    for (spec, record) in grid.specs().iter().zip(&records) {
        println!("rate {:.2}, {} steps: x = {record}", spec.rate, spec.n_steps);
    }
    assert_eq!(records, [0.5, 0.25, 0.75, 0.5625]);

    // A second call computes nothing.
    let again = execute(grid.specs(), &store, &options, run, &mut silent)?;
    assert_eq!((again.counts().reused, again.counts().computed), (4, 0));
    Ok(())
}
