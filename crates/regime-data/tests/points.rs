//! Your own points, in memory and from a file.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};

use ndarray::Array2;
use regime_data::{
    DataError, DataSpec, Dataset, InputSpec, Points, Source, SourceError, Task, prepare,
    prepare_points,
};
use safetensors::{Dtype, View};
use tempfile::TempDir;

/// A tensor as stored in a file.
struct Tensor(Dtype, Vec<usize>, Vec<u8>);

impl View for &Tensor {
    fn dtype(&self) -> Dtype {
        self.0
    }

    fn shape(&self) -> &[usize] {
        &self.1
    }

    fn data(&self) -> Cow<'_, [u8]> {
        (&self.2[..]).into()
    }

    fn data_len(&self) -> usize {
        self.2.len()
    }
}

/// `n` small whole numbers in the layout of a type.
fn whole(dtype: Dtype, shape: &[usize], number: impl Fn(usize) -> u8) -> Tensor {
    let n = shape.iter().product();
    let bytes = (0..n).flat_map(|i| {
        let value = number(i);
        match dtype {
            Dtype::F64 => f64::from(value).to_le_bytes().to_vec(),
            Dtype::F32 => f32::from(value).to_le_bytes().to_vec(),
            Dtype::I64 => i64::from(value).to_le_bytes().to_vec(),
            Dtype::U64 => u64::from(value).to_le_bytes().to_vec(),
            Dtype::I32 => i32::from(value).to_le_bytes().to_vec(),
            Dtype::U32 => u32::from(value).to_le_bytes().to_vec(),
            Dtype::I16 => i16::from(value).to_le_bytes().to_vec(),
            Dtype::U16 => u16::from(value).to_le_bytes().to_vec(),
            _ => vec![value],
        }
    });
    Tensor(dtype, shape.to_vec(), bytes.collect())
}

fn file(tensors: &[(&str, &Tensor)]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.safetensors");
    let bytes = safetensors::serialize(tensors.iter().copied(), None).unwrap();
    fs::write(&path, bytes).unwrap();
    (folder, path)
}

const N: usize = 24;

fn pixel(i: usize) -> u8 {
    (i * i % 97) as u8
}

fn class(i: usize) -> u8 {
    (i % 3) as u8
}

fn spec(source: Source) -> DataSpec {
    let inputs = InputSpec::IMAGE;
    DataSpec { source, inputs, n_train: 10, n_test: 8, n_kernel: 4, ..DataSpec::default() }
}

fn prepared(path: &Path) -> Dataset {
    prepare(&spec(Source::safetensors(path)), Path::new("/no/cache")).unwrap()
}

#[test]
fn every_type_of_numbers_gives_the_points_in_memory() {
    let x = Array2::from_shape_fn((N, 12), |(i, j)| f64::from(pixel(12 * i + j)));
    let points = Points::new("mine", x, (0..N).map(class).collect()).unwrap();
    let expected = prepare_points(&spec(Source::safetensors("unused")), &points).unwrap();
    assert_eq!(expected.image_shape, None);
    let types = [
        Dtype::U8,
        Dtype::I8,
        Dtype::U16,
        Dtype::I16,
        Dtype::U32,
        Dtype::I32,
        Dtype::U64,
        Dtype::I64,
        Dtype::F32,
        Dtype::F64,
    ];
    for dtype in types {
        // Images of 2 × 3 pixels with two channels.
        for shape in [&[N, 12][..], &[N, 2, 3, 2]] {
            let inputs = whole(dtype, shape, pixel);
            let labels = whole(dtype, &[N], class);
            let (_folder, path) = file(&[("inputs", &inputs), ("labels", &labels)]);
            let found = prepared(&path);
            assert_eq!(found.train, expected.train, "{dtype:?}");
            assert_eq!(found.test, expected.test);
            assert_eq!(found.kernel, expected.kernel);
            assert_eq!(found.provenance.sha256, expected.provenance.sha256);
            assert_eq!(found.provenance.source, path.display().to_string());
        }
    }
}

