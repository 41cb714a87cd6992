//! Sites with policies (CSP) of their own in a real browser, directly and through the gateway.
//!
//! A page that works with its policy directly has to work through the gateway with the same: its own scripts
//! and styles count, nothing new is complained of in the console, the banner is seen and both its answers
//! work. And before an answer no tracker hears of the visit, after an agreement those that the policy lets run.
//!
//! Each kind of policy is met by each kind of ours: none, one that is learned, one that is enforced.
//!
//! The browser is driven by `tests/browser/`. Nothing is skipped.

#[path = "browser/mod.rs"]
#[allow(dead_code, reason = "each test in a browser uses a part of it")]
mod browser;

use std::collections::BTreeSet;
use std::net::SocketAddr;

use browser::stub::Stub;
use browser::visitor::{Scripts, Visitor};
use browser::{AGREE, BANNER, DECLINE, Served, answer};
use data_encoding::BASE64;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The site's own code and style, in the page and beside it.
const INLINE: &str = "window.inline = 1";
const FILE: &str = "window.file = 1";
const STYLE: &str = "h1 { color: rgb(1, 2, 3) }";

/// A page with a policy.
struct Policed {
    name: &'static str,
    /// In the header.
    header: String,
    /// In the page.
    meta: String,
    /// Whether the policy lets the vendor's tag run.
    lets_tag: bool,
}

fn digest(text: &str) -> String {
    format!("sha256-{}", BASE64.encode(&Sha256::digest(text)))
}

/// A page whose own code loads what no rewriter sees, in the page and in a worker: the name of the tracker's
/// host is put together when it runs.
const LOADER: &str = "<!doctype html><html lang=en><head><meta charset=utf-8><link rel=icon href=data:,>\
    <title>x</title></head><body><h1>x</h1><script>var host = 'https://mc.' + 'yandex.' + 'ru/';\
    var script = document.createElement('script'); script.src = host + 'metrika/' + 'tag.js';\
    document.head.append(script); new Image().src = host + 'pixel'; fetch(host + 'fetched').catch(() => {});\
    var frame = document.createElement('iframe'); frame.srcdoc = '<img src=' + host + 'framed>';\
    document.body.append(frame); new Worker('/worker.js'); navigator.sendBeacon(host + 'beacon')</script>\
    </body></html>";

/// Its worker.
const WORKER: &str =
    "fetch('https://mc.' + 'yandex.' + 'ru/by-worker').catch(() => {}).then(() => postMessage(1))";

/// Each kind of policy.
fn policies() -> Vec<Policed> {
    let (inline, file, style) = (digest(INLINE), digest(FILE), digest(STYLE));
    let hashes = format!("script-src 'self' '{inline}'; style-src 'self' '{style}'");
    let only_hashes = format!("script-src '{inline}' '{file}'");
    let strict_hashes = format!("script-src 'strict-dynamic' '{inline}' '{file}'");
    let nonce =
        "script-src 'nonce-r4nd0m' 'strict-dynamic'; style-src 'nonce-r4nd0m'; base-uri 'none'";
    let explicit = "default-src 'none'; script-src 'unsafe-inline' http://127.0.0.1:*/own.js; \
                    style-src 'unsafe-inline'; form-action 'none'";
    let types = "require-trusted-types-for 'script'; trusted-types default";
    let vendor = "default-src 'self' 'unsafe-inline' https://mc.yandex.ru";
    let all = [
        ("none", "", "", true),
        ("self", "default-src 'self' 'unsafe-inline'; form-action 'self'", "", false),
        ("unsafe-inline", vendor, "", true),
        ("nonce", nonce, "", true),
        ("hashes", hashes.as_str(), "", false),
        ("only-hashes", only_hashes.as_str(), "", false),
        ("strict-hashes", strict_hashes.as_str(), "", false),
        ("explicit", explicit, "", false),
        ("trusted-types", types, "", true),
        ("meta-self", "", "default-src 'self' 'unsafe-inline'", false),
        ("meta-nonce", "", nonce, true),
        ("meta-hashes", "", hashes.as_str(), false),
        ("meta-strict-hashes", "", strict_hashes.as_str(), false),
        ("meta-explicit", "", explicit, false),
        ("both", "script-src 'self' 'unsafe-inline'", explicit, false),
    ];
    let policed = |(name, header, meta, lets_tag): (_, &str, &str, _)| Policed {
        name,
        header: header.to_owned(),
        meta: meta.to_owned(),
        lets_tag,
    };
    all.into_iter().map(policed).collect()
}

