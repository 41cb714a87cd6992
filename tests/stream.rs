//! A page on its whole way: unpacked, read in its encoding, changed, packed again.
//!
//! How a page is packed, in which encoding it is, and where it is cut must not show in what a
//! browser reads. Each combination is compared with the page taken at once, unpacked and in UTF-8.
//!
//! Packing and encoding are done here by the libraries, not by what is tested.

#[path = "harness/streamed.rs"]
mod streamed;

use std::path::Path;
use std::sync::Arc;

use encoding_rs::{Encoding, KOI8_R, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1251};
use kelisim::charset::{Charset, HeaderCharset, of_header};
use kelisim::coding::Coding;
use kelisim::demo;
use kelisim::gate::document::Document;
use kelisim::gate::fate::Fates;
use kelisim::gate::seal::{Seal, SealKey};
use kelisim::policy::{Record, Signal, Visitor};
use kelisim::rules;
use kelisim::snapshot::Snapshot;
use kelisim::time::Time;
use streamed::{CODINGS, Way, packed, streamed};

/// In Russian, as much of it as there is, with everything that the gate changes.
const PAGE: &str = r#"<!DOCTYPE html><html lang="ru"><head><title>Цены: отправка СМС</title>
<script>(function(m,e,t,r,i,k,a){m[i]=m[i]||function(){}})(window,document,'script','https://mc.yandex.ru/metrika/tag.js','ym');ym(1,'init',{});</script>
<link rel="preconnect" href="https://mc.yandex.ru"><link rel="stylesheet" href="/стиль.css">
<script async src="https://www.googletagmanager.com/gtag/js?id=G-ABC1234567"></script></head>
<body title="Письмо &amp; СМС"><h1>Сообщения</h1><!-- не скрипт: <script src="//mc.yandex.ru/metrika/tag.js"> -->
<p>Привет, мир! Тариф: 5 тенге за сообщение.</p><img src="https://mc.yandex.ru/watch/1" alt="">
<svg><script>s="https://mc.yandex.ru/metrika/tag.js"</script></svg>
<noscript><div><img src="https://mc.yandex.ru/watch/1" alt="нет"></div>Нет скриптов</noscript>
<textarea><script src="//mc.yandex.ru/metrika/tag.js"></script></textarea></body></html>"#;

fn snapshot() -> Arc<Snapshot> {
    let rules = rules::load("rules", &demo::rule_files()).expect("the shipped rules load");
    Arc::new(Snapshot::new(rules, Seal::new(&SealKey { id: 1, secret: [1; 32] }, &[])))
}

fn document(snapshot: &Arc<Snapshot>) -> Document {
    let conditions = snapshot.conditions(Time(1_795_000_000), Record::Readable);
    let verdicts = kelisim::policy::decide(&conditions, &Visitor::Stranger, Signal::Silent);
    let fates = Fates::of(&snapshot.rules, &verdicts);
    let url = "https://send-box.com/prices/".parse().expect("an address");
    Document::new(Arc::clone(snapshot), fates, url, None)
}

fn encoded(text: &str, encoding: &'static Encoding) -> Vec<u8> {
    let units = || text.encode_utf16();
    if encoding == UTF_16LE {
        return [0xfeff].into_iter().chain(units()).flat_map(u16::to_le_bytes).collect();
    }
    if encoding == UTF_16BE {
        return [0xfeff].into_iter().chain(units()).flat_map(u16::to_be_bytes).collect();
    }
    let (bytes, _, lost) = encoding.encode(text);
    assert!(!lost, "{} has all letters of the page", encoding.name());
    bytes.into_owned()
}

/// What a browser reads of it.
fn read(bytes: &[u8], charset: Charset) -> String {
    let label = charset.label().expect("the encoding is known");
    let encoding = Encoding::for_label(label.as_bytes()).expect("it is a label");
    encoding.decode_without_bom_handling(bytes).0.into_owned()
}

fn at_once(snapshot: &Arc<Snapshot>, text: &str) -> String {
    let way = Way { from: Coding::Identity, to: Coding::Identity, pauses: false };
    let header = of_header([&b"text/html; charset=utf-8"[..]]);
    let (out, charset) =
        streamed(|| document(snapshot), [text.as_bytes()].into_iter(), header, way);
    read(&out, charset)
}

#[test]
fn no_packing_encoding_or_cut_shows_in_the_page() {
    let snapshot = snapshot();
    let expected = at_once(&snapshot, PAGE);
    assert_eq!(expected.matches("text/plain").count(), 3, "{expected}");
    assert!(!expected.contains("watch/1"), "{expected}");
    let mut ways = 0;
    for encoding in [UTF_8, WINDOWS_1251, KOI8_R, UTF_16LE, UTF_16BE] {
        let page = encoded(PAGE, encoding);
        let header = match encoding.is_ascii_compatible() {
            true => of_header([format!("text/html; charset={}", encoding.name()).as_bytes()]),
            false => HeaderCharset::Unnamed,
        };
        for (from, to) in CODINGS {
            let packed = packed(&page, from);
            for (size, pauses) in [(1, false), (2, true), (3, false), (7, true), (4096, true)] {
                let way = Way { from, to, pauses };
                let (out, charset) =
                    streamed(|| document(&snapshot), packed.chunks(size), header, way);
                let read = read(&out, charset);
                assert!(read == expected, "{} {way:?} by {size}: {read}", encoding.name());
                ways += 1;
            }
        }
    }
    assert_eq!(ways, 125);
}

