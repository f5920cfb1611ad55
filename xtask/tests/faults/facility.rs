//! What the machine must be able to do for a fault to be tried.

use std::process::{Command, Stdio};

/// Something that a fault needs of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Facility {
    /// A C compiler, for the library that is loaded before the program.
    Compiler,
    /// A mount name space: folders that are mounted for the tests alone.
    Mounts,
    /// A process for which the permissions of files hold. Those of root do not.
    Permissions,
    /// Signals that are set to their defaults, or ignored, before the program starts.
    Signals,
}

impl Facility {
    /// The name in `REGIME_FAULTS_SKIP`.
    fn name(self) -> &'static str {
        match self {
            Self::Compiler => "compiler",
            Self::Mounts => "mounts",
            Self::Permissions => "permissions",
            Self::Signals => "signals",
        }
    }

    /// A command that succeeds where the facility is there, and what is missing where it fails.
    fn probe(self) -> (Vec<&'static str>, &'static str) {
        match self {
            Self::Compiler => (vec!["cc", "--version"], "the C compiler `cc`"),
            Self::Mounts => {
                let command = [unshare(), vec!["mount", "-t", "tmpfs", "tmpfs", "/mnt"]].concat();
                (command, "the right to mount a tmpfs below `unshare --mount`, and `nsenter`")
            }
            Self::Permissions => {
                let command = [bound_by_permissions(), vec!["true"]].concat();
                (command, "`setpriv` of util-linux, or a user other than root")
            }
            Self::Signals => {
                (vec!["env", "--default-signal=HUP", "true"], "`env --default-signal` of coreutils")
            }
        }
    }

    /// Whether the user chose to skip the faults that need it.
    ///
    /// # Panics
    /// Where the machine does not have it and the user did not choose: a fault that is not tried is no success.
    pub(crate) fn is_skipped(self) -> bool {
        let chosen = std::env::var("REGIME_FAULTS_SKIP").unwrap_or_default();
        let name = self.name();
        if chosen.split(',').any(|skipped| skipped.trim() == name) {
            return true;
        }
        let (command, missing) = self.probe();
        let (program, arguments) = command.split_first().expect("a program");
        let found = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(
            found.is_ok_and(|status| status.success()),
            "this machine lacks {missing}. REGIME_FAULTS_SKIP={name} skips the faults that need it \
             (several names are divided by commas)"
        );
        false
    }
}

/// The beginning of a command in its own mount name space.
pub(crate) fn unshare() -> Vec<&'static str> {
    match is_root() {
        true => vec!["unshare", "--mount"],
        false => vec!["unshare", "--mount", "--map-root-user"],
    }
}

/// The beginning of a command for which the permissions of files hold, those of its user's own files too.
pub(crate) fn bound_by_permissions() -> Vec<&'static str> {
    match is_root() {
        true => vec!["setpriv", "--bounding-set=-dac_override,-dac_read_search"],
        false => Vec::new(),
    }
}

/// Whether the tests run as root.
pub(crate) fn is_root() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").expect("/proc");
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:")).expect("a user");
    // The second of the four is the effective one.
    line.split_whitespace().nth(1) == Some("0")
}
