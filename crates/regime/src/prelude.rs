//! The names that most programs need: `use regime::prelude::*;`.
//!
//! Types with a backend are here with Burn's [`Flex`], which needs no installation. For another
//! backend, use the type of the same name in [`train`](crate::train) or [`tangent`](crate::tangent).

pub use burn_flex::{Flex, FlexDevice};
pub use ndarray::{Array2, array};
pub use regime_data::{DataSpec, Dataset, Source, default_cache_dir, prepare};
pub use regime_models::{
    Activation, ActivationFunction, Alpha, ConvolutionalSpec, DenseSpec, ImageShape, Network,
    NetworkSpec, Precision, Rates, Tape, Trace, WideResNetSpec, WithRates, check_activation,
};
pub use regime_scaling::{
    BootstrapConfig, Pairing, PowerLaw, exponent_interval, fit_power_law, log_spaced,
};
#[cfg(feature = "module")]
pub use regime_tangent::{FrozenBatchNorm, ModuleFunction, ModuleNetwork, in_precision};
pub use regime_tangent::{
    InfiniteWidth, Outputs, cross_kernel, kernel, layer_kernels, relative_change,
};
pub use regime_train::{
    End, FlowSpec, Loss, Moment, Momentum, Observation, Observer, Outcome, OwnLoss, PointLoss,
    Recorder, Scheme, StepRule, Stop, Targets, check_loss,
};

/// A network, its initial weights, its inputs and its targets; start with `System::builder`.
pub type System<N> = regime_train::System<Flex, N>;

/// A flow in progress; start with `Flow::start`.
pub type Flow<N> = regime_train::Flow<Flex, N>;

/// The end of a run: its outcome and its last weights.
pub type EndState<N> = regime_train::EndState<Flex, N>;

/// An event of your own, at the zero of a function of the state.
pub type Event<N> = regime_train::Event<Flex, N>;

/// The state of a flow, from which an event is computed.
pub type State<'a, N> = regime_train::State<'a, Flex, N>;

/// A frozen kernel as a network.
pub type KernelModel = regime_train::KernelModel<Flex>;

/// A network linearised at its initial weights.
pub type Linearised<N> = regime_train::Linearised<Flex, N>;
