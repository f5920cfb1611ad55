//! Events of the user, and flows step by step.

use burn_flex::{Flex, FlexDevice};
use ndarray::array;
use regime_models::{Alpha, FeedForward, Precision};
use regime_train::{End, Event, Flow, FlowSpec, Loss, Momentum, Scheme, StepRule, Stop, System};

use crate::{
    flow::until,
    linear::Linear,
    problem::{dense, labels, numbers},
};

/// One weight, one point `x = 1`, squared loss: `F = 1 − e^{−t}`.
fn decay() -> System<Flex, Linear> {
    System::builder(Linear { inputs: 1 }, array![[1.0]])
        .signs([1.0])
        .alpha(Alpha::paper(1.0).unwrap())
        .loss(Loss::Squared)
        .weights(vec![0.0])
        .build()
        .unwrap()
}

/// The error of the time at which `F` reaches `level`.
fn error_at(level: f64, scheme: Scheme) -> f64 {
    let mut flow = Flow::start(decay(), until(6.0, scheme))
        .unwrap()
        .event("level", move |s| s.outputs()[0] - level);
    flow.run();
    let [event] = flow.events() else { panic!("{scheme:?}: {:?}", flow.events()) };
    let f = Precision::to_host(event.weights.clone().unwrap())[0];
    assert!((f - level).abs() < 1e-9, "the state at the event is a zero: {f} and {level}");
    (event.time + (1.0 - level).ln()).abs()
}

#[test]
fn events_are_located_with_the_order_of_the_scheme() {
    let levels = [0.2, 0.5, 0.7, 0.9, 0.95];
    let worst = |scheme: Scheme| {
        levels.iter().map(|&level| error_at(level, scheme) * (1.0 - level)).fold(0.0, f64::max)
    };
    // The error allowed in a step, and the error of F at the event, which is the error of its time
    // times the rate e^{−t}.
    let reference = |tolerance| worst(Scheme::Reference { tolerance, active_above: 1e-3 });
    let errors = [1e-2, 1e-4, 1e-6].map(reference);
    assert!(errors[0] < 2e-2 && errors[1] < 4e-4 && errors[2] < 1e-5, "{errors:?}");
    // Second order: the step goes as the square root of the tolerance.
    assert!(errors[0] > 30.0 * errors[1] && errors[1] > 30.0 * errors[2], "{errors:?}");
    // First order: the error goes as the length of the steps.
    let explicit = |change: f64| {
        let rule = StepRule::OutputChange { undo_above: change, grow_below: change / 2.0 };
        worst(Scheme::Explicit { rule })
    };
    let errors = [1e-2, 1e-3].map(explicit);
    assert!(errors[0] < 1e-2 && errors[1] < 1e-3, "{errors:?}");
    // One large step covers several levels.
    let adaptive = [0.1, 0.01].map(|tolerance| worst(Scheme::Adaptive { tolerance }));
    assert!(adaptive[0] < 1e-2 && adaptive[1] < 1e-3, "{adaptive:?}");
}

#[test]
fn several_events_in_one_step_come_in_the_order_of_time() {
    let mut flow = Flow::start(decay(), until(6.0, Scheme::adaptive())).unwrap();
    let levels = [0.81, 0.3, 0.8, 0.79, 0.31];
    for level in levels {
        flow =
            flow.event(level.to_string(), move |s| s.mean_loss() - 0.5 * (1.0_f64 - level).powi(2));
    }
    let mut steps_with_several = 0;
    while let Some(step) = flow.step().unwrap() {
        let user = step.events().iter().filter(|event| event.weights.is_some()).count();
        steps_with_several += usize::from(user > 1);
        let times: Vec<f64> = step.events().iter().map(|event| event.time).collect();
        assert!(times.is_sorted() && times.iter().all(|&t| t <= step.time()), "{times:?}");
    }
    let names: Vec<&str> = flow.events().iter().map(|event| &*event.name).collect();
    assert_eq!(names, ["0.3", "0.31", "0.79", "0.8", "0.81"]);
    assert!(steps_with_several > 0);
}

fn system(alpha: f64, loss: Loss) -> System<Flex, FeedForward> {
    let x = Precision::F64.matrix::<Flex>(&numbers(16, 17), [8, 2], &FlexDevice);
    System::builder(dense(2, 12), x)
        .signs(labels(&numbers(16, 17), 2))
        .alpha(Alpha::paper(alpha).unwrap())
        .loss(loss)
        .seed(2)
        .build()
        .unwrap()
}

const LOSS: Loss = Loss::SoftHinge { beta: 5.0 };

