//! How often the rules err where the truth is known: a small version of
//! `cargo xtask error-rates`, which writes docs/findings/error-rates.md.

use regime_findings::{
    FINDINGS,
    error_rates::{error_rates, error_rates_until_decided},
    simulate::Truth,
};

const STUDIES: u64 = 40;

/// Three standard deviations above the 5 % that a rule may err.
const MAX_WRONG: f64 = 0.05 + 3.0 * 0.0345;

#[test]
fn verdicts_are_rarely_wrong_and_often_right() {
    for finding in FINDINGS {
        for truth in [Truth::Holds, Truth::BarelyFails, Truth::ClearlyFails] {
            let rates = error_rates(*finding, truth, STUDIES, 99);
            let (name, words) = (finding.name(), truth.words());
            assert!(rates.wrong(truth) <= MAX_WRONG, "{name}, {words}: {rates:?}");
            if truth == Truth::Holds {
                assert!(rates.right(truth) >= 0.8, "{name}, {words}: {rates:?}");
            }
            if truth == Truth::ClearlyFails {
                assert_eq!(rates.reproduced, 0, "{name}, {words}: {rates:?}");
            }
        }
    }
}

/// Judging up to four times as training sets are added errs no more often than judging once.
#[test]
fn judging_again_does_not_raise_the_error_rate() {
    for finding in [FINDINGS[0], FINDINGS[3]] {
        for truth in [Truth::BarelyFails, Truth::BarelyHolds] {
            let rates = error_rates_until_decided(finding, truth, 4, STUDIES, 5);
            assert!(rates.wrong(truth) <= MAX_WRONG, "{}, {rates:?}", finding.name());
        }
    }
}

#[test]
fn the_seed_fixes_the_rates() {
    let rates = |seed| error_rates(FINDINGS[3], Truth::BarelyHolds, 20, seed);
    assert_eq!(rates(1), rates(1));
}
