//! Learning rates as a metric.

use burn_tensor::{Tensor, backend::Backend};
use proptest::prelude::*;
use regime_models::{
    Activation, Convention, DenseSpec, Layout, ModelError, Network, NetworkSpec, Parametrisation,
    Precision, Rates, Tape, Trace, WithRates,
    kit::{
        Problem, close, distance, for_all, numbers,
        strategies::{activations, problems},
    },
};

fn host<B: Backend, const D: usize>(tensor: Tensor<B, D>) -> Vec<f64> {
    Precision::to_host(tensor)
}

/// `J diag(rates) Jᵀ` from single gradients of the network without rates.
fn from_gradients<B: Backend>(tape: &impl Tape<B>, rates: &[f64], device: &B::Device) -> Vec<f64> {
    let n = tape.n_points();
    let one = || Precision::F64.vector::<B>(&[1.0], device);
    let gradients: Vec<Vec<f64>> = (0..n).map(|i| host(tape.select(&[i]).vjp(one()))).collect();
    let entry = |at: usize| {
        let pairs = gradients[at / n].iter().zip(&gradients[at % n]);
        pairs.zip(rates).map(|((a, b), rate)| a * b * rate).sum()
    };
    (0..n * n).map(entry).collect()
}

/// The kernel of a tape from its blocks.
fn from_blocks<B: Backend>(tape: &impl Tape<B>) -> Option<Vec<f64>> {
    let of = |block: &regime_models::Block<B>| {
        let gradients = block.point_gradients(0..block.n_outputs());
        gradients.clone().matmul(gradients.transpose())
    };
    Some(host(tape.blocks()?.iter().map(of).reduce(|a, b| a + b)?))
}

/// Positive rates, different in every layer, for weights and biases.
fn by_layer<B: Backend>(tape: &impl Tape<B>, seed: u64) -> Vec<f64> {
    let mut rates = vec![0.0; tape.n_params()];
    let random = numbers(200, seed);
    for (block, pair) in tape.blocks().unwrap().iter().zip(random.chunks(2)) {
        rates[block.weights.clone()].fill(pair[0].exp());
        if let Some(biases) = &block.biases {
            rates[biases.clone()].fill(pair[1].exp());
        }
    }
    rates
}

pub(crate) fn rates_are_the_metric<B: Backend>(device: &B::Device) {
    for_all(16, problems(activations()), |problem| {
        let (w, x) = problem.tensors::<B>(Precision::F64, device);
        let bare = problem.tape::<B>(device);
        let p = bare.n_params();
        let random: Vec<f64> = numbers(p, problem.seed ^ 1).iter().map(|e| e.exp()).collect();
        for (rates, in_blocks) in [(by_layer(&bare, problem.seed), true), (random, p == 1)] {
            let net =
                WithRates::new::<B>(problem.net.clone(), Rates::per_parameter(&rates).unwrap());
            let net = net.unwrap();
            prop_assert_eq!(&net.rates().to_vec(), &rates);
            prop_assert_eq!(host(net.forward(&w, &x)), host(problem.net.forward(&w, &x)));
            let tape = net.trace(&w, &x).linearise();
            prop_assert!(!tape.is_euclidean() && bare.is_euclidean());

            let v = problem.direction::<B>(device);
            let g = problem.cotangent();
            let moved = host(tape.jvp(v.clone()));
            prop_assert_eq!(&moved, &host(bare.jvp(v.clone())));
            let left: f64 = moved.iter().zip(&g).map(|(a, b)| a * b).sum();
            let pulled = tape.vjp(Precision::F64.vector(&g, device));
            let right = tape.inner(pulled.clone(), v);
            prop_assert!(close(left, right, 1e-10), "g·Jv = {left}, ⟨D Jᵀg, v⟩ = {right}");
            let expected = host(bare.vjp(Precision::F64.vector(&g, device)));
            let expected: Vec<f64> = expected.iter().zip(&rates).map(|(a, r)| a * r).collect();
            prop_assert!(distance(&host(pulled), &expected) < 1e-14);

            let expected = from_gradients(&bare, &rates, device);
            let known = tape.kernel_with(&tape).map(host);
            let blocks = from_blocks(&tape);
            if in_blocks {
                prop_assert!(known.is_none() && blocks.is_some());
            }
            let found = known.or(blocks).expect("the kernel is known or has blocks");
            prop_assert!(distance(&found, &expected) < 1e-12);
            // Between different points.
            let last = [problem.n - 1];
            if let Some(cross) = tape.kernel_with(&tape.select(&last)) {
                let column: Vec<f64> =
                    expected.iter().skip(problem.n - 1).step_by(problem.n).copied().collect();
                prop_assert!(distance(&host(cross), &column) < 1e-12);
            }
        }
        Ok(())
    });
}

