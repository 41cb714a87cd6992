//! How the gateway ends when it is told to.
//!
//! What has begun is finished, a request of which only half a head has come too; who only rests is not
//! waited for. Answers under way are in `tests/process.rs`, another process in its place in
//! `tests/handover.rs`.

#[allow(dead_code, reason = "other tests use more of it")]
mod harness {
    use std::time::Duration;

    pub(crate) mod message;
    pub(crate) mod program;
    pub(crate) mod site;

    /// How long anything may take that a test waits for.
    pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
}

use std::fs;
use std::net::TcpStream;
use std::time::Instant;

use harness::program::{Ended, Program, ask, send};
use harness::site::Site;
use kelisim::server::GRACE;

#[test]
fn sigterm_hangs_up_on_nobody_who_has_begun_to_ask() {
    let data = tempfile::tempdir().expect("a folder");
    let site = Site::start();
    let mut gateway = Program::run(site.address, data.path()).start();
    let whole = "POST /a HTTP/1.1\r\nHost: send-box.com\r\nContent-Length: 0\r\n\r\n";
    // Before it is known which HTTP it is, in the first line, in a field; and behind an answer.
    let mut asking: Vec<_> =
        [2, 10, 30].map(|at| (send(gateway.plain, &whole[..at]), &whole[at..])).into();
    let state = "GET /.consent/state HTTP/1.1\r\nHost: send-box.com\r\n\r\n";
    let mut second = send(gateway.plain, state);
    second.read_until("analytics");
    let mut second = second.forgets();
    second.say(&whole[..10]);
    asking.push((second, &whole[10..]));
    gateway.signal("TERM");
    gateway.wait_for_line("stopping");
    std::thread::sleep(2 * GRACE);
    for (mut visitor, rest) in asking {
        visitor.say(rest);
        let mut received = site.next().expect("the site is asked");
        received.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").expect("it is taken");
        let answer = visitor.read_to_the_end();
        assert_eq!(answer.body, b"ok");
        assert_eq!(answer.values("connection").next(), Some(&b"close"[..]));
    }
    let Ended { code, stderr } = gateway.wait();
    assert_eq!(code, Some(0), "{stderr}");
}

#[test]
fn sigterm_waits_for_half_a_head_as_long_as_a_head_may_take() {
    let folder = tempfile::tempdir().expect("a folder");
    let site = Site::start();
    let file = folder.path().join("kelisim.toml");
    fs::write(&file, "timeouts.head = \"2s\"\n").expect("it can be written");
    let program = Program::run(site.address, &folder.path().join("data"));
    let mut gateway = program.arg("--config").arg(file.to_str().expect("it is text")).start();
    let visitor = send(gateway.plain, "GET / HTTP/1.1\r\nHost: send");
    // Nothing is under way on it, and no head was begun.
    let resting = TcpStream::connect(gateway.plain).expect("it listens");
    // Who comes later is answered later.
    let state = "GET /.consent/state HTTP/1.1\r\nHost: send-box.com\r\nConnection: close\r\n\r\n";
    assert_eq!(ask(gateway.plain, state).status(), 200);
    gateway.signal("TERM");
    assert_eq!(visitor.read_to_the_end().status(), 408);
    let Ended { code, stderr } = gateway.wait();
    assert_eq!(code, Some(0), "{stderr}");
    assert!(!stderr.contains("are cut"), "{stderr}");
    drop(resting);
}

#[test]
fn sigterm_ends_at_once_where_nobody_is_there() {
    let site = Site::start();
    // Other tests may keep the machine busy.
    let fastest = (0..3).map(|_| {
        let data = tempfile::tempdir().expect("a folder");
        let mut gateway = Program::run(site.address, data.path()).start();
        let since = Instant::now();
        gateway.signal("TERM");
        assert_eq!(gateway.wait().code, Some(0));
        since.elapsed()
    });
    let fastest = fastest.min().expect("there were three");
    assert!(fastest < GRACE, "it took {fastest:?}");
}
