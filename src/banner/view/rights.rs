//! What the pages of a visitor's rights are told.
//!
//! As in [`super`]: words, numbers and borrowed strings, every value legal.
//!
//! A code, a record's id and a row come from the visitor's own cookie, or from the record under it; nothing
//! here is anybody else's.
//!
//! The pages are [`crate::banner::rights`]'s.

use super::{Date, Language, Mark, Operator, Purpose, Recipient, State};

/// `/.consent/me`: all that is held about whoever asks.
#[derive(Debug, Clone)]
pub struct Me<'a> {
    /// Who processes the data.
    pub operator: Operator<'a>,
    /// All purposes, in the policy's order.
    pub purposes: &'a [Purpose<'a>],
    /// Every language served, the current one included.
    pub languages: &'a [Language<'a>],
    /// Proves that a form was made for this visitor.
    pub token: &'a str,
    /// The short code of their consent id, if they have one, or of the one that they had.
    pub code: Option<&'a str>,
    /// The record that they named.
    pub named: Named<'a>,
    /// What their cookie says; nothing where there is none.
    pub said: Vec<Said<'a>>,
    /// What the record holds under their id.
    pub record: Recorded<'a>,
    /// The logs that may hold lines about them.
    pub logs: &'a [Log<'a>],
}

/// A record that was named by its number, whose consent no longer counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named<'a> {
    /// None was.
    Nothing,
    /// There is none of this number, or its consent counts.
    Unknown,
    /// This one.
    Found(&'a str),
    /// The record cannot be read just now: this one may be there.
    Unread(&'a str),
}

impl<'a> Named<'a> {
    /// Its number, if it is there or may be.
    pub fn number(self) -> Option<&'a str> {
        match self {
            Named::Found(record) | Named::Unread(record) => Some(record),
            Named::Nothing | Named::Unknown => None,
        }
    }
}

/// A choice that the cookie holds.
#[derive(Debug, Clone, Copy)]
pub struct Said<'a> {
    /// The purpose in a few words.
    pub title: &'a str,
    /// Its clause.
    pub section: &'a str,
    /// Agreed, declined or withdrawn.
    pub state: State,
    /// From when until when.
    pub mark: Mark,
}

/// What the record holds.
#[derive(Debug, Clone)]
pub enum Recorded<'a> {
    /// There is no id that anything could stand under.
    Nobody,
    /// It cannot be read just now.
    Unreadable,
    /// These rows, the newest first, of so many.
    Rows(Vec<Row<'a>>, usize),
}

/// A row of the record.
#[derive(Debug, Clone)]
pub struct Row<'a> {
    /// Its id.
    pub record: &'a str,
    /// The day.
    pub day: Option<Date>,
    /// The time of day, `10:00`, in UTC.
    pub time: &'a str,
    /// What was chosen: the purpose's title, and the state.
    pub choices: Vec<(&'a str, State)>,
    /// In which way.
    pub way: &'a str,
    /// Whether a person attested it, by the record's word.
    pub attestation: Option<&'a str>,
}

/// A log that the gateway writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Log<'a> {
    /// What stands in it.
    pub kind: LogKind,
    /// The clause.
    pub section: &'a str,
    /// For how many days it is kept; `None`: until the purpose is met.
    pub keep_days: Option<u32>,
    /// Whether it rests on consent: then it ends with it.
    pub by_consent: bool,
}

/// What stands in a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogKind {
    /// 4.2: time, own page, status, browser family.
    Operation,
    /// 4.3: minute, own page, browser family.
    Analytics,
    /// 4.7: time, address, agent.
    Security,
}

/// What followed from a withdrawal, or from being forgotten.
#[derive(Debug, Clone)]
pub struct Outcome<'a> {
    /// The purposes that have stopped: title and clause.
    pub stopped: Vec<(&'a str, &'a str)>,
    /// Who received data for them, and holds what they received until now.
    pub recipients: Vec<Recipient<'a>>,
    /// How many rows of the record no longer say whose they are; `None`: they were only withdrawn.
    pub forgotten: Option<usize>,
    /// The logs that rest on another basis.
    pub logs: &'a [Log<'a>],
}

/// The page that says that a visitor is forgotten.
#[derive(Debug, Clone)]
pub struct Forgotten<'a> {
    /// What followed.
    pub outcome: Outcome<'a>,
    /// Who processes the data.
    pub operator: Operator<'a>,
    /// The keys in the browser's storage that nobody may keep any more, with spaces between.
    pub forget: &'a str,
}
