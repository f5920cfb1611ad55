//! Random moments and places, the same in every run of the tests.

use std::time::Duration;

/// A generator of pseudo-random numbers (SplitMix64).
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// The generator of a fault. `REGIME_FAULTS_SEED` chooses other numbers; the seed is printed.
    pub(crate) fn of(fault: &str) -> Self {
        let seed = std::env::var("REGIME_FAULTS_SEED").map_or(1, |seed| {
            seed.parse().unwrap_or_else(|_| panic!("REGIME_FAULTS_SEED={seed} is not a number"))
        });
        println!("{fault}: seed {seed}");
        let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        Self(fault.bytes().fold(0xcbf2_9ce4_8422_2325 ^ seed, mix))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A whole number from 0 to `end` − 1.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// A time from 0 to `end`.
    pub(crate) fn moment(&mut self, end: Duration) -> Duration {
        end.mul_f64((self.next() >> 11) as f64 / (1_u64 << 53) as f64)
    }
}
