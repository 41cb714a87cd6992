//! A site of the test's own, the gateway in front of it, and what trackers were told.
//!
//! The pages and scripts of the site stand beside this file, and are served as they are. The gateway is
//! the program with the shipped rules, of which a test may add one line to `site.toml`.
//!
//! What trackers are told is read from the stub's log as `<vendor> <what>`, in the order in which the tag
//! sent it: hits are numbered, as the vendors' are, since each may come by a connection of its own.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program::{Gateway, Program};
use crate::site::Site;
use crate::stub::Stub;
use crate::visitor::Visitor;

pub(crate) const BANNER: &str = "#cc-main";
pub(crate) const AGREE: &str = "#cc-main button[value=agree-all]";
pub(crate) const DECLINE: &str = "#cc-main button[value=decline-all]";
const WITHDRAW: &str = "form[action='/.consent/withdraw'] button";

/// What an operator would have approved for the pages.
const APPROVED: &str = r#"
[[allow]]
source = "'unsafe-inline'"
as = ["script", "style"]
what = "the site's own code"

[[allow]]
source = "data:"
as = ["image"]
what = "an empty icon"

[[allow]]
source = "https://mc.yandex.ru"
as = ["script", "connect", "image"]
what = "Metrica, for who has agreed"
"#;

/// A running site, with a gateway in front.
pub(crate) struct Served {
    site: SocketAddr,
    gateway: Gateway,
    _folder: TempDir,
}

impl Served {
    /// Behind the shipped rules.
    pub(crate) fn start() -> Served {
        Served::with("")
    }

    /// Behind the shipped rules and a policy that lets pages reach Metrica once it is agreed to.
    pub(crate) fn behind_a_policy() -> Served {
        Served::with_files("csp = \"enforce\"", &[("csp.toml", APPROVED)])
    }

    /// Behind the shipped rules, with this line in `site.toml`.
    pub(crate) fn with(line: &str) -> Served {
        Served::with_files(line, &[])
    }

    fn with_files(line: &str, files: &[(&str, &str)]) -> Served {
        let site = Site::start();
        let address = site.address;
        std::thread::spawn(move || {
            while let Some(mut received) = site.next() {
                let target = received.request.start.split(' ').nth(1).unwrap_or("/").to_owned();
                // A browser that hangs up is not minded.
                let _ = received.write(&answer(&target));
            }
        });
        let folder = tempfile::tempdir().expect("a folder");
        let rules = folder.path().join("rules");
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
        for (name, text) in kelisim::config::rule_files(&shipped).expect("the shipped rules") {
            let path = rules.join(&name);
            let added = format!("{line}\ncontrol = ");
            let text =
                if name == "site.toml" { text.replacen("control = ", &added, 1) } else { text };
            fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("a folder");
            fs::write(path, text).expect("a file");
        }
        for (name, text) in files {
            fs::write(rules.join(name), text).expect("a file");
        }
        let rules = rules.display().to_string();
        let program = Program::run(address, &folder.path().join("data"));
        let gateway = program.arg("--rules").arg(&rules).start();
        Served { site: address, gateway, _folder: folder }
    }

    /// A page through the gateway.
    pub(crate) fn page(&self, name: &str) -> String {
        format!("http://{}/{name}", self.gateway.plain)
    }

    /// The same page straight at the site.
    pub(crate) fn bare(&self, name: &str) -> String {
        format!("http://{}/{name}", self.site)
    }
}

/// What a server of files answers; the page of tags that are held has a policy of its own.
fn answer(target: &str) -> Vec<u8> {
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
    let (status, body) = match fs::read(path) {
        Ok(body) => ("200 OK", body),
        Err(_) => ("404 Not Found", Vec::new()),
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n{policy}\r\n"
    );
    [head.as_bytes(), &body].concat()
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
