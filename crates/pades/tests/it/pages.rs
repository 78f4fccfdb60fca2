//! PDFs whose pages are turned, cropped or scaled: drawn with lines alone, so that their pictures
//! show where the page's own corner and its upright are.

/// A PDF with a page for each of `pages`, which are further entries of its dictionary such as
/// `/Rotate 90`. Entries of the page tree's root, which pages inherit, are in `inherited`, those of
/// the catalogue in `catalog`.
pub fn pdf(inherited: &str, pages: &[&str], catalog: &str) -> Vec<u8> {
    let first = 4;
    let kids: Vec<_> = (first..first + pages.len())
        .map(|number| format!("{number} 0 R"))
        .collect();
    let mut objects = vec![
        format!("<</Type/Catalog/Pages 2 0 R{catalog}>>"),
        format!(
            "<</Type/Pages/Kids[{}]/Count {}{inherited}>>",
            kids.join(" "),
            kids.len()
        ),
        format!("<</Length {}>>\nstream\n{MARKS}\nendstream", MARKS.len()),
    ];
    for page in pages {
        objects.push(format!(
            "<</Type/Page/Parent 2 0 R/Contents 3 0 R/Resources<<>>{page}>>"
        ));
    }
    write(&objects)
}

/// A PDF of these objects, of which the first is the catalogue.
pub fn write(objects: &[String]) -> Vec<u8> {
    let mut data = b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n".to_vec();
    let mut table = String::from("0000000000 65535 f \n");
    for (number, object) in (1..).zip(objects) {
        table.push_str(&format!("{:010} 00000 n \n", data.len()));
        data.extend_from_slice(format!("{number} 0 obj\n{object}\nendobj\n").as_bytes());
    }
    let (count, start) = (objects.len() + 1, data.len());
    let end = format!(
        "xref\n0 {count}\n{table}trailer\n<</Size {count}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n"
    );
    data.extend_from_slice(end.as_bytes());
    data
}

/// Lines every twenty points, a thick L whose corner is the origin and whose long side points
/// upwards, and a thick bar beside it, which is still there where the L is cropped away.
const MARKS: &str = "0.85 G 0.5 w
0 20 m 320 20 l 0 40 m 320 40 l 0 60 m 320 60 l 0 80 m 320 80 l 0 100 m 320 100 l 0 120 m 320 120 l
0 140 m 320 140 l 0 160 m 320 160 l 0 180 m 320 180 l 0 200 m 320 200 l 0 220 m 320 220 l
20 0 m 20 320 l 40 0 m 40 320 l 60 0 m 60 320 l 80 0 m 80 320 l 100 0 m 100 320 l 120 0 m 120 320 l
140 0 m 140 320 l 160 0 m 160 320 l 180 0 m 180 320 l 200 0 m 200 320 l 220 0 m 220 320 l S
0.6 G 4 w 24 2 m 2 2 l 2 62 l 42 42 m 42 62 l S";
