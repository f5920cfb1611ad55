use proptest::{
    strategy::Strategy,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner},
};

/// Checks a property on `cases` values of a strategy. The values are the same in every run.
///
/// # Panics
/// With the smallest counterexample found.
pub fn for_all<S: Strategy>(
    cases: u32,
    strategy: S,
    check: impl Fn(S::Value) -> Result<(), TestCaseError>,
) where
    S::Value: std::fmt::Debug,
{
    let mut runner = TestRunner::new_with_rng(
        Config { cases, failure_persistence: None, ..Config::default() },
        TestRng::deterministic_rng(RngAlgorithm::ChaCha),
    );
    if let Err(error) = runner.run(&strategy, check) {
        panic!("{error}");
    }
}

/// `n` numbers between −1.7 and 1.7 that depend on the seed only.
pub fn numbers(n: usize, seed: u64) -> Vec<f64> {
    let mut state = seed | 1;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    (0..n).map(|_| 3.4 * (next() - 0.5)).collect()
}

/// Whether two numbers differ by at most `tolerance`, absolutely for numbers below one
/// and relatively for numbers above.
pub fn close(a: f64, b: f64, tolerance: f64) -> bool {
    (a - b).abs() <= tolerance * (1.0 + a.abs().max(b.abs()))
}

/// The largest difference of two lists in units of the largest entry; NaN if an entry is
/// NaN.
///
/// # Panics
/// When the lengths differ.
pub fn distance(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len(), "the lists have different lengths");
    let largest = |m: f64, v: f64| if m.is_nan() || m >= v { m } else { v };
    let scale = a.iter().chain(b).map(|v| v.abs()).fold(f64::MIN_POSITIVE, largest);
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, largest) / scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_in_units_of_the_largest_entry_and_propagate_nan() {
        assert_eq!(distance(&[1.0, -4.0], &[2.0, -4.0]), 0.25);
        assert_eq!(distance(&[], &[]), 0.0);
        assert!(distance(&[1.0, f64::NAN, 0.0], &[1.0, 1.0, 0.0]).is_nan());
        assert!(close(1e9, 1e9 + 1.0, 1e-9) && !close(0.0, 1e-8, 1e-9));
        assert!(!close(f64::NAN, 0.0, 1.0));
    }

    #[test]
    fn numbers_depend_on_the_seed_only() {
        assert_eq!(numbers(3, 5), numbers(7, 5)[..3]);
        assert_ne!(numbers(3, 5), numbers(3, 8));
        assert!(numbers(1000, 2).iter().all(|v| v.abs() <= 1.7));
    }

    #[test]
    #[should_panic(expected = "minimal failing input: 10")]
    fn the_smallest_counterexample_is_reported() {
        for_all(50, 0..100u32, |value| {
            if value < 10 { Ok(()) } else { Err(TestCaseError::fail("too large")) }
        });
    }
}
