//! Mutated files against every reader: no panic, no long time, no large memory, one line per error.
//!
//! `REGIME_MUTATIONS=100000` sets the number of files, 5,000 by default.
//! `REGIME_MUTATIONS_ONLY=npy:17` gives one file to one reader. `REGIME_MUTATIONS_TABLE=FILE`
//! also writes the results as a table in Markdown.

use std::{
    env, fs,
    io::Write,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    process,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use flate2::{Compression, write::GzEncoder};
use peak_alloc::PeakAlloc;
use regime_data::idx::{open_labels, read_labels};
use regime_fuzz::{CorpusFile, READERS, Reader, corpus, mutant, reader};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// The most memory that one input may take.
const MAX_BYTES: usize = 256 << 20;

/// The most time that one input may take.
const MAX_TIME: Duration = Duration::from_secs(5);

/// After this time an input is taken to run without end, and the test stops.
const HANGS_AFTER: Duration = Duration::from_secs(60);

/// One test at a time: the memory is that of the process.
static ALONE: Mutex<()> = Mutex::new(());

/// The result of one input.
struct Tried {
    accepted: bool,
    bytes: usize,
    time: Duration,
}

/// The results of one reader.
#[derive(Default)]
struct Tally {
    inputs: u64,
    accepted: u64,
    bytes: usize,
    time: Duration,
}

impl Tally {
    fn add(&mut self, tried: &Tried) {
        self.inputs += 1;
        self.accepted += u64::from(tried.accepted);
        self.bytes = self.bytes.max(tried.bytes);
        self.time = self.time.max(tried.time);
    }

    fn cells(&self) -> [String; 5] {
        [
            self.inputs.to_string(),
            self.accepted.to_string(),
            (self.inputs - self.accepted).to_string(),
            format!("{:.2}", self.bytes as f64 / f64::from(1 << 20)),
            format!("{:.0}", self.time.as_secs_f64() * 1e3),
        ]
    }
}

/// Gives one input to a reader. The error says what went wrong.
fn tried(reader: &Reader, input: &[u8]) -> Result<Tried, String> {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let start = Instant::now();
    let result = catch_unwind(AssertUnwindSafe(|| (reader.read)(input)));
    let time = start.elapsed();
    let bytes = MEMORY.peak_usage().saturating_sub(before);
    let result = result.map_err(|_| "it panicked".to_owned())?;
    if bytes > MAX_BYTES {
        return Err(format!("it took {bytes} bytes of memory"));
    }
    if time > MAX_TIME {
        return Err(format!("it took {time:?}"));
    }
    if let Err(message) = &result
        && (message.contains('\n') || message.is_empty())
    {
        return Err(format!("its message is not one line: {message:?}"));
    }
    Ok(Tried { accepted: result.is_ok(), bytes, time })
}

/// Ends the test if an input runs without end. Starts a thread.
fn watch(inputs: &'static AtomicU64) {
    thread::spawn(move || {
        let (mut last, mut since) = (0, Instant::now());
        loop {
            thread::sleep(Duration::from_secs(1));
            let now = inputs.load(Ordering::Relaxed);
            if now != last {
                (last, since) = (now, Instant::now());
            } else if since.elapsed() > HANGS_AFTER {
                eprintln!("the input in {} runs without end", current().display());
                process::abort();
            }
        }
    });
}

/// The file that names the current input, for a process that was killed.
fn current() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("mutation.txt")
}

