//! HTTP/2 with visitors.
//!
//! hyper and its `h2` library speak it, between two parts of ours: a [`Guard`] on the connection, which
//! counts frames and keeps deadlines, and [`Streams`], which watch that each answer is taken. What one
//! connection can make the gateway hold is bounded: by windows for what it sends, by [`SEND_BYTES_MAX`] for
//! what it does not take, both for [`Limits::streams`](crate::bounds::Limits::streams) requests at once.
//!
//! Which requests are refused stands in [`super::strict::http2`], beside the rules for HTTP/1.

mod budget;
mod frames;
mod guard;
mod room;
mod streams;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::rc::Rc;
use std::sync::Arc;

use http::header::HOST;
use http::uri::Authority;
use http::{HeaderMap, Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};

use self::guard::Guard;
use self::room::Room;
use self::streams::{Held, Streams, Watched};
use super::strict::HEAD_BYTES_MAX;
use super::strict::http2::refusal;
use super::{Phase, Phases, Secured, promise, until};
use crate::bounds::Bounds;
use crate::fault::Refusal;
use crate::proxy::{Body, Peer, Way, Window, Worker};

/// What every connection begins with that speaks HTTP/2 (RFC 9113 §3.4).
pub(super) const PREFACE: &[u8; PREFACE_BYTES] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
pub(super) const PREFACE_BYTES: usize = 24;

/// How much of each answer is kept for a connection that takes nothing.
const SEND_BYTES_MAX: usize = 64 * 1024;

/// What a field costs in a header list beyond its bytes (RFC 9113 §10.5.1).
const FIELD_BYTES: usize = 32;

/// Serves a connection until it ends, or until the gateway stops and all that was asked is answered.
pub(super) async fn serve<S: AsyncRead + AsyncWrite + Unpin + 'static>(
    stream: S,
    worker: Rc<Worker>,
    peer: Peer,
    secured: Secured,
    mut phases: Phases,
) {
    let bounds = Arc::clone(&worker.current.get().bounds);
    let Bounds { timeouts, limits, .. } = &*bounds;
    let streams =
        Streams::new(timeouts.write.get(), limits.streams.get(), Arc::clone(&worker.counters));
    let counters = Arc::clone(&worker.counters);
    let window = Window::default();
    let room = Room::new(window.clone());
    let guard = Guard::new(stream, streams.clone(), room, Arc::clone(&bounds), counters);
    let connection = http2::Builder::new(streams.clone())
        .timer(TokioTimer::new())
        .max_concurrent_streams(u32::try_from(limits.streams.get()).unwrap_or(u32::MAX))
        .max_header_list_size(u32::try_from(HEAD_BYTES_MAX).unwrap_or(u32::MAX))
        .initial_stream_window_size(limits.stream_window.get())
        .initial_connection_window_size(limits.connection_window.get())
        .max_send_buf_size(SEND_BYTES_MAX)
        .keep_alive_interval(timeouts.ping.get())
        .enable_connect_protocol()
        .serve_connection(TokioIo::new(guard), service(worker, peer, secured, streams, window));
    let told = async move {
        // What was on its way is still answered (RFC 9113 §6.8).
        let _ = phases.wait_for(|phase| *phase != Phase::Serving).await;
    };
    until(told, connection, http2::Connection::graceful_shutdown).await;
}

/// Answers the requests of one connection.
fn service(
    worker: Rc<Worker>,
    peer: Peer,
    secured: Secured,
    streams: Streams,
    window: Window,
) -> impl Service<
    Request<Incoming>,
    Response = Response<Watched>,
    Error = Infallible,
    Future = impl Future<Output = Result<Response<Watched>, Infallible>>,
> {
    service_fn(move |request| {
        let (worker, streams, window) = (Rc::clone(&worker), streams.clone(), window.clone());
        // Before anything waits: what is refused is not kept.
        let admitted = admit(request, &secured, &streams);
        async move {
            let in_force = worker.current.get();
            let mut response = match admitted {
                // Boxed: hyper moves what answers a request around.
                Ok((request, _held)) => {
                    let way = Way::Http2(&window);
                    Box::pin(worker.handle(&in_force, peer, request, way)).await
                }
                Err(refusal) => {
                    worker.counters.refuse(refusal);
                    refusal.response().map(Body::own)
                }
            };
            promise(&in_force, peer, &mut response);
            Ok(response.map(|body| streams.watched(body)))
        }
    })
}

/// Lets a request in, with room for its fields until it is answered.
fn admit(
    request: Request<Incoming>,
    secured: &Secured,
    streams: &Streams,
) -> Result<(Request<Incoming>, Held), Refusal> {
    if let Some(refusal) = refusal(&request) {
        return Err(refusal);
    }
    // Only over HTTP/2 do browsers ask for several hosts on one connection.
    let named = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let named = named.and_then(|host| host.parse::<Authority>().ok());
    let host = request.uri().host().or(named.as_ref().map(Authority::host));
    if !secured.is_for(host) {
        return Err(Refusal::Misdirected);
    }
    let target = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
    let held = streams.hold(target + list_bytes(request.headers()));
    held.map(|held| (request, held)).ok_or(Refusal::WaitingFields)
}

/// How large fields are as a header list.
fn list_bytes(fields: &HeaderMap) -> usize {
    fields.iter().map(|(name, value)| name.as_str().len() + value.len() + FIELD_BYTES).sum()
}
