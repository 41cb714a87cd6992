//! The browsers that visitors have, Debian's Chromium and Firefox, and what each is told in its own way.
//!
//! WebDriver's commands are the same for both. The jar, the size of a page and what a visitor prefers are
//! not among them: Chromium has its devtools for these, Firefox is asked from inside.
//!
//! Every tracker host leads to the stub and no name to the world: Chromium finds the others nowhere, in Firefox
//! all names are the stub's. No test touches the network.
//!
//! The commands go through [`super::webdriver`] and [`super::marionette`]; a visitor's are in
//! [`super::visitor`].

use super::{
    marionette::Marionette,
    stub::{SENTINEL, Stub, TRACKERS},
    webdriver::{Refusal, WebDriver},
};
use http::Method;
use serde_json::{Value, json};
use std::path::Path;

/// The site's own names are here, at whatever port: some things depend on there being a domain.
const OWN: &str = "MAP *.send-box.com 127.0.0.1";

/// A visitor's browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Browser {
    Chromium,
    Firefox,
}

/// Whether the visitor's browser runs scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scripts {
    On,
    Off,
}

/// What a visitor's browser runs and keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) scripts: Scripts,
    /// Whether it keeps cookies.
    pub(crate) cookies: bool,
}

/// How a page is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct View {
    /// What the window has for the page.
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// The browser's zoom: 4 for 400 %.
    pub(crate) zoom: u32,
    pub(crate) dark: bool,
    /// Whether the visitor wants nothing to move.
    pub(crate) still: bool,
}

/// A cookie as the browser holds it, `HttpOnly` ones included.
#[derive(Debug)]
pub(crate) struct Cookie {
    pub(crate) name: String,
    pub(crate) domain: String,
}

/// A running browser.
pub(crate) enum Driver {
    Chromium(WebDriver),
    Firefox(Marionette),
}

impl Driver {
    /// Starts it with an empty profile; what it writes, it writes into `folder`.
    pub(crate) fn start(browser: Browser, folder: &Path, stub: &Stub, settings: Settings) -> Self {
        match browser {
            Browser::Chromium => Self::Chromium(chromium(folder, stub, settings)),
            Browser::Firefox => Self::Firefox(firefox(folder, stub, settings)),
        }
    }

    pub(crate) fn get(&self, command: &str) -> Result<Value, Refusal> {
        self.command(&Method::GET, command, &Value::Null)
    }

    pub(crate) fn post(&self, command: &str, arguments: &Value) -> Result<Value, Refusal> {
        self.command(&Method::POST, command, arguments)
    }

    pub(crate) fn delete(&self, command: &str) -> Result<Value, Refusal> {
        self.command(&Method::DELETE, command, &Value::Null)
    }

    fn command(&self, method: &Method, path: &str, arguments: &Value) -> Result<Value, Refusal> {
        match self {
            Self::Chromium(driver) => driver.command(method, path, arguments),
            Self::Firefox(driver) => driver.command(method, path, arguments),
        }
    }

    /// A command of Chromium's devtools.
    pub(crate) fn devtools(&self, command: &str, parameters: &Value) -> Value {
        let run = json!({ "cmd": command, "params": parameters });
        self.post("/goog/cdp/execute", &run)
            .unwrap_or_else(|refusal| panic!("{command} {parameters}: {refusal}"))
    }

    /// Everything in the browser's jar, whatever page is open.
    pub(crate) fn cookies(&self) -> Vec<Cookie> {
        let jar = match self {
            Self::Chromium(_) => self.devtools("Storage.getCookies", &json!({}))["cookies"].take(),
            Self::Firefox(firefox) => firefox.inside(
                "return Services.cookies.cookies.map(({ name, host }) => ({ name, domain: host }))",
                &json!([]),
            ),
        };
        let text = |value: &Value| value.as_str().expect("a cookie has name and domain").to_owned();
        let cookies = jar.as_array().expect("a jar is a list");
        let cookie = |cookie: &Value| Cookie {
            name: text(&cookie["name"]),
            domain: text(&cookie["domain"]),
        };
        cookies.iter().map(cookie).collect()
    }

    pub(crate) fn forget_cookies(&self) {
        match self {
            Self::Chromium(_) => self.devtools("Network.clearBrowserCookies", &json!({})),
            Self::Firefox(firefox) => firefox.inside("Services.cookies.removeAll()", &json!([])),
        };
    }

