//! What every answer of the demonstration site is made of: status, type, cookies, validators, gzip.
//!
//! A gateway has to translate validators and to see through compression, so the site has both, and
//! has them as the standard says.
//!
//! A validator is a digest of the very bytes that are sent: two bodies never share one.
//!
//! Which answer a request gets is decided in [`super::site`] and [`super::assets`].

use super::assets;
use bytes::Bytes;
use data_encoding::HEXLOWER;
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use sha2::{Digest, Sha256};
use std::io::Write as _;

/// 200 with a body.
pub(super) fn reply(kind: &'static str, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// An answer without a body.
pub(super) fn status(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    response
}

/// One more `Set-Cookie` line.
pub(super) fn set_cookie(response: &mut Response<Bytes>, line: &str) {
    let line = line.parse().expect("our own cookies are plain ASCII");
    response.headers_mut().append(header::SET_COOKIE, line);
}

/// The response with its validators, or 304 where the browser holds these bytes (RFC 9110 §13).
pub(super) fn validated(request: &Request<()>, mut response: Response<Bytes>) -> Response<Bytes> {
    let tag = format!("\"{}\"", HEXLOWER.encode(&Sha256::digest(response.body())[..8]));
    let given = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let fresh = match given(header::IF_NONE_MATCH) {
        Some(tags) => tags
            .split(',')
            .map(|held| held.trim().trim_start_matches("W/"))
            .any(|held| held == tag || held == "*"),
        // Compared exactly, as nginx does: the browser echoes what it was sent.
        None => given(header::IF_MODIFIED_SINCE) == Some(assets::LAST_MODIFIED),
    };
    let headers = response.headers_mut();
    headers.insert(header::ETAG, tag.parse().expect("hexadecimal digits in quotes"));
    headers.insert(header::LAST_MODIFIED, HeaderValue::from_static(assets::LAST_MODIFIED));
    if fresh {
        headers.remove(header::CONTENT_TYPE);
        headers.remove(header::CONTENT_ENCODING);
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Bytes::new();
    }
    response
}

/// Whether the browser takes gzip (RFC 9110 §12.5.3).
pub(super) fn takes_gzip(headers: &HeaderMap) -> bool {
    let lines =
        headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        name.trim().eq_ignore_ascii_case("gzip")
            && weight.trim().trim_end_matches(['0', '.']) != "q="
    })
}

/// The same response with its body compressed.
pub(super) fn gzipped(mut response: Response<Bytes>) -> Response<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(response.body()).expect("a vector takes every byte");
    *response.body_mut() = encoder.finish().expect("a vector takes every byte").into();
    let gzip = HeaderValue::from_static("gzip");
    response.headers_mut().insert(header::CONTENT_ENCODING, gzip);
    response
}
