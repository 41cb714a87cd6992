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
pub struct Observation {
    /// When.
    pub time: Personal<AccessTime>,
    /// Which page.
    pub page: Personal<PageAddress>,
    /// By which browser.
    pub agent: Personal<Agent>,
    /// From where.
    pub address: Personal<ClientAddress>,
    /// What was answered.
    pub status: u16,
    /// Whether a visitor went to a document, rather than a page loading its parts.
    pub document: bool,
}

/// A line of one log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The log.
    pub purpose: Purpose,
    /// The moment, by whose day the file is named.
    pub time: Time,
    /// The JSON text, without a line end.
    pub json: String,
}

#[derive(Serialize)]
struct Fields<'a> {
    time: String,
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

/// The line that a purpose's log gets of a request, if that log exists and its permit opens
/// the time, without which a line could not be deleted in time.
pub fn line(permit: &Permit, seen: &Observation) -> Option<Line> {
    let purpose = permit.purpose();
    let AccessTime(time) = *seen.time.open(permit)?;
    let page = seen.page.open(permit).map(PageAddress::path);
    let agent = seen.agent.open(permit);
    let fields = match purpose {
        Purpose::Operation => Fields {
            time: time.to_string(),
            address: None,
            agent: None,
            page,
            status: Some(seen.status),
            browser: agent.map(Agent::family),
        },
        Purpose::Analytics if seen.document => Fields {
            time: time.to_the_minute().to_string(),
            address: None,
            agent: None,
            page,
            status: None,
            browser: agent.map(Agent::family),
        },
        Purpose::Security => Fields {
            time: time.to_string(),
            address: seen.address.open(permit).map(|address| address.0),
            agent: agent.map(Agent::text),
            page: None,
            status: None,
            browser: None,
        },
        _ => return None,
    };
    let json = serde_json::to_string(&fields).expect("strings and numbers are JSON");
    Some(Line { purpose, time, json })
}
