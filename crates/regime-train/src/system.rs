//! The system that a flow integrates.

use std::sync::{Arc, OnceLock};

use burn_tensor::{Tensor, backend::Backend};
use ndarray::Array2;
use regime_models::{Network, Precision, Trace};
use regime_tangent::{analysis::to_host_matrix, kernel};

use crate::{
    digest::Digest,
    objective::Objective,
    points::{Points, Weights},
    selection::numbered,
    system_error::SystemError,
    workspace::Workspace,
};

/// A network, its initial weights `w₀`, its training inputs, and the objective on them.
///
/// [`System::builder`] computes the initial outputs `f₀ = f(w₀, ·)` of the objective itself.
/// [`System::with_objective`] takes an objective that has them already.
///
/// Implicit steps store the memory of their two largest matrices here, at most `2 n²` float64
/// values, for reuse in later steps. It is freed with the system, or in the first step without
/// active points.
///
/// A clone shares the network, the inputs, the objective and this memory.
#[derive(Debug)]
pub struct System<B: Backend, N: Network<B>> {
    net: Arc<N>,
    initial: Tensor<B, 1>,
    inputs: Tensor<B, 2>,
    objective: Arc<Objective>,
    digest: Arc<OnceLock<Digest>>,
    workspace: Workspace,
    accepts_rounding: bool,
}

impl<B: Backend, N: Network<B>> Clone for System<B, N> {
    fn clone(&self) -> Self {
        let Self { net, initial, inputs, objective, digest, workspace, accepts_rounding } = self;
        Self {
            net: Arc::clone(net),
            initial: initial.clone(),
            inputs: inputs.clone(),
            objective: Arc::clone(objective),
            digest: Arc::clone(digest),
            workspace: workspace.clone(),
            accepts_rounding: *accepts_rounding,
        }
    }
}

/// The largest kernel that [`System::kernel`] returns: 32,768 rows of float64.
const MAX_KERNEL_BYTES: f64 = (1u64 << 33) as f64;

/// The linearisation of a network.
pub(crate) type TapeOf<B, N> = <<N as Network<B>>::Trace as Trace<B>>::Tape;

impl<B: Backend, N: Network<B>> System<B, N> {
    /// A system whose objective has its initial outputs `f₀` already, for example from an earlier
    /// evaluation. They have to be the outputs at `initial`: `F = α(f − f₀)` is 0 there.
    ///
    /// # Shapes
    /// `inputs`: `[n, d]`, `initial`: `[P]`
    ///
    /// # Errors
    /// [`SystemError`] when the shapes do not fit the network and the objective, or an initial
    /// weight is not finite.
    pub fn with_objective(
        net: N,
        inputs: impl Into<Points<B>>,
        objective: Objective,
        initial: impl Into<Weights<B>>,
    ) -> Result<Self, SystemError> {
        let targets = [objective.n_points(), objective.n_outputs()];
        let (inputs, initial) =
            fitting(&net, (inputs.into(), initial.into()), (None, None), targets)?;
        Ok(Self::from_parts(Arc::new(net), inputs, objective, initial))
    }

    /// A system of parts that fit each other.
    pub(crate) fn from_parts(
        net: Arc<N>,
        inputs: Tensor<B, 2>,
        objective: Objective,
        initial: Tensor<B, 1>,
    ) -> Self {
        let objective = if net.is_linear() { objective.for_linear_model() } else { objective };
        Self {
            net,
            initial,
            inputs,
            objective: Arc::new(objective),
            digest: Arc::default(),
            workspace: Workspace::default(),
            accepts_rounding: false,
        }
    }

    /// The same system, whose flows start also where rounding in `F` is larger than the error
    /// allowed in a step, see [`FlowError::Rounding`](crate::FlowError::Rounding).
    #[must_use]
    pub fn accept_rounding(self) -> Self {
        Self { accepts_rounding: true, ..self }
    }

    pub(crate) fn accepts_rounding(&self) -> bool {
        self.accepts_rounding
    }

    /// The initial weights `w₀`, `[P]`.
    pub fn initial_weights(&self) -> Tensor<B, 1> {
        self.initial.clone()
    }

