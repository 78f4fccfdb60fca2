//! Programs that `scripts/install-tools` brings, and how they are called.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::{env, fs};

/// The folder that holds the workspace's `Cargo.toml`.
pub fn workspace_root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors()
        .nth(2)
        .expect("the crate lies two folders below the workspace")
        .to_owned()
}

/// Finds a program: in the workspace's `.venv`, on the PATH, or among PostgreSQL's own programs,
/// which Debian keeps off the PATH.
///
/// # Panics
///
/// When it is not installed.
pub fn tool(name: &str) -> PathBuf {
    let on_path = env::var_os("PATH").unwrap_or_default();
    [workspace_root().join(".venv/bin")]
        .into_iter()
        .chain(env::split_paths(&on_path))
        .chain(postgres_folders())
        .map(|folder| folder.join(name))
        .find(|candidate| candidate.is_file())
        .unwrap_or_else(|| panic!("{name} is not installed; run scripts/install-tools"))
}

/// What a program said, and how it ended.
#[derive(Debug, Clone)]
pub struct ToolOutput {
    /// The command line, for messages.
    pub command: String,
    /// How it ended.
    pub status: ExitStatus,
    /// Standard output, as bytes: it may be DER.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: String,
}

impl ToolOutput {
    /// Standard output as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Both outputs under the command line: what a failed test should print.
    pub fn transcript(&self) -> String {
        format!(
            "$ {}\n{}{}\n[{}]",
            self.command,
            self.text(),
            self.stderr,
            self.status
        )
    }

    /// Whether it exited with status 0.
    pub fn accepted(&self) -> bool {
        self.status.success()
    }

    /// Insists that it exited with status 0.
    ///
    /// # Panics
    ///
    /// With the whole transcript, when it did not.
    #[track_caller]
    pub fn must_accept(self) -> Self {
        assert!(self.accepted(), "refused:\n{}", self.transcript());
        self
    }

    /// Insists that it did not exit with status 0.
    ///
    /// # Panics
    ///
    /// With the whole transcript, when it did.
    #[track_caller]
    pub fn must_refuse(self) -> Self {
        assert!(!self.accepted(), "accepted:\n{}", self.transcript());
        self
    }
}

/// Runs a program of [`tool`] to its end, in English and UTC.
///
/// It blocks: a judge that must reach a server of the same runtime is called through
/// `spawn_blocking` on a multi-threaded runtime.
///
/// # Panics
///
/// When the program is not installed or cannot be started.
pub fn run<I, A>(name: &str, arguments: I, stdin: &[u8]) -> ToolOutput
where
    I: IntoIterator<Item = A>,
    A: AsRef<OsStr>,
{
    let mut command = Command::new(tool(name));
    command
        .args(arguments)
        .env("LC_ALL", "C.UTF-8")
        .env("TZ", "UTC");
    finish(&mut command, stdin)
}

/// Runs a program as [`run`] does, with its clock standing still at a moment in UTC, written as in
/// `2030-01-31 12:00:00`.
///
/// # Panics
///
/// As [`run`].
pub fn run_at<I, A>(moment: &str, name: &str, arguments: I, stdin: &[u8]) -> ToolOutput
where
    I: IntoIterator<Item = A>,
    A: AsRef<OsStr>,
{
    let mut command = Command::new(tool("faketime"));
    command
        .args(["-f", moment])
        .arg(tool(name))
        .args(arguments)
        .env("LC_ALL", "C.UTF-8")
        .env("TZ", "UTC")
        // What measures how long something takes goes on.
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    finish(&mut command, stdin)
}

/// Runs a prepared command to its end, feeding it while its output is read.
pub(crate) fn finish(command: &mut Command, stdin: &[u8]) -> ToolOutput {
    let line = format!("{command:?}");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {line}: {error}"));
    let mut pipe = child.stdin.take().expect("standard input was piped above");
    let output = std::thread::scope(|scope| {
        scope.spawn(move || {
            // A program that has read enough closes its end; that is its right.
            let _ = pipe.write_all(stdin);
        });
        child.wait_with_output()
    })
    .unwrap_or_else(|error| panic!("cannot read from {line}: {error}"));
    ToolOutput {
        command: line,
        status: output.status,
        stdout: output.stdout,
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// `/usr/lib/postgresql/VERSION/bin`, newest first.
fn postgres_folders() -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir("/usr/lib/postgresql") else {
        return Vec::new();
    };
    let mut versions: Vec<u32> = entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    versions.sort_unstable_by(|a, b| b.cmp(a));
    versions
        .into_iter()
        .map(|version| PathBuf::from(format!("/usr/lib/postgresql/{version}/bin")))
        .collect()
}
