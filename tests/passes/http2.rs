//! The same over HTTP/2, as far as it can say it; the site is asked over HTTP/1.1.

use std::sync::mpsc::{Receiver, channel};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request};

use crate::message::chunk;
use crate::packing::{Packing, unpack};
use crate::{Between, PATIENCE};

/// What comes of an answer.
#[derive(Debug, PartialEq)]
enum Came {
    Head(u16, HeaderMap),
    Data(Bytes),
    Trailers(HeaderMap),
    End,
}

/// Asks over HTTP/2, with a body and a trailer if there is a body, and tells what comes as it comes.
fn ask(between: &Between, request: Request<()>, body: Option<&'static str>) -> Receiver<Came> {
    let (tell, came) = channel();
    let to = between.gateway.plain;
    let asked = async move {
        let stream = tokio::net::TcpStream::connect(to).await.expect("it listens");
        let (client, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
        tokio::spawn(connection);
        let mut client = client.ready().await.expect("it is open");
        let (answer, mut sends) =
            client.send_request(request, body.is_none()).expect("it is taken");
        if let Some(body) = body {
            sends.send_data(body.into(), false).expect("it is open");
            let sum = HeaderMap::from_iter([(
                http::HeaderName::from_static("x-sum"),
                HeaderValue::from_static("1"),
            )]);
            sends.send_trailers(sum).expect("it is open");
        }
        let (head, mut body) = answer.await.expect("an answer").into_parts();
        tell.send(Came::Head(head.status.as_u16(), head.headers)).expect("the test goes on");
        while let Some(data) = body.data().await {
            let data = data.expect("it does not break off");
            body.flow_control().release_capacity(data.len()).expect("it is open");
            if !data.is_empty() {
                tell.send(Came::Data(data)).expect("the test goes on");
            }
        }
        if let Some(trailers) = body.trailers().await.expect("it does not break off") {
            tell.send(Came::Trailers(trailers)).expect("the test goes on");
        }
        tell.send(Came::End).expect("the test goes on");
    };
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            tokio::time::timeout(PATIENCE, asked).await.expect("it all comes in time");
        });
    });
    came
}

fn next(came: &Receiver<Came>) -> Came {
    came.recv_timeout(PATIENCE).expect("more comes in time")
}

fn request(method: &str, fields: &[(&str, &str)]) -> Request<()> {
    let mut request = Request::builder().method(method).uri("http://send-box.com/a");
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    request.body(()).expect("a request")
}

#[test]
fn events_arrive_one_by_one() {
    let between = Between::start();
    let came = ask(&between, request("GET", &[("accept", "text/event-stream")]), None);
    let mut site = between.site();
    site.head();
    site.say(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
    );
    assert!(matches!(next(&came), Came::Head(200, _)));
    for event in ["data: 1\n\n", "data: 2\n\n", "data: 3\n\n"] {
        site.say(chunk(event.as_bytes()));
        assert_eq!(next(&came), Came::Data(event.into()));
    }
    site.say("0\r\n\r\n");
    assert_eq!(next(&came), Came::End);
}

#[test]
fn a_page_that_changes_is_shown_as_it_comes() {
    let between = Between::start();
    let fields = [("sec-fetch-dest", "document"), ("accept-encoding", "gzip")];
    let came = ask(&between, request("GET", &fields), None);
    let mut site = between.site();
    site.head();
    site.say(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Encoding: gzip\r\n\
         Transfer-Encoding: chunked\r\n\r\n",
    );
    let mut packer = Packing::Gzip.packer();
    let mut packed = Vec::new();
    for part in ["<p>first</p>", "<p>second</p>", "<p>third</p>"] {
        let sent =
            if packed.is_empty() { format!("<!doctype html>{part}") } else { part.to_owned() };
        site.say(chunk(&packer.piece(sent.as_bytes()).expect("it packs")));
        loop {
            match next(&came) {
                Came::Data(data) => packed.extend_from_slice(&data),
                Came::Head(200, head) => assert_eq!(head["content-encoding"], "gzip"),
                other => panic!("{part}: {other:?}"),
            }
            let page = unpack("gzip", &packed, false).unwrap_or_default();
            if String::from_utf8_lossy(&page).contains(part) {
                break;
            }
        }
    }
}

