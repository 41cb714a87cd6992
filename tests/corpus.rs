//! Every form of every vendor's snippet, and what only looks like one: `tests/corpus/`.
//!
//! Each page says itself what has to wait for what, by marks before its tags; how to add one is said
//! in `tests/corpus/README.md`. What is expected is made of the page by its marks alone, and compared
//! byte for byte, so that what has no mark has to be as it was.
//!
//! Each page is tried by visitors with different choices, in each coding, in two encodings, and cut
//! at every byte. And each vendor's pages are shown to depend on that vendor's rule file.

#[path = "harness/streamed.rs"]
mod streamed;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use encoding_rs::{Encoding, UTF_8, WINDOWS_1251};
use kelisim::charset::HeaderCharset;
use kelisim::gate::document::Document;
use kelisim::gate::fate::Fates;
use kelisim::gate::seal::{Seal, SealKey};
use kelisim::html::{Rewriter, rewrite};
use kelisim::policy::{
    Choice, Choices, Mark, Purpose, Record, Signal, TextDigest, Visitor, VisitorId, decide,
};
use kelisim::rules::{self, RuleFile};
use kelisim::snapshot::Snapshot;
use kelisim::time::Time;
use kelisim::{banner, demo};
use regex::{Captures, Regex};
use streamed::{CODINGS, Way, packed, streamed};

const NOW: Time = Time(1_795_000_000);

/// Longer pages are not cut at every byte.
const PAGE_BYTES_MAX: usize = 4096;

/// Where the pages are that hold no tag.
const NO_TAG: &str = "no-tag";

/// Where the pages are that hold tags of more than one vendor.
const SEVERAL: &str = "several";

/// A page of the corpus.
struct Page {
    /// The vendor's, or one of the two above.
    folder: String,
    name: String,
    text: String,
}

fn corpus() -> Vec<Page> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let entries = |folder: &Path| -> Vec<_> {
        let entries = fs::read_dir(folder).expect("the folder can be read");
        let mut paths: Vec<_> =
            entries.map(|entry| entry.expect("its entries can be read").path()).collect();
        paths.sort();
        paths
    };
    let name = |path: &Path| {
        path.file_stem().and_then(|name| name.to_str()).expect("names are text").to_owned()
    };
    let mut pages = Vec::new();
    for folder in entries(&root).into_iter().filter(|path| path.is_dir()) {
        for path in entries(&folder) {
            let text = fs::read_to_string(&path).expect("a page is UTF-8");
            assert!(text.len() <= PAGE_BYTES_MAX, "{} is longer than 4 KiB", path.display());
            pages.push(Page { folder: name(&folder), name: path.display().to_string(), text });
        }
    }
    pages
}

/// What a page has to become for somebody whose agreement permits these purposes.
fn expected(page: &str, permitted: &[&str]) -> String {
    const MARK: &str = "<!--= ";
    let (mut out, mut rest) = (String::new(), page);
    while let Some(at) = rest.find(MARK) {
        let (mut held, mut led) = (None, Vec::new());
        let mut after = &rest[at..];
        while let Some(mark) = after.strip_prefix(MARK) {
            let (mark, behind) = mark.split_once(" -->").expect("a mark ends");
            let (purpose, address) =
                mark.split_once(": ").map_or((mark, None), |(purpose, to)| (purpose, Some(to)));
            let known = purpose == "undeclared" || Purpose::ALL.iter().any(|p| p.name() == purpose);
            assert!(
                known,
                "`{purpose}` is no mark; write a purpose of the policy, or `undeclared`"
            );
            if !permitted.contains(&purpose) {
                match address {
                    Some(address) => led.push(address),
                    None => assert!(held.replace(purpose).is_none(), "two marks say what waits"),
                }
            }
            after = behind.trim_start();
        }
        assert!(after.starts_with('<'), "no tag follows the mark before `{after:.40}`");
        assert!(held.is_none() || led.is_empty(), "what waits is led nowhere: `{after:.40}`");
        out += &rest[..rest.len() - after.len()];
        rest = after;
        if !led.is_empty() {
            let (script, after) = rest.split_once("</script>").expect("a script ends");
            out += &led_away(script, &led);
            out += "</script>";
            rest = after;
        }
        let Some(purpose) = held else { continue };
        let (tag, after) = rest.split_at(tag_bytes(rest));
        out += &match name(tag).as_str() {
            "script" => held_script(tag, purpose),
            _ => without_address(tag),
        };
        rest = after;
    }
    out + rest
}

/// What a tag is the start of.
fn name(tag: &str) -> String {
    let name = tag[1..].chars().take_while(char::is_ascii_alphanumeric);
    name.map(|letter| letter.to_ascii_lowercase()).collect()
}

/// How long the start tag is that a text begins with.
fn tag_bytes(text: &str) -> usize {
    let mut quote = None;
    let end = text.bytes().position(|byte| {
        match (quote, byte) {
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'>') => return true,
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
        false
    });
    end.expect("a tag ends") + 1
}

