//! What preparation gives.

use ndarray::{Array1, Array2};
use serde::{Deserialize, Serialize};

use crate::spec::DataSpec;

/// Disjoint sets of labelled points, ready for a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// The points to learn from.
    pub train: Part,
    /// The points to judge by.
    pub test: Part,
    /// The points on which kernels are compared.
    pub kernel: Part,
    /// Height and width of the images that the rows of `x` are, in reading
    /// order; `None` where they are not: after PCA, and for points that are no images
    /// or not known to be.
    pub image_shape: Option<(usize, usize)>,
    /// Where all this comes from.
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

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.class.is_empty()
    }

    /// The number of coordinates of a point, `d`.
    pub fn dim(&self) -> usize {
        self.x.ncols()
    }
}

/// Where a data set comes from: enough to tell whether two results used the
/// same data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// The spec that was followed.
    pub spec: DataSpec,
    /// The name of the source.
    pub source: String,
    /// SHA-256 of the raw data, in lower-case hexadecimal: for images, see
    /// [`Images::sha256`](crate::Images::sha256); for other points, synthetic ones too,
    /// [`Points::sha256`](crate::Points::sha256).
    pub sha256: String,
    /// How many points task and balancing leave, of which the parts are taken.
    pub pool: usize,
    /// On how many points mean and components were fitted.
    pub fitted_on: usize,
    /// The eigenvalues of the kept components, largest first; empty without PCA.
    pub eigenvalues: Vec<f64>,
    /// The part of the variance that the kept components hold, 0 to 1; `None`
    /// without PCA.
    pub explained_variance: Option<f64>,
}
