//! The charset in `Content-Type`.
//!
//! A header may name a charset several times, in several fields, behind quotes that never close.
//! Browsers differ over which counts. It does not matter as long as each reads markup in the
//! same bytes, and the header that we send on leaves no choice.
//!
//! What some browser might see is seen here. A charset that is not ASCII-compatible counts only
//! where nothing else is said beside it. A label that nobody knows says nothing, as in browsers.
//!
//! What outweighs the header is for [`super::decide`] to say; whether a type is that of a page,
//! for the gate.

use encoding_rs::Encoding;

const CHARSET: &[u8] = b"charset";

/// How far a label is looked for: the longest has 19 bytes, and a header may be nothing but the
/// beginnings of labels.
const LABEL_BYTES_MAX: usize = 64;

/// What the `Content-Type` fields of an answer say of the charset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderCharset {
    /// Nothing that a browser knows.
    Unnamed,
    /// This one.
    Named(&'static Encoding),
    /// Several, of which at least one is not ASCII-compatible: the page may be anything.
    Conflicting,
}

/// Reads all the `Content-Type` fields of one answer.
///
/// Of two parameters of one name the first counts (MIME Sniffing, "parse a MIME type"), and of
/// several values the last that has one (Fetch, "extract a MIME type").
pub fn of_header<'a>(content_types: impl IntoIterator<Item = &'a [u8]>) -> HeaderCharset {
    let mut named = None;
    let mut mentioned = Vec::new();
    for value in content_types {
        for member in split(value, b',') {
            let mut parameters = split(member, b';').skip(1);
            named = parameters.find_map(of_parameter).or(named);
        }
        mentioned.extend(mentions(value));
    }
    let is_compatible =
        |encoding: Option<&'static Encoding>| encoding.is_none_or(Encoding::is_ascii_compatible);
    let conflict = |other| other != named && !(is_compatible(other) && is_compatible(named));
    match named {
        _ if mentioned.into_iter().any(conflict) => HeaderCharset::Conflicting,
        Some(encoding) => HeaderCharset::Named(encoding),
        None => HeaderCharset::Unnamed,
    }
}

/// A `Content-Type` value with this charset pinned: in place of what it says, or added. Other
/// parameters are kept, and an empty value stays empty.
///
/// The charset comes first, where no open quote hides it, and with each of several types: any
/// of them may be the one that counts.
pub fn pin(content_type: &[u8], label: &str) -> Vec<u8> {
    let mut pinned = Vec::with_capacity(content_type.len() + CHARSET.len() + label.len() + 3);
    for member in split(content_type, b',') {
        let mut parts = split(member, b';').map(<[u8]>::trim_ascii);
        let kind = parts.next().unwrap_or_default();
        // What stands behind a space is no part of a type, and may be a charset to somebody.
        let ends_kind =
            |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'=');
        let kind = kind.split(ends_kind).next().unwrap_or_default();
        if kind.is_empty() {
            continue;
        }
        if !pinned.is_empty() {
            pinned.extend_from_slice(b", ");
        }
        for part in [kind, b"; ", CHARSET, b"=", label.as_bytes()] {
            pinned.extend_from_slice(part);
        }
        for part in parts.filter(|part| !part.is_empty() && charsets(part).next().is_none()) {
            pinned.extend_from_slice(b"; ");
            pinned.extend_from_slice(part);
        }
    }
    pinned
}

/// Splits where the separator stands outside of quotes. A quote opens behind an `=` and nowhere
/// else; one that never closes runs to the end.
fn split(value: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let (mut is_open, mut is_escaped, mut before) = (false, false, b';');
    value.split(move |&byte| {
        let opens = byte == b'"' && before == b'=';
        let closes = byte == b'"' && !is_escaped;
        is_escaped = is_open && !is_escaped && byte == b'\\';
        is_open = if is_open { !closes } else { opens };
        if !byte.is_ascii_whitespace() {
            before = byte;
        }
        !is_open && byte == separator
    })
}

