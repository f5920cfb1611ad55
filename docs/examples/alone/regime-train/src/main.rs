//! The example of the front page of `regime-train`, as a program of its own. It is written by
//! `UPDATE_DOCS=1 cargo test -p xtask --test alone`.

use burn_flex::Flex;
use ndarray::array;
use regime_models::{Alpha, DenseSpec};
use regime_tangent::relative_change;
use regime_train::{End, Flow, FlowSpec, Loss, System};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let net = DenseSpec::new(2, 20).build()?;
    // Exclusive or: not linearly separable.
    let x = array![[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]];
    let (alpha, loss) = (Alpha::paper(0.1)?, Loss::SoftHinge { beta: 20.0 });
    let builder = System::<Flex, _>::builder(net, &x).signs([1.0, -1.0, -1.0, 1.0]);
    let system = builder.alpha(alpha).loss(loss).seed(1).build()?;
    let end = Flow::start(&system, FlowSpec::default())?.run();
    println!("{end}"); // Converged at t = …, t₁ = …, t₂ = …, … steps
    println!("kernel change {:.3}", relative_change(&end.kernel(&x)?, &system.kernel(&x)?)?);

    assert_eq!(end.end, End::Converged);
    assert!(end.t1 < end.t2);

    // Step by step, with an event. The system keeps its initial weights: the second flow is the
    // same.
    let mut flow = Flow::start(system, FlowSpec::default())?
        .event("half of the margin", |s| s.smallest_margin() - 0.5);
    while let Some(step) = flow.step()? {
        for event in step.events() {
            println!("{} at t = {:.4} ({:.0} %)", event.name, event.time, 100.0 * step.fraction());
        }
    }
    assert_eq!(flow.outcome(), &end.outcome);
    assert_eq!(flow.events().len(), 1);
    Ok(())
}
