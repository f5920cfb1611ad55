//! The example of the front page of `regime`, as a program of its own. It is written by
//! `UPDATE_DOCS=1 cargo test -p xtask --test alone`.

use regime::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let net = DenseSpec::new(2, 20).build()?;
    let x = array![[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]];
    let (alpha, loss) = (Alpha::paper(0.1)?, Loss::SoftHinge { beta: 20.0 });
    let builder = System::builder(net, &x).signs([1.0, -1.0, -1.0, 1.0]);
    let system = builder.alpha(alpha).loss(loss).seed(1).build()?;
    let end = Flow::start(&system, FlowSpec::default())?.run();
    println!("{end}"); // Converged at t = …, t₁ = …, t₂ = …, … steps
    println!("kernel change {:.3}", relative_change(&end.kernel(&x)?, &system.kernel(&x)?)?);
    assert_eq!(end.end, End::Converged);
    Ok(())
}
