//! One-line messages for wrong command lines, with the valid choices.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// The error and the valid choices, in one line.
pub(super) fn one_line(root: &clap::Command, error: &clap::Error, args: &[OsString]) -> String {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(s)) => Some(s.clone()),
        Some(ContextValue::Strings(all)) => Some(all.join(", ")),
        _ => None,
    };
    let argument = text(ContextKind::InvalidArg);
    match (error.kind(), argument) {
        (ErrorKind::UnknownArgument, Some(argument)) => {
            format!(
                "there is no option '{argument}'{} {}",
                meant(error, ContextKind::SuggestedArg),
                flags(root, args).join(", ")
            )
        }
        (ErrorKind::InvalidSubcommand, _) => {
            let command = text(ContextKind::InvalidSubcommand).unwrap_or_default();
            format!(
                "there is no command '{command}'{} {}",
                meant(error, ContextKind::SuggestedSubcommand),
                commands(root, args).join(", ")
            )
        }
        (ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand, _) => {
            format!("the command is missing: choose {}", commands(root, args).join(", "))
        }
        (ErrorKind::InvalidValue, Some(argument)) => {
            let valid = text(ContextKind::ValidValue).unwrap_or_default();
            match text(ContextKind::InvalidValue).filter(|v| !v.is_empty()) {
                Some(value) => format!(
                    "there is no '{value}' for {argument}{} {valid}",
                    meant(error, ContextKind::SuggestedValue)
                ),
                None => format!("{argument} needs a value: choose {valid}"),
            }
        }
        (ErrorKind::ValueValidation, Some(argument)) => {
            let value = text(ContextKind::InvalidValue).unwrap_or_default();
            let why = std::error::Error::source(error).map(|cause| format!(": {cause}"));
            format!("'{value}' is not a value for {argument}{}", why.unwrap_or_default())
        }
        (ErrorKind::MissingRequiredArgument, Some(argument)) if argument.contains("FILE") => {
            "a file with runs is missing; docs/examples has some".into()
        }
        (ErrorKind::MissingRequiredArgument, Some(argument)) if argument == "<FINDING>" => {
            let known: Vec<&str> =
                regime_findings::FINDINGS.iter().map(|finding| finding.name()).collect();
            format!("{argument} is missing; findings are {} and all", known.join(", "))
        }
        (ErrorKind::MissingRequiredArgument, Some(argument)) => format!("{argument} is missing"),
        _ => {
            let rendered = error.to_string();
            let first = rendered.lines().next().unwrap_or_default();
            first.trim_start_matches("error: ").to_owned()
        }
    }
}

/// The (sub)command that the arguments select.
fn reached(root: &clap::Command, args: &[OsString]) -> clap::Command {
    let mut command = root.clone();
    for arg in args.iter().skip(1).filter(|arg| !arg.to_string_lossy().starts_with('-')) {
        let Some(next) = arg.to_str().and_then(|name| command.find_subcommand(name)) else { break };
        command = next.clone();
    }
    command
}

fn flags(root: &clap::Command, args: &[OsString]) -> Vec<String> {
    let command = reached(root, args);
    let longs = command.get_arguments().filter_map(|arg| arg.get_long());
    longs.map(|long| format!("--{long}")).chain(["--help".into()]).collect()
}

fn commands(root: &clap::Command, args: &[OsString]) -> Vec<String> {
    reached(root, args).get_subcommands().map(|command| command.get_name().to_owned()).collect()
}

/// The text between the wrong word and the list of choices; suggests what the user probably meant.
fn meant(error: &clap::Error, kind: ContextKind) -> String {
    let suggested = match error.get(kind) {
        Some(ContextValue::String(one)) => Some(one),
        // The nearest comes last.
        Some(ContextValue::Strings(all)) => all.last(),
        _ => None,
    };
    match suggested {
        Some(one) => format!("; did you mean '{one}'? Choose"),
        None => ": choose".into(),
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;
    use crate::cli::Cli;

    fn message(line: &str) -> String {
        let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        one_line(&Cli::command(), &Cli::try_parse_from(&args).unwrap_err(), &args)
    }

    #[test]
    fn wrong_input_gives_one_line_that_lists_the_choices() {
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
            ("xtask reproduce finding-1 --job 2", "did you mean '--jobs'?"),
            ("xtask reprodce finding-1", "did you mean 'reproduce'?"),
            ("xtask run a.json --memory lots", "8G, 8GiB or 500M"),
            ("xtask run a.json --set width", "field=value"),
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
                "choose reproduce, run, list, plan, report, diagnose, sweep, store, docs, protocol, error-rates, data, coord-check, bench, setup-tch, schema, completions",
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
