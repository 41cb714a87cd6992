//! Threads that accept and serve connections.
//!
//! Each thread is pinned to a core and runs a runtime of its own with its own listeners: a
//! connection lives and dies on the thread that accepted it. [`Admission`] lets it in, [`proxy_protocol`]
//! hears who comes where a balancer has to say so, TLS is next, and then the strict front [`Door`].
//!
//! When the gateway stops, listeners close at once, answers under way are finished, and what
//! is still open after [`Timeouts::drain`](crate::bounds::Timeouts::drain) is cut. Told to pause, it leaves new connections where they are, for
//! another process to accept. Both ways nobody is hung up on who may be about to ask: a connection
//! ends with the answer that says so, or after it has rested for [`GRACE`]. Who has begun to ask by then
//! has the time that a head has.

mod admission;
mod descriptors;
mod http1;
mod http2;
mod line;
mod listener;
pub mod proxy_protocol;
mod strict;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http::Response;
use http::header::STRICT_TRANSPORT_SECURITY;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::watch;
use tokio::task::{JoinSet, spawn_local};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tracing::{debug, warn};

pub use admission::Admission;
pub use listener::bind;
pub use strict::Door;

use self::admission::{Held, Place};
use self::http2::{PREFACE, PREFACE_BYTES};
use self::line::Line;
use crate::bounds::Bounds;
use crate::proxy::{Ends, InForce, Peer, Worker};
use crate::tls::Certificate;

/// How soon a connection is accepted again after one could not be.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// How long a connection on which nothing happens is kept for what may be on its way.
pub const GRACE: Duration = Duration::from_millis(500);

/// What the threads that serve are told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// To accept and to serve.
    Serving,
    /// To accept nobody and to finish with those who are there; it may yet be told to serve again.
    Paused,
    /// To close the listeners, finish and end.
    Stopping,
}

/// What the threads hear from whoever starts and stops them.
pub type Phases = watch::Receiver<Phase>;

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
    /// Who is let in, the same for all threads.
    pub admission: Arc<Admission>,
}

