//! Divides the runs on a GPU into batches that fit into its memory.

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    process::Command,
    sync::OnceLock,
};

use crate::console;
use regime_study::{BatchShape, DeviceName, RunRecord, RunSpec};

/// The fraction of the free memory of a device that runs may use. The rest is scratch space for
/// products and factorisations.
const USABLE: f64 = 0.8;

/// The largest number of multiply-adds in a step of a batch. A large GPU computes this many while the calls
/// for a step are made (some milliseconds). Larger batches save no time, and their runs would wait for the
/// run with the most active points.
const MAX_WORK: f64 = 1e11;

/// The free memory of a device, and the number of workers that share it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct DeviceMemory {
    device: DeviceName,
    free_bytes: f64,
    workers: usize,
}

impl DeviceMemory {
    /// The memory of the first GPU that a spec names, as `nvidia-smi` reports it. `None` if no spec
    /// names a GPU and, with a warning, if `nvidia-smi` does not answer.
    pub(super) fn of(specs: &[RunSpec], jobs: usize) -> Option<Self> {
        let index = specs.iter().find_map(|spec| match spec.device {
            DeviceName::Cuda(index) => Some(index),
            DeviceName::Cpu => None,
        })?;
        let memory = free_bytes(index)
            .map(|free_bytes| Self::divided(DeviceName::Cuda(index), free_bytes, specs, jobs));
        if memory.is_none() {
            console::warn(format_args!(
                "warning: nvidia-smi does not report the free memory of cuda:{index}: runs are computed \
                 without batches, {jobs} side by side"
            ));
        }
        memory
    }

    /// Divides the free memory among at most `jobs` workers; fewer if the largest run needs more than a share.
    fn divided(device: DeviceName, free_bytes: f64, specs: &[RunSpec], jobs: usize) -> Self {
        let fits = |spec: &RunSpec| {
            let bytes = needed(spec);
            (spec.device == device && bytes <= USABLE * free_bytes).then_some(bytes)
        };
        let largest = specs.iter().filter_map(fits).fold(1.0, f64::max);
        let fitting = (USABLE * free_bytes / largest) as usize;
        Self { device, free_bytes, workers: jobs.min(fitting).max(1) }
    }

    /// The number of batches that may be computed side by side.
    pub(super) fn workers(&self) -> usize {
        self.workers
    }

    /// The reason why a run does not fit on the device; `None` if it fits.
    pub(super) fn refuses(&self, spec: &RunSpec) -> Option<String> {
        let (needs, usable) = (needed(spec), USABLE * self.free_bytes);
        (spec.device == self.device && needs > usable).then(|| {
            format!(
                "it needs {:.1} GB of the memory of {}, of which {:.1} GB are free and {:.1} GB \
                 can be used: take fewer points, or another device",
                needs / 1e9,
                self.device,
                self.free_bytes / 1e9,
                usable / 1e9,
            )
        })
    }

    /// Divides runs into batches of one shape, which a worker's share of the memory and [`MAX_WORK`] limit.
    /// Runs on another device and runs without a batch shape are batches of one.
    pub(super) fn divide(&self, specs: &[&RunSpec]) -> Vec<Vec<usize>> {
        let share = USABLE * self.free_bytes / self.workers as f64;
        let mut batches: Vec<(Option<BatchShape>, f64, Vec<usize>)> = Vec::new();
        for (index, spec) in specs.iter().enumerate() {
            let shape = spec.batch_shape().filter(|_| spec.device == self.device);
            let bytes = needed(spec);
            let max = (share / bytes).min(MAX_WORK / spec.batch_step_cost()) as usize;
            let open = batches.iter_mut().rev().find(|(other, _, _)| *other == shape);
            match open {
                Some((Some(_), taken, batch)) if batch.len() < max && *taken + bytes <= share => {
                    *taken += bytes;
                    batch.push(index);
                }
                _ => batches.push((shape, bytes, vec![index])),
            }
        }
        batches.into_iter().map(|(_, _, batch)| batch).collect()
    }
}

