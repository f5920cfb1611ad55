use burn_flex::{Flex, FlexDevice};
use burn_ndarray::{NdArray, NdArrayDevice};
use burn_tensor::backend::Backend;
use ndarray::{Array2, ArrayView1, Axis};
use proptest::prelude::*;
use regime_models::{Activation, DenseSpec, Network, Precision, Tape, Trace};
use regime_tangent::{
    analysis::{
        AnalysisError, Lanczos, Spectrum, TopSpectrum, condition_bounds, eigenvalues, operator,
        to_host_matrix, top_eigenpairs,
    },
    kernel,
};

use super::{
    distance, for_all, numbers, sizes, smooth_kernel,
    spectrum::{of_second_difference, second_difference},
    with_eigenvalues,
};

fn products(matrix: &Array2<f64>) -> impl Fn(&[f64]) -> Vec<f64> {
    move |v| matrix.dot(&ArrayView1::from(v)).to_vec()
}

fn top(matrix: &Array2<f64>, how: &Lanczos) -> Result<TopSpectrum, AnalysisError> {
    top_eigenpairs(matrix.nrows(), products(matrix), how)
}

/// Asserts that these are eigenpairs, by products with the matrix.
fn assert_eigenpairs(matrix: &Array2<f64>, found: &TopSpectrum, tolerance: f64) {
    let Spectrum { eigenvalues, eigenvectors: v } = &found.spectrum;
    let residual = matrix.dot(v) - v * eigenvalues;
    let scale = eigenvalues.iter().fold(0.0, |m: f64, l| m.max(l.abs()));
    for (column, reported) in residual.columns().into_iter().zip(&found.residuals) {
        let norm = column.dot(&column).sqrt();
        assert!(norm <= tolerance * scale, "residual {norm}");
        assert!((norm - reported).abs() <= 1e-13 * scale, "{norm}, reported as {reported}");
    }
    assert!(distance(&v.t().dot(v), &Array2::eye(v.ncols())) < 1e-12);
}

#[test]
fn the_leading_pairs_agree_with_the_full_spectrum() {
    for_all(32, (sizes(), 1..6usize, 1..5usize, any::<u64>()), |(n, wanted, block, seed)| {
        prop_assume!(wanted <= n);
        // A power law, as in spectra of kernels.
        let eigenvalues: Vec<f64> = (1..=n).map(|k| (k as f64).powf(-1.5)).collect();
        let theta = with_eigenvalues(&eigenvalues, seed);
        let found = top(&theta, &Lanczos { block, seed, ..Lanczos::top(wanted) }).unwrap();
        assert_eigenpairs(&theta, &found, 1e-10);
        prop_assert!(distance(&found.spectrum.eigenvalues, &eigenvalues[..wanted]) < 1e-13);
        let full = Spectrum::of(&theta).unwrap();
        let leading = full.eigenvectors.slice_axis(Axis(1), (..wanted).into());
        // The signs agree, too.
        prop_assert!(distance(&found.spectrum.eigenvectors, leading) < 1e-8);
        Ok(())
    });
}

#[test]
fn few_products_suffice_for_a_spectrum_that_falls_fast() {
    let x = numbers(300, 1) * 3.0;
    let theta = smooth_kernel(&x, &x);
    let found = top(&theta, &Lanczos::top(5)).unwrap();
    assert_eigenpairs(&theta, &found, 1e-10);
    let expected = eigenvalues(&theta).unwrap();
    assert!(distance(&found.spectrum.eigenvalues, expected.iter().take(5)) < 1e-13);
    assert!(found.n_products < 60, "{} products", found.n_products);
}

#[test]
fn multiple_eigenvalues_are_found_with_their_multiplicity() {
    let mut eigenvalues = vec![0.1; 40];
    eigenvalues[..6].copy_from_slice(&[3.0, 2.0, 2.0, 2.0, 1.0, 1.0]);
    let theta = with_eigenvalues(&eigenvalues, 5);
    let found = top(&theta, &Lanczos { block: 3, ..Lanczos::top(6) }).unwrap();
    assert!(distance(&found.spectrum.eigenvalues, &eigenvalues[..6]) < 1e-12);
    assert_eigenpairs(&theta, &found, 1e-10);
    // Every vector is an eigenvector of the identity and of zero.
    for (theta, value) in [(Array2::<f64>::eye(9), 1.0), (Array2::<f64>::zeros((9, 9)), 0.0)] {
        let found = top(&theta, &Lanczos::top(9)).unwrap();
        assert!(found.spectrum.eigenvalues.iter().all(|l| (l - value).abs() < 1e-14));
        assert_eigenpairs(&theta, &found, 1e-10);
    }
}

#[test]
fn the_seed_changes_only_the_rounding() {
    let theta = second_difference(33);
    let of = |seed| top(&theta, &Lanczos { seed, ..Lanczos::top(3) }).unwrap();
    assert_eq!(of(1), of(1));
    assert_ne!(of(1), of(2));
    assert!(distance(&of(1).spectrum.eigenvalues, &of(2).spectrum.eigenvalues) < 1e-13);
    assert!(distance(&of(1).spectrum.eigenvalues, of_second_difference(33).iter().take(3)) < 1e-13);
}

fn tape<B: Backend>(precision: Precision, device: &B::Device) -> impl Tape<B> + use<B> {
    let net = DenseSpec {
        inputs: 3,
        width: 40,
        hidden_layers: 2,
        activation: Activation::Softplus { beta: 5.0 },
        bias: true,
    }
    .build()
    .unwrap();
    let n = 33;
    let x = precision.matrix::<B>(numbers(3 * n, 8).as_slice().unwrap(), [n, 3], device);
    let w = precision.vector::<B>(&net.initial_weights(3), device);
    net.trace(&w, &x).linearise()
}

