//! HTTP/1 on one connection: the strict front [`Door`], hyper behind it, and nothing of the two while
//! the connection rests.
//!
//! Most connections rest most of the time, until somebody clicks on or the browser closes. hyper keeps its
//! buffers then, so it is let go, and made anew when something comes.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use http::header::{CONNECTION, HeaderValue};
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tracing::debug;

use super::line::Line;
use super::strict::{Door, HEAD_BYTES_MAX, Tunnel};
use super::{Phase, Phases, grace, promise};
use crate::bounds::Bounds;
use crate::proxy::{Ahead, Body, Peer, Way, Worker};

/// Serves a connection to its end.
pub(super) async fn serve<S: AsyncRead + AsyncWrite + Line + Send + Unpin + 'static>(
    stream: S,
    worker: Rc<Worker>,
    peer: Peer,
    bounds: Arc<Bounds>,
    mut phases: Phases,
) {
    let mut door = Door::new(stream, bounds, Arc::clone(&worker.counters));
    // Boxed: what it takes is given back while the connection rests.
    while let Some(mut resting) = Box::pin(speak(door, &worker, peer, phases.clone())).await {
        let woken = tokio::select! {
            biased;
            woken = resting.wakes() => woken,
            () = grace(&mut phases) => false,
        };
        if !woken {
            if let Err(error) = resting.shutdown().await {
                debug!(%error, "a connection ended");
            }
            return;
        }
        door = resting;
    }
}

/// Serves a connection until it ends, or rests: then it is handed back. When nobody is served any more, it
/// finishes what is under way and no more. What is half there by then, of which hyper does not know, is under
/// way too.
async fn speak<S: AsyncRead + AsyncWrite + Line + Send + Unpin + 'static>(
    door: Door<S>,
    worker: &Rc<Worker>,
    peer: Peer,
    mut phases: Phases,
) -> Option<Door<S>> {
    let (past_hyper, pause) = ((door.tunnel(), door.ahead()), door.pause());
    let service = service(Rc::clone(worker), peer, past_hyper, phases.clone());
    let connection = http1::Builder::new()
        .header_read_timeout(None)
        .max_buf_size(HEAD_BYTES_MAX)
        .half_close(true)
        .serve_connection(TokioIo::new(door), service);
    let mut connection = connection.with_upgrades();
    let mut told = pin!(grace(&mut phases));
    let (mut is_told, mut finishes) = (false, false);
    let ended = poll_fn(|cx| {
        loop {
            if let Poll::Ready(ended) = Pin::new(&mut connection).poll(cx) {
                return Poll::Ready(Some(ended));
            }
            if finishes {
                return Poll::Pending;
            }
            if pause.is_rest() {
                return Poll::Ready(None);
            }
            is_told = is_told || told.as_mut().poll(cx).is_ready();
            if !is_told || pause.is_half_a_head() {
                return Poll::Pending;
            }
            Pin::new(&mut connection).graceful_shutdown();
            finishes = true;
        }
    });
    match ended.await {
        // Between two messages hyper has read nothing that it has not passed on.
        None => connection.into_parts().map(|parts| parts.io.into_inner()),
        Some(Ok(())) => None,
        Some(Err(error)) => {
            debug!(%error, "a connection ended");
            None
        }
    }
}

/// Answers the requests of one HTTP/1 connection. Some of it goes past hyper by the front door: the
/// connection may become a tunnel, and answers may have something go ahead of them.
fn service(
    worker: Rc<Worker>,
    peer: Peer,
    (tunnel, ahead): (Tunnel, Ahead),
    phases: Phases,
) -> impl Service<
    Request<Incoming>,
    Response = Response<Body>,
    Error = Infallible,
    Future = impl Future<Output = Result<Response<Body>, Infallible>>,
> {
    service_fn(move |request| {
        let (worker, phases) = (Rc::clone(&worker), phases.clone());
        let (tunnel, ahead) = (tunnel.clone(), ahead.clone());
        async move {
            // Boxed, so that a connection that rests has no room for a request's walk.
            let in_force = worker.current.get();
            let answer = Box::pin(worker.handle(&in_force, peer, request, Way::Http1(&ahead)));
            let mut response = answer.await;
            promise(&in_force, peer, &mut response);
            if response.status() == StatusCode::SWITCHING_PROTOCOLS {
                tunnel.begin();
            } else if *phases.borrow() != Phase::Serving {
                // The next request is for whoever accepts then.
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok(response)
        }
    })
}
