//! What the gateway does to a page, seen by the browser that it is for.
//!
//! Chromium reads a page and what the gateway has made of it, and tells the documents that it has
//! built. They must be the same but for what was meant to change. A rewriter that is wrong about
//! where a tag stands may leave every byte in place that it knows of, and still break a page.
//!
//! Real pages and small ones that are hard to read, to a visitor who is asked and to one who has agreed
//! to everything; the small ones by a browser with scripts off, too. Nothing is skipped but pages that
//! are not there: without Chromium the tests fail and name `tests/run`.
//!
//! The parts are in `tests/dom/`, the differences that there are in `tests/dom/known.rs`; the browser
//! is driven as in `tests/browser.rs`.

#[path = "browser/driver.rs"]
#[expect(dead_code, reason = "pages are only read here")]
mod driver;
#[path = "browser/marionette.rs"]
mod marionette;
#[path = "browser/stub.rs"]
mod stub;
#[path = "browser/visitor.rs"]
#[expect(dead_code, reason = "pages are only read here; clicks are for tests/browser.rs")]
mod visitor;
#[path = "browser/webdriver.rs"]
mod webdriver;

mod dom {
    pub(crate) mod comparison;
    pub(crate) mod difference;
    pub(crate) mod documents;
    pub(crate) mod expected;
    pub(crate) mod gateway;
    pub(crate) mod known;
    pub(crate) mod nodes;
    pub(crate) mod origin;
    pub(crate) mod reader;
    pub(crate) mod trackers;
}

use dom::{
    comparison::{Place, assert_same},
    difference::first,
    documents::{Document, documents, encoded},
    expected::Expected,
    gateway::{Banner, Choices, rewrite},
    nodes::Kind,
    origin::Page,
    reader::Reader,
};
use std::path::Path;
use stub::Stub;
use visitor::Scripts;

fn real_pages() -> Option<Vec<Document>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/pages");
    if !folder.is_dir() {
        println!("skipped: {} is not there", folder.display());
        return None;
    }
    let files = std::fs::read_dir(&folder).expect("the folder can be listed");
    let mut files: Vec<_> = files.map(|entry| entry.expect("it can be listed").path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "html"));
    files.sort();
    assert!(files.len() >= 18, "{} has {} pages", folder.display(), files.len());
    let document = |file: &std::path::PathBuf| Document {
        name: file.file_stem().expect("a file has a name").to_string_lossy().into_owned(),
        page: Page {
            content_type: "text/html".to_owned(),
            body: std::fs::read(file).expect("the page can be read"),
        },
    };
    Some(files.iter().map(document).collect())
}

#[test]
fn real_pages_stay_what_they_are() {
    let Some(pages) = real_pages() else { return };
    assert_same(&pages, &[Scripts::On], Place::BeforeEndOfBody);
}

#[test]
fn pages_that_are_hard_to_read_stay_what_they_are() {
    assert_same(&documents(), &[Scripts::On, Scripts::Off], Place::Anywhere);
}

#[test]
fn pages_in_other_encodings_stay_what_they_are() {
    assert_same(&encoded(), &[Scripts::On], Place::BeforeEndOfBody);
}

fn utf8(markup: &str) -> Page {
    Page { content_type: "text/html; charset=utf-8".to_owned(), body: markup.as_bytes().to_vec() }
}

