//! Sites that speak what they are told to: TLS or not, HTTP/2 or HTTP/1.1.
//!
//! A site says back what it is sent, as it comes, trailers too, and tells in fields how it was asked.
//! `/wait` it answers when it is told to, `/health` with the status that it is told. It can be stopped,
//! with all its connections, and started again.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicUsize, Ordering};
use std::thread::JoinHandle;

use http::header::{CONNECTION, HOST, TE, UPGRADE};
use http::{HeaderValue, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, oneshot};
use tokio_rustls::TlsAcceptor;

/// What a site speaks.
#[derive(Clone)]
pub(crate) enum Speaks {
    Http1,
    Http2,
    /// With what TLS is served; the protocol is the one that was agreed on.
    Tls(Arc<ServerConfig>),
}

/// A site.
pub(crate) struct Site {
    pub(crate) address: SocketAddr,
    speaks: Speaks,
    told: Arc<Told>,
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

/// What a site and its test tell each other.
pub(crate) struct Told {
    connections: AtomicUsize,
    requests: AtomicUsize,
    waiting: AtomicUsize,
    go_on: Semaphore,
    checks: AtomicUsize,
    health: AtomicU16,
    cuts: AtomicBool,
    streams: u32,
    name: String,
}

impl Site {
    /// A site on a port of its own.
    pub(crate) fn start(speaks: Speaks) -> Site {
        Site::named("site", speaks, 100)
    }

    /// A site that says `name`, and allows as many streams on an HTTP/2 connection.
    pub(crate) fn named(name: &str, speaks: Speaks, streams: u32) -> Site {
        Site::at(name, speaks, streams, SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    /// A site at an address.
    pub(crate) fn at(name: &str, speaks: Speaks, streams: u32, address: SocketAddr) -> Site {
        let told = Arc::new(Told {
            connections: AtomicUsize::new(0),
            requests: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            go_on: Semaphore::new(0),
            checks: AtomicUsize::new(0),
            health: AtomicU16::new(200),
            cuts: AtomicBool::new(false),
            streams,
            name: name.to_owned(),
        });
        let mut site = Site { address, speaks, told, running: None };
        site.resume();
        site
    }

    /// Starts again where it was.
    pub(crate) fn resume(&mut self) {
        let listener = TcpListener::bind(self.address).expect("a free port");
        listener.set_nonblocking(true).expect("a socket");
        self.address = listener.local_addr().expect("it is bound");
        let (speaks, told) = (self.speaks.clone(), Arc::clone(&self.told));
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                tokio::select! {
                    () = accept(listener, speaks, told) => {}
                    _ = stopped => {}
                }
            });
        });
        self.running = Some((stop, thread));
    }

    /// Stops, with all its connections.
    pub(crate) fn stop(&mut self) {
        let (stop, thread) = self.running.take().expect("it runs");
        drop(stop);
        thread.join().expect("it ran");
    }

    /// What it answers when it is asked for its health.
    pub(crate) fn set_health(&self, status: u16) {
        self.told.health.store(status, Ordering::SeqCst);
    }

    /// Whether it cuts connections instead of answering, but for its health.
    pub(crate) fn set_cuts(&self, cuts: bool) {
        self.told.cuts.store(cuts, Ordering::SeqCst);
    }

    /// How often it was asked for its health.
    pub(crate) fn checks(&self) -> usize {
        self.told.checks.load(Ordering::SeqCst)
    }

    /// How many connections it has accepted.
    pub(crate) fn connections(&self) -> usize {
        self.told.connections.load(Ordering::SeqCst)
    }

    /// How many requests it was asked.
    pub(crate) fn requests(&self) -> usize {
        self.told.requests.load(Ordering::SeqCst)
    }

    /// How many requests for `/wait` are open.
    pub(crate) fn waiting(&self) -> usize {
        self.told.waiting.load(Ordering::SeqCst)
    }

    /// Waits until so many requests for `/wait` are open.
    pub(crate) async fn is_waited_for(&self, requests: usize) {
        let reached = async {
            while self.waiting() < requests {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        let waited = tokio::time::timeout(super::PATIENCE, reached).await;
        waited.unwrap_or_else(|_| panic!("{requests} requests never waited"));
    }

    /// Answers so many requests for `/wait`.
    pub(crate) fn go_on(&self, requests: usize) {
        self.told.go_on.add_permits(requests);
    }
}

async fn accept(listener: TcpListener, speaks: Speaks, told: Arc<Told>) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("a runtime");
    while let Ok((stream, _)) = listener.accept().await {
        told.connections.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(serve(stream, speaks.clone(), Arc::clone(&told)));
    }
}

