//! What tests in a browser share: a site of their own, the gateway in front of it, visitors and trackers.
//!
//! A test says what its site answers to each target, and which lines the shipped rules have besides. Both
//! addresses are there: what is found behind the gateway is compared with what is found without it.
//!
//! The demonstration, which has a site of its own, is in `demo.rs`.

#[path = "../harness/broken.rs"]
pub(crate) mod broken;
pub(crate) mod driver;
pub(crate) mod marionette;
#[path = "../harness/message.rs"]
pub(crate) mod message;
#[path = "../harness/program.rs"]
pub(crate) mod program;
#[path = "../harness/site.rs"]
pub(crate) mod site;
pub(crate) mod stub;
pub(crate) mod visitor;
pub(crate) mod webdriver;

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use tempfile::TempDir;

use broken::Rules;
use program::{Gateway, Program};
use site::Site;

/// How long anything may take that a test waits for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) const BANNER: &str = "#cc-main";
pub(crate) const AGREE: &str = "#cc-main button[value=agree-all]";
pub(crate) const DECLINE: &str = "#cc-main button[value=decline-all]";

/// What an operator would have approved for pages with Metrica.
pub(crate) const APPROVED: &str = r#"
[[allow]]
source = "'unsafe-inline'"
as = ["script", "style"]
what = "the site's own code"

[[allow]]
source = "blob:"
as = ["worker"]
what = "the site's own workers"

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
    pub(crate) site: SocketAddr,
    pub(crate) gateway: Gateway,
    // Behind the gateway, which writes there to the end.
    _rules: Rules,
    _data: TempDir,
}

impl Served {
    /// Behind the shipped rules.
    pub(crate) fn start(answer: impl Fn(&str) -> Vec<u8> + Send + 'static) -> Served {
        Served::with("", answer)
    }

    /// Behind the shipped rules with this line in `site.toml`, and with [`APPROVED`] for a policy.
    pub(crate) fn with(line: &str, answer: impl Fn(&str) -> Vec<u8> + Send + 'static) -> Served {
        let change = |rules: &Rules| {
            rules.change("site.toml", "control = ", &format!("{line}\ncontrol = "));
            fs::write(rules.path("csp.toml"), APPROVED).expect("it can be written");
        };
        Served::by(change, answer)
    }

    /// Behind the shipped rules, changed.
    pub(crate) fn by(
        change: impl FnOnce(&Rules),
        answer: impl Fn(&str) -> Vec<u8> + Send + 'static,
    ) -> Served {
        let (site, rules) = (serve(answer), Rules::copy());
        let data = tempfile::tempdir().expect("a folder");
        change(&rules);
        let gateway = Program::run(site, data.path()).arg("--rules").arg(rules.folder()).start();
        Served { site, gateway, _rules: rules, _data: data }
    }

    /// A page through the gateway.
    pub(crate) fn page(&self, name: &str) -> String {
        format!("http://{}/{name}", self.gateway.plain)
    }

    /// The gateway's address, without the last slash.
    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.gateway.plain)
    }

    /// The same page straight at the site.
    pub(crate) fn bare(&self, name: &str) -> String {
        format!("http://{}/{name}", self.site)
    }
}

/// A site that answers each target by itself, until the test has ended.
pub(crate) fn serve(answer: impl Fn(&str) -> Vec<u8> + Send + 'static) -> SocketAddr {
    let site = Site::start();
    let address = site.address;
    std::thread::spawn(move || {
        while let Some(mut received) = site.next() {
            let target = received.request.start.split(' ').nth(1).unwrap_or("/").to_owned();
            // A browser that hangs up is not minded.
            let _ = received.write(&answer(&target));
        }
    });
    address
}

/// An answer as it goes over the wire; `fields` are whole lines.
pub(crate) fn answer(status: &str, kind: &str, fields: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n{fields}\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}
