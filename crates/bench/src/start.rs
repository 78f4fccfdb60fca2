//! How long it takes to be ready, and what an idle server holds.

use crate::Place;
use crate::instance::Instance;
use crate::report::{Asked, Figure, Report};

const ROUNDS: usize = 7;

/// Starts fresh and existing sandboxes.
pub fn measure(place: &Place, report: &mut Report) -> anyhow::Result<()> {
    let (mut first, mut again) = (Vec::new(), Vec::new());
    let (mut at_ready, mut settled) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let name = format!("start-{round}");
        let fresh = Instance::start(place, &name)?;
        first.push(milliseconds(&fresh));
        fresh.stop()?;
        let existing = Instance::start(place, &name)?;
        again.push(milliseconds(&existing));
        at_ready.push(existing.memory()?);
        settled.push(existing.settled_memory()?);
        existing.stop()?;
    }
    report.add(Figure::median("start_ms", "ms", again).asked(Asked::Below(300.0)));
    report.add(Figure::median("start_first_ms", "ms", first).explaining());
    report.add(Figure::median("idle_rss_mib", "MiB", settled).asked(Asked::Below(40.0)));
    report.add(Figure::median("ready_rss_mib", "MiB", at_ready).explaining());
    Ok(())
}

fn milliseconds(instance: &Instance) -> f64 {
    instance.took.as_secs_f64() * 1000.0
}
