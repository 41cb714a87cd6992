//! What is refused over HTTP/2, where requests come in frames and cannot run into each other.
//!
//! Chunks and line ends are not there to be forged, and the `h2` library resets the stream of what is
//! malformed: names in upper case, pseudo-fields that are missing, twice or late, an empty `:path`,
//! fields of a connection, `te` but for `trailers`, a body unlike its `Content-Length`. What it lets
//! through and the door does not is the same as over HTTP/1.
//!
//! Fields are counted as HTTP/1 counts them: a cookie is one, though browsers send each of its parts
//! (up to 180 for a site) in a field of its own, which costs them a byte. The parts have a limit too.

use http::header::{CONTENT_LENGTH, COOKIE, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request};
use hyper::ext::Protocol;

use super::head::{FIELDS_MAX, LINE_BYTES_MAX, is_host};
use crate::fault::Refusal;

/// The most parts that a cookie may come in.
const CRUMBS_MAX: usize = 200;

/// Why a request is refused, if it is.
pub(in crate::server) fn refusal<B>(request: &Request<B>) -> Option<Refusal> {
    let fields = request.headers();
    method(request).or_else(|| target(request)).or_else(|| sizes(fields)).or_else(|| {
        // RFC 9113 §8.2.1.
        let padded = |value: &[u8]| value.trim_ascii().len() < value.len();
        let met = |to: &HeaderValue| to.as_bytes().eq_ignore_ascii_case(b"100-continue");
        if fields.values().any(|value| padded(value.as_bytes())) {
            Some(Refusal::FieldValue)
        } else if !fields.get_all(EXPECT).iter().all(met) {
            Some(Refusal::Expectation)
        } else if !is_length(fields) {
            Some(Refusal::Length)
        } else if !names_one_host(request) {
            Some(Refusal::Host)
        } else {
            None
        }
    })
}

fn method<B>(request: &Request<B>) -> Option<Refusal> {
    let protocol = request.extensions().get::<Protocol>().map(Protocol::as_str);
    match (request.method(), protocol) {
        // RFC 8441 §5.
        (&Method::CONNECT, Some(protocol)) => {
            (!protocol.eq_ignore_ascii_case("websocket")).then_some(Refusal::Protocol)
        }
        (&Method::CONNECT | &Method::TRACE, _) => Some(Refusal::Method),
        _ => None,
    }
}

/// A path, of HTTP's schemes; of a server as a whole `OPTIONS` alone may ask (RFC 9113 §8.3.1).
fn target<B>(request: &Request<B>) -> Option<Refusal> {
    let path = request.uri().path_and_query().map_or("", |path| path.as_str());
    let is_path = path.starts_with('/') || (path == "*" && *request.method() == Method::OPTIONS);
    if !is_path || !matches!(request.uri().scheme_str(), None | Some("http" | "https")) {
        return Some(Refusal::Target);
    }
    (path.len() > LINE_BYTES_MAX).then_some(Refusal::LongTarget)
}

fn sizes(fields: &HeaderMap) -> Option<Refusal> {
    let line = |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + value.len();
    // What is put between the parts when they are joined counts.
    let crumb = |(crumbs, bytes), crumb: &HeaderValue| (crumbs + 1, bytes + crumb.len() + 2);
    let (crumbs, cookie) = fields.get_all(COOKIE).iter().fold((0, 0), crumb);
    let too_many = fields.len() - crumbs + crumbs.min(1) > FIELDS_MAX || crumbs > CRUMBS_MAX;
    let too_long = cookie > LINE_BYTES_MAX || fields.iter().map(line).any(|n| n > LINE_BYTES_MAX);
    (too_many || too_long).then_some(Refusal::Fields)
}

