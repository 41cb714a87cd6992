//! The ways by which a page's scripts reach another host, each tried in a real browser.
//!
//! 33 that a policy (CSP) closes and five that none does stand in `tests/vectors/vectors.js`; each asks for
//! an address of its own, so the tracker's log says which way was open. Without the gateway all are. What
//! is left open by each kind of policy is written here, and in README, as it was found.
//!
//! The guard and the policy are looked at together, as a visitor meets them, and each by itself.

#[path = "harness/broken.rs"]
#[allow(dead_code, reason = "the tests of broken rules use more of it")]
mod broken;
#[path = "harness/message.rs"]
#[allow(dead_code, reason = "the scenarios use more of it")]
mod message;
#[path = "harness/program.rs"]
#[allow(dead_code, reason = "the binary's tests use more of it")]
mod program;
#[path = "harness/site.rs"]
#[allow(dead_code, reason = "the scenarios use more of it")]
mod site;
#[path = "browser/stub.rs"]
mod stub;
#[path = "browser/visitor.rs"]
#[allow(dead_code, reason = "the demonstration's tests use more of it")]
mod visitor;
#[path = "browser/webdriver.rs"]
mod webdriver;

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use broken::Rules;
use program::{Gateway, Program};
use serde_json::Value;
use site::Site;
use stub::Stub;
use tempfile::TempDir;
use visitor::{Scripts, Visitor};

/// How long anything may take that a test waits for.
const PATIENCE: Duration = Duration::from_secs(30);

const VECTORS: &str = include_str!("vectors/vectors.js");
const WORKER: &str = include_str!("vectors/worker.js");

/// What the site needs, as an operator would have approved it.
const APPROVED: &str = "[[allow]]\nsource = \"'unsafe-inline'\"\nas = [\"script\", \"style\"]\n\
    what = \"the site's own code\"\n\n[[allow]]\nsource = \"blob:\"\nas = [\"worker\"]\n\
    what = \"the site's own workers\"\n";

/// The five that pass any policy.
const PAST: [&str; 5] = ["web-rtc", "speculation", "open", "location", "refresh"];

/// What the guard cannot take: a scope without one, an `import()`, and the address of a frame that has no
/// page yet.
const PAST_THE_GUARD: [&str; 5] =
    ["import", "frame-location", "worker-fetch", "worker-import", "worker-file"];

/// A site with the page, which may bring a policy of its own.
fn start_site(policy: &'static str) -> SocketAddr {
    let site = Site::start();
    let address = site.address;
    std::thread::spawn(move || {
        while let Some(mut received) = site.next() {
            let target = received.request.start.split(' ').nth(1).unwrap_or("/").to_owned();
            let (kind, body) = match target.split('?').next() {
                Some("/vectors.js") => ("text/javascript", VECTORS),
                Some("/worker.js") => ("text/javascript", WORKER),
                _ => (
                    "text/html",
                    "<!doctype html><html lang=en><head><meta charset=utf-8><title>ways</title>\
                     <link rel=icon href=data:,><script src=/vectors.js></script></head>\
                     <body><p id=here>ways</p></body></html>",
                ),
            };
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n{policy}Content-Length: {length}\r\n\r\n{body}"
            );
            // A browser that hangs up is not minded.
            let _ = received.write(answer.as_bytes());
        }
    });
    address
}

fn gateway(site: SocketAddr, csp: &str) -> (Gateway, Rules, TempDir) {
    let (rules, data) = (Rules::copy(), tempfile::tempdir().expect("a folder"));
    rules.change("site.toml", "# csp = \"learn\"", &format!("csp = \"{csp}\""));
    fs::write(rules.path("csp.toml"), APPROVED).expect("it can be written");
    let gateway = Program::run(site, data.path()).arg("--rules").arg(rules.folder()).start();
    (gateway, rules, data)
}

/// The ways that are open at an address, in the order of the page.
#[derive(Debug, Default)]
struct Ways {
    /// By these something was asked for.
    asked: Vec<String>,
    /// By these only a connection came about: Chromium connects for a frame before it looks whether the
    /// page's policy lets it go there.
    connected: Vec<String>,
}

impl Ways {
    /// That these are open, and that a connection comes about by none but those. A browser that has one
    /// to a host needs no second, so not all of them show.
    #[track_caller]
    fn are<const A: usize, const C: usize>(&self, asked: [&str; A], connect: [&str; C]) {
        assert_eq!(self.asked, asked, "{self:?}");
        assert!(self.connected.iter().all(|way| connect.contains(&way.as_str())), "{self:?}");
    }
}

fn open_ways(address: SocketAddr) -> Ways {
    let stub = Stub::start();
    let visitor = Visitor::new(&stub, Scripts::On);
    let url = format!("http://{address}/");
    visitor.open(&url);
    let names = visitor.run("return [...Object.keys(vectors), ...Object.keys(past)]");
    let names: Vec<String> = serde_json::from_value(names).expect("names");
    assert_eq!(names.len(), 33 + PAST.len());
    let mut ways = Ways::default();
    for name in names {
        visitor.open(&url);
        let seen = stub.contacts().len();
        let tried = visitor.run(&format!(
            "const go = vectors['{name}'] || past['{name}'];
             return Promise.resolve().then(() => go(to('{name}'))).then(
               (result) => '{name}' === 'web-rtc' && result, () => false)"
        ));
        visitor.settle();
        if tried == Value::Bool(true) || !stub.hits_after(seen).is_empty() {
            ways.asked.push(name);
        } else if stub.contacts().len() > seen {
            ways.connected.push(name);
        }
    }
    ways
}

#[test]
fn without_the_gateway_every_way_is_open() {
    let ways = open_ways(start_site(""));
    assert_eq!(ways.asked.len(), 38, "{ways:?}");
}

#[test]
fn a_policy_alone_leaves_open_the_five_that_none_closes() {
    // As the gateway would send it, without the gateway's guard.
    let policy = "Content-Security-Policy: default-src 'self' 'unsafe-inline'; form-action 'self'; \
                  worker-src 'self' blob:\r\n";
    let frames = ["frame", "frame-location", "frame-form"];
    open_ways(start_site(policy)).are(PAST, frames);
}

#[test]
fn the_guard_alone_leaves_open_what_has_no_guard_in_it() {
    let (gateway, _rules, _data) = gateway(start_site(""), "off");
    open_ways(gateway.plain).are(PAST_THE_GUARD, []);
}

#[test]
fn a_policy_that_is_learned_stops_nothing_more() {
    let (gateway, _rules, _data) = gateway(start_site(""), "learn");
    open_ways(gateway.plain).are(PAST_THE_GUARD, []);
}

#[test]
fn with_the_policy_enforced_nothing_is_asked_for_by_any_way() {
    let (gateway, _rules, _data) = gateway(start_site(""), "enforce");
    open_ways(gateway.plain).are([], ["frame-location"]);
}
