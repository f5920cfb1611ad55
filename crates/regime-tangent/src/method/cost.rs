use burn_tensor::backend::Backend;
use regime_models::{Block, Memory, Tape};

use super::Method;
use crate::{
    gram::{MAX_GRADIENT_NUMBERS, TILES_PER_THREAD, edge_in},
    outputs::Outputs,
};

/// Rows of a tile that is added up in the memory of the kernel.
const FUSED_TILE: f64 = 128.0;

/// The sizes on which the cost of a kernel depends.
#[derive(Debug, Clone, PartialEq)]
pub struct Sizes {
    /// Points `n`.
    pub points: usize,
    /// Parameters `P`.
    pub params: usize,
    /// Outputs `K`.
    pub outputs: usize,
    /// Multiply-adds of one row of the Jacobian.
    pub row_cost: f64,
    /// The layers, for a tape that has blocks.
    pub layers: Option<Vec<LayerSizes>>,
    /// Bytes of a number.
    pub number_bytes: usize,
    /// How the tiles of the kernel are computed.
    pub tiles: Tiles,
}

/// How the tiles of a kernel are computed: this decides how much memory they take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tiles {
    /// The memory that holds the tensors.
    pub memory: Memory,
    /// Whether layers that are used once per point are added up in the memory of the kernel. Then
    /// no tile waits, and no copy of their inputs is made.
    pub in_place: bool,
    /// Threads that compute tiles.
    pub threads: usize,
}

impl Tiles {
    fn of<B: Backend, T: Tape<B>>(tape: &T) -> Self {
        let once = |block: &&Block<B>| block.n_positions() == 1;
        // The backend is asked with a single point.
        let point = tape.select(&[0]);
        let layers: Vec<&Block<B>> = point.blocks().into_iter().flatten().filter(once).collect();
        Self {
            memory: Memory::of::<B>(&tape.placement().0),
            in_place: !layers.is_empty() && Block::fused_kernel(&layers, Vec::new()).is_some(),
            threads: rayon::current_num_threads(),
        }
    }

    /// Numbers of the tiles of a symmetric matrix with `n` rows that exist at the same time.
    fn numbers(&self, n: f64) -> f64 {
        let edge = n.min(edge_in(self.memory) as f64);
        let per_side = (n / edge).ceil();
        let all = per_side * (per_side + 1.0) / 2.0;
        // A tile is the product of two, which exist while it is computed.
        let (waiting, computed) = match self.memory {
            Memory::Host => (TILES_PER_THREAD * self.threads, self.threads),
            Memory::Device => (1, 1),
        };
        // The last tiles of a row are smaller.
        let waiting = (waiting as f64 * edge * edge).min(n * (n + edge) / 2.0);
        waiting + 2.0 * all.min(computed as f64) * edge * edge
    }
}

/// The sizes of one layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayerSizes {
    /// Inputs `k`; for a convolution, taps times channels.
    pub inputs: usize,
    /// Outputs `m`.
    pub outputs: usize,
    /// Positions `p` of each point at which the layer is used.
    pub positions: usize,
    /// Whether the layer has biases.
    pub bias: bool,
}

/// Multiply-adds and numbers held.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cost {
    pub(super) multiply_adds: f64,
    pub(super) numbers: f64,
    /// Points whose rows of the Jacobian are formed in one batch.
    pub(super) points_at_once: usize,
}

impl Sizes {
    /// The sizes of tapes, one per output, all of the same sizes.
    ///
    /// # Panics
    /// For no tapes.
    pub fn of<B: Backend, T: Tape<B>>(tapes: &[T]) -> Self {
        let tape = tapes.first().expect("a function has outputs");
        let tiles = Tiles::of(tape);
        // One point is enough: the blocks of many outputs repeat their inputs for every output.
        let point = tape.select(&[0]);
        let layers = point.blocks().map(|blocks| {
            let sizes = blocks.iter().map(|block| LayerSizes {
                inputs: block.weights.len() / block.n_outputs(),
                outputs: block.n_outputs(),
                positions: block.n_positions(),
                bias: block.biases.is_some(),
            });
            sizes.collect()
        });
        Self {
            points: tape.n_points(),
            params: tape.n_params(),
            outputs: tapes.len(),
            row_cost: tape.row_cost(),
            layers,
            number_bytes: tape.placement().1.size(),
            tiles,
        }
    }

