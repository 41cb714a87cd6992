//! Cookies as they stand in header bytes.
//!
//! Traffic holds cookies that no grammar allows: without a name, with 8-bit bytes, with
//! spaces inside. A parser that is strict loses them and one that trims by Unicode is a way
//! around prefixes. So nothing is parsed here: spans are cut out of the bytes.
//!
//! The consent cookie's name depends on how the visitor came; [`ConsentCookie`] knows it.

use http::header::{COOKIE, HeaderMap};

/// The name and scope of the consent cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConsentCookie {
    /// `__Host-consent`: over TLS, for one host.
    Host,
    /// `__Secure-consent` with `Domain`: over TLS, shared by the sub-domains.
    Shared(String),
    /// `consent`: over plain HTTP, where browsers refuse the prefixes.
    Plain,
}

impl ConsentCookie {
    /// All names that it may have.
    pub const NAMES: [&'static str; 3] = ["__Host-consent", "__Secure-consent", "consent"];

    /// The cookie for a visitor who came over TLS or not, where `share` is `site.toml`'s.
    pub fn new(tls: bool, share: Option<&str>) -> ConsentCookie {
        match (tls, share) {
            (false, _) => ConsentCookie::Plain,
            (true, None) => ConsentCookie::Host,
            (true, Some(domain)) => ConsentCookie::Shared(domain.to_owned()),
        }
    }

    /// All names that the cookie may have which remembers whose notice was read. No site has one by these
    /// names, whatever way it is reached.
    pub const OF_NOTICE: [&'static str; 3] =
        ["__Host-consent-notice", "__Secure-consent-notice", "consent-notice"];

    /// The name of the cookie that remembers whose notice was read; its scope is the same.
    pub fn notice_name(&self) -> &'static str {
        let [host, shared, plain] = ConsentCookie::OF_NOTICE;
        match self {
            ConsentCookie::Host => host,
            ConsentCookie::Shared(_) => shared,
            ConsentCookie::Plain => plain,
        }
    }

    /// The name.
    pub fn name(&self) -> &'static str {
        match self {
            ConsentCookie::Host => "__Host-consent",
            ConsentCookie::Shared(_) => "__Secure-consent",
            ConsentCookie::Plain => "consent",
        }
    }

    /// Whether a cookie of this name is ours, and so neither goes to the site nor comes from
    /// there. Over TLS a cookie named plainly `consent` is the site's own.
    pub fn is_ours(&self, name: &[u8]) -> bool {
        matches!(name, b"__Host-consent" | b"__Secure-consent")
            || name == self.name().as_bytes()
            || ConsentCookie::OF_NOTICE.iter().any(|ours| name == ours.as_bytes())
    }
}

/// One cookie of a `Cookie` field: its name and value, and the span that it takes between
/// semicolons, white space included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CookieSpan<'a> {
    /// The whole span.
    pub raw: &'a [u8],
    /// The name; empty for a cookie that has none.
    pub name: &'a [u8],
    /// The value.
    pub value: &'a [u8],
}

/// The cookies of one `Cookie` field value.
pub fn spans(field: &[u8]) -> impl Iterator<Item = CookieSpan<'_>> {
    field.split(|byte| *byte == b';').map(|raw| {
        let (name, value) = name_and_value(raw);
        CookieSpan { raw, name, value }
    })
}

/// Name and value of `name=value`, without the white space around them (RFC 6265 §5.2). A
/// span without `=` is a value without a name.
pub fn name_and_value(pair: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b'=', pair) {
        Some(at) => (trim(&pair[..at]), trim(&pair[at + 1..])),
        None => (b"", trim(pair)),
    }
}

/// Removes spaces and tabs from both ends: these two and no others (RFC 9110 §5.6.3).
fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

/// All cookies of a request.
pub fn of_request(headers: &HeaderMap) -> impl Iterator<Item = CookieSpan<'_>> {
    headers.get_all(COOKIE).iter().flat_map(|field| spans(field.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_cookies_keep_their_bytes() {
        let names: Vec<_> =
            spans(b"a=1;  b = 2 ;=3; lone;\xff=\xfe;;c=x=y").map(|c| (c.name, c.value)).collect();
        let expected: Vec<(&[u8], &[u8])> = vec![
            (b"a", b"1"),
            (b"b", b"2"),
            (b"", b"3"),
            (b"", b"lone"),
            (b"\xff", b"\xfe"),
            (b"", b""),
            (b"c", b"x=y"),
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn a_unicode_space_does_not_hide_a_name() {
        let (name, _) = name_and_value("\u{a0}__Host-consent=1".as_bytes());
        assert_ne!(name, b"__Host-consent");
    }

    #[test]
    fn over_tls_a_plain_consent_cookie_is_the_sites() {
        assert!(!ConsentCookie::Host.is_ours(b"consent"));
        assert!(ConsentCookie::Plain.is_ours(b"consent"));
        assert!(ConsentCookie::Plain.is_ours(b"__Host-consent"));
        assert!(ConsentCookie::Host.is_ours(b"consent-notice"));
    }
}
