//! What each log holds: the least that its purpose needs (policy 5.1).
//!
//! A line is made by opening data with the purpose's permit, and holds nothing that the
//! permit did not open. No line has a request id, an external referrer or a query.
//!
//! | log | fields |
//! |---|---|
//! | 4.2 operation | time, own page, status, browser family |
//! | 4.3 analytics | time to the minute, own page, browser family; documents only |
//! | 4.7 security | time, address, agent |

use std::io::Write as _;

use super::datum::{AccessTime, Agent, ClientAddress, PageAddress};
use crate::policy::{Permit, Personal, Purpose};
use crate::time::Time;

/// What can be observed of one request, under lock.
#[derive(Clone, Debug)]
pub struct Observation<'a> {
    /// When.
    pub time: Personal<AccessTime>,
    /// Which page.
    pub page: Personal<PageAddress<'a>>,
    /// By which browser.
    pub agent: Personal<Agent<'a>>,
    /// From where.
    pub address: Personal<ClientAddress>,
    /// What was answered.
    pub status: u16,
    /// Whether a visitor went to a document, rather than a page loading its parts.
    pub document: bool,
}

/// How moments are written; the last ones are remembered, as many lines are of one second.
#[derive(Debug, Default)]
pub(super) struct Stamps {
    of_second: Option<(Time, String)>,
    of_minute: Option<(Time, String)>,
}

impl Stamps {
    fn second(&mut self, time: Time) -> &str {
        written(&mut self.of_second, time)
    }

    fn minute(&mut self, time: Time) -> &str {
        written(&mut self.of_minute, time.to_the_minute())
    }
}

fn written(last: &mut Option<(Time, String)>, time: Time) -> &str {
    if !matches!(last, Some((of, _)) if *of == time) {
        *last = None;
    }
    &last.get_or_insert_with(|| (time, time.to_string())).1
}

/// When a line would be of, that a purpose's log gets of a request: none if there is no such log, or its
/// permit does not open the time, without which a line could not be deleted in time.
pub(super) fn time(permit: Permit, seen: &Observation<'_>) -> Option<Time> {
    let logged = match permit.purpose() {
        Purpose::Operation | Purpose::Security => true,
        Purpose::Analytics => seen.document,
        _ => false,
    };
    seen.time.open(&permit).filter(|_| logged).map(|AccessTime(time)| *time)
}

/// Writes the line of this time: JSON and a line's end.
pub(super) fn write(
    permit: Permit,
    seen: &Observation<'_>,
    time: Time,
    stamps: &mut Stamps,
    into: &mut Vec<u8>,
) {
    let page = seen.page.open(&permit).map(PageAddress::path);
    let agent = seen.agent.open(&permit);
    let family = agent.map(Agent::family);
    match permit.purpose() {
        Purpose::Operation => {
            text(into, "{\"time\":", Some(stamps.second(time)));
            text(into, ",\"page\":", page);
            into.extend_from_slice(b",\"status\":");
            into.extend_from_slice(&status(seen.status));
            text(into, ",\"browser\":", family);
        }
        Purpose::Analytics => {
            text(into, "{\"time\":", Some(stamps.minute(time)));
            text(into, ",\"page\":", page);
            text(into, ",\"browser\":", family);
        }
        Purpose::Security => {
            text(into, "{\"time\":", Some(stamps.second(time)));
            if let Some(ClientAddress(address)) = seen.address.open(&permit) {
                write!(into, ",\"address\":\"{address}\"").expect("memory takes all");
            }
            text(into, ",\"agent\":", agent.map(Agent::text));
        }
        _ => return,
    }
    into.extend_from_slice(b"}\n");
}

/// The digits of a status, which are three (RFC 9110 §15).
fn status(status: u16) -> [u8; 3] {
    [status / 100, status / 10, status].map(|digits| b'0' + (digits % 10) as u8)
}

/// Writes a member of a JSON object, after what stands before its value; nothing where there is none.
fn text(into: &mut Vec<u8>, before: &str, value: Option<&str>) {
    let Some(value) = value else { return };
    into.extend_from_slice(before.as_bytes());
    // Most need no escape, and all of them are looked at together.
    let escaped = |byte: &u8| *byte < b' ' || matches!(byte, b'"' | b'\\');
    if value.as_bytes().iter().fold(false, |found, byte| found | escaped(byte)) {
        serde_json::to_writer(into, value).expect("a string is JSON");
        return;
    }
    into.push(b'"');
    into.extend_from_slice(value.as_bytes());
    into.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_an_escape_has_one() {
        let written = |value: &str| {
            let mut into = Vec::new();
            text(&mut into, "", Some(value));
            String::from_utf8(into).unwrap()
        };
        for value in ["", "a", "қа зақ", "\"", "a\\b", "\n", "\u{1}", "\u{7f}"] {
            assert_eq!(written(value), serde_json::to_string(value).unwrap());
        }
        assert_eq!([status(99), status(200), status(451)], [*b"099", *b"200", *b"451"]);
    }
}
