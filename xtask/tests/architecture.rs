//! The invariants of `docs/architecture.md`, checked on the sources and on the
//! dependencies that cargo reports.

use std::{
    collections::{BTreeSet, HashMap},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is in the workspace").into()
}

fn metadata() -> Metadata {
    // Offline, cargo can read only the packages of this platform.
    let options = ["--locked", "--offline", "--filter-platform", &host()].map(String::from);
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .other_options(options)
        .exec()
        .expect("cargo metadata answers")
}

/// The platform of the compiler, by its name.
fn host() -> String {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let output = Command::new(rustc).arg("-vV").output().expect("rustc answers");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.expect("rustc names its host").to_owned()
}

/// Names of all packages a workspace member is built with.
fn built_with(metadata: &Metadata, member: &str) -> BTreeSet<String> {
    let graph = metadata.resolve.as_ref().expect("the graph was requested");
    let nodes: HashMap<&PackageId, _> = graph.nodes.iter().map(|node| (&node.id, node)).collect();
    let start = &metadata.packages.iter().find(|p| p.name == member).expect(member).id;
    let mut seen = BTreeSet::from([start]);
    let mut open = vec![start];
    while let Some(id) = open.pop() {
        for dependency in &nodes[id].deps {
            let normal = dependency.dep_kinds.iter().any(|d| d.kind == DependencyKind::Normal);
            if normal && seen.insert(&dependency.pkg) {
                open.push(&dependency.pkg);
            }
        }
    }
    seen.iter().map(|id| metadata[id].name.to_string()).collect()
}

/// The source files of a folder, with their code without tests and comments.
fn sources(folder: &str) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut open = vec![root().join(folder)];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(&path).expect("a readable folder");
            open.extend(entries.map(|entry| entry.expect("a readable entry").path()));
            continue;
        }
        let name = path.strip_prefix(root()).expect("below the root").display().to_string();
        if !name.ends_with(".rs") || name.ends_with("tests.rs") {
            continue;
        }
        let text = fs::read_to_string(&path).expect("UTF-8");
        // In this workspace a module of tests is at the end of a file.
        let code = match text.find("#[cfg(test)]\nmod tests {") {
            Some(end) => &text[..end],
            None => &text,
        };
        let code: Vec<&str> =
            code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        files.push((name, code.join("\n")));
    }
    assert!(!files.is_empty(), "{folder} has no sources");
    files
}

const CRATES: [&str; 10] = [
    "regime",
    "regime-data",
    "regime-models",
    "regime-tangent",
    "regime-train",
    "regime-scaling",
    "regime-lab",
    "regime-study",
    "regime-findings",
    "regime-plot",
];

fn assert_absent(forbidden: &[&str], folders: &[&str], exceptions: &[&str]) {
    for folder in folders {
        for (name, code) in sources(folder) {
            if exceptions.iter().any(|exception| name.starts_with(exception)) {
                continue;
            }
            for word in forbidden {
                assert!(!code.contains(word), "{name} contains `{word}`");
            }
        }
    }
}

fn crate_sources() -> Vec<String> {
    CRATES.iter().map(|name| format!("crates/{name}/src")).collect()
}

#[test]
fn some_crates_never_depend_on_burn() {
    let metadata = metadata();
    for member in ["regime-data", "regime-scaling", "regime-lab", "regime-plot"] {
        let burn: Vec<String> =
            built_with(&metadata, member).into_iter().filter(|n| n.starts_with("burn")).collect();
        assert!(burn.is_empty(), "{member} is built with {burn:?}");
    }
    // The check can fail: it finds burn where it is used.
    assert!(built_with(&metadata, "regime-models").contains("burn-tensor"));
}

#[test]
fn the_crate_in_front_builds_figures_and_laboratory_only_on_request() {
    let built = built_with(&metadata(), "regime");
    for absent in ["regime-plot", "regime-lab", "regime-study", "regime-findings"] {
        assert!(!built.contains(absent), "regime is built with {absent}");
    }
    assert!(built.contains("regime-train"));
}

