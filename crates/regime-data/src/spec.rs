//! The description of a data set: every field with its range and default.

use serde::{Deserialize, Serialize};

use crate::error::DataError;
use crate::pca::PcaScaling;
use crate::source::Source;
use crate::task::Task;

/// The largest total number of coordinates of synthetic points: 8 GiB of `f64`.
const MAX_SYNTHETIC_VALUES: usize = 1 << 30;

/// The total number of points, in terms of the fields of a spec.
const N_TOTAL: &str = "n_train · training_set.of + n_test + n_kernel";

/// The full description of a data set. Equal specs give equal data.
///
/// The default is the paper's task for fully connected networks, on the
/// embedded images: parity of balanced MNIST digits, ten whitened components.
/// In a file, absent fields take their defaults and unknown fields are errors.
///
/// ```
/// use regime_data::{DataSpec, InputSpec, Source, Task};
///
/// let spec = DataSpec {
///     source: Source::Stripe { dim: 10 },
///     task: Task::Own,
///     inputs: InputSpec::RAW,
///     ..DataSpec::default()
/// };
/// spec.check()?;
/// # Ok::<(), regime_data::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct DataSpec {
    /// Source of the points (default `mnist-t10k`).
    pub source: Source,
    /// Task that turns classes into labels (default `parity`). Synthetic sources need `own`.
    pub task: Task,
    /// Whether to balance the classes (default true). If true, the classes are shuffled, cut to
    /// the size of the smallest and interleaved: in any stretch of points the sizes of two classes
    /// differ by at most one. If false, all points are in one random order.
    pub balance: bool,
    /// Transformation of the inputs (default: centred, on the sphere, ten whitened components).
    pub inputs: InputSpec,
    /// Points on which the mean and the principal components are fitted (default `train`).
    pub fit: FitOn,
    /// Number of training points (at least 1, default 1000). They are the first points, unless
    /// `training_set` says otherwise.
    pub n_train: usize,
    /// Which of several disjoint training sets is used (default: the only one).
    #[serde(skip_serializing_if = "TrainingSet::is_only")]
    pub training_set: TrainingSet,
    /// Number of test points (at least 1, default 5000). They follow all training sets.
    pub n_test: usize,
    /// Number of points on which kernels are compared (at least 0, default 100). They are the last
    /// points: unless the source is synthetic, they do not change with `n_train` or `n_test`.
    pub n_kernel: usize,
    /// Seed of the order of the points, or of the points themselves for a synthetic source
    /// (any whole number from 0, default 0). See [`DATA_STREAM`](crate::DATA_STREAM).
    pub seed: u64,
}

/// Which stretch of the ordered points is the training set.
///
/// The training sets of one order (one `seed`) are disjoint, and none contains a test point.
/// The test points are the same for all of them, so networks that were trained on different
/// training sets can be compared point by point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct TrainingSet {
    /// Number of the training set (0 to `of` − 1, default 0).
    pub index: usize,
    /// Number of training sets in the ordered points (at least 1, default 1).
    pub of: usize,
}

impl Default for TrainingSet {
    fn default() -> Self {
        Self { index: 0, of: 1 }
    }
}

impl TrainingSet {
    /// Whether this is the only training set, as by default.
    fn is_only(&self) -> bool {
        *self == Self::default()
    }
}

/// Transformations of the inputs, applied in the order of the fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct InputSpec {
    /// Whether to subtract the mean of each coordinate (default true).
    pub centre: bool,
    /// Whether to scale each point to the norm `√d`, for `d` coordinates (default true).
    pub sphere: bool,
    /// Projection on principal components (default: ten, whitened). `None`, in JSON `null`, keeps
    /// all coordinates, as a convolution needs.
    pub pca: Option<PcaSpec>,
}

/// Projection on principal components.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct PcaSpec {
    /// Number of components (1 to the number of coordinates, default 10).
    pub components: usize,
    /// What the components are divided by (default `whitened`).
    pub scaling: PcaScaling,
}

/// Points on which the mean and the principal components are fitted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum FitOn {
    /// The training points only (the default): test inputs are not used.
    #[default]
    Train,
    /// All points that remain after task and balancing, whether in a part or not, as the authors
    /// of the paper did. Test inputs, but not their labels, then influence training.
    All,
}

