//! How a connection to the site is made: TCP, TLS, and which HTTP is spoken on it.
//!
//! Over HTTP/1.1 a connection carries one request at a time and belongs to whoever has it; over
//! HTTP/2 it is shared, each request being a stream.
//!
//! Windows are such that one connection has room for all its streams: a visitor who reads slowly
//! holds up nobody else's answer, and no site can make us hold more than [`STREAMS_MAX`] windows.

use std::cell::Cell;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;

use hyper::client::conn::{http1, http2};
use hyper::rt::Executor;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::spawn_local;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tokio_util::either::Either;
use tokio_util::io::InspectReader;
use tracing::debug;

use super::origin::Scheme;
use super::server::Server;
use super::upload::Upload;
use crate::deadline::Impatient;
use crate::fault::UpstreamFault;
use crate::proxy::raw_target::{NextTarget, RawTargets};
use crate::settings::Span;

/// How many requests go on one HTTP/2 connection, where the site allows as many.
pub(super) const STREAMS_MAX: usize = 100;

/// How much of one answer may come ahead of its visitor, over HTTP/2.
const WINDOW: u32 = 256 * 1024;

/// How large the head of an answer may be. Over HTTP/1 it is also how much of an answer is read ahead of its
/// visitor, and hyper takes 100 fields at most: for more it would clear 16 KB for each answer.
const HEAD_BYTES_MAX: u32 = 64 * 1024;

/// Runs what belongs to an HTTP/2 connection on its own thread.
#[derive(Clone, Copy, Debug)]
pub struct Local;

impl<F: Future<Output = ()> + 'static> Executor<F> for Local {
    fn execute(&self, future: F) {
        spawn_local(future);
    }
}

/// Which HTTP a request can go by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wants {
    /// Whatever the site speaks.
    Any,
    /// HTTP/1.1 alone: it asks for the connection itself.
    Http1,
}

/// A new connection.
#[derive(Debug)]
pub(super) enum Opened {
    Own(Own),
    Shared(Rc<Shared>),
}

/// An HTTP/1.1 connection.
#[derive(Debug)]
pub(super) struct Own {
    pub(super) sender: http1::SendRequest<Upload>,
    pub(super) next_target: NextTarget,
    pub(super) address: SocketAddr,
    /// Whether it has carried a request before.
    pub(super) reused: bool,
    /// Whether it began with who asks, and so is for them alone.
    pub(super) for_one: bool,
}

/// An HTTP/2 connection.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) sender: http2::SendRequest<Upload>,
    pub(super) address: SocketAddr,
    /// How many streams the site allows.
    allowed: Rc<Cell<usize>>,
    /// How many requests are on it.
    pub(super) live: Cell<usize>,
    pub(super) reused: Cell<bool>,
    /// Whether the site has turned a request away that it did not begin with: it is to be used no more.
    pub(super) retired: Cell<bool>,
    /// Since when it rests, if nothing is on it.
    pub(super) since: Cell<Instant>,
}

impl Shared {
    /// Whether one more request may go on it.
    pub(super) fn has_room(&self) -> bool {
        self.live.get() < self.allowed.get().min(STREAMS_MAX)
    }

    pub(super) fn is_open(&self) -> bool {
        !self.retired.get() && !self.sender.is_closed()
    }
}

/// Makes a connection to `address`, which is one of the server's. It begins with `announced`, before TLS,
/// and ends where the server takes nothing for as long as `silence`.
pub(super) async fn connect(
    server: &Server,
    address: SocketAddr,
    wants: Wants,
    announced: Option<&[u8]>,
    within: Span,
    silence: Span,
) -> Result<Opened, UpstreamFault> {
    let unreachable =
        |cause: String| UpstreamFault::Unreachable(format!("{}: {cause}", server.origin));
    let made = timeout(within.get(), shake(server, address, wants, announced, silence)).await;
    made.map_err(|_| unreachable(format!("no answer in {within}")))?.map_err(unreachable)
}

