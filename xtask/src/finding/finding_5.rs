//! finding-5: how far the kernel finally moves on the feature side, `‖ΔΘ‖ ∼ (√h·α)⁻ᵃ`.
//!
//! # Reference
//! Geiger, Spigler, Jacot, Wyart, arXiv 1906.08034 v1, section 4 and the figures of the
//! kernel's change against √h·α for several depths.

mod analysis;
mod presentation;

#[cfg(test)]
mod tests;

use regime_data::DataSpec;
use regime_models::Activation;
use regime_study::{Run, RunSpec};

use self::analysis::{SOFTPLUS, analyse, changes, depths_asked};
use self::presentation::{figures, key_figures, local, sensitivity};
use crate::finding::{
    claim::{Finding, Profile, Settings, Study},
    endings::endings,
    grids::{PROTOCOL, Setup},
    statement::verdict,
    work::work,
};

pub(crate) struct Finding5;

impl Finding for Finding5 {
    fn name(&self) -> &'static str {
        "finding-5"
    }

    fn title(&self) -> &'static str {
        "Finally ‖ΔΘ‖ ∼ (√h·α)⁻ᵃ, with a below 2 and closer to it the deeper the network"
    }

    fn claim(&self) -> &'static str {
        "On the feature side the kernel finally changes as ‖ΔΘ‖ ∼ (√h·α)⁻ᵃ, for ReLU and softplus; \
         a < 2, and a → 2 with depth."
    }

    fn rule(&self) -> &'static str {
        "For every activation and depth, a is minus the exponent of the final kernel change \
         ‖Θ − Θ₀‖/‖Θ₀‖, on points outside the training set, against √h·α, fitted over √h·α ≤ 0.1 with \
         a common slope for all seeds; intervals (95 %) come from a bootstrap over seeds. d is the \
         difference of a between the deepest and the shallowest networks, on the same seeds.\n\n\
         Reproduced: for both activations every a lies below 2 + 0.15, that of the deepest networks also \
         above 1½, and d above 0. Not reproduced: some a lies above 2 + 0.15, one of the deepest below \
         1½, or some d below 0. Inconclusive: neither; an interval that is missing or \
         rests on fewer than three seeds decides nothing. The window lies two decades and more below the \
         border of finding-1, where the power law has set in. The margin is there because curves that \
         bend towards a power law have local exponents a little off it; 1½ is nearer to 2 than to 1, by \
         which a kernel changes that hardly does. How a, d and the verdict change with the window is in a \
         table.\n\n\
         How far the deepest networks are from 2, and the exponent on the lazy side (√h·α ≥ 1000, where \
         1 is expected of smooth activations), are reported and do not enter the verdict."
    }

    fn grid(&self, settings: &Settings) -> Vec<RunSpec> {
        let powers = |list: &[f64]| list.iter().map(|k| 10f64.powf(*k)).collect::<Vec<f64>>();
        let setup = Setup::of(settings.profile);
        let (depths, width, products, seeds, data): (&[usize], usize, _, u64, DataSpec) =
            match settings.profile {
                Profile::Smoke => (
                    &[2, 3],
                    32,
                    powers(&[-2.5, -2.0, -1.5, -1.0, 3.0, 4.0]),
                    3,
                    DataSpec { n_train: 100, n_test: 200, n_kernel: 50, ..setup.data.clone() },
                ),
                Profile::Laptop => (
                    &[2, 3, 5],
                    64,
                    powers(&[-3.0, -2.5, -2.0, -1.5, -1.0, 0.0, 3.0, 4.0, 5.0]),
                    4,
                    DataSpec { n_train: 500, n_test: 1000, ..setup.data.clone() },
                ),
                Profile::Paper => (
                    &[2, 3, 5, 8],
                    200,
                    powers(&[-3.0, -2.5, -2.0, -1.5, -1.0, -0.5, 0.0, 3.0, 4.0, 5.0]),
                    10,
                    setup.data.clone(),
                ),
            };
        let mut specs = Vec::new();
        for activation in [Activation::Relu, SOFTPLUS] {
            for &hidden_layers in depths {
                let setup =
                    Setup { data: data.clone(), hidden_layers, activation, ..setup.clone() };
                for &product in &products {
                    let alpha = product / (width as f64).sqrt();
                    let seeds = 0..settings.seeds.unwrap_or(seeds);
                    specs.extend(seeds.map(|seed| setup.run(settings, width, alpha, seed)));
                }
            }
        }
        specs
    }

    fn study(&self, runs: &[Run]) -> Study {
        let changes = changes(runs);
        let depths = depths_asked(runs);
        let outcome = analyse(&changes, &depths);
        let (summary, unconverged) = endings(runs);
        Study {
            verdict: verdict(&outcome.statements()),
            key_figures: key_figures(&outcome),
            figures: figures(&changes, &outcome),
            tables: [
                Some(sensitivity(&changes, &depths)),
                Some(local(&changes)),
                unconverged,
                work(runs),
            ]
            .into_iter()
            .flatten()
            .collect(),
            notes: vec![summary, PROTOCOL.to_owned()],
            outcome: serde_json::json!(outcome),
        }
    }
}
