//! finding-2: feature learning outperforms lazy learning; the gap shrinks with the width.

use regime_data::{DataSpec, InputSpec, TrainingSet};
use regime_models::{ConvolutionalSpec, NetworkSpec};
use regime_scaling::{BootstrapConfig, BootstrapInterval, Statement, bootstrap_crossed, mean};
use regime_study::{
    Dynamics, Ending, FrozenKernel, FrozenOutcome, Run, RunRecord, RunSpec, curves::values,
};
use regime_train::{Loss, Sampling, StochasticSpec};
use serde::Serialize;

use crate::{
    blocks::{BLOCKS, mean_of_table, wrong_by_block},
    finding::Finding,
    regime_grid::{RegimeGrid, nets_at_ends},
    replica::{Replica, SetKey, distinct, replicas, training_set},
    settings::{Profile, Settings},
    setup::{Setup, product},
};

/// See the [module](self).
pub struct Finding2;

/// A kernel that changes by at least its own norm has learnt features.
pub const FEATURE: f64 = 1.0;

/// A kernel that changes by less than this part of its norm is lazy.
pub const LAZY: f64 = 0.1;

/// The limit between a gap that can barely be detected and a large one: one test point in a
/// hundred.
pub const LARGE: f64 = 0.01;

impl Finding for Finding2 {
    fn name(&self) -> &'static str {
        "finding-2"
    }

    fn title(&self) -> &'static str {
        "Feature learning outperforms lazy learning; the gap shrinks with the width"
    }

    fn claim(&self) -> &'static str {
        "Feature learning outperforms lazy learning in setups (A) and (B); the gap shrinks with h, hardly \
         detectable asymptotically in (A), still large in (B)."
    }

    fn place_in_paper(&self) -> &'static str {
        "point (2) of its abstract; section 3.2"
    }

    fn rule(&self) -> &'static str {
        "The gap at a width is the test error on the lazy side, where the kernel changes by less than a \
         tenth of its norm, less that at the best α of the feature side, where it changes by more than \
         its norm (means over the networks of a training set). The best α of a training set is chosen by \
         the other training sets on one half of the test points, and judged on the other half, in turn, \
         so that the choice does not flatter the gap. Setup (A) are fully connected nets on ten principal \
         components, (B) convolutional nets on images.\n\n\
         In (A) the gap, averaged over the widths, has to be above 0, its slope against ln h below 0, and \
         the gap at the largest width below 0.01, one test point in a hundred (hardly detectable). In (B) \
         the gap, averaged over the widths, has to be above 0, and at the largest width above 0.01 (still \
         large).\n\n\
         The nets of (B) follow the full-batch flow. Some with stochastic gradients and momentum, as in the \
         paper, on a hundred images, are reported beside the flow on the same images and do not enter. The profile `paper` has stochastic \
         gradients only. The paper's later version finds the opposite for fully connected nets on other \
         data."
    }

    fn grid(&self, settings: &Settings) -> Vec<RunSpec> {
        let grid = RegimeGrid::of(settings.profile);
        let fully = match settings.profile {
            // More networks near the minimum of the curve, for about equal time at every width.
            Profile::Laptop => grid.runs(settings, &grid.products, |width, product| {
                let usual: u64 =
                    if (1.0..=30.0).contains(&product) { (128 / width) as u64 } else { 1 };
                let at_ends = grid.ends().contains(&product);
                if at_ends { nets_at_ends(width) } else { usual.clamp(1, 4) }
            }),
            _ => grid.runs(settings, &grid.products, |_, _| 1),
        };
        let frozen = frozen_grid(&grid, settings);
        fully.into_iter().chain(frozen).chain(convolutional_grid(settings)).collect()
    }

    fn usable(&self, record: &RunRecord) -> bool {
        record.reached_requested_end()
            && record.kernel_change().is_some_and(|change| change > 0.0)
            && record.test_wrong.len() >= BLOCKS
    }

    fn cell(&self, spec: &RunSpec) -> Option<String> {
        let part = part_of(spec)?;
        let rule = matches!(part, Part::Fully | Part::Convolutional);
        let (h, product) = (spec.network.width(), product(spec));
        rule.then(|| format!("({}), h = {h}, √h·α = {product}", part.letter()))
    }

    fn statements(&self, runs: &[Run]) -> Vec<Statement> {
        analyse(runs).statements()
    }
}

