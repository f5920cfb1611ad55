//! finding-4: the time `t₁ ∼ √h·α` until which the dynamics is linear.

use regime_data::DataSpec;
use regime_scaling::{
    BootstrapConfig, BootstrapInterval, Statement, mean, mean_interval, slopes_interval,
};
use regime_study::{Dynamics, Measurement, Run, RunRecord, RunSpec, curves::values};
use regime_train::{Moment, Stop};
use serde::Serialize;

use crate::{
    finding::Finding,
    places::mean_logarithms,
    replica::{SetKey, distinct, training_set},
    settings::{Profile, Settings},
    setup::{Setup, flow, product},
};

/// See the [module](self).
pub struct Finding4;

/// The largest `√h·α` of the feature side: about a decade and a half below the border, where the
/// kernel changes by much more than its own norm.
pub const WINDOW: f64 = 1.0;

/// The start and the end, in units of `t₁`, of the time in which the growth of `F` is measured. It
/// does not start at 0, because close to `t = 0` every smooth flow is linear.
pub const EARLY: [f64; 2] = [0.03, 0.3];

/// How far an exponent of `t₁`, and the slope of the growth, may be from the claimed value.
pub const MARGIN: f64 = 0.25;

/// How far the exponents of the growth and of the kernel change in √h may be from the claimed
/// value.
pub const WIDE_MARGIN: f64 = 0.5;

/// The value, far above 1, that the kernel change at `t₁` has to exceed.
pub const FAR_ABOVE: f64 = 3.0;

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

    fn place_in_paper(&self) -> &'static str {
        "point (4) of its abstract; section 4"
    }

    fn rule(&self) -> &'static str {
        "t₁ is the time at which the mean loss α²L falls below half its initial value; runs end there. \
         On the feature side (√h·α ≤ 1, far below the border that finding-1 measures)\n\n\
         ln(t₁/(√h·α)) = c + (p − 1) ln(√h·α) + r ln √h\n\n\
         is fitted with a constant c for every training set. t₁ ∼ √h·α says that p is 1 and r is 0: p has \
         to be 1, and r 0, to within ¼, a quarter of the way to t₁ ∝ α and to t₁ ∝ h·α. \
         Linear: the slope s of ln ‖F‖ against ln t between 0.03 t₁ and 0.3 t₁ has to be 1 to within \
         ¼. \
         Growth: ‖f(t₁)‖/‖f(0)‖ at fixed √h·α has to grow as √h to the power 1 to within ½, nearer to \
         √h than to no growth and to h. \
         Kernel: the change ‖Θ − Θ₀‖/‖Θ₀‖ at t₁ has to be above 3, and its exponent in √h at fixed √h·α \
         0 to within ½.\n\n\
         The margins exclude t₁ ∝ √(√h·α), t₁ that depends on α alone, and an output or a kernel that \
         depends on h as if √h·α did not matter. The same is fitted to runs on the lazy side, where t₁ \
         does not depend on α: the rule has to fail there, and the report says whether it does."
    }

    fn grid(&self, settings: &Settings) -> Vec<RunSpec> {
        let Shape { setup, widths, products, lazy, nets } = Shape::of(settings.profile);
        let mut dynamics = flow(settings);
        dynamics.stop = Stop { at_half_loss: true, ..dynamics.stop };
        let mut specs = Vec::new();
        let last = products.last().copied();
        for product in products.iter().copied().chain([lazy]) {
            for &width in widths {
                // More networks where only the width matters: at one √h·α.
                let nets = if Some(product) == last { nets(width) } else { 1 };
                for replica in setup.replicas(settings) {
                    for net in 0..nets {
                        let run = setup.run(settings, (width, product), replica, net);
                        let dynamics = Dynamics::Flow(dynamics);
                        specs.push(RunSpec { dynamics, kernel_path: net == 0, ..run });
                    }
                }
            }
        }
        specs
    }

    fn usable(&self, record: &RunRecord) -> bool {
        Passed::of(record).is_some_and(|passed| passed.is_complete())
    }

    fn cell(&self, spec: &RunSpec) -> Option<String> {
        let feature = product(spec) <= WINDOW;
        feature.then(|| format!("h = {}, √h·α = {}", spec.network.width(), product(spec)))
    }

    fn statements(&self, runs: &[Run]) -> Vec<Statement> {
        analyse(runs).statements()
    }
}

/// The grid of a profile.
struct Shape {
    setup: Setup,
    widths: &'static [usize],
    /// On the feature side, in increasing order.
    products: &'static [f64],
    /// On the lazy side.
    lazy: f64,
    /// Networks for each training set at the largest of the products.
    nets: fn(usize) -> u64,
}