/// Serves until `stop` says so, and then until everything under way is done.
pub fn serve(worker: Worker, sockets: Sockets, mut phases: Phases) -> std::io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
    runtime.block_on(async move {
        let worker = Rc::new(worker);
        let mut accepting = JoinSet::new();
        let plain = sockets.plain.into_iter().map(|listener| (listener, Speaks::Plain));
        let tls = sockets.tls.into_iter().map(|listener| (listener, Speaks::Tls));
        for (listener, speaks) in plain.chain(tls) {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            let admission = Arc::clone(&sockets.admission);
            let worker = Rc::clone(&worker);
            accepting.spawn_local(accept(worker, admission, listener, speaks, phases.clone()));
        }
        spawn_local(follow(Rc::clone(&worker)));
        // The sender lives as long as the gateway; without it there is nobody to serve for.
        let _ = phases.wait_for(|phase| *phase == Phase::Stopping).await;
        let drain = worker.current.get().bounds.timeouts.drain;
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

/// Lets go of connections to servers that are in force no more, also on a thread that nobody asks.
async fn follow(worker: Rc<Worker>) {
    let mut news = worker.current.news();
    while news.changed().await.is_ok() {
        worker.upstream.follow(&worker.current.get().sites);
    }
}

/// What is spoken on a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Speaks {
    Plain,
    Tls,
}

/// Accepts until told to stop, then waits for the connections that it accepted.
async fn accept(
    worker: Rc<Worker>,
    admission: Arc<Admission>,
    listener: tokio::net::TcpListener,
    speaks: Speaks,
    mut phases: Phases,
) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let phase = *phases.borrow_and_update();
        if phase == Phase::Stopping {
            break;
        }
        let accepted = tokio::select! {
            biased;
            // The sender lives as long as the gateway.
            _ = phases.changed() => continue,
            accepted = listener.accept(), if phase == Phase::Serving => accepted,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            // One that was gone before it was accepted.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
            Err(error) => {
                // Out of descriptors, as a rule: trying at once would only spin.
                worker.counters.accepts_failed.add(1);
                admission.failed(&error);
                sleep(ACCEPT_AGAIN).await;
                continue;
            }
        };
        worker.counters.connections.add(1);
        // Who was accepted is served, even if meanwhile nobody else is to be.
        let mut place = tokio::select! {
            biased;
            _ = phases.wait_for(|phase| *phase == Phase::Stopping) => break,
            place = admission.place(&worker.counters) => place,
        };
        let in_force = worker.current.get();
        if !in_force.announcing.contains(address.ip()) && !place.give(address.ip(), &in_force) {
            worker.counters.connections_over_limit.add(1);
            continue;
        }
        let connection = Connection {
            worker: Rc::clone(&worker),
            bounds: Arc::clone(&in_force.bounds),
            phases: phases.clone(),
            secured: Secured::default(),
        };
        connections.spawn_local(connection.serve(stream, address, place, speaks, in_force));
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

struct Connection {
    worker: Rc<Worker>,
    /// Those in force when it began.
    bounds: Arc<Bounds>,
    phases: Phases,
    secured: Secured,
}

/// What holds on a connection because it is one over TLS; nothing without.
#[derive(Clone, Debug, Default)]
struct Secured {
    /// The certificate that was shown, if a name was asked for.
    shown: Option<Arc<Certificate>>,
}

impl Secured {
    /// Whether a request for this host belongs on the connection.
    fn is_for(&self, host: Option<&str>) -> bool {
        match (&self.shown, host) {
            (Some(shown), Some(host)) => shown.is_for(host),
            _ => true,
        }
    }
}

/// Adds to an answer over TLS what TLS promises.
fn promise<B>(in_force: &InForce, peer: Peer, response: &mut Response<B>) {
    if let Some(hsts) = in_force.hsts.as_ref().filter(|_| peer.tls)
        && !response.headers().contains_key(STRICT_TRANSPORT_SECURITY)
    {
        response.headers_mut().insert(STRICT_TRANSPORT_SECURITY, hsts.clone());
    }
}

impl Connection {
    async fn serve(
        mut self,
        mut stream: TcpStream,
        address: SocketAddr,
        mut place: Place,
        speaks: Speaks,
        in_force: Arc<InForce>,
    ) {
        let Ok(local) = stream.local_addr() else { return };
        // Answers are written whole: waiting to fill a packet only delays them.
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%error, "a connection was gone before it was served");
            return;
        }
        let mut peer = Peer { address, local, tls: speaks == Speaks::Tls };
        if in_force.announcing.contains(address.ip()) {
            match proxy_protocol::read(&mut stream).await {
                Ok(Some(Ends { from, to })) => {
                    (peer.address, peer.local) = (from, to);
                    if !place.give(from.ip(), &in_force) {
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
        let served = in_force.served.clone().filter(|_| peer.tls);
        // What a request holds to is its own; held here it would last as long as the connection.
        drop(in_force);
        let Some(served) = served else { return self.plain(stream, peer, place).await };
        let handshake = Box::pin(TlsAcceptor::from(Arc::clone(&served.config)).accept(stream));
        match timeout(self.bounds.timeouts.handshake.get(), handshake).await {
            Ok(Ok(stream)) => {
                let told = &stream.get_ref().1;
                let shown = told.server_name().map(|name| served.shown_to(name));
                let http2 = told.alpn_protocol() == Some(b"h2");
                self.secured = Secured { shown };
                drop(served);
                self.http(http2, Held::new(stream, place), peer).await;
            }
            Ok(Err(error)) => debug!(%error, "a TLS handshake failed"),
            Err(_) => debug!("a TLS handshake took too long"),
        }
    }

    /// Without TLS nobody has said which HTTP is spoken, and the first bytes tell (RFC 9113 §3.3).
    async fn plain(mut self, stream: TcpStream, peer: Peer, place: Place) {
        let (head, idle) = (self.bounds.timeouts.head.get(), self.bounds.timeouts.idle.get());
        let mut first = [0];
        let begun = tokio::select! {
            begun = timeout(idle, stream.peek(&mut first)) => begun,
            () = grace(&mut self.phases) => return,
        };
        if begun.is_err() {
            return debug!("on a connection nothing was asked");
        }
        let http2 = begins_http2(&stream, head).await;
        self.http(http2, Held::new(stream, place), peer).await;
    }

    /// Boxed, so that no connection has room for what only others need.
    fn http<S: AsyncRead + AsyncWrite + Line + Send + Unpin + 'static>(
        self,
        http2: bool,
        stream: S,
        peer: Peer,
    ) -> Pin<Box<dyn Future<Output = ()>>> {
        match http2 {
            true => Box::pin(http2::serve(stream, self.worker, peer, self.secured, self.phases)),
            false => Box::pin(http1::serve(stream, self.worker, peer, self.bounds, self.phases)),
        }
    }
}

/// Whether a connection begins with the preface of HTTP/2 (RFC 9113 §3.4). Nothing is taken from it.
async fn begins_http2(stream: &TcpStream, head: Duration) -> bool {
    let mut seen = [0; PREFACE.len()];
    let mut pause = REST_OF_PREFACE;
    loop {
        match stream.peek(&mut seen).await {
            Ok(PREFACE_BYTES) => return seen == *PREFACE,
            Ok(some) if some > 0 && pause < head && PREFACE.starts_with(&seen[..some]) => {
                sleep(pause).await;
                pause *= 2;
            }
            // Whatever it is, and however slow, HTTP/1 says what is wrong with it.
            _ => return false,
        }
    }
}

/// Waits until nobody is served any more, and then for those who are about to ask.
async fn grace(phases: &mut Phases) {
    let _ = phases.wait_for(|phase| *phase != Phase::Serving).await;
    sleep(GRACE).await;
}

/// Drives a connection to its end; once `told`, it finishes what is under way and no more.
async fn until<C: Future<Output = hyper::Result<()>>>(
    told: impl Future<Output = ()>,
    connection: C,
    finish: impl FnOnce(Pin<&mut C>),
) {
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => Some(ended),
        () = told => None,
    };
    let ended = if let Some(ended) = ended {
        ended
    } else {
        finish(connection.as_mut());
        connection.await
    };
    if let Err(error) = ended {
        debug!(%error, "a connection ended");
    }
}