/// Runs on the feature side of setup (A) whose points are also learnt by frozen kernels. They are
/// reported and enter no rule.
fn frozen_grid(grid: &RegimeGrid, settings: &Settings) -> Vec<RunSpec> {
    let product = 1.0;
    let replicas = grid.setup.replicas(settings);
    let mut specs = Vec::new();
    for (index, &width) in grid.widths.iter().enumerate() {
        for (set, &replica) in replicas.iter().enumerate().take(2) {
            let mut frozen = vec![FrozenKernel::Initial, FrozenKernel::End];
            // It depends on neither the width nor the weights: one is enough.
            if (index, set) == (0, 0) {
                frozen.push(FrozenKernel::InfiniteWidth);
            }
            let run = grid.setup.run(settings, (width, product), replica, 0);
            specs.push(RunSpec { frozen, ..run });
        }
    }
    specs
}

/// Setup (B): convolutional nets on images.
fn convolutional_grid(settings: &Settings) -> Vec<RunSpec> {
    let usual = RegimeGrid::of(settings.profile);
    let (widths, alphas, n_train, sets): (&[usize], &[f64], usize, u64) = match settings.profile {
        Profile::Smoke => (&[4], &[1.0, 1e4], 40, 3),
        Profile::Laptop => (&[6, 12], &[0.1, 1.0, 1e2], 250, 8),
        Profile::Paper => (&[10, 20, 40, 80, 159], &[1e-2, 1e-1, 1.0, 10.0, 46.0, 1e2], 5000, 5),
    };
    let data = DataSpec {
        inputs: InputSpec { pca: None, ..InputSpec::default() },
        n_train,
        n_test: usual.data().n_test.min(10_000),
        n_kernel: 50,
        training_set: TrainingSet::default(),
        ..usual.data().clone()
    };
    let setup = Setup { data, ..usual.setup };
    let mut specs = Vec::new();
    for &width in widths {
        for &alpha in alphas {
            for replica in replicas(settings, sets, setup.sets_per_order) {
                let flow = convolutional(&setup, settings, (width, alpha), replica);
                specs.push(match settings.profile {
                    Profile::Paper => by_batches(&flow),
                    _ => flow,
                });
            }
        }
    }
    if settings.profile == Profile::Laptop {
        specs.extend(stochastic_grid(settings, &setup));
    }
    specs
}

/// Some networks of (B) trained by stochastic gradients, and by the flow on the same points. The
/// images are fewer, because a stochastic run takes a minute where the flow takes a second.
fn stochastic_grid(settings: &Settings, setup: &Setup) -> Vec<RunSpec> {
    let data = DataSpec { n_train: STOCHASTIC_IMAGES, ..setup.data.clone() };
    let setup = Setup { data, ..setup.clone() };
    let mut specs = Vec::new();
    for alpha in [1.0, 1e2] {
        for replica in setup.replicas(settings).into_iter().take(3) {
            let flow = convolutional(&setup, settings, (6, alpha), replica);
            specs.extend([by_batches(&flow), flow]);
        }
    }
    specs
}

/// A run of setup (B) that follows the flow.
fn convolutional(
    setup: &Setup,
    settings: &Settings,
    (width, alpha): (usize, f64),
    replica: Replica,
) -> RunSpec {
    let product = alpha * (width as f64).sqrt();
    let network = NetworkSpec::Convolutional(ConvolutionalSpec::setup_b(width));
    RunSpec { network, alpha, ..setup.run(settings, (width, product), replica, 0) }
}

/// The same run, by stochastic gradients with momentum and the hinge, as in the paper.
fn by_batches(flow: &RunSpec) -> RunSpec {
    let sampling = Sampling::ViolatorsV1;
    let dynamics = Dynamics::Stochastic(StochasticSpec { sampling, ..StochasticSpec::default() });
    RunSpec { loss: Loss::Hinge, dynamics, ..flow.clone() }
}

