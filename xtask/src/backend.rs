//! The one place where a backend is chosen.

use anyhow::{Context, bail};
use burn_tensor::backend::Backend;
use regime_benches::{PeerRow, Row, Selection, measure, measure_peers};
use regime_data::Dataset;
use regime_models::Precision;
use regime_scaling::ExponentCheck;
use regime_study::{
    BackendName, BatchRun, CoordinateCheck, DeviceName, NoObserver, RunContext, RunRecord, RunSpec,
    StudyError, run_batch_on, run_on,
};

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

/// Checks that a backend and a device can be used, before any run is made.
///
/// # Errors
/// A backend that was not compiled in, or a device that does not exist. The message is one line
/// that says how to get it.
pub(crate) fn check(backend: BackendName, device: DeviceName) -> anyhow::Result<()> {
    on_backend(backend, device, Nothing)
}

/// Computes one run on the backend and the device that its spec names.
///
/// # Errors
/// As [`check`] and [`run_on`].
pub(crate) fn run(
    spec: &RunSpec,
    data: &Dataset,
    context: &dyn RunContext,
) -> anyhow::Result<RunRecord> {
    on_backend(spec.backend, spec.device, OneRun { spec, data, context })
}

/// Computes runs in one batch, on the backend and the device of the first run. Returns a result for
/// each run.
///
/// # Errors
/// As [`check`]; also if `runs` is empty.
pub(crate) fn run_batch(
    runs: &[BatchRun<'_>],
) -> anyhow::Result<Vec<Result<RunRecord, StudyError>>> {
    let first = runs.first().context("there are no runs")?;
    on_backend(first.spec.backend, first.spec.device, Batch { runs })
}

/// Runs a coordinate check on the backend and the device that its spec names; `measured` is called after
/// each measurement.
///
/// # Errors
/// As [`check`] and [`CoordinateCheck::run`].
pub(crate) fn coordinates(
    check: &CoordinateCheck,
    data: &Dataset,
    measured: &(dyn Fn() + Sync),
) -> anyhow::Result<ExponentCheck> {
    let spec = check.spec();
    on_backend(spec.backend, spec.device, Coordinates { check, data, measured })
}

/// Times the operations of a benchmark on the backend and the device.
///
/// # Errors
/// As [`check`] and [`measure`].
pub(crate) fn bench(
    (backend, device): (BackendName, DeviceName),
    precision: Precision,
    threads: &[usize],
    selection: Selection<'_>,
    report: &mut (dyn FnMut(&Row) + Send),
) -> anyhow::Result<Vec<Row>> {
    on_backend(backend, device, Benchmark { precision, threads, selection, report })
}

/// Times the operations that are timed in PyTorch as well, see [`measure_peers`].
///
/// # Errors
/// As [`check`].
pub(crate) fn bench_peers(
    (backend, device): (BackendName, DeviceName),
    precision: Precision,
    sizes: &[(usize, usize)],
    many: usize,
    report: &mut (dyn FnMut(&PeerRow) + Send),
) -> anyhow::Result<()> {
    on_backend(backend, device, PeerBenchmark { precision, sizes, many, report })
}

/// A computation with tensors, generic over the backend.
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
            bail!("the ndarray backend is not compiled in: `cargo xtask-ndarray` builds with it")
        }
        #[cfg(feature = "tch")]
        (BackendName::Tch, device) => job.on::<burn_tch::LibTorch>(&libtorch(device)?),
        #[cfg(not(feature = "tch"))]
        (BackendName::Tch, _) => bail!(
            "the tch backend is not compiled in: `cargo xtask setup-tch` installs LibTorch and \
             says how to build with it"
        ),
        (name, DeviceName::Cuda(_)) => {
            bail!("{} runs on the cpu only: for {device} choose --backend tch", name.name())
        }
    }
}

/// A device of LibTorch, checked to exist.
#[cfg(feature = "tch")]
fn libtorch(device: DeviceName) -> anyhow::Result<burn_tch::LibTorchDevice> {
    match device {
        DeviceName::Cpu => {
            // The number of threads changes the last bits of LibTorch's sums, and runs are
            // computed side by side.
            tch::set_num_threads(1);
            Ok(burn_tch::LibTorchDevice::Cpu)
        }
        DeviceName::Cuda(index) => {
            let count = tch::Cuda::device_count();
            if !tch::Cuda::is_available() || i64::from(index) >= count {
                bail!(
                    "there is no {device}: LibTorch finds {count} CUDA devices; it needs NVIDIA's \
                     driver and a LibTorch with CUDA, which `cargo xtask setup-tch --cuda` installs"
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

struct OneRun<'a> {
    spec: &'a RunSpec,
    data: &'a Dataset,
    context: &'a dyn RunContext,
}

impl Job for OneRun<'_> {
    type Outcome = RunRecord;

    fn on<B: Backend>(self, device: &B::Device) -> anyhow::Result<RunRecord> {
        Ok(run_on::<B>(self.spec, self.data, device, self.context, &mut NoObserver)?)
    }
}

struct Batch<'a> {
    runs: &'a [BatchRun<'a>],
}

impl Job for Batch<'_> {
    type Outcome = Vec<Result<RunRecord, StudyError>>;

    fn on<B: Backend>(self, device: &B::Device) -> anyhow::Result<Self::Outcome> {
        Ok(run_batch_on::<B>(self.runs, device))
    }
}

struct Benchmark<'a> {
    precision: Precision,
    threads: &'a [usize],
    selection: Selection<'a>,
    report: &'a mut (dyn FnMut(&Row) + Send),
}

impl Job for Benchmark<'_> {
    type Outcome = Vec<Row>;

    fn on<B: Backend>(self, device: &B::Device) -> anyhow::Result<Vec<Row>> {
        let Self { precision, threads, selection, report } = self;
        measure::<B>(device, precision, threads, selection, report)
            .context("threads cannot be started")
    }
}

struct PeerBenchmark<'a> {
    precision: Precision,
    sizes: &'a [(usize, usize)],
    many: usize,
    report: &'a mut (dyn FnMut(&PeerRow) + Send),
}

impl Job for PeerBenchmark<'_> {
    type Outcome = ();

    fn on<B: Backend>(self, device: &B::Device) -> anyhow::Result<()> {
        let Self { precision, sizes, many, report } = self;
        measure_peers::<B>(device, precision, sizes, many, report);
        Ok(())
    }
}

struct Coordinates<'a> {
    check: &'a CoordinateCheck,
    data: &'a Dataset,
    measured: &'a (dyn Fn() + Sync),
}

impl Job for Coordinates<'_> {
    type Outcome = ExponentCheck;

    fn on<B: Backend>(self, device: &B::Device) -> anyhow::Result<ExponentCheck> {
        Ok(self.check.run::<B>(self.data, device, self.measured)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_backends_and_devices_are_reported_in_one_line_with_a_remedy() {
        for name in compiled_in() {
            check(name, DeviceName::Cpu).unwrap();
        }
        for name in BackendName::ALL {
            let cuda = check(name, DeviceName::Cuda(7));
            // A machine with eight GPUs has this device.
            if name == BackendName::Tch && cuda.is_ok() {
                continue;
            }
            let message = cuda.unwrap_err().to_string();
            let remedy = if name == BackendName::Tch { "setup-tch" } else { "--backend tch" };
            assert!(message.contains(remedy), "{message}");
            assert_eq!(message.lines().count(), 1, "{message}");
        }
    }
}
