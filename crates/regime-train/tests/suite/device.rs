//! Tests of training on a device with its own memory: results stay on the device, and the
//! transfers are those listed in docs/backends.md.

use std::collections::BTreeSet;

use burn_flex::{Flex, FlexDevice};
use burn_tensor::backend::Backend;
use rayon::ThreadPoolBuilder;
use regime_models::{
    Activation, ConvolutionalSpec, FeedForward, ImageShape, Memory, Network, Precision,
    StackedNetwork, Trace,
};
use regime_tangent::kernel;
use regime_train::{
    End, Flow, FlowBatch, FlowSpec, Loss, Member, Moment, Momentum, Outcome, Sampling, Scheme,
    Start, StepRule, Stochastic, StochasticSpec, Stop,
};

use crate::{
    batch::one,
    flow::worst,
    problem::{dense, numbers, system},
    remote::{Remote, RemoteDevice, Traffic, Transfers},
};

/// Number of points: more than the rows of one block.
const N: usize = 150;

/// Rows of a block that the host factorises.
const BLOCK: usize = 64;

/// The outcome of a flow, its weights, and its transfers if they were counted.
fn flown<B: Backend>(
    net: &FeedForward,
    spec: FlowSpec,
    device: &B::Device,
    traffic: impl Fn() -> Traffic,
) -> (Outcome, Vec<f64>, Traffic) {
    let w0 = Precision::F64.vector::<B>(&net.initial_weights(3), device);
    // The curvature of this loss is constant, so every point is active.
    let system = system(net, &w0, N, 1.0, Loss::Squared, device);
    let mut flow = Flow::start(&system, spec).unwrap();
    traffic();
    let outcome = flow.run().outcome;
    let crossed = traffic();
    (outcome, Precision::to_host(flow.weights()), crossed)
}

/// The same on a device that counts transfers. Asserts that the weights agree with those on the
/// host.
fn counted(net: &FeedForward, spec: FlowSpec) -> (Outcome, Traffic) {
    let device = RemoteDevice::fresh();
    let (outcome, weights, traffic) = flown::<Remote>(net, spec, &device, || device.traffic());
    let (on_host, expected, _) = flown::<Flex>(net, spec, &FlexDevice, Traffic::default);
    assert_eq!((outcome.steps, outcome.rejected), (on_host.steps, on_host.rejected));
    assert!(worst(&weights, &expected) < 1e-10, "{}", worst(&weights, &expected));
    (outcome, traffic)
}

/// Transfers from pairs: a number of transfers, and the values in each.
fn transfers(parts: &[(usize, usize)]) -> Transfers {
    Transfers {
        count: parts.iter().map(|(count, _)| count).sum(),
        numbers: parts.iter().map(|(count, numbers)| count * numbers).sum(),
        largest: parts.iter().map(|&(_, numbers)| numbers).max().unwrap_or(0),
    }
}

#[test]
fn an_implicit_step_transfers_outputs_and_diagonal_blocks() {
    // More weights than points, and than the entries of a block: no weights are transferred.
    let net = dense(2, 80);
    assert!(net.n_params() > BLOCK * BLOCK);
    let stop = Stop { max_steps: 5, ..Stop::default() };
    for momentum in [Momentum::None, Momentum::Constant { tau: 0.1 }] {
        let (outcome, traffic) = counted(
            &net,
            FlowSpec { stop, momentum, scheme: Scheme::reference(), ..FlowSpec::default() },
        );
        assert_eq!((outcome.end, outcome.steps, outcome.rejected), (End::StepsSpent, 5, 0));
        let (steps, whole, rest) = (5, BLOCK * BLOCK, (N % BLOCK) * (N % BLOCK));
        let blocks = [(steps * (N / BLOCK), whole), (steps, rest)];
        // Outputs of two stages; for two solves the change of outputs and the coefficients; the
        // rate of the loss.
        let to_host = [(steps * 2, N), (steps * 4, N), (steps, 1), blocks[0], blocks[1]];
        assert_eq!(traffic.to_host, transfers(&to_host), "{momentum:?}");
        // Slopes of two stages; right-hand sides and coefficients of two solves; the active
        // points, and their curvature.
        let to_device = [(steps * 2, N), (steps * 4, N), (steps * 2, N), blocks[0], blocks[1]];
        assert_eq!(traffic.to_device, transfers(&to_device), "{momentum:?}");
    }
}

