//! One batch, drawn along a random permutation of the training points.

use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

/// The stream of the random number generator from which batches are drawn.
///
/// Every random number of the workspace is drawn from ChaCha8 seeded with the seed of a
/// spec, on a separate stream for each purpose: 1 data, 2 initial weights, 3 batches.
pub const BATCH_STREAM: u64 = 3;

/// Words of the generator reserved for one step: more than any permutation uses.
const WORDS_PER_STEP: u128 = 1 << 32;

/// The most points whose margins are evaluated at once, unless more violators are
/// missing.
const LARGEST_LOOK: usize = 512;

/// A random order of the points, generated only as far as required, and the violators
/// found so far.
///
/// When a step is retried with a smaller step size, its batch is the beginning of the
/// previous batch: drawing a new batch would favour batches that allow large steps.
#[derive(Debug)]
pub(super) struct Draw {
    rng: ChaCha8Rng,
    order: Vec<usize>,
    /// How many places of the order have been generated.
    made: usize,
    /// How many places have been searched for violators.
    seen: usize,
    /// The places of the violators in the order.
    violators: Vec<usize>,
}

/// The points of a batch, and the divisor of the sum of their gradients.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Batch {
    pub(super) points: Vec<usize>,
    pub(super) divisor: f64,
}

impl Draw {
    /// The draw of step number `step`, which depends only on the arguments.
    pub(super) fn new(seed: u64, step: u64, n: usize) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(BATCH_STREAM);
        rng.set_word_pos(u128::from(step) * WORDS_PER_STEP);
        Self { rng, order: (0..n).collect(), made: 0, seen: 0, violators: Vec::new() }
    }

    /// The first `size` points, whatever their margins.
    pub(super) fn points(&mut self, size: usize) -> Batch {
        self.shuffle_to(size);
        Batch { points: self.order[..size].to_vec(), divisor: size as f64 }
    }

    /// The first `size` violators, weighted as in the paper's first version; `None`
    /// when there are none.
    pub(super) fn violators_v1(
        &mut self,
        size: usize,
        margin: f64,
        margins_at: impl FnMut(&[usize]) -> Vec<f64>,
    ) -> Option<Batch> {
        self.look_for(size, margin, margins_at);
        let found = self.violators.len().min(size);
        (found > 0).then(|| self.batch(found, found as f64))
    }

    /// The first `size` violators, weighted so that the estimate is unbiased for a
    /// hinge; `None` when there are none.
    pub(super) fn violators(
        &mut self,
        size: usize,
        margin: f64,
        margins_at: impl FnMut(&[usize]) -> Vec<f64>,
    ) -> Option<Batch> {
        self.look_for(size + 1, margin, margins_at);
        match self.violators.get(size) {
            Some(&place) => Some(self.batch(size, place as f64)),
            None if self.violators.is_empty() => None,
            None => Some(self.batch(self.violators.len(), self.order.len() as f64)),
        }
    }

    fn batch(&self, size: usize, divisor: f64) -> Batch {
        let points = self.violators[..size].iter().map(|&place| self.order[place]).collect();
        Batch { points, divisor }
    }

    /// Evaluates more points until `count` violators are found or no point is left.
    fn look_for(
        &mut self,
        count: usize,
        margin: f64,
        mut margins_at: impl FnMut(&[usize]) -> Vec<f64>,
    ) {
        while self.violators.len() < count && self.seen < self.order.len() {
            let lacking = count - self.violators.len();
            // The expected number of points, estimated from those seen so far.
            let likely = lacking * (self.seen + 1) / (self.violators.len() + 1);
            let look = likely.clamp(lacking, LARGEST_LOOK.max(lacking));
            let from = self.seen;
            let to = (from + look).min(self.order.len());
            self.shuffle_to(to);
            let margins = margins_at(&self.order[from..to]);
            let places = (from..to).zip(margins);
            // Written so that a NaN margin counts as violated.
            self.violators.extend(places.filter(|(_, u)| !(*u >= margin)).map(|(place, _)| place));
            self.seen = to;
        }
    }

    /// Generates the order up to place `to`, by the first steps of a Fisher–Yates
    /// shuffle.
    fn shuffle_to(&mut self, to: usize) {
        while self.made < to {
            let left = (self.order.len() - self.made) as u64;
            let other = self.made + self.rng.random_range(0..left) as usize;
            self.order.swap(self.made, other);
            self.made += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Points with an index below `violating` violate a margin of 1.
    fn margins(violating: usize) -> impl Fn(&[usize]) -> Vec<f64> {
        move |points| points.iter().map(|&i| if i < violating { 0.0 } else { 1.0 }).collect()
    }

    #[test]
    fn a_smaller_batch_is_the_beginning_of_a_larger_one() {
        let draw = || Draw::new(7, 3, 200);
        let large = draw().violators_v1(40, 1.0, margins(90)).unwrap();
        let mut again = draw();
        assert_eq!(again.violators_v1(40, 1.0, margins(90)).unwrap(), large);
        let small = again.violators_v1(5, 1.0, margins(90)).unwrap();
        assert_eq!(small.points, large.points[..5]);
        assert_eq!(draw().violators_v1(5, 1.0, margins(90)).unwrap(), small);
        assert!(large.points.iter().all(|&i| i < 90));
        let mut sorted = large.points.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), 40, "no point twice");
        assert_ne!(Draw::new(7, 4, 200).violators_v1(40, 1.0, margins(90)).unwrap(), large);
    }

    #[test]
    fn all_violators_are_found() {
        let n = 1500;
        assert_eq!(Draw::new(1, 0, n).violators_v1(64, 1.0, margins(0)), None);
        assert_eq!(Draw::new(1, 0, n).violators(64, 1.0, margins(0)), None);
        let last = Draw::new(1, 0, n).violators_v1(64, 1.0, margins(1)).unwrap();
        assert_eq!((last.points, last.divisor), (vec![0], 1.0));
        let last = Draw::new(1, 0, n).violators(64, 1.0, margins(3)).unwrap();
        assert_eq!((last.points.len(), last.divisor), (3, 1500.0));
        let nan = Draw::new(1, 0, n).violators(64, 1.0, |points| vec![f64::NAN; points.len()]);
        assert_eq!(nan.unwrap().points.len(), 64);
    }

    #[test]
    fn the_sum_over_a_batch_is_unbiased() {
        // Every point contributes its index: the mean of the estimate is the sum over
        // violators divided by n.
        let n = 60;
        for (violating, size) in [(20, 1), (20, 5), (60, 7), (4, 5), (5, 5), (6, 5)] {
            let expected = (0..violating).sum::<usize>() as f64 / n as f64;
            let draws = 20_000;
            let estimates: Vec<f64> = (0..draws)
                .map(|step| {
                    let mut draw = Draw::new(11, step, n);
                    let batch = draw.violators(size, 1.0, margins(violating)).unwrap();
                    batch.points.iter().sum::<usize>() as f64 / batch.divisor
                })
                .collect();
            let mean = estimates.iter().sum::<f64>() / draws as f64;
            let variance = estimates.iter().map(|e| (e - mean).powi(2)).sum::<f64>() / draws as f64;
            let deviation = (mean - expected).abs() / (variance / draws as f64).sqrt().max(1e-12);
            assert!(deviation < 4.0, "{violating} violators, {size} in a batch: {deviation}");
        }
    }

    #[test]
    fn the_first_version_is_too_large_by_n_over_the_number_of_violators() {
        let (n, violating) = (60, 20);
        let batch = Draw::new(2, 0, n).violators_v1(violating, 1.0, margins(violating)).unwrap();
        let sum: usize = batch.points.iter().sum();
        let estimate = sum as f64 / batch.divisor;
        let gradient = (0..violating).sum::<usize>() as f64 / n as f64;
        assert!((estimate / gradient - n as f64 / violating as f64).abs() < 1e-12);
    }

    #[test]
    fn every_point_is_as_likely_as_any_other() {
        let n = 10;
        let mut times = [0u32; 10];
        for step in 0..10_000 {
            for point in Draw::new(5, step, n).points(3).points {
                times[point] += 1;
            }
        }
        // 3000 expected, with a standard deviation of √(10⁴ · 0.3 · 0.7) = 46.
        assert!(times.iter().all(|&t| t.abs_diff(3000) < 4 * 46), "{times:?}");
    }
}
