//! The one place where a backend is chosen.

use regime_data::Dataset;

use crate::study::{BackendName, RunRecord, RunSpec, World, simulate};

/// Carries out one run on the backend its spec names.
///
/// # Errors
/// A backend that was not compiled in is one line that says how to get it; the
/// rest as [`simulate`].
pub(crate) fn run(spec: &RunSpec, data: &Dataset, world: &dyn World) -> anyhow::Result<RunRecord> {
    match spec.backend {
        BackendName::Flex => simulate::<burn_flex::Flex>(spec, data, &burn_flex::FlexDevice, world),
        #[cfg(feature = "ndarray")]
        BackendName::Ndarray => {
            let device = burn_ndarray::NdArrayDevice::Cpu;
            simulate::<burn_ndarray::NdArray>(spec, data, &device, world)
        }
        #[cfg(not(feature = "ndarray"))]
        BackendName::Ndarray => {
            anyhow::bail!("the ndarray backend is not compiled in: build with `--features ndarray`")
        }
    }
}
