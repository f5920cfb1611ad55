//! The example of the front page of `regime-findings`, as a program of its own. It is written by
//! `UPDATE_DOCS=1 cargo test -p xtask --test alone`.

use regime_findings::{
    FINDINGS, Profile, Settings,
    simulate::{Truth, simulated},
    verdict,
};
use regime_scaling::Outcome;

fn main() {
    let finding = FINDINGS[3];
    let specs = finding.grid(&Settings::of(Profile::Laptop));
    let runs = simulated(finding, &specs, Truth::Holds, 1);
    let judgement = verdict(finding, &runs, Profile::Laptop, 1);
    println!("{}", finding.claim());
    for statement in &judgement.statements {
        match &statement.interval {
            Ok(interval) => println!("{}: {interval}", statement.quantity),
            Err(reason) => println!("{}: {reason}", statement.quantity),
        }
    }
    println!("{:?}", judgement.outcome);
    assert_eq!(judgement.outcome, Outcome::Pass);
}
