//! Several servers behind the gateway: which is asked, and what becomes of one that fails.

#[allow(dead_code, reason = "the tests of one site use more of it")]
mod upstream;

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::Request;
use kelisim::proxy::{
    Balance, EjectionSettings, HealthSettings, HostPattern, Resolver, Route, UpstreamSettings,
};
use kelisim::settings::{Count, Span};
use tokio::task::{JoinHandle, JoinSet};
use upstream::gateway::{Answer, Visitor, group, start, start_with_group, start_with_groups};
use upstream::site::{Site, Speaks};
use upstream::{PATIENCE, until};

/// Longer than any test.
const LONG: Span = Span::of_secs(60 * 60);

/// As often as a test may want.
const OFTEN: Span = Span::of_millis(10);

fn site(name: &str) -> Site {
    Site::named(name, Speaks::Http1, 100)
}

/// Which sites answer so many requests, one after the other.
async fn who_answers(visitor: &Visitor, requests: usize) -> String {
    let mut names = String::new();
    for _ in 0..requests {
        let answer = visitor.get("/").await;
        names.push_str(if answer.status == 200 { answer.field("x-site") } else { "!" });
    }
    names
}

/// Asks for `/wait`; the answer comes when a site is told to go on.
fn wait(visitor: &Visitor) -> JoinHandle<Answer> {
    let visitor = visitor.clone();
    tokio::spawn(async move { visitor.get("/wait").await })
}

#[tokio::test]
async fn requests_go_by_host_and_path_and_the_host_stays_as_it_was() {
    let (shop, api, rest) = (site("shop"), site("api"), site("rest"));
    let groups = [("shop", &shop), ("api", &api), ("rest", &rest)];
    let groups = groups.map(|(name, site)| (name.to_owned(), group(&[site])));
    let route = |host: Option<&str>, path: Option<&str>, upstream: &str| Route {
        host: host.map(|host| HostPattern::parse(host).expect("a host")),
        path: path.map(str::to_owned),
        upstream: upstream.to_owned(),
    };
    let routes = vec![
        route(Some("shop.send-box.com"), None, "shop"),
        route(None, Some("/api"), "api"),
        route(Some("*.shop.send-box.com"), Some("/x/"), "shop"),
        route(None, None, "rest"),
    ];
    let gateway = start_with_groups(groups.into(), routes, Resolver::System);
    let visitor = gateway.visitor().await;
    for (url, site) in [
        ("http://shop.send-box.com/", "shop"),
        ("http://Shop.send-box.com:8080/api", "shop"),
        ("http://send-box.com/api", "api"),
        ("http://send-box.com/api?x", "api"),
        ("http://send-box.com/api/x", "api"),
        ("http://send-box.com/apis", "rest"),
        ("http://a.shop.send-box.com/x/y", "shop"),
        ("http://a.shop.send-box.com/y", "rest"),
        ("http://send-box.com/", "rest"),
    ] {
        let answer = visitor.ask(Request::get(url).body(()).expect("a request")).await;
        assert_eq!(answer.field("x-site"), site, "{url}");
        let host = url.split('/').nth(2).expect("a host");
        assert_eq!(answer.field("x-host"), host);
    }
}

#[tokio::test]
async fn servers_take_turns() {
    let (a, b, c) = (site("a"), site("b"), site("c"));
    let gateway = start_with_group(group(&[&a, &b, &c]));
    assert_eq!(who_answers(&gateway.visitor().await, 9).await, "abcabcabc");
}

#[tokio::test]
async fn the_server_with_the_fewest_requests_under_way_is_asked() {
    let (a, b) = (site("a"), site("b"));
    let settings = group(&[&a, &b]);
    let gateway =
        start_with_group(UpstreamSettings { balance: Balance::LeastConnections, ..settings });
    let visitor = gateway.visitor().await;
    // One waits at each, then the second at one of them.
    let waiting: Vec<_> = (0..3).map(|_| wait(&visitor)).collect();
    until("three wait", async || a.waiting() + b.waiting() == 3).await;
    let (busy, free, name) = if a.waiting() == 2 { (&a, &b, "b") } else { (&b, &a, "a") };
    assert_eq!((busy.waiting(), free.waiting()), (2, 1));
    assert_eq!(who_answers(&visitor, 6).await, name.repeat(6));
    a.go_on(2);
    b.go_on(2);
    for one in waiting {
        assert_eq!(one.await.expect("it ran").status, 200);
    }
    let both = who_answers(&visitor, 6).await;
    assert_eq!(both.matches('a').count(), 3, "{both}");
}

