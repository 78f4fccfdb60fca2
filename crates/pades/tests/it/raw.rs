//! Files written object by object, for what no producer makes on request.

pub const CATALOG: &str = "<</Type/Catalog/Pages 2 0 R/AcroForm 4 0 R>>";
pub const PAGES: &str = "<</Type/Pages/Kids[3 0 R]/Count 1>>";
pub const PAGE: &str = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]>>";
pub const FORM: &str = "<</Fields[]>>";
pub const TRAILER: &str = "<</Size 5/Root 1 0 R>>";

/// A file of `objects`, numbered from 1.
pub fn file(objects: &[&str], trailer: &str) -> Vec<u8> {
    let mut pdf = b"%PDF-1.7\n".to_vec();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for (number, object) in (1..).zip(objects) {
        table += &format!("{:010} 00000 n \n", pdf.len());
        pdf.extend(format!("{number} 0 obj\n{object}\nendobj\n").bytes());
    }
    let start = pdf.len();
    pdf.extend(format!("{table}trailer\n{trailer}\nstartxref\n{start}\n%%EOF\n").bytes());
    pdf
}

/// `pdf` with a revision that gives these objects a new state.
pub fn revised(pdf: &[u8], objects: &[(u32, &str)], trailer: &str) -> Vec<u8> {
    let keyword = memchr::memmem::rfind(pdf, b"startxref").unwrap();
    let previous = std::str::from_utf8(&pdf[keyword + 9..]).unwrap();
    let previous = previous.split_ascii_whitespace().next().unwrap();
    let trailer = trailer.replace(">>", &format!("/Prev {previous}>>"));
    let mut revised = pdf.to_vec();
    let mut table = String::from("xref\n");
    for (number, object) in objects {
        table += &format!("{number} 1\n{:010} 00000 n \n", revised.len());
        revised.extend(format!("{number} 0 obj\n{object}\nendobj\n").bytes());
    }
    let start = revised.len();
    revised.extend(format!("{table}trailer\n{trailer}\nstartxref\n{start}\n%%EOF\n").bytes());
    revised
}

/// A page with form fields: `fields` are the objects from number 5 on, and `roots` are the
/// numbers of those at the root of the form.
pub fn form(roots: &[u32], fields: &[&str]) -> Vec<u8> {
    let references = |numbers: &mut dyn Iterator<Item = u32>| {
        numbers
            .map(|number| format!("{number} 0 R "))
            .collect::<String>()
    };
    let widgets = (5..)
        .zip(fields)
        .filter(|(_, field)| field.contains("/Widget"));
    let widgets = references(&mut widgets.map(|(number, _)| number));
    let page = format!("<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Annots[{widgets}]>>");
    let form = format!("<</Fields[{}]>>", references(&mut roots.iter().copied()));
    let mut objects = vec![CATALOG, PAGES, &page, &form];
    objects.extend(fields);
    file(
        &objects,
        &format!("<</Size {}/Root 1 0 R>>", objects.len() + 1),
    )
}

/// An empty signature field that is its own widget, with further entries.
pub fn empty_field(name: &str, entries: &str) -> String {
    format!(
        "<</Type/Annot/Subtype/Widget/FT/Sig/T({name})/F 4/Rect[20 20 120 60]/P 3 0 R{entries}>>"
    )
}
