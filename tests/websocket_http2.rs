//! WebSockets over HTTP/2 (RFC 8441): streams of one connection that become tunnels.
//!
//! The visitor is the `h2` library's client, the site a WebSocket server over HTTP/1 that is not ours.
//! What is said between them is carried as bytes; the visitor's end speaks WebSocket by hand, which is
//! short enough.

#[allow(dead_code, reason = "the scenarios use more of it")]
mod harness {
    use std::time::Duration;

    pub(crate) mod message;
    pub(crate) mod program;
    pub(crate) mod site;

    /// How long anything may take that a test waits for.
    pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
}

use std::future::poll_fn;
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use h2::ext::Protocol;
use h2::{RecvStream, SendStream};
use harness::PATIENCE;
use harness::message::Message;
use harness::program::{Ended, Gateway, Program};
use harness::site::Site;
use http::{Request, Response};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tungstenite::accept_hdr;
use tungstenite::handshake::server::{Request as Asked, Response as Answer};
use tungstenite::protocol::Message as Said;

/// A site that answers handshakes, sets two cookies, and says everything back.
fn echo() -> (SocketAddr, Receiver<Vec<String>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let (seen, requests) = channel();
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            let seen = seen.clone();
            std::thread::spawn(move || {
                #[expect(clippy::result_large_err, reason = "the library's signature")]
                let shake = |request: &Asked, mut response: Answer| {
                    let fields = request.headers().iter();
                    let fields = fields
                        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap_or("")));
                    seen.send(fields.collect()).expect("the test goes on");
                    for line in ["session=1; Path=/", "_ga=GA1.1.1; Path=/"] {
                        response.headers_mut().append("set-cookie", line.parse().expect("a value"));
                    }
                    Ok(response)
                };
                let mut socket = accept_hdr(stream, shake).expect("a handshake");
                let mut heard = 0;
                while let Ok(message) = socket.read() {
                    if let Said::Text(_) | Said::Binary(_) = message {
                        socket.send(message).expect("the gateway takes it");
                        heard += 1;
                    }
                }
                // How it ended is told as what was seen.
                seen.send(vec![format!("ended after {heard}")]).expect("the test goes on");
            });
        }
    });
    (address, requests)
}

