//! finding-3: outputs fluctuate over initialisations as `1/√h` in both regimes, so that
//! networks get better with h, and so does an average over an ensemble.
//!
//! # Reference
//! Geiger, Spigler, Jacot, Wyart, arXiv 1906.08034 v1, its section on fluctuations and
//! ensembles.

mod analysis;
mod nets;
mod presentation;

#[cfg(test)]
mod tests;

use regime_data::DataSpec;
use regime_study::{Run, RunSpec};

use self::{
    analysis::{analyse, statements},
    nets::nets,
    presentation::{figures, key_figures, sensitivity_table, table},
};
use crate::finding::{
    claim::{Finding, Profile, Settings, Study},
    endings::endings,
    grids::{PROTOCOL, Setup},
    statement::verdict,
    work::work,
};

pub(crate) struct Finding3;

impl Finding for Finding3 {
    fn name(&self) -> &'static str {
        "finding-3"
    }

    fn title(&self) -> &'static str {
        "Outputs fluctuate over initialisations as 1/√h, and ensembles remove it"
    }

    fn claim(&self) -> &'static str {
        "In both regimes the output fluctuates over initial weights by δF ∝ 1/√h. This is why \
         performance grows with h; averaging an ensemble of networks of moderate h gives the same \
         gain."
    }

    fn rule(&self) -> &'static str {
        "Var is the mean over test points of the unbiased variance over seeds of F at the end of \
         training, at a small and at a large √h·α. The exponent p of Var ∝ hᵖ is fitted over the \
         widths; its 95 % interval comes from a bootstrap over the seeds of every width, in which \
         Var is the mean of ½(Fᵢ − Fⱼ)² over pairs of different seeds, so that a seed drawn twice \
         does not look like two that agree. The ensemble of a width is the sign of the mean of F \
         over all its seeds (0 is an error); its gain is the mean test error of its nets minus its \
         own, with a 95 % interval from a bootstrap over test points, paired, for the nets as they \
         are.\n\n\
         Reproduced: in both regimes the interval of p lies within −1 ± 0.35, and the gain at a \
         moderate width, the second smallest, has an interval above 0. Not reproduced: in either \
         regime the interval of p lies outside −1 ± 0.35 or that of the gain below 0. \
         Inconclusive: anything else. A width needs three converged nets, and p three widths.\n\n\
         The margin is wide because widths are finite, where corrections to the power law are \
         expected, and because a variance from few seeds is uncertain; yet it excludes p = 0, no \
         fall, p = −½ and p = −1½. In terms of δF it is −½ ± 0.175. That the error falls with \
         h, and which width of a single net is as good as an ensemble, is reported beside the \
         verdict and does not enter it."
    }

    fn grid(&self, settings: &Settings) -> Vec<RunSpec> {
        let usual = Setup::of(settings.profile);
        let (widths, products, seeds, n_train, n_test): (&[usize], [f64; 2], u64, usize, usize) =
            match settings.profile {
                Profile::Smoke => (&[16, 32, 64], [1e-1, 1e4], 6, 100, 500),
                Profile::Laptop => (&[32, 64, 128, 256], [1e-1, 1e4], 8, 500, 2000),
                Profile::Paper => (
                    &[50, 71, 100, 141, 200, 283, 400, 566, 800],
                    [1e-2, 1e6],
                    26,
                    usual.data.n_train,
                    50_000,
                ),
            };
        let data = DataSpec { n_train, n_test, n_kernel: 0, ..usual.data.clone() };
        let setup = Setup { data, ..usual };
        let seeds = settings.seeds.unwrap_or(seeds);
        let mut specs = Vec::new();
        for product in products {
            for &width in widths {
                let alpha = product / (width as f64).sqrt();
                specs.extend((0..seeds).map(|seed| RunSpec {
                    outputs_kept: n_test,
                    ..setup.run(settings, width, alpha, seed)
                }));
            }
        }
        specs
    }

    fn study(&self, runs: &[Run]) -> Study {
        let nets = nets(runs);
        let outcome = analyse(&nets);
        let (summary, unconverged) = endings(runs);
        let mut notes = vec![summary, PROTOCOL.to_owned()];
        let converged =
            runs.iter().filter(|run| run.record.as_ref().is_ok_and(|r| r.converged())).count();
        if converged > nets.len() {
            let lost = converged - nets.len();
            notes.push(format!("{lost} converged runs left no outputs on the common test points."));
        }
        notes.extend(outcome.notes());
        let tables =
            [Some(table(&outcome)), Some(sensitivity_table(&outcome)), unconverged, work(runs)];
        Study {
            verdict: verdict(&statements(&outcome)),
            key_figures: key_figures(&outcome),
            figures: figures(&outcome),
            tables: tables.into_iter().flatten().collect(),
            notes,
            outcome: serde_json::json!(outcome),
        }
    }
}