/// Number of training images of the runs by stochastic gradients, and by the flow on the same
/// images.
const STOCHASTIC_IMAGES: usize = 100;

/// The part of the study to which a run belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Fully,
    Convolutional,
    /// By stochastic gradients, on fewer images.
    Stochastic,
    /// By the flow on the same images.
    FlowOnSameImages,
}

impl Part {
    fn letter(self) -> &'static str {
        match self {
            Self::Fully => "A",
            Self::Convolutional => "B",
            Self::Stochastic => "B, stochastic",
            Self::FlowOnSameImages => "B, flow on the same images",
        }
    }
}

/// The part to which a run belongs, from its spec alone.
fn part_of(spec: &RunSpec) -> Option<Part> {
    let few = spec.data.n_train == STOCHASTIC_IMAGES;
    match (&spec.network, spec.dynamics) {
        _ if !spec.frozen.is_empty() => None,
        (NetworkSpec::Dense(_), _) => Some(Part::Fully),
        (NetworkSpec::Convolutional(_), Dynamics::Stochastic(_)) if few => Some(Part::Stochastic),
        (NetworkSpec::Convolutional(_), Dynamics::Flow(_)) if few => Some(Part::FlowOnSameImages),
        (NetworkSpec::Convolutional(_), _) => Some(Part::Convolutional),
        _ => None,
    }
}

/// Every number of the analysis.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// Setup (A).
    pub a: Gaps,
    /// Setup (B).
    pub b: Gaps,
    /// Setup (B) by stochastic gradients on fewer images, and by the flow on the same.
    pub stochastic: [Gaps; 2],
    /// Frozen kernels, compared with networks of setup (A).
    pub frozen: Vec<Frozen>,
}

/// The test error of one kernel, frozen, at one width.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Frozen {
    /// The kernel: `initial`, `end` or `infinite-width`.
    pub kernel: String,
    /// Width `h` of the network on the same points.
    pub width: usize,
    /// Test errors, one for each training set.
    pub test_errors: Vec<f64>,
}

/// The results of one setup.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Gaps {
    /// The gap, averaged over widths.
    pub gap: Result<BootstrapInterval, String>,
    /// Its slope against ln h.
    pub trend: Result<BootstrapInterval, String>,
    /// The gap at each width.
    pub per_width: Vec<GapAt>,
    /// The gap and the trend with the best α chosen and judged on the same points.
    pub flattered: [Result<BootstrapInterval, String>; 2],
    /// Mean test error, and its interval, for every width and α.
    pub errors: Vec<ErrorAt>,
}

/// The gap at one width.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GapAt {
    /// Width `h`.
    pub width: usize,
    /// The gap.
    pub gap: Result<BootstrapInterval, String>,
    /// Mean errors of the feature and of the lazy side.
    pub sides: Option<[f64; 2]>,
    /// The α that were chosen.
    pub alphas: Vec<f64>,
}

/// The test error at one place of the grid.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ErrorAt {
    /// Width `h`.
    pub width: usize,
    /// α.
    pub alpha: f64,
    /// `√h·α`.
    pub product: f64,
    /// The mean, over training sets and test points.
    pub error: Result<BootstrapInterval, String>,
    /// Geometric mean of the final kernel change.
    pub kernel_change: f64,
}

/// The networks of one training set at one width and α.
#[derive(Debug, Clone)]
struct Cell {
    set: SetKey,
    width: usize,
    alpha: f64,
    product: f64,
    /// Mean over networks of the share of wrong points, by block.
    wrong: Vec<f64>,
    /// Mean over networks of the logarithm of the kernel change.
    log_change: f64,
}

/// Analyses the runs of the grid.
pub fn analyse(runs: &[Run]) -> Outcome {
    let of = |part: Part| {
        let here: Vec<&Run> = runs.iter().filter(|run| part_of(&run.spec) == Some(part)).collect();
        Gaps::of(&cells(&here))
    };
    Outcome {
        a: of(Part::Fully),
        b: of(Part::Convolutional),
        stochastic: [of(Part::Stochastic), of(Part::FlowOnSameImages)],
        frozen: frozen(runs),
    }
}

