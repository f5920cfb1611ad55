use burn_tensor::backend::Backend;
use regime_models::Tape;

use super::Method;
use crate::{gram::MAX_GRADIENT_NUMBERS, outputs::Outputs};

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
        let layers = tape.blocks().map(|blocks| {
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
        let windowed = layers.iter().filter(|layer| layer.positions > 1);
        let gradients = windowed.clone().map(|layer| layer.gradients(n)).fold(0.0, f64::max);
        let several = windowed.count() > 0 || self.outputs > 1;
        let tiles = if several { 4.0 } else { 3.0 } * n * n;
        let joined = if self.is_full(form) { 2.0 * self.entries(form) } else { 0.0 };
        Some(Cost {
            multiply_adds: outputs * own + pairs * own,
            numbers: joined + tiles + 3.0 * gradients,
            points_at_once: 0,
        })
    }

    fn contraction(&self, form: Outputs, limit: f64) -> Cost {
        let (n, p) = (self.points as f64, self.params as f64);
        let matrices = 2.0 * self.entries(form);
        let full = self.is_full(form);
        let lists = if full { 1 } else { self.outputs };
        let rows = if full { n * self.outputs as f64 } else { n };
        let held = matrices + 2.0 * rows * p;
        let (numbers, points_at_once, formed) = if held <= limit {
            (held, self.points, rows)
        } else {
            // At least one point at a time, even if that does not fit.
            let most = ((limit - matrices) / (3.0 * p)).max(1.0) as usize;
            let at_once = most.min(self.points);
            let numbers = matrices + 3.0 * at_once as f64 * p;
            (numbers, at_once, self.rows_formed(at_once, if full { self.outputs } else { 1 }))
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
            numbers: 2.0 * self.entries(form) + 2.0 * self.params as f64,
            points_at_once: 0,
        }
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