    /// The cost of a method within `limit` numbers. `None` if the tape does not offer the
    /// method, and for [`Method::Auto`].
    pub(super) fn cost(&self, method: Method, form: Outputs, limit: f64) -> Option<Cost> {
        match method {
            Method::Auto => None,
            Method::Structured => self.structured(form),
            Method::Contraction => Some(self.contraction(form, limit)),
            Method::Products => Some(self.products(form)),
        }
    }

    /// Whether the kernel has blocks for all pairs of several outputs.
    fn is_full(&self, form: Outputs) -> bool {
        form == Outputs::Full && self.outputs > 1
    }

    /// Entries of the result.
    fn entries(&self, form: Outputs) -> f64 {
        let rows = self.points * if self.is_full(form) { self.outputs } else { 1 };
        (rows as f64).powi(2)
    }

    fn structured(&self, form: Outputs) -> Option<Cost> {
        let layers = self.layers.as_ref()?;
        let (n, outputs) = (self.points as f64, self.outputs as f64);
        let own: f64 = layers.iter().map(|layer| layer.kernel(n)).sum();
        let pairs = if self.is_full(form) { outputs * (outputs - 1.0) } else { 0.0 };
        Some(Cost {
            multiply_adds: outputs * own + pairs * own,
            numbers: self.structured_numbers(layers, form),
            points_at_once: 0,
        })
    }

    /// Numbers that the kernel from blocks holds at once.
    fn structured_numbers(&self, layers: &[LayerSizes], form: Outputs) -> f64 {
        let n = self.points as f64;
        let full = self.is_full(form);
        let once = || layers.iter().filter(|layer| layer.positions == 1);
        // A cross-kernel has no tiles that are added up in place.
        let in_place = self.tiles.in_place && !full;
        let factors = if once().next().is_none() {
            0.0
        } else if in_place {
            2.0 * self.tiles.threads as f64 * n.min(FUSED_TILE).powi(2)
        } else {
            let inputs = |layer: &LayerSizes| layer.gradient_numbers_per_output() * n;
            let lists = if full { 2.0 } else { 1.0 };
            self.tiles.numbers(n) + lists * once().map(inputs).sum::<f64>()
        };
        let windowed = layers.iter().filter(|layer| layer.positions > 1);
        let gradients = windowed.map(|layer| layer.gradients(n)).fold(0.0, f64::max);
        let gradients = match (gradients > 0.0, full) {
            (false, _) => 0.0,
            // Those of two outputs, and the tiles of the cross-kernel.
            (true, true) => 3.0 * gradients + self.tiles.numbers(n),
            // While they are joined, or while their tiles are computed.
            (true, false) => (2.0 * gradients).max(gradients + self.tiles.numbers(n)),
        };
        // The sum over the outputs exists while the next output's kernel is computed.
        let blocks = if self.outputs > 1 && !full { 1.0 } else { 0.0 };
        let matrices = if full { self.entries(form) } else { 0.0 } + (1.0 + blocks) * n * n;
        matrices + factors.max(gradients)
    }

    /// Numbers that a kernel between these points and `other` points of the same function holds
    /// in addition to the result.
    pub(super) fn cross_scratch(&self, other: usize) -> f64 {
        let most = self.points.max(other) as f64;
        let both = (self.points + other) as f64;
        let Some(layers) = &self.layers else { return (both + 1.0) * self.params as f64 };
        let of = |layer: &LayerSizes| match layer.positions {
            1 => both * layer.gradient_numbers_per_output(),
            _ => 3.0 * layer.gradients(most),
        };
        3.0 * most.min(edge_in(self.tiles.memory) as f64).powi(2)
            + layers.iter().map(of).fold(0.0, f64::max)
    }