async fn serve(stream: TcpStream, speaks: Speaks, told: Arc<Told>) {
    match speaks {
        Speaks::Http1 => speak(stream, false, told).await,
        Speaks::Http2 => speak(stream, true, told).await,
        Speaks::Tls(config) => {
            // Whom it does not like it does not serve.
            let Ok(stream) = TlsAcceptor::from(config).accept(stream).await else { return };
            let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            speak(stream, http2, told).await;
        }
    }
}

async fn speak<S>(stream: S, http2: bool, told: Arc<Told>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let streams = told.streams;
    let service = service_fn(move |request| {
        let told = Arc::clone(&told);
        async move { answer(request, &told).await.ok_or("cut") }
    });
    let stream = TokioIo::new(stream);
    // A gateway that leaves is no failure of the site's.
    if http2 {
        let _ = http2::Builder::new(TokioExecutor::new())
            .max_concurrent_streams(streams)
            .serve_connection(stream, service)
            .await;
    } else {
        let _ = http1::Builder::new().serve_connection(stream, service).with_upgrades().await;
    }
}

async fn answer(mut request: Request<Incoming>, told: &Told) -> Option<Response<Incoming>> {
    if request.uri().path() == "/health" {
        told.checks.fetch_add(1, Ordering::SeqCst);
        let mut response = Response::new(request.into_body());
        let status = told.health.load(Ordering::SeqCst);
        *response.status_mut() = StatusCode::from_u16(status).expect("a status");
        return Some(response);
    }
    if told.cuts.load(Ordering::SeqCst) {
        return None;
    }
    told.requests.fetch_add(1, Ordering::SeqCst);
    if request.uri().path() == "/wait" {
        told.waiting.fetch_add(1, Ordering::SeqCst);
        told.go_on.acquire().await.expect("it is never closed").forget();
        told.waiting.fetch_sub(1, Ordering::SeqCst);
    }
    let upgrade = request.headers().contains_key(UPGRADE).then(|| hyper::upgrade::on(&mut request));
    let (parts, body) = request.into_parts();
    let mut response = Response::new(body);
    let version = if parts.version == Version::HTTP_2 { "2" } else { "1.1" };
    let authority = parts.uri.authority().map(|authority| authority.as_str().to_owned());
    let scheme = parts.uri.scheme_str().unwrap_or("-").to_owned();
    let path = parts.uri.path_and_query().map_or("", |path| path.as_str()).to_owned();
    let field = |name| parts.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    for (name, value) in [
        ("x-site", told.name.as_str()),
        ("x-version", version),
        ("x-authority", authority.as_deref().unwrap_or("-")),
        ("x-host", field(HOST).unwrap_or("-")),
        ("x-scheme", &scheme),
        ("x-path", &path),
        ("x-te", field(TE).unwrap_or("-")),
        ("content-type", "application/octet-stream"),
        ("trailer", "x-sum"),
    ] {
        response.headers_mut().insert(name, value.parse().expect("a value"));
    }
    if let Some(upgrade) = upgrade {
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("upgrade"));
        response.headers_mut().insert(UPGRADE, HeaderValue::from_static("websocket"));
        tokio::spawn(async move {
            let stream = upgrade.await.expect("it switches");
            let (ours, mut back) = tokio::io::duplex(1024);
            let echo = tokio::spawn(async move {
                let (mut read, mut write) = tokio::io::split(ours);
                let _ = tokio::io::copy(&mut read, &mut write).await;
            });
            let _ = copy_bidirectional(&mut TokioIo::new(stream), &mut back).await;
            echo.abort();
        });
    }
    Some(response)
}
