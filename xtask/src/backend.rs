//! The one place where a backend is chosen.

use anyhow::bail;
use burn::tensor::backend::Backend;
use regime_data::Dataset;
use regime_models::{NetworkSpec, Precision};
use regime_scaling::Sample;

use crate::bench::{Row, Selection, measure};
use crate::study::{BackendName, CoordinateCheck, DeviceName, RunRecord, RunSpec, World, simulate};

/// The backends that this program was built with.
#[cfg(test)]
pub(crate) fn compiled_in() -> Vec<BackendName> {
    let lacks = |name: &BackendName| match name {
        BackendName::Flex => false,
        BackendName::Ndarray => cfg!(not(feature = "ndarray")),
        BackendName::Tch => cfg!(not(feature = "tch")),
    };
    BackendName::ALL.into_iter().filter(|name| !lacks(name)).collect()
}

/// Whether runs can be made on a backend and a device, before any is.
///
/// # Errors
/// A backend that was not compiled in, or a device that is not there, is one line that says
/// how to get it.
pub(crate) fn check(backend: BackendName, device: DeviceName) -> anyhow::Result<()> {
    on_backend(backend, device, Nothing)
}

/// Carries out one run on the backend and the device its spec names.
///
/// # Errors
/// As [`check`] and [`simulate`].
pub(crate) fn run(spec: &RunSpec, data: &Dataset, world: &dyn World) -> anyhow::Result<RunRecord> {
    on_backend(spec.backend, spec.device, Simulation { spec, data, world })
}

/// Carries out one run of a coordinate check on the backend its spec names.
///
/// # Errors
/// As [`check`] and [`CoordinateCheck::measure`].
pub(crate) fn coordinates(
    check: &CoordinateCheck,
    network: &NetworkSpec,
    seed: u64,
    data: &Dataset,
) -> anyhow::Result<Vec<Sample>> {
    let spec = check.spec();
    on_backend(spec.backend, spec.device, Coordinates { check, network, seed, data })
}

/// Times the works of a benchmark on the backend and the device.
///
/// # Errors
/// As [`check`] and [`measure`].
pub(crate) fn bench(
    (backend, device): (BackendName, DeviceName),
    precision: Precision,
    threads: &[usize],
    selection: Selection<'_>,
    tell: &mut (dyn FnMut(&Row) + Send),
) -> anyhow::Result<Vec<Row>> {
    on_backend(backend, device, Benchmark { precision, threads, selection, tell })
}

/// Something to do with tensors, whatever they live on.
trait Job {
    type Outcome;

    fn on<B: Backend>(self, device: &B::Device) -> anyhow::Result<Self::Outcome>;
}

fn on_backend<J: Job>(
    backend: BackendName,
    device: DeviceName,
    job: J,
) -> anyhow::Result<J::Outcome> {
    match (backend, device) {
        (BackendName::Flex, DeviceName::Cpu) => job.on::<burn_flex::Flex>(&burn_flex::FlexDevice),
        #[cfg(feature = "ndarray")]
        (BackendName::Ndarray, DeviceName::Cpu) => {
            job.on::<burn_ndarray::NdArray>(&burn_ndarray::NdArrayDevice::Cpu)
        }
        #[cfg(not(feature = "ndarray"))]
        (BackendName::Ndarray, DeviceName::Cpu) => {
            bail!("the ndarray backend is not compiled in: build with `--features ndarray`")
        }
        #[cfg(feature = "tch")]
        (BackendName::Tch, device) => job.on::<burn_tch::LibTorch>(&libtorch(device)?),
        #[cfg(not(feature = "tch"))]
        (BackendName::Tch, _) => bail!(
            "the tch backend is not compiled in: `cargo xtask setup-tch` gets LibTorch and says \
             how to build with it"
        ),
        (name, DeviceName::Cuda(_)) => {
            bail!("{} runs on the cpu only: for {device} choose --backend tch", name.name())
        }
    }
}

/// A device of LibTorch that is there.
#[cfg(feature = "tch")]
fn libtorch(device: DeviceName) -> anyhow::Result<burn_tch::LibTorchDevice> {
    match device {
        DeviceName::Cpu => {
            // How LibTorch divides a sum among threads changes its last bits, and runs are
            // side by side.
            tch::set_num_threads(1);
            Ok(burn_tch::LibTorchDevice::Cpu)
        }
        DeviceName::Cuda(index) => {
            let there = tch::Cuda::device_count();
            if !tch::Cuda::is_available() || i64::from(index) >= there {
                bail!(
                    "there is no {device}: LibTorch finds {there} CUDA devices; it needs NVIDIA's \
                     driver and a LibTorch with CUDA, which `cargo xtask setup-tch --cuda` gets"
                );
            }
            Ok(burn_tch::LibTorchDevice::Cuda(usize::from(index)))
        }
    }
}

struct Nothing;

impl Job for Nothing {
    type Outcome = ();

    fn on<B: Backend>(self, _: &B::Device) -> anyhow::Result<()> {
        Ok(())
    }
}

struct Simulation<'a> {
    spec: &'a RunSpec,
    data: &'a Dataset,
    world: &'a dyn World,
}

impl Job for Simulation<'_> {
    type Outcome = RunRecord;

    fn on<B: Backend>(self, device: &B::Device) -> anyhow::Result<RunRecord> {
        simulate::<B>(self.spec, self.data, device, self.world)
    }
}

struct Benchmark<'a> {
    precision: Precision,
    threads: &'a [usize],
    selection: Selection<'a>,
    tell: &'a mut (dyn FnMut(&Row) + Send),
}

impl Job for Benchmark<'_> {
    type Outcome = Vec<Row>;

    fn on<B: Backend>(self, device: &B::Device) -> anyhow::Result<Vec<Row>> {
        measure::<B>(device, self.precision, self.threads, self.selection, self.tell)
    }
}

struct Coordinates<'a> {
    check: &'a CoordinateCheck,
    network: &'a NetworkSpec,
    seed: u64,
    data: &'a Dataset,
}

impl Job for Coordinates<'_> {
    type Outcome = Vec<Sample>;

    fn on<B: Backend>(self, device: &B::Device) -> anyhow::Result<Vec<Sample>> {
        self.check.measure::<B>(self.network, self.seed, self.data, device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_one_line_that_says_how_to_get_it() {
        for name in compiled_in() {
            check(name, DeviceName::Cpu).unwrap();
        }
        for name in BackendName::ALL {
            let cuda = check(name, DeviceName::Cuda(7));
            // A machine with eight GPUs has it.
            if name == BackendName::Tch && cuda.is_ok() {
                continue;
            }
            let told = cuda.unwrap_err().to_string();
            let remedy = if name == BackendName::Tch { "setup-tch" } else { "--backend tch" };
            assert!(told.contains(remedy), "{told}");
            assert_eq!(told.lines().count(), 1, "{told}");
        }
    }
}
