//! New rules and certificates while the gateway runs.
//!
//! Either all of the new holds or all of the old. What is under way is finished as it began. New settings
//! are in `tests/reload_settings.rs`, new servers in `tests/reload_sites.rs`.

#[allow(dead_code, reason = "the scenarios use more of it")]
mod harness {
    use std::time::Duration;

    pub(crate) mod broken;
    pub(crate) mod message;
    pub(crate) mod program;
    pub(crate) mod site;

    /// How long anything may take that a test waits for.
    pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
}

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;

use harness::PATIENCE;
use harness::broken::Rules;
use harness::message::{Message, chunk};
use harness::program::{Gateway, Program, ask, send};
use harness::site::Site;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme};

const ASK: &str = "GET / HTTP/1.1\r\nHost: send-box.com\r\nSec-Fetch-Dest: document\r\nAccept: text/html\r\n\
                   Connection: close\r\n\r\n";
const PAGE: &str = "<!doctype html><html lang=en><title>a</title><body>\
                    <script src=\"https://mc.yandex.ru/metrika/tag.js\"></script></body></html>";

/// What the button says that declines, in the shipped rules and in others.
const OLD: &str = ">Decline<";
const NEW: &str = ">No thank you<";

/// Gives the button its other words.
fn reword(rules: &Rules) {
    rules.change("texts/en.toml", "decline = \"Decline\"", "decline = \"No thank you\"");
}

fn text(page: &Message) -> String {
    String::from_utf8_lossy(&page.body).into_owned()
}

/// A page of the site, as a stranger gets it.
fn page(gateway: &Gateway, site: &Site) -> String {
    let visitor = send(gateway.plain, ASK);
    let mut received = site.next().expect("the site is asked");
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\r\n{PAGE}",
        PAGE.len()
    );
    received.write(answer.as_bytes()).expect("it is taken");
    text(&visitor.read_to_the_end())
}

fn metrics(gateway: &Gateway) -> String {
    text(&ask(gateway.admin, "GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"))
}

fn run(site: &Site, data: &Path, rules: &Rules) -> Program {
    Program::run(site.address, data).arg("--rules").arg(rules.folder())
}

#[test]
fn new_wording_holds_from_the_next_request_on_and_pages_under_way_keep_theirs() {
    let data = tempfile::tempdir().expect("a folder");
    let (site, rules) = (Site::start(), Rules::copy());
    let mut gateway = run(&site, data.path(), &rules).start();
    assert!(page(&gateway, &site).contains(OLD));

    let mut visitor = send(gateway.plain, ASK);
    let mut received = site.next().expect("the site is asked");
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n";
    received.write(head.as_bytes()).expect("it is taken");
    let (before, after) = PAGE.split_at(PAGE.find("</body>").expect("it has one"));
    received.write(&chunk(before.as_bytes())).expect("it is taken");
    visitor.read_until("<title>");

    reword(&rules);
    gateway.signal("HUP");
    gateway.wait_for_line("reloaded the rules");
    received.write(&chunk(after.as_bytes())).expect("it is taken");
    received.write(b"0\r\n\r\n").expect("it is taken");
    let begun_before = text(&visitor.read_to_the_end());
    assert!(begun_before.contains(OLD) && !begun_before.contains(NEW), "{begun_before}");
    let begun_after = page(&gateway, &site);
    assert!(begun_after.contains(NEW) && !begun_after.contains(OLD), "{begun_after}");

    // What is agreed to now can be looked up later: the new text is in the record.
    let store = rusqlite::Connection::open(data.path().join("consent.db")).expect("a record");
    let shown: i64 = store
        .query_row(
            "SELECT count(*) FROM archive WHERE content LIKE ?1",
            [format!("%{NEW}%")],
            |row| row.get(0),
        )
        .expect("the archive can be read");
    assert!(shown > 0);
}

#[test]
fn rules_with_a_fault_change_nothing_and_the_operator_is_told_where_it_is() {
    let data = tempfile::tempdir().expect("a folder");
    let (site, rules) = (Site::start(), Rules::copy());
    let mut gateway = run(&site, data.path(), &rules).start();
    let before = page(&gateway, &site);

    rules.change("texts/en.toml", "code = \"en\"", "code = \"en\"\nunknown = 1");
    rules.change("site.toml", "# suspended = [\"analytics\"]", "suspended = [\"analitics\"]");
    gateway.signal("HUP");
    gateway.wait_for_line("nothing was reloaded");
    gateway.wait_for_line("site.toml:");
    gateway.wait_for_line("texts/en.toml:");
    assert!(metrics(&gateway).contains("kelisim_reload_refused 1"));
    let same = |page: &str| page.split("name=\"token\"").next().unwrap_or_default().to_owned();
    assert_eq!(same(&page(&gateway, &site)), same(&before));

    rules.change("texts/en.toml", "code = \"en\"\nunknown = 1", "code = \"en\"");
    rules.change("site.toml", "suspended = [\"analitics\"]", "suspended = [\"analytics\"]");
    gateway.signal("HUP");
    gateway.wait_for_line("reloaded the rules");
    assert!(metrics(&gateway).contains("kelisim_reload_refused 0"));
}

