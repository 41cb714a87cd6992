//! Other servers, routes and groups while the gateway runs.
//!
//! Requests that are under way and WebSockets are finished where they began. Servers that stay keep
//! their connections and what is known of them; those that go are let go of, and nobody who asks notices.

#[allow(dead_code, reason = "other tests use more of it")]
mod harness {
    use std::time::Duration;

    pub(crate) mod home;
    pub(crate) mod message;
    pub(crate) mod program;
    pub(crate) mod site;

    /// How long anything may take that a test waits for.
    pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
}

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use harness::PATIENCE;
use harness::home::Home;
use harness::program::{Gateway, Program, Visitor, ask, send, until};
use harness::site::{Received, Site};

const DONE: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";

/// A gateway with the settings of a home and no others.
fn start(home: &Home) -> Gateway {
    let [file, data] = ["kelisim.toml", "data"].map(|name| home.0.path().join(name));
    let args = [
        ["--config", file.to_str().expect("it is text")],
        ["--data", data.to_str().expect("it is text")],
        ["--listen", "127.0.0.1:0"],
        ["--admin", "127.0.0.1:0"],
    ];
    let program = Program::new().arg("run").variable("KELISIM_THREADS", "1");
    args.concat().into_iter().fold(program, Program::arg).start()
}

fn reload(gateway: &mut Gateway, home: &Home, settings: &str) {
    fs::write(home.0.path().join("kelisim.toml"), settings).expect("it can be written");
    gateway.signal("HUP");
    gateway.wait_for_line("reloaded the rules, the settings");
}

/// A group of these servers.
fn group(name: &str, sites: &[&Site], more: &str) -> String {
    let servers: Vec<_> = sites.iter().map(|site| format!("\"http://{}\"", site.address)).collect();
    format!("[upstreams.{name}]\nservers = [{}]\n{more}", servers.join(", "))
}

/// Ways to the groups a and b, by path.
const WAYS: &str = "[[route]]\npath = \"/a\"\nupstream = \"a\"\n[[route]]\nupstream = \"b\"\n";

fn get(gateway: &Gateway, path: &str) -> Visitor {
    send(gateway.plain, &format!("GET {path} HTTP/1.1\r\nHost: send-box.com\r\n\r\n"))
}

/// A request of which the gateway has certainly heard: it has one thread, and that has answered another
/// since.
fn heard(gateway: &Gateway, path: &str) -> Visitor {
    let visitor = get(gateway, path);
    assert_eq!(get(gateway, "/.consent/state").read_to_the_end().status(), 200);
    visitor
}

fn answer(mut received: Received, visitor: Visitor) {
    received.write(DONE).expect("it is taken");
    assert_eq!(visitor.read_to_the_end().status(), 204);
}

/// The gateway's end of the connection by which a site is asked for a path.
fn asked(gateway: &Gateway, path: &str, site: &Site) -> SocketAddr {
    let visitor = get(gateway, path);
    let received = site.next().expect("this site is asked");
    let from = received.connection.peer_addr().expect("it is open");
    answer(received, visitor);
    from
}

/// Waits until the gateway has closed a connection.
fn is_closed(connection: &mut TcpStream) {
    connection.set_read_timeout(Some(PATIENCE)).expect("a socket");
    assert_eq!(connection.read(&mut [0; 64]).expect("it ends"), 0);
}

fn metrics(gateway: &Gateway) -> String {
    let metrics = "GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    String::from_utf8_lossy(&ask(gateway.admin, metrics).body).into_owned()
}

/// What is counted of a server.
fn count(gateway: &Gateway, name: &str, group: &str, site: &Site) -> Option<u64> {
    let start = format!(
        "kelisim_upstream_{name}{{upstream=\"{group}\",server=\"http://{}\"}} ",
        site.address
    );
    let metrics = metrics(gateway);
    metrics.lines().find_map(|line| line.strip_prefix(&start)?.parse().ok())
}

