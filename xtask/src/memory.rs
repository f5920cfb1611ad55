//! The memory of this machine: what is free, and which runs fit into it side by side.

mod control_group;

use std::fs;

use regime_study::{DeviceName, RunSpec};

/// The part of the free memory that runs may use; the rest is for errors of the estimates.
pub(crate) const USABLE: f64 = 0.8;

/// Bytes of the program itself.
pub(crate) const PROGRAM: f64 = 35e6;

/// Address space that the allocator and the stack of a thread reserve, in bytes.
const RESERVED_PER_THREAD: f64 = 140e6;

/// The memory that runs may use.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Memory {
    /// Bytes that are free, by the system and the limits of the control group.
    free: f64,
    /// Bytes of address space below the limit of the process (`ulimit -v`).
    address_space: f64,
    /// Bytes that the user allows.
    allowed: f64,
}

/// How runs fit into the memory.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fit {
    /// Runs that may be made side by side, at least 1.
    pub(crate) jobs: usize,
    /// Bytes that these need.
    pub(crate) bytes: f64,
}

impl Memory {
    /// The memory of this machine for this process; what the system does not report is taken as unlimited.
    pub(crate) fn of_machine(allowed: Option<u64>) -> Self {
        let free = [available(), control_group::below_limit()];
        Self {
            free: free.into_iter().flatten().fold(f64::INFINITY, f64::min),
            address_space: below_address_limit().unwrap_or(f64::INFINITY),
            allowed: allowed.map_or(f64::INFINITY, |bytes| bytes as f64),
        }
    }

    /// The same where `bytes` of what the user allows are taken by data.
    pub(crate) fn less(self, bytes: f64) -> Self {
        Self { allowed: self.allowed - bytes, ..self }
    }

    /// Bytes for all of `jobs` runs side by side.
    fn usable(&self, jobs: usize) -> f64 {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = (2 * jobs + cores) as f64;
        let free = self.free.min(self.address_space - RESERVED_PER_THREAD * threads);
        f64::min(USABLE * free, self.allowed).max(0.0)
    }

    /// Why something that needs `bytes` cannot be done even alone, if it cannot.
    pub(crate) fn refuses(&self, bytes: f64) -> Option<String> {
        let usable = self.usable(1);
        (bytes > usable).then(|| {
            format!("it needs {} of memory, but {} can be used", size(bytes), size(usable))
        })
    }

    /// The largest number of equal parts of `bytes` that fit side by side, from 1 to `most`.
    pub(crate) fn copies(&self, bytes: f64, most: usize) -> usize {
        (1..=most).rev().find(|&n| n as f64 * bytes <= self.usable(n)).unwrap_or(1)
    }

    /// How many of the runs on a processor fit side by side, at most `jobs`, even if they are the largest. Runs
    /// that do not fit alone are not counted: they are refused.
    pub(crate) fn fit<'a>(&self, specs: impl IntoIterator<Item = &'a RunSpec>, jobs: usize) -> Fit {
        let mut needs: Vec<f64> = specs
            .into_iter()
            .filter(|spec| spec.device == DeviceName::Cpu)
            .map(RunSpec::memory_bytes)
            .filter(|bytes| *bytes <= self.usable(1))
            .collect();
        needs.sort_by(|a, b| b.total_cmp(a));
        let bytes = |jobs: usize| needs.iter().take(jobs).sum::<f64>();
        let jobs = (1..=jobs).rev().find(|&n| bytes(n) <= self.usable(n)).unwrap_or(1);
        Fit { jobs, bytes: bytes(jobs) }
    }
}

/// A number of bytes for people.
pub(crate) fn size(bytes: f64) -> String {
    // A sum of nothing is −0.
    let bytes = bytes + 0.0;
    if bytes >= 1e9 { format!("{:.1} GB", bytes / 1e9) } else { format!("{:.0} MB", bytes / 1e6) }
}

/// Bytes that the system could give to a process.
fn available() -> Option<f64> {
    in_kilobytes(&fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable:")
}

/// Bytes of address space below the limit of the process.
fn below_address_limit() -> Option<f64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max address space"))?;
    let limit: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(limit - in_kilobytes(&fs::read_to_string("/proc/self/status").ok()?, "VmSize:")?)
}

fn in_kilobytes(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: f64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(1024.0 * kilobytes)
}

#[cfg(test)]
mod tests {
    use regime_models::{Activation, DenseSpec, NetworkSpec};

    use super::*;

    fn spec(width: usize) -> RunSpec {
        let activation = Activation::Relu;
        let net = DenseSpec { inputs: 10, width, hidden_layers: 3, activation, bias: true };
        RunSpec::new(NetworkSpec::Dense(net), 1.0)
    }

    /// A machine with so many free bytes.
    fn with(free: f64) -> Memory {
        let address_space = f64::INFINITY;
        Memory { free: free / USABLE, address_space, allowed: f64::INFINITY }
    }

    #[test]
    fn jobs_are_as_many_as_fit() {
        let specs = [spec(10), spec(2000), spec(100), spec(100)];
        let large = specs[1].memory_bytes();
        let middle = specs[2].memory_bytes();
        let fit = |free: f64, jobs| with(free).fit(&specs, jobs).jobs;
        assert_eq!(fit(1e15, 3), 3);
        assert_eq!(fit(1.001 * (large + middle), 3), 2);
        assert_eq!(fit(large + middle / 2.0, 3), 1);
        // The largest is refused, and the others fit.
        assert_eq!(fit(2.001 * middle, 2), 2);
        assert!(with(2.0 * middle).refuses(large).is_some());
        assert_eq!(with(2.001 * middle).copies(middle, 8), 2);
        let refusal = with(1e9).refuses(3.21e9).unwrap();
        assert_eq!(refusal, "it needs 3.2 GB of memory, but 1.0 GB can be used");
    }

    /// Every worker takes address space: with fewer of them a run still fits.
    #[test]
    fn a_limit_of_the_address_space_lowers_the_jobs_first() {
        let need = spec(100).memory_bytes();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let reserved = RESERVED_PER_THREAD * (2 + cores) as f64;
        let memory = Memory { address_space: reserved + 2.0 * need, ..with(1e12) };
        assert_eq!(memory.refuses(need), None);
        assert_eq!(memory.fit(&vec![spec(100); 64], 64).jobs, 1);
    }

    #[test]
    fn the_user_may_allow_less_than_is_free() {
        let memory = Memory::of_machine(Some(1000));
        assert_eq!(memory.usable(1), 1000.0);
        assert_eq!(memory.less(400.0).usable(1), 600.0);
        assert!(Memory::of_machine(None).usable(1) > 1e6);
    }
}
