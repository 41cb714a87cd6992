//! What the demonstration site learns of its visitor from a request: session, language, cookies.
//!
//! The session is the name that was typed, carried by the cookie itself. A real site would keep a
//! table; this one guards nothing, and without a table it can be a pure function.
//!
//! What cannot be read counts as absent: a mangled session is a visitor who has not signed in.
//!
//! What the site answers is in [`super::site`].

use super::words::Language;
use data_encoding::BASE64URL_NOPAD;
use http::{HeaderMap, header};
use std::fmt::Write as _;

/// Longer names are cut: a cookie has some 4 KiB, and nobody's name fills them.
const LOGIN_CHARS_MAX: usize = 64;

/// The value of the cookie `name`, from whichever `Cookie` line holds it (HTTP/2 may send several).
pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

/// The language that the visitor read last, for addresses that name none.
pub(super) fn last_language(headers: &HeaderMap) -> Option<Language> {
    let tag = cookie(headers, "sb_lang")?;
    Language::ALL.into_iter().find(|language| language.tag() == tag)
}

/// The name under which the visitor signed in.
pub(super) fn login(headers: &HeaderMap) -> Option<String> {
    let name = BASE64URL_NOPAD.decode(cookie(headers, "sb_session")?.as_bytes()).ok()?;
    String::from_utf8(name).ok().filter(|name| !name.is_empty())
}

/// The `Set-Cookie` line that signs `login` in.
pub(super) fn session_line(headers: &HeaderMap, login: &str) -> String {
    let login: String = login.chars().take(LOGIN_CHARS_MAX).collect();
    let mut line = format!(
        "sb_session={}; Path=/; HttpOnly; SameSite=Lax",
        BASE64URL_NOPAD.encode(login.as_bytes())
    );
    // The site itself speaks plain HTTP; only the proxy in front knows what the browser speaks.
    if headers.get("x-forwarded-proto").is_some_and(|scheme| scheme == "https") {
        let _ = write!(line, "; Secure");
    }
    line
}

/// The trimmed value of `name` in a submitted form (`application/x-www-form-urlencoded`).
pub(super) fn field(body: &[u8], name: &str) -> Option<String> {
    body.split(|byte| *byte == b'&').find_map(|pair| {
        let at = pair.iter().position(|byte| *byte == b'=')?;
        let value = (&pair[..at] == name.as_bytes()).then(|| decoded(&pair[at + 1..]))?;
        Some(String::from_utf8_lossy(&value).trim().to_owned()).filter(|value| !value.is_empty())
    })
}

/// Percent-decoding as HTML forms need it: `+` is a space, and a stray `%` stands for itself.
fn decoded(mut value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(value.len());
    while let [first, rest @ ..] = value {
        let hex = rest.get(..2).filter(|_| *first == b'%').and_then(|pair| {
            let pair = std::str::from_utf8(pair).ok()?;
            u8::from_str_radix(pair, 16).ok()
        });
        value = if hex.is_some() { &rest[2..] } else { rest };
        bytes.push(hex.unwrap_or(if *first == b'+' { b' ' } else { *first }));
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_as_browsers_write_it() {
        let body = "login=%D0%90%D0%B9+%26%3D&password=100%".as_bytes();
        assert_eq!(field(body, "login").as_deref(), Some("Ай &="));
        assert_eq!(field(body, "password").as_deref(), Some("100%"));
        assert_eq!(field(b"login=++&", "login"), None);
    }

    #[test]
    fn a_session_that_cannot_be_read_is_no_session() {
        let mut headers = HeaderMap::new();
        for value in ["sb_session=", "sb_session=!", "x=1; sb_session=_w"] {
            headers.insert(header::COOKIE, value.parse().expect("a header value"));
            assert_eq!(login(&headers), None, "{value}");
        }
        let line = session_line(&headers, "Айгүл");
        headers.insert(
            header::COOKIE,
            line.split(';').next().expect("a pair").parse().expect("a header value"),
        );
        assert_eq!(login(&headers).as_deref(), Some("Айгүл"));
    }
}
