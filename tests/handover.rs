//! A new process in the place of the one that runs.
//!
//! Visitors ask without a pause, over connections that they keep, and none of them may notice: not one
//! request fails. What is under way is finished by the process that began it.

#[allow(dead_code, reason = "the scenarios use more of it")]
mod harness {
    use std::time::Duration;

    pub(crate) mod broken;
    pub(crate) mod choices;
    pub(crate) mod message;
    pub(crate) mod program;
    pub(crate) mod site;

    /// How long anything may take that a test waits for.
    pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
}

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use harness::PATIENCE;
use harness::broken::Rules;
use harness::choices::{AGREE, DECLINE, analytics, choose, cookie};
use harness::message::Message;
use harness::program::{Gateway, Program, ask, send};
use harness::site::Site;

/// How many requests a second all visitors make together.
const RATE: u32 = 2_000;

/// How many visitors there are.
const VISITORS: u32 = 16;

/// A site that answers at once and keeps its connections.
fn busy_site() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || answer_all(stream));
        }
    });
    address
}

fn answer_all(mut stream: TcpStream) {
    let (mut seen, mut buffer) = (Vec::<u8>::new(), [0; 4096]);
    stream.set_nodelay(true).expect("a socket");
    while let Ok(read @ 1..) = stream.read(&mut buffer) {
        seen.extend(&buffer[..read]);
        while let Some(end) = seen.windows(4).position(|end| end == b"\r\n\r\n") {
            seen.drain(..end + 4);
            let answer =
                b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok";
            if stream.write_all(answer).is_err() {
                return;
            }
        }
    }
}

/// Visitors who never stop asking.
struct Crowd {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    visitors: Vec<JoinHandle<Vec<String>>>,
    since: Instant,
}

impl Crowd {
    fn at(address: SocketAddr) -> Crowd {
        let (stop, answered) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let visitors = (0..VISITORS).map(|_| {
            let (stop, answered) = (Arc::clone(&stop), Arc::clone(&answered));
            std::thread::spawn(move || visit(address, &stop, &answered))
        });
        Crowd { visitors: visitors.collect(), stop, answered, since: Instant::now() }
    }

