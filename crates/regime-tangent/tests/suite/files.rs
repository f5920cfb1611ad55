//! Arrays and kernels in files: written values are read back to the bit, and damaged files
//! are refused.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    ops::{ControlFlow, Range},
    path::{Path, PathBuf},
};

use burn_flex::{Flex, FlexDevice};
use burn_tensor::Tensor;
use ndarray::{Array1, Array2, Array3, ArrayD, Axis, Dimension, Ix2, IxDyn, Slice, array};
use regime_models::{Activation, DenseSpec, FeedForward, Network, Precision, Tape, Trace};
use regime_tangent::{
    cross_kernel,
    file::{
        Arrays, Existing, FileError, FileProblem, NpyRows, Progress, TileError, TileReport, Tiling,
        journal_path, read_npy, read_npz, read_npz_array, read_safetensors, verify,
        write_cross_kernel, write_kernel, write_npy, write_npz, write_safetensors,
    },
    kernel,
};
use tempfile::TempDir;

const F64: Precision = Precision::F64;
const F32: Precision = Precision::F32;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// Names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn bits<D: Dimension>(array: &ndarray::Array<f64, D>) -> Vec<u64> {
    array.iter().map(|v| v.to_bits()).collect()
}

/// Numbers that are easily changed: signs of zero, subnormal, infinite, NaNs with payloads.
fn awkward(n: usize) -> Array1<f64> {
    let special = [
        0.0,
        -0.0,
        1.0 / 3.0,
        f64::MIN_POSITIVE / 8.0,
        -f64::from_bits(1),
        f64::MAX,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
        f64::from_bits(0x7ff8_dead_beef_0123),
        f64::from_bits(0xfff0_0000_0000_0001),
    ];
    Array1::from_shape_fn(n, |i| *special.get(i % 13).unwrap_or(&(i as f64).sqrt()))
}

fn awkward_matrix(rows: usize, columns: usize) -> Array2<f64> {
    awkward(rows * columns).into_shape_with_order((rows, columns)).unwrap()
}

/// The numbers rounded to float32.
fn rounded<D: Dimension>(array: &ndarray::Array<f64, D>) -> ndarray::Array<f64, D> {
    array.mapv(|v| v as f32 as f64)
}

const SIZES: [[usize; 2]; 9] =
    [[0, 0], [0, 3], [3, 0], [1, 1], [1, 7], [33, 1], [31, 32], [3, 5], [129, 257]];

#[test]
fn npy_preserves_every_bit() {
    let folder = folder();
    let path = folder.path().join("a.npy");
    for [rows, columns] in SIZES {
        let matrix = awkward_matrix(rows, columns);
        write_npy(&path, &matrix, F64).unwrap();
        let back: Array2<f64> = read_npy(&path).unwrap();
        assert_eq!(back.dim(), (rows, columns));
        assert_eq!(bits(&back), bits(&matrix));
        let any: ArrayD<f64> = read_npy(&path).unwrap();
        assert_eq!(any.shape(), [rows, columns]);

        write_npy(&path, &matrix, F32).unwrap();
        let back: Array2<f64> = read_npy(&path).unwrap();
        assert_eq!(bits(&back), bits(&rounded(&matrix)));
        assert!(fs::metadata(&path).unwrap().len() <= 128 + 4 * (rows * columns) as u64);

        let vector = awkward(rows);
        write_npy(&path, &vector, F64).unwrap();
        let back: Array1<f64> = read_npy(&path).unwrap();
        assert_eq!(bits(&back), bits(&vector));
    }
    let cube = Array3::from_shape_fn((2, 3, 4), |(i, j, k)| (100 * i + 10 * j + k) as f64);
    write_npy(&path, &cube, F64).unwrap();
    assert_eq!(read_npy::<ndarray::Ix3>(&path).unwrap(), cube);
    assert_eq!(names(folder.path()), ["a.npy"], "a temporary file was left");
}

#[test]
fn the_layout_in_memory_does_not_matter() {
    let folder = folder();
    let (plain, other) = (folder.path().join("plain.npy"), folder.path().join("other.npy"));
    let matrix = Array2::from_shape_fn((7, 5), |(i, j)| (10 * i + j) as f64);
    write_npy(&plain, &matrix.t().as_standard_layout().to_owned(), F64).unwrap();
    write_npy(&other, &matrix.t(), F64).unwrap();
    assert_eq!(fs::read(&plain).unwrap(), fs::read(&other).unwrap());
    let mut part = matrix.slice_axis(Axis(0), Slice::new(1, None, 2));
    part.invert_axis(Axis(1));
    write_npy(&other, &part, F64).unwrap();
    let back: Array2<f64> = read_npy(&other).unwrap();
    assert_eq!(back.row(0), array![14.0, 13.0, 12.0, 11.0, 10.0]);
    assert_eq!(back, part);
    assert!(back.is_standard_layout());
}

