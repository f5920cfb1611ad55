use serde::{Deserialize, Serialize};

use crate::{
    Activation, ConvolutionalSpec, DenseSpec, ModelError, WideResNetSpec,
    feed_forward::FeedForward, multi_output::MultiOutput,
};

/// The specification of a network of any architecture.
///
/// Serialised with the tag `architecture`: `dense`, `convolutional` or `wide-resnet`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", tag = "architecture")]
pub enum NetworkSpec {
    /// Fully connected.
    Dense(DenseSpec),
    /// Convolutional, as in the paper's setup B.
    Convolutional(ConvolutionalSpec),
    /// Wide residual network.
    #[serde(rename = "wide-resnet")]
    WideResNet(WideResNetSpec),
}

impl NetworkSpec {
    /// Builds the network.
    ///
    /// # Errors
    /// The errors of the architecture's `build`.
    pub fn build(&self) -> Result<FeedForward, ModelError> {
        match self {
            Self::Dense(spec) => spec.build(),
            Self::Convolutional(spec) => spec.build(),
            Self::WideResNet(spec) => spec.build(),
        }
    }

    /// Builds the same network with `outputs` outputs, which share all layers but the last.
    ///
    /// # Errors
    /// As [`build`](Self::build), and when `outputs` is 0.
    pub fn build_outputs(&self, outputs: usize) -> Result<MultiOutput, ModelError> {
        match self {
            Self::Dense(spec) => spec.build_outputs(outputs),
            Self::Convolutional(spec) => spec.build_outputs(outputs),
            Self::WideResNet(spec) => spec.build_outputs(outputs),
        }
    }

    /// The serialised name of the architecture.
    pub fn architecture(&self) -> &'static str {
        match self {
            Self::Dense(_) => "dense",
            Self::Convolutional(_) => "convolutional",
            Self::WideResNet(_) => "wide-resnet",
        }
    }

    /// The width `h` that the paper varies: units, channels or the widening factor.
    pub fn width(&self) -> usize {
        match self {
            Self::Dense(spec) => spec.width,
            Self::Convolutional(spec) => spec.width,
            Self::WideResNet(spec) => spec.width,
        }
    }

    /// The non-linearity.
    pub fn activation(&self) -> Activation {
        match self {
            Self::Dense(spec) => spec.activation,
            Self::Convolutional(spec) => spec.activation,
            Self::WideResNet(spec) => spec.activation,
        }
    }
}
