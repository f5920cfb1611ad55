//! Group 11: the kit rejects broken kernels, by the expected invariant.

use burn_tensor::{Tensor, backend::Backend};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, array};
use regime_models::{
    Activation, ConvolutionalSpec, DenseSpec, ImageShape, NetworkSpec, Precision, WideResNetSpec,
};
use regime_tangent::kit::{
    Claim, GroupKernel, Invariant, OnBackend, Problem, Scaled, Violation, WithKernel, accuracy,
    alpha_enters_squared, arrays, audit, check, is_zero_at_initialisation,
    mutations::{Mutation, alpha_not_squared, mutant, without_alpha, without_initial_outputs},
    positive_semidefinite, symmetric,
};

pub(crate) fn host<B: Backend>(matrix: Tensor<B, 2>) -> Array2<f64> {
    let [rows, columns] = matrix.dims();
    Array2::from_shape_vec((rows, columns), Precision::to_host(matrix)).unwrap()
}

/// A function and its kernel, without exact products.
struct FunctionAlone<C>(C);

impl<C: Claim> Claim for FunctionAlone<C> {
    fn n_params(&self) -> usize {
        self.0.n_params()
    }

    fn output(&self, w: ArrayView1<f64>, x: ArrayView2<f64>) -> Array1<f64> {
        self.0.output(w, x)
    }

    fn kernel(&self, w: ArrayView1<f64>, x: ArrayView2<f64>) -> Array2<f64> {
        self.0.kernel(w, x)
    }
}

/// `f = x·w`.
pub(crate) struct Linear {
    pub(crate) inputs: usize,
}

impl Claim for Linear {
    fn n_params(&self) -> usize {
        self.inputs
    }

    fn output(&self, w: ArrayView1<f64>, x: ArrayView2<f64>) -> Array1<f64> {
        x.dot(&w)
    }

    fn kernel(&self, _: ArrayView1<f64>, x: ArrayView2<f64>) -> Array2<f64> {
        x.dot(&x.t())
    }
}

fn dense(activation: Activation) -> NetworkSpec {
    NetworkSpec::Dense(DenseSpec { inputs: 3, width: 7, hidden_layers: 2, activation, bias: true })
}

fn with_maps() -> [NetworkSpec; 2] {
    let image = ImageShape { height: 5, width: 6, channels: 2 };
    let convolutional = ConvolutionalSpec {
        image,
        width: 3,
        blocks: 1,
        convolutions: 2,
        window: 3,
        padding: 1,
        activation: Activation::Tanh,
        bias: true,
    };
    let paper = WideResNetSpec::paper(image, 1);
    let residual = WideResNetSpec { depth: 10, base: 2, activation: Activation::Gelu, ..paper };
    [NetworkSpec::Convolutional(convolutional), NetworkSpec::WideResNet(residual)]
}

/// The invariant that catches a broken kernel of a claim with exact products.
fn catches(mutation: Mutation) -> Invariant {
    match mutation {
        Mutation::Asymmetric => Invariant::Symmetry,
        _ => Invariant::Products,
    }
}

fn caught(violations: &[Violation], by: Invariant) -> bool {
    violations.iter().any(|violation| violation.invariant() == by)
}

