//! `[timeouts]` and `[limits]` as they are felt from outside.
//!
//! Each is set so low that it is met at once: what a test waits for comes, and nothing is slept for.
//! The deadlines of the front door are shown beside it, with time set.

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

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use harness::PATIENCE;
use harness::choices::{get, text};
use harness::home::Home;
use harness::program::{Ended, Program, Visitor, send};
use harness::site::Site;
use socket2::{Domain, Socket, Type};

fn page(of: SocketAddr) -> Visitor {
    send(of, "GET /page HTTP/1.1\r\nHost: send-box.com\r\n\r\n")
}

fn connect(to: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(to).expect("the gateway listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    stream
}

/// All that comes until the gateway closes.
fn to_the_end(mut stream: TcpStream) -> String {
    let mut all = Vec::new();
    match stream.read_to_end(&mut all) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "it is not closed"),
    }
    String::from_utf8_lossy(&all).into_owned()
}

#[test]
fn who_stops_in_the_middle_of_an_upload_is_no_failure_of_the_server() {
    let site = Site::start();
    let settings = format!(
        "timeouts.answer = \"300ms\"\n[upstreams.a]\nservers = [\"http://{0}\", \"http://{0}\"]\n\
         ejection.failures = 1\n",
        site.address
    );
    let home = Home::new(&settings);
    let file = home.0.path().join("kelisim.toml");
    let gateway = Program::new()
        .arg("run")
        .arg("--config")
        .arg(file.to_str().expect("it is text"))
        .arg("--data")
        .arg(home.0.path().join("data").to_str().expect("it is text"))
        .arg("--listen")
        .arg("127.0.0.1:0")
        .arg("--admin")
        .arg("127.0.0.1:0")
        .start();
    for _ in 0..3 {
        let head =
            "POST /a HTTP/1.1\r\nHost: send-box.com\r\nContent-Length: 1000\r\n\r\nbeginning";
        assert_eq!(send(gateway.plain, head).read_to_the_end().status(), 400);
    }
    let metrics = text(&get(gateway.admin, "/metrics", ""));
    let of_servers = metrics.lines().filter(|line| line.contains("server=\""));
    let failures: Vec<_> = of_servers.filter(|line| line.contains("failures")).collect();
    assert!(
        !failures.is_empty() && failures.iter().all(|line| line.ends_with(" 0")),
        "{failures:?}"
    );
}

#[test]
fn the_front_door_waits_as_long_as_it_is_told() {
    let site = Site::start();
    let home = Home::new(
        "listen-tls = [\"127.0.0.1:0\"]\n\
         [timeouts]\nhead = \"60ms\"\nidle = \"70ms\"\nbody = \"80ms\"\nhandshake = \"90ms\"\n",
    );
    let certs = home.0.path().join("certs");
    let made = rcgen::generate_simple_self_signed(["send-box.com".to_owned()]).expect("made");
    fs::create_dir(&certs).expect("a folder");
    fs::write(certs.join("a.crt"), made.cert.pem()).expect("it can be written");
    fs::write(certs.join("a.key"), made.signing_key.serialize_pem()).expect("it can be written");
    let gateway = home.gateway(site.address).arg("--certs").arg(certs.to_str().expect("text"));
    let gateway = gateway.start();

    assert_eq!(to_the_end(connect(gateway.plain)), "", "idle");
    assert_eq!(to_the_end(connect(gateway.tls())), "", "handshake");
    let mut slow = connect(gateway.plain);
    slow.write_all(b"GET / HTTP/1.1\r\nHo").expect("it is taken");
    assert!(to_the_end(slow).starts_with("HTTP/1.1 408 "), "head");
    let mut slow = connect(gateway.plain);
    slow.write_all(b"POST / HTTP/1.1\r\nHost: send-box.com\r\nContent-Length: 9\r\n\r\n")
        .expect("it is taken");
    to_the_end(slow);
    let metrics = text(&get(gateway.admin, "/metrics", ""));
    assert!(metrics.contains("refused_total{reason=\"slow_body\"} 1\n"), "{metrics}");
}

#[test]
fn the_site_may_be_silent_as_long_as_it_is_told() {
    let site = Site::start();
    let home = Home::new("[timeouts]\nanswer = \"100ms\"\n");
    let gateway = home.gateway(site.address).start();
    let visitor = page(gateway.plain);
    let _held = site.next().expect("the site is asked");
    assert_eq!(visitor.read_to_the_end().status(), 504);

    let visitor = page(gateway.plain);
    let mut received = site.next().expect("the site is asked");
    received.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npause").expect("it is taken");
    let answer = visitor.read_to_the_end();
    assert!(!answer.whole, "{answer}");
}

#[test]
fn a_connection_to_the_site_is_awaited_as_long_as_it_is_told() {
    // A site that accepts nothing: once as many wait as may, the next ones hear nothing at all.
    let site = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    site.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("a free port");
    site.listen(0).expect("it listens");
    let address = site.local_addr().ok().and_then(|a| a.as_socket()).expect("an address");
    let mut waiting = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(300)) {
        waiting.push(stream);
        assert!(waiting.len() < 64, "it is never full");
    }
    let home = Home::new("[timeouts]\nconnect = \"100ms\"\n");
    let mut gateway = home.gateway(address).start();
    let answer = page(gateway.plain).read_to_the_end();
    assert_eq!(answer.status(), 502, "{answer}");
    gateway.wait_for_line("no answer in 100ms");
}