/// Free bytes on the GPU with this index, measured before this program allocates any. LibTorch caches what
/// it has allocated for its next tensors, so a later measurement would be too low.
fn free_bytes(index: u8) -> Option<f64> {
    static FIRST: OnceLock<(u8, Option<f64>)> = OnceLock::new();
    let (first, bytes) = *FIRST.get_or_init(|| (index, free_now(index)));
    if first == index { bytes } else { free_now(index) }
}

/// Bytes that are free now, as `nvidia-smi` reports them.
fn free_now(index: u8) -> Option<f64> {
    let output = Command::new("nvidia-smi")
        .args(["--query-gpu=memory.free", "--format=csv,noheader,nounits", "-i"])
        .arg(driver_name(index, std::env::var("CUDA_VISIBLE_DEVICES").ok().as_deref()))
        .output()
        .ok()?;
    let mebibytes: f64 = String::from_utf8_lossy(&output.stdout).trim().parse().ok()?;
    Some(mebibytes * f64::from(1 << 20))
}

/// The name in `nvidia-smi` of the GPU with this index in LibTorch, which counts the devices that
/// `CUDA_VISIBLE_DEVICES` lists. If the cards differ in speed, both count in the same order only with
/// `CUDA_DEVICE_ORDER=PCI_BUS_ID`.
fn driver_name(index: u8, visible: Option<&str>) -> String {
    let names = visible.filter(|names| !names.is_empty()).into_iter().flat_map(|v| v.split(','));
    let name = names.map(str::trim).nth(usize::from(index));
    name.map_or_else(|| index.to_string(), str::to_owned)
}

/// Device memory of one run, in bytes.
fn needed(spec: &RunSpec) -> f64 {
    match spec.batch_shape() {
        Some(_) if spec.frozen.is_empty() => spec.batch_memory_bytes(),
        // Frozen kernels are used after the training: the larger of the two needs counts.
        Some(_) => spec.batch_memory_bytes().max(spec.device_memory_bytes()),
        None => spec.device_memory_bytes(),
    }
}

/// The results of the runs of a batch: a record, or the reason why there is no record.
pub(super) type Records = Vec<Result<RunRecord, String>>;

/// Computes the runs of a batch. If the memory of the device is exhausted, halves the batch and tries
/// again, down to single runs, which fail.
pub(super) fn in_memory<T>(batch: &[T], make: &dyn Fn(&[T]) -> Records) -> Records {
    let panic = match catch_unwind(AssertUnwindSafe(|| make(batch))) {
        Ok(records) => return records,
        Err(panic) => panic,
    };
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default();
    if !text.contains("out of memory") {
        resume_unwind(panic);
    }
    match batch.len() {
        0 => Vec::new(),
        1 => vec![Err(format!("the memory of the device is exhausted: {}", first_line(text)))],
        n => {
            let (first, second) = batch.split_at(n / 2);
            [in_memory(first, make), in_memory(second, make)].concat()
        }
    }
}

/// The first line of LibTorch's message; a stack trace follows.
fn first_line(text: &str) -> &str {
    let start = text.find("CUDA").unwrap_or(0);
    let text = &text[start..];
    let ends = [text.find('\n'), text.find("\\n")].into_iter().flatten();
    text[..ends.min().unwrap_or(text.len())].trim()
}

#[cfg(test)]
mod tests {
    use regime_models::{Activation, DenseSpec, NetworkSpec};
    use regime_study::BackendName;

    use super::*;

    fn spec(width: usize, seed: u64) -> RunSpec {
        let activation = Activation::Softplus { beta: 5.0 };
        let network = DenseSpec { inputs: 10, width, hidden_layers: 3, activation, bias: true };
        let (backend, device) = (BackendName::Tch, DeviceName::Cuda(0));
        RunSpec { backend, device, seed, ..RunSpec::new(NetworkSpec::Dense(network), 1.0) }
    }

    /// A device whose memory holds `runs` copies of the largest run.
    fn memory_for(runs: f64, specs: &[RunSpec], jobs: usize) -> DeviceMemory {
        let largest = specs.iter().map(needed).fold(0.0, f64::max);
        DeviceMemory::divided(specs[0].device, runs * largest / USABLE, specs, jobs)
    }

