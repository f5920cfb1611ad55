//! Seeded noise.

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// A stream of Gaussian numbers.
pub(crate) struct Noise(ChaCha8Rng);

impl Noise {
    pub(crate) fn of(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// A number of mean 0 with this standard deviation.
    pub(crate) fn gauss(&mut self, deviation: f64) -> f64 {
        let standard: f64 = StandardNormal.sample(&mut self.0);
        deviation * standard
    }
}

/// One number for each key, drawn on first use.
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
