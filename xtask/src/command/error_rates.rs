//! `error-rates`: measures the error rates of the findings' rules on simulated studies.

use std::{fmt::Write as _, path::Path, process::ExitCode};

use anyhow::Context;
use regime_findings::{
    FINDINGS,
    error_rates::{Rates, error_rates, error_rates_until_decided},
    simulate::Truth,
};

use super::reproduce::LOOKS;
use crate::{cli::ErrorRates, console, output};

/// The path of the page.
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/findings/error-rates.md");

pub(super) fn run(arguments: &ErrorRates) -> anyhow::Result<ExitCode> {
    let mut table = String::from(
        "| finding | truth | reproduced | not reproduced | inconclusive | wrong |\n\
         |---|---|---|---|---|---|\n",
    );
    for finding in FINDINGS {
        for truth in Truth::ALL {
            let rates = error_rates(*finding, truth, arguments.studies, arguments.seed);
            add(&mut table, row(finding.name(), truth.words(), truth, rates));
        }
        for truth in [Truth::Holds, Truth::BarelyFails] {
            let (studies, seed) = (arguments.studies.div_ceil(4), arguments.seed);
            let rates = error_rates_until_decided(*finding, truth, LOOKS, studies, seed);
            let words = format!("{}, until decided", truth.words());
            add(&mut table, row(finding.name(), &words, truth, rates));
        }
    }
    if arguments.write {
        let path = Path::new(PAGE);
        let text = page(&table, arguments);
        output::replace(path, text.as_bytes()).with_context(|| path.display().to_string())?;
        out!("{}", path.display());
    } else {
        console::write(&table);
    }
    Ok(ExitCode::SUCCESS)
}

fn add(table: &mut String, line: String) {
    note!("{line}");
    let _ = writeln!(table, "{line}");
}

fn row(finding: &str, words: &str, truth: Truth, rates: Rates) -> String {
    let percent = |part: f64| format!("{:.1} %", 100.0 * part);
    let of = |count: u64| percent(count as f64 / rates.studies as f64);
    format!(
        "| {finding} | {words} | {} | {} | {} | {} |",
        of(rates.reproduced),
        of(rates.not_reproduced),
        of(rates.studies - rates.reproduced - rates.not_reproduced),
        percent(rates.wrong(truth)),
    )
}

fn page(table: &str, ErrorRates { studies, seed, .. }: &ErrorRates) -> String {
    let error = 100.0 * (0.05f64 * 0.95 / *studies as f64).sqrt();
    format!(
        "# How often the verdicts are wrong\n\n\
         Simulated studies with a known truth pass through the whole analysis of each finding, from the records \
         of its default grid to the verdict. A line has {studies} studies, so a rate of 5 % has a standard error \
         of {error:.1} %. `cargo xtask error-rates --studies {studies} --seed {seed} --write` writes this page. \
         The records come from [`simulate`](../../crates/regime-findings/src/simulate.rs), with noise of the \
         size that real runs had while the rules were developed.\n\n\
         *As the paper says*: every part of the claim is true. *Barely within* and *barely beyond*: one quantity \
         lies at 98 % and at 102 % of its margin (finding-1: the exponent of the border, and with it the exponent \
         of the collapse; finding-2: the gap in (B); finding-3: the exponent of Var on the feature side; finding-4: \
         r; finding-5: a of the deepest networks with softplus, 0.005 below and above 2). *Clearly beyond*: it lies \
         at twice its margin (finding-2: a gap of −0.02; finding-5: a = 2.15). *Until decided*: an inconclusive \
         study is judged again, at stricter levels, with two, three and four times the training sets; these lines \
         have a quarter of the studies. *Wrong* is *reproduced* where the claim does not hold, and *not \
         reproduced* where it holds. The rules allow 5 % of either.\n\n{table}"
    )
}