/// A `.npy` file of version 1.0 with this dictionary and these numbers.
fn by_hand(dictionary: &str, numbers: &[u8]) -> Vec<u8> {
    let text = format!("{dictionary}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(u16::try_from(text.len()).unwrap().to_le_bytes());
    bytes.extend(text.bytes());
    bytes.extend(numbers);
    bytes
}

#[test]
fn columns_first_are_read_as_the_same_matrix() {
    let folder = folder();
    let path = folder.path().join("columns.npy");
    let numbers: Vec<u8> = (0..6).flat_map(|i| (i as f32).to_le_bytes()).collect();
    let dictionary = "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }";
    fs::write(&path, by_hand(dictionary, &numbers)).unwrap();
    let matrix: Array2<f64> = read_npy(&path).unwrap();
    assert_eq!(matrix, array![[0.0, 2.0, 4.0], [1.0, 3.0, 5.0]]);
    assert!(matrix.is_standard_layout());
    let refused = NpyRows::open(&path).unwrap_err();
    assert!(matches!(refused.problem, FileProblem::ColumnOrder), "{refused}");
}

fn refused<D: Dimension>(path: &Path, bytes: &[u8]) -> FileError {
    fs::write(path, bytes).unwrap();
    let refused = read_npy::<D>(path).unwrap_err();
    let text = refused.to_string();
    assert!(text.starts_with(&format!("{}: ", path.display())), "{text}");
    refused
}

#[test]
fn invalid_npy_files_are_refused() {
    let folder = folder();
    let path = folder.path().join("a.npy");
    let missing = read_npy::<Ix2>(&path).unwrap_err();
    let FileProblem::Io(cause) = &missing.problem else { panic!("{missing}") };
    assert_eq!(cause.kind(), std::io::ErrorKind::NotFound);
    assert!(missing.to_string().contains("a.npy"), "{missing}");

    write_npy(&path, &awkward_matrix(3, 5), F64).unwrap();
    let whole = fs::read(&path).unwrap();
    for end in 0..whole.len() {
        let problem = refused::<Ix2>(&path, &whole[..end]).problem;
        match end {
            0..6 => assert!(matches!(problem, FileProblem::NotNpy { .. }), "{end}: {problem}"),
            6..128 => assert!(matches!(problem, FileProblem::Header { .. }), "{end}: {problem}"),
            _ => assert!(
                matches!(problem, FileProblem::Length { wanted: 248, found } if found == end as u64),
                "{end}: {problem}"
            ),
        }
    }
    let longer = [&whole[..], &[0]].concat();
    let text = refused::<Ix2>(&path, &longer).to_string();
    assert!(text.ends_with("it has 249 bytes, but its header announces 248"), "{text}");
    let text = refused::<ndarray::Ix1>(&path, &whole).to_string();
    assert!(text.ends_with("its shape is [3, 5], should have 1 axes"), "{text}");
    let text = refused::<Ix2>(&path, b"PK\x03\x04 and so on").to_string();
    assert!(text.contains("not a .npy file: it starts with [50, 4b, 03, 04, 20, 61]"), "{text}");
    let whole_numbers = "{'descr': '<i8', 'fortran_order': False, 'shape': (1,), }";
    let text = refused::<Ix2>(&path, &by_hand(whole_numbers, &[0; 8])).to_string();
    assert!(text.ends_with("`<i8`, should be float64 or float32 in little endian"), "{text}");
}

#[test]
fn a_shape_that_exceeds_memory_is_an_error() {
    let folder = folder();
    let path = folder.path().join("a.npy");
    for shape in ["(4294967296, 4294967296)", "(9223372036854775807, 2)", "(1000000000000, 1)"] {
        let lie = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}");
        let problem = refused::<Ix2>(&path, &by_hand(&lie, &[0; 8])).problem;
        assert!(
            matches!(problem, FileProblem::TooLarge { .. } | FileProblem::Length { .. }),
            "{problem}"
        );
    }
}

#[test]
fn a_failed_write_leaves_the_existing_file() {
    let folder = folder();
    let path = folder.path().join("no/such/folder/a.npy");
    let text = write_npy(&path, &awkward(3), F64).unwrap_err().to_string();
    assert!(text.contains("no/such/folder/a.npy"), "{text}");

    let path = folder.path().join("a.npz");
    write_npz(&path, [("a", awkward(3).view().into_dyn())], F64).unwrap();
    let before = fs::read(&path).unwrap();
    let twice = awkward(2);
    let arrays = [("b", twice.view().into_dyn()), ("b", twice.view().into_dyn())];
    assert!(write_npz(&path, arrays.clone(), F64).is_err());
    assert!(write_safetensors(&path, arrays, &BTreeMap::new(), F64).is_err());
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(names(folder.path()), ["a.npz"]);
}

