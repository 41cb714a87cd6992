//! A client for Firefox's own end of WebDriver, which is called Marionette: JSON over a socket.
//!
//! geckodriver only translates WebDriver's HTTP into this, and Debian has none; the tests need a dozen
//! commands, which are named here as they are over HTTP.
//!
//! Each client starts a Firefox of its own, whose profile and port are in a folder of its own, and ends it
//! when it is dropped, failed tests included: no browser is left behind.
//!
//! What a visitor does with these commands is in [`super::visitor`]; Chromium's driver is in
//! [`super::webdriver`].

use super::webdriver::Refusal;
use http::Method;
use serde_json::{Value, json};
use std::{
    cell::RefCell,
    fs::{self, File},
    io::{self, BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpStream},
    path::Path,
    process::{Child, Command},
    time::{Duration, Instant},
};

/// How long Firefox may take to start.
const START: Duration = Duration::from_mins(1);

/// Between two looks at whether it has.
const GLANCE: Duration = Duration::from_millis(25);

/// The longest that a single command may take; loading a page is one of them.
const COMMAND: Duration = Duration::from_mins(1);

/// A running Firefox, and the connection to it.
pub(crate) struct Marionette {
    _process: Running,
    wire: RefCell<BufReader<TcpStream>>,
}

impl Marionette {
    /// Starts Firefox with these preferences, and with `folder` for its home.
    pub(crate) fn start(folder: &Path, preferences: &[(&str, Value)]) -> Self {
        let firefox = Path::new("/usr/bin/firefox-esr");
        assert!(
            firefox.exists(),
            "{} is missing: run `tests/run`, which installs it",
            firefox.display()
        );
        let profile = folder.join("profile");
        fs::create_dir(&profile).expect("a folder can be made");
        let lines =
            preferences.iter().map(|(name, value)| format!("user_pref({name:?}, {value});\n"));
        fs::write(profile.join("user.js"), lines.collect::<String>())
            .expect("a file can be written");
        // It talks a lot; a failing test finds it there while it lasts.
        let said = File::create(folder.join("firefox.log")).expect("a file can be made");
        let mut process = Command::new(firefox);
        process
            .args(["--headless", "--no-remote", "--marionette", "--remote-allow-system-access"])
            .arg("--profile")
            .arg(&profile)
            .arg("about:blank")
            .env("HOME", folder)
            .env("TMPDIR", folder)
            .env("MOZ_CRASHREPORTER_DISABLE", "1")
            // Without it the address of Mozilla's settings cannot be changed.
            .env("MOZ_REMOTE_SETTINGS_DEVTOOLS", "1")
            .env("MOZ_HEADLESS_WIDTH", "1280")
            .env("MOZ_HEADLESS_HEIGHT", "1200")
            .stderr(said.try_clone().expect("a file has two ends"))
            .stdout(said);
        let mut process = Running(process.spawn().expect("Firefox starts"));
        let stream = connect(&mut process, &profile.join("MarionetteActivePort"));
        stream.set_read_timeout(Some(COMMAND)).expect("a socket");
        let mut wire = BufReader::new(stream);
        let greeting = read(&mut wire).expect("Firefox greets");
        assert_eq!(greeting["marionetteProtocol"], 3, "{greeting}");
        let driver = Self { _process: process, wire: RefCell::new(wire) };
        let wanted = json!({ "acceptInsecureCerts": true });
        driver.call("WebDriver:NewSession", &wanted).unwrap_or_else(|refusal| panic!("{refusal}"));
        driver
    }