#[test]
fn trailers_pass_both_ways() {
    let between = Between::start();
    let fields = [("te", "trailers"), ("trailer", "x-sum")];
    let came = ask(&between, request("POST", &fields), Some("abc"));
    let mut site = between.site();
    let head = site.head();
    assert!(head.contains("\r\nte: trailers\r\n"), "{head}");
    assert_eq!(site.chunk(), b"abc");
    assert_eq!(site.until("\r\n\r\n"), b"0\r\nx-sum: 1\r\n\r\n");
    site.say(
        "HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n\
         2\r\nok\r\n0\r\nX-Sum: 2\r\nX-Other: \u{43f}\r\n\r\n",
    );
    assert!(matches!(next(&came), Came::Head(200, _)));
    assert_eq!(next(&came), Came::Data("ok".into()));
    let Came::Trailers(trailers) = next(&came) else { panic!("there are trailers") };
    assert_eq!(trailers["x-sum"], "2");
    assert!(trailers.contains_key("x-other"), "HTTP/2 needs no announcement");
    assert_eq!(next(&came), Came::End);
}

#[test]
fn what_goes_ahead_is_dropped_and_an_early_answer_arrives() {
    let between = Between::start();
    let fields = [("expect", "100-continue"), ("content-length", "3")];
    // The body is never sent.
    let (tell, came) = channel();
    let to = between.gateway.plain;
    let asked = request("PUT", &fields);
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let stream = tokio::net::TcpStream::connect(to).await.expect("it listens");
            let (client, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
            tokio::spawn(connection);
            let mut client = client.ready().await.expect("it is open");
            let (answer, _body) = client.send_request(asked, false).expect("it is taken");
            let answer = tokio::time::timeout(PATIENCE, answer).await.expect("in time");
            tell.send(answer.expect("an answer").status().as_u16()).expect("the test goes on");
        });
    });
    let mut site = between.site();
    assert!(site.head().contains("\r\nexpect: 100-continue\r\n"));
    site.say("HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n");
    site.say("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(came.recv_timeout(PATIENCE), Ok(413));
}

#[test]
fn what_the_door_says_under_http_1_nobody_says_over_http_2() {
    let between = Between::start();
    let forged = [("kelisim-expects", "100-continue"), ("kelisim-raw-target", "/b"), ("x-a", "1")];
    let came = ask(&between, request("POST", &forged), Some("abc"));
    let mut site = between.site();
    let head = site.head();
    assert!(head.starts_with("POST /a HTTP/1.1\r\n") && head.contains("\r\nx-a: 1\r\n"), "{head}");
    assert!(!head.contains("expect") && !head.contains("kelisim"), "{head}");
    site.say("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
    assert!(matches!(next(&came), Came::Head(204, _)));
}

#[test]
fn a_length_that_the_chunks_outweigh_does_not_pass() {
    let between = Between::start();
    for length in ["1", "20"] {
        let came = ask(&between, request("GET", &[]), None);
        let mut site = between.site();
        site.head();
        site.say(format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nTransfer-Encoding: chunked\r\n\
             Connection: close\r\n\r\n2\r\nok\r\n0\r\n\r\n"
        ));
        let Came::Head(200, head) = next(&came) else { panic!("it is answered") };
        assert!(!head.contains_key("content-length"), "{head:?}");
        assert_eq!((next(&came), next(&came)), (Came::Data("ok".into()), Came::End));
    }
}

#[test]
fn what_has_no_body_has_no_length_and_what_was_packed_unasked_is_no_answer() {
    let between = Between::start();
    for (answer, status) in [
        ("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", 204),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 502),
    ] {
        let came = ask(&between, request("GET", &[]), None);
        let mut site = between.site();
        site.head();
        site.say(answer);
        let Came::Head(told, head) = next(&came) else { panic!("it is answered") };
        assert_eq!(told, status, "{answer}");
        assert!(told == 502 || !head.contains_key("content-length"), "{head:?}");
    }
}
