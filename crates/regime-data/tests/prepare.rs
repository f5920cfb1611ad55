//! Prepared data sets, through the public interface.

use std::collections::BTreeSet;
use std::path::Path;

use ndarray::{Array2, Axis};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use regime_data::idx::IdxImages;
use regime_data::{
    DataError, DataSpec, Dataset, FitOn, Images, InputSpec, Part, PcaScaling, PcaSpec, Source,
    Task, prepare, prepare_images,
};

fn prepared(spec: &DataSpec) -> Dataset {
    prepare(spec, Path::new("/no/cache")).unwrap()
}

fn small() -> DataSpec {
    DataSpec { n_train: 300, n_test: 200, n_kernel: 50, ..DataSpec::default() }
}

/// Images of the given classes, whose pixels encode their position.
fn numbered(classes: &[u8]) -> Images {
    let pixels =
        Array2::from_shape_fn((classes.len(), 4), |(i, byte)| (i as u32).to_be_bytes()[byte]);
    let images = IdxImages { rows: 2, cols: 2, pixels };
    Images::new("numbered", images, classes.to_vec()).unwrap()
}

/// The positions of `numbered` images.
fn numbers(part: &Part) -> Vec<usize> {
    let number = |bytes: &[f64]| bytes.iter().fold(0, |sum, &byte| sum * 256 + byte as usize);
    part.x.rows().into_iter().map(|row| number(&row.to_vec())).collect()
}

fn worst(x: &Array2<f64>) -> f64 {
    x.fold(0.0, |worst, x| worst.max(x.abs()))
}

#[test]
fn whitened_training_components() {
    let data = prepared(&small());
    let z = &data.train.x;
    let n = z.nrows() as f64;
    assert!(worst(&(z.t().dot(z) / n - Array2::<f64>::eye(10))) < 1e-10);
    assert!(worst(&(z.sum_axis(Axis(0)) / n).insert_axis(Axis(0))) < 1e-10);
    let provenance = &data.provenance;
    assert_eq!((provenance.pool, provenance.fitted_on), (8920, 300));
    assert_eq!(provenance.eigenvalues.len(), 10);
    assert!(provenance.eigenvalues.is_sorted_by(|a, b| a >= b));
    assert!((0.3..0.7).contains(&provenance.explained_variance.unwrap()));
    assert_eq!(data.image_shape, None);
}

#[test]
fn images_on_their_sphere() {
    let data = prepared(&DataSpec { inputs: InputSpec::IMAGE, ..small() });
    assert_eq!(data.image_shape, Some((28, 28)));
    for part in [&data.train, &data.test, &data.kernel] {
        assert_eq!(part.dim(), 784);
        for point in part.x.rows() {
            assert!((point.dot(&point).sqrt() - 28.0).abs() < 1e-12);
        }
    }
}

#[test]
fn parts_of_mnist_are_balanced_and_labelled() {
    let data = prepared(&small());
    for (part, n) in [(&data.train, 300), (&data.test, 200), (&data.kernel, 50)] {
        assert_eq!((part.len(), part.y.len(), part.x.nrows()), (n, n, n));
        for class in 0..10 {
            assert_eq!(part.class.iter().filter(|&&other| other == class).count(), n / 10);
        }
        for (&y, class) in part.y.iter().zip(&part.class) {
            assert_eq!(y, if class % 2 == 0 { 1.0 } else { -1.0 });
        }
    }
}

#[test]
fn seeds() {
    for spec in [
        small(),
        DataSpec { balance: false, ..small() },
        DataSpec { source: Source::Stripe { dim: 12 }, task: Task::Own, ..small() },
        DataSpec { source: Source::Sphere { dim: 12 }, task: Task::Own, ..small() },
    ] {
        let again = prepared(&spec);
        assert_eq!(prepared(&spec), again);
        let other = prepared(&DataSpec { seed: 1, ..spec });
        assert_ne!(other.train.x, again.train.x);
        assert_ne!(other.kernel.x, again.kernel.x);
    }
}

#[test]
fn synthetic_labels_follow_their_rule() {
    let spec = DataSpec {
        source: Source::Stripe { dim: 3 },
        task: Task::Own,
        inputs: InputSpec::RAW,
        ..small()
    };
    let data = prepared(&spec);
    for (x, y) in data.test.x.rows().into_iter().zip(&data.test.y) {
        assert_eq!(*y, if -0.3 < x[0] && x[0] < 1.18549 { 1.0 } else { -1.0 });
    }
    assert_eq!(data.train.y.sum(), 0.0);
}