/// What the site says next, while the visitor's connection goes on.
async fn next<T>(said: &Receiver<T>) -> T {
    let waiting = async {
        loop {
            match said.try_recv() {
                Ok(said) => return said,
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    };
    timeout(PATIENCE, waiting).await.expect("the site says something")
}

async fn client(gateway: &Gateway) -> SendRequest<Bytes> {
    let stream = TcpStream::connect(gateway.plain).await.expect("it listens");
    stream.set_nodelay(true).expect("a socket");
    let (client, mut connection) = h2::client::handshake(stream).await.expect("HTTP/2");
    let mut pings = connection.ping_pong().expect("it is the first");
    tokio::spawn(connection);
    // With the answer the gateway's settings are there.
    pings.ping(h2::Ping::opaque()).await.expect("it answers");
    client
}

fn ask_for(protocol: &'static str) -> Request<()> {
    Request::connect("http://send-box.com/chat?room=1")
        .extension(Protocol::from_static(protocol))
        .header("sec-websocket-version", "13")
        .header("cookie", "a=1")
        .header("cookie", "_ga=GA1.1.1")
        .body(())
        .expect("a request")
}

/// Asks for a tunnel, and returns the answer with the visitor's end.
async fn connect(
    client: &SendRequest<Bytes>,
    request: Request<()>,
) -> (Response<RecvStream>, SendStream<Bytes>) {
    let mut client = client.clone().ready().await.expect("it is open");
    let (answer, send) = client.send_request(request, false).expect("it is taken");
    (timeout(PATIENCE, answer).await.expect("in time").expect("an answer"), send)
}

/// A text of a client's, masked as it has to be (RFC 6455 §5.2), with a mask of zeros.
fn text(text: &str) -> Bytes {
    let length = u8::try_from(text.len()).expect("it is short");
    [&[0x81, 0x80 | length, 0, 0, 0, 0], text.as_bytes()].concat().into()
}

/// Reads until so many bytes are there, or the end.
async fn read(from: &mut RecvStream, length: usize) -> Vec<u8> {
    let mut all = Vec::new();
    while all.len() < length {
        let Some(some) = timeout(PATIENCE, from.data()).await.expect("in time") else { break };
        let some = some.expect("nothing breaks");
        from.flow_control().release_capacity(some.len()).expect("it was taken");
        all.extend_from_slice(&some);
    }
    all
}

async fn send_all(to: &mut SendStream<Bytes>, mut bytes: Bytes) {
    while !bytes.is_empty() {
        to.reserve_capacity(bytes.len());
        let room = poll_fn(|cx| to.poll_capacity(cx)).await.expect("it is open").expect("room");
        to.send_data(bytes.split_to(room.min(bytes.len())), false).expect("it is taken");
    }
}

fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(test)
}

#[test]
fn what_is_said_arrives_and_only_the_handshake_is_gated() {
    let data = tempfile::tempdir().expect("a folder");
    let (address, requests) = echo();
    let gateway = Program::run(address, data.path()).start();
    run(async {
        let client = client(&gateway).await;
        assert!(client.is_extended_connect_protocol_enabled());
        let (answer, mut send) = connect(&client, ask_for("websocket")).await;
        assert_eq!(answer.status(), 200);
        let cookies: Vec<_> = answer.headers().get_all("set-cookie").iter().collect();
        assert_eq!(cookies, ["session=1; Path=/"]);
        for name in ["sec-websocket-accept", "upgrade", "connection"] {
            assert!(!answer.headers().contains_key(name), "{name}");
        }
        let seen = next(&requests).await;
        for field in ["cookie: a=1", "upgrade: websocket", "connection: upgrade"] {
            assert!(seen.iter().any(|seen| seen == field), "{field}: {seen:?}");
        }
        let key = seen.iter().find_map(|field| field.strip_prefix("sec-websocket-key: "));
        assert_eq!(key.map(str::len), Some(24), "{seen:?}");

        let mut receive = answer.into_body();
        send_all(&mut send, text("hello")).await;
        assert_eq!(read(&mut receive, 7).await, b"\x81\x05hello");
        // 5 MiB, and windows have to be opened again and again, both ways.
        let length = 5_u64 << 20;
        let head = [&[0x82, 0xff][..], &length.to_be_bytes(), &[0; 4]].concat();
        let payload = vec![7; 5 << 20];
        let message = Bytes::from([&head[..], &payload].concat());
        let (back, ()) =
            tokio::join!(read(&mut receive, 10 + payload.len()), send_all(&mut send, message));
        assert!(back.starts_with(&[0x82, 127]) && back[10..] == payload);

        // A second one on the same connection, while the first is open.
        let (other, mut other_send) = connect(&client, ask_for("websocket")).await;
        next(&requests).await;
        let mut other = other.into_body();
        send_all(&mut other_send, text("two")).await;
        assert_eq!(read(&mut other, 5).await, b"\x81\x03two");

        // The visitor closes; the site answers with its own close, and then both are done.
        send_all(&mut send, Bytes::from_static(&[0x88, 0x80, 0, 0, 0, 0])).await;
        assert_eq!(read(&mut receive, 2).await, b"\x88\x00");
        send.send_data(Bytes::new(), true).expect("it is taken");
        assert!(read(&mut receive, 1).await.is_empty(), "the stream has ended");
        assert_eq!(next(&requests).await, ["ended after 2"]);
        // Taken back without a word.
        other_send.send_reset(h2::Reason::CANCEL);
        assert_eq!(next(&requests).await, ["ended after 1"]);
    });
}

#[test]
fn the_site_may_close_first() {
    let data = tempfile::tempdir().expect("a folder");
    let site = Site::start();
    let gateway = Program::run(site.address, data.path()).start();
    run(async {
        let client = client(&gateway).await;
        let site = tokio::task::spawn_blocking(move || {
            let mut received = site.next().expect("the site is asked");
            received.write(&switch(&received.request)).expect("it is taken");
            received.write(b"\x81\x02hi").expect("it is taken");
            received.cut();
            site
        });
        let (answer, mut send) = connect(&client, ask_for("websocket")).await;
        assert_eq!(answer.status(), 200);
        let mut receive = answer.into_body();
        assert_eq!(read(&mut receive, 100).await, b"\x81\x02hi");
        send.send_data(Bytes::new(), true).expect("it is taken");
        drop(site.await.expect("the site does its part"));
    });
}

/// The answer of a site that knows WebSockets.
fn switch(request: &Message) -> Vec<u8> {
    let key = request.values("sec-websocket-key").next().expect("there is a key");
    let accept = tungstenite::handshake::derive_accept_key(key);
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    )
    .into_bytes()
}

