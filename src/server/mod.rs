//! Threads that accept and serve connections.
//!
//! Each thread is pinned to a core and runs a runtime of its own with its own listeners: a
//! connection lives and dies on the thread that accepted it. [`Admission`] lets it in, [`proxy_protocol`]
//! hears who comes where a balancer has to say so, TLS is next, and then the strict front [`Door`].
//!
//! When the gateway stops, listeners close at once, answers under way are finished, and what
//! is still open after [`Timeouts::drain`](crate::bounds::Timeouts::drain) is cut.

mod admission;
pub mod descriptors;
mod listener;
pub mod proxy_protocol;
mod strict;
mod tls;

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tracing::{debug, warn};

pub use admission::Admission;
pub use listener::bind;
pub use strict::Door;
pub use tls::{ByName, Certificates, TlsError, server_config};

use self::admission::{Held, Place};
use self::strict::http2::refusal as http2_refusal;
use self::strict::{HEAD_BYTES_MAX, Tunnel};
use crate::bounds::Bounds;
use crate::proxy::{Body, Ends, Local, Peer, Worker};

/// How soon a connection is accepted again after one could not be.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// What every connection begins with that speaks HTTP/2.
const PREFACE: &[u8; PREFACE_BYTES] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const PREFACE_BYTES: usize = 24;

/// How soon the rest of a preface is looked for that came in parts, which hardly happens. Each next time
/// it takes twice as long, so that nobody keeps a thread busy with a single letter.
const REST_OF_PREFACE: Duration = Duration::from_millis(5);

/// What one thread listens on.
#[derive(Debug)]
pub struct Sockets {
    /// For plain HTTP.
    pub plain: Vec<TcpListener>,
    /// For TLS.
    pub tls: Vec<TcpListener>,
    /// The certificates, where there is TLS.
    pub certificates: Option<Arc<ServerConfig>>,
    /// Who is let in, the same for all threads.
    pub admission: Arc<Admission>,
}

/// Serves until `stop` says so, and then until everything under way is done.
pub fn serve(
    worker: Worker,
    sockets: Sockets,
    mut stop: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = LocalSet::new();
    local.block_on(&runtime, async move {
        let worker = Rc::new(worker);
        let mut accepting = JoinSet::new();
        let acceptor = sockets.certificates.map(TlsAcceptor::from);
        let plain = sockets.plain.into_iter().map(|listener| (listener, None));
        let tls = sockets.tls.into_iter().map(|listener| (listener, acceptor.clone()));
        for (listener, acceptor) in plain.chain(tls) {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            let admission = Arc::clone(&sockets.admission);
            let worker = Rc::clone(&worker);
            accepting.spawn_local(accept(worker, admission, listener, acceptor, stop.clone()));
        }
        // The sender lives as long as the gateway; without it there is nobody to serve for.
        let _ = stop.wait_for(|stop| *stop).await;
        let drain = worker.bounds.timeouts.drain;
        let drained = timeout(drain.get(), async {
            while accepting.join_next().await.is_some() {}
            worker.tunnels.ended().await;
        });
        let drained = drained.await;
        if drained.is_err() {
            warn!("connections were still open after {drain} and are cut");
        }
        Ok(())
    })
}

