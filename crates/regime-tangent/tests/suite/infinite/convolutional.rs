//! Convolutional kernels against a naive recursion over pixels, dense kernels and finite
//! networks.

use burn_flex::{Flex, FlexDevice};
use ndarray::{Array2, ArrayView2, Axis, concatenate};
use rand::{SeedableRng, rngs::StdRng};
use rand_distr::{Distribution, StandardNormal};
use regime_models::{
    Activation, ConvolutionalSpec, ImageShape, Network, NetworkSpec, Precision, Trace,
    WideResNetSpec,
};
use regime_tangent::{
    InfiniteError, InfiniteWidth, InitialDeviations, ParameterRates, Readout, kernel,
};

use super::{
    MAX_ERRORS, Means, assert_close, by_trapezoids, infinite, mean, most_errors_from, points,
    relu_by_quadrature, spec, standard_error,
};

const SOFTPLUS: Activation = Activation::Softplus { beta: 2.0 };

/// Images of 5 × 4 pixels with two channels, and windows of 3 pixels with padding.
fn small(activation: Activation, blocks: usize, convolutions: usize) -> ConvolutionalSpec {
    ConvolutionalSpec {
        image: ImageShape { height: 5, width: 4, channels: 2 },
        width: 7,
        blocks,
        convolutions,
        window: 3,
        padding: 1,
        activation,
        bias: true,
    }
}

fn limit(spec: &ConvolutionalSpec, readout: Readout) -> InfiniteWidth {
    InfiniteWidth::convolutional(spec, readout).expect("the specification is valid")
}

/// Matrices over all pairs of images and pixels.
type Maps = Array2<f64>;

/// `E φφ` and `E φ'φ'` of a pair by quadrature.
fn means(activation: Activation, [q, r]: [f64; 2], covariance: f64) -> [f64; 2] {
    let deviations = [q.sqrt(), r.sqrt()];
    let rho = covariance / (deviations[0] * deviations[1]);
    match activation {
        Activation::Relu => relu_by_quadrature(deviations, rho.clamp(-1.0, 1.0).acos()),
        smooth => by_trapezoids(smooth, deviations, rho.clamp(-1.0, 1.0)),
    }
}

/// A convolution of a matrix over pixels in both arguments: the mean over the window, zero
/// outside of the image.
fn convolved(
    before: &Maps,
    n: usize,
    (height, width): (usize, usize),
    spec: &ConvolutionalSpec,
    stride: usize,
) -> (Maps, (usize, usize)) {
    let along = |pixels: usize| (pixels + 2 * spec.padding - spec.window) / stride + 1;
    let after = (along(height), along(width));
    let (old, new) = (height * width, after.0 * after.1);
    let at = |i: usize, place: usize, dy: usize, dx: usize| {
        let y = (place / after.1 * stride + dy) as isize - spec.padding as isize;
        let x = (place % after.1 * stride + dx) as isize - spec.padding as isize;
        let inside = y >= 0 && x >= 0 && y < height as isize && x < width as isize;
        inside.then(|| i * old + y as usize * width + x as usize)
    };
    let result = Array2::from_shape_fn([n * new, n * new], |(a, b)| {
        let mut sum = 0.0;
        for dy in 0..spec.window {
            for dx in 0..spec.window {
                let left = at(a / new, a % new, dy, dx);
                let right = at(b / new, b % new, dy, dx);
                sum += left.zip(right).map_or(0.0, |(a, b)| before[[a, b]]);
            }
        }
        sum / (spec.window * spec.window) as f64
    });
    (result, after)
}

