//! The command line.

mod messages;
mod values;

use std::{ffi::OsString, path::PathBuf, process::ExitCode, time::Duration};

use clap::{Args, CommandFactory, Parser, Subcommand, error::ErrorKind};
use clap_complete::Shell;
use regime_data::Source;
use regime_findings::{Profile, Settings};
use regime_lab::Share;
use regime_study::{BackendName, DeviceName, Override};

use crate::console;
use crate::status::BAD_INPUT;
use messages::one_line;
pub(crate) use values::Engine;
use values::{
    ArchiveArg, BackendArg, DtypeArg, ProfileArg, bytes, duration, key_start, number, override_of,
    share, source, tolerance,
};

const STATUSES: &str = "\
Exit status:
  0    success
  1    a run failed or is missing; a check failed
  2    the command line, a file or the data cannot be used, or output cannot be written
  3    with --check, and for coord-check: undecided
  4    a worker of a sweep was stopped before any run had advanced
  130  stopped by Ctrl-C, SIGTERM or a closed terminal; run the same command again to continue

Examples:
  cargo xtask reproduce finding-1
  cargo xtask run docs/examples/sweep.json --plan
  cargo xtask diagnose docs/examples/diagnose.json --set alpha=0.1";

/// The command line.
#[derive(Debug, Parser)]
#[command(
    name = "regime",
    bin_name = "cargo xtask",
    about = "Reproduces the findings of arXiv 1906.08034, and computes runs of your own",
    version = env!("REGIME_VERSION"),
    subcommand_required = true,
    after_help = STATUSES
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Print results, warnings and errors only: no progress and no notes.
    #[arg(short, long, global = true)]
    quiet: bool,
}

/// One command.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make the runs of a finding, analyse them, and write the report.
    #[command(after_help = "\
Examples:
  cargo xtask reproduce finding-1 --profile smoke
  cargo xtask reproduce all --seed-offset 300 --data-seed 30
  cargo xtask reproduce finding-3 --until-decided --budget 30m")]
    Reproduce(Reproduce),
    /// Make the runs that files describe, and tabulate them.
    #[command(after_help = "\
Examples:
  cargo xtask run docs/examples/sweep.json --plan
  cargo xtask run docs/examples/sweep.json --set data.n_train=100
  cargo xtask run docs/examples/depth.toml --json > runs.json
  cargo xtask run docs/examples/sweep.json --print-spec")]
    Run(Run),
    /// List the findings.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Estimate the time and memory that reproducing a finding takes, without computing it.
    #[command(after_help = "Example:\n  cargo xtask plan all")]
    Plan(Grid),
    /// Write the reports of finished runs again, without computing any run.
    Report(Grid),
    /// Say whether a setting is lazy or learns features, and how far the border is.
    #[command(after_help = "Example:\n  cargo xtask diagnose docs/examples/diagnose.json --json")]
    Diagnose(Diagnose),
    /// Compute a finding or the runs of a file on a cluster, or in several processes: submit, status, resume,
    /// collect.
    #[command(subcommand)]
    Sweep(Sweep),
    /// Verify, repair, prune and export the folder of finished runs.
    #[command(subcommand)]
    Store(StoreCommand),
    /// Write the pages of docs/findings again.
    Docs(Docs),
    /// Measure the effect of the paper's choices that the runs leave out.
    Protocol(Protocol),
    /// Measure how often the verdicts are wrong, on simulated studies.
    ErrorRates(ErrorRates),
    /// Fetch data sets that are too large to embed.
    #[command(subcommand)]
    Data(Data),
    /// Check how activations and kernel grow with the width: fit every exponent and compare it
    /// with the exponent that the parametrisation predicts.
    #[command(after_help = "\
Example:
  cargo xtask coord-check docs/examples/coord-check-mu-p.json --set seeds=4")]
    CoordCheck(CoordCheck),
    /// Time the main operations, relative to the bare matrix products of the same shapes.
    Bench(Bench),
    /// Install LibTorch for the tch backend into a folder of the repository.
    SetupTch(SetupTch),
    /// Print the JSON Schema of a file, for editors and other programs.
    #[command(subcommand)]
    Schema(SchemaOf),
    /// Print a completion script for the program `xtask`.
    #[command(after_help = "\
Example:
  cargo xtask completions bash > ~/.local/share/bash-completion/completions/xtask")]
    Completions {
        /// The shell.
        shell: Shell,
    },
}