#[test]
fn pages_are_read_as_with_scripts_on_and_none_runs() {
    let markup = "<!DOCTYPE html><title>as sent</title><script>document.title = 'ran'</script>\
        <script src=/own.js></script><script src=https://mc.yandex.ru/metrika/tag.js></script>\
        <img src=/own.png onerror=\"document.title = 'ran'\"><link rel=stylesheet href=/own.css>\
        <iframe src=/own.html></iframe><iframe srcdoc='<script>parent.document.title = 1</script>'>\
        </iframe><noscript><p>none</p></noscript><select><p>a</select>";
    for (scripts, inside) in [(Scripts::On, "Some(3)"), (Scripts::Off, "Some(1)")] {
        let stub = Stub::start();
        let reader = Reader::new(&stub, scripts);
        // Reading asserts that nothing but the page was asked for.
        let list = reader.read(&utf8(markup));
        let title = list.iter().position(|node| node.is_html("title")).expect("it has a title");
        assert_eq!(list[title + 1].data, "as sent");
        let kind =
            reader.run("return `Some(${document.querySelector('noscript').firstChild.nodeType})`");
        assert_eq!(kind, inside);
        let inner = list.iter().filter(|node| node.kind == Kind::Markup).count();
        assert_eq!(inner, if scripts == Scripts::On { 2 } else { 1 }, "{list:#?}");
    }
}

#[test]
fn a_broken_rewrite_is_seen() {
    let stub = Stub::start();
    let reader = Reader::new(&stub, Scripts::On);
    let original = utf8(
        "<!DOCTYPE html><html><head><title>t</title>\
        <script src=\"https://mc.yandex.ru/metrika/tag.js\"></script></head><body><p class=\"a\">one \
        <img src=\"https://mc.yandex.ru/watch/1\"> two</p><!-- c --><svg><path d=\"m\"></svg>\
        <script>box()</script><script>ym(101234567, \"init\", {});</script>\
        <noscript><div>{}<img src=\"https://mc.yandex.ru/watch/1\"></div></noscript>\
        <template><b>x</b></template></body></html>",
    );
    let good = rewrite(&original, Choices::Nothing, Banner::Without);
    let expected = Expected::of(&reader.read(&original), Choices::Nothing);
    assert_eq!(first(&expected, &reader.read(&good)), None);
    let good = String::from_utf8(good.body).expect("UTF-8 stays UTF-8");
    let pixel = "<img src=\"https://mc.yandex.ru/watch/1\">";
    let broken = [
        ("a letter is lost", "one ", "on "),
        ("a white space is lost", "> two", ">two"),
        ("an attribute is another", "class=\"a\"", "class=\"b\""),
        ("an attribute is there", "<p ", "<p id=x "),
        ("a comment is another", "<!-- c -->", "<!-- d -->"),
        ("a tag's end is lost", "<path d=\"m\">", "<path d=\"m\""),
        ("an element has gone", "<path d=\"m\">", ""),
        ("an end tag is lost", "</svg>", ""),
        ("a pixel stays", "<img> two", &format!("{pixel} two")),
        ("a pixel has gone", "<img> two", " two"),
        ("a pixel stays in a noscript", "{}<img>", &format!("{{}}{pixel}")),
        ("a noscript says something else", "<div>{}", "<div>{ }"),
        ("a template holds something else", "<b>x</b>", "<b>y</b>"),
        ("a tracker's script runs", " type=\"text/plain\" data-consent=\"analytics\"", ""),
        ("its address stays", "data-consent-src=", "src="),
        ("its address is another", "metrika/tag.js", "metrika/tag.jz"),
        ("its purpose is another", "data-consent=\"analytics\"", "data-consent=\"operation\""),
        (
            "a script of the site is held",
            "<script>box",
            "<script type=\"text/plain\" data-consent=\"analytics\">box",
        ),
        ("a script says something else", "101234567", "101234568"),
        ("a script has gone", "<script>box()</script>", ""),
        ("the mode is another", "<!DOCTYPE html>", ""),
        ("something is added", "</body>", "<p></p></body>"),
        ("the end is lost", "<template><b>x</b></template></body></html>", ""),
    ];
    for (what, from, to) in broken {
        assert!(good.contains(from), "{what}: {from} is not in {good}");
        let list = reader.read(&utf8(&good.replacen(from, to, 1)));
        let difference = first(&expected, &list);
        assert!(difference.is_some(), "{what}, and nobody sees it");
    }
}
