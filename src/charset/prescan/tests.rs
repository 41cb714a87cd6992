//! Pages that name their encoding, and pages that only seem to.

use encoding_rs::{ISO_2022_JP, KOI8_R, REPLACEMENT, WINDOWS_1251};

use super::*;

/// Each page with what it names.
fn assert_all(pages: &[(&str, Option<&'static Encoding>)]) {
    for (page, encoding) in pages {
        assert_eq!(prescan(page.as_bytes()), *encoding, "{page}");
    }
}

const KOI: Option<&Encoding> = Some(KOI8_R);
const WIN: Option<&Encoding> = Some(WINDOWS_1251);

#[test]
fn a_charset_is_read_in_every_spelling() {
    assert_all(&[
        ("<meta charset=koi8-r>", KOI),
        ("<meta charset=\"koi8-r\">", KOI),
        ("<meta charset='koi8-r'>", KOI),
        ("<META CHARSET=KOI8-R>", KOI),
        ("<meta charset = koi8-r >", KOI),
        ("<meta\n\tcharset\x0C=\r' koi8-r '>", KOI),
        ("<meta/charset=koi8-r>", KOI),
        ("<meta / charset=koi8-r>", KOI),
        ("<!doctype html><html lang=ru><head><meta charset=koi8-r>", KOI),
        ("<meta a charset=koi8-r>", KOI),
        ("<meta =a charset=koi8-r>", KOI),
        ("<meta a=\"x\"charset=koi8-r>", KOI),
        ("<meta charset=cskoi8r>", KOI),
        // An unquoted value takes a slash along.
        ("<meta charset=koi8-r/>", None),
        ("<meta charset=koi8-r />", KOI),
        // The name takes a first `=` along.
        ("<meta =charset=koi8-r>", None),
        ("<metacharset=koi8-r>", None),
        ("<meta charset>", None),
        ("<meta charset=>", None),
        ("<meta charset=wat><meta charset=koi8-r>", KOI),
        ("<meta charset=koi8-r><meta charset=windows-1251>", KOI),
        ("<meta charset=koi8-r", None),
        ("<meta charset=\"koi8-r>", None),
        ("<meta charset='koi8-r\"><p title='x'>", None),
        ("", None),
        ("<", None),
        ("plain", None),
    ]);
}

#[test]
fn of_two_attributes_of_one_name_the_first_counts() {
    let pragma = "http-equiv=content-type";
    assert_all(&[
        ("<meta charset=koi8-r charset=windows-1251>", KOI),
        ("<meta charset=wat charset=windows-1251>", None),
        ("<meta charset CHARSET=windows-1251>", None),
        (&format!("<meta http-equiv=x {pragma} content=charset=koi8-r>"), None),
        (&format!("<meta {pragma} http-equiv=x content=charset=koi8-r>"), KOI),
        (&format!("<meta {pragma} content=x content=charset=koi8-r>"), None),
    ]);
}

#[test]
fn a_content_counts_with_its_pragma_in_either_order() {
    let pragma = "http-equiv=Content-Type";
    let with = |content: &str| format!("<meta {pragma} content={content}>");
    assert_all(&[
        (&with("'text/html; charset=windows-1251'"), WIN),
        ("<meta content='text/html; charset=windows-1251' http-equiv=\"content-type\">", WIN),
        ("<meta content='text/html; charset=windows-1251'>", None),
        ("<meta http-equiv=refresh content='text/html; charset=windows-1251'>", None),
        ("<meta http-equiv=' content-type' content='text/html; charset=windows-1251'>", None),
        ("<meta name=content-type content='text/html; charset=windows-1251'>", None),
        (&with("text/html;charset=windows-1251"), WIN),
        (&with("'text/html; charset = windows-1251 ; a=b'"), WIN),
        (&with("'text/html; charset=\"windows-1251\"'"), WIN),
        (&with("\"text/html; charset='windows-1251'x\""), WIN),
        (&with("'CHARSET=Windows-1251'"), WIN),
        (&with("'xcharset=windows-1251'"), WIN),
        (&with("'charset charset=windows-1251'"), WIN),
        (&with("'charsetcharset=windows-1251'"), WIN),
        (&with("'charset:koi8-r charset=windows-1251'"), WIN),
        // The first one decides, even if nobody knows it.
        (&with("'charset=wat; charset=windows-1251'"), None),
        (&with("'text/html; charset=\"windows-1251'"), None),
        (&with("\"text/html; charset='windows-1251\""), None),
        (&with("'text/html; charset=windows-1251\"'"), None),
        (&with("'text/html; charset='"), None),
        (&with("'text/html; charset'"), None),
        (&with("'text/html; charset=windows-1251,x'"), None),
    ]);
}

#[test]
fn a_charset_attribute_outweighs_the_content_even_unknown() {
    let content = "content='charset=windows-1251'";
    let pragma = "http-equiv=content-type";
    assert_all(&[
        (&format!("<meta {content} {pragma} charset=koi8-r>"), KOI),
        (&format!("<meta charset=koi8-r {content} {pragma}>"), KOI),
        (&format!("<meta charset=koi8-r {content}>"), KOI),
        (&format!("<meta {content} charset=koi8-r>"), KOI),
        (&format!("<meta charset=wat {content} {pragma}>"), None),
        (&format!("<meta {content} {pragma} charset=wat>"), None),
    ]);
}

#[test]
fn what_is_no_tag_is_skipped_to_its_end() {
    assert_all(&[
        ("<!-- <meta charset=windows-1251> --><meta charset=koi8-r>", KOI),
        ("<!-- <meta charset=windows-1251> ", None),
        ("<!--><meta charset=koi8-r>-->", KOI),
        ("<!---><meta charset=koi8-r>-->", KOI),
        ("<!----><meta charset=koi8-r>", KOI),
        // The parser ends a comment here, and the prescan does not.
        ("<!-- --!><meta charset=koi8-r>", None),
        ("<!- <meta charset=windows-1251><meta charset=koi8-r>", KOI),
        ("<! <meta charset=windows-1251><meta charset=koi8-r>", KOI),
        ("<? <meta charset=windows-1251><meta charset=koi8-r>", KOI),
        ("</ <meta charset=windows-1251><meta charset=koi8-r>", KOI),
        ("<1 <meta charset=koi8-r>", KOI),
        ("<<meta charset=koi8-r>", KOI),
    ]);
}

#[test]
fn other_tags_are_skipped_with_their_attributes() {
    assert_all(&[
        ("<p title='<meta charset=windows-1251>'><meta charset=koi8-r>", KOI),
        ("<p title=\"<meta charset=windows-1251>\" b><meta charset=koi8-r>", KOI),
        ("</p title='<meta charset=windows-1251>'><meta charset=koi8-r>", KOI),
        ("<p title=<meta charset=windows-1251><meta charset=koi8-r>", KOI),
        // A quote that never closes takes the rest along.
        ("<p title='><meta charset=koi8-r>", None),
        ("<p'><meta charset=koi8-r>'>", KOI),
        ("</meta charset=koi8-r>", None),
        ("<metal charset=koi8-r>", None),
        ("<meta><meta charset=koi8-r>", KOI),
    ]);
}

#[test]
fn a_script_is_not_known_to_be_one() {
    assert_all(&[
        ("<script>'<meta charset=windows-1251>'</script><meta charset=koi8-r>", WIN),
        ("<style><meta charset=windows-1251></style><meta charset=koi8-r>", WIN),
        ("<title><meta charset=windows-1251></title>", WIN),
        ("<script>if (a<b) x = '</script><meta charset=koi8-r>", None),
        ("<script>if (a<b && c=='\"') </script><meta charset=koi8-r>", KOI),
    ]);
}

#[test]
fn a_page_read_as_ascii_is_not_in_utf16() {
    assert_all(&[
        ("<meta charset=utf-16>", Some(UTF_8)),
        ("<meta charset=utf-16be>", Some(UTF_8)),
        ("<meta http-equiv=content-type content='charset=utf-16le'>", Some(UTF_8)),
        ("<meta charset=x-user-defined>", Some(WINDOWS_1252)),
        ("<meta charset=iso-2022-jp>", Some(ISO_2022_JP)),
        ("<meta charset=hz-gb-2312>", Some(REPLACEMENT)),
        ("<meta charset=utf-7>", None),
    ]);
}

#[test]
fn an_xml_declaration_counts_where_no_meta_does() {
    assert_all(&[
        ("<?xml version='1.0' encoding='koi8-r'?><p>", KOI),
        ("<?xml encoding\x01=\n\"koi8-r\">", KOI),
        ("<?xmlencoding=\"koi8-r\">", KOI),
        ("<?xml encoding='koi8-r'?><meta charset=windows-1251>", WIN),
        ("<?xml encoding='koi8-r'?><meta charset=wat>", KOI),
        ("<?xml encoding='utf-16'?>", Some(UTF_8)),
        // What a `<meta>` would be changed for is not changed here.
        ("<?xml encoding='x-user-defined'?>", Some(X_USER_DEFINED)),
        ("<?xml encoding=' koi8-r'?>", None),
        ("<?xml encoding=koi8-r?>", None),
        ("<?xml encoding 'koi8-r'?>", None),
        ("<?xml encoding='koi8-r\"?>", None),
        ("<?xml encoding='koi8-r'", None),
        ("<?xml encoding='koi8-r>'", None),
        ("<?xml encoding=''?>", None),
        ("<?xml encoding", None),
        ("<?xml ENCODING='koi8-r'?>", None),
        ("<?XML encoding='koi8-r'?>", None),
        (" <?xml encoding='koi8-r'?>", None),
        ("<?xml encoding? encoding='koi8-r'?>", None),
        // Browsers want it inside the declaration.
        ("<?xml?><p encoding='koi8-r'>", None),
    ]);
}

#[test]
fn utf16_is_told_by_the_start_of_an_xml_declaration() {
    assert_eq!(prescan(b"<\0?\0x\0"), Some(UTF_16LE));
    assert_eq!(prescan(b"<\0?\0x\0m\0<meta charset=koi8-r>"), Some(UTF_16LE));
    assert_eq!(prescan(b"\0<\0?\0x"), Some(UTF_16BE));
    assert_eq!(prescan(b"<\0?\0x"), None);
    assert_eq!(prescan(b"<\0?\0X\0"), None);
    assert_eq!(prescan(b"\0<\0?\0X"), None);
    assert_eq!(prescan(b" <\0?\0x\0"), None);
}

#[test]
fn only_the_first_1024_bytes_count() {
    let meta = "<meta charset=koi8-r>";
    let behind = |before: usize| format!("{}{meta}<p>", " ".repeat(before));
    let last = PRESCAN_BYTES - meta.len();
    assert_eq!(prescan(behind(last).as_bytes()), KOI);
    for before in last + 1..=PRESCAN_BYTES + 1 {
        assert_eq!(prescan(behind(before).as_bytes()), None, "{before}");
    }
    let comment = format!("<!--{}-->{meta}", "-".repeat(PRESCAN_BYTES));
    assert_eq!(prescan(comment.as_bytes()), None);
    let declaration = format!("<?xml {}encoding='koi8-r'?>", " ".repeat(PRESCAN_BYTES));
    assert_eq!(prescan(declaration.as_bytes()), None);
}