pub(crate) fn equal_rates_scale_the_kernel_and_frozen_layers_leave_it<B: Backend>(
    device: &B::Device,
) {
    for_all(12, problems(activations()), |problem| {
        let (w, x) = problem.tensors::<B>(Precision::F64, device);
        let bare = problem.tape::<B>(device);
        let theta = from_blocks(&bare).unwrap();
        let layers = problem.net.layer_ranges();
        let with = |rates: Rates| {
            let net = WithRates::new::<B>(&problem.net, rates).unwrap();
            net.trace(&w, &x).linearise()
        };
        let equal = with(Rates::by_layer(&layers, &vec![2.5; layers.len()]).unwrap());
        let expected: Vec<f64> = theta.iter().map(|t| 2.5 * t).collect();
        prop_assert!(distance(&from_blocks(&equal).unwrap(), &expected) < 1e-13);

        // A layer, and then only its biases.
        let at = problem.seed as usize % layers.len();
        let block = bare.blocks().unwrap()[at].clone();
        let mut frozen = vec![layers[at].clone()];
        frozen.extend(block.biases.clone());
        for range in frozen {
            let rates = Rates::in_ranges(bare.n_params(), &[(range.clone(), 0.0)]).unwrap();
            let expected = from_gradients(&bare, &rates.to_vec(), device);
            let tape = with(rates);
            let found = from_blocks(&tape).unwrap();
            let scale = theta.iter().fold(f64::MIN_POSITIVE, |m, v| m.max(v.abs()));
            for (a, b) in found.iter().zip(&expected) {
                prop_assert!((a - b).abs() < 1e-13 * scale, "{a} is not {b}");
            }
            let g = Precision::F64.vector::<B>(&problem.cotangent(), device);
            let pulled = tape.vjp(g.clone());
            prop_assert!(host(pulled.clone())[range].iter().all(|v| *v == 0.0));
            // In every direction of the flow.
            let left = host((tape.jvp(pulled.clone()) * g).sum())[0];
            prop_assert!(close(left, tape.inner(pulled.clone(), pulled), 1e-10));
        }
        Ok(())
    });
}

pub(crate) fn rates_of_several_outputs<B: Backend>(device: &B::Device) {
    let activation = Activation::Tanh;
    for bias in [true, false] {
        let spec = DenseSpec { inputs: 3, width: 5, hidden_layers: 2, activation, bias };
        let net = spec.build_outputs(2).unwrap();
        let w = Precision::F64.vector::<B>(&numbers(net.n_params(), 3), device);
        let x = Precision::F64.matrix::<B>(&numbers(12, 5), [4, 3], device);
        let bare = net.trace(&w, &x).linearise();
        let rates = by_layer(&bare, 11);
        let expected = from_gradients(&bare, &rates, device);
        let rated = WithRates::new::<B>(net, Rates::per_parameter(&rates).unwrap()).unwrap();
        let tape = rated.trace(&w, &x).linearise();
        assert!(distance(&from_blocks(&tape).unwrap(), &expected) < 1e-12);
        let shared = tape.shared_layers().expect("a dense network has shared layers");
        let gram =
            |a: &Tensor<B, 2>, b: &Tensor<B, 2>| host(a.clone().matmul(b.clone().transpose()));
        for at in 0..expected.len() {
            let (r, s) = (at / 8, at % 8);
            let pair = (r % 4) * 4 + s % 4;
            let of = |layer: &regime_models::SharedLayer<B>| {
                let deltas = gram(&layer.sensitivities[r / 4], &layer.sensitivities[s / 4]);
                gram(&layer.inputs, &layer.inputs)[pair] * deltas[pair]
            };
            let found: f64 = shared.layers.iter().map(of).sum();
            assert!(close(found, expected[at], 1e-12), "{found} is not {}", expected[at]);
        }
    }
}

