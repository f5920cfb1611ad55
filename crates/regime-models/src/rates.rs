//! Learning rates of the parameters.

use std::ops::Range;

use burn_tensor::{DType, Tensor, backend::Backend};

use crate::{
    error::ModelError,
    parametrisation::{Convention, LayerRates, Layout},
    precision::Precision,
};

/// The learning rates of all parameters, each at least 0, relative to a common rate. A parameter
/// with the rate 0 is frozen.
///
/// [`WithRates`](crate::WithRates) makes them the metric of a flow.
#[derive(Debug, Clone, PartialEq)]
pub struct Rates {
    /// Consecutive ranges from 0 to `P`, and the rate in each.
    pieces: Vec<(Range<usize>, f64)>,
}

/// Number of ranges from which a vector of rates is copied to the device and not made there.
const MAX_PIECES: usize = 64;

impl Rates {
    /// One rate for every parameter, `[P]`.
    ///
    /// # Errors
    /// [`ModelError::Zero`] for no parameters, [`ModelError::Rate`] for a rate that is negative or
    /// not finite.
    pub fn per_parameter(rates: &[f64]) -> Result<Self, ModelError> {
        if rates.is_empty() {
            return Err(ModelError::Zero { field: "the number of parameters" });
        }
        let mut pieces: Vec<(Range<usize>, f64)> = Vec::new();
        for (parameter, &rate) in rates.iter().enumerate() {
            if !(rate.is_finite() && rate >= 0.0) {
                return Err(ModelError::Rate { parameter, rate });
            }
            match pieces.last_mut() {
                Some((range, last)) if *last == rate => range.end = parameter + 1,
                _ => pieces.push((parameter..parameter + 1, rate)),
            }
        }
        Ok(Self { pieces })
    }

    /// One rate for every layer, for weights and biases alike; `layers` are the ranges of
    /// [`Network::layer_ranges`](crate::Network::layer_ranges).
    ///
    /// # Errors
    /// [`ModelError::RateCount`] if there are more or fewer rates than layers, and the errors of
    /// [`in_ranges`](Self::in_ranges).
    pub fn by_layer(layers: &[Range<usize>], rates: &[f64]) -> Result<Self, ModelError> {
        if layers.len() != rates.len() {
            let (expected, found) = (layers.len(), rates.len());
            return Err(ModelError::RateCount { of: "layers", expected, found });
        }
        let n_params = layers.iter().map(|range| range.end).max().unwrap_or(0);
        let ranges: Vec<_> = layers.iter().cloned().zip(rates.iter().copied()).collect();
        Self::in_ranges(n_params, &ranges)
    }

    /// One rate for every range of parameters, and the rate 1 for all other parameters of
    /// `n_params`.
    ///
    /// # Errors
    /// [`ModelError::RateRange`] for a range that ends after `n_params` or overlaps another one, and
    /// the errors of [`per_parameter`](Self::per_parameter).
    pub fn in_ranges(n_params: usize, ranges: &[(Range<usize>, f64)]) -> Result<Self, ModelError> {
        let mut all = vec![1.0; n_params];
        let mut taken = vec![false; n_params];
        for (range, rate) in ranges {
            let free = range.start <= range.end
                && taken.get(range.clone()).is_some_and(|taken| !taken.contains(&true));
            if !free {
                return Err(ModelError::RateRange { range: range.clone(), n_params });
            }
            all[range.clone()].fill(*rate);
            taken[range.clone()].fill(true);
        }
        Self::per_parameter(&all)
    }

    /// One rate for the weights of every layer and one for its biases, such as those of
    /// [`Layout::own_rates`] and [`Layout::learning_rates`].
    ///
    /// # Errors
    /// [`ModelError::RateCount`] if there are more or fewer rates than layers,
    /// [`ModelError::Rate`] for a rate that is negative or not finite.
    ///
    /// # Panics
    /// When a layer with biases has no rate for them.
    pub fn of_layers(layout: &Layout, rates: &[LayerRates]) -> Result<Self, ModelError> {
        let (expected, found) = (layout.roles().count(), rates.len());
        if expected != found {
            return Err(ModelError::RateCount { of: "layers", expected, found });
        }
        Self::per_parameter(&layout.per_parameter(rates))
    }

    /// The rates with which a network in the convention `to` goes through the same functions as a
    /// network in the convention `from` with its own rates, such as µP. The networks of this crate
    /// have the convention [`Parametrisation::NTK`](crate::Parametrisation::NTK) with their α.
    ///
    /// The network starts at the converted weights, see [`Layout::convert`]. The base rate is 1: a
    /// flow at the base rate η is this flow with the time multiplied by η.
    ///
    /// # Errors
    /// [`ModelError::Rate`] where a rate is too large for float64.
    pub fn of_convention(
        layout: &Layout,
        from: &Convention,
        to: &Convention,
    ) -> Result<Self, ModelError> {
        Self::of_layers(layout, &layout.learning_rates(from, to, 1.0))
    }

    /// Number of parameters `P`.
    pub fn n_params(&self) -> usize {
        self.pieces.last().map_or(0, |(range, _)| range.end)
    }

    /// The rate of every parameter, `[P]`.
    pub fn to_vec(&self) -> Vec<f64> {
        self.numbers(|rate| rate)
    }

    /// The one rate of all parameters in a range, `None` where they differ.
    pub(crate) fn common(&self, range: &Range<usize>) -> Option<f64> {
        // The piece in which the range starts has to contain all of it.
        let at = self.pieces.partition_point(|(piece, _)| piece.end <= range.start);
        let (piece, rate) = self.pieces.get(at)?;
        (range.end <= piece.end).then_some(*rate)
    }

    /// A function of the rate of every parameter, `[P]`.
    pub(crate) fn tensor<B: Backend>(
        &self,
        of: impl Fn(f64) -> f64,
        (device, dtype): (B::Device, DType),
    ) -> Tensor<B, 1> {
        if self.pieces.len() > MAX_PIECES {
            return Precision::of(dtype).vector(&self.numbers(of), &device);
        }
        let piece = |(range, rate): &(Range<usize>, f64)| {
            Tensor::full([range.len()], of(*rate), (&device, dtype))
        };
        Tensor::cat(self.pieces.iter().map(piece).collect(), 0)
    }

    fn numbers(&self, of: impl Fn(f64) -> f64) -> Vec<f64> {
        let pieces = self.pieces.iter();
        pieces.flat_map(|(range, rate)| std::iter::repeat_n(of(*rate), range.len())).collect()
    }
}
