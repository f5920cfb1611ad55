//! File systems that are mounted for a test alone, in a mount name space of their own.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use crate::{
    facility::{is_root, unshare},
    place::Place,
};

/// A mounted file system. It vanishes with this value.
pub(crate) struct Mount {
    /// A process that waits; the mount belongs to its name space.
    holder: Child,
    folder: TempDir,
}

impl Mount {
    /// A file system in memory with options, such as `size=64k`.
    pub(crate) fn in_memory(options: &str) -> Self {
        Self::of(&format!("mount -t tmpfs -o {options},mode=0755 tmpfs \"$1\""))
    }

    /// A folder that can be read only; `fill` writes its content.
    pub(crate) fn read_only(fill: impl FnOnce(&Path)) -> Self {
        let mount = Self::of("mount -t tmpfs -o size=64m,mode=0755 tmpfs \"$1\"");
        fill(&mount.seen());
        mount.change("ro");
        mount
    }

    fn of(command: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let script = format!("{command} && echo mounted && exec cat");
        let mut words = unshare().into_iter();
        let mut holder = Command::new(words.next().expect("unshare"))
            .args(words)
            .args(["sh", "-c", &script, "sh"])
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare");
        let mut line = String::new();
        let stdout = holder.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        assert_eq!(line, "mounted\n", "{command}");
        Self { holder, folder }
    }

    /// Mounts it again with other options, such as a larger size.
    pub(crate) fn change(&self, options: &str) {
        let mut words = self.enter(Path::new("/")).into_iter();
        let status = Command::new(words.next().expect("nsenter"))
            .args(words)
            // With its type and name, `mount` takes no other options from the list of mounts: those that it has there
            // are refused to a user other than root.
            .args(["mount", "-t", "tmpfs", "-o", &format!("remount,{options}"), "tmpfs"])
            .arg(self.folder.path())
            .status();
        assert!(status.expect("nsenter").success(), "remount,{options}");
    }

    /// The path of the file system for programs in its name space.
    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Its path for the tests, outside the name space.
    fn seen(&self) -> PathBuf {
        let path = self.folder.path().strip_prefix("/").expect("an absolute path");
        Path::new("/proc").join(self.holder.id().to_string()).join("root").join(path)
    }

    /// A place whose results are on the file system.
    pub(crate) fn place(&self) -> Place {
        let place = Place::new();
        let prefix = self.enter(place.folder());
        place.below(prefix).out(self.path().to_owned(), self.seen())
    }

    /// The beginning of a command in the name space, with its working directory.
    fn enter(&self, folder: &Path) -> Vec<String> {
        let id = self.holder.id();
        let mut words = vec!["nsenter".to_owned(), format!("--target={id}"), "--mount".to_owned()];
        if !is_root() {
            words.extend(["--user", "--preserve-credentials"].map(str::to_owned));
        }
        // Entering a name space changes to its root folder.
        words.extend(["sh", "-c", "cd \"$0\" && exec \"$@\""].map(str::to_owned));
        words.push(folder.display().to_string());
        words
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // `cat` ends with its input.
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
    }
}