impl Command {
    /// Whether the command makes runs, which a signal stops with their checkpoints. A signal ends any other command
    /// at once.
    pub(crate) fn makes_runs(&self) -> bool {
        match self {
            Self::Reproduce(_) | Self::Protocol(_) => true,
            Self::Run(arguments) => !arguments.plan && !arguments.overrides.print_spec,
            Self::Diagnose(arguments) => !arguments.overrides.print_spec,
            Self::Sweep(
                Sweep::Submit(Submit { on: Engine::Local, .. }) | Sweep::Resume(_) | Sweep::Work(_),
            ) => true,
            _ => false,
        }
    }
}

/// How much of the machine a command uses.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Resources {
    /// Runs side by side, one thread each [default: one per core].
    #[arg(short, long, value_parser = number)]
    jobs: Option<u16>,
    /// Total memory that the runs may use, such as 8G [default: what is free].
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    pub(crate) memory: Option<u64>,
}

impl Resources {
    /// One run at a time, and no limit of the memory.
    pub(crate) fn one_job() -> Self {
        Self { jobs: Some(1), memory: None }
    }

    /// The same, with other defaults where the user chose nothing.
    pub(crate) fn with_defaults(self, jobs: Option<u16>, memory: Option<u64>) -> Self {
        Self { jobs: self.jobs.or(jobs), memory: self.memory.or(memory) }
    }

    /// Runs side by side, if the user chose a number.
    pub(crate) fn chosen_jobs(&self) -> Option<u16> {
        self.jobs
    }

    /// Runs side by side.
    pub(crate) fn jobs(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        self.jobs.map_or_else(cores, usize::from)
    }
}

/// Arguments of `bench`.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// The library that does the tensor arithmetic.
    #[arg(long, value_enum, default_value = "flex")]
    backend: BackendArg,
    /// The device of the backend: cpu, or cuda:0 and so on.
    #[arg(long, default_value = "cpu")]
    device: DeviceName,
    /// Use tiny sizes, to check that everything works.
    #[arg(long)]
    pub(crate) smoke: bool,
    /// Only operations whose name contains this, such as "side by side".
    #[arg(long, default_value = "")]
    pub(crate) only: String,
    /// Write the table as CSV to this file, with machine and time.
    #[arg(long)]
    pub(crate) out: Option<PathBuf>,
    /// Instead of the table: time the operations of a run on one thread or on a GPU, and in PyTorch if the
    /// Python that REGIME_PYTHON names (default: python3) has it, and write JSON to this file.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["out", "only"])]
    pub(crate) json: Option<PathBuf>,
}

impl Bench {
    /// The backend and its device.
    pub(crate) fn backend(&self) -> (BackendName, DeviceName) {
        (self.backend.0, self.device)
    }
}

/// The files that have a schema.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum SchemaOf {
    /// Runs and sweeps, for `run` and `diagnose`.
    Run,
    /// A coordinate check, for `coord-check`.
    CoordCheck,
}

/// Arguments of `setup-tch`.
#[derive(Debug, Args)]
pub(crate) struct SetupTch {
    /// Install CUDA as well (some more gigabytes).
    #[arg(long)]
    pub(crate) cuda: bool,
}

/// Changes to the spec in a file.
#[derive(Debug, Args)]
pub(crate) struct Overrides {
    /// Set a field of the spec, such as network.width=64; may be repeated.
    #[arg(long = "set", value_name = "FIELD=VALUE", value_parser = override_of)]
    pub(crate) set: Vec<Override>,
    /// Print the spec as JSON with all its fields, and compute nothing.
    #[arg(long)]
    pub(crate) print_spec: bool,
}

/// Arguments of `coord-check`.
#[derive(Debug, Args)]
pub(crate) struct CoordCheck {
    /// A JSON or TOML file that describes the check. Omitted fields, and without a file all fields,
    /// have their defaults.
    pub(crate) file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) overrides: Overrides,
    #[command(flatten)]
    pub(crate) resources: Resources,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `diagnose`.
#[derive(Debug, Args)]
pub(crate) struct Diagnose {
    /// A JSON or TOML file with one run.
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) overrides: Overrides,
    /// Folder for finished runs.
    #[arg(long, default_value = "results")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) resources: Resources,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// The commands of `sweep`.
