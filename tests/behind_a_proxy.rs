//! A gateway behind another proxy, which says for whom it asks.

#[allow(dead_code, reason = "the scenarios use more of it")]
mod harness {
    use std::time::Duration;

    pub(crate) mod message;
    pub(crate) mod program;
    pub(crate) mod site;

    /// How long anything may take that a test waits for.
    pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
}

use harness::message::Message;
use harness::program::{Ended, Gateway, Program, ask, send};
use harness::site::Site;

const FIELDS: &str = "X-Forwarded-For: 203.0.113.1, 198.51.100.7, 127.0.0.2\r\nX-Forwarded-Proto: https\r\n\
     Via: 1.0 elsewhere\r\n";

/// What the site sees of a request that a proxy passes on.
fn seen_by_the_site(gateway: &Gateway, site: &Site) -> Message {
    let request =
        format!("GET /api HTTP/1.1\r\nHost: send-box.com\r\nConnection: close\r\n{FIELDS}\r\n");
    let visitor = send(gateway.plain, &request);
    let mut received = site.next().expect("the site is asked");
    received.write(b"HTTP/1.1 204 No Content\r\n\r\n").expect("it is taken");
    assert_eq!(visitor.read_to_the_end().status(), 204);
    received.request
}

fn value(message: &Message, name: &str) -> String {
    let values = message.values(name).map(|value| String::from_utf8_lossy(value).into_owned());
    values.collect::<Vec<_>>().join(" | ")
}

/// The line that keeps a choice.
fn consent_cookie(gateway: &Gateway) -> String {
    let form = "choice=decline-all";
    let request = format!(
        "POST /.consent/choices HTTP/1.1\r\nHost: send-box.com\r\nAccept: application/json\r\n{FIELDS}\
         Connection: close\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    value(&ask(gateway.plain, &request), "set-cookie")
}

#[test]
fn a_trusted_proxy_is_believed_about_whom_it_asks_for() {
    let data = tempfile::tempdir().expect("a folder");
    let site = Site::start();
    let gateway = Program::run(site.address, data.path()).arg("--trust").arg("127.0.0.0/8").start();
    let seen = seen_by_the_site(&gateway, &site);
    for (name, expected) in [
        ("x-forwarded-for", "198.51.100.7"),
        ("x-real-ip", "198.51.100.7"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-port", "443"),
        ("forwarded", "for=198.51.100.7;host=\"send-box.com\";proto=https"),
    ] {
        assert_eq!(value(&seen, name), expected, "{name}");
    }
    let line = consent_cookie(&gateway);
    assert!(line.starts_with("__Host-consent=") && line.contains("Secure"), "{line}");
}

#[test]
fn nobody_else_is() {
    let data = tempfile::tempdir().expect("a folder");
    let site = Site::start();
    let trust =
        Program::run(site.address, data.path()).variable("KELISIM_TRUST", "10.0.0.0/8,fd00::/8");
    let gateway = trust.start();
    let seen = seen_by_the_site(&gateway, &site);
    assert_eq!(value(&seen, "x-forwarded-for"), "127.0.0.1");
    assert_eq!(value(&seen, "x-forwarded-proto"), "http");
    assert!(consent_cookie(&gateway).starts_with("consent="));
}

#[test]
fn the_site_is_told_of_the_gateway_where_that_is_asked_for() {
    let home = tempfile::tempdir().expect("a folder");
    let site = Site::start();
    let file = home.path().join("kelisim.toml");
    for (settings, told) in
        [("", "1.0 elsewhere"), ("via = \"kelisim\"\n", "1.0 elsewhere | 1.1 kelisim")]
    {
        std::fs::write(&file, settings).expect("a folder");
        let program = Program::run(site.address, &home.path().join("data"));
        let gateway = program.arg("--config").arg(&file.display().to_string()).start();
        assert_eq!(value(&seen_by_the_site(&gateway, &site), "via"), told);
    }
    std::fs::write(&file, "via = \"a b\"\n").expect("a folder");
    let Ended { code, stderr } =
        Program::new().arg("run").arg("--config").arg(&file.display().to_string()).end();
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("\"a b\" is no name for `Via`"), "{stderr}");
}

#[test]
fn what_is_no_network_is_an_error_that_names_it() {
    let Ended { code, stderr } = Program::new().arg("run").arg("--trust").arg("10.0.0.0/64").end();
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("10.0.0.0/64"), "{stderr}");
}
