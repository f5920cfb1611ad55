//! The memory of this machine: what is free, and which runs fit into it side by side.

use std::fs;

use regime_study::{DeviceName, RunSpec};

/// The part of the free memory that runs may use; the rest is for errors of the estimates.
const USABLE: f64 = 0.9;

/// Bytes of the program itself.
pub(crate) const PROGRAM: f64 = 35e6;

/// Address space that the allocator and the stack of a thread reserve, in bytes.
const RESERVED_PER_THREAD: f64 = 140e6;

/// Memory for runs, in bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Memory {
    usable: f64,
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
    /// What this process may use for `jobs` runs side by side: what the system says is free, within the limits of
    /// the process and of its group, and no more than the user allows. Where the system does not say, all
    /// that the user allows.
    pub(crate) fn of_machine(allowed: Option<u64>, jobs: usize) -> Self {
        let free = [available(), below_group_limit(), below_address_limit(jobs)];
        let free = free.into_iter().flatten().fold(f64::INFINITY, f64::min);
        let allowed = allowed.map_or(f64::INFINITY, |bytes| bytes as f64);
        Self { usable: f64::min(USABLE * free, allowed).max(0.0) }
    }

    /// Why something that needs `bytes` cannot be done, if it cannot.
    pub(crate) fn refuses(&self, bytes: f64) -> Option<String> {
        (bytes > self.usable).then(|| {
            format!("it needs {} of memory, but {} can be used", size(bytes), size(self.usable))
        })
    }

    /// How many of the runs on a processor fit side by side, at most `jobs`, even if they are the largest. Runs that do not
    /// fit alone are not counted: they are refused.
    pub(crate) fn fit<'a>(&self, specs: impl IntoIterator<Item = &'a RunSpec>, jobs: usize) -> Fit {
        let mut needs: Vec<f64> = specs
            .into_iter()
            .filter(|spec| spec.device == DeviceName::Cpu)
            .map(RunSpec::memory_bytes)
            .filter(|bytes| *bytes <= self.usable)
            .collect();
        needs.sort_by(|a, b| b.total_cmp(a));
        needs.truncate(jobs.max(1));
        let mut bytes: f64 = needs.iter().sum();
        let mut fitting = jobs.max(1);
        while bytes > self.usable && fitting > 1 {
            fitting -= 1;
            needs.truncate(fitting);
            bytes = needs.iter().sum();
        }
        Fit { jobs: fitting, bytes }
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

/// Bytes below the limit of the control group (containers, clusters).
fn below_group_limit() -> Option<f64> {
    let number = |file: &str| -> Option<f64> {
        fs::read_to_string(format!("/sys/fs/cgroup/{file}")).ok()?.trim().parse().ok()
    };
    Some(number("memory.max")? - number("memory.current")?)
}

/// Bytes of address space below the limit of the process (`ulimit -v`).
fn below_address_limit(jobs: usize) -> Option<f64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max address space"))?;
    let limit: f64 = line.split_whitespace().next()?.parse().ok()?;
    let used = in_kilobytes(&fs::read_to_string("/proc/self/status").ok()?, "VmSize:")?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Some(limit - used - RESERVED_PER_THREAD * (2 * jobs + cores) as f64)
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

    #[test]
    fn jobs_are_as_many_as_fit() {
        let specs = [spec(10), spec(2000), spec(100), spec(100)];
        let large = specs[1].memory_bytes();
        let middle = specs[2].memory_bytes();
        let fit = |usable: f64, jobs| Memory { usable }.fit(&specs, jobs).jobs;
        assert_eq!(fit(1e15, 3), 3);
        assert_eq!(fit(large + middle, 3), 2);
        assert_eq!(fit(large + middle / 2.0, 3), 1);
        // The largest is refused, and the others fit.
        assert_eq!(fit(2.0 * middle, 2), 2);
        assert!(Memory { usable: 2.0 * middle }.refuses(large).is_some());
        assert_eq!(fit(0.0, 2), 2);
        let refusal = Memory { usable: 1e9 }.refuses(3.21e9).unwrap();
        assert_eq!(refusal, "it needs 3.2 GB of memory, but 1.0 GB can be used");
    }

    #[test]
    fn the_user_may_allow_less_than_is_free() {
        assert_eq!(Memory::of_machine(Some(1000), 1), Memory { usable: 1000.0 });
        let free = Memory::of_machine(None, 1).usable;
        assert!(free > 1e6 && Memory::of_machine(Some(u64::MAX), 1).usable <= free * 1.1);
    }
}