#[derive(Debug, Subcommand)]
pub(crate) enum Sweep {
    /// Compute the runs that the store lacks, here or by a job array of Slurm.
    #[command(
        mut_arg("finding", |arg| arg.value_name("TARGET").help(TARGET)),
        after_help = "\
Options after -- are passed to sbatch as they are.

Examples:
  cargo xtask sweep submit finding-1 --profile paper --on slurm -- --account=physics --partition=long
  cargo xtask sweep submit sweep.json --on slurm --cores 8 --task-time 2h -- --time=06:00:00
  cargo xtask sweep submit sweep.json --on local"
    )]
    Submit(Submit),
    /// Count the runs that are done, running, failed and missing.
    #[command(mut_arg("finding", |arg| arg.value_name("TARGET").help(TARGET)))]
    Status(SweepStatus),
    /// Submit what is missing and not in the queue, as it was submitted last.
    #[command(mut_arg("finding", |arg| arg.value_name("TARGET").help(TARGET)))]
    Resume(Resume),
    /// Analyse the stored runs of a finding and write the report, or write the table of a file.
    #[command(mut_arg("finding", |arg| arg.value_name("TARGET").help(TARGET)))]
    Collect(SweepTarget),
    /// Compute one task of a submission; the job script calls it.
    #[command(hide = true)]
    Work(Work),
}

const TARGET: &str = "A finding, all, or a JSON or TOML file with runs or a sweep";

/// The runs of a sweep.
#[derive(Debug, Args)]
pub(crate) struct SweepTarget {
    #[command(flatten)]
    pub(crate) grid: Grid,
    /// Set a field of every spec of the file, such as network.width=64; may be repeated.
    #[arg(long = "set", value_name = "FIELD=VALUE", value_parser = override_of)]
    pub(crate) set: Vec<Override>,
}

/// Arguments of `sweep submit`.
#[derive(Debug, Args)]
pub(crate) struct Submit {
    #[command(flatten)]
    pub(crate) target: SweepTarget,
    /// Where to compute.
    #[arg(long, value_enum, default_value = "local")]
    pub(crate) on: Engine,
    /// Slurm: cores of each task, which are its runs side by side [default: --jobs, or else 4].
    #[arg(long, value_parser = number)]
    pub(crate) cores: Option<u16>,
    /// Slurm: the time that a task is expected to take, which decides how many there are.
    #[arg(long, default_value = "1h", value_parser = duration)]
    pub(crate) task_time: Duration,
    /// Slurm: the number of tasks, instead of --task-time.
    #[arg(long, value_parser = number)]
    pub(crate) tasks: Option<u16>,
    /// Options of sbatch.
    #[arg(last = true, index = 2)]
    pub(crate) sbatch: Vec<String>,
}

/// Arguments of `sweep status`.
#[derive(Debug, Args)]
pub(crate) struct SweepStatus {
    #[command(flatten)]
    pub(crate) target: SweepTarget,
    /// List each failed run with its cause, and the command that computes it alone.
    #[arg(long)]
    pub(crate) failed: bool,
}

/// Arguments of `sweep resume`.
#[derive(Debug, Args)]
pub(crate) struct Resume {
    #[command(flatten)]
    pub(crate) target: SweepTarget,
    /// Try failed runs again, too.
    #[arg(long)]
    pub(crate) retry_failed: bool,
    /// Options of sbatch, in addition to those of the last submission.
    #[arg(last = true, index = 2)]
    pub(crate) sbatch: Vec<String>,
}

/// Arguments of `sweep work`.
#[derive(Debug, Args)]
pub(crate) struct Work {
    /// The folder of the submission.
    pub(crate) folder: PathBuf,
    /// The number of the task.
    pub(crate) task: usize,
    #[command(flatten)]
    pub(crate) resources: Resources,
}

/// The commands of `store`.
#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Verify the checksum and the key of every file.
    Verify(StoreFolder),
    /// Move damaged files aside, so that their runs are computed again, and remove what crashed processes left.
    Repair(StoreFolder),
    /// Remove files that nothing needs: damaged files that were moved aside, and checkpoints and failures of
    /// finished runs.
    Prune(Prune),
    /// Write all runs as Parquet, and their curves, outputs and kernels as arrays for NumPy.
    #[command(after_help = "\
