//! One try to have a request answered, and what may be done if it fails.
//!
//! A request may be sent again in two cases. The site did not begin with it: it refused the stream, went
//! away before it and said so (RFC 9113 §8.7), or the connection was closed before it was sent. Or a *reused* connection died before a byte of the
//! answer came, and doing it twice does no more than once (RFC 9110 §9.2.2). In both of them only if
//! nothing of its body was read.
//!
//! What may not last is silence: nothing of an upload taken, and nothing said by the site.

use std::error::Error;
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use http::header::{CONNECTION, HOST, HeaderName, HeaderValue, TRANSFER_ENCODING};
use http::uri::{Parts, PathAndQuery};
use http::{HeaderMap, Request, Response, StatusCode, Uri};
use http_body::Body;
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use tokio::time::{Instant, sleep_until};
use tokio_util::either::Either;

use super::group::Slot;
use super::origin::Scheme;
use super::pool::{Connection, Lease, Pool};
use super::upload::{Progress, Upload};
use crate::bounds::Bounds;
use crate::fault::{Fault, UpstreamFault, VisitorFault};
use crate::proxy::interim::{Heard, Listener, PATIENCE};
use crate::proxy::raw_target::RawTarget;
use crate::proxy::upload::FromVisitor;

/// A try that failed.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) fault: Fault,
    pub(super) again: Again,
}

/// Whether a request may be sent again, and what is left of its body if so.
#[derive(Debug)]
pub(super) enum Again {
    Never,
    /// If doing it twice does no more than once.
    IfIdempotent(Option<FromVisitor>),
    /// The site did not begin with it.
    Always(Option<FromVisitor>),
    /// The server cannot be reached; another may be.
    Elsewhere(Option<FromVisitor>),
}

impl From<UpstreamFault> for Failed {
    fn from(fault: UpstreamFault) -> Failed {
        Failed { fault: fault.into(), again: Again::Never }
    }
}

/// Sends a request on a connection and waits for the head of its answer.
pub(super) async fn attempt(
    pool: &Rc<Pool>,
    slot: Slot,
    mut connection: Connection,
    mut head: Request<()>,
    body: Option<FromVisitor>,
    exchange: Exchange<'_>,
    bounds: &Bounds,
) -> Result<(Response<Incoming>, Lease), Failed> {
    let silence = bounds.timeouts.answer.get();
    let length = body.as_ref().map(|body| body.size_hint().exact());
    let progress = Progress::of(body, exchange.listener.waits());
    let heard = exchange.listener.listen(&mut head);
    let upload = Upload::new(&progress);
    let response = match &mut connection {
        Connection::Own(own) => {
            if length == Some(None) {
                // Of itself hyper would send a `GET` without the body that it has.
                let chunked = HeaderValue::from_static("chunked");
                head.headers_mut().insert(TRANSFER_ENCODING, chunked);
            }
            let raw = head.extensions().get::<RawTarget>().map(|RawTarget(raw)| raw.clone());
            own.next_target.set(raw);
            Either::Left(own.sender.try_send_request(head.map(|()| upload)))
        }
        Connection::Shared(ticket) => {
            if progress.is_held_back() {
                // Over HTTP/2 nobody would hear the site ask for it.
                exchange.listener.ask_for_body().await;
                progress.release();
            }
            let head = for_http2(head, pool.server.origin.scheme)?;
            let upload = upload.at(ticket);
            Either::Right(ticket.sender().try_send_request(head.map(|()| upload)))
        }
    };
    let response = exchange.answer(response, &heard, &progress, silence).await;
    let Some(response) = response else {
        // Others shall not wait where one has waited in vain.
        connection.retire();
        let fault = match progress.waits_for_visitor() {
            true => VisitorFault::BadRequest("the rest of the request's body did not come").into(),
            false => UpstreamFault::Timeout.into(),
        };
        return Err(Failed { fault, again: Again::Never });
    };
    progress.is_answered();
    if response.is_err()
        && let Some(cut) = progress.cut()
    {
        return Err(Failed { fault: cut.into(), again: Again::Never });
    }
    match response {
        Ok(response) => {
            Ok((response, Lease::new(Rc::clone(pool), slot, connection, progress, bounds)))
        }
        Err(mut failed) => {
            // What comes back was never sent.
            let unsent = failed.take_message().is_some();
            let error = failed.into_error();
            let fault = UpstreamFault::Broken(cause_of(&error)).into();
            let loss = if unsent { Loss::Left } else { loss(&error) };
            if !matches!(loss, Loss::Stream | Loss::Refused) {
                connection.retire();
            }
            let again = match (loss, progress.take_back()) {
                (Loss::Refused | Loss::Left, Ok(body)) => Again::Always(body),
                (Loss::Died, Ok(body)) if connection.was_reused() => Again::IfIdempotent(body),
                _ => Again::Never,
            };
            Err(Failed { fault, again })
        }
    }
}

