//! The kind of memory that holds tensors. It decides how work is split into pieces.

use burn_tensor::backend::Backend;

/// The memory of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// Host memory. Reading a tensor costs at most a copy. Data in a core's cache is fast, so work
    /// is split into small pieces.
    Host,
    /// The device's own memory. Every operation and every read has a latency, so a few large
    /// operations are fast.
    Device,
}

impl Memory {
    /// The memory of a device, from the name of its backend: Burn offers no other way to find out.
    ///
    /// CUDA devices count as [`Device`](Self::Device). Other GPUs count as [`Host`](Self::Host):
    /// their results are right, but slow, and the last bits may differ from run to run.
    pub fn of<B: Backend>(device: &B::Device) -> Self {
        if B::name(device).contains("cuda") { Self::Device } else { Self::Host }
    }
}

#[cfg(test)]
mod tests {
    use burn_flex::{Flex, FlexDevice};
    use burn_ndarray::{NdArray, NdArrayDevice};

    use super::*;

    #[test]
    fn cpus_have_host_memory() {
        assert_eq!(Memory::of::<Flex>(&FlexDevice), Memory::Host);
        assert_eq!(Memory::of::<NdArray>(&NdArrayDevice::Cpu), Memory::Host);
    }

    #[cfg(feature = "tch")]
    #[test]
    fn gpus_have_device_memory() {
        use burn_tch::{LibTorch, LibTorchDevice};
        assert_eq!(Memory::of::<LibTorch>(&LibTorchDevice::Cpu), Memory::Host);
        // The name of the device is known without a GPU.
        assert_eq!(Memory::of::<LibTorch>(&LibTorchDevice::Cuda(0)), Memory::Device);
    }
}
