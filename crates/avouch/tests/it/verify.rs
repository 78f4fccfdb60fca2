//! `avouch verify` on files that pyHanko signed.

use std::path::Path;
use std::process::Output;

use serde_json::Value;
use testkit::workspace_root;

use crate::harness::avouch;

fn verify(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = avouch()
        .arg("verify")
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn verify_tells_people_and_programs_and_exits_accordingly() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let script = workspace_root().join("crates/validation/tests/make_signatures.py");
    testkit::run("python", [script.as_os_str(), folder.as_os_str()], b"").must_accept();
    let with_root = |file: &'static str| [file, "--roots", "root.pem"];

    let (code, out, _) = verify(folder, &with_root("b_lta.pdf"));
    assert_eq!(code, Some(0), "{out}");
    assert!(out.starts_with("b_lta.pdf: valid\n  ✓ signed by Ana in the field Signature: B-LTA\n"));
    assert!(
        out.contains("✓ time-stamped as a whole by Test TSA: "),
        "{out}"
    );

    let (code, out, _) = verify(folder, &with_root("evil_content.pdf"));
    assert_eq!(code, Some(1), "{out}");
    assert!(
        out.contains("NOT VALID") && out.contains("✗ signed by Ana"),
        "{out}"
    );
    assert!(out.contains("after the signature, /Contents of page 1 was changed (FORMAT_FAILURE)"));

    let (code, out, _) = verify(folder, &with_root("b_b.pdf"));
    assert_eq!(code, Some(1), "{out}");
    assert!(
        out.contains("? signed by Ana") && out.contains("(TRY_LATER)"),
        "{out}"
    );
    assert!(
        out.contains("not B-T: there is no time-stamp over it"),
        "{out}"
    );
    let tolerant = [
        &with_root("b_b.pdf")[..],
        &["--tolerate-missing-revocation"],
    ]
    .concat();
    let (code, out, _) = verify(folder, &tolerant);
    assert_eq!(code, Some(0), "{out}");
    assert!(out.contains("mind: revocation was not checked"), "{out}");
    let late = [
        &with_root("b_lta.pdf")[..],
        &["--at", "2090-01-01T00:00:00Z"],
    ]
    .concat();
    assert_eq!(verify(folder, &late).0, Some(1));

    let (code, out, _) = verify(folder, &with_root("unsigned.pdf"));
    assert_eq!(code, Some(1), "{out}");
    assert_eq!(out, "unsigned.pdf: bears no signature\n");

    let both = ["b_lt.pdf", "b_lta.pdf", "--roots", "root.pem", "--json"];
    let (code, out, _) = verify(folder, &both);
    assert_eq!(code, Some(0), "{out}");
    let reports: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(reports[0]["file"], "b_lt.pdf");
    assert_eq!(reports[0]["signatures"][0]["level"], "B-LT");
    assert_eq!(
        reports[0]["signatures"][0]["higher_levels"][0]["level"],
        "B-LTA"
    );
    assert_eq!(reports[1]["valid"], true);

    // Nothing readable, nothing to trust, nothing understood.
    for wrong in [
        &["absent.pdf", "--roots", "root.pem"][..],
        &["root.pem", "--roots", "root.pem"],
        &["b_lt.pdf"],
        &["b_lt.pdf", "--roots", "unsigned.pdf"],
        &["b_lt.pdf", "--roots", "root.pem", "--at", "soon"],
        &[],
    ] {
        let (code, out, err) = verify(folder, wrong);
        assert_eq!(code, Some(2), "{wrong:?}: {out}{err}");
        assert!(!err.is_empty() && !err.contains("panicked"), "{err}");
    }

    // Inside an installation its own root is trusted.
    std::fs::create_dir(folder.join("keys")).expect("a folder");
    std::fs::copy(folder.join("root.pem"), folder.join("keys/root.crt")).expect("a copy");
    assert_eq!(verify(folder, &["b_lt.pdf"]).0, Some(0));
}