impl Default for DataSpec {
    fn default() -> Self {
        Self {
            source: Source::default(),
            task: Task::default(),
            balance: true,
            inputs: InputSpec::default(),
            fit: FitOn::default(),
            n_train: 1000,
            training_set: TrainingSet::default(),
            n_test: 5000,
            n_kernel: 100,
            seed: 0,
        }
    }
}

impl Default for InputSpec {
    fn default() -> Self {
        Self { centre: true, sphere: true, pca: Some(PcaSpec::default()) }
    }
}

impl Default for PcaSpec {
    fn default() -> Self {
        Self { components: 10, scaling: PcaScaling::default() }
    }
}

impl InputSpec {
    /// The inputs as the source gives them. Pixels are 0 to 255.
    pub const RAW: Self = Self { centre: false, sphere: false, pca: None };

    /// Centred images on their sphere, with all pixels: for convolutions.
    pub const IMAGE: Self = Self { centre: true, sphere: true, pca: None };
}

impl DataSpec {
    /// Checks everything that can be checked without the data.
    ///
    /// # Errors
    ///
    /// [`DataError::Field`] for a value out of its range, or for a task that
    /// does not fit the source.
    pub fn check(&self) -> Result<(), DataError> {
        let Some(dim) = self.source.synthetic_dim() else {
            return self.check_for_classes();
        };
        if self.task != Task::Own {
            let want = format!("`own`, the labels that {} gives", self.source.name());
            return Err(DataError::field("task", self.task.kind(), want));
        }
        self.source.check()?;
        let values = self.n_total()?.saturating_mul(dim);
        if values > MAX_SYNTHETIC_VALUES {
            let want =
                format!("such that points times `source.dim` is at most {MAX_SYNTHETIC_VALUES}");
            return Err(DataError::field(N_TOTAL, self.n_total()?, want));
        }
        self.check_components(dim)
    }

    /// Like [`check`](Self::check), but for points with classes, whatever the source is.
    pub(crate) fn check_for_classes(&self) -> Result<(), DataError> {
        if self.task == Task::Own {
            let want = "a task on classes: only synthetic points come with labels";
            return Err(DataError::field("task", self.task.kind(), want));
        }
        self.task.check()?;
        self.n_total()?;
        self.check_components(usize::MAX)
    }

    /// Checks that points with `dim` coordinates have the requested number of components.
    pub(crate) fn check_components(&self, dim: usize) -> Result<(), DataError> {
        match &self.inputs.pca {
            Some(pca) if pca.components == 0 => {
                Err(DataError::field("inputs.pca.components", 0, "at least 1"))
            }
            Some(pca) if pca.components > dim => {
                let want = format!("at most {dim}, the number of coordinates");
                Err(DataError::field("inputs.pca.components", pca.components, want))
            }
            _ => Ok(()),
        }
    }

    /// Estimated bytes of the prepared points and of the copies that are made while they are prepared.
    /// Images in a folder are assumed to have 784 pixels.
    pub fn memory_bytes(&self) -> f64 {
        let all_sets = self.n_total().unwrap_or(usize::MAX) as f64;
        // Of images one training set is prepared.
        let points = match self.source.synthetic_dim() {
            Some(_) => all_sets,
            None => (self.n_train as f64) + (self.n_test as f64) + (self.n_kernel as f64),
        };
        let inputs = self.source.synthetic_dim().unwrap_or(784) as f64;
        let outputs = match &self.inputs.pca {
            Some(pca) => (pca.components as f64).min(inputs),
            None => inputs,
        };
        let numbers =
            if self.source.synthetic_dim().is_some() { inputs + outputs } else { outputs };
        8.0 * points * numbers
    }

    /// The number of points in all training sets.
    pub(crate) fn n_train_in_all(&self) -> Result<usize, DataError> {
        let TrainingSet { index, of } = self.training_set;
        if of == 0 {
            return Err(DataError::field("training_set.of", of, "at least 1"));
        }
        if index >= of {
            let want = format!("less than {of}, the number of training sets");
            return Err(DataError::field("training_set.index", index, want));
        }
        self.n_train.checked_mul(of).ok_or_else(|| {
            let value = format!("{} · {of}", self.n_train);
            DataError::field("n_train · training_set.of", value, "less than 2^64")
        })
    }

