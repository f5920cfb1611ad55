use std::cell::OnceCell;

use burn_tensor::{DType, Int, Tensor, backend::Backend};
use rayon::prelude::*;

use crate::{
    block::{Block, Part},
    dispatch::operations,
    network::Tape,
    rows::{indices, joined},
    shared::{SharedLayer, SharedLayers},
    tape::BlockTape,
};

/// The linearisation of a network with `K` outputs, for `n` points: `n·K` rows, output by output.
///
/// In every layer all outputs read the same inputs; only their sensitivities differ. `Jᵀ g` adds
/// up the sensitivities of the outputs first, and takes one product with the inputs per layer.
/// `J v` takes one product with the inputs per layer, and then one inner product per row. Both hold
/// for layers at several positions, too. One output costs as much as a [`BlockTape`].
///
/// [`select`](Tape::select) accepts rows in any order, and repeated ones. It keeps all outputs of
/// every point of which a row is selected, so products cost as much as with all rows of these points.
///
/// The kernel of `n·K` rows is cheap from [`shared_layers`](Tape::shared_layers). The
/// [`blocks`](Tape::blocks), which exist for every architecture, repeat the inputs for every
/// output: they hold `K` times as many inputs, and their kernel takes `K²` times as long as that
/// of one output.
#[derive(Debug, Clone)]
pub struct MultiTape<B: Backend> {
    /// One tape per output. Their blocks share the inputs.
    tapes: Vec<BlockTape<B>>,
    /// `None` for all rows in their order.
    rows: Option<Rows<B>>,
    /// The blocks of the rows, computed at the first request.
    blocks: OnceCell<Vec<Block<B>>>,
}

/// Some of the rows of a tape.
#[derive(Debug, Clone)]
struct Rows<B: Backend> {
    /// The numbers of the rows.
    numbers: Vec<usize>,
    /// The same on the device.
    on_device: Tensor<B, 1, Int>,
    /// For every row of the whole tape its places in `numbers`, or the place after the last: the
    /// first places in one list, the second places of repeated rows in the next, and so on. Adding
    /// up by lists has a fixed order on every device.
    places: Vec<Tensor<B, 1, Int>>,
}

impl<B: Backend> Rows<B> {
    fn new(numbers: Vec<usize>, n_rows: usize, device: &B::Device) -> Self {
        let after_the_last = numbers.len() as i64;
        let mut places: Vec<Vec<i64>> = Vec::new();
        let mut repeats = vec![0; n_rows];
        for (place, &row) in numbers.iter().enumerate() {
            if places.len() == repeats[row] {
                places.push(vec![after_the_last; n_rows]);
            }
            places[repeats[row]][row] = place as i64;
            repeats[row] += 1;
        }
        let on_device = indices(numbers.iter().map(|&row| row as i64).collect(), device);
        let places = places.into_iter().map(|places| indices(places, device)).collect();
        Self { numbers, on_device, places }
    }

    /// The sum of the values of each row of the whole tape; 0 for rows that were not selected.
    fn scattered(&self, g: Tensor<B, 1>) -> Tensor<B, 1> {
        let zero = Tensor::zeros([1], (&g.device(), g.dtype()));
        let with_zero: Tensor<B, 1> = Tensor::cat(vec![g, zero], 0);
        let sums = self.places.iter().map(|places| with_zero.clone().select(0, places.clone()));
        sums.reduce(|a, b| a + b).expect("a tape has rows")
    }
}

impl<B: Backend> MultiTape<B> {
    /// # Panics
    /// When there is no tape.
    pub(crate) fn new(tapes: Vec<BlockTape<B>>) -> Self {
        assert!(!tapes.is_empty(), "a network has outputs");
        Self { tapes, rows: None, blocks: OnceCell::new() }
    }

    /// Number of outputs `K` of the network.
    pub fn n_outputs(&self) -> usize {
        self.tapes.len()
    }

    /// The tape of each output, for all points of which this tape has a row.
    pub fn outputs(&self) -> &[BlockTape<B>] {
        &self.tapes
    }

