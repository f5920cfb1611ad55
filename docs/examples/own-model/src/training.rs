//! The gradient flow of `F = α (f − f₀)`, and what it is compared with.

use std::error::Error;

use burn::tensor::Tensor;
use burn_flex::FlexDevice;
use regime_models::{Alpha, Network, Tape, Trace};
use regime_tangent::Precision;
use regime_train::{Flow, FlowSpec, KernelModel, Loss, Scheme, Stop, System};

use crate::Plain;

/// The sharpness of the loss `ln(1 + e^{β(1−u)})/β` of a margin `u = y F`.
const BETA: f64 = 20.0;

/// What is learned: inputs `[n, d]`, and their labels ±1.
#[derive(Debug, Clone)]
pub struct Task {
    /// `[n, d]`
    pub x: Tensor<Plain, 2>,
    /// `[n]`
    pub labels: Vec<f64>,
}

/// The weights at time `t` of the flow from `w₀`, or at the time at which all margins are reached;
/// and this time.
///
/// # Errors
/// When α is not positive or `f₀` is not finite.
pub fn flow<N: Network<Plain>>(
    net: &N,
    task: &Task,
    w0: Tensor<Plain, 1>,
    alpha: f64,
    t: f64,
) -> Result<(Tensor<Plain, 1>, f64), Box<dyn Error>> {
    let builder = System::builder(net, &task.x).signs(task.labels.clone()).weights(w0);
    let loss = Loss::SoftHinge { beta: BETA };
    let system = builder.alpha(Alpha::paper(alpha)?).loss(loss).build()?;
    let scheme = Scheme::Reference { tolerance: 1e-3, active_above: 1e-3 };
    let stop = Stop { max_time: Some(t), ..Stop::default() };
    let spec = FlowSpec { scheme, stop, ..FlowSpec::default() };
    let end = Flow::start(system, spec)?.run();
    Ok((end.weights(), end.t))
}

/// `F` on the points of a task.
pub fn scaled_outputs<N: Network<Plain>>(
    net: &N,
    task: &Task,
    [w, w0]: [&Tensor<Plain, 1>; 2],
    alpha: f64,
) -> Vec<f64> {
    let change = net.forward(w, &task.x) - net.forward(w0, &task.x);
    Precision::to_host(change.mul_scalar(alpha))
}

/// `F` at time `t` of the flow from `w₀`, or at the time at which all margins are reached; and
/// this time.
///
/// # Errors
/// As [`flow`].
pub fn learned<N: Network<Plain>>(
    net: &N,
    task: &Task,
    w0: &Tensor<Plain, 1>,
    alpha: f64,
    t: f64,
) -> Result<(Vec<f64>, f64), Box<dyn Error>> {
    let (w, t) = flow(net, task, w0.clone(), alpha, t)?;
    Ok((scaled_outputs(net, task, [&w, w0], alpha), t))
}

/// `F` at time `t` of the flow with the kernel that the network has at `w₀`: the limit of large α.
///
/// # Errors
/// When the kernel is not finite.
pub fn learned_by_the_frozen_kernel<N: Network<Plain>>(
    net: &N,
    task: &Task,
    w0: &Tensor<Plain, 1>,
    t: f64,
) -> Result<(Vec<f64>, f64), Box<dyn Error>> {
    let model = KernelModel::of(net, w0, &task.x)?;
    let task = Task { x: model.training_points(), labels: task.labels.clone() };
    learned(&model, &task, &model.origin(), 1.0, t)
}

/// `F` at time `t` by the explicit midpoint rule in many small steps, which needs gradients only:
/// `dw/dt = −Jᵀ ∂L/∂f` with `∂L/∂fᵢ = yᵢ ℓ'(uᵢ)/(α n)`.
pub fn learned_explicitly<N: Network<Plain>>(
    net: &N,
    task: &Task,
    w0: &Tensor<Plain, 1>,
    alpha: f64,
    (t, steps): (f64, usize),
) -> Vec<f64> {
    let n = task.labels.len() as f64;
    let f0 = Precision::to_host(net.forward(w0, &task.x));
    let rate = |w: &Tensor<Plain, 1>| {
        let trace = net.trace(w, &task.x);
        let outputs = Precision::to_host(trace.output());
        let points = outputs.iter().zip(&f0).zip(&task.labels);
        let slopes = points.map(|((f, f0), y)| {
            let u = y * alpha * (f - f0);
            y / (1.0 + (-BETA * (1.0 - u)).exp()) / (alpha * n)
        });
        let slopes: Vec<f64> = slopes.collect();
        trace.linearise().vjp(Precision::F64.vector(&slopes, &FlexDevice))
    };
    let dt = t / steps as f64;
    let end = (0..steps).fold(w0.clone(), |w, _| {
        let half = w.clone() + rate(&w).mul_scalar(0.5 * dt);
        w + rate(&half).mul_scalar(dt)
    });
    scaled_outputs(net, task, [&end, w0], alpha)
}
