//! HTTP/2 without TLS, by prior knowledge (RFC 9113 §3.3): what load balancers and gRPC speak.

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
use std::net::TcpStream;

use bytes::Bytes;
use harness::PATIENCE;
use harness::program::{Gateway, Program};
use harness::site::Site;
use http::{Request, Response};

/// Asks for these by HTTP/2 on one connection, at once, and returns statuses and bodies in order.
fn ask(gateway: &Gateway, requests: Vec<Request<()>>) -> Vec<(u16, Bytes)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let stream = tokio::net::TcpStream::connect(gateway.plain).await.expect("it listens");
        let (mut client, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
        tokio::spawn(connection);
        let mut answers = Vec::new();
        for request in requests {
            client = client.ready().await.expect("it is open");
            answers.push(client.send_request(request, true).expect("it is taken").0);
        }
        let mut read = Vec::new();
        for answer in answers {
            let answer: Response<h2::RecvStream> =
                tokio::time::timeout(PATIENCE, answer).await.expect("in time").expect("an answer");
            let status = answer.status().as_u16();
            let mut body = answer.into_body();
            let mut bytes = Vec::new();
            while let Some(some) = body.data().await {
                bytes.extend_from_slice(&some.expect("a body"));
            }
            read.push((status, bytes.into()));
        }
        read
    })
}

fn request(method: &str, fields: &[(&str, &str)]) -> Request<()> {
    let mut request = Request::builder().method(method).uri("http://send-box.com/.consent/state");
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    request.body(()).expect("a request")
}

#[test]
fn it_is_spoken_and_held_to_the_same_as_http_1() {
    let data = tempfile::tempdir().expect("a folder");
    let site = Site::start();
    let gateway = Program::run(site.address, data.path()).start();
    let crumbs = [("cookie", "a=1"); 201];
    let answers = ask(
        &gateway,
        vec![
            request("GET", &[]),
            request("GET", &crumbs),
            request("GET", &[("host", "other.kz")]),
            request("TRACE", &[]),
            request("GET", &[("expect", "miracles")]),
            request("GET", &crumbs[..180]),
        ],
    );
    let statuses: Vec<_> = answers.iter().map(|(status, _)| *status).collect();
    assert_eq!(statuses, [200, 431, 400, 501, 417, 200]);
    assert!(answers[0].1.starts_with(b"{\"analytics\""), "{:?}", answers[0].1);
    assert!(answers[1].1.starts_with(b"header fields are limited"), "{:?}", answers[1].1);
}

#[test]
fn a_preface_in_parts_is_one_and_the_start_of_one_is_none() {
    let data = tempfile::tempdir().expect("a folder");
    let site = Site::start();
    let gateway = Program::run(site.address, data.path()).start();
    let connect = || {
        let stream = TcpStream::connect(gateway.plain).expect("it listens");
        stream.set_nodelay(true).expect("a socket");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        stream
    };
    let mut stream = connect();
    for byte in b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0" {
        stream.write_all(&[*byte]).expect("it reads");
    }
    let mut frame = [0; 9];
    stream.read_exact(&mut frame).expect("it answers");
    assert_eq!(frame[3], 4, "the first frame is SETTINGS: {frame:?}");

    let mut stream = connect();
    stream.write_all(b"PRI * HTTP/1.1\r\nHost: send-box.com\r\n\r\n").expect("it reads");
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).expect("it answers");
    assert_eq!(&answer, b"HTTP/1.1 400");
}
