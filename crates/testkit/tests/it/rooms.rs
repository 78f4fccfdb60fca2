//! Holds the direction of dependencies that ARCHITECTURE.md describes.

use std::collections::{BTreeMap, BTreeSet};
use std::env::consts::ARCH;
use std::ffi::OsString;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};
use testkit::{run, workspace_root};

/// Which rooms each room may see. The order is the order of the house, from the ground up.
const MAY_SEE: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("specimens", &[]),
    ("crypto", &["model"]),
    ("hsm", &["model", "crypto"]),
    ("pki", &["model", "crypto"]),
    // The container is the caller's: no keys and no certificates here.
    ("pades", &["crypto"]),
    // It judges what others made as well as what we made, and stands beside the service.
    ("validation", &["model", "crypto", "pki", "pades"]),
    ("contract", &["model"]),
    ("evidence", &["model", "crypto"]),
    // The audit chain hashes its entries where they are written, inside the transaction.
    ("store", &["model", "crypto"]),
    // Pure: hashes come from wherever the caller keeps them.
    ("transparency", &["crypto"]),
    ("blob", &["model", "crypto"]),
    // Delivery takes due rows from the outbox, which is a table of the store. A port in between
    // would have one implementation and one caller.
    ("delivery", &["model", "crypto", "store"]),
    // Of delivery the service knows how a queued text message is written and sealed, and the guarded
    // way to ask others over HTTP.
    (
        "service",
        &[
            "model",
            "crypto",
            "pki",
            "pades",
            "contract",
            "evidence",
            "store",
            "blob",
            "delivery",
            "transparency",
        ],
    ),
    // A door only translates: no SQL, no keys, no files.
    ("http-doors", &["model", "service"]),
    ("console", &["model", "service"]),
    (
        "avouch",
        &[
            "model",
            "crypto",
            "hsm",
            "pki",
            "pades",
            "validation",
            "contract",
            "evidence",
            "store",
            "transparency",
            "blob",
            "delivery",
            "service",
            "specimens",
            "http-doors",
            "console",
        ],
    ),
    (
        "bench",
        &[
            "model",
            "crypto",
            "pki",
            "pades",
            "contract",
            "store",
            "blob",
            "service",
            "specimens",
        ],
    ),
    ("testkit", &[]),
];

/// Never anywhere in the tree: there is one cryptographic backend and one TLS stack.
const BANNED: &[&str] = &["ring", "openssl", "openssl-sys", "native-tls"];

/// What a room may not use, even from outside the house.
const NOT_HERE: &[(&str, &[&str])] = &[
    ("model", &["tokio", "sqlx", "axum", "reqwest", "aws-lc-rs"]),
    ("hsm", &["tokio", "sqlx", "axum", "reqwest", "aws-lc-rs"]),
    ("pki", &["tokio", "sqlx", "axum", "reqwest", "lopdf"]),
    ("pades", &["tokio", "sqlx", "axum", "reqwest"]),
    ("service", &["sqlx", "axum", "reqwest"]),
    (
        "http-doors",
        &["sqlx", "reqwest", "aws-lc-rs", "object_store"],
    ),
    ("console", &["sqlx", "reqwest", "aws-lc-rs", "object_store"]),
];

#[test]
fn every_room_sees_only_the_rooms_below() {
    let metadata = metadata();
    let allowed: BTreeMap<&str, &[&str]> = MAY_SEE.iter().copied().collect();
    let mut wrong = Vec::new();
    for package in metadata.workspace_packages() {
        let name = package.name.as_str();
        let Some(may_see) = allowed.get(name) else {
            wrong.push(format!("{name} is no room of the plan"));
            continue;
        };
        for dependency in &package.dependencies {
            let other = dependency.name.as_str();
            let for_tests = dependency.kind == DependencyKind::Development;
            if !allowed.contains_key(other) || for_tests || may_see.contains(&other) {
                continue;
            }
            wrong.push(format!("{name} may not see {other}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_plan_itself_points_downwards() {
    let mut below = BTreeSet::new();
    for (room, may_see) in MAY_SEE {
        for other in *may_see {
            assert!(
                below.contains(other),
                "{room} sees {other}, which does not lie below it"
            );
        }
        below.insert(room);
    }
}

#[test]
fn rooms_keep_to_their_tools() {
    let metadata = metadata();
    let mut wrong = Vec::new();
    for (room, tools) in NOT_HERE {
        let package = metadata
            .workspace_packages()
            .into_iter()
            .find(|package| package.name.as_str() == *room)
            .unwrap_or_else(|| panic!("no room is called {room}"));
        for dependency in &package.dependencies {
            let shipped = dependency.kind != DependencyKind::Development;
            if shipped && tools.contains(&dependency.name.as_str()) {
                wrong.push(format!("{room} may not use {}", dependency.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn one_cryptographic_backend() {
    // `cargo metadata` also lists optional dependencies that a feature merely mentions; the tree
    // has only what is compiled.
    let arguments = "tree --workspace --locked --edges normal,build --prefix none --format {p}";
    let manifest = workspace_root().join("Cargo.toml");
    let arguments = arguments
        .split(' ')
        .map(OsString::from)
        .chain(["--manifest-path".into(), manifest.into()]);
    let tree = run("cargo", arguments, b"").must_accept().text();
    let present: BTreeSet<_> = tree
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert!(
        present.contains("aws-lc-rs"),
        "this is not the whole tree:\n{tree}"
    );
    let found: Vec<_> = BANNED
        .iter()
        .filter(|name| present.contains(**name))
        .collect();
    assert!(
        found.is_empty(),
        "{found:?}; `cargo tree -i NAME` says who brings it"
    );
}

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(workspace_root().join("Cargo.toml"))
        .other_options(vec![
            "--locked".to_owned(),
            "--filter-platform".to_owned(),
            format!("{ARCH}-unknown-linux-gnu"),
        ])
        .exec()
        .unwrap_or_else(|error| panic!("cargo metadata: {error}"))
}
