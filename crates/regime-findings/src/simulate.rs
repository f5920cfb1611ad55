//! Records whose truth is known: known exponents, with noise like that of real runs.
//!
//! They go through the whole analysis of a finding, from records to verdict. The sizes of the noise were
//! read off runs of the profile `laptop` that were made while the rules were developed; they are
//! written where they are used.

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use regime_study::{Ending, Measurement, PointSet, Run, RunRecord, RunSpec};
use regime_train::{Moment, Observation, Work};

mod border;
mod depth;
mod fluctuations;
mod gap;
mod passage;

pub use border::Border;
pub use depth::Depth;
pub use fluctuations::Fluctuations;
pub use gap::Gap;
pub use passage::Passage;

/// What is true in simulated records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// Everything is as the paper says.
    Holds,
    /// One part of the claim lies at the edge of what its margin accepts, the rest as the paper says.
    BarelyHolds,
    /// The same part lies just beyond that edge.
    BarelyFails,
    /// The same part is far off.
    ClearlyFails,
}

impl Truth {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::Holds, Self::BarelyHolds, Self::BarelyFails, Self::ClearlyFails];

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Holds => "as the paper says",
            Self::BarelyHolds => "barely within a margin",
            Self::BarelyFails => "barely beyond a margin",
            Self::ClearlyFails => "clearly beyond a margin",
        }
    }

    /// Whether the claim holds.
    pub fn holds(self) -> bool {
        matches!(self, Self::Holds | Self::BarelyHolds)
    }

    /// A value that is right, or lies within or beyond an edge by this part of the distance between the
    /// two, or at twice that distance.
    pub(crate) fn value(self, right: f64, edge: f64) -> f64 {
        let beyond = |part: f64| right + part * (edge - right);
        match self {
            Self::Holds => right,
            Self::BarelyHolds => beyond(0.98),
            Self::BarelyFails => beyond(1.02),
            Self::ClearlyFails => beyond(2.0),
        }
    }
}

/// A stream of Gaussian numbers.
pub(crate) struct Noise(ChaCha8Rng);

impl Noise {
    pub(crate) fn of(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// With this standard deviation.
    pub(crate) fn gauss(&mut self, deviation: f64) -> f64 {
        let standard: f64 = StandardNormal.sample(&mut self.0);
        deviation * standard
    }
}

/// One number for each key, drawn when it is first asked for.
pub(crate) struct Drawn<K>(Vec<(K, f64)>);

impl<K: PartialEq> Drawn<K> {
    pub(crate) fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn get(&mut self, key: K, draw: impl FnOnce() -> f64) -> f64 {
        if let Some((_, value)) = self.0.iter().find(|(known, _)| *known == key) {
            return *value;
        }
        let value = draw();
        self.0.push((key, value));
        value
    }
}

/// A state of a run, with what an analysis looks at.
pub(crate) fn measurement(moment: Moment, t: f64, [output, network]: [f64; 2]) -> Measurement {
    Measurement {
        training: Observation {
            moment,
            t,
            steps: 1,
            mean_loss: 0.0,
            n_violating: 0,
            n_wrong: 0,
            smallest_margin: 1.0,
            output_rms: output,
            network_rms: network,
        },
        test_error: None,
        kernel_change: None,
        weight_change: 0.0,
        layers: Vec::new(),
    }
}

/// A record that ended so, after these states.
pub(crate) fn record(ending: Ending, path: Vec<Measurement>) -> RunRecord {
    RunRecord {
        ending,
        steps: 1,
        rejected: 0,
        work: Work::default(),
        half_loss_time: None,
        margins_time: None,
        preactivation_speeds: Vec::new(),
        path,
        test_wrong: PointSet::default(),
        test_outputs: Vec::new(),
        test_labels: Vec::new(),
        gram: None,
        frozen: Vec::new(),
    }
}

/// A record that reached every margin with this kernel change.
pub(crate) fn converged(kernel_change: f64) -> RunRecord {
    let end = Measurement {
        kernel_change: Some(kernel_change),
        ..measurement(Moment::End, 1.0, [1.0, 1.0])
    };
    record(Ending::Converged, vec![end])
}

/// A spec with its record.
pub(crate) fn run(spec: &RunSpec, record: RunRecord) -> Run {
    Run { spec: spec.clone(), record: Ok(record) }
}

/// The final kernel change of setup (A) at `√h·α`, read off real runs: interpolated in logarithms.
pub(crate) fn kernel_change(product: f64) -> f64 {
    const CURVE: [(f64, f64); 7] = [
        (0.1, 1.2e4),
        (1.0, 350.0),
        (3.0, 65.0),
        (10.0, 9.3),
        (30.0, 1.55),
        (100.0, 0.19),
        (1e4, 1.1e-3),
    ];
    let x = product.ln();
    let after = CURVE.iter().position(|p| p.0.ln() >= x).unwrap_or(CURVE.len() - 1).max(1);
    let (a, b) = (CURVE[after - 1], CURVE[after]);
    let part = (x - a.0.ln()) / (b.0.ln() - a.0.ln());
    (a.1.ln() + part * (b.1.ln() - a.1.ln())).exp()
}
