//! The ways by which a page's scripts reach another host, each tried in a real browser.
//!
//! 33 that a policy (CSP) closes and five that none does stand in `tests/vectors/vectors.js`; each asks for
//! an address of its own, so the tracker's log says which way was open. Without the gateway all are. What
//! is left open by each kind of policy is written here, and in README, as it was found.
//!
//! The guard and the policy are looked at together, as a visitor meets them, and each by itself.

#[path = "browser/mod.rs"]
#[allow(dead_code, reason = "each test in a browser uses a part of it")]
mod browser;

use std::net::SocketAddr;

use browser::stub::Stub;
use browser::visitor::{Scripts, Visitor};
use browser::{Served, answer, serve};
use serde_json::Value;

const VECTORS: &str = include_str!("vectors/vectors.js");
const WORKER: &str = include_str!("vectors/worker.js");

const PAGE: &str = "<!doctype html><html lang=en><head><meta charset=utf-8><title>ways</title>\
    <link rel=icon href=data:,><script src=/vectors.js></script></head>\
    <body><p id=here>ways</p></body></html>";

/// The five that pass any policy.
const PAST: [&str; 5] = ["web-rtc", "speculation", "open", "location", "refresh"];

/// What the guard cannot take: a scope without one, an `import()`, and the address of a frame that has no
/// page yet.
const PAST_THE_GUARD: [&str; 5] =
    ["import", "frame-location", "worker-fetch", "worker-import", "worker-file"];

/// What the site answers, with a policy of its own.
fn answers(policy: &'static str) -> impl Fn(&str) -> Vec<u8> {
    move |target| {
        let (kind, body) = match target.split('?').next() {
            Some("/vectors.js") => ("text/javascript", VECTORS),
            Some("/worker.js") => ("text/javascript", WORKER),
            _ => ("text/html", PAGE),
        };
        answer("200 OK", kind, policy, body.as_bytes())
    }
}

/// The ways that are open behind a gateway with this policy.
fn open_behind(csp: &str) -> Ways {
    let served = Served::with(&format!("csp = \"{csp}\""), answers(""));
    open_ways(served.gateway.plain)
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
    let ways = open_ways(serve(answers("")));
    assert_eq!(ways.asked.len(), 38, "{ways:?}");
}

#[test]
fn a_policy_alone_leaves_open_the_five_that_none_closes() {
    // As the gateway would send it, without the gateway's guard.
    let policy = "Content-Security-Policy: default-src 'self' 'unsafe-inline'; form-action 'self'; \
                  worker-src 'self' blob:\r\n";
    let frames = ["frame", "frame-location", "frame-form"];
    open_ways(serve(answers(policy))).are(PAST, frames);
}

#[test]
fn the_guard_alone_leaves_open_what_has_no_guard_in_it() {
    open_behind("off").are(PAST_THE_GUARD, []);
}

#[test]
fn a_policy_that_is_learned_stops_nothing_more() {
    open_behind("learn").are(PAST_THE_GUARD, []);
}

#[test]
fn with_the_policy_enforced_nothing_is_asked_for_by_any_way() {
    open_behind("enforce").are([], ["frame-location"]);
}