#[test]
fn mutated_files_are_read_or_refused() {
    static INPUTS: AtomicU64 = AtomicU64::new(0);
    let _alone = ALONE.lock();
    watch(&INPUTS);
    let corpora: Vec<Vec<CorpusFile>> = READERS
        .iter()
        .map(|reader| corpus(reader).unwrap_or_else(|error| panic!("{}: {error}", reader.name)))
        .collect();
    if let Ok(only) = env::var("REGIME_MUTATIONS_ONLY") {
        let (name, seed) = only.split_once(':').expect("reader:seed");
        let reader = reader(name);
        let seed = seed.parse().expect("a whole number");
        let input = mutant(reader, &corpus(reader).expect("a corpus"), seed);
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{seed}"));
        fs::write(&file, &input).expect("a writable folder");
        println!("the input is {}", file.display());
        println!("{:?}", (reader.read)(&input));
        return;
    }
    let total: u64 = match env::var("REGIME_MUTATIONS") {
        Ok(number) => number.parse().expect("REGIME_MUTATIONS is a whole number"),
        Err(_) => 5_000,
    };
    let each = total.div_ceil(READERS.len() as u64);
    let mut wrong = Vec::new();
    let mut tallies = Vec::new();
    for (reader, corpus) in READERS.iter().zip(&corpora) {
        let mut tally = Tally::default();
        for seed in 0..each {
            let input = mutant(reader, corpus, seed);
            let place = format!("{}:{seed}", reader.name);
            fs::write(current(), &place).expect("a writable folder");
            INPUTS.fetch_add(1, Ordering::Relaxed);
            match tried(reader, &input) {
                Ok(tried) => tally.add(&tried),
                Err(what) => wrong.push(format!("REGIME_MUTATIONS_ONLY={place}: {what}")),
            }
        }
        tallies.push((reader.name, tally));
    }
    report(&tallies);
    assert!(wrong.is_empty(), "{} inputs failed:\n{}", wrong.len(), wrong.join("\n"));
    for (name, tally) in &tallies {
        // Otherwise the mutations do not get behind the first check.
        assert!(tally.accepted < tally.inputs, "{name} refuses nothing");
        assert!(tally.accepted > 0, "{name} accepts nothing");
    }
}

const TITLES: [&str; 6] =
    ["reader", "inputs", "accepted", "refused", "largest memory (MiB)", "longest time (ms)"];

fn report(tallies: &[(&str, Tally)]) {
    let mut table = format!("| {} |\n|---|---:|---:|---:|---:|---:|\n", TITLES.join(" | "));
    for (name, tally) in tallies {
        let cells = tally.cells();
        let [inputs, accepted, refused, memory, time] = &cells;
        println!(
            "{name:12} {inputs:>7} inputs, {accepted:>6} accepted, {refused:>6} refused, at most \
             {memory:>6} MiB and {time:>4} ms"
        );
        table += &format!("| `{name}` | {} |\n", cells.join(" | "));
    }
    if let Ok(file) = env::var("REGIME_MUTATIONS_TABLE") {
        fs::write(&file, table).unwrap_or_else(|error| panic!("{file}: {error}"));
    }
}

/// Every file of the corpus is read or refused, and its name says which.
#[test]
fn the_corpus_is_read_or_refused() {
    let _alone = ALONE.lock();
    for reader in &READERS {
        let files = corpus(reader).unwrap_or_else(|error| panic!("{}: {error}", reader.name));
        let mut accepted = 0;
        for CorpusFile { path, bytes } in files {
            let name = path.file_name().expect("a file").to_string_lossy().into_owned();
            let found = tried(reader, &bytes).map(|tried| tried.accepted);
            let wanted = !name.starts_with("refused-");
            assert_eq!(found, Ok(wanted), "{}", path.display());
            accepted += u64::from(wanted);
        }
        assert!(accepted > 0, "{} has no valid file", reader.name);
    }
}

/// A gzip file of a few kilobytes takes the memory of its values, and no more. A vector that grows
/// by doubling would take up to three times as much.
#[test]
fn a_compressed_file_takes_the_memory_of_its_values() {
    let _alone = ALONE.lock();
    let n: u32 = (1 << 24) + 1;
    let mut content = [&0x801_u32.to_be_bytes()[..], &n.to_be_bytes()].concat();
    content.resize(8 + n as usize, 0);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&content).expect("memory");
    let compressed = encoder.finish().expect("memory");
    drop(content);
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("labels.gz");
    fs::write(&file, &compressed).expect("a writable folder");
    for from_file in [true, false] {
        let before = MEMORY.current_usage();
        MEMORY.reset_peak_usage();
        let labels = match from_file {
            true => open_labels(&file),
            false => read_labels(&compressed[..], "labels"),
        };
        assert_eq!(labels.expect("a valid file").len(), n as usize);
        let bytes = MEMORY.peak_usage() - before;
        // A reader has no length: while the vector grows, its old memory exists too.
        let vectors = if from_file { 1 } else { 2 };
        let most = vectors * n as usize + (1 << 20);
        assert!(bytes <= most, "{bytes} bytes for {n} values");
    }
    fs::remove_file(&file).expect("the file was written here");
}
