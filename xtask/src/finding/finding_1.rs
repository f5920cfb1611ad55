//! finding-1: `α* = 1/√h` separates the lazy from the feature-learning regime.
//!
//! # Reference
//! Geiger, Spigler, Jacot, Wyart, arXiv 1906.08034 v1, section 3.1 and figures 1
//! and 2.

mod analysis;
mod presentation;

#[cfg(test)]
mod tests;

use regime_study::{Run, RunSpec, curves::converged};

use self::analysis::{analyse, statement};
use self::presentation::{figures, key_figures, sensitivity, table};
use crate::finding::{
    claim::{Finding, Settings, Study},
    endings::endings,
    gram::gram_figures,
    grids::{PROTOCOL, border_grid},
    statement::verdict,
    work::work,
};

pub(crate) struct Finding1;

impl Finding for Finding1 {
    fn name(&self) -> &'static str {
        "finding-1"
    }

    fn title(&self) -> &'static str {
        "The border between lazy and feature learning lies at α* ∝ 1/√h"
    }

    fn claim(&self) -> &'static str {
        "Networks with F = α(f − f₀) and width h learn lazily for α ≫ α* and learn features for \
         α ≪ α*, where α* = O(1/√h): as functions of √h·α, curves of different widths collapse."
    }

    fn rule(&self) -> &'static str {
        "For every width h and seed, α* is the α at which the kernel change ‖Θ − Θ₀‖/‖Θ₀‖ at the \
         end of training, on points outside the training set, falls through 1 (on the \
         monotone curve closest to the runs, interpolated in logarithms). The exponent p of α* ∝ hᵖ is fitted with a common slope for all seeds (a seed with α* at fewer than two widths does not enter); its \
         95 % interval comes from a bootstrap over seeds.\n\n\
         Reproduced: the interval lies within −½ ± ¼, so p is nearer to −½ than to 0, a border \
         that does not depend on the width, and than to −1. Not reproduced: the interval lies \
         outside −½ ± ¼. Inconclusive: it does neither, there is none, or it rests on fewer than three seeds. The margin is wide \
         because widths are finite: corrections to the power law are expected at the small ones, \
         and how the local exponent drifts with h is reported beside it, as is whether the \
         interval contains −½ itself.\n\n\
         The same is measured on the test error, rescaled to 0 at the two smallest and 1 at the \
         two largest α, where it crosses ½, provided that the two plateaus can be distinguished; it \
         is reported beside the verdict and does not enter it."
    }

    fn grid(&self, settings: &Settings) -> Vec<RunSpec> {
        border_grid(settings)
    }

    fn study(&self, runs: &[Run]) -> Study {
        let points = converged(runs);
        let outcome = analyse(&points);
        let (summary, unconverged) = endings(runs);
        let mut notes = vec![summary, PROTOCOL.to_owned()];
        notes.extend(outcome.notes());
        Study {
            verdict: verdict(&[statement(outcome.kernel.exponent.clone())]),
            key_figures: key_figures(&outcome),
            figures: [figures(&points, &outcome), gram_figures(runs)].concat(),
            tables: [Some(table(&outcome)), Some(sensitivity(&points)), unconverged, work(runs)]
                .into_iter()
                .flatten()
                .collect(),
            notes,
            outcome: serde_json::json!(outcome),
        }
    }
}
