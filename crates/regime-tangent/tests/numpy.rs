//! NumPy reads our files, and we read NumPy's files, both to the bit.
//!
//! The test is ignored by default, because it needs a Python with NumPy: `python3`, or the
//! interpreter in the environment variable `REGIME_PYTHON`.
//! `cargo test --workspace --test numpy -- --ignored`

use std::{collections::BTreeMap, fs, ops::ControlFlow, path::Path, process::Command};

use burn_flex::{Flex, FlexDevice};
use ndarray::{Array1, Array2, ArrayD, Axis, Dimension, Ix1, Ix2, IxDyn, Slice};
use regime_models::{Activation, DenseSpec, Network, Precision, Trace};
use regime_tangent::{
    file::{
        FileProblem, NpyRows, Tiling, read_npy, read_npz, read_npz_array, read_safetensors, verify,
        write_kernel, write_npy, write_npz, write_safetensors,
    },
    kernel,
};

/// The Python side of the test. Both sides define the same numbers: `matrix(rows, columns)`
/// has the entries `((7·i + 3·j) mod 11 − 5)/8 + i·j/3`, and `awkward` has given bits.
const SCRIPT: &str = r#"
import json, os, struct, sys
import numpy as np

folder = sys.argv[1]
place = lambda name: os.path.join(folder, name)

def matrix(rows, columns):
    i, j = np.indices((rows, columns))
    return ((7 * i + 3 * j) % 11 - 5) / 8 + i * j / 3

awkward = np.array([
    0x0000000000000000, 0x8000000000000000, 0x3fd5555555555555, 0x0000000000000001,
    0x800fffffffffffff, 0x7fefffffffffffff, 0x7ff0000000000000, 0xfff0000000000000,
    0x7ff8000000000000, 0x7ff8deadbeef0123,
], dtype="<u8").view("<f8")

def same(found, wanted, what):
    wanted = np.ascontiguousarray(wanted)
    found = np.ascontiguousarray(found)
    assert found.dtype == wanted.dtype, (what, found.dtype, wanted.dtype)
    assert found.shape == wanted.shape, (what, found.shape, wanted.shape)
    assert found.tobytes() == wanted.tobytes(), (what, found, wanted)

# The files that Rust wrote.
sizes = [(0, 3), (1, 1), (31, 32), (129, 257)]
for rows, columns in sizes:
    same(np.load(place(f"f64-{rows}-{columns}.npy")), matrix(rows, columns), "npy")
    narrow = matrix(rows, columns).astype(np.float32)
    same(np.load(place(f"f32-{rows}-{columns}.npy")), narrow, "npy, float32")
same(np.load(place("awkward.npy")), awkward, "awkward npy")
assert not np.load(place("f64-31-32.npy")).flags.f_contiguous

with np.load(place("rust.npz")) as archive:
    assert archive.files == ["theta", "points/awkward", "scalar"], archive.files
    same(archive["theta"], matrix(31, 32), "npz")
    same(archive["points/awkward"], awkward, "npz")
    same(archive["scalar"], np.array(-0.5), "npz")

def safetensors(path):
    with open(path, "rb") as file:
        data = file.read()
    length, = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + length])
    numbers = data[8 + length:]
    metadata = header.pop("__metadata__", {})
    arrays = {}
    for name, about in header.items():
        start, end = about["data_offsets"]
        dtype = {"F64": "<f8", "F32": "<f4"}[about["dtype"]]
        arrays[name] = np.frombuffer(numbers[start:end], dtype).reshape(about["shape"])
    assert max(a["data_offsets"][1] for a in header.values()) == len(numbers)
    return arrays, metadata

arrays, metadata = safetensors(place("rust.safetensors"))
assert sorted(arrays) == ["awkward", "theta"], sorted(arrays)
same(arrays["theta"], matrix(31, 32), "safetensors")
same(arrays["awkward"], awkward, "safetensors")
assert metadata == {"α": "1e-3 \"quoted\"", "h": "100"}, metadata
arrays, metadata = safetensors(place("rust-f32.safetensors"))
same(arrays["theta"], matrix(31, 32).astype(np.float32), "safetensors, float32")
assert metadata == {}, metadata

tiled = np.load(place("tiled.npy"), mmap_mode="r")
same(tiled, np.array(tiled.T), "a kernel in tiles is symmetric")
whole = np.load(place("whole.npy"))
assert np.abs(tiled - whole).max() <= 1e-12 * np.abs(whole).max()
assert np.linalg.eigvalsh(tiled)[0] >= -1e-12 * np.abs(whole).max()

