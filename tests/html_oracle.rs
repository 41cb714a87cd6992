//! The scanner against lol_html: two readings of one page.
//!
//! lol_html serves a large part of the web and was written by others from the same standard. Where
//! both see the same elements with the same attributes, in the same order, neither is likely to be
//! wrong. It runs with `strict: false`: in strict mode it refuses markup it is not sure of.
//!
//! Its tree builder is a stack of namespaces, ours one of elements, so in broken `svg` and `math`
//! they differ. Each difference known is a row of [`DIFFERENCES`] with the clause that decides it;
//! generated markup keeps clear of these and must agree.

use std::path::Path;

use kelisim::html::{Edit, Element, Interest, rewrite};
use lol_html::{HtmlRewriter, Settings, element};
use proptest::prelude::*;

/// An element: its lower-case name, and attributes with their values as written.
type Seen = (String, Vec<(String, String)>);

struct All(Vec<Seen>);

impl Edit for All {
    fn interest(&mut self, _name: &[u8]) -> Interest {
        Interest::Tag
    }

    fn element(&mut self, element: &mut Element<'_>) {
        let attributes = element
            .attributes()
            .map(|a| (text(a.name()).to_ascii_lowercase(), text(a.raw_value())))
            .collect();
        self.0.push((text(element.name()), attributes));
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn ours(input: &[u8]) -> Vec<Seen> {
    let (output, all) = rewrite(input, All(Vec::new())).expect("nothing is refused");
    assert!(output == input, "looking changes nothing");
    all.0
}

fn theirs(input: &[u8]) -> Vec<Seen> {
    let mut seen = Vec::new();
    let mut rewriter = HtmlRewriter::new(
        Settings::new().with_strict(false).append_element_content_handler(element!(
            "*",
            |element| {
                let attributes =
                    element.attributes().iter().map(|a| (a.name(), a.value())).collect();
                seen.push((element.tag_name(), attributes));
                Ok(())
            }
        )),
        |_: &[u8]| {},
    );
    rewriter.write(input).expect("lol_html takes any input when it is not strict");
    rewriter.end().expect("lol_html takes any end when it is not strict");
    seen
}

#[track_caller]
fn assert_agree(input: &[u8], title: &str) -> usize {
    let (ours, theirs) = (ours(input), theirs(input));
    for (at, (our, their)) in ours.iter().zip(&theirs).enumerate() {
        assert_eq!(our, their, "element {at} of {title}");
    }
    assert_eq!(ours.len(), theirs.len(), "elements of {title}");
    ours.len()
}

#[test]
fn on_real_pages_both_see_the_same_elements_and_attributes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/pages");
    if !folder.is_dir() {
        println!("skipped: {} is not there", folder.display());
        return;
    }
    let (mut pages, mut elements) = (0, 0);
    for entry in std::fs::read_dir(&folder).expect("the folder can be read") {
        let path = entry.expect("its entries can be read").path();
        if path.extension().is_some_and(|extension| extension == "html") {
            let page = std::fs::read(&path).expect("a page can be read");
            elements += assert_agree(&page, &path.display().to_string());
            pages += 1;
        }
    }
    println!("{elements} elements of {pages} pages");
    assert!(elements > 10_000, "{elements} elements are too few to prove anything");
}

/// Input, the names of the elements we see, those lol_html sees, and what decides for ours.
const DIFFERENCES: &[(&str, &str, &str, &str)] = &[
    (
        "<svg/><style><img></style>",
        "svg style",
        "svg style img",
        "13.2.6.4.7, start tag \"svg\": a self-closing one is popped at once",
    ),
    (
        "<svg><desc><p></desc><style><img></style>",
        "svg desc p style",
        "svg desc p style img",
        "13.2.6.4.7, any other end tag: `p` is special, so `</desc>` is ignored inside of it",
    ),
    (
        "<div><svg></div><style><img></style>",
        "div svg style",
        "div svg style img",
        "13.2.6.5, any other end tag, step 6: an open HTML element takes the token",
    ),
    (
        "<math><mi><mglyph><style><img></style>",
        "math mi mglyph style img",
        "math mi mglyph style",
        "13.2.6, the dispatcher: `mglyph` in a text integration point is MathML",
    ),
    (
        "<math><annotation-xml encoding='text&sol;html'><style><img></style>",
        "math annotation-xml style",
        "math annotation-xml style img",
        "13.2.5.36: character references count in every attribute",
    ),
];

#[test]
fn where_they_differ_the_standard_decides_for_ours() {
    let names = |seen: Vec<Seen>| -> String {
        seen.into_iter().map(|(name, _)| name).collect::<Vec<_>>().join(" ")
    };
    for (input, our, their, clause) in DIFFERENCES {
        assert_ne!(our, their, "{input} is no difference");
        assert_eq!(names(ours(input.as_bytes())), *our, "{input}: {clause}");
        assert_eq!(names(theirs(input.as_bytes())), *their, "lol_html on {input}");
    }
}

/// Bits of HTML syntax in any order, with foreign content only where it is well formed.
fn markup() -> impl Strategy<Value = String> {
    let bit = prop::sample::select(vec![
        "<",
        ">",
        "/",
        "=",
        "\"",
        "'",
        "-",
        "!",
        "?",
        "&amp;",
        " ",
        "\n",
        "x",
        "<!--",
        "-->",
        "--!>",
        "<![CDATA[",
        "]]>",
        "<!doctype html>",
        "<script",
        "</script",
        "<script>",
        "</script>",
        "<style>",
        "</style>",
        "<title>",
        "</title>",
        "<noscript>",
        "</noscript>",
        "<iframe src=a>",
        "</iframe>",
        "<p>",
        "</p>",
        "<div class=a>",
        "</div>",
        "<img src=a>",
        "<select>",
        "<option>",
        "</select>",
        "<a href='",
        "class=\"",
        "src=",
        "<table><td>",
        "</body>",
        "<textarea>",
        "</textarea>",
        "<!-- <script>",
        "</SCRIPT/>",
        "<xmp>",
        "</xmp >",
        "<IMG SRC=A/>",
        "<b/c=d>",
    ])
    .prop_map(str::to_owned);
    let inner = prop::sample::select(vec![
        "<path d='a'/>",
        "<style>a</style>",
        "<title><img src=a></title>",
        "<script>a</script>",
        "<![CDATA[<img>]]>",
        "<!-- <img> -->",
        "<g><a href=b></a></g>",
        "text",
        "<foreignObject><style><img></style></foreignObject>",
        "<script href=a />",
    ]);
    let svg = prop::collection::vec(inner, 0..5)
        .prop_map(|inner| format!("<svg class=a>{}</svg>", inner.concat()));
    let whole = prop_oneof![9 => bit, 1 => svg];
    prop::collection::vec(whole, 0..40).prop_map(|bits| bits.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn on_generated_markup_both_see_the_same_elements_and_attributes(input in markup()) {
        assert_agree(input.as_bytes(), &input);
    }
}
