//! The operator's address: health, readiness and numbers, and the command that asks for them.
//!
//! The binary runs as a process of its own, on free ports.

#[allow(dead_code, reason = "the scenarios use more of it")]
mod harness {
    use std::time::Duration;

    pub(crate) mod choices;
    pub(crate) mod message;
    pub(crate) mod program;
    pub(crate) mod site;

    /// How long anything may take that a test waits for.
    pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
}

use std::net::SocketAddr;

use harness::choices::{AGREE, choose, get, text};
use harness::program::{Program, ask, send};
use harness::site::Site;

#[test]
fn the_operators_address_tells_of_health_readiness_and_numbers() {
    let data = tempfile::tempdir().unwrap();
    let site = Site::start();
    let gateway = Program::run(site.address, data.path()).start();
    assert_eq!(get(gateway.admin, "/healthz", "").status(), 200);
    assert_eq!(get(gateway.admin, "/readyz", "").status(), 200);
    assert_eq!(get(gateway.admin, "/nothing", "").status(), 404);
    let post = ask(gateway.admin, "POST /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(post.status(), 405);

    let number = |name: &str| {
        let metrics = text(&get(gateway.admin, "/metrics", ""));
        let line = metrics.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
        line.unwrap_or_else(|| panic!("no {name} in\n{metrics}")).parse::<u64>().unwrap()
    };
    assert_eq!(number("kelisim_record_readable"), 1);
    let before = (number("kelisim_requests_total"), number("kelisim_choices_total"));
    choose(&gateway, AGREE, "");
    let after = (number("kelisim_requests_total"), number("kelisim_choices_total"));
    assert_eq!(after, (before.0 + 1, before.1 + 1));

    // What was done in pages: a tag that is held, and one that a framework's state only speaks of.
    let visitor = send(gateway.plain, "GET / HTTP/1.1\r\nHost: send-box.com\r\n\r\n");
    let mut received = site.next().expect("the site is asked");
    let page = "<script src=https://mc.yandex.ru/metrika/tag.js></script>\
        <script>self.__next_f.push([1,\"https://mc.yandex.ru/metrika/tag.js\"])</script>";
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: ";
    received.write(format!("{head}{}\r\n\r\n{page}", page.len()).as_bytes()).unwrap();
    assert_eq!(visitor.read_to_the_end().status(), 200);
    let counted = (number("kelisim_tags_withheld_total"), number("kelisim_tags_in_states_total"));
    assert_eq!(counted, (1, 1));
    // Visitors are not told.
    assert_eq!(get(gateway.plain, "/.consent/metrics", "").status(), 404);
}

#[test]
fn health_is_told_by_exit_code_for_those_who_watch_over_a_gateway() {
    fn health(admin: SocketAddr) -> (Option<i32>, String, String) {
        Program::new().arg("health").arg("--admin").arg(&admin.to_string()).print()
    }
    let data = tempfile::tempdir().unwrap();
    let site = Site::start();
    let mut gateway = Program::run(site.address, data.path()).start();
    assert_eq!(health(gateway.admin), (Some(0), "ok\n".to_owned(), String::new()));

    // Whoever else answers there is no healthy gateway.
    let other = gateway.plain;
    let asked = std::thread::spawn(move || health(other));
    let mut received = site.next().expect("the site is asked");
    received.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHello").unwrap();
    let (code, _, stderr) = asked.join().unwrap();
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("is not healthy (200 OK)"), "{stderr}");

    gateway.signal("TERM");
    gateway.wait();
    let (code, _, stderr) = health(gateway.admin);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("--admin"), "{stderr}");
}
