//! The stream of random numbers for data.

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

/// The ChaCha stream from which this crate draws.
///
/// Regime has one scheme for randomness: a generator is `ChaCha8Rng::seed_from_u64(seed)`
/// followed by `set_stream(stream)`, where the stream says what the numbers are for: 1 is
/// for data, 2 for initial weights, 3 for batches. No two purposes share a stream, so one
/// seed can serve all three and still give independent numbers.
pub const DATA_STREAM: u64 = 1;

/// The generator for data with this `seed`: stream [`DATA_STREAM`], at its start.
pub fn data_rng(seed: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(DATA_STREAM);
    rng
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    #[test]
    fn another_stream_gives_other_numbers() {
        let mut other = ChaCha8Rng::seed_from_u64(5);
        other.set_stream(2);
        assert_ne!(data_rng(5).next_u64(), other.next_u64());
        assert_eq!(data_rng(5).next_u64(), data_rng(5).next_u64());
    }
}
