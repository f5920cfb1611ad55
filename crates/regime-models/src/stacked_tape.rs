//! The Jacobians of several networks of one shape.

use std::ops::Range;

use burn_tensor::{Int, Tensor, backend::Backend};

use crate::{dispatch::operations, layer::ChainLayer, operations::GramFactors, rows::indices};

/// The Jacobians `J = ∂f/∂w` of a [`StackedNetwork`](crate::StackedNetwork), `[n, P]` each, as an
/// operator.
#[derive(Debug, Clone)]
pub struct StackedTape<B: Backend> {
    blocks: Vec<StackedBlock<B>>,
    /// `[1, P]`
    scales: Tensor<B, 2>,
}

/// The part of one layer.
#[derive(Debug, Clone)]
pub(crate) struct StackedBlock<B: Backend> {
    pub(crate) layer: ChainLayer,
    /// `a`, `[r, n, k]`
    pub(crate) inputs: Tensor<B, 3>,
    /// `δ = ∂f/∂z`, `[r, n, m]`; `None` for the last layer, where `δ` is 1.
    pub(crate) sensitivities: Option<Tensor<B, 3>>,
}

impl<B: Backend> StackedTape<B> {
    pub(crate) fn new(blocks: Vec<StackedBlock<B>>, scales: Tensor<B, 2>) -> Self {
        Self { blocks, scales }
    }

    /// `J v` of each network: `[r, P]` → `[r, n]`.
    pub fn jvp(&self, v: &Tensor<B, 2>) -> Tensor<B, 2> {
        let operations = operations::<B>();
        let scaled = v.clone() * self.scales.clone();
        let [r, _] = v.dims();
        // Consecutive layers with equally many outputs, which most layers are, are summed unit by
        // unit. The sum over the units follows once for all of them.
        let mut units: Option<Tensor<B, 3>> = None;
        let mut rates: Option<Tensor<B, 3>> = None;
        let summed = |units: Tensor<B, 3>, rates: Option<Tensor<B, 3>>| {
            let sum = if units.dims()[2] == 1 { units } else { units.sum_dim(2) };
            Some(rates.map_or(sum.clone(), |rates| rates + sum))
        };
        for StackedBlock { layer, inputs, sensitivities } in &self.blocks {
            let (k, m) = (layer.inputs, layer.outputs);
            let part = |range: &Range<usize>| scaled.clone().narrow(1, range.start, range.len());
            let direction = part(&layer.weights).reshape([r, k, m]);
            let moved = match &layer.biases {
                Some(range) => {
                    let biases = part(range).reshape([r, 1, m]);
                    operations.add_products(biases, inputs.clone(), direction)
                }
                None => inputs.clone().matmul(direction),
            };
            units = Some(match (units.take(), sensitivities) {
                (Some(sum), Some(delta)) if sum.dims()[2] == m => {
                    operations.add_elementwise(sum, moved, delta.clone())
                }
                (other, delta) => {
                    if let Some(sum) = other {
                        rates = summed(sum, rates);
                    }
                    match delta {
                        Some(delta) => moved * delta.clone(),
                        None => moved,
                    }
                }
            });
        }
        let n = self.n_points();
        let units = units.expect("a network has layers");
        summed(units, rates).expect("a network has layers").reshape([r, n])
    }

    /// `Jᵀ g` of each network: `[r, n]` → `[r, P]`.
    pub fn vjp(&self, g: &Tensor<B, 2>) -> Tensor<B, 2> {
        let [r, n] = g.dims();
        let g = g.clone().reshape([r, n, 1]);
        let mut parts = Vec::with_capacity(2 * self.blocks.len());
        for StackedBlock { layer, inputs, sensitivities } in &self.blocks {
            let weighted = match sensitivities {
                Some(delta) => delta.clone() * g.clone(),
                None => g.clone(),
            };
            let weights = inputs.clone().swap_dims(1, 2).matmul(weighted.clone());
            parts.push(weights.reshape([r, layer.inputs * layer.outputs]));
            if layer.biases.is_some() {
                parts.push(weighted.sum_dim(1).reshape([r, layer.outputs]));
            }
        }
        Tensor::cat(parts, 1) * self.scales.clone()
    }