/// The recursion over all pixels of all images at once.
fn naive(
    spec: &ConvolutionalSpec,
    readout: Readout,
    x: &Array2<f64>,
    deviations: InitialDeviations,
    rates: ParameterRates,
) -> [Array2<f64>; 2] {
    let (n, channels) = (x.nrows(), spec.image.channels);
    let mut shape = (spec.image.height, spec.image.width);
    let pixels = x.to_shape([n * shape.0 * shape.1, channels]).unwrap();
    let (w, b) = (deviations.weights.powi(2), deviations.biases.powi(2));
    let rate = if spec.bias { rates.biases } else { 0.0 };
    let mut value: Maps = pixels.dot(&pixels.t()) / channels as f64;
    let mut tangent: Maps = Array2::zeros(value.dim());
    for convolution in 0..spec.blocks * spec.convolutions {
        let stride = if convolution % spec.convolutions == 0 { 2 } else { 1 };
        let (mean, after) = convolved(&value, n, shape, spec, stride);
        let (kept, _) = convolved(&tangent, n, shape, spec, stride);
        shape = after;
        let sigma = w * &mean + b;
        let both = Array2::from_shape_fn(sigma.dim(), |(i, j)| {
            means(spec.activation, [sigma[[i, i]], sigma[[j, j]]], sigma[[i, j]])
        });
        value = both.mapv(|[value, _]| value);
        tangent = (w * kept + rates.weights * mean + rate) * both.mapv(|[_, slope]| slope);
    }
    let positions = shape.0 * shape.1;
    let read = |maps: &Maps| {
        Array2::from_shape_fn([n, n], |(i, j)| {
            let of = |p: usize, q: usize| maps[[i * positions + p, j * positions + q]];
            let (sum, count) = match readout {
                Readout::Flatten => ((0..positions).map(|p| of(p, p)).sum::<f64>(), positions),
                Readout::Mean => {
                    let all = (0..positions).flat_map(|p| (0..positions).map(move |q| (p, q)));
                    (all.map(|(p, q)| of(p, q)).sum(), positions * positions)
                }
            };
            sum / count as f64
        })
    };
    let (value, tangent) = (read(&value), read(&tangent));
    [w * &value + b, w * tangent + rates.weights * value + rate]
}

#[test]
fn agrees_with_a_naive_recursion_over_pixels() {
    let x = points(2, 40, 5);
    let default = (InitialDeviations::default(), ParameterRates::default());
    let other = (
        InitialDeviations { weights: 1.3, biases: 0.4 },
        ParameterRates { weights: 0.5, biases: 2.0 },
    );
    for (activation, [blocks, convolutions], (deviations, rates)) in [
        (Activation::Relu, [2, 1], default),
        (Activation::Relu, [1, 3], other),
        (SOFTPLUS, [1, 2], default),
        (Activation::Gelu, [1, 2], other),
    ] {
        let spec = small(activation, blocks, convolutions);
        for readout in [Readout::Mean, Readout::Flatten] {
            let net = limit(&spec, readout).with_deviations(deviations).unwrap();
            let found = net.with_rates(rates).unwrap().kernels(x.view()).unwrap();
            let expected = naive(&spec, readout, &x, deviations, rates);
            for (found, expected) in [&found.nngp, &found.tangent].into_iter().zip(&expected) {
                for (pair, value) in expected.indexed_iter() {
                    // The arccos of the naive recursion loses half of the digits of equal pixels.
                    let tolerance = if activation == Activation::Relu { 1e-8 } else { 2e-12 };
                    assert_close(found[pair], *value, tolerance * expected[[0, 0]], "naive");
                }
            }
        }
    }
}

/// Windows of one pixel on images of one pixel.
#[test]
fn one_pixel_is_a_dense_network() {
    let x = points(6, 3, 9);
    for activation in [Activation::Relu, SOFTPLUS, Activation::Gelu] {
        let image = ImageShape { height: 1, width: 1, channels: 3 };
        let spec = ConvolutionalSpec { image, window: 1, padding: 0, ..small(activation, 2, 2) };
        let dense = infinite(super::spec(3, 4, activation, true)).kernels(x.view()).unwrap();
        for readout in [Readout::Mean, Readout::Flatten] {
            let found = limit(&spec, readout).kernels(x.view()).unwrap();
            for (found, dense) in [(&found.nngp, &dense.nngp), (&found.tangent, &dense.tangent)] {
                let errors = (found - dense) / dense;
                assert!(errors.iter().all(|e| e.abs() < 1e-13), "{activation:?} {errors}");
            }
        }
    }
}

