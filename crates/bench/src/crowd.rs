//! Many clients side by side in this process.

use std::fs;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::Context;
use futures::future::try_join_all;

use crate::report::{Asked, Figure, Report, percentile};

/// Clients of every crowd.
pub const CLIENTS: usize = 32;

/// What the rounds of a crowd gave.
#[derive(Default)]
pub struct Rounds {
    per_second: Vec<f64>,
    cpu: Vec<f64>,
    /// Milliseconds of every call of each round.
    calls: Vec<Vec<f64>>,
}

impl Rounds {
    /// Lets the clients work the orders off, first come, first served.
    pub async fn play<T, F>(
        &mut self,
        orders: Vec<T>,
        one: impl Fn(T) -> F + Clone + Send + 'static,
    ) -> anyhow::Result<()>
    where
        T: Clone + Send + Sync + 'static,
        F: Future<Output = anyhow::Result<()>> + Send,
    {
        let (orders, next) = (Arc::new(orders), Arc::new(AtomicUsize::new(0)));
        let (start, cpu) = (Instant::now(), cpu_seconds()?);
        let clients = (0..CLIENTS).map(|_| {
            let (orders, next, one) = (Arc::clone(&orders), Arc::clone(&next), one.clone());
            tokio::spawn(async move {
                let mut calls = Vec::new();
                while let Some(order) = orders.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let start = Instant::now();
                    one(order.clone()).await?;
                    calls.push(start.elapsed().as_secs_f64() * 1e3);
                }
                anyhow::Ok(calls)
            })
        });
        let calls = try_join_all(clients).await?;
        let calls = calls.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
        let count = orders.len() as f64;
        self.per_second.push(count / start.elapsed().as_secs_f64());
        self.cpu.push((cpu_seconds()? - cpu) * 1e3 / count);
        self.calls.push(calls.concat());
        Ok(())
    }

    /// Adds throughput, percentiles, CPU time and how near the limit it comes.
    pub fn tell(self, name: &str, asked: Asked, limit: f64, report: &mut Report) {
        let limits: Vec<_> = self.per_second.iter().map(|one| one / limit).collect();
        report.add(Figure::median(format!("{name}_per_s"), "/s", self.per_second).asked(asked));
        for (percent, share) in [("p50", 0.5), ("p99", 0.99)] {
            let rounds: Vec<_> = self
                .calls
                .iter()
                .map(|one| percentile(one, share))
                .collect();
            report.add(Figure::median(format!("{name}_{percent}_ms"), "ms", rounds));
        }
        report.add(Figure::median(format!("{name}_cpu_ms"), "ms", self.cpu));
        report.add(Figure::median(
            format!("{name}_limit_per_s"),
            "/s",
            vec![limit],
        ));
        report.add(Figure::median(format!("{name}_ratio_to_limit"), "", limits));
    }

    /// As [`Rounds::tell`], and what `openssl` gave in the same rounds.
    pub fn tell_beside_openssl(
        self,
        name: &str,
        asked: Asked,
        limit: f64,
        theirs: Vec<f64>,
        report: &mut Report,
    ) {
        let ratios = self.per_second.iter().zip(&theirs);
        let ratios = ratios.map(|(ours, theirs)| ours / theirs).collect();
        self.tell(name, asked, limit, report);
        report.add(Figure::median(
            format!("{name}_openssl_per_s"),
            "/s",
            theirs,
        ));
        report.add(Figure::median(
            format!("{name}_ratio_to_openssl"),
            "",
            ratios,
        ));
    }

    /// What the rounds gave a second.
    pub fn per_second(&self) -> &[f64] {
        &self.per_second
    }
}

/// CPU time that this process has taken, all threads together.
fn cpu_seconds() -> anyhow::Result<f64> {
    // proc_pid_stat(5): after the name in brackets, the 12th and 13th fields, in hundredths.
    let stat = fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat.rsplit_once(')').context("no process name")?;
    let ticks: Vec<f64> = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    Ok(ticks.iter().sum::<f64>() / 100.0)
}
