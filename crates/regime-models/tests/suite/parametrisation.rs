//! Parametrisations against a dense network in plain loops, with explicit multipliers and
//! gradients derived by hand.

use burn_tensor::{Tensor, backend::Backend};
use proptest::prelude::*;
use regime_models::{
    Abc, Activation, BiasExponents, Convention, ConvolutionalSpec, DenseSpec, ImageShape,
    LayerRates, Layout, Network, NetworkSpec, Parametrisation, Precision, Role, Trace,
    WideResNetSpec,
};

use regime_models::kit::{Problem, close, for_all, numbers};

/// `F = α(f − f₀)` of a dense net in some convention, on a few points.
struct Reference {
    spec: DenseSpec,
    convention: Convention,
    points: Vec<Vec<f64>>,
    labels: Vec<f64>,
    f0: Vec<f64>,
    gain: f64,
}

impl Reference {
    fn new(spec: DenseSpec, convention: Convention, w0: &[f64], n: usize, seed: u64) -> Self {
        let x = numbers(n * spec.inputs, seed);
        let points: Vec<_> = x.chunks(spec.inputs).map(<[f64]>::to_vec).collect();
        let labels = (0..n).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
        let gain = spec.activation.gain();
        let mut net = Self { spec, convention, points, labels, f0: vec![0.0; n], gain };
        net.f0 = net.points.iter().map(|x| net.point(w0, x).0).collect();
        net
    }

    /// `[k, m]` of every layer, and the multipliers of its weights and biases in `f`.
    fn layers(&self) -> Vec<([usize; 2], f64, f64)> {
        let DenseSpec { inputs, width, hidden_layers, .. } = self.spec;
        let Parametrisation { input, hidden, output, fan_in, biases, output_bias } =
            self.convention.parametrisation;
        let (n, d) = (width as f64, inputs as f64);
        let of_input = d.powf(-fan_in.a) * n.powf(-input.a);
        let bias = n.powf(-biases.a);
        let mut layers = vec![([inputs, width], of_input, bias)];
        for _ in 1..hidden_layers {
            layers.push(([width, width], n.powf(-hidden.a), bias));
        }
        layers.push(([width, 1], n.powf(-output.a), n.powf(-output_bias.a)));
        layers
    }

    /// `f` and `∂f/∂w` of one point.
    fn point(&self, w: &[f64], x: &[f64]) -> (f64, Vec<f64>) {
        let layers = self.layers();
        let (phi, gain) = (self.spec.activation, self.gain);
        let (mut at, mut inputs, mut slopes, mut starts) = (0, vec![x.to_vec()], vec![], vec![]);
        let mut f = 0.0;
        for (l, &([k, m], weight, bias)) in layers.iter().enumerate() {
            starts.push(at);
            let a = &inputs[l];
            let b = at + k * m;
            let z: Vec<f64> = (0..m)
                .map(|j| {
                    let sum: f64 = (0..k).map(|i| a[i] * w[at + i * m + j]).sum();
                    weight * sum + if self.spec.bias { bias * w[b + j] } else { 0.0 }
                })
                .collect();
            at = b + if self.spec.bias { m } else { 0 };
            f = z[0];
            slopes.push(z.iter().map(|&z| gain * phi.bare(z).1).collect::<Vec<f64>>());
            inputs.push(z.iter().map(|&z| gain * phi.bare(z).0).collect());
        }
        assert_eq!(at, w.len());
        let mut gradient = vec![0.0; w.len()];
        let mut delta = vec![1.0];
        for (l, &([k, m], weight, bias)) in layers.iter().enumerate().rev() {
            let at = starts[l];
            let mut below = vec![0.0; k];
            for j in 0..m {
                for i in 0..k {
                    gradient[at + i * m + j] = weight * inputs[l][i] * delta[j];
                    below[i] += weight * w[at + i * m + j] * delta[j];
                }
                if self.spec.bias {
                    gradient[at + k * m + j] = bias * delta[j];
                }
            }
            if l > 0 {
                delta = below.iter().zip(&slopes[l - 1]).map(|(b, s)| b * s).collect();
            }
        }
        (f, gradient)
    }

    fn outputs(&self, w: &[f64]) -> Vec<f64> {
        let f = self.points.iter().map(|x| self.point(w, x).0);
        f.zip(&self.f0).map(|(f, f0)| self.convention.alpha * (f - f0)).collect()
    }

