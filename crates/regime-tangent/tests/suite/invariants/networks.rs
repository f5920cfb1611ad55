//! Groups 5 to 7: scales, homogeneity, hidden units.

use burn_tensor::{Tensor, backend::Backend};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2};
use proptest::prelude::*;
use regime_models::{Activation, Alpha, DenseSpec, FeedForward, Network, NetworkSpec, Precision};
use regime_tangent::kit::{
    Claim, Invariant, OnBackend, Problem, Scaled, alpha_enters_squared, arrays, check, euler,
    for_all, is_zero_at_initialisation, permuted_units, positively_homogeneous, rescaled_units,
    rescaling_changes_the_kernel,
    strategies::{activations, convolutional, dense, problems, smooth_activations},
    symmetry_preserves_the_kernel,
};

/// `F` as `regime-models` computes it, with kernel and products of the kit's `F`.
struct OfLibrary<'a, B: Backend> {
    net: &'a FeedForward,
    scaled: &'a Scaled<OnBackend<'a, B, FeedForward>>,
    device: B::Device,
}

impl<B: Backend> Claim for OfLibrary<'_, B> {
    fn n_params(&self) -> usize {
        self.scaled.n_params()
    }

    fn output(&self, w: ArrayView1<f64>, x: ArrayView2<f64>) -> Array1<f64> {
        let vector = |w: ArrayView1<f64>| -> Tensor<B, 1> {
            Precision::F64.vector(&w.to_vec(), &self.device)
        };
        let values: Vec<f64> = x.iter().copied().collect();
        let x = Precision::F64.matrix::<B>(&values, [x.nrows(), x.ncols()], &self.device);
        let (w0, alpha) = (vector(self.scaled.initial_weights()), self.scaled.alpha());
        let scaled = regime_models::Scaled::at(self.net, &w0, &x, Alpha::paper(alpha).unwrap());
        Array1::from_vec(Precision::to_host(scaled.output(self.net.forward(&vector(w), &x))))
    }

    fn kernel(&self, w: ArrayView1<f64>, x: ArrayView2<f64>) -> Array2<f64> {
        self.scaled.kernel(w, x)
    }

    fn jvp(&self, w: ArrayView1<f64>, x: ArrayView2<f64>, v: ArrayView1<f64>) -> Array1<f64> {
        self.scaled.jvp(w, x, v)
    }

    fn vjp(&self, w: ArrayView1<f64>, x: ArrayView2<f64>, g: ArrayView1<f64>) -> Array1<f64> {
        self.scaled.vjp(w, x, g)
    }

    fn has_exact_products(&self) -> bool {
        true
    }
}

pub(crate) fn alpha_enters_squared_and_f0_does_not_matter<B: Backend>(device: &B::Device) {
    for_all(8, problems(smooth_activations()), |problem| {
        let (w, x) = arrays(&problem);
        let bare = OnBackend::<B, _>::new(&problem.net, device);
        let w0 = Array1::from_vec(problem.net.initial_weights(9));
        for alpha in [0.1, 30.0] {
            let scaled = Scaled::new(bare.clone(), alpha, w0.clone());
            let library = OfLibrary { net: &problem.net, scaled: &scaled, device: device.clone() };
            alpha_enters_squared(&bare, &library, alpha, w.view(), x.view())?;
            is_zero_at_initialisation(&library, w0.view(), x.view())?;
            check(&library, w.view(), x.view())?;
        }
        Ok(())
    });
}

