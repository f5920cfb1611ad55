//! Writes the corpus with the writers of this workspace: `cargo run -p regime-fuzz --example corpus`.
//!
//! Files whose name starts with `refused-` are those that a reader once believed.

use std::{
    cell::{Cell, RefCell},
    error::Error,
    fs,
    io::Write,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use burn_flex::{Flex, FlexDevice};
use flate2::{Compression, write::GzEncoder};
use ndarray::{Array1, Array2, ArrayD, array};
use regime_data::{DataSpec, InputSpec, Source, Task, prepare};
use regime_lab::{Provenance, RunKey, Store};
use regime_models::{Activation, DenseSpec, Network, NetworkSpec, Precision, Trace};
use regime_study::{
    FrozenKernel, Measurement, RunCheckpoint, RunContext, RunSpec, StudyError, run_on,
};
use regime_tangent::file::{
    Tiling, journal_path, write_kernel, write_npy, write_npz, write_safetensors,
};
use safetensors::{Dtype, tensor::TensorView};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

fn main() -> Outcome {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let folder = |name: &str| -> Outcome<PathBuf> {
        let folder = corpus.join(name);
        fs::create_dir_all(&folder)?;
        Ok(folder)
    };
    idx(&folder("idx_images")?, &folder("gzip_images")?, 3)?;
    idx(&folder("idx_labels")?, &folder("gzip_labels")?, 1)?;
    points(&folder("points")?)?;
    arrays(&folder("npy")?, &folder("npz")?, &folder("tensors")?)?;
    kernels(&folder("kernel")?)?;
    specs(&folder("spec_json")?, &folder("spec_toml")?, &folder("coordinates")?)?;
    runs(&folder("record")?, &folder("checkpoint")?)
}

fn gzip(bytes: &[u8]) -> Outcome<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

/// The header of an IDX file.
fn idx_header(dims: &[u32]) -> Vec<u8> {
    let magic = 0x800 + dims.len() as u32;
    [magic].iter().chain(dims).flat_map(|word| word.to_be_bytes()).collect()
}

fn idx(plain: &Path, compressed: &Path, rank: usize) -> Outcome {
    let short: &[u32] = if rank == 3 { &[3, 2, 4] } else { &[24] };
    let long: &[u32] = if rank == 3 { &[20, 7, 7] } else { &[980] };
    for (name, dims) in [("short", short), ("long", long)] {
        let mut bytes = idx_header(dims);
        bytes.extend((0..dims.iter().product()).map(|i: u32| (i * i % 251) as u8));
        fs::write(plain.join(name), &bytes)?;
        fs::write(compressed.join(name), gzip(&bytes)?)?;
        let (start, end) = bytes.split_at(bytes.len() / 2);
        fs::write(compressed.join(format!("{name}-members")), [gzip(start)?, gzip(end)?].concat())?;
    }
    // 2³⁰ values are announced.
    let vast: &[u32] = if rank == 3 { &[1 << 20, 32, 32] } else { &[1 << 30] };
    let mut bytes = idx_header(vast);
    fs::write(plain.join("refused-vast"), &bytes)?;
    bytes.resize(1 << 20, 0);
    fs::write(compressed.join("refused-vast"), gzip(&bytes)?)?;
    Ok(())
}

fn points(folder: &Path) -> Outcome {
    let labels: Vec<u8> = (0..12).map(|i| i % 4).collect();
    let labels = TensorView::new(Dtype::U8, vec![12], &labels)?;
    let write = |name: &str, dtype: Dtype, shape: &[usize], bytes: &[u8]| -> Outcome {
        let inputs = TensorView::new(dtype, shape.to_vec(), bytes)?;
        let tensors = [("inputs", inputs), ("labels", labels.clone())];
        Ok(fs::write(folder.join(name), safetensors::serialize(tensors, None)?)?)
    };
    let reals: Vec<u8> = (0..36).flat_map(|i| (f64::from(i) / 7.0).to_le_bytes()).collect();
    write("float64", Dtype::F64, &[12, 3], &reals)?;
    let whole: Vec<u8> = (0..48_i64).flat_map(|i| (i * i - 99).to_le_bytes()).collect();
    write("int64", Dtype::I64, &[12, 2, 2], &whole)?;
    let mut inexact = whole;
    inexact[40..48].copy_from_slice(&((1_i64 << 53) + 1).to_le_bytes());
    write("refused-inexact", Dtype::I64, &[12, 4], &inexact)?;
    Ok(())
}

fn arrays(npy: &Path, npz: &Path, tensors: &Path) -> Outcome {
    let matrix = Array2::from_shape_fn((5, 7), |(i, j)| 1.0 / (1 + i + 2 * j) as f64);
    let vector = Array1::from_iter((0..9).map(f64::from));
    write_npy(npy.join("matrix"), &matrix, Precision::F64)?;
    write_npy(npy.join("matrix-float32"), &matrix, Precision::F32)?;
    write_npy(npy.join("vector"), &vector, Precision::F64)?;
    write_npy(npy.join("empty"), &Array2::<f64>::zeros((3, 0)), Precision::F64)?;
    // 2⁶⁰ rows without a number: their product with a vector panicked.
    let vast = npy_header("(1152921504606846976, 0)");
    fs::write(npy.join("rows-without-numbers"), &vast)?;
    fs::write(npy.join("refused-vast"), npy_header("(1152921504606846976, 9)"))?;

    let (matrix, vector) = (matrix.into_dyn(), vector.into_dyn());
    let scalar = ArrayD::from_elem(vec![], -0.5);
    let named = [("kernel", &matrix), ("alpha", &scalar), ("y", &vector)];
    write_npz(npz.join("arrays"), named, Precision::F64)?;
    write_npz(npz.join("float32"), [named[0]], Precision::F32)?;
    deflated(&npz.join("deflated"), &fs::read(npy.join("matrix"))?)?;
    // An entry that states 2³⁰ bytes, in both headers, and whose array agrees.
    let long = npy_header("(134217712,)");
    deflated(&npz.join("refused-vast"), &long)?;
    let mut bytes = fs::read(npz.join("refused-vast"))?;
    let stated = (long.len() as u32).to_le_bytes();
    let central = bytes.windows(4).position(|w| w == b"PK\x01\x02").ok_or("no directory")?;
    for place in [22, central + 24] {
        assert_eq!(bytes[place..place + 4], stated);
        bytes[place..place + 4].copy_from_slice(&(1_u32 << 30).to_le_bytes());
    }
    fs::write(npz.join("refused-vast"), bytes)?;

    let metadata = [("program".to_owned(), "regime".to_owned())].into();
    write_safetensors(tensors.join("arrays"), named, &metadata, Precision::F64)?;
    write_safetensors(
        tensors.join("float32"),
        named.into_iter().take(2),
        &Default::default(),
        Precision::F32,
    )?;
    Ok(())
}

/// A `.npy` file of float64 without numbers.
fn npy_header(shape: &str) -> Vec<u8> {
    let text = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}");
    let mut bytes = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    bytes.extend(format!("{text:<117}\n").bytes());
    bytes
}

