//! Connections to the site.
//!
//! Each thread has its own, and the one used last is used next: it is the warmest, and the
//! others can grow old. A connection is reused only after both bodies were read to their end.
//!
//! A request is tried again only if doing it twice does no more than once, it has no body, and
//! a *reused* connection died under it: the site closed it while it rested.
//!
//! An upload may take as long as it goes on; what may not last is silence. One that the visitor keeps
//! back until it is asked for ([`super::interim`]) waits here for the site to ask, and is given up when
//! the site answers instead.

use std::cell::{Cell, RefCell};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::header::{HeaderValue, TRANSFER_ENCODING};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};
use tracing::debug;

use super::body::BodyError;
use super::interim::{Listener, PATIENCE};
use super::raw_target::{NextTarget, RawTarget, RawTargets};
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

impl Drop for Lease {
    fn drop(&mut self) {
        if self.progress.hold.get() == Hold::Given {
            // The connection waits for a body that never comes; nobody else would end it.
            self.progress.set(Hold::Over);
        }
    }
}

/// How far a request's body has got.
#[derive(Debug)]
struct Progress {
    last: Cell<Instant>,
    complete: Cell<bool>,
    /// Whether the visitor did not send all of it.
    broken: Cell<bool>,
    hold: Cell<Hold>,
    /// Who waits for another hold.
    held: RefCell<Option<Waker>>,
}

/// Whether a body goes to the site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hold {
    /// It does.
    Free,
    /// Not before the site asks for it.
    Back,
    /// It never will: the site has answered without it. The answer is still read.
    Given,
    /// Nor is the connection of use any more.
    Over,
}

impl Progress {
    fn of(body: Option<&Incoming>, listener: &Listener<'_>) -> Progress {
        let hold = if body.is_some() && listener.waits() { Hold::Back } else { Hold::Free };
        Progress {
            last: Cell::new(Instant::now()),
            complete: Cell::new(body.is_none()),
            broken: Cell::new(false),
            hold: Cell::new(hold),
            held: RefCell::default(),
        }
    }

    fn set(&self, hold: Hold) {
        self.hold.set(hold);
        if let Some(waker) = self.held.take() {
            waker.wake();
        }
    }

    fn is_held_back(&self) -> bool {
        self.hold.get() == Hold::Back
    }
}

/// A request's body on its way to the site.
#[derive(Debug)]
pub(super) struct Upload {
    body: Option<Incoming>,
    progress: Rc<Progress>,
}

impl Body for Upload {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self.progress.hold.get() {
            Hold::Free => {}
            Hold::Over => return Poll::Ready(Some(Err("the site did not want the body".into()))),
            hold => {
                if hold == Hold::Given {
                    // The visitor's connection learns that nobody reads on.
                    self.body = None;
                }
                *self.progress.held.borrow_mut() = Some(cx.waker().clone());
                return Poll::Pending;
            }
        }
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let polled = Pin::new(body).poll_frame(cx);
        if polled.is_ready() {
            self.progress.last.set(Instant::now());
        }
        if matches!(polled, Poll::Ready(Some(Err(_)))) {
            self.progress.broken.set(true);
        }
        let ended = match &polled {
            Poll::Ready(None) => true,
            Poll::Ready(Some(Ok(frame))) => frame.is_trailers(),
            _ => false,
        };
        if ended || self.is_end_stream() {
            self.progress.complete.set(true);
        }
        polled.map_err(BodyError::from)
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
    /// once for each attempt; what the site says ahead of its answer goes through `judge` to the
    /// `listener`.
    pub(super) async fn send(
        self: &Rc<Self>,
        head: impl Fn() -> Request<()>,
        body: Incoming,
        listener: &Listener<'_>,
        judge: &dyn Fn(HeaderMap) -> HeaderMap,
    ) -> Result<(Response<Incoming>, Lease), Fault> {
        let exchange = Exchange { listener, judge };
        let mut body = Some(body).filter(|body| !body.is_end_stream());
        let repeatable = body.is_none();
        while let Some(connection) = self.rested().await {
            let request = head();
            // RFC 9110 §9.2.2.
            let idempotent = matches!(
                *request.method(),
                Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE
            );
            match self.attempt(connection, request, body.take(), exchange).await {
                Ok(answer) => return Ok(answer),
                Err(Failed::Died(cause)) if repeatable && idempotent => {
                    debug!(%cause, "a resting connection had died; trying the next");
                }
                Err(Failed::Died(cause)) => return Err(UpstreamFault::Broken(cause).into()),
                Err(Failed::Fault(fault)) => return Err(fault),
            }
        }
        let connection = self.connect().await?;
        self.attempt(connection, head(), body, exchange).await.map_err(|failed| match failed {
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
        body: Option<Incoming>,
        exchange: Exchange<'_>,
    ) -> Result<(Response<Incoming>, Lease), Failed> {
        if body.as_ref().is_some_and(|body| body.size_hint().exact().is_none()) {
            // Of itself hyper would send a `GET` without the body that it has.
            head.headers_mut().insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
        let progress = Rc::new(Progress::of(body.as_ref(), exchange.listener));
        let raw = head.extensions().get::<RawTarget>().map(|RawTarget(raw)| raw.clone());
        connection.next_target.set(raw);
        let upload = Upload { body, progress: Rc::clone(&progress) };
        let patience = self.bounds.timeouts.answer.get();
        let request = head.map(|()| upload);
        let response = exchange.answer(&mut connection.sender, request, &progress, patience);
        let response = response.await.ok_or(Failed::Fault(UpstreamFault::Timeout.into()))?;
        if progress.is_held_back() {
            progress.set(Hold::Given);
        }
        match response {
            Ok(response) => {
                let lease =
                    Lease { upstream: Rc::clone(self), connection: Some(connection), progress };
                Ok((response, lease))
            }
            Err(_) if progress.broken.get() => {
                let cause = "the request's body broke off";
                Err(Failed::Fault(VisitorFault::BadRequest(cause).into()))
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

/// One request, and who hears what the site says to it.
#[derive(Clone, Copy)]
struct Exchange<'a> {
    listener: &'a Listener<'a>,
    judge: &'a dyn Fn(HeaderMap) -> HeaderMap,
}

impl Exchange<'_> {
    /// Waits for the answer and passes on what comes ahead of it; nothing if the site is silent for
    /// too long.
    async fn answer(
        &self,
        sender: &mut SendRequest<Upload>,
        mut request: Request<Upload>,
        progress: &Progress,
        silence: Duration,
    ) -> Option<hyper::Result<Response<Incoming>>> {
        let heard = self.listener.listen(&mut request);
        let patience = Instant::now() + PATIENCE;
        let mut response = pin!(sender.send_request(request));
        loop {
            let silent = progress.last.get() + silence;
            let until = if progress.is_held_back() { patience } else { silent };
            tokio::select! {
                biased;
                (status, headers) = heard.next() => {
                    progress.last.set(Instant::now());
                    self.listener.tell(status, &(self.judge)(headers)).await;
                    if status == StatusCode::CONTINUE && progress.is_held_back() {
                        progress.set(Hold::Free);
                    }
                }
                response = &mut response => return Some(response),
                () = sleep_until(until) => {
                    if progress.is_held_back() {
                        self.listener.ask_for_body().await;
                        progress.set(Hold::Free);
                    } else if progress.last.get() + silence <= Instant::now() {
                        return None;
                    }
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
