//! Visitors who never stop asking, over TLS, half of them by HTTP/1.1 and half by HTTP/2.
//!
//! They ask at the pace that they were told, and catch up if they were kept waiting. They keep their
//! connections, as browsers do: one that the gateway has taken leave of before a request was sent on it
//! is nobody's failure, and everything else is.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::{TrySendError, http1, http2};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::servers::ANSWER;
use crate::PATIENCE;

/// How many ask over HTTP/1.1, once a turn.
const HTTP1: u32 = 8;

/// How many ask over HTTP/2, four times at once.
const HTTP2: u32 = 2;

/// How many requests they make together in a turn.
const TURN: u32 = HTTP1 + 4 * HTTP2;

/// What they ask for, in turn: of the server that stands alone, and of the pair.
const PATHS: [&str; 2] = ["/alone", "/pair"];

/// Visitors who ask.
pub(crate) struct Crowd {
    told: Arc<Told>,
    thread: JoinHandle<Vec<String>>,
    since: Instant,
}

/// What the crowd and the test tell each other.
#[derive(Default)]
struct Told {
    stop: AtomicBool,
    answered: AtomicUsize,
    connections: AtomicUsize,
}

impl Crowd {
    /// A crowd that asks so often in a second.
    pub(crate) fn at(gateway: SocketAddr, tls: &ClientConfig, rate: u32) -> Crowd {
        let told = Arc::<Told>::default();
        let with = |protocol: &[u8]| {
            let mut config = tls.clone();
            config.alpn_protocols = vec![protocol.to_vec()];
            TlsConnector::from(Arc::new(config))
        };
        let door = |tls| Door { gateway, tls, told: Arc::clone(&told) };
        let (first, second) = (door(with(b"http/1.1")), door(with(b"h2")));
        let pause = Duration::from_secs(1) * TURN / rate;
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let mut visitors = JoinSet::new();
                (0..HTTP1).for_each(|_| drop(visitors.spawn(one_by_one(first.clone(), pause))));
                (0..HTTP2).for_each(|_| drop(visitors.spawn(four_at_once(second.clone(), pause))));
                visitors.join_all().await.concat()
            })
        });
        Crowd { told, thread, since: Instant::now() }
    }

    /// Waits until so many more have been answered.
    pub(crate) fn goes_on(&self, requests: usize) {
        let answered = || self.told.answered.load(Ordering::Relaxed);
        let (before, since) = (answered(), Instant::now());
        while answered() < before + requests {
            assert!(since.elapsed() < PATIENCE, "nobody is answered any more");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Sends them home, and says how many were answered in a second. Nobody may have been let down.
    pub(crate) fn leaves(self) -> u32 {
        self.told.stop.store(true, Ordering::Relaxed);
        let failed = self.thread.join().expect("it ends");
        let [answered, connections] = [&self.told.answered, &self.told.connections]
            .map(|count| count.load(Ordering::Relaxed));
        let rate = 1_000 * answered as u128 / self.since.elapsed().as_millis().max(1);
        println!(
            "{answered} requests answered on {connections} connections, {rate} a second, {} failed",
            failed.len()
        );
        assert!(failed.is_empty(), "{failed:#?}");
        u32::try_from(rate).expect("nobody is so fast")
    }
}

/// How a visitor comes to the gateway.
#[derive(Clone)]
struct Door {
    gateway: SocketAddr,
    tls: TlsConnector,
    told: Arc<Told>,
}

impl Door {
    async fn connect(&self) -> Result<TokioIo<TlsStream<tokio::net::TcpStream>>, String> {
        self.told.connections.fetch_add(1, Ordering::Relaxed);
        let said = |error: std::io::Error| format!("no connection: {error}");
        let stream = tokio::net::TcpStream::connect(self.gateway).await.map_err(said)?;
        stream.set_nodelay(true).map_err(said)?;
        let name = ServerName::try_from("send-box.com").expect("a name");
        Ok(TokioIo::new(self.tls.connect(name, stream).await.map_err(said)?))
    }

    fn is_closed(&self) -> bool {
        self.told.stop.load(Ordering::Relaxed)
    }

    /// What became of a request. It may have to be asked again: it was never sent.
    async fn judge(&self, answer: Sent) -> Result<Asked, String> {
        let answer = match answer {
            Ok(answer) => answer,
            Err(mut error) => match error.take_message() {
                Some(_) => return Ok(Asked::Unsent),
                None => return Err(format!("no answer: {:?}", error.into_error())),
            },
        };
        let status = answer.status();
        let body = answer.into_body().collect().await;
        let body = body.map_err(|error| format!("half an answer: {error:?}"))?.to_bytes();
        if status != 200 || body != ANSWER {
            return Err(format!("{status}: {}", body.escape_ascii()));
        }
        self.told.answered.fetch_add(1, Ordering::Relaxed);
        Ok(Asked::Answered)
    }
}

type Sent = Result<Response<Incoming>, TrySendError<Request<Empty<Bytes>>>>;

enum Asked {
    Answered,
    Unsent,
}

fn request(path: &str) -> Request<Empty<Bytes>> {
    let request = Request::get(path).header("host", "send-box.com");
    request.body(Empty::new()).expect("a request")
}

/// A visitor over HTTP/1.1; says what failed.
async fn one_by_one(door: Door, pause: Duration) -> Vec<String> {
    let (mut failed, mut kept) = (Vec::new(), None::<http1::SendRequest<_>>);
    let mut turns = tokio::time::interval(pause);
    for path in PATHS.into_iter().cycle() {
        turns.tick().await;
        if door.is_closed() {
            break;
        }
        let asked = async {
            loop {
                let mut sender = if let Some(mut sender) = kept.take()
                    && sender.ready().await.is_ok()
                {
                    sender
                } else {
                    let made = http1::handshake(door.connect().await?).await;
                    let (sender, connection) = made.map_err(|error| error.to_string())?;
                    tokio::spawn(connection);
                    sender
                };
                let answer = sender.try_send_request(request(path)).await;
                if let Asked::Answered = door.judge(answer).await? {
                    kept = Some(sender);
                    return Ok(());
                }
            }
        };
        let asked = timeout(PATIENCE, asked).await;
        failed.extend(asked.unwrap_or_else(|_| Err("nothing in time".to_owned())).err());
    }
    failed
}

/// A visitor over HTTP/2, who asks for a page and what belongs to it; says what failed.
async fn four_at_once(door: Door, pause: Duration) -> Vec<String> {
    let (mut failed, mut kept) = (Vec::new(), None::<http2::SendRequest<_>>);
    let mut turns = tokio::time::interval(pause);
    loop {
        turns.tick().await;
        if door.is_closed() {
            return failed;
        }
        let mut left = vec![PATHS[0], PATHS[1], PATHS[0], PATHS[1]];
        while !left.is_empty() {
            let sender = if let Some(mut sender) = kept.take()
                && sender.ready().await.is_ok()
            {
                sender
            } else {
                match http2_connection(&door).await {
                    Ok(sender) => sender,
                    Err(error) => {
                        failed.push(error);
                        break;
                    }
                }
            };
            let mut asking = JoinSet::new();
            for path in left.drain(..) {
                let (door, mut sender) = (door.clone(), sender.clone());
                asking.spawn(async move {
                    let request = request(&format!("https://send-box.com{path}"));
                    let answer = async { door.judge(sender.try_send_request(request).await).await };
                    let asked = timeout(PATIENCE, answer).await;
                    (path, asked.unwrap_or_else(|_| Err("nothing in time".to_owned())))
                });
            }
            for (path, asked) in asking.join_all().await {
                match asked {
                    Ok(Asked::Answered) => {}
                    Ok(Asked::Unsent) => left.push(path),
                    Err(error) => failed.push(error),
                }
            }
            kept = Some(sender);
        }
    }
}

async fn http2_connection(door: &Door) -> Result<http2::SendRequest<Empty<Bytes>>, String> {
    let stream = timeout(PATIENCE, door.connect()).await;
    let stream = stream.unwrap_or_else(|_| Err("no connection in time".to_owned()))?;
    let made = http2::handshake(TokioExecutor::new(), stream).await;
    let (sender, connection) = made.map_err(|error| error.to_string())?;
    tokio::spawn(connection);
    Ok(sender)
}