    /// A command of WebDriver, as it is over HTTP, the session's own path left out.
    pub(crate) fn command(
        &self,
        method: &Method,
        path: &str,
        arguments: &Value,
    ) -> Result<Value, Refusal> {
        let steps: Vec<_> = path.split('/').skip(1).collect();
        let mut arguments = arguments.clone();
        let name = match (method.as_str(), &steps[..]) {
            ("POST", ["url"]) => "Navigate",
            ("GET", ["url"]) => "GetCurrentURL",
            ("POST", ["back"]) => "Back",
            ("POST", ["execute", "sync"]) => "ExecuteScript",
            ("POST", ["execute", "async"]) => "ExecuteAsyncScript",
            ("POST", ["actions"]) => "PerformActions",
            ("GET", ["screenshot"]) => {
                arguments = json!({ "full": false });
                "TakeScreenshot"
            }
            ("GET", ["window"]) => "GetWindowHandle",
            ("POST", ["window"]) => "SwitchToWindow",
            ("POST", ["window", "new"]) => "NewWindow",
            ("DELETE", ["window"]) => "CloseWindow",
            ("POST", ["element"]) => "FindElement",
            (_, ["element", id, rest @ ..]) => {
                arguments["id"] = json!(id);
                match rest {
                    ["click"] => "ElementClick",
                    ["value"] => "ElementSendKeys",
                    ["text"] => "GetElementText",
                    ["displayed"] => "IsElementDisplayed",
                    ["attribute", name] => {
                        arguments["name"] = json!(name);
                        "GetElementAttribute"
                    }
                    _ => panic!("Firefox is not told of {path}"),
                }
            }
            _ => panic!("Firefox is not told of {method} {path}"),
        };
        self.call(&format!("WebDriver:{name}"), &arguments)
    }

    /// What the function body returns, run in the browser itself and with its rights.
    pub(crate) fn inside(&self, script: &str, arguments: &Value) -> Value {
        let context = |value: &str| {
            let set = self.call("Marionette:SetContext", &json!({ "value": value }));
            set.unwrap_or_else(|refusal| panic!("{refusal}"));
        };
        context("chrome");
        let run = json!({ "script": script, "args": arguments });
        let value = self.call("WebDriver:ExecuteScript", &run);
        context("content");
        value.unwrap_or_else(|refusal| panic!("{script}: {refusal}"))
    }

    fn call(&self, name: &str, arguments: &Value) -> Result<Value, Refusal> {
        let failed = |error: io::Error| Refusal::new(name, &error.to_string());
        let mut wire = self.wire.borrow_mut();
        // One at a time, so all have the same number.
        let message = json!([0, 1, name, arguments]).to_string();
        write!(wire.get_mut(), "{}:{message}", message.len()).map_err(failed)?;
        let mut answer = read(&mut wire).map_err(failed)?;
        if let Some(error) = answer[2]["error"].as_str() {
            let message = answer[2]["message"].as_str().unwrap_or_default();
            return Err(Refusal::new(error, message));
        }
        let mut value = answer[3].take();
        // Some commands say their one value by name.
        Ok(value.get_mut("value").map(Value::take).unwrap_or(value))
    }
}

/// A process that ends with this value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Its other processes end as soon as this one is gone; nothing of its profile is wanted any more.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Connects to the port that Firefox writes into the file as soon as it listens there.
fn connect(process: &mut Running, file: &Path) -> TcpStream {
    let since = Instant::now();
    loop {
        let port = fs::read_to_string(file).ok().and_then(|port| port.trim().parse::<u16>().ok());
        let stream = port.map(|port| TcpStream::connect((Ipv4Addr::LOCALHOST, port)));
        if let Some(Ok(stream)) = stream {
            return stream;
        }
        let ended = process.0.try_wait().expect("a process can be asked");
        assert!(ended.is_none(), "Firefox has ended: {ended:?}");
        assert!(since.elapsed() < START, "Firefox does not start within {START:?}");
        std::thread::sleep(GLANCE);
    }
}

/// The next message: its length, a colon, JSON.
fn read(wire: &mut BufReader<TcpStream>) -> io::Result<Value> {
    let mut length = Vec::new();
    wire.read_until(b':', &mut length)?;
    let length = length.strip_suffix(b":").and_then(|digits| str::from_utf8(digits).ok());
    let length = length.and_then(|digits| digits.parse().ok());
    let mut message = vec![0; length.ok_or(io::ErrorKind::UnexpectedEof)?];
    wire.read_exact(&mut message)?;
    Ok(serde_json::from_slice(&message)?)
}
