//! New settings while the gateway runs.
//!
//! Each setting that there is comes into force on reload, or the reload is refused and names it. Whatever
//! is wrong with a part, the whole stays as it was.
//!
//! What becomes of servers and their connections is in `tests/reload_sites.rs`, rules and certificates are
//! in `tests/reload.rs`.

#[allow(dead_code, reason = "other tests use more of it")]
mod harness {
    use std::time::Duration;

    pub(crate) mod broken;
    pub(crate) mod home;
    pub(crate) mod message;
    pub(crate) mod program;
    pub(crate) mod settings;
    pub(crate) mod site;

    /// How long anything may take that a test waits for.
    pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
}

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;

use harness::PATIENCE;
use harness::broken::Rules;
use harness::home::Home;
use harness::program::{Gateway, ask, send};
use harness::settings::{GROUP, SETTINGS, file};
use harness::site::Site;
use kelisim::app::{Running, start};
use kelisim::clock::Clock;
use kelisim::config::Settings;
use kelisim::config::fixed::FIXED;
use kelisim::proxy::InForce;
use kelisim::settings::{Count, Table};

/// What of a text is between these, once for each time it is there, left out.
fn without(text: &str, from: &str, to: &str) -> String {
    let mut parts = text.split(from);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |kept, part| kept + part.split_once(to).map_or("", |(_, rest)| rest))
}

/// All that is in force as a text, without what changes by itself.
fn shown(in_force: &InForce) -> String {
    // Each by its name: what is added there is to be added here.
    let InForce { snapshot, served, hsts, trusted, announcing, via, sites, rates, sizes, bounds } =
        in_force;
    let certificate = served.as_ref().map(|served| served.shown_to("send-box.com"));
    let rules = &snapshot.rules.generation;
    let all = format!(
        "{rules:?} {certificate:?} {hsts:?} {trusted:?} {announcing:?} {via:?} {sites:?} {rates:?} {sizes:?} {bounds:?}"
    );
    without(&without(&all, "began: Instant", "}"), "queue: Queue", "is_retired")
}

fn make_certificate(folder: &Path) {
    let made = rcgen::generate_simple_self_signed(["send-box.com".to_owned()]).expect("a name");
    fs::create_dir_all(folder).expect("a folder");
    fs::write(folder.join("site.crt"), made.cert.pem()).expect("a folder");
    fs::write(folder.join("site.key"), made.signing_key.serialize_pem()).expect("a folder");
}

/// A gateway in this process, and what it was started with.
struct Started {
    folder: tempfile::TempDir,
    other_rules: Rules,
    running: Running,
}

impl Started {
    fn new() -> Started {
        let folder = tempfile::tempdir().expect("a folder");
        make_certificate(&folder.path().join("certs"));
        make_certificate(&folder.path().join("other"));
        let other_rules = Rules::copy();
        other_rules.change("texts/en.toml", "decline = \"Decline\"", "decline = \"No\"");
        let settings = Started::settings(&folder, "certs", &file("certs", "\"certs\""));
        let config = settings.config().expect("it is fit");
        let running = start(&config, &Clock::System).expect("a gateway");
        Started { folder, other_rules, running }
    }

    /// The settings of a file, with the addresses and folders of this test.
    fn settings(folder: &tempfile::TempDir, name: &str, text: &str) -> Settings {
        let set = Settings::parse("kelisim.toml", text).expect("it is fit");
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut settings = Settings {
            listen: Some(vec![any]),
            listen_tls: vec![any],
            admin: any,
            threads: Some(Count::of(1)),
            certs: folder.path().join("certs"),
            data: folder.path().join("data"),
            rules: "rules".into(),
            ..set.clone()
        };
        match name {
            "listen" => settings.listen = set.listen,
            "listen-tls" => settings.listen_tls = set.listen_tls,
            "admin" => settings.admin = set.admin,
            "threads" => settings.threads = set.threads,
            "data" => settings.data = set.data,
            _ => {}
        }
        settings
    }

