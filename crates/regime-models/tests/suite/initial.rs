//! The initial weights.

use regime_models::{Activation, ConvolutionalSpec, DenseSpec, ImageShape, WideResNetSpec};

#[test]
fn initial_weights_are_pinned() {
    // The weights are drawn on the host, so a run starts from these numbers on every
    // backend. A change of the generator or of the layout changes all results and must be
    // intended.
    let net = DenseSpec {
        inputs: 2,
        width: 2,
        hidden_layers: 1,
        activation: Activation::Relu,
        bias: true,
    }
    .build()
    .unwrap();
    let w = net.initial_weights(42);
    assert_eq!(w.len(), 9);
    assert_eq!([w[4], w[5], w[8]], [0.0; 3], "biases start at zero");
    let drawn = [w[0], w[1], w[2], w[3], w[6], w[7]];
    assert_eq!(drawn.map(f64::to_bits), PINNED, "{w:?}");
    assert_ne!(w, net.initial_weights(43));
}

/// The bits of the drawn numbers.
const PINNED: [u64; 6] = [
    4_585_847_517_279_940_331,
    13_833_379_539_201_793_315,
    13_821_168_351_496_996_187,
    13_813_499_252_488_936_449,
    4_592_977_962_090_633_939,
    13_826_057_829_135_454_961,
];

#[test]
fn initial_weights_are_standard_normal() {
    let net = DenseSpec {
        inputs: 300,
        width: 300,
        hidden_layers: 1,
        activation: Activation::Relu,
        bias: false,
    }
    .build()
    .unwrap();
    let w = net.initial_weights(0);
    let n = w.len() as f64;
    let mean = w.iter().sum::<f64>() / n;
    let variance = w.iter().map(|w| w * w).sum::<f64>() / n - mean * mean;
    let kurtosis = w.iter().map(|w| w.powi(4)).sum::<f64>() / n / (variance * variance);
    // Four standard errors of each.
    assert!(mean.abs() < 4.0 / n.sqrt());
    assert!((variance - 1.0).abs() < 4.0 * (2.0 / n).sqrt());
    assert!((kurtosis - 3.0).abs() < 4.0 * (24.0 / n).sqrt());
}

#[test]
fn convolutional_and_residual_nets_start_with_unit_variance() {
    let image = ImageShape { height: 20, width: 20, channels: 3 };
    let nets = [
        ConvolutionalSpec { image, ..ConvolutionalSpec::setup_b(20) }.build().unwrap(),
        WideResNetSpec::paper(image, 1).build().unwrap(),
    ];
    for net in nets {
        let w = net.initial_weights(5);
        assert_eq!(w.len(), net.n_params());
        let drawn: Vec<f64> = w.into_iter().filter(|&w| w != 0.0).collect();
        let n = drawn.len() as f64;
        let variance = drawn.iter().map(|w| w * w).sum::<f64>() / n;
        assert!((variance - 1.0).abs() < 4.0 * (2.0 / n).sqrt(), "{variance} of {n} weights");
    }
}

#[test]
fn parameter_counts_agree_with_the_paper() {
    // 5·5·1·h + h, three times 5·5·h·h + h, and h + 1.
    let h = 16;
    let net = ConvolutionalSpec::setup_b(h).build().unwrap();
    assert_eq!(net.n_params(), 26 * h + 3 * (25 * h * h + h) + h + 1);
    assert_eq!(net.n_inputs(), 784);
    // A stem, 12 blocks of two convolutions, and the last layer. Three blocks have a
    // projection because the number of channels changes (16 → 32 → 64 → 128 at h = 2).
    let net = WideResNetSpec::paper(ImageShape::MNIST, 2).build().unwrap();
    assert_eq!(net.layer_ranges().len(), 1 + 24 + 3 + 1);
    let stage = |from: usize, to: usize| {
        let first = 9 * from * to + 9 * to * to + from * to + 3 * to;
        first + 3 * 2 * (9 * to * to + to)
    };
    let expected = 9 * 16 + 16 + stage(16, 32) + stage(32, 64) + stage(64, 128) + 128 + 1;
    assert_eq!(net.n_params(), expected);
}