Example:
  cargo xtask store export --parquet runs.parquet --npz arrays.npz")]
    Export(Export),
}

/// The folder of a store.
#[derive(Debug, Args)]
pub(crate) struct StoreFolder {
    /// Folder for reports and finished runs.
    #[arg(long, default_value = "results")]
    pub(crate) out: PathBuf,
}

/// Arguments of `store prune`.
#[derive(Debug, Args)]
pub(crate) struct Prune {
    #[command(flatten)]
    pub(crate) store: StoreFolder,
    /// Remove records of earlier versions of the computation, too, which this version does not use.
    #[arg(long)]
    pub(crate) earlier: bool,
    /// Print what would be removed, and remove nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Arguments of `store export`.
#[derive(Debug, Args)]
pub(crate) struct Export {
    #[command(flatten)]
    pub(crate) store: StoreFolder,
    /// The table of runs, with the meaning and unit of every column in its metadata.
    #[arg(long, value_name = "FILE", required_unless_present = "npz")]
    pub(crate) parquet: Option<PathBuf>,
    /// Curves, outputs and kernels of the runs; their meaning is in FILE with the ending .md.
    #[arg(long, value_name = "FILE")]
    pub(crate) npz: Option<PathBuf>,
}

/// Arguments of `docs`.
#[derive(Debug, Args)]
pub(crate) struct Docs {
    /// Folder with the reports whose numbers the pages show; a page without a report keeps its numbers.
    #[arg(long, default_value = "results")]
    pub(crate) out: PathBuf,
}

/// Arguments of `protocol`.
#[derive(Debug, Args)]
pub(crate) struct Protocol {
    /// Folder for finished runs.
    #[arg(long, default_value = "results")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) resources: Resources,
}

/// Arguments of `error-rates`.
#[derive(Debug, Args)]
pub(crate) struct ErrorRates {
    /// Simulated studies for each finding and truth.
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub(crate) studies: u64,
    /// Seed of the simulation.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// Write the page docs/findings/error-rates.md instead of printing the table.
    #[arg(long)]
    pub(crate) write: bool,
}

/// Arguments of `reproduce`.
#[derive(Debug, Args)]
pub(crate) struct Reproduce {
    #[command(flatten)]
    pub(crate) grid: Grid,
    /// Let the exit status follow the verdict: 0 reproduced, 1 not reproduced,
    /// 3 inconclusive.
    #[arg(long)]
    pub(crate) check: bool,
    /// Make only this share of the runs, such as 2/5 for the second of five, and no report.
    #[arg(long, value_parser = share, conflicts_with_all = ["check", "json"])]
    pub(crate) share: Option<Share>,
    /// Make only the run with this key, or whose key starts so, and no report.
    #[arg(long, value_name = "KEY", value_parser = key_start,
        conflicts_with_all = ["check", "json", "share", "until_decided"])]
    pub(crate) only: Option<String>,
    /// If the verdict is inconclusive, add training sets until it is decided: two, three and four times
    /// the profile's number. The levels of the verdict are then stricter, so that its error rate holds
    /// over all four looks.
    #[arg(long, conflicts_with_all = ["share", "seeds"])]
    pub(crate) until_decided: bool,
    /// Begin no further round of --until-decided after this time, such as 30m or 2h.
    #[arg(long, value_parser = duration, requires = "until_decided")]
    pub(crate) budget: Option<Duration>,
}

/// Arguments of `run`.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// JSON or TOML files, each with a run, a sweep, or (in JSON) a list of both.
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) overrides: Overrides,
    /// Folder for tables and finished runs.
    #[arg(long, default_value = "results")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) resources: Resources,
    /// Make only this share of the runs, such as 2/5 for the second of five, and no table.
    #[arg(long, value_parser = share, conflicts_with = "json")]
    pub(crate) share: Option<Share>,
    /// Make only the run with this key, or whose key starts so, and no table.
    #[arg(long, value_name = "KEY", value_parser = key_start, conflicts_with_all = ["json", "share"])]
    pub(crate) only: Option<String>,
    /// Estimate the time, memory and disk of the runs, without computing them.
    #[arg(long)]
    pub(crate) plan: bool,
    /// Print JSON: the table of runs, or the estimate.
    #[arg(long)]
    pub(crate) json: bool,
}

