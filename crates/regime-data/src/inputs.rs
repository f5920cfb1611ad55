//! The transformation of raw inputs to network inputs: centre, sphere, principal components.

use ndarray::{Array1, Array2, ArrayView2, Axis};

use crate::error::DataError;
use crate::pca::{self, Pca};
use crate::spec::InputSpec;

/// Rows per block: large enough for fast matrix products, and small enough that a
/// block of images takes a few megabytes.
const BLOCK: usize = 1024;

/// Raw inputs in the form of their source, one point per row.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Raw<'a> {
    Pixels(ArrayView2<'a, u8>),
    Reals(ArrayView2<'a, f64>),
}

impl Raw<'_> {
    /// Number of coordinates of a point.
    pub(crate) fn dim(&self) -> usize {
        match self {
            Self::Pixels(x) => x.ncols(),
            Self::Reals(x) => x.ncols(),
        }
    }

    /// The points at `indices`.
    fn gather(&self, indices: &[usize]) -> Array2<f64> {
        let mut points = Array2::zeros((indices.len(), self.dim()));
        for (mut to, &index) in points.rows_mut().into_iter().zip(indices) {
            match self {
                Self::Pixels(x) => to.zip_mut_with(&x.row(index), |to, &from| *to = from.into()),
                Self::Reals(x) => to.assign(&x.row(index)),
            }
        }
        points
    }
}

/// A fitted transformation, which can be applied to any point.
#[derive(Debug)]
pub(crate) struct Inputs<'a> {
    raw: Raw<'a>,
    name: &'a str,
    centre: Option<Array1<f64>>,
    radius: Option<f64>,
    pca: Option<Pca>,
}

impl<'a> Inputs<'a> {
    /// Fits the transformation that `spec` describes on the points at the indices `fit`.
    pub(crate) fn fit(
        raw: Raw<'a>,
        name: &'a str,
        spec: &InputSpec,
        fit: &[usize],
    ) -> Result<Self, DataError> {
        let dim = raw.dim();
        let blocks = || fit.chunks(BLOCK);
        let mean = || pca::mean(dim, blocks().map(|indices| raw.gather(indices))).1;
        let centre = spec.centre.then(mean);
        let radius = spec.sphere.then(|| (dim as f64).sqrt());
        let mut inputs = Self { raw, name, centre, radius, pca: None };
        if let Some(pca) = &spec.pca {
            for indices in blocks() {
                inputs.normalised(indices)?;
            }
            // No block fails: the loop above has checked each of them.
            let points = || blocks().map_while(|indices| inputs.normalised(indices).ok());
            let fitted = Pca::fit_blocks(dim, points, pca.components, pca.scaling)?;
            inputs.pca = Some(fitted);
        }
        Ok(inputs)
    }

    pub(crate) fn pca(&self) -> Option<&Pca> {
        self.pca.as_ref()
    }

    /// The points at `indices`, fully transformed.
    pub(crate) fn points(&self, indices: &[usize]) -> Result<Array2<f64>, DataError> {
        let Some(pca) = &self.pca else {
            return self.normalised(indices);
        };
        let mut points = Array2::zeros((indices.len(), pca.axes().ncols()));
        let blocks = points.axis_chunks_iter_mut(Axis(0), BLOCK);
        for (mut block, indices) in blocks.zip(indices.chunks(BLOCK)) {
            block.assign(&pca.transform(self.normalised(indices)?.view()));
        }
        Ok(points)
    }

    /// The points at `indices`, centred and on their sphere.
    fn normalised(&self, indices: &[usize]) -> Result<Array2<f64>, DataError> {
        let mut points = self.raw.gather(indices);
        if let Some(centre) = &self.centre {
            points -= centre;
        }
        if let Some(radius) = self.radius {
            for (mut point, &index) in points.axis_iter_mut(Axis(0)).zip(indices) {
                let norm = point.dot(&point).sqrt();
                if norm == 0.0 {
                    return Err(DataError::NoDirection { name: self.name.to_owned(), index });
                }
                point *= radius / norm;
            }
        }
        Ok(points)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::PcaSpec;
    use ndarray::array;

    #[test]
    fn centre_then_sphere() {
        let x = array![[0_u8, 10], [20, 10], [10, 14], [10, 6]];
        let raw = Raw::Pixels(x.view());
        let inputs = Inputs::fit(raw, "x", &InputSpec::IMAGE, &[0, 1, 2, 3]).unwrap();
        let r = 2f64.sqrt();
        let expected = array![[-r, 0.0], [r, 0.0], [0.0, r], [0.0, -r]];
        let off = inputs.points(&[0, 1, 2, 3]).unwrap() - expected;
        assert!(off.iter().all(|x| x.abs() < 1e-14));
    }

    #[test]
    fn raw_is_raw() {
        let x = array![[0.5, -2.0], [3.0, 4.0]];
        let inputs = Inputs::fit(Raw::Reals(x.view()), "x", &InputSpec::RAW, &[0]).unwrap();
        assert_eq!(inputs.points(&[1, 0]).unwrap(), array![[3.0, 4.0], [0.5, -2.0]]);
    }

    #[test]
    fn a_blank_point_has_no_direction() {
        let x = array![[3_u8, 1], [0, 0]];
        let sphere = InputSpec { centre: false, sphere: true, pca: None };
        let inputs = Inputs::fit(Raw::Pixels(x.view()), "x", &sphere, &[0]).unwrap();
        assert!(matches!(inputs.points(&[1]), Err(DataError::NoDirection { index: 1, .. })));
        let spec = InputSpec { pca: Some(PcaSpec::default()), ..sphere };
        assert!(matches!(
            Inputs::fit(Raw::Pixels(x.view()), "x", &spec, &[0, 1]),
            Err(DataError::NoDirection { index: 1, .. })
        ));
    }
}
