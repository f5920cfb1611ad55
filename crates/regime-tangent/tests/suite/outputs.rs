//! Kernels of networks with several outputs.

use burn::{module::Param, tensor::Tensor};
use burn_flex::Flex;
use regime_models::{
    Activation, BlockTape, ConvolutionalSpec, DenseSpec, ImageShape, MultiOutput, Network,
    NetworkSpec, Trace, WideResNetSpec,
};
use regime_tangent::{
    ModuleFunction, ModuleTape, Outputs, Precision, cross_kernel_of_outputs, full_kernel, kernel,
    traced_kernel,
};

use super::module::{DEVICE, Flat, Grad};

fn specs() -> [NetworkSpec; 3] {
    let image = ImageShape { height: 5, width: 6, channels: 1 };
    [
        NetworkSpec::Dense(DenseSpec {
            inputs: 3,
            width: 7,
            hidden_layers: 2,
            activation: Activation::Relu,
            bias: true,
        }),
        NetworkSpec::Convolutional(ConvolutionalSpec {
            image,
            width: 4,
            blocks: 1,
            convolutions: 2,
            window: 3,
            padding: 1,
            activation: Activation::Softplus { beta: 5.0 },
            bias: false,
        }),
        NetworkSpec::WideResNet(WideResNetSpec {
            depth: 10,
            base: 2,
            activation: Activation::Tanh,
            ..WideResNetSpec::paper(image, 1)
        }),
    ]
}

fn numbers(n: usize, seed: u64) -> Vec<f64> {
    (0..n).map(|i| 1.7 * ((i as f64 + 1.0) * (seed as f64 + 0.37)).sin()).collect()
}

fn host<const D: usize>(tensor: Tensor<Flex, D>) -> Vec<f64> {
    Precision::to_host(tensor)
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let scale = a.iter().chain(b).fold(f64::MIN_POSITIVE, |m, v| m.max(v.abs()));
    a.iter().zip(b).fold(0.0, |m: f64, (a, b)| larger(m, (a - b).abs())) / scale
}

/// The larger of two numbers, and NaN if one is NaN.
fn larger(most: f64, value: f64) -> f64 {
    if most.is_nan() || value <= most { most } else { value }
}

struct Problem {
    net: MultiOutput,
    w: Vec<f64>,
    x: Tensor<Flex, 2>,
}

impl Problem {
    fn of(spec: &NetworkSpec, outputs: usize, n: usize) -> Self {
        let net = spec.build_outputs(outputs).unwrap();
        let noise = numbers(net.n_params(), 4);
        let w = net.initial_weights(1).iter().zip(noise).map(|(w, e)| w + 0.1 * e).collect();
        let d = net.n_inputs();
        let x = Precision::F64.matrix(&numbers(n * d, 6), [n, d], &DEVICE);
        Self { net, w, x }
    }

    fn tapes(&self) -> Vec<BlockTape<Flex>> {
        self.net.tapes(&Precision::F64.vector(&self.w, &DEVICE), &self.x)
    }

    /// By automatic differentiation, output by output.
    fn brute(&self) -> Vec<ModuleTape<Flex>> {
        let w = Param::from_tensor(Precision::F64.vector::<Grad>(&self.w, &DEVICE));
        let forward = |m: &Flat<Grad>, x: Tensor<Grad, 2>| self.net.outputs(&m.w.val(), &x);
        let function = ModuleFunction::new(&Flat { w }, forward, self.x.clone()).unwrap();
        function.tapes(1 << 28).unwrap()
    }
}

#[test]
fn a_network_built_with_one_output_equals_the_scalar_network() {
    for spec in specs() {
        let problem = Problem::of(&spec, 1, 4);
        let net = spec.build().unwrap();
        assert_eq!(net.initial_weights(9), problem.net.initial_weights(9));
        assert_eq!(net.layer_ranges(), problem.net.layer_ranges());
        let w = Precision::F64.vector::<Flex>(&problem.w, &DEVICE);
        let f = host(net.forward(&w, &problem.x));
        assert_eq!(f, host(problem.net.forward(&w, &problem.x)));
        let expected = host(kernel(&net.trace(&w, &problem.x).linearise()));
        for form in [Outputs::Full, Outputs::TracedMean, Outputs::TracedSum] {
            assert_eq!(host(traced_kernel(&problem.tapes(), form)), expected);
        }
    }
    assert!(specs()[0].build_outputs(0).is_err());
}

