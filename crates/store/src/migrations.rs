//! The schema's versions. A shipped file never changes: its checksum is on record in every
//! database that ran it. A change of the schema is a further file, of the same number in both
//! folders.

use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

struct Step {
    version: i64,
    description: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! step {
    ($version:literal, $file:literal) => {
        Step {
            version: $version,
            description: $file,
            sqlite: include_str!(concat!("../migrations/sqlite/", $file, ".sql")),
            postgres: include_str!(concat!("../migrations/postgres/", $file, ".sql")),
        }
    };
}

const STEPS: &[Step] = &[
    step!(1, "0001_foundation"),
    step!(2, "0002_registration"),
    step!(3, "0003_signatures"),
    step!(4, "0004_guesses"),
    step!(5, "0005_smaller_writes"),
];

/// The newest schema version that this program knows.
pub(crate) fn latest() -> i64 {
    STEPS.iter().map(|step| step.version).max().unwrap_or(0)
}

pub(crate) fn sqlite() -> Migrator {
    migrator(|step| step.sqlite)
}

pub(crate) fn postgres() -> Migrator {
    migrator(|step| step.postgres)
}

fn migrator(text: fn(&Step) -> &'static str) -> Migrator {
    let migration = |step: &Step| {
        Migration::new(
            step.version,
            step.description.into(),
            MigrationType::Simple,
            text(step).into_sql_str(),
            false,
        )
    };
    Migrator::with_migrations(STEPS.iter().map(migration).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A shipped file that changed would lock every existing database out.
    #[test]
    fn shipped_files_are_unchanged() {
        let digest = |sql: &str| {
            crypto::sha256(sql.as_bytes())
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
        };
        let shipped: Vec<_> = STEPS
            .iter()
            .map(|step| (step.version, digest(step.sqlite), digest(step.postgres)))
            .collect();
        let recorded = include_str!("../migrations/checksums.txt")
            .lines()
            .map(|line| {
                let mut words = line.split(' ').map(str::to_owned);
                let mut word = || words.next().unwrap();
                (word().parse().unwrap(), word(), word())
            })
            .collect::<Vec<(i64, String, String)>>();
        assert_eq!(shipped, recorded);
    }
}