async fn shake(
    server: &Server,
    address: SocketAddr,
    wants: Wants,
    announced: Option<&[u8]>,
    silence: Span,
) -> Result<Opened, String> {
    let said = |error: std::io::Error| error.to_string();
    let mut stream = TcpStream::connect(address).await.map_err(said)?;
    stream.set_nodelay(true).map_err(said)?;
    if let Some(announced) = announced {
        stream.write_all(announced).await.map_err(said)?;
    }
    let for_one = announced.is_some();
    // A site that takes nothing would hold the connection for as long as it likes.
    let stream = Impatient::within(silence.get(), stream);
    let Some(tls) = &server.tls else {
        let stream = Either::Left(stream);
        return match (server.origin.scheme, wants) {
            (Scheme::Http2, Wants::Any) => over_http2(stream, address, server.ping).await,
            _ => over_http1(stream, address, for_one).await,
        };
    };
    let config = if wants == Wants::Http1 { &tls.papers.http1 } else { &tls.papers.any };
    let connector = TlsConnector::from(config.clone());
    let stream = connector.connect(tls.name.clone(), stream).await;
    let stream = stream.map_err(|error| format!("TLS: {error}"))?;
    let chosen = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let stream = Either::Right(Box::new(stream));
    match chosen {
        true => over_http2(stream, address, server.ping).await,
        false => over_http1(stream, address, for_one).await,
    }
}

type Wire =
    Either<Impatient<TcpStream>, Box<tokio_rustls::client::TlsStream<Impatient<TcpStream>>>>;

async fn over_http1(stream: Wire, address: SocketAddr, for_one: bool) -> Result<Opened, String> {
    let next_target = NextTarget::default();
    let stream = RawTargets::new(stream, next_target.clone());
    let (sender, connection) = http1::Builder::new()
        .max_buf_size(HEAD_BYTES_MAX as usize)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| error.to_string())?;
    spawn_local(async move {
        if let Err(error) = connection.with_upgrades().await {
            debug!(%error, "a connection to the site ended");
        }
    });
    Ok(Opened::Own(Own { sender, next_target, address, reused: false, for_one }))
}

async fn over_http2(stream: Wire, address: SocketAddr, ping: Span) -> Result<Opened, String> {
    let streams = u32::try_from(STREAMS_MAX).unwrap_or(u32::MAX);
    let (hears, heard) = oneshot::channel();
    let mut hears = Some(hears);
    let stream = InspectReader::new(stream, move |_: &[u8]| {
        // Who no longer listens has given up.
        hears.take().map(|hears| hears.send(()));
    });
    let (sender, connection) = http2::Builder::new(Local)
        .timer(TokioTimer::new())
        .initial_max_send_streams(STREAMS_MAX)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW * streams)
        .max_header_list_size(HEAD_BYTES_MAX)
        .keep_alive_interval(ping.get())
        .keep_alive_timeout(ping.get())
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| error.to_string())?;
    // The first that a site says is how many requests it takes (RFC 9113 §3.4): a burst must know. One
    // that ends instead ends this too.
    let _ = heard.await;
    let allowed = Rc::new(Cell::new(connection.current_max_send_streams()));
    let told = Rc::clone(&allowed);
    spawn_local(async move {
        let mut connection = pin!(connection);
        let ended = poll_fn(|cx| {
            let polled = connection.as_mut().poll(cx);
            // It may say otherwise at any time.
            told.set(connection.current_max_send_streams());
            polled
        });
        if let Err(error) = ended.await {
            debug!(%error, "a connection to the site ended");
        }
    });
    Ok(Opened::Shared(Rc::new(Shared {
        sender,
        address,
        allowed,
        live: Cell::new(0),
        reused: Cell::new(false),
        retired: Cell::new(false),
        since: Cell::new(Instant::now()),
    })))
}