fn frozen(runs: &[Run]) -> Vec<Frozen> {
    let mut found: Vec<Frozen> = Vec::new();
    for run in runs {
        let Some(record) = run.converged() else { continue };
        for of in &record.frozen {
            let FrozenOutcome::Trained { test_error, ending: Ending::Converged, .. } = of.learning
            else {
                continue;
            };
            let (kernel, width) = (of.kernel.name(), run.spec.network.width());
            match found.iter_mut().find(|f| f.kernel == kernel && f.width == width) {
                Some(frozen) => frozen.test_errors.push(test_error),
                None => found.push(Frozen { kernel, width, test_errors: vec![test_error] }),
            }
        }
    }
    found
}

fn cells(runs: &[&Run]) -> Vec<Cell> {
    let mut found: Vec<(Cell, f64)> = Vec::new();
    for run in runs {
        let usable = run.record.as_ref().ok().filter(|record| Finding2.usable(record));
        let Some((record, change)) = usable.and_then(|r| Some((r, r.kernel_change()?))) else {
            continue;
        };
        let wrong = wrong_by_block(record.test_wrong.iter());
        let (set, width) = (training_set(&run.spec), run.spec.network.width());
        let (alpha, product) = (run.spec.alpha, product(&run.spec));
        let same = |(cell, _): &&mut (Cell, f64)| {
            (cell.set, cell.width) == (set, width) && cell.alpha == alpha
        };
        match found.iter_mut().find(same) {
            Some((cell, nets)) => {
                cell.wrong.iter_mut().zip(&wrong).for_each(|(sum, w)| *sum += w);
                cell.log_change += change.ln();
                *nets += 1.0;
            }
            None => {
                let log_change = change.ln();
                found.push((Cell { set, width, alpha, product, wrong, log_change }, 1.0));
            }
        }
    }
    let mean = |(mut cell, nets): (Cell, f64)| {
        cell.wrong.iter_mut().for_each(|sum| *sum /= nets);
        cell.log_change /= nets;
        cell
    };
    found.into_iter().map(mean).collect()
}

impl Gaps {
    fn of(cells: &[Cell]) -> Self {
        let widths = values(cells, |c| c.width);
        let sets = distinct(cells, |c| c.set);
        let tables: Vec<(usize, Option<Table>)> =
            widths.iter().map(|&width| (width, Table::at(cells, &sets, width))).collect();
        let per_width = tables.iter().map(|(width, table)| {
            let missing = || Err("a side has no run for some training set".to_owned());
            let whole = |table: &Table| table.sides(&table.all_sets(), &all_blocks(), true);
            let gap = |table: &Table| interval(&[(1.0, table)], true);
            GapAt {
                width: *width,
                gap: table.as_ref().map_or_else(missing, gap),
                sides: table.as_ref().and_then(whole),
                alphas: table.as_ref().map_or(Vec::new(), Table::chosen),
            }
        });
        let [honest, flattered] =
            [true, false].map(|honest| [level(&tables, honest), trend(&tables, honest)]);
        let [gap, trend] = honest;
        Self {
            gap,
            trend,
            per_width: per_width.collect(),
            flattered,
            errors: errors(cells, &widths, &sets),
        }
    }
}

fn errors(cells: &[Cell], widths: &[usize], sets: &[SetKey]) -> Vec<ErrorAt> {
    let mut errors = Vec::new();
    for &width in widths {
        let here: Vec<&Cell> = cells.iter().filter(|c| c.width == width).collect();
        for alpha in values(&here, |c| c.alpha) {
            let at: Vec<&Cell> = sets
                .iter()
                .filter_map(|&set| here.iter().find(|c| c.set == set && c.alpha == alpha))
                .copied()
                .collect();
            let table: Vec<Vec<f64>> = at.iter().map(|c| c.wrong.clone()).collect();
            let logs: Vec<f64> = at.iter().map(|c| c.log_change).collect();
            let (product, error) = (at[0].product, mean_of_table(&table));
            let kernel_change = mean(&logs).map_or(f64::NAN, |m| m.mean.exp());
            errors.push(ErrorAt { width, alpha, product, error, kernel_change });
        }
    }
    errors
}

