//! The three small patterns that rules are written in.
//!
//! Host names (`mc.yandex.ru`, `*.google-analytics.com`, `mc.yandex.*`), globs over path and
//! query (`/gtag/js?id=G-*`), and names of cookies and of keys in storage (`_ga`, `_ga_*`). An
//! operator can read each without knowing regular expressions.
//!
//! A pattern that could not match anything sensible is refused when it is read.

use std::fmt::{self, Display, Formatter};

/// A host name, exact or with its beginning or end left open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostPattern {
    /// `mc.yandex.ru`
    Exact(String),
    /// `*.google-analytics.com`: any sub-domain, not the domain itself.
    Under(String),
    /// `mc.yandex.*`: whatever top-level domain follows.
    Any(String),
}

impl HostPattern {
    /// Reads a pattern, or says what would be right.
    pub fn parse(text: &str) -> Result<HostPattern, String> {
        let pattern = if let Some(domain) = text.strip_prefix("*.") {
            HostPattern::Under(domain.to_owned())
        } else if let Some(start) = text.strip_suffix(".*") {
            HostPattern::Any(start.to_owned())
        } else {
            HostPattern::Exact(text.to_owned())
        };
        let (HostPattern::Exact(name) | HostPattern::Under(name) | HostPattern::Any(name)) =
            &pattern;
        let is_name = !name.is_empty()
            && name.split('.').all(|label| {
                !label.is_empty()
                    && label.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
            });
        if is_name {
            Ok(pattern)
        } else {
            Err(format!(
                "`{text}` is no host pattern; write `mc.yandex.ru`, `*.yandex.ru` or `mc.yandex.*`, \
                 in lower case and without scheme, port or path"
            ))
        }
    }

    /// Whether `host` (lower case, without port) matches. The dot of a fully qualified name
    /// leads to the same host and changes nothing.
    pub fn matches(&self, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host);
        match self {
            HostPattern::Exact(name) => host == name,
            HostPattern::Under(domain) => host
                .strip_suffix(domain.as_str())
                .and_then(|labels| labels.strip_suffix('.'))
                .is_some_and(|labels| !labels.is_empty()),
            HostPattern::Any(start) => host
                .strip_prefix(start.as_str())
                .and_then(|rest| rest.strip_prefix('.'))
                .is_some_and(|rest| !rest.is_empty()),
        }
    }
}

/// As it is written in rules.
impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HostPattern::Exact(name) => f.write_str(name),
            HostPattern::Under(domain) => write!(f, "*.{domain}"),
            HostPattern::Any(start) => write!(f, "{start}.*"),
        }
    }
}

/// Whether `text` as a whole matches `pattern`, in which `*` stands for any run of characters.
pub(super) fn glob_matches(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(head) else { return false };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return text.ends_with(part);
        }
        match text.find(part) {
            Some(at) => text = &text[at + part.len()..],
            None => return false,
        }
    }
    true
}

/// What is wrong with a pattern for cookies, if anything is.
pub(crate) fn cookie_problem(text: &str) -> Option<String> {
    NamePattern::of_cookie(text).err()
}

/// The name of a cookie or of a key in storage, exact or with its end left open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NamePattern {
    /// `_ga`
    Exact(String),
    /// `_ga_*`
    Prefix(String),
}

impl NamePattern {
    fn read(text: &str) -> (&str, NamePattern) {
        match text.strip_suffix('*') {
            Some(start) => (start, NamePattern::Prefix(start.to_owned())),
            None => (text, NamePattern::Exact(text.to_owned())),
        }
    }