    fn contraction(&self, form: Outputs, limit: f64) -> Cost {
        let p = self.params as f64;
        let full = self.is_full(form);
        let lists = if full { 1 } else { self.outputs };
        let rows = self.entries(form).sqrt();
        // The sum over the outputs exists while the next output's kernel is computed.
        let matrices = self.entries(form) * if lists > 1 { 2.0 } else { 1.0 };
        // The rows of a full kernel exist once per output and once joined.
        let joined = if full { 2.0 } else { 1.0 };
        let held = (matrices + rows * p + self.tiles.numbers(rows)).max(joined * rows * p + p);
        let (numbers, points_at_once, formed) = if held <= limit {
            (held, self.points, rows)
        } else {
            // The rows of two blocks, one row and its copies, the tape of a block, and a part
            // of the kernel.
            let tape: f64 = self.layers.iter().flatten().map(LayerSizes::tape).sum();
            let numbers =
                |b: f64| matrices + (2.0 * b + 4.0) * p + b * (b + tape) + self.tiles.numbers(b);
            // At least one point at a time, even if that does not fit.
            let (mut fits, mut too_many) = (1, self.points + 1);
            while too_many - fits > 1 {
                let middle = fits.midpoint(too_many);
                if numbers(middle as f64) <= limit { fits = middle } else { too_many = middle }
            }
            let outputs = if full { self.outputs } else { 1 };
            (numbers(fits as f64), fits, self.rows_formed(fits, outputs))
        };
        let multiply_adds = lists as f64 * (formed * self.row_cost + rows * rows * p / 2.0);
        Cost { multiply_adds, numbers, points_at_once }
    }

    /// Rows that are formed when each block of `at_once` points of each of `outputs`
    /// outputs is multiplied with itself and with all earlier blocks.
    fn rows_formed(&self, at_once: usize, outputs: usize) -> f64 {
        let per_output = self.points.div_ceil(at_once);
        let blocks = (0..outputs * per_output).map(|block| {
            let start = (block % per_output) * at_once;
            ((block + 1) * at_once.min(self.points - start)) as f64
        });
        blocks.sum()
    }

    fn products(&self, form: Outputs) -> Cost {
        let (n, outputs) = (self.points as f64, self.outputs as f64);
        let of_each = if self.is_full(form) { outputs + 1.0 } else { 2.0 };
        Cost {
            multiply_adds: outputs * n * of_each * n * self.row_cost,
            numbers: self.products_numbers(form),
            points_at_once: 0,
        }
    }

    fn products_numbers(&self, form: Outputs) -> f64 {
        let several = self.outputs > 1 && !self.is_full(form);
        let matrices = self.entries(form) * if several { 2.0 } else { 1.0 };
        // A product with Jᵀ holds a layer's sensitivities.
        let widest = self.layers.iter().flatten().map(|layer| layer.positions * layer.outputs);
        let scratch = self.points * (1 + widest.max().unwrap_or(0));
        matrices + 2.0 * self.params as f64 + scratch as f64
    }
}

impl LayerSizes {
    /// Multiply-adds of the layer's kernel on `n` points.
    fn kernel(&self, n: f64) -> f64 {
        let [k, m, p] = [self.inputs, self.outputs, self.positions].map(|size| size as f64);
        if self.positions == 1 {
            return n * n * (k + m) / 2.0;
        }
        n * p * k * m + n * n * self.gradient_numbers_per_output() * m / 2.0
    }

    /// Numbers of the inputs and sensitivities of one point.
    fn tape(&self) -> f64 {
        let inputs = if self.positions == 1 { self.inputs } else { self.positions * self.outputs };
        (inputs + self.positions * self.outputs) as f64
    }

    /// Numbers of the gradients that are formed at once.
    fn gradients(&self, n: f64) -> f64 {
        let per_output = n * self.gradient_numbers_per_output();
        let all = per_output * self.outputs as f64;
        all.min(per_output.max(MAX_GRADIENT_NUMBERS as f64))
    }

    fn gradient_numbers_per_output(&self) -> f64 {
        (self.inputs + usize::from(self.bias)) as f64
    }
}