pub(crate) fn broken_kernels_are_caught<B: Backend>(device: &B::Device) {
    for activation in [Activation::Relu, Activation::Tanh, Activation::Softplus { beta: 5.0 }] {
        let problem = Problem::of(dense(activation), 5, 2);
        let (w, x) = arrays(&problem);
        let claim = OnBackend::<B, _>::new(&problem.net, device);
        assert_eq!(audit(&claim, w.view(), x.view()), []);
        assert_eq!(audit(&FunctionAlone(&claim), w.view(), x.view()), []);
        for mutation in Mutation::ALL {
            let broken = mutant(&claim, mutation);
            let found = audit(&broken, w.view(), x.view());
            assert!(caught(&found, catches(mutation)), "{mutation:?}: {found:?}");
            // Differences of f have six digits.
            if mutation != Mutation::SinglePrecision {
                let found = audit(&FunctionAlone(&broken), w.view(), x.view());
                assert!(caught(&found, catches(mutation)), "{mutation:?} of f: {found:?}");
            }
        }
    }
    for spec in with_maps() {
        let problem = Problem::of(spec, 3, 2);
        let (w, x) = arrays(&problem);
        let claim = OnBackend::<B, _>::new(&problem.net, device);
        for mutation in Mutation::ALL {
            if mutation == Mutation::WithoutSlopes {
                let tape = claim.tape(w.view(), x.view());
                assert_eq!(mutation.kernel(&tape, w.view()), None);
                continue;
            }
            let found = audit(&mutant(&claim, mutation), w.view(), x.view());
            assert!(caught(&found, catches(mutation)), "{mutation:?}: {found:?}");
        }
    }
    // The kernel of a network with other weights is symmetric and positive.
    let problem = Problem::of(dense(Activation::Gelu), 5, 2);
    let (w, x) = arrays(&problem);
    let (other, _) = arrays(&Problem::of(dense(Activation::Gelu), 5, 3));
    let claim = OnBackend::<B, _>::new(&problem.net, device);
    let elsewhere = WithKernel::new(&claim, |_, x| claim.kernel(other.view(), x));
    symmetric(elsewhere.kernel(w.view(), x.view()).view()).unwrap();
    assert!(caught(&audit(&elsewhere, w.view(), x.view()), Invariant::Products));
}

pub(crate) fn broken_scales_are_caught<B: Backend>(device: &B::Device) {
    let problem = Problem::of(dense(Activation::Tanh), 5, 2);
    let (w, x) = arrays(&problem);
    let bare = OnBackend::<B, _>::new(&problem.net, device);
    let w0 = Array1::from_vec(problem.net.initial_weights(4));
    for alpha in [0.01, 30.0] {
        let scaled = Scaled::new(&bare, alpha, w0.clone());
        assert_eq!(audit(&scaled, w.view(), x.view()), []);
        let by_scale = |claim: &dyn Claim| {
            let squared = alpha_enters_squared(&bare, claim, alpha, w.view(), x.view());
            squared.map_err(|violation| violation.invariant())
        };
        let vanishes = |claim: &dyn Claim| {
            let start = is_zero_at_initialisation(claim, w0.view(), x.view());
            start.map_err(|violation| violation.invariant())
        };
        assert_eq!((by_scale(&scaled), vanishes(&scaled)), (Ok(()), Ok(())));
        for broken in [&without_alpha(&scaled) as &dyn Claim, &alpha_not_squared(&scaled)] {
            assert!(caught(&audit(broken, w.view(), x.view()), Invariant::Products));
            assert_eq!(by_scale(broken), Err(Invariant::Scale));
        }
        let forgotten = without_initial_outputs(&scaled);
        assert_eq!(vanishes(&forgotten), Err(Invariant::ZeroAtInitialisation));
        // Its kernel is correct, because f₀ does not change the kernel.
        check(&forgotten, w.view(), x.view()).unwrap();
    }
}

#[test]
fn matrices_that_are_not_kernels_are_rejected() {
    let negative = array![[1.0, 2.0], [2.0, 1.0]];
    symmetric(negative.view()).unwrap();
    let violation = positive_semidefinite(negative.view(), Precision::F64).unwrap_err();
    let Violation::Beyond { found, .. } = violation else { panic!("{violation}") };
    assert!((found + 1.0).abs() < 1e-15);
    // Neither rounding nor an empty kernel is a violation.
    let rounded = array![[1.0, 1.0], [1.0, 1.0 - 2e-16]];
    positive_semidefinite(rounded.view(), Precision::F64).unwrap();
    positive_semidefinite(Array2::zeros((0, 0)).view(), Precision::F64).unwrap();
    for bad in [f64::NAN, f64::INFINITY] {
        let bad = array![[1.0, bad], [bad, 1.0]];
        assert!(symmetric(bad.view()).is_err());
        assert!(positive_semidefinite(bad.view(), Precision::F64).is_err());
    }
    assert!(matches!(symmetric(Array2::zeros((2, 3)).view()), Err(Violation::Shape { .. })));
}

