//! `kelisim load` against gateways and sites of this machine.
//!
//! A tool that measures has to be shown to tell the truth where it hurts: a site that stands still, an answer
//! that fails, a connection that is cut. What it says of speed is compared with others' tools elsewhere
//! (docs/load.md): a test on a busy machine could not.

#[path = "harness/message.rs"]
#[allow(dead_code, reason = "the scenarios use more of it")]
mod message;
#[path = "harness/program.rs"]
#[allow(dead_code, reason = "the binary's tests use more of it")]
mod program;

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, RwLock};
use std::thread;
use std::time::Duration;

use program::Program;
use serde_json::Value;
use tempfile::TempDir;

/// How long anything may take that a test waits for.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long the site stands still.
const STILL: Duration = Duration::from_millis(600);

/// A site that gives each request what `answer` says, as long as nobody holds `open`.
fn site(open: &Arc<RwLock<()>>, answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it is bound");
    let open = Arc::clone(open);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let open = Arc::clone(&open);
            thread::spawn(move || serve(stream, &open, answer));
        }
    });
    address
}

fn serve(stream: TcpStream, open: &RwLock<()>, answer: &str) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut stream = stream;
    loop {
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
        }
        drop(open.read());
        if answer.is_empty() {
            return None;
        }
        stream.write_all(answer.as_bytes()).ok()?;
    }
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello";
const FAILS: &str = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n";

/// One kind of visitors, at this pace.
fn scenario(pace: &str, more: &str) -> String {
    format!(
        "what = \"A test\"\n{pace}\nseconds = 1\n[[visitor]]\nname = \"some\"\npages = [\"/a\", \"/b?c=d\"]\n{more}"
    )
}

/// What a test of a target finds: its exit code, what it prints, and its JSON.
fn load(target: &str, scenario: &str, arguments: &[&str]) -> (Option<i32>, String, String, Value) {
    let folder = TempDir::new().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("scenario.toml"), scenario).expect("it can be written");
    let mut program = Program::new().arg("load").arg(&path("scenario.toml"));
    for argument in ["--target", target, "--json", &path("found"), "--svg", &path("found.svg")] {
        program = program.arg(argument);
    }
    for argument in arguments {
        program = program.arg(argument);
    }
    let (code, printed, said) = program.print();
    let found = std::fs::read_to_string(path("found")).unwrap_or_else(|_| "null".to_owned());
    if code != Some(2) {
        let picture = std::fs::read_to_string(path("found.svg")).expect("it is drawn");
        assert!(picture.starts_with("<svg") && picture.ends_with("</svg>"), "{picture}");
    }
    (code, printed, said, serde_json::from_str(&found).expect("it is JSON"))
}

#[test]
fn a_gateway_is_asked_by_who_agreed_and_who_did_not() {
    let (open, data) = (Arc::default(), TempDir::new().expect("a folder"));
    let site = site(&open, OK);
    let gateway = Program::run(site, data.path()).start();
    let more = "consent = \"agreed\"\nleave-after = 3\n\
        [[visitor]]\nname = \"others\"\nshare = 3\nconsent = \"declined\"\npages = [\"/\"]\n";
    let target = format!("http://{}", gateway.plain);
    let (code, printed, said, found) = load(&target, &scenario("rate = 80", more), &[]);
    assert_eq!((code, said.as_str()), (Some(0), ""), "{printed}");
    let answered = |at: usize| found["visitors"][at]["answered"].as_u64();
    assert_eq!((answered(0), answered(1)), (Some(20), Some(60)), "{found:#}");
    assert_eq!(found["all"]["statuses"]["2xx"], 80, "{found:#}");
    // Twenty requests of people who leave after three.
    assert!(found["visitors"][0]["connections"].as_u64() >= Some(7), "{found:#}");
    for part in ["A test\n", "80 requests a second by timetable", "some", "others", "all"] {
        assert!(printed.contains(part), "{part}\n{printed}");
    }
    // Their consents are really given: some people's, and a refusal.
    let record = rusqlite::Connection::open(data.path().join("consent.db")).expect("a record");
    let count = |state: &str| -> u32 {
        let query = "SELECT count(*) FROM choice WHERE state = ?1";
        record.query_row(query, [state], |row| row.get(0)).expect("it can be read")
    };
    assert_eq!((count("agreed"), count("declined")), (16, 1));
}

