//! Benchmarks of the release binary and of the rooms that must be fast.
//!
//! Everything is measured in rounds, side by side with what it is compared with, so that a slow
//! minute of the machine slows both. `BENCHMARKS.md` says how to read the figures.

mod acts;
mod cost;
mod crowd;
mod film;
mod flow;
mod house;
mod instance;
mod intake;
mod issue;
mod ocsp;
mod one_shot;
mod paper;
mod pyhanko;
mod report;
mod revocation;
mod sign;
mod start;
mod tsa;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::{Parser, ValueEnum};

use crate::cost::Costs;
use crate::house::House;
use crate::report::Report;

/// Measures Avouch and prints a table.
#[derive(Parser)]
#[command(max_term_width = 100)]
struct Cli {
    /// What to measure. Default: everything.
    subjects: Vec<Subject>,
    /// Folder for summary.json and details.json; the data of the run lies there meanwhile, so it
    /// decides which disk is measured.
    #[arg(long, value_name = "DIR", default_value = "target/bench")]
    out: PathBuf,
    /// The release binary.
    #[arg(
        long,
        value_name = "FILE",
        env = "AVOUCH_BIN",
        default_value = "target/release/avouch"
    )]
    avouch: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Subject {
    /// Time to ready and idle memory.
    Start,
    /// PAdES B-B signatures in process.
    Sign,
    /// Acts of signing by many clients at once.
    Acts,
    /// Certificates issued for many clients at once.
    Issue,
    /// Time-stamps.
    Tsa,
    /// OCSP answers.
    Ocsp,
    /// One revocation among 100,000.
    Revocation,
    /// The intake of a video of 1 GiB.
    Intake,
    /// The whole workflow over HTTP.
    Flow,
}

/// As in the program that is measured.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let subjects = match cli.subjects.as_slice() {
        [] => Subject::value_variants(),
        some => some,
    };
    ensure!(
        cli.avouch.is_file(),
        "{} is missing: build it with `make`",
        cli.avouch.display()
    );
    fs::create_dir_all(&cli.out).with_context(|| format!("cannot make {}", cli.out.display()))?;
    let place = Place {
        avouch: fs::canonicalize(&cli.avouch)?,
        work: fs::canonicalize(&cli.out)?.join("work"),
    };
    let mut report = Report::default();
    let mut costs = None;
    for subject in subjects {
        place.clear()?;
        let measured = match subject {
            Subject::Start => start::measure(&place, &mut report),
            Subject::Sign => sign::measure(&mut report),
            Subject::Acts | Subject::Issue | Subject::Tsa | Subject::Ocsp | Subject::Revocation => {
                let costs = match &costs {
                    Some(known) => known,
                    None => costs.insert(cost::measure(&mut report)?),
                };
                in_process(*subject, &place, costs, &mut report)
            }
            Subject::Intake => intake::measure(&place, &mut report),
            Subject::Flow => flow::measure(&place, &mut report),
        };
        place.clear()?;
        measured?;
    }
    report.print();
    report.write(&cli.out)
}

/// What one service in this process does.
fn in_process(
    subject: Subject,
    place: &Place,
    costs: &Costs,
    report: &mut Report,
) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let house = House::open(place).await?;
        match subject {
            Subject::Issue => issue::measure(&house, costs, report).await,
            Subject::Tsa => tsa::measure(&house, place, costs, report).await,
            Subject::Ocsp => ocsp::measure(&house, place, costs, report).await,
            Subject::Revocation => revocation::measure(&house, report).await,
            _ => acts::measure(&house, place, costs, report).await,
        }
    })
}

/// Where things are.
struct Place {
    avouch: PathBuf,
    work: PathBuf,
}

impl Place {
    /// Removes what a measurement, or a run that was cut short, left behind.
    fn clear(&self) -> anyhow::Result<()> {
        match fs::remove_dir_all(&self.work) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot clear {}", self.work.display()))
            }
            _ => Ok(fs::create_dir_all(&self.work)?),
        }
    }
}

fn workspace_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
