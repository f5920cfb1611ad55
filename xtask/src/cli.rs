//! The command line.

use std::{ffi::OsString, path::PathBuf, process::ExitCode};

use clap::{
    Args, CommandFactory, Parser, Subcommand, ValueEnum,
    error::{ContextKind, ContextValue, ErrorKind},
};
use regime_data::{Archive, Source};
use regime_lab::Share;
use regime_models::Precision;
use regime_study::{BackendName, DeviceName};

use regime_findings::{Profile, Settings};

/// Exit status for input that cannot be used.
pub(crate) const BAD_INPUT: u8 = 2;

/// What the user asks for.
#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    about = "Reproduces the findings of arXiv 1906.08034",
    subcommand_required = true
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// One task.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make the runs of a finding, analyse them, write the report.
    Reproduce(Reproduce),
    /// Make the runs that files describe, and tabulate them.
    Run(Run),
    /// List the findings.
    List,
    /// Tell what reproducing a finding would take, without computing it.
    Plan(Grid),
    /// Write reports anew from finished runs, without computing any.
    Report(Grid),
    /// Tell whether a setting is lazy or learns features, and how far the border is.
    Diagnose(Diagnose),
    /// Write the pages of docs/findings anew.
    Docs(Docs),
    /// Measure what the choices of the paper that the runs do without would change.
    Protocol(Protocol),
    /// Measure how often the verdicts are wrong, on simulated studies.
    ErrorRates(ErrorRates),
    /// Data sets that are too large to embed.
    #[command(subcommand)]
    Data(Data),
    /// Tell whether a parametrisation keeps its promises: activations and kernel against
    /// the width, exponents fitted.
    CoordCheck(CoordCheck),
    /// Time the works that matter, beside the bare matrix products of the same shapes.
    Bench(Bench),
    /// Get LibTorch for the tch backend, into a folder of the repository.
    SetupTch(SetupTch),
    /// Print the JSON Schema of a file, for editors and other programs.
    #[command(subcommand)]
    Schema(SchemaOf),
}

/// Arguments of `bench`.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// Where tensors live.
    #[arg(long, value_enum, default_value = "flex")]
    backend: BackendArg,
    /// Which device of the backend: cpu, or cuda:0 and so on.
    #[arg(long, default_value = "cpu")]
    device: DeviceName,
    /// Tiny sizes, to see that everything works.
    #[arg(long)]
    pub(crate) smoke: bool,
    /// Only works whose name contains this, such as "side by side".
    #[arg(long, default_value = "")]
    pub(crate) only: String,
    /// Keep the table as CSV in this file, with machine and time.
    #[arg(long)]
    pub(crate) out: Option<PathBuf>,
    /// Instead of the table: the works of a run on one thread or on a GPU, beside PyTorch where Python has it
    /// (the Python that REGIME_PYTHON names, or python3), and keep them as JSON in this file.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["out", "only"])]
    pub(crate) json: Option<PathBuf>,
}

impl Bench {
    /// Where tensors live.
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
    /// Get CUDA as well, some gigabytes more.
    #[arg(long)]
    pub(crate) cuda: bool,
}

/// Arguments of `coord-check`.
#[derive(Debug, Args)]
pub(crate) struct CoordCheck {
    /// A JSON file that says what to check; what it leaves out, and without a file
    /// everything, takes its default.
    pub(crate) file: Option<PathBuf>,
}