/// One array per awkward size, and some with other numbers of axes.
fn many() -> Vec<(String, ArrayD<f64>)> {
    let mut arrays: Vec<(String, ArrayD<f64>)> = SIZES
        .iter()
        .map(|&[n, m]| (format!("matrix {n}×{m}"), awkward_matrix(n, m).into_dyn()))
        .collect();
    arrays.push(("vector/one".into(), awkward(17).into_dyn()));
    arrays.push(("scalar".into(), ArrayD::from_elem(IxDyn(&[]), -0.5)));
    arrays.push(("cube".into(), ArrayD::from_elem(IxDyn(&[2, 3, 2]), 7.0)));
    arrays
}

fn views(arrays: &[(String, ArrayD<f64>)]) -> Vec<(&str, ndarray::ArrayViewD<'_, f64>)> {
    arrays.iter().map(|(name, array)| (name.as_str(), array.view())).collect()
}

fn assert_same(found: &BTreeMap<String, ArrayD<f64>>, wanted: &[(String, ArrayD<f64>)]) {
    assert_eq!(found.len(), wanted.len());
    for (name, array) in wanted {
        let found = &found[name];
        assert_eq!(found.shape(), array.shape(), "{name}");
        assert_eq!(bits(found), bits(array), "{name}");
    }
}

#[test]
fn npz_preserves_every_bit() {
    let folder = folder();
    let path = folder.path().join("a.npz");
    let arrays = many();
    write_npz(&path, views(&arrays), F64).unwrap();
    assert_same(&read_npz(&path).unwrap(), &arrays);
    let matrix: Array2<f64> = read_npz_array(&path, "matrix 3×5").unwrap();
    assert_eq!(bits(&matrix), bits(&awkward_matrix(3, 5)));
    let first = fs::read(&path).unwrap();
    write_npz(&path, views(&arrays), F64).unwrap();
    assert_eq!(fs::read(&path).unwrap(), first, "the same arrays gave other bytes");

    write_npz(&path, views(&arrays), F32).unwrap();
    let narrow: Vec<_> = arrays.iter().map(|(n, a)| (n.clone(), rounded(a))).collect();
    assert_same(&read_npz(&path).unwrap(), &narrow);

    write_npz(&path, &Arrays::new(), F64).unwrap();
    assert!(read_npz(&path).unwrap().is_empty());
}

#[test]
fn safetensors_preserve_every_bit() {
    let folder = folder();
    let path = folder.path().join("a.safetensors");
    let arrays = many();
    let metadata = BTreeMap::from([("h".into(), "100".into()), ("α".into(), "1e-3 \"\n".into())]);
    write_safetensors(&path, views(&arrays), &metadata, F64).unwrap();
    let (found, found_metadata) = read_safetensors(&path).unwrap();
    assert_same(&found, &arrays);
    assert_eq!(found_metadata, metadata);

    write_safetensors(&path, views(&arrays), &BTreeMap::new(), F32).unwrap();
    let narrow: Vec<_> = arrays.iter().map(|(n, a)| (n.clone(), rounded(a))).collect();
    let (found, found_metadata) = read_safetensors(&path).unwrap();
    assert_same(&found, &narrow);
    assert!(found_metadata.is_empty());
}

/// What a reader returns is what the writers take: no name, shape or bit is lost on the way.
#[test]
fn arrays_that_were_read_can_be_written() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let mut arrays = many();
    let odd = ["a.npy", "a", "Θ, ‘quoted’ \"x\"", "../up", "dir/", "back\\slash", " ", "a\nb"];
    arrays.extend(odd.map(|name| (name.to_owned(), awkward(3).into_dyn())));
    write_npz(path("1.npz"), views(&arrays), F64).unwrap();
    let first = read_npz(path("1.npz")).unwrap();
    assert_same(&first, &arrays);
    for (name, array) in &arrays {
        let alone: ArrayD<f64> = read_npz_array(path("1.npz"), name).unwrap();
        assert_eq!(bits(&alone), bits(array), "{name:?}");
    }
    write_safetensors(path("2.safetensors"), &first, &BTreeMap::new(), F64).unwrap();
    let (second, _) = read_safetensors(path("2.safetensors")).unwrap();
    assert_same(&second, &arrays);
    write_npz(path("3.npz"), &second, F64).unwrap();
    assert_same(&read_npz(path("3.npz")).unwrap(), &arrays);
}

