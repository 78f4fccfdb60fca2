//! Authorities side by side, each with an API user and an officer of its own, made as an operator
//! makes them: at the command line.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::client::{Api, fresh, merged, text};
use crate::harness::{Installation, Sandbox, avouch};

/// Whoever runs an installation, at its command line.
#[derive(Clone)]
pub struct Operator {
    place: [OsString; 2],
    users: PathBuf,
}

/// An API user and the PEM files that make a client one.
#[derive(Debug, Clone)]
pub struct User {
    pub pk: i64,
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Operator {
    pub fn of(sandbox: &Sandbox) -> Self {
        Self {
            place: ["--dir".into(), sandbox.dir().into()],
            users: sandbox.dir().join("users"),
        }
    }

    pub fn of_installation(installation: &Installation) -> Self {
        Self {
            place: ["--config".into(), installation.config().into()],
            users: installation.dir().join("users"),
        }
    }

    /// Runs a command and gives what it printed.
    #[track_caller]
    pub fn orders(&self, arguments: &[&str]) -> String {
        let mut command = avouch();
        command.args(arguments).args(&self.place);
        let output = command.output().expect("the program starts");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}{complaint}");
        said
    }

    /// Runs a command and reads its answer.
    #[track_caller]
    pub fn asks(&self, arguments: &[&str]) -> Value {
        let said = self.orders(&[arguments, &["--json"]].concat());
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"))
    }

    /// A new authority, with these fields (`country=ES`).
    #[track_caller]
    pub fn new_authority(&self, parent: Option<i64>, fields: &[&str]) -> i64 {
        let name = fresh("Authority");
        let parent = parent.map(|number| number.to_string());
        let mut arguments = vec!["ra", "create", "--name", &name];
        if let Some(parent) = &parent {
            arguments.extend(["--parent", parent]);
        }
        let made = self.asks(&[&arguments, fields].concat());
        made["pk"].as_i64().expect("an authority has a number")
    }

    /// A new API user of an authority.
    #[track_caller]
    pub fn new_user(&self, ra: i64, permissions: &str) -> User {
        let (ra, name) = (ra.to_string(), fresh("user"));
        let out = self.users.to_str().expect("a path that is text");
        let made = self.asks(&[
            "api-user",
            "create",
            "--ra",
            &ra,
            "--name",
            &name,
            "--permissions",
            permissions,
            "--out",
            out,
        ]);
        User {
            pk: made["pk"].as_i64().expect("a user has a number"),
            certificate: Path::new(text(&made["certificate"])).to_owned(),
            key: Path::new(text(&made["key"])).to_owned(),
        }
    }

    /// A new officer of an authority, in the form of `sandbox.json`.
    #[track_caller]
    pub fn new_officer(&self, ra: i64) -> Value {
        let ra = ra.to_string();
        let made = self.asks(&[
            "rao",
            "create",
            "--ra",
            &ra,
            "--given-name",
            "Rosa",
            "--surname",
            "Oficial",
        ]);
        json!({
            "rao_id": made["pk"], "rao_username": made["username"],
            "rao_password": made["password"], "rao_pin": made["pin"],
        })
    }
}

/// An authority with an administrator and an officer of its own.
pub struct Party {
    /// Its API user's client.
    pub api: Api,
    /// That user.
    pub user: User,
}

impl Party {
    /// A new authority below another.
    pub fn below(sandbox: &Sandbox, parent: i64) -> Self {
        let operator = Operator::of(sandbox);
        let ra = operator.new_authority(Some(parent), &["country=ES"]);
        let user = operator.new_user(ra, "administrator");
        let described = json!({
            "ra": ra, "client_certificate": user.certificate, "client_key": user.key,
        });
        let described = merged(described, operator.new_officer(ra));
        let sandbox = sandbox.description()["registration_authority_api"].clone();
        Self {
            api: Api::new(&merged(sandbox, described)),
            user,
        }
    }
}