impl Shape {
    fn of(profile: Profile) -> Self {
        let usual = Setup::of(profile);
        let (widths, products, lazy, n_train): (&'static [usize], _, f64, usize) = match profile {
            Profile::Smoke => (&[16, 32, 64], &[0.1, 0.3][..], 1e3, 60),
            Profile::Laptop => (&[64, 128, 256, 512], &[0.1, 0.3][..], 1e3, 250),
            Profile::Paper => {
                (&[100, 200, 400, 800], &[0.01, 0.022, 0.046, 0.1, 0.22, 0.46, 1.0][..], 1e5, 5000)
            }
        };
        let n_test = usual.data.n_test.min(200);
        let data = DataSpec { n_train, n_test, ..usual.data.clone() };
        let nets: fn(usize) -> u64 = match profile {
            // The slope against the width depends mostly on the ends, and small widths are cheap.
            Profile::Laptop => |width| match width {
                ..=64 => 16,
                65..=128 => 8,
                _ => 6,
            },
            Profile::Smoke | Profile::Paper => |_| 1,
        };
        Self { setup: Setup { data, ..usual }, widths, products, lazy, nets }
    }
}

/// One run until `t₁`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Passage {
    /// Its training set.
    pub set: SetKey,
    /// Width `h`.
    pub width: usize,
    /// `√h·α`.
    pub product: f64,
    /// The measurements until `t₁`.
    pub passed: Passed,
}

/// The measurements of a run until `t₁`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Passed {
    /// `t₁`.
    pub half_loss: f64,
    /// Slope of `ln ‖F‖` against `ln t` before `t₁`, where there are enough observations.
    pub early_slope: Option<f64>,
    /// `‖f(t₁)‖/‖f(0)‖` on the training points.
    pub growth: Option<f64>,
    /// Kernel change just after `t₁`.
    pub kernel_change: Option<f64>,
}

impl Passed {
    /// `None` for a run without `t₁`.
    pub fn of(record: &RunRecord) -> Option<Self> {
        let half_loss = record.t1?;
        Some(Self {
            half_loss,
            early_slope: slope(record, EARLY.map(|part| part * half_loss)),
            growth: growth(record),
            kernel_change: record.kernel_change_at_t1().filter(|&change| change > 0.0),
        })
    }

    fn is_complete(&self) -> bool {
        self.early_slope.is_some() && self.growth.is_some() && self.kernel_change.is_some()
    }
}

/// The runs that reached `t₁`, whatever happened later.
fn passages(runs: &[Run]) -> Vec<Passage> {
    let passage = |run: &Run| {
        Some(Passage {
            set: training_set(&run.spec),
            width: run.spec.network.width(),
            product: product(&run.spec),
            passed: Passed::of(run.record.as_ref().ok()?)?,
        })
    };
    runs.iter().filter_map(passage).collect()
}

/// Slope of `ln ‖F‖` against `ln t` between two times.
fn slope(record: &RunRecord, [after, until]: [f64; 2]) -> Option<f64> {
    let points: Vec<(f64, f64)> = record
        .path
        .iter()
        .map(|m| &m.training)
        .filter(|o| o.t > after && o.t <= until && o.output_rms > 0.0)
        .map(|o| (o.t.ln(), o.output_rms.ln()))
        .collect();
    if points.len() < 2 {
        return None;
    }
    regime_scaling::fit_line(&points).ok().map(|line| line.slope)
}

fn growth(record: &RunRecord) -> Option<f64> {
    let rms = |moment: Moment| {
        let at = |m: &&Measurement| m.training.moment == moment;
        Some(record.path.iter().find(at)?.training.network_rms)
    };
    Some(rms(Moment::HalfLoss)? / rms(Moment::Start)?).filter(|g| g.is_finite() && *g > 0.0)
}

/// Every number of the analysis.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// On the feature side.
    pub feature: Laws,
    /// The same on the lazy side, where the rule has to fail.
    pub lazy: Laws,
    /// The exponents p and r on the feature side, fitted up to each value of √h·α.
    pub sensitivity: Vec<(f64, [Result<BootstrapInterval, String>; 2])>,
    /// Widths and values of √h·α on the feature side, with the mean of `ln t₁/(√h·α)` and its interval.
    pub places: Vec<(usize, f64, Result<BootstrapInterval, String>)>,
}

/// The laws of one side.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Laws {
    /// The exponent of `t₁` in √h·α.
    pub p: Result<BootstrapInterval, String>,
    /// The exponent of `t₁` in √h at fixed √h·α.
    pub r: Result<BootstrapInterval, String>,
    /// Mean slope of `ln ‖F‖` against `ln t` before `t₁`.
    pub early_slope: Result<BootstrapInterval, String>,
    /// The exponent in √h of the growth of the output, at fixed √h·α.
    pub growth: Result<BootstrapInterval, String>,
    /// Mean logarithm of the kernel change at `t₁`.
    pub log_kernel_change: Result<BootstrapInterval, String>,
    /// The exponent in √h of the kernel change at `t₁`, at fixed √h·α.
    pub kernel_exponent: Result<BootstrapInterval, String>,
}