#[test]
fn damaged_containers_are_refused() {
    let folder = folder();
    let path = folder.path().join("file");
    let arrays = [("a".to_owned(), awkward_matrix(3, 5).into_dyn())];

    write_npz(&path, views(&arrays), F64).unwrap();
    let whole = fs::read(&path).unwrap();
    for end in 0..whole.len() {
        fs::write(&path, &whole[..end]).unwrap();
        assert!(read_npz(&path).is_err(), "cut after {end} of {} bytes", whole.len());
    }
    // The archive's checksum detects a flipped bit of a number.
    let mut flipped = whole.clone();
    let place = whole.windows(8).position(|w| w == (1.0f64 / 3.0).to_le_bytes()).unwrap();
    flipped[place] ^= 1;
    fs::write(&path, &flipped).unwrap();
    let text = read_npz(&path).unwrap_err().to_string();
    assert!(
        text.contains("file, array `a`: ") && text.to_lowercase().contains("checksum"),
        "{text}"
    );

    fs::write(&path, &whole).unwrap();
    let text = read_npz_array::<Ix2>(&path, "b").unwrap_err().to_string();
    assert!(text.ends_with("array `b`: there is no such array, only [\"a\"]"), "{text}");
    let text = read_npz_array::<ndarray::Ix1>(&path, "a").unwrap_err().to_string();
    assert!(text.ends_with("array `a`: its shape is [3, 5], should have 1 axes"), "{text}");

    // NumPy finds `a.npy` and `a` under one name.
    write_npy(&path, &arrays[0].1, F64).unwrap();
    let array = fs::read(&path).unwrap();
    let mut archive = zip::ZipWriter::new(fs::File::create(&path).unwrap());
    for name in ["a.npy", "a"] {
        archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(&array).unwrap();
    }
    archive.finish().unwrap();
    let text = read_npz(&path).unwrap_err().to_string();
    assert!(text.ends_with("array `a`: not a valid name of an array: it occurs twice"), "{text}");

    write_safetensors(&path, views(&arrays), &BTreeMap::new(), F64).unwrap();
    let whole = fs::read(&path).unwrap();
    for end in 0..whole.len() {
        fs::write(&path, &whole[..end]).unwrap();
        let text = read_safetensors(&path).unwrap_err().to_string();
        assert!(text.contains("not a safetensors file that can be used"), "{text}");
    }
    let mut other = whole.clone();
    let header = whole.windows(5).position(|w| w == b"\"F64\"").unwrap();
    other[header..header + 5].copy_from_slice(b"\"I64\"");
    fs::write(&path, &other).unwrap();
    let text = read_safetensors(&path).unwrap_err().to_string();
    assert!(text.contains("array `a`: its elements are `I64`"), "{text}");

    let name = |name| {
        let arrays = [(name, arrays[0].1.view())];
        let npz = write_npz(&path, arrays.clone(), F64).map_err(|e| e.to_string());
        let tensors = write_safetensors(&path, arrays, &BTreeMap::new(), F64);
        (npz, tensors.map_err(|e| e.to_string()))
    };
    let (npz, tensors) = name("");
    assert!(npz.unwrap_err().ends_with("not a valid name of an array: it is empty"));
    assert!(tensors.unwrap_err().ends_with("not a valid name of an array: it is empty"));
    let (npz, tensors) = name("__metadata__");
    assert!(npz.is_ok() && tensors.unwrap_err().ends_with("it is reserved"));
}

#[test]
fn rows_of_a_file() {
    let folder = folder();
    let path = folder.path().join("a.npy");
    let matrix = Array2::from_shape_fn((33, 7), |(i, j)| ((7 * i + j) as f64).sin());
    for (element, wanted) in [(F64, matrix.clone()), (F32, rounded(&matrix))] {
        write_npy(&path, &matrix, element).unwrap();
        let mut rows = NpyRows::open(&path).unwrap();
        assert_eq!(rows.shape(), [33, 7]);
        assert_eq!(rows.element(), element);
        for range in [0..33, 0..1, 32..33, 5..19, 4..4, 33..33] {
            let found = rows.read(range.clone()).unwrap();
            assert_eq!(found, wanted.slice_axis(Axis(0), Slice::from(range)));
        }
        let v = Array1::from_shape_fn(7, |j| 1.0 / (1.0 + j as f64));
        let product = rows.multiply(&v).unwrap();
        for (i, row) in wanted.axis_iter(Axis(0)).enumerate() {
            let sum: f64 = row.iter().zip(&v).map(|(a, b)| a * b).sum();
            assert!((product[i] - sum).abs() < 1e-14, "row {i}: {} and {sum}", product[i]);
        }
    }
    for empty in [[0, 3], [3, 0]] {
        write_npy(&path, &Array2::<f64>::zeros(empty), F64).unwrap();
        let mut rows = NpyRows::open(&path).unwrap();
        assert_eq!(rows.multiply(&Array1::ones(empty[1])).unwrap(), Array1::<f64>::zeros(empty[0]));
    }
    let vast =
        by_hand("{'descr': '<f8', 'fortran_order': False, 'shape': (1152921504606846976, 0)}", &[]);
    fs::write(&path, vast).unwrap();
    assert!(matches!(NpyRows::open(&path).unwrap_err().problem, FileProblem::TooLarge { .. }));
    write_npy(&path, &awkward(3), F64).unwrap();
    let text = NpyRows::open(&path).unwrap_err().to_string();
    assert!(text.ends_with("its shape is [3], should have 2 axes"), "{text}");
    write_npy(&path, &matrix, F64).unwrap();
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    assert!(matches!(NpyRows::open(&path).unwrap_err().problem, FileProblem::Length { .. }));
}