/// An inline script in which these addresses, as they are written there, are the empty file's.
fn led_away(script: &str, addresses: &[&str]) -> String {
    let (tag, code) = script.split_at(tag_bytes(script));
    assert!(name(tag) == "script" && !tag.contains(" src="), "`{tag}` is no inline script");
    let mut code = code.to_owned();
    for address in addresses {
        let (scheme, rest) = address.split_once("//").expect("what is led away names a host");
        let scheme = if scheme.is_empty() { "" } else { "https:" };
        let empty = format!("{scheme}//send-box.com{}?", banner::assets::empty_js().path);
        let led = ['"', '\'', '`'].iter().fold(code.clone(), |code, quote| {
            code.replace(&format!("{quote}{address}{quote}"), &format!("{quote}{empty}{quote}"))
        });
        assert!(led != code, "`{address}` does not stand between quotes in `{code}`");
        let host = rest.split('/').next().expect("a host ends");
        assert!(!led.contains(host), "`{host}` is still named in `{led}`");
        code = led;
    }
    tag.to_owned() + &code
}

/// The tag of a picture, a frame or a hint that waits.
fn without_address(tag: &str) -> String {
    let names = if name(tag) == "link" { "href|imagesrcset" } else { "src|srcset" };
    let value = r#"("[^"]*"|'[^']*'|[^\s"'>]+)"#;
    let address = Regex::new(&format!(r"(?i)\s+({names})\s*=\s*{value}(/?)")).expect("it is valid");
    // A slash keeps its distance: behind a value without quotes it would be a part of it.
    let left = address.replace_all(tag, |found: &Captures<'_>| match &found[3] {
        "" => "",
        _ => " /",
    });
    let left = left.into_owned();
    assert!(left != tag, "`{tag}` has no address that could go");
    left
}

/// The start tag of a script that waits.
fn held_script(tag: &str, purpose: &str) -> String {
    let renamed =
        tag.replace(" type=", " data-consent-type=").replace(" src=", " data-consent-src=");
    renamed.replacen(
        "<script",
        &format!("<script type=\"text/plain\" data-consent=\"{purpose}\""),
        1,
    )
}

/// The gate for one visitor.
struct Gate {
    snapshot: Arc<Snapshot>,
    fates: Fates,
}

impl Gate {
    /// For somebody who agreed to these purposes; for a stranger if there are none.
    fn new(files: &[RuleFile], agreed: &[Purpose]) -> Gate {
        let rules = rules::load("rules", files).expect("the rules load");
        let seal = Seal::new(&SealKey { id: 1, secret: [1; 32] }, &[]);
        let snapshot = Arc::new(Snapshot::new(rules, seal));
        let policy = snapshot.rules.policies.at(NOW).expect("a version is in force");
        let mut choices = Choices::default();
        for purpose in agreed {
            let mark = Mark {
                at: NOW,
                until: Time(NOW.0 + 86_400),
                policy: policy.in_force,
                terms: policy.terms[*purpose].digest,
                shown: TextDigest::default(),
                signal: Signal::Silent,
            };
            choices.set(*purpose, Choice::Agreed(mark));
        }
        let visitor = match agreed {
            [] => Visitor::Stranger,
            _ => Visitor::Known { id: VisitorId(1), choices },
        };
        let conditions = snapshot.conditions(NOW, Record::Readable);
        let fates = Fates::of(&snapshot.rules, &decide(&conditions, &visitor, Signal::Silent));
        Gate { snapshot, fates }
    }

    fn document(&self) -> Document {
        let url = "https://send-box.com/prices/".parse().expect("an address");
        Document::new(Arc::clone(&self.snapshot), self.fates.clone(), url, None)
    }

    fn at_once(&self, page: &str) -> String {
        let (out, _) = rewrite(page.as_bytes(), self.document()).expect("nothing is refused");
        String::from_utf8(out).expect("UTF-8")
    }
}