    /// Number of points `n` of which the tape has rows.
    fn points(&self) -> usize {
        self.tapes[0].n_points()
    }

    /// The tape of the only output.
    fn single(&self) -> Option<&BlockTape<B>> {
        match &self.tapes[..] {
            [only] => Some(only),
            _ => None,
        }
    }

    /// The blocks of every part: one list per output.
    fn parts(&self) -> Vec<Vec<&Part<B>>> {
        let part = |part: usize| self.tapes.iter().map(|tape| &tape.parts()[part]).collect();
        (0..self.tapes[0].parts().len()).map(part).collect()
    }

    fn repeated_blocks(&self) -> Vec<Block<B>> {
        let n = self.points();
        let numbers = self.rows.as_ref().map(|rows| &rows.numbers);
        let row = |r: usize| numbers.map_or(r, |numbers| numbers[r]);
        let points = (0..self.n_points()).map(|r| (row(r) % n) as i64).collect();
        let points = indices(points, &self.placement().0);
        let blocks = self.tapes[0].blocks().expect("every architecture has blocks");
        let of = |(layer, block): (usize, &Block<B>)| {
            let all = self.tapes.iter().map(|tape| tape.sensitivities(layer));
            let all = Block { sensitivities: joined(all.collect()), ..block.clone() };
            let sensitivities = match &self.rows {
                Some(rows) => all.select_sensitivities(&rows.on_device),
                None => all.sensitivities,
            };
            Block { sensitivities, ..block.select(&points) }
        };
        blocks.iter().enumerate().map(of).collect()
    }
}

impl<B: Backend> Tape<B> for MultiTape<B> {
    fn n_points(&self) -> usize {
        match &self.rows {
            Some(rows) => rows.numbers.len(),
            None => self.points() * self.n_outputs(),
        }
    }

    fn placement(&self) -> (B::Device, DType) {
        self.tapes[0].placement()
    }

    fn n_params(&self) -> usize {
        self.tapes[0].n_params()
    }

    fn row_cost(&self) -> f64 {
        let product = self.tapes[0].row_cost();
        let Some(first) = self.tapes[0].parts().first().filter(|_| self.n_outputs() > 1) else {
            return product;
        };
        let units: usize = first.iter().map(|block| block.n_positions() * block.n_outputs()).sum();
        let per_point = product + (self.n_outputs() * units) as f64;
        per_point * self.points() as f64 / self.n_points() as f64
    }

    fn jvp(&self, v: Tensor<B, 1>) -> Tensor<B, 1> {
        if let Some(only) = self.single() {
            return only.jvp(v);
        }
        let moved: Vec<Vec<Tensor<B, 1>>> =
            self.parts().par_iter().map(|outputs| moved(outputs, &v)).collect();
        let of_output = |k: usize| joined(moved.iter().map(|part| part[k].clone()).collect());
        let all: Tensor<B, 1> = Tensor::cat((0..self.n_outputs()).map(of_output).collect(), 0);
        match &self.rows {
            Some(rows) => all.select(0, rows.on_device.clone()),
            None => all,
        }
    }

    fn vjp(&self, g: Tensor<B, 1>) -> Tensor<B, 1> {
        if let Some(only) = self.single() {
            return only.vjp(g);
        }
        let g = match &self.rows {
            Some(rows) => rows.scattered(g),
            None => g,
        };
        let (n, parts) = (self.points(), self.parts());
        let lengths = parts.iter().map(|outputs| outputs[0][0].n_points());
        let starts: Vec<usize> =
            lengths.scan(0, |start, len| Some(std::mem::replace(start, *start + len))).collect();
        let of_part = |(outputs, start): (&Vec<&Part<B>>, &usize)| {
            let len = outputs[0][0].n_points();
            let of_output = |k: usize| g.clone().narrow(0, k * n + start, len);
            let own: Vec<Tensor<B, 1>> = (0..outputs.len()).map(of_output).collect();
            combined(outputs, &own)
        };
        let combined: Vec<Part<B>> = parts.par_iter().zip(&starts).map(of_part).collect();
        let ones = Tensor::ones([n], (&g.device(), g.dtype()));
        operations::<B>().vjp(&combined, &ones)
    }

