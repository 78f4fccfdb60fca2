//! Standard output, which may be closed by whoever has read enough.

use std::io::{ErrorKind, Write};

use anyhow::Context;

/// Prints an answer. A reader such as `head`, who is gone by then, has all that it wanted.
pub fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to standard output"),
    }
}
