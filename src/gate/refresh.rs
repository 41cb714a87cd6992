//! Where a page sends its visitor by itself: `<meta http-equiv=refresh>` and the `Refresh` header.
//!
//! A refresh may lead to a tracker that counts the visit and leads on. One that does goes; one that
//! names no address, or another one, keeps its bytes.
//!
//! The two are written alike, and read alike by browsers (HTML §4.2.4.3, "shared declarative refresh
//! steps").
//!
//! Whose the address is, is for [`super::fate`] and the rules to say; the header is [`super::hints`]'s.

use crate::rules::Use;

/// What a refresh may lead to: a page, or a picture that leads on.
pub(super) const USES: [Use; 2] = [Use::Frame, Use::Image];

/// The address that a refresh leads to, if it names one.
pub(super) fn target(value: &[u8]) -> Option<&[u8]> {
    let value = value.trim_ascii_start();
    let number = value.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'.').count();
    if number == 0 {
        return None;
    }
    let rest = &value[number..];
    if !matches!(rest.first()?, b';' | b',') && !rest[0].is_ascii_whitespace() {
        return None;
    }
    let rest = rest.trim_ascii_start();
    let rest = rest.strip_prefix(b";").or_else(|| rest.strip_prefix(b",")).unwrap_or(rest);
    let rest = rest.trim_ascii_start();
    let named = rest.get(..3).is_some_and(|name| name.eq_ignore_ascii_case(b"url"));
    let behind = rest.get(3..).unwrap_or_default().trim_ascii_start().strip_prefix(b"=");
    let rest = match behind {
        Some(behind) if named => behind.trim_ascii_start(),
        _ => rest,
    };
    let target = match rest.first() {
        Some(quote @ (b'"' | b'\'')) => rest[1..].split(|byte| byte == quote).next()?,
        _ => rest,
    };
    (!target.is_empty()).then_some(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refresh_is_read_as_browsers_read_it() {
        for (value, expected) in [
            ("0;url=https://a.example/", Some("https://a.example/")),
            (" 5.5 ; URL = 'https://a.example/b' c", Some("https://a.example/b")),
            ("0,//a.example", Some("//a.example")),
            ("0 //a.example", Some("//a.example")),
            ("1;url=\"/a", Some("/a")),
            (".;u", Some("u")),
            ("0;urls", Some("urls")),
            ("0", None),
            ("0;", None),
            ("0;url=", None),
            ("0x;url=/a", None),
            ("url=/a", None),
            ("", None),
        ] {
            assert_eq!(target(value.as_bytes()), expected.map(str::as_bytes), "{value}");
        }
    }
}
