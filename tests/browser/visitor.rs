//! A visitor: a Chromium of their own with an empty profile, driven as a person drives it.
//!
//! Clicks and keys are real input events, made by the browser itself: they reach a page whose
//! scripts are switched off, and they carry what the gateway looks for in an agreement.
//!
//! Every tracker host leads to the stub, every other name to nowhere: no test touches the network.
//! What must come is awaited with a deadline; what must not come is waited out by
//! [`Visitor::settle`].
//!
//! The commands come from [`super::webdriver`], the trackers are in [`super::stub`].

use super::{
    stub::{SENTINEL, Stub, TRACKERS},
    webdriver::{Refusal, WebDriver},
};
use serde_json::{Value, json};
use std::{
    path::Path,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// How long the browser may take to do what it must do in the end.
const DEADLINE: Duration = Duration::from_secs(15);

/// Between two looks at what is awaited.
const GLANCE: Duration = Duration::from_millis(25);

/// The site's own names are here, at whatever port: some things depend on there being a domain.
const OWN: &str = "MAP *.send-box.com 127.0.0.1";

/// The field in which WebDriver hands out elements.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Whether the visitor's browser runs scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scripts {
    On,
    Off,
}

/// A cookie as the browser holds it, `HttpOnly` ones included.
#[derive(Debug)]
pub(crate) struct Cookie {
    pub(crate) name: String,
    pub(crate) domain: String,
}

/// What the console has shown.
#[derive(Debug)]
pub(crate) struct Console {
    /// Uncaught errors, those that the page writes there, and what could not be loaded.
    pub(crate) errors: Vec<String>,
    /// What the page itself only warns of.
    #[allow(dead_code, reason = "only frameworks' own words are looked into")]
    pub(crate) warnings: Vec<String>,
}

/// A person with a browser.
pub(crate) struct Visitor<'a> {
    // Before its folder: fields are dropped in order, and the browser writes there to the end.
    driver: WebDriver,
    _folder: TempDir,
    stub: &'a Stub,
}

impl<'a> Visitor<'a> {
    pub(crate) fn new(stub: &'a Stub, scripts: Scripts) -> Self {
        Self::with_cookies(stub, scripts, true)
    }

    /// One whose browser keeps cookies, or none at all.
    pub(crate) fn with_cookies(stub: &'a Stub, scripts: Scripts, kept: bool) -> Self {
        let chromium = Path::new("/usr/bin/chromium");
        assert!(
            chromium.exists(),
            "{} is missing: run `tests/run`, which installs it",
            chromium.display()
        );
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let led = |host: &str| format!("MAP {host} {}", stub.address);
        let mut rules: Vec<_> = TRACKERS.into_iter().chain([SENTINEL]).map(led).collect();
        rules.extend(
            [OWN, "MAP * ~NOTFOUND", "EXCLUDE 127.0.0.1", "EXCLUDE localhost"].map(str::to_owned),
        );
        let mut arguments = vec![
            format!("--user-data-dir={}", folder.path().join("profile").display()),
            format!("--host-resolver-rules={}", rules.join(",")),
        ];
        arguments.extend(
            [
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--ignore-certificate-errors",
                "--window-size=1280,900",
                // What the browser does of its own accord would be noise among what the page does.
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ]
            .map(str::to_owned),
        );
        let javascript = match scripts {
            Scripts::On => 1,
            Scripts::Off => 2,
        };
        let cookies = if kept { 1 } else { 2 };
        let driver = WebDriver::start(
            folder.path(),
            &json!({
                "browserName": "chrome",
                "goog:loggingPrefs": { "browser": "ALL" },
                "goog:chromeOptions": {
                    "binary": chromium,
                    "args": arguments,
                    "prefs": {
                        "profile.default_content_setting_values.javascript": javascript,
                        "profile.default_content_setting_values.cookies": cookies,
                    },
                },
            }),
        );
        Self { driver, _folder: folder, stub }
    }

    /// Goes to `url` and stays until the page's `load` event.
    pub(crate) fn open(&self, url: &str) {
        self.command("/url", &json!({ "url": url }));
    }

    /// The address of the page that is open.
    pub(crate) fn address(&self) -> String {
        let url = self.driver.get("/url").unwrap_or_else(|refusal| panic!("{refusal}"));
        url.as_str().expect("an address is a string").to_owned()
    }

    /// Clicks the element as a mouse does; a page that this leads to has loaded afterwards.
    pub(crate) fn click(&self, css: &str) {
        self.command(&format!("/element/{}/click", self.need(css)), &json!({}));
    }

    /// Types into the field as a keyboard does.
    pub(crate) fn type_into(&self, css: &str, text: &str) {
        self.command(&format!("/element/{}/value", self.need(css)), &json!({ "text": text }));
    }

    /// The element's text as it is seen, if the element is there.
    pub(crate) fn text(&self, css: &str) -> Option<String> {
        let text = self.driver.get(&format!("/element/{}/text", self.find(css)?)).ok()?;
        Some(text.as_str()?.to_owned())
    }

    /// The element's attribute, if both are there.
    pub(crate) fn attribute(&self, css: &str, name: &str) -> Option<String> {
        let value =
            self.driver.get(&format!("/element/{}/attribute/{name}", self.find(css)?)).ok()?;
        Some(value.as_str()?.to_owned())
    }

