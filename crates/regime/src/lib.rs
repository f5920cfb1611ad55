//! Does a network train lazily, or does it learn features? Flows, tangent kernels and scaling laws
//! behind one import.
//!
//! The crate has no code of its own: its modules are the crates of the project, and its
//! [`prelude`] has the names that most programs need, with Burn's Flex as the backend. Every one of
//! these crates can be used alone.
//!
//! | module | content |
//! |---|---|
//! | [`data`] | binary tasks from images, from your own points, and synthetic |
//! | [`models`] | networks, `F = α(f − f₀)`, own activations, rates of layers |
//! | [`tangent`] | tangent kernels, of burn modules too, also at infinite width; their analysis |
//! | [`train`] | systems, flows, events, losses, frozen kernels, stochastic training |
//! | [`scaling`] | exponents, crossings and collapses with intervals |
//! | `plot` | figures; with the feature `plot` |
//! | `lab`, `study`, `findings` | grids of runs and their store, a run from its spec to its record, the findings of the paper; with the feature `laboratory` |
//!
//! The default feature `module` makes networks from burn modules. Without it the crate builds
//! without burn's modules and optimisers.
//!
//! # Example
//! Exclusive or, which is not linearly separable. Printed are the end of the flow, and how much the
//! tangent kernel has changed: at `α = 0.1` the network learns features.
//!
//! ```
//! use regime::prelude::*;
//!
//! let net = DenseSpec::new(2, 20).build()?;
//! let x = array![[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]];
//! let (alpha, loss) = (Alpha::paper(0.1)?, Loss::SoftHinge { beta: 20.0 });
//! let builder = System::builder(net, &x).signs([1.0, -1.0, -1.0, 1.0]);
//! let system = builder.alpha(alpha).loss(loss).seed(1).build()?;
//! let end = Flow::start(&system, FlowSpec::default())?.run();
//! println!("{end}"); // Converged at t = …, t₁ = …, t₂ = …, … steps
//! println!("kernel change {:.3}", relative_change(&end.kernel(&x)?, &system.kernel(&x)?)?);
//! # assert_eq!(end.end, End::Converged);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The choices of this example that have defaults: two hidden layers, softplus with β = 5, biases
//! ([`DenseSpec::new`](models::DenseSpec::new)), the adaptive integrator and the end at all margins
//! ([`FlowSpec`](train::FlowSpec)), and float64.
//!
//! A data set takes the place of `x` and the labels as it is:
//!
//! ```
//! use regime::prelude::*;
//!
//! let spec = DataSpec { n_train: 20, n_test: 10, n_kernel: 5, ..DataSpec::default() };
//! let data = prepare(&spec, &default_cache_dir())?;
//! let net = DenseSpec::new(data.train.x.ncols(), 20).build()?;
//! let builder = System::builder(net, &data.train.x).signs(&data.train.y);
//! # let (alpha, loss) = (Alpha::paper(0.1)?, Loss::SoftHinge { beta: 20.0 });
//! # builder.alpha(alpha).loss(loss).seed(1).build()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod prelude;

pub use regime_data as data;
#[cfg(feature = "laboratory")]
pub use regime_findings as findings;
#[cfg(feature = "laboratory")]
pub use regime_lab as lab;
pub use regime_models as models;
#[cfg(feature = "plot")]
pub use regime_plot as plot;
pub use regime_scaling as scaling;
#[cfg(feature = "laboratory")]
pub use regime_study as study;
pub use regime_tangent as tangent;
pub use regime_train as train;
