//! The prepared data set.

use ndarray::{Array1, Array2};
use serde::{Deserialize, Serialize};

use crate::spec::DataSpec;

/// Disjoint sets of labelled points, ready for a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// Training points.
    pub train: Part,
    /// Test points.
    pub test: Part,
    /// Points on which kernels are compared.
    pub kernel: Part,
    /// Height and width of the images, where each row of `x` is an image in reading
    /// order. `None` after PCA, and for points that are not known to be images.
    pub image_shape: Option<(usize, usize)>,
    /// The origin of the data.
    pub provenance: Provenance,
}

/// `n` labelled points with `d` coordinates.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The inputs, `n × d`, in standard (row-major) layout.
    pub x: Array2<f64>,
    /// The labels, `n` numbers, each +1 or −1.
    pub y: Array1<f64>,
    /// The class of each point in its source, `n` numbers.
    pub class: Vec<u8>,
}

impl Part {
    /// The number of points, `n`.
    pub fn len(&self) -> usize {
        self.class.len()
    }

    /// Whether the part has no points.
    pub fn is_empty(&self) -> bool {
        self.class.is_empty()
    }

    /// The number of coordinates of a point, `d`.
    pub fn dim(&self) -> usize {
        self.x.ncols()
    }
}

/// The origin of a data set: enough to decide whether two results used the same data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// The spec.
    pub spec: DataSpec,
    /// The name of the source.
    pub source: String,
    /// SHA-256 of the raw data, in lower-case hexadecimal: for images, see
    /// [`Images::sha256`](crate::Images::sha256); for other points, synthetic ones too,
    /// [`Points::sha256`](crate::Points::sha256).
    pub sha256: String,
    /// The number of points left by task and balancing, from which the parts are taken.
    pub pool: usize,
    /// The number of points on which mean and components were fitted.
    pub fitted_on: usize,
    /// The eigenvalues of the retained components, largest first; empty without PCA.
    pub eigenvalues: Vec<f64>,
    /// The fraction of the variance in the retained components, 0 to 1; `None` without
    /// PCA.
    pub explained_variance: Option<f64>,
}