    /// `∇L` of `L = 1/(α²n) Σ ½(y − F)²`.
    fn gradient(&self, w: &[f64]) -> Vec<f64> {
        let alpha = self.convention.alpha;
        let scale = 1.0 / (alpha * alpha * self.points.len() as f64);
        let mut sum = vec![0.0; w.len()];
        for ((x, y), f0) in self.points.iter().zip(&self.labels).zip(&self.f0) {
            let (f, gradient) = self.point(w, x);
            let slope = scale * alpha * (alpha * (f - f0) - y);
            sum.iter_mut().zip(gradient).for_each(|(s, g)| *s += slope * g);
        }
        sum
    }

    /// `F` after each of `steps` steps of gradient descent.
    fn trajectory(&self, w0: &[f64], rates: &[f64], steps: usize) -> Vec<Vec<f64>> {
        let mut w = w0.to_vec();
        let step = |_| {
            let gradient = self.gradient(&w);
            w.iter_mut().zip(rates).zip(gradient).for_each(|((w, r), g)| *w -= r * g);
            self.outputs(&w)
        };
        (0..steps).map(step).collect()
    }

    /// A base rate near the largest stable one.
    fn base_rate(&self, w0: &[f64], rates: &[f64]) -> f64 {
        let square = |x: &Vec<f64>| -> f64 {
            let (_, gradient) = self.point(w0, x);
            gradient.iter().zip(rates).map(|(g, r)| r * g * g).sum()
        };
        self.points.len() as f64 / self.points.iter().map(square).sum::<f64>()
    }
}

/// Compares five steps of `from` with five steps of `to` from converted weights, with converted
/// rates.
fn agree(
    spec: DenseSpec,
    from: Convention,
    to: Convention,
    w_ntk: &[f64],
    seed: u64,
) -> Result<(), TestCaseError> {
    let layout = Layout::of(&NetworkSpec::Dense(spec)).unwrap();
    let w = layout.convert(w_ntk, &Parametrisation::NTK.into(), &from);
    let there = layout.convert(&w, &from, &to);
    for (a, b) in layout.convert(&there, &to, &from).iter().zip(&w) {
        prop_assert!(
            (a - b).abs() <= 4.0 * f64::EPSILON * b.abs(),
            "{b} is {a} after conversion and back"
        );
    }
    let (n, steps) = (3, 5);
    let (left, right) =
        (Reference::new(spec, from, &w, n, seed), Reference::new(spec, to, &there, n, seed));
    let alphas = (from.alpha, to.alpha);
    for (a, b) in left.f0.iter().zip(&right.f0) {
        prop_assert!(close(alphas.0 * a, alphas.1 * b, 1e-12), "the functions differ");
    }

    let own = layout.per_parameter(&layout.own_rates(&from.parametrisation, 1.0));
    let eta = left.base_rate(&w, &own);
    let rates = |rates: Vec<LayerRates>| layout.per_parameter(&rates);
    let own = rates(layout.own_rates(&from.parametrisation, eta));
    let path = left.trajectory(&w, &own, steps);
    let converted = rates(layout.learning_rates(&from, &to, eta));
    let other = right.trajectory(&there, &converted, steps);
    let moved = path.concat().iter().fold(0.0f64, |m, f| m.max(f.abs()));
    prop_assert!(moved > 1e-2, "the outputs do not change: {path:?}");
    for (a, b) in path.concat().iter().zip(&other.concat()) {
        prop_assert!(close(*a, *b, 1e-10), "{a} is not {b}");
    }
    Ok(())
}

#[test]
fn every_named_pair_goes_through_the_same_functions() {
    for (hidden_layers, bias) in [(1, true), (3, false), (2, true)] {
        let activation = Activation::Softplus { beta: 2.0 };
        let spec = DenseSpec { inputs: 3, width: 8, hidden_layers, activation, bias };
        let net = spec.build().unwrap();
        let noise = numbers(net.n_params(), 5);
        let w: Vec<f64> =
            net.initial_weights(4).iter().zip(noise).map(|(w, e)| w + 0.1 * e).collect();
        for (_, from) in Parametrisation::NAMED {
            for (_, to) in Parametrisation::NAMED {
                for alphas in [(1.0, 1.0), (0.3, 5.0)] {
                    let from = Convention { parametrisation: from, alpha: alphas.0 };
                    let to = Convention { parametrisation: to, alpha: alphas.1 };
                    agree(spec, from, to, &w, 11).unwrap();
                }
            }
        }
    }
}

