//! WebSockets: a connection that becomes a tunnel (RFC 6455 §4, RFC 9110 §7.8).
//!
//! The front door lets one kind of upgrade through, to `websocket`, on a `GET` without a body. If the
//! site switches too, the two connections are joined and nothing in between looks at the bytes. The
//! handshake passes the gate like every request: cookies are sorted both ways.
//!
//! A tunnel keeps the verdicts that it began with, and ends with the first end that closes it.

use std::cell::RefCell;
use std::future::poll_fn;

use http::header::{CONNECTION, HeaderMap, HeaderValue, UPGRADE};
use http::request::Parts;
use http::{Response, Version, response};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;
use tokio::task::JoinSet;
use tracing::debug;

use super::Worker;
use super::body::Body;
use super::headers;
use super::pass::Walk;
use super::upstream::Lease;
use crate::fault::{Fault, UpstreamFault};
use crate::gate::response::keep_permitted_cookies;

/// The tunnels of one thread.
#[derive(Debug, Default)]
pub struct Tunnels(RefCell<JoinSet<()>>);

impl Tunnels {
    /// Waits until all of them have ended.
    pub async fn ended(&self) {
        while poll_fn(|cx| self.0.borrow_mut().poll_join_next(cx)).await.is_some() {}
    }

    fn open(&self, visitor: OnUpgrade, site: OnUpgrade, lease: Lease) {
        let mut tunnels = self.0.borrow_mut();
        while tunnels.try_join_next().is_some() {}
        // To the site it is a connection until it ends.
        tunnels.spawn_local(async move {
            join(visitor, site).await;
            drop(lease);
        });
    }
}

/// Whether a request asks for a WebSocket.
pub(super) fn is_asked_for(parts: &Parts) -> bool {
    parts.version == Version::HTTP_11 && is_websocket(&parts.headers)
}

/// Puts back what only this connection was told, for the next one to be told the same.
pub(super) fn ask_for(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
}

fn is_websocket(headers: &HeaderMap) -> bool {
    headers.get(UPGRADE).is_some_and(|to| to.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

impl Worker {
    /// The site has switched: the visitor is told so, and the connections are joined.
    pub(super) fn switch(
        &self,
        walk: &Walk<'_>,
        parts: &Parts,
        mut answer: response::Parts,
        lease: Lease,
    ) -> Result<Response<Body>, Fault> {
        let asked = is_asked_for(parts) && is_websocket(&answer.headers);
        let visitor = parts.extensions.get::<OnUpgrade>().cloned().filter(|_| asked);
        let (Some(visitor), Some(site)) = (visitor, answer.extensions.remove::<OnUpgrade>()) else {
            return Err(UpstreamFault::Broken("it switched protocols unasked".to_owned()).into());
        };
        answer.version = Version::HTTP_11;
        answer.headers = headers::for_visitor(answer.headers);
        let (rules, verdicts) = (&walk.snapshot.rules, walk.verdicts);
        let kept_back = keep_permitted_cookies(&mut answer.headers, rules, verdicts, walk.cookie);
        self.counters.response_cookies_withheld.add(kept_back as u64);
        ask_for(&mut answer.headers);
        self.counters.tunnels.add(1);
        self.tunnels.open(visitor, site, lease);
        Ok(Response::from_parts(answer, Body::Own(None)))
    }
}

/// Carries bytes both ways, until both ends have closed or one breaks.
async fn join(visitor: OnUpgrade, site: OnUpgrade) {
    let (visitor, site) = match tokio::try_join!(visitor, site) {
        Ok(both) => both,
        Err(error) => return debug!(%error, "a tunnel did not come about"),
    };
    let (mut visitor, mut site) = (TokioIo::new(visitor), TokioIo::new(site));
    if let Err(error) = copy_bidirectional(&mut visitor, &mut site).await {
        debug!(%error, "a tunnel broke");
    }
}
