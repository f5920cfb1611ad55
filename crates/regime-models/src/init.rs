//! Initial weights, drawn on the host.

use rand::{SeedableRng, rngs::ChaCha8Rng};
use rand_distr::{Distribution, StandardNormal};

/// The stream of the random number generator that draws the initial weights.
///
/// Every random number of the workspace is drawn from ChaCha8, seeded with the
/// seed of a spec. Each purpose has its own stream: 1 for data, 2 for initial
/// weights, 3 for batches. The same seed therefore gives independent data, weights
/// and batches.
pub const INIT_STREAM: u64 = 2;

/// An infinite sequence of `N(0, 1)` numbers for `seed`.
pub(crate) fn standard_normals(seed: u64) -> impl Iterator<Item = f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(INIT_STREAM);
    std::iter::repeat_with(move || StandardNormal.sample(&mut rng))
}
