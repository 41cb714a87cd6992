//! TLS as visitors meet it: versions, key exchange, tickets, hosts, the promise of TLS alone.
//!
//! The client is rustls' own and trusts the certificate that the test made, so that a wrong one would
//! be found.

#[allow(dead_code, reason = "the scenarios use more of it")]
mod harness {
    use std::time::Duration;

    pub(crate) mod message;
    pub(crate) mod program;
    pub(crate) mod site;

    /// How long anything may take that a test waits for.
    pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
}

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

use bytes::Bytes;
use harness::PATIENCE;
use harness::message::Message;
use harness::program::{Gateway, Program, ask};
use http::{Request, StatusCode};
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{
    ClientConfig, ClientConnection, HandshakeKind, ProtocolVersion, RootCertStore, StreamOwned,
    SupportedProtocolVersion, version,
};
use tempfile::TempDir;

/// A gateway with one certificate, for `send-box.com` and what is right below it.
struct Home {
    gateway: Gateway,
    certificate: CertificateDer<'static>,
    _data: TempDir,
}

impl Home {
    fn new(arguments: &[&str], settings: &str) -> Home {
        Home::at(site(), arguments, settings)
    }

    fn at(site: SocketAddr, arguments: &[&str], settings: &str) -> Home {
        let data = tempfile::tempdir().expect("a folder");
        let certs = data.path().join("certs");
        std::fs::create_dir(&certs).expect("a folder");
        let names = ["send-box.com".to_owned(), "*.send-box.com".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).expect("names");
        std::fs::write(certs.join("a.crt"), made.cert.pem()).expect("it can be written");
        std::fs::write(certs.join("a.key"), made.signing_key.serialize_pem())
            .expect("it can be written");
        let file = data.path().join("kelisim.toml");
        std::fs::write(&file, settings).expect("it can be written");
        let text = |path: &std::path::Path| path.to_str().expect("it is text").to_owned();
        let gateway = Program::run(site, &data.path().join("data"))
            .arg("--listen-tls")
            .arg("127.0.0.1:0")
            .arg("--certs")
            .arg(&text(&certs))
            .arg("--config")
            .arg(&text(&file));
        let gateway = arguments.iter().fold(gateway, |program, one| program.arg(one)).start();
        Home { gateway, certificate: made.cert.der().clone(), _data: data }
    }

