//! What one address may have, what a path takes, and what the process has, as they are felt from outside.
//!
//! Shares are set so low that they are met at once. How rates grow again is shown beside their code, with
//! time set; the one thing that is waited for here is that nothing happens.

#[allow(dead_code, reason = "other tests use more of it")]
mod harness {
    use std::time::Duration;

    pub(crate) mod choices;
    pub(crate) mod home;
    pub(crate) mod message;
    pub(crate) mod program;
    pub(crate) mod site;

    /// How long anything may take that a test waits for.
    pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
}

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use harness::PATIENCE;
use harness::choices::{DECLINE, get, text};
use harness::home::Home;
use harness::message::Message;
use harness::program::{Gateway, Program, ask, send, until};
use harness::site::Site;
use socket2::{Domain, Socket, Type};

const STATE: &str = "GET /.consent/state HTTP/1.1\r\nHost: send-box.com\r\n\r\n";

/// A connection from an address of this machine.
fn connect_from(address: [u8; 4], to: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.bind(&SocketAddr::from((address, 0)).into()).expect("an address of this machine");
    socket.connect(&to.into()).expect("the gateway listens");
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    stream
}

/// Whether a connection is served; else it is closed.
fn is_served(stream: &mut TcpStream) -> bool {
    // What is closed at once may not even take it.
    let _ = stream.write_all(STATE.as_bytes());
    match stream.read(&mut [0; 1024]) {
        Ok(0) => false,
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::ConnectionReset, "neither served nor closed");
            false
        }
    }
}

fn counted(gateway: &Gateway, name: &str) -> u64 {
    let metrics = text(&get(gateway.admin, "/metrics", ""));
    let line = metrics.lines().find(|line| line.starts_with(&format!("kelisim_{name}_total ")));
    let number = line.and_then(|line| line.rsplit(' ').next()?.parse().ok());
    number.unwrap_or_else(|| panic!("`{name}` is not counted in\n{metrics}"))
}

fn value(message: &Message, name: &str) -> String {
    message.values(name).map(|value| String::from_utf8_lossy(value).into_owned()).collect()
}

#[test]
fn an_address_has_its_share_of_connections_and_another_address_its_own() {
    let site = Site::start();
    let home = Home::new("[limits]\nconnections-per-address = 2\n");
    let mut gateway = home.gateway(site.address).start();
    let from = |last| connect_from([127, 0, 0, last], gateway.plain);
    let mut first = from(1);
    let mut second = from(1);
    assert!(is_served(&mut first) && is_served(&mut second));
    assert!(!is_served(&mut from(1)));
    let mut other = from(2);
    assert!(is_served(&mut other));
    assert_eq!(counted(&gateway, "connections_over_limit"), 1);
    drop(first);
    until("the place of one that left is free", || is_served(&mut from(1)));
    gateway.wait_for_line("an address has 2 connections open; more of it are closed");
}