/// Arguments of `diagnose`.
#[derive(Debug, Args)]
pub(crate) struct Diagnose {
    /// A JSON file with one run.
    pub(crate) file: PathBuf,
    /// Folder for finished runs.
    #[arg(long, default_value = "results")]
    pub(crate) out: PathBuf,
    /// Runs side by side, one thread each [default: one per core].
    #[arg(long, value_parser = number)]
    jobs: Option<u16>,
    /// Tell it as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

impl Diagnose {
    /// Runs side by side.
    pub(crate) fn jobs(&self) -> usize {
        side_by_side(self.jobs)
    }
}

/// Arguments of `docs`.
#[derive(Debug, Args)]
pub(crate) struct Docs {
    /// Folder with reports, whose numbers the pages take; without them they keep their own.
    #[arg(long, default_value = "results")]
    pub(crate) out: PathBuf,
}

/// Arguments of `protocol`.
#[derive(Debug, Args)]
pub(crate) struct Protocol {
    /// Folder for finished runs.
    #[arg(long, default_value = "results")]
    pub(crate) out: PathBuf,
    /// Runs side by side, one thread each [default: one per core].
    #[arg(long, value_parser = number)]
    jobs: Option<u16>,
}

impl Protocol {
    /// Runs side by side.
    pub(crate) fn jobs(&self) -> usize {
        side_by_side(self.jobs)
    }
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
    #[arg(long, value_parser = share, conflicts_with = "check")]
    pub(crate) share: Option<Share>,
    /// Where the verdict is inconclusive, add training sets until it is decided: twice, three times and
    /// four times the profile's own. The verdict is then judged at levels that keep its error
    /// rate over all four looks.
    #[arg(long, conflicts_with_all = ["share", "seeds"])]
    pub(crate) until_decided: bool,
    /// Begin no further round of --until-decided after so long, such as 30m or 2h.
    #[arg(long, value_parser = duration, requires = "until_decided")]
    pub(crate) budget: Option<std::time::Duration>,
}

/// Arguments of `run`.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// JSON files, each with a run, a sweep, or a list of both.
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Folder for tables and finished runs.
    #[arg(long, default_value = "results")]
    pub(crate) out: PathBuf,
    /// Runs side by side, one thread each [default: one per core].
    #[arg(long, value_parser = number)]
    jobs: Option<u16>,
    /// Make only this share of the runs, such as 2/5 for the second of five, and no table.
    #[arg(long, value_parser = share)]
    pub(crate) share: Option<Share>,
    /// Tell what it would take, without computing it.
    #[arg(long)]
    pub(crate) plan: bool,
}

impl Run {
    /// Runs side by side.
    pub(crate) fn jobs(&self) -> usize {
        side_by_side(self.jobs)
    }
}

/// Which runs.
#[derive(Debug, Args)]
pub(crate) struct Grid {
    /// The finding, or all.
    pub(crate) finding: String,
    /// How much to compute.
    #[arg(long, value_enum, default_value = "laptop")]
    profile: ProfileArg,
    /// Folder for reports and finished runs.
    #[arg(long, default_value = "results")]
    pub(crate) out: PathBuf,
    /// Runs side by side, one thread each [default: one per core].
    #[arg(long, value_parser = number)]
    jobs: Option<u16>,
    /// Element type of all tensors.
    #[arg(long, value_enum, default_value = "f64")]
    dtype: DtypeArg,
    /// Number of training sets, each with its own initial weights, instead of the profile's own.
    #[arg(long, value_parser = number)]
    seeds: Option<u16>,
    /// The first seed of the initial weights; networks of one training set are 1000 apart.
    #[arg(long, default_value_t = 0)]
    seed_offset: u64,
    /// The seed of the order of the data, which decides training and test sets. Every eight training sets
    /// take the next one.
    #[arg(long, default_value_t = 0)]
    data_seed: u64,
    /// Error of F that the integrator may make by the end, instead of the profile's own.
    #[arg(long, value_parser = tolerance)]
    tolerance: Option<f64>,
    /// Where tensors live.
    #[arg(long, value_enum, default_value = "flex")]
    backend: BackendArg,
    /// Which device of the backend: cpu, or cuda:0 and so on.
    #[arg(long, default_value = "cpu")]
    device: DeviceName,
    /// Data to use instead of the profile's own: mnist-t10k, mnist, fashion-mnist,
    /// a folder of IDX files, or a .safetensors file with inputs and labels.
    #[arg(long, value_parser = source)]
    pub(crate) source: Option<Source>,
    /// Let fully connected networks see all pixels instead of the principal components.
    #[arg(long)]
    pub(crate) no_pca: bool,
}

impl Grid {
    /// The choices that make a grid.
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

    /// Runs side by side.
    pub(crate) fn jobs(&self) -> usize {
        side_by_side(self.jobs)
    }
}

fn side_by_side(asked: Option<u16>) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    asked.map_or_else(cores, usize::from)
}

/// Arguments of `data`.
#[derive(Debug, Subcommand)]
pub(crate) enum Data {
    /// Fetch a data set into the cache folder and verify it.
    Fetch {
        /// Which.
        #[arg(value_enum)]
        archive: ArchiveArg,
    },
    /// Tell where data sets are looked for.
    Path,
}