/// Whether the length is said once, as a decimal number, if at all.
fn is_length(fields: &HeaderMap) -> bool {
    let mut lengths = fields.get_all(CONTENT_LENGTH).iter().map(HeaderValue::as_bytes);
    match (lengths.next(), lengths.next()) {
        (None, _) => true,
        (Some(length), None) => !length.is_empty() && length.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

/// What is named twice has to be the same (RFC 9113 §8.3.1).
fn names_one_host<B>(request: &Request<B>) -> bool {
    let authority = request.uri().authority().map(|authority| authority.as_str().as_bytes());
    let mut hosts = request.headers().get_all(HOST).iter().map(HeaderValue::as_bytes);
    match (authority, hosts.next(), hosts.next()) {
        (Some(authority), Some(host), None) => {
            is_host(authority) && authority.eq_ignore_ascii_case(host)
        }
        (Some(host), None, None) | (None, Some(host), None) => is_host(host),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Fields<'a> = &'a [(&'a str, &'a str)];

    fn refused(method: &str, target: &str, fields: Fields<'_>) -> Option<Refusal> {
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        refusal(&request.body(()).expect("a request"))
    }

    #[test]
    fn what_the_library_lets_through_and_the_door_does_not() {
        let target = "https://send-box.com/";
        let crumbs = [("cookie", "a=1"); 201];
        let others: Vec<String> = (0..101).map(|n| format!("x-{n}")).collect();
        let others: Vec<_> = others.iter().map(|name| (name.as_str(), "1")).collect();
        let with_cookie = [&others[..99], &crumbs[..200]].concat();
        let one_too_many = [&others[..100], &crumbs[..1]].concat();
        let long = "x".repeat(LINE_BYTES_MAX);
        let half = "x".repeat(LINE_BYTES_MAX / 2);
        let long_target = format!("{target}{long}");
        #[rustfmt::skip] // a table
        let table: &[(&str, &str, Fields<'_>, Option<Refusal>)] = &[
            ("GET", target, &[("cookie", "a=1"), ("cookie", "b=2")], None),
            ("GET", target, &[("host", "Send-Box.com"), ("x", "")], None),
            ("GET", "/", &[("host", "send-box.com")], None),
            ("POST", target, &[("expect", "100-continue"), ("content-length", "3")], None),
            ("OPTIONS", "*", &[("host", "send-box.com")], None),
            ("GET", "https://[::1]:8443/?", &[], None),
            ("GET", target, &with_cookie, None),
            ("TRACE", target, &[], Some(Refusal::Method)),
            ("CONNECT", "send-box.com:443", &[], Some(Refusal::Method)),
            ("GET", "*", &[("host", "send-box.com")], Some(Refusal::Target)),
            ("GET", "ftp://send-box.com/", &[], Some(Refusal::Target)),
            ("GET", &long_target, &[], Some(Refusal::LongTarget)),
            ("GET", target, &crumbs, Some(Refusal::Fields)),
            ("GET", target, &others, Some(Refusal::Fields)),
            ("GET", target, &one_too_many, Some(Refusal::Fields)),
            ("GET", target, &[("x", &long)], Some(Refusal::Fields)),
            ("GET", target, &[("cookie", half.as_str()); 2], Some(Refusal::Fields)),
            ("GET", target, &[("x", " a")], Some(Refusal::FieldValue)),
            ("GET", target, &[("x", "a\t")], Some(Refusal::FieldValue)),
            ("GET", target, &[("expect", "x")], Some(Refusal::Expectation)),
            ("POST", target, &[("content-length", "+3")], Some(Refusal::Length)),
            ("POST", target, &[("content-length", "")], Some(Refusal::Length)),
            ("POST", target, &[("content-length", "3"); 2], Some(Refusal::Length)),
            ("GET", target, &[("host", "other.kz")], Some(Refusal::Host)),
            ("GET", target, &[("host", "send-box.com"); 2], Some(Refusal::Host)),
            ("GET", "/", &[], Some(Refusal::Host)),
            ("GET", "/", &[("host", "")], Some(Refusal::Host)),
            ("GET", "https://me@send-box.com/", &[], Some(Refusal::Host)),
            ("GET", "https://send-box.com:99999/", &[], Some(Refusal::Host)),
        ];
        for (method, target, fields, expected) in table {
            let start = &target[..target.len().min(40)];
            assert_eq!(
                refused(method, target, fields),
                *expected,
                "{method} {start} {fields:.200?}"
            );
        }
    }

    #[test]
    fn websockets_are_the_one_thing_to_connect_to() {
        for (protocol, expected) in [("websocket", None), ("connect-udp", Some(Refusal::Protocol))]
        {
            let request = Request::builder().method("CONNECT").uri("https://send-box.com/chat");
            let request = request.extension(Protocol::from_static(protocol)).body(());
            assert_eq!(refusal(&request.expect("a request")), expected, "{protocol}");
        }
    }
}