fn of_parameter(parameter: &[u8]) -> Option<&'static Encoding> {
    let at = memchr::memchr(b'=', parameter)?;
    let (name, value) = parameter.split_at(at);
    name.trim_ascii().eq_ignore_ascii_case(CHARSET).then(|| of_value(&value[1..]))?
}

/// A label with or without quotes. Single ones are no quotes in HTTP, and are to some browsers.
fn of_value(value: &[u8]) -> Option<&'static Encoding> {
    let value = value.trim_ascii_start();
    let (quote, value) = match value {
        [quote @ (b'"' | b'\''), value @ ..] => (Some(quote), value),
        _ => (None, value),
    };
    let ends_label = |byte: &u8| match quote {
        Some(quote) => byte == quote,
        None => byte.is_ascii_whitespace() || matches!(byte, b';' | b',' | b'"' | b'\''),
    };
    let label = value[..value.len().min(LABEL_BYTES_MAX)].split(ends_label).next()?;
    // A backslash within quotes stands before what it does not change.
    let label: Vec<u8> = label.iter().copied().filter(|byte| *byte != b'\\').collect();
    Encoding::for_label(&label)
}

/// Each place where something like a charset is given, whatever quotes are around it; `None`
/// for a label that nobody knows.
fn mentions(value: &[u8]) -> impl Iterator<Item = Option<&'static Encoding>> {
    charsets(value).filter_map(|at| {
        let before = at.checked_sub(1).map(|before| value[before]);
        let is_inside_word = before
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
        let rest = value[at + CHARSET.len()..].trim_ascii_start().strip_prefix(b"=")?;
        (!is_inside_word).then(|| of_value(rest))
    })
}