    /// Reloads with one setting as a file says it, and returns why not if it is refused.
    fn reload(&self, name: &str, text: &str) -> Result<(), String> {
        let mut settings = Started::settings(&self.folder, name, text);
        match name {
            "certs" => settings.certs = self.folder.path().join("other"),
            "rules" => settings.rules = self.other_rules.folder().into(),
            _ => {}
        }
        self.running.reload.reload(settings.config()).map_err(|error| error.to_string())
    }

    fn in_force(&self) -> Arc<InForce> {
        self.running.reload.current.get()
    }
}

#[test]
fn each_setting_comes_into_force_or_the_reload_is_refused_and_names_it() {
    let gateway = Started::new();
    let site = "upstream = \"http://127.0.0.1:1\"\n";
    let mut seen = BTreeSet::from([shown(&gateway.in_force())]);
    // Bare groups and routes, so that no setting is seen by them alone.
    for bare in [GROUP.to_owned(), format!("{GROUP}[[route]]\nupstream = \"NAME\"\n")] {
        gateway.reload("", &format!("{site}{bare}")).expect("it is fit");
        assert!(seen.insert(shown(&gateway.in_force())), "{bare}");
    }
    let mut refused = BTreeSet::new();
    for (name, value) in SETTINGS {
        let before = gateway.in_force();
        match gateway.reload(name, &file(name, value)) {
            Ok(()) => {
                let shown = shown(&gateway.in_force());
                assert!(seen.insert(shown), "{name} is passed over");
            }
            Err(why) => {
                assert!(why.contains(&format!("`{name}`: it is ")), "{name}: {why}");
                assert!(why.contains("restart, or start one with `--take-over`"), "{why}");
                assert!(Arc::ptr_eq(&before, &gateway.in_force()), "{name}");
                refused.insert(*name);
            }
        }
    }
    assert_eq!(refused, FIXED.iter().map(|(name, _)| *name).collect(), "only those are refused");
    gateway.reload("", &file("certs", "\"certs\"")).expect("as it began");
    assert!(!seen.insert(shown(&gateway.in_force())), "what was set is unset again");
    let header = Settings::DOC.join(" ");
    for (name, _) in FIXED {
        assert!(header.contains(name), "the file's head does not say that `{name}` is fixed");
    }
    gateway.running.stop();
}

/// A request of a visitor whose connection is kept.
fn request(method: &str, more: &str) -> String {
    format!("{method} /page HTTP/1.1\r\nHost: send-box.com\r\n{more}\r\n")
}

/// What the site is asked by a visitor, and answers at once.
fn asked(gateway: &Gateway, site: &Site, more: &str) -> String {
    let visitor = send(gateway.plain, &request("GET", more));
    let mut received = site.next().expect("the site is asked");
    received.write(b"HTTP/1.1 204 No Content\r\n\r\n").expect("it is taken");
    assert_eq!(visitor.read_to_the_end().status(), 204);
    received.request.to_string()
}

fn set(home: &Home, settings: &str) {
    fs::write(home.0.path().join("kelisim.toml"), settings).expect("it can be written");
}

fn reload(gateway: &mut Gateway) {
    gateway.signal("HUP");
    gateway.wait_for_line("reloaded the rules, the settings");
}

fn metrics(gateway: &Gateway) -> String {
    let metrics = "GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    String::from_utf8_lossy(&ask(gateway.admin, metrics).body).into_owned()
}