/// A product reads a file with long rows in several parts.
#[test]
fn a_product_over_several_parts_of_a_file() {
    let folder = folder();
    let path = folder.path().join("a.npy");
    let columns = (1 << 18) + 1;
    let matrix =
        Array2::from_shape_fn((5, columns), |(i, j)| if j % 1000 == i { 1.0 } else { 0.0 });
    write_npy(&path, &matrix, F32).unwrap();
    let product = NpyRows::open(&path).unwrap().multiply(&Array1::ones(columns)).unwrap();
    // j = i, i + 1000, … below 262 145; one more while i ≤ 144.
    assert_eq!(product, Array1::from_elem(5, 263.0));
}

/// A network and points for it.
struct Problem {
    net: FeedForward,
    w: Tensor<Flex, 1>,
    x: Tensor<Flex, 2>,
}

fn problem(n: usize, seed: u64) -> Problem {
    let activation = Activation::Softplus { beta: 5.0 };
    let spec = DenseSpec { inputs: 3, width: 5, hidden_layers: 2, activation, bias: true };
    let net = spec.build().unwrap();
    let x: Vec<f64> = (0..3 * n).map(|i| ((i + 1) as f64 * (1.1 + seed as f64)).sin()).collect();
    Problem {
        w: F64.vector(&net.initial_weights(7), &FlexDevice),
        x: F64.matrix(&x, [n, 3], &FlexDevice),
        net,
    }
}

impl Problem {
    fn n(&self) -> usize {
        self.x.dims()[0]
    }

    fn tape(&self, points: Range<usize>) -> impl Tape<Flex> + use<> {
        self.net.trace(&self.w, &self.x.clone().slice([points])).linearise()
    }

    fn kernel(&self) -> Array2<f64> {
        let theta = Precision::to_host(kernel(&self.tape(0..self.n())));
        Array2::from_shape_vec((self.n(), self.n()), theta).unwrap()
    }

    fn write(&self, path: &Path, tiling: &Tiling<'_>) -> Result<TileReport, TileError> {
        self.write_some(path, tiling, usize::MAX)
    }

    /// Stops after `most` tiles.
    fn write_some(
        &self,
        path: &Path,
        tiling: &Tiling<'_>,
        most: usize,
    ) -> Result<TileReport, TileError> {
        let mut calls = 0;
        let progress = |_: Progress| {
            calls += 1;
            if calls > most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        write_kernel(path, self.n(), |points| self.tape(points), tiling, progress)
    }
}

fn tiled(tile: usize) -> Tiling<'static> {
    Tiling { tile, ..Tiling::new("net 7, points 0") }
}

fn n_tiles(n: usize, tile: usize) -> usize {
    let side = n.div_ceil(tile);
    side * (side + 1) / 2
}

fn close(found: &Array2<f64>, wanted: &Array2<f64>, tolerance: f64) {
    let scale = wanted.iter().fold(0.0, |most: f64, v| most.max(v.abs()));
    let error = (found - wanted).iter().fold(0.0, |most: f64, v| most.max(v.abs()));
    assert!(error <= tolerance * scale, "{error:e} of {scale}");
}

#[test]
fn tiles_are_the_kernel() {
    for n in [1, 2, 3, 8, 31, 33] {
        let problem = problem(n, 0);
        let wanted = problem.kernel();
        // Every tile is synced to the disk, so the smallest tiles are for few points only.
        let smallest = if n < 10 { 1 } else { 5 };
        for tile in [smallest, 7, 32, n, n + 5, usize::MAX] {
            let folder = folder();
            let path = folder.path().join("theta.npy");
            let report = problem.write(&path, &tiled(tile)).unwrap();
            assert_eq!(report.tiles, n_tiles(n, tile));
            assert_eq!((report.kept, report.computed), (0, report.tiles));
            assert!(report.damaged.is_empty());
            let found: Array2<f64> = read_npy(&path).unwrap();
            close(&found, &wanted, 1e-12);
            assert_eq!(bits(&found), bits(&found.t().as_standard_layout().to_owned()));
            let verified = verify(&path).unwrap();
            assert_eq!(verified.shape, [n, n]);
            assert_eq!(verified.tiles, report.tiles);
            assert_eq!(Some(verified.sha256), report.sha256);
            assert_eq!(names(folder.path()), ["theta.npy", "theta.npy.tiles"]);

            let v = Array1::from_shape_fn(n, |i| (i as f64 + 0.5).cos());
            let product = NpyRows::open(&path).unwrap().multiply(&v).unwrap();
            for (a, b) in product.iter().zip(&wanted.dot(&v)) {
                assert!((a - b).abs() <= 1e-12 * b.abs().max(1.0), "{a} and {b}");
            }
        }
    }
}

