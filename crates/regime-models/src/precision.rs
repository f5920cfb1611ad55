use burn_tensor::{DType, Tensor, TensorData, backend::Backend};
use serde::{Deserialize, Serialize};

/// The element type of every tensor of a computation.
///
/// In Burn 0.21 the element type is a run-time property of a tensor and not a
/// property of the backend type. It is therefore given wherever a tensor is created
/// from host values. All operations preserve the type of their operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// IEEE binary64, the default everywhere.
    #[default]
    F64,
    /// IEEE binary32.
    F32,
}

impl Precision {
    /// Burn's name of the element type.
    pub fn dtype(self) -> DType {
        match self {
            Self::F64 => DType::F64,
            Self::F32 => DType::F32,
        }
    }

    /// The precision of a float tensor's element type. Types other than float64 and
    /// float32 count as float32, the narrowest supported type.
    pub fn of(dtype: DType) -> Self {
        if dtype == DType::F64 { Self::F64 } else { Self::F32 }
    }

    /// Bytes of a number.
    pub fn bytes(self) -> usize {
        match self {
            Self::F64 => 8,
            Self::F32 => 4,
        }
    }

    /// The machine epsilon ε (distance from 1 to the next larger number).
    pub fn epsilon(self) -> f64 {
        match self {
            Self::F64 => f64::EPSILON,
            Self::F32 => f32::EPSILON as f64,
        }
    }

    /// A tensor `[values.len()]` on `device`.
    pub fn vector<B: Backend>(self, values: &[f64], device: &B::Device) -> Tensor<B, 1> {
        self.tensor(values, [values.len()], device)
    }

    /// A tensor of the given shape on `device`, from values in row-major order.
    ///
    /// # Panics
    /// When the number of values is not `rows · columns`.
    pub fn matrix<B: Backend>(
        self,
        values: &[f64],
        shape: [usize; 2],
        device: &B::Device,
    ) -> Tensor<B, 2> {
        self.tensor(values, shape, device)
    }

    fn tensor<B: Backend, const D: usize>(
        self,
        values: &[f64],
        shape: [usize; D],
        device: &B::Device,
    ) -> Tensor<B, D> {
        let data = match self {
            Self::F64 => TensorData::new(values.to_vec(), shape),
            Self::F32 => {
                TensorData::new(values.iter().map(|&v| v as f32).collect::<Vec<_>>(), shape)
            }
        };
        Tensor::from_data(data, (device, self.dtype()))
    }

    /// The values of a tensor in row-major order, as float64.
    ///
    /// A float64 tensor on a backend in host memory is not copied if no other tensor
    /// shares its data.
    pub fn to_host<B: Backend, const D: usize>(tensor: Tensor<B, D>) -> Vec<f64> {
        let data = tensor.into_data();
        match data.dtype {
            DType::F64 => data.into_vec::<f64>().expect("the element type was matched"),
            _ => data.iter::<f64>().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use burn_flex::{Flex, FlexDevice};
    use burn_ndarray::{NdArray, NdArrayDevice};

    use super::*;

    fn keeps_its_type<B: Backend>(device: &B::Device) {
        let third = 1.0 / 3.0;
        for (precision, expected) in
            [(Precision::F64, third), (Precision::F32, third as f32 as f64)]
        {
            let x = precision.matrix::<B>(&[third, 2.0], [1, 2], device);
            assert_eq!(x.dtype(), precision.dtype());
            let y = x.clone().matmul(x.clone().transpose()).mul_scalar(2.0) + 1.0;
            assert_eq!(y.dtype(), precision.dtype(), "an operation changed the element type");
            assert_eq!(Precision::to_host(x), vec![expected, 2.0]);
        }
    }

    #[test]
    fn tensors_have_the_requested_type() {
        keeps_its_type::<Flex>(&FlexDevice);
        keeps_its_type::<NdArray>(&NdArrayDevice::Cpu);
    }
}
