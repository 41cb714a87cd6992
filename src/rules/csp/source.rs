//! A source that a policy of content (CSP) may name: a host with its scheme, a scheme, or a keyword.
//!
//! Only what narrows can be approved. What stands for every host (`https:`, `*`), or makes browsers pass
//! over the hosts beside it (`'strict-dynamic'`, a nonce, a digest), is refused where it is written, with
//! what would be right.
//!
//! A path that ends in `/` is all below it, any other is that very file; queries no policy knows (CSP3
//! §6.7.2.12).
//!
//! Whose a source is, is said by [`super::owners`].

use std::fmt;

use super::super::pattern::HostPattern;

/// The longest source, in bytes.
const BYTES_MAX: usize = 300;

/// Words that a policy may hold and that can be approved.
const KEYWORDS: [&str; 3] = ["'unsafe-inline'", "'unsafe-eval'", "'wasm-unsafe-eval'"];

/// Schemes that name no host.
const SCHEMES: [&str; 3] = ["data:", "blob:", "mediastream:"];

/// A source that can be approved.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CspSource {
    /// `'unsafe-inline'` and its like.
    Keyword(&'static str),
    /// `data:` and its like.
    Scheme(&'static str),
    /// Somebody's server.
    Host(HostSource),
}

/// `https://*.example.kz:8443/js/`
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostSource {
    scheme: String,
    /// Without the `*.` before it.
    pub(super) host: String,
    /// Whether it is any sub-domain of the host, and not the host.
    pub(super) any_under: bool,
    port: Option<String>,
    /// From its first `/` on.
    pub(super) path: Option<String>,
}

impl fmt::Display for CspSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CspSource::Keyword(word) | CspSource::Scheme(word) => f.write_str(word),
            CspSource::Host(host) => host.fmt(f),
        }
    }
}

impl fmt::Display for HostSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let HostSource { scheme, host, any_under, port, path } = self;
        let star = if *any_under { "*." } else { "" };
        write!(f, "{scheme}://{star}{host}")?;
        port.as_ref().map_or(Ok(()), |port| write!(f, ":{port}"))?;
        path.as_ref().map_or(Ok(()), |path| f.write_str(path))
    }
}

impl CspSource {
    /// Reads a source, or says what would be right.
    pub fn parse(text: &str) -> Result<CspSource, String> {
        if let Some(word) = KEYWORDS.into_iter().find(|word| *word == text) {
            return Ok(CspSource::Keyword(word));
        }
        if let Some(scheme) = SCHEMES.into_iter().find(|scheme| *scheme == text) {
            return Ok(CspSource::Scheme(scheme));
        }
        let why = if text.starts_with('\'') {
            match text.to_ascii_lowercase().as_str() {
                "'self'" => "is in every policy of ours; leave it out".to_owned(),
                word if word.starts_with("'nonce-") || word.starts_with("'sha") => format!(
                    "would switch `'unsafe-inline'` off, and is the site's own policy's to say; name {}",
                    KEYWORDS[0]
                ),
                "'strict-dynamic'" => {
                    "makes browsers pass over all hosts; name the hosts".to_owned()
                }
                _ => format!("is no word that can be approved; those are {}", KEYWORDS.join(", ")),
            }
        } else if text == "*" || (text.ends_with(':') && !text.contains('/')) {
            let schemes = SCHEMES.join(", ");
            format!("stands for every host; name hosts, or one of {schemes}")
        } else {
            return HostSource::parse(text).map(CspSource::Host);
        };
        Err(format!("`{text}` {why}"))
    }

    /// The host, if it is one's.
    pub fn host(&self) -> Option<&HostSource> {
        match self {
            CspSource::Host(host) => Some(host),
            _ => None,
        }
    }
}