#[test]
fn tiles_in_float32_are_the_rounded_kernel() {
    let folder = folder();
    let path = folder.path().join("theta.npy");
    let problem = problem(13, 0);
    let tiling = Tiling { element: F32, ..tiled(5) };
    problem.write(&path, &tiling).unwrap();
    verify(&path).unwrap();
    let found: Array2<f64> = read_npy(&path).unwrap();
    close(&found, &problem.kernel(), f32::EPSILON.into());
    assert_eq!(bits(&found), bits(&rounded(&found)));
    assert_eq!(bits(&found), bits(&found.t().as_standard_layout().to_owned()));
    // The tiles of an earlier call are valid in float32, too.
    let report = problem.write(&path, &tiling).unwrap();
    assert_eq!((report.kept, report.computed), (6, 0));
}

#[test]
fn no_points_give_an_empty_kernel() {
    let folder = folder();
    let path = folder.path().join("theta.npy");
    let tape = |points| problem(3, 0).tape(points);
    let progress = |_| ControlFlow::Continue(());
    let report = write_kernel(&path, 0, tape, &tiled(4), progress).unwrap();
    assert_eq!((report.tiles, report.computed), (0, 0));
    assert_eq!(read_npy::<Ix2>(&path).unwrap().dim(), (0, 0));
    assert_eq!(verify(&path).unwrap().shape, [0, 0]);
}