/// Points and classes of the first two rules do not change, bit for bit: a spec always
/// gives the same data.
#[test]
fn stripe_and_sphere_do_not_change() {
    for (source, balance, expected) in [
        (
            Source::Stripe { dim: 4 },
            true,
            "34e19bfeabec0d6cf0608fc90e90f3d79dfc935a3545bfae3d33acc32576caef",
        ),
        (
            Source::Stripe { dim: 4 },
            false,
            "cf92ad726807dc969a951beea1a9bc3e0993b0967102be6dd162e2de14b49407",
        ),
        (
            Source::Sphere { dim: 4 },
            true,
            "6d62858e4b17b50487a8cdcfdb82c1ade8324e40a4a73a0fa116f263a76c1587",
        ),
        (
            Source::Sphere { dim: 4 },
            false,
            "785edb3413fd2b30eaf15fd59af2ad3637600b4e7010d9468eb069feb4c9049f",
        ),
    ] {
        let spec = DataSpec {
            source,
            task: Task::Own,
            balance,
            inputs: InputSpec::RAW,
            n_train: 40,
            n_test: 20,
            n_kernel: 4,
            seed: 7,
            ..DataSpec::default()
        };
        assert_eq!(prepared(&spec).provenance.sha256, expected, "{spec:?}");
    }
}

#[test]
fn fitting_on_all_uses_the_whole_pool() {
    let spec = DataSpec { fit: FitOn::All, ..small() };
    let data = prepared(&spec);
    assert_eq!(data.provenance.fitted_on, 8920);
    assert_ne!(data.train.x, prepared(&small()).train.x);
}

#[test]
fn more_training_points_extend_fewer_and_kernel_points_do_not_change() {
    let raw = DataSpec { inputs: InputSpec::RAW, ..small() };
    let fewer = prepared(&DataSpec { n_train: 100, ..raw.clone() });
    let more = prepared(&raw);
    assert_eq!(fewer.train.x, more.train.x.view().split_at(Axis(0), 100).0);
    assert_eq!(fewer.kernel, more.kernel);
}

#[test]
fn errors_say_what_is_allowed() {
    let message = |spec: DataSpec| prepare(&spec, Path::new("/no/cache")).unwrap_err().to_string();
    assert_eq!(
        message(DataSpec { n_train: 5000, ..DataSpec::default() }),
        "`n_train` · `training_set.of` + `n_test` + `n_kernel` = 10100: mnist-t10k has only 8920 \
         points for this task (`balance` = true: 10 times the 892 of class 5)"
    );
    assert_eq!(
        message(DataSpec { task: Task::OneVsRest { class: 12 }, ..small() }),
        "`task.class` = 12: no point has this class; the data has [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]"
    );
    let pca = |components, scaling| {
        let pca = Some(PcaSpec { components, scaling });
        DataSpec { inputs: InputSpec { pca, ..InputSpec::default() }, ..small() }
    };
    assert_eq!(
        message(pca(785, PcaScaling::MeanEigenvalue)),
        "`inputs.pca.components` = 785: should be at most 784, the number of coordinates"
    );
    assert!(message(pca(400, PcaScaling::Whitened)).contains("vary in 299 directions only"));
    assert_eq!(
        message(DataSpec { source: Source::Mnist, ..small() }),
        "mnist is not in `/no/cache/mnist`: run `cargo xtask data fetch mnist`"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_failure_persistence(
        FileFailurePersistence::WithSource("regressions")
    ))]

    #[test]
    fn parts_are_disjoint_balanced_and_signed(
        classes in proptest::collection::vec(0_u8..4, 40..160),
        (n_train, n_test, n_kernel) in (1_usize..20, 1_usize..20, 0_usize..10),
        seed in any::<u64>(),
        balance in any::<bool>(),
    ) {
        let spec = DataSpec {
            inputs: InputSpec::RAW, balance, n_train, n_test, n_kernel, seed,
            ..DataSpec::default()
        };
        let images = numbered(&classes);
        let data = match prepare_images(&spec, &images) {
            Ok(data) => data,
            Err(DataError::TooFewPoints { wanted, available, .. }) => {
                prop_assert!(wanted > available);
                return Ok(());
            }
            Err(error) => panic!("{error}"),
        };
        let mut seen = BTreeSet::new();
        for part in [&data.train, &data.test, &data.kernel] {
            for (number, (&y, &class)) in
                numbers(part).into_iter().zip(part.y.iter().zip(&part.class))
            {
                prop_assert!(seen.insert(number), "point {} occurs twice", number);
                prop_assert_eq!(classes[number], class);
                prop_assert!(y == 1.0 || y == -1.0);
            }
            if balance {
                let present: BTreeSet<u8> = classes.iter().copied().collect();
                let counts = present.iter()
                    .map(|class| part.class.iter().filter(|&other| other == class).count());
                let counts: Vec<usize> = counts.collect();
                prop_assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1);
            }
        }
        prop_assert_eq!(seen.len(), n_train + n_test + n_kernel);
    }
}