    /// `F = α(f(w, x) − f(w₀, x))` at any points `x`. It takes two forward passes: the outputs at
    /// the initial weights are known at the training points only.
    ///
    /// # Shapes
    /// `w`: `[P]`, `x`: `[m, d]` → `[mK]`, output by output
    ///
    /// # Errors
    /// [`SystemError`] when the shapes do not fit the network.
    pub fn outputs(
        &self,
        w: impl Into<Weights<B>>,
        x: impl Into<Points<B>>,
    ) -> Result<Vec<f64>, SystemError> {
        let (x, w) = (self.points(x)?, self.weights(w)?);
        let [initial, now] =
            [&self.initial, &w].map(|w| Precision::to_host(self.net.forward(w, &x)));
        let alpha = self.objective.alpha().value();
        Ok(now.iter().zip(initial).map(|(f, f0)| alpha * (f - f0)).collect())
    }

    /// The tangent kernel of `f` at the initial weights on any points, in host memory.
    ///
    /// # Shapes
    /// `x`: `[m, d]` → `[mK, mK]`
    ///
    /// # Errors
    /// [`SystemError`] when the shapes do not fit the network, for a point without a kernel (a frozen
    /// kernel has other points than its training points), and for a kernel that is not finite.
    pub fn kernel(&self, x: impl Into<Points<B>>) -> Result<Array2<f64>, SystemError> {
        self.kernel_at(self.initial.clone(), x)
    }

    /// The tangent kernel of `f` at the weights `w` on any points, in host memory.
    ///
    /// # Shapes
    /// `w`: `[P]`, `x`: `[m, d]` → `[mK, mK]`
    ///
    /// # Errors
    /// As [`kernel`](Self::kernel).
    pub fn kernel_at(
        &self,
        w: impl Into<Weights<B>>,
        x: impl Into<Points<B>>,
    ) -> Result<Array2<f64>, SystemError> {
        let (x, w) = (self.points(x)?, self.weights(w)?);
        self.net.check_kernel_inputs(&x).map_err(SystemError::Inputs)?;
        let rows = x.dims()[0] * self.net.n_outputs();
        let bytes = 8.0 * (rows as f64).powi(2);
        if bytes > MAX_KERNEL_BYTES {
            return Err(SystemError::KernelMemory { rows, bytes, limit: MAX_KERNEL_BYTES });
        }
        let theta = to_host_matrix(kernel(&self.net.trace(&w, &x).linearise()));
        match theta.indexed_iter().find(|(_, value)| !value.is_finite()) {
            None => Ok(theta),
            Some(((row, column), &value)) => {
                Err(SystemError::KernelNotFinite { row, column, value })
            }
        }
    }

    /// Points as a tensor on the device of the system, in its precision.
    fn points(&self, x: impl Into<Points<B>>) -> Result<Tensor<B, 2>, SystemError> {
        checked(&*self.net, x.into(), Precision::of(self.inputs.dtype()), &self.inputs.device())
    }

    /// Weights as a tensor on the device of the system, in its precision.
    pub(crate) fn weights(&self, w: impl Into<Weights<B>>) -> Result<Tensor<B, 1>, SystemError> {
        let w = w.into().tensor(Precision::of(self.inputs.dtype()), &self.inputs.device());
        let ([found], n_params) = (w.dims(), self.net.n_params());
        if found == n_params { Ok(w) } else { Err(SystemError::Weights { found, n_params }) }
    }

    /// The digest of the problem, computed in the first call.
    pub(crate) fn digest(&self) -> Digest {
        let Self { net, initial, inputs, objective, .. } = self;
        *self.digest.get_or_init(|| Digest::whole(&**net, objective, inputs, initial))
    }

    /// The objective.
    pub fn objective(&self) -> &Objective {
        &self.objective
    }

    /// The network.
    pub fn network(&self) -> &N {
        &self.net
    }

    /// The training inputs, `[n, d]`.
    pub(crate) fn inputs(&self) -> &Tensor<B, 2> {
        &self.inputs
    }

    /// Memory for the matrices of steps.
    pub(crate) fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// A host vector as a tensor with the device and element type of the training inputs.
    pub(crate) fn tensor(&self, values: &[f64]) -> Tensor<B, 1> {
        Precision::of(self.inputs.dtype()).vector(values, &self.inputs.device())
    }

    /// A host vector as a float64 tensor on the device of the training inputs.
    pub(crate) fn float64(&self, values: &[f64]) -> Tensor<B, 1> {
        Precision::F64.vector(values, &self.inputs.device())
    }

