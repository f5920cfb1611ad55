//! Checks that the outputs for a point depend on this point alone.

use burn::{
    module::Module,
    tensor::{Tensor, backend::AutodiffBackend},
};
use regime_models::Precision;

use super::{
    error::{Difference, ModuleError},
    function::{BATCH, ModuleFunction},
    parameters::Parameters,
    suspects::{Layer, MIXING, RANDOM, surely_random, suspects},
    used::{Calls, calls},
};

/// Points whose gradients are compared.
const GRADIENTS: usize = 8;

/// As [`check`], and the derivatives at all points must be finite.
pub(super) fn check_with_derivatives<AB, M, F, const D: usize>(
    function: &ModuleFunction<AB, M, F, D>,
) -> Result<(), ModuleError>
where
    AB: AutodiffBackend,
    M: Module<AB>,
    F: Fn(&M, Tensor<AB, D>) -> Tensor<AB, 2>,
{
    check(function)?;
    check_derivatives(function)
}

/// Takes one gradient for every batch, and those of single points only where it is not finite.
fn check_derivatives<AB, M, F, const D: usize>(
    function: &ModuleFunction<AB, M, F, D>,
) -> Result<(), ModuleError>
where
    AB: AutodiffBackend,
    M: Module<AB>,
    F: Fn(&M, Tensor<AB, D>) -> Tensor<AB, 2>,
{
    let n = function.n_points();
    // The gradient of a sum, in which the terms of all points and outputs have other weights.
    let gradient = |points: Tensor<AB::InnerBackend, D>| {
        let (rows, k) = (points.dims()[0], function.n_outputs());
        let weights: Vec<f64> = (0..rows * k).map(weight).collect();
        let precision = Precision::of(points.dtype());
        let weights = precision.matrix::<AB>(&weights, [rows, k], &points.device());
        Precision::to_host(function.pulled(function.evaluate(points) * weights))
    };
    let fault = |gradient: &[f64]| gradient.iter().position(|g| !g.is_finite());
    for start in (0..n).step_by(BATCH) {
        let end = (start + BATCH).min(n);
        if fault(&gradient(function.points().clone().narrow(0, start, end - start))).is_none() {
            continue;
        }
        for point in start..end {
            let own = gradient(function.points().clone().narrow(0, point, 1));
            if let Some(column) = fault(&own) {
                return Err(not_finite(function.parameters(), point, column, own[column]));
            }
        }
    }
    Ok(())
}

/// Irregular numbers between ½ and 3/2.
fn weight(i: usize) -> f64 {
    0.5 + (0.618_033_988_749_895 * (i + 1) as f64).fract()
}

/// Refuses functions that mix points or are random; see [`ModuleFunction`] for the checks.
pub(super) fn check<AB, M, F, const D: usize>(
    function: &ModuleFunction<AB, M, F, D>,
) -> Result<(), ModuleError>
where
    AB: AutodiffBackend,
    M: Module<AB>,
    F: Fn(&M, Tensor<AB, D>) -> Tensor<AB, 2>,
{
    let n = function.n_points();
    for start in (0..n).step_by(BATCH) {
        let points = function.points().clone().narrow(0, start, BATCH.min(n - start));
        check_outputs(function, points, start)?;
    }
    match gradients_differ(function)? {
        Some(difference) => Err(mixes(function, difference)),
        None => Ok(()),
    }
}

/// Evaluates all points with their derivatives, and checks the first ones for mixed points and
/// randomness.
pub(super) fn check_sample<AB, M, F, const D: usize>(
    function: &ModuleFunction<AB, M, F, D>,
) -> Result<(), ModuleError>
where
    AB: AutodiffBackend,
    M: Module<AB>,
    F: Fn(&M, Tensor<AB, D>) -> Tensor<AB, 2>,
{
    let n = function.n_points();
    let first = function.points().clone().narrow(0, 0, n.min(BATCH));
    check(&function.on(first))?;
    if n <= BATCH {
        return check_derivatives(function);
    }
    let values = Precision::to_host(function.outputs());
    Whole { start: 0, values, n_outputs: function.n_outputs(), tolerance: 0.0 }.check_finite()?;
    check_derivatives(function)
}

