//! Tests of batches: flows in a batch agree with single flows.

use burn_tensor::{DType, Tensor, backend::Backend};
use regime_models::{Alpha, FeedForward, Network, Precision};
use regime_train::{
    BatchError, BatchObserver, End, Flow, FlowBatch, FlowSpec, Loss, Member, Moment, Momentum,
    Objective, Observation, Outcome, Scheme, Start, Stop, System, Targets,
};

use crate::{
    flow::worst,
    problem::{dense, labels, numbers},
};

const N: usize = 30;

/// The members: the seed of the weights and the points, and α.
const MEMBERS: [(u64, f64); 4] = [(1, 30.0), (2, 0.3), (3, 1.0), (4, 300.0)];

fn spec(loss: Loss) -> FlowSpec {
    let scheme = Scheme::Reference { tolerance: 1e-3, active_above: 1e-3 };
    let stop = match loss {
        // Without curvature no point is active, and the kinks require small steps.
        Loss::Hinge => Stop { max_steps: 60, ..Stop::default() },
        // Margins reach 1 only as t → ∞.
        Loss::QuadraticHinge => Stop { margin: 0.9, ..Stop::default() },
        _ => Stop::default(),
    };
    FlowSpec { scheme, stop, ..FlowSpec::default() }
}

/// The objective, the points and the weights of one member.
pub(crate) fn one<B: Backend>(
    net: &FeedForward,
    (seed, alpha): (u64, f64),
    loss: Loss,
    n: usize,
    device: &B::Device,
) -> (Objective, Tensor<B, 2>, Tensor<B, 1>) {
    let d = net.n_inputs();
    let x = numbers(n * d, 17 + seed);
    let inputs = Precision::F64.matrix::<B>(&x, [n, d], device);
    let w = Precision::F64.vector::<B>(&net.initial_weights(seed), device);
    let f0 = Precision::to_host(net.forward(&w, &inputs));
    let alpha = Alpha::paper(alpha).unwrap();
    (Objective::new(alpha, loss, Targets::signs(labels(&x, d)).unwrap(), f0).unwrap(), inputs, w)
}

fn members<B: Backend>(net: &FeedForward, loss: Loss, device: &B::Device) -> Vec<Member<B>> {
    let member = |of| {
        let (objective, inputs, w) = one::<B>(net, of, loss, N, device);
        Member { objective, inputs, spec: spec(loss), start: Start::Weights(w) }
    };
    MEMBERS.map(member).into()
}

pub(crate) fn float32_agrees_with_float64<B: Backend>(device: &B::Device) {
    let (net, loss) = (dense(2, 12), Loss::SoftHinge { beta: 20.0 });
    let single = |mut member: Member<B>| {
        member.inputs = member.inputs.cast(DType::F32);
        if let Start::Weights(w) = member.start {
            member.start = Start::Weights(w.cast(DType::F32));
        }
        member.spec.scheme = Scheme::reference();
        member
    };
    // F has more digits at small α.
    let members: Vec<Member<B>> = members(&net, loss, device).into_iter().take(3).collect();
    let doubles = members.iter().cloned().map(|member| Member {
        spec: FlowSpec { scheme: Scheme::reference(), ..member.spec },
        ..member
    });
    let doubles = FlowBatch::start(&net, doubles.collect()).unwrap().run();
    let singles = members.into_iter().map(single).collect();
    let singles = FlowBatch::start(&net, singles).unwrap().run();
    for (a, b) in singles.iter().zip(&doubles) {
        assert_eq!((a.end, b.end), (End::Converged, End::Converged));
        assert!((a.t - b.t).abs() < 0.05 * b.t, "{} {}", a.t, b.t);
    }
}

/// The same flow, as a single flow.
fn alone<B: Backend>(
    net: &FeedForward,
    of: (u64, f64),
    loss: Loss,
    device: &B::Device,
) -> (Outcome, Vec<f64>) {
    let (objective, inputs, w) = one::<B>(net, of, loss, N, device);
    let system = System::with_objective(net, inputs, objective, w).unwrap();
    let mut flow = Flow::start(&system, spec(loss)).unwrap();
    let outcome = flow.run().outcome;
    (outcome, Precision::to_host(flow.weights()))
}

