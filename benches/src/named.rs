//! The named problems: flows of several kinds on the embedded digits. They serve to count the
//! work of the integrators and to measure their errors.

use burn_tensor::{Tensor, backend::Backend};
use regime_data::{DataError, DataSpec, Dataset, InputSpec, Part, default_cache_dir, prepare};
use regime_models::{
    Activation, Alpha, ConvolutionalSpec, DenseSpec, FeedForward, ImageShape, ModelError, Network,
    NetworkSpec, Precision, Trace,
};
use regime_tangent::{kernel, relative_change};
use regime_train::{
    Flow, FlowSpec, Loss, Momentum, Objective, Outcome, Scheme, Stop, System, Targets,
};

use crate::problem::INPUTS;

/// A named problem.
#[derive(Debug, Clone)]
pub struct Named {
    /// Its unique name.
    pub name: &'static str,
    network: NetworkSpec,
    alpha: f64,
    loss: Loss,
    stop: Stop,
    momentum: Momentum,
    /// Training points.
    n: usize,
}

/// The result of a flow of a named problem.
#[derive(Debug, Clone)]
pub struct Reached {
    /// The outcome of the flow.
    pub outcome: Outcome,
    /// The margins of the training points at the end, `[n]`.
    pub margins: Vec<f64>,
    /// The relative change of the tangent kernel on 50 test points, in Frobenius norm.
    pub kernel_change: f64,
    /// Fraction of misclassified test points.
    pub test_error: f64,
}

/// The named problems: both activations, fully connected and convolutional, α from 10⁻³ to 10⁵, two
/// losses, and momentum.
pub fn named() -> Vec<Named> {
    let dense = |width, activation| {
        NetworkSpec::Dense(DenseSpec {
            inputs: INPUTS,
            width,
            hidden_layers: 3,
            activation,
            bias: true,
        })
    };
    let softplus = Activation::Softplus { beta: 5.0 };
    let convolutional = NetworkSpec::Convolutional(ConvolutionalSpec {
        width: 4,
        blocks: 1,
        image: ImageShape::MNIST,
        ..ConvolutionalSpec::setup_b(4)
    });
    let of = |name, network, alpha, n| Named {
        name,
        network,
        alpha,
        loss: Loss::SoftHinge { beta: 20.0 },
        stop: Stop::default(),
        momentum: Momentum::None,
        n,
    };
    vec![
        of("softplus, α = 1e-3", dense(32, softplus), 1e-3, 200),
        of("softplus, α = 1e-2", dense(32, softplus), 1e-2, 200),
        of("softplus, α = 0.1", dense(32, softplus), 0.1, 200),
        of("softplus, α = 1", dense(32, softplus), 1.0, 200),
        of("softplus, α = 10", dense(32, softplus), 10.0, 200),
        of("softplus, α = 1e3", dense(32, softplus), 1e3, 200),
        of("softplus, α = 1e5", dense(32, softplus), 1e5, 200),
        of("ReLU, α = 0.1", dense(32, Activation::Relu), 0.1, 200),
        of("ReLU, α = 100", dense(32, Activation::Relu), 100.0, 200),
        of("convolutional, α = 0.1", convolutional, 0.1, 60),
        of("convolutional, α = 100", convolutional, 100.0, 60),
        Named {
            momentum: Momentum::Proportional { mu: 1000.0 },
            ..of("momentum τ = t/1000, α = 1", dense(32, softplus), 1.0, 200)
        },
        Named {
            loss: Loss::Logistic,
            stop: Stop { margin: 0.5, ..Stop::default() },
            ..of("logistic, α = 1", dense(32, softplus), 1.0, 200)
        },
    ]
}

/// A problem with its points and initial weights.
pub struct Prepared<B: Backend> {
    problem: Named,
    net: FeedForward,
    data: Dataset,
    w0: Tensor<B, 1>,
    device: B::Device,
}