#[test]
fn a_step_of_a_batch_transfers_one_report() {
    let net = dense(2, 20);
    let (flows, steps) = (3, 5);
    // The hinge has no curvature, so it needs no factorisations; this device has none.
    for loss in [Loss::Hinge, Loss::Squared] {
        let device = RemoteDevice::fresh();
        let member = |seed| {
            let (objective, inputs, w) = one::<Remote>(&net, (seed, 1.0), loss, N, &device);
            let stop = Stop { max_steps: steps, ..Stop::default() };
            let spec = FlowSpec { stop, scheme: Scheme::reference(), ..FlowSpec::default() };
            Member { objective, inputs, spec, start: Start::Weights(w) }
        };
        let members = (0..flows as u64).map(member).collect();
        let mut batch = FlowBatch::start(&net, members).unwrap();
        device.traffic();
        let outcomes = batch.run();
        assert!(outcomes.iter().all(|o| o.steps == steps && o.rejected == 0), "{outcomes:?}");
        let Traffic { to_host, to_device } = device.traffic();
        let steps = steps as usize;
        let report = (steps, flows * (2 * N + 2));
        // Transfers of row numbers: the observed networks, and each network whose weights are
        // copied at its end. The other transfers are step sizes.
        let seen = outcomes.iter().flat_map(|o| &o.observations);
        let seen: BTreeSet<_> = seen.map(|o| (o.steps, o.moment == Moment::End)).collect();
        let rows = seen.len() + flows;
        match loss {
            Loss::Hinge => {
                assert_eq!(to_host, transfers(&[report]));
                assert_eq!(to_device.largest, flows);
                assert_eq!(to_device.count, steps + rows);
            }
            _ => {
                // In addition, since this device has no factorisation: blocks of the diagonal, and
                // right-hand sides and solutions of two solves.
                let blocks = N.div_ceil(BLOCK);
                assert_eq!(to_host.count, steps * (1 + flows * (blocks + 4)));
                assert_eq!(to_host.largest, BLOCK * BLOCK);
            }
        }
    }
}

#[test]
fn launches_per_step_do_not_grow_with_the_batch() {
    let net = dense(2, 20);
    let launches = |flows: u64| {
        let device = RemoteDevice::fresh();
        let member = |seed| {
            let (objective, inputs, w) = one::<Remote>(&net, (seed, 1.0), Loss::Hinge, N, &device);
            let stop = Stop { max_steps: 5, ..Stop::default() };
            let spec = FlowSpec { stop, scheme: Scheme::reference(), ..FlowSpec::default() };
            Member { objective, inputs, spec, start: Start::Weights(w) }
        };
        let mut batch = FlowBatch::start(&net, (0..flows).map(member).collect()).unwrap();
        device.launches();
        batch.run();
        device.launches()
    };
    // Except for the flows that end: each needs a copy of its weights.
    let (one, ten) = (launches(1), launches(10));
    assert!(ten <= one + 9 * 4, "{one} {ten}");
}

#[test]
fn a_gradient_takes_few_launches() {
    let net = dense(2, 20);
    let stack = StackedNetwork::of(&net).unwrap();
    let device = RemoteDevice::fresh();
    let (_, x, w) = one::<Remote>(&net, (1, 1.0), Loss::Hinge, N, &device);
    let scales = stack.scales::<Remote>(Precision::F64, &device);
    let (w, x) = (w.unsqueeze::<2>(), x.unsqueeze::<3>());
    device.launches();
    let trace = stack.trace(&w, &scales, &x);
    let g = trace.outputs();
    // For every layer a product and the addition of biases; for both hidden layers the parts of
    // the softplus, which is not one operation here.
    assert_eq!(device.launches(), 37);
    let tape = trace.linearise();
    assert_eq!(device.launches(), 3);
    let pulled = tape.vjp(&g);
    assert_eq!(device.launches(), 10);
    drop(tape.jvp(&pulled));
    assert_eq!(device.launches(), 12);
    drop(tape.kernel());
    assert_eq!(device.launches(), 15);
}

#[test]
fn an_explicit_step_transfers_outputs() {
    let net = dense(2, 20);
    let rule = StepRule::OutputChange { undo_above: 0.1, grow_below: 0.01 };
    let stop = Stop { max_steps: 20, ..Stop::default() };
    let scheme = Scheme::Explicit { rule };
    let (outcome, traffic) = counted(&net, FlowSpec { scheme, stop, ..FlowSpec::default() });
    let (steps, trials) = (outcome.steps as usize, (outcome.steps + outcome.rejected) as usize);
    assert_eq!(traffic.to_host, transfers(&[(trials, N), (steps, 1)]));
    assert_eq!(traffic.to_device, transfers(&[(steps, N)]));
}