#[test]
fn the_source_names_the_tensors() {
    let inputs = whole(Dtype::F64, &[N, 5], pixel);
    let labels = whole(Dtype::BOOL, &[N], |i| (i % 2) as u8);
    let (_folder, path) = file(&[("x", &inputs), ("y", &labels)]);
    let text =
        format!(r#"{{"kind": "safetensors", "path": {path:?}, "inputs": "x", "labels": "y"}}"#);
    let source: Source = serde_json::from_str(&text).unwrap();
    assert_eq!(prepare(&spec(source), Path::new("/no/cache")).unwrap().train.len(), 10);
    let short: Source = serde_json::from_str(r#"{"kind": "safetensors", "path": "a"}"#).unwrap();
    assert_eq!(short, Source::safetensors("a"));
    let images = short.load_images(Path::new("/no/cache")).unwrap_err();
    assert!(matches!(images, SourceError::NoImages { .. }));
}

#[test]
fn an_invalid_file_gives_one_line_with_the_file_and_the_place() {
    let (inputs, labels) = (whole(Dtype::F64, &[N, 5], pixel), whole(Dtype::U8, &[N], class));
    let message = |tensors: &[(&str, &Tensor)]| {
        let (_folder, path) = file(tensors);
        let error = prepare(&spec(Source::safetensors(&path)), Path::new("/no/cache"));
        let line = error.unwrap_err().to_string();
        assert_eq!(line.lines().count(), 1, "{line}");
        let place = format!("`{}`", path.display());
        line.strip_prefix(&place).expect("the file is named first").to_owned()
    };
    assert_eq!(
        message(&[("inputs", &inputs), ("y", &labels)]),
        ": there is no tensor `labels`, only [\"inputs\", \"y\"]"
    );
    let flat = whole(Dtype::F64, &[N], pixel);
    assert_eq!(
        message(&[("inputs", &flat), ("labels", &labels)]),
        ": `inputs` has the shape [24]: should be a point per row, [n, d]"
    );
    assert_eq!(
        message(&[("inputs", &inputs), ("labels", &inputs)]),
        ": `labels` has the shape [24, 5]: should be a class per point, [n]"
    );
    let few = whole(Dtype::U8, &[N - 1], class);
    assert_eq!(message(&[("inputs", &inputs), ("labels", &few)]), " has 24 points and 23 labels");
    let none = whole(Dtype::F64, &[N, 0], pixel);
    assert_eq!(
        message(&[("inputs", &none), ("labels", &labels)]),
        " has points without coordinates"
    );
    let half = Tensor(Dtype::BF16, vec![N, 5], vec![0; 10 * N]);
    assert_eq!(
        message(&[("inputs", &half), ("labels", &labels)]),
        ": `inputs` is of type BF16: should be whole numbers, F32 or F64"
    );
    for (value, text) in [(-1.0, "-1"), (256.0, "256"), (0.5, "0.5"), (f64::NAN, "NaN")] {
        let mut wrong = whole(Dtype::F64, &[N], class);
        wrong.2[16..24].copy_from_slice(&f64::to_le_bytes(value));
        assert_eq!(
            message(&[("inputs", &inputs), ("labels", &wrong)]),
            format!(": `labels`: point 2 has the label {text}: should be a whole number, 0 to 255")
        );
    }
    let mut infinite = whole(Dtype::F32, &[N, 5], pixel);
    infinite.2[24..28].copy_from_slice(&f32::INFINITY.to_le_bytes());
    assert_eq!(
        message(&[("inputs", &infinite), ("labels", &labels)]),
        ": point 1 has the coordinate inf: should be at most 1e100 in size"
    );
    let mut huge = whole(Dtype::F64, &[N, 5], pixel);
    huge.2[40..48].copy_from_slice(&(-1e200_f64).to_le_bytes());
    assert_eq!(
        message(&[("inputs", &huge), ("labels", &labels)]),
        ": point 1 has the coordinate -1e200: should be at most 1e100 in size"
    );
    let limit = 1_i64 << 53;
    for (value, is_exact) in
        [(limit, true), (-limit, true), (limit + 1, false), (-limit - 1, false)]
    {
        let mut large = whole(Dtype::I64, &[N, 5], pixel);
        large.2[40..48].copy_from_slice(&value.to_le_bytes());
        let (_folder, path) = file(&[("inputs", &large), ("labels", &labels)]);
        let error = prepare(&spec(Source::safetensors(&path)), Path::new("/no/cache"));
        let text = error.map_err(|error| error.to_string());
        assert_eq!(text.is_ok(), is_exact, "{value}");
        if let Err(text) = text {
            let end = format!("element 5 is {value}: should be from -2^53 to 2^53");
            assert!(text.contains(&end) && text.lines().count() == 1, "{text}");
        }
    }
    let mut largest = whole(Dtype::U64, &[N], class);
    largest.2[16..24].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(
        message(&[("inputs", &inputs), ("labels", &largest)])
            .starts_with(": `labels`: element 2 is 18446744073709551615: should be from -2^53")
    );
    // Zero elements, on axes whose product overflows.
    let vast = Tensor(Dtype::F64, vec![0, 1 << 63, 4], Vec::new());
    assert!(
        message(&[("inputs", &vast), ("labels", &labels)]).ends_with("a point per row, [n, d]")
    );

    let (_folder, path) = file(&[("inputs", &inputs), ("labels", &labels)]);
    let bytes = fs::read(&path).unwrap();
    for end in [0, 7, 60, bytes.len() - 1] {
        fs::write(&path, &bytes[..end]).unwrap();
        let line = prepare(&spec(Source::safetensors(&path)), Path::new("/no/cache"));
        let line = line.unwrap_err().to_string();
        assert!(line.contains("not a safetensors file that can be used"), "{line}");
    }
    let absent = prepare(&spec(Source::safetensors("/no/file")), Path::new("/no/cache"));
    assert!(absent.unwrap_err().to_string().starts_with("`/no/file`: cannot be read"));
}

#[test]
fn points_have_classes_and_no_labels() {
    let x = Array2::from_elem((4, 2), 1.0);
    let points = Points::new("mine", x, vec![0, 1, 0, 1]).unwrap();
    let own = DataSpec { task: Task::Own, ..spec(Source::safetensors("unused")) };
    let error = prepare_points(&own, &points).unwrap_err();
    assert!(matches!(error, DataError::Field { field: "task", .. }), "{error}");
    let few = prepare_points(&spec(Source::safetensors("unused")), &points).unwrap_err();
    assert!(matches!(few, DataError::TooFewPoints { wanted: 22, available: 4, .. }), "{few}");
}
