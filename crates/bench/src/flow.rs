//! The whole workflow over HTTP, by one client and by many side by side.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Write;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use futures::future::try_join_all;
use serde_json::Value;

use crate::Place;
use crate::instance::Instance;
use crate::one_shot::{Client, Timings, runtime};
use crate::report::{Figure, Report, percentile};

const ROUNDS: usize = 5;
/// Clients side by side, and how often each plays the workflow in a round.
const CROWDS: [(usize, usize); 2] = [(1, 20), (16, 4)];
/// The calls in the order in which they are made. `code` is the wait for the text message.
const CALLS: [&str; 11] = [
    "create",
    "evidences",
    "video",
    "approve",
    "document",
    "contract",
    "otp",
    "code",
    "sign",
    "signed",
    "delete",
];

/// Plays rounds with one client and with many by turns.
pub fn measure(place: &Place, report: &mut Report) -> anyhow::Result<()> {
    let runtime = runtime()?;
    let evidences = specimens::evidences().to_string().into_bytes();
    let instance = Instance::start(place, "flow")?;
    let outbox = Outbox::open(&instance.description.sms_outbox)?;
    let crowd = |clients, flows| {
        let crowd: anyhow::Result<Vec<_>> = (0..clients)
            .map(|_| Client::new(&instance.description))
            .collect();
        runtime.block_on(play(&crowd?, flows, &evidences, &outbox))
    };
    // Connections, statements and fonts are ready for whoever comes second.
    crowd(1, 2)?;

    let mut rounds: [Vec<Round>; CROWDS.len()] = Default::default();
    for _ in 0..ROUNDS {
        for (played, (clients, flows)) in rounds.iter_mut().zip(CROWDS) {
            played.push(crowd(clients, flows)?);
        }
    }
    let memory = instance.settled_memory()?;
    instance.stop()?;

    let mut columns = Vec::new();
    for (played, (clients, _)) in rounds.iter().zip(CROWDS) {
        let rates = played.iter().map(|round| round.per_second).collect();
        report.add(Figure::median(
            format!("flow_{clients}_per_s"),
            "flows/s",
            rates,
        ));
        columns.push((clients, calls(clients, played, report)));
    }
    report.add(Figure::median("flow_rss_after_mib", "MiB", vec![memory]));
    report.add_table(table(&columns)?);
    Ok(())
}

/// What a crowd did.
struct Round {
    per_second: f64,
    timings: Timings,
}

/// Lets every client play the workflow `flows` times.
async fn play(
    clients: &[Client],
    flows: usize,
    evidences: &[u8],
    outbox: &Outbox,
) -> anyhow::Result<Round> {
    let start = Instant::now();
    try_join_all(clients.iter().map(async |client| {
        for _ in 0..flows {
            let code = async |request| outbox.code(request).await;
            client.whole_workflow(evidences, code).await?;
        }
        anyhow::Ok(())
    }))
    .await?;
    let per_second = (clients.len() * flows) as f64 / start.elapsed().as_secs_f64();
    let mut timings = Timings::new();
    for client in clients {
        for (name, mut times) in client.take_timings() {
            timings.entry(name).or_default().append(&mut times);
        }
    }
    Ok(Round {
        per_second,
        timings,
    })
}

/// Median and 99th percentile of each call, in the order of [`CALLS`].
fn calls(clients: usize, played: &[Round], report: &mut Report) -> Vec<[f64; 2]> {
    let of = |call: &str| {
        [("p50", 0.5), ("p99", 0.99)].map(|(name, share)| {
            let times = |round: &Round| round.timings.get(call).cloned().unwrap_or_default();
            let rounds = played
                .iter()
                .map(|round| percentile(&times(round), share))
                .collect();
            let all: Vec<_> = played.iter().flat_map(times).collect();
            let key = format!("flow_{clients}_{call}_{name}_ms");
            (
                percentile(&all, share),
                Figure::valued(key, "ms", percentile(&all, share), rounds),
            )
        })
    };
    CALLS
        .iter()
        .map(|call| {
            of(call).map(|(value, figure)| {
                report.add(figure.unprinted());
                value
            })
        })
        .collect()
}

fn table(columns: &[(usize, Vec<[f64; 2]>)]) -> anyhow::Result<String> {
    let mut text = format!("{:<12}", "Call, ms");
    for (clients, _) in columns {
        let noun = if *clients == 1 { "client" } else { "clients" };
        write!(text, "{:>18} {:>8}", format!("{clients} {noun} p50"), "p99")?;
    }
    for (index, call) in CALLS.iter().enumerate() {
        write!(text, "\n{call:<12}")?;
        for (_, values) in columns {
            let [median, tail] = values[index];
            write!(text, "{median:>18.1} {tail:>8.1}")?;
        }
    }
    Ok(text)
}

/// The file that text messages go to, read once from its beginning to its end.
struct Outbox(RefCell<Unread>);

struct Unread {
    lines: BufReader<File>,
    /// The start of a line whose end is not there yet.
    partial: String,
    codes: HashMap<i64, String>,
}

impl Outbox {
    fn open(path: &Path) -> anyhow::Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        let lines = BufReader::new(file);
        Ok(Self(RefCell::new(Unread {
            lines,
            partial: String::new(),
            codes: HashMap::new(),
        })))
    }

    /// Waits for the message to this request.
    async fn code(&self, request: i64) -> anyhow::Result<String> {
        let deadline = Instant::now() + Duration::from_secs(30);
        while Instant::now() < deadline {
            let code = {
                let mut unread = self.0.borrow_mut();
                unread.read()?;
                unread.codes.remove(&request)
            };
            match code {
                Some(code) => return Ok(code),
                None => tokio::time::sleep(Duration::from_millis(1)).await,
            }
        }
        bail!("no code came for request {request}")
    }
}

impl Unread {
    fn read(&mut self) -> anyhow::Result<()> {
        while self.lines.read_line(&mut self.partial)? > 0 && self.partial.ends_with('\n') {
            let message: Value = serde_json::from_str(&self.partial)?;
            self.partial.clear();
            if let (Some(request), Some(code)) =
                (message["request_pk"].as_i64(), message["code"].as_str())
            {
                self.codes.insert(request, code.to_owned());
            }
        }
        Ok(())
    }
}
