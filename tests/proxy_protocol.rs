//! Behind a balancer that says by the PROXY protocol who comes, and in front of a site that is told so.
//!
//! Sockets are raw, so that every byte is the test's. How it is read however it is cut is shown beside its
//! code; here are what the site and the logs are told, and who is listened to.

#[allow(dead_code, reason = "other tests use more of it")]
mod harness {
    use std::time::Duration;

    pub(crate) mod choices;
    pub(crate) mod message;
    pub(crate) mod program;
    pub(crate) mod site;

    /// How long anything may take that a test waits for.
    pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
}

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;

use harness::PATIENCE;
use harness::choices::{get, text};
use harness::message::Message;
use harness::program::{Gateway, Program, until};
use harness::site::Site;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

const REQUEST: &str =
    "GET /api HTTP/1.1\r\nHost: send-box.com\r\nUser-Agent: test\r\nConnection: close\r\n\r\n";

/// From 198.51.100.7:1234 to 203.0.113.1:443, in each version.
const V1: &[u8] = b"PROXY TCP4 198.51.100.7 203.0.113.1 1234 443\r\n";
const V2: &[u8] =
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc6\x33\x64\x07\xcb\0\x71\x01\x04\xd2\x01\xbb";
/// The same from 2001:db8::7 to 2001:db8::1, with a field that is passed over.
const V2_OF_6: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x28\
    \x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x04\xd2\x01\xbb\
    \xea\0\x01x";
/// For itself.
const LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";

fn gateway(site: &Site, data: &Path, from: &str) -> Gateway {
    Program::run(site.address, data).arg("--proxy-protocol").arg(from).start()
}