#[test]
fn what_is_no_tunnel_is_refused_and_what_does_not_switch_is_none() {
    let data = tempfile::tempdir().expect("a folder");
    let site = Site::start();
    let gateway = Program::run(site.address, data.path()).start();
    run(async {
        let client = client(&gateway).await;
        let (answer, _send) = connect(&client, ask_for("connect-udp")).await;
        assert_eq!(answer.status(), 501, "another protocol");
        let plain = Request::connect("send-box.com:443").body(()).expect("a request");
        let (answer, _send) = connect(&client, plain).await;
        assert_eq!(answer.status(), 501, "a proxy's CONNECT");
        let ours = Request::connect("http://send-box.com/.consent/")
            .extension(Protocol::from_static("websocket"));
        let (answer, _send) = connect(&client, ours.body(()).expect("a request")).await;
        assert_eq!(answer.status(), 405, "the gateway's own pages");
        assert!(site.unexpected().is_none());

        let switch =
            "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n";
        let wrong = format!("{switch}Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
        let without = format!("{switch}\r\n");
        let other = switch.replace("websocket", "h2c") + "\r\n";
        for (says, status) in [
            (wrong.as_str(), 502),
            (&without, 502),
            (&other, 502),
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", 502),
            ("HTTP/1.1 204 No Content\r\n\r\n", 502),
            ("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", 403),
            ("HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno", 426),
            ("HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n", 302),
        ] {
            let (answer, ()) = tokio::join!(connect(&client, ask_for("websocket")), async {
                let mut received = loop {
                    match site.unexpected() {
                        Some(received) => break received,
                        None => tokio::time::sleep(Duration::from_millis(5)).await,
                    }
                };
                let start = received.request.start.clone();
                assert_eq!(start, "GET /chat?room=1 HTTP/1.1");
                received.write(says.as_bytes()).expect("it is taken");
            });
            assert_eq!(answer.0.status(), status, "{says}");
        }
    });
}

#[test]
fn a_gateway_that_stops_waits_for_a_tunnel() {
    let data = tempfile::tempdir().expect("a folder");
    let (address, requests) = echo();
    let mut gateway = Program::run(address, data.path()).start();
    run(async {
        let client = client(&gateway).await;
        let (answer, mut send) = connect(&client, ask_for("websocket")).await;
        let mut receive = answer.into_body();
        for (signal, says) in [("HUP", "reloaded the rules"), ("TERM", "stopping")] {
            gateway.signal(signal);
            tokio::task::yield_now().await;
            gateway.wait_for_line(says);
            send_all(&mut send, text("still")).await;
            assert_eq!(read(&mut receive, 7).await, b"\x81\x05still");
        }
        send_all(&mut send, Bytes::from_static(&[0x88, 0x80, 0, 0, 0, 0])).await;
        assert_eq!(read(&mut receive, 2).await, b"\x88\x00");
        send.send_data(Bytes::new(), true).expect("it is taken");
        assert!(read(&mut receive, 1).await.is_empty());
    });
    drop(requests);
    let Ended { code, stderr } = gateway.wait();
    assert_eq!(code, Some(0), "{stderr}");
}