/// Gives a type of ours the names that clap shows and reads.
macro_rules! named_values {
    ($wrapper:ident, $inner:ty, $all:expr, $name:expr) => {
        #[derive(Debug, Clone, Copy)]
        pub(crate) struct $wrapper(pub(crate) $inner);

        impl ValueEnum for $wrapper {
            fn value_variants<'a>() -> &'a [Self] {
                const ALL: &[$wrapper] = &$all;
                ALL
            }

            fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
                let name: fn($inner) -> &'static str = $name;
                Some(clap::builder::PossibleValue::new(name(self.0)))
            }
        }
    };
}

named_values!(
    ProfileArg,
    Profile,
    [ProfileArg(Profile::ALL[0]), ProfileArg(Profile::ALL[1]), ProfileArg(Profile::ALL[2])],
    Profile::name
);
named_values!(
    DtypeArg,
    Precision,
    [DtypeArg(Precision::F64), DtypeArg(Precision::F32)],
    |precision| match precision {
        Precision::F64 => "f64",
        Precision::F32 => "f32",
    }
);
named_values!(
    BackendArg,
    BackendName,
    [
        BackendArg(BackendName::ALL[0]),
        BackendArg(BackendName::ALL[1]),
        BackendArg(BackendName::ALL[2])
    ],
    BackendName::name
);
named_values!(
    ArchiveArg,
    Archive,
    [ArchiveArg(Archive::Mnist), ArchiveArg(Archive::FashionMnist)],
    Archive::name
);

/// The largest number of seeds or jobs that is not a slip of the finger.
const MOST: u16 = 1000;

fn number(text: &str) -> Result<u16, String> {
    match text.parse() {
        Ok(value) if (1..=MOST).contains(&value) => Ok(value),
        _ => Err(format!("choose a whole number from 1 to {MOST}")),
    }
}

fn duration(text: &str) -> Result<std::time::Duration, String> {
    humantime::parse_duration(text).map_err(|_| "write a duration such as 30m or 2h".into())
}

fn share(text: &str) -> Result<Share, String> {
    text.parse().map_err(|_| "write 2/5 for the second of five".into())
}

fn tolerance(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(value) if value > 0.0 && value < 1.0 => Ok(value),
        _ => Err("choose a number between 0 and 1, such as 0.01".into()),
    }
}

fn source(text: &str) -> Result<Source, String> {
    match text {
        "mnist-t10k" => Ok(Source::MnistT10k),
        "mnist" => Ok(Source::Mnist),
        "fashion-mnist" => Ok(Source::FashionMnist),
        folder if std::path::Path::new(folder).is_dir() => {
            Ok(Source::IdxDirectory { path: folder.into() })
        }
        file if file.ends_with(".safetensors") => Ok(Source::safetensors(file)),
        _ => Err("choose mnist-t10k, mnist, fashion-mnist, a folder of IDX files or a \
                  .safetensors file"
            .into()),
    }
}

/// Reads the command line.
///
/// # Errors
/// The exit status, after help or one line on what is wrong has been printed.
pub(crate) fn parse(args: impl Iterator<Item = OsString>) -> Result<Command, ExitCode> {
    let args: Vec<OsString> = args.collect();
    Cli::try_parse_from(&args).map(|cli| cli.command).map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            print!("{error}");
            ExitCode::SUCCESS
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand if args.len() < 2 => {
            eprint!("{error}");
            ExitCode::from(BAD_INPUT)
        }
        _ => {
            eprintln!("error: {}", one_line(&error, &args));
            ExitCode::from(BAD_INPUT)
        }
    })
}