    /// Shows pages so from now on.
    pub(crate) fn show(&self, view: View) {
        let View { width, height, zoom, dark, still } = view;
        match self {
            Self::Chromium(_) => {
                // A page that is zoomed has that many fewer pixels of its own.
                self.devtools(
                    "Emulation.setDeviceMetricsOverride",
                    &json!({ "width": width / zoom, "height": height / zoom, "deviceScaleFactor": zoom, "mobile": false }),
                );
                let scheme = if dark { "dark" } else { "light" };
                let motion = if still { "reduce" } else { "no-preference" };
                self.devtools(
                    "Emulation.setEmulatedMedia",
                    &json!({ "features": [
                        { "name": "prefers-color-scheme", "value": scheme },
                        { "name": "prefers-reduced-motion", "value": motion },
                    ]}),
                );
            }
            Self::Firefox(firefox) => {
                firefox.inside(
                    "const [width, height, zoom, dark, still] = arguments;
                    Services.prefs.setIntPref('layout.css.prefers-color-scheme.content-override', dark ? 0 : 1);
                    Services.prefs.setIntPref('ui.prefersReducedMotion', still ? 1 : 0);
                    const browser = gBrowser.selectedBrowser;
                    for (const [name, length] of [['width', width], ['height', height]])
                        for (const bound of ['', 'min-', 'max-'])
                            browser.style.setProperty(bound + name, length + 'px');
                    browser.fullZoom = zoom;",
                    &json!([width, height, zoom, dark, still]),
                );
            }
        }
    }
}

fn chromium(folder: &Path, stub: &Stub, settings: Settings) -> WebDriver {
    let chromium = Path::new("/usr/bin/chromium");
    assert!(
        chromium.exists(),
        "{} is missing: run `tests/run`, which installs it",
        chromium.display()
    );
    let led = |host: &str| format!("MAP {host} {}", stub.address);
    let mut rules: Vec<_> = TRACKERS.into_iter().chain([SENTINEL]).map(led).collect();
    rules.extend(
        [OWN, "MAP * ~NOTFOUND", "EXCLUDE 127.0.0.1", "EXCLUDE localhost"].map(str::to_owned),
    );
    let mut arguments = vec![
        format!("--user-data-dir={}", folder.join("profile").display()),
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
    let allowed = |allowed: bool| if allowed { 1 } else { 2 };
    WebDriver::start(
        folder,
        &json!({
            "browserName": "chrome",
            "goog:loggingPrefs": { "browser": "ALL" },
            "goog:chromeOptions": {
                "binary": chromium,
                "args": arguments,
                "prefs": {
                    "profile.default_content_setting_values.javascript": allowed(settings.scripts == Scripts::On),
                    "profile.default_content_setting_values.cookies": allowed(settings.cookies),
                },
            },
        }),
    )
}

fn firefox(folder: &Path, stub: &Stub, settings: Settings) -> Marionette {
    let port = stub.address.port();
    let off = [
        // What the browser does of its own accord would be noise among what the page does.
        "app.normandy.enabled",
        "browser.region.update.enabled",
        "browser.safebrowsing.update.enabled",
        "browser.search.update",
        "datareporting.policy.dataSubmissionEnabled",
        "dom.push.connection.enabled",
        "extensions.systemAddon.update.enabled",
        "extensions.update.enabled",
        "media.gmp-manager.updateEnabled",
        "network.captive-portal-service.enabled",
        "network.connectivity-service.enabled",
        "network.http.http3.enable",
        "browser.aboutwelcome.enabled",
        "browser.newtabpage.enabled",
        "browser.shell.checkDefaultBrowser",
    ];
    let mut preferences = vec![
        ("marionette.port", json!(0)),
        ("javascript.enabled", json!(settings.scripts == Scripts::On)),
        ("network.cookie.cookieBehavior", json!(if settings.cookies { 0 } else { 2 })),
        ("network.dns.forceResolve", json!("127.0.0.1")),
        ("network.socket.forcePort", json!(format!("443={port};80={port}"))),
        ("network.trr.mode", json!(5)),
        ("services.settings.server", json!("data:,#remote-settings-dummy/v1")),
        ("media.gmp-manager.url", json!("")),
        ("browser.startup.page", json!(0)),
    ];
    preferences.extend(off.map(|name| (name, json!(false))));
    Marionette::start(folder, &preferences)
}