    #[test]
    fn batches_are_of_one_shape_and_fit_into_the_memory() {
        let specs: Vec<RunSpec> =
            (0..6).map(|seed| spec(if seed % 2 == 0 { 16 } else { 32 }, seed)).collect();
        let refs: Vec<&RunSpec> = specs.iter().collect();
        let whole = memory_for(10.0, &specs, 1).divide(&refs);
        assert_eq!(whole, [vec![0, 2, 4], vec![1, 3, 5]]);
        let parts = memory_for(2.5, &specs, 1).divide(&refs);
        assert_eq!(parts, [vec![0, 2], vec![1, 3], vec![4], vec![5]]);
        // Two workers have half of the memory each; there is not enough for a third.
        let shared = memory_for(2.5, &specs, 3);
        assert_eq!(shared.workers(), 2);
        assert!(shared.divide(&refs).iter().all(|batch| batch.len() == 1));
    }

    #[test]
    fn large_runs_are_not_batched() {
        let mut specs = vec![spec(800, 0), spec(800, 1)];
        specs.iter_mut().for_each(|spec| spec.data.n_train = 5000);
        let refs: Vec<&RunSpec> = specs.iter().collect();
        assert_eq!(memory_for(100.0, &specs, 1).divide(&refs), [vec![0], vec![1]]);
    }

    #[test]
    fn runs_without_a_batch_shape_are_computed_alone() {
        let mut specs = vec![spec(16, 0), spec(16, 1), spec(16, 2)];
        specs[1].dynamics = regime_study::Dynamics::Stochastic(Default::default());
        // So are runs on a CPU.
        specs.extend([3, 4].map(|seed| RunSpec { device: DeviceName::Cpu, ..spec(16, seed) }));
        let refs: Vec<&RunSpec> = specs.iter().collect();
        let expected = [vec![0, 2], vec![1], vec![3], vec![4]];
        assert_eq!(memory_for(100.0, &specs, 1).divide(&refs), expected);
    }

    #[test]
    fn gpus_are_named_as_the_driver_names_them() {
        assert_eq!(driver_name(1, None), "1");
        assert_eq!(driver_name(1, Some("")), "1");
        assert_eq!(driver_name(0, Some("3")), "3");
        assert_eq!(driver_name(1, Some("0, GPU-8f6e")), "GPU-8f6e");
    }

    #[test]
    fn a_run_that_does_not_fit_is_refused() {
        let specs = [spec(16, 0)];
        assert_eq!(memory_for(1.1, &specs, 1).refuses(&specs[0]), None);
        let refusal = memory_for(0.5, &specs, 1).refuses(&specs[0]).unwrap();
        assert!(refusal.contains("GB of the memory of cuda:0, of which"), "{refusal}");
        assert_eq!(refusal.lines().count(), 1);
    }

    #[test]
    fn a_batch_that_exhausts_the_memory_is_halved() {
        const MESSAGE: &str = "called `Result::unwrap()` on an `Err` value: Torch(\"CUDA out of \
            memory. Tried to allocate 2.00 GiB.\\nException raised from malloc\")";
        // More than two runs do not fit at once; run 4 does not fit alone.
        let make = |batch: &[usize]| -> Records {
            assert!(batch.len() <= 2 && !batch.contains(&4), "{MESSAGE}");
            batch.iter().map(|k| Err(format!("made {k}"))).collect()
        };
        let texts: Vec<String> = in_memory(&[0, 1, 2, 3, 4, 5, 6], &make)
            .into_iter()
            .map(|record| record.unwrap_err())
            .collect();
        let exhausted = "the memory of the device is exhausted: CUDA out of memory. Tried to \
            allocate 2.00 GiB.";
        let made = |k| format!("made {k}");
        let expected = [made(0), made(1), made(2), made(3), exhausted.to_owned(), made(5), made(6)];
        assert_eq!(texts, expected);
    }

    #[test]
    #[should_panic(expected = "something else")]
    fn other_panics_are_passed_on() {
        let _ = in_memory(&[0, 1], &|_| panic!("something else"));
    }
}
