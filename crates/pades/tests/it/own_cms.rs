//! PAdES B-T as the service makes it: our own authority, CMS and time-stamps, and a container of
//! exactly the size that is needed.

use std::fs;

use crate::{
    authority::Authority,
    judges::{self, Opinion},
    signer::{corpus, spec},
};

#[test]
fn two_people_sign_with_time_stamps_and_exact_containers() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    let root = authority.root(folder.path());
    let mut files = Vec::new();
    for name in ["reportlab", "object-streams", "hybrid", "pdf-a-2b"] {
        let mut pdf = corpus(name).swap_remove(0).1;
        for given_name in ["Carmen", "Ramón"] {
            let person = authority.person(given_name);
            pdf = authority.sign(&pdf, &person, spec()).unwrap();
        }
        let path = folder.path().join(format!("{name}.pdf"));
        fs::write(&path, pdf).unwrap();
        judges::qpdf(&path);
        assert_eq!(
            judges::pdfsig(&path),
            [(true, false), (true, true)],
            "{name}"
        );
        files.push(path);
    }
    let opinion = |field: &str, whole| Opinion {
        field: field.into(),
        sound: true,
        trusted: true,
        unmodified: true,
        stamped: true,
        whole,
    };
    for opinions in judges::pyhanko(&root, &files) {
        assert_eq!(
            opinions,
            [opinion("Signature", false), opinion("Signature_2", true)]
        );
    }
}