type Answered = Result<Response<Incoming>, TrySendError<Request<Upload>>>;

/// Who hears what the site says to a request, and how it is judged.
#[derive(Clone, Copy)]
pub(in crate::proxy) struct Exchange<'a> {
    /// The visitor.
    pub(in crate::proxy) listener: &'a Listener<'a>,
    /// What becomes of the fields of a head that comes ahead of the answer.
    pub(in crate::proxy) judge: &'a dyn Fn(HeaderMap) -> HeaderMap,
}

impl Exchange<'_> {
    /// Waits for the answer and passes on what comes ahead of it; nothing if the site is silent for
    /// too long.
    async fn answer(
        &self,
        response: impl Future<Output = Answered>,
        heard: &Heard,
        progress: &Progress,
        silence: Duration,
    ) -> Option<Answered> {
        let patience = Instant::now() + PATIENCE;
        let mut response = pin!(response);
        loop {
            let until = match progress.is_held_back() {
                true => patience,
                false => progress.last() + silence,
            };
            tokio::select! {
                biased;
                (status, headers) = heard.next() => {
                    progress.begin();
                    self.listener.tell(status, &(self.judge)(headers)).await;
                    if status == StatusCode::CONTINUE && progress.is_held_back() {
                        progress.release();
                    }
                }
                response = &mut response => return Some(response),
                () = sleep_until(until) => {
                    if progress.is_held_back() {
                        self.listener.ask_for_body().await;
                        progress.release();
                    } else if progress.last() + silence <= Instant::now() {
                        return None;
                    }
                }
            }
        }
    }
}

/// A head as HTTP/2 has it: the host stands in the address, and in no field (RFC 9113 §8.3.1), and no
/// field is the connection's (§8.2.2): what `Connection` names, which is `TE` here, would go with it.
pub(super) fn for_http2(mut head: Request<()>, scheme: Scheme) -> Result<Request<()>, Failed> {
    let no_host = || Failed {
        fault: VisitorFault::BadRequest("the host is no host name").into(),
        again: Again::Never,
    };
    let host = head.headers().get(HOST).map(HeaderValue::as_bytes).ok_or_else(no_host)?;
    let mut uri = Parts::default();
    uri.scheme = Some(scheme.of_requests());
    uri.authority = Some(host.try_into().map_err(|_| no_host())?);
    let path = head.uri().path_and_query().cloned();
    uri.path_and_query = Some(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
    let uri = Uri::from_parts(uri).map_err(|_| no_host())?;
    // To take a field out of a map would move another into its place.
    let mut fields = HeaderMap::with_capacity(head.headers().keys_len());
    let stays = |name: &HeaderName| name != HOST && name != CONNECTION;
    for (name, value) in head.headers().iter().filter(|(name, _)| stays(name)) {
        fields.append(name.clone(), value.clone());
    }
    *head.headers_mut() = fields;
    *head.uri_mut() = uri;
    Ok(head)
}

/// How an answer failed to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loss {
    /// The site did not begin with the request.
    Refused,
    /// The site went away, or had gone, and did not begin with the request.
    Left,
    /// The connection died before a byte of the answer came.
    Died,
    /// What came was no answer.
    Broken,
    /// The site gave this request up, and goes on with others.
    Stream,
}

fn loss(error: &hyper::Error) -> Loss {
    let source = error.source();
    if let Some(error) = source.and_then(|source| source.downcast_ref::<h2::Error>()) {
        let refused = error.reason() == Some(h2::Reason::REFUSED_STREAM);
        return match (error.is_go_away(), error.is_reset()) {
            (true, _) if error.is_remote() => Loss::Left,
            (_, true) if refused && error.is_remote() => Loss::Refused,
            (_, true) => Loss::Stream,
            _ if error.is_io() => Loss::Died,
            _ => Loss::Broken,
        };
    }
    let io = source.and_then(|source| source.downcast_ref::<io::Error>()).map(io::Error::kind);
    let lost = error.is_incomplete_message() || error.is_canceled() || error.is_closed();
    match io {
        Some(io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) => Loss::Died,
        _ if lost => Loss::Died,
        _ => Loss::Broken,
    }
}

/// The error with its source, which names what really happened.
fn cause_of(error: &hyper::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