#[test]
fn cross_kernels_in_tiles() {
    let (a, b) = (problem(13, 0), problem(6, 1));
    let theta = Precision::to_host(cross_kernel(&a.tape(0..13), &b.tape(0..6)));
    let wanted = Array2::from_shape_vec((13, 6), theta).unwrap();
    for (tile, tiles) in [(1, 78), (4, 8), (100, 1)] {
        let folder = folder();
        let path = folder.path().join("cross.npy");
        let mut computed = 0;
        let mut write = |most: usize| {
            let tiling = tiled(tile);
            let stop = |progress: Progress| {
                computed += 1;
                let [i, j] = [progress.rows, progress.columns];
                assert!(i.end <= 13 && j.end <= 6 && !i.is_empty() && !j.is_empty());
                if progress.done == most {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            };
            write_cross_kernel(&path, [13, 6], |p| a.tape(p), |p| b.tape(p), &tiling, stop)
        };
        let half = write(tiles / 2).unwrap();
        assert_eq!((half.computed, half.sha256), (tiles / 2, None));
        let rest = write(usize::MAX).unwrap();
        assert_eq!((rest.kept, rest.computed), (tiles / 2, tiles - tiles / 2));
        close(&read_npy(&path).unwrap(), &wanted, 1e-12);
        assert_eq!(verify(&path).unwrap().shape, [13, 6]);
    }
}

/// Writes the kernel of `problem(13, 0)` in ten tiles of side 4, without a stop.
fn uninterrupted(folder: &Path) -> (Problem, PathBuf, Vec<u8>) {
    let problem = problem(13, 0);
    let path = folder.join("whole.npy");
    problem.write(&path, &tiled(4)).unwrap();
    let bytes = fs::read(&path).unwrap();
    (problem, path, bytes)
}

#[test]
fn a_kernel_stopped_after_any_tile_resumes_to_the_same_bits() {
    let folder = folder();
    let (problem, whole, wanted) = uninterrupted(folder.path());
    let journal = fs::read(journal_path(&whole)).unwrap();
    for k in 0..=10 {
        let path = folder.path().join(format!("{k}.npy"));
        let first = problem.write_some(&path, &tiled(4), k).unwrap();
        assert_eq!((first.tiles, first.kept, first.computed), (10, 0, k));
        assert_eq!(first.sha256.is_some(), k == 10);
        if k < 10 {
            let unfinished = verify(&path).unwrap_err();
            assert!(
                matches!(unfinished, TileError::Unfinished { done, tiles: 10, .. } if done == k),
                "{unfinished}"
            );
        }
        let second = problem.write(&path, &tiled(4)).unwrap();
        assert_eq!((second.kept, second.computed), (k, 10 - k));
        assert!(second.damaged.is_empty() && second.sha256.is_some());
        assert!(fs::read(&path).unwrap() == wanted, "other bits after a stop at {k}");
        assert_eq!(fs::read(journal_path(&path)).unwrap(), journal);
        verify(&path).unwrap();
    }
}

/// A process that is killed leaves a prefix of the journal, and arbitrary data in the file
/// outside of the tiles in this prefix.
#[test]
fn a_truncated_journal_costs_only_the_lost_tiles() {
    let folder = folder();
    let (problem, path, wanted) = uninterrupted(folder.path());
    let journal_file = journal_path(&path);
    let journal = fs::read(&journal_file).unwrap();
    let head = journal.iter().position(|&b| b == b'\n').unwrap() + 1;
    for end in (head..=journal.len()).step_by(7).chain([journal.len() - 1, journal.len()]) {
        let lines = journal[head..end].iter().filter(|&&b| b == b'\n').count().min(10);
        fs::write(&journal_file, &journal[..end]).unwrap();
        if lines < 10 {
            // The last tile is half written.
            let mut bytes = wanted.clone();
            let last = bytes.len() - 4;
            bytes[last..].fill(0x55);
            fs::write(&path, &bytes).unwrap();
        }
        let report = problem.write(&path, &tiled(4)).unwrap();
        assert_eq!((report.kept, report.computed), (lines, 10 - lines), "truncated after {end}");
        assert!(report.damaged.is_empty());
        assert!(fs::read(&path).unwrap() == wanted);
        assert!(fs::read(&journal_file).unwrap() == journal, "truncated after {end}");
    }
    // Lines in the middle that cannot be read are tiles that are not done.
    let text = String::from_utf8(journal.clone()).unwrap();
    fs::write(&journal_file, text.replacen("\"row\"", "\"raw\"", 2)).unwrap();
    assert!(matches!(verify(&path), Err(TileError::Unfinished { done: 8, .. })));
    let report = problem.write(&path, &tiled(4)).unwrap();
    assert_eq!((report.kept, report.computed), (8, 2));
    verify(&path).unwrap();
    // A journal whose first line cannot be read is an error.
    fs::write(&journal_file, &journal[..head - 5]).unwrap();
    for error in [verify(&path).unwrap_err(), problem.write(&path, &tiled(4)).unwrap_err()] {
        assert!(matches!(error, TileError::Journal { .. }), "{error}");
    }
}

/// The number of tiles is not believed: these have 2⁶⁰ or more.
#[test]
fn a_journal_with_an_absurd_shape_is_refused() {
    let folder = folder();
    let path = folder.path().join("a.npy");
    let n = 1_usize << 60;
    for (shape, symmetric) in [([0, n], false), ([n, 0], false), ([n, 0], true), ([n, n], true)] {
        let dictionary = format!(
            "{{'descr': '<f8', 'fortran_order': False, 'shape': ({}, {}), }}",
            shape[0], shape[1]
        );
        // Padded as NumPy does.
        fs::write(&path, by_hand(&format!("{dictionary:<117}"), &[])).unwrap();
        let journal = format!(
            "{{\"regime_tiles\":1,\"shape\":{shape:?},\"symmetric\":{symmetric},\"tile\":1,\
             \"element\":\"f64\",\"identity\":\"\"}}\n"
        );
        fs::write(journal_path(&path), journal).unwrap();
        let error = verify(&path).unwrap_err();
        match symmetric {
            false => assert!(matches!(error, TileError::Unfinished { tiles: 0, .. }), "{error}"),
            true => assert!(!matches!(error, TileError::Unfinished { .. }), "{error}"),
        }
    }
}

#[test]
fn a_tile_with_a_flipped_bit_is_computed_again() {
    let folder = folder();
    let (problem, path, wanted) = uninterrupted(folder.path());
    let entry = |row: usize, column: usize| wanted.len() - 13 * 13 * 8 + 8 * (13 * row + column);
    // On the diagonal, above it, below it, in the last and smallest tile.
    for (row, column, corner) in
        [(0, 0, [0, 0]), (5, 10, [4, 8]), (10, 5, [4, 8]), (12, 12, [12, 12]), (12, 0, [0, 12])]
    {
        for finished in [true, false] {
            let mut bytes = wanted.clone();
            bytes[entry(row, column) + 3] ^= 0x10;
            fs::write(&path, &bytes).unwrap();
            if finished {
                let error = verify(&path).unwrap_err();
                let TileError::Damaged { tiles, .. } = &error else { panic!("{error}") };
                assert_eq!(tiles, &[corner]);
                let text = error.to_string();
                let place = format!("the first at row {}, column {}", corner[0], corner[1]);
                assert!(text.contains("1 of its tiles") && text.ends_with(&place), "{text}");
            } else {
                // The line on the whole file is missing.
                let journal = fs::read_to_string(journal_path(&path)).unwrap();
                let lines: Vec<&str> = journal.lines().collect();
                fs::write(journal_path(&path), lines[..11].join("\n") + "\n").unwrap();
            }
            let report = problem.write(&path, &tiled(4)).unwrap();
            assert_eq!(report.damaged, [corner]);
            assert_eq!((report.kept, report.computed), (9, 1));
            assert!(fs::read(&path).unwrap() == wanted);
            verify(&path).unwrap();
        }
    }
    // Damage to two tiles at once, and to the digest of the whole file.
    let mut bytes = wanted.clone();
    bytes[entry(1, 1)] ^= 1;
    bytes[entry(9, 2)] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let error = verify(&path).unwrap_err();
    assert!(matches!(&error, TileError::Damaged { tiles, .. } if *tiles == [[0, 0], [0, 8]]));
    fs::write(&path, &wanted).unwrap();
    let journal_file = journal_path(&path);
    let journal = fs::read_to_string(&journal_file).unwrap();
    let place = journal.rfind("\"sha256\":\"").unwrap() + 10;
    let other = if &journal[place..place + 1] == "0" { "1" } else { "0" };
    let mut changed = journal.clone();
    changed.replace_range(place..place + 1, other);
    fs::write(&journal_file, changed).unwrap();
    let error = verify(&path).unwrap_err();
    assert!(matches!(&error, TileError::Damaged { tiles, .. } if tiles.is_empty()), "{error}");
    // No tile is computed, but the digest is recorded again.
    let report = problem.write(&path, &tiled(4)).unwrap();
    assert_eq!((report.kept, report.computed), (10, 0));
    assert_eq!(verify(&path).unwrap().sha256, report.sha256.unwrap());
}

#[test]
fn files_of_another_kernel_are_refused() {
    let folder = folder();
    let (problem, path, wanted) = uninterrupted(folder.path());
    let fields = [
        (Tiling { identity: b"net 8, points 0", ..tiled(4) }, "sha256 of identity"),
        (tiled(5), "tile"),
        (Tiling { element: F32, ..tiled(4) }, "element"),
    ];
    for (tiling, name) in fields {
        let error = problem.write(&path, &tiling).unwrap_err();
        assert!(matches!(error, TileError::OtherKernel { field, .. } if field == name), "{error}");
        assert!(error.to_string().contains("whole.npy: the file was started with"), "{error}");
    }
    let fewer = self::problem(12, 0);
    let error = fewer.write(&path, &tiled(4)).unwrap_err();
    assert!(error.to_string().ends_with("`shape` = [13, 13], should be [12, 12]"), "{error}");
    let cross = write_cross_kernel(
        &path,
        [13, 13],
        |p| problem.tape(p),
        |p| problem.tape(p),
        &tiled(4),
        |_| ControlFlow::Continue(()),
    );
    assert!(matches!(cross, Err(TileError::OtherKernel { field: "symmetric", .. })));

    // A wrong length, another header, no journal.
    for bytes in [&wanted[..wanted.len() - 1], &[&wanted[..], &[0]].concat()] {
        fs::write(&path, bytes).unwrap();
        for error in [problem.write(&path, &tiled(4)).unwrap_err(), verify(&path).unwrap_err()] {
            let TileError::File(FileError { problem, .. }) = &error else { panic!("{error}") };
            assert!(matches!(problem, FileProblem::Length { .. }), "{error}");
        }
    }
    write_npy(&path, &Array2::<f64>::zeros((13, 12)), F64).unwrap();
    let error = problem.write(&path, &tiled(4)).unwrap_err();
    assert!(error.to_string().contains("does not match the kernel in the journal"), "{error}");
    fs::remove_file(journal_path(&path)).unwrap();
    for error in [problem.write(&path, &tiled(4)).unwrap_err(), verify(&path).unwrap_err()] {
        assert!(matches!(error, TileError::NoJournal { .. }), "{error}");
    }
    assert_eq!(read_npy::<Ix2>(&path).unwrap(), Array2::<f64>::zeros((13, 12)), "it was touched");

    // The kernel is computed from the start on request, and when the file is missing.
    let replace = Tiling { existing: Existing::Replace, ..tiled(4) };
    for _ in 0..2 {
        let report = problem.write(&path, &replace).unwrap();
        assert_eq!((report.kept, report.computed), (0, 10));
        assert!(fs::read(&path).unwrap() == wanted);
    }
    fs::remove_file(&path).unwrap();
    let error = verify(&path).unwrap_err();
    assert!(matches!(error, TileError::File(_)), "{error}");
    let report = problem.write(&path, &tiled(4)).unwrap();
    assert_eq!((report.kept, report.computed), (0, 10));
    assert!(fs::read(&path).unwrap() == wanted);
}

#[test]
fn only_one_process_writes_at_a_time() {
    let folder = folder();
    let path = folder.path().join("theta.npy");
    let problem = problem(13, 0);
    let mut refused = 0;
    let meanwhile = |_| {
        for existing in [Existing::Continue, Existing::Replace] {
            let error = problem.write(&path, &Tiling { existing, ..tiled(4) }).unwrap_err();
            assert!(matches!(error, TileError::Busy { .. }), "{error}");
            refused += 1;
        }
        ControlFlow::Continue(())
    };
    write_kernel(&path, 13, |points| problem.tape(points), &tiled(4), meanwhile).unwrap();
    assert_eq!(refused, 20);
    verify(&path).unwrap();
}

#[test]
#[should_panic(expected = "the tape does not have the points 0..4")]
fn a_tape_of_other_points_panics() {
    let folder = folder();
    let problem = problem(13, 0);
    let path = folder.path().join("theta.npy");
    let tape = |_| problem.tape(0..3);
    let _ = write_kernel(path, 13, tape, &tiled(4), |_| ControlFlow::Continue(()));
}
