//! Figures, the table, and the files.

use std::fs;
use std::path::Path;

use anyhow::Context;
use serde_json::{Map, Value, json};

/// What was measured in this run.
#[derive(Default)]
pub struct Report {
    figures: Vec<Figure>,
    tables: Vec<String>,
}

/// One figure with what each round gave.
pub struct Figure {
    key: String,
    unit: &'static str,
    value: f64,
    rounds: Vec<f64>,
    asked: Option<Asked>,
    audience: Audience,
}

/// What the figure should be.
#[derive(Clone, Copy)]
pub enum Asked {
    /// Not less.
    AtLeast(f64),
    /// Less.
    Below(f64),
}

/// Who reads a figure.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Audience {
    /// Everybody: table and summary.
    All,
    /// Who wants to know what another figure was made of: table only.
    Table,
    /// Programs: it stands in a table of its own.
    Summary,
}

impl Figure {
    /// The median of all rounds.
    pub fn median(key: impl Into<String>, unit: &'static str, rounds: Vec<f64>) -> Self {
        let value = percentile(&rounds, 0.5);
        Self::valued(key, unit, value, rounds)
    }

    /// A value that was made in another way; the rounds show how it varies.
    pub fn valued(
        key: impl Into<String>,
        unit: &'static str,
        value: f64,
        rounds: Vec<f64>,
    ) -> Self {
        Self {
            key: key.into(),
            unit,
            value,
            rounds,
            asked: None,
            audience: Audience::All,
        }
    }

    /// The worst round, for what is a promise and not a rate.
    pub fn highest(key: impl Into<String>, unit: &'static str, rounds: Vec<f64>) -> Self {
        let value = rounds.iter().copied().fold(f64::NAN, f64::max);
        Self::valued(key, unit, value, rounds)
    }

    /// With a bound to be held against.
    pub fn asked(self, asked: Asked) -> Self {
        Self {
            asked: Some(asked),
            ..self
        }
    }

    /// Explains another figure; no key of the summary.
    pub fn explaining(self) -> Self {
        Self {
            audience: Audience::Table,
            ..self
        }
    }

    /// Printed elsewhere.
    pub fn unprinted(self) -> Self {
        Self {
            audience: Audience::Summary,
            ..self
        }
    }

    fn row(&self) -> String {
        let low = self.rounds.iter().copied().fold(f64::NAN, f64::min);
        let high = self.rounds.iter().copied().fold(f64::NAN, f64::max);
        let verdict = self.asked.map(|asked| {
            let (sign, bound, holds) = match asked {
                Asked::AtLeast(bound) => ("≥", bound, self.value >= bound),
                Asked::Below(bound) => ("<", bound, self.value < bound),
            };
            format!("{sign} {} {}", shown(bound), if holds { "✓" } else { "✗" })
        });
        format!(
            "{:<30} {:>10} {:<8} {:>10} … {:<10} {:>4}   {}",
            self.key,
            shown(self.value),
            self.unit,
            shown(low),
            shown(high),
            self.rounds.len(),
            verdict.unwrap_or_default(),
        )
        .trim_end()
        .to_owned()
    }
}

impl Report {
    /// Takes a figure.
    pub fn add(&mut self, figure: Figure) {
        if figure.audience != Audience::Summary {
            println!("{}", figure.row());
        }
        self.figures.push(figure);
    }

    /// Takes a table that is printed below the figures.
    pub fn add_table(&mut self, table: String) {
        self.tables.push(table);
    }

    /// Prints everything.
    pub fn print(&self) {
        println!("\n{}\n", machine());
        println!(
            "{:<30} {:>10} {:<8} {:>10} … {:<10} {:>4}   Asked",
            "Figure", "Value", "Unit", "Lowest", "highest", "of"
        );
        println!("{}", "─".repeat(96));
        for figure in self
            .figures
            .iter()
            .filter(|one| one.audience != Audience::Summary)
        {
            println!("{}", figure.row());
        }
        for table in &self.tables {
            println!("\n{table}");
        }
    }

