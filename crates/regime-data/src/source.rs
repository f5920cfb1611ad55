//! The sources of points.

mod check;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::archive::Archive;

/// Source of the points.
///
/// [`Stripe`](Self::Stripe) and the variants after it are synthetic: points are
/// drawn with standard normal coordinates, and a rule gives the label. The rules
/// are those of the authors of the paper
/// (<https://github.com/mariogeiger/feature_lazy>), up to the sign of all labels
/// and with borders at the exact median. [`SignOfProduct`](Self::SignOfProduct)
/// is an addition.
///
/// Serialised with the tag `kind`, for example `{"kind": "mnist-t10k"}` or
/// `{"kind": "stripe", "dim": 10}`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Source {
    /// The 10,000 test images of MNIST, embedded in the crate (the default).
    #[default]
    MnistT10k,
    /// All 70,000 images of MNIST, training before test, from the cache.
    Mnist,
    /// All 70,000 images of Fashion-MNIST, training before test, from the cache.
    FashionMnist,
    /// A folder of IDX files under their usual names: `train-images-idx3-ubyte`,
    /// `train-labels-idx1-ubyte` and the same with `t10k`. Names with `.idx` instead
    /// of `-idx`, and names followed by `.gz`, are found too. All images found are
    /// pooled, training before test. The checksum is recorded in the provenance,
    /// but not compared, because the content is not known.
    IdxDirectory {
        /// The folder; a relative path starts at the working directory.
        path: PathBuf,
    },
    /// Your own points in a `.safetensors` file, for example a table, or images with
    /// several channels. In Python:
    ///
    /// ```python
    /// from safetensors.numpy import save_file
    /// save_file({"inputs": x, "labels": classes}, "mine.safetensors")
    /// ```
    ///
    /// The checksum is recorded in the provenance, but not compared.
    Safetensors {
        /// The file; a relative path starts at the working directory.
        path: PathBuf,
        /// Name of the tensor of points (default `inputs`). Its shape is `n × d`, one point per
        /// row, or `n × height × width × channels` for images. Its elements are whole numbers,
        /// at most 2⁵³ in absolute value, or float32 or float64, at most 10¹⁰⁰.
        #[serde(default = "inputs")]
        inputs: String,
        /// Name of the tensor with the class of each point (default `labels`). Its elements are
        /// `n` whole numbers from 0 to 255.
        #[serde(default = "labels")]
        labels: String,
    },
    /// Gaussian points `x ~ N(0, I)` with `y = +1` where
    /// `−0.3 < x₀ < 1.18549`, else −1.
    ///
    /// The stripe has probability one half. Only one direction matters.
    Stripe {
        /// Number of coordinates, 1 to 100,000.
        dim: usize,
    },
    /// Gaussian points `x ~ N(0, I)` with `y = +1` where `‖x‖²` is above its
    /// median, else −1.
    ///
    /// The median is that of the χ² distribution with `dim` degrees of freedom,
    /// about `dim − 2/3`, so each label has probability one half. No direction
    /// matters.
    Sphere {
        /// Number of coordinates, 1 to 100,000.
        dim: usize,
    },
    /// Gaussian points `x ~ N(0, I)` with `y = +1` where the squared norm of the
    /// first `round` coordinates is above its median, else −1; afterwards all
    /// other coordinates are multiplied by `stretch`.
    ///
    /// The median is that of the χ² distribution with `round` degrees of freedom,
    /// so each label has probability one half. Only the first `round` directions
    /// matter; whitened components would undo the stretch of the others.
    Cylinder {
        /// Number of coordinates, 1 to 100,000.
        dim: usize,
        /// Number of coordinates that determine the label, 1 to `dim`.
        round: usize,
        /// Factor of the other coordinates; above 0 and finite.
        stretch: f64,
    },
    /// Gaussian points `x ~ N(0, I)` with `y = +1` where some `|xᵢ| > a`, and −1
    /// inside that cube.
    ///
    /// `a = Φ⁻¹((1 + 2^(−1/dim)) / 2)`, so each label has probability one half.
    /// All directions matter alike.
    Cube {
        /// Number of coordinates, 1 to 100,000.
        dim: usize,
    },
    /// Gaussian points `x ~ N(0, I)` with `y = +1` where `x₀` and `x₁` have the
    /// same sign, else −1.
    ///
    /// Each label has probability one half. Two directions matter, neither alone.
    Xnor {
        /// Number of coordinates, 2 to 100,000.
        dim: usize,
    },
    /// Gaussian points `x ~ N(0, I)` with `y = +1` where the first `inputs`
    /// coordinates are all above 0, else −1.
    ///
    /// `y = +1` has probability `2^(−inputs)` only.
    /// [`DataSpec::balance`](crate::DataSpec::balance) gives equally many points of
    /// each label: it draws points until the rare label has enough, about
    /// `2^(inputs − 1)` times as many as it uses.
    And {
        /// Number of coordinates, 1 to 100,000.
        dim: usize,
        /// Number of coordinates that determine the label, 1 to `dim` and at most 20. More
        /// coordinates would need too many draws.
        inputs: usize,
    },
    /// Gaussian points `x ~ N(0, I)` with `y = +1` where the product of the first
    /// `factors` coordinates is above 0, else −1: the parity of their signs.
    ///
    /// Each label has probability one half. `factors` directions matter; fewer of
    /// them carry no information about the label.
    SignOfProduct {
        /// Number of coordinates, 1 to 100,000.
        dim: usize,
        /// Number of coordinates that determine the label, 1 to `dim`.
        factors: usize,
    },
}

