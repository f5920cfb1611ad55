//! Initial weights, drawn on the host.

use rand::{SeedableRng, rngs::ChaCha8Rng};
use rand_distr::{Distribution, StandardNormal};

/// The stream of the generator from which initial weights come.
///
/// Every random number of the workspace is drawn from ChaCha8 seeded with the
/// seed of a spec, on a stream of its purpose: 1 data, 2 initial weights,
/// 3 batches. So the same seed gives independent data, weights and batches.
pub const INIT_STREAM: u64 = 2;

/// An endless sequence of `N(0, 1)` numbers belonging to `seed`.
pub(crate) fn standard_normals(seed: u64) -> impl Iterator<Item = f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(INIT_STREAM);
    std::iter::repeat_with(move || StandardNormal.sample(&mut rng))
}
