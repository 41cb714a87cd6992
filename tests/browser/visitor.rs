//! A visitor: a browser of their own with an empty profile, driven as a person drives it.
//!
//! Clicks and keys are real input events, made by the browser itself: they reach a page whose
//! scripts are switched off, and they carry what the gateway looks for in an agreement.
//!
//! What must come is awaited with a deadline; what must not come is waited out by
//! [`Visitor::settle`].
//!
//! How each browser is started and told is in [`super::driver`], the trackers are in [`super::stub`].

pub(crate) use super::driver::{Browser, Cookie, Scripts, View};
use super::{
    driver::{Driver, Settings},
    stub::{SENTINEL, Stub},
    webdriver::Refusal,
};
use serde_json::{Value, json};
use std::{
    cell::{Cell, OnceCell},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// How long the browser may take to do what it must do in the end.
const DEADLINE: Duration = Duration::from_mins(1);

/// Between two looks at what is awaited.
const GLANCE: Duration = Duration::from_millis(25);

/// What a page has at least for what it does by itself, before it is looked whether it does.
const PAUSE: Duration = Duration::from_millis(150);

/// The field in which WebDriver hands out elements.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

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
    driver: Driver,
    _folder: TempDir,
    stub: &'a Stub,
    settings: Settings,
    /// The tab that goes to the sentinel, once there is one.
    sentinel: OnceCell<Value>,
    /// How long the page took that was opened last.
    loaded_in: Cell<Duration>,
}

impl<'a> Visitor<'a> {
    /// With Chromium.
    pub(crate) fn new(stub: &'a Stub, scripts: Scripts) -> Self {
        Self::with(Browser::Chromium, stub, scripts)
    }

    pub(crate) fn with(browser: Browser, stub: &'a Stub, scripts: Scripts) -> Self {
        Self::start(browser, stub, Settings { scripts, cookies: true })
    }

    /// With a Chromium that keeps cookies, or none at all.
    pub(crate) fn with_cookies(stub: &'a Stub, scripts: Scripts, kept: bool) -> Self {
        Self::start(Browser::Chromium, stub, Settings { scripts, cookies: kept })
    }

    fn start(browser: Browser, stub: &'a Stub, settings: Settings) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let driver = Driver::start(browser, folder.path(), stub, settings);
        let (sentinel, loaded_in) = (OnceCell::new(), Cell::default());
        Self { driver, _folder: folder, stub, settings, sentinel, loaded_in }
    }

    /// Goes to `url` and stays until the page's `load` event.
    pub(crate) fn open(&self, url: &str) {
        let start = Instant::now();
        self.command("/url", &json!({ "url": url }));
        self.loaded_in.set(start.elapsed());
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

    /// What `script` says to the function that is its last argument, in the page.
    pub(crate) fn wait_for(&self, script: &str) -> Value {
        self.command("/execute/async", &json!({ "script": script, "args": [] }))
    }

    /// Everything in the browser's jar, whatever page is open.
    pub(crate) fn cookies(&self) -> Vec<Cookie> {
        self.driver.cookies()
    }

    /// Puts a cookie for `url` into the jar, as if it had been there from before.
    pub(crate) fn plant(&self, url: &str, name: &str) {
        self.driver.devtools(
            "Network.setCookie",
            &json!({ "url": url, "name": name, "value": "planted", "path": "/" }),
        );
    }

    /// Loses all cookies, as if nothing had been chosen.
    #[allow(dead_code, reason = "who visits many sites with one browser")]
    pub(crate) fn forget_cookies(&self) {
        self.driver.forget_cookies();
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

    /// Looks at pages so from now on.
    pub(crate) fn view(&self, view: View) {
        self.driver.show(view);
        let width = json!(view.width / view.zoom);
        self.wait_until("the page has its size", || self.run("return innerWidth") == width);
    }

    /// Presses a key, and `held` meanwhile.
    pub(crate) fn press(&self, key: char, held: Option<char>) {
        let event = |kind: &str, key: char| json!({ "type": kind, "value": key.to_string() });
        let mut keys: Vec<_> = held.map(|held| event("keyDown", held)).into_iter().collect();
        keys.extend([event("keyDown", key), event("keyUp", key)]);
        keys.extend(held.map(|held| event("keyUp", held)));
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": keys });
        self.command("/actions", &json!({ "actions": [keyboard] }));
    }

    /// What is seen of the page, as PNG.
    pub(crate) fn screenshot(&self) -> Vec<u8> {
        let png = self.driver.get("/screenshot").unwrap_or_else(|refusal| panic!("{refusal}"));
        let png = png.as_str().expect("a picture is a string");
        data_encoding::BASE64.decode(png.as_bytes()).expect("it is in Base64")
    }

    /// Does something in a frame of the page, and is back in the page.
    pub(crate) fn within<T>(&self, frame: &str, what: impl FnOnce() -> T) -> T {
        self.command("/frame", &json!({ "id": { ELEMENT: self.need(frame) } }));
        let done = what();
        self.command("/frame", &json!({ "id": null }));
        done
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
            assert!(
                start.elapsed() < DEADLINE,
                "not within {DEADLINE:?} at {}: {what}; {:?}",
                self.address(),
                self.stub.contacts()
            );
            std::thread::sleep(GLANCE);
        }
    }

    /// Waits out what the open page may still send.
    ///
    /// The page has loaded, so every script and pixel in it has run. What they sent is on its way
    /// through the browser's one network process; the journey from another tab to the stub goes the
    /// same way, on a connection of its own, and later: the page has as long for what it does by itself
    /// as it took to load, which on a busy machine is longer. When the stub heard of nothing new during two
    /// such journeys, nothing is on its way. The page keeps no say in it: no script of ours runs
    /// there, and its policies do not bind another tab. That this is waiting enough is shown by the
    /// runs without the gateway, which look for hits after this and no more.
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
            std::thread::sleep(self.loaded_in.get().max(PAUSE));
            self.visit_sentinel();
            quiet = if self.stub.contacts().len() == before { quiet + 1 } else { 0 };
        }
    }

    /// One journey to the stub, in a tab that is kept for it: a new one, or only a new page in it, costs more
    /// than everything else that a test does.
    fn visit_sentinel(&self) {
        let page = self.driver.get("/window").unwrap_or_else(|refusal| panic!("{refusal}"));
        let known = self.sentinel.get().is_some();
        let tab = self.sentinel.get_or_init(|| {
            self.command("/window/new", &json!({ "type": "tab" }))["handle"].clone()
        });
        self.command("/window", &json!({ "handle": tab }));
        let url = format!("https://{SENTINEL}/");
        if known && self.settings.scripts == Scripts::On {
            self.wait_for("fetch('/', { cache: 'no-store' }).finally(arguments[0])");
        } else {
            self.command("/url", &json!({ "url": url }));
        }
        self.command("/window", &json!({ "handle": page }));
    }

    /// What Chromium answers to a command for developers.
    pub(crate) fn devtools(&self, command: &str, parameters: &Value) -> Value {
        self.driver.devtools(command, parameters)
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
