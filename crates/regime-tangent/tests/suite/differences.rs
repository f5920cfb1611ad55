//! Kernels of networks against finite differences of their outputs.

use burn_flex::{Flex, FlexDevice};
use burn_tensor::{DType, Tensor};
use ndarray::{Array1, Array2};
use regime_models::{
    Activation, ConvolutionalSpec, DenseSpec, ImageShape, Network, NetworkSpec, Tape, Trace,
    WideResNetSpec,
};
use regime_tangent::kit::{differences_give_the_kernel, kernel_by_differences, numbers};

const DEVICE: FlexDevice = FlexDevice;

#[test]
fn kernels_of_the_networks_agree_with_differences() {
    let image = ImageShape { height: 5, width: 4, channels: 1 };
    let specs = [
        NetworkSpec::Dense(DenseSpec {
            inputs: 3,
            width: 5,
            hidden_layers: 2,
            activation: Activation::Relu,
            bias: true,
        }),
        NetworkSpec::Convolutional(ConvolutionalSpec {
            image,
            width: 3,
            blocks: 1,
            convolutions: 2,
            window: 3,
            padding: 1,
            activation: Activation::Softplus { beta: 5.0 },
            bias: true,
        }),
        NetworkSpec::WideResNet(WideResNetSpec {
            depth: 10,
            base: 2,
            activation: Activation::Tanh,
            ..WideResNetSpec::paper(image, 1)
        }),
    ];
    for spec in specs {
        let net = spec.build().unwrap();
        let w = Array1::from_vec(net.initial_weights(3));
        let d = net.n_inputs();
        let x = Array2::from_shape_vec((4, d), numbers(4 * d, 7)).unwrap();
        differences_give_the_kernel::<Flex, _>(&net, &DEVICE, w.view(), x.view())
            .unwrap_or_else(|violation| panic!("{spec:?}: {violation}"));
    }
}

/// Two outputs: `f₁ = (w·x)²` and `f₂ = scale · w·x`. Its tape has the second gradient for
/// `scale = 1`.
struct TwoOutputs {
    scale: f64,
}

struct Rows {
    jacobian: Tensor<Flex, 2>,
    output: Tensor<Flex, 1>,
}

impl Network<Flex> for TwoOutputs {
    type Trace = Rows;

    fn n_inputs(&self) -> usize {
        2
    }

    fn n_params(&self) -> usize {
        2
    }

    fn n_outputs(&self) -> usize {
        2
    }

    fn forward(&self, w: &Tensor<Flex, 1>, x: &Tensor<Flex, 2>) -> Tensor<Flex, 1> {
        let z: Tensor<Flex, 1> = x.clone().matmul(w.clone().reshape([2, 1])).flatten(0, 1);
        Tensor::cat(vec![z.clone().square(), z.mul_scalar(self.scale)], 0)
    }

    fn trace(&self, w: &Tensor<Flex, 1>, x: &Tensor<Flex, 2>) -> Rows {
        let z = x.clone().matmul(w.clone().reshape([2, 1]));
        let jacobian = Tensor::cat(vec![x.clone() * z.mul_scalar(2.0), x.clone()], 0);
        Rows { jacobian, output: self.forward(w, x) }
    }
}

impl Trace<Flex> for Rows {
    type Tape = Self;

    fn output(&self) -> Tensor<Flex, 1> {
        self.output.clone()
    }

    fn linearise(self) -> Self {
        self
    }
}

impl Tape<Flex> for Rows {
    fn n_points(&self) -> usize {
        self.jacobian.dims()[0]
    }

    fn placement(&self) -> (FlexDevice, DType) {
        (DEVICE, self.jacobian.dtype())
    }

    fn jvp(&self, v: Tensor<Flex, 1>) -> Tensor<Flex, 1> {
        let n = v.dims()[0];
        self.jacobian.clone().matmul(v.reshape([n, 1])).flatten(0, 1)
    }

    fn vjp(&self, g: Tensor<Flex, 1>) -> Tensor<Flex, 1> {
        let n = g.dims()[0];
        g.reshape([1, n]).matmul(self.jacobian.clone()).flatten(0, 1)
    }

    fn select(&self, points: &[usize]) -> Self {
        let rows = |i: &usize| self.jacobian.clone().narrow(0, *i, 1);
        let jacobian = Tensor::cat(points.iter().map(rows).collect(), 0);
        Self { jacobian, output: self.output.clone() }
    }
}

#[test]
fn several_outputs_agree_with_differences() {
    let w = Array1::from_vec(vec![0.5, -1.5]);
    let x = Array2::from_shape_vec((3, 2), numbers(6, 2)).unwrap();
    let net = TwoOutputs { scale: 1.0 };
    let theta = kernel_by_differences::<Flex, _>(&net, &DEVICE, w.view(), x.view());
    // Rows k·n + i: the gradients are 2 (w·x) x and x.
    let z = x.dot(&w);
    for i in 0..3 {
        for j in 0..3 {
            let gram = x.row(i).dot(&x.row(j));
            assert!((theta[[i, j]] - 4.0 * z[i] * z[j] * gram).abs() < 1e-8);
            assert!((theta[[i, 3 + j]] - 2.0 * z[i] * gram).abs() < 1e-8);
            assert!((theta[[3 + i, 3 + j]] - gram).abs() < 1e-8);
        }
    }
    differences_give_the_kernel::<Flex, _>(&net, &DEVICE, w.view(), x.view()).unwrap();
    // The kernel of another function is refused.
    let other = TwoOutputs { scale: 1.001 };
    differences_give_the_kernel::<Flex, _>(&other, &DEVICE, w.view(), x.view()).unwrap_err();
}
