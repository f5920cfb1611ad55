use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    Activation, ModelError,
    convolutional::ImageShape,
    error::positive,
    feed_forward::{
        Builder, FeedForward, INPUT, MAX_LAYERS, MAX_WIDTH, Source, at_least_one, at_most,
    },
    multi_output::MultiOutput,
    window::Window,
};

/// The wide residual network of one of the paper's figures.
///
/// The network consists of a 3 × 3 convolution with `base` channels (the stem), three
/// stages of `(depth − 4)/6` blocks with `base·h`, `2·base·h` and `4·base·h` channels, φ,
/// the mean over the pixels and a last layer. The first block of the second and the third
/// stage has stride 2. A block is
///
/// ```text
/// x ← cos θ · s(x) + sin θ · conv(φ(conv(φ(x))))
/// ```
///
/// with 3 × 3 convolutions, of which the second has the block's stride. The shortcut `s`
/// is the identity, or a 1 × 1 convolution if the number of channels changes or the stride
/// is not 1. Every convolution computes `c·a∗W + b`, where `c` is one over the square root
/// of its number of inputs. Weights start as `N(0, 1)` and biases at 0. There is no batch
/// normalisation: the factors `cos θ` and `sin θ` preserve the variance.
///
/// # Reference
/// Zagoruyko, Komodakis, "Wide residual networks", BMVC 2016, in the variant of
/// Geiger, Spigler, Jacot, Wyart, arXiv 1906.08034 v1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct WideResNetSpec {
    /// The images.
    pub image: ImageShape,
    /// The widening factor `h`, at least 1.
    pub width: usize,
    /// `6n + 4` for `n` blocks per stage, at least 10; the paper: 28.
    pub depth: usize,
    /// Channels of the stem, at least 1; the paper: 16.
    pub base: usize,
    /// The angle θ in degrees, greater than 0; the paper: 45.
    pub mix_angle_deg: f64,
    /// The non-linearity φ.
    pub activation: Activation,
    /// Whether the layers, the last one included, have biases (the paper: yes).
    pub bias: bool,
}

impl WideResNetSpec {
    /// The paper's network of depth 28 for images of a given shape, with ReLU. Methods change its
    /// choices:
    ///
    /// ```
    /// use regime_models::{ImageShape, WideResNetSpec};
    ///
    /// let image = ImageShape { height: 8, width: 8, channels: 1 };
    /// let net = WideResNetSpec::paper(image, 1).depth(10).base(4).build()?;
    /// assert_eq!(net.n_inputs(), 64);
    /// # Ok::<(), regime_models::ModelError>(())
    /// ```
    #[must_use]
    pub fn paper(image: ImageShape, width: usize) -> Self {
        Self {
            image,
            width,
            depth: 28,
            base: 16,
            mix_angle_deg: 45.0,
            activation: Activation::Relu,
            bias: true,
        }
    }

    /// The same network with this depth, `6n + 4` for `n` blocks per stage.
    #[must_use]
    pub fn depth(self, depth: usize) -> Self {
        Self { depth, ..self }
    }

    /// The same network with a stem of this number of channels.
    #[must_use]
    pub fn base(self, base: usize) -> Self {
        Self { base, ..self }
    }

    /// The same network with this angle θ in degrees.
    #[must_use]
    pub fn mix_angle_deg(self, mix_angle_deg: f64) -> Self {
        Self { mix_angle_deg, ..self }
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
    /// [`ModelError`] for a size of 0, a depth that is not `6n + 4`, or an angle or
    /// sharpness that is not positive.
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
        let Self { image, width, depth, base, activation, bias, mix_angle_deg } = *self;
        image.check()?;
        at_least_one(&[("width", width), ("base", base)])?;
        at_most(MAX_WIDTH, &[("width", width), ("base", base), ("outputs", outputs)])?;
        at_most(MAX_LAYERS, &[("depth", depth)])?;
        positive("mix_angle_deg", mix_angle_deg)?;
        activation.check()?;
        if depth < 10 || depth % 6 != 4 {
            return Err(ModelError::Depth { depth });
        }
        let mut stage = Stages {
            net: Builder::new(image.n_inputs(), image.channels),
            spec: self,
            at: INPUT,
            channels: image.channels,
            shape: (image.height, image.width),
        };
        let stem = stage.window(3, 1)?;
        stage.at = stage.net.convolution(INPUT, &stem, [image.channels, base], bias);
        stage.channels = base;
        for (channels, stride) in [(1, 1), (2, 2), (4, 2)].map(|(c, s)| (c * base * width, s)) {
            for block in 0..(depth - 4) / 6 {
                stage.block(channels, if block == 0 { stride } else { 1 })?;
            }
        }
        let Stages { mut net, at, channels, shape, .. } = stage;
        let at = net.activation(at, activation);
        let mean = net.mean(at, shape.0 * shape.1);
        net.affine(mean, [channels, outputs], bias, None);
        Ok(net.finish())
    }
}

/// The network up to the current block.
struct Stages<'a> {
    net: Builder,
    spec: &'a WideResNetSpec,
    at: Source,
    channels: usize,
    shape: (usize, usize),
}

impl Stages<'_> {
    fn window(&self, size: usize, stride: usize) -> Result<Arc<Window>, ModelError> {
        Window::new(self.shape, size, stride, size / 2).map(Arc::new)
    }

    fn block(&mut self, channels: usize, stride: usize) -> Result<(), ModelError> {
        let WideResNetSpec { activation, bias, mix_angle_deg, .. } = *self.spec;
        let (first, second) = (self.window(3, 1)?, self.window(3, stride)?);
        let a = self.net.activation(self.at, activation);
        let z = self.net.convolution(a, &first, [self.channels, channels], bias);
        let a = self.net.activation(z, activation);
        let branch = self.net.convolution(a, &second, [channels, channels], bias);
        let shortcut = if stride == 1 && self.channels == channels {
            self.at
        } else {
            let window = self.window(1, stride)?;
            self.net.convolution(self.at, &window, [self.channels, channels], bias)
        };
        let (sin, cos) = mix_angle_deg.to_radians().sin_cos();
        self.at = self.net.mix([(shortcut, cos), (branch, sin)]);
        (self.shape, self.channels) = (second.positions(), channels);
        Ok(())
    }
}
