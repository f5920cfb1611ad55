//! Selects the operations for a backend: fused operations on plain host memory, LibTorch's own
//! operations on its tensors, and ordinary tensor operations on any other backend.
//!
//! No other file checks which backend it runs on, so code that is built on a network needs no
//! other bound than [`Backend`].

#[cfg(any(feature = "flex", feature = "tch"))]
use std::any::Any;

use burn_tensor::backend::Backend;

#[cfg(feature = "flex")]
use crate::host::Host;
#[cfg(feature = "tch")]
use crate::libtorch::Torch;
use crate::{operations::Operations, tensors::Ordinary};

/// The operations on tensors of `B`.
///
/// Flex works on plain host memory. An autodiff backend that wraps Flex has no fused operations,
/// because its operations have to be recorded.
pub(crate) fn operations<B: Backend>() -> &'static dyn Operations<B> {
    #[cfg(feature = "flex")]
    {
        let on_flex: &'static dyn Operations<burn_flex::Flex> = &Host;
        if let Some(&operations) = (&on_flex as &dyn Any).downcast_ref() {
            return operations;
        }
    }
    #[cfg(feature = "tch")]
    {
        let on_libtorch: &'static dyn Operations<burn_tch::LibTorch> = &Torch;
        if let Some(&operations) = (&on_libtorch as &dyn Any).downcast_ref() {
            return operations;
        }
    }
    &Ordinary
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use std::sync::Arc;

    use burn_autodiff::Autodiff;
    use burn_flex::{Flex, FlexDevice};
    use burn_ndarray::{NdArray, NdArrayDevice};
    use burn_tensor::{DType, Tensor};

    use super::*;
    use crate::{
        activation::Activation, block::Block, layer::Layer, precision::Precision, window::Window,
    };

    /// A matrix of arbitrary numbers.
    fn matrix<B: Backend>(shape: [usize; 2], seed: f64, device: &B::Device) -> Tensor<B, 2> {
        let numbers: Vec<f64> =
            (0..shape[0] * shape[1]).map(|i| (1.7 * i as f64 + seed).sin()).collect();
        Precision::F64.matrix(&numbers, shape, device)
    }

    fn vector(len: usize, seed: f64) -> Tensor<Flex, 1> {
        matrix::<Flex>([1, len], seed, &FlexDevice).reshape([len])
    }

    /// Asserts that two tensors are equal up to rounding.
    fn same<const D: usize>(fused: Tensor<Flex, D>, ordinary: Tensor<Flex, D>) {
        assert_eq!(fused.dims(), ordinary.dims());
        for (a, b) in Precision::to_host(fused).into_iter().zip(Precision::to_host(ordinary)) {
            assert!((a - b).abs() <= 1e-13 * (1.0 + b.abs()), "{a} is not {b}");
        }
    }

    /// A dense layer with 4 inputs, and a convolution with a window of 3 × 3 pixels on maps of
    /// 4 × 4 pixels with two channels. Both have three outputs.
    fn layers() -> [Layer; 2] {
        let layer = |inputs: usize, window| Layer {
            inputs,
            outputs: 3,
            window,
            weights: 1..1 + 3 * inputs,
            biases: Some(1 + 3 * inputs..4 + 3 * inputs),
        };
        let window = Window::new((4, 4), 3, 2, 1).unwrap();
        [layer(4, None), layer(18, Some(Arc::new(window)))]
    }

    fn sources<B: Backend>(layer: &Layer, device: &B::Device) -> Tensor<B, 2> {
        let shape = if layer.window.is_some() { [5 * 16, 2] } else { [5, layer.inputs] };
        matrix(shape, 0.3, device)
    }

    fn block<B: Backend>(layer: &Layer, device: &B::Device) -> Block<B> {
        let positions = layer.window.as_ref().map_or(1, |window| window.n_positions());
        Block {
            sources: sources(layer, device),
            window: layer.window.clone(),
            sensitivities: matrix([5 * positions, 3], 2.1, device),
            weight_scale: layer.scale(),
            weights: layer.weights.clone(),
            biases: layer.biases.clone(),
        }
    }

    #[test]
    fn fused_operations_agree_with_the_ordinary_ones() {
        let fused = operations::<Flex>();
        for layer in layers() {
            let (a, block) = (sources(&layer, &FlexDevice), block::<Flex>(&layer, &FlexDevice));
            let (n_params, delta) = (layer.range().end, block.sensitivities.clone());
            let w = vector(n_params, 0.9);
            for biases in [true, false] {
                let ordinary = Ordinary.affine(&layer, &w, a.clone(), biases);
                same(fused.affine(&layer, &w, a.clone(), biases), ordinary);
            }
            same(fused.back(&layer, &w, delta.clone()), Ordinary.back(&layer, &w, delta.clone()));
            if let Some(window) = &layer.window {
                let patches = fused.patches(window, a.clone());
                same(patches.clone(), Ordinary.patches(window, a.clone()));
                same(fused.overlay(window, patches.clone()), Ordinary.overlay(window, patches));
            }
            // Two parts, with a parameter vector that holds only this layer.
            let block = Block {
                weights: 0..3 * layer.inputs,
                biases: Some(3 * layer.inputs..n_params - 1),
                ..block
            };
            let parts = [vec![block.clone()], vec![block]];
            let v = vector(n_params - 1, 0.2);
            same(fused.jvp(&parts, &v), Ordinary.jvp(&parts, &v));
            let g = vector(10, 0.4);
            same(fused.vjp(&parts, &g), Ordinary.vjp(&parts, &g));
        }
        let z = || matrix::<Flex>([9, 5], 0.0, &FlexDevice).mul_scalar(4.0);
        for phi in [
            Activation::Relu,
            Activation::Softplus { beta: 5.0 },
            Activation::Tanh,
            Activation::Silu { beta: 1.0 },
            Activation::Gelu,
        ] {
            same(fused.value(phi, 1.4, z()), Ordinary.value(phi, 1.4, z()));
            let [fused, ordinary] =
                [fused.value_and_slope(phi, 1.4, z()), Ordinary.value_and_slope(phi, 1.4, z())];
            same(fused.0, ordinary.0);
            same(fused.1, ordinary.1);
        }
        same(fused.elementwise(z(), z()), Ordinary.elementwise(z(), z()));
    }

    #[test]
    fn inner_products_are_summed_in_float64() {
        for dtype in [DType::F64, DType::F32] {
            let [a, b] = [0.3, 1.1].map(|seed| vector(1000, seed).cast(dtype));
            let [x, y] = [&a, &b].map(|v| Precision::to_host(v.clone()));
            let expected: f64 = x.iter().zip(&y).map(|(x, y)| x * y).sum();
            for found in
                [operations::<Flex>().dot(a.clone(), b.clone()), Ordinary.dot(a.clone(), b.clone())]
            {
                assert!((found - expected).abs() <= 1e-11, "{found} is not {expected}");
            }
        }
    }

    #[test]
    fn only_plain_host_memory_is_fused() {
        fn is_fused<B: Backend>(device: &B::Device) -> bool {
            operations::<B>().kernel(&[&block(&layers()[0], device)], Vec::new()).is_some()
        }
        assert!(is_fused::<Flex>(&FlexDevice));
        assert!(!is_fused::<Autodiff<Flex>>(&FlexDevice));
        assert!(!is_fused::<NdArray>(&NdArrayDevice::Cpu));
    }

    #[test]
    fn a_kernel_reuses_the_scratch_buffer_and_ignores_its_contents() {
        let block = block::<Flex>(&layers()[0], &FlexDevice);
        let kernel = |scratch| {
            let kernel = operations::<Flex>().kernel(&[&block, &block], scratch);
            Precision::to_host(kernel.expect("Flex has a fused kernel"))
        };
        let expected = kernel(Vec::new());
        for len in [0, 3, 25, 40] {
            let mut scratch = Vec::with_capacity(40);
            scratch.resize(len, f64::NAN);
            let address = scratch.as_ptr();
            let found = kernel(scratch);
            assert_eq!((found.as_ptr(), &found), (address, &expected));
        }
    }
}
