//! What pyHanko and OpenSSL sign, in every state, judged here and by them.

mod detached;
mod example;
mod growth;
mod horizon;
mod verdicts;

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use time::OffsetDateTime;
use validation::{Report, Trust, validate_pdf};

/// Files of `make_signatures.py`, made once for all tests.
static SPECIMENS: LazyLock<Specimens> = LazyLock::new(Specimens::make);

struct Specimens {
    folder: tempfile::TempDir,
}

impl Specimens {
    fn make() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/make_signatures.py");
        testkit::run(
            "python",
            [script.as_os_str(), folder.path().as_os_str()],
            b"",
        )
        .must_accept();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn pdf(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(&format!("{name}.pdf"))).unwrap()
    }

    fn trust(&self, root: &str) -> Trust {
        Trust::in_roots(vec![certificate(&self.path(root))])
    }

    fn judge(&self, pdf: &[u8]) -> Report {
        validate_pdf(pdf, &self.trust("root.pem"), now()).unwrap()
    }
}

fn certificate(pem: &Path) -> Vec<u8> {
    let arguments = ["x509", "-in", pem.to_str().unwrap(), "-outform", "DER"];
    testkit::openssl(arguments, b"").must_accept().stdout
}

#[expect(
    clippy::disallowed_methods,
    reason = "the other judges judge by the machine's own clock"
)]
fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}
