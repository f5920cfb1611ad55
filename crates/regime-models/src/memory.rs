//! Where tensors lie, and hence how much is best done at once.

use burn_tensor::backend::Backend;

/// The memory of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// The host's: reading a tensor costs at most a copy, and what stays in a core's cache is
    /// fast, so work is cut into small pieces.
    Host,
    /// Its own: every operation and every reading has its delay, so few large ones are fast.
    Device,
}

impl Memory {
    /// The memory of a device, by the name of its backend: Burn has no other way to tell.
    ///
    /// CUDA's have their own. Those of other GPUs are taken for hosts: what is computed is right,
    /// but slow, and its last bits may differ from run to run.
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
    fn processors_have_the_memory_of_the_host() {
        assert_eq!(Memory::of::<Flex>(&FlexDevice), Memory::Host);
        assert_eq!(Memory::of::<NdArray>(&NdArrayDevice::Cpu), Memory::Host);
    }

    #[cfg(feature = "tch")]
    #[test]
    fn gpus_have_their_own() {
        use burn_tch::{LibTorch, LibTorchDevice};
        assert_eq!(Memory::of::<LibTorch>(&LibTorchDevice::Cpu), Memory::Host);
        // No GPU is asked for its name.
        assert_eq!(Memory::of::<LibTorch>(&LibTorchDevice::Cuda(0)), Memory::Device);
    }
}
