//! Servers of a site that are restarted while they are asked.
//!
//! A graceful restart is what a supervisor does that holds the listening socket (systemd's socket
//! activation, or a server that hands it on): who is asked last answers what is under way, closes what
//! rests, and connections wait meanwhile. An abrupt one closes everything at once, and for a time nobody
//! listens.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Response, header};
use hyper_util::rt::TokioIo;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::PATIENCE;

/// What all of them answer.
pub(crate) const ANSWER: &str = "ok";

/// For how long nobody listens in an abrupt restart.
const DOWN: Duration = Duration::from_millis(500);

/// A server that runs.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    listener: TcpListener,
    going: watch::Sender<Going>,
    thread: JoinHandle<()>,
}

/// How a server is to end, if it is.
#[derive(Clone, Copy, PartialEq)]
enum Going {
    On,
    Gracefully,
    Abruptly,
}

impl Server {
    /// One on a free port.
    pub(crate) fn start() -> Server {
        Server::on(TcpListener::bind("127.0.0.1:0").expect("a port"))
    }

    fn on(listener: TcpListener) -> Server {
        let address = listener.local_addr().expect("it is bound");
        let own = listener.try_clone().expect("a descriptor");
        let (going, told) = watch::channel(Going::On);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(serve(own, told));
        });
        Server { address, listener, going, thread }
    }

    /// Another takes its place, on the same listening socket.
    pub(crate) fn restart_gracefully(self) -> Server {
        let next = Server::on(self.listener);
        self.going.send_replace(Going::Gracefully);
        self.thread.join().expect("it ends");
        next
    }

    /// It dies, and another comes later.
    pub(crate) fn restart_abruptly(self) -> Server {
        drop(self.listener);
        self.going.send_replace(Going::Abruptly);
        self.thread.join().expect("it ends");
        std::thread::sleep(DOWN);
        let since = Instant::now();
        loop {
            match TcpListener::bind(self.address) {
                Ok(listener) => return Server::on(listener),
                // Somebody's connection may have been given the port for a moment.
                Err(error) => assert!(since.elapsed() < PATIENCE, "{}: {error}", self.address),
            }
            std::thread::yield_now();
        }
    }
}

async fn serve(listener: TcpListener, told: watch::Receiver<Going>) {
    listener.set_nonblocking(true).expect("a socket");
    let listener = tokio::net::TcpListener::from_std(listener).expect("a socket");
    let (mut connections, mut stop) = (JoinSet::new(), told.clone());
    loop {
        let (stream, _) = tokio::select! {
            _ = stop.changed() => break,
            accepted = listener.accept() => accepted.expect("a connection"),
        };
        let mut told = told.clone();
        connections.spawn(async move {
            stream.set_nodelay(true).expect("a socket");
            let answer = service_fn(|_| async {
                let answer = Response::builder().header(header::CONTENT_TYPE, "text/plain");
                Ok::<_, Infallible>(answer.body(Full::<Bytes>::from(ANSWER)).expect("an answer"))
            });
            let serve = http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
            let mut serve = pin!(serve);
            let is_over = tokio::select! {
                _ = &mut serve => true,
                _ = told.changed() => false,
            };
            if !is_over {
                serve.as_mut().graceful_shutdown();
                // The gateway may be gone: there is nobody to tell.
                let _ = serve.await;
            }
        });
    }
    drop(listener);
    if *stop.borrow() == Going::Gracefully {
        while connections.join_next().await.is_some() {}
    }
}