impl HostSource {
    fn parse(text: &str) -> Result<HostSource, String> {
        let wrong = |why: &str| Err(format!("`{text}` {why}"));
        if text.len() > BYTES_MAX {
            return Err(format!("`{text:.60}…` is longer than {BYTES_MAX} bytes; name a folder"));
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return wrong("has no scheme; write it whole: `https://cdn.example.kz`");
        };
        if !["https", "http", "wss", "ws"].contains(&scheme) {
            return wrong(
                "has a scheme that reaches no host; write `https://`, `http://`, `wss://` or `ws://`",
            );
        }
        let (authority, path) = match rest.find('/') {
            Some(at) => (&rest[..at], Some(&rest[at..])),
            None => (rest, None),
        };
        let (host, port) = match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        };
        let is_port = |port: &str| port.parse::<u16>().is_ok_and(|port| port > 0);
        if port.is_some_and(|port| !is_port(port)) {
            return wrong("has a port that is none; write a number, or leave it out");
        }
        let (any_under, name) = match host.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, host),
        };
        match HostPattern::parse(name) {
            Ok(HostPattern::Exact(_)) => {}
            _ => {
                return wrong(
                    "has no host that a policy can name; write `https://cdn.example.kz`, or \
                     `https://*.example.kz` for all below it, in lower case",
                );
            }
        }
        if any_under && holds_many_owners(name) {
            return wrong("stands for the hosts of many owners; name them one by one");
        }
        let fits = |byte: u8| byte.is_ascii_graphic() && !b"?#;,'\"\\<>".contains(&byte);
        if path.is_some_and(|path| !path.bytes().all(fits)) {
            return wrong(
                "has a path with a query, or letters that no policy can hold; a policy knows no queries: write \
                 the path alone, and others in `%` form",
            );
        }
        // The root folder is everything.
        let path = path.filter(|path| *path != "/").map(str::to_owned);
        let port = port.map(str::to_owned);
        Ok(HostSource { scheme: scheme.to_owned(), host: name.to_owned(), any_under, port, path })
    }

    /// An address that it covers.
    pub fn example(&self) -> String {
        let star = if self.any_under { "any." } else { "" };
        let path = self.path.as_deref().unwrap_or("/");
        format!("{}://{star}{}{path}", self.scheme, self.host)
    }
}

/// Whether whoever likes may have a name right below this one, as far as its form tells: `kz`, `com.kz`.
fn holds_many_owners(domain: &str) -> bool {
    match domain.split('.').collect::<Vec<_>>()[..] {
        [_] => true,
        [second, last] => second.len() <= 3 && last.len() == 2,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_right_is_written_as_it_was_read() {
        for text in [
            "'unsafe-inline'",
            "data:",
            "https://cdn.example.kz",
            "https://*.example.kz",
            "wss://ws.example.kz:8443",
            "https://cdn.jsdelivr.net/npm/swiper@11/",
            "http://10.0.0.1:8080/a.js",
        ] {
            let read = CspSource::parse(text);
            assert_eq!(read.map(|source| source.to_string()).as_deref(), Ok(text));
        }
        let root = CspSource::parse("https://a.kz/").map(|source| source.to_string());
        assert_eq!(root.as_deref(), Ok("https://a.kz"), "the root folder is the whole host");
    }

    #[test]
    fn what_would_loosen_or_mean_nothing_is_refused_with_what_is_right() {
        for (text, part) in [
            ("*", "stands for every host"),
            ("https:", "stands for every host"),
            ("'self'", "leave it out"),
            ("'none'", "no word that can be approved"),
            ("'strict-dynamic'", "name the hosts"),
            ("'nonce-abc'", "switch `'unsafe-inline'` off"),
            ("'SHA256-abc='", "switch `'unsafe-inline'` off"),
            ("'report-sample'", "no word that can be approved"),
            ("cdn.example.kz", "has no scheme"),
            ("ftp://cdn.example.kz", "reaches no host"),
            ("https://*.kz", "many owners"),
            ("https://*.com.kz", "many owners"),
            ("https://*", "no host that a policy can name"),
            ("https://cdn.*", "no host that a policy can name"),
            ("https://Example.kz", "in lower case"),
            ("https://a b.kz", "no host that a policy can name"),
            ("https://a.kz:0", "port"),
            ("https://a.kz:*", "port"),
            ("https://a.kz/x?id=1", "a policy knows no queries"),
            ("https://a.kz/x;script-src *", "letters that no policy can hold"),
            ("https://a.kz/a,b", "letters that no policy can hold"),
            ("https://a.kz; script-src https:", "port"),
            ("https://a.kz; script-src 'none'", "no host that a policy can name"),
        ] {
            let error = CspSource::parse(text).expect_err(text);
            assert!(error.starts_with(&format!("`{text}`")) && error.contains(part), "{error}");
        }
        let long = CspSource::parse(&format!("https://a.kz/{}", "x".repeat(BYTES_MAX)));
        assert!(long.expect_err("too long").contains("longer than"));
    }
}
