//! How often the rules err where the truth is known.
//!
//! The table of `docs/findings/error-rates.md` is printed by `cargo xtask error-rates`.

use regime_findings::{FINDINGS, error_rates::error_rates, simulate::Truth};

#[test]
#[ignore = "prints a table, which takes minutes"]
fn print_the_table() {
    let studies: u64 = std::env::var("STUDIES").ok().and_then(|s| s.parse().ok()).unwrap_or(20);
    for finding in FINDINGS {
        for truth in Truth::ALL {
            let start = std::time::Instant::now();
            let rates = error_rates(*finding, truth, studies, 1);
            println!(
                "{} {}: reproduced {} not {} of {} ({:.1} s)",
                finding.name(),
                truth.words(),
                rates.reproduced,
                rates.not_reproduced,
                rates.studies,
                start.elapsed().as_secs_f64()
            );
        }
    }
}
