//! On simulated records, the analyses estimate the true values.

use regime_findings::{
    FINDINGS, Profile, Settings,
    simulate::{Border, Depth, Fluctuations, Gap, Passage, Truth},
};
use regime_scaling::{mean, sample_variance};
use regime_study::{Run, RunSpec};

/// Compares the mean of every estimate over studies with the true value; `None` where there is no
/// value to compare with.
fn compare(
    finding: usize,
    studies: u64,
    simulated: impl Fn(&[RunSpec], u64) -> Vec<Run>,
    truth: &[Option<f64>],
) {
    let of = FINDINGS[finding - 1];
    let specs = of.grid(&Settings::of(Profile::Laptop));
    let mut estimates: Vec<Vec<f64>> = vec![Vec::new(); truth.len()];
    let mut errors: Vec<Vec<f64>> = vec![Vec::new(); truth.len()];
    for seed in 0..studies {
        let statements = of.statements(&simulated(&specs, 1000 + seed));
        assert_eq!(statements.len(), truth.len());
        for (k, statement) in statements.iter().enumerate() {
            let interval = statement.interval.as_ref().unwrap();
            estimates[k].push(interval.estimate);
            errors[k].push(interval.std_error);
        }
    }
    for (k, truth) in truth.iter().enumerate() {
        let m = mean(&estimates[k]).unwrap();
        let spread = sample_variance(&estimates[k]).unwrap().sqrt();
        if let Some(truth) = truth {
            let off = (m.mean - truth).abs();
            let limit = 4.0 * spread / (studies as f64).sqrt() + 1e-3;
            assert!(off < limit, "finding-{finding}, part {k}: {} for {truth} ({limit})", m.mean);
        }
        // Standard errors are of the size of the spread over studies.
        let ratio = mean(&errors[k]).unwrap().mean / spread;
        assert!((0.6..=1.7).contains(&ratio), "finding-{finding}, part {k}: ratio {ratio}");
    }
}

#[test]
fn estimates_of_the_border() {
    let border = Border { exponent: -0.4 };
    compare(1, 60, |specs, seed| border.simulated(specs, seed), &[Some(-0.4), Some(0.4)]);
}

#[test]
fn estimates_of_the_gaps() {
    let gap = Gap::of(Truth::Holds);
    // The chosen α is not always the best, so the gaps in (A) differ from the true ones.
    let b = Some(gap.convolutional);
    compare(2, 40, |specs, seed| gap.simulated(specs, seed), &[None, None, None, b, b]);
}

#[test]
fn estimates_of_the_fluctuations() {
    let fluctuations = Fluctuations { exponent: -0.8, shared: 0.0 };
    let mut truth = [None; 10];
    (truth[0], truth[5]) = (Some(-0.8), Some(-1.0));
    compare(3, 16, |specs, seed| fluctuations.simulated(specs, seed), &truth);
}

#[test]
fn estimates_of_the_passage() {
    let passage = Passage { product: 0.9, root_width: 0.1, slope: 1.1, growth: 0.8, kernel: -0.3 };
    let truth = [Some(0.9), Some(0.1), Some(1.1), Some(0.8), None, Some(-0.3)];
    compare(4, 60, |specs, seed| passage.simulated(specs, seed), &truth);
}

#[test]
fn estimates_of_the_depth() {
    let depth = Depth { shift: -0.1, width_less_alpha: 0.3 };
    let a = [1.4, 1.6, 1.76, 1.85].map(Some);
    let of = |last: f64| [a[0], a[1], a[2], Some(last), Some(last), Some(last - 1.4), Some(0.3)];
    let truth = [of(1.85), of(1.75)].concat();
    compare(5, 60, |specs, seed| depth.simulated(specs, seed), &truth);
}
