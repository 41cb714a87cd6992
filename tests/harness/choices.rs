//! Choices made by a program that takes JSON, against the gateway as a process.
//!
//! Cookies are held by the test: it decides which copy is sent again, and when.

use super::message::Message;
use super::program::{Gateway, ask};

/// The form that agrees.
pub(crate) const AGREE: &str = "choice=agree-all";
/// The form that refuses, and takes back.
pub(crate) const DECLINE: &str = "choice=decline-all";

/// Sends a choice as a program does, and returns the receipt.
pub(crate) fn choose(gateway: &Gateway, form: &str, cookie: &str) -> Message {
    let request = format!(
        "POST /.consent/choices HTTP/1.1\r\nHost: send-box.com\r\nAccept: application/json\r\n\
         Cookie: {cookie}\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    ask(gateway.plain, &request)
}

/// The consent cookie that an answer sets, as it is sent back.
pub(crate) fn cookie(answer: &Message) -> String {
    let line = answer.values("set-cookie").next().expect("a consent cookie");
    let line = String::from_utf8(line.to_vec()).expect("it is text");
    line.split(';').next().expect("a cookie begins with its value").to_owned()
}

/// Asks for a page.
pub(crate) fn get(to: std::net::SocketAddr, path: &str, cookie: &str) -> Message {
    ask(to, &format!("GET {path} HTTP/1.1\r\nHost: send-box.com\r\nCookie: {cookie}\r\n\r\n"))
}

/// A body's text.
pub(crate) fn text(message: &Message) -> String {
    String::from_utf8_lossy(&message.body).into_owned()
}

/// The verdict on 4.3 that a visitor with this cookie is told.
pub(crate) fn analytics(gateway: &Gateway, cookie: &str) -> String {
    let state = text(&get(gateway.plain, "/.consent/state", cookie));
    let state: serde_json::Value = serde_json::from_str(&state).expect("the state is JSON");
    let analytics = &state["analytics"];
    match analytics["reason"].as_str() {
        Some(reason) => reason.to_owned(),
        None => analytics["verdict"].as_str().expect("a verdict").to_owned(),
    }
}
