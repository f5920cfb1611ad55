//! Strategies for networks and points, in sizes at which index errors show: 1, 2, 3 and
//! sizes near the widths of vector registers.

use proptest::prelude::*;

use super::Problem;
use crate::{Activation, ConvolutionalSpec, DenseSpec, ImageShape, NetworkSpec, WideResNetSpec};

/// Sizes of layers and numbers of points that are awkward: 1, 2, 3, 7, 31, 32, 33.
pub fn sizes() -> impl Strategy<Value = usize> {
    prop::sample::select(vec![1usize, 2, 3, 7, 31, 32, 33])
}

/// Every non-linearity, with sharpnesses between 0.5 and 20 (swish: between 0.5 and 5).
pub fn activations() -> BoxedStrategy<Activation> {
    prop_oneof![1 => Just(Activation::Relu), 4 => smooth_activations()].boxed()
}

/// Every non-linearity but ReLU, whose kink spoils central differences.
pub fn smooth_activations() -> BoxedStrategy<Activation> {
    prop_oneof![
        (0.5..20.0f64).prop_map(|beta| Activation::Softplus { beta }),
        Just(Activation::Tanh),
        (0.5..5.0f64).prop_map(|beta| Activation::Silu { beta }),
        Just(Activation::Gelu),
    ]
    .boxed()
}

/// Fully connected networks of 1 to 3 hidden layers.
pub fn dense(
    activation: BoxedStrategy<Activation>,
    bias: BoxedStrategy<bool>,
) -> BoxedStrategy<DenseSpec> {
    (sizes(), sizes(), 1..4usize, activation, bias)
        .prop_map(|(inputs, width, hidden_layers, activation, bias)| DenseSpec {
            inputs,
            width,
            hidden_layers,
            activation,
            bias,
        })
        .boxed()
}

/// Convolutional networks on images of up to 9 pixels a side.
pub fn convolutional(
    activation: BoxedStrategy<Activation>,
    bias: BoxedStrategy<bool>,
) -> BoxedStrategy<ConvolutionalSpec> {
    let geometry = (images(9), 1..=2usize, 1..=2usize, 1..=4usize, 0..=2usize);
    (geometry, 1..=5usize, activation, bias)
        .prop_filter_map(
            "the windows fit",
            |((image, blocks, convolutions, window, padding), width, activation, bias)| {
                let spec = ConvolutionalSpec {
                    image,
                    width,
                    blocks,
                    convolutions,
                    window,
                    padding,
                    activation,
                    bias,
                };
                spec.build().is_ok().then_some(spec)
            },
        )
        .boxed()
}

/// Wide residual networks of depth 10 and 16 on images of up to 5 pixels a side.
pub fn wide_resnet(
    activation: BoxedStrategy<Activation>,
    bias: BoxedStrategy<bool>,
) -> BoxedStrategy<WideResNetSpec> {
    let shape = (images(5), 1..=2usize, prop::sample::select(vec![10usize, 16]), 1..=2usize);
    (shape, 5.0..85.0f64, activation, bias)
        .prop_map(|((image, width, depth, base), mix_angle_deg, activation, bias)| WideResNetSpec {
            image,
            width,
            depth,
            base,
            mix_angle_deg,
            activation,
            bias,
        })
        .boxed()
}

/// Every architecture with weights and points; half of the networks are fully connected.
/// There are at most 5 images.
pub fn problems(activation: BoxedStrategy<Activation>) -> BoxedStrategy<Problem> {
    let few = || prop::sample::select(vec![1usize, 2, 3, 5]);
    let bias = || any::<bool>().boxed();
    let dense = dense(activation.clone(), bias()).prop_map(NetworkSpec::Dense);
    let convolutional =
        convolutional(activation.clone(), bias()).prop_map(NetworkSpec::Convolutional);
    let wide_resnet = wide_resnet(activation, bias()).prop_map(NetworkSpec::WideResNet);
    prop_oneof![
        2 => (dense, sizes(), any::<u64>()),
        1 => (convolutional, few(), any::<u64>()),
        1 => (wide_resnet, few(), any::<u64>()),
    ]
    .prop_map(|(spec, n, seed)| Problem::of(spec, n, seed))
    .boxed()
}

fn images(max_side: usize) -> impl Strategy<Value = ImageShape> {
    (1..=max_side, 1..=max_side, 1..=3usize).prop_map(|(height, width, channels)| ImageShape {
        height,
        width,
        channels,
    })
}