/// Errors that appear only between points or between parameters.
#[test]
fn broken_blocks_groups_batches_and_products_are_caught() {
    /// The linear model with one error.
    #[derive(Clone, Copy, PartialEq)]
    enum Broken {
        Nothing,
        CrossTransposed,
        GroupTwice,
        GroupOfOther,
        PointsMixed,
        Jvp,
        Vjp,
    }

    impl Claim for Broken {
        fn n_params(&self) -> usize {
            3
        }

        fn output(&self, w: ArrayView1<f64>, x: ArrayView2<f64>) -> Array1<f64> {
            let f = x.dot(&w);
            let mean = f.mean().unwrap();
            if *self == Self::PointsMixed { f - mean } else { f }
        }

        fn kernel(&self, _: ArrayView1<f64>, x: ArrayView2<f64>) -> Array2<f64> {
            x.dot(&x.t())
        }

        fn cross_kernel(
            &self,
            _: ArrayView1<f64>,
            a: ArrayView2<f64>,
            b: ArrayView2<f64>,
        ) -> Array2<f64> {
            if *self == Self::CrossTransposed { b.dot(&a.t()) } else { a.dot(&b.t()) }
        }

        fn group_kernels(&self, _: ArrayView1<f64>, x: ArrayView2<f64>) -> Vec<GroupKernel> {
            let column = |k: usize| {
                let column = x.column(k).to_owned().insert_axis(ndarray::Axis(1));
                column.dot(&column.t())
            };
            let group = |parameters: std::ops::Range<usize>| GroupKernel {
                kernel: parameters.clone().map(column).reduce(|a, b| a + b).unwrap(),
                parameters: std::iter::once(parameters).collect(),
            };
            match self {
                Self::GroupTwice => vec![group(0..2), group(1..3)],
                Self::GroupOfOther => {
                    let (mut a, mut b) = (group(0..1), group(1..3));
                    std::mem::swap(&mut a.kernel, &mut b.kernel);
                    vec![a, b]
                }
                _ => vec![group(0..1), group(1..3)],
            }
        }

        fn jvp(&self, _: ArrayView1<f64>, x: ArrayView2<f64>, v: ArrayView1<f64>) -> Array1<f64> {
            let mut v = v.to_owned();
            if *self == Self::Jvp {
                v[2] = 0.0;
            }
            x.dot(&v)
        }

        fn vjp(&self, _: ArrayView1<f64>, x: ArrayView2<f64>, g: ArrayView1<f64>) -> Array1<f64> {
            let mut pulled = x.t().dot(&g);
            if *self == Self::Vjp {
                pulled[2] = 0.0;
            }
            pulled
        }

        fn has_exact_products(&self) -> bool {
            true
        }
    }

    let (w, x) = (
        array![0.3, -1.0, 0.2],
        Array2::from_shape_fn((5, 3), |(i, j)| ((3 * i + 7 * j) % 11) as f64 / 11.0 - 0.4),
    );
    let found = |broken: Broken| audit(&broken, w.view(), x.view());
    assert_eq!(found(Broken::Nothing), []);
    assert_eq!(accuracy(&Broken::Nothing), 1e-12);
    assert!(caught(&found(Broken::CrossTransposed), Invariant::CrossIsBlock));
    for broken in [Broken::GroupTwice, Broken::GroupOfOther] {
        let found = found(broken);
        assert!(caught(&found, Invariant::GroupsAddUp) && found.len() == 1, "{found:?}");
    }
    assert!(caught(&found(Broken::PointsMixed), Invariant::Batches));
    assert!(caught(&found(Broken::Jvp), Invariant::Differences));
    assert!(caught(&found(Broken::Vjp), Invariant::Differences));
}
