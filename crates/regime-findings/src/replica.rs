//! Training sets with their own initial weights, the units of resampling.

use regime_data::TrainingSet;
use regime_study::{RunSpec, curves::values};

use crate::settings::Settings;

/// Number of training sets per order of the data. They are disjoint.
pub(crate) const SETS_PER_ORDER: u64 = 8;

/// Distance between the seeds of two networks on one training set.
const NET_STRIDE: u64 = 1000;

/// A training set, and the seeds of the networks that learn from it.
///
/// Every training set has its own initial weights. A second training set for the same weights would
/// cost as much as a second network, and give no more information about the weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Replica {
    /// Seed of the order of the data.
    pub(crate) data_seed: u64,
    /// The stretch of that order.
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

/// `usual` replicas, or as many as the user requests. `per_order` replicas share an order of the
/// data and therefore the test points; further replicas take the next order.
pub(crate) fn replicas(settings: &Settings, usual: u64, per_order: u64) -> Vec<Replica> {
    let replica = |k: u64| Replica {
        data_seed: settings.data_seed + k / per_order,
        training_set: TrainingSet { index: (k % per_order) as usize, of: per_order as usize },
        seed: settings.seed_offset + k,
    };
    (0..settings.sets(usual)).map(replica).collect()
}

/// Identifies a training set: the seed of the order of the data, and the index of the stretch.
pub type SetKey = (u64, usize);

/// The training set of a run.
pub fn training_set(spec: &RunSpec) -> SetKey {
    (spec.data.seed, spec.data.training_set.index)
}

/// The distinct training sets of `all`, in order.
pub(crate) fn distinct<S>(all: &[S], set: impl Fn(&S) -> SetKey) -> Vec<SetKey> {
    values(all, set)
}