    /// Waits until so many more have been answered.
    fn goes_on(&self, requests: usize) {
        let (before, since) = (self.answered.load(Ordering::Relaxed), Instant::now());
        while self.answered.load(Ordering::Relaxed) < before + requests {
            assert!(since.elapsed() < PATIENCE, "nobody is answered any more");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Sends them home, and says how many were answered. Nobody may have been let down.
    fn leaves(self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        let failed: Vec<_> =
            self.visitors.into_iter().flat_map(|one| one.join().expect("it ends")).collect();
        let answered = self.answered.load(Ordering::Relaxed);
        let rate = 1_000 * answered as u128 / self.since.elapsed().as_millis().max(1);
        println!("{answered} requests answered, {rate} a second, {} failed", failed.len());
        assert!(failed.is_empty(), "{failed:#?}");
        answered
    }
}

/// Asks at a steady pace, and says what failed.
fn visit(address: SocketAddr, stop: &AtomicBool, answered: &AtomicUsize) -> Vec<String> {
    let pause = Duration::from_secs(1) * VISITORS / RATE;
    let (mut failed, mut kept, mut due) = (Vec::new(), None, Instant::now());
    while !stop.load(Ordering::Relaxed) {
        let stream = kept.take().map_or_else(|| connect(address), Ok);
        match stream.and_then(ask_once) {
            Ok(stream) => {
                kept = stream;
                answered.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => failed.push(error.to_string()),
        }
        due += pause;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        // Who was kept waiting does not ask for all that time at once.
        due = due.max(Instant::now().checked_sub(pause).unwrap_or(due));
    }
    failed
}

fn connect(address: SocketAddr) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Asks once, and gives the connection back if it goes on.
fn ask_once(mut stream: TcpStream) -> std::io::Result<Option<TcpStream>> {
    stream.write_all(b"GET /a.txt HTTP/1.1\r\nHost: send-box.com\r\n\r\n")?;
    let (mut seen, mut buffer) = (Vec::<u8>::new(), [0; 4096]);
    loop {
        let read = stream.read(&mut buffer)?;
        seen.extend(&buffer[..read]);
        match Message::read(&seen, read == 0, false) {
            Some((message, _)) if message.whole => {
                let head = String::from_utf8_lossy(&seen).to_lowercase();
                if !head.starts_with("http/1.1 200 ") || message.body != b"ok" {
                    return Err(std::io::Error::other(head));
                }
                return Ok((!head.contains("connection: close")).then_some(stream));
            }
            _ if read == 0 => {
                let seen = String::from_utf8_lossy(&seen).into_owned();
                return Err(std::io::Error::other(format!("the connection ended after `{seen}`")));
            }
            _ => {}
        }
    }
}

/// A gateway on these addresses, which may be another's.
fn gateway(site: SocketAddr, data: &Path, plain: SocketAddr, admin: SocketAddr) -> Program {
    let [plain, admin] = [plain, admin].map(|address| address.to_string());
    let upstream = format!("http://{site}");
    let data = data.to_str().expect("a path in UTF-8");
    ["run", "--threads", "2", "--upstream", &upstream, "--data", data, "--listen", &plain]
        .into_iter()
        .chain(["--admin", &admin, "--take-over"])
        .fold(Program::new(), Program::arg)
}

fn anywhere() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// Puts another in the place of a gateway, and waits until the first has ended.
fn replace(mut old: Gateway, site: SocketAddr, data: &Path) -> Gateway {
    let new = gateway(site, data, old.plain, old.admin).start();
    let ended = old.wait();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("handed over"), "{}", ended.stderr);
    new
}

#[test]
fn under_load_no_request_fails_while_one_process_replaces_the_other() {
    let (data, site) = (tempfile::tempdir().expect("a folder"), busy_site());
    let mut running = gateway(site, data.path(), anywhere(), anywhere()).start();
    let crowd = Crowd::at(running.plain);
    crowd.goes_on(1_000);
    for _ in 0..3 {
        running = replace(running, site, data.path());
        crowd.goes_on(1_000);
    }
    assert!(crowd.leaves() > 4_000);
}

#[test]
fn under_load_no_request_fails_while_rules_are_reloaded() {
    let (data, site) = (tempfile::tempdir().expect("a folder"), busy_site());
    let mut running = gateway(site, data.path(), anywhere(), anywhere()).start();
    let crowd = Crowd::at(running.plain);
    for _ in 0..5 {
        crowd.goes_on(500);
        running.signal("HUP");
        running.wait_for_line("reloaded the rules");
    }
    assert!(crowd.leaves() > 2_500);
}

#[test]
fn an_answer_under_way_is_finished_by_the_process_that_began_it() {
    let (data, site) = (tempfile::tempdir().expect("a folder"), Site::start());
    let mut old = gateway(site.address, data.path(), anywhere(), anywhere()).start();
    let mut visitor = send(old.plain, "GET /a HTTP/1.1\r\nHost: send-box.com\r\n\r\n");
    let mut received = site.next().expect("the site is asked");
    let head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\nfirst";
    received.write(head).expect("it is taken");
    visitor.read_until("first");

    let new = gateway(site.address, data.path(), old.plain, old.admin).start();
    old.wait_for_line("handed over");
    let later =
        send(new.plain, "GET /b HTTP/1.1\r\nHost: send-box.com\r\nConnection: close\r\n\r\n");
    let mut next = site.next().expect("the new one asks");
    next.write(b"HTTP/1.1 204 No Content\r\n\r\n").expect("it is taken");
    assert_eq!(later.read_to_the_end().status(), 204);

    received.write(b", la.").expect("it is taken");
    assert_eq!(visitor.read_to_the_end().body, b"first, la.");
    assert_eq!(old.wait().code, Some(0));
}

#[test]
fn what_one_process_was_told_the_next_one_knows() {
    let (data, site) = (tempfile::tempdir().expect("a folder"), Site::start());
    let old = gateway(site.address, data.path(), anywhere(), anywhere()).start();
    let agreed = cookie(&choose(&old, AGREE, ""));
    let middle = replace(old, site.address, data.path());
    assert_eq!(analytics(&middle, &agreed), "permit");
    choose(&middle, DECLINE, &agreed);
    let new = replace(middle, site.address, data.path());
    assert_eq!(analytics(&new, &agreed), "withdrawn");
    let record = rusqlite::Connection::open(data.path().join("consent.db")).expect("a record");
    let events: i64 =
        record.query_row("SELECT count(*) FROM event", [], |row| row.get(0)).expect("a number");
    assert_eq!(events, 2);
}

#[test]
fn a_withdrawal_that_comes_when_the_record_is_gone_is_not_said_to_be_done() {
    let (data, site) = (tempfile::tempdir().expect("a folder"), Site::start());
    let mut old = gateway(site.address, data.path(), anywhere(), anywhere()).start();
    let agreed = cookie(&choose(&old, AGREE, ""));
    let head = format!(
        "POST /.consent/choices HTTP/1.1\r\nHost: send-box.com\r\nAccept: application/json\r\n\
         Cookie: {agreed}\r\nContent-Length: {}\r\n\r\n",
        DECLINE.len()
    );
    let (begin, rest) = DECLINE.split_at(5);
    let mut slow = connect(old.plain).expect("it listens");
    slow.write_all(format!("{head}{begin}").as_bytes()).expect("it is taken");
    let new = gateway(site.address, data.path(), old.plain, old.admin).start();
    old.wait_for_line("handed over");
    slow.write_all(rest.as_bytes()).expect("it is taken");
    let mut answer = String::new();
    slow.read_to_string(&mut answer).expect("an answer, and the end");
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert_eq!(old.wait().code, Some(0));
    assert!(!data.path().join("withdrawals.unwritten").exists(), "the folder is the new one's");
    choose(&new, DECLINE, &agreed);
    assert_eq!(analytics(&new, &agreed), "withdrawn");
}

#[test]
fn rules_with_a_fault_leave_the_process_that_runs_alone() {
    let (data, site, rules) = (tempfile::tempdir().expect("a folder"), busy_site(), Rules::copy());
    let old = gateway(site, data.path(), anywhere(), anywhere()).start();
    rules.change("texts/en.toml", "code = \"en\"", "code = \"en\"\nunknown = 1");
    let crowd = Crowd::at(old.plain);
    let folder = rules.folder().to_owned();
    let faulty = gateway(site, data.path(), old.plain, old.admin).arg("--rules").arg(&folder).end();
    assert_eq!(faulty.code, Some(1), "{}", faulty.stderr);
    assert!(faulty.stderr.contains("texts/en.toml:"), "{}", faulty.stderr);
    crowd.goes_on(500);
    crowd.leaves();
}

#[test]
fn a_second_gateway_that_was_not_told_to_take_over_does_not() {
    let (data, site) = (tempfile::tempdir().expect("a folder"), busy_site());
    let old = gateway(site, data.path(), anywhere(), anywhere()).start();
    let second = Program::run(site, data.path()).end();
    assert_eq!(second.code, Some(1));
    assert!(second.stderr.contains("`--take-over`"), "{}", second.stderr);
    let answer =
        ask(old.plain, "GET / HTTP/1.1\r\nHost: send-box.com\r\nConnection: close\r\n\r\n");
    assert_eq!(answer.status(), 200);
}

#[test]
fn a_supervisor_is_told_which_process_serves() {
    let (data, site) = (tempfile::tempdir().expect("a folder"), busy_site());
    let path = data.path().join("notify");
    let supervisor = UnixDatagram::bind(&path).expect("a socket");
    supervisor.set_read_timeout(Some(PATIENCE)).expect("it is open");
    let told = || {
        let mut buffer = [0; 512];
        let read = supervisor.recv(&mut buffer).expect("it is told in time");
        String::from_utf8_lossy(&buffer[..read]).trim_end().to_owned()
    };
    let path = path.to_str().expect("a path in UTF-8");
    let start = |plain, admin| {
        gateway(site, data.path(), plain, admin).variable("NOTIFY_SOCKET", path).start()
    };
    let old = start(anywhere(), anywhere());
    assert_eq!(told(), format!("MAINPID={}\nREADY=1", old.id()));
    old.signal("HUP");
    assert!(told().starts_with("RELOADING=1\nMONOTONIC_USEC="));
    assert_eq!(told(), "READY=1");
    let mut new = start(old.plain, old.admin);
    assert_eq!(told(), format!("MAINPID={}\nREADY=1", new.id()));
    new.signal("TERM");
    assert_eq!(told(), "STOPPING=1", "and nothing of the one that was replaced");
    assert_eq!(new.wait().code, Some(0));
}