/// Compares the outputs for some points in one batch with their outputs in other batches.
/// The first point has the index `start`.
fn check_outputs<AB, M, F, const D: usize>(
    function: &ModuleFunction<AB, M, F, D>,
    points: Tensor<AB::InnerBackend, D>,
    start: usize,
) -> Result<(), ModuleError>
where
    AB: AutodiffBackend,
    M: Module<AB>,
    F: Fn(&M, Tensor<AB, D>) -> Tensor<AB, 2>,
{
    let n = points.dims()[0];
    let evaluate = |points| Precision::to_host(function.evaluate(points).inner());
    let whole = Whole {
        start,
        values: evaluate(points.clone()),
        n_outputs: function.n_outputs(),
        tolerance: tolerance(function),
    };
    whole.check_finite()?;
    let again = evaluate(points.clone());
    if let Some(difference) = whole.differs(&again, |i| i, "in another evaluation") {
        let layer = suspects(function.module(), RANDOM).first().map(Layer::to_string);
        return Err(ModuleError::Random { layer, difference: Some(difference) });
    }
    if let Some(layer) = surely_random(function.module()).first() {
        return Err(ModuleError::Random { layer: Some(layer.to_string()), difference: None });
    }

    for i in 0..n {
        let alone = evaluate(points.clone().narrow(0, i, 1));
        if let Some(difference) = whole.differs(&alone, |_| i, "alone") {
            return Err(mixes(function, difference));
        }
    }
    let half = evaluate(points.clone().narrow(0, 0, n.div_ceil(2)));
    if let Some(difference) = whole.differs(&half, |i| i, "in the first half of the batch") {
        return Err(mixes(function, difference));
    }
    let reversed = evaluate(points.clone().flip([0]));
    if let Some(difference) = whole.differs(&reversed, |i| n - 1 - i, "in the reversed batch") {
        return Err(mixes(function, difference));
    }
    if n == 1 {
        // A single point is tested in a batch with a second point.
        let pair = Tensor::cat(vec![points.clone(), points.zeros_like()], 0);
        let in_pair = &evaluate(pair)[..whole.n_outputs];
        if let Some(difference) = whole.differs(in_pair, |i| i, "next to a point of zeros") {
            return Err(mixes(function, difference));
        }
    }
    Ok(())
}

fn mixes<AB, M, F, const D: usize>(
    function: &ModuleFunction<AB, M, F, D>,
    difference: Difference,
) -> ModuleError
where
    AB: AutodiffBackend,
    M: Module<AB>,
    F: Fn(&M, Tensor<AB, D>) -> Tensor<AB, 2>,
{
    let layers = suspects(function.module(), MIXING).into_iter();
    let calls = layers.map(|layer| (calls(function, &layer.path), layer.to_string()));
    let (mut called, mut perhaps) = (None, None);
    for (calls, layer) in calls {
        match calls {
            Calls::Some => called = called.or(Some(layer)),
            Calls::Unknown => perhaps = perhaps.or(Some(layer)),
            Calls::None => {}
        }
    }
    let is_called = called.is_some();
    ModuleError::Mixes { layer: called.or(perhaps), is_called, difference }
}

/// The relative tolerance of a comparison, `ε^(2/3)`.
fn tolerance<AB: AutodiffBackend, M, F, const D: usize>(
    function: &ModuleFunction<AB, M, F, D>,
) -> f64
where
    M: Module<AB>,
    F: Fn(&M, Tensor<AB, D>) -> Tensor<AB, 2>,
{
    Precision::of(function.points().dtype()).epsilon().powf(2.0 / 3.0)
}

/// The outputs for the points of a batch, `[n, K]`.
struct Whole {
    /// Index of the first point of the batch.
    start: usize,
    values: Vec<f64>,
    n_outputs: usize,
    tolerance: f64,
}

