//! The site behind TLS and HTTP/2, with sites and visitors that are not ours.

#[allow(dead_code, reason = "the tests of several sites use more of it")]
mod upstream;

use std::future::poll_fn;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request};
use kelisim::proxy::TlsSettings;
use tokio::time::timeout;
use upstream::PATIENCE;
use upstream::authority::Authority;
use upstream::gateway::{Answer, Gateway, start};
use upstream::secured::secured;
use upstream::site::{Site, Speaks};

#[tokio::test]
async fn a_site_is_asked_by_http_2_or_1_1_as_it_chooses_and_for_the_host_that_the_visitor_named() {
    for (alpn, version, authority, host) in [
        (&["h2", "http/1.1"][..], "2", "send-box.com", "-"),
        (&["http/1.1"], "1.1", "-", "send-box.com"),
        (&[], "1.1", "-", "send-box.com"),
    ] {
        let secured = secured("localhost", alpn);
        let gateway = secured.gateway();
        let answer = gateway.visitor().await.get("/a?b=%20c").await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let told = ["x-version", "x-authority", "x-host", "x-path"].map(|name| answer.field(name));
        assert_eq!(told, [version, authority, host, "/a?b=%20c"]);
        // HTTP/1.1 visitors see no difference.
        let answer =
            gateway.say(b"GET /a HTTP/1.1\r\nHost: send-box.com\r\nConnection: close\r\n\r\n");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert!(answer.contains(&format!("x-version: {version}")), "{answer}");
        assert_eq!(secured.site.connections(), 1, "one connection serves both");
    }
}

#[tokio::test]
async fn without_tls_http_2_is_spoken_where_it_is_known_beforehand() {
    let site = Site::start(Speaks::Http2);
    let gateway = start(&format!("h2c://{}", site.address), |_| {});
    let answer = gateway.visitor().await.get("/").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let told = ["x-version", "x-authority", "x-scheme"].map(|name| answer.field(name));
    assert_eq!(told, ["2", "send-box.com", "http"]);
}

/// What the gateway has logged, in this process.
fn logged() -> Arc<Mutex<Vec<u8>>> {
    #[derive(Clone)]
    struct Lines(Arc<Mutex<Vec<u8>>>);
    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("no test failed here").extend(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    static LOGGED: std::sync::OnceLock<Arc<Mutex<Vec<u8>>>> = std::sync::OnceLock::new();
    let lines = LOGGED.get_or_init(|| {
        let lines = Lines(Arc::default());
        let writer = lines.clone();
        tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).init();
        lines.0
    });
    Arc::clone(lines)
}

#[tokio::test]
async fn who_is_not_whom_the_gateway_believes_is_sent_nothing_and_the_log_says_why() {
    let lines = logged();
    let whole = secured("localhost", &["h2"]);
    let folder = tempfile::tempdir().expect("a folder");
    let stranger = Some(Authority::new().file(folder.path()));
    let stranger = TlsSettings { ca: stranger, ..TlsSettings::default() };
    let other = secured("other.kz", &["h2"]);
    let named = |name: &str| TlsSettings { name: Some(name.to_owned()), ..other.settings.clone() };
    for (site, settings, status, says) in [
        (&whole, stranger, 502, "UnknownIssuer"),
        (&whole, TlsSettings::default(), 502, "UnknownIssuer"),
        (&other, other.settings.clone(), 502, "not valid for name \"localhost\""),
        (&other, named("another.kz"), 502, "not valid for name \"another.kz\""),
        (&other, named("other.kz"), 200, ""),
    ] {
        let address = site.site.address.port();
        let gateway = start(&format!("https://localhost:{address}"), |upstream| {
            upstream.tls = settings;
        });
        let requests = site.site.requests();
        let answer = gateway.visitor().await.get("/").await;
        assert_eq!(answer.status, status, "{says}");
        assert_eq!(site.site.requests() - requests, usize::from(status == 200));
        let lines = String::from_utf8_lossy(&lines.lock().expect("whole")).into_owned();
        let line = format!("localhost:{address}: TLS: invalid peer certificate");
        assert!(status == 200 || lines.contains(&line), "{line} in {lines}");
        assert!(lines.contains(says), "{says} in {lines}");
    }
}

