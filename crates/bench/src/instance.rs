//! The release binary as a child process, and what it costs.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde::Deserialize;

use crate::Place;

/// A sandbox that is up; killed when dropped.
pub struct Instance {
    process: Child,
    /// From exec to the line `ready`.
    pub took: Duration,
    /// What `sandbox.json` tells.
    pub description: Description,
}

/// The parts of `sandbox.json` that a client needs.
#[derive(Debug, Clone, Deserialize)]
pub struct Description {
    /// The One-Shot doors.
    pub one_shot: Doors,
    /// The registration authority's number.
    pub registration_authority: i64,
    /// A certificate profile that works.
    pub profile: String,
    /// The officer.
    pub rao: Officer,
    /// A billing account.
    pub billing: Billing,
    /// File with the text messages.
    pub sms_outbox: PathBuf,
}

/// The One-Shot doors.
#[derive(Debug, Clone, Deserialize)]
pub struct Doors {
    /// Base of the new dialect.
    pub base: String,
}

/// The officer.
#[derive(Debug, Clone, Deserialize)]
pub struct Officer {
    /// Number.
    pub id: i64,
    /// Token that stands for the officer's credentials.
    pub token: String,
}

/// A billing account.
#[derive(Debug, Clone, Deserialize)]
pub struct Billing {
    /// User name.
    pub username: String,
    /// Password, in base64 as it is sent.
    pub password: String,
}

impl Instance {
    /// Starts a sandbox in the folder `name` of the work folder; an existing one goes on.
    pub fn start(place: &Place, name: &str) -> anyhow::Result<Self> {
        let dir = place.work.join(name);
        let log_path = place.work.join(format!("{name}.log"));
        let log = File::create(&log_path)?;
        let mut command = Command::new(&place.avouch);
        command
            .args([
                "sandbox",
                "--listen",
                "127.0.0.1:0",
                "--max-video-mib",
                "2048",
                "--dir",
            ])
            .arg(&dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log);
        let start = Instant::now();
        let mut process = command.spawn().context("cannot start avouch")?;
        let output = process.stdout.take().context("no standard output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let took = start.elapsed();
        let mut instance = Self {
            process,
            took,
            description: describe(&dir, &line, &log_path)?,
        };
        ensure!(
            instance.process.try_wait()?.is_none(),
            "avouch ended right after it was ready"
        );
        Ok(instance)
    }

    /// Asks it to stop and waits until it did.
    pub fn stop(mut self) -> anyhow::Result<()> {
        let order = format!("kill -TERM {}", self.process.id());
        ensure!(
            Command::new("sh").args(["-c", &order]).status()?.success(),
            "cannot stop avouch"
        );
        let status = self.process.wait()?;
        ensure!(status.success(), "avouch ended with {status}");
        Ok(())
    }

    /// Resident memory now, in MiB.
    pub fn memory(&self) -> anyhow::Result<f64> {
        self.status_mib("VmRSS")
    }

    /// Resident memory once it no longer changes, in MiB.
    pub fn settled_memory(&self) -> anyhow::Result<f64> {
        const STEPS: usize = 50;
        const STILL: usize = 10;
        let (mut last, mut unchanged) = (self.memory()?, 0);
        for _ in 0..STEPS {
            sleep(Duration::from_millis(100));
            let now = self.memory()?;
            unchanged = if now == last { unchanged + 1 } else { 0 };
            last = now;
            if unchanged == STILL {
                break;
            }
        }
        Ok(last)
    }

    /// Forgets the highest resident memory so far.
    pub fn forget_peak(&self) -> anyhow::Result<()> {
        // proc_pid_clear_refs(5): 5 resets VmHWM.
        fs::write(self.proc("clear_refs"), "5").context("cannot reset the memory's peak")
    }

    /// The highest resident memory since [`Instance::forget_peak`], in MiB.
    pub fn peak_memory(&self) -> anyhow::Result<f64> {
        self.status_mib("VmHWM")
    }

    fn status_mib(&self, field: &str) -> anyhow::Result<f64> {
        let status = fs::read_to_string(self.proc("status"))?;
        let kib: f64 = status
            .lines()
            .find_map(|line| {
                line.strip_prefix(field)?
                    .strip_prefix(':')?
                    .trim()
                    .strip_suffix(" kB")
            })
            .with_context(|| format!("no {field} in the process's status"))?
            .parse()?;
        Ok(kib / 1024.0)
    }

    fn proc(&self, name: &str) -> String {
        format!("/proc/{}/{name}", self.process.id())
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn describe(dir: &Path, line: &str, log: &Path) -> anyhow::Result<Description> {
    if !line.starts_with("ready ") {
        bail!("avouch did not start:\n{}", fs::read_to_string(log)?);
    }
    Ok(serde_json::from_slice(&fs::read(
        dir.join("sandbox.json"),
    )?)?)
}
