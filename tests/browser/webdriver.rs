//! A client for chromedriver: WebDriver is JSON over HTTP, and hyper is here anyway.
//!
//! The client crates for it bring in some hundred others; the tests need a dozen commands.
//!
//! Each client starts a chromedriver of its own, on a port of its own, and ends session and process
//! when it is dropped, failed tests included: no browser is left behind.
//!
//! What a visitor does with these commands is in [`super::visitor`].

use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::{
    fmt,
    io::{BufRead, BufReader},
    net::Ipv4Addr,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};
use tokio::{net::TcpStream, runtime::Runtime};

/// The longest that a single command may take; loading a page is one of them.
const COMMAND: Duration = Duration::from_secs(30);

/// The commands of one browser session.
pub(crate) struct WebDriver {
    process: Child,
    port: u16,
    /// `/session/<id>`: what every command's path begins with.
    session: String,
    runtime: Runtime,
}

/// What a browser could not do: its error code, such as `no such element`, and its explanation.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) error: String,
    message: String,
}

impl Refusal {
    pub(super) fn new(error: &str, message: &str) -> Self {
        Self { error: error.to_owned(), message: message.to_owned() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.error, self.message)
    }
}

/// How often chromedriver is started before that is a failure.
const STARTS_MAX: usize = 5;

impl WebDriver {
    /// Starts chromedriver, and through it a browser with these capabilities. Whatever the two
    /// write, they write into `folder`.
    pub(crate) fn start(folder: &Path, capabilities: &Value) -> Self {
        // It takes a port that is free on one family of addresses and ends if the other has given
        // it away, as happens where many tests ask for ports at once.
        let (process, port) = (0..STARTS_MAX)
            .find_map(|_| {
                let mut process = spawn(folder);
                let port = port(&mut process);
                if port.is_none() {
                    let _ = process.wait();
                }
                Some((process, port?))
            })
            .expect("chromedriver finds a port");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime starts");
        let mut driver = Self { process, port, session: String::new(), runtime };
        let wanted = json!({ "capabilities": { "alwaysMatch": capabilities } });
        let session = driver.command(&Method::POST, "/session", &wanted);
        let session =
            session.unwrap_or_else(|refusal| panic!("Chromium does not start: {refusal}"));
        driver.session =
            format!("/session/{}", session["sessionId"].as_str().expect("a session has an id"));
        driver
    }

    /// A command of WebDriver, the session's own path left out; `arguments` are nothing but for `POST`.
    pub(crate) fn command(
        &self,
        method: &Method,
        command: &str,
        arguments: &Value,
    ) -> Result<Value, Refusal> {
        let path = [self.session.as_str(), command].concat();
        let body = if arguments.is_null() { String::new() } else { arguments.to_string() };
        let exchange =
            async { tokio::time::timeout(COMMAND, exchange(self.port, method, &path, body)).await };
        let failed = |message: String| Refusal::new(&format!("{method} {path}"), &message);
        let answer = match self.runtime.block_on(exchange) {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(failed(error.to_string())),
            Err(_) => return Err(failed(format!("no answer within {COMMAND:?}"))),
        };
        let mut answer: Value =
            serde_json::from_slice(&answer).map_err(|error| failed(error.to_string()))?;
        let value = answer["value"].take();
        match value["error"].as_str() {
            None => Ok(value),
            Some(error) => Err(Refusal::new(error, value["message"].as_str().unwrap_or_default())),
        }
    }
}

impl Drop for WebDriver {
    fn drop(&mut self) {
        // Ending the session ends the browser; only then is chromedriver no longer needed.
        let _ = self.command(&Method::DELETE, "", &Value::Null);
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn spawn(folder: &Path) -> Child {
    let spawned = Command::new("/usr/bin/chromedriver")
        .arg("--port=0")
        .env("TMPDIR", folder)
        .stdout(Stdio::piped())
        .spawn();
    spawned.unwrap_or_else(|error| {
        panic!("/usr/bin/chromedriver does not start ({error}): run `tests/run`, which installs it")
    })
}

/// The port that chromedriver has chosen, which it says in its greeting; nothing if it has ended.
fn port(process: &mut Child) -> Option<u16> {
    let greeting = BufReader::new(process.stdout.take().expect("the output is piped"));
    let mut lines = greeting.lines().map_while(Result::ok);
    let port = lines.find_map(|line| {
        line.split_once("started successfully on port ")?.1.trim_end_matches('.').parse().ok()
    });
    // What it says later is read and dropped, lest the pipe fill up and stop it.
    std::thread::spawn(move || lines.for_each(drop));
    port
}

async fn exchange(
    port: u16,
    method: &Method,
    path: &str,
    body: String,
) -> Result<Bytes, Box<dyn std::error::Error + Send + Sync>> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, format!("127.0.0.1:{port}"))
        .body(Full::new(Bytes::from(body)))?;
    let answer = async {
        let answer = sender.send_request(request).await?.into_body().collect().await?.to_bytes();
        drop(sender);
        Ok::<_, hyper::Error>(answer)
    };
    let (answer, _) = tokio::join!(answer, connection);
    Ok(answer?)
}