/// Asserts that a member agrees with the single flow, up to rounding.
fn same<B: Backend>(
    batch: &FlowBatch<B>,
    member: usize,
    found: &Outcome,
    alone: &(Outcome, Vec<f64>),
) {
    let (expected, weights) = alone;
    assert_eq!(found.end, expected.end, "{member}");
    assert_eq!((found.steps, found.rejected), (expected.steps, expected.rejected), "{member}");
    let times = |o: &Outcome| [Some(o.t), o.t1, o.t2].map(|t| t.unwrap_or(-1.0));
    for (a, b) in times(found).into_iter().zip(times(expected)) {
        assert!((a - b).abs() < 1e-8 * b.abs(), "{member}: {a} {b}");
    }
    let moments = |outcome: &Outcome| -> Vec<(Moment, u64)> {
        outcome.observations.iter().map(|o| (o.moment, o.steps)).collect()
    };
    assert_eq!(moments(found), moments(expected));
    for (a, b) in found.observations.iter().zip(&expected.observations) {
        assert!((a.output_rms - b.output_rms).abs() < 1e-8, "{a:?} {b:?}");
    }
    let difference = worst(&Precision::to_host(batch.weights(member)), weights);
    assert!(difference < 1e-8, "{member}: {difference}");
}

/// Records observations, and checks the number of weights.
#[derive(Default)]
struct Count {
    seen: Vec<(usize, Moment)>,
    /// Steps after which it interrupts, if it does.
    patience: Option<u32>,
}

impl<B: Backend> BatchObserver<B> for Count {
    fn observe(&mut self, observed: &[(usize, Observation)], w: &Tensor<B, 2>) {
        assert_eq!(observed.len(), w.dims()[0]);
        self.seen.extend(observed.iter().map(|(member, o)| (*member, o.moment)));
    }

    fn interrupts(&mut self) -> bool {
        self.patience.as_mut().is_some_and(|left| {
            *left = left.saturating_sub(1);
            *left == 0
        })
    }
}

pub(crate) fn flows_in_a_batch_agree_with_single_flows<B: Backend>(device: &B::Device) {
    let net = dense(2, 12);
    for loss in [Loss::SoftHinge { beta: 20.0 }, Loss::QuadraticHinge, Loss::Hinge] {
        let mut batch = FlowBatch::start(&net, members::<B>(&net, loss, device)).unwrap();
        let mut count = Count::default();
        let outcomes = batch.run_with(&mut count);
        for (member, (found, of)) in outcomes.iter().zip(MEMBERS).enumerate() {
            let expected = if loss == Loss::Hinge { End::StepsSpent } else { End::Converged };
            assert_eq!(found.end, expected);
            same(&batch, member, found, &alone::<B>(&net, of, loss, device));
            let seen = count.seen.iter().filter(|(of, _)| *of == member).map(|(_, moment)| *moment);
            assert!(seen.eq(found.observations.iter().map(|o| o.moment)));
        }
        // The flows end after different numbers of steps.
        let same_steps = outcomes.iter().all(|o| o.steps == outcomes[0].steps);
        assert!(!same_steps || loss == Loss::Hinge);
    }
}

pub(crate) fn initial_outputs_are_zero_for_any_rounding<B: Backend>(device: &B::Device) {
    let (net, loss) = (dense(2, 12), Loss::Squared);
    let mut members = members::<B>(&net, loss, device);
    for member in &mut members {
        // Rounded as in a product of another size.
        let rounded = Precision::to_host(net.forward(
            &match &member.start {
                Start::Weights(w) => w.clone(),
                Start::Checkpoint(_) => unreachable!("all members start from weights"),
            },
            &member.inputs,
        ));
        let rounded = rounded.iter().map(|f| f * (1.0 + 3e-16)).collect();
        let labels = labels(&Precision::to_host(member.inputs.clone()), 2);
        let alpha = member.objective.alpha();
        member.objective =
            Objective::new(alpha, loss, Targets::signs(labels).unwrap(), rounded).unwrap();
        member.spec.stop = Stop { max_steps: 1, ..Stop::default() };
    }
    for outcome in FlowBatch::start(&net, members).unwrap().run() {
        let start = &outcome.observations[0];
        assert_eq!((start.output_rms, start.n_wrong), (0.0, 0));
    }
}

