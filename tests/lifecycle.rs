//! Everything that an operator does to a gateway and its site, while visitors ask without a pause.
//!
//! Rules, certificates, servers and the process itself are replaced one after the other, and not one
//! request fails. WebSockets live through it until the process that carries them has drained.
//!
//! Visitors ask `LIFECYCLE_RATE` times a second, over HTTP/1.1 and HTTP/2: `tests/run --long` asks for
//! 2,000 of a release build, and has the rate kept. The parts are in `tests/lifecycle/`.

#[path = "harness/broken.rs"]
#[allow(dead_code, reason = "other tests use more of it")]
mod broken;
#[path = "harness/message.rs"]
#[allow(dead_code, reason = "other tests use more of it")]
mod message;
#[path = "harness/program.rs"]
#[allow(dead_code, reason = "other tests use more of it")]
mod program;

mod lifecycle {
    pub(crate) mod crowd;
    pub(crate) mod servers;
    pub(crate) mod talk;
}

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use broken::Rules;
use lifecycle::crowd::Crowd;
use lifecycle::servers::Server;
use lifecycle::talk::{End, Talk, echo};
use program::{Gateway, Program};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};

/// How long anything may take that a test waits for.
const PATIENCE: Duration = Duration::from_secs(20);

/// How many requests a second all visitors make together if nobody says otherwise: a debug build
/// manages so many on cores that it shares.
const RATE: u32 = 500;

/// How much of the rate that was asked for has to come about, in hundredths.
const KEPT: u32 = 95;

/// How long the process that was replaced drains.
const DRAIN: Duration = Duration::from_secs(4);

/// The files of a gateway, and the servers behind it.
struct House {
    folder: tempfile::TempDir,
    rules: Rules,
}

impl House {
    fn new(alone: SocketAddr, pair: [SocketAddr; 2], chat: SocketAddr) -> House {
        let (folder, rules) = (tempfile::tempdir().expect("a folder"), Rules::copy());
        fs::create_dir(folder.path().join("certs")).expect("a folder");
        let settings = format!(
            "threads = 2\ntimeouts.drain = \"{DRAIN:?}\"\n\
             [upstreams.alone]\nservers = [\"http://{alone}\"]\n\
             [upstreams.pair]\nservers = [\"http://{}\", \"http://{}\"]\n\
             [upstreams.chat]\nservers = [\"http://{chat}\"]\n\
             [[route]]\npath = \"/alone\"\nupstream = \"alone\"\n\
             [[route]]\npath = \"/chat\"\nupstream = \"chat\"\n\
             [[route]]\nupstream = \"pair\"\n",
            pair[0], pair[1]
        );
        fs::write(folder.path().join("kelisim.toml"), settings).expect("it can be written");
        House { folder, rules }
    }

    /// A gateway on these addresses, for visitors, over TLS, and for the operator, which may be another's.
    fn gateway(&self, addresses: [SocketAddr; 3]) -> Gateway {
        let path = |name: &str| self.folder.path().join(name).display().to_string();
        let [plain, tls, admin] = addresses.map(|address| address.to_string());
        let (config, data, certs) = (path("kelisim.toml"), path("data"), path("certs"));
        let args = ["run", "--take-over", "--config", &config, "--data", &data, "--certs", &certs];
        let args = args.into_iter().chain(["--rules", self.rules.folder()]).chain([
            "--listen",
            &plain,
            "--listen-tls",
            &tls,
            "--admin",
            &admin,
        ]);
        args.fold(Program::new(), Program::arg).start()
    }

    /// Puts a certificate in the place of the one that is there.
    fn install(&self, certificate: &Certificate) {
        for (name, text) in [("site.crt", &certificate.chain), ("site.key", &certificate.key)] {
            fs::write(self.folder.path().join("certs").join(name), text).expect("a folder");
        }
    }
}

/// A certificate of the site, as files have it.
struct Certificate {
    itself: CertificateDer<'static>,
    chain: String,
    key: String,
}

