//! The contract as a part of a web page, as Chromium understands it.

use std::collections::BTreeSet;

use contract::{Capacity, Renderer};
use model::Language;

use crate::data::{NAMES, contract, kinds, organisation};
use crate::paper::Paper;

/// An element of a page: its name, its attributes, and the text of those that hold text.
struct Element {
    name: String,
    attributes: Vec<String>,
    text: String,
}

/// Walks through each child of the body and leaves what it saw as JSON, in ASCII.
const WALK: &str = r#"<script>
const blocks = ["H2", "H3", "H4", "P", "LI", "DT", "DD"];
const walk = (e) => [
    [e.localName, [...e.attributes].map((a) => `${a.name}=${a.value}`),
     blocks.includes(e.tagName) ? e.innerText : ""],
    ...[...e.children].flatMap(walk),
];
addEventListener("load", () => {
    const seen = [...document.body.children].map(walk);
    const escape = (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0");
    const json = JSON.stringify(seen).replace(/[<>&\u007f-\uffff]/g, escape);
    document.documentElement.innerHTML = `<body><pre>${json}</pre></body>`;
});
</script>"#;

/// What a browser makes of these fragments, each of which is one element.
fn seen(fragments: &[String]) -> Vec<Vec<Element>> {
    let dir = tempfile::tempdir().unwrap();
    let page = dir.path().join("page.html");
    let head = format!("<!doctype html><html><head><meta charset=\"utf-8\">{WALK}</head>");
    let body = fragments.concat();
    std::fs::write(&page, format!("{head}<body>{body}</body></html>")).unwrap();
    let profile = format!("--user-data-dir={}", dir.path().join("profile").display());
    let address = format!("file://{}", page.display());
    let arguments = ["--headless=new", "--no-sandbox", "--disable-gpu"];
    let arguments = arguments
        .into_iter()
        .chain([&*profile, "--dump-dom", &*address]);
    let dom = testkit::run("chromium", arguments, b"")
        .must_accept()
        .text();
    let json = dom
        .split("<pre>")
        .nth(1)
        .and_then(|rest| rest.split("</pre>").next());
    let pages: Vec<Vec<(String, Vec<String>, String)>> =
        serde_json::from_str(json.unwrap_or_else(|| panic!("no answer in\n{dom}"))).unwrap();
    assert_eq!(pages.len(), fragments.len());
    let element = |(name, attributes, text)| Element {
        name,
        attributes,
        text,
    };
    let page = |page: Vec<_>| page.into_iter().map(element).collect();
    pages.into_iter().map(page).collect()
}

fn squeezed(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_whitespace() && *c != '\u{ad}')
        .collect()
}

/// Nothing on paper that is not on the page, nothing on the page that is not on paper.
#[test]
fn paper_and_page_say_the_same() {
    let renderer = Renderer::new();
    let mut contracts = Vec::new();
    for language in Language::ALL {
        for kind in kinds() {
            let mut data = contract(NAMES[0], language);
            data.kind = kind;
            contracts.push(data);
        }
        for capacity in [Capacity::Member, Capacity::Representative, Capacity::Seal] {
            let mut data = contract(NAMES[1], language);
            data.organisation = Some(organisation(capacity));
            contracts.push(data);
        }
    }
    let fragments: Vec<String> = contracts
        .iter()
        .map(|data| renderer.contract_html(data).unwrap())
        .collect();
    for (data, page) in contracts.iter().zip(seen(&fragments)) {
        let paper = Paper::new(&renderer.render_contract(data).unwrap());
        // In points, without the lines above and below each page.
        let inner = ["-raw", "-x", "0", "-y", "70", "-W", "596", "-H", "702"];
        let text = squeezed(&paper.ask("pdftotext", &inner));
        let mut rest = text.as_str();
        let mut only_on_paper = String::new();
        for element in &page {
            let text = squeezed(&element.text);
            let (before, after) = rest
                .split_once(&text)
                .unwrap_or_else(|| panic!("{} is not on paper:\n{rest}", element.text));
            only_on_paper.push_str(before);
            rest = after;
        }
        only_on_paper.push_str(rest);
        assert_eq!(only_on_paper, "AVOUCHDEMONSTRATIONTRUSTSERVICESa)b)c)d)");
    }
}

#[test]
fn pages_hold_plain_elements_in_order() {
    let renderer = Renderer::new();
    let fragments = Language::ALL.map(|language| {
        let mut data = contract(NAMES[0], language);
        data.organisation = Some(organisation(Capacity::Representative));
        renderer.contract_html(&data).unwrap()
    });
    for (page, language) in seen(&fragments).iter().zip(Language::ALL) {
        assert_eq!(page[0].name, "article");
        assert_eq!(page[0].attributes, [format!("lang={language}")]);
        let names: BTreeSet<&str> = page.iter().map(|element| element.name.as_str()).collect();
        let known = [
            "article", "br", "dd", "dl", "dt", "h2", "h3", "h4", "li", "ol", "p", "strong",
        ];
        assert_eq!(names, BTreeSet::from(known));
        for element in &page[1..] {
            let expected: &[&str] = if element.name == "ol" {
                &["type=a"]
            } else {
                &[]
            };
            assert_eq!(element.attributes, expected, "{}", element.name);
        }
        let mut level = 1;
        for heading in page.iter().filter(|element| element.name.starts_with('h')) {
            let next: u32 = heading.name[1..].parse().unwrap();
            assert!(next <= level + 1, "{} after h{level}", heading.name);
            level = next;
        }
    }
}

#[test]
fn markup_in_a_name_stays_text() {
    let names = [
        "<script>alert(1)</script>",
        "</article></body><h1 id=x onclick='alert(1)'>Ana",
        "&lt;b&gt; &#60;i> <!-- \"quoted\" 'quoted' -->",
        "#panic() #html.elem(\"script\") *Ana* $x$ = Head",
        "]; #import \"/etc/passwd\": * // [",
    ];
    let renderer = Renderer::new();
    let page_of = |name: &str| {
        let mut data = contract(name, Language::English);
        name.clone_into(&mut data.email);
        data.provider_contact = Some(name.to_owned());
        name.clone_into(&mut data.applicable_law);
        let mut named = organisation(Capacity::Member);
        name.clone_into(&mut named.name);
        named.position = Some(name.to_owned());
        data.organisation = Some(named);
        renderer.contract_html(&data).unwrap()
    };
    let shape = |page: &[Element]| -> Vec<String> {
        page.iter()
            .map(|element| format!("{} {:?}", element.name, element.attributes))
            .collect()
    };
    let honest = &seen(&[page_of("Ana")])[0];
    for (name, page) in names.into_iter().zip(seen(&names.map(page_of))) {
        assert_eq!(shape(&page), shape(honest), "{name}");
        let holding = page.iter().filter(|element| element.text == name).count();
        assert!(holding >= 5, "{name} stands alone {holding} times");
    }

    // Marks that turn writing around are dropped, as they are on paper.
    let turned = page_of("Ana\u{202e}gnp.exe\u{2066}");
    assert!(turned.contains("Anagnp.exe") && !turned.contains(['\u{202e}', '\u{2066}']));
}

#[test]
fn equal_data_give_equal_pages() {
    let page = || {
        let data = contract(NAMES[0], Language::Italian);
        Renderer::new().contract_html(&data).unwrap()
    };
    assert_eq!(page(), page());
}