    /// Reads a pattern for keys in storage, or says what would be right. A page names them all
    /// in one attribute, with spaces between.
    pub(super) fn of_key(text: &str) -> Result<NamePattern, String> {
        let (name, pattern) = NamePattern::read(text);
        if !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c == '*') {
            Ok(pattern)
        } else {
            Err(format!(
                "`{text}` is no key; write `_ym_uid`, or `_ym*` for all that begin so, without spaces"
            ))
        }
    }

    /// Reads a pattern for cookies, or says what would be right.
    pub(super) fn of_cookie(text: &str) -> Result<NamePattern, String> {
        let (name, pattern) = NamePattern::read(text);
        // RFC 6265 §4.1.1: a cookie's name is a token.
        let is_token = |b: u8| b.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?={}*".contains(&b);
        if !name.is_empty() && name.bytes().all(is_token) {
            Ok(pattern)
        } else {
            Err(format!(
                "`{text}` is no cookie name; write `_ga`, or `_ga_*` for all that begin so"
            ))
        }
    }

    /// Whether a name that begins with this byte may match; no name may begin with none.
    pub(super) fn may_begin_with(&self, byte: u8) -> bool {
        let (NamePattern::Exact(name) | NamePattern::Prefix(name)) = self;
        name.bytes().next() == Some(byte)
    }

    /// Whether `name` matches. Names are case-sensitive (RFC 6265 §5.3).
    pub(super) fn matches(&self, name: &[u8]) -> bool {
        match self {
            NamePattern::Exact(exact) => name == exact.as_bytes(),
            NamePattern::Prefix(start) => name.starts_with(start.as_bytes()),
        }
    }
}

impl Display for NamePattern {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            NamePattern::Exact(name) => f.write_str(name),
            NamePattern::Prefix(start) => write!(f, "{start}*"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_patterns_match_whole_labels() {
        let matches = |pattern: &str, host| HostPattern::parse(pattern).unwrap().matches(host);
        assert!(matches("mc.yandex.*", "mc.yandex.com.tr"));
        assert!(!matches("mc.yandex.*", "mc.yandexru"));
        assert!(!matches("mc.yandex.*", "mc.yandex."));
        assert!(matches("www.google-analytics.com", "www.google-analytics.com."));
        assert!(matches("*.yandex.ru", "a.b.yandex.ru"));
        assert!(!matches("*.yandex.ru", "notyandex.ru"));
        assert!(!matches("*.yandex.ru", "yandex.ru"));
        for wrong in ["", "*", "https://x.ru", "x.ru:443", "X.ru", "*.*", "a..b"] {
            assert!(HostPattern::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn globs_match_from_end_to_end() {
        assert!(glob_matches("/metrika/*", "/metrika/tag.js?id=1"));
        assert!(glob_matches("/gtag/js?*id=G-*", "/gtag/js?l=x&id=G-1"));
        assert!(glob_matches("*/ns.html*", "/a/ns.html"));
        assert!(glob_matches("/a*b", "/a-b-b"));
        assert!(!glob_matches("/gtag/js", "/gtag/js?id=G-1"));
        assert!(!glob_matches("/a*b", "/a-b-c"));
        assert!(!glob_matches("/a*ab", "/a"));
    }

    #[test]
    fn cookie_names_are_tokens() {
        assert!(NamePattern::of_cookie("_ga_*").unwrap().matches(b"_ga_X1"));
        assert!(!NamePattern::of_cookie("_ga").unwrap().matches(b"_ga_X1"));
        for wrong in ["", "*", "a b", "a=b", "*_ga"] {
            assert!(NamePattern::of_cookie(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn keys_may_hold_what_cookies_may_not_and_are_written_as_they_were_read() {
        let key = NamePattern::of_key("_ym1:a*").unwrap();
        assert!(key.matches(b"_ym1:a_reqNum") && !key.matches(b"_ym1"));
        for text in ["_ym1:a*", "_ym_uid"] {
            assert_eq!(NamePattern::of_key(text).unwrap().to_string(), text);
        }
        for wrong in ["", "*", "a b", "*_ga", "a\tb*"] {
            assert!(NamePattern::of_key(wrong).is_err(), "{wrong}");
        }
    }
}