fn connect(to: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(to).expect("the gateway listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    stream.set_nodelay(true).expect("a socket");
    stream
}

fn value(message: &Message, name: &str) -> String {
    let values = message.values(name).map(|value| String::from_utf8_lossy(value).into_owned());
    values.collect::<Vec<_>>().join(" | ")
}

/// What the site sees of a request that was written to `stream`.
fn seen(site: &Site, stream: &mut (impl Read + Write)) -> Message {
    let mut received = site.next().expect("the site is asked");
    received.write(b"HTTP/1.1 204 No Content\r\n\r\n").expect("it is taken");
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 204");
    received.request
}

/// Whether a connection ends without an answer.
fn is_closed(mut stream: TcpStream) -> bool {
    let mut all = Vec::new();
    // What was not read resets it.
    let _ = stream.read_to_end(&mut all);
    all.is_empty()
}

fn refused(gateway: &Gateway) -> String {
    let metrics = text(&get(gateway.admin, "/metrics", ""));
    let line =
        metrics.lines().find(|line| line.starts_with("kelisim_announcements_refused_total "));
    line.expect("it is counted").rsplit(' ').next().unwrap_or_default().to_owned()
}

#[test]
fn the_site_and_the_security_log_are_told_of_the_visitor_that_is_announced() {
    let data = tempfile::tempdir().expect("a folder");
    let site = Site::start();
    let gateway = gateway(&site, data.path(), "127.0.0.0/8");
    for (announced, address, port) in [
        (V1, "198.51.100.7", "443"),
        (b"PROXY TCP6 2001:db8::9 2001:db8::1 1 8443\r\n", "2001:db8::9", "8443"),
        (V2, "198.51.100.7", "443"),
        (V2_OF_6, "2001:db8::7", "443"),
        (LOCAL, "127.0.0.1", ""),
        (b"PROXY UNKNOWN\r\n", "127.0.0.1", ""),
    ] {
        let mut stream = connect(gateway.plain);
        stream.write_all(&[announced, REQUEST.as_bytes()].concat()).expect("it is taken");
        let request = seen(&site, &mut stream);
        assert_eq!(value(&request, "x-forwarded-for"), address);
        assert_eq!(value(&request, "x-real-ip"), address);
        assert_eq!(value(&request, "x-forwarded-proto"), "http");
        let own = gateway.plain.port().to_string();
        let port = if port.is_empty() { own.as_str() } else { port };
        assert_eq!(value(&request, "x-forwarded-port"), port);
    }
    let log = || {
        let days = fs::read_dir(data.path().join("log/4.7")).into_iter().flatten();
        let files = days.map(|day| fs::read_to_string(day.expect("a file").path()).expect("text"));
        files.collect::<String>()
    };
    until("the lines are written", || log().lines().count() >= 6);
    for address in ["198.51.100.7", "2001:db8::9", "2001:db8::7", "127.0.0.1"] {
        assert!(log().contains(&format!("\"{address}\"")), "{}", log());
    }
    assert_eq!(refused(&gateway), "0");
}

#[test]
fn it_comes_before_http_however_it_is_cut() {
    let data = tempfile::tempdir().expect("a folder");
    let site = Site::start();
    let gateway = gateway(&site, data.path(), "127.0.0.1/32");
    for announced in [V1, V2] {
        let all = [announced, REQUEST.as_bytes()].concat();
        for cut in 1..=announced.len() + 1 {
            let mut stream = connect(gateway.plain);
            stream.write_all(&all[..cut]).expect("it is taken");
            stream.write_all(&all[cut..]).expect("it is taken");
            let request = seen(&site, &mut stream);
            assert_eq!(value(&request, "x-forwarded-for"), "198.51.100.7", "cut at {cut}");
        }
    }
}

#[test]
fn who_has_to_say_it_and_does_not_is_closed() {
    let data = tempfile::tempdir().expect("a folder");
    let site = Site::start();
    let gateway = gateway(&site, data.path(), "127.0.0.1/32");
    for unfit in [
        REQUEST.as_bytes(),
        b"PROXY TCP4 198.51.100.7 203.0.113.1 1234 70000\r\nGET / HTTP/1.1\r\n",
        b"\r\n\r\n\0\r\nQUIT\n\x41\x11\0\x0c\xc6\x33\x64\x07\xcb\0\x71\x01\x04\xd2\x01\xbb",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let mut stream = connect(gateway.plain);
        stream.write_all(unfit).expect("it is taken");
        assert!(is_closed(stream), "{}", unfit.escape_ascii());
    }
    // Half of one, and no more.
    let mut stream = connect(gateway.plain);
    stream.write_all(&V2[..20]).expect("it is taken");
    stream.shutdown(std::net::Shutdown::Write).expect("it is open");
    assert!(is_closed(stream));
    assert!(site.unexpected().is_none());
    assert_eq!(refused(&gateway), "5");
}

#[test]
fn who_is_not_listed_is_not_listened_to() {
    let data = tempfile::tempdir().expect("a folder");
    let site = Site::start();
    let gateway = gateway(&site, data.path(), "10.0.0.0/8,fd00::/8");
    for announced in [V1, V2] {
        let mut stream = connect(gateway.plain);
        stream.write_all(&[announced, REQUEST.as_bytes()].concat()).expect("it is taken");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    }
    let mut stream = connect(gateway.plain);
    stream.write_all(REQUEST.as_bytes()).expect("it is taken");
    assert_eq!(value(&seen(&site, &mut stream), "x-forwarded-for"), "127.0.0.1");
}

#[test]
fn a_proxy_that_is_announced_and_trusted_is_believed_about_its_visitor() {
    let data = tempfile::tempdir().expect("a folder");
    let site = Site::start();
    let program =
        Program::run(site.address, data.path()).arg("--proxy-protocol").arg("127.0.0.0/8");
    let gateway = program.arg("--trust").arg("cloudflare").start();
    for (announced, address) in [
        (&b"PROXY TCP4 172.64.1.1 203.0.113.1 1234 443\r\n"[..], "192.0.2.1"),
        (V1, "198.51.100.7"),
    ] {
        let request = REQUEST.replace("\r\n\r\n", "\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n");
        let mut stream = connect(gateway.plain);
        stream.write_all(&[announced, request.as_bytes()].concat()).expect("it is taken");
        assert_eq!(value(&seen(&site, &mut stream), "x-forwarded-for"), address);
    }
}

#[test]
fn the_share_of_connections_is_of_the_visitor_that_is_announced() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("kelisim.toml");
    fs::write(&file, "proxy-protocol = [\"127.0.0.0/8\"]\n[limits]\nconnections-per-address = 1\n")
        .expect("it can be written");
    let site = Site::start();
    let program = Program::run(site.address, &folder.path().join("data"));
    let gateway = program.arg("--config").arg(file.to_str().expect("text")).start();
    let open = |announced: &[u8]| {
        let mut stream = connect(gateway.plain);
        let state = REQUEST.replace("/api", "/.consent/state").replace("Connection: close\r\n", "");
        stream.write_all(&[announced, state.as_bytes()].concat()).expect("it is taken");
        // A connection that is closed with something unread is reset.
        let served = stream.read(&mut [0; 1024]).is_ok_and(|read| read > 0);
        (stream, served)
    };
    let (_first, served) = open(V1);
    assert!(served);
    assert!(!open(V2).1, "the same visitor");
    let (_other, served) = open(V2_OF_6);
    assert!(served, "another visitor by the same balancer");
}

