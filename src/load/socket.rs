//! A visitor who talks by WebSocket: says something, and waits until it is said back.

use std::time::{Duration, Instant};

use bytes::Bytes;
use data_encoding::BASE64;
use futures_util::{SinkExt, StreamExt};
use http::header::{CONNECTION, HeaderValue, UPGRADE};
use http::{Request, StatusCode};
use http_body_util::Full;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::time::{sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::connection::{Answer, Line, PATIENCE};
use super::scenario::Messages;

/// An open WebSocket.
pub(super) struct Talk {
    stream: WebSocketStream<TokioIo<Upgraded>>,
    said: Bytes,
    pause: Duration,
    next: Instant,
}

impl Talk {
    /// Asks for one on a connection; `request` says where, without the fields of a handshake.
    pub(super) async fn open(
        line: &mut Line,
        mut request: Request<Full<Bytes>>,
        messages: Messages,
    ) -> Result<Talk, String> {
        let mut key = [0; 16];
        getrandom::fill(&mut key).map_err(|error| error.to_string())?;
        let key = BASE64.encode(&key);
        let fields = request.headers_mut();
        fields.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        fields.insert(UPGRADE, HeaderValue::from_static("websocket"));
        fields.insert("sec-websocket-version", HeaderValue::from_static("13"));
        let key = HeaderValue::from_str(&key).map_err(|error| error.to_string())?;
        fields.insert("sec-websocket-key", key);
        let answer = line.send(request).await?;
        if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(format!("no WebSocket: {}", answer.status()));
        }
        let upgraded = hyper::upgrade::on(answer).await.map_err(|error| error.to_string())?;
        let stream = TokioIo::new(upgraded);
        let stream = WebSocketStream::from_raw_socket(stream, Role::Client, None).await;
        let pause = Duration::from_secs(1) / messages.per_second;
        let said = vec![b'k'; messages.bytes].into();
        Ok(Talk { stream, said, pause, next: Instant::now() })
    }

    /// When the next message is due.
    pub(super) fn due(&self) -> Instant {
        self.next
    }

    /// Waits until the next message is due, says it and hears it again. Gives back when it was due.
    pub(super) async fn say(&mut self) -> Result<(Instant, Answer), String> {
        sleep_until(self.next.into()).await;
        let due = self.next;
        self.next += self.pause;
        let failed = |error: tokio_tungstenite::tungstenite::Error| format!("WebSocket: {error}");
        self.stream.send(Message::Binary(self.said.clone())).await.map_err(failed)?;
        loop {
            let heard = timeout(PATIENCE, self.stream.next()).await;
            match heard.map_err(|_| "WebSocket: nothing said back in 60 s".to_owned())? {
                Some(Ok(Message::Binary(heard))) if heard == self.said => {
                    let now = Instant::now();
                    let bytes = heard.len() as u64;
                    return Ok((due, Answer { status: 101, began: now, ended: now, bytes }));
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(_)) => return Err("WebSocket: something else was said back".to_owned()),
                Some(Err(error)) => return Err(failed(error)),
                None => return Err("WebSocket: it was closed".to_owned()),
            }
        }
    }
}
