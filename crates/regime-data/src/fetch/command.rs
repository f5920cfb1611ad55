//! Running other programs.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use super::error::AttemptError;

/// Maximum length of a program's error message, in characters.
const MESSAGE_CHARS: usize = 300;

/// Runs `program` in `dir` and waits for its end. Its output is not shown.
pub(super) fn run(program: &str, args: &[&str], dir: &Path) -> Result<(), AttemptError> {
    let output = Command::new(program)
        .args(args)
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .output();
    let failed = |status: String, message: String| AttemptError::Program {
        program: program.to_owned(),
        status,
        message,
    };
    match output {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(failed(output.status.to_string(), error_message(&output.stderr))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(AttemptError::NoProgram { program: program.to_owned() })
        }
        Err(error) => Err(failed("not started".to_owned(), error.to_string())),
    }
}

/// The first line that is not empty: later lines usually repeat it.
fn error_message(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty());
    line.unwrap_or("no message").chars().take(MESSAGE_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_program() {
        let error = run("no-such-program-here", &[], Path::new(".")).unwrap_err();
        assert_eq!(error.to_string(), "`no-such-program-here` is not installed");
    }

    #[test]
    #[cfg(unix)]
    fn a_failing_program_is_quoted() {
        let error = run("sh", &["-c", "echo; echo it hurts >&2; exit 3"], Path::new("."));
        let message = error.unwrap_err().to_string();
        assert_eq!(message, "`sh` failed (exit status: 3): it hurts");
    }
}