#[test]
fn trust_sizes_and_timeouts_hold_from_the_next_request_on() {
    let (site, home) = (Site::start(), Home::new(""));
    let mut gateway = home.gateway(site.address).start();
    let forwarded = "X-Forwarded-For: 198.51.100.7\r\n";
    assert!(!asked(&gateway, &site, forwarded).contains("198.51.100.7"));
    // One that began before has the time that it began with.
    let patient = send(gateway.plain, &request("GET", ""));
    let mut waits = site.next().expect("the site is asked");

    set(
        &home,
        "trust = [\"127.0.0.0/8\"]\n[[body]]\nbytes = \"4B\"\n[timeouts]\nanswer = \"100ms\"\n",
    );
    reload(&mut gateway);
    assert!(asked(&gateway, &site, forwarded).contains("198.51.100.7"));
    let long = send(gateway.plain, &(request("POST", "Content-Length: 5\r\n") + "12345"));
    assert_eq!(long.read_to_the_end().status(), 413);
    assert_eq!(send(gateway.plain, &request("GET", "")).read_to_the_end().status(), 504);
    drop(site.next().expect("the site was asked and did not answer"));
    waits.write(b"HTTP/1.1 204 No Content\r\n\r\n").expect("it is taken");
    assert_eq!(patient.read_to_the_end().status(), 204);

    set(&home, "");
    reload(&mut gateway);
    assert!(!asked(&gateway, &site, forwarded).contains("198.51.100.7"));
}

#[test]
fn who_announces_visitors_and_how_often_they_ask_is_what_is_in_force() {
    let (site, home) = (Site::start(), Home::new(""));
    let mut gateway = home.gateway(site.address).start();
    let state = "GET /.consent/state HTTP/1.1\r\nHost: send-box.com\r\nConnection: close\r\n\r\n";
    let from =
        |visitor: &str| format!("PROXY TCP4 198.51.100.{visitor} 203.0.113.1 1 80\r\n{state}");
    let status = |gateway: &Gateway, request: &str| ask(gateway.plain, request).status();
    assert_eq!(status(&gateway, state), 200);
    assert_eq!(status(&gateway, &from("7")), 400);
    let announced = "proxy-protocol = [\"127.0.0.0/8\"]\n";
    set(&home, announced);
    reload(&mut gateway);
    assert_eq!(status(&gateway, &from("7")), 200);
    let mut plain = TcpStream::connect(gateway.plain).expect("the gateway listens");
    plain.set_read_timeout(Some(PATIENCE)).expect("a socket");
    std::io::Write::write_all(&mut plain, state.as_bytes()).expect("it is taken");
    let mut answer = Vec::new();
    // Closed, or cut with what was not read.
    let _ = plain.read_to_end(&mut answer);
    assert!(answer.is_empty(), "{}", answer.escape_ascii());

    let rates = "[limits]\nrequests-per-address = 1\nburst-per-address = 1\n";
    set(&home, &format!("{announced}{rates}"));
    reload(&mut gateway);
    let many = |gateway: &Gateway, visitor: &str| {
        let statuses = (0..20).map(|_| status(gateway, &from(visitor)));
        statuses.filter(|status| *status == 429).count()
    };
    assert!(many(&gateway, "8") > 0);
    set(&home, announced);
    reload(&mut gateway);
    assert_eq!(many(&gateway, "8"), 0);
}