fn of_a_network<B: Backend>(device: &B::Device) {
    let tape = tape::<B>(Precision::F64, device);
    let theta = to_host_matrix(kernel(&tape));
    let found = top_eigenpairs(tape.n_points(), operator(&tape), &Lanczos::top(4)).unwrap();
    assert_eigenpairs(&theta, &found, 1e-9);
    let full = eigenvalues(&theta).unwrap();
    assert!(distance(&found.spectrum.eigenvalues, full.iter().take(4)) < 1e-12);

    let bounds = condition_bounds(tape.n_points(), operator(&tape), 12, 1).unwrap();
    let (largest, smallest) = (full[0], full[full.len() - 1]);
    assert!(bounds.largest_at_least <= largest * (1.0 + 1e-12));
    assert!(bounds.largest_at_least > 0.999 * largest);
    assert!(bounds.smallest_at_most >= smallest - 1e-12 * largest);
    assert!(bounds.number_at_least.unwrap() <= largest / smallest);
    assert_eq!(bounds.n_products, 12);

    // Products in float32 reach a tolerance of 10⁻⁵, and the default is an error.
    let tape = self::tape::<B>(Precision::F32, device);
    let rough = Lanczos { tolerance: 1e-5, ..Lanczos::top(4) };
    let found = top_eigenpairs(tape.n_points(), operator(&tape), &rough).unwrap();
    assert!(distance(&found.spectrum.eigenvalues, full.iter().take(4)) < 1e-5);
    let exact = top_eigenpairs(tape.n_points(), operator(&tape), &Lanczos::top(4));
    assert!(matches!(exact, Err(AnalysisError::NotConverged { .. })), "{exact:?}");
}

#[test]
fn the_products_of_a_tape_give_the_spectrum_of_its_kernel() {
    of_a_network::<Flex>(&FlexDevice);
    of_a_network::<NdArray>(&NdArrayDevice::Cpu);
}

#[test]
fn a_budget_that_is_too_small_is_an_error() {
    let theta = second_difference(200);
    let how = Lanczos { max_products: 20, ..Lanczos::top(3) };
    let Err(AnalysisError::NotConverged { wanted, converged, products, residual, tolerance }) =
        top(&theta, &how)
    else {
        panic!("twenty products cannot suffice");
    };
    assert_eq!((wanted, converged, products, tolerance), (3, 0, 20, 1e-10));
    assert!(residual > 1e-4 && residual < 1.0, "{residual}");
    // The default budget suffices.
    let found = top(&theta, &Lanczos::top(3)).unwrap();
    assert!(
        distance(&found.spectrum.eigenvalues, of_second_difference(200).iter().take(3)) < 1e-12
    );
}

#[test]
fn invalid_operators_and_parameters_are_errors() {
    let skewed = Array2::from_shape_fn((20, 20), |(i, j)| if i <= j { 1.0 } else { 0.0 });
    assert!(matches!(top(&skewed, &Lanczos::top(2)), Err(AnalysisError::NotConverged { .. })));
    let error = top_eigenpairs(3, |v| vec![v[0], f64::NAN, v[2]], &Lanczos::top(1)).unwrap_err();
    assert_eq!(error.to_string(), "a product with the kernel is NaN at row 1, column 0");
    assert_eq!(condition_bounds(0, |v| v.to_vec(), 3, 0), Err(AnalysisError::Empty));
    let theta = Array2::<f64>::eye(3);
    for (how, message) in [
        (
            Lanczos::top(0),
            "the number of eigenpairs is 0, and must be from 1 to the number of points",
        ),
        (
            Lanczos::top(4),
            "the number of eigenpairs is 4, and must be from 1 to the number of points",
        ),
        (
            Lanczos { block: 0, ..Lanczos::top(1) },
            "the number of starting vectors is 0, and must be at least 1",
        ),
        (
            Lanczos { tolerance: f64::NAN, ..Lanczos::top(1) },
            "the tolerance is NaN, and must be between 0 and 1",
        ),
        (
            Lanczos { max_products: 1, ..Lanczos::top(2) },
            "the number of products is 1, and must be at least the number of eigenpairs",
        ),
    ] {
        assert_eq!(top(&theta, &how).unwrap_err().to_string(), message);
    }
}

#[test]
fn bounds_on_the_condition_converge() {
    let eigenvalues: Vec<f64> = (1..=33).map(f64::from).collect();
    let theta = with_eigenvalues(&eigenvalues, 2);
    let mut last = 0.0;
    for budget in [1, 2, 5, 33, 100] {
        let bounds = condition_bounds(33, products(&theta), budget, 4).unwrap();
        assert_eq!(bounds.n_products, budget.min(33));
        let number = bounds.number_at_least.unwrap();
        assert!(number >= last && number <= 33.0 * (1.0 + 1e-12), "{number} after {last}");
        last = number;
    }
    assert!((last - 33.0).abs() < 1e-10);
    // The full basis gives no bound for a singular kernel.
    let ones = Array2::<f64>::ones((5, 5));
    let bounds = condition_bounds(5, products(&ones), 5, 0).unwrap();
    assert!((bounds.largest_at_least - 5.0).abs() < 1e-14);
    assert_eq!(bounds.number_at_least, None);
}
