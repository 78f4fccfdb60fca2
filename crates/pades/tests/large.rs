//! A file of 200 MiB with ten thousand pages: memory is the file's own size, and little more.
//!
//! A test binary of its own, since it looks at the memory of its whole process.

use std::{fs, io::Write, time::Instant};

use pades::{FieldTarget, SecurityStore, SignatureSpec};
use time::macros::datetime;

const MIB: usize = 1 << 20;
const SIZE: usize = 200 * MIB;
const PAGES: usize = 10_000;

/// What signing may take beside the file: cross-reference data of its 10,004 objects, above all.
const ALLOWANCE: usize = 16 * MIB;

/// The most memory that this process ever had, in bytes.
fn peak() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kibibytes = line.unwrap().split_whitespace().nth(1).unwrap();
    kibibytes.parse::<usize>().unwrap() * 1024
}

/// One page tree node above all pages, and one stream that is nearly all of the file.
fn large() -> Vec<u8> {
    let mut pdf = Vec::with_capacity(SIZE + MIB);
    let mut offsets = Vec::with_capacity(PAGES + 3);
    pdf.extend(b"%PDF-1.7\n");
    let mut put = |pdf: &mut Vec<u8>, body: &dyn Fn(&mut Vec<u8>)| {
        offsets.push(pdf.len());
        writeln!(pdf, "{} 0 obj", offsets.len()).unwrap();
        body(pdf);
        pdf.extend(b"\nendobj\n");
    };
    put(&mut pdf, &|pdf| {
        pdf.extend(b"<</Type/Catalog/Pages 2 0 R>>")
    });
    put(&mut pdf, &|pdf| {
        write!(pdf, "<</Type/Pages/Count {PAGES}/Kids[").unwrap();
        for number in 4..4 + PAGES {
            write!(pdf, "{number} 0 R ").unwrap();
        }
        pdf.extend(b"]>>");
    });
    put(&mut pdf, &|pdf| {
        let length = SIZE - 2 * MIB;
        write!(pdf, "<</Length {length}>>\nstream\n").unwrap();
        // Something of everything, lest a search for keywords have it too easy.
        let start = pdf.len();
        pdf.extend((0..length).map(|at| (at.wrapping_mul(0x9E37_79B1) >> 24) as u8));
        assert_eq!(pdf.len() - start, length);
        pdf.extend(b"\nendstream");
    });
    for _ in 0..PAGES {
        put(&mut pdf, &|pdf| {
            pdf.extend(b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 3 0 R>>");
        });
    }
    let start = pdf.len();
    let count = offsets.len() + 1;
    write!(pdf, "xref\n0 {count}\n0000000000 65535 f \n").unwrap();
    for offset in offsets {
        writeln!(pdf, "{offset:010} 00000 n ").unwrap();
    }
    write!(
        pdf,
        "trailer\n<</Size {count}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n"
    )
    .unwrap();
    pdf
}

#[test]
fn memory_and_time_stay_with_the_size_of_the_file() {
    let mut pdf = large();
    let before = peak();
    assert!(before < pdf.len() + 64 * MIB, "the test itself is frugal");
    let spec = SignatureSpec {
        field: FieldTarget::New("Signature".into()),
        name: None,
        reason: None,
        location: None,
        contact: None,
        signing_time: datetime!(2026-11-22 03:18:00 UTC),
        appearance: None,
        security_store: SecurityStore::default(),
        reserve: 4096,
    };
    assert_eq!(pades::inspect(&pdf).unwrap().pages, PAGES as u64);
    let tail = pades::prepare(&pdf, &spec)
        .unwrap()
        .seal(&[0x30, 0])
        .unwrap();
    assert!(tail.len() < MIB);
    pdf.extend(&tail);
    assert_eq!(pades::signatures(&pdf).unwrap().len(), 1);

    // The same with its cross-reference data lost.
    let keyword = pdf.len() - tail.len() - 30;
    let table = memchr::memmem::rfind(&pdf[..keyword], b"trailer").unwrap();
    pdf.truncate(table);
    let start = Instant::now();
    pades::prepare(&pdf, &spec).unwrap();
    assert!(start.elapsed().as_secs() < 30, "{:?}", start.elapsed());

    let taken = peak() - before;
    assert!(taken < ALLOWANCE, "{} KiB", taken / 1024);
}
