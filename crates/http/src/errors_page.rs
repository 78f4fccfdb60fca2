//! The pages of errors in `docs/`: prose by hand, and below a mark what the doors' own tables say.

/// Holds a page to what the doors say now; with `UPDATE_DOCS` set, writes it.
pub(crate) fn hold(name: &str, errors: &str) {
    const MARK: &str = "<!-- From here on generated from the tables of the doors. -->\n\n";
    let path = format!("{}/../../docs/{name}", env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(&path).unwrap();
    let (prose, generated) = page.split_once(MARK).unwrap();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, format!("{prose}{MARK}{errors}")).unwrap();
    } else {
        assert!(
            generated == errors,
            "run this test with UPDATE_DOCS=1 and commit docs/{name}"
        );
    }
}

/// The generated part: one table for each kind of call, then the endpoints' own sections.
pub(crate) fn generated(
    common: [(&str, String); 3],
    sections: impl Iterator<Item = String>,
) -> String {
    let mut page = String::from("## Everywhere\n\n");
    for (title, table) in common {
        page += &format!("### {title}\n\n{table}");
    }
    page += "## By call\n\n";
    page.extend(sections);
    page.trim_end().to_owned() + "\n"
}