#[test]
fn a_page_cut_in_two_anywhere_is_the_same() {
    let snapshot = snapshot();
    let expected = at_once(&snapshot, PAGE);
    for (from, encoding) in [
        (Coding::Identity, WINDOWS_1251),
        (Coding::Identity, UTF_16LE),
        (Coding::Gzip, KOI8_R),
        (Coding::Deflate, UTF_8),
        (Coding::Brotli, UTF_16BE),
        (Coding::Zstd, UTF_8),
    ] {
        let packed = packed(&encoded(PAGE, encoding), from);
        assert!(packed.len() <= 4096, "{} bytes", packed.len());
        let header = match encoding.is_ascii_compatible() {
            true => HeaderCharset::Named(encoding),
            false => HeaderCharset::Unnamed,
        };
        let way = Way { from, to: Coding::Identity, pauses: true };
        for cut in 0..=packed.len() {
            let (a, b) = packed.split_at(cut);
            let (out, charset) = streamed(|| document(&snapshot), [a, b].into_iter(), header, way);
            assert!(read(&out, charset) == expected, "{} {from:?} at {cut}", encoding.name());
        }
    }
}

#[test]
fn real_pages_in_every_packing_are_the_same() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/pages");
    if !folder.is_dir() {
        println!("skipped: {} is not there", folder.display());
        return;
    }
    let snapshot = snapshot();
    let mut pages = 0;
    for entry in std::fs::read_dir(&folder).expect("the folder can be read") {
        let path = entry.expect("its entries can be read").path();
        if path.extension().is_none_or(|extension| extension != "html") {
            continue;
        }
        let page = std::fs::read(&path).expect("a page can be read");
        let header = HeaderCharset::Named(UTF_8);
        let plain = Way { from: Coding::Identity, to: Coding::Identity, pauses: false };
        let whole = streamed(|| document(&snapshot), [&page[..]].into_iter(), header, plain).0;
        for (from, to) in [
            (Coding::Gzip, Coding::Gzip),
            (Coding::Deflate, Coding::Zstd),
            (Coding::Brotli, Coding::Brotli),
            (Coding::Zstd, Coding::Identity),
        ] {
            let packed = packed(&page, from);
            for (size, pauses) in [(1000, true), (4096, false), (usize::MAX, false)] {
                let way = Way { from, to, pauses };
                let pieces = packed.chunks(size.min(packed.len()));
                let out = streamed(|| document(&snapshot), pieces, header, way).0;
                assert!(out == whole, "{} {way:?} by {size}", path.display());
            }
        }
        pages += 1;
    }
    assert!(pages > 0, "the folder holds pages");
}

#[test]
fn what_is_too_long_is_let_through_without_the_tags_in_it() {
    let snapshot = snapshot();
    let rewritten = |page: &str| at_once(&snapshot, page);
    let state = "x".repeat((1 << 20) + 5000);
    let tag = "https://mc.yandex.ru/metrika/tag.js";

    // The site's own state passes; a tag behind it leads nowhere, and both are as long as they were.
    let own = format!("<script>a=\"{state}\"</script>");
    assert!(rewritten(&own) == own);
    let with_tag = format!("<script>a=\"{state}\";b=\"{tag}\"</script><p>");
    let out = rewritten(&with_tag);
    assert!(
        !out.contains("mc.yandex.ru") && out.len() == with_tag.len(),
        "{}",
        &out[out.len() - 80..]
    );
    assert!(out.ends_with("</script><p>"));
    // In what is seen before it is too long, the whole script is held.
    let out = rewritten(&format!("<script>b=\"{tag}\";a=\"{state}\"</script><p>"));
    assert!(out.starts_with("<script type=\"text/plain\" data-consent=\"analytics\">"));
    assert!(out.contains(tag) && out.ends_with("\"</script><p>"), "it is released as it came");

    // Attributes behind an address of a megabyte.
    let image = |rest: &str| format!("<img src=\"data:image/png;base64,{state}\" {rest}><p>");
    let own = image("alt=x srcset=\"//cdn.example.com/x.png 2x\"");
    assert!(rewritten(&own) == own);
    let out = rewritten(&image("srcset=\"//mc.yandex.ru/watch/1 2x\""));
    assert!(!out.contains("mc.yandex.ru") && out.ends_with("2x\"><p>"));

    // What has no end to look at goes, or never runs.
    for (page, left) in [
        (format!("<iframe srcdoc=\"{state}<script src={tag}></script>\"></iframe><p>"), "<p>"),
        (format!("<noscript {state}><img src={tag}></noscript><p>"), "<p>"),
    ] {
        assert!(rewritten(&page) == left);
    }
    let out = rewritten(&format!("<noscript>{state}<img src={tag}></noscript><p>"));
    assert!(!out.contains("mc.yandex.ru") && out.ends_with("</noscript><p>"));
    let out = rewritten(&format!("<svg><script>{state};\"{tag}\"</script></svg><p>"));
    assert!(out.starts_with("<svg><script type=\"text/plain\" data-consent=\"undeclared\">"));
    let out = rewritten(&format!("<script x=\"{state}\" src={tag}></script><p>"));
    assert!(!out.contains(tag) && out.contains("data-consent=\"undeclared\""));
}