/// Analyses the runs of the grid.
pub fn analyse(runs: &[Run]) -> Outcome {
    let all = passages(runs);
    let up_to =
        |max: f64| -> Vec<Passage> { all.iter().filter(|p| p.product <= max).copied().collect() };
    let feature = up_to(WINDOW);
    let lazy: Vec<Passage> = all.iter().filter(|p| p.product > WINDOW).copied().collect();
    let mut places = Vec::new();
    for width in values(&feature, |p| p.width) {
        for product in values(&feature, |p| p.product) {
            let here: Vec<Passage> = feature
                .iter()
                .filter(|p| (p.width, p.product) == (width, product))
                .copied()
                .collect();
            let ratio = mean_over_sets(&here, |p| Some((p.passed.half_loss / p.product).ln()));
            places.push((width, product, ratio));
        }
    }
    let sensitivity = values(&feature, |p| p.product)
        .into_iter()
        .map(|max| {
            let laws = Laws::of(&up_to(max));
            (max, [laws.p, laws.r])
        })
        .collect();
    Outcome { feature: Laws::of(&feature), lazy: Laws::of(&lazy), sensitivity, places }
}

impl Laws {
    fn of(passages: &[Passage]) -> Self {
        let exponent = |y: fn(&Passage) -> Option<f64>, which: usize, shift: f64| {
            let seeds = logarithms(passages, y);
            slopes_interval(&seeds, &BootstrapConfig::default(), |slopes| {
                Some(slopes[which]? + shift)
            })
            .map_err(|error| error.to_string())
        };
        let ratio = |p: &Passage| Some(p.passed.half_loss / p.product);
        Self {
            p: exponent(ratio, 0, 1.0),
            r: exponent(ratio, 1, 0.0),
            early_slope: mean_over_sets(passages, |p| p.passed.early_slope),
            growth: exponent(|p| p.passed.growth, 1, 0.0),
            log_kernel_change: mean_over_sets(passages, |p| Some(p.passed.kernel_change?.ln())),
            kernel_exponent: exponent(|p| p.passed.kernel_change, 1, 0.0),
        }
    }

    fn statements(&self) -> Vec<Statement> {
        let change = self.log_kernel_change.clone();
        vec![
            Statement::near("the exponent p of t₁ in √h·α", self.p.clone(), 1.0, MARGIN),
            Statement::near(
                "the exponent r of t₁ in √h at fixed √h·α",
                self.r.clone(),
                0.0,
                MARGIN,
            ),
            Statement::near("the slope s of ‖F‖ before t₁", self.early_slope.clone(), 1.0, MARGIN),
            Statement::near(
                "the exponent of the growth of f until t₁ in √h",
                self.growth.clone(),
                1.0,
                WIDE_MARGIN,
            ),
            Statement::at_least(
                "ln of the kernel change at t₁, to be above ln 3",
                change,
                FAR_ABOVE.ln(),
            ),
            Statement::near(
                "the exponent of the kernel change at t₁ in √h",
                self.kernel_exponent.clone(),
                0.0,
                WIDE_MARGIN,
            ),
        ]
    }
}

/// Points `(ln √h·α, ln √h, ln y)` for each training set, averaged over the networks at one place.
fn logarithms(passages: &[Passage], y: impl Fn(&Passage) -> Option<f64>) -> Vec<Vec<[f64; 3]>> {
    let of_set = |set: SetKey| {
        let here: Vec<&Passage> = passages.iter().filter(|p| p.set == set).collect();
        mean_logarithms(&here, |p| (p.product, p.width), |p| y(p))
            .into_iter()
            .map(|(product, width, log)| [product.ln(), 0.5 * (width as f64).ln(), log])
            .collect()
    };
    distinct(passages, |p| p.set).into_iter().map(of_set).collect()
}

/// The mean over training sets of the mean over the runs of each set. A place with more networks
/// has a larger weight.
fn mean_over_sets(
    passages: &[Passage],
    y: impl Fn(&Passage) -> Option<f64>,
) -> Result<BootstrapInterval, String> {
    let of_set = |set: SetKey| {
        let values: Vec<f64> = passages.iter().filter(|p| p.set == set).filter_map(&y).collect();
        mean(&values).map(|m| m.mean)
    };
    let sets: Vec<f64> = distinct(passages, |p| p.set).into_iter().filter_map(of_set).collect();
    mean_interval(&sets, &BootstrapConfig::default()).map_err(|error| error.to_string())
}

impl Outcome {
    /// The parts of the claim.
    pub fn statements(&self) -> Vec<Statement> {
        self.feature.statements()
    }

    /// The same parts on the lazy side, which have to fail.
    pub fn control(&self) -> Vec<Statement> {
        self.lazy.statements()
    }
}