# The files that Rust will read.
np.save(place("c.npy"), matrix(31, 32))
np.save(place("fortran.npy"), np.asfortranarray(matrix(31, 32)))
np.save(place("fortran-f32.npy"), np.asfortranarray(matrix(31, 32).astype(np.float32)))
np.save(place("numpy-awkward.npy"), awkward)
np.save(place("integers.npy"), np.arange(3))
np.save(place("big-endian.npy"), matrix(3, 2).astype(">f8"))
np.save(place("structured.npy"), np.zeros(2, dtype=[("shape", "<f8"), ("b", "<f4")]))
with open(place("version-2.npy"), "wb") as file:
    np.lib.format.write_array(file, matrix(31, 32), version=(2, 0))
named = {f"array {k}": matrix(k, 2 * k + 1) for k in range(60)}
named["big"] = matrix(1500, 1000)
named["awkward"] = awkward
named["narrow"] = np.asfortranarray(matrix(31, 32).astype(np.float32))
named["scalar"] = np.array(-0.5)
np.savez(place("numpy.npz"), **named)
np.savez_compressed(place("numpy-compressed.npz"), **named)
np.savez(place("mixed.npz"), labels=np.arange(3), theta=matrix(31, 32))
theta, narrow = matrix(31, 32), matrix(5, 3).astype(np.float32)
header = json.dumps({
    "__metadata__": {"by": "hand"},
    "theta": {"dtype": "F64", "shape": [31, 32], "data_offsets": [0, theta.nbytes]},
    "narrow": {"dtype": "F32", "shape": [5, 3],
               "data_offsets": [theta.nbytes, theta.nbytes + narrow.nbytes]},
}).encode()
with open(place("numpy.safetensors"), "wb") as file:
    file.write(struct.pack("<Q", len(header)) + header + theta.tobytes() + narrow.tobytes())
"#;

/// The interpreter, checked to have NumPy.
fn python() -> String {
    let python = std::env::var("REGIME_PYTHON").unwrap_or_else(|_| "python3".into());
    let answer = Command::new(&python).args(["-c", "import numpy"]).output();
    let has_numpy = answer.is_ok_and(|answer| answer.status.success());
    assert!(
        has_numpy,
        "`{python}` has no NumPy: `python3 -m venv ENV && ENV/bin/pip install numpy`, then set \
         REGIME_PYTHON=ENV/bin/python3"
    );
    python
}

fn matrix(rows: usize, columns: usize) -> Array2<f64> {
    Array2::from_shape_fn((rows, columns), |(i, j)| {
        (((7 * i + 3 * j) % 11) as f64 - 5.0) / 8.0 + (i * j) as f64 / 3.0
    })
}

fn awkward() -> Array1<f64> {
    let bits = [
        0x0000_0000_0000_0000,
        0x8000_0000_0000_0000,
        0x3fd5_5555_5555_5555,
        0x0000_0000_0000_0001,
        0x800f_ffff_ffff_ffff,
        0x7fef_ffff_ffff_ffff,
        0x7ff0_0000_0000_0000,
        0xfff0_0000_0000_0000,
        0x7ff8_0000_0000_0000,
        0x7ff8_dead_beef_0123,
    ];
    bits.into_iter().map(f64::from_bits).collect()
}

fn same<D: Dimension>(found: &ndarray::Array<f64, D>, wanted: &ndarray::Array<f64, D>) {
    assert_eq!(found.shape(), wanted.shape());
    let bits = |array: &ndarray::Array<f64, D>| -> Vec<u64> {
        array.iter().map(|v| v.to_bits()).collect()
    };
    assert_eq!(bits(found), bits(wanted));
}

fn narrow(array: &Array2<f64>) -> Array2<f64> {
    array.mapv(|v| v as f32 as f64)
}

