//! Content Security Policy: what the site's own allows us, and the walls.
//!
//! The banner's script and style are first-party files. Where the site's policy lists a nonce, ours carry it
//! too; where it would stop them all the same, it is told to let in our own folder and no more ([`ours`]).
//!
//! A policy that lists digests lets only the very text run, so what would have to be changed in a script
//! is held whole there.
//!
//! Two policies of ours go out beside the site's, and can only narrow: [`wall`] names the hosts that were
//! approved, and goes out with [`workers`] too; a page that cannot be read (a coding or encoding we do not know, XHTML) is still served, behind
//! [`WALL`], which leaves the site's own files and inline scripts alone and cuts every contact with other
//! hosts.

pub mod ours;
pub mod wall;
pub mod workers;

use http::header::{CONTENT_SECURITY_POLICY, HeaderMap, HeaderValue};

/// The policy of a page that we could not read.
pub const WALL: HeaderValue = HeaderValue::from_static(
    "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; form-action 'self'",
);

/// What a page's policies let run or show by the digest of its text: changed in one letter, it would not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hashes {
    /// Scripts.
    pub scripts: bool,
    /// Stylesheets.
    pub styles: bool,
    /// Our own scripts, whose digests were added ([`ours`]).
    pub ours: bool,
}

impl Hashes {
    /// What the policies of a header list.
    pub fn of(headers: &HeaderMap) -> Hashes {
        texts(headers).fold(Hashes::default(), Hashes::and)
    }

    /// With what one more policy lists.
    #[must_use]
    pub(super) fn and(self, policy: &str) -> Hashes {
        let lists = |names: [&str; 3]| {
            sources(policy, names).is_some_and(|sources| {
                let mut sources = sources.split_ascii_whitespace();
                sources.any(|source| {
                    let source = source.to_ascii_lowercase();
                    ["'sha256-", "'sha384-", "'sha512-"].iter().any(|hash| source.starts_with(hash))
                })
            })
        };
        Hashes {
            scripts: self.scripts || lists(SCRIPTS),
            styles: self.styles || lists(["style-src-elem", "style-src", "default-src"]),
            ours: self.ours,
        }
    }
}

const SCRIPTS: [&str; 3] = ["script-src-elem", "script-src", "default-src"];

/// The first of these directives that a policy has, with its name.
fn sources<'a>(policy: &'a str, names: [&str; 3]) -> Option<&'a str> {
    let directive = |name: &str| {
        policy.split([';', ',']).map(str::trim_ascii).find(|directive| {
            let first = directive.split_ascii_whitespace().next();
            first.is_some_and(|first| first.eq_ignore_ascii_case(name))
        })
    };
    names.into_iter().find_map(directive)
}

/// The nonce that the site's policies give scripts, if they give any.
pub fn nonce(headers: &HeaderMap) -> Option<String> {
    texts(headers).find_map(nonce_in)
}

/// The nonce that a policy gives scripts, if it gives any.
pub(super) fn nonce_in(policy: &str) -> Option<String> {
    sources(policy, SCRIPTS)?.split_ascii_whitespace().find_map(|source| {
        let nonce = source.strip_prefix("'nonce-")?.strip_suffix('\'')?;
        is_nonce(nonce.as_bytes()).then(|| nonce.to_owned())
    })
}

/// Whether a policy lets no text become code but through the site's own hands (Trusted Types): what is
/// held cannot be released in such a page.
pub fn wants_trusted_types(policy: &str) -> bool {
    sources(policy, ["require-trusted-types-for"; 3]).is_some()
}

/// Whether a policy lets no script run at all.
pub fn lets_no_script(policy: &str) -> bool {
    let mut lists = policy.split(',').filter_map(|policy| sources(policy, SCRIPTS));
    lists.any(|list| {
        let mut sources = list.split_ascii_whitespace().skip(1);
        sources.all(|source| source.eq_ignore_ascii_case("'none'"))
    })
}

/// The policies of a header.
pub fn texts(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers.get_all(CONTENT_SECURITY_POLICY).iter().filter_map(|policy| policy.to_str().ok())
}

/// Whether this is a nonce. Only what their grammar allows is copied into markup (CSP3 §2.3.1).
pub(super) fn is_nonce(text: &[u8]) -> bool {
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_=".contains(byte);
    !text.is_empty() && text.iter().all(is_base64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(policy: &'static str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
        nonce(&headers)
    }

    #[test]
    fn a_scripts_nonce_is_found_and_a_styles_is_not_taken_for_it() {
        assert_eq!(
            of("default-src 'self'; script-src 'nonce-aGk=' 'strict-dynamic'").as_deref(),
            Some("aGk=")
        );
        assert_eq!(of("default-src 'nonce-d'").as_deref(), Some("d"));
        assert_eq!(of("style-src 'nonce-s'; script-src 'self'"), None);
        assert_eq!(of("script-src 'nonce-\"><x'"), None);
        assert_eq!(nonce(&HeaderMap::new()), None);
    }

    #[test]
    fn hashes_are_seen_in_the_directive_that_counts() {
        let of = |policy| Hashes::default().and(policy);
        let hashes = |scripts, styles| Hashes { scripts, styles, ours: false };
        assert_eq!(of("script-src 'self' 'SHA256-aGk='"), hashes(true, false));
        assert_eq!(of("default-src 'sha512-aGk='"), hashes(true, true));
        assert_eq!(of("default-src 'sha512-aGk='; style-src 'self'"), hashes(true, false));
        assert_eq!(of("script-src 'nonce-sha256-'; img-src *"), hashes(false, false));
        assert_eq!(hashes(false, true).and("script-src 'sha384-x'"), hashes(true, true));
        let mut headers = HeaderMap::new();
        headers.append(CONTENT_SECURITY_POLICY, HeaderValue::from_static("img-src *"));
        headers.append(CONTENT_SECURITY_POLICY, HeaderValue::from_static("script-src 'sha256-x'"));
        assert_eq!(Hashes::of(&headers), hashes(true, false));
    }
}