#[test]
fn who_would_have_come_while_the_site_stood_still_is_charged_with_it() {
    let waits = |pace: &str| {
        let open = Arc::<RwLock<()>>::default();
        let site = site(&open, OK);
        thread::spawn(move || {
            // The test begins some time after it is started.
            thread::sleep(STILL);
            let _closed = open.write();
            thread::sleep(STILL);
        });
        let scenario = scenario(pace, "").replace("seconds = 1", "seconds = 2");
        let (code, printed, _, found) = load(&format!("http://{site}"), &scenario, &[]);
        assert_eq!(code, Some(0), "{printed}");
        ["p50", "p90", "max"].map(|at| found["all"]["whole"][at].as_f64().expect("a number"))
    };
    let still = STILL.as_secs_f64() * 1000.0;
    let [middle, most, longest] = waits("rate = 200");
    // By timetable three in ten waited, up to as long as it stood still.
    assert!(middle < still / 4.0, "{middle}");
    assert!(most > still / 3.0 && longest > still * 0.9, "{most} {longest}");
    // One after the other only one was there to wait.
    let [_, most, longest] = waits("connections = 1");
    assert!(most < still / 4.0 && longest > still * 0.5, "{most} {longest}");
}

#[test]
fn what_fails_stands_first_and_is_the_exit_code() {
    let open = Arc::default();
    for (answer, cause) in [(FAILS, "answered by 5xx"), ("", "connection closed")] {
        let target = format!("http://{}", site(&open, answer));
        let (code, printed, _, found) = load(&target, &scenario("connections = 2", ""), &[]);
        assert_eq!(code, Some(1), "{printed}");
        let line = printed.lines().find(|line| line.starts_with("FAILED")).expect("it says so");
        assert!(line.contains(cause) && line.contains("some"), "{line}");
        assert!(found["all"]["bad"].as_u64() > Some(0), "{found:#}");
    }
}

#[test]
fn a_fan_of_websockets_hears_what_it_says() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it is bound");
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || {
                let mut socket = tungstenite::accept(stream).expect("a handshake");
                while socket.read().and_then(|message| socket.send(message)).is_ok() {}
            });
        }
    });
    let data = TempDir::new().expect("a folder");
    let gateway = Program::run(address, data.path()).start();
    let more = "messages = { bytes = 100, per-second = 10 }\n";
    let scenario = scenario("connections = 5", more).replace("\"/a\", \"/b?c=d\"", "\"/echo\"");
    let (code, printed, _, found) = load(&format!("http://{}", gateway.plain), &scenario, &[]);
    assert_eq!(code, Some(0), "{printed}");
    assert_eq!(found["all"]["connections"], 5, "{found:#}");
    // Ten a second from each, if they had all been there from the first moment on.
    let said = found["all"]["statuses"]["1xx"].as_u64().unwrap_or_default();
    assert!((5..=50).contains(&said), "{found:#}");
}

#[test]
fn nobody_elses_host_is_asked_and_what_cannot_be_done_is_said_beforehand() {
    let plain = scenario("rate = 1", "");
    for (target, scenario, arguments, says) in [
        ("http://198.51.100.7", &plain, &[][..], "`--i-own-this-host 198.51.100.7`"),
        ("http://127.0.0.1:1", &plain, &["--i-own-this-host", "send-box.com"], "is `127.0.0.1`"),
        ("http://127.0.0.1:1", &scenario("rate = 1", "protocol = \"h2\"\n"), &[], "https target"),
        ("http://127.0.0.1:1", &scenario("rate = 1", "consent = \"agreed\"\n"), &[], "connect: "),
        ("http://127.0.0.1:1", &plain, &["--rate", "0"], "`rate` has to be from 1"),
        (
            "http://127.0.0.1:1",
            &format!("reload-every-seconds = 1\n{plain}"),
            &[],
            "`--gateway-pid`",
        ),
    ] {
        let (code, printed, said, _) = load(target, scenario, arguments);
        assert_eq!((code, printed.as_str()), (Some(2), ""), "{said}");
        assert!(said.contains(says), "{says}\n{said}");
    }
}
