//! Builds a system from a network, its inputs and targets, and its initial weights.

use std::{borrow::Borrow, sync::Arc};

use burn_tensor::backend::Backend;
use ndarray::ArrayView2;
use regime_models::{Alpha, Network, Precision};

use crate::{
    initial::{Initialised, Origin},
    loss::Loss,
    objective::Objective,
    objective_error::ObjectiveError,
    points::{Points, Weights},
    system::{System, fitting},
    system_error::SystemError,
    targets::Targets,
};

/// The parts of a [`System`], from which [`build`](Self::build) creates it.
///
/// Targets, α, loss and initial weights have to be given: none of them has a default. The initial
/// outputs `f₀` are computed from the initial weights.
///
/// ```
/// use burn_flex::Flex;
/// use ndarray::array;
/// use regime_models::{Activation, Alpha, DenseSpec};
/// use regime_train::{Loss, System};
///
/// let activation = Activation::Tanh;
/// let net = DenseSpec { inputs: 2, width: 20, hidden_layers: 2, activation, bias: true }.build()?;
/// let x = array![[1.0, 0.5], [-0.3, 0.8], [0.2, -0.9]];
/// let system = System::<Flex, _>::builder(net, &x)
///     .signs([1.0, -1.0, 1.0])
///     .alpha(Alpha::paper(10.0)?)
///     .loss(Loss::SoftHinge { beta: 20.0 })
///     .seed(1)
///     .build()?;
///
/// let theta = system.kernel(&x)?;
/// assert_eq!(theta.dim(), (3, 3));
/// // F is 0 at the initial weights, at every point.
/// assert_eq!(system.outputs(system.initial_weights(), &array![[0.7, 0.7]])?, [0.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `build`"]
pub struct SystemBuilder<B: Backend, N> {
    net: N,
    inputs: Points<B>,
    targets: Option<Result<Targets, ObjectiveError>>,
    alpha: Option<Alpha>,
    loss: Option<Loss>,
    initial: Option<Weights<B>>,
    precision: Option<Precision>,
    device: Option<B::Device>,
}

impl<B: Backend, N: Network<B>> System<B, N> {
    /// Starts a system of `net` (by value, by reference, or in an [`Arc`]) on training inputs.
    ///
    /// # Shapes
    /// `inputs`: `[n, d]`, an `ndarray` array or a burn tensor
    pub fn builder(net: N, inputs: impl Into<Points<B>>) -> SystemBuilder<B, N> {
        SystemBuilder {
            net,
            inputs: inputs.into(),
            targets: None,
            alpha: None,
            loss: None,
            initial: None,
            precision: None,
            device: None,
        }
    }
}

impl<B: Backend, N: Network<B>> SystemBuilder<B, N> {
    /// What the network shall learn.
    pub fn targets(self, targets: Targets) -> Self {
        Self { targets: Some(Ok(targets)), ..self }
    }

    /// Labels `±1`, `[n]`, as [`Targets::signs`].
    pub fn signs(self, labels: impl IntoIterator<Item = impl Borrow<f64>>) -> Self {
        Self { targets: Some(Targets::signs(labels)), ..self }
    }

    /// The class of each point, `[n]`, as [`Targets::classes`].
    pub fn classes(
        self,
        classes: impl IntoIterator<Item = impl Borrow<usize>>,
        n_classes: usize,
    ) -> Self {
        Self { targets: Some(Targets::classes(classes, n_classes)), ..self }
    }

    /// Real numbers, `[nK]` output by output, as [`Targets::values`] for the outputs of the
    /// network.
    pub fn values(self, values: impl Into<Vec<f64>>) -> Self {
        let targets = Targets::values(values, self.net.n_outputs());
        Self { targets: Some(targets), ..self }
    }

    /// Real numbers as an array, `[n, K]`, as [`Targets::table`].
    pub fn table(self, values: ArrayView2<'_, f64>) -> Self {
        Self { targets: Some(Targets::table(values)), ..self }
    }

    /// The scale of `F = α(f − f₀)`.
    pub fn alpha(self, alpha: Alpha) -> Self {
        Self { alpha: Some(alpha), ..self }
    }

    /// The loss of a point.
    pub fn loss(self, loss: Loss) -> Self {
        Self { loss: Some(loss), ..self }
    }

    /// Initial weights drawn with this seed.
    pub fn seed(self, seed: u64) -> Self
    where
        N: Initialised,
    {
        let weights = self.net.initial_weights(seed);
        Self { initial: Some(Weights::Host(weights)), ..self }
    }

    /// These initial weights, `[P]`.
    pub fn weights(self, weights: impl Into<Weights<B>>) -> Self {
        Self { initial: Some(weights.into()), ..self }
    }

    /// The initial weights that the network itself holds.
    pub fn origin(self) -> Self
    where
        N: Origin<B>,
    {
        let weights = self.net.origin();
        Self { initial: Some(Weights::Device(weights)), ..self }
    }

    /// The precision of inputs and weights. The default is that of the inputs if they are a tensor,
    /// otherwise that of the weights if they are a tensor, otherwise float64.
    pub fn precision(self, precision: Precision) -> Self {
        Self { precision: Some(precision), ..self }
    }

    /// The device to which inputs and weights move from host memory. The default is that of the
    /// inputs or of the weights if they are tensors, otherwise the default device of the backend.
    pub fn device(self, device: B::Device) -> Self {
        Self { device: Some(device), ..self }
    }

    /// The system, with `f₀ = f(w₀, ·)` on the inputs.
    ///
    /// # Errors
    /// [`SystemError`] for a part that is missing or not valid, and for parts that do not fit each
    /// other.
    pub fn build(self) -> Result<System<B, N>, SystemError> {
        let missing = |part, call| SystemError::Missing { part, call };
        let given = self.initial.ok_or(missing("initial weights", "seed(…)` or `.weights(…)"))?;
        let targets = self.targets.ok_or(missing("targets", "targets(…)"))??;
        let alpha = self.alpha.ok_or(missing("α", "alpha(…)"))?;
        let loss = self.loss.ok_or(missing("loss", "loss(…)"))?;
        let (net, place) = (self.net, (self.precision, self.device));
        let sizes = [targets.n_points(), targets.n_outputs()];
        let (inputs, initial) = fitting(&net, (self.inputs, given), place, sizes)?;
        let f0 = Precision::to_host(net.forward(&initial, &inputs));
        let objective = Objective::new(alpha, loss, targets, f0)?;
        Ok(System::from_parts(Arc::new(net), inputs, objective, initial))
    }
}
