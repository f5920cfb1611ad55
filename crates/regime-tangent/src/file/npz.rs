use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, BufReader, Read, Seek},
    path::Path,
};

use ndarray::{Array, ArrayD, ArrayViewD, Dimension};
use regime_models::Precision;
use zip::{CompressionMethod, ZipArchive, ZipWriter, read::ZipFile, write::SimpleFileOptions};

use super::{
    Arrays,
    atomic::write_atomically,
    error::{FileError, FileProblem, refused},
    header::Header,
    npy::{read_from, with_axes, write_to},
};

/// The suffix that NumPy appends to the name of an array in the archive.
const SUFFIX: &str = ".npy";

/// Writes named arrays to a `.npz` file, without compression and in the given order. The
/// same arrays give the same bytes.
///
/// `arrays` are pairs of a name and an array of any number of axes. A reference to the [`Arrays`] that
/// [`read_npz`] returns is a list of such pairs:
///
/// ```
/// use ndarray::{arr0, array};
/// use regime_models::Precision;
/// use regime_tangent::file::{read_npz, write_npz};
///
/// let folder = tempfile::tempdir()?;
/// let [first, copy] = ["first.npz", "copy.npz"].map(|name| folder.path().join(name));
/// let (theta, t) = (array![[2.0, 1.0], [1.0, 3.0]].into_dyn(), arr0(0.5).into_dyn());
/// write_npz(&first, [("theta", &theta), ("t", &t)], Precision::F64)?;
///
/// let mut arrays = read_npz(&first)?;
/// arrays.remove("t");
/// write_npz(&copy, &arrays, Precision::F64)?;
/// assert_eq!(read_npz(&copy)?["theta"], theta);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`FileError`] when two arrays have the same name, when a name is empty, and for an error
/// of the file system; an existing file is then unchanged.
pub fn write_npz<'a, S: AsRef<str>, A: Into<ArrayViewD<'a, f64>>>(
    path: impl AsRef<Path>,
    arrays: impl IntoIterator<Item = (S, A)>,
    element: Precision,
) -> Result<(), FileError> {
    let path = path.as_ref();
    let arrays = named(path, arrays)?;
    write_atomically(path, |file| {
        let mut archive = ZipWriter::new(file);
        for (name, array) in &arrays {
            let name = name.as_ref();
            let length = Header::new(array.shape(), element).0.file_length()?;
            let options = SimpleFileOptions::default()
                .compression_method(CompressionMethod::Stored)
                .large_file(length >= u64::from(u32::MAX));
            archive.start_file(format!("{name}{SUFFIX}"), options).map_err(broken)?;
            write_to(&mut archive, array, element)?;
        }
        archive.finish().map_err(broken)?;
        Ok(())
    })
}

/// Reads all arrays of a `.npz` file, stored or deflated.
///
/// # Errors
/// [`FileError`] when the file does not exist, a checksum fails, an array is not of float64
/// or float32 ([`read_npz_array`] can read the other arrays of such a file), or an array
/// exists both as `a` and as `a.npy`.
pub fn read_npz(path: impl AsRef<Path>) -> Result<Arrays, FileError> {
    let path = path.as_ref();
    let mut archive = open(path)?;
    check_overlap(&mut archive).map_err(|problem| problem.at(path))?;
    let mut arrays = Arrays::new();
    for index in 0..archive.len() {
        let full = archive.name_for_index(index).unwrap_or_default();
        let name = full.strip_suffix(SUFFIX).unwrap_or(full).to_owned();
        let array =
            read_entry(&mut archive, index).map_err(|problem| problem.at_array(path, &name))?;
        if arrays.insert(name.clone(), array).is_some() {
            // `a` and `a.npy` are two entries of the archive.
            return Err(FileProblem::Name { why: "it occurs twice" }.at_array(path, &name));
        }
    }
    Ok(arrays)
}