#[test]
fn events_of_a_network_agree_with_tiny_explicit_steps() {
    for alpha in [0.05, 30.0] {
        let times = |scheme: Scheme| {
            let spec = FlowSpec { scheme, ..FlowSpec::default() };
            let system = system(alpha, LOSS);
            // A tenth, and then half, of the way to the margins.
            let mut flow = Flow::start(system, spec)
                .unwrap()
                .event("tenth", |s| s.margins().iter().sum::<f64>() / 8.0 - 0.1)
                .event("half", |s| s.margins().iter().sum::<f64>() / 8.0 - 0.5)
                .event("moved", move |s| s.weights_change() * alpha - 0.5);
            assert_eq!(flow.run().end, End::Converged);
            let time = |name: &str| flow.events().iter().find(|e| e.name == name).unwrap().time;
            ["tenth", "half", "moved"].map(time)
        };
        let rule = StepRule::OutputChange { undo_above: 1e-3, grow_below: 5e-4 };
        let exact = times(Scheme::Explicit { rule });
        for (scheme, allowed) in [
            (Scheme::reference(), 0.02),
            (Scheme::adaptive(), 0.02),
            (Scheme::Adaptive { tolerance: 0.01 }, 3e-3),
        ] {
            let found = times(scheme);
            for (t, s) in found.iter().zip(&exact) {
                assert!(
                    (t / s - 1.0).abs() < allowed,
                    "α = {alpha}, {scheme:?}: {found:?} {exact:?}"
                );
            }
        }
    }
}

#[test]
fn events_do_not_change_the_flow() {
    let inertia = Momentum::Constant { tau: 0.5 };
    let rule = StepRule::OutputChange { undo_above: 0.1, grow_below: 0.01 };
    for (scheme, momentum) in [
        (Scheme::adaptive(), Momentum::None),
        (Scheme::adaptive(), inertia),
        (Scheme::reference(), Momentum::None),
        (Scheme::Explicit { rule }, Momentum::Proportional { mu: 10.0 }),
    ] {
        let stop = Stop { max_steps: 2000, ..Stop::default() };
        let spec = FlowSpec { scheme, momentum, stop, ..FlowSpec::default() };
        let system = system(0.5, LOSS);
        let plain = Flow::start(&system, spec).unwrap().run();
        let mut flow = Flow::start(&system, spec)
            .unwrap()
            .event("margin", |s| s.smallest_margin() - 0.05)
            .event("moved", |s| s.weights_change() - 0.2 * s.initial_norm())
            .event("not a number", |_| f64::NAN);
        let mut steps = 0;
        while let Some(step) = flow.step().unwrap() {
            steps += 1;
            assert_eq!(step.n_steps(), steps);
            assert!((0.0..=1.0).contains(&step.fraction()));
        }
        // Outcome with work and observations.
        assert_eq!(flow.outcome(), &plain.outcome);
        assert_eq!(Precision::to_host(flow.weights()), Precision::to_host(plain.weights()));
        assert!(flow.events().len() >= 2, "{scheme:?}: {:?}", flow.events());
        assert!(flow.events().iter().all(|event| event.name != "not a number"));
        // A flow that has ended stays as it is.
        assert!(flow.step().unwrap().is_none());
        assert_eq!(flow.run().outcome, plain.outcome);
    }
}

#[test]
fn directions_and_events_that_end_a_run() {
    let spec = FlowSpec::default();
    let system = system(0.5, LOSS);
    let half = |s: &regime_train::State<'_, Flex, FeedForward>| s.mean_loss() - 0.5;
    let mut flow = Flow::start(&system, spec)
        .unwrap()
        .with_event(Event::new("rises", half).rising())
        .with_event(Event::new("falls", half).falling())
        // Zero at the start: no event.
        .event("change", |s| s.weights_change());
    let whole = flow.run();
    let [falls] = flow.events() else { panic!("{:?}", flow.events()) };
    assert_eq!(falls.name, "falls");

    let mut ended =
        Flow::start(&system, spec).unwrap().with_event(Event::new("half", half).ends_run());
    let end = ended.run();
    assert_eq!(end.end, End::Event);
    assert!(end.to_string().starts_with("Ended by an event at t = "), "{end}");
    let [event] = ended.events() else { panic!("one event") };
    assert!(event.time == falls.time && event.time <= end.t && end.t < whole.t);
    assert_eq!(end.observations.last().unwrap().t, end.t);

    // `until` stops at the event; then the flow continues as if it had not stopped.
    let mut flow = Flow::start(&system, spec).unwrap();
    let found = flow.until(Event::new("half", half)).unwrap().unwrap();
    assert!(found.time == falls.time && found.time <= flow.time());
    let loss = system
        .outputs(
            found.weights.unwrap(),
            Precision::F64.matrix(&numbers(16, 17), [8, 2], &FlexDevice),
        )
        .unwrap()
        .iter()
        .zip(labels(&numbers(16, 17), 2))
        .map(|(f, y)| LOSS.value(f * y) / 8.0)
        .sum::<f64>();
    assert!((loss - 0.5).abs() < 1e-9, "{loss}");
    assert!(flow.until(Event::new("never", |_| 1.0)).unwrap().is_none());
    assert_eq!(flow.outcome(), &whole.outcome);
    // t₁ and t₂ are events of their steps.
    let mut flow = Flow::start(&system, spec).unwrap();
    let mut seen = Vec::new();
    while let Some(step) = flow.step().unwrap() {
        seen.extend(step.events().iter().map(|event| (event.name.clone(), event.time)));
    }
    assert_eq!(seen, [("t1".into(), whole.t1.unwrap()), ("t2".into(), whole.t2.unwrap())]);
}
