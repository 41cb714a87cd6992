//! Connections to the site.
//!
//! Each thread has its own, and the one used last is used next: it is the warmest, and the
//! others can grow old. A connection is reused only after both bodies were read to their end.
//!
//! A request is tried again only if doing it twice does no more than once, it has no body, and
//! a *reused* connection died under it: the site closed it while it rested.
//!
//! An upload may take as long as it goes on; what may not last is silence.

use std::cell::{Cell, RefCell};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{HeaderValue, TRANSFER_ENCODING};
use http::{Method, Request, Response};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tracing::debug;

use super::raw_target::{NextTarget, RawTarget, RawTargets};
use super::upload::{Cut, FromVisitor};
use crate::bounds::Bounds;
use crate::fault::{Fault, UpstreamFault, VisitorFault};

/// The site, as one thread reaches it.
#[derive(Debug)]
pub struct Upstream {
    /// `host:port`
    address: String,
    bounds: Arc<Bounds>,
    resting: RefCell<Vec<Resting>>,
}

#[derive(Debug)]
struct Resting {
    connection: Connection,
    since: Instant,
}

/// A connection that requests can be sent on.
#[derive(Debug)]
struct Connection {
    sender: SendRequest<Upload>,
    next_target: NextTarget,
}

/// A connection in use; it rests again when told that it may.
#[derive(Debug)]
pub struct Lease {
    upstream: Rc<Upstream>,
    connection: Option<Connection>,
    progress: Rc<Progress>,
}

impl Lease {
    /// How long the site may pause within the answer's body.
    pub(super) fn pause(&self) -> Duration {
        self.upstream.bounds.timeouts.answer.get()
    }

    /// The answer was read to its end: the connection may be used again, if all of the
    /// request was sent too.
    pub fn finish(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        if !self.progress.complete.get() || connection.sender.is_closed() {
            return;
        }
        let mut resting = self.upstream.resting.borrow_mut();
        if resting.len() < self.upstream.bounds.limits.resting.get() {
            resting.push(Resting { connection, since: Instant::now() });
        }
    }
}

/// How far a request's body has got.
#[derive(Debug)]
struct Progress {
    last: Cell<Instant>,
    complete: Cell<bool>,
    /// Why the rest of it does not come.
    cut: RefCell<Option<VisitorFault>>,
}

/// A request's body on its way to the site.
#[derive(Debug)]
pub(super) struct Upload {
    body: Option<FromVisitor>,
    progress: Rc<Progress>,
}

impl Body for Upload {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let polled = Pin::new(body).poll_frame(cx);
        if polled.is_ready() {
            self.progress.last.set(Instant::now());
        }
        if let Poll::Ready(Some(Err(cut))) = &polled {
            *self.progress.cut.borrow_mut() = Some(cut.fault());
        }
        if matches!(polled, Poll::Ready(None)) || self.is_end_stream() {
            self.progress.complete.set(true);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or(SizeHint::with_exact(0), Body::size_hint)
    }
}

/// Why an attempt failed.
enum Failed {
    /// The connection died before a byte of the answer came.
    Died(String),
    /// Anything else.
    Fault(Fault),
}

impl Upstream {
    /// A site at `host:port`.
    pub fn new(address: String, bounds: Arc<Bounds>) -> Upstream {
        Upstream { address, bounds, resting: RefCell::default() }
    }

    /// Sends a request and waits for the head of the answer. `head` makes the request's head,
    /// once for each attempt.
    pub async fn send(
        self: &Rc<Self>,
        head: impl Fn() -> Request<()>,
        body: FromVisitor,
    ) -> Result<(Response<Incoming>, Lease), Fault> {
        let mut body = Some(body).filter(|body| !body.is_end_stream());
        let repeatable = body.is_none();
        while let Some(connection) = self.rested().await {
            let request = head();
            // RFC 9110 §9.2.2.
            let idempotent = matches!(
                *request.method(),
                Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE
            );
            match self.attempt(connection, request, body.take()).await {
                Ok(answer) => return Ok(answer),
                Err(Failed::Died(cause)) if repeatable && idempotent => {
                    debug!(%cause, "a resting connection had died; trying the next");
                }
                Err(Failed::Died(cause)) => return Err(UpstreamFault::Broken(cause).into()),
                Err(Failed::Fault(fault)) => return Err(fault),
            }
        }
        let connection = self.connect().await?;
        self.attempt(connection, head(), body).await.map_err(|failed| match failed {
            Failed::Died(cause) => UpstreamFault::Broken(cause).into(),
            Failed::Fault(fault) => fault,
        })
    }