/// Takes any certificate: the test looks at it itself.
#[derive(Debug)]
struct Any(CryptoProvider);

impl ServerCertVerifier for Any {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// A connection over TLS, which has shaken hands.
fn shake(address: SocketAddr) -> (ClientConnection, TcpStream) {
    let provider = aws_lc_rs::default_provider();
    let config = ClientConfig::builder_with_provider(Arc::new(provider.clone()))
        .with_safe_default_protocol_versions()
        .expect("TLS 1.2 and 1.3")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Any(provider)))
        .with_no_client_auth();
    let name = ServerName::try_from("send-box.com").expect("a name");
    let mut tls = ClientConnection::new(Arc::new(config), name).expect("a client");
    let mut stream = TcpStream::connect(address).expect("the gateway listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    while tls.is_handshaking() {
        tls.complete_io(&mut stream).expect("a handshake");
    }
    (tls, stream)
}

fn certificate(tls: &ClientConnection) -> Vec<u8> {
    let chain = tls.peer_certificates().expect("the handshake is over");
    chain.first().expect("there is one").to_vec()
}

fn make_certificate(folder: &Path) -> Vec<u8> {
    let made = rcgen::generate_simple_self_signed(["send-box.com".to_owned()]).expect("a name");
    std::fs::write(folder.join("site.crt"), made.cert.pem()).expect("a folder");
    std::fs::write(folder.join("site.key"), made.signing_key.serialize_pem()).expect("a folder");
    made.cert.der().to_vec()
}

#[test]
fn a_new_certificate_is_shown_to_new_connections_and_a_broken_one_to_nobody() {
    let (data, certs) =
        (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let (site, rules) = (Site::start(), Rules::copy());
    let first = make_certificate(certs.path());
    let folder = certs.path().to_str().expect("a plain name");
    let program = run(&site, data.path(), &rules).arg("--certs").arg(folder);
    let mut gateway = program.arg("--listen-tls").arg("127.0.0.1:0").start();
    let address = gateway.tls();
    let (mut old, mut stream) = shake(address);
    assert_eq!(certificate(&old), first);

    let second = make_certificate(certs.path());
    gateway.signal("HUP");
    gateway.wait_for_line("reloaded the rules");
    assert_eq!(certificate(&shake(address).0), second);

    // A connection that began with the old one goes on.
    let request =
        b"GET /.consent/state HTTP/1.1\r\nHost: send-box.com\r\nConnection: close\r\n\r\n";
    let mut tls = rustls::Stream::new(&mut old, &mut stream);
    tls.write_all(request).expect("the gateway reads");
    let mut answer = Vec::new();
    // Some close without a word at the TLS level.
    let _ = tls.read_to_end(&mut answer);
    assert!(answer.starts_with(b"HTTP/1.1 200 "), "{}", answer.escape_ascii());

    std::fs::write(certs.path().join("site.key"), "no key").expect("a folder");
    reword(&rules);
    gateway.signal("HUP");
    gateway.wait_for_line("nothing was reloaded");
    gateway.wait_for_line("site.key");
    assert_eq!(certificate(&shake(address).0), second);
    assert!(page(&gateway, &site).contains(OLD), "the rules are not reloaded alone");
}

/// The fields of an answer on a connection that stays open.
fn head(tls: &mut ClientConnection, stream: &mut TcpStream) -> String {
    let mut tls = rustls::Stream::new(tls, stream);
    let request = b"HEAD /.consent/state HTTP/1.1\r\nHost: send-box.com\r\n\r\n";
    tls.write_all(request).expect("the gateway reads");
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        tls.read_exact(&mut byte).expect("an answer");
        answer.push(byte[0]);
    }
    String::from_utf8_lossy(&answer).to_ascii_lowercase()
}

#[test]
fn another_promise_of_tls_is_made_on_connections_that_are_open_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let (site, rules) = (Site::start(), Rules::copy());
    make_certificate(folder.path());
    let file = folder.path().join("kelisim.toml");
    std::fs::write(&file, "").expect("a folder");
    let certs = folder.path().to_str().expect("a plain name");
    let mut gateway = run(&site, &folder.path().join("data"), &rules)
        .arg("--config")
        .arg(file.to_str().expect("a plain name"))
        .arg("--certs")
        .arg(certs)
        .arg("--listen-tls")
        .arg("127.0.0.1:0")
        .start();
    let (mut tls, mut stream) = shake(gateway.tls());
    assert!(!head(&mut tls, &mut stream).contains("strict-transport-security"));
    for promise in ["max-age=60", "max-age=0"] {
        std::fs::write(&file, format!("tls.hsts = \"{promise}\"\n")).expect("a folder");
        gateway.signal("HUP");
        gateway.wait_for_line("reloaded the rules");
        let head = head(&mut tls, &mut stream);
        assert!(head.contains(&format!("strict-transport-security: {promise}\r\n")), "{head}");
    }
}
