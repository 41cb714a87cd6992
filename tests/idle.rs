//! Thousands of connections on which nothing happens.
//!
//! Each has asked once and rests, as browsers' do. The gateway is a process of its own, so that the
//! visitors' ends do not count; it goes on serving, and what each connection costs it is said and
//! bounded. `IDLE_CONNECTIONS` makes them more: `tests/run --long` asks for 10,000.

#[allow(dead_code, reason = "the scenarios use more of it")]
mod harness {
    use std::time::Duration;

    pub(crate) mod message;
    pub(crate) mod program;
    pub(crate) mod site;

    /// How long anything may take that a test waits for.
    pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
}

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use harness::PATIENCE;
use harness::program::Program;

/// How many connections rest if nobody says otherwise.
const CONNECTIONS: usize = 500;

/// How much memory one of them may cost, once it rests.
const BYTES_MAX: u64 = 10 * 1024;

const ASK: &[u8] = b"GET /a HTTP/1.1\r\nHost: send-box.com\r\n\r\n";
const ANSWER: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";

/// A site that answers everything in the same way.
fn site() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || {
                let mut buffer = [0; 4096];
                while let Ok(1..) = stream.read(&mut buffer) {
                    if stream.write_all(ANSWER).is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

fn connect(to: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(to).expect("the gateway listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    stream
}

/// Asks on a connection that stays, and says how long the answer took.
fn ask(mut stream: &TcpStream) -> std::time::Duration {
    let since = Instant::now();
    stream.write_all(ASK).expect("it is taken");
    let (mut seen, mut buffer) = (Vec::new(), [0; 1024]);
    while !seen.ends_with(b"\r\n\r\n") {
        let read = stream.read(&mut buffer).expect("an answer comes");
        assert!(read > 0, "the connection was closed after {seen:?}");
        seen.extend(&buffer[..read]);
    }
    assert!(seen.starts_with(b"HTTP/1.1 204 "), "{}", String::from_utf8_lossy(&seen));
    since.elapsed()
}

fn ask_on(all: &[TcpStream]) {
    for stream in all {
        ask(stream);
    }
}

#[test]
fn connections_that_rest_cost_little_and_hold_nobody_up() {
    let wanted = std::env::var("IDLE_CONNECTIONS").ok();
    let wanted = wanted.map_or(CONNECTIONS, |text| text.parse().expect("a number"));
    let data = tempfile::tempdir().expect("a folder");
    // All of them come from one address here.
    let file = data.path().join("kelisim.toml");
    let settings = "limits.connections = 20000\nlimits.connections-per-address = 20000\n";
    std::fs::write(&file, settings).expect("it can be written");
    let file = file.to_str().expect("it is text");
    let gateway = Program::run(site(), &data.path().join("data")).arg("--config").arg(file).start();
    // What the first ones cost once is not theirs.
    let first: Vec<_> = (0..50).map(|_| connect(gateway.plain)).collect();
    ask_on(&first);
    let before = gateway.memory();

    let resting: Vec<_> = (0..wanted).map(|_| connect(gateway.plain)).collect();
    ask_on(&resting);
    let each = || gateway.memory().saturating_sub(before) / wanted as u64;
    // Each comes to rest a moment after its answer, and what is free is given back while others ask: the
    // allocator looks for it once in so many calls, and a request makes few.
    let until = Instant::now() + PATIENCE;
    while each() > BYTES_MAX && Instant::now() < until {
        for _ in 0..20 {
            ask(&connect(gateway.plain));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let each = each();
    let longest = (0..20).map(|_| ask(&connect(gateway.plain))).max().unwrap_or_default();
    println!("{wanted} connections rest: {each} bytes each, the next waits {longest:.1?} at most");
    assert!(each <= BYTES_MAX, "each costs {each} bytes");

    // None was given up.
    ask_on(&resting);
}
