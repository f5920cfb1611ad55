//! Events of the user: functions of the state whose zeros are located.

use std::cell::OnceCell;

use burn_tensor::{Tensor, backend::Backend};
use ndarray::Array2;
use regime_models::{Network, Precision, dot};

use crate::{points::Points, system::System, system_error::SystemError};

/// The state of a flow at one time, as an [`Event`] receives it.
///
/// The outputs at the training points are computed in the first call that needs them: an event
/// that depends on the weights alone takes no forward pass.
pub struct State<'a, B: Backend, N: Network<B>> {
    system: &'a System<B, N>,
    t: f64,
    w: Tensor<B, 1>,
    /// `f`, `[nK]`.
    network_outputs: OnceCell<Vec<f64>>,
    signed_outputs: OnceCell<Vec<f64>>,
}

impl<'a, B: Backend, N: Network<B>> State<'a, B, N> {
    pub(crate) fn new(system: &'a System<B, N>, t: f64, w: Tensor<B, 1>) -> Self {
        let (network_outputs, signed_outputs) = (OnceCell::new(), OnceCell::new());
        Self { system, t, w, network_outputs, signed_outputs }
    }

    /// Time of the flow.
    pub fn time(&self) -> f64 {
        self.t
    }

    /// The weights, `[P]`.
    pub fn weights(&self) -> Tensor<B, 1> {
        self.w.clone()
    }

    /// `‖w‖`, Euclidean.
    pub fn weights_norm(&self) -> f64 {
        norm(self.w.clone())
    }

    /// `‖w₀‖`, Euclidean.
    pub fn initial_norm(&self) -> f64 {
        norm(self.system.initial_weights())
    }

    /// `‖w − w₀‖`, Euclidean.
    pub fn weights_change(&self) -> f64 {
        norm(self.w.clone() - self.system.initial_weights())
    }

    /// The margins of the training points, `[n]`, as
    /// [`Objective::point_margins`](crate::Objective::point_margins).
    pub fn margins(&self) -> Vec<f64> {
        self.system.objective().point_margins(self.signed_outputs())
    }

    /// The smallest margin; NaN if any margin is NaN.
    pub fn smallest_margin(&self) -> f64 {
        self.system.objective().smallest_margin(self.signed_outputs())
    }

    /// The mean loss `α² L`.
    pub fn mean_loss(&self) -> f64 {
        self.system.objective().mean_loss(self.signed_outputs())
    }

    /// `F = α(f − f₀)` on the training points, `[nK]`, output by output.
    pub fn outputs(&self) -> Vec<f64> {
        let objective = self.system.objective();
        let alpha = objective.alpha().value();
        let pairs = self.network_outputs().iter().zip(objective.initial());
        pairs.map(|(f, f0)| alpha * (f - f0)).collect()
    }

    /// `F` on other points, as [`System::outputs`].
    ///
    /// # Errors
    /// As [`System::outputs`].
    pub fn outputs_at(&self, x: impl Into<Points<B>>) -> Result<Vec<f64>, SystemError> {
        self.system.outputs(&self.w, x)
    }

    /// The tangent kernel on some points, as [`System::kernel_at`].
    ///
    /// # Errors
    /// As [`System::kernel_at`].
    pub fn kernel(&self, x: impl Into<Points<B>>) -> Result<Array2<f64>, SystemError> {
        self.system.kernel_at(&self.w, x)
    }

    /// `F`, times the label for labels ±1, `[nK]`.
    fn signed_outputs(&self) -> &[f64] {
        self.signed_outputs.get_or_init(|| self.system.objective().margins(self.network_outputs()))
    }

    fn network_outputs(&self) -> &[f64] {
        self.network_outputs.get_or_init(|| {
            Precision::to_host(self.system.network().forward(&self.w, self.system.inputs()))
        })
    }
}

fn norm<B: Backend>(v: Tensor<B, 1>) -> f64 {
    dot(v.clone(), v).sqrt()
}

type Function<B, N> = Box<dyn Fn(&State<'_, B, N>) -> f64 + Send>;

/// A function of the state whose zeros a flow locates.
///
/// The function is evaluated at the ends of the steps and at the scheduled times inside large
/// steps. Where it changes sign between two of these times, the zero is found by a bracketing
/// iteration. Inside a step, the state is that of the same scheme with a shorter step from the same
/// start (inside a large step, of the same path in function space), so that the time of the event
/// has the order of the scheme. Two zeros between two evaluations are not seen. A function that is
/// 0 at the start, and one that is not a number, are no event.
///
/// Events do not change the flow: its steps and its weights have the same bits with and without
/// them. Their forward passes are not counted in [`Work`](crate::Work).
pub struct Event<B: Backend, N: Network<B>> {
    name: String,
    function: Function<B, N>,
    rising: bool,
    falling: bool,
    ends_run: bool,
}

impl<B: Backend, N: Network<B>> Event<B, N> {
    /// An event where `function` is zero.
    pub fn new(
        name: impl Into<String>,
        function: impl Fn(&State<'_, B, N>) -> f64 + Send + 'static,
    ) -> Self {
        let (name, function) = (name.into(), Box::new(function));
        Self { name, function, rising: true, falling: true, ends_run: false }
    }

    /// Only zeros at which the function rises.
    #[must_use]
    pub fn rising(self) -> Self {
        Self { rising: true, falling: false, ..self }
    }

    /// Only zeros at which the function falls.
    #[must_use]
    pub fn falling(self) -> Self {
        Self { rising: false, falling: true, ..self }
    }

    /// The run ends with [`End::Event`](crate::End::Event) after the step in which this event
    /// occurs.
    #[must_use]
    pub fn ends_run(self) -> Self {
        Self { ends_run: true, ..self }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn is_terminal(&self) -> bool {
        self.ends_run
    }

    pub(crate) fn value(&self, state: &State<'_, B, N>) -> f64 {
        (self.function)(state)
    }

    /// Whether the event lies between these two values.
    pub(crate) fn lies_between(&self, before: f64, after: f64) -> bool {
        let rises = before < 0.0 && after >= 0.0;
        let falls = before > 0.0 && after <= 0.0;
        (rises && self.rising) || (falls && self.falling)
    }
}

/// An event that has occurred.
#[derive(Debug, Clone)]
pub struct Occurred<B: Backend> {
    /// The name of the event; `t1` and `t2` for the events of every flow.
    pub name: String,
    /// When it occurred, in the time of the flow.
    pub time: f64,
    /// The weights at that time, `[P]`; `None` for `t1` and `t2`.
    pub weights: Option<Tensor<B, 1>>,
}