pub(crate) fn relu_without_biases_is_homogeneous<B: Backend>(device: &B::Device) {
    let (relu, none) = (Just(Activation::Relu).boxed(), Just(false).boxed());
    // A residual net's paths have different numbers of layers.
    let specs = prop_oneof![
        dense(relu.clone(), none.clone()).prop_map(NetworkSpec::Dense),
        convolutional(relu, none).prop_map(NetworkSpec::Convolutional),
    ];
    for_all(16, (specs, 1..9usize, any::<u64>()), |(spec, n, seed)| {
        let problem = Problem::of(spec, n, seed);
        let (w, x) = arrays(&problem);
        let claim = OnBackend::<B, _>::new(&problem.net, device);
        for c in [0.25, 3.0] {
            positively_homogeneous(&claim, w.view(), x.view(), c)?;
        }
        let layers = problem.net.layer_ranges().len();
        euler(&claim, w.view(), x.view(), layers)?;
        Ok(())
    });
    // A network with biases has neither property.
    let spec = DenseSpec { activation: Activation::Relu, ..relu_net(7, 2) };
    let problem = Problem::of(NetworkSpec::Dense(spec), 5, 1);
    let (w, x) = arrays(&problem);
    let claim = OnBackend::<B, _>::new(&problem.net, device);
    let stretched = positively_homogeneous(&claim, w.view(), x.view(), 3.0).unwrap_err();
    assert_eq!(stretched.invariant(), Invariant::Homogeneity);
    assert_eq!(euler(&claim, w.view(), x.view(), 3).unwrap_err().invariant(), Invariant::Euler);
}

fn relu_net(width: usize, hidden_layers: usize) -> DenseSpec {
    DenseSpec { inputs: 3, width, hidden_layers, activation: Activation::Relu, bias: true }
}

pub(crate) fn permuting_hidden_units_keeps_the_kernel<B: Backend>(device: &B::Device) {
    let specs = dense(activations(), any::<bool>().boxed());
    for_all(24, (specs, 1..9usize, any::<u64>()), |(spec, n, seed)| {
        let problem = Problem::of(NetworkSpec::Dense(spec), n, seed);
        let (w, x) = arrays(&problem);
        let claim = OnBackend::<B, _>::new(&problem.net, device);
        let order: Vec<usize> = (0..spec.width).map(|i| (i + 1) % spec.width).collect();
        for layer in 1..=spec.hidden_layers {
            let same = permuted_units(&spec, &problem.w, layer, &order);
            prop_assert!(spec.width == 1 || same != w);
            symmetry_preserves_the_kernel(&claim, w.view(), same.view(), x.view())?;
        }
        Ok(())
    });
}

pub(crate) fn rescaling_hidden_units_changes_the_kernel<B: Backend>(device: &B::Device) {
    for (width, hidden_layers) in [(7, 1), (33, 2), (31, 3)] {
        let spec = relu_net(width, hidden_layers);
        let problem = Problem::of(NetworkSpec::Dense(spec), 5, 3);
        let (w, x) = arrays(&problem);
        let claim = OnBackend::<B, _>::new(&problem.net, device);
        for layer in 1..=hidden_layers {
            let rescaled = rescaled_units(&spec, &problem.w, layer, 2.0);
            rescaling_changes_the_kernel(&claim, w.view(), rescaled.view(), x.view(), 0.1).unwrap();
            // The check of a symmetry fails, because the kernel changes.
            let same = symmetry_preserves_the_kernel(&claim, w.view(), rescaled.view(), x.view());
            assert_eq!(same.unwrap_err().invariant(), Invariant::SymmetryPreservesKernel);
        }
        let same = rescaling_changes_the_kernel(&claim, w.view(), w.view(), x.view(), 0.1);
        assert_eq!(same.unwrap_err().invariant(), Invariant::RescalingChangesKernel);
    }

    // Without biases each layer's kernel is divided or multiplied by the factor squared.
    let spec = DenseSpec { bias: false, ..relu_net(33, 2) };
    let problem = Problem::of(NetworkSpec::Dense(spec), 5, 3);
    let (w, x) = arrays(&problem);
    let claim = OnBackend::<B, _>::new(&problem.net, device);
    let rescaled = rescaled_units(&spec, &problem.w, 2, 3.0);
    let before = claim.group_kernels(w.view(), x.view());
    let after = claim.group_kernels(rescaled.view(), x.view());
    for ((before, after), factor) in before.iter().zip(&after).zip([1.0, 1.0 / 9.0, 9.0]) {
        let difference = &after.kernel - &(&before.kernel * factor);
        let largest = after.kernel.iter().fold(0.0f64, |m, v| m.max(v.abs()));
        assert!(difference.iter().all(|v| v.abs() < 1e-12 * largest), "{factor}");
    }
}
