use std::{cell::OnceCell, ops::Range};

use burn_tensor::{DType, Int, Tensor, TensorData, backend::Backend};

use crate::{
    block::{Block, Part},
    dispatch::operations,
    network::Tape,
    rows::joined,
};

/// The linearisation of a network of layers: one block per layer with parameters, in
/// the order of the parameters.
///
/// The points are split into parts. Each part was evaluated in one pass, and products are
/// computed part by part.
#[derive(Debug, Clone)]
pub struct BlockTape<B: Backend> {
    parts: Vec<Part<B>>,
    /// The blocks of all points, computed at the first request.
    whole: OnceCell<Vec<Block<B>>>,
}

impl<B: Backend> BlockTape<B> {
    /// # Panics
    /// When there is no part, no block or no point.
    pub(crate) fn new(parts: Vec<Part<B>>) -> Self {
        assert!(parts.iter().all(|blocks| !blocks.is_empty()), "a network has layers");
        assert!(parts.iter().any(|blocks| blocks[0].n_points() > 0), "a tape has points");
        Self { parts, whole: OnceCell::new() }
    }

    fn has_maps(&self) -> bool {
        self.parts[0].iter().any(|block| block.window.is_some())
    }

    fn lengths(&self) -> impl Iterator<Item = usize> {
        self.parts.iter().map(|blocks| blocks[0].n_points())
    }
}

impl<B: Backend> Tape<B> for BlockTape<B> {
    fn n_points(&self) -> usize {
        self.lengths().sum()
    }

    fn placement(&self) -> (B::Device, DType) {
        let sources = &self.parts[0][0].sources;
        (sources.device(), sources.dtype())
    }

    fn n_params(&self) -> usize {
        let of =
            |block: &Block<B>| block.weights.len() + block.biases.as_ref().map_or(0, |b| b.len());
        self.parts[0].iter().map(of).sum()
    }

    fn row_cost(&self) -> f64 {
        let of = |block: &Block<B>| (block.n_positions() * block.weights.len()) as f64;
        self.parts[0].iter().map(of).sum()
    }

    fn jvp(&self, v: Tensor<B, 1>) -> Tensor<B, 1> {
        operations::<B>().jvp(&self.parts, &v)
    }

    fn vjp(&self, g: Tensor<B, 1>) -> Tensor<B, 1> {
        operations::<B>().vjp(&self.parts, &g)
    }

    fn select(&self, points: &[usize]) -> Self {
        let pieces = self.pieces(points);
        let of = |(part, rows): &Piece<B>| {
            self.parts[*part].iter().map(|block| block.select(rows)).collect()
        };
        let parts: Vec<Part<B>> = pieces.iter().map(of).collect();
        if self.has_maps() {
            return Self::new(parts);
        }
        // Products with few rows are slow.
        Self::new(vec![whole(&parts)])
    }

    fn blocks(&self) -> Option<&[Block<B>]> {
        if let [only] = &self.parts[..] {
            return Some(only);
        }
        Some(self.whole.get_or_init(|| whole(&self.parts)))
    }
}

/// The concatenated blocks of all parts.
fn whole<B: Backend>(parts: &[Vec<Block<B>>]) -> Vec<Block<B>> {
    let block = |layer| {
        let blocks: Vec<&Block<B>> =
            parts.iter().map(|part: &Vec<Block<B>>| &part[layer]).collect();
        Block::joined(&blocks)
    };
    (0..parts[0].len()).map(block).collect()
}

/// A part of the points, and the indices of some of its points within the part.
type Piece<B> = (usize, Tensor<B, 1, Int>);

impl<B: Backend> BlockTape<B> {
    /// The parts of the points, one list of blocks each.
    pub(crate) fn parts(&self) -> &[Part<B>] {
        &self.parts
    }

    /// The sensitivities of all points in the layer with the index `layer`, `[n·p, m]`.
    pub(crate) fn sensitivities(&self, layer: usize) -> Tensor<B, 2> {
        joined(self.parts.iter().map(|part| part[layer].sensitivities.clone()).collect())
    }

    /// As [`select`](Tape::select), for tapes whose blocks share their inputs. The selected tapes
    /// share theirs, too, so the inputs are copied once and not for every tape.
    pub(crate) fn select_all(tapes: &[Self], points: &[usize]) -> Vec<Self> {
        let first = tapes[0].select(points);
        let pieces = tapes[0].pieces(points);
        let other = |tape: &Self| {
            let of = |layer: usize| {
                let rows =
                    |(part, rows): &Piece<B>| tape.parts[*part][layer].select_sensitivities(rows);
                let selected: Vec<Tensor<B, 2>> = pieces.iter().map(rows).collect();
                if tape.has_maps() { selected } else { vec![joined(selected)] }
            };
            let mut parts = first.parts.clone();
            for layer in 0..parts[0].len() {
                for (part, sensitivities) in parts.iter_mut().zip(of(layer)) {
                    part[layer].sensitivities = sensitivities;
                }
            }
            Self::new(parts)
        };
        let others: Vec<Self> = tapes[1..].iter().map(other).collect();
        std::iter::once(first).chain(others).collect()
    }

    /// Divides a list of points into pieces. Neighbours in the list stay in one piece if they lie
    /// in the same part.
    fn pieces(&self, points: &[usize]) -> Vec<Piece<B>> {
        assert!(!points.is_empty(), "at least one point must be selected");
        let (device, _) = self.placement();
        let mut pieces = Vec::new();
        let mut left = points;
        while let Some(&first) = left.first() {
            let (part, range) = self.part_of(first);
            let n = left.iter().take_while(|point| range.contains(point)).count();
            let (here, rest) = left.split_at(n);
            left = rest;
            let rows: Vec<i64> = here.iter().map(|&i| (i - range.start) as i64).collect();
            let rows = Tensor::from_data(TensorData::new(rows, [n]), (&device, DType::I64));
            pieces.push((part, rows));
        }
        pieces
    }

    /// The part that contains a point, and the range of the points of the part.
    fn part_of(&self, point: usize) -> (usize, Range<usize>) {
        let mut start = 0;
        for (part, n) in self.lengths().enumerate() {
            if point < start + n {
                return (part, start..start + n);
            }
            start += n;
        }
        panic!("point {point} does not exist: the tape has {start} points")
    }
}