#[test]
fn blocks_of_the_full_kernel_are_products_of_the_outputs_gradients() {
    for spec in specs() {
        for (outputs, n) in [(2, 1), (3, 5)] {
            let problem = Problem::of(&spec, outputs, n);
            let (tapes, brute) = (problem.tapes(), problem.brute());
            assert_eq!(tapes.len(), outputs);
            let full = full_kernel(&tapes);
            assert_eq!(full.dims(), [n * outputs, n * outputs]);
            for (k, a) in brute.iter().enumerate() {
                for (l, b) in brute.iter().enumerate() {
                    let block = full.clone().slice([k * n..(k + 1) * n, l * n..(l + 1) * n]);
                    let expected = a.jacobian().matmul(b.jacobian().transpose());
                    let scale = expected.clone().abs().max().max_pair(full.clone().abs().max());
                    let off = (block - expected).abs().max() / scale;
                    assert!(host(off)[0] < 1e-12, "{spec:?} outputs {k} and {l}");
                }
            }
            let (m, values) = (n * outputs, host(full));
            for i in 0..m {
                for j in 0..i {
                    assert_eq!(values[i * m + j].to_bits(), values[j * m + i].to_bits());
                }
            }
            // The same for tapes with a Jacobian in memory.
            assert!(distance(&host(full_kernel(&brute)), &values) < 1e-12);
        }
    }
}

#[test]
fn traced_kernels_are_mean_and_sum_of_the_diagonal_blocks() {
    let (n, outputs) = (4, 3);
    let problem = Problem::of(&specs()[0], outputs, n);
    let tapes = problem.tapes();
    let (full, m) = (host(full_kernel(&tapes)), n * outputs);
    let sum: Vec<f64> = (0..n * n)
        .map(|at| (0..outputs).map(|k| full[(k * n + at / n) * m + k * n + at % n]).sum())
        .collect();
    assert!(distance(&host(traced_kernel(&tapes, Outputs::TracedSum)), &sum) < 1e-14);
    let mean: Vec<f64> = sum.iter().map(|v| v / outputs as f64).collect();
    assert!(distance(&host(traced_kernel(&tapes, Outputs::TracedMean)), &mean) < 1e-14);
}

#[test]
fn cross_kernels_are_blocks_of_the_joint_kernel() {
    let (n, outputs, split) = (5, 2, 2);
    for spec in specs() {
        let problem = Problem::of(&spec, outputs, n);
        let part = |start: usize, n: usize| {
            let x = problem.x.clone().narrow(0, start, n);
            problem.net.tapes(&Precision::F64.vector(&problem.w, &DEVICE), &x)
        };
        let (a, b) = (part(0, split), part(split, n - split));
        let joint = full_kernel(&problem.tapes());
        let cross = cross_kernel_of_outputs(&a, &b, Outputs::Full);
        assert_eq!(cross.dims(), [split * outputs, (n - split) * outputs]);
        let rest = n - split;
        for k in 0..outputs {
            for l in 0..outputs {
                let rows = k * split..(k + 1) * split;
                let block = cross.clone().slice([rows, l * rest..(l + 1) * rest]);
                let rows = k * n..k * n + split;
                let expected = joint.clone().slice([rows, l * n + split..(l + 1) * n]);
                let scale = joint.clone().abs().max();
                assert!(host((block - expected).abs().max() / scale)[0] < 1e-13);
            }
        }
        let mean = cross_kernel_of_outputs(&a, &b, Outputs::TracedMean);
        let joint = traced_kernel(&problem.tapes(), Outputs::TracedMean);
        let expected = joint.slice([0..split, split..n]);
        assert!(distance(&host(mean), &host(expected)) < 1e-12);
    }
}