    fn client(&self, versions: &[&'static SupportedProtocolVersion]) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).expect("a certificate");
        ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(versions)
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth()
    }
}

/// A site that answers each request with its path's last letter: `h` sends a promise of its own.
fn site() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || {
                let (mut seen, mut buffer) = (Vec::<u8>::new(), [0; 4096]);
                while let Ok(read @ 1..) = std::io::Read::read(&mut stream, &mut buffer) {
                    seen.extend(&buffer[..read]);
                    if !seen.ends_with(b"\r\n\r\n") {
                        continue;
                    }
                    let own = match seen.starts_with(b"GET /h ") {
                        true => "Strict-Transport-Security: max-age=5\r\n",
                        false => "",
                    };
                    let answer = format!("HTTP/1.1 200 OK\r\n{own}Content-Length: 2\r\n\r\nok");
                    seen.clear();
                    if stream.write_all(answer.as_bytes()).is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

/// Asks for a page on a connection of its own, and gives the connection back with the answer.
fn get(home: &Home, client: &Arc<ClientConfig>, path: &str) -> (ClientConnection, Message) {
    let name = ServerName::try_from("send-box.com").expect("a name");
    let tls = ClientConnection::new(Arc::clone(client), name).expect("a client");
    let stream = TcpStream::connect(home.gateway.tls()).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    let mut stream = StreamOwned::new(tls, stream);
    let asked = format!("GET {path} HTTP/1.1\r\nHost: send-box.com\r\nConnection: close\r\n\r\n");
    stream.write_all(asked.as_bytes()).expect("it is taken");
    let mut seen = Vec::new();
    std::io::Read::read_to_end(&mut stream, &mut seen).expect("it is closed cleanly");
    let message = Message::read(&seen, true, false).expect("an answer").0;
    (stream.conn, message)
}

fn promise(answer: &Message) -> Vec<String> {
    let values = answer.values("strict-transport-security");
    values.map(|value| String::from_utf8_lossy(value).into_owned()).collect()
}

#[test]
fn both_versions_are_spoken_and_the_key_exchange_withstands_quantum_computers() {
    let home = Home::new(&[], "");
    for (version, expected) in
        [(&version::TLS13, ProtocolVersion::TLSv1_3), (&version::TLS12, ProtocolVersion::TLSv1_2)]
    {
        let (tls, answer) = get(&home, &Arc::new(home.client(&[version])), "/");
        assert_eq!((tls.protocol_version(), answer.status()), (Some(expected), 200));
        let group = tls.negotiated_key_exchange_group().expect("keys were exchanged").name();
        if expected == ProtocolVersion::TLSv1_3 {
            assert_eq!(group, rustls::NamedGroup::X25519MLKEM768);
        }
    }
}

#[test]
fn a_ticket_of_one_thread_is_good_at_every_other() {
    let home = Home::new(&["--threads", "4"], "");
    for version in [&version::TLS13, &version::TLS12] {
        let mut client = home.client(&[version]);
        client.resumption = Resumption::in_memory_sessions(256);
        let client = Arc::new(client);
        let kinds: Vec<_> = (0..24).map(|_| get(&home, &client, "/").0.handshake_kind()).collect();
        // The kernel spreads connections: sixteen and more do not all meet the first thread.
        assert_ne!(kinds[0], Some(HandshakeKind::Resumed));
        let resumed = |kind: &&Option<HandshakeKind>| **kind == Some(HandshakeKind::Resumed);
        assert_eq!(kinds[1..].iter().filter(resumed).count(), 23, "{kinds:?}");
    }
}

#[test]
fn tls_alone_is_promised_over_tls_alone_and_not_over_the_sites_own_word() {
    let home = Home::new(&[], "tls.hsts = \"max-age=60; includeSubDomains\"");
    let client = Arc::new(home.client(rustls::ALL_VERSIONS));
    let ours = "max-age=60; includeSubDomains";
    for path in ["/", "/.consent/", "/.consent/nothing"] {
        assert_eq!(promise(&get(&home, &client, path).1), [ours], "{path}");
    }
    assert_eq!(promise(&get(&home, &client, "/h").1), ["max-age=5"]);
    let plain = "GET / HTTP/1.1\r\nHost: send-box.com\r\nConnection: close\r\n\r\n";
    assert_eq!(promise(&ask(home.gateway.plain, plain)), Vec::<String>::new());
    let without = Home::new(&[], "");
    let client = Arc::new(without.client(rustls::ALL_VERSIONS));
    assert_eq!(promise(&get(&without, &client, "/").1), Vec::<String>::new());
}

#[tokio::test]
async fn a_host_that_the_certificate_is_not_for_is_asked_for_on_another_connection() {
    let home = Home::new(&[], "tls.hsts = \"max-age=60\"");
    let mut client = home.client(rustls::ALL_VERSIONS);
    client.alpn_protocols = vec![b"h2".to_vec()];
    let stream = tokio::net::TcpStream::connect(home.gateway.tls()).await.expect("it listens");
    let name = ServerName::try_from("send-box.com").expect("a name");
    let connector = tokio_rustls::TlsConnector::from(Arc::new(client));
    let stream = connector.connect(name, stream).await.expect("a handshake");
    let (mut client, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
    tokio::spawn(connection);
    for (host, status) in [
        ("send-box.com", StatusCode::OK),
        ("send-box.com:443", StatusCode::OK),
        ("API.send-box.com", StatusCode::OK),
        ("a.b.send-box.com", StatusCode::MISDIRECTED_REQUEST),
        ("other.kz", StatusCode::MISDIRECTED_REQUEST),
        ("send-box.com.other.kz", StatusCode::MISDIRECTED_REQUEST),
        ("send-box.com", StatusCode::OK),
    ] {
        let asked = Request::get(format!("https://{host}/")).body(()).expect("a request");
        let (answer, _) = client.send_request(asked, true).expect("it is sent");
        let answer = tokio::time::timeout(PATIENCE, answer).await.expect("in time");
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), status, "{host}");
        assert_eq!(answer.headers()["strict-transport-security"], "max-age=60");
        let mut body = answer.into_body();
        while let Some(data) = body.data().await {
            let _: Bytes = data.expect("it comes");
        }
    }
    let metrics = "GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let metrics = ask(home.gateway.admin, metrics);
    let metrics = String::from_utf8_lossy(&metrics.body).into_owned();
    let counted = "kelisim_requests_refused_total{reason=\"misdirected\"} 3";
    assert!(metrics.contains(counted), "{metrics}");
}

#[test]
fn for_a_visitor_who_broke_off_nobody_works_any_more() {
    let site = TcpListener::bind("127.0.0.1:0").expect("a port");
    let home = Home::at(site.local_addr().expect("it is bound"), &[], "");
    let client = Arc::new(home.client(&[&rustls::version::TLS13]));
    let name = ServerName::try_from("send-box.com").expect("a name");
    let tls = ClientConnection::new(client, name).expect("a client");
    let stream = TcpStream::connect(home.gateway.tls()).expect("it listens");
    let mut visitor = StreamOwned::new(tls, stream);
    visitor.write_all(b"GET /report HTTP/1.1\r\nHost: send-box.com\r\n\r\n").expect("it is taken");
    let mut asked = site.accept().expect("the gateway asks").0;
    // Less than the minute that an answer may take.
    asked.set_read_timeout(Some(PATIENCE)).expect("a socket");
    assert!(std::io::Read::read(&mut asked, &mut [0; 4096]).expect("a request") > 0);
    let socket = socket2::SockRef::from(&visitor.sock);
    socket.set_linger(Some(std::time::Duration::ZERO)).expect("a socket");
    drop(visitor);
    assert_eq!(std::io::Read::read(&mut asked, &mut [0; 16]).expect("the end, in time"), 0);
}