fn write(folder: &Path) {
    for (rows, columns) in [(0, 3), (1, 1), (31, 32), (129, 257)] {
        for (name, element) in [("f64", Precision::F64), ("f32", Precision::F32)] {
            let path = folder.join(format!("{name}-{rows}-{columns}.npy"));
            write_npy(path, &matrix(rows, columns), element).unwrap();
        }
    }
    write_npy(folder.join("awkward.npy"), &awkward(), Precision::F64).unwrap();

    let (theta, special) = (matrix(31, 32).into_dyn(), awkward().into_dyn());
    let scalar = ArrayD::from_elem(IxDyn(&[]), -0.5);
    let arrays = [("theta", &theta), ("points/awkward", &special), ("scalar", &scalar)];
    write_npz(folder.join("rust.npz"), arrays, Precision::F64).unwrap();

    let arrays = [("theta", &theta), ("awkward", &special)];
    let metadata = [("α", "1e-3 \"quoted\""), ("h", "100")];
    let metadata = metadata.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let path = folder.join("rust.safetensors");
    write_safetensors(path, arrays, &BTreeMap::from(metadata), Precision::F64).unwrap();
    let path = folder.join("rust-f32.safetensors");
    write_safetensors(path, [arrays[0]], &BTreeMap::new(), Precision::F32).unwrap();

    let n = 33;
    let activation = Activation::Relu;
    let spec = DenseSpec { inputs: 3, width: 7, hidden_layers: 2, activation, bias: true };
    let net = spec.build().unwrap();
    let w = Precision::F64.vector::<Flex>(&net.initial_weights(5), &FlexDevice);
    let x: Vec<f64> = (0..3 * n).map(|i| (1.7 * i as f64).sin()).collect();
    let x = Precision::F64.matrix::<Flex>(&x, [n, 3], &FlexDevice);
    let path = folder.join("tiled.npy");
    let tape = |points| net.trace(&w, &x.clone().slice([points])).linearise();
    let tiling = Tiling { tile: 10, ..Tiling::new("NumPy") };
    write_kernel(&path, n, tape, &tiling, |_| ControlFlow::Continue(())).unwrap();
    verify(&path).unwrap();
    let whole = Precision::to_host(kernel(&net.trace(&w, &x).linearise()));
    let whole = Array2::from_shape_vec((n, n), whole).unwrap();
    write_npy(folder.join("whole.npy"), &whole, Precision::F64).unwrap();
}

fn read(folder: &Path) {
    let theta = matrix(31, 32);
    for name in ["c.npy", "fortran.npy", "version-2.npy"] {
        same(&read_npy(folder.join(name)).unwrap(), &theta);
    }
    same(&read_npy(folder.join("fortran-f32.npy")).unwrap(), &narrow(&theta));
    same(&read_npy(folder.join("numpy-awkward.npy")).unwrap(), &awkward());
    for name in ["c.npy", "version-2.npy"] {
        let rows = NpyRows::open(folder.join(name)).unwrap().read(7..20).unwrap();
        same(&rows, &theta.slice_axis(Axis(0), Slice::from(7..20)).to_owned());
    }
    for (name, descr) in [
        ("integers.npy", "<i8"),
        ("big-endian.npy", ">f8"),
        ("structured.npy", "[('shape', '<f8'), ('b', '<f4')]"),
    ] {
        let problem = read_npy::<IxDyn>(folder.join(name)).unwrap_err().problem;
        assert!(matches!(&problem, FileProblem::Element { found } if found == descr), "{problem}");
    }

    for name in ["numpy.npz", "numpy-compressed.npz"] {
        let arrays = read_npz(folder.join(name)).unwrap();
        assert_eq!(arrays.len(), 64);
        for k in 0..60 {
            same(&arrays[&format!("array {k}")], &matrix(k, 2 * k + 1).into_dyn());
        }
        same(&arrays["big"], &matrix(1500, 1000).into_dyn());
        same(&arrays["awkward"], &awkward().into_dyn());
        same(&arrays["narrow"], &narrow(&theta).into_dyn());
        same(&arrays["scalar"], &ArrayD::from_elem(IxDyn(&[]), -0.5));
        same(&read_npz_array::<Ix1>(folder.join(name), "awkward").unwrap(), &awkward());
    }
    let mixed = folder.join("mixed.npz");
    let text = read_npz(&mixed).unwrap_err().to_string();
    assert!(text.contains("mixed.npz, array `labels`: its elements are `<i8`"), "{text}");
    same(&read_npz_array::<Ix2>(&mixed, "theta").unwrap(), &theta);

    let (arrays, metadata) = read_safetensors(folder.join("numpy.safetensors")).unwrap();
    assert_eq!(arrays.len(), 2);
    same(&arrays["theta"], &theta.into_dyn());
    same(&arrays["narrow"], &narrow(&matrix(5, 3)).into_dyn());
    assert_eq!(metadata, BTreeMap::from([("by".to_owned(), "hand".to_owned())]));
}

#[test]
#[ignore = "needs a Python with NumPy, see the top of the file"]
fn numpy_reads_our_files_and_we_read_those_of_numpy() {
    let python = python();
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let script = Command::new(python).arg("-c").arg(SCRIPT).arg(folder.path()).output().unwrap();
    assert!(script.status.success(), "{}", String::from_utf8_lossy(&script.stderr));
    assert!(fs::exists(folder.path().join("numpy.safetensors")).unwrap(), "the script stopped");
    read(folder.path());
}