#[test]
fn another_server_takes_the_next_request_and_what_is_under_way_ends_where_it_began() {
    let [old, new, stays] = [(); 3].map(|()| Site::start());
    let b = group("b", &[&stays], "");
    let home = Home::new(&(group("a", &[&old], "") + &b + WAYS));
    let mut gateway = start(&home);
    let rests = asked(&gateway, "/b", &stays);
    let mut resting = {
        let visitor = get(&gateway, "/a");
        let mut received = old.next().expect("it is asked");
        received.write(DONE).expect("it is taken");
        assert_eq!(visitor.read_to_the_end().status(), 204);
        received.connection
    };
    // The first goes on the connection that rested, so there have to be two at once.
    let first = get(&gateway, "/a/first");
    let first_received = old.next().expect("it is asked");
    let mut visitor = get(&gateway, "/a");
    let mut received = old.next().expect("it is asked");
    received.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst").expect("it is taken");
    visitor.read_until("first");
    let upgrade = "GET /a/socket HTTP/1.1\r\nHost: send-box.com\r\nConnection: Upgrade\r\n\
                   Upgrade: websocket\r\n\r\n";
    let mut socket = send(gateway.plain, upgrade);
    let mut tunnel = old.next().expect("it is asked");
    let switch =
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    tunnel.write(switch).expect("it is taken");
    socket.read_until("101");
    answer(first_received, first);

    reload(&mut gateway, &home, &(group("a", &[&new], "") + &b + WAYS));
    is_closed(&mut resting);
    asked(&gateway, "/a", &new);
    assert_eq!(asked(&gateway, "/b", &stays), rests, "its connection is kept");
    assert_eq!(count(&gateway, "requests_total", "a", &old), None);
    assert_eq!(count(&gateway, "requests_total", "a", &new), Some(1));
    assert_eq!(count(&gateway, "requests_total", "b", &stays), Some(2));

    received.write(b", la.").expect("it is taken");
    assert_eq!(visitor.read_to_the_end().body, b"first, la.");
    is_closed(&mut received.connection);
    tunnel.write(b"still here").expect("it is taken");
    socket.read_until("still here");
    assert!(old.unexpected().is_none() && new.unexpected().is_none());
}

#[test]
fn a_server_that_stays_in_a_group_that_changes_keeps_its_connection() {
    let [one, other] = [(); 2].map(|()| Site::start());
    let home = Home::new(&group("a", &[&one], ""));
    let mut gateway = start(&home);
    let rests = asked(&gateway, "/", &one);
    reload(&mut gateway, &home, &group("a", &[&one], "retries = 0\nbalance = \"round-robin\"\n"));
    assert_eq!(asked(&gateway, "/", &one), rests);
    reload(&mut gateway, &home, &group("a", &[&one, &other], "connections = 9\n"));
    let mut seen = Vec::new();
    for _ in 0..2 {
        let visitor = get(&gateway, "/");
        let took = |site: &Site| site.unexpected();
        let since = Instant::now();
        let received = loop {
            if let Some(received) = took(&one).or_else(|| took(&other)) {
                break received;
            }
            assert!(since.elapsed() < PATIENCE, "nobody is asked");
            std::thread::sleep(Duration::from_millis(2));
        };
        seen.push(received.connection.peer_addr().expect("it is open"));
        answer(received, visitor);
    }
    assert!(seen.contains(&rests), "{seen:?} and {rests}");
    assert_eq!(count(&gateway, "requests_total", "a", &one), Some(3));
}

#[test]
fn routes_change_and_connections_to_the_servers_stay() {
    let [a, b] = [(); 2].map(|()| Site::start());
    let groups = group("a", &[&a], "") + &group("b", &[&b], "");
    let home = Home::new(&(groups.clone() + WAYS));
    let mut gateway = start(&home);
    let (to_a, to_b) = (asked(&gateway, "/a", &a), asked(&gateway, "/x", &b));
    let turned = "[[route]]\npath = \"/a\"\nupstream = \"b\"\n[[route]]\nupstream = \"a\"\n";
    reload(&mut gateway, &home, &(groups + turned));
    assert_eq!((asked(&gateway, "/a", &b), asked(&gateway, "/x", &a)), (to_b, to_a));
}