fn deflated(path: &Path, array: &[u8]) -> Outcome {
    let mut archive = zip::ZipWriter::new(fs::File::create(path)?);
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated);
    archive.start_file("kernel.npy", options)?;
    archive.write_all(array)?;
    archive.finish()?;
    Ok(())
}

fn network() -> DenseSpec {
    let activation = Activation::Softplus { beta: 5.0 };
    DenseSpec { inputs: 3, width: 4, hidden_layers: 2, activation, bias: true }
}

fn kernels(folder: &Path) -> Outcome {
    let net = network().build()?;
    let w = Precision::F64.vector::<Flex>(&net.initial_weights(0), &FlexDevice);
    let x = array![
        [1.0, 0.0, 2.0],
        [0.5, 1.0, -1.0],
        [0.0, -2.0, 1.0],
        [1.5, 1.0, 1.0],
        [3.0, 0.1, 0.2]
    ];
    let x = Precision::F64.matrix::<Flex>(x.as_slice().ok_or("in order")?, [5, 3], &FlexDevice);
    let temporary = tempfile::tempdir()?;
    for (name, tile, element) in [("finished", 2, Precision::F64), ("one-tile", 8, Precision::F32)]
    {
        let path = temporary.path().join(name);
        let tape = |points| net.trace(&w, &x.clone().slice([points])).linearise();
        let tiling = Tiling { tile, element, ..Tiling::new("corpus") };
        write_kernel(&path, 5, tape, &tiling, |_| ControlFlow::Continue(()))?;
        let (journal, array) = (fs::read(journal_path(&path))?, fs::read(&path)?);
        fs::write(folder.join(name), [&journal[..], &array].concat())?;
        if name == "finished" {
            let head = journal.iter().position(|&byte| byte == b'\n').ok_or("a line")?;
            let first = &journal[..=head];
            fs::write(folder.join("refused-unfinished"), [first, &array].concat())?;
            let mut damaged = array;
            let last = damaged.len() - 3;
            damaged[last] ^= 1;
            fs::write(folder.join("refused-damaged"), [&journal[..], &damaged].concat())?;
        }
    }
    // 2⁶⁰ rows of tiles, each without a number.
    let n = 1_usize << 60;
    let head = format!(
        "{{\"regime_tiles\":1,\"shape\":[{n},0],\"symmetric\":false,\"tile\":1,\"element\":\"f64\",\
         \"identity\":\"\"}}\n"
    );
    let array = npy_header(&format!("({n}, 0)"));
    fs::write(folder.join("refused-vast"), [head.as_bytes(), &array].concat())?;
    Ok(())
}

