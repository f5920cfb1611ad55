//! What the front page promises.

use regime::prelude::*;

/// The lines of the first example of the front page that a reader sees.
fn example() -> Vec<&'static str> {
    let page = include_str!("../../src/lib.rs");
    let text = page.lines().filter_map(|line| line.strip_prefix("//!"));
    let mut inside = text.map(str::trim).skip_while(|line| *line != "```").skip(1);
    inside
        .by_ref()
        .take_while(|line| *line != "```")
        .filter(|line| !line.starts_with('#'))
        .collect()
}

#[test]
fn the_example_has_at_most_ten_lines_and_one_import() {
    let lines: Vec<&str> = example().into_iter().filter(|line| !line.is_empty()).collect();
    assert!((5..=10).contains(&lines.len()), "{} lines: {lines:#?}", lines.len());
    assert_eq!(lines.iter().filter(|line| line.starts_with("use ")).count(), 1);
    assert_eq!(lines[0], "use regime::prelude::*;");
    // No line is made long to save another.
    assert!(lines.iter().all(|line| line.chars().count() <= 100));
    assert!(lines.iter().any(|line| line.contains("{end}")));
    assert!(lines.iter().any(|line| line.contains("kernel change")));
}

/// The names of the prelude, in a program that needs more than the example: an event, a frozen
/// kernel, one's own types that hold a system and a flow.
#[test]
fn the_prelude_has_what_a_program_needs() -> Result<(), Box<dyn std::error::Error>> {
    struct Experiment<N: Network<Flex>> {
        system: System<N>,
        x: Array2<f64>,
    }
    impl<N: Network<Flex>> Experiment<N> {
        fn flow(&self) -> Result<Flow<N>, Box<dyn std::error::Error>> {
            Ok(Flow::start(&self.system, FlowSpec::default())?)
        }
    }

    let x = array![[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]];
    let net = DenseSpec::new(2, 20).hidden_layers(1).activation(Activation::Tanh).build()?;
    let signs = [1.0, -1.0, -1.0, 1.0];
    let loss = Loss::SoftHinge { beta: 20.0 };
    let lazy = Alpha::paper(1000.0)?;
    let system = System::builder(net, &x).signs(signs).alpha(lazy).loss(loss).seed(1).build()?;
    let experiment = Experiment { system, x };
    let mut flow = experiment.flow()?.event("half", |s| s.smallest_margin() - 0.5);
    while flow.step()?.is_some() {}
    assert_eq!(flow.outcome().end, End::Converged);
    assert_eq!(flow.events().len(), 1);

    // At large α the flow is that of the frozen kernel.
    let theta = experiment.system.kernel(&experiment.x)?;
    let frozen = KernelModel::from_host(theta.view(), Precision::F64, &FlexDevice)?;
    let system = System::of_kernel(frozen).signs(signs).loss(loss).build()?;
    let end = Flow::start(system, FlowSpec::default())?.run();
    assert!((end.t - flow.time()).abs() < 0.01 * end.t, "{} and {}", end.t, flow.time());
    Ok(())
}

/// A data set is the problem of a system as it is.
#[test]
fn a_data_set_becomes_a_system() -> Result<(), Box<dyn std::error::Error>> {
    let spec = DataSpec { n_train: 20, n_test: 10, n_kernel: 5, ..DataSpec::default() };
    let data = prepare(&spec, &default_cache_dir())?;
    let net = DenseSpec::new(data.train.x.ncols(), 30).build()?;
    let builder = System::builder(net, &data.train.x).signs(&data.train.y);
    let (alpha, loss) = (Alpha::paper(1.0)?, Loss::SoftHinge { beta: 20.0 });
    let system = builder.alpha(alpha).loss(loss).seed(0).build()?;
    let end = Flow::start(system, FlowSpec::default())?.run();
    assert_eq!(end.end, End::Converged);
    assert!(
        end.outputs(&data.train.x)?.iter().zip(&data.train.y).all(|(f, y)| f * y >= 1.0 - 1e-9)
    );
    Ok(())
}