impl Policed {
    fn page(&self) -> String {
        let nonce = if self.name.ends_with("nonce") { " nonce=\"r4nd0m\"" } else { "" };
        let integrity = digest(FILE);
        let meta = match self.meta.as_str() {
            "" => String::new(),
            policy => {
                format!("<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">")
            }
        };
        format!(
            "<!doctype html><html lang=en><head><meta charset=utf-8>{meta}<link rel=icon href=data:,>\
             <title>x</title><style{nonce}>{STYLE}</style><script{nonce}>{INLINE}</script>\
             <script{nonce} src=/own.js integrity=\"{integrity}\"></script></head><body><h1>x</h1>\
             <script{nonce} src=\"https://mc.yandex.ru/metrika/tag.js\"></script></body></html>"
        )
    }
}

/// A site of such pages, behind a gateway whose policy is this.
fn served(csp: &str) -> Served {
    let policies = policies();
    Served::with(&format!("csp = \"{csp}\""), move |target| {
        let policed = policies.iter().find(|policed| target == format!("/{}", policed.name));
        let (kind, header, body) = match policed {
            Some(policed) => ("text/html", policed.header.as_str(), policed.page()),
            None if target == "/loader" => ("text/html", "", LOADER.to_owned()),
            None if target == "/worker.js" => ("text/javascript", "", WORKER.to_owned()),
            None => ("text/javascript", "", FILE.to_owned()),
        };
        let policy = match header {
            "" => String::new(),
            policy => format!("Content-Security-Policy: {policy}\r\n"),
        };
        answer("200 OK", kind, &policy, body.as_bytes())
    })
}

/// What of the page's own counted.
fn alive(visitor: &Visitor<'_>) -> Value {
    visitor.run(
        "return [window.inline, window.file, getComputedStyle(document.querySelector('h1')).color]",
    )
}

/// What the console complains of, whoever served the page.
fn errors(visitor: &Visitor<'_>, address: SocketAddr) -> BTreeSet<String> {
    let errors = visitor.console().errors.into_iter();
    errors.map(|error| error.replace(&address.to_string(), "SITE")).collect()
}

fn tag_ran(stub: &Stub, seen: usize) -> bool {
    stub.hits_after(seen).iter().any(|hit| hit.contains("mc.yandex.ru/watch/"))
        || stub.hits_after(seen).iter().any(|hit| hit.contains("mc.yandex.ru/metrika/tag.js"))
}

fn sites_work_as_they_do_directly(csp: &str) {
    let (served, stub) = (served(csp), Stub::start());
    let gateway = &served.gateway;
    let visitor = Visitor::new(&stub, Scripts::On);
    for Policed { name, lets_tag, .. } in policies() {
        let direct = served.bare(name);
        let through = served.page(name);

        let seen = stub.contacts().len();
        visitor.open(&direct);
        visitor.settle();
        let (works, before) = (alive(&visitor), errors(&visitor, served.site));
        assert_eq!(works, serde_json::json!([1, 1, "rgb(1, 2, 3)"]), "{name}: {before:?}");
        assert_eq!(tag_ran(&stub, seen), lets_tag, "{name}: {before:?}");

        for answer in [DECLINE, AGREE] {
            visitor.forget_cookies();
            let seen = stub.contacts().len();
            visitor.open(&through);
            visitor.settle();
            assert_eq!(stub.contacts()[seen..], [""; 0], "{csp}, {name}: before the answer");
            assert_eq!(alive(&visitor), works, "{csp}, {name}");
            assert!(visitor.sees(BANNER), "{csp}, {name}: {:?}", errors(&visitor, gateway.plain));
            visitor.click(answer);
            visitor.wait_until("the banner goes", || !visitor.sees(BANNER));
            assert_eq!(visitor.address(), through, "{csp}, {name}: without leaving the page");
            if answer == AGREE && lets_tag {
                visitor.wait_until("the tag runs", || tag_ran(&stub, seen));
            }
            visitor.settle();
            if answer == DECLINE {
                assert_eq!(stub.contacts()[seen..], [""; 0], "{csp}, {name}: after a refusal");
            }
            let now = errors(&visitor, gateway.plain);
            let new: Vec<_> = now.difference(&before).collect();
            let whole = !new.iter().any(|error| !tells_of_the_tag(error));
            assert!(whole, "{csp}, {name}: after {answer}: {new:#?}\nbefore: {before:#?}");
            assert_eq!(alive(&visitor), works, "{csp}, {name}: after {answer}");
            if answer == DECLINE && csp == "off" {
                asks_again(&visitor, name);
            }
        }
    }
}

/// The control is as it should be, and a script of the site's brings the banner up again; or leads to the settings,
/// where the policy lets nobody else bring a script in.
fn asks_again(visitor: &Visitor<'_>, name: &str) {
    let position = |css: &str| {
        visitor.run(&format!("return getComputedStyle(document.querySelector('{css}')).position"))
    };
    assert_eq!(position("#cc-open"), "fixed", "{name}");
    visitor.run("kelisim.ask()");
    if name == "trusted-types" {
        visitor.wait_until("the settings open", || visitor.sees("a.back"));
        // The browser complains of what was tried.
        visitor.console();
        return;
    }
    visitor.wait_until("the banner comes", || visitor.sees(DECLINE));
    assert_eq!(position("#cc-main .cm-wrapper"), "fixed", "{name}");
    visitor.click(DECLINE);
    visitor.wait_until("the banner goes again", || !visitor.sees(BANNER));
}

/// Whether a complaint is that the site's policy stops the vendor's tag, as it does directly, in other words.
fn tells_of_the_tag(error: &str) -> bool {
    error.contains("https://mc.yandex.ru/metrika/tag.js")
}

/// What a page's own code has asked a tracker for since there were so many contacts.
fn loaded(stub: &Stub, seen: usize) -> BTreeSet<String> {
    let hits = stub.hits_after(seen);
    let wanted = ["tag.js", "pixel", "fetched", "framed", "by-worker", "beacon"];
    wanted
        .into_iter()
        .filter(|end| hits.iter().any(|hit| hit.ends_with(end)))
        .map(str::to_owned)
        .collect()
}

#[test]
fn what_a_pages_own_code_loads_later_is_stopped_until_it_is_agreed_to() {
    let (served, stub) = (served("enforce"), Stub::start());
    let visitor = Visitor::new(&stub, Scripts::On);
    let seen = stub.contacts().len();
    visitor.open(&served.bare("loader"));
    visitor.settle();
    // Nothing else stops them, so that this test can fail.
    assert_eq!(loaded(&stub, seen).len(), 6, "{:?}", stub.hits_after(seen));

    visitor.forget_cookies();
    let seen = stub.contacts().len();
    visitor.open(&served.page("loader"));
    visitor.settle();
    assert_eq!(stub.contacts()[seen..], [""; 0]);
    visitor.click(AGREE);
    visitor
        .wait_until("all is loaded by the page that comes anew", || loaded(&stub, seen).len() == 6);
}

#[test]
fn sites_with_policies_work_where_ours_is_off() {
    sites_work_as_they_do_directly("off");
}

#[test]
fn sites_with_policies_work_where_ours_is_learned() {
    sites_work_as_they_do_directly("learn");
}

#[test]
fn sites_with_policies_work_where_ours_is_enforced() {
    sites_work_as_they_do_directly("enforce");
}