    /// The tangent kernel `J Jᵀ` of each network, `[r, n, n]`.
    pub fn kernel(&self) -> Tensor<B, 3> {
        operations::<B>().gram_products(&self.factors())
    }

    /// As [`kernel`](Self::kernel), but only the lower triangle is valid.
    pub fn lower_kernel(&self) -> Tensor<B, 3> {
        operations::<B>().lower_gram_products(&self.factors())
    }

    fn factors(&self) -> Vec<GramFactors<B>> {
        let of = |block: &StackedBlock<B>| GramFactors {
            inputs: block.inputs.clone(),
            factor: block.layer.scale.powi(2),
            summand: block.layer.biases.as_ref().map_or(0.0, |_| block.layer.bias_scale.powi(2)),
            sensitivities: block.sensitivities.clone(),
        };
        self.blocks.iter().map(of).collect()
    }

    /// Number of points `n`.
    pub fn n_points(&self) -> usize {
        self.blocks[0].inputs.dims()[1]
    }

    /// Selects rows of the Jacobians, for each network at its own list of points.
    ///
    /// # Shapes
    /// `points`: for each network `m` indices below `n`, which may repeat.
    ///
    /// # Panics
    /// When the lists are empty or of different lengths.
    pub fn select(&self, points: &[Vec<usize>]) -> Self {
        let (m, n) = (points[0].len(), self.n_points());
        assert!(
            m > 0 && points.iter().all(|p| p.len() == m),
            "every network needs the same number of points, at least one"
        );
        let rows = points.iter().enumerate().flat_map(|(k, of)| of.iter().map(move |&i| k * n + i));
        let rows = indices::<B>(rows.map(|i| i as i64).collect(), &self.scales.device());
        self.each(|stacked| select_points(stacked, &rows))
    }

    /// Selects the networks with these indices, in that order.
    pub fn networks(&self, numbers: &[usize]) -> Self {
        let rows = numbers.iter().map(|&k| k as i64).collect();
        let rows = indices::<B>(rows, &self.scales.device());
        self.each(|stacked| stacked.select(0, rows.clone()))
    }

    /// Appends the networks of `other` to these networks.
    ///
    /// # Panics
    /// When the shapes differ.
    pub fn and(&self, other: &Self) -> Self {
        let pairs = self.blocks.iter().zip(&other.blocks);
        let both = |a: &Tensor<B, 3>, b: &Tensor<B, 3>| Tensor::cat(vec![a.clone(), b.clone()], 0);
        let blocks = pairs.map(|(a, b)| StackedBlock {
            layer: a.layer.clone(),
            inputs: both(&a.inputs, &b.inputs),
            sensitivities: a
                .sensitivities
                .as_ref()
                .zip(b.sensitivities.as_ref())
                .map(|(a, b)| both(a, b)),
        });
        Self { blocks: blocks.collect(), scales: self.scales.clone() }
    }

    fn each(&self, of: impl Fn(Tensor<B, 3>) -> Tensor<B, 3>) -> Self {
        let blocks = self.blocks.iter().map(|block| StackedBlock {
            layer: block.layer.clone(),
            inputs: of(block.inputs.clone()),
            sensitivities: block.sensitivities.clone().map(&of),
        });
        Self { blocks: blocks.collect(), scales: self.scales.clone() }
    }
}

/// Selects rows of stacked matrices: `[r, n, k]` → `[r, m, k]`.
fn select_points<B: Backend>(stacked: Tensor<B, 3>, rows: &Tensor<B, 1, Int>) -> Tensor<B, 3> {
    let [r, n, k] = stacked.dims();
    let m = rows.dims()[0] / r;
    stacked.reshape([r * n, k]).select(0, rows.clone()).reshape([r, m, k])
}