#[test]
fn crates_depend_only_on_crates_below_them() {
    let metadata = metadata();
    let allowed: [(&str, &[&str]); 10] = [
        ("regime-data", &[]),
        ("regime-scaling", &[]),
        ("regime-lab", &[]),
        ("regime-plot", &[]),
        ("regime-models", &[]),
        // The test kit of regime-tangent fits exponents. Crates enable this feature only for
        // their tests, but the graph includes it.
        ("regime-tangent", &["regime-models", "regime-scaling"]),
        ("regime-train", &["regime-models", "regime-tangent", "regime-scaling"]),
        (
            "regime-study",
            &[
                "regime-data",
                "regime-lab",
                "regime-models",
                "regime-scaling",
                "regime-tangent",
                "regime-train",
            ],
        ),
        (
            "regime-findings",
            &[
                "regime-data",
                "regime-lab",
                "regime-models",
                "regime-scaling",
                "regime-study",
                "regime-tangent",
                "regime-train",
            ],
        ),
        (
            "regime",
            &[
                "regime-data",
                "regime-findings",
                "regime-lab",
                "regime-models",
                "regime-plot",
                "regime-scaling",
                "regime-study",
                "regime-tangent",
                "regime-train",
            ],
        ),
    ];
    for (member, below) in allowed {
        for name in built_with(&metadata, member) {
            let own = name == member;
            let in_workspace = name == "regime" || name.starts_with("regime-") || name == "xtask";
            assert!(own || !in_workspace || below.contains(&name.as_str()), "{member} uses {name}");
        }
    }
}

#[test]
fn only_some_files_touch_the_disk() {
    let folders = crate_sources();
    let folders: Vec<&str> = folders.iter().map(String::as_str).collect();
    let disk = ["std::fs", "fs::", "File::", "std::process", "std::net"];
    let exceptions =
        ["crates/regime-data/src", "crates/regime-lab/src/store", "crates/regime-tangent/src/file"];
    assert_absent(&disk, &folders, &exceptions);
}

#[test]
fn libraries_neither_print_nor_use_anyhow() {
    let folders = crate_sources();
    let folders: Vec<&str> = folders.iter().map(String::as_str).collect();
    assert_absent(&["println!", "eprintln!", "print!(", "dbg!", "anyhow"], &folders, &[]);
}

#[test]
fn libraries_read_no_clock_and_no_global_generator() {
    let folders = crate_sources();
    let folders: Vec<&str> = folders.iter().map(String::as_str).collect();
    let generators = ["thread_rng", "rand::rng()", "from_os_rng", "rand::random", "B::seed("];
    assert_absent(&generators, &folders, &[]);
    // The executor times its events; no time enters a record.
    assert_absent(&["Instant::", "SystemTime::"], &folders, &["crates/regime-lab/src/execute"]);
}

#[test]
fn a_backend_is_chosen_in_one_file() {
    let mut folders = crate_sources();
    folders.extend(["xtask/src".to_owned(), "benches".to_owned()]);
    let folders: Vec<&str> = folders.iter().map(String::as_str).collect();
    // dispatch.rs checks whether a backend is Flex, whose operations are fused in host/, or LibTorch,
    // whose own operations are called in libtorch/; it does not choose the backend. The macro of the
    // test kit names backends in the tests of the crate that invokes it. The prelude has the default
    // backend of programs outside the workspace.
    let exceptions = [
        "xtask/src/backend.rs",
        "benches/src/problem.rs",
        "crates/regime/src/prelude.rs",
        "crates/regime-models/src/host",
        "crates/regime-models/src/libtorch",
        "crates/regime-models/src/dispatch.rs",
        "crates/regime-models/src/kit/backends.rs",
    ];
    assert_absent(&["burn_flex", "burn_ndarray", "burn_tch"], &folders, &exceptions);
}

#[test]
fn versions_live_in_the_workspace_manifest() {
    let mut manifests: Vec<PathBuf> =
        CRATES.iter().map(|name| root().join("crates").join(name).join("Cargo.toml")).collect();
    manifests.extend(
        ["xtask", "xtask/fuzz", "benches"].map(|name| root().join(name).join("Cargo.toml")),
    );
    for path in manifests {
        let text = fs::read_to_string(&path).expect("a manifest");
        let mut in_dependencies = false;
        for line in text.lines() {
            if line.starts_with('[') {
                in_dependencies = line.contains("dependencies]");
            } else if in_dependencies && line.contains('=') {
                let place = path.display();
                assert!(line.contains("workspace = true"), "{place}: `{line}` states a version");
            }
        }
    }
}

#[test]
fn the_top_level_has_only_known_entries() {
    let known = [
        "Cargo.lock",
        "Cargo.toml",
        "LICENSE-APACHE",
        "LICENSE-MIT",
        "README.md",
        "benches",
        "crates",
        "docs",
        "xtask",
    ];
    // Folders of build output and results.
    let made = ["target", "results", "data"];
    for entry in fs::read_dir(root()).expect("the workspace") {
        let name = entry.expect("a readable entry").file_name().to_string_lossy().into_owned();
        let expected = known.contains(&name.as_str()) || made.contains(&name.as_str());
        assert!(expected || name.starts_with('.'), "{name} at the top level");
    }
}