fn ejection(failures: usize, time: Span) -> EjectionSettings {
    EjectionSettings { failures: Count::of(failures), time }
}

#[tokio::test]
async fn a_server_that_dies_is_left_out_and_fails_no_visitor() {
    let (a, mut b) = (site("a"), site("b"));
    let mut settings = group(&[&a, &b]);
    settings.ejection = ejection(3, Span::of_millis(300));
    let gateway = start_with_group(settings);
    let visitor = gateway.visitor().await;
    assert_eq!(who_answers(&visitor, 4).await, "abab");
    b.stop();
    let since = Instant::now();
    until("it is left out", async || {
        assert_eq!(who_answers(&visitor, 1).await, "a");
        gateway.counted("ejections_total", &b) == 1
    })
    .await;
    assert_eq!(gateway.counted("failures_total", &b), 3);
    // It is asked again when its time is over, and then left out anew.
    until("it is asked again", async || {
        assert_eq!(who_answers(&visitor, 1).await, "a");
        gateway.counted("failures_total", &b) == 4
    })
    .await;
    assert!(since.elapsed() >= Duration::from_millis(300));
    b.resume();
    until("it answers again", async || who_answers(&visitor, 1).await == "b").await;
    assert_eq!(gateway.counted("healthy", &b), 1, "nobody checks it");
}

#[tokio::test]
async fn where_no_server_is_well_all_are_asked() {
    let (mut a, mut b) = (site("a"), site("b"));
    let mut settings = group(&[&a, &b]);
    settings.ejection = ejection(1, LONG);
    let gateway = start_with_group(settings);
    let visitor = gateway.visitor().await;
    a.stop();
    b.stop();
    assert_eq!(who_answers(&visitor, 2).await, "!!");
    let ejections = [&a, &b].map(|site| gateway.counted("ejections_total", site));
    assert_eq!(ejections, [1, 1]);
    a.resume();
    b.resume();
    let answered = who_answers(&visitor, 4).await;
    assert!(!answered.contains('!'), "{answered}");
}

fn checked(mut settings: UpstreamSettings, rise: usize, fall: usize) -> UpstreamSettings {
    settings.health = HealthSettings {
        path: Some("/health".to_owned()),
        host: None,
        interval: OFTEN,
        timeout: Span::of_secs(20),
        rise: Count::of(rise),
        fall: Count::of(fall),
    };
    settings
}

#[tokio::test]
async fn health_checks_take_a_server_out_and_back() {
    let (a, mut b) = (site("a"), site("b"));
    let gateway = start_with_group(checked(group(&[&a, &b]), 4, 3));
    let visitor = gateway.visitor().await;
    until("it is checked", async || b.checks() >= 4).await;
    assert_eq!(who_answers(&visitor, 4).await, "abab");
    // It says itself that it is not well.
    let before = b.checks();
    b.set_health(503);
    until("it is out", async || gateway.counted("healthy", &b) == 0).await;
    assert!(b.checks() >= before + 3, "after {} checks", b.checks() - before);
    assert_eq!(who_answers(&visitor, 4).await, "aaaa");
    assert_eq!(gateway.counted("failures_total", &b), 0, "checks are no requests");
    let before = b.checks();
    b.set_health(204);
    until("it is back", async || gateway.counted("healthy", &b) == 1).await;
    assert!(b.checks() >= before + 4, "after {} checks", b.checks() - before);
    assert_eq!(who_answers(&visitor, 4).await.matches('b').count(), 2);
    // It dies and comes back.
    b.stop();
    until("it is out", async || gateway.counted("healthy", &b) == 0).await;
    assert_eq!(who_answers(&visitor, 4).await, "aaaa");
    b.resume();
    until("it is back", async || gateway.counted("healthy", &b) == 1).await;
    assert_eq!(who_answers(&visitor, 4).await.matches('b').count(), 2);
}

