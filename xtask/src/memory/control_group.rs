//! The memory limit of the control group of this process: that of a container, of a job of a cluster.

use std::fs;

/// Bytes below the smallest limit of the group and of the groups that contain it. The cache of files counts as
/// free: the system gives it up first.
pub(super) fn below_limit() -> Option<f64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let read = |path: &str| fs::read_to_string(path).ok();
    groups.lines().flat_map(folders).filter_map(|folder| below(&folder, &read)).reduce(f64::min)
}

/// The folders of a line of `/proc/self/cgroup` and of the groups around it.
fn folders(line: &str) -> Vec<String> {
    let mut parts = line.splitn(3, ':').skip(1);
    let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { return Vec::new() };
    let root = match controllers {
        // Version 2 has one tree for all controllers.
        "" => "/sys/fs/cgroup",
        list if list.split(',').any(|name| name == "memory") => "/sys/fs/cgroup/memory",
        _ => return Vec::new(),
    };
    let mut path = path.trim_end_matches('/').to_owned();
    let mut found = vec![format!("{root}{path}")];
    while let Some(end) = path.rfind('/') {
        path.truncate(end);
        found.push(format!("{root}{path}"));
    }
    found
}

fn below(folder: &str, read: &dyn Fn(&str) -> Option<String>) -> Option<f64> {
    let number =
        |name: &str| -> Option<f64> { read(&format!("{folder}/{name}"))?.trim().parse().ok() };
    let limit = number("memory.max").or_else(|| number("memory.limit_in_bytes"))?;
    let used = number("memory.current").or_else(|| number("memory.usage_in_bytes"))?;
    let statistics = read(&format!("{folder}/memory.stat")).unwrap_or_default();
    let cached = |name: &str| -> f64 {
        let value = statistics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.and_then(|value| value.trim().parse().ok()).unwrap_or(0.0)
    };
    let cache = cached("inactive_file") + cached("active_file");
    Some(limit - (used - cache).max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_groups_around_a_group_count() {
        assert_eq!(
            folders("0::/slurm/job_7"),
            ["/sys/fs/cgroup/slurm/job_7", "/sys/fs/cgroup/slurm", "/sys/fs/cgroup"]
        );
        assert_eq!(folders("4:memory:/"), ["/sys/fs/cgroup/memory"]);
        assert!(folders("3:cpu,cpuacct:/x").is_empty() && folders("nonsense").is_empty());
    }

    #[test]
    fn cached_files_are_free() {
        let read = |path: &str| {
            let text = match path {
                "g/memory.max" => "1000\n",
                "g/memory.current" => "900\n",
                "g/memory.stat" => "anon 300\ninactive_file 500\nactive_file 100\n",
                "open/memory.max" => "max\n",
                "old/memory.limit_in_bytes" => "700",
                "old/memory.usage_in_bytes" => "200",
                _ => return None,
            };
            Some(text.to_owned())
        };
        assert_eq!(below("g", &read), Some(700.0));
        assert_eq!(below("open", &read), None);
        assert_eq!(below("old", &read), Some(500.0));
    }
}