/// Where the word stands.
fn charsets(value: &[u8]) -> impl Iterator<Item = usize> {
    let words = value.windows(CHARSET.len()).enumerate();
    words.filter(|(_, word)| word.eq_ignore_ascii_case(CHARSET)).map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use encoding_rs::{ISO_2022_JP, KOI8_R, UTF_8, UTF_16LE, WINDOWS_1251};
    use proptest::prelude::*;

    use super::HeaderCharset::{Conflicting, Named, Unnamed};
    use super::*;

    fn of(values: &[&str]) -> HeaderCharset {
        of_header(values.iter().map(|value| value.as_bytes()))
    }

    #[test]
    fn a_charset_is_seen_however_it_is_written() {
        let named: [(&str, &'static Encoding); 16] = [
            ("text/html;charset=utf-8", UTF_8),
            ("text/html; charset=UTF8", UTF_8),
            ("text/html ; Charset = \"windows-1251\" ", WINDOWS_1251),
            ("text/html;\tCHARSET='koi8-r'", KOI8_R),
            ("text/html; charset=\" koi8-r \"", KOI8_R),
            ("text/html; charset=\"koi\\8-r\"", KOI8_R),
            ("text/html; charset=\"koi8-r", KOI8_R),
            ("text/html; charset=koi8-r\"", KOI8_R),
            ("text/html; charset=koi8-r foo", KOI8_R),
            ("text/html; a=\"x;y,z\\\";\"; charset=koi8-r", KOI8_R),
            ("text/html; a=b\"c; charset=koi8-r", KOI8_R),
            ("text/html; charset=utf-8; charset=koi8-r", UTF_8),
            ("text/html; charset=wat; charset=koi8-r", KOI8_R),
            ("text/html; charset=utf-8, text/html; charset=koi8-r", KOI8_R),
            ("text/html; charset=koi8-r, text/html", KOI8_R),
            ("text/html;;;charset=utf-16", UTF_16LE),
        ];
        for (value, encoding) in named {
            assert_eq!(of(&[value]), Named(encoding), "{value}");
        }
    }

    #[test]
    fn what_browsers_do_not_know_says_nothing() {
        for value in [
            "",
            "text/html",
            "charset=utf-8",
            "text/html; charset",
            "text/html; charset=",
            "text/html; charset=\"\"",
            "text/html; charset=wat",
            "text/html; charset=utf-7",
            "text/html; accept-charset=iso-2022-jp",
            "text/html; charsets=iso-2022-jp",
            "text/html; a=\"; charset=utf-8\"",
        ] {
            assert_eq!(of(&[value]), Unnamed, "{value}");
        }
        assert_eq!(of(&[]), Unnamed);
    }

    #[test]
    fn charsets_that_disagree_are_harmless_only_if_all_are_ascii_to_a_reader() {
        assert_eq!(of(&["text/html; charset=utf-8", "text/html; charset=koi8-r"]), Named(KOI8_R));
        assert_eq!(of(&["text/html; charset=koi8-r", "text/html"]), Named(KOI8_R));
        let twice = "text/html; charset=iso-2022-jp; charset=csISO2022JP";
        assert_eq!(of(&[twice]), Named(ISO_2022_JP));
        for values in [
            &["text/html; charset=utf-8", "text/html; charset=utf-16"][..],
            &["text/html; charset=utf-16", "text/html; charset=utf-8"],
            &["text/html; charset=utf-16le, text/html; charset=utf-16be"],
            &["text/html; charset=utf-8; charset=iso-2022-jp"],
            &["text/html; charset=wat; charset=utf-16"],
            &["text/html; charset=utf-8; charset=hz-gb-2312"],
            &["text/html; a=\"; charset=utf-16"],
            &["text/html; a=\"; charset=utf-16\"; charset=utf-8"],
            &["text/html charset=iso-2022-jp; charset=utf-8"],
            &["charset=iso-2022-jp"],
        ] {
            assert_eq!(of(values), Conflicting, "{values:?}");
        }
    }

    #[test]
    fn a_pinned_charset_replaces_what_was_said_and_nothing_else() {
        for (value, pinned) in [
            ("text/html", "text/html; charset=UTF-8"),
            ("text/html;charset=koi8-r", "text/html; charset=UTF-8"),
            (
                "text/html; a=b; Charset = \"x\"; c=\"d;e\"",
                "text/html; charset=UTF-8; a=b; c=\"d;e\"",
            ),
            ("text/html; a=\"b", "text/html; charset=UTF-8; a=\"b"),
            (
                "text/html, text/html; charset=x",
                "text/html; charset=UTF-8, text/html; charset=UTF-8",
            ),
            ("text/html charset=koi8-r", "text/html; charset=UTF-8"),
            (" text/html ;; , ", "text/html; charset=UTF-8"),
            ("", ""),
        ] {
            assert_eq!(String::from_utf8_lossy(&pin(value.as_bytes(), "UTF-8")), pinned, "{value}");
        }
    }

    fn value() -> impl Strategy<Value = String> {
        let part = prop::sample::select(vec![
            "text/html",
            "charset",
            "=",
            ";",
            ",",
            " ",
            "\"",
            "'",
            "\\",
            "a",
            "utf-8",
            "utf-16",
            "iso-2022-jp",
            "koi8-r",
            "; charset=",
            "/",
            "\t",
            "é",
        ]);
        prop::collection::vec(part, 0..14).prop_map(|parts| parts.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn a_pinned_charset_is_the_only_one_to_be_seen(value in value()) {
            let pinned = pin(value.as_bytes(), "windows-1251");
            let expected = if pinned.is_empty() { Unnamed } else { Named(WINDOWS_1251) };
            prop_assert_eq!(of_header([&pinned[..]]), expected);
            prop_assert_eq!(mentions(&pinned).all(|it| it == Some(WINDOWS_1251)), true);
            prop_assert_eq!(pin(&pinned, "windows-1251"), pinned);
        }

        #[test]
        fn no_header_is_too_strange(value in prop::collection::vec(any::<u8>(), 0..60)) {
            of_header([&value[..]]);
            pin(&value, "UTF-8");
        }
    }
}
