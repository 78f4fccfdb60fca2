//! The integrators' guide, run as written: every command of `docs/registration-authority.md`.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use testkit::{pdfsig, workspace_root};

use crate::harness::avouch;

/// The commands of a Markdown text, in order.
fn commands(markdown: &str) -> String {
    let mut blocks = markdown.split("\n```");
    let mut script = String::new();
    while let (Some(_), Some(block)) = (blocks.next(), blocks.next()) {
        if let Some(commands) = block.strip_prefix("bash\n") {
            script += commands;
            script.push('\n');
        }
    }
    script
}

#[test]
fn the_guides_commands_lead_to_a_signed_contract() {
    let guide = workspace_root().join("docs/registration-authority.md");
    let guide = fs::read_to_string(guide).expect("it is there");
    let script = commands(&guide);
    assert!(script.contains("pl_approve"), "{script}");

    let dir = tempfile::tempdir().expect("a temporary folder");
    symlink(
        workspace_root().join("specimens"),
        dir.path().join("specimens"),
    )
    .expect("a fresh folder");
    let program = avouch();
    let program = Path::new(program.get_program());
    let programs = program.parent().expect("a program lies in a folder");
    let path = std::env::var("PATH").expect("a path");
    let mut shell = Command::new("bash");
    shell
        .args(["-euo", "pipefail", "-c"])
        // The server goes when the shell goes, whichever way.
        .arg(format!("trap 'kill $(jobs -p)' EXIT\n{script}"))
        .current_dir(dir.path())
        .env("PATH", format!("{}:{path}", programs.display()))
        .stdin(Stdio::null());
    let output = shell.output().expect("bash starts");
    let said = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{complaint}");

    let contract = dir.path().join("signed-contract.pdf");
    let signers = pdfsig(&contract, &dir.path().join("sandbox/keys/root.crt"));
    assert_eq!(signers.len(), 2, "{signers:?}");
    assert!(signers.iter().all(|one| one.valid), "{signers:?}");
    answers_come_in_order(&script, &said);
}

/// What the guide says of a command's answer, behind the command, ends a line of what was printed.
#[track_caller]
fn answers_come_in_order(script: &str, said: &str) {
    let promised = script.lines().filter_map(|line| line.split_once("    # "));
    let promised: Vec<_> = promised.map(|(_, answer)| answer).collect();
    assert!(promised.len() > 5, "{promised:?}");
    let mut lines = said.lines();
    for answer in promised {
        let found = lines.any(|line| line.ends_with(answer));
        assert!(found, "{answer:?} is missing, or out of order:\n{said}");
    }
}