/// Wrong points at one width by training set, α and block.
struct Table {
    /// The α of the feature side, then of the lazy side.
    alphas: [Vec<f64>; 2],
    /// `[side][set][α][block]`
    wrong: [Vec<Vec<Vec<f64>>>; 2],
}

impl Table {
    /// `None` where a training set has no run on one of the sides.
    fn at(cells: &[Cell], sets: &[SetKey], width: usize) -> Option<Self> {
        let here: Vec<&Cell> = cells.iter().filter(|c| c.width == width).collect();
        let change = |alpha: f64| {
            let logs: Vec<f64> =
                here.iter().filter(|c| c.alpha == alpha).map(|c| c.log_change).collect();
            mean(&logs).map_or(f64::NAN, |m| m.mean.exp())
        };
        let side = |belongs: &dyn Fn(f64) -> bool| -> Vec<f64> {
            values(&here, |c| c.alpha).into_iter().filter(|&alpha| belongs(change(alpha))).collect()
        };
        let alphas = [side(&|change| change >= FEATURE), side(&|change| change < LAZY)];
        let of = |alphas: &Vec<f64>| -> Option<Vec<Vec<Vec<f64>>>> {
            let cell = |set: SetKey, alpha: f64| {
                here.iter().find(|c| c.set == set && c.alpha == alpha).map(|c| c.wrong.clone())
            };
            let of_set = |&set: &SetKey| alphas.iter().map(|&alpha| cell(set, alpha)).collect();
            sets.iter().map(of_set).collect()
        };
        let wrong = [of(&alphas[0])?, of(&alphas[1])?];
        alphas.iter().all(|side| !side.is_empty()).then_some(Self { alphas, wrong })
    }

    fn all_sets(&self) -> Vec<usize> {
        (0..self.wrong[0].len()).collect()
    }

    /// The index of the best α for a training set and a half of the blocks. If `honest`, the errors
    /// of the other training sets on the other half decide; otherwise those of all training sets on
    /// all blocks. `sums` are the wrong points `[set][α][half]` of the feature side.
    fn best(
        sums: &[Vec<[f64; 2]>],
        sets: &[usize],
        (set, half): (usize, usize),
        honest: bool,
    ) -> Option<usize> {
        let judges: Vec<usize> =
            sets.iter().copied().filter(|&other| !honest || other != set).collect();
        let error = |alpha: usize| -> f64 {
            let of = |&other: &usize| match (honest, half) {
                (false, _) => sums[other][alpha][0] + sums[other][alpha][1],
                (true, half) => sums[other][alpha][1 - half],
            };
            judges.iter().map(of).sum()
        };
        let alphas = 0..sums.first()?.len();
        let best = alphas.min_by(|&a, &b| error(a).total_cmp(&error(b)));
        best.filter(|_| !judges.is_empty())
    }

    /// Wrong points `[set][α][half]` of one side in these blocks.
    fn sums(&self, side: usize, blocks: &[usize]) -> Vec<Vec<[f64; 2]>> {
        let of = |wrong: &Vec<f64>| {
            let mut halves = [0.0; 2];
            blocks.iter().for_each(|&block| halves[block % 2] += wrong[block]);
            halves
        };
        self.wrong[side].iter().map(|set| set.iter().map(of).collect()).collect()
    }

    /// Mean errors of the feature side, each training set at its best α, and of the lazy side.
    fn sides(&self, sets: &[usize], blocks: &[usize], honest: bool) -> Option<[f64; 2]> {
        let [feature, lazy] = [0, 1].map(|side| self.sums(side, blocks));
        let mut errors = [0.0; 2];
        for &set in sets {
            for half in [0, 1] {
                let best = Self::best(&feature, sets, (set, half), honest)?;
                errors[0] += feature[set][best][half];
                let of_lazy: f64 = lazy[set].iter().map(|halves| halves[half]).sum();
                errors[1] += of_lazy / lazy[set].len() as f64;
            }
        }
        let n = (sets.len() * blocks.len()) as f64;
        Some(errors.map(|error| error / n))
    }