#[test]
fn a_tunnel_holds_its_place_until_it_ends() {
    let site = Site::start();
    let home = Home::new("[limits]\nconnections-per-address = 1\n");
    let gateway = home.gateway(site.address).start();
    let mut visitor = send(
        gateway.plain,
        "GET /chat HTTP/1.1\r\nHost: send-box.com\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    let mut received = site.next().expect("the site is asked");
    let switch = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nhello";
    received.write(switch).expect("it is taken");
    visitor.read_until("hello");
    assert!(!is_served(&mut connect_from([127, 0, 0, 1], gateway.plain)));
    drop(visitor);
    received.cut();
    until("the tunnel has ended", || is_served(&mut connect_from([127, 0, 0, 1], gateway.plain)));
}

#[test]
fn a_trusted_proxy_brings_as_many_as_come() {
    let site = Site::start();
    let home = Home::new("trust = [\"127.0.0.0/8\"]\n[limits]\nconnections-per-address = 1\n");
    let gateway = home.gateway(site.address).start();
    let mut streams: Vec<_> =
        (0..20).map(|_| connect_from([127, 0, 0, 1], gateway.plain)).collect();
    assert!(streams.iter_mut().all(is_served));
}

/// The statuses of requests that are sent at once on one connection.
fn statuses(gateway: &Gateway, field: &str, count: usize) -> Vec<u16> {
    let one = format!("GET /.consent/state HTTP/1.1\r\nHost: send-box.com\r\n{field}\r\n");
    let last = one.replace("\r\nHost", "\r\nConnection: close\r\nHost");
    let mut stream = connect_from([127, 0, 0, 1], gateway.plain);
    let all = one.repeat(count - 1) + &last;
    stream.write_all(all.as_bytes()).expect("it is taken");
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("it ends");
    let mut statuses = Vec::new();
    while let Some((answer, taken)) = Message::read(&bytes, true, false) {
        statuses.push(answer.status());
        bytes.drain(..taken);
    }
    statuses
}

#[test]
fn who_asks_too_often_is_told_when_to_come_again() {
    let site = Site::start();
    let home = Home::new(
        "trust = [\"127.0.0.0/8\"]\n[limits]\nrequests-per-address = 1\nburst-per-address = 3\n",
    );
    let gateway = home.gateway(site.address).start();
    let asked = statuses(&gateway, "X-Forwarded-For: 198.51.100.7\r\n", 20);
    assert_eq!(asked[..3], [200; 3], "{asked:?}");
    assert!(asked.ends_with(&[429]), "{asked:?}");
    // Another visitor behind the same proxy, and one in the same /64.
    assert_eq!(statuses(&gateway, "X-Forwarded-For: 198.51.100.8\r\n", 2), [200; 2]);
    statuses(&gateway, "X-Forwarded-For: 2001:db8::1\r\n", 20);
    let neighbour = statuses(&gateway, "X-Forwarded-For: 2001:db8::2\r\n", 20);
    assert_eq!(neighbour[19], 429, "{neighbour:?}");

    for (accept, words) in [
        ("Accept-Language: ru\r\n", "Слишком много запросов"),
        ("Accept-Language: kk\r\n", "Сұраныс тым көп"),
        ("Accept: application/json\r\n", "come again in 1 s"),
    ] {
        // Time goes on meanwhile, and a request may be let through.
        let refused = (0..10).find_map(|_| {
            let field = format!("X-Forwarded-For: 198.51.100.7\r\n{accept}");
            let request = format!(
                "GET /page HTTP/1.1\r\nHost: send-box.com\r\n{field}Connection: close\r\n\r\n"
            );
            statuses(&gateway, "X-Forwarded-For: 198.51.100.7\r\n", 5);
            Some(ask(gateway.plain, &request)).filter(|answer| answer.status() == 429)
        });
        let refused = refused.expect("it is too often");
        assert_eq!(value(&refused, "retry-after"), "1");
        assert!(text(&refused).contains(words), "{refused}");
    }
    assert!(counted(&gateway, "requests_over_rate") > 30);
}

#[test]
fn nobody_is_counted_by_requests_unless_an_operator_says_so() {
    let site = Site::start();
    let gateway = Home::new("").gateway(site.address).start();
    assert_eq!(statuses(&gateway, "", 500), [200; 500]);
}

#[test]
fn choices_are_few_and_the_settings_can_be_seen_all_the_same() {
    let site = Site::start();
    let gateway = Home::new("[limits]\nchoices-per-address = 2\n").gateway(site.address).start();
    let choose = |accept: &str| {
        let length = DECLINE.len();
        ask(
            gateway.plain,
            &format!(
                "POST /.consent/choices HTTP/1.1\r\nHost: send-box.com\r\n{accept}Connection: close\r\n\
                 Content-Length: {length}\r\n\r\n{DECLINE}"
            ),
        )
    };
    assert_eq!([choose("").status(), choose("").status()], [303; 2]);
    let refused = choose("Accept-Language: ru\r\n");
    assert_eq!(refused.status(), 429, "{refused}");
    let seconds: u64 = value(&refused, "retry-after").parse().expect("seconds");
    assert!((1..=30).contains(&seconds), "{seconds}");
    assert!(text(&refused).contains("Слишком много запросов"), "{refused}");
    assert_eq!(get(gateway.plain, "/.consent/", "").status(), 200);
    assert_eq!(counted(&gateway, "choices_over_rate"), 1);
    assert_eq!(counted(&gateway, "choices"), 2);
}

#[test]
fn a_path_takes_bodies_as_long_as_the_operator_says() {
    let site = Site::start();
    let home = Home::new("[[body]]\npath = \"/upload\"\nbytes = \"1KiB\"\n");
    let gateway = home.gateway(site.address).start();
    let post = |path: &str, framing: &str, body: &[u8]| {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: send-box.com\r\nAccept: application/json\r\n{framing}\r\n\r\n"
        );
        let mut stream = connect_from([127, 0, 0, 1], gateway.plain);
        // Who is refused early takes no more of it.
        let _ = stream.write_all(&[head.as_bytes(), body].concat());
        stream
    };
    let answer = |mut stream: TcpStream| {
        let mut bytes = Vec::new();
        let mut piece = [0; 4096];
        loop {
            match Message::read(&bytes, false, false) {
                Some((message, _)) if message.whole => return message,
                _ => {}
            }
            let read = stream.read(&mut piece).expect("more comes in time");
            assert!(read > 0, "the gateway closed without an answer");
            bytes.extend(&piece[..read]);
        }
    };

    let refused = answer(post("/upload/a", "Content-Length: 1025", b""));
    assert_eq!(refused.status(), 413, "{refused}");
    assert!(text(&refused).contains("a body may have 1024 bytes here"), "{refused}");
    let escaped = answer(post("/x/%2e%2e/%75pload", "Content-Length: 1025", b""));
    assert_eq!(escaped.status(), 413, "{escaped}");
    assert!(site.unexpected().is_none(), "the site heard of it");

    let chunk = |length: usize| format!("{length:x}\r\n{}\r\n", "a".repeat(length));
    let body = format!("{}{}", chunk(1000), chunk(25));
    let over = answer(post("/upload", "Transfer-Encoding: chunked", body.as_bytes()));
    assert_eq!(over.status(), 413, "{over}");
    assert!(site.unexpected().is_none(), "what the site was sent ended as if it were whole");
    assert_eq!(counted(&gateway, "bodies_too_large"), 3);

    let just = format!("{}{}0\r\n\r\n", chunk(1000), chunk(24));
    let elsewhere = format!("{}0\r\n\r\n", chunk(1_000_000));
    for (path, body) in [("/upload", just), ("/uploads", elsewhere)] {
        let stream = post(path, "Transfer-Encoding: chunked", body.as_bytes());
        let mut received = site.next().expect("the site is asked");
        assert!(received.request.whole && received.request.body.len() >= 1024);
        received.write(b"HTTP/1.1 204 No Content\r\n\r\n").expect("it is taken");
        assert_eq!(answer(stream).status(), 204, "{path}");
    }
}