#[test]
fn who_waits_for_a_place_keeps_their_turn_when_the_group_changes() {
    let site = Site::start();
    let limit = "connections = 1\nqueue = \"20s\"\n";
    let home = Home::new(&group("a", &[&site], limit));
    let mut gateway = start(&home);
    let first = get(&gateway, "/first");
    let received = site.next().expect("it is asked");
    let second = heard(&gateway, "/second");
    reload(&mut gateway, &home, &group("a", &[&site], &format!("{limit}retries = 1\n")));
    let third = heard(&gateway, "/third");
    assert!(site.unexpected().is_none(), "the place is taken, before the reload and after");
    answer(received, first);
    let mut waiting = vec![("/second", second), ("/third", third)];
    while !waiting.is_empty() {
        let received = site.next().expect("the next is asked for");
        let text = received.request.to_string();
        let which = waiting.iter().position(|(path, _)| text.contains(path));
        let (_, visitor) = waiting.remove(which.expect("one of them"));
        answer(received, visitor);
    }
}

#[test]
fn a_place_that_becomes_free_is_for_those_who_can_use_it() {
    let [one, other] = [(); 2].map(|()| Site::start());
    let limit = "connections = 1\nqueue = \"20s\"\n";
    let home = Home::new(&group("a", &[&one], limit));
    let mut gateway = start(&home);
    let first = get(&gateway, "/first");
    let received = one.next().expect("it is asked");
    let second = heard(&gateway, "/second");
    reload(&mut gateway, &home, &group("a", &[&other], limit));
    let third = get(&gateway, "/third");
    let to_other = other.next().expect("it has room");
    let fourth = heard(&gateway, "/fourth");
    // The second has waited for longer, but not for this server.
    answer(to_other, third);
    answer(other.next().expect("the fourth goes there"), fourth);
    answer(received, first);
    answer(one.next().expect("the second goes where it was to go"), second);
}

/// A site that answers all at once: what is asked for its health with a status, everything with `ok`.
fn busy(health: &Arc<AtomicUsize>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it is bound");
    let health = Arc::clone(health);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let health = Arc::clone(&health);
            std::thread::spawn(move || answer_all(stream, &health));
        }
    });
    address
}