fn inputs() -> String {
    "inputs".to_owned()
}

fn labels() -> String {
    "labels".to_owned()
}

impl Source {
    /// The safetensors file at `path`, with tensors called `inputs` and `labels`.
    pub fn safetensors(path: impl Into<PathBuf>) -> Self {
        Self::Safetensors { path: path.into(), inputs: inputs(), labels: labels() }
    }

    /// A short name: `mnist-t10k`, `stripe-10`, the folder.
    pub fn name(&self) -> String {
        match self {
            Self::MnistT10k => "mnist-t10k".to_owned(),
            Self::Mnist => Archive::Mnist.name().to_owned(),
            Self::FashionMnist => Archive::FashionMnist.name().to_owned(),
            Self::IdxDirectory { path } | Self::Safetensors { path, .. } => {
                path.display().to_string()
            }
            Self::Stripe { dim } => format!("stripe-{dim}"),
            Self::Sphere { dim } => format!("sphere-{dim}"),
            Self::Cylinder { dim, round, stretch } => format!("cylinder-{dim}-{round}-{stretch}"),
            Self::Cube { dim } => format!("cube-{dim}"),
            Self::Xnor { dim } => format!("xnor-{dim}"),
            Self::And { dim, inputs } => format!("and-{dim}-{inputs}"),
            Self::SignOfProduct { dim, factors } => format!("sign-of-product-{dim}-{factors}"),
        }
    }

    /// The number of coordinates of the points that a synthetic source draws;
    /// `None` for the others.
    pub(crate) fn synthetic_dim(&self) -> Option<usize> {
        match *self {
            Self::MnistT10k
            | Self::Mnist
            | Self::FashionMnist
            | Self::IdxDirectory { .. }
            | Self::Safetensors { .. } => None,
            Self::Stripe { dim }
            | Self::Sphere { dim }
            | Self::Cylinder { dim, .. }
            | Self::Cube { dim }
            | Self::Xnor { dim }
            | Self::And { dim, .. }
            | Self::SignOfProduct { dim, .. } => Some(dim),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source_error::SourceError;
    use std::path::Path;

    #[test]
    fn synthetic_sources_have_a_name_a_json_form_and_no_images() {
        for (source, name, json) in [
            (Source::Stripe { dim: 10 }, "stripe-10", r#"{"kind":"stripe","dim":10}"#),
            (Source::Sphere { dim: 10 }, "sphere-10", r#"{"kind":"sphere","dim":10}"#),
            (
                Source::Cylinder { dim: 10, round: 3, stretch: 2.0 },
                "cylinder-10-3-2",
                r#"{"kind":"cylinder","dim":10,"round":3,"stretch":2.0}"#,
            ),
            (
                Source::Cylinder { dim: 10, round: 3, stretch: 0.1 },
                "cylinder-10-3-0.1",
                r#"{"kind":"cylinder","dim":10,"round":3,"stretch":0.1}"#,
            ),
            (Source::Cube { dim: 10 }, "cube-10", r#"{"kind":"cube","dim":10}"#),
            (Source::Xnor { dim: 10 }, "xnor-10", r#"{"kind":"xnor","dim":10}"#),
            (
                Source::And { dim: 10, inputs: 3 },
                "and-10-3",
                r#"{"kind":"and","dim":10,"inputs":3}"#,
            ),
            (
                Source::SignOfProduct { dim: 10, factors: 4 },
                "sign-of-product-10-4",
                r#"{"kind":"sign-of-product","dim":10,"factors":4}"#,
            ),
        ] {
            source.check().unwrap();
            assert_eq!(source.synthetic_dim(), Some(10));
            assert_eq!(source.name(), name);
            assert_eq!(serde_json::to_string(&source).unwrap(), json);
            assert_eq!(serde_json::from_str::<Source>(json).unwrap(), source);
            let error = source.load_images(Path::new("/no/cache")).unwrap_err();
            assert!(matches!(error, SourceError::NoImages { name: it } if it == name));
        }
        assert_eq!(Source::MnistT10k.synthetic_dim(), None);
        Source::MnistT10k.check().unwrap();
        let unknown = r#"{"kind":"cube","dim":10,"round":3}"#;
        assert!(serde_json::from_str::<Source>(unknown).is_err());
    }
}
