//! A site of the test's own, the gateway in front of it, and what trackers were told.
//!
//! The pages and scripts of the site stand beside this file, and are served as they are. The gateway is
//! the program with the shipped rules, of which a test may add one line to `site.toml`.
//!
//! What trackers are told is read from the stub's log as `<vendor> <what>`, in the order in which the tag
//! sent it: hits are numbered, as the vendors' are, since each may come by a connection of its own.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::browser::stub::Stub;
use crate::browser::visitor::Visitor;
use crate::browser::{AGREE, BANNER, Served, answer};

const WITHDRAW: &str = "form[action='/.consent/withdraw'] button";

/// Behind the shipped rules.
pub(crate) fn start() -> Served {
    Served::start(file)
}

/// Behind the shipped rules, with this line in `site.toml`.
pub(crate) fn with(line: &str) -> Served {
    Served::with(line, file)
}

/// Behind the shipped rules and a policy that lets pages reach Metrica once it is agreed to.
pub(crate) fn behind_a_policy() -> Served {
    with("csp = \"enforce\"")
}

/// What a server of files answers; the page of tags that are held has a policy of its own.
fn file(target: &str) -> Vec<u8> {
    let name = target.split('?').next().unwrap_or_default().trim_start_matches('/');
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let path = match name {
        "bundle.js" => package.join("browser/fakes/metrica.js"),
        name => package.join("run_time").join(name),
    };
    let kind = match name.rsplit('.').next() {
        Some("js") => "text/javascript",
        _ => "text/html; charset=utf-8",
    };
    let policy = match name {
        "held.html" => "Content-Security-Policy: script-src 'nonce-n0nce'\r\n",
        _ => "",
    };
    let read = fs::read(path);
    let status = if read.is_ok() { "200 OK" } else { "404 Not Found" };
    answer(status, kind, policy, &read.unwrap_or_default())
}

/// Opens a page and agrees to everything.
pub(crate) fn agree(visitor: &Visitor<'_>, page: &str) {
    visitor.open(page);
    answer_banner(visitor, AGREE);
}

/// Presses a button of the banner.
pub(crate) fn answer_banner(visitor: &Visitor<'_>, button: &str) {
    visitor.click(button);
    visitor.wait_until("the banner goes", || !visitor.sees(BANNER));
}

/// Withdraws what was agreed to, in the settings.
pub(crate) fn withdraw(visitor: &Visitor<'_>, served: &Served) {
    visitor.open(&served.page(".consent/"));
    press_withdraw(visitor);
}

/// The same, where the settings are open.
pub(crate) fn press_withdraw(visitor: &Visitor<'_>) {
    visitor.click(WITHDRAW);
    visitor.wait_until("the withdrawal is answered", || !visitor.sees(WITHDRAW));
}

/// What the trackers were told since there were `seen` contacts: `<vendor> <what>`, each vendor's in order.
pub(crate) fn told(stub: &Stub, seen: usize) -> Vec<String> {
    let mut told: Vec<_> = stub.hits_after(seen).iter().filter_map(|hit| read(hit)).collect();
    told.sort();
    told.into_iter().map(|(vendor, _, what)| format!("{vendor} {what}")).collect()
}

/// A hit: its vendor, its number, and what it says.
fn read(hit: &str) -> Option<(&'static str, u32, String)> {
    let field = |name: &str| {
        let mut fields = hit.split(['?', '&']).filter_map(|field| field.split_once('='));
        fields.find(|(field, _)| *field == name).map_or("", |(_, value)| value)
    };
    let (vendor, number, what) = if hit.contains("mc.yandex.ru/watch/") {
        let number = field("browser-info").split("rqn%3A").nth(1)?.split('%').next()?;
        ("metrica", number, field("page-url").rsplit("%2F").next()?.to_owned())
    } else if hit.contains("/g/collect?") {
        ("gtag", field("_s"), format!("{} {}", field("en"), field("gcs")))
    } else if hit.contains("/j/collect?") {
        ("analytics", field("_s"), field("t").to_owned())
    } else if hit.contains("/__utm.gif?") {
        ("ga", field("utms"), field("utme").to_owned())
    } else if hit.contains("www.facebook.com/tr/?") {
        ("meta", "0", field("ev").to_owned())
    } else {
        return None;
    };
    Some((vendor, number.parse().ok()?, what))
}

/// What analytics keeps in the browser: cookies of any host, and keys in the page's storage.
pub(crate) fn kept(visitor: &Visitor<'_>) -> Vec<String> {
    const KNOWN: [&str; 6] = ["_ym", "_ga", "_gid", "__utm", "_fb", "metrika_"];
    let cookies = visitor.cookies().into_iter().map(|cookie| cookie.name);
    let keys = visitor.run("return Object.keys(localStorage).concat(Object.keys(sessionStorage))");
    let keys = keys.as_array().expect("a list").iter().filter_map(Value::as_str).map(str::to_owned);
    let known = |name: &String| KNOWN.iter().any(|start| name.starts_with(start));
    let mut names: Vec<_> = cookies.chain(keys).filter(known).collect();
    names.sort();
    names
}

/// That the page found no fault with what stands for the tags.
#[track_caller]
pub(crate) fn assert_nothing_thrown(visitor: &Visitor<'_>) {
    let thrown = visitor.run("return [...uncaught, ...(window.thrown || [])]");
    assert_eq!(thrown, json!([]), "at {}", visitor.address());
}
