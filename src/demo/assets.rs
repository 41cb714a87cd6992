//! The files beside the pages: style, script, logo.
//!
//! They are built into the binary, so that `kelisim demo` needs no folder to be in the right place.
//!
//! Each answers conditional requests by its own digest: a proxy in front that spoils validators
//! shows at once as files that are sent again and again.
//!
//! How validators are made and compared is in [`super::reply`].

use super::reply::{reply, validated};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};

/// When the files last changed, as far as browsers need to know; pages share it.
pub(super) const LAST_MODIFIED: &str = "Sun, 01 Nov 2026 00:00:00 GMT";

const FILES: [(&str, &str, &str); 3] = [
    ("/assets/site.css", "text/css; charset=utf-8", include_str!("assets/site.css")),
    ("/assets/site.js", "text/javascript; charset=utf-8", include_str!("assets/site.js")),
    ("/assets/logo.svg", "image/svg+xml", include_str!("assets/logo.svg")),
];

/// The file at the request's path: 200, or 304 where the browser holds it already.
pub(super) fn answer(request: &Request<()>) -> Option<Response<Bytes>> {
    let (_, kind, text) = FILES.iter().find(|(path, ..)| *path == request.uri().path())?;
    let mut response = reply(kind, Bytes::from_static(text.as_bytes()));
    // An hour, not a year: the names carry no digest, and a demonstration is edited and reloaded.
    let hour = HeaderValue::from_static("public, max-age=3600");
    response.headers_mut().insert(header::CACHE_CONTROL, hour);
    Some(validated(request, response))
}