    /// The connection that has rested the shortest and is still alive.
    async fn rested(&self) -> Option<Connection> {
        loop {
            let Resting { mut connection, since } = self.resting.borrow_mut().pop()?;
            if since.elapsed() > self.bounds.timeouts.rest.get() {
                // Those below are older still.
                self.resting.borrow_mut().clear();
                return None;
            }
            if connection.sender.ready().await.is_ok() {
                return Some(connection);
            }
        }
    }

    async fn connect(&self) -> Result<Connection, UpstreamFault> {
        let unreachable =
            |cause: String| UpstreamFault::Unreachable(format!("{}: {cause}", self.address));
        let connect = self.bounds.timeouts.connect;
        let stream = timeout(connect.get(), TcpStream::connect(&self.address))
            .await
            .map_err(|_| unreachable(format!("no answer in {connect}")))?
            .map_err(|error| unreachable(error.to_string()))?;
        stream.set_nodelay(true).map_err(|error| unreachable(error.to_string()))?;
        let next_target = NextTarget::default();
        let stream = RawTargets::new(stream, next_target.clone());
        let (sender, connection) = http1::Builder::new()
            .max_headers(256)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| unreachable(error.to_string()))?;
        tokio::task::spawn_local(async move {
            if let Err(error) = connection.with_upgrades().await {
                debug!(%error, "a connection to the site ended");
            }
        });
        Ok(Connection { sender, next_target })
    }

    async fn attempt(
        self: &Rc<Self>,
        mut connection: Connection,
        mut head: Request<()>,
        body: Option<FromVisitor>,
    ) -> Result<(Response<Incoming>, Lease), Failed> {
        if body.as_ref().is_some_and(|body| body.size_hint().exact().is_none()) {
            // Of itself hyper would send a `GET` without the body that it has.
            head.headers_mut().insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
        let progress = Rc::new(Progress {
            last: Cell::new(Instant::now()),
            complete: Cell::new(body.is_none()),
            cut: RefCell::new(None),
        });
        let raw = head.extensions().get::<RawTarget>().map(|RawTarget(raw)| raw.clone());
        connection.next_target.set(raw);
        let upload = Upload { body, progress: Rc::clone(&progress) };
        let response = {
            let silence = self.bounds.timeouts.answer.get();
            let mut response = pin!(connection.sender.send_request(head.map(|()| upload)));
            loop {
                let deadline = progress.last.get() + silence;
                match timeout_at(deadline, &mut response).await {
                    Ok(response) => break response,
                    Err(_) if progress.last.get() + silence <= Instant::now() => {
                        return Err(Failed::Fault(UpstreamFault::Timeout.into()));
                    }
                    Err(_) => {}
                }
            }
        };
        if response.is_err()
            && let Some(fault) = progress.cut.take()
        {
            return Err(Failed::Fault(fault.into()));
        }
        match response {
            Ok(response) => {
                let lease =
                    Lease { upstream: Rc::clone(self), connection: Some(connection), progress };
                Ok((response, lease))
            }
            Err(error)
                if error.is_incomplete_message() || error.is_canceled() || error.is_closed() =>
            {
                Err(Failed::Died(cause_of(&error)))
            }
            Err(error) => {
                let io = std::error::Error::source(&error)
                    .and_then(|source| source.downcast_ref::<std::io::Error>())
                    .map(std::io::Error::kind);
                match io {
                    Some(std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::BrokenPipe) => {
                        Err(Failed::Died(cause_of(&error)))
                    }
                    _ => Err(Failed::Fault(UpstreamFault::Broken(cause_of(&error)).into())),
                }
            }
        }
    }
}

/// The error with its source, which names what really happened.
fn cause_of(error: &hyper::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