/// What is wrong and what exists instead, in one line.
fn one_line(error: &clap::Error, args: &[OsString]) -> String {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(s)) => Some(s.clone()),
        Some(ContextValue::Strings(all)) => Some(all.join(", ")),
        _ => None,
    };
    let argument = text(ContextKind::InvalidArg);
    match (error.kind(), argument) {
        (ErrorKind::UnknownArgument, Some(argument)) => {
            format!("there is no flag '{argument}': choose {}", flags(args).join(", "))
        }
        (ErrorKind::InvalidSubcommand, _) => {
            let command = text(ContextKind::InvalidSubcommand).unwrap_or_default();
            format!("there is no task '{command}': choose {}", tasks(args).join(", "))
        }
        (ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand, _) => {
            format!("the task is missing: choose {}", tasks(args).join(", "))
        }
        (ErrorKind::InvalidValue, Some(argument)) => {
            let valid = text(ContextKind::ValidValue).unwrap_or_default();
            match text(ContextKind::InvalidValue).filter(|v| !v.is_empty()) {
                Some(value) => format!("there is no '{value}' for {argument}: choose {valid}"),
                None => format!("{argument} needs a value: choose {valid}"),
            }
        }
        (ErrorKind::ValueValidation, Some(argument)) => {
            let value = text(ContextKind::InvalidValue).unwrap_or_default();
            let why = std::error::Error::source(error).map(|cause| format!(": {cause}"));
            format!("'{value}' is no value for {argument}{}", why.unwrap_or_default())
        }
        (ErrorKind::MissingRequiredArgument, Some(argument)) if argument.contains("FILE") => {
            "a file with runs is missing; docs/examples has some".into()
        }
        (ErrorKind::MissingRequiredArgument, Some(argument)) => {
            let known: Vec<&str> =
                regime_findings::FINDINGS.iter().map(|finding| finding.name()).collect();
            format!("{argument} is missing; findings are {} and all", known.join(", "))
        }
        _ => {
            let rendered = error.to_string();
            let first = rendered.lines().next().unwrap_or_default();
            first.trim_start_matches("error: ").to_owned()
        }
    }
}

/// The (sub)command that the arguments reach.
fn reached(args: &[OsString]) -> clap::Command {
    let mut command = Cli::command();
    for arg in args.iter().skip(1) {
        let Some(next) = arg.to_str().and_then(|name| command.find_subcommand(name)) else { break };
        command = next.clone();
    }
    command
}

fn flags(args: &[OsString]) -> Vec<String> {
    let command = reached(args);
    let longs = command.get_arguments().filter_map(|arg| arg.get_long());
    longs.map(|long| format!("--{long}")).chain(["--help".into()]).collect()
}

fn tasks(args: &[OsString]) -> Vec<String> {
    reached(args).get_subcommands().map(|task| task.get_name().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(line: &str) -> String {
        let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        one_line(&Cli::try_parse_from(&args).unwrap_err(), &args)
    }

    #[test]
    fn wrong_input_is_one_line_that_lists_what_exists() {
        let cases = [
            ("xtask reproduce finding-1 --profile huge", "choose smoke, laptop, paper"),
            ("xtask reproduce finding-1 --dtype f16", "choose f64, f32"),
            ("xtask reproduce finding-1 --seeds 0", "from 1 to"),
            ("xtask reproduce finding-1 --seeds many", "from 1 to"),
            ("xtask reproduce finding-1 --seeds 1000000000000", "from 1 to"),
            ("xtask reproduce finding-1 --jobs 0", "from 1 to"),
            ("xtask reproduce finding-1 --tolerance 0", "between 0 and 1"),
            ("xtask reproduce finding-1 --tolerance NaN", "between 0 and 1"),
            ("xtask reproduce finding-1 --wat", "--profile, --out, --jobs"),
            ("xtask reproduce finding-1 --share 3/2", "2/5 for the second of five"),
            ("xtask reproduce finding-1 --share 1/2 --check", "--check"),
            ("xtask reproduce finding-1 --until-decided --budget soon", "30m or 2h"),
            ("xtask reproduce finding-1 --budget 30m", "--until-decided"),
            ("xtask reproduce finding-1 --seed-offset -1", "--seed-offset"),
            ("xtask run runs.json --share half", "2/5 for the second of five"),
            ("xtask reproduce finding-1 --backend cuda", "choose flex, ndarray, tch"),
            ("xtask reproduce finding-1 --device gpu", "choose cpu, or cuda:0"),
            ("xtask reproduce finding-1 --source /does/not/exist", "a folder of IDX files"),
            (
                "xtask frobnicate",
                "choose reproduce, run, list, plan, report, diagnose, docs, protocol, error-rates, data, coord-check, bench, setup-tch, schema",
            ),
            ("xtask reproduce", "finding-1"),
            ("xtask run", "docs/examples"),
            ("xtask data fetch cifar", "choose mnist, fashion-mnist"),
            ("xtask data", "choose fetch, path"),
        ];
        for (line, part) in cases {
            let message = message(line);
            assert!(message.contains(part), "{line}: {message}");
            assert_eq!(message.lines().count(), 1, "{line}: {message}");
        }
    }
}