pub(crate) fn an_interrupted_batch_continues_as_a_batch_or_as_single_flows<B: Backend>(
    device: &B::Device,
) {
    let (net, loss) = (dense(2, 12), Loss::SoftHinge { beta: 20.0 });
    let mut batch = FlowBatch::start(&net, members::<B>(&net, loss, device)).unwrap();
    let first = batch.run_with(&mut Count { patience: Some(60), ..Count::default() });
    assert!(first.iter().any(|outcome| outcome.end == End::Interrupted));
    let checkpoints: Vec<_> = (0..MEMBERS.len()).map(|member| batch.checkpoint(member)).collect();
    let last = batch.run();
    for (member, (of, checkpoint)) in MEMBERS.into_iter().zip(checkpoints).enumerate() {
        let whole = alone::<B>(&net, of, loss, device);
        same(&batch, member, &last[member], &whole);
        // Resumed as a single flow.
        if first[member].end == End::Interrupted {
            let (objective, inputs, w) = one::<B>(&net, of, loss, N, device);
            let system =
                System::with_objective(&net, inputs.clone(), objective.clone(), w).unwrap();
            let mut flow = Flow::resume(&system, spec(loss), checkpoint.clone()).unwrap();
            assert_eq!(flow.run().steps, whole.0.steps);
            // Resumed in another batch.
            let start = Start::Checkpoint(Box::new(checkpoint));
            let other = Member { objective, inputs, spec: spec(loss), start };
            let mut other = FlowBatch::start(&net, vec![other]).unwrap();
            let outcome = other.run().remove(0);
            same(&other, 0, &outcome, &whole);
        }
    }
}

pub(crate) fn a_diverged_flow_does_not_affect_the_others<B: Backend>(device: &B::Device) {
    let (net, loss) = (dense(2, 12), Loss::SoftHinge { beta: 20.0 });
    let mut members = members::<B>(&net, loss, device);
    let Start::Weights(w) = members[1].start.clone() else { unreachable!() };
    members[1].start = Start::Weights(w.mul_scalar(f64::NAN));
    members[2].spec.stop = Stop { max_steps: 5, ..Stop::default() };
    let mut batch = FlowBatch::start(&net, members).unwrap();
    let outcomes = batch.run();
    assert!(matches!(outcomes[1].end, End::Diverged { .. }), "{:?}", outcomes[1].end);
    assert_eq!((outcomes[2].end, outcomes[2].steps + outcomes[2].rejected), (End::StepsSpent, 5));
    for member in [0, 3] {
        same(&batch, member, &outcomes[member], &alone::<B>(&net, MEMBERS[member], loss, device));
    }
}

#[test]
fn members_that_do_not_match_are_an_error() {
    use burn_flex::{Flex, FlexDevice};
    let (net, loss) = (dense(2, 12), Loss::Squared);
    let start = |members| FlowBatch::<Flex>::start(&net, members).err();
    assert_eq!(start(Vec::new()), Some(BatchError::Empty));
    let with = |change: &dyn Fn(&mut Member<Flex>)| {
        let mut members = members::<Flex>(&net, loss, &FlexDevice);
        change(&mut members[1]);
        start(members)
    };
    let inertia = with(&|m| m.spec.momentum = Momentum::Constant { tau: 1.0 });
    assert_eq!(inertia, Some(BatchError::Scheme { member: 1 }));
    let other = with(&|m| {
        let (objective, inputs, _) = one::<Flex>(&net, (2, 0.3), loss, N + 1, &FlexDevice);
        (m.objective, m.inputs) = (objective, inputs);
    });
    assert_eq!(other, Some(BatchError::Different { member: 1 }));
    let wrong = with(&|m| m.spec.observations_per_decade = 0);
    assert!(matches!(wrong, Some(BatchError::Spec(_))), "{wrong:?}");
}