impl Certificate {
    fn make() -> Certificate {
        let made = rcgen::generate_simple_self_signed(["send-box.com".to_owned()]).expect("a name");
        let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        Certificate { itself: made.cert.der().clone(), chain, key }
    }
}

/// A visitor's TLS, which believes these certificates alone.
fn believing(certificates: &[&Certificate]) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(certificate.itself.clone()).expect("a certificate");
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("TLS 1.2 and 1.3");
    config.with_root_certificates(roots).with_no_client_auth()
}

/// Whether a new connection is shown a certificate that this visitor believes.
fn is_believed(address: SocketAddr, tls: ClientConfig) -> bool {
    let name = ServerName::try_from("send-box.com").expect("a name");
    let mut tls = ClientConnection::new(Arc::new(tls), name).expect("a client");
    let mut stream = TcpStream::connect(address).expect("the gateway listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    while tls.is_handshaking() {
        if tls.complete_io(&mut stream).is_err() {
            return false;
        }
    }
    true
}

/// Nobody's conversation is cut off.
fn all_echo(talks: &mut [Talk]) {
    for talk in talks {
        assert_eq!(talk.echoes(), Ok(()));
    }
}

#[test]
fn under_load_no_request_fails_whatever_is_replaced() {
    let asked = std::env::var("LIFECYCLE_RATE").ok();
    let rate: u32 = asked.as_ref().map_or(RATE, |text| text.parse().expect("a number"));
    let (alone, pair) = (Server::start(), [Server::start(), Server::start()]);
    let (chat, ended) = echo();
    let house = House::new(alone.address, [pair[0].address, pair[1].address], chat);
    let certificates = [Certificate::make(), Certificate::make()];
    house.install(&certificates[0]);
    let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut old = house.gateway([anywhere; 3]);
    let tls = old.tls();
    let both = believing(&[&certificates[0], &certificates[1]]);
    let crowd = Crowd::at(tls, &both, rate);
    let mut talks = [Talk::at(old.plain, None), Talk::at(tls, Some(&both))];
    // A second's worth of requests behind each change.
    let go_on = |talks: &mut [Talk]| {
        crowd.goes_on(rate as usize);
        all_echo(talks);
    };
    go_on(&mut talks);

    house.rules.change("texts/en.toml", "decline = \"Decline\"", "decline = \"No thank you\"");
    old.signal("HUP");
    old.wait_for_line("reloaded the rules");
    go_on(&mut talks);

    house.install(&certificates[1]);
    old.signal("HUP");
    old.wait_for_line("reloaded the rules");
    assert!(is_believed(tls, believing(&[&certificates[1]])));
    assert!(!is_believed(tls, believing(&[&certificates[0]])));
    go_on(&mut talks);

    let alone = alone.restart_gracefully();
    go_on(&mut talks);
    let [first, second] = pair;
    let pair = [first.restart_abruptly(), second];
    go_on(&mut talks);

    let new = house.gateway([old.plain, tls, old.admin]);
    old.wait_for_line("handed over");
    let since = Instant::now();
    // The conversations go on in the process that began them, until it has drained.
    while since.elapsed() < DRAIN / 2 {
        all_echo(&mut talks);
        std::thread::sleep(Duration::from_millis(50));
    }
    for talk in &mut talks {
        assert_eq!(talk.end(), End::Closed);
        assert_eq!(ended.recv_timeout(PATIENCE), Ok(End::Closed));
    }
    let drained = since.elapsed();
    assert!(drained < 2 * DRAIN, "they were cut off after {drained:?}");
    crowd.goes_on(rate as usize);
    let end = old.wait();
    assert_eq!(end.code, Some(0), "{}", end.stderr);
    // Who comes now talks to the new one.
    assert_eq!(Talk::at(new.plain, None).echoes(), Ok(()));

    let came_about = crowd.leaves();
    // On busy cores a debug build is only asked that nobody is let down.
    assert!(asked.is_none() || came_about >= rate / 100 * KEPT, "{came_about} of {rate}");
    drop((alone, pair));
}