    fn select(&self, rows: &[usize]) -> Self {
        assert!(!rows.is_empty(), "at least one row must be selected");
        if let Some(only) = self.single() {
            return Self::new(vec![only.select(rows)]);
        }
        let (n, n_rows) = (self.points(), self.n_points());
        let whole = |&row: &usize| {
            assert!(row < n_rows, "row {row} does not exist: the tape has {n_rows} rows");
            self.rows.as_ref().map_or(row, |rows| rows.numbers[row])
        };
        let numbers: Vec<usize> = rows.iter().map(whole).collect();
        let mut used = vec![false; n];
        numbers.iter().for_each(|row| used[row % n] = true);
        let points: Vec<usize> = (0..n).filter(|&point| used[point]).collect();
        let tapes = match points.len() == n {
            true => self.tapes.clone(),
            false => BlockTape::select_all(&self.tapes, &points),
        };
        // The place of every point among the points that are kept.
        let mut place = vec![0; n];
        points.iter().enumerate().for_each(|(at, &point)| place[point] = at);
        let kept = |row: &usize| row / n * points.len() + place[row % n];
        let numbers: Vec<usize> = numbers.iter().map(kept).collect();
        let n_rows = points.len() * self.n_outputs();
        let all_in_order = numbers.iter().copied().eq(0..n_rows);
        let rows = (!all_in_order).then(|| Rows::new(numbers, n_rows, &self.placement().0));
        Self { tapes, rows, blocks: OnceCell::new() }
    }

    fn blocks(&self) -> Option<&[Block<B>]> {
        if let Some(only) = self.single() {
            return only.blocks();
        }
        Some(self.blocks.get_or_init(|| self.repeated_blocks()))
    }

    fn shared_layers(&self) -> Option<SharedLayers<B>> {
        let blocks = self.tapes[0].blocks()?;
        if self.n_outputs() == 1 || blocks.iter().any(|block| block.window.is_some()) {
            return None;
        }
        let layer = |(layer, block): (usize, &Block<B>)| SharedLayer {
            inputs: block.scaled_inputs(),
            sensitivities: self.tapes.iter().map(|tape| tape.sensitivities(layer)).collect(),
            weights: block.weights.clone(),
            biases: block.biases.clone(),
        };
        let layers = blocks.iter().enumerate().map(layer).collect();
        Some(SharedLayers { layers, rows: self.rows.as_ref().map(|rows| rows.numbers.clone()) })
    }
}

/// The rates of all outputs along `v`, `[n]` each, from the blocks of every output.
fn moved<B: Backend>(outputs: &[&Part<B>], v: &Tensor<B, 1>) -> Vec<Tensor<B, 1>> {
    let operations = operations::<B>();
    let mut rates: Vec<Option<Tensor<B, 1>>> = vec![None; outputs.len()];
    for (layer, block) in outputs[0].iter().enumerate() {
        let moved = operations.affine(&block.layer(), v, block.sources.clone(), true);
        for (rate, blocks) in rates.iter_mut().zip(outputs) {
            let delta = &blocks[layer].sensitivities;
            let own = operations.dots_by_point(&moved, delta, block.n_points());
            *rate = Some(match rate.take() {
                Some(sum) => sum + own,
                None => own,
            });
        }
    }
    rates.into_iter().map(|rate| rate.expect("a network has layers")).collect()
}

/// The blocks of the sum `Σ gₖ fₖ` over the outputs; `g`: one `[n]` per output.
fn combined<B: Backend>(outputs: &[&Part<B>], g: &[Tensor<B, 1>]) -> Part<B> {
    let of = |(layer, block): (usize, &Block<B>)| {
        let terms =
            outputs.iter().map(|blocks| &blocks[layer].sensitivities).zip(g.iter().cloned());
        let sum = operations::<B>().weighted_sum(&terms.collect::<Vec<_>>());
        Block { sensitivities: sum, ..block.clone() }
    };
    outputs[0].iter().enumerate().map(of).collect()
}
