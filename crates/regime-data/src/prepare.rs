//! From a spec to a data set.

use std::ops::Range;
use std::path::Path;

use crate::dataset::{Dataset, Part, Provenance};
use crate::error::DataError;
use crate::images::Images;
use crate::inputs::{Inputs, Raw};
use crate::load;
use crate::points::{Points, content_sum};
use crate::selection::select;
use crate::source::Source;
use crate::spec::{DataSpec, FitOn};
use crate::streams::data_rng;
use crate::synthetic::Cloud;

/// Prepares the data set that `spec` describes.
///
/// Points are selected by task, ordered (see [`DataSpec::balance`]), cut into training,
/// test and kernel points, and transformed (see [`DataSpec::inputs`]). With the same
/// seed, a smaller `n_train` gives the first points of a larger one.
///
/// `cache_dir` is where [`fetch`](crate::fetch()) puts published sets, for instance
/// [`default_cache_dir`](crate::default_cache_dir); other sources ignore it.
///
/// # Errors
///
/// Any [`DataError`]: the spec is invalid, the source is absent or damaged, or it has too
/// few points.
pub fn prepare(spec: &DataSpec, cache_dir: &Path) -> Result<Dataset, DataError> {
    spec.check()?;
    match (Cloud::of(&spec.source), &spec.source) {
        (Some(cloud), _) => prepare_synthetic(spec, cloud),
        (None, Source::Safetensors { path, inputs, labels }) => {
            prepare_points(spec, &load::points(path, inputs, labels)?)
        }
        (None, source) => prepare_images(spec, &source.load_images(cache_dir)?),
    }
}

/// Prepares a data set from images in memory, as [`prepare`] does from the images of a
/// source.
///
/// Several specs can share images that were read once, and images can have any origin.
/// `spec.source` is ignored.
///
/// # Errors
///
/// As [`prepare`], except errors of loading.
pub fn prepare_images(spec: &DataSpec, images: &Images) -> Result<Dataset, DataError> {
    let raw = Raw::Pixels(images.pixels());
    let prepared = prepare_classes(spec, raw, images.labels(), images.name(), images.sha256())?;
    let shape = spec.inputs.pca.is_none().then(|| images.shape());
    Ok(Dataset { image_shape: shape, ..prepared })
}

/// Prepares a data set from points in memory, as [`prepare_images`] does from images.
///
/// ```
/// use ndarray::Array2;
/// use regime_data::{DataSpec, InputSpec, Points, Task, prepare_points};
///
/// let x = Array2::from_shape_fn((40, 3), |(i, j)| ((i + 1) * (j + 2)) as f64);
/// let points = Points::new("mine", x, (0..40).map(|i| i % 2).collect())?;
/// let spec = DataSpec {
///     task: Task::OneVsRest { class: 1 },
///     inputs: InputSpec { pca: None, ..InputSpec::default() },
///     n_train: 20,
///     n_test: 15,
///     n_kernel: 5,
///     ..DataSpec::default()
/// };
/// let data = prepare_points(&spec, &points)?;
/// assert_eq!(data.train.x.dim(), (20, 3));
/// assert_eq!(data.train.y.sum(), 0.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// As [`prepare_images`].
pub fn prepare_points(spec: &DataSpec, points: &Points) -> Result<Dataset, DataError> {
    let raw = Raw::Reals(points.x());
    prepare_classes(spec, raw, points.classes(), points.name(), points.sha256())
}

/// Selects and orders points by class, and cuts them.
fn prepare_classes<'r>(
    spec: &DataSpec,
    raw: Raw<'r>,
    class: &[u8],
    name: &'r str,
    sha256: &str,
) -> Result<Dataset, DataError> {
    spec.check_for_classes()?;
    spec.check_components(raw.dim())?;
    let mut rng = data_rng(spec.seed);
    let selection = select(class, &spec.task, spec.balance, &mut rng)?;
    let (wanted, available) = (spec.n_total()?, selection.order.len());
    if wanted > available {
        let (name, smallest) = (name.to_owned(), selection.smallest);
        return Err(DataError::TooFewPoints { wanted, name, available, smallest });
    }
    Pool { raw, class, order: &selection.order, name, sha256 }.cut(spec)
}

fn prepare_synthetic(spec: &DataSpec, cloud: Cloud) -> Result<Dataset, DataError> {
    let n = spec.n_total()?;
    let points = cloud.draw(n, spec.balance, &mut data_rng(spec.seed));
    let pool = Pool {
        raw: Raw::Reals(points.x.view()),
        class: &points.class,
        order: &(0..n).collect::<Vec<_>>(),
        name: &spec.source.name(),
        sha256: &content_sum(points.x.view(), &points.class),
    };
    pool.cut(spec)
}

/// Raw points in their final order, at least as many as the spec requests.
struct Pool<'r, 'a> {
    raw: Raw<'r>,
    class: &'a [u8],
    /// Positions in `raw` and `class`.
    order: &'a [usize],
    name: &'r str,
    sha256: &'a str,
}