#[test]
fn a_stochastic_step_transfers_the_batch() {
    let net = dense(2, 20);
    let device = RemoteDevice::fresh();
    let w0 = Precision::F64.vector::<Remote>(&net.initial_weights(3), &device);
    let system = system(&net, &w0, N, 1.0, Loss::Squared, &device);
    let (batch, steps) = (8, 6);
    let spec = StochasticSpec {
        // The temperature is so low that the batch has its maximum size from the second step on,
        // and that no step is rejected.
        temperature: 1e-12,
        largest_batch: batch,
        sampling: Sampling::Points,
        observations_per_decade: 1,
        stop: Stop { max_steps: steps, ..Stop::default() },
        ..StochasticSpec::default()
    };
    let mut training = Stochastic::start(&system, spec, 1).unwrap();
    device.traffic();
    let outcome = training.run().outcome;
    assert_eq!((outcome.steps, outcome.rejected), (steps, 0));
    let Traffic { to_host, to_device } = device.traffic();
    // A few evaluations of all points, and the outputs of batches.
    assert_eq!(to_host.largest, N);
    let looks = outcome.observations.len() + 1;
    assert!(to_host.numbers <= looks * N + steps as usize * (2 * batch + 1), "{to_host:?}");
    assert!(to_device.largest <= batch, "{to_device:?}");
}

#[test]
fn kernels_are_computed_on_the_device() {
    let image = ImageShape { height: 6, width: 5, channels: 1 };
    let paper = ConvolutionalSpec::setup_b(4);
    let activation = Activation::Softplus { beta: 5.0 };
    let maps = ConvolutionalSpec { image, blocks: 1, window: 3, activation, ..paper };
    for net in [dense(2, 9), maps.build().unwrap()] {
        let (n, d) = (40, net.n_inputs());
        let (w, x) = (net.initial_weights(3), numbers(40 * d, 5));
        let device = RemoteDevice::fresh();
        let theta = {
            let w = Precision::F64.vector::<Remote>(&w, &device);
            let x = Precision::F64.matrix::<Remote>(&x, [n, d], &device);
            device.traffic();
            kernel(&net.trace(&w, &x).linearise())
        };
        // Lists of pixels and taps, for the convolutional net: fewer values than its inputs.
        let lists = if d == 2 { 0 } else { n * d };
        let Traffic { to_host, to_device } = device.traffic();
        assert_eq!(to_host, Transfers::default());
        assert!(to_device.numbers <= lists, "{to_device:?} {lists}");
        let w = Precision::F64.vector::<Flex>(&w, &FlexDevice);
        let x = Precision::F64.matrix::<Flex>(&x, [n, d], &FlexDevice);
        let expected = Precision::to_host(kernel(&net.trace(&w, &x).linearise()));
        let scale = expected.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
        assert!(worst(&Precision::to_host(theta), &expected) < 1e-12 * scale);
    }
}

/// More points than the rows of a tile on such a device; the host uses many tiles.
#[test]
fn kernels_of_several_tiles_agree_with_the_host() {
    fn theta<B: Backend>(device: &B::Device) -> Vec<f64> {
        let (net, n) = (dense(2, 2), 2100);
        let w = Precision::F64.vector::<B>(&net.initial_weights(3), device);
        let x = Precision::F64.matrix::<B>(&numbers(n * 2, 5), [n, 2], device);
        Precision::to_host(kernel(&net.trace(&w, &x).linearise()))
    }
    // burn-router frees a tensor that another thread is still going to use.
    let alone = ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let found = alone.install(|| theta::<Remote>(&RemoteDevice::fresh()));
    assert!(worst(&found, &theta::<Flex>(&FlexDevice)) < 1e-12);
}

/// Tests of the suite on a device that rejects tensors of other devices.
macro_rules! on_a_remote_device {
    ($($module:ident: $($name:ident),*;)*) => {$(
        mod $module {
            use crate::remote::{Remote, RemoteDevice};

            $(#[test] fn $name() {
                crate::$module::$name::<Remote>(&RemoteDevice::fresh());
            })*
        }
    )*};
}

on_a_remote_device! {
    coordinates: coordinates_agree_with_explicit_gradient_descent;
    flow: a_linear_model_follows_its_closed_form, momentum_follows_the_damped_oscillator,
        a_resumed_flow_is_bit_identical;
    frozen: a_kernel_model_agrees_with_the_linearised_network, a_kernel_is_observed_like_a_network;
    stochastic: a_convolutional_net_trains;
    probes: a_recorder_reads_at_its_moments, preactivation_speeds_agree_with_differences;
}

#[test]
fn the_mock_device_has_its_own_memory() {
    assert_eq!(Memory::of::<Remote>(&RemoteDevice::fresh()), Memory::Device);
}

#[test]
#[should_panic(expected = "default device")]
fn the_default_device_panics() {
    Precision::F64.vector::<Remote>(&[1.0], &RemoteDevice::default());
}
