use std::{cell::OnceCell, ops::Range};

use burn::tensor::{DType, Tensor, TensorData, backend::Backend};
use rayon::prelude::*;

use crate::{
    block::Block,
    layer::{joined, rows_of},
    network::Tape,
};

/// Parts whose gradients are held at once.
pub(crate) const TOGETHER: usize = 16;

/// The linearisation of a network of layers: one block per layer with parameters, in
/// the order of the parameters.
///
/// The points lie in parts that were evaluated together; products go part by part.
#[derive(Debug, Clone)]
pub struct BlockTape<B: Backend> {
    parts: Vec<Vec<Block<B>>>,
    /// The blocks of all points, once somebody asked for them.
    whole: OnceCell<Vec<Block<B>>>,
}

impl<B: Backend> BlockTape<B> {
    /// # Panics
    /// Without a part, a block or a point.
    pub(crate) fn new(parts: Vec<Vec<Block<B>>>) -> Self {
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
        #[cfg(feature = "flex")]
        if crate::host::is_host::<B>() {
            return crate::host_tape::jvp(&self.parts, &v);
        }
        let moved = self.parts.par_iter().map(|blocks| {
            let terms = blocks.iter().map(|block| moved(block, &v));
            let n = blocks[0].n_points();
            terms.reduce(|a, b| a + b).expect("a network has layers").reshape([n])
        });
        joined(moved.collect())
    }

    fn vjp(&self, g: Tensor<B, 1>) -> Tensor<B, 1> {
        #[cfg(feature = "flex")]
        if crate::host::is_host::<B>() {
            return crate::host_tape::vjp(&self.parts, &g);
        }
        let mut start = 0;
        let parts: Vec<_> = self
            .parts
            .iter()
            .zip(self.lengths())
            .map(|(blocks, n)| {
                start += n;
                (blocks, g.clone().narrow(0, start - n, n).reshape([n, 1]))
            })
            .collect();
        let group = |group: &[(&Vec<Block<B>>, Tensor<B, 2>)]| {
            group.par_iter().map(|(blocks, g)| pulled_by(blocks, g.clone())).collect::<Vec<_>>()
        };
        // In their order, whoever came first, and not all of them held at once.
        parts.chunks(TOGETHER).flat_map(group).reduce(|a, b| a + b).expect("a tape has points")
    }

    fn select(&self, points: &[usize]) -> Self {
        let (device, _) = self.placement();
        let rows = |part: &[Block<B>], rows: Vec<i64>| {
            let n = rows.len();
            let rows = Tensor::from_data(TensorData::new(rows, [n]), (&device, DType::I64));
            part.iter().map(|block| block.select(rows.clone())).collect()
        };
        assert!(!points.is_empty(), "a tape has points");
        let mut parts = Vec::new();
        // Neighbours in the list that lie in one part stay together.
        let mut left = points;
        while let Some(&first) = left.first() {
            let (part, range) = self.part_of(first);
            let n = left.iter().take_while(|point| range.contains(point)).count();
            let (here, rest) = left.split_at(n);
            left = rest;
            parts.push(rows(part, here.iter().map(|&i| (i - range.start) as i64).collect()));
        }
        if self.has_maps() {
            return Self::new(parts);
        }
        // Few rows make slow products.
        Self::new(vec![whole(&parts)])
    }

    fn blocks(&self) -> Option<&[Block<B>]> {
        if let [only] = &self.parts[..] {
            return Some(only);
        }
        Some(self.whole.get_or_init(|| whole(&self.parts)))
    }
}

/// The blocks of all parts, below each other.
fn whole<B: Backend>(parts: &[Vec<Block<B>>]) -> Vec<Block<B>> {
    let block = |layer| {
        let blocks: Vec<&Block<B>> =
            parts.iter().map(|part: &Vec<Block<B>>| &part[layer]).collect();
        Block::joined(&blocks)
    };
    (0..parts[0].len()).map(block).collect()
}

impl<B: Backend> BlockTape<B> {
    /// The part in which a point lies, and which points those of the part are.
    fn part_of(&self, point: usize) -> (&[Block<B>], Range<usize>) {
        let mut start = 0;
        for (blocks, n) in self.parts.iter().zip(self.lengths()) {
            if point < start + n {
                return (blocks, start..start + n);
            }
            start += n;
        }
        panic!("point {point} of {start}")
    }
}