#[test]
fn rates_come_from_a_parametrisation() {
    let activation = Activation::Relu;
    let spec = DenseSpec { inputs: 4, width: 16, hidden_layers: 2, activation, bias: true };
    let layout = Layout::of(&NetworkSpec::Dense(spec)).unwrap();
    let [from, to] = [Parametrisation::MU_P, Parametrisation::NTK].map(Convention::from);
    let rates = Rates::of_convention(&layout, &from, &to).unwrap().to_vec();
    assert_eq!(rates.len(), spec.build().unwrap().n_params());
    // A step of µP is ΔW = −r ∂L/∂W with the rates 4, 1 and 1/16 (fan-in 4, width 16, see the test of
    // its table); the factors here are 1/2, 1/4 and 1/4, so the rates are 16, 16 and 1.
    let ranges = spec.build().unwrap().layer_ranges();
    let first: Vec<f64> = ranges.iter().map(|range| rates[range.start]).collect();
    assert_eq!(first, [16.0, 16.0, 1.0]);
    let own = layout.own_rates(&Parametrisation::MU_P, 3.0);
    let rates = Rates::of_layers(&layout, &own).unwrap();
    assert_eq!(rates.to_vec(), layout.per_parameter(&own));
    let error = Rates::of_layers(&layout, &own[1..]).unwrap_err();
    assert_eq!(error, ModelError::RateCount { of: "layers", expected: 3, found: 2 });
}

#[test]
fn rates_that_do_not_fit_are_refused() {
    for bad in [-1.0, f64::NAN, f64::INFINITY] {
        let message = Rates::per_parameter(&[1.0, bad]).unwrap_err().to_string();
        assert!(message.starts_with("the rate of parameter 1 is"), "{message}");
    }
    assert!(Rates::per_parameter(&[]).is_err());
    let ranges = [0..3, 3..5];
    let message = Rates::by_layer(&ranges, &[1.0]).unwrap_err().to_string();
    assert_eq!(message, "there are 1 rates for 2 layers; give each one rate");
    assert_eq!(Rates::by_layer(&ranges, &[1.0, 2.0]).unwrap().to_vec(), [1., 1., 1., 2., 2.]);
    for wrong in [[(0..3, 1.0), (2..4, 2.0)], [(0..1, 1.0), (4..6, 1.0)]] {
        let message = Rates::in_ranges(5, &wrong).unwrap_err().to_string();
        assert!(message.contains("must lie below 5") && message.contains("must not overlap"));
    }
    let spec = DenseSpec {
        inputs: 1,
        width: 1,
        hidden_layers: 1,
        activation: Activation::Relu,
        bias: false,
    };
    let rates = Rates::per_parameter(&[1.0; 3]).unwrap();
    let refused = WithRates::new::<burn_flex::Flex>(spec.build().unwrap(), rates).unwrap_err();
    assert_eq!(refused, ModelError::RateCount { of: "parameters", expected: 2, found: 3 });
    let problem = Problem::of(NetworkSpec::Dense(spec), 2, 1);
    assert_eq!(problem.net.n_params(), 2);
}