/// Accepts until told to stop, then waits for the connections that it accepted.
async fn accept(
    worker: Rc<Worker>,
    admission: Arc<Admission>,
    listener: tokio::net::TcpListener,
    acceptor: Option<TlsAcceptor>,
    mut stop: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    let for_connections = stop.clone();
    loop {
        while connections.try_join_next().is_some() {}
        let accepted = async {
            let (stream, address) = listener.accept().await?;
            Ok::<_, io::Error>((stream, address, admission.place(&worker.counters).await))
        };
        let accepted = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => break,
            accepted = accepted => accepted,
        };
        match accepted {
            Ok((stream, address, mut place)) => {
                worker.counters.connections.add(1);
                if !admission.announces(address.ip()) && !place.give(address.ip()) {
                    worker.counters.connections_over_limit.add(1);
                    continue;
                }
                let stop = for_connections.clone();
                let connection = Connection {
                    worker: Rc::clone(&worker),
                    admission: Arc::clone(&admission),
                    stop,
                };
                let serve = connection.serve(stream, address, place, acceptor.clone());
                connections.spawn_local(serve);
            }
            // One that was gone before it was accepted.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                // Out of descriptors, as a rule: trying at once would only spin.
                worker.counters.accepts_failed.add(1);
                admission.failed(&error);
                sleep(ACCEPT_AGAIN).await;
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

struct Connection {
    worker: Rc<Worker>,
    admission: Arc<Admission>,
    stop: watch::Receiver<bool>,
}

impl Connection {
    async fn serve(
        self,
        mut stream: TcpStream,
        address: SocketAddr,
        mut place: Place,
        acceptor: Option<TlsAcceptor>,
    ) {
        let Ok(local) = stream.local_addr() else { return };
        // Answers are written whole: waiting to fill a packet only delays them.
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%error, "a connection was gone before it was served");
            return;
        }
        let mut peer = Peer { address, local, tls: acceptor.is_some() };
        if self.admission.announces(address.ip()) {
            match proxy_protocol::read(&mut stream).await {
                Ok(Some(Ends { from, to })) => {
                    (peer.address, peer.local) = (from, to);
                    if !place.give(from.ip()) {
                        return self.worker.counters.connections_over_limit.add(1);
                    }
                }
                // The proxy asks for itself.
                Ok(None) => {}
                Err(error) => {
                    self.worker.counters.announcements_refused.add(1);
                    return debug!(%error, "a connection was closed");
                }
            }
        }
        let Some(acceptor) = acceptor else { return self.plain(stream, peer, place).await };
        match timeout(self.worker.bounds.timeouts.handshake.get(), acceptor.accept(stream)).await {
            Ok(Ok(stream)) => {
                let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                match http2 {
                    true => self.http2(stream, peer, place).await,
                    false => self.http1(stream, peer, place).await,
                }
            }
            Ok(Err(error)) => debug!(%error, "a TLS handshake failed"),
            Err(_) => debug!("a TLS handshake took too long"),
        }
    }

    /// Without TLS nobody has said which HTTP is spoken, and the first bytes tell (RFC 9113 §3.3).
    async fn plain(mut self, stream: TcpStream, peer: Peer, place: Place) {
        let idle = self.worker.bounds.timeouts.idle.get();
        let http2 = tokio::select! {
            http2 = timeout(idle, begins_http2(&stream)) => http2,
            _ = self.stop.wait_for(|stop| *stop) => return,
        };
        match http2 {
            Ok(true) => self.http2(stream, peer, place).await,
            Ok(false) => self.http1(stream, peer, place).await,
            Err(_) => debug!("on a connection nothing was asked"),
        }
    }

    async fn http1<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(
        self,
        stream: S,
        peer: Peer,
        place: Place,
    ) {
        let stream = Held::new(stream, place);
        let door =
            Door::new(stream, Arc::clone(&self.worker.bounds), Arc::clone(&self.worker.counters));
        let tunnel = door.tunnel();
        let connection = http1::Builder::new()
            .header_read_timeout(None)
            .max_buf_size(HEAD_BYTES_MAX)
            .half_close(true)
            .serve_connection(TokioIo::new(door), service(self.worker, peer, Some(tunnel)));
        let connection = connection.with_upgrades();
        until_stopped(connection, http1::UpgradeableConnection::graceful_shutdown, self.stop).await;
    }

    async fn http2<S: AsyncRead + AsyncWrite + Unpin + 'static>(
        self,
        stream: S,
        peer: Peer,
        place: Place,
    ) {
        let stream = Held::new(stream, place);
        let Bounds { timeouts, limits } = &*self.worker.bounds;
        let streams = u32::try_from(limits.streams.get()).unwrap_or(u32::MAX);
        let connection = http2::Builder::new(Local)
            .timer(TokioTimer::new())
            .max_concurrent_streams(streams)
            .max_header_list_size(u32::try_from(HEAD_BYTES_MAX).unwrap_or(u32::MAX))
            .initial_stream_window_size(limits.stream_window.get())
            .initial_connection_window_size(limits.connection_window.get())
            .keep_alive_interval(timeouts.ping.get())
            .serve_connection(TokioIo::new(stream), service(Rc::clone(&self.worker), peer, None));
        until_stopped(connection, http2::Connection::graceful_shutdown, self.stop).await;
    }
}

/// Whether a connection begins with the preface of HTTP/2 (RFC 9113 §3.4). Nothing is taken from it.
async fn begins_http2(stream: &TcpStream) -> bool {
    let mut seen = [0; PREFACE.len()];
    let mut pause = REST_OF_PREFACE;
    loop {
        match stream.peek(&mut seen).await {
            Ok(PREFACE_BYTES) => return seen == *PREFACE,
            Ok(some) if some > 0 && PREFACE.starts_with(&seen[..some]) => {
                sleep(pause).await;
                pause *= 2;
            }
            // Whatever it is, HTTP/1 says what is wrong with it.
            _ => return false,
        }
    }
}

/// Answers the requests of one connection, which may become a tunnel.
fn service(
    worker: Rc<Worker>,
    peer: Peer,
    tunnel: Option<Tunnel>,
) -> impl Service<
    Request<Incoming>,
    Response = Response<Body>,
    Error = Infallible,
    Future = impl Future<Output = Result<Response<Body>, Infallible>>,
> {
    service_fn(move |request| {
        let (worker, tunnel) = (Rc::clone(&worker), tunnel.clone());
        async move {
            // Over HTTP/1 the door has refused what is to be.
            if request.version() == Version::HTTP_2
                && let Some(refusal) = http2_refusal(&request)
            {
                worker.counters.refuse(refusal);
                return Ok(refusal.response().map(Body::own));
            }
            let response = worker.handle(peer, request).await;
            if response.status() == StatusCode::SWITCHING_PROTOCOLS
                && let Some(tunnel) = tunnel
            {
                tunnel.begin();
            }
            Ok(response)
        }
    })
}

/// Drives a connection to its end; told to stop, it finishes what is under way and no more.
async fn until_stopped<C: Future<Output = hyper::Result<()>>>(
    connection: C,
    finish: impl FnOnce(Pin<&mut C>),
    mut stop: watch::Receiver<bool>,
) {
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        _ = stop.wait_for(|stop| *stop) => {
            finish(connection.as_mut());
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!(%error, "a connection ended");
    }
}