/// The runs of a finding.
#[derive(Debug, Args)]
pub(crate) struct Grid {
    /// The finding, or all.
    #[arg(index = 1)]
    pub(crate) finding: String,
    /// How much to compute.
    #[arg(long, value_enum, default_value = "laptop")]
    profile: ProfileArg,
    /// Folder for reports and finished runs.
    #[arg(long, default_value = "results")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) resources: Resources,
    /// Element type of all tensors.
    #[arg(long, value_enum, default_value = "f64")]
    dtype: DtypeArg,
    /// Number of training sets, each with its own initial weights, instead of the profile's number.
    #[arg(long, value_parser = number)]
    seeds: Option<u16>,
    /// The first seed of the initial weights; networks of one training set are 1000 apart.
    #[arg(long, default_value_t = 0)]
    seed_offset: u64,
    /// The seed of the order of the data, which decides training and test sets. Every eight training sets
    /// use the next seed.
    #[arg(long, default_value_t = 0)]
    data_seed: u64,
    /// Error of F that the integrator may make by the end of a run, instead of the profile's tolerance.
    #[arg(long, value_parser = tolerance)]
    tolerance: Option<f64>,
    /// The library that does the tensor arithmetic.
    #[arg(long, value_enum, default_value = "flex")]
    backend: BackendArg,
    /// The device of the backend: cpu, or cuda:0 and so on.
    #[arg(long, default_value = "cpu")]
    device: DeviceName,
    /// Data to use instead of the profile's data: mnist-t10k, mnist, fashion-mnist,
    /// a folder of IDX files, or a .safetensors file with inputs and labels.
    #[arg(long, value_parser = source)]
    pub(crate) source: Option<Source>,
    /// Give fully connected networks all pixels instead of the principal components.
    #[arg(long)]
    pub(crate) no_pca: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

impl Grid {
    /// The option of a grid that the user chose, if any: a file of runs has no use for it.
    pub(crate) fn chosen_option(&self) -> Option<&'static str> {
        let plain = Settings::of(Profile::Laptop);
        let Settings { precision, backend, device, seed_offset, data_seed, .. } = plain;
        [
            ("--profile", self.profile.0 != Profile::Laptop),
            ("--dtype", self.dtype.0 != precision),
            ("--seeds", self.seeds.is_some()),
            ("--seed-offset", self.seed_offset != seed_offset),
            ("--data-seed", self.data_seed != data_seed),
            ("--tolerance", self.tolerance.is_some()),
            ("--backend", self.backend.0 != backend),
            ("--device", self.device != device),
            ("--source", self.source.is_some()),
            ("--no-pca", self.no_pca),
        ]
        .into_iter()
        .find_map(|(option, chosen)| chosen.then_some(option))
    }

    /// The settings of the grid.
    pub(crate) fn settings(&self) -> Settings {
        Settings {
            profile: self.profile.0,
            precision: self.dtype.0,
            backend: self.backend.0,
            device: self.device,
            seeds: self.seeds.map(u64::from),
            rounds: 1,
            seed_offset: self.seed_offset,
            data_seed: self.data_seed,
            tolerance: self.tolerance,
        }
    }
}

/// Arguments of `data`.
#[derive(Debug, Subcommand)]
pub(crate) enum Data {
    /// Fetch a data set into the cache folder and verify it.
    Fetch {
        /// The data set.
        #[arg(value_enum)]
        archive: ArchiveArg,
    },
    /// Print the folder in which data sets are cached.
    Path,
}

/// Reads the command line.
///
/// # Errors
/// The exit status, after the help text or a one-line error has been printed.
pub(crate) fn parse(args: impl Iterator<Item = OsString>) -> Result<Command, ExitCode> {
    let args: Vec<OsString> = args.collect();
    match Cli::try_parse_from(&args) {
        Ok(cli) => {
            console::set_quiet(cli.quiet);
            Ok(cli.command)
        }
        Err(error) => Err(match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                console::write(&error.to_string());
                ExitCode::SUCCESS
            }
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand if args.len() < 2 => {
                console::warn(format_args!("{error}"));
                ExitCode::from(BAD_INPUT)
            }
            _ => {
                console::warn(format_args!("error: {}", one_line(&Cli::command(), &error, &args)));
                ExitCode::from(BAD_INPUT)
            }
        }),
    }
}

/// The script that completes the arguments of the program in a shell.
pub(crate) fn completions(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "xtask", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}
