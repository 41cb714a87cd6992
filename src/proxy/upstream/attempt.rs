//! One try to have a request answered, and what may be done if it fails.
//!
//! A request may be sent again in two cases. The site did not begin with it, and said so: it refused the
//! stream, or went away before it (RFC 9113 §8.7). Or a *reused* connection died before a byte of the
//! answer came, and doing it twice does no more than once (RFC 9110 §9.2.2). In both of them only if
//! nothing of its body was read.
//!
//! An upload may take as long as it goes on; what may not last is silence.

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{HOST, HeaderValue, TRANSFER_ENCODING};
use http::uri::{Parts, PathAndQuery};
use http::{HeaderMap, Request, Response, Uri};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};
use tokio_util::either::Either;

use super::group::Slot;
use super::origin::Scheme;
use super::pool::{Connection, Lease, Pool};
use crate::fault::{Fault, UpstreamFault, VisitorFault};
use crate::proxy::raw_target::RawTarget;
use crate::proxy::upload::{Cut, FromVisitor};

/// How far a request's body has got.
#[derive(Debug)]
pub(super) struct Progress {
    body: RefCell<Option<FromVisitor>>,
    last: Cell<Instant>,
    /// Whether something of it was read.
    begun: Cell<bool>,
    complete: Cell<bool>,
    /// Why the rest of it does not come.
    cut: RefCell<Option<VisitorFault>>,
}

impl Progress {
    fn of(body: Option<FromVisitor>) -> Rc<Progress> {
        let complete = Cell::new(body.is_none());
        Rc::new(Progress {
            body: RefCell::new(body),
            last: Cell::new(Instant::now()),
            begun: Cell::new(false),
            complete,
            cut: RefCell::default(),
        })
    }

    /// Whether all of it was sent.
    pub(super) fn is_complete(&self) -> bool {
        self.complete.get()
    }
}

/// A request's body on its way to the site.
#[derive(Debug)]
pub(super) struct Upload(Rc<Progress>);

impl Upload {
    /// No body.
    pub(super) fn none() -> Upload {
        Upload(Progress::of(None))
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        let progress = &self.0;
        let polled = match &mut *progress.body.borrow_mut() {
            None => return Poll::Ready(None),
            Some(body) => Pin::new(body).poll_frame(cx),
        };
        if polled.is_ready() {
            progress.last.set(Instant::now());
            progress.begun.set(true);
        }
        if let Poll::Ready(Some(Err(cut))) = &polled {
            *progress.cut.borrow_mut() = Some(cut.fault());
        }
        if matches!(polled, Poll::Ready(None)) || self.is_end_stream() {
            progress.complete.set(true);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.0.body.borrow().as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.0.body.borrow().as_ref().map_or(SizeHint::with_exact(0), Body::size_hint)
    }
}

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
) -> Result<(Response<Incoming>, Lease), Failed> {
    let silence = pool.bounds.timeouts.answer.get();
    let length = body.as_ref().map(|body| body.size_hint().exact());
    let progress = Progress::of(body);
    let upload = Upload(Rc::clone(&progress));
    let response = match &mut connection {
        Connection::Own(own) => {
            if length == Some(None) {
                // Of itself hyper would send a `GET` without the body that it has.
                let chunked = HeaderValue::from_static("chunked");
                head.headers_mut().insert(TRANSFER_ENCODING, chunked);
            }
            let raw = head.extensions().get::<RawTarget>().map(|RawTarget(raw)| raw.clone());
            own.next_target.set(raw);
            Either::Left(own.sender.send_request(head.map(|()| upload)))
        }
        Connection::Shared(ticket) => {
            let head = for_http2(head, pool.server.origin.scheme)?;
            Either::Right(ticket.sender().send_request(head.map(|()| upload)))
        }
    };
    let response = {
        let mut response = pin!(response);
        loop {
            let deadline = progress.last.get() + silence;
            match timeout_at(deadline, &mut response).await {
                Ok(response) => break response,
                Err(_) if progress.last.get() + silence <= Instant::now() => {
                    return Err(UpstreamFault::Timeout.into());
                }
                Err(_) => {}
            }
        }
    };
    if response.is_err()
        && let Some(fault) = progress.cut.take()
    {
        return Err(Failed { fault: fault.into(), again: Again::Never });
    }
    match response {
        Ok(response) => Ok((response, Lease::new(Rc::clone(pool), slot, connection, progress))),
        Err(error) => {
            let fault = UpstreamFault::Broken(cause_of(&error)).into();
            let untouched = !progress.begun.get();
            let body = progress.body.take();
            let loss = loss(&error);
            if !matches!(loss, Loss::Stream | Loss::Refused) {
                connection.retire();
            }
            let again = match loss {
                Loss::Refused | Loss::Left if untouched => Again::Always(body),
                Loss::Died if untouched && connection.was_reused() => Again::IfIdempotent(body),
                _ => Again::Never,
            };
            Err(Failed { fault, again })
        }
    }
}

/// A head as HTTP/2 has it: the host stands in the address, and in no field (RFC 9113 §8.3.1).
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
    for (name, value) in head.headers().iter().filter(|(name, _)| *name != HOST) {
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
    /// The site went away, and did not begin with the request.
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
