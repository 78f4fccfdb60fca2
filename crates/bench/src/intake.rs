//! The intake of a video of 1 GiB, beside one plain loop that does the least that must be done.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, ensure};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::digest;

use crate::Place;
use crate::film::Film;
use crate::instance::Instance;
use crate::one_shot::{Client, runtime};
use crate::report::{Asked, Figure, Report};

const SIZE: u64 = 1 << 30;
const ROUNDS: usize = 9;
/// What the plain loop encrypts at once.
const CHUNK: u64 = 256 << 10;
const BOUNDARY: &str = "avouch-bench-1f0e2c7a9b";

/// Uploads over loopback and runs the plain loop by turns.
pub fn measure(place: &Place, report: &mut Report) -> anyhow::Result<()> {
    let film = Film::stretched(specimens::VIDEO.to_vec(), SIZE)?;
    let instance = Instance::start(place, "intake")?;
    let plain_file = place.work.join("plain");
    let plain_loop = || -> anyhow::Result<f64> {
        let took = plain_loop(&film, &plain_file)?;
        fs::remove_file(&plain_file)?;
        Ok(rate(took))
    };
    let runtime = runtime()?;
    let upload = || -> anyhow::Result<f64> {
        // A client of its own: the server has closed the last one's idle connection by now.
        let client = Client::new(&instance.description)?;
        let videoid = runtime.block_on(client.create())?.videoid;
        Ok(rate(upload(&instance, videoid, &film)?))
    };

    // What the first of each pays for growing the file system's and the allocator's tables.
    plain_loop()?;
    let before = instance.settled_memory()?;
    instance.forget_peak()?;
    let (mut plain, mut intake, mut growth) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        // The order alternates: the first to write finds the disk more rested.
        if round % 2 == 0 {
            plain.push(plain_loop()?);
            intake.push(upload()?);
        } else {
            intake.push(upload()?);
            plain.push(plain_loop()?);
        }
        growth.push(instance.peak_memory()? - before);
    }
    instance.stop()?;

    let ratios = intake
        .iter()
        .zip(&plain)
        .map(|(ours, plain)| ours / plain)
        .collect();
    report.add(Figure::median("intake_mb_s", "MB/s", intake));
    report.add(Figure::median("intake_plain_loop_mb_s", "MB/s", plain).explaining());
    let ratio = Figure::median("intake_ratio_to_plain_loop", "", ratios);
    report.add(ratio.asked(Asked::AtLeast(0.6)));
    let growth = Figure::highest("intake_rss_growth_mib", "MiB", growth);
    report.add(growth.asked(Asked::Below(32.0)));
    Ok(())
}

/// From the first byte to the answer, which comes when the video is durable.
///
/// Client and server share the machine, so this client is the cheapest there can be: it hands
/// the same memory to the socket over and over.
fn upload(instance: &Instance, videoid: i64, film: &Film) -> anyhow::Result<Duration> {
    let base = &instance.description.one_shot.base;
    let (authority, path) = base
        .strip_prefix("http://")
        .and_then(|rest| rest.split_at_checked(rest.find('/')?))
        .with_context(|| format!("{base} is no plain HTTP address with a path"))?;
    let head = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"video\"; filename=\"v.mp4\"\r\n\
         Content-Type: video/mp4\r\n\r\n"
    );
    let tail = format!("\r\n--{BOUNDARY}--\r\n");
    let length = head.len() as u64 + film.size() + tail.len() as u64;
    let request = format!(
        "POST {path}/videoid/{videoid}/video HTTP/1.1\r\nHost: {authority}\r\n\
         Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{head}"
    );

    let start = Instant::now();
    let mut socket = TcpStream::connect(authority)?;
    let sent = (|| {
        socket.write_all(request.as_bytes())?;
        film.write_to(&mut socket)?;
        socket.write_all(tail.as_bytes())
    })();
    let mut answer = String::new();
    let received = socket.read_to_string(&mut answer);
    let took = start.elapsed();
    // A refusal may break the connection off; the answer says more than that.
    ensure!(
        answer.starts_with("HTTP/1.1 200 "),
        "{answer} ({sent:?}, {received:?})"
    );
    Ok(took)
}

fn plain_loop(film: &Film, path: &Path) -> anyhow::Result<Duration> {
    let start = Instant::now();
    let mut file = File::create(path)?;
    let mut source = film.reader();
    let key = UnboundKey::new(&AES_256_GCM, &[7; 32]).map_err(|_| anyhow!("no key"))?;
    let key = LessSafeKey::new(key);
    let mut hash = digest::Context::new(&digest::SHA256);
    let mut chunk = Vec::with_capacity(CHUNK as usize + AES_256_GCM.tag_len());
    for index in 0_u64.. {
        chunk.clear();
        source.by_ref().take(CHUNK).read_to_end(&mut chunk)?;
        if chunk.is_empty() {
            break;
        }
        hash.update(&chunk);
        let mut nonce = [0; 12];
        nonce[4..].copy_from_slice(&index.to_be_bytes());
        key.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::empty(),
            &mut chunk,
        )
        .map_err(|_| anyhow!("cannot encrypt"))?;
        file.write_all(&chunk)?;
    }
    std::hint::black_box(hash.finish());
    file.sync_all()?;
    Ok(start.elapsed())
}

/// Megabytes (10⁶ bytes) a second.
fn rate(took: Duration) -> f64 {
    SIZE as f64 / 1e6 / took.as_secs_f64()
}
