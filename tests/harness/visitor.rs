//! A visitor's end of a conversation: one request, and its answer as it comes.
//!
//! Over plain HTTP and TLS the bytes are the scenario's own. Over HTTP/2 they cannot be, so there
//! hyper speaks for the visitor, and what it gets is shown as an HTTP/1.1 message.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use super::PATIENCE;
use super::browser::HOST;
use super::jar::Jar;
use super::message::Message;

/// How a visitor reaches the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// HTTP/1.1 without TLS.
    Plain,
    /// HTTP/1.1 over TLS.
    Tls,
    /// HTTP/2 over TLS.
    H2,
}

/// A visitor with their browser.
#[derive(Default)]
pub(crate) struct Visitor {
    /// Their cookies.
    pub(crate) jar: Jar,
    /// The request whose answer they have not got yet.
    pub(crate) open: Option<Exchange>,
}

trait Connection: Read + Write {}
impl<C: Read + Write> Connection for C {}

enum Wire {
    Bytes(Box<dyn Connection>),
    H2(Receiver<Result<Message, String>>),
}

/// A request that was sent.
pub(crate) struct Exchange {
    /// The host that was asked.
    pub(crate) host: String,
    /// The path that was asked for.
    pub(crate) path: String,
    /// Whether it went over TLS.
    pub(crate) tls: bool,
    wire: Wire,
    bytes: Vec<u8>,
    ended: bool,
    bodiless: bool,
}

impl Exchange {
    /// Sends bytes over plain HTTP, or over TLS where a configuration is given.
    pub(crate) fn send(
        to: SocketAddr,
        tls: Option<Arc<ClientConfig>>,
        request: &[u8],
    ) -> Result<Self, String> {
        let failed =
            |error: &dyn std::fmt::Display| format!("the gateway cannot be asked: {error}");
        let stream = TcpStream::connect(to).map_err(|error| failed(&error))?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(|error| failed(&error))?;
        stream.set_nodelay(true).map_err(|error| failed(&error))?;
        let over_tls = tls.is_some();
        let mut connection: Box<dyn Connection> = match tls {
            None => Box::new(stream),
            Some(config) => {
                let name = ServerName::try_from(HOST).map_err(|error| failed(&error))?;
                let client = ClientConnection::new(config, name).map_err(|error| failed(&error))?;
                Box::new(StreamOwned::new(client, stream))
            }
        };
        connection.write_all(request).map_err(|error| failed(&error))?;
        connection.flush().map_err(|error| failed(&error))?;
        Ok(Self {
            host: host_of(request),
            path: path_of(request),
            tls: over_tls,
            wire: Wire::Bytes(connection),
            bytes: Vec::new(),
            ended: false,
            bodiless: request.starts_with(b"HEAD "),
        })
    }

    /// Sends a message over HTTP/2.
    pub(crate) fn send_h2(to: SocketAddr, tls: Arc<ClientConfig>, request: &[u8]) -> Self {
        let (answer, receiver) = channel();
        let (message, _) = Message::read(request, true, false).unwrap_or_default();
        std::thread::spawn(move || {
            // A scenario that has failed no longer listens.
            let _ = answer.send(over_h2(to, tls, &message));
        });
        Self {
            host: host_of(request),
            path: path_of(request),
            tls: true,
            wire: Wire::H2(receiver),
            bytes: Vec::new(),
            ended: false,
            bodiless: false,
        }
    }

    /// The answer so far; nothing before its head has come.
    pub(crate) fn so_far(&self) -> Option<Message> {
        Message::read(&self.bytes, self.ended, self.bodiless).map(|(message, _)| message)
    }

    /// Waits for more of the answer. Says whether there can be more.
    pub(crate) fn more(&mut self) -> Result<bool, String> {
        if self.ended || self.so_far().is_some_and(|message| message.whole) {
            return Ok(false);
        }
        let connection = match &mut self.wire {
            Wire::Bytes(connection) => connection,
            Wire::H2(receiver) => {
                let message = receiver
                    .recv_timeout(PATIENCE)
                    .map_err(|_| "no answer came in time".to_owned())??;
                self.bytes = as_bytes(&message);
                self.ended = true;
                return Ok(true);
            }
        };
        let mut buffer = [0; 16 * 1024];
        match connection.read(&mut buffer) {
            Ok(0) => self.ended = true,
            Ok(read) => self.bytes.extend(&buffer[..read]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                return Err("nothing more came in time".to_owned());
            }
            // Cut, by a reset or without TLS's farewell.
            Err(_) => self.ended = true,
        }
        Ok(true)
    }
}

fn host_of(request: &[u8]) -> String {
    let host = Message::read(request, true, false)
        .and_then(|(message, _)| message.values("host").next().map(<[u8]>::to_vec))
        .unwrap_or_default();
    let host = String::from_utf8_lossy(&host).to_ascii_lowercase();
    host.split(':').next().unwrap_or_default().to_owned()
}

/// The path of a request, without its query.
pub(crate) fn path_of(request: &[u8]) -> String {
    let target = request.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
    let path = target.split(|byte| *byte == b'?').next().unwrap_or_default();
    String::from_utf8_lossy(path).into_owned()
}

/// An answer of HTTP/2 as HTTP/1.1 would have framed it.
fn as_bytes(message: &Message) -> Vec<u8> {
    let mut bytes = format!("{}\r\n", message.start).into_bytes();
    for (name, value) in &message.headers {
        bytes.extend(name.as_bytes());
        bytes.extend(b": ");
        bytes.extend(value);
        bytes.extend(b"\r\n");
    }
    bytes.extend(b"\r\n");
    bytes.extend(&message.body);
    bytes
}

fn over_h2(to: SocketAddr, tls: Arc<ClientConfig>, request: &Message) -> Result<Message, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let asked = async {
        let stream = tokio::net::TcpStream::connect(to).await.map_err(|e| e.to_string())?;
        let name = ServerName::try_from(HOST).map_err(|error| error.to_string())?;
        let stream = tokio_rustls::TlsConnector::from(tls)
            .connect(name, stream)
            .await
            .map_err(|error| error.to_string())?;
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
                .await
                .map_err(|error| error.to_string())?;
        tokio::spawn(connection);
        let mut words = request.start.split(' ');
        let (method, path) = (words.next().unwrap_or("GET"), words.next().unwrap_or("/"));
        let host = request.values("host").next().unwrap_or(HOST.as_bytes());
        let uri = format!("https://{}{path}", String::from_utf8_lossy(host));
        let mut head = http::Request::builder().method(method).uri(uri);
        for (field, value) in &request.headers {
            // HTTP/2 names the host and frames the body by itself.
            if !field.eq_ignore_ascii_case("host") {
                head = head.header(field.to_ascii_lowercase(), value.as_slice());
            }
        }
        let body = Full::new(bytes::Bytes::from(request.body.clone()));
        let request = head.body(body).map_err(|error| error.to_string())?;
        let answer = sender.send_request(request).await.map_err(|error| error.to_string())?;
        let (head, body) = answer.into_parts();
        let body = body.collect().await.map_err(|error| error.to_string())?.to_bytes().to_vec();
        let fields = head.headers.iter();
        let headers = fields.map(|(n, v)| (n.to_string(), v.as_bytes().to_vec())).collect();
        let start = format!("HTTP/2 {}", head.status.as_u16());
        Ok(Message { start, headers, body, whole: true })
    };
    runtime.block_on(async {
        tokio::time::timeout(PATIENCE, asked)
            .await
            .unwrap_or_else(|_| Err("no answer came in time".to_owned()))
    })
}