impl Pool<'_, '_> {
    fn cut(&self, spec: &DataSpec) -> Result<Dataset, DataError> {
        let [train, test, kernel] = ranges(spec, self.order.len()).map(|range| &self.order[range]);
        let fit = match spec.fit {
            FitOn::Train => train,
            FitOn::All => self.order,
        };
        let inputs = Inputs::fit(self.raw, self.name, &spec.inputs, fit)?;
        let part = |indices: &[usize]| {
            let class: Vec<u8> = indices.iter().map(|&index| self.class[index]).collect();
            // Only classes with a label have been selected.
            let y = class.iter().filter_map(|&class| spec.task.label(class)).collect();
            Ok::<_, DataError>(Part { x: inputs.points(indices)?, y, class })
        };
        Ok(Dataset {
            train: part(train)?,
            test: part(test)?,
            kernel: part(kernel)?,
            image_shape: None,
            provenance: Provenance {
                spec: spec.clone(),
                source: self.name.to_owned(),
                sha256: self.sha256.to_owned(),
                pool: self.order.len(),
                fitted_on: fit.len(),
                eigenvalues: inputs.pca().map_or_else(Vec::new, |pca| pca.eigenvalues().to_vec()),
                explained_variance: inputs.pca().map(|pca| pca.explained_variance()),
            },
        })
    }
}

/// The ranges of training, test and kernel points in a pool of `pool` points, which is
/// large enough.
fn ranges(spec: &DataSpec, pool: usize) -> [Range<usize>; 3] {
    let (n, of_all) = (spec.n_train, spec.n_train * spec.training_set.of);
    let first = spec.training_set.index * n;
    [first..first + n, of_all..of_all + spec.n_test, pool - spec.n_kernel..pool]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::idx::IdxImages;
    use crate::spec::{InputSpec, TrainingSet};
    use ndarray::Array2;

    /// Images of noise, 3 × 4 pixels, four classes.
    fn noise(n: usize) -> Images {
        use rand::Rng;
        let mut rng = data_rng(99);
        let pixels = Array2::from_shape_simple_fn((n, 12), || rng.next_u32() as u8);
        let labels = (0..n).map(|i| (i % 4) as u8).collect();
        Images::new("noise", IdxImages { rows: 3, cols: 4, pixels }, labels).unwrap()
    }

    /// `images` with every point changed except the training points.
    fn with_other_test_points(images: &Images, spec: &DataSpec) -> Images {
        let mut rng = data_rng(spec.seed);
        let order = select(images.labels(), &spec.task, spec.balance, &mut rng).unwrap().order;
        let mut pixels = images.pixels().to_owned();
        for &index in &order[spec.n_train..] {
            pixels.row_mut(index).mapv_inplace(|pixel| pixel / 3);
        }
        let (rows, cols) = images.shape();
        let images_again = IdxImages { rows, cols, pixels };
        Images::new("changed", images_again, images.labels().to_vec()).unwrap()
    }

    #[test]
    fn training_sets_are_disjoint_and_share_one_test_set() {
        let images = noise(400);
        let inputs = InputSpec { pca: None, ..InputSpec::RAW };
        let set = |index, of| {
            let training_set = TrainingSet { index, of };
            let (n_train, n_test, n_kernel) = (60, 50, 20);
            let spec = DataSpec {
                inputs: inputs.clone(),
                n_train,
                training_set,
                n_test,
                n_kernel,
                ..DataSpec::default()
            };
            prepare_images(&spec, &images).unwrap()
        };
        let sets: Vec<Dataset> = (0..3).map(|index| set(index, 3)).collect();
        assert_eq!(sets[0].train, set(0, 1).train);
        let rows = |part: &Part| part.x.rows().into_iter().map(|r| r.to_vec()).collect::<Vec<_>>();
        for (i, one) in sets.iter().enumerate() {
            assert_eq!((&one.test, &one.kernel), (&sets[0].test, &sets[0].kernel));
            assert_eq!(one.train.y.sum(), 0.0);
            for row in rows(&one.train) {
                assert!(!rows(&one.test).contains(&row));
                for other in &sets[i + 1..] {
                    assert!(!rows(&other.train).contains(&row));
                }
            }
        }
        let too_many = TrainingSet { index: 0, of: 6 };
        let spec = DataSpec {
            inputs,
            n_train: 60,
            training_set: too_many,
            n_test: 50,
            ..DataSpec::default()
        };
        let error = prepare_images(&spec, &images).unwrap_err().to_string();
        assert!(error.contains("510"), "{error}");
    }

    #[test]
    fn test_points_do_not_influence_a_fit_on_training_points() {
        let images = noise(400);
        let pca = InputSpec::default().pca.map(|pca| crate::PcaSpec { components: 5, ..pca });
        for inputs in [InputSpec::IMAGE, InputSpec { pca, ..InputSpec::IMAGE }] {
            for (fit, must_agree) in [(FitOn::Train, true), (FitOn::All, false)] {
                let (n_train, n_test, n_kernel) = (100, 50, 20);
                let spec = DataSpec {
                    inputs: inputs.clone(),
                    fit,
                    n_train,
                    n_test,
                    n_kernel,
                    ..DataSpec::default()
                };
                let before = prepare_images(&spec, &images).unwrap();
                let changed = with_other_test_points(&images, &spec);
                let after = prepare_images(&spec, &changed).unwrap();
                assert_eq!(before.train == after.train, must_agree);
                assert_ne!(before.test, after.test);
                assert_ne!(before.kernel, after.kernel);
            }
        }
    }
}