impl Whole {
    /// # Errors
    /// [`ModuleError::NotFinite`] for the first output that is not finite.
    fn check_finite(&self) -> Result<(), ModuleError> {
        match self.values.iter().position(|value| !value.is_finite()) {
            None => Ok(()),
            Some(at) => Err(ModuleError::NotFinite {
                quantity: format!("output {}", at % self.n_outputs),
                point: self.start + at / self.n_outputs,
                value: self.values[at],
            }),
        }
    }

    /// The first of the `others` that differs from the output in this batch. Row `i` of
    /// `others` belongs to point `point(i)`.
    fn differs(
        &self,
        others: &[f64],
        point: impl Fn(usize) -> usize,
        otherwise: &'static str,
    ) -> Option<Difference> {
        let scale = |output: usize| {
            let of_output = self.values.iter().skip(output).step_by(self.n_outputs);
            of_output.fold(0.0f64, |most, v| most.max(v.abs()))
        };
        let allowed: Vec<f64> = (0..self.n_outputs).map(|k| self.tolerance * scale(k)).collect();
        others.iter().enumerate().find_map(|(at, &second)| {
            let (point, output) = (point(at / self.n_outputs), at % self.n_outputs);
            let first = self.values[point * self.n_outputs + output];
            let same = (first - second).abs() <= allowed[output];
            let point = self.start + point;
            (!same).then_some(Difference::Output { point, output, first, second, otherwise })
        })
    }
}

/// Compares the gradient of a weighted sum over a few points in one batch with the sum of
/// the gradients of single points.
fn gradients_differ<AB, M, F, const D: usize>(
    function: &ModuleFunction<AB, M, F, D>,
) -> Result<Option<Difference>, ModuleError>
where
    AB: AutodiffBackend,
    M: Module<AB>,
    F: Fn(&M, Tensor<AB, D>) -> Tensor<AB, 2>,
{
    let n = function.n_points().min(GRADIENTS);
    let mut points = function.points().clone().narrow(0, 0, n);
    if n == 1 {
        points = Tensor::cat(vec![points.clone(), points.zeros_like()], 0);
    }
    let (n, k) = (points.dims()[0], function.n_outputs());
    let precision = Precision::of(points.dtype());
    let weights: Vec<f64> = (0..n * k).map(weight).collect();
    let weights = precision.matrix::<AB>(&weights, [n, k], &points.device());
    let batch = function.pulled(function.evaluate(points.clone()) * weights.clone());
    let batch = Precision::to_host(batch);
    let mut sum = vec![0.0; batch.len()];
    let mut scale = 0.0f64;
    for i in 0..n {
        let f = function.evaluate(points.clone().narrow(0, i, 1));
        let gradient = Precision::to_host(function.pulled(f * weights.clone().narrow(0, i, 1)));
        if let Some(column) = gradient.iter().position(|g| !g.is_finite()) {
            // A point of zeros is not one of the function's points.
            if i < function.n_points() {
                return Err(not_finite(function.parameters(), i, column, gradient[column]));
            }
            return Ok(None);
        }
        sum.iter_mut().zip(&gradient).for_each(|(sum, g)| *sum += g);
        scale = gradient.iter().fold(scale, |most, g| most.max(g.abs()));
    }
    let allowed = tolerance(function) * scale;
    let column = (0..sum.len()).find(|&c| !((batch[c] - sum[c]).abs() <= allowed));
    Ok(column.map(|column| Difference::Gradient {
        parameter: function.parameters().of_column(column).names[0].clone(),
        first: batch[column],
        second: sum[column],
    }))
}

/// The error for a derivative that is not finite.
pub(super) fn not_finite(
    parameters: &Parameters,
    point: usize,
    column: usize,
    value: f64,
) -> ModuleError {
    let name = &parameters.of_column(column).names[0];
    ModuleError::NotFinite {
        quantity: format!("a derivative with respect to `{name}`"),
        point,
        value,
    }
}
