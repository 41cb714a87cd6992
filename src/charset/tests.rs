//! The module as its callers meet it.

use encoding_rs::{
    ISO_2022_JP, KOI8_R, REPLACEMENT, SHIFT_JIS, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1251,
    X_USER_DEFINED,
};
use proptest::prelude::*;

use super::*;
use HeaderCharset::{Conflicting, Named, Unnamed};

fn at_end(header: HeaderCharset, default: Option<&'static Encoding>, page: &[u8]) -> Charset {
    decide(&header, default, page, true).expect("the end decides")
}

#[test]
fn the_mark_outweighs_the_header_the_header_the_meta_and_the_meta_the_operator() {
    const META: &[u8] = b"<meta charset=koi8-r>";
    let marked = |mark: &[u8]| [mark, META].concat();
    let utf8 = marked(b"\xEF\xBB\xBF");
    let sjis = Some(SHIFT_JIS);
    let win = Some(WINDOWS_1251);
    let table: [(HeaderCharset, Option<&'static Encoding>, &[u8], _, Source); 13] = [
        (Named(WINDOWS_1251), sjis, &utf8, Some(UTF_8), Source::Bom),
        (Conflicting, sjis, &utf8, Some(UTF_8), Source::Bom),
        (Unnamed, sjis, &utf8, Some(UTF_8), Source::Bom),
        (Named(UTF_8), None, &marked(b"\xFF\xFE"), Some(UTF_16LE), Source::Bom),
        (Named(UTF_8), None, &marked(b"\xFE\xFF"), Some(UTF_16BE), Source::Bom),
        (Named(WINDOWS_1251), sjis, META, win, Source::Header),
        (Named(UTF_16LE), sjis, META, Some(UTF_16LE), Source::Header),
        (Conflicting, sjis, META, None, Source::Header),
        (Unnamed, sjis, META, Some(KOI8_R), Source::Meta),
        (Unnamed, sjis, b"<?xml encoding='koi8-r'?>", Some(KOI8_R), Source::Meta),
        (Unnamed, sjis, b"<p>", sjis, Source::Default),
        (Unnamed, None, b"<p>", None, Source::Unknown),
        (Unnamed, None, b"", None, Source::Unknown),
    ];
    for (header, default, page, encoding, source) in table {
        let charset = at_end(header, default, page);
        assert_eq!((charset.encoding(), charset.source()), (encoding, source), "{header:?}");
    }
}

#[test]
fn how_a_page_is_read_and_what_is_pinned_follow_from_its_encoding() {
    let of = |encoding| at_end(Named(encoding), None, b"<p>");
    for (encoding, reading, label) in [
        (UTF_8, Reading::Bytes, Some("UTF-8")),
        (WINDOWS_1251, Reading::Bytes, Some("windows-1251")),
        (SHIFT_JIS, Reading::Bytes, Some("Shift_JIS")),
        (X_USER_DEFINED, Reading::Bytes, Some("x-user-defined")),
        (UTF_16LE, Reading::Utf16(ByteOrder::Little), Some("UTF-8")),
        (UTF_16BE, Reading::Utf16(ByteOrder::Big), Some("UTF-8")),
        (ISO_2022_JP, Reading::Unreadable, None),
        (REPLACEMENT, Reading::Unreadable, None),
    ] {
        let charset = of(encoding);
        assert_eq!((charset.reading(), charset.label()), (reading, label), "{encoding:?}");
    }
    let conflicting = at_end(Conflicting, Some(UTF_8), b"<p>");
    assert_eq!((conflicting.reading(), conflicting.label()), (Reading::Unreadable, None));
    let unknown = at_end(Unnamed, None, b"<p>");
    assert_eq!((unknown.reading(), unknown.label()), (Reading::Bytes, None));
}

#[test]
fn a_pinned_label_is_read_back() {
    for label in ["gbk", "gb18030", "big5", "euc-kr", "logical", "visual", "ibm866", "mac"] {
        let encoding = Encoding::for_label(label.as_bytes()).expect("a label of the standard");
        let pinned = at_end(Named(encoding), None, b"<").label().expect("ASCII-compatible");
        assert_eq!(of_header([&pin(b"text/html", pinned)[..]]), Named(encoding));
    }
}

#[test]
fn no_more_bytes_are_asked_for_than_are_needed() {
    let decides =
        |header: &HeaderCharset, first: &[u8]| decide(header, None, first, false).is_some();
    for header in [Named(KOI8_R), Conflicting] {
        for first in [&b"<"[..], b"a", b"\xEF<", b"\xEF\xBB<", b"\xFF<", b"\xFE\xFE", b"\xFF\xFE"] {
            assert!(decides(&header, first), "{first:?}");
        }
        for first in [&b""[..], b"\xEF", b"\xEF\xBB", b"\xFE", b"\xFF"] {
            assert!(!decides(&header, first), "{first:?}");
        }
    }
    assert!(decides(&Unnamed, b"<meta charset=koi8-r>"));
    assert!(decides(&Unnamed, b"\xEF\xBB\xBF"));
    assert!(decides(&Unnamed, b"<\0?\0x\0"));
    assert!(!decides(&Unnamed, b"<meta charset=koi8-r"));
    // A `<meta>` may follow, and would count.
    assert!(!decides(&Unnamed, b"<?xml encoding='koi8-r'?>"));
    assert!(!decides(&Unnamed, &[b'a'; PRESCAN_BYTES - 1]));
    assert!(decides(&Unnamed, &[b'a'; PRESCAN_BYTES]));
}

#[test]
fn a_page_that_nobody_names_carries_nothing_to_guess_by() {
    assert!(matches!(disarm("<p>Привет\x1A".as_bytes()), Cow::Borrowed(_)));
    assert_eq!(&*disarm(b"a\x1B$B<\0s\x1B(B"), b"a\x1A$B<\x1As\x1A(B");
    let page = b"<p>\x1B$B<script>\x1B(B</p>";
    assert!(!ISO_2022_JP.decode(page).0.contains("<script>"));
    assert!(ISO_2022_JP.decode(&disarm(page)).0.contains("<script>"));
}

/// Pages made of what the steps look for.
fn page() -> impl Strategy<Value = Vec<u8>> {
    let parts: Vec<&'static [u8]> = vec![
        b"<meta ",
        b"<meta/",
        b"charset=",
        b"\"",
        b"'",
        b">",
        b"koi8-r",
        b"utf-16",
        b"shift_jis",
        b" ",
        b"<!--",
        b"-->",
        b"-",
        b"<!",
        b"</p",
        b"<p",
        b"=",
        b"/",
        b"<?xml ",
        b"encoding='",
        b"http-equiv=content-type ",
        b"content='text/html; charset=koi8-r'",
        b"wat",
        b"\xEF",
        b"\xBB",
        b"\xBF",
        b"\xFF",
        b"\xFE",
        b"<\0?\0x\0",
        b"\0<\0?\0x",
        b"<meta charset=koi8-r>",
        &[b'a'; 200],
        &[b' '; 700],
        b"\x1B",
        b"\0",
    ];
    prop::collection::vec(prop::sample::select(parts), 0..24).prop_map(|parts| parts.concat())
}