#[test]
fn it_comes_before_tls() {
    let folder = tempfile::tempdir().expect("a folder");
    let certs = folder.path().join("certs");
    let made = rcgen::generate_simple_self_signed(["send-box.com".to_owned()]).expect("made");
    fs::create_dir(&certs).expect("a folder");
    fs::write(certs.join("a.crt"), made.cert.pem()).expect("it can be written");
    fs::write(certs.join("a.key"), made.signing_key.serialize_pem()).expect("it can be written");
    let site = Site::start();
    let program = Program::run(site.address, &folder.path().join("data"));
    let program = program.arg("--certs").arg(certs.to_str().expect("text"));
    let program = program.arg("--listen-tls").arg("127.0.0.1:0");
    let gateway = program.arg("--proxy-protocol").arg("127.0.0.0/8").start();

    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_file(certs.join("a.crt")).expect("it is one");
    roots.add(certificate).expect("it can be trusted");
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("there are some")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let config = Arc::new(config);
    for announced in [V1, V2] {
        let mut stream = connect(gateway.tls());
        stream.write_all(announced).expect("it is taken");
        let name = ServerName::try_from("send-box.com").expect("a name");
        let client = ClientConnection::new(Arc::clone(&config), name).expect("a client");
        let mut stream = StreamOwned::new(client, stream);
        stream.write_all(REQUEST.as_bytes()).expect("it is taken");
        let request = seen(&site, &mut stream);
        assert_eq!(value(&request, "x-forwarded-for"), "198.51.100.7");
        assert_eq!(value(&request, "x-forwarded-proto"), "https");
    }
}

/// A gateway whose site, which listens here, is told who comes.
fn telling(folder: &Path, settings: &str) -> (Gateway, TcpListener) {
    let site = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let address = site.local_addr().expect("it is bound");
    let file = folder.join("kelisim.toml");
    let settings = format!(
        "proxy-protocol = [\"127.0.0.0/8\"]\n[[route]]\nupstream = \"app\"\n\
         [upstreams.app]\nservers = [\"http://{address}\"]\n{settings}"
    );
    fs::write(&file, settings).expect("it can be written");
    let program = Program::run(address, &folder.join("data"));
    (program.arg("--config").arg(file.to_str().expect("text")).start(), site)
}

/// Takes the next connection to the site, answers its request, and returns all that was said on it.
fn served(site: &TcpListener) -> Vec<u8> {
    let (mut connection, _) = site.accept().expect("the gateway comes");
    connection.set_read_timeout(Some(PATIENCE)).expect("a socket");
    let mut all = Vec::new();
    let mut buffer = [0; 4096];
    while !all.ends_with(b"\r\n\r\n") || all.starts_with(b"\r\n") && all.len() < 60 {
        let read = connection.read(&mut buffer).expect("more comes in time");
        assert!(read > 0, "it ended early: {}", all.escape_ascii());
        all.extend(&buffer[..read]);
    }
    // It may be used again, if anybody wanted to.
    connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").expect("it is taken");
    let more = connection.read(&mut buffer).expect("it ends in time");
    assert_eq!(more, 0, "no other request comes by it: {}", buffer[..more].escape_ascii());
    all
}

#[test]
fn the_site_is_told_first_who_comes_on_a_connection_of_their_own() {
    for (version, mine) in [("v1", V1), ("v2", V2)] {
        let folder = tempfile::tempdir().expect("a folder");
        let settings = format!("proxy-protocol = \"{version}\"\n");
        let (gateway, site) = telling(folder.path(), &settings);
        // Two requests of one visitor, by one connection.
        let mut visitor = connect(gateway.plain);
        let request = REQUEST.replace("Connection: close\r\n", "");
        visitor.write_all(&[V1, request.as_bytes(), request.as_bytes()].concat()).expect("taken");
        for _ in 0..2 {
            let said = served(&site);
            assert!(said.starts_with(&[mine, b"GET /api"].concat()), "{}", said.escape_ascii());
        }
        // Another, who asks for itself: the site is told of the connection.
        let mut visitor = connect(gateway.plain);
        visitor.write_all(&[LOCAL, request.as_bytes()].concat()).expect("it is taken");
        let said = served(&site);
        let (from, to) = (visitor.local_addr().expect("it is"), gateway.plain);
        let (from_port, to_port) = (from.port(), to.port());
        if version == "v1" {
            let line = format!("PROXY TCP4 127.0.0.1 127.0.0.1 {from_port} {to_port}\r\nGET ");
            assert!(said.starts_with(line.as_bytes()), "{}", said.escape_ascii());
        } else {
            let ends = [127, 0, 0, 1, 127, 0, 0, 1];
            let ports = [from_port.to_be_bytes(), to_port.to_be_bytes()].concat();
            assert_eq!(said[16..28], [&ends[..], &ports].concat());
        }
    }
}

#[test]
fn a_check_of_the_site_says_that_nobody_comes() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = "proxy-protocol = \"v2\"\n[upstreams.app.health]\npath = \"/health\"\n";
    let (_gateway, site) = telling(folder.path(), settings);
    let said = served(&site);
    assert!(said.starts_with(&[LOCAL, b"GET /health "].concat()), "{}", said.escape_ascii());
}
