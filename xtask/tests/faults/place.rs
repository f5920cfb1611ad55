//! A folder with the sweep, in which the program is run.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use crate::scale::Scale;

/// Twelve runs of three kinds: the adaptive flow with frozen kernels, explicit steps, stochastic training.
const SWEEP: &str = include_str!("sweep.json");

/// Runs side by side.
pub(crate) const JOBS: usize = 2;

/// A folder with the file of the sweep, and with results that may lie elsewhere.
pub(crate) struct Place {
    folder: TempDir,
    /// The folder of results as the program sees it.
    out: PathBuf,
    /// The same as the tests see it.
    results: PathBuf,
    /// The beginning of every command.
    prefix: Vec<String>,
    /// Environment variables of every command.
    variables: Vec<(String, String)>,
}

impl Place {
    /// A new folder without results.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        // In the whole form the program is optimised: more steps, for the same time.
        let steps = Scale::chosen().times(1000, 10_000);
        let sweep = SWEEP.replace(r#""max_steps": 1000"#, &format!(r#""max_steps": {steps}"#));
        fs::write(folder.path().join("sweep.json"), sweep).expect("a writable folder");
        let out = folder.path().join("results");
        Self { folder, results: out.clone(), out, prefix: Vec::new(), variables: Vec::new() }
    }

    /// A new folder with the files of a store.
    pub(crate) fn with_store(files: &Files) -> Self {
        let place = Self::new();
        fs::create_dir_all(place.store()).expect("a writable folder");
        for (name, bytes) in files {
            fs::write(place.store().join(name), bytes).expect("a writable folder");
        }
        place
    }

    /// The same with results in another folder, which the tests may see under another path.
    pub(crate) fn out(self, out: PathBuf, results: PathBuf) -> Self {
        Self { out, results, ..self }
    }

    /// The same with commands that begin with another program, which starts ours.
    pub(crate) fn below(mut self, prefix: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.prefix.extend(prefix.into_iter().map(Into::into));
        self
    }

    /// The same with an environment variable.
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.push((name.to_owned(), value.into()));
        self
    }

    /// The same without environment variables and other programs.
    pub(crate) fn plain(self) -> Self {
        Self { prefix: Vec::new(), variables: Vec::new(), ..self }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn results(&self) -> &Path {
        &self.results
    }

    /// The folder of results as the program sees it, and as its messages show it.
    pub(crate) fn out_path(&self) -> &Path {
        &self.out
    }

    /// The folder of records.
    pub(crate) fn store(&self) -> PathBuf {
        self.results.join("runs")
    }

    /// A command of the program, with the folder of results.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.bare(arguments);
        command.arg("--out").arg(&self.out);
        command
    }

    /// A command of the program.
    pub(crate) fn bare(&self, arguments: &[&str]) -> Command {
        let program = env!("CARGO_BIN_EXE_xtask").to_owned();
        let mut words = self.prefix.iter().chain([&program]);
        let mut command = Command::new(words.next().expect("the program"));
        command.args(words).args(arguments).current_dir(self.folder.path());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// The command that makes the sweep; it prints results, warnings and errors only.
    pub(crate) fn sweep(&self) -> Command {
        self.sweep_with(JOBS)
    }

    /// The same with a number of runs side by side.
    pub(crate) fn sweep_with(&self, jobs: usize) -> Command {
        self.command(&["run", "sweep.json", "--quiet", "--jobs", &jobs.to_string()])
    }

    /// The table of the sweep, if there is one.
    pub(crate) fn table(&self) -> Option<Vec<u8>> {
        fs::read(self.results.join("sweep/data.csv")).ok()
    }
}

/// The files of a folder, by their names.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// Reads the files of a folder.
pub(crate) fn files_of(folder: &Path) -> Files {
    let entries = fs::read_dir(folder).expect("a readable folder");
    let file = |entry: fs::DirEntry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        (name, fs::read(entry.path()).expect("a readable file"))
    };
    entries.map(|entry| file(entry.expect("a readable entry"))).collect()
}
