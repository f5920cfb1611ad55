use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    Activation, ModelError,
    feed_forward::{
        Builder, FeedForward, INPUT, MAX_LAYERS, MAX_SIDE, MAX_WIDTH, at_least_one, at_most,
    },
    multi_output::MultiOutput,
    window::Window,
};

/// The shape of images. A point is an image row by row, channels last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ImageShape {
    /// Pixels from top to bottom, at least 1.
    pub height: usize,
    /// Pixels from left to right, at least 1.
    pub width: usize,
    /// Values per pixel, at least 1.
    pub channels: usize,
}

impl ImageShape {
    /// Greyscale images of 28 × 28 pixels, as in MNIST.
    pub const MNIST: Self = Self { height: 28, width: 28, channels: 1 };

    /// Number of values in one image.
    pub fn n_inputs(self) -> usize {
        self.height * self.width * self.channels
    }

    pub(crate) fn check(self) -> Result<(), ModelError> {
        let Self { height, width, channels } = self;
        let sizes =
            [("image.height", height), ("image.width", width), ("image.channels", channels)];
        at_least_one(&sizes)?;
        at_most(MAX_SIDE, &sizes)
    }
}

/// The convolutional network of the paper's setup B.
///
/// The network has `blocks` blocks of `convolutions` convolutions with `h` channels. The
/// first convolution of each block has stride 2. Each convolution computes `c·a∗W + b`
/// with `c = 1/√(window²·C_in)`, followed by φ. The mean over the pixels and a last layer
/// with the factor `1/√h` follow. On images of 28 × 28 pixels the paper's choice gives
/// maps of 13, 11, 5 and 3 pixels a side.
///
/// Weights start as `N(0, 1)` and biases at 0, as in [`DenseSpec`](crate::DenseSpec).
///
/// # Reference
/// Geiger, Spigler, Jacot, Wyart, arXiv 1906.08034 v1, setup (B).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ConvolutionalSpec {
    /// The images.
    pub image: ImageShape,
    /// Channels `h` of every convolution, at least 1.
    pub width: usize,
    /// Number of blocks, at least 1; the paper: 2.
    pub blocks: usize,
    /// Convolutions per block, at least 1; the paper: 2.
    pub convolutions: usize,
    /// Side of the window, at least 1; the paper: 5.
    pub window: usize,
    /// Pixels added on every side; the paper: 1.
    pub padding: usize,
    /// The non-linearity φ.
    pub activation: Activation,
    /// Whether the layers, the last one included, have biases (the paper: yes).
    pub bias: bool,
}

impl ConvolutionalSpec {
    /// The paper's network of `width` channels on images of this shape, with ReLU. Methods change
    /// its choices:
    ///
    /// ```
    /// use regime_models::{Activation, ConvolutionalSpec, ImageShape};
    ///
    /// let image = ImageShape { height: 8, width: 8, channels: 1 };
    /// let spec = ConvolutionalSpec::new(image, 16).window(3).activation(Activation::Tanh);
    /// assert_eq!(spec.build()?.n_inputs(), 64);
    /// # Ok::<(), regime_models::ModelError>(())
    /// ```
    #[must_use]
    pub fn new(image: ImageShape, width: usize) -> Self {
        Self {
            image,
            width,
            blocks: 2,
            convolutions: 2,
            window: 5,
            padding: 1,
            activation: Activation::Relu,
            bias: true,
        }
    }

    /// The paper's network of `width` channels on 28 × 28 pixels, with ReLU.
    #[must_use]
    pub fn setup_b(width: usize) -> Self {
        Self::new(ImageShape::MNIST, width)
    }

    /// The same network with this number of blocks.
    #[must_use]
    pub fn blocks(self, blocks: usize) -> Self {
        Self { blocks, ..self }
    }

    /// The same network with this number of convolutions per block.
    #[must_use]
    pub fn convolutions(self, convolutions: usize) -> Self {
        Self { convolutions, ..self }
    }

    /// The same network with windows of this side.
    #[must_use]
    pub fn window(self, window: usize) -> Self {
        Self { window, ..self }
    }

    /// The same network with this number of pixels added on every side.
    #[must_use]
    pub fn padding(self, padding: usize) -> Self {
        Self { padding, ..self }
    }

    /// The same network with this non-linearity.
    #[must_use]
    pub fn activation(self, activation: Activation) -> Self {
        Self { activation, ..self }
    }

    /// The same network with or without biases.
    #[must_use]
    pub fn bias(self, bias: bool) -> Self {
        Self { bias, ..self }
    }

    /// Builds the network.
    ///
    /// # Errors
    /// [`ModelError`] for a size of 0, a window that does not fit on the maps of some
    /// layer, or a sharpness that is not positive.
    pub fn build(&self) -> Result<FeedForward, ModelError> {
        self.plan(1)
    }

    /// Builds the same network with `outputs` outputs, which share all layers but the last.
    ///
    /// # Errors
    /// As [`build`](Self::build), and when `outputs` is 0.
    pub fn build_outputs(&self, outputs: usize) -> Result<MultiOutput, ModelError> {
        self.plan(outputs).map(|net| MultiOutput::new(net, outputs))
    }

    fn plan(&self, outputs: usize) -> Result<FeedForward, ModelError> {
        at_least_one(&[("outputs", outputs)])?;
        let Self { image, width, blocks, convolutions, window, padding, activation, bias } = *self;
        image.check()?;
        at_least_one(&[("width", width), ("blocks", blocks), ("convolutions", convolutions)])?;
        at_most(MAX_WIDTH, &[("width", width), ("outputs", outputs)])?;
        at_most(MAX_LAYERS, &[("blocks", blocks), ("convolutions", convolutions)])?;
        at_most(MAX_LAYERS, &[("blocks · convolutions", blocks * convolutions)])?;
        at_most(MAX_SIDE, &[("window", window), ("padding", padding)])?;
        activation.check()?;
        let mut net = Builder::new(image.n_inputs(), image.channels);
        let (mut at, mut channels) = (INPUT, image.channels);
        let mut shape = (image.height, image.width);
        for convolution in 0..blocks * convolutions {
            let stride = if convolution % convolutions == 0 { 2 } else { 1 };
            let window = Arc::new(Window::new(shape, window, stride, padding)?);
            let z = net.convolution(at, &window, [channels, width], bias);
            at = net.activation(z, activation);
            (shape, channels) = (window.positions(), width);
        }
        let mean = net.mean(at, shape.0 * shape.1);
        net.affine(mean, [width, outputs], bias, None);
        Ok(net.finish())
    }
}