/// Reads one array of a `.npz` file, stored or deflated.
///
/// # Errors
/// As [`read_npz`], for this array only, and when the file has no array of this name and
/// number of axes.
pub fn read_npz_array<D: Dimension>(
    path: impl AsRef<Path>,
    name: &str,
) -> Result<Array<f64, D>, FileError> {
    let path = path.as_ref();
    let mut archive = open(path)?;
    let full = format!("{name}{SUFFIX}");
    let Some(index) = archive.index_for_name(&full).or_else(|| archive.index_for_name(name)) else {
        let names = archive.file_names();
        let present = names.map(|n| n.strip_suffix(SUFFIX).unwrap_or(n).to_owned()).collect();
        return Err(FileProblem::NoSuchArray { present }.at_array(path, name));
    };
    read_entry(&mut archive, index)
        .and_then(with_axes)
        .map_err(|problem| problem.at_array(path, name))
}

/// The arrays with their names, which are distinct and not empty.
pub(super) fn named<'a, S: AsRef<str>, A: Into<ArrayViewD<'a, f64>>>(
    path: &Path,
    arrays: impl IntoIterator<Item = (S, A)>,
) -> Result<Vec<(S, ArrayViewD<'a, f64>)>, FileError> {
    let arrays: Vec<(S, ArrayViewD<'a, f64>)> =
        arrays.into_iter().map(|(name, array)| (name, array.into())).collect();
    let mut seen = BTreeSet::new();
    for (name, _) in &arrays {
        let name = name.as_ref();
        if name.is_empty() {
            return Err(FileProblem::Name { why: "it is empty" }.at_array(path, name));
        }
        if !seen.insert(name) {
            return Err(FileProblem::Name { why: "it occurs twice" }.at_array(path, name));
        }
    }
    drop(seen);
    Ok(arrays)
}

fn open(path: &Path) -> Result<ZipArchive<BufReader<File>>, FileError> {
    let file = File::open(path).map_err(refused(path))?;
    ZipArchive::new(BufReader::new(file)).map_err(|cause| broken(cause).at(path))
}

/// Checks that the entries of an archive do not share their bytes: otherwise a short file could
/// hold any number of long arrays.
fn check_overlap<R: Read + Seek>(archive: &mut ZipArchive<R>) -> Result<(), FileProblem> {
    let mut places = Vec::new();
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(broken)?;
        places.push((entry.header_start(), entry.data_start(), entry.compressed_size()));
    }
    places.sort_unstable();
    let overlap = |pair: &[(u64, Option<u64>, u64)]| {
        let (_, start, length) = pair[0];
        start.is_none_or(|start| start.saturating_add(length) > pair[1].0)
    };
    match places.windows(2).any(overlap) {
        true => Err(FileProblem::container("npz", "two of its entries share bytes")),
        false => Ok(()),
    }
}

/// Reads an entry, whose bytes are counted before memory is allocated for its numbers.
fn read_entry<R: Read + Seek>(
    archive: &mut ZipArchive<R>,
    index: usize,
) -> Result<ArrayD<f64>, FileProblem> {
    let mut entry = archive.by_index(index).map_err(broken)?;
    let wanted = entry.size();
    // A stored entry can end early too, where the file ends.
    let found = io::copy(&mut entry.by_ref().take(wanted.saturating_add(1)), &mut io::sink())?;
    if found != wanted {
        return Err(FileProblem::Length { wanted, found });
    }
    drop(entry);
    read_counted(archive.by_index(index).map_err(broken)?)
}

fn read_counted<R: Read>(mut entry: ZipFile<'_, R>) -> Result<ArrayD<f64>, FileProblem> {
    let length = entry.size();
    let array = read_from(&mut entry, length)?;
    // A read at the end of the entry compares the checksum.
    match entry.read(&mut [0])? {
        0 => Ok(array),
        _ => Err(FileProblem::Length { wanted: length, found: length + 1 }),
    }
}

fn broken(cause: zip::result::ZipError) -> FileProblem {
    match cause {
        zip::result::ZipError::Io(cause) => FileProblem::Io(cause),
        other => FileProblem::container("npz", other),
    }
}