/// Whether a new connection is served.
fn is_served(gateway: &Gateway) -> Option<TcpStream> {
    let mut stream = TcpStream::connect(gateway.plain).expect("the gateway listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    // Who is not let in may be closed before or after they have asked.
    let asked = std::io::Write::write_all(&mut stream, request("GET", "").as_bytes());
    let mut first = [0; 1];
    (asked.is_ok() && stream.read(&mut first).is_ok_and(|read| read == 1)).then_some(stream)
}

#[test]
fn connections_are_counted_by_what_is_in_force_and_those_that_are_open_stay() {
    let home = Home::new("[limits]\nconnections-per-address = 1\n");
    // Nobody listens there: each request is answered by the gateway.
    let nowhere = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = nowhere.local_addr().expect("it is bound");
    drop(nowhere);
    let mut gateway = home.gateway(address).start();
    let first = is_served(&gateway).expect("the first is served");
    assert!(is_served(&gateway).is_none());
    set(&home, "[limits]\nconnections-per-address = 3\n");
    reload(&mut gateway);
    let others = [(); 2].map(|()| is_served(&gateway).expect("three are served"));
    assert!(is_served(&gateway).is_none());
    set(&home, "[limits]\nconnections-per-address = 0\n");
    reload(&mut gateway);
    let more = [(); 5].map(|()| is_served(&gateway).expect("there is no bound"));
    // Of all connections there may be one: it is waited until the others have gone.
    set(&home, "[limits]\nconnections = 1\nconnections-per-address = 0\n");
    reload(&mut gateway);
    let mut late = TcpStream::connect(gateway.plain).expect("the gateway listens");
    std::io::Write::write_all(&mut late, request("GET", "").as_bytes()).expect("it is taken");
    harness::program::until("it waits", || {
        metrics(&gateway).contains("kelisim_connections_waited_total 1\n")
    });
    drop((first, others, more));
    late.set_read_timeout(Some(PATIENCE)).expect("a socket");
    assert_eq!(late.read(&mut [0; 1]).expect("it is served"), 1);
}

#[test]
fn whatever_part_is_wrong_all_of_it_stays_as_it_was_and_the_fault_is_named() {
    let (site, home, rules) = (Site::start(), Home::new(""), Rules::copy());
    let mut gateway = home.gateway(site.address).arg("--rules").arg(rules.folder()).start();
    let forwarded = "X-Forwarded-For: 198.51.100.7\r\n";
    let trust = "trust = [\"127.0.0.0/8\"]\n";
    let words = |gateway: &Gateway| {
        let page = "GET /.consent/ HTTP/1.1\r\nHost: send-box.com\r\nAccept-Language: en\r\n\r\n";
        let page = String::from_utf8_lossy(&ask(gateway.plain, page).body).into_owned();
        page.contains("No thank you")
    };
    rules.change("texts/en.toml", "\"Decline all\"", "\"No thank you\"");
    for (settings, said) in [
        ("[timeouts]\nhead = \"ten\"\n", "kelisim.toml:3: "),
        ("[limits]\nstreems = 1\n", "unknown field `streems`; did you mean `streams`?"),
        ("[[route]]\nupstream = \"b\"\n", "there is no `[upstreams.b]`"),
        ("[limits]\nbacklog = 22\n", "`limits.backlog`: it is 4096, and 22 is wanted"),
        ("[tls]\nhsts = \"1\"\n", "`tls.hsts = \"1\"`: write `max-age=SECONDS`"),
        (
            "[upstreams.a]\nservers = [\"https://a\"]\ntls.ca = \"/gone\"\n",
            "`upstreams.a`: /gone: ",
        ),
    ] {
        set(&home, &format!("{trust}{settings}"));
        gateway.signal("HUP");
        gateway.wait_for_line("nothing was reloaded");
        gateway.wait_for_line(said);
        assert!(metrics(&gateway).contains("kelisim_reload_refused 1"));
        assert!(!asked(&gateway, &site, forwarded).contains("198.51.100.7"), "{settings}");
        assert!(!words(&gateway), "{settings}");
    }
    // The settings are right, and the rules are wrong.
    rules.change("site.toml", "# suspended = [\"analytics\"]", "suspended = [\"analitics\"]");
    set(&home, trust);
    gateway.signal("HUP");
    gateway.wait_for_line("nothing was reloaded");
    gateway.wait_for_line("`analitics`");
    assert!(!asked(&gateway, &site, forwarded).contains("198.51.100.7"));

    rules.change("site.toml", "suspended = [\"analitics\"]", "# none");
    reload(&mut gateway);
    assert!(asked(&gateway, &site, forwarded).contains("198.51.100.7"));
    assert!(words(&gateway));
    assert!(metrics(&gateway).contains("kelisim_reload_refused 0"));
}

#[test]
fn flags_and_variables_of_the_start_still_win() {
    let (site, home) = (Site::start(), Home::new(""));
    let mut gateway = home.gateway(site.address).variable("KELISIM_TRUST", "10.0.0.0/8").start();
    let forwarded = "X-Forwarded-For: 198.51.100.7\r\n";
    // Neither the site nor whom to trust is the file's to say, and the threads are as they were.
    set(&home, "upstream = \"http://127.0.0.1:1\"\ntrust = [\"127.0.0.0/8\"]\nthreads = 9\n");
    reload(&mut gateway);
    assert!(!asked(&gateway, &site, forwarded).contains("198.51.100.7"));
}
