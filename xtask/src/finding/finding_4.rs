//! finding-4: the time `t₁ ∼ √h·α` until which the dynamics is linear.
//!
//! # Reference
//! Geiger, Spigler, Jacot, Wyart, arXiv 1906.08034 v1, section 4.

mod analysis;
mod presentation;

#[cfg(test)]
mod tests;

use regime_study::{Run, RunSpec};

use self::analysis::{analyse, passages};
use self::presentation::{figures, in_window, key_figures, sensitivity};
use crate::finding::{
    claim::{Finding, Settings, Study},
    endings::endings,
    grids::{PROTOCOL, feature_grid},
    kernel_path::kernel_path,
    statement::verdict,
    work::work,
};

pub(crate) struct Finding4;

impl Finding for Finding4 {
    fn name(&self) -> &'static str {
        "finding-4"
    }

    fn title(&self) -> &'static str {
        "In the feature regime the dynamics is linear until t₁ ∼ √h·α"
    }

    fn claim(&self) -> &'static str {
        "In the feature regime there is a time t₁ ∼ √h·α: for t ≪ t₁ the dynamics is linear; at t₁ the \
         output has grown by √h, and the change of the kernel becomes significant."
    }

    fn rule(&self) -> &'static str {
        "t₁ is the time at which the mean loss α²L falls below half its initial value. On the feature \
         side (√h·α ≤ 1, below the border that finding-1 measures) ln t₁ = c + p ln α + q ln √h is \
         fitted to all runs of a seed together; intervals (95 %) come from a bootstrap over seeds. \
         Before t₁ (t ≤ 0.3 t₁) the slope s of ln ‖F‖ against ln t is fitted in each run, which is 1 \
         when the dynamics is linear, and averaged.\n\n\
         Reproduced: p and q lie within 1 ± 0.2 and s within 1 ± 0.2. Not reproduced: one of the \
         intervals lies outside. Inconclusive: neither; an interval that is missing or rests on fewer than three seeds decides \
         nothing. The margin leaves room for corrections at \
         finite width and excludes t₁ ∝ √α, no dependence on the width, and a growth of ‖F‖ that is \
         faster than linear from the start.\n\n\
         The growth of the network's output until t₁ against √h at a fixed √h·α, the exponents of t₂ \
         (all margins reached) and the kernel change at t₁ are reported and do not enter the verdict: \
         the growth follows from what t₁ means (‖F‖ of the order of the margin) up to a factor of \
         order one."
    }

    fn grid(&self, settings: &Settings) -> Vec<RunSpec> {
        feature_grid(settings)
    }

    fn study(&self, runs: &[Run]) -> Study {
        let passages = passages(runs);
        let outcome = analyse(&passages);
        let (summary, unconverged) = endings(runs);
        Study {
            verdict: verdict(&outcome.statements()),
            key_figures: key_figures(&outcome),
            figures: figures(&passages).into_iter().chain([kernel_path(runs)]).collect(),
            tables: [Some(sensitivity(&passages)), unconverged, work(runs)]
                .into_iter()
                .flatten()
                .collect(),
            notes: vec![summary, in_window(&passages), PROTOCOL.to_owned()],
            outcome: serde_json::json!(outcome),
        }
    }
}
