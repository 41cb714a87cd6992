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

use std::net::IpAddr;

use serde::Serialize;

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

#[derive(Serialize)]
struct Fields<'a> {
    time: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    browser: Option<&'static str>,
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
    let nothing =
        Fields { time: "", address: None, agent: None, page: None, status: None, browser: None };
    let fields = match permit.purpose() {
        Purpose::Operation => Fields {
            time: stamps.second(time),
            page,
            status: Some(seen.status),
            browser: agent.map(Agent::family),
            ..nothing
        },
        Purpose::Analytics => {
            Fields { time: stamps.minute(time), page, browser: agent.map(Agent::family), ..nothing }
        }
        Purpose::Security => Fields {
            time: stamps.second(time),
            address: seen.address.open(&permit).map(|address| address.0),
            agent: agent.map(Agent::text),
            ..nothing
        },
        _ => return,
    };
    serde_json::to_writer(&mut *into, &fields).expect("strings and numbers are JSON");
    into.push(b'\n');
}
