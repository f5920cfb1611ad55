//! Claims on synthetic tables whose exponents are known.

use rand::{SeedableRng, rngs::ChaCha8Rng};
use rand_distr::{Distribution, StandardNormal};
use regime_scaling::{
    BootstrapConfig, Equivalence, Expected, ExponentCheck, ExponentClaim, NoInterval, Outcome,
    Pairing, Sample, check_exponents,
};

const WIDTHS: [f64; 5] = [16.0, 32.0, 64.0, 128.0, 256.0];

/// Samples of `0.7·width^exponent` with Gaussian noise in `ln value`.
fn table(quantity: &str, exponent: f64, noise: f64, seeds: u64) -> Vec<Sample> {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let mut samples = Vec::new();
    for width in WIDTHS {
        for seed in 0..seeds {
            let g: f64 = StandardNormal.sample(&mut rng);
            let value = 0.7 * width.powf(exponent) * (noise * g).exp();
            samples.push(Sample { quantity: quantity.into(), step: 1, width, seed, value });
        }
    }
    samples
}

fn near(quantity: &str, target: f64, margin: f64) -> ExponentClaim {
    let expected = Expected::Near(Equivalence { target, margin });
    ExponentClaim { quantity: quantity.into(), step: 1, expected }
}

fn check(samples: &[Sample], claims: &[ExponentClaim]) -> ExponentCheck {
    check_exponents(samples, claims, Pairing::Independent, &BootstrapConfig::default())
}

#[test]
fn true_claims_pass_and_false_claims_fail() {
    let samples = [table("a", -0.5, 0.1, 5), table("b", 0.0, 0.1, 5)].concat();
    for pairing in [Pairing::Independent, Pairing::Paired] {
        let run = |claims: &[ExponentClaim]| {
            check_exponents(&samples, claims, pairing, &BootstrapConfig::default())
        };
        let right = run(&[near("a", -0.5, 0.15), near("b", 0.0, 0.15)]);
        assert_eq!(right.outcome(), Outcome::Pass, "{right}");
        assert!(right.rows.iter().all(|row| row.n_widths == 5));
        assert!((right.rows[0].exponent.unwrap() + 0.5).abs() < 0.05);
        let swapped = run(&[near("a", 0.0, 0.15), near("b", -0.5, 0.15)]);
        assert_eq!(swapped.count(Outcome::Fail), 2, "{swapped}");
        // One failed claim decides.
        let mixed = run(&[near("a", -0.5, 0.15), near("b", -0.5, 0.15)]);
        assert_eq!(mixed.outcome(), Outcome::Fail);
    }
}

#[test]
fn too_few_seeds_or_too_much_noise_is_undecided() {
    let one = check(&table("a", -0.5, 0.1, 1), &[near("a", -0.5, 0.15)]);
    assert_eq!(one.outcome(), Outcome::Undecided);
    // The exponent is reported nevertheless.
    assert!((one.rows[0].exponent.unwrap() + 0.5).abs() < 0.1);
    assert!(one.to_string().contains("at least 2"), "{one}");

    let noisy = check(&table("a", -0.5, 1.0, 3), &[near("a", -0.5, 0.15)]);
    assert_eq!(noisy.outcome(), Outcome::Undecided, "{noisy}");
    assert!(noisy.rows[0].interval.is_ok());
    // More seeds of the same kind decide.
    let many = check(&table("a", -0.5, 1.0, 400), &[near("a", -0.5, 0.15)]);
    assert_eq!(many.outcome(), Outcome::Pass, "{many}");
}

#[test]
fn bounds_are_judged_from_one_side() {
    let claim = |bound| ExponentClaim { expected: Expected::AtMost(bound), ..near("a", 0.0, 0.0) };
    let falling = table("a", -1.0, 0.1, 4);
    assert_eq!(check(&falling, &[claim(0.1)]).outcome(), Outcome::Pass);
    let growing = table("a", 1.0, 0.1, 4);
    assert_eq!(check(&growing, &[claim(0.1)]).outcome(), Outcome::Fail);
    assert_eq!(check(&growing, &[claim(1.0)]).outcome(), Outcome::Undecided);
}

#[test]
fn infinite_values_fail_and_missing_values_are_undecided() {
    let mut samples = table("a", 0.0, 0.1, 4);
    samples[17].value = f64::INFINITY;
    let blown = check(&samples, &[near("a", 0.0, 0.2)]);
    assert_eq!(blown.outcome(), Outcome::Fail);
    let NoInterval::NotFinite { width, seed, .. } = blown.rows[0].interval.unwrap_err() else {
        panic!("{blown}")
    };
    assert_eq!((width, seed), (samples[17].width, samples[17].seed));
    assert!(blown.to_string().contains("inf at width 256, seed 1"), "{blown}");

    samples[17].value = 0.0;
    assert_eq!(check(&samples, &[near("a", 0.0, 0.2)]).outcome(), Outcome::Undecided);
    let absent = check(&samples, &[near("b", 0.0, 0.2)]);
    assert_eq!(absent.rows[0].interval, Err(NoInterval::NoSamples));
    // A claim uses only the samples of its step.
    let later = ExponentClaim { step: 2, ..near("a", 0.0, 0.2) };
    assert_eq!(check(&samples, &[later]).rows[0].interval, Err(NoInterval::NoSamples));
    assert_eq!(check(&samples, &[]).outcome(), Outcome::Undecided);
}

/// `x + 16` is constant for small `x` and grows as `x` for large `x`.
#[test]
fn corrections_to_scaling_show_as_drift() {
    let mut samples = table("a", 0.0, 0.01, 4);
    samples.iter_mut().for_each(|sample| sample.value *= sample.width + 16.0);
    let drifting = check(&samples, &[near("a", 1.0, 0.05)]);
    assert!(drifting.rows[0].drift.unwrap() > 0.04, "{drifting}");
    assert_eq!(drifting.outcome(), Outcome::Fail);
}

#[test]
fn the_table_has_a_line_per_claim_and_aligned_columns() {
    let samples = [table("kernel", 0.0, 0.1, 5), table("kernel change", -1.0, 0.1, 5)].concat();
    let text =
        check(&samples, &[near("kernel", 0.0, 0.1), near("kernel change", -0.5, 0.1)]).to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(lines[0].contains("95 % interval"), "{text}");
    assert!(lines[1].ends_with("PASS") && lines[2].ends_with("FAIL"), "{text}");
    assert!(lines[2].contains("-0.50 ± 0.10"), "{text}");
    // Compare characters, not bytes.
    let column = |line: &str| {
        let at = line.find(['+', '-']).expect("an exponent");
        line[..at].chars().count()
    };
    assert_eq!(column(lines[1]), column(lines[2]));
}
