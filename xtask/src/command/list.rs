//! `list`: lists the findings.

use regime_findings::{FINDINGS, Finding, Profile};
use serde_json::json;

pub(super) fn run(json: bool) {
    if json {
        let finding = |of: &&dyn Finding| json!({"name": of.name(), "title": of.title(), "claim": of.claim()});
        let findings: Vec<_> = FINDINGS.iter().map(finding).collect();
        out!("{:#}", json!({"findings": findings, "profiles": Profile::ALL.map(|p| p.name())}));
        return;
    }
    for finding in FINDINGS {
        out!("{}  {}", finding.name(), finding.title());
    }
    let profiles: Vec<&str> = Profile::ALL.iter().map(|profile| profile.name()).collect();
    out!("profiles: {}", profiles.join(", "));
}