fn specs(json: &Path, toml: &Path, coordinates: &Path) -> Outcome {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples");
    for name in ["diagnose.json", "frozen-kernels.json", "setup-b.json", "sweep.json"] {
        fs::copy(examples.join(name), json.join(name))?;
    }
    let complete = serde_json_pretty(&spec());
    fs::write(json.join("complete.json"), complete)?;
    fs::write(
        json.join("list.json"),
        format!("[{0}, {0}]", fs::read_to_string(examples.join("diagnose.json"))?),
    )?;
    fs::copy(examples.join("depth.toml"), toml.join("depth.toml"))?;
    let run = "alpha = 0.5\nseed = 3\n\n[network]\narchitecture = \"dense\"\ninputs = 10\nwidth = 9\n\
        hidden_layers = 2\nactivation = {kind = \"relu\"}\nbias = true\n\n[dynamics]\nkind = \"flow\"\n\n[dynamics.stop]\nmax_steps = 100\n";
    fs::write(toml.join("run.toml"), run)?;
    fs::copy(examples.join("coord-check-mu-p.json"), coordinates.join("mu-p.json"))?;
    fs::write(coordinates.join("default.json"), "{}")?;
    regressions(json, toml)
}

/// Specs that once overflowed the stack or took too much memory.
fn regressions(json: &Path, toml: &Path) -> Outcome {
    let dense = |layers: &str, alpha: &str| {
        format!(
            "{{\"network\": {{\"architecture\": \"dense\", \"inputs\": 10, \"width\": 9, \
             \"hidden_layers\": {layers}, \"activation\": {{\"kind\": \"relu\"}}, \"bias\": true}}, \
             \"alpha\": {alpha}}}"
        )
    };
    fs::write(json.join("refused-inexact.json"), dense("2", "9007199254740993"))?;
    fs::write(json.join("refused-nested.json"), "[".repeat(5000))?;
    let path = "a.".repeat(4000);
    let sweep = format!("{{\"base\": {}, \"axes\": [{{\"{path}a\": [1]}}]}}", dense("2", "1"));
    fs::write(json.join("refused-path.json"), sweep)?;
    fs::write(toml.join("refused-path.toml"), format!("{path}a = 1\n"))?;
    Ok(())
}

fn serde_json_pretty(spec: &RunSpec) -> String {
    format!("{:#}", spec.complete())
}

fn spec() -> RunSpec {
    let mut spec = RunSpec::new(NetworkSpec::Dense(network()), 0.5);
    spec.data = DataSpec {
        source: Source::Stripe { dim: 3 },
        task: Task::Own,
        inputs: InputSpec::RAW,
        n_train: 6,
        n_test: 5,
        n_kernel: 4,
        ..DataSpec::default()
    };
    spec.outputs_kept = 2;
    spec.gram_kept = 2;
    spec.frozen = vec![FrozenKernel::Initial];
    spec
}

/// Stops a run after a number of requests, and remembers its checkpoint.
struct Stopping {
    left: Cell<usize>,
    saved: RefCell<Option<RunCheckpoint>>,
}

impl RunContext for Stopping {
    fn stop_requested(&self) -> bool {
        self.left.set(self.left.get().saturating_sub(1));
        self.left.get() == 0
    }

    fn save(&self, checkpoint: &RunCheckpoint) -> Result<(), StudyError> {
        *self.saved.borrow_mut() = Some(checkpoint.clone());
        Ok(())
    }
}

fn runs(records: &Path, checkpoints: &Path) -> Outcome {
    let temporary = tempfile::tempdir()?;
    let store = Store::open(temporary.path())?;
    for frozen in [true, false] {
        let mut spec = spec();
        if !frozen {
            spec.frozen.clear();
        }
        let name = if frozen { "frozen.json" } else { "plain.json" };
        let data = prepare(&spec.data, Path::new("/no/cache"))?;
        let context = Stopping { left: Cell::new(4), saved: RefCell::new(None) };
        let stopped =
            run_on::<Flex>(&spec, &data, &FlexDevice, &context, &mut |_: &Measurement| ());
        assert!(stopped.is_err(), "the run ended before it could be stopped");
        let state = context.saved.take().ok_or("no checkpoint was saved")?;
        store.put_checkpoint(&spec, &state)?;
        fs::copy(store.checkpoint_path(&RunKey::of(&spec)?), checkpoints.join(name))?;
        let context = Stopping { left: Cell::new(usize::MAX), saved: RefCell::new(None) };
        let record =
            run_on::<Flex>(&spec, &data, &FlexDevice, &context, &mut |_: &Measurement| ())?;
        let key = store.put(&spec, &record, &Provenance::of_program("corpus", "1"))?;
        fs::copy(store.path(&key), records.join(name))?;
    }
    Ok(())
}
