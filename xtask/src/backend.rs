//! The one place where a backend is chosen.

use regime_data::Dataset;
use regime_models::NetworkSpec;
use regime_scaling::Sample;

use crate::study::{BackendName, CoordinateCheck, RunRecord, RunSpec, World, simulate};

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
        BackendName::Ndarray => anyhow::bail!(NOT_COMPILED_IN),
    }
}

/// Carries out one run of a coordinate check on the backend its spec names.
///
/// # Errors
/// As [`run`].
pub(crate) fn coordinates(
    check: &CoordinateCheck,
    network: &NetworkSpec,
    seed: u64,
    data: &Dataset,
) -> anyhow::Result<Vec<Sample>> {
    match check.spec().backend {
        BackendName::Flex => {
            check.measure::<burn_flex::Flex>(network, seed, data, &burn_flex::FlexDevice)
        }
        #[cfg(feature = "ndarray")]
        BackendName::Ndarray => {
            let device = burn_ndarray::NdArrayDevice::Cpu;
            check.measure::<burn_ndarray::NdArray>(network, seed, data, &device)
        }
        #[cfg(not(feature = "ndarray"))]
        BackendName::Ndarray => anyhow::bail!(NOT_COMPILED_IN),
    }
}

#[cfg(not(feature = "ndarray"))]
const NOT_COMPILED_IN: &str =
    "the ndarray backend is not compiled in: build with `--features ndarray`";