fn header() -> impl Strategy<Value = HeaderCharset> {
    // Mostly unnamed, where there is most to decide.
    prop_oneof![4 => Just(Unnamed), 1 => Just(Named(SHIFT_JIS)), 1 => Just(Conflicting)]
}

proptest! {
    #[test]
    fn what_is_decided_stays_decided(
        page in page(), header in header(), default in prop::option::of(Just(WINDOWS_1251)),
    ) {
        let whole = decide(&header, default, &page, true);
        let mut before = None;
        for end in 0..=page.len() {
            let now = decide(&header, default, &page[..end], false);
            if before.is_some() {
                prop_assert_eq!(now, before, "{}", end);
            }
            if now.is_some() {
                prop_assert_eq!(now, whole, "{}", end);
            }
            before = now;
        }
        prop_assert!(page.len() < PRESCAN_BYTES || before.is_some());
    }

    #[test]
    fn no_page_is_too_strange(page in prop::collection::vec(any::<u8>(), 0..1200)) {
        for end in 0..page.len().min(64) {
            decide(&Unnamed, None, &page[..end], true);
        }
        decide(&Unnamed, None, &page, true);
        prop_assert_eq!(disarm(&page).len(), page.len());
        prop_assert!(!disarm(&page).iter().any(|byte| matches!(byte, 0 | 0x1B)));
    }
}
