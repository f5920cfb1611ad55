//! The flow of modules: against an explicit integration, and against their frozen kernels.

use std::sync::{Mutex, PoisonError};

use burn::tensor::Tensor;
use burn_flex::FlexDevice;
use own_model::{
    Attention, Grad, Plain, Recurrent, float64, task,
    training::{Task, learned, learned_by_the_frozen_kernel, learned_explicitly},
};
use regime_models::Network;
use regime_tangent::ModuleNetwork;

/// burn has one random generator for all threads: modules are created one after the other.
fn created<M>(create: impl FnOnce() -> M) -> M {
    static SEED: Mutex<()> = Mutex::new(());
    let _alone = SEED.lock().unwrap_or_else(PoisonError::into_inner);
    create()
}

fn furthest(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    // A maximum drops NaN.
    assert!(a.iter().chain(b).all(|f| f.is_finite()), "{a:?}, {b:?}");
    a.iter().zip(b).fold(0.0, |most: f64, (a, b)| most.max((a - b).abs()))
}

/// Checks a network from `w₀` until time `t`.
fn check<N: Network<Plain>>(net: &N, x: Tensor<Plain, 2>, w0: &Tensor<Plain, 1>, t: f64) {
    let labels = task(x.dims()[0], 1).1;
    let task = Task { x, labels };
    let (frozen, _) = learned_by_the_frozen_kernel(net, &task, w0, t).unwrap();
    let size = frozen.iter().fold(0.0, |most: f64, f| most.max(f.abs()));
    assert!(size > 0.1, "the task is learned: {frozen:?}");

    // Feature learning. An explicit rule is stable only in steps that are shorter than the fastest
    // time of the flow.
    let (feature, end) = learned(net, &task, w0, 0.3, t).unwrap();
    let explicit = learned_explicitly(net, &task, w0, 0.3, (end, 160));
    assert!(furthest(&feature, &explicit) < 3e-3, "{feature:?} is not {explicit:?}");

    // Lazy: the limit is the flow of the frozen kernel, which is not that at α = 0.3.
    let (lazy, end) = learned(net, &task, w0, 1e3, t).unwrap();
    assert_eq!(end, t);
    assert!(furthest(&lazy, &frozen) < 1e-3, "{lazy:?} is not {frozen:?}");
    assert!(furthest(&feature, &frozen) > 0.05, "{feature:?} is close to {frozen:?}");
}

#[test]
fn a_block_of_attention_flows() {
    float64();
    let (x, _) = task(6, 3);
    let module = created(|| Attention::<Grad>::new(8, 1, &FlexDevice));
    let forward = |m: &Attention<Grad>, x: Tensor<Grad, 3>| m.forward(x);
    let net = ModuleNetwork::new(&module, forward, x.clone()).unwrap();
    check(&net, net.inputs(x).unwrap(), &net.values(), 2.0);
}

#[test]
fn an_lstm_flows() {
    float64();
    let (x, _) = task(6, 3);
    let module = created(|| Recurrent::<Grad>::new(6, 2, &FlexDevice));
    let forward = |m: &Recurrent<Grad>, x: Tensor<Grad, 3>| m.forward(x);
    let net = ModuleNetwork::new(&module, forward, x.clone()).unwrap();
    check(&net, net.inputs(x).unwrap(), &net.values(), 6.0);
}
