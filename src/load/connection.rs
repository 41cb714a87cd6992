//! One connection of a visitor, and what is asked on it.
//!
//! Over HTTP/1.1 a connection is one visitor's; over HTTP/2 it carries many requests at once. Both are
//! hyper's, driven on the thread that asks, so that what is measured is the wait and not a queue of ours.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::spawn_local;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_util::either::Either;

use super::scenario::Protocol;
use super::target::Target;
use crate::proxy::Local;

/// How long a connection may take to be made, and an answer to come: then nobody waits any more.
pub(super) const PATIENCE: Duration = Duration::from_mins(1);

/// How much of an answer may come ahead of a visitor over HTTP/2, as browsers have it.
const WINDOW: u32 = 6 * 1024 * 1024;

/// Makes connections to one target.
#[derive(Clone)]
pub(super) struct Dialer {
    target: Arc<Target>,
    http1: Option<TlsConnector>,
    http2: Option<TlsConnector>,
}

/// A connection that requests go on.
pub(super) enum Line {
    Own(http1::SendRequest<Full<Bytes>>),
    Shared(http2::SendRequest<Full<Bytes>>),
}

/// What came for a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// When its head was there.
    pub(super) began: Instant,
    /// When all of it was.
    pub(super) ended: Instant,
    /// How long its body was, as it came over the wire.
    pub(super) bytes: u64,
}

impl Dialer {
    /// Connections to a target, by the protocols that its visitors speak.
    pub(super) fn new(target: Arc<Target>) -> Result<Dialer, String> {
        let with = |protocol: &[u8]| -> Result<Option<TlsConnector>, String> {
            match target.tls {
                Some(_) => Ok(Some(TlsConnector::from(target.tls_config(protocol)?))),
                None => Ok(None),
            }
        };
        let (http1, http2) = (with(b"http/1.1")?, with(b"h2")?);
        Ok(Dialer { target, http1, http2 })
    }

    pub(super) fn authority(&self) -> &str {
        &self.target.authority
    }

    /// A new connection.
    pub(super) async fn connect(&self, protocol: Protocol) -> Result<Line, String> {
        let made = timeout(PATIENCE, self.shake(protocol)).await;
        made.unwrap_or_else(|_| Err("no connection in 60 s".to_owned()))
    }

    async fn shake(&self, protocol: Protocol) -> Result<Line, String> {
        let stream = TcpStream::connect(self.target.address).await;
        let stream = stream.map_err(|error| format!("connect: {}", error.kind()))?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        let tls = match protocol {
            Protocol::Http1 => &self.http1,
            Protocol::Http2 => &self.http2,
        };
        let stream = match (tls, &self.target.tls) {
            (Some(tls), Some(name)) => {
                let stream = tls.connect(name.clone(), stream).await;
                Either::Right(Box::new(stream.map_err(|error| format!("TLS: {error}"))?))
            }
            _ => Either::Left(stream),
        };
        let stream = TokioIo::new(stream);
        Ok(match protocol {
            Protocol::Http1 => {
                let made = http1::handshake(stream).await;
                let (sender, connection) = made.map_err(|error| error.to_string())?;
                // What ends it is told to who asks on it.
                spawn_local(async move { drop(connection.with_upgrades().await) });
                Line::Own(sender)
            }
            Protocol::Http2 => {
                let made = http2::Builder::new(Local)
                    .initial_stream_window_size(WINDOW)
                    .initial_connection_window_size(2 * WINDOW)
                    .handshake(stream)
                    .await;
                let (sender, connection) = made.map_err(|error| error.to_string())?;
                spawn_local(async move { drop(connection.await) });
                Line::Shared(sender)
            }
        })
    }
}

impl Line {
    /// Whether more can be asked on it.
    pub(super) fn is_open(&self) -> bool {
        match self {
            Line::Own(sender) => !sender.is_closed(),
            Line::Shared(sender) => !sender.is_closed(),
        }
    }

    /// The same connection for another request at the same time, if it takes several.
    pub(super) fn shared(&self) -> Option<Line> {
        match self {
            Line::Own(_) => None,
            Line::Shared(sender) => Some(Line::Shared(sender.clone())),
        }
    }

    /// Sends a request and awaits the head of its answer.
    pub(super) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, String> {
        let sent = async {
            match self {
                Line::Own(sender) => {
                    sender.ready().await?;
                    sender.send_request(request).await
                }
                Line::Shared(sender) => {
                    sender.ready().await?;
                    sender.send_request(request).await
                }
            }
        };
        match timeout(PATIENCE, sent).await {
            Ok(answer) => answer.map_err(|error| cause(&error)),
            Err(_) => Err("no answer in 60 s".to_owned()),
        }
    }

    /// Asks, and reads the whole answer, at most so many bytes a second.
    pub(super) async fn ask(
        &mut self,
        request: Request<Full<Bytes>>,
        bytes_per_second: Option<u32>,
    ) -> Result<Answer, String> {
        let answer = self.send(request).await?;
        let began = Instant::now();
        let status = answer.status().as_u16();
        let mut body = answer.into_body();
        let mut bytes = 0;
        while let Some(frame) = timeout(PATIENCE, body.frame()).await.transpose() {
            let frame = frame.map_err(|_| "an answer stood still for 60 s".to_owned())?;
            let frame = frame.map_err(|error| cause(&error))?;
            let len = u32::try_from(frame.data_ref().map_or(0, Bytes::len)).unwrap_or(u32::MAX);
            bytes += u64::from(len);
            if let Some(rate) = bytes_per_second {
                sleep(Duration::from_secs(1).mul_f64(f64::from(len) / f64::from(rate))).await;
            }
        }
        Ok(Answer { status, began, ended: Instant::now(), bytes })
    }
}

/// What failed, in words that are the same for all of a kind.
fn cause(error: &hyper::Error) -> String {
    let inner = std::error::Error::source(error);
    match inner.and_then(|inner| inner.downcast_ref::<std::io::Error>()) {
        Some(io) => format!("{error}: {}", io.kind()),
        None => error.to_string(),
    }
}