/// Visitors, and which marks their agreements lift.
fn visitors() -> [(&'static str, Gate, &'static [&'static str]); 4] {
    let files = demo::rule_files();
    let rest: Vec<_> = Purpose::ALL.into_iter().filter(|p| *p != Purpose::Analytics).collect();
    [
        ("a stranger", Gate::new(&files, &[]), &[]),
        ("agreed to analytics", Gate::new(&files, &[Purpose::Analytics]), &["analytics"]),
        ("agreed to all else", Gate::new(&files, &rest), &[]),
        ("agreed to all", Gate::new(&files, &Purpose::ALL), &["analytics"]),
    ]
}

fn encoded(text: &str, encoding: &'static Encoding) -> Vec<u8> {
    let (bytes, _, lost) = encoding.encode(text);
    assert!(!lost, "{} has all letters of the page", encoding.name());
    bytes.into_owned()
}

#[test]
fn what_is_marked_waits_and_the_rest_stays_byte_for_byte() {
    let visitors = visitors();
    for page in corpus() {
        for (who, gate, permitted) in &visitors {
            let (out, expected) = (gate.at_once(&page.text), expected(&page.text, permitted));
            assert!(out == expected, "{}, {who}: got\n{out}\ninstead of\n{expected}", page.name);
        }
    }
}

#[test]
fn neither_coding_nor_encoding_nor_cut_shows() {
    let visitors = visitors();
    for page in corpus() {
        for encoding in [UTF_8, WINDOWS_1251] {
            let bytes = encoded(&page.text, encoding);
            for (from, to) in CODINGS {
                let packed = packed(&bytes, from);
                for (who, gate, permitted) in &visitors[..2] {
                    let expected = encoded(&expected(&page.text, permitted), encoding);
                    for (size, pauses) in [(7, true), (usize::MAX, false)] {
                        let way = Way { from, to, pauses };
                        let pieces = packed.chunks(size.min(packed.len()));
                        let document = || gate.document().in_encoding(encoding);
                        let header = HeaderCharset::Named(encoding);
                        let (out, _) = streamed(document, pieces, header, way);
                        let encoding = encoding.name();
                        assert!(out == expected, "{}, {who}, {encoding}, {way:?}", page.name);
                    }
                }
            }
        }
    }
}

#[test]
fn a_page_may_be_cut_at_every_byte() {
    let (visitors, pages) = (visitors(), corpus());
    let [stranger, agreed, ..] = &visitors;
    // A hundred thousand pages and more, so each encoding by one of the two.
    let cut = |page: &Page| {
        for (encoding, (who, gate, permitted)) in [(UTF_8, stranger), (WINDOWS_1251, agreed)] {
            let bytes = encoded(&page.text, encoding);
            let expected = encoded(&expected(&page.text, permitted), encoding);
            for at in 0..=bytes.len() {
                let (first, second) = bytes.split_at(at);
                let out = in_two(first, second, gate.document().in_encoding(encoding));
                let encoding = encoding.name();
                assert!(out == expected, "{}, {who}, {encoding}, cut at {at}", page.name);
            }
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for some in pages.chunks(pages.len().div_ceil(threads)) {
            scope.spawn(|| some.iter().for_each(cut));
        }
    });
}

fn in_two(first: &[u8], second: &[u8], document: Document) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rewriter = Rewriter::new(document);
    let mut sink = |bytes: &[u8]| out.extend_from_slice(bytes);
    for piece in [first, second] {
        rewriter.write(piece, &mut sink).expect("nothing is refused");
    }
    rewriter.end(&mut sink).expect("nothing is refused");
    out
}

#[test]
fn every_vendor_has_pages_that_depend_on_its_rules() {
    let mut by_folder: BTreeMap<String, Vec<Page>> = BTreeMap::new();
    for page in corpus() {
        by_folder.entry(page.folder.clone()).or_default().push(page);
    }
    let marked = |page: &Page| page.text.contains("<!--= ");
    let no_tag = by_folder.remove(NO_TAG).expect("there are pages without tags");
    assert!(!no_tag.iter().any(marked), "nothing waits in {NO_TAG}");
    by_folder.remove(SEVERAL);

    let files = demo::rule_files();
    for (name, text) in &files {
        let vendor = name.strip_prefix("vendors/").and_then(|name| name.strip_suffix(".toml"));
        let Some(vendor) = vendor.filter(|vendor| *vendor != "own") else { continue };
        let pages = by_folder.remove(vendor);
        let pages = pages.unwrap_or_else(|| panic!("tests/corpus/{vendor}/ is missing"));
        // The same rules, in which this vendor is known by nothing.
        let lines = text.lines().take_while(|line| !line.starts_with("[["));
        let unknown = lines.collect::<Vec<_>>().join("\n")
            + "\n[[url]]\nhost = \"nowhere.example\"\nis = [\"https://nowhere.example/\"]\n\
               is_not = [\"https://example/\"]\n";
        let without = files.iter().map(|file| match &file.0 == name {
            true => (name.clone(), unknown.clone()),
            false => file.clone(),
        });
        let gate = Gate::new(&without.collect::<Vec<_>>(), &[]);
        let vendors = &gate.snapshot.rules.vendors;
        let own = vendors.iter().find(|vendor| vendor.path == format!("rules/{name}"));
        let own = &own.expect("the file is loaded").recipient;
        // Tag Manager loads Analytics' tags, so its rules tell some of them as well.
        let alone = vendors.iter().filter(|vendor| vendor.recipient == *own).count() == 1;
        assert!(pages.iter().all(marked), "{vendor}: a page in which nothing waits");
        let depends = |page: &Page| gate.at_once(&page.text) != expected(&page.text, &[]);
        let depend = pages.iter().filter(|page| depends(page)).count();
        assert!(
            depend > 0 && (!alone || depend == pages.len()),
            "{vendor}: {depend} of {} pages depend on its rules",
            pages.len()
        );
    }
    assert!(by_folder.is_empty(), "no vendor's: {:?}", by_folder.keys());
}