    /// The α that are chosen for some training set and half.
    fn chosen(&self) -> Vec<f64> {
        let (sets, sums) = (self.all_sets(), self.sums(0, &all_blocks()));
        let places: Vec<(usize, usize)> =
            sets.iter().flat_map(|&set| [(set, 0), (set, 1)]).collect();
        let best =
            |&place: &(usize, usize)| Some(self.alphas[0][Self::best(&sums, &sets, place, true)?]);
        values(&places.iter().filter_map(best).collect::<Vec<f64>>(), |&alpha| alpha)
    }
}

fn all_blocks() -> Vec<usize> {
    (0..BLOCKS).collect()
}

/// A weighted sum of gaps, with its interval over training sets and blocks of test points.
///
/// The best α are chosen again in every resample, because the choice adds to the uncertainty.
fn interval(terms: &[(f64, &Table)], honest: bool) -> Result<BootstrapInterval, String> {
    let sets = terms.first().map_or(0, |(_, table)| table.wrong[0].len());
    // Fewer resamples, because each chooses the α again; the standard error is uncertain by
    // 1/√800 = 3.5 %.
    let config = BootstrapConfig { resamples: 400, ..BootstrapConfig::default() };
    bootstrap_crossed(sets, BLOCKS, &config, |sets, blocks| {
        let mut sum = 0.0;
        for (weight, table) in terms {
            let [feature, lazy] = table.sides(sets, blocks, honest)?;
            sum += weight * (lazy - feature);
        }
        Some(sum)
    })
    .map_err(|error| error.to_string())
}

fn all_tables(tables: &[(usize, Option<Table>)]) -> Result<Vec<(f64, &Table)>, String> {
    let of = |(width, table): &'_ (usize, Option<Table>)| (*width, table.is_some());
    if let Some((width, _)) = tables.iter().map(of).find(|(_, is_there)| !is_there) {
        return Err(format!("a training set has no run on one side at h = {width}"));
    }
    let found: Vec<(f64, &Table)> = tables
        .iter()
        .filter_map(|(width, table)| Some(((*width as f64).ln(), table.as_ref()?)))
        .collect();
    if found.is_empty() { Err("there are no runs".into()) } else { Ok(found) }
}

/// The gap averaged over the widths.
fn level(tables: &[(usize, Option<Table>)], honest: bool) -> Result<BootstrapInterval, String> {
    let found = all_tables(tables)?;
    let weight = 1.0 / found.len() as f64;
    let terms: Vec<(f64, &Table)> = found.iter().map(|(_, table)| (weight, *table)).collect();
    interval(&terms, honest)
}

/// The slope of the gap against ln h.
fn trend(tables: &[(usize, Option<Table>)], honest: bool) -> Result<BootstrapInterval, String> {
    let found = all_tables(tables)?;
    let centre = found.iter().map(|of| of.0).sum::<f64>() / found.len() as f64;
    let squares: f64 = found.iter().map(|of| (of.0 - centre).powi(2)).sum();
    if squares <= 0.0 {
        return Err("there is one width only".into());
    }
    let terms: Vec<(f64, &Table)> =
        found.iter().map(|(x, table)| ((x - centre) / squares, *table)).collect();
    interval(&terms, honest)
}

impl Outcome {
    /// The parts of the claim.
    pub fn statements(&self) -> Vec<Statement> {
        let at_largest = |gaps: &Gaps| match gaps.per_width.last() {
            Some(at) => (format!("h = {}", at.width), at.gap.clone()),
            None => ("the largest width".into(), Err("there are no runs".into())),
        };
        let ((h_a, last_a), (h_b, last_b)) = (at_largest(&self.a), at_largest(&self.b));
        vec![
            Statement::at_least("the gap in (A)", self.a.gap.clone(), 0.0),
            Statement::at_most(
                "the slope of the gap in (A) against ln h",
                self.a.trend.clone(),
                0.0,
            ),
            Statement::at_most(format!("the gap in (A) at {h_a}"), last_a, LARGE),
            Statement::at_least("the gap in (B)", self.b.gap.clone(), 0.0),
            Statement::at_least(format!("the gap in (B) at {h_b}"), last_b, LARGE),
        ]
    }
}
