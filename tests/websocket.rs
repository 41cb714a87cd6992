//! WebSockets through the gateway, with a client and a server that are not ours.
//!
//! The handshake is a request like any other, and its cookies are sorted; what follows is nobody's
//! business. What is no handshake stays HTTP.

#[allow(dead_code, reason = "the scenarios use more of it")]
mod harness {
    use std::time::Duration;

    pub(crate) mod message;
    pub(crate) mod program;
    pub(crate) mod site;

    /// How long anything may take that a test waits for.
    pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
}

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;

use harness::PATIENCE;
use harness::program::{Ended, Gateway, Program, send};
use harness::site::Site;
use tungstenite::client::client_with_config;
use tungstenite::handshake::client::generate_key;
use tungstenite::handshake::server::{Request, Response};
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Message, WebSocket, accept_hdr};

/// A site that answers one handshake, sets two cookies, and says everything back.
fn echo() -> (SocketAddr, JoinHandle<()>, Receiver<Vec<String>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let (seen, requests) = channel();
    let thread = std::thread::spawn(move || {
        let (stream, _) = listener.accept().expect("the gateway comes");
        stream.set_read_timeout(Some(PATIENCE)).expect("it is open");
        #[expect(clippy::result_large_err, reason = "the library's signature")]
        let shake = |request: &Request, mut response: Response| {
            let fields = request.headers().iter();
            let fields =
                fields.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap_or("")));
            seen.send(fields.collect()).expect("the test goes on");
            let chat = "chat".parse().expect("a value");
            response.headers_mut().insert("sec-websocket-protocol", chat);
            for line in ["session=1; Path=/", "_ga=GA1.1.1; Path=/"] {
                response.headers_mut().append("set-cookie", line.parse().expect("a value"));
            }
            Ok(response)
        };
        let mut socket = accept_hdr(stream, shake).expect("a handshake");
        loop {
            match socket.read() {
                Ok(message @ (Message::Text(_) | Message::Binary(_))) => {
                    socket.send(message).expect("the gateway takes it");
                }
                Ok(_) => {}
                Err(_) => return,
            }
        }
    });
    (address, thread, requests)
}

/// A visitor's WebSocket through the gateway, and the handshake's answer.
fn connect(gateway: &Gateway) -> (WebSocket<TcpStream>, tungstenite::handshake::client::Response) {
    let stream = TcpStream::connect(gateway.plain).expect("the gateway listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("it is open");
    let request = http::Request::get("ws://send-box.com/chat?room=1")
        .header("host", "send-box.com")
        .header("connection", "keep-alive, Upgrade")
        .header("upgrade", "WebSocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", generate_key())
        .header("sec-websocket-protocol", "chat")
        .header("cookie", "a=1; _ga=GA1.1.1; b=2")
        .body(())
        .expect("a request");
    let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
    client_with_config(request, stream, Some(config)).expect("the handshake succeeds")
}

#[test]
fn what_is_said_arrives_and_only_the_handshake_is_gated() {
    let data = tempfile::tempdir().expect("a folder");
    let (address, site, requests) = echo();
    let gateway = Program::run(address, data.path()).start();
    let (mut socket, answer) = connect(&gateway);
    let cookies: Vec<_> = answer.headers().get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["session=1; Path=/"]);

    let seen = requests.recv_timeout(PATIENCE).expect("the site saw the handshake");
    for field in [
        "cookie: a=1; b=2",
        "upgrade: websocket",
        "connection: upgrade",
        "sec-websocket-protocol: chat",
    ] {
        assert!(seen.iter().any(|seen| seen == field), "{field}: {seen:?}");
    }

    for message in [
        Message::text("сәлем"),
        Message::binary(vec![7; 5 << 20]),
        Message::text(""),
        // What would be HTTP is not read as such.
        Message::binary(&b"GET / HTTP/1.1\r\nTransfer-Encoding: x\r\n\r\n"[..]),
    ] {
        socket.send(message.clone()).expect("the gateway takes it");
        assert!(socket.read().expect("an echo") == message);
    }
    socket.close(None).expect("it is open");
    while socket.read().is_ok() {}
    site.join().expect("the site saw the end");
}

#[test]
fn a_site_that_does_not_switch_is_answered_for_as_ever() {
    let data = tempfile::tempdir().expect("a folder");
    let site = Site::start();
    let gateway = Program::run(site.address, data.path()).start();
    let shake = "GET / HTTP/1.1\r\nHost: send-box.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                 Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
    // What was sent ahead of an answer that is no switch is the next request.
    let next = "GET /next HTTP/1.1\r\nHost: send-box.com\r\n\r\n";
    let mut visitor = send(gateway.plain, &format!("{shake}{next}"));
    for (line, says) in [("GET / ", "no"), ("GET /next ", "yes")] {
        let mut received = site.next().expect("the site is asked");
        assert!(received.request.start.starts_with(line));
        let answer = format!(
            "HTTP/1.1 426 Upgrade Required\r\nContent-Length: {}\r\n\r\n{says}",
            says.len()
        );
        received.write(answer.as_bytes()).expect("it is taken");
        visitor.read_until(says);
    }
    // And if it is none, the site does not see it.
    let mut visitor = TcpStream::connect(gateway.plain).expect("the gateway listens");
    visitor.set_read_timeout(Some(PATIENCE)).expect("it is open");
    visitor.write_all(format!("{shake}\u{1}{next}").as_bytes()).expect("it is taken");
    let mut received = site.next().expect("the site is asked");
    received
        .write(b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno")
        .expect("it is taken");
    let mut answer = String::new();
    visitor.read_to_string(&mut answer).expect("the gateway closes");
    assert_eq!(answer.matches("HTTP/1.1 ").count() - answer.matches("HTTP/1.1 400 ").count(), 1);
}

#[test]
fn nobody_switches_unasked() {
    let data = tempfile::tempdir().expect("a folder");
    let site = Site::start();
    let gateway = Program::run(site.address, data.path()).start();
    for asks in [
        "",
        "Connection: Upgrade\r\nUpgrade: h2c\r\n",
        "Connection: Upgrade\r\nUpgrade: websocket, x\r\n",
    ] {
        let mut visitor =
            send(gateway.plain, &format!("GET / HTTP/1.1\r\nHost: send-box.com\r\n{asks}\r\n"));
        let mut received = site.next().expect("the site is asked");
        let request = received.request.to_string().to_ascii_lowercase();
        assert!(!request.contains("\nupgrade:"), "{request}");
        let switch = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
        received.write(switch).expect("it is taken");
        visitor.read_until("HTTP/1.1 502 ");
    }
}

#[test]
fn a_tunnel_outlives_a_reload_and_a_gateway_that_stops_waits_for_it() {
    let data = tempfile::tempdir().expect("a folder");
    let (address, site, _requests) = echo();
    let mut gateway = Program::run(address, data.path()).start();
    let (mut socket, _) = connect(&gateway);
    for (signal, says) in [("HUP", "reloaded the rules"), ("TERM", "stopping")] {
        gateway.signal(signal);
        gateway.wait_for_line(says);
        socket.send(Message::text(says)).expect("it is open");
        assert_eq!(socket.read().expect("an echo"), Message::text(says));
    }
    // The visitor leaves without a word.
    let stream = socket.get_mut();
    stream.flush().expect("it is open");
    stream.shutdown(std::net::Shutdown::Both).expect("it is open");
    let _ = stream.read(&mut [0; 16]);
    site.join().expect("the site saw the end");
    let Ended { code, stderr } = gateway.wait();
    assert_eq!(code, Some(0), "{stderr}");
}