#[tokio::test]
async fn another_authority_in_the_same_file_is_believed_from_the_reload_on() {
    let (whole, folder) = (secured("localhost", &["h2"]), tempfile::tempdir().expect("a folder"));
    let gateway = whole.gateway();
    let file = whole.settings.ca.as_deref().expect("it has one");
    let own = std::fs::read(file).expect("it is there");
    let stranger = std::fs::read(Authority::new().file(folder.path())).expect("it is there");
    let connections = || whole.site.connections();
    assert_eq!(gateway.visitor().await.get("/").await.status, 200);
    gateway.reload().expect("it is as it was");
    assert_eq!(gateway.visitor().await.get("/").await.status, 200);
    assert_eq!(connections(), 1, "it is the same server");
    for (bytes, refused, status) in [
        (&stranger[..], "", 502),
        (b"nothing", "ca.crt: no certificate in it", 502),
        (&own, "", 200),
        (b"nothing", "ca.crt: no certificate in it", 200),
    ] {
        std::fs::write(file, bytes).expect("it can be written");
        let why = gateway.reload().err().unwrap_or_default();
        assert!(why.contains(refused) && why.is_empty() == refused.is_empty(), "{why}");
        assert_eq!(gateway.visitor().await.get("/").await.status, status, "{why}");
    }
}

#[tokio::test]
async fn a_site_that_asks_for_a_certificate_is_shown_ours() {
    let (folder, other) = (tempfile::tempdir(), tempfile::tempdir());
    let (folder, other) = (folder.expect("a folder"), other.expect("a folder"));
    let authority = Authority::new();
    let config = authority.serves("localhost", &["h2"], Some(&authority));
    let site = Site::start(Speaks::Tls(config));
    let ca = Some(authority.file(folder.path()));
    for (client, status) in [
        (Some(authority.client(folder.path())), 200),
        (None, 502),
        (Some(Authority::new().client(other.path())), 502),
    ] {
        let (certificate, key) = client.unzip();
        let gateway = start(&format!("https://localhost:{}", site.address.port()), |upstream| {
            upstream.tls = TlsSettings { ca: ca.clone(), certificate, key, name: None };
        });
        assert_eq!(gateway.visitor().await.get("/").await.status, status);
    }
}

/// A call as gRPC makes it: what is said is answered before the next is said, and both ends end with
/// trailers.
async fn converse(gateway: &Gateway) {
    let visitor = gateway.visitor().await;
    let request = Request::post("http://send-box.com/echo.Echo/Say")
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(())
        .expect("a request");
    let (response, mut up) = visitor.send(request, false).await;
    let response = timeout(PATIENCE, response).await.expect("before anything is said");
    let response = response.expect("an answer");
    assert_eq!(response.headers()["x-version"], "2");
    assert_eq!(response.headers()["x-te"], "trailers");
    let mut down = response.into_body();
    for round in 0..20_u8 {
        let said = Bytes::from(vec![round; 5 + usize::from(round) * 1000]);
        up.send_data(said.clone(), false).expect("it is open");
        let mut heard = Vec::new();
        while heard.len() < said.len() {
            let data = timeout(PATIENCE, down.data()).await.expect("before more is said");
            let data = data.expect("it goes on").expect("data");
            down.flow_control().release_capacity(data.len()).expect("it was taken");
            heard.extend_from_slice(&data);
        }
        assert!(heard == said, "round {round}");
    }
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", "0".parse().expect("a value"));
    trailers.insert("x-sum", "20".parse().expect("a value"));
    up.send_trailers(trailers.clone()).expect("it is open");
    assert!(timeout(PATIENCE, down.data()).await.expect("in time").is_none());
    let heard = timeout(PATIENCE, down.trailers()).await.expect("in time").expect("an end");
    assert_eq!(heard, Some(trailers));
}

#[tokio::test]
async fn a_grpc_call_streams_both_ways_and_ends_with_trailers() {
    let secured = secured("localhost", &["h2"]);
    converse(&secured.gateway()).await;
    let site = Site::start(Speaks::Http2);
    converse(&start(&format!("h2c://{}", site.address), |_| {})).await;
}