    /// The inputs of the points with these indices, `[points, d]`.
    pub(crate) fn inputs_at(&self, points: &[usize]) -> Tensor<B, 2> {
        self.inputs.clone().select(0, numbered::<B>(points, &self.inputs.device()))
    }

    /// The inputs of the points that have these rows, `[points, d]`. With several outputs, the rows
    /// are those of all points.
    pub(crate) fn inputs_of_rows(&self, rows: &[usize]) -> Tensor<B, 2> {
        if rows.len() == self.objective.rows().len() {
            return self.inputs.clone();
        }
        self.inputs_at(rows)
    }

    /// `u` of some points at `w`: the first output of each, then the second, and so on.
    pub(crate) fn margins_at(&self, w: &Tensor<B, 1>, points: &[usize]) -> Vec<f64> {
        let outputs = Precision::to_host(self.net.forward(w, &self.inputs_at(points)));
        self.objective.margins_at(&self.objective.rows_of(points), &outputs)
    }

    /// The margins of all points at `w`.
    pub(crate) fn margins(&self, w: &Tensor<B, 1>) -> Vec<f64> {
        self.objective.margins(&Precision::to_host(self.net.forward(w, &self.inputs)))
    }
}

/// Inputs and initial weights as tensors that fit a network and `targets`, which are numbers of points
/// and of outputs. Precision and device are those given, else those of the inputs if they are a
/// tensor, else of the weights if they are, else float64 and the default device.
pub(crate) fn fitting<B: Backend, N: Network<B>>(
    net: &N,
    (inputs, initial): (Points<B>, Weights<B>),
    (precision, device): (Option<Precision>, Option<B::Device>),
    targets: [usize; 2],
) -> Result<(Tensor<B, 2>, Tensor<B, 1>), SystemError> {
    let place = match (&inputs, &initial) {
        (Points::Device(x), _) => Some((Precision::of(x.dtype()), x.device())),
        (_, Weights::Device(w)) => Some((Precision::of(w.dtype()), w.device())),
        _ => None,
    };
    let (of_tensor, on) = place.unzip();
    let precision = precision.or(of_tensor).unwrap_or(Precision::F64);
    let device = device.or(on).unwrap_or_default();
    let inputs = checked(net, inputs, precision, &device)?;
    let initial = checked_weights(net, initial, precision, &device)?;
    let ([n, _], [points, outputs]) = (inputs.dims(), targets);
    if n != points {
        return Err(SystemError::Counts { inputs: n, targets: points });
    }
    if net.n_outputs() != outputs {
        return Err(SystemError::Outputs { network: net.n_outputs(), targets: outputs });
    }
    Ok((inputs, initial))
}

/// Points that fit a network, as a tensor.
fn checked<B: Backend, N: Network<B>>(
    net: &N,
    points: Points<B>,
    precision: Precision,
    device: &B::Device,
) -> Result<Tensor<B, 2>, SystemError> {
    let ([n, columns], n_inputs) = (points.dims(), net.n_inputs());
    if n == 0 {
        return Err(SystemError::NoPoints);
    }
    if columns != n_inputs {
        return Err(SystemError::Columns { columns, n_inputs });
    }
    if let Points::Host(values) = &points
        && let Some(((row, column), &value)) = values.indexed_iter().find(|(_, x)| !x.is_finite())
    {
        return Err(SystemError::InputNotFinite { row, column, value });
    }
    let points = points.tensor(precision, device);
    net.check_inputs(&points).map_err(SystemError::Inputs)?;
    Ok(points)
}

/// Initial weights that fit a network, as a tensor.
fn checked_weights<B: Backend, N: Network<B>>(
    net: &N,
    weights: Weights<B>,
    precision: Precision,
    device: &B::Device,
) -> Result<Tensor<B, 1>, SystemError> {
    let found = match &weights {
        Weights::Host(weights) => weights.len(),
        Weights::Device(weights) => weights.dims()[0],
    };
    let n_params = net.n_params();
    if found != n_params {
        return Err(SystemError::Weights { found, n_params });
    }
    if let Weights::Host(values) = &weights
        && let Some(index) = values.iter().position(|w| !w.is_finite())
    {
        return Err(SystemError::WeightNotFinite { index, value: values[index] });
    }
    Ok(weights.tensor(precision, device))
}