#[test]
fn every_pair_of_tables_goes_through_the_same_functions() {
    let exponent = || -1.0..1.0f64;
    let abc = move || (exponent(), exponent(), exponent()).prop_map(|(a, b, c)| Abc::new(a, b, c));
    let biases = move || (exponent(), exponent()).prop_map(|(a, c)| BiasExponents::new(a, c));
    let table = move || {
        (abc(), abc(), abc(), abc(), biases(), biases()).prop_map(
            |(input, hidden, output, fan_in, biases, output_bias)| Parametrisation {
                input,
                hidden,
                output,
                fan_in,
                biases,
                output_bias,
            },
        )
    };
    let convention = move || {
        (table(), 0.2..5.0f64)
            .prop_map(|(parametrisation, alpha)| Convention { parametrisation, alpha })
    };
    let sizes = prop::sample::select(vec![1usize, 2, 3, 9, 17]);
    let spec = (1..5usize, sizes, 1..4usize, any::<bool>()).prop_map(
        |(inputs, width, hidden_layers, bias)| {
            let activation = Activation::Tanh;
            DenseSpec { inputs, width, hidden_layers, activation, bias }
        },
    );
    for_all(32, (spec, convention(), convention(), any::<u64>()), |(spec, from, to, seed)| {
        let w = spec.build().unwrap().initial_weights(seed);
        agree(spec, from, to, &w, seed)
    });
}

/// The crate's networks agree with the reference after conversion to the NTK convention, so
/// any other convention can run on them.
#[test]
fn the_network_agrees_with_the_reference() {
    let spec = DenseSpec {
        inputs: 4,
        width: 6,
        hidden_layers: 2,
        activation: Activation::Gelu,
        bias: true,
    };
    let (net, layout) = (spec.build().unwrap(), Layout::of(&NetworkSpec::Dense(spec)).unwrap());
    let convention = Convention { parametrisation: Parametrisation::MU_P, alpha: 3.0 };
    let w = layout.initial_weights(&convention.parametrisation, 8);
    let reference = Reference::new(spec, convention, &w, 5, 2);
    let ntk = layout.convert(&w, &convention, &Parametrisation::NTK.into());
    let device = burn_flex::FlexDevice;
    let x = Precision::F64.matrix::<burn_flex::Flex>(&numbers(20, 2), [5, 4], &device);
    let f = net.forward(&Precision::F64.vector(&ntk, &device), &x);
    for (a, b) in Precision::to_host(f).iter().zip(&reference.f0) {
        assert!(close(*a, 3.0 * b, 1e-12), "{a} is not α times {b}");
    }
    assert_eq!(layout.roles().collect::<Vec<_>>(), [Role::Input, Role::Hidden, Role::Output]);
}

/// For every architecture, finite differences of the preactivations agree with their rates,
/// and the last preactivation is the output.
pub(crate) fn preactivations_agree_with_rates_and_output<B: Backend>(device: &B::Device) {
    let activation = Activation::Softplus { beta: 3.0 };
    let image = ImageShape { height: 5, width: 6, channels: 2 };
    let dense = DenseSpec { inputs: 3, width: 7, hidden_layers: 2, activation, bias: true };
    let convolutional = ConvolutionalSpec {
        image,
        width: 3,
        blocks: 1,
        convolutions: 2,
        window: 3,
        padding: 1,
        activation,
        bias: true,
    };
    let resnet = WideResNetSpec { depth: 10, activation, ..WideResNetSpec::paper(image, 1) };
    for spec in [
        NetworkSpec::Dense(dense),
        NetworkSpec::Convolutional(convolutional),
        NetworkSpec::WideResNet(resnet),
    ] {
        let problem = Problem::of(spec, 3, 12);
        let (w, x) = problem.tensors::<B>(Precision::F64, device);
        let v = problem.direction::<B>(device);
        let at = |e: f64| {
            let w: Tensor<B, 1> = w.clone() + v.clone().mul_scalar(e);
            problem.net.trace(&w, &x).preactivations().expect("the layers have preactivations")
        };
        let trace = problem.net.trace(&w, &x);
        let rates = trace.preactivation_rates(&v).unwrap();
        let e = 1e-5;
        let (up, down) = (at(e), at(-e));
        assert_eq!(up.len(), rates.len());
        for ((up, down), rate) in up.into_iter().zip(down).zip(rates) {
            assert_eq!(up.dims(), rate.dims());
            let difference = Precision::to_host((up - down).mul_scalar(0.5 / e));
            for (a, b) in difference.iter().zip(Precision::to_host(rate)) {
                assert!(close(*a, b, 1e-6), "{a} is not {b}");
            }
        }
        let last = Precision::to_host(at(0.0).pop().unwrap());
        for (a, b) in last.iter().zip(Precision::to_host(trace.output())) {
            assert!(close(*a, b, 1e-13), "{a} is not {b}");
        }
    }
}
