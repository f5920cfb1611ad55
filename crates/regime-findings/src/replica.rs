//! Training sets with their own initial weights: what is resampled.

use regime_data::TrainingSet;
use regime_study::{RunSpec, curves::values};

use crate::settings::Settings;

/// Training sets of one order of the data. They have no point in common.
pub(crate) const SETS_PER_ORDER: u64 = 8;

/// Distance between the seeds of two networks on one training set.
const NET_STRIDE: u64 = 1000;

/// A training set, and the seeds of the networks that learn from it.
///
/// Every training set has initial weights of its own: a second training set for the same weights
/// would cost as much as a second network, and say nothing more about the weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Replica {
    /// Seed of the order of the data.
    pub(crate) data_seed: u64,
    /// Which stretch of them.
    pub(crate) training_set: TrainingSet,
    /// Seed of the first network's weights.
    pub(crate) seed: u64,
}

impl Replica {
    /// The seed of the weights of the `net`-th network on this training set.
    pub(crate) fn seed_of(self, net: u64) -> u64 {
        self.seed + NET_STRIDE * net
    }
}

/// So many replicas, unless the user asks for another number. `per_order` of them share an order of
/// the data and so the test points; further ones take the next order.
pub(crate) fn replicas(settings: &Settings, usual: u64, per_order: u64) -> Vec<Replica> {
    let replica = |k: u64| Replica {
        data_seed: settings.data_seed + k / per_order,
        training_set: TrainingSet { index: (k % per_order) as usize, of: per_order as usize },
        seed: settings.seed_offset + k,
    };
    (0..settings.sets(usual)).map(replica).collect()
}

/// What tells training sets apart: the order of the data and the stretch of it.
pub type SetKey = (u64, usize);

/// The training set of a run.
pub fn training_set(spec: &RunSpec) -> SetKey {
    (spec.data.seed, spec.data.training_set.index)
}

/// The training sets among some, each once, in order.
pub(crate) fn distinct<S>(all: &[S], set: impl Fn(&S) -> SetKey) -> Vec<SetKey> {
    values(all, set)
}
