//! The peer: one Python process that signs the same file with the same key.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::sign::Identity;
use crate::workspace_root;

/// A running `pyhanko.py`; it ends with its input.
pub struct PyHanko {
    process: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl PyHanko {
    /// Starts it with key, certificates and file.
    pub fn start(identity: &Identity, pdf: &[u8]) -> anyhow::Result<Self> {
        let python = workspace_root().join(".venv/bin/python");
        ensure!(
            python.is_file(),
            "pyHanko is missing: run scripts/install-tools"
        );
        let mut process = Command::new(python)
            .args(["-c", include_str!("pyhanko.py")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start Python")?;
        let orders = process.stdin.take().context("no standard input")?;
        let answers = BufReader::new(process.stdout.take().context("no standard output")?);
        let mut peer = Self {
            process,
            orders,
            answers,
        };
        let key = identity.key.to_pkcs8()?;
        peer.order(&json!({
            "key": STANDARD.encode(&*key),
            "certificate": STANDARD.encode(&identity.certificate),
            "issuing": STANDARD.encode(&identity.issuing),
            "root": STANDARD.encode(&identity.root),
            "pdf": STANDARD.encode(pdf),
        }))?;
        Ok(peer)
    }

    /// Signs so many documents and tells how many seconds that took.
    pub fn sign(&mut self, documents: usize) -> anyhow::Result<f64> {
        let answer = self.order(&json!({ "sign": documents }))?;
        answer
            .as_f64()
            .with_context(|| format!("{answer} are no seconds"))
    }

    /// A document that it signed.
    pub fn signed(&mut self) -> anyhow::Result<Vec<u8>> {
        let answer = self.order(&json!({ "show": true }))?;
        Ok(STANDARD.decode(answer.as_str().context("no document")?)?)
    }

    /// Whether it accepts the last signature of a document, which must cover all of it.
    pub fn accepts(&mut self, pdf: &[u8]) -> anyhow::Result<bool> {
        Ok(self.order(&json!({ "judge": STANDARD.encode(pdf) }))? == Value::Bool(true))
    }

    fn order(&mut self, order: &Value) -> anyhow::Result<Value> {
        writeln!(self.orders, "{order}")?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        serde_json::from_str(&line).context("pyHanko failed; see above")
    }
}

impl Drop for PyHanko {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