#[tokio::test]
async fn a_server_that_was_left_out_comes_back_when_its_checks_pass() {
    let (a, b) = (site("a"), site("b"));
    let mut settings = checked(group(&[&a, &b]), 2, 2);
    settings.ejection = ejection(2, LONG);
    let gateway = start_with_group(settings);
    let visitor = gateway.visitor().await;
    // It cuts connections, and its checks fail too: they must not bring it back.
    b.set_health(500);
    b.set_cuts(true);
    until("it is out", async || gateway.counted("healthy", &b) == 0).await;
    b.set_health(200);
    until("it is back", async || gateway.counted("healthy", &b) == 1).await;
    // Its checks pass and its answers fail: it is left out again and again, and visitors meet it seldom.
    until("it is left out, and comes back", async || {
        let _ = visitor.get("/").await;
        gateway.counted("ejections_total", &b) >= 2
    })
    .await;
    b.set_cuts(false);
    until("it answers", async || who_answers(&visitor, 1).await == "b").await;
}

#[tokio::test]
async fn no_more_is_sent_again_than_the_budget_allows() {
    for (retries, at_least, at_most) in [(20, 25, 31), (0, 0, 0), (100, 90, 110)] {
        let (a, mut b) = (site("a"), site("b"));
        let mut settings = group(&[&a, &b]);
        settings.ejection = ejection(0, LONG);
        settings.retries = Count::of(retries);
        let gateway = start_with_group(settings);
        b.stop();
        let answers = who_answers(&gateway.visitor().await, 100).await;
        let sent: u64 = [&a, &b].map(|site| gateway.counted("requests_total", site)).iter().sum();
        let again = sent - 100;
        assert!((at_least..=at_most).contains(&again), "{again} of {retries} %");
        let failed = answers.matches('!').count() as u64;
        assert_eq!(failed, gateway.counted("failures_total", &b) - again, "{answers}");
        assert_eq!(failed > 0, retries < 100, "{answers}");
    }
}

fn limited(site: &Site, pending: usize, queue: Span) -> UpstreamSettings {
    let (connections, pending) = (Count::of(1), Count::of(pending));
    UpstreamSettings { connections, pending, queue, ..group(&[site]) }
}

#[tokio::test]
async fn who_finds_no_room_waits_and_who_finds_no_place_to_wait_is_told_to_come_later() {
    let a = site("a");
    let gateway = start_with_group(limited(&a, 2, LONG));
    let visitor = gateway.visitor().await;
    let first = wait(&visitor);
    a.is_waited_for(1).await;
    // Of four who come at once two find a place, and the others are answered before them.
    let mut pending = JoinSet::new();
    for _ in 0..4 {
        let visitor = visitor.clone();
        pending.spawn(async move { visitor.get("/wait").await });
    }
    for _ in 0..2 {
        let refused = pending.join_next().await.expect("four came").expect("it ran");
        assert_eq!((refused.status, refused.field("retry-after")), (503, "10"));
    }
    assert_eq!(a.requests(), 1);
    a.go_on(3);
    assert_eq!(first.await.expect("it ran").status, 200);
    while let Some(answer) = pending.join_next().await {
        assert_eq!(answer.expect("it ran").status, 200);
    }
    assert_eq!(visitor.get("/").await.status, 200);
}

#[tokio::test]
async fn who_waits_too_long_for_room_is_told_to_come_later() {
    let a = site("a");
    let gateway = start_with_group(limited(&a, 10, OFTEN));
    let visitor = gateway.visitor().await;
    let first = wait(&visitor);
    a.is_waited_for(1).await;
    let refused = visitor.get("/").await;
    assert_eq!((refused.status, refused.field("retry-after")), (503, "10"));
    a.go_on(1);
    assert_eq!(first.await.expect("it ran").status, 200);
    assert_eq!(a.requests(), 1);
}

#[tokio::test]
async fn a_websocket_takes_a_connection_as_long_as_it_is_open() {
    let a = site("a");
    let gateway = start_with_group(limited(&a, 0, LONG));
    let visitor = gateway.visitor().await;
    let mut stream = TcpStream::connect(gateway.address()).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    let shake = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    stream.write_all(shake).expect("it reads");
    stream.read_exact(&mut [0; 16]).expect("an answer");
    assert_eq!(visitor.get("/").await.status, 503);
    drop(stream);
    until("there is room", async || visitor.get("/").await.status == 200).await;
}

/// Where a name leads that a test changes, and how often it was looked up.
#[derive(Clone, Default)]
struct Name(Arc<Mutex<Vec<IpAddr>>>, Arc<AtomicUsize>);