#[test]
fn symmetric_sums_of_layers_and_blocks_of_unions() {
    let (a, b) = (points(3, 40, 1), points(2, 40, 2));
    let union = concatenate(Axis(0), &[a.view(), b.view()]).unwrap();
    for activation in [Activation::Relu, SOFTPLUS] {
        for readout in [Readout::Mean, Readout::Flatten] {
            let net = limit(&small(activation, 2, 1), readout);
            let whole = net.kernels(union.view()).unwrap();
            let cross = net.cross_kernels(a.view(), b.view()).unwrap();
            let parts = net.layer_kernels(union.view()).unwrap();
            assert_eq!(parts.len(), 3);
            let sum = parts.iter().fold(Array2::zeros([5, 5]), |sum, part| sum + part);
            let last = &whole.nngp + 1.0;
            for i in 0..5 {
                for j in 0..5 {
                    let [x, y] = [[i, j], [j, i]];
                    assert_eq!(whole.nngp[x].to_bits(), whole.nngp[y].to_bits());
                    assert_eq!(whole.tangent[x].to_bits(), whole.tangent[y].to_bits());
                    assert_close(sum[x], whole.tangent[x], 1e-13 * whole.tangent[x], "sum");
                    assert_close(parts[2][x], last[x], 1e-13 * last[x], "last layer");
                    if i < 3 && j >= 3 {
                        let found = cross.tangent[[i, j - 3]];
                        assert_close(found, whole.tangent[x], 1e-12 * found, "cross");
                        let found = cross.nngp[[i, j - 3]];
                        assert_close(found, whole.nngp[x], 1e-12 * whole.nngp[[0, 0]], "cross");
                    }
                }
            }
        }
    }
}

/// Kernels of the networks that `spec` builds.
fn empirical(
    spec: &ConvolutionalSpec,
    width: usize,
    seeds: std::ops::Range<u64>,
    x: ArrayView2<'_, f64>,
) -> Vec<Array2<f64>> {
    let net = ConvolutionalSpec { width, ..*spec }.build().unwrap();
    let values: Vec<f64> = x.iter().copied().collect();
    let x = Precision::F64.matrix::<Flex>(&values, [x.nrows(), x.ncols()], &FlexDevice);
    let of = |seed| {
        let w = Precision::F64.vector::<Flex>(&net.initial_weights(seed), &FlexDevice);
        let theta = Precision::to_host(kernel(&net.trace(&w, &x).linearise()));
        Array2::from_shape_vec([x.dims()[0]; 2], theta).unwrap()
    };
    seeds.map(of).collect()
}

#[test]
fn networks_converge_to_the_limit_with_the_mean_over_pixels() {
    let x = points(3, 40, 77);
    for (activation, blocks, convolutions) in
        [(Activation::Relu, 1, 2), (SOFTPLUS, 2, 1), (SOFTPLUS, 1, 1)]
    {
        let spec = small(activation, blocks, convolutions);
        let tangent = |readout| limit(&spec, readout).kernels(x.view()).unwrap().tangent;
        let means: Vec<Means> = [(16, 400), (32, 200), (64, 150), (128, 100)]
            .into_iter()
            .map(|(width, seeds)| {
                let found = empirical(&spec, width, 0..seeds, x.view());
                let mean = mean(&found);
                let error = standard_error(&found, &mean);
                Means { width: width as f64, mean, error }
            })
            .collect();
        let most = most_errors_from(&tangent(Readout::Mean), &means);
        assert!(most < MAX_ERRORS, "{spec:?}: {most} standard errors");
        // The same networks reject the other read-out.
        let most = most_errors_from(&tangent(Readout::Flatten), &means);
        assert!(most > 2.0 * MAX_ERRORS, "{spec:?}: {most} standard errors");
    }
}

