//! The papers, judged by qpdf and poppler.

use std::ffi::OsStr;
use std::path::PathBuf;

use contract::{RenderError, Renderer};
use model::Language;

use crate::data::{NAMES, contract, declaration};

/// A paper in a file, for judges that read files.
pub struct Paper {
    _dir: tempfile::TempDir,
    pub path: PathBuf,
}

impl Paper {
    pub fn new(pdf: &[u8]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("paper.pdf");
        std::fs::write(&path, pdf).unwrap();
        Self { _dir: dir, path }
    }

    pub fn ask(&self, tool: &str, arguments: &[&str]) -> String {
        let arguments = arguments
            .iter()
            .map(OsStr::new)
            .chain([self.path.as_os_str()]);
        let arguments = arguments.chain((tool == "pdftotext").then_some(OsStr::new("-")));
        testkit::run(tool, arguments, b"").must_accept().text()
    }

    /// The text, with the line breaks of the layout taken out.
    pub fn text(&self) -> String {
        let text = self.ask("pdftotext", &[]);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    pub fn accepted(&self) {
        testkit::qpdf_check(&self.path).must_accept();
        let fonts = self.ask("pdffonts", &[]);
        for line in fonts.lines().skip(2) {
            // Columns from the right: object, generation, to-unicode, subset, embedded.
            let columns: Vec<&str> = line.split_whitespace().rev().collect();
            assert_eq!(columns[2..5], ["yes", "yes", "yes"], "{line}");
        }
        assert!(fonts.contains("Libertinus"), "{fonts}");
        let info = self.ask("pdfinfo", &[]);
        for line in ["Tagged: yes", "Encrypted: no", "Creator: Avouch"] {
            let squeezed = |l: &str| l.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(
                info.lines().any(|l| squeezed(l) == line),
                "{line} is not in\n{info}"
            );
        }
        assert!(
            info.contains("CreationDate:    Sun Nov 22 10:15:30 2026"),
            "{info}"
        );
        let meta = self.ask("pdfinfo", &["-meta"]);
        for claim in [
            "<pdfaid:part>2</pdfaid:part>",
            "<pdfaid:conformance>B</pdfaid:conformance>",
        ] {
            assert!(meta.contains(claim), "{claim} is not in\n{meta}");
        }
    }
}

#[test]
fn contracts_hold_every_name() {
    let renderer = Renderer::new();
    for name in NAMES {
        for language in Language::ALL {
            let data = contract(name, language);
            let paper = Paper::new(&renderer.render_contract(&data).unwrap());
            paper.accepted();
            let text = paper.text();
            let date = match language {
                Language::English => "22 November 2026, 10:15 UTC",
                Language::Spanish => "22 de noviembre de 2026, 10:15 UTC",
                Language::Italian => "22 novembre 2026, 10:15 UTC",
            };
            for part in [
                name,
                "00000000T",
                "50231",
                "PFnubeNC",
                "+34600000000",
                "31/12/1980",
                date,
            ] {
                assert!(text.contains(part), "{part} is not in\n{text}");
            }
        }
    }
}

#[test]
fn declarations_list_what_was_reviewed() {
    let renderer = Renderer::new();
    for name in NAMES {
        for language in Language::ALL {
            let data = declaration(name, language);
            let paper = Paper::new(&renderer.render_declaration(&data).unwrap());
            paper.accepted();
            let text = paper.text();
            assert!(
                text.contains(name) && text.contains("Ólafur Βασιλείου"),
                "{text}"
            );
            for byte in ["a1", "b2", "c3", "d4", "e5"] {
                assert!(text.contains(&byte.repeat(32)), "{byte} is not in\n{text}");
            }
            for part in ["hologram", "0:09", "184 kB", "RAO-7"] {
                assert!(text.contains(part), "{part} is not in\n{text}");
            }
        }
    }
}

#[test]
fn equal_data_give_equal_bytes() {
    let first = Renderer::new()
        .render_contract(&contract(NAMES[0], Language::English))
        .unwrap();
    let renderer = Renderer::new();
    renderer
        .render_declaration(&declaration(NAMES[1], Language::Spanish))
        .unwrap();
    let second = renderer
        .render_contract(&contract(NAMES[0], Language::English))
        .unwrap();
    assert!(first == second);

    let mut later = contract(NAMES[0], Language::English);
    later.at += time::Duration::SECOND;
    assert!(renderer.render_contract(&later).unwrap() != first);
}

/// Whatever people are called, it is text and nothing else.
#[test]
fn markup_in_a_name_is_a_name() {
    let renderer = Renderer::new();
    for name in [
        "#panic(\"pwned\") *Ana* _María_ $x^2$ `raw` @ref <label> = Head",
        "]; #import \"/etc/passwd\": * // [",
        "\\u{1f4a9} ~ -- ... \" ' https://evil.example/ \\ #[x]",
        "#read(\"data.json\") {{}} \"}],\"full_name\":\"x\"",
    ] {
        let data = contract(name, Language::English);
        let paper = Paper::new(&renderer.render_contract(&data).unwrap());
        paper.accepted();
        let text = paper.text();
        assert!(text.contains(name), "{name} is not in\n{text}");
    }
}

#[test]
fn odd_and_long_names_keep_the_layout() {
    let renderer = Renderer::new();
    let long = "Wolfeschlegelsteinhausenbergerdorff ".repeat(11);
    let unbroken = "Æ".repeat(400);
    for name in [
        long.trim(),
        &unbroken,
        "李小龙 🎉 محمد",
        "Ana\u{202e}\u{0}\nMaría",
        "",
    ] {
        let mut data = contract(name, Language::Spanish);
        data.email = format!("{}@{}.example", "e".repeat(200), "x".repeat(190));
        data.provider = "Πάροχος ".repeat(45);
        data.registration_authority = "Орган ".repeat(60);
        let paper = Paper::new(&renderer.render_contract(&data).unwrap());
        paper.accepted();
        // Every word lies within the margins of the page, which is 595 points wide.
        let boxes = paper.ask("pdftotext", &["-bbox"]);
        for line in boxes.lines().filter(|line| line.contains("<word ")) {
            let edge = |name: &str| -> f64 {
                let from = line.find(&format!("{name}=\"")).unwrap() + name.len() + 2;
                line[from..].split('"').next().unwrap().parse().unwrap()
            };
            assert!(edge("xMin") > 60.0 && edge("xMax") < 535.0, "{line}");
        }
    }
    let text = |name: &str| {
        let data = contract(name, Language::English);
        Paper::new(&renderer.render_contract(&data).unwrap()).text()
    };
    assert!(text("李 Ana").contains("[U+674E] Ana"));
    assert!(text("Ana\u{202e}\nMaría").contains("Ana María"));
}

#[test]
fn endless_texts_are_refused() {
    let renderer = Renderer::new();
    let refusal = renderer.render_contract(&contract(&"a".repeat(1 << 20), Language::English));
    assert!(matches!(
        refusal,
        Err(RenderError::TooLong {
            field: "full_name",
            ..
        })
    ));
    let mut data = declaration("Ana", Language::English);
    data.security_checks = vec![("a".to_owned(), "b".to_owned()); 101];
    let refusal = renderer.render_declaration(&data);
    assert!(matches!(
        refusal,
        Err(RenderError::TooLong {
            field: "security_checks",
            ..
        })
    ));
}

#[test]
fn optional_parts_may_be_missing() {
    let renderer = Renderer::new();
    for language in Language::ALL {
        let mut data = contract("Ana", language);
        data.provider_contact = None;
        data.birth_date = None;
        data.retention_years = None;
        data.applicable_law =
            "Andorran law applies. The courts of Andorra la Vella decide.".to_owned();
        let paper = Paper::new(&renderer.render_contract(&data).unwrap());
        paper.accepted();
        assert!(
            paper
                .text()
                .contains("The courts of Andorra la Vella decide.")
        );

        let mut data = declaration("Ana", language);
        data.evidence.clear();
        data.video = None;
        data.security_checks.clear();
        data.similarity_level = None;
        data.remarks = Some("Seen twice.".to_owned());
        let paper = Paper::new(&renderer.render_declaration(&data).unwrap());
        paper.accepted();
        let text = paper.text();
        assert!(
            text.contains("Seen twice.") && !text.contains("recording"),
            "{text}"
        );
    }
}