/// What is left of the process' time while a visitor waits for a second and gets nothing.
fn works_while_nothing_happens(gateway: &Gateway, waiting: &mut TcpStream) -> u64 {
    let before = gateway.worked();
    waiting.set_read_timeout(Some(Duration::from_secs(1))).expect("a socket");
    let waits = waiting.read(&mut [0; 1]).expect_err("it is not served");
    assert!(matches!(waits.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{waits}");
    waiting.set_read_timeout(Some(PATIENCE)).expect("a socket");
    gateway.worked() - before
}

#[test]
fn more_connections_than_descriptors_wait_and_cost_nothing() {
    let site = Site::start();
    let mut gateway = Home::new("").gateway(site.address).descriptors(128).start();
    assert_eq!(gateway.lines_with("of 10000 connections 36 can be open at once"), 1);
    let mut streams: Vec<_> = (0..80)
        .map(|_| {
            let mut stream = connect_from([127, 0, 0, 1], gateway.plain);
            stream.write_all(STATE.as_bytes()).expect("it is taken");
            stream
        })
        .collect();
    // They are accepted in their order.
    for stream in &mut streams[..36] {
        assert!(stream.read(&mut [0; 1024]).expect("it is served") > 0);
    }
    let worked = works_while_nothing_happens(&gateway, &mut streams[36]);
    assert!(worked < 20, "it works for {worked} hundredths of a second");
    assert_eq!(counted(&gateway, "connections_waited"), 1);
    assert_eq!(counted(&gateway, "accepts_failed"), 0);
    streams.drain(..36);
    for stream in &mut streams[..36] {
        assert!(stream.read(&mut [0; 1024]).expect("it is served") > 0);
    }
    gateway.wait_for_line("all 36 connections that there may be are open");
}

#[test]
fn without_a_descriptor_left_it_rests_and_goes_on_when_there_is_one() {
    // One visitor opens as many requests as the site leaves unanswered.
    let site = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let address = site.local_addr().expect("it is bound");
    let (sender, asked) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        while let Ok((connection, _)) = site.accept() {
            if sender.send(connection).is_err() {
                return;
            }
        }
    });
    let mut gateway = Home::new("").gateway(address).descriptors(110).start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let (client, refused) = runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(gateway.plain).await.expect("it listens");
        let (mut client, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
        tokio::spawn(connection);
        let mut answers = tokio::task::JoinSet::new();
        for _ in 0..100 {
            client = client.ready().await.expect("it is open");
            let request = http::Request::get("http://send-box.com/").body(()).expect("a request");
            let (answer, _) = client.send_request(request, true).expect("it is taken");
            answers.spawn(answer);
        }
        let first = tokio::time::timeout(PATIENCE, answers.join_next()).await.expect("in time");
        let first = first.expect("there are some").expect("no panic").expect("an answer");
        answers.detach_all();
        (client, first.status())
    });
    assert_eq!(refused, 502, "the site cannot be reached without a descriptor");

    let mut visitor = connect_from([127, 0, 0, 1], gateway.plain);
    visitor.write_all(STATE.as_bytes()).expect("it is taken");
    gateway.wait_for_line("connections cannot be accepted");
    let worked = works_while_nothing_happens(&gateway, &mut visitor);
    assert!(worked < 20, "it works for {worked} hundredths of a second");

    drop(asked);
    assert!(visitor.read(&mut [0; 1024]).expect("it is served") > 0);
    assert!(counted(&gateway, "accepts_failed") > 1);
    assert_eq!(gateway.lines_with("connections cannot be accepted"), 1, "it is said once");
    drop((client, runtime));
}

#[test]
fn an_answer_has_a_hundred_fields_at_most() {
    let (site, data) = (Site::start(), tempfile::tempdir().expect("a folder"));
    let gateway = Program::run(site.address, data.path()).start();
    for (fields, status) in [(100, "204"), (101, "502")] {
        let request = "GET / HTTP/1.1\r\nHost: send-box.com\r\nConnection: close\r\n\r\n";
        let visitor = send(gateway.plain, request);
        let mut received = site.next().expect("the site is asked");
        let answer = format!("HTTP/1.1 204 No Content\r\n{}\r\n", "X-A: 1\r\n".repeat(fields));
        received.write(answer.as_bytes()).expect("the gateway reads");
        let answer = visitor.read_to_the_end();
        assert!(answer.start.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
}
