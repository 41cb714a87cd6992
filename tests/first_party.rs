//! A vendor's library on the site itself, in a real browser: held, called, and released on the spot.
//!
//! What stands for the library has to satisfy a browser, not only a test that reads bytes: the page's
//! calls must not throw, and after the visitor has agreed the same address has to give the real one.

#[allow(dead_code, reason = "the demonstration's tests use more of it")]
mod browser {
    pub(crate) mod driver;
    pub(crate) mod marionette;
    pub(crate) mod stub;
    pub(crate) mod visitor;
    pub(crate) mod webdriver;
}
#[allow(dead_code, reason = "the scenarios use more of it")]
mod harness {
    use std::time::Duration;

    pub(crate) mod message;
    pub(crate) mod program;
    pub(crate) mod site;

    /// How long anything may take that a test waits for.
    pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
}

use browser::stub::Stub;
use browser::visitor::{Scripts, Visitor};
use harness::program::Program;
use harness::site::Site;

/// A page that calls the counter at once, and loads what the tag gateway serves by script.
const PAGE: &str = r#"<!doctype html><html><head><title>page</title><script src="/js/a1.js"></script></head><body>
<script>ym(1, "reachGoal", "seen");
var tag = document.createElement("script"); tag.src = "/metrics/gtag/js?id=G-ABC1234567"; document.body.append(tag);
</script><h1>Prices</h1></body></html>"#;

/// Fakes of two libraries: each says in the page that it ran, and the first what was queued for it.
const LIBRARY: &str = r#"(function(){var h="https://mc.yandex.",f=["_ym","__ym"];
document.body.dataset.counter = ym.a.map(function(call){return call[2]}).join();})();"#;
const TAG: &str = r#"document.body.dataset.tag = "ran";"#;

#[test]
fn a_library_of_the_sites_is_held_called_and_released_without_a_reload() {
    let site = Site::start();
    let address = site.address;
    std::thread::spawn(move || {
        while let Some(mut received) = site.next() {
            let path = received.request.start.split(' ').nth(1).unwrap_or_default().to_owned();
            let (kind, body) = match path.as_str() {
                "/js/a1.js" => ("text/javascript", LIBRARY),
                "/metrics/gtag/js?id=G-ABC1234567" => ("text/javascript", TAG),
                _ => ("text/html; charset=utf-8", PAGE),
            };
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\
                 Cache-Control: public, max-age=31536000, immutable\r\n\r\n{body}",
                body.len()
            );
            if received.write(answer.as_bytes()).is_err() {
                return;
            }
        }
    });
    let data = tempfile::tempdir().expect("a folder");
    let gateway = Program::run(address, data.path()).start();
    let stub = Stub::start();
    let visitor = Visitor::new(&stub, Scripts::On);
    let ran = |name: &str| visitor.attribute("body", name);

    visitor.open(&format!("http://{}/", gateway.plain));
    visitor.wait_until("both are held", || {
        visitor.run("return document.querySelectorAll('script[data-consent=analytics]').length")
            == 2
    });
    assert_eq!(visitor.run("return ym.a.length"), 1, "the page's call is in the queue");
    assert_eq!((ran("data-counter"), ran("data-tag")), (None, None));

    visitor.click("#cc-main button[value=agree-all]");
    visitor.wait_until("both have run", || {
        ran("data-counter").as_deref() == Some("seen") && ran("data-tag").as_deref() == Some("ran")
    });
    // After a withdrawal the next page has neither, whatever the browser has kept.
    visitor.open(&format!("http://{}/.consent/", gateway.plain));
    visitor.click("form[action='/.consent/withdraw'] button");
    visitor.open(&format!("http://{}/", gateway.plain));
    visitor.wait_until("the page is there", || visitor.sees("h1"));
    visitor.settle();
    assert_eq!((ran("data-counter"), ran("data-tag")), (None, None));
}
