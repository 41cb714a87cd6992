//! WebSockets: a connection, or a stream of one, that becomes a tunnel (RFC 6455 §4, RFC 8441).
//!
//! The front door lets one kind of upgrade through, to `websocket`: over HTTP/1 on a `GET` without a
//! body, over HTTP/2 by a `CONNECT` that names it. If the site switches too, both ends are joined and
//! nothing in between looks at the bytes. The handshake passes the gate like every request: cookies
//! are sorted both ways.
//!
//! With the site HTTP/1 is spoken. Over HTTP/2 the visitor sends no key and gets no proof that the site
//! knows WebSockets, so the gateway asks for that proof itself.
//!
//! A tunnel keeps the verdicts that it began with, and ends with the first end that closes it.

use std::cell::RefCell;
use std::future::poll_fn;
use std::time::Duration;

use data_encoding::BASE64;
use http::header::{
    CONNECTION, HeaderMap, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE,
};
use http::request::Parts;
use http::{Method, Response, StatusCode, Version, response};
use hyper::ext::Protocol;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use sha1::{Digest, Sha1};
use tokio::io::copy_bidirectional;
use tokio::task::JoinSet;
use tracing::debug;

use super::Worker;
use super::body::Body;
use super::headers;
use super::pass::Walk;
use super::upstream::Lease;
use crate::deadline::Impatient;
use crate::fault::{Fault, UpstreamFault};
use crate::gate::response::keep_permitted_cookies;

/// What a key is joined with to be answered (RFC 6455 §1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The tunnels of one thread.
#[derive(Debug, Default)]
pub struct Tunnels(RefCell<JoinSet<()>>);

impl Tunnels {
    /// Waits until all of them have ended.
    pub async fn ended(&self) {
        while poll_fn(|cx| self.0.borrow_mut().poll_join_next(cx)).await.is_some() {}
    }

    fn open(&self, visitor: OnUpgrade, site: OnUpgrade, lease: Lease, patience: Duration) {
        let mut tunnels = self.0.borrow_mut();
        while tunnels.try_join_next().is_some() {}
        // To the site it is a connection until it ends.
        tunnels.spawn_local(async move {
            join(visitor, site, patience).await;
            drop(lease);
        });
    }
}

/// How a visitor asks for a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// By an upgrade of their connection.
    Upgrade,
    /// For a stream of it (RFC 8441 §4).
    Connect,
}

fn asked(parts: &Parts) -> Option<Asked> {
    match parts.version {
        Version::HTTP_11 => is_websocket(&parts.headers).then_some(Asked::Upgrade),
        // The front door knows no other protocol.
        _ => parts.extensions.get::<Protocol>().map(|_| Asked::Connect),
    }
}

/// The key by which the site is asked for a WebSocket, where the visitor asks for one and has none.
pub(super) fn key(parts: &Parts) -> Option<HeaderValue> {
    (asked(parts)? == Asked::Connect).then(new_key)
}

/// Asks the site for a WebSocket, where the visitor asks for one.
pub(super) fn ask_for(parts: &Parts, key: Option<&HeaderValue>, headers: &mut HeaderMap) {
    if asked(parts).is_some() {
        switch_to_websocket(headers);
        headers.extend(key.map(|key| (SEC_WEBSOCKET_KEY, key.clone())));
    }
}

/// The method by which the site is asked.
pub(super) fn method(parts: &Parts) -> Method {
    match asked(parts) {
        Some(Asked::Connect) => Method::GET,
        _ => parts.method.clone(),
    }
}

/// What becomes of an answer that is no switch: to a `CONNECT` no success may be told, which would say
/// that the tunnel stands (RFC 8441 §5).
pub(super) fn unswitched(parts: &Parts, status: StatusCode) -> Result<(), Fault> {
    match asked(parts) {
        Some(Asked::Connect) if status.is_success() => {
            let cause = format!("it answered {status} where a WebSocket was asked for");
            Err(UpstreamFault::Broken(cause).into())
        }
        _ => Ok(()),
    }
}

/// What only one connection is told, for the next one to be told the same.
fn switch_to_websocket(headers: &mut HeaderMap) {
    headers.append(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
}

fn is_websocket(headers: &HeaderMap) -> bool {
    headers.get(UPGRADE).is_some_and(|to| to.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// Sixteen bytes, of which nobody can foresee the most (RFC 6455 §4.1).
fn new_key() -> HeaderValue {
    let key = BASE64.encode(uuid::Uuid::new_v4().as_bytes());
    HeaderValue::from_str(&key).expect("base64 is ASCII")
}

/// What a site answers to a key that knows WebSockets (RFC 6455 §4.2.2).
fn proof(key: &HeaderValue) -> String {
    let digest = Sha1::new().chain_update(key.as_bytes()).chain_update(GUID);
    BASE64.encode(&digest.finalize())
}

impl Worker {
    /// The site has switched: the visitor is told so, and both ends are joined.
    pub(super) fn switch(
        &self,
        walk: &Walk<'_>,
        parts: &Parts,
        key: Option<&HeaderValue>,
        mut answer: response::Parts,
        lease: Lease,
    ) -> Result<Response<Body>, Fault> {
        let broken = |cause: &str| Fault::from(UpstreamFault::Broken(cause.to_owned()));
        let asked = asked(parts).filter(|_| is_websocket(&answer.headers));
        let visitor = parts.extensions.get::<OnUpgrade>().cloned();
        let (Some(asked), Some(visitor), Some(site)) =
            (asked, visitor, answer.extensions.remove::<OnUpgrade>())
        else {
            return Err(broken("it switched protocols unasked"));
        };
        answer.version = Version::HTTP_11;
        answer.headers = headers::for_visitor(answer.headers);
        match asked {
            Asked::Upgrade => switch_to_websocket(&mut answer.headers),
            Asked::Connect => {
                let accepted = answer.headers.remove(SEC_WEBSOCKET_ACCEPT);
                if accepted.is_none_or(|accepted| key.map(proof).is_none_or(|p| accepted != p)) {
                    return Err(broken("its `Sec-WebSocket-Accept` does not fit the key"));
                }
                answer.status = StatusCode::OK;
            }
        }
        let (rules, verdicts) = (&walk.snapshot.rules, walk.verdicts);
        let kept_back =
            keep_permitted_cookies(&mut answer.headers, rules, verdicts, walk.cookie, walk.mode);
        self.counters.response_cookies_withheld.add(kept_back.total());
        self.counters.withhold(rules, &kept_back);
        self.counters.tunnels.add(1);
        self.tunnels.open(visitor, site, lease, walk.in_force.bounds.timeouts.write.get());
        Ok(Response::from_parts(answer, Body::Own(None)))
    }
}

/// Carries bytes both ways, until both ends have closed, or one breaks or takes nothing any more. Nobody
/// has to say anything.
async fn join(visitor: OnUpgrade, site: OnUpgrade, patience: Duration) {
    let (visitor, site) = match tokio::try_join!(visitor, site) {
        Ok(both) => both,
        Err(error) => return debug!(%error, "a tunnel did not come about"),
    };
    let mut visitor = Impatient::within(patience, TokioIo::new(visitor));
    let mut site = Impatient::within(patience, TokioIo::new(site));
    if let Err(error) = copy_bidirectional(&mut visitor, &mut site).await {
        debug!(%error, "a tunnel broke");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_answered_as_the_standard_shows() {
        // RFC 6455 §1.3.
        let key = HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(proof(&key), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}