/// From how many connections two requests in a row come.
fn connections_of_two(gateway: SocketAddr, site: &Site) -> usize {
    let mut by = Vec::new();
    for _ in 0..2 {
        let visitor = page(gateway);
        let mut received = site.next().expect("the site is asked");
        received.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").expect("it is taken");
        assert_eq!(visitor.read_to_the_end().status(), 200);
        by.push(received.connection.peer_addr().expect("it is connected"));
    }
    by.dedup();
    by.len()
}

#[test]
fn connections_to_the_site_rest_as_they_are_told() {
    let site = Site::start();
    let gateway = Home::new("");
    let gateway = gateway.gateway(site.address).start();
    let since = Instant::now();
    // The first may still be on its way to its rest when the second is asked for.
    while connections_of_two(gateway.plain, &site) != 1 {
        assert!(since.elapsed() < PATIENCE, "none is ever used again");
    }
    drop(gateway);

    let home = Home::new("[limits]\nresting = 0\n");
    let gateway = home.gateway(site.address).start();
    for _ in 0..5 {
        assert_eq!(connections_of_two(gateway.plain, &site), 2, "none rests");
    }
    drop(gateway);

    let home = Home::new("[timeouts]\nrest = \"1ms\"\n");
    let gateway = home.gateway(site.address).start();
    while connections_of_two(gateway.plain, &site) != 2 {
        assert!(since.elapsed() < PATIENCE, "they rest for longer");
    }
}

#[test]
fn who_is_over_the_limit_of_connections_waits_until_another_leaves() {
    let site = Site::start();
    let home = Home::new("[limits]\nconnections = 1\nbacklog = 8\n");
    let gateway = home.gateway(site.address).start();
    let ask = b"GET /.consent/state HTTP/1.1\r\nHost: send-box.com\r\nConnection: close\r\n\r\n";
    let mut first = connect(gateway.plain);
    first.write_all(b"GET /.consent/state HTTP/1.1\r\nHost: send-box.com\r\n\r\n").expect("taken");
    assert!(first.read(&mut [0; 512]).expect("an answer") > 0);
    let mut second = connect(gateway.plain);
    second.write_all(ask).expect("it is taken");
    second.set_read_timeout(Some(Duration::from_millis(200))).expect("a socket");
    let waits = second.read(&mut [0; 1]).expect_err("it is not served yet");
    assert!(matches!(waits.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{waits}");
    drop(first);
    second.set_read_timeout(Some(PATIENCE)).expect("a socket");
    assert!(to_the_end(second).starts_with("HTTP/1.1 200 "));
}

#[test]
fn http_2_says_its_limits_and_asks_who_is_quiet() {
    const SETTINGS: u8 = 4;
    const PING: u8 = 6;
    const WINDOW_UPDATE: u8 = 8;
    let site = Site::start();
    let home = Home::new(
        "[timeouts]\nping = \"50ms\"\n\
         [limits]\nstreams = 7\nstream-window = \"24KiB\"\nconnection-window = \"128KiB\"\n",
    );
    let gateway = home.gateway(site.address).start();
    let mut stream = connect(gateway.plain);
    // The preface, with settings that say nothing (RFC 9113 §3.4).
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").expect("it is taken");
    let (mut streams, mut window, mut more, mut asked) = (None, None, None, false);
    while !asked || more.is_none() || streams.is_none() {
        let mut head = [0; 9];
        stream.read_exact(&mut head).expect("a frame");
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut content = vec![0; length as usize];
        stream.read_exact(&mut content).expect("its content");
        let number = |bytes: &[u8]| bytes.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte));
        match head[3] {
            SETTINGS => {
                for setting in content.chunks(6) {
                    match number(&setting[..2]) {
                        3 => streams = Some(number(&setting[2..])),
                        4 => window = Some(number(&setting[2..])),
                        _ => {}
                    }
                }
            }
            WINDOW_UPDATE => more = Some(number(&content)),
            PING => asked |= head[4] & 1 == 0,
            _ => {}
        }
    }
    assert_eq!((streams, window), (Some(7), Some(24 << 10)));
    assert_eq!(more, Some((128 << 10) - 65_535), "beyond what a connection begins with");
}

#[test]
fn a_gateway_that_stops_waits_as_long_as_it_is_told() {
    let site = Site::start();
    let home = Home::new("[timeouts]\ndrain = \"50ms\"\n");
    let mut gateway = home.gateway(site.address).start();
    let _visitor = page(gateway.plain);
    let _held = site.next().expect("the site is asked");
    gateway.signal("TERM");
    let Ended { code, stderr } = gateway.wait();
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stderr.contains("still open after 50ms and are cut"), "{stderr}");
}
