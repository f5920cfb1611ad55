//! Tests of probes during training.

use burn_tensor::{Tensor, backend::Backend};
use regime_models::{Alpha, Network, Precision, Tape, Trace};
use regime_train::{
    Flow, FlowSpec, KernelChange, Loss, Moment, Probe, Recorder, Targets, TestError,
    WeightsByLayer, WholeKernel, preactivation_speeds,
};

use crate::problem::{dense, labels, numbers, system};

pub(crate) fn a_recorder_reads_at_its_moments<B: Backend>(device: &B::Device) {
    let net = dense(2, 12);
    let w0 = Precision::F64.vector::<B>(&net.initial_weights(2), device);
    let system = system(&net, &w0, 16, 0.5, Loss::SoftHinge { beta: 20.0 }, device);
    let points = Precision::F64.matrix::<B>(&numbers(10, 99), [5, 2], device);
    let ends = [Moment::Start, Moment::HalfLoss, Moment::End];
    let mut observers = (
        Recorder::new(KernelChange::from(&net, points.clone(), &w0), &ends),
        Recorder::new(WholeKernel::new(&net, points.clone()), &[Moment::Start, Moment::End]),
        Recorder::new(WeightsByLayer::from(&net, &w0), &[Moment::Scheduled]),
    );
    let mut flow = Flow::start(&system, FlowSpec::default()).unwrap();
    let outcome = flow.run_with(&mut observers).outcome;
    let (changes, kernels, layers) = observers;

    let [start, half, end] = changes.readings() else { panic!("three moments") };
    assert_eq!([start, half, end].map(|(o, _)| o.moment), ends);
    assert_eq!(start.1, Ok(0.0));
    let (half, end) = (half.1.clone().unwrap(), end.1.clone().unwrap());
    assert!(0.0 < half && half < end, "{half} {end}");
    let [(_, first), (_, last)] = kernels.readings() else { panic!("two moments") };
    let change = regime_tangent::relative_change(last.clone(), first.clone()).unwrap();
    assert_eq!(change, end);
    let scheduled = outcome.observations.iter().filter(|o| o.moment == Moment::Scheduled);
    assert_eq!(layers.readings().len(), scheduled.count());
}

pub(crate) fn preactivation_speeds_agree_with_differences<B: Backend>(device: &B::Device) {
    let (n, width) = (9, 7);
    let net = dense(3, width);
    let w = Precision::F64.vector::<B>(&net.initial_weights(6), device);
    let system = system(&net, &w, n, 2.0, Loss::Logistic, device);
    let speeds = preactivation_speeds(&system, &w, 4).unwrap();
    assert_eq!(speeds.len(), 3);

    // At w₀ every margin is 0, where the slope of the logistic loss is −1/2.
    let x = numbers(n * 3, 17);
    let inputs = Precision::F64.matrix::<B>(&x, [n, 3], device);
    let g: Vec<f64> = labels(&x, 3).iter().map(|y| -0.5 * y / (2.0 * n as f64)).collect();
    let g = Precision::F64.vector::<B>(&g, device);
    let down = net.trace(&w, &inputs).linearise().vjp(g).neg();
    let e = 1e-5;
    let along = |e: f64| w.clone() + down.clone().mul_scalar(e);
    let rms = |v: &[f64]| (v.iter().map(|v| v * v).sum::<f64>() / v.len() as f64).sqrt();
    let close = |a: f64, b: f64| assert!((a / b - 1.0).abs() < 1e-6, "{a} is not {b}");

    // The preactivation of the first layer is x·W/√d + b, and its rate has the same
    // form.
    let first = Precision::to_host(down.clone());
    let mut rate = Vec::new();
    for point in x.chunks(3) {
        for j in 0..width {
            let sum: f64 = (0..3).map(|i| point[i] * first[i * width + j]).sum();
            rate.push(sum / 3f64.sqrt() + first[3 * width + j]);
        }
    }
    close(speeds[0], rms(&rate));
    // The preactivation of the last layer is the output.
    let output: Tensor<B, 1> = net.forward(&along(e), &inputs) - net.forward(&along(-e), &inputs);
    close(speeds[2], rms(&Precision::to_host(output.mul_scalar(0.5 / e))));
}

pub(crate) fn layer_norms_and_test_errors_are_correct<B: Backend>(device: &B::Device) {
    let net = dense(2, 5);
    let initial = net.initial_weights(1);
    let w0 = Precision::F64.vector::<B>(&initial, device);
    let doubled = w0.clone().mul_scalar(2.0);
    let layers = WeightsByLayer::from(&net, &w0).read(&doubled);
    assert_eq!(layers.len(), 3);
    for (layer, range) in layers.iter().zip(net.layer_ranges()) {
        let norm = initial[range].iter().map(|w| w * w).sum::<f64>().sqrt();
        assert!((layer.norm - 2.0 * norm).abs() < 1e-12);
        assert!((layer.change - norm).abs() < 1e-12);
    }

    let n = 11;
    let x = numbers(n * 2, 3);
    let inputs = Precision::F64.matrix::<B>(&x, [n, 2], device);
    let alpha = Alpha::paper(0.1).unwrap();
    let difference = net.forward(&doubled, &inputs) - net.forward(&w0, &inputs);
    let right: Vec<f64> = Precision::to_host(difference).iter().map(|f| f.signum()).collect();
    let mut labels = right.clone();
    for batch_size in [1, 4, 100] {
        let probe = TestError::new(
            &net,
            &inputs,
            Targets::signs(&right).unwrap(),
            (&w0, alpha),
            batch_size,
        );
        assert_eq!(probe.read(&doubled), 0.0);
        // F is zero at w₀, which counts as wrong.
        assert_eq!(probe.read(&w0), 1.0);
        let not_finite = w0.clone().mul_scalar(f64::NAN);
        assert_eq!(probe.read(&not_finite), 1.0);
    }
    labels[2] = -labels[2];
    labels[7] = -labels[7];
    let probe = TestError::new(&net, &inputs, Targets::signs(&labels).unwrap(), (&w0, alpha), 4);
    assert_eq!(probe.read(&doubled), 2.0 / n as f64);
}
