//! How fast the bodies of requests have to come over HTTP/2.
//!
//! The same holds as over HTTP/1, for each stream: in the time that a body has it comes at the rate that
//! the operator says, but only while somebody waits for it, and while its visitor may send.

#[allow(dead_code, reason = "other tests use more of it")]
mod harness {
    use std::time::Duration;

    pub(crate) mod choices;
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
use std::thread::sleep;
use std::time::{Duration, Instant};

use harness::PATIENCE;
use harness::choices::{get as ask, text};
use harness::home::Home;
use harness::program::Gateway;
use harness::wire::Wire as Site;
use http2::wire::*;
use hyper::{Request, Response};

/// In each such time …
const TIME: Duration = Duration::from_secs(1);
/// … so much has to come.
const SETTINGS_OF_BODIES: &str =
    "timeouts.body = \"1s\"\nlimits.body-rate = 100\nlimits.connection-window = \"64KiB\"\n";

/// More than the kernel keeps for a site that reads nothing.
const LARGE: usize = 16 << 20;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

fn start() -> (TcpListener, Gateway, Home) {
    let site = TcpListener::bind("127.0.0.1:0").expect("a port");
    socket2::SockRef::from(&site).set_recv_buffer_size(256 * 1024).expect("a socket");
    let home = Home::new(SETTINGS_OF_BODIES);
    let gateway = home.gateway(site.local_addr().expect("it is bound")).start();
    (site, gateway, home)
}

/// How many bodies were cut because they came too slowly.
fn cut(gateway: &Gateway) -> String {
    let metrics = text(&ask(gateway.admin, "/metrics", ""));
    let line = metrics.lines().find_map(|line| line.split_once("reason=\"slow_body\"} "));
    line.expect("it is counted").1.to_owned()
}

#[test]
fn a_body_that_trickles_is_cut_and_one_that_comes_at_the_rate_is_not() {
    let (listener, gateway, _home) = start();
    // For three times as long as a body has, a tenth of the rate and five times the rate.
    for (piece, is_cut) in [(&b"x"[..], true), (&[b'x'; 50], false)] {
        let mut visitor = Wire::greeted(gateway.plain, &[]);
        visitor.send(&post(1, "/upload"));
        let since = Instant::now();
        while since.elapsed() < 3 * TIME {
            visitor.send(&frame(DATA, 0, 1, piece));
            sleep(TIME / 10);
        }
        visitor.send(&frame(DATA, END_STREAM, 1, b""));
        let mut site = Site::from(&listener);
        site.head();
        if is_cut {
            let rest = site.rest();
            assert!(!rest.ends_with(b"0\r\n\r\n"), "{}", rest.escape_ascii());
        } else {
            site.until("\r\n0\r\n\r\n");
            site.say(OK);
        }
        let answer = visitor.until("an answer", |frame| frame.kind == HEADERS);
        // `:status: 200` and `:status: 400` are the eighth and the twelfth of HPACK's table.
        assert_eq!(answer.payload[0], if is_cut { 0x8c } else { 0x88 });
        assert_eq!(cut(&gateway), "1");
    }
}

#[test]
fn a_body_that_ceases_is_cut_as_over_http1() {
    let (listener, gateway, _home) = start();
    let mut visitor = Wire::greeted(gateway.plain, &[]);
    visitor.send(&[post(1, "/upload"), frame(DATA, 0, 1, &[b'x'; 500])].concat());
    let mut site = Site::from(&listener);
    site.head();
    let since = Instant::now();
    assert!(!site.rest().ends_with(b"0\r\n\r\n"));
    // What came at once is good for one time.
    assert!(since.elapsed() > TIME && since.elapsed() < 4 * TIME, "{:?}", since.elapsed());
    assert_eq!(cut(&gateway), "1");
}

/// Sends a request over HTTP/2 with a body, and says how it was answered.
async fn upload(
    mut client: h2::client::SendRequest<bytes::Bytes>,
    path: &str,
    bytes: usize,
) -> Response<h2::RecvStream> {
    let request = Request::post(format!("http://send-box.com{path}")).body(()).expect("a request");
    let (answer, mut body) = client.send_request(request, false).expect("it is open");
    body.send_data(vec![b'x'; bytes].into(), true).expect("it is open");
    answer.await.expect("an answer")
}

/// Takes the next connection's request, and answers once it has come.
fn take(listener: &TcpListener) -> impl FnOnce() + Send + 'static {
    let mut site = Site::from(listener);
    site.head();
    move || {
        while !site.chunk().is_empty() {}
        site.say(OK);
    }
}

#[test]
fn nobody_is_blamed_while_a_site_reads_nothing() {
    let (listener, gateway, _home) = start();
    let to: SocketAddr = gateway.plain;
    let visitor = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let stream = tokio::net::TcpStream::connect(to).await.expect("it listens");
            stream.set_nodelay(true).expect("a socket");
            let (client, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
            tokio::spawn(connection);
            let client = client.ready().await.expect("it is open");
            // The first takes all that the kernel keeps, and then all of the connection's window: of the
            // second nothing but the head can be sent.
            let large = tokio::spawn(upload(client.clone(), "/large", LARGE));
            tokio::time::sleep(2 * TIME).await;
            let small = tokio::spawn(upload(client, "/small", 1000));
            let both = async { (large.await.expect("it ran"), small.await.expect("it ran")) };
            let (large, small) = tokio::time::timeout(PATIENCE, both).await.expect("in time");
            (large.status(), small.status())
        })
    });
    let large = take(&listener);
    let small = take(&listener);
    let small = std::thread::spawn(small);
    // Both are at a standstill for longer than a body may be silent.
    sleep(3 * TIME);
    assert_eq!(cut(&gateway), "0");
    large();
    small.join().expect("all of it came");
    let (large, small) = visitor.join().expect("both were answered");
    assert_eq!((large.as_u16(), small.as_u16()), (200, 200));
    assert_eq!(cut(&gateway), "0");
}