/// The tangent kernel of a network with one convolution of `h` channels, whose maps are read
/// by one layer. Its mean is the limit at any width.
fn flattened(spec: &ConvolutionalSpec, h: usize, x: &Array2<f64>, seed: u64) -> Array2<f64> {
    let (n, shape) = (x.nrows(), spec.image);
    let mut rng = StdRng::seed_from_u64(seed);
    let mut normal = || -> f64 { StandardNormal.sample(&mut rng) };
    let along = |pixels: usize| (pixels + 2 * spec.padding - spec.window) / 2 + 1;
    let (height, width) = (along(shape.height), along(shape.width));
    let (positions, taps) = (height * width, spec.window * spec.window * shape.channels);
    let filters = Array2::from_shape_simple_fn([taps, h], &mut normal);
    let last = Array2::from_shape_simple_fn([positions, h], &mut normal);
    let padding = spec.padding as isize;
    let patch = |i: usize, p: usize, tap: usize| {
        let (pixel, channel) = (tap / shape.channels, tap % shape.channels);
        let y = (2 * (p / width) + pixel / spec.window) as isize - padding;
        let z = (2 * (p % width) + pixel % spec.window) as isize - padding;
        if y < 0 || z < 0 || y >= shape.height as isize || z >= shape.width as isize {
            return 0.0;
        }
        x[[i, (y as usize * shape.width + z as usize) * shape.channels + channel]]
    };
    let gain = spec.activation.gain();
    // For each image: its values [positions, h], and its gradient with respect to the filters.
    let of = |i: usize| {
        let patches = Array2::from_shape_fn([positions, taps], |(p, tap)| patch(i, p, tap));
        let z = patches.dot(&filters) / (taps as f64).sqrt();
        let value = z.mapv(|z| gain * spec.activation.bare(z).0);
        let back = z.mapv(|z| gain * spec.activation.bare(z).1) * &last;
        let filters = patches.t().dot(&back) / (taps as f64).sqrt();
        (value, filters, back.sum_axis(Axis(0)))
    };
    let images: Vec<_> = (0..n).map(of).collect();
    let numbers = (positions * h) as f64;
    Array2::from_shape_fn([n, n], |(i, j)| {
        let ((value, filters, biases), (other, more, others)) = (&images[i], &images[j]);
        let products = (value * other).sum() + (filters * more).sum() + biases.dot(others);
        products / numbers + 1.0
    })
}

#[test]
fn networks_that_flatten_have_the_limit_as_their_mean() {
    let x = points(3, 40, 31);
    for activation in [Activation::Relu, SOFTPLUS] {
        let spec = small(activation, 1, 1);
        let tangent = |readout| limit(&spec, readout).kernels(x.view()).unwrap().tangent;
        let found: Vec<_> = (0..1500).map(|seed| flattened(&spec, 16, &x, seed)).collect();
        let mean = mean(&found);
        let error = standard_error(&found, &mean);
        let errors = (&mean - tangent(Readout::Flatten)) / &error;
        assert!(errors.iter().all(|e| e.abs() < MAX_ERRORS), "{activation:?}: {errors}");
        let errors = (&mean - tangent(Readout::Mean)) / &error;
        assert!(errors.iter().any(|e| e.abs() > 2.0 * MAX_ERRORS), "{activation:?}: {errors}");
    }
}

#[test]
fn one_description_for_all_architectures() {
    let convolutional = small(Activation::Relu, 1, 1);
    let found = InfiniteWidth::of(&NetworkSpec::Convolutional(convolutional)).unwrap();
    assert_eq!(found, limit(&convolutional, Readout::Mean));
    assert_eq!(found.inputs(), 40);
    let dense = spec(3, 2, Activation::Tanh, false);
    assert_eq!(InfiniteWidth::of(&NetworkSpec::Dense(dense)).unwrap(), infinite(dense));
    let image = ImageShape { height: 8, width: 8, channels: 1 };
    let residual = WideResNetSpec::paper(image, 1);
    let error = InfiniteWidth::of(&NetworkSpec::WideResNet(residual)).unwrap_err();
    assert_eq!(error, InfiniteError::Architecture { architecture: "wide-resnet" });
    let wrong = ConvolutionalSpec { window: 9, ..convolutional };
    assert!(matches!(
        InfiniteWidth::convolutional(&wrong, Readout::Mean),
        Err(InfiniteError::Model(_))
    ));
}