    /// The number of points in all training sets, the test points and the kernel points.
    pub(crate) fn n_total(&self) -> Result<usize, DataError> {
        for (field, n) in [("n_train", self.n_train), ("n_test", self.n_test)] {
            if n == 0 {
                return Err(DataError::field(field, n, "at least 1"));
            }
        }
        let sum = self.n_train_in_all()?.checked_add(self.n_test);
        sum.and_then(|sum| sum.checked_add(self.n_kernel)).ok_or_else(|| {
            let Self { n_train, training_set, n_test, n_kernel, .. } = self;
            let value = format!("{n_train} · {} + {n_test} + {n_kernel}", training_set.of);
            DataError::field(N_TOTAL, value, "less than 2^64")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(spec: DataSpec) -> String {
        spec.check().unwrap_err().to_string()
    }

    fn stripe(dim: usize) -> DataSpec {
        let source = Source::Stripe { dim };
        DataSpec { source, task: Task::Own, inputs: InputSpec::RAW, ..DataSpec::default() }
    }

    #[test]
    fn the_default_is_valid() {
        DataSpec::default().check().unwrap();
        stripe(1).check().unwrap();
    }

    #[test]
    fn errors_are_one_line_that_names_the_field() {
        let base = DataSpec::default;
        assert_eq!(error(DataSpec { n_train: 0, ..base() }), "`n_train` = 0: should be at least 1");
        assert_eq!(error(DataSpec { n_test: 0, ..base() }), "`n_test` = 0: should be at least 1");
        assert!(error(DataSpec { n_train: usize::MAX, ..base() }).contains("less than 2^64"));
        let set = |index, of| DataSpec { training_set: TrainingSet { index, of }, ..base() };
        assert_eq!(error(set(0, 0)), "`training_set.of` = 0: should be at least 1");
        assert_eq!(
            error(set(3, 3)),
            "`training_set.index` = 3: should be less than 3, the number of training sets"
        );
        assert!(error(set(0, usize::MAX)).contains("less than 2^64"));
        assert_eq!(
            error(DataSpec { task: Task::Own, ..base() }),
            "`task` = own: should be a task on classes: only synthetic points come with labels"
        );
        assert_eq!(
            error(DataSpec { task: Task::Parity, ..stripe(3) }),
            "`task` = parity: should be `own`, the labels that stripe-3 gives"
        );
        assert_eq!(error(stripe(0)), "`source.dim` = 0: should be 1 to 100000");
        let source = Source::And { dim: 3, inputs: 4 };
        assert_eq!(
            error(DataSpec { source, ..stripe(3) }),
            "`source.inputs` = 4: should be 1 to 3, the number of coordinates"
        );
        assert!(error(DataSpec { n_train: 1 << 30, ..stripe(9) }).contains("at most 1073741824"));
        let inputs = InputSpec::default();
        assert_eq!(
            error(DataSpec { inputs, ..stripe(4) }),
            "`inputs.pca.components` = 10: should be at most 4, the number of coordinates"
        );
    }

    #[test]
    fn serialised_form() {
        let json = r#"{
            "source": {"kind": "sphere", "dim": 3},
            "task": {"kind": "own"},
            "inputs": {"centre": false, "sphere": false, "pca": null},
            "fit": "all",
            "n_train": 7
        }"#;
        let spec: DataSpec = serde_json::from_str(json).unwrap();
        let expected = DataSpec {
            source: Source::Sphere { dim: 3 },
            task: Task::Own,
            inputs: InputSpec::RAW,
            fit: FitOn::All,
            n_train: 7,
            ..DataSpec::default()
        };
        assert_eq!(spec, expected);
        let text = serde_json::to_string(&spec).unwrap();
        assert_eq!(serde_json::from_str::<DataSpec>(&text).unwrap(), spec);
        let default = serde_json::to_value(DataSpec::default()).unwrap();
        assert_eq!(default["source"]["kind"], "mnist-t10k");
        assert_eq!(default["inputs"]["pca"]["scaling"], "whitened");
        assert!(default.get("training_set").is_none());
        assert!(serde_json::from_str::<DataSpec>(r#"{"n_trian": 7}"#).is_err());
    }
}