/// Why a problem could not be prepared.
#[derive(Debug, thiserror::Error)]
pub enum NamedError {
    /// The digits cannot be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The network cannot be built.
    #[error(transparent)]
    Network(#[from] ModelError),
}

impl Named {
    /// Setup (A) of the paper at the given size, as in the table of benchmarks.
    pub fn setup_a(n: usize, width: usize, alpha: f64) -> Self {
        let network = NetworkSpec::Dense(DenseSpec {
            inputs: INPUTS,
            width,
            hidden_layers: 5,
            activation: Activation::Softplus { beta: 5.0 },
            bias: true,
        });
        Self {
            name: "setup (A)",
            network,
            alpha,
            loss: Loss::SoftHinge { beta: 20.0 },
            stop: Stop::default(),
            momentum: Momentum::None,
            n,
        }
    }

    /// Reads the points, and draws the initial weights of `seed`.
    ///
    /// # Errors
    /// [`NamedError`] when the digits cannot be read or the network cannot be built.
    pub fn prepare<B: Backend>(
        &self,
        seed: u64,
        device: &B::Device,
    ) -> Result<Prepared<B>, NamedError> {
        let net = self.network.build()?;
        let inputs = InputSpec::default();
        let inputs = match self.network {
            NetworkSpec::Dense(_) => inputs,
            _ => InputSpec { pca: None, ..inputs },
        };
        let spec =
            DataSpec { n_train: self.n, n_test: 500, n_kernel: 0, inputs, ..DataSpec::default() };
        let data = prepare(&spec, &default_cache_dir())?;
        let w0 = Precision::F64.vector(&net.initial_weights(seed), device);
        Ok(Prepared { problem: self.clone(), net, data, w0, device: device.clone() })
    }
}

fn points<B: Backend>(part: &Part, n: usize, device: &B::Device) -> Tensor<B, 2> {
    let [n, d] = [n.min(part.len()), part.x.ncols()];
    let values: Vec<f64> = part.x.iter().copied().take(n * d).collect();
    Precision::F64.matrix(&values, [n, d], device)
}

impl<B: Backend> Prepared<B> {
    /// Number of points in the training set.
    pub fn n_points(&self) -> usize {
        self.data.train.len()
    }

    /// Runs the flow with `scheme` to its end, or to the time `until` if that is earlier.
    ///
    /// # Panics
    /// When a setting of the scheme is out of range.
    pub fn run(&self, scheme: Scheme, until: Option<f64>) -> Reached {
        let Self { problem, net, data, w0, device } = self;
        let points = |part: &Part, n: usize| points::<B>(part, n, device);
        let inputs = points(&data.train, usize::MAX);
        let outputs = |w: &Tensor<B, 1>, x: &Tensor<B, 2>| {
            Precision::to_host(Network::<B>::forward(net, w, x))
        };
        let alpha = Alpha::paper(problem.alpha).expect("α is positive");
        let labels = data.train.y.to_vec();
        let objective = Objective::new(
            alpha,
            problem.loss,
            Targets::signs(labels).expect("labels are ±1"),
            outputs(w0, &inputs),
        )
        .expect("the digits have two classes");
        let system =
            System::with_objective(net, &inputs, objective, w0).expect("the parts fit each other");
        let stop = Stop { max_time: until, ..problem.stop };
        let spec = FlowSpec { scheme, stop, momentum: problem.momentum, ..FlowSpec::default() };
        let mut flow = Flow::start(&system, spec).expect("the spec is valid");
        let outcome = flow.run().outcome;
        let w = flow.weights();
        let margins = system.objective().margins(&outputs(&w, &inputs));
        let some = points(&data.test, 50);
        let theta = |w: &Tensor<B, 1>| kernel(&net.trace(w, &some).linearise());
        let kernel_change = relative_change(theta(&w), theta(w0)).unwrap_or(f64::NAN);
        let test = points(&data.test, usize::MAX);
        let (now, before) = (outputs(&w, &test), outputs(w0, &test));
        let signs = now.iter().zip(&before).zip(&data.test.y);
        let wrong = signs.filter(|((f, f0), y)| *y * (*f - *f0) <= 0.0).count();
        let test_error = wrong as f64 / now.len() as f64;
        Reached { outcome, margins, kernel_change, test_error }
    }
}