fn answer_all(mut stream: TcpStream, health: &AtomicUsize) {
    let (mut seen, mut buffer) = (Vec::<u8>::new(), [0; 4096]);
    stream.set_nodelay(true).expect("a socket");
    while let Ok(read @ 1..) = stream.read(&mut buffer) {
        seen.extend(&buffer[..read]);
        while let Some(end) = seen.windows(4).position(|end| end == b"\r\n\r\n") {
            let status = match seen.starts_with(b"GET /health") {
                true => health.load(Ordering::SeqCst),
                false => 200,
            };
            seen.drain(..end + 4);
            let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: 2\r\n\r\nok");
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }
}

#[test]
fn health_checks_follow_and_what_they_found_stays_with_the_server() {
    let health = Arc::new(AtomicUsize::new(500));
    let (sick, well) = (busy(&health), Site::start());
    let servers =
        format!("[upstreams.a]\nservers = [\"http://{sick}\", \"http://{}\"]\n", well.address);
    let checks = "health = { path = \"/health\", interval = \"20ms\", rise = 1000 }\n";
    let home = Home::new(&servers);
    let mut gateway = start(&home);
    let healthy = |gateway: &Gateway| {
        let start = format!("kelisim_upstream_healthy{{upstream=\"a\",server=\"http://{sick}\"}} ");
        metrics(gateway).lines().find_map(|line| line.strip_prefix(&start).map(str::to_owned))
    };
    assert_eq!(healthy(&gateway).as_deref(), Some("1"), "nobody has looked");
    reload(&mut gateway, &home, &format!("{servers}{checks}"));
    until("it is found sick", || healthy(&gateway).as_deref() == Some("0"));
    // It would have to pass a thousand times, where a new server counts as well from the first.
    health.store(200, Ordering::SeqCst);
    reload(&mut gateway, &home, &format!("{servers}{checks}retries = 3\n"));
    assert_eq!(healthy(&gateway).as_deref(), Some("0"), "it is what it was found to be");
    let soon = checks.replace("1000", "1");
    health.store(500, Ordering::SeqCst);
    reload(&mut gateway, &home, &format!("{servers}{soon}"));
    until("it is found sick by the new checks", || healthy(&gateway).as_deref() == Some("0"));
    reload(&mut gateway, &home, &servers);
    assert_eq!(healthy(&gateway).as_deref(), Some("1"), "nobody looks any more");
}

/// How many visitors ask all the time.
const VISITORS: usize = 8;

/// Asks without a pause on a connection that is kept, and returns what failed.
fn visit(gateway: SocketAddr, stop: &AtomicBool, answered: &AtomicUsize) -> Vec<String> {
    let mut failed = Vec::new();
    let mut stream: Option<TcpStream> = None;
    while !stop.load(Ordering::Relaxed) {
        let mut ask = || -> std::io::Result<()> {
            let stream = match &mut stream {
                Some(stream) => stream,
                none => none.insert(TcpStream::connect(gateway)?),
            };
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.write_all(b"GET / HTTP/1.1\r\nHost: send-box.com\r\n\r\n")?;
            let (mut seen, mut buffer) = (Vec::<u8>::new(), [0; 4096]);
            while !seen.ends_with(b"\r\n\r\nok") {
                match stream.read(&mut buffer)? {
                    0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
                    read => seen.extend(&buffer[..read]),
                }
            }
            match seen.starts_with(b"HTTP/1.1 200 ") {
                true => Ok(()),
                false => Err(std::io::Error::other(String::from_utf8_lossy(&seen).into_owned())),
            }
        };
        match ask() {
            Ok(()) => drop(answered.fetch_add(1, Ordering::Relaxed)),
            Err(error) => {
                failed.push(error.to_string());
                stream = None;
            }
        }
        std::thread::sleep(Duration::from_millis(4));
    }
    failed
}

#[test]
fn under_load_no_request_fails_while_settings_are_reloaded_all_the_time() {
    let health = Arc::new(AtomicUsize::new(200));
    let servers = [(); 3].map(|()| format!("\"http://{}\"", busy(&health)));
    let kinds = [
        format!("[upstreams.a]\nservers = [{}]\n", servers[0]),
        format!("[timeouts]\nanswer = \"9s\"\n[upstreams.a]\nservers = [{}]\n", servers.join(",")),
        format!("[upstreams.b]\nservers = [{}]\nconnections = 2\n", servers[1]),
        format!(
            "trust = [\"10.0.0.0/8\"]\n[upstreams.b]\nservers = [{}]\n",
            servers[1..].join(",")
        ),
    ];
    let home = Home::new(&kinds[0]);
    let mut gateway = start(&home);
    let (stop, answered) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
    let visitors: Vec<_> = (0..VISITORS)
        .map(|_| {
            let (address, stop, answered) =
                (gateway.plain, Arc::clone(&stop), Arc::clone(&answered));
            std::thread::spawn(move || visit(address, &stop, &answered))
        })
        .collect();
    let (since, mut reloads) = (Instant::now(), 0);
    while reloads < 30 {
        reloads += 1;
        reload(&mut gateway, &home, &kinds[reloads % kinds.len()]);
        let before = answered.load(Ordering::Relaxed);
        until("visitors are answered between two reloads", || {
            answered.load(Ordering::Relaxed) >= before + VISITORS
        });
        let turn = Duration::from_millis(100) * u32::try_from(reloads).expect("few");
        std::thread::sleep(turn.saturating_sub(since.elapsed()));
    }
    let time = since.elapsed();
    stop.store(true, Ordering::Relaxed);
    let failed: Vec<_> =
        visitors.into_iter().flat_map(|visitor| visitor.join().expect("it ends")).collect();
    let answered = answered.load(Ordering::Relaxed);
    println!("{answered} requests, {reloads} reloads in {time:?}, {} failed", failed.len());
    assert!(failed.is_empty(), "{failed:#?}");
}
