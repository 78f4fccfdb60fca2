//! The PDF that is signed over and over.

/// Pages, so that the file has as many objects as a contract of its size.
const PAGES: usize = 20;

/// A PDF of exactly `size` bytes: pages of plain text, classic cross-reference table.
///
/// # Panics
///
/// Where `size` is less than the pages take without text.
pub fn pdf_of(size: usize) -> Vec<u8> {
    let bare = written(&[0; PAGES]).len();
    let text = size
        .checked_sub(bare)
        .expect("room for the pages themselves");
    // The lengths are written out and take more room than the zeros did: approach from below.
    let mut lengths = [text / PAGES - 8; PAGES];
    let missing = size - written(&lengths).len();
    lengths[PAGES - 1] += missing;
    let excess = written(&lengths).len() - size;
    lengths[PAGES - 1] -= excess;
    written(&lengths)
}

/// The file with this many bytes of content on each page.
fn written(lengths: &[usize; PAGES]) -> Vec<u8> {
    // Objects 1 to 3: catalogue, page tree, font. Then page and content by turns.
    let page = |index: usize| 4 + 2 * index;
    let kids: String = (0..PAGES)
        .map(|index| format!("{} 0 R ", page(index)))
        .collect();
    let mut objects = vec![
        "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
        format!("<</Type/Pages/Count {PAGES}/Kids[{kids}]>>"),
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>".to_owned(),
    ];
    for (index, &length) in lengths.iter().enumerate() {
        objects.push(format!(
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents {} 0 R\
             /Resources<</Font<</F 3 0 R>>>>>>",
            page(index) + 1
        ));
        let text = content(length);
        objects.push(format!("<</Length {length}>>stream\n{text}\nendstream"));
    }

    let mut file = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for (index, object) in objects.iter().enumerate() {
        table += &format!("{:010} 00000 n \n", file.len());
        file.extend_from_slice(format!("{} 0 obj\n{object}\nendobj\n", index + 1).as_bytes());
    }
    let start = file.len();
    let id = "00112233445566778899AABBCCDDEEFF";
    table += &format!(
        "trailer\n<</Size {}/Root 1 0 R/ID[<{id}><{id}>]>>\nstartxref\n{start}\n%%EOF\n",
        objects.len() + 1
    );
    file.extend_from_slice(table.as_bytes());
    file
}

/// Lines of text, filled up with blanks to `length` bytes.
fn content(length: usize) -> String {
    const LINE: &str = "(The parties agree on what is written here, and sign it.)'\n";
    let (begin, end) = ("BT /F 11 Tf 14 TL 60 780 Td\n", "ET");
    let lines = length.saturating_sub(begin.len() + end.len()) / LINE.len();
    if lines == 0 {
        return " ".repeat(length);
    }
    let text = [begin, &LINE.repeat(lines), end].concat();
    format!("{text:<length$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_has_exactly_the_size_asked_for_and_can_be_signed() {
        for size in [50_000, 100 << 10, 1 << 20] {
            let pdf = pdf_of(size);
            assert_eq!(pdf.len(), size);
            assert_eq!(pades::inspect(&pdf).unwrap().pages as usize, PAGES);
        }
    }
}
