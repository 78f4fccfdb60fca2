//! A token in software: SoftHSM, where a real one would be an HSM.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::tools::{finish, run, tool};

/// A fresh token in a folder of its own. It is gone when this is dropped.
pub struct SoftHsm {
    folder: TempDir,
}

impl SoftHsm {
    /// The token's label.
    pub const LABEL: &str = "avouch test";
    /// The user's PIN.
    pub const PIN: &str = "648219";
    /// The variable that tells SoftHSM where its tokens lie; see [`SoftHsm::configuration`].
    pub const VARIABLE: &str = "SOFTHSM2_CONF";

    /// Sets a token up.
    ///
    /// # Panics
    ///
    /// When SoftHSM is not installed.
    pub fn start() -> Self {
        let hsm = Self {
            folder: TempDir::new().expect("a temporary folder can be made"),
        };
        let tokens = hsm.folder.path().join("tokens");
        fs::create_dir(&tokens).expect("the folder is new");
        let text = format!(
            "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
            tokens.display()
        );
        fs::write(hsm.configuration(), text).expect("the folder can be written to");
        let mut command = Command::new(tool("softhsm2-util"));
        command
            .args(["--init-token", "--free", "--label", Self::LABEL])
            .args(["--pin", Self::PIN, "--so-pin", "10293847"])
            .env(Self::VARIABLE, hsm.configuration());
        finish(&mut command, b"").must_accept();
        hsm
    }

    /// The value of [`SoftHsm::VARIABLE`] for programs that are to use this token.
    pub fn configuration(&self) -> PathBuf {
        self.folder.path().join("softhsm2.conf")
    }

    /// The PKCS #11 module.
    ///
    /// # Panics
    ///
    /// When SoftHSM is not installed.
    pub fn module() -> PathBuf {
        [
            "/usr/lib/softhsm",
            "/usr/lib64/softhsm",
            "/usr/local/lib/softhsm",
        ]
        .map(|folder| Path::new(folder).join("libsofthsm2.so"))
        .into_iter()
        .find(|module| module.is_file())
        .expect("SoftHSM is installed by scripts/install-tools")
    }
}

/// Runs the calling test again in a process of its own that has a fresh token, and tells the outer
/// run, by `false`, that its work is done. SoftHSM reads its variable when it is loaded, and a
/// process cannot safely change its own.
///
/// # Panics
///
/// When the inner run fails.
pub fn in_token(test: &str) -> bool {
    if std::env::var_os(SoftHsm::VARIABLE).is_some() {
        return true;
    }
    let hsm = SoftHsm::start();
    let mut setting = OsString::from(format!("{}=", SoftHsm::VARIABLE));
    setting.push(hsm.configuration());
    let own = std::env::current_exe().expect("a running program has a path");
    let arguments = [
        setting,
        own.into(),
        test.into(),
        "--exact".into(),
        "--nocapture".into(),
    ];
    let output = run("env", arguments, b"").must_accept();
    assert!(
        output.text().contains("1 passed"),
        "no test is called {test}:\n{}",
        output.transcript()
    );
    false
}
