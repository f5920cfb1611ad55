//! The example of the front page of `regime-study`, as a program of its own. It is written by
//! `UPDATE_DOCS=1 cargo test -p xtask --test alone`.

use burn_flex::{Flex, FlexDevice};
use regime_data::{DataSpec, InputSpec, Source, Task};
use regime_models::{DenseSpec, NetworkSpec};
use regime_study::{Measurement, RunSpec, run};

fn main() -> Result<(), regime_study::StudyError> {
    let network = NetworkSpec::Dense(DenseSpec::new(4, 20).hidden_layers(2));
    let mut spec = RunSpec::new(network, 0.5);
    spec.data = DataSpec {
        source: Source::Stripe { dim: 4 },
        task: Task::Own,
        inputs: InputSpec::RAW,
        n_train: 30,
        n_test: 50,
        n_kernel: 10,
        ..DataSpec::default()
    };
    let mut times = Vec::new();
    let record = run::<Flex>(&spec, &FlexDevice, &mut |m: &Measurement| times.push(m.training.t))?;
    println!("{} after {} steps", record.ending.name(), record.steps);
    for m in &record.path {
        println!("t = {:8.3}: mean loss {:.4}", m.training.t, m.training.mean_loss);
    }
    let last = record.last().expect("a measurement at the end");
    println!("kernel change {:.3?}, test error {:.3?}", last.kernel_change, last.test_error);
    assert!(record.converged());
    assert_eq!(times.len(), record.path.len());
    assert!(record.kernel_change().unwrap() > 0.0);
    Ok(())
}
