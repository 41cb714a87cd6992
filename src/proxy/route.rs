//! What a request asks for, and whose answer it is.
//!
//! Paths that [are ours](subject::is_ours) are answered here; everything else is the site's. The host is the one
//! that the visitor named, in `:authority`, in an absolute target or in `Host`.

use std::borrow::Cow;

use http::header::{HOST, HeaderValue};
use http::request::Parts;
use http::uri::PathAndQuery;

use crate::fault::VisitorFault;
use crate::subject;

/// A request's target.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// The host as it was named, with its port.
    pub(super) host: HeaderValue,
    /// Path and query, in the form that goes to the site.
    pub(super) path: PathAndQuery,
}

impl Target {
    /// Reads the target of a request.
    pub(super) fn of(parts: &Parts) -> Result<Target, VisitorFault> {
        let named = match parts.uri.authority() {
            // RFC 9112 §3.2.2: an absolute target outweighs `Host`.
            Some(authority) => HeaderValue::from_str(authority.as_str()).ok(),
            None => parts.headers.get(HOST).cloned(),
        };
        let host = named
            .filter(is_authority)
            .ok_or(VisitorFault::BadRequest("the request names no host"))?;
        let root = PathAndQuery::from_static("/");
        let path = parts.uri.path_and_query().cloned().unwrap_or(root);
        Ok(Target { host, path })
    }

    /// The host's text, with its port.
    pub(super) fn host(&self) -> &str {
        self.host.to_str().unwrap_or_default()
    }

    /// The host without its port, in lower case.
    pub(super) fn host_name(&self) -> Cow<'_, str> {
        let host = self.host();
        let end = match host.rfind(':') {
            // The last colon of `[::1]` is a part of the address.
            Some(at) if !host[at..].contains(']') => at,
            _ => host.len(),
        };
        let host = &host[..end];
        // Most write it so.
        match host.bytes().any(|byte| byte.is_ascii_uppercase()) {
            true => Cow::Owned(host.to_ascii_lowercase()),
            false => Cow::Borrowed(host),
        }
    }

    /// Whether the gateway itself answers.
    pub(super) fn is_ours(&self) -> bool {
        subject::is_ours(self.path.path())
    }
}

/// Whether a value is a host with an optional port, and no more (RFC 9112 §3.2).
fn is_authority(host: &HeaderValue) -> bool {
    let is_part = |b: &u8| b.is_ascii_graphic() && !b"/?#@\\<>\"^`{|}".contains(b);
    !host.is_empty() && host.as_bytes().iter().all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(uri: &str, host: Option<&str>) -> Result<Target, VisitorFault> {
        let mut request = http::Request::builder().uri(uri);
        if let Some(host) = host {
            request = request.header("host", host);
        }
        Target::of(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn the_host_is_the_one_that_was_named() {
        let name = |uri, host| target(uri, host).map(|target| target.host_name().into_owned());
        assert_eq!(name("/", Some("Send-Box.com:443")).unwrap(), "send-box.com");
        assert_eq!(name("http://a.kz/", Some("b.kz")).unwrap(), "a.kz");
        assert_eq!(name("/", Some("[::1]:80")).unwrap(), "[::1]");
        assert_eq!(name("/", Some("[::1]")).unwrap(), "[::1]");
        assert!(name("/", None).is_err() && name("/", Some("")).is_err());
        for host in ["a/b", "x@a.kz", "a#", "a b"] {
            assert!(name("/", Some(host)).is_err(), "{host}");
        }
    }

    #[test]
    fn only_paths_under_ours_are_ours() {
        for (path, ours) in [
            ("/.consent/", true),
            ("/.consent", true),
            ("/.consent/x?y", true),
            ("/.well-known/gpc.json", true),
            ("/.consents", false),
            ("/.well-known/gpc.json/", false),
            ("/.well-known/acme-challenge/x", false),
            ("/.well-known/consent-key", true),
            ("/.well-known/consent-keys", false),
            ("/", false),
        ] {
            assert_eq!(target(path, Some("a")).unwrap().is_ours(), ours, "{path}");
        }
    }
}