#[tokio::test]
async fn who_takes_nothing_holds_up_who_sends_and_little_is_held_between_them() {
    const MANY: usize = 256 << 20;
    const FEW: usize = 4 << 20;
    let secured = secured("localhost", &["h2"]);
    let gateway = secured.gateway();
    let request = Request::post("http://send-box.com/").body(()).expect("a request");
    let (response, mut up) = gateway.visitor().await.send(request, false).await;
    let answer = timeout(PATIENCE, response).await.expect("in time").expect("an answer");
    let mut sent = 0;
    while sent < MANY {
        up.reserve_capacity(64 << 10);
        let more = timeout(Duration::from_millis(500), poll_fn(|cx| up.poll_capacity(cx))).await;
        // Held up: nobody takes what the site says back.
        let Ok(more) = more else { break };
        let more = more.expect("it is open").expect("room");
        up.send_data(vec![0; more].into(), false).expect("it is open");
        sent += more;
    }
    println!("{} KiB lie between a visitor and themselves", sent >> 10);
    assert!(sent < FEW, "{sent} bytes");
    // It goes on as soon as it is taken.
    let mut down = answer.into_body();
    let mut taken = 0;
    while taken < sent {
        let data = timeout(PATIENCE, down.data()).await.expect("in time").expect("data");
        let data = data.expect("it goes on");
        down.flow_control().release_capacity(data.len()).expect("it was taken");
        taken += data.len();
    }
    assert_eq!(taken, sent);
}

#[tokio::test]
async fn trailers_pass_between_versions() {
    let chunked = b"POST / HTTP/1.1\r\nHost: send-box.com\r\nConnection: close\r\nTE: trailers\r\n\
        Transfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 3\r\n\r\n";
    for alpn in ["h2", "http/1.1"] {
        let secured = secured("localhost", &[alpn]);
        let gateway = secured.gateway();
        let answer = gateway.say(chunked);
        assert!(answer.contains("\r\n0\r\nx-sum: 3\r\n\r\n"), "{alpn}: {answer}");

        let request = Request::post("http://send-box.com/").header("te", "trailers");
        let request = request.header("trailer", "x-sum").body(()).expect("a request");
        let (response, mut up) = gateway.visitor().await.send(request, false).await;
        up.send_data(Bytes::from_static(b"abc"), false).expect("it is open");
        let mut trailers = HeaderMap::new();
        trailers.insert("x-sum", "3".parse().expect("a value"));
        up.send_trailers(trailers.clone()).expect("it is open");
        let response = timeout(PATIENCE, response).await.expect("in time").expect("an answer");
        let answer = Answer::read(response).await;
        assert_eq!(
            (answer.body.as_ref(), answer.trailers),
            (&b"abc"[..], Some(trailers)),
            "{alpn}"
        );
    }
}

#[tokio::test]
async fn a_body_that_is_kept_back_is_asked_for_where_the_site_cannot_be_heard() {
    let secured = secured("localhost", &["h2"]);
    let gateway = secured.gateway();
    let mut stream = TcpStream::connect(gateway.address()).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    let head = "POST / HTTP/1.1\r\nHost: send-box.com\r\nContent-Length: 3\r\n\
        Expect: 100-continue\r\nConnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).expect("it reads");
    let mut asked = [0; 25];
    stream.read_exact(&mut asked).expect("it asks");
    assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"abc").expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it closes");
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("abc"), "{answer}");
}

#[tokio::test]
async fn a_websocket_goes_by_http_1_1_to_a_site_that_chooses_http_2() {
    let secured = secured("localhost", &["h2", "http/1.1"]);
    let gateway = secured.gateway();
    assert_eq!(gateway.visitor().await.get("/").await.field("x-version"), "2");
    let mut stream = TcpStream::connect(gateway.address()).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    let shake = "GET /chat HTTP/1.1\r\nHost: send-box.com\r\nConnection: Upgrade\r\n\
        Upgrade: websocket\r\n\r\n";
    stream.write_all(shake.as_bytes()).expect("it reads");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("an answer");
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    assert!(head.starts_with("HTTP/1.1 101 ") && head.contains("x-version: 1.1"), "{head}");
    stream.write_all(b"anything \xff\x00").expect("it is open");
    let mut echo = [0; 11];
    stream.read_exact(&mut echo).expect("an echo");
    assert_eq!(&echo, b"anything \xff\x00");
    // And the next request goes by HTTP/2 as before.
    assert_eq!(gateway.visitor().await.get("/").await.field("x-version"), "2");
    assert_eq!(secured.site.connections(), 2);
}

#[tokio::test]
async fn a_target_that_is_no_uri_goes_percent_encoded_by_http_2() {
    let request = b"GET /\xef?\"q\" HTTP/1.1\r\nHost: send-box.com\r\nConnection: close\r\n\r\n";
    let secured = secured("localhost", &["h2"]);
    let answer = secured.gateway().say(request);
    assert!(answer.contains("x-path: /%EF?%22q%22\r\n"), "{answer}");
}