    /// Whether the element is there and can be seen.
    pub(crate) fn sees(&self, css: &str) -> bool {
        let shown = |element| self.driver.get(&format!("/element/{element}/displayed"));
        // An element that goes away between the two questions is not seen either.
        self.find(css).and_then(|element| shown(element).ok()) == Some(Value::Bool(true))
    }

    /// What the function body `script` returns, run in the page.
    pub(crate) fn run(&self, script: &str) -> Value {
        self.command("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Everything in the browser's jar, whatever page is open.
    pub(crate) fn cookies(&self) -> Vec<Cookie> {
        let jar = self.devtools("Storage.getCookies", &json!({}));
        let text = |value: &Value| value.as_str().expect("a cookie has name and domain").to_owned();
        let cookies = jar["cookies"].as_array().expect("a jar is a list");
        cookies
            .iter()
            .map(|cookie| Cookie { name: text(&cookie["name"]), domain: text(&cookie["domain"]) })
            .collect()
    }

    /// Puts a cookie for `url` into the jar, as if it had been there from before.
    pub(crate) fn plant(&self, url: &str, name: &str) {
        self.devtools(
            "Network.setCookie",
            &json!({ "url": url, "name": name, "value": "planted", "path": "/" }),
        );
    }

    /// Loses all cookies, as if nothing had been chosen.
    #[allow(dead_code, reason = "who visits many sites with one browser")]
    pub(crate) fn forget_cookies(&self) {
        self.devtools("Network.clearBrowserCookies", &json!({}));
    }

    /// Goes back in the tab's history, as the button does.
    #[allow(dead_code, reason = "the demonstration has nothing to go back to")]
    pub(crate) fn back(&self) {
        self.command("/back", &json!({}));
    }

    /// Does something in a tab of its own, closes that, and is back in this one.
    pub(crate) fn aside(&self, what: impl FnOnce()) {
        let page = self.driver.get("/window").unwrap_or_else(|refusal| panic!("{refusal}"));
        let tab = self.command("/window/new", &json!({ "type": "tab" }));
        self.command("/window", &json!({ "handle": tab["handle"] }));
        what();
        self.driver.delete("/window").unwrap_or_else(|refusal| panic!("{refusal}"));
        self.command("/window", &json!({ "handle": page }));
    }

    /// What the console has shown since it was last asked for.
    pub(crate) fn console(&self) -> Console {
        let log = self.command("/se/log", &json!({ "type": "browser" }));
        let said = |level: &str| {
            let entries = log.as_array().expect("a log is a list").iter();
            let of = entries.filter(|entry| entry["level"] == level);
            of.map(|entry| entry["message"].as_str().unwrap_or_default().to_owned()).collect()
        };
        Console { errors: said("SEVERE"), warnings: said("WARNING") }
    }

    /// Waits until `condition` holds.
    pub(crate) fn wait_until(&self, what: &str, condition: impl Fn() -> bool) {
        let start = Instant::now();
        while !condition() {
            let page = self.address();
            assert!(
                start.elapsed() < DEADLINE,
                "not within {DEADLINE:?} at {page}: {what}; {:?}",
                self.stub.contacts()
            );
            std::thread::sleep(GLANCE);
        }
    }

    /// Waits out what the open page may still send.
    ///
    /// The page has loaded, so every script and pixel in it has run. What they sent is on its way
    /// through the browser's one network process; the journey of a new tab to the stub goes the
    /// same way, later and longer. When the stub heard of nothing new during two such journeys,
    /// nothing is on its way. The page keeps no say in it: no script of ours runs there, and its
    /// policies do not bind another tab. That this is waiting enough is shown by the run without
    /// the gateway, which looks for hits after this and no more.
    pub(crate) fn settle(&self) {
        let start = Instant::now();
        let mut quiet = 0;
        while quiet < 2 {
            assert!(
                start.elapsed() < DEADLINE,
                "the page never falls silent: {:?}",
                self.stub.contacts()
            );
            let before = self.stub.contacts().len();
            self.visit_sentinel();
            quiet = if self.stub.contacts().len() == before { quiet + 1 } else { 0 };
        }
    }

    fn visit_sentinel(&self) {
        self.aside(|| self.open(&format!("https://{SENTINEL}/")));
    }

    /// What the browser answers to a command for developers.
    pub(crate) fn devtools(&self, command: &str, parameters: &Value) -> Value {
        self.command("/goog/cdp/execute", &json!({ "cmd": command, "params": parameters }))
    }

    fn find(&self, css: &str) -> Option<String> {
        match self.driver.post("/element", &json!({ "using": "css selector", "value": css })) {
            Ok(found) => Some(found[ELEMENT].as_str().expect("an element has an id").to_owned()),
            Err(Refusal { error, .. }) if error == "no such element" => None,
            Err(refusal) => panic!("{refusal}"),
        }
    }

    fn need(&self, css: &str) -> String {
        self.find(css).unwrap_or_else(|| panic!("{} has no {css}", self.address()))
    }

    fn command(&self, command: &str, arguments: &Value) -> Value {
        self.driver
            .post(command, arguments)
            .unwrap_or_else(|refusal| panic!("{command} {arguments}: {refusal}"))
    }
}
