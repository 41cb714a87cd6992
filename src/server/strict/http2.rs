//! What is refused over HTTP/2, where requests come in frames and cannot run into each other.
//!
//! Lengths, chunks and line ends are not there to be forged, and the `h2` library refuses what is
//! malformed. What it lets through and the door does not is the same as over HTTP/1.

use http::header::{EXPECT, HOST, HeaderValue};
use http::{Method, Request};

use super::head::FIELDS_MAX;
use crate::fault::Refusal;

/// Why a request is refused, if it is.
pub(in crate::server) fn refusal<B>(request: &Request<B>) -> Option<Refusal> {
    let fields = request.headers();
    if matches!(*request.method(), Method::CONNECT | Method::TRACE) {
        return Some(Refusal::Method);
    }
    // Each crumb of a cookie counts: a thousand of them fit into one frame.
    if fields.len() > FIELDS_MAX {
        return Some(Refusal::Fields);
    }
    // RFC 9113 §8.2.1.
    let padded = |value: &[u8]| value.trim_ascii().len() < value.len();
    if fields.values().any(|value| padded(value.as_bytes())) {
        return Some(Refusal::FieldValue);
    }
    if fields.get_all(EXPECT).iter().any(|to| !to.as_bytes().eq_ignore_ascii_case(b"100-continue"))
    {
        return Some(Refusal::Expectation);
    }
    // What is named twice has to be the same (RFC 9113 §8.3.1).
    let authority = request.uri().authority().map(|authority| authority.as_str().as_bytes());
    let mut hosts = fields.get_all(HOST).iter().map(HeaderValue::as_bytes);
    let alike = match (authority, hosts.next(), hosts.next()) {
        (Some(authority), Some(host), None) => authority.eq_ignore_ascii_case(host),
        (Some(_), None, None) | (None, Some(_), None) => true,
        _ => false,
    };
    (!alike).then_some(Refusal::Host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(method: &str, target: &str, fields: &[(&str, &str)]) -> Option<Refusal> {
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        refusal(&request.body(()).expect("a request"))
    }

    #[test]
    fn what_the_library_lets_through_and_the_door_does_not() {
        let target = "https://send-box.com/";
        assert_eq!(refused("GET", target, &[("cookie", "a=1"), ("cookie", "b=2")]), None);
        assert_eq!(refused("GET", target, &[("host", "Send-Box.com"), ("x", "")]), None);
        assert_eq!(refused("GET", "/", &[("host", "send-box.com")]), None);
        assert_eq!(refused("POST", target, &[("expect", "100-continue")]), None);

        assert_eq!(refused("TRACE", target, &[]), Some(Refusal::Method));
        assert_eq!(refused("GET", target, &[("cookie", "a=1"); 101]), Some(Refusal::Fields));
        assert_eq!(refused("GET", target, &[("x", " a")]), Some(Refusal::FieldValue));
        assert_eq!(refused("GET", target, &[("x", "a\t")]), Some(Refusal::FieldValue));
        assert_eq!(refused("GET", target, &[("expect", "x")]), Some(Refusal::Expectation));
        assert_eq!(refused("GET", target, &[("host", "other.kz")]), Some(Refusal::Host));
        assert_eq!(refused("GET", "/", &[]), Some(Refusal::Host));
        let two = [("host", "send-box.com"), ("host", "send-box.com")];
        assert_eq!(refused("GET", target, &two), Some(Refusal::Host));
    }
}
