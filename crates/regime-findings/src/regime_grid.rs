//! The grid that findings 1, 2 and 3 use: setup (A) from one regime to the other.

use regime_data::DataSpec;
use regime_study::RunSpec;

use crate::{
    replica::Replica,
    settings::{Profile, Settings},
    setup::Setup,
};

/// Number of points of the kernels that two runs store.
const GRAM_POINTS: usize = 60;

/// Networks per training set at the ends of the range of `√h·α`, in the profile `laptop`. There are
/// more at small widths, which are cheap: the slope of a line through the variances depends mostly
/// on the smallest and the largest width.
pub(crate) fn nets_at_ends(width: usize) -> u64 {
    match width {
        ..=32 => 16,
        33..=64 => 8,
        _ => 6,
    }
}

/// Widths, values of `√h·α`, and networks per training set.
pub(crate) struct RegimeGrid {
    pub(crate) setup: Setup,
    pub(crate) widths: &'static [usize],
    /// In increasing order.
    pub(crate) products: Vec<f64>,
}

impl RegimeGrid {
    pub(crate) fn of(profile: Profile) -> Self {
        let setup = Setup::of(profile);
        match profile {
            Profile::Smoke => {
                Self { setup, widths: &[16, 32, 64], products: vec![0.1, 3.0, 30.0, 300.0, 1e4] }
            }
            // Denser near 40, where the kernel change passes through 1.
            Profile::Laptop => Self {
                setup,
                widths: &[32, 64, 128, 256],
                products: vec![0.1, 1.0, 3.0, 10.0, 30.0, 100.0, 1e4],
            },
            Profile::Paper => {
                let products = (-2..=5).flat_map(|k| [1.0, 2.2, 4.6].map(|m| m * 10f64.powi(k)));
                Self {
                    setup,
                    widths: &[100, 200, 400, 800],
                    products: products.chain([1e6]).collect(),
                }
            }
        }
    }

    /// The ends of the range: one value of `√h·α` deep in each regime, at which outputs are stored.
    pub(crate) fn ends(&self) -> [f64; 2] {
        [self.products[0], self.products[self.products.len() - 1]]
    }

    /// The run of a network at a place of the grid, the same for all findings.
    fn run(
        &self,
        settings: &Settings,
        (width, product): (usize, f64),
        (set, replica): (usize, Replica),
        net: u64,
    ) -> RunSpec {
        let spec = self.setup.run(settings, (width, product), replica, net);
        if !self.ends().contains(&product) {
            return spec;
        }
        let is_shown = (net, set) == (0, 0) && Some(&width) == self.widths.last();
        RunSpec {
            outputs_kept: spec.data.n_test,
            gram_kept: if is_shown { GRAM_POINTS.min(spec.data.n_kernel) } else { 0 },
            ..spec
        }
    }

    /// The runs at these places, with `nets(width, √h·α)` networks for each training set.
    pub(crate) fn runs(
        &self,
        settings: &Settings,
        products: &[f64],
        nets: impl Fn(usize, f64) -> u64,
    ) -> Vec<RunSpec> {
        let replicas = self.setup.replicas(settings);
        let mut specs = Vec::new();
        for &width in self.widths {
            for &product in products {
                for (set, &replica) in replicas.iter().enumerate() {
                    for net in 0..nets(width, product) {
                        specs.push(self.run(settings, (width, product), (set, replica), net));
                    }
                }
            }
        }
        specs
    }

    /// The points of the first training set.
    pub(crate) fn data(&self) -> &DataSpec {
        &self.setup.data
    }
}
