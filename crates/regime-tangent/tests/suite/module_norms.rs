//! Modules with norms: exact in evaluation mode, refused where they mix points.

use burn::{
    module::{AutodiffModule, Module, Param},
    nn::{
        BatchNorm, BatchNormConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig,
        conv::{Conv2d, Conv2dConfig},
    },
    tensor::{Tensor, backend::Backend},
};
use burn_flex::Flex;
use regime_models::{Network, Trace};
use regime_tangent::{
    FrozenBatchNorm, ModuleError, ModuleFunction, ModuleNetwork, Precision, in_precision, jacobian,
    kernel,
};

use crate::{
    module::{DEVICE, Grad, distance, host, numbers, points},
    module_network::by_differences,
};

/// A batch norm of `channels` channels with statistics and parameters that are not 0 or 1.
fn trained<B: Backend>(channels: usize, device: &B::Device) -> BatchNorm<B> {
    let mut norm = in_precision(BatchNormConfig::new(channels).init(device), Precision::F64);
    let vector = |seed, shift: f64| {
        Precision::F64.vector::<B>(&numbers(channels, seed), device).abs().add_scalar(shift)
    };
    norm.gamma = Param::from_tensor(vector(2, 0.3));
    norm.beta = Param::from_tensor(vector(3, -0.5));
    norm.running_mean.update(vector(4, -0.7));
    norm.running_var.update(vector(5, 0.2));
    norm
}

#[test]
fn a_frozen_batch_norm_is_a_batch_norm_in_evaluation_mode() {
    let norm = trained::<Grad>(3, &DEVICE);
    let (frozen, inference) = (FrozenBatchNorm::from(&norm), norm.valid());
    let flat = points(4, 3);
    let on = |x: &Tensor<Flex, 2>| host(frozen.forward(Tensor::<Grad, 2>::from_inner(x.clone())));
    assert_eq!(on(&flat), host(inference.forward(flat.clone())));
    assert!(distance(&on(&flat), &host(flat.clone())) > 0.1);

    let maps = points(2, 3 * 4).reshape([2, 3, 4]);
    let found = host(frozen.forward(Tensor::<Grad, 3>::from_inner(maps.clone())));
    assert_eq!(found, host(inference.forward(maps)));
    let images = points(2, 3 * 6).reshape([2, 3, 2, 3]);
    let found = host(frozen.forward(Tensor::<Grad, 4>::from_inner(images.clone())));
    assert_eq!(found, host(inference.forward(images)));
}

/// A convolution with a batch norm and a head with a layer norm.
#[derive(Module, Debug)]
struct Image<B: Backend> {
    conv: Conv2d<B>,
    norm: FrozenBatchNorm<B>,
    layer: LayerNorm<B>,
    head: Linear<B>,
}

impl<B: Backend> Image<B> {
    fn new(device: &B::Device) -> Self {
        let net = Self {
            conv: Conv2dConfig::new([1, 2], [2, 2]).init(device),
            norm: FrozenBatchNorm::from(&trained(2, device)),
            layer: LayerNormConfig::new(8).init(device),
            head: LinearConfig::new(8, 2).init(device),
        };
        in_precision(net, Precision::F64)
    }

    fn forward(&self, x: Tensor<B, 4>) -> Tensor<B, 2> {
        let z: Tensor<B, 2> = self.norm.forward(self.conv.forward(x)).tanh().flatten(1, 3);
        self.head.forward(self.layer.forward(z).tanh())
    }
}

#[test]
fn norms_in_evaluation_mode_agree_with_differences() {
    let (image, x) = (Image::<Grad>::new(&DEVICE), points(4, 9).reshape([4, 1, 3, 3]));
    let forward = |m: &Image<Grad>, x: Tensor<Grad, 4>| m.forward(x);
    let net = ModuleNetwork::new(&image, forward, x.clone()).unwrap();
    // The running statistics are constants.
    let names = net.parameters().names();
    let expected = [
        "conv.weight",
        "conv.bias",
        "norm.gamma",
        "norm.beta",
        "layer.gamma",
        "layer.beta",
        "head.weight",
        "head.bias",
    ];
    assert_eq!(names, expected);
    let x = net.inputs(x).unwrap();
    let w = net.values() + Precision::F64.vector(&numbers(net.n_params(), 7), &DEVICE) * 0.1;
    let tape = net.trace(&w, &x).linearise();
    assert!(distance(&host(jacobian(&tape)), &by_differences(&net, &w, &x)) < 1e-8);
    // The statistics of the frozen norm do not depend on evaluations.
    let again = net.trace(&w, &x).linearise();
    assert_eq!(host(kernel(&tape)), host(kernel(&again)));
    assert_eq!(
        host(image.norm.mean.val()),
        host(trained::<Flex>(2, &DEVICE).running_mean.value_sync())
    );
}

/// A module that holds two batch norms, of which it calls the second or none.
#[derive(Module, Debug)]
struct Held<B: Backend> {
    unused: BatchNorm<B>,
    used: BatchNorm<B>,
    frozen: FrozenBatchNorm<B>,
    head: Linear<B>,
}

fn held() -> Held<Grad> {
    Held {
        unused: trained(2, &DEVICE),
        used: trained(2, &DEVICE),
        frozen: FrozenBatchNorm::from(&trained(2, &DEVICE)),
        head: in_precision(LinearConfig::new(2, 1).init(&DEVICE), Precision::F64),
    }
}

#[test]
fn a_layer_that_is_not_called_is_not_named() {
    let module = held();
    let centred = |m: &Held<Grad>, x: Tensor<Grad, 2>| {
        let f = m.head.forward(m.frozen.forward(x));
        f.clone() - f.mean_dim(0)
    };
    let error = ModuleFunction::new(&module, centred, points(3, 2)).map(drop).unwrap_err();
    assert!(matches!(error, ModuleError::Mixes { layer: None, .. }), "{error}");
    assert!(!error.to_string().contains("BatchNorm"), "{error}");

    let normalised = |m: &Held<Grad>, x: Tensor<Grad, 2>| m.head.forward(m.used.forward(x));
    let error = ModuleFunction::new(&module, normalised, points(3, 2)).map(drop).unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with("`used: BatchNorm` mixes the points of a batch: "), "{text}");
    assert!(text.contains("the mean and the variance of the batch"), "{text}");
    assert!(text.contains("FrozenBatchNorm") && text.lines().count() == 1, "{text}");

    // The check has evaluated the layer as in training, and has kept its statistics.
    let (mean, variance) = (&module.used.running_mean, &module.used.running_var);
    let fresh = trained::<Flex>(2, &DEVICE);
    assert_eq!(host(mean.value_sync()), host(fresh.running_mean.value_sync()));
    assert_eq!(host(variance.value_sync()), host(fresh.running_var.value_sync()));

    // Without a batch norm in the forward pass there is nothing to refuse.
    let without = |m: &Held<Grad>, x: Tensor<Grad, 2>| m.head.forward(x);
    assert!(ModuleFunction::new(&module, without, points(3, 2)).is_ok());
}

#[test]
fn a_layer_that_may_be_called_is_named_as_possible() {
    let mut module = held();
    module.used = module.used.no_grad();
    let normalised = |m: &Held<Grad>, x: Tensor<Grad, 2>| m.head.forward(m.used.forward(x));
    let error = ModuleNetwork::new(&module, normalised, points(3, 2)).map(drop).unwrap_err();
    let ModuleError::Mixes { layer: Some(layer), is_called: false, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(layer, "used: BatchNorm");
    assert!(error.to_string().contains("possibly `used: BatchNorm`, mixes"), "{error}");
}
