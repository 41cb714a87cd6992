//! Content Security Policy: what the site's own allows us, and the wall.
//!
//! The banner's script and style are first-party files. Where the site's policy lists a
//! nonce, ours carry it too; the site's policy itself is never touched.
//!
//! A page that cannot be read (a coding or encoding we do not know, XHTML) is still served,
//! behind [`WALL`]: a second policy, which can only narrow. It leaves the site's own files
//! and inline scripts alone and cuts every contact with other hosts.

use http::header::{CONTENT_SECURITY_POLICY, HeaderMap, HeaderValue};

/// The policy of a page that we could not read.
pub const WALL: HeaderValue = HeaderValue::from_static(
    "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; form-action 'self'",
);

/// The nonce that the site's policies give scripts, if they give any.
pub fn nonce(headers: &HeaderMap) -> Option<String> {
    headers.get_all(CONTENT_SECURITY_POLICY).iter().find_map(|policy| {
        let policy = policy.to_str().ok()?;
        let directive = |name: &str| {
            policy.split([';', ',']).map(str::trim_ascii).find(|directive| {
                directive
                    .split_ascii_whitespace()
                    .next()
                    .is_some_and(|first| first.eq_ignore_ascii_case(name))
            })
        };
        let sources = directive("script-src-elem")
            .or_else(|| directive("script-src"))
            .or_else(|| directive("default-src"))?;
        sources.split_ascii_whitespace().find_map(|source| {
            let nonce = source.strip_prefix("'nonce-")?.strip_suffix('\'')?;
            // Only what the grammar of nonces allows is copied into markup (CSP3 §2.3.1).
            let is_base64 = |b: u8| b.is_ascii_alphanumeric() || b"+/-_=".contains(&b);
            (!nonce.is_empty() && nonce.bytes().all(is_base64)).then(|| nonce.to_owned())
        })
    })
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
}
