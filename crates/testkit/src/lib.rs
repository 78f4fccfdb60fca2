//! For tests only: outside judges, a PostgreSQL of their own, and sinks for what Avouch sends.
//!
//! Outputs are judged by software that we did not write. A test whose judge is missing fails and
//! says how to install it; it never skips. Everything here panics with the judge's full output
//! when it cannot do its work, since nothing is left to handle in a test.

mod judges;
mod postgres;
mod sink;
mod smtp;
mod softhsm;
mod tools;

pub use judges::pdf::{
    Offline, PdfSigReport, PdfSigTrust, PyHankoReport, PyHankoTimestamp, PyHankoVerdict,
    Revocation, pdfsig, pdfsig_at, pyhanko, pyhanko_offline, pyhanko_verdicts, qpdf_check,
};
pub use judges::pki::{LintFinding, openssl, pkilint_etsi};
pub use postgres::Postgres;
pub use sink::{HttpSink, Received};
pub use smtp::{At, ReadAttachment, ReadMail, ReceivedMail, SinkSecurity, SmtpSetup, SmtpSink};
pub use softhsm::{SoftHsm, in_token};
pub use tools::{ToolOutput, run, run_at, tool, workspace_root};
