//! What nobody can do without: keys, signatures, hashes and a disk that has really written. Measured
//! in the same run, they say how fast the rest could be at best.

use std::fs::{self, File};
use std::hint::black_box;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use crypto::{KeyAlgorithm, SigningKey, SoftwareKey, sha256};

use crate::report::{Figure, Report, percentile};

/// How long each is tried.
const TRIED: Duration = Duration::from_millis(400);
const ROUNDS: usize = 5;

/// Costs of single steps on one core, in seconds.
pub struct Costs {
    pub cores: f64,
    pub make_key: f64,
    pub sign: f64,
    pub hash_byte: f64,
}

/// What one transaction takes at least.
pub struct Needs {
    pub keys: f64,
    pub signatures: f64,
    /// Bytes hashed.
    pub bytes: f64,
}

impl Costs {
    /// Transactions a second at most, with all cores doing nothing else.
    pub fn limit(&self, needs: &Needs) -> f64 {
        let seconds = needs.keys * self.make_key
            + needs.signatures * self.sign
            + needs.bytes * self.hash_byte;
        self.cores / seconds
    }
}

/// Measures them, on one core.
pub fn measure(report: &mut Report) -> anyhow::Result<Costs> {
    let key = SoftwareKey::generate(KeyAlgorithm::EcdsaP256)?;
    let block = vec![7; 1 << 20];
    let (mut make, mut sign, mut hash) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        make.push(seconds(|| {
            black_box(SoftwareKey::generate(KeyAlgorithm::EcdsaP256)?);
            Ok(())
        })?);
        sign.push(seconds(|| {
            black_box(key.sign(b"short")?);
            Ok(())
        })?);
        hash.push(seconds(|| {
            black_box(sha256(black_box(&block)));
            Ok(())
        })?);
    }
    let costs = Costs {
        cores: std::thread::available_parallelism().map_or(1.0, |cores| cores.get() as f64),
        make_key: percentile(&make, 0.5),
        sign: percentile(&sign, 0.5),
        hash_byte: percentile(&hash, 0.5) / block.len() as f64,
    };
    let micro = |rounds: &[f64]| rounds.iter().map(|one| one * 1e6).collect();
    report.add(Figure::median("cost_make_key_us", "µs", micro(&make)).explaining());
    report.add(Figure::median("cost_sign_us", "µs", micro(&sign)).explaining());
    report.add(Figure::median("cost_sha256_mib_us", "µs", micro(&hash)).explaining());
    Ok(costs)
}

/// Seconds that one takes, on average.
fn seconds(one: impl Fn() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let start = Instant::now();
    let mut done = 0;
    while start.elapsed() < TRIED {
        for _ in 0..8 {
            one()?;
        }
        done += 8;
    }
    Ok(start.elapsed().as_secs_f64() / f64::from(done))
}

/// What an act makes the disk do, and nothing else: something appended to a file, and two pieces of a
/// log, one before and one after.
pub struct BareDisk {
    files: File,
    log: File,
    at: u64,
    content: Vec<u8>,
}

/// About what a commit writes.
const LOG_PIECE: usize = 48 << 10;
const LOG: u64 = 16 << 20;

impl BareDisk {
    pub fn open(folder: &Path, size: usize) -> anyhow::Result<Self> {
        fs::create_dir_all(folder)?;
        let log = File::create(folder.join("log"))?;
        log.write_all_at(&vec![0; LOG as usize], 0)?;
        log.sync_all()?;
        let files = File::create(folder.join("files"))?;
        files.sync_all()?;
        Ok(Self {
            files,
            log,
            at: 0,
            content: vec![7; size],
        })
    }

    /// Seconds that it takes.
    pub fn act(&mut self) -> anyhow::Result<f64> {
        let start = Instant::now();
        self.commit()?;
        self.files.write_all(&self.content)?;
        self.files.sync_data()?;
        self.commit()?;
        Ok(start.elapsed().as_secs_f64())
    }

    fn commit(&mut self) -> anyhow::Result<()> {
        self.log.write_all_at(&[7; LOG_PIECE], self.at)?;
        self.at = (self.at + LOG_PIECE as u64) % (LOG - LOG_PIECE as u64);
        Ok(self.log.sync_data()?)
    }
}