    /// Writes `summary.json`, one number for each key, and `details.json`, every round of every
    /// figure.
    pub fn write(&self, folder: &Path) -> anyhow::Result<()> {
        let published = self
            .figures
            .iter()
            .filter(|one| one.audience != Audience::Table);
        let summary: Map<_, _> = published
            .map(|one| (one.key.clone(), json!(rounded(one.value))))
            .collect();
        let details: Map<_, _> = self
            .figures
            .iter()
            .map(|one| {
                let rounds: Vec<_> = one.rounds.iter().copied().map(rounded).collect();
                let value = rounded(one.value);
                (
                    one.key.clone(),
                    json!({ "value": value, "unit": one.unit, "rounds": rounds }),
                )
            })
            .collect();
        for (name, content) in [("summary.json", summary), ("details.json", details)] {
            let path = folder.join(name);
            let mut text = serde_json::to_string_pretty(&Value::Object(content))?;
            text.push('\n');
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
        println!("\n{}", folder.join("summary.json").display());
        Ok(())
    }
}

/// What it was measured on, and how busy that is: a load above the number of cores slows all
/// figures down, and ratios less.
fn machine() -> String {
    let first_line = |path: &str, start: &str| {
        let text = fs::read_to_string(path).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(start));
        line.map(|line| line.rsplit(": ").next().unwrap_or(line).to_owned())
            .unwrap_or_default()
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!(
        "{cores} cores, {}, Linux {}, load {}",
        first_line("/proc/cpuinfo", "model name"),
        first_line("/proc/sys/kernel/osrelease", ""),
        first_line("/proc/loadavg", ""),
    )
}

/// The value below or at which `share` of the values lie (nearest rank); for the median of an even
/// number the mean of the two in the middle.
pub fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    let rank = (share * sorted.len() as f64).ceil() as usize;
    let at = rank.saturating_sub(1).min(last);
    if share == 0.5 && sorted.len().is_multiple_of(2) {
        return f64::midpoint(sorted[at], sorted[at + 1]);
    }
    sorted[at]
}

/// Three decimals: more is noise.
fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

fn shown(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => format!("{value:.0}"),
        middle if middle >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred_but_for_even_medians() {
        assert_eq!(percentile(&[3.0, 1.0, 2.0], 0.5), 2.0);
        assert_eq!(percentile(&[4.0, 1.0, 2.0, 3.0], 0.5), 2.5);
        let hundred: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(percentile(&hundred, 0.99), 99.0);
        assert_eq!(percentile(&[7.0], 0.99), 7.0);
        assert!(percentile(&[], 0.5).is_nan());
    }

    #[test]
    fn a_promise_is_judged_by_its_worst_round() {
        let figure = |asked| {
            Figure::highest("grown", "MiB", vec![1.0, 9.0, 2.0])
                .asked(asked)
                .row()
        };
        assert!(figure(Asked::Below(10.0)).contains('✓'));
        assert!(figure(Asked::Below(9.0)).contains('✗'));
        assert!(figure(Asked::AtLeast(9.0)).contains('✓'));
    }

    #[test]
    fn the_summary_holds_published_keys_only() {
        let folder = std::env::temp_dir().join(format!("avouch-bench-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let mut report = Report::default();
        report.add(Figure::median("a", "ms", vec![1.0, 2.0]));
        report.add(Figure::median("b", "ms", vec![1.0]).explaining());
        report.add(Figure::median("c", "ms", vec![0.12345]).unprinted());
        report.write(&folder).unwrap();
        let read = |name: &str| -> Value {
            serde_json::from_slice(&fs::read(folder.join(name)).unwrap()).unwrap()
        };
        assert_eq!(read("summary.json"), json!({ "a": 1.5, "c": 0.123 }));
        assert_eq!(read("details.json")["b"]["rounds"], json!([1.0]));
        fs::remove_dir_all(&folder).unwrap();
    }
}
