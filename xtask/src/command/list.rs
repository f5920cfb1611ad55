//! `list`: the findings there are.

use regime_findings::{FINDINGS, Profile};

pub(super) fn run() {
    for finding in FINDINGS {
        println!("{}  {}", finding.name(), finding.title());
    }
    let profiles: Vec<&str> = Profile::ALL.iter().map(|profile| profile.name()).collect();
    println!("profiles: {}", profiles.join(", "));
}