impl Name {
    fn leads_to(&self, addresses: &[[u8; 4]]) {
        let addresses = addresses.iter().map(|address| IpAddr::from(*address)).collect();
        *self.0.lock().expect("no test failed here") = addresses;
    }

    fn lookups(&self) -> usize {
        self.1.load(Ordering::SeqCst)
    }

    fn resolver(&self) -> Resolver {
        let Name(addresses, lookups) = self.clone();
        Resolver::Table(Arc::new(move |name: &str| {
            assert_eq!(name, "app.internal");
            let found = addresses.lock().expect("no test failed here").clone();
            lookups.fetch_add(1, Ordering::SeqCst);
            Ok(found)
        }))
    }
}

/// Two sites at one port of two addresses, and a group that knows them by a name.
fn at_two_addresses(name: &Name, resolve: Span) -> (Site, Site, UpstreamSettings) {
    name.leads_to(&[[127, 0, 0, 1]]);
    let a = site("a");
    let other = SocketAddr::from(([127, 0, 0, 2], a.address.port()));
    let b = Site::at("b", Speaks::Http1, 100, other);
    let mut settings = group(&[&a]);
    "app.internal".clone_into(&mut settings.servers[0].host);
    (a, b, UpstreamSettings { resolve, ..settings })
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_is_followed() {
    let name = Name::default();
    let (a, b, settings) = at_two_addresses(&name, OFTEN);
    let gateway =
        start_with_groups([("site".to_owned(), settings)].into(), Vec::new(), name.resolver());
    let visitor = gateway.visitor().await;
    assert_eq!(who_answers(&visitor, 3).await, "aaa");
    name.leads_to(&[[127, 0, 0, 2]]);
    // The old connection is open still, and no longer used.
    until("the name is looked up", async || who_answers(&visitor, 1).await == "b").await;
    let asked = a.requests();
    assert_eq!(who_answers(&visitor, 5).await, "bbbbb");
    assert_eq!(a.requests(), asked);
    // Of two addresses both are used.
    name.leads_to(&[[127, 0, 0, 1], [127, 0, 0, 2]]);
    let lookups = name.lookups();
    until("the name is looked up", async || name.lookups() >= lookups + 2).await;
    let waiting: Vec<_> = (0..6).map(|_| wait(&visitor)).collect();
    until("all wait", async || a.waiting() + b.waiting() == 6).await;
    assert!(a.waiting() >= 2 && b.waiting() >= 2, "{} and {}", a.waiting(), b.waiting());
    a.go_on(a.waiting());
    b.go_on(b.waiting());
    for one in waiting {
        assert_eq!(one.await.expect("it ran").status, 200);
    }
}

#[tokio::test]
async fn a_name_is_looked_up_again_when_its_addresses_cannot_be_reached() {
    let name = Name::default();
    let (mut a, _b, settings) = at_two_addresses(&name, LONG);
    let gateway =
        start_with_groups([("site".to_owned(), settings)].into(), Vec::new(), name.resolver());
    let visitor = gateway.visitor().await;
    assert_eq!(who_answers(&visitor, 3).await, "aaa");
    name.leads_to(&[[127, 0, 0, 2]]);
    assert_eq!(who_answers(&visitor, 3).await, "aaa", "nobody has looked");
    a.stop();
    until("it is looked up", async || who_answers(&visitor, 1).await == "b").await;
}

#[tokio::test]
async fn health_is_asked_for_by_tls_and_http_2_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = upstream::authority::Authority::new();
    let secured = authority.serves("localhost", &["h2"], None);
    for (scheme, speaks) in [("https", Speaks::Tls(secured)), ("h2c", Speaks::Http2)] {
        let a = Site::start(speaks);
        let port = a.address.port();
        let gateway = start(&format!("{scheme}://localhost:{port}"), |settings| {
            settings.tls.ca = Some(authority.file(folder.path()));
            *settings = checked(settings.clone(), 2, 2);
        });
        until("it is checked", async || a.checks() > 2).await;
        a.set_health(500);
        until("it is out", async || {
            let line = format!("kelisim_upstream_healthy{{upstream=\"site\",server=\"{scheme}://localhost:{port}\"}} 0");
            gateway.metrics().contains(&line)
        })
        .await;
    }
}
