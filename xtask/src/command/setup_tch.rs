//! `setup-tch`: LibTorch, in a folder of the repository.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, bail};

use crate::{cli::SetupTch, output};

/// The version that burn-tch wants, and the parts of CUDA without which the library of that
/// package does not load even where no GPU is used.
const PACKAGES: [&str; 3] =
    ["torch==2.9.0", "nvidia-cuda-runtime-cu12==12.8.90", "nvidia-cuda-cupti-cu12==12.8.90"];

/// What only a GPU needs, which is most of the package. Without `libtorch_cuda.so` programs are
/// not linked against CUDA.
const CUDA_PARTS: [&str; 5] = [
    "libtorch_cuda.so",
    "libtorch_cuda_linalg.so",
    "libtorch_nvshmem.so",
    "libc10_cuda.so",
    "libcaffe2_nvrtc.so",
];

/// Installs, and says what to do with it.
pub(super) fn run(arguments: &SetupTch) -> anyhow::Result<()> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        bail!(
            "this is set up for Linux on x86-64; elsewhere install LibTorch 2.9.0 by hand and set \
             LIBTORCH, see docs/backends.md"
        );
    }
    let folder = repository().join(".libtorch");
    let site = folder.join("site");
    if site.exists() {
        fs::remove_dir_all(&site).with_context(|| site.display().to_string())?;
    }
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;

    // A pip of its own: those of distributions refuse to install, or are not there.
    let venv = folder.join("venv");
    carry_out(Command::new("python3").args(["-m", "venv"]).arg(&venv), "Python 3 with venv")?;
    let mut pip = Command::new(venv.join("bin").join("pip"));
    pip.args(["install", "--disable-pip-version-check", "--no-compile", "--target"]).arg(&site);
    if !arguments.cuda {
        pip.arg("--no-deps");
    }
    eprintln!(
        "getting {}{}: {} to download",
        PACKAGES[0],
        if arguments.cuda { " with CUDA" } else { "" },
        if arguments.cuda { "some 3 GB" } else { "0.9 GB" }
    );
    carry_out(pip.args(PACKAGES), "the registry of Python's packages")?;

    let torch = site.join("torch");
    if !arguments.cuda {
        for part in CUDA_PARTS {
            let path = torch.join("lib").join(part);
            fs::remove_file(&path).with_context(|| path.display().to_string())?;
        }
    }
    let env = folder.join("env.sh");
    output::replace(&env, environment(&torch, &libraries(&site)?).as_bytes())
        .with_context(|| env.display().to_string())?;
    println!(
        "LibTorch is in {}. In a shell that has read\n\n    . {}\n\nbuild and run with it:\n\n    \
         cargo xtask-tch reproduce finding-1 --profile smoke --backend tch\n    \
         cargo test --workspace --all-features",
        torch.display(),
        env.display()
    );
    Ok(())
}

/// The folder of the repository this program was built from.
fn repository() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_owned()
}

/// Runs a program that tells its progress itself.
fn carry_out(command: &mut Command, needs: &str) -> anyhow::Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status =
        command.status().with_context(|| format!("{name} cannot be run: is {needs} there"))?;
    if !status.success() {
        bail!("{name} failed ({status}): this needs {needs}");
    }
    Ok(())
}

/// The folders with libraries, LibTorch's first.
fn libraries(site: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut folders = vec![site.join("torch").join("lib")];
    let nvidia = site.join("nvidia");
    for entry in fs::read_dir(&nvidia).with_context(|| nvidia.display().to_string())? {
        let lib = entry?.path().join("lib");
        if lib.is_dir() {
            folders.push(lib);
        }
    }
    folders[1..].sort();
    Ok(folders)
}

/// What building with LibTorch and running with it need, for any POSIX shell.
fn environment(torch: &Path, libraries: &[PathBuf]) -> String {
    let joined: Vec<String> = libraries.iter().map(|path| path.display().to_string()).collect();
    format!(
        "export LIBTORCH='{}'\nexport LIBTORCH_CXX11_ABI=1\n\
         export LD_LIBRARY_PATH='{}'\"${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}\"\n",
        torch.display(),
        joined.join(":")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_names_all_folders_and_keeps_what_was_there() {
        let text = environment(Path::new("/a b/torch"), &["/a b/torch/lib".into(), "/c".into()]);
        assert!(text.contains("LIBTORCH='/a b/torch'\n"), "{text}");
        assert!(text.contains("'/a b/torch/lib:/c'\"${LD_LIBRARY_PATH:+"), "{text}");
    }
}