/// What some points add to `Jᵀ g`; `g`: `[n, 1]`.
fn pulled_by<B: Backend>(blocks: &[Block<B>], g: Tensor<B, 2>) -> Tensor<B, 1> {
    let n = g.dims()[0];
    let mut parts = Vec::with_capacity(2 * blocks.len());
    // `g` beside itself as often as a layer has outputs; most have as many as the one
    // before.
    let mut beside = (1, g.clone());
    for block in blocks {
        let (weights, biases) = match block.window {
            None => {
                let m = block.n_outputs();
                if beside.0 != m {
                    beside = (m, spread(g.clone(), m));
                }
                pulled(block, 0..n, beside.1.clone())
            }
            Some(_) => pulled_by_chunks(block, &g),
        };
        parts.push(weights);
        parts.extend(biases);
    }
    Tensor::cat(parts, 0)
}

/// What one block adds to `J v`, `[n, 1]`.
fn moved<B: Backend>(block: &Block<B>, v: &Tensor<B, 1>) -> Tensor<B, 2> {
    let m = block.n_outputs();
    let k = block.weights.len() / m;
    let direction = v.clone().slice([block.weights.clone()]).reshape([k, m]);
    let direction = direction.mul_scalar(block.weight_scale);
    let biases = block.biases.clone().map(|range| v.clone().slice([range]));
    let per_point = block.n_positions() * m;
    // A row sum as a product: reductions are slower on every backend.
    let ones = Tensor::<B, 2>::ones([per_point, 1], (&v.device(), v.dtype()));
    let chunks = block.chunks().into_iter().map(|points| {
        let n = points.len();
        let mut moved = block.inputs(points.clone()).matmul(direction.clone());
        if let Some(biases) = &biases {
            let rows = moved.dims()[0];
            moved = moved + rows_of(biases.clone(), rows);
        }
        let change = moved * block.sensitivities_of(points);
        change.reshape([n, per_point]).matmul(ones.clone())
    });
    joined(chunks.collect())
}

/// What `points` add to a block's part of `Jᵀ g`: weights `[k·m]` and biases `[m]`.
/// `beside` is `g` of these points, `[points, p·m]`, the same in every column.
fn pulled<B: Backend>(
    block: &Block<B>,
    points: Range<usize>,
    beside: Tensor<B, 2>,
) -> (Tensor<B, 1>, Option<Tensor<B, 1>>) {
    let sensitivities = block.sensitivities_of(points.clone());
    let weighted = sensitivities.clone() * beside.reshape(sensitivities.dims());
    let weights = block.inputs(points).transpose().matmul(weighted.clone());
    let weights = weights.mul_scalar(block.weight_scale).reshape([block.weights.len()]);
    let biases = block.biases.as_ref().map(|range| {
        let rows = weighted.dims()[0];
        let ones = Tensor::<B, 2>::ones([1, rows], (&weighted.device(), weighted.dtype()));
        ones.matmul(weighted).reshape([range.len()])
    });
    (weights, biases)
}

fn pulled_by_chunks<B: Backend>(
    block: &Block<B>,
    g: &Tensor<B, 2>,
) -> (Tensor<B, 1>, Option<Tensor<B, 1>>) {
    let per_point = block.n_positions() * block.n_outputs();
    let chunks = block.chunks().into_iter().map(|points| {
        let g = g.clone().narrow(0, points.start, points.len());
        pulled(block, points, spread(g, per_point))
    });
    let sum = |(w, b): (Tensor<B, 1>, Option<Tensor<B, 1>>), (x, c)| {
        (w + x, b.zip(c).map(|(b, c): (Tensor<B, 1>, _)| b + c))
    };
    chunks.reduce(sum).expect("a tape has points")
}

/// A column `[n, 1]` beside itself, `[n, columns]`; see [`rows_of`].
fn spread<B: Backend>(column: Tensor<B, 2>, columns: usize) -> Tensor<B, 2> {
    let ones = Tensor::<B, 2>::ones([1, columns], (&column.device(), column.dtype()));
    column.matmul(ones)
}
