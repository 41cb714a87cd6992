//! Streams of HTTP/2 that are given up before their end.
//!
//! A reset without an error (`NO_ERROR`) is how a site says that it does not want the rest of a request
//! which it has answered (RFC 9113 §8.1). It ends nothing cleanly: what it cuts short must not pass as
//! whole, neither to the visitor nor to the site.

#[allow(dead_code, reason = "other tests use more of it")]
mod harness {
    use std::time::Duration;

    pub(crate) mod home;
    pub(crate) mod message;
    pub(crate) mod program;
    pub(crate) mod wire;

    /// How long anything may take that a test waits for.
    pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
}

#[allow(dead_code, reason = "other tests use more of it")]
mod http2 {
    pub(crate) mod wire;
}

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use h2::Reason;
use h2::server::SendResponse;
use harness::home::Home;
use harness::program::{Gateway, Program, send};
use harness::wire::Wire as Site;
use http2::wire::*;
use hyper::{Request, Response};

/// A site that speaks HTTP/2 without TLS, and answers as the path says.
fn site() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it is bound");
    listener.set_nonblocking(true).expect("a socket");
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a socket");
            loop {
                let (stream, _) = listener.accept().await.expect("the gateway comes");
                tokio::spawn(async move {
                    let mut connection = h2::server::handshake(stream).await.expect("HTTP/2");
                    while let Some(Ok((request, answers))) = connection.accept().await {
                        tokio::spawn(answer(request, answers));
                    }
                });
            }
        });
    });
    address
}

/// Answers with `abc`, and gives the stream up, in an order that the path says.
async fn answer(request: Request<h2::RecvStream>, mut answers: SendResponse<bytes::Bytes>) {
    let path = request.uri().path().to_owned();
    let mut head = Response::builder().header("content-type", "text/plain");
    if path.contains("page") {
        head = head.header("content-type", "text/html; charset=utf-8");
    }
    if path.contains("length") {
        head = head.header("content-length", "6");
    }
    let mut body =
        answers.send_response(head.body(()).expect("a head"), false).expect("it is open");
    if !path.contains("nothing") {
        body.send_data("abc".into(), path.contains("whole")).expect("it is open");
    }
    // What was said is on its way.
    tokio::time::sleep(Duration::from_millis(50)).await;
    body.send_reset(Reason::NO_ERROR);
}

fn gateway() -> (Gateway, Home) {
    let settings =
        format!("[upstreams.h2]\nservers = [\"h2c://{}\"]\n[[route]]\nupstream = \"h2\"\n", site());
    let home = Home::new(&settings);
    // Its own `upstream` takes nothing.
    let gateway = home.gateway(SocketAddr::from(([127, 0, 0, 1], 1))).start();
    (gateway, home)
}

#[test]
fn an_answer_that_the_site_gives_up_is_cut_off() {
    let (gateway, _home) = gateway();
    for path in ["/half", "/half/length", "/nothing", "/half/page"] {
        let ask = format!("GET {path} HTTP/1.1\r\nHost: send-box.com\r\nAccept: text/html\r\n\r\n");
        let answer = send(gateway.plain, &ask).read_to_the_end();
        assert!(!answer.whole, "{path}: {answer}");

        let mut visitor = Wire::greeted(gateway.plain, &[]);
        visitor.send(&get(1, path));
        let end = visitor.until("the end", |frame| {
            let ends = matches!(frame.kind, DATA | HEADERS) && frame.flags & END_STREAM != 0;
            frame.stream == 1 && (ends || frame.kind == RST_STREAM)
        });
        assert_eq!(end.kind, RST_STREAM, "{path}: {end:?}");
        assert_ne!(end.code(), Some(0), "{path}");
    }
}

#[test]
fn an_answer_that_ended_is_whole_though_the_rest_of_the_request_is_given_up() {
    let (gateway, _home) = gateway();
    let mut visitor = Wire::greeted(gateway.plain, &[]);
    visitor.send(&[post(1, "/whole"), frame(DATA, 0, 1, b"the beginning")].concat());
    let answer = visitor.until("the answer", |frame| frame.kind == DATA);
    assert_eq!(answer.payload, b"abc");
    if answer.flags & END_STREAM == 0 {
        let end = visitor.until("the end", |frame| frame.kind == DATA || frame.kind == RST_STREAM);
        assert_eq!((end.kind, end.flags), (DATA, END_STREAM));
    }
}

#[test]
fn a_request_that_its_visitor_gives_up_does_not_look_whole_to_the_site() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let data = tempfile::tempdir().expect("a folder");
    let gateway = Program::run(listener.local_addr().expect("it is bound"), data.path()).start();
    for _ in 0..20 {
        let mut visitor = Wire::greeted(gateway.plain, &[]);
        visitor.send(&[post(1, "/order"), frame(DATA, 0, 1, b"half an order")].concat());
        let mut site = Site::from(&listener);
        site.until("half an order\r\n");
        visitor.send(&reset(1, 0));
        let rest = site.rest();
        assert!(rest.is_empty(), "{}", rest.escape_ascii());
    }
}

#[test]
fn half_a_choice_is_none() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let data = tempfile::tempdir().expect("a folder");
    let gateway = Program::run(listener.local_addr().expect("it is bound"), data.path()).start();
    for _ in 0..20 {
        let mut visitor = Wire::greeted(gateway.plain, &[]);
        visitor
            .send(&[post(1, "/.consent/choices"), frame(DATA, 0, 1, b"choice=agree-all")].concat());
        visitor.send(&reset(1, 0));
        // It is dealt with before what comes behind it is answered.
        visitor.send(&get(3, "/.consent/state"));
        visitor.until("an answer", |frame| frame.kind == HEADERS && frame.stream == 3);
    }
    let record = rusqlite::Connection::open(data.path().join("consent.db")).expect("a record");
    let events: i64 =
        record.query_row("SELECT count(*) FROM event", [], |row| row.get(0)).expect("a number");
    assert_eq!(events, 0);
}
