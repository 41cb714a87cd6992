//! What was withheld in one response, or would have been: of whom, and what. And what passed there because
//! rules and lists that name it only report.
//!
//! A count without anybody in it: vendors and kinds, no addresses, no names of cookies.
//!
//! Who sums it up over all responses is `observe`.

use std::fmt;
use std::ops::{Deref, DerefMut};

use serde::{Deserialize, Serialize};

use super::fate::Whose;
use crate::rules::Use;

/// What kind of thing was withheld.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A script that is loaded.
    Script,
    /// A script that stands in the page.
    Inline,
    /// A picture or pixel.
    Image,
    /// A frame, or what is embedded like one.
    Frame,
    /// A hint to connect or load ahead, in the page or ahead of it.
    Hint,
    /// Where a page or an answer leads on by itself.
    Refresh,
    /// Who is told when a link is followed.
    Beacon,
    /// What the site itself serves of a vendor.
    Own,
    /// A cookie on its way to the site.
    Cookie,
    /// A cookie on its way to the browser.
    SetCookie,
}

impl Kind {
    /// All of them, in the order of their declaration.
    pub const ALL: [Kind; 10] = [
        Kind::Script,
        Kind::Inline,
        Kind::Image,
        Kind::Frame,
        Kind::Hint,
        Kind::Refresh,
        Kind::Beacon,
        Kind::Own,
        Kind::Cookie,
        Kind::SetCookie,
    ];

    /// What an address that is used so belongs to.
    pub(super) fn of(used: Use) -> Kind {
        match used {
            Use::Script => Kind::Script,
            Use::Image => Kind::Image,
            Use::Frame => Kind::Frame,
            Use::Link => Kind::Hint,
        }
    }

    /// The name in counters and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Script => "script",
            Kind::Inline => "inline",
            Kind::Image => "image",
            Kind::Frame => "frame",
            Kind::Hint => "hint",
            Kind::Refresh => "refresh",
            Kind::Beacon => "beacon",
            Kind::Own => "own",
            Kind::Cookie => "cookie",
            Kind::SetCookie => "set-cookie",
        }
    }
}

/// Counts by vendor and kind. Few pages hold more than a handful.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    withheld: Vec<(Whose, Kind, u64)>,
    reported: Vec<(Whose, Kind, u64)>,
    states: u64,
}

impl Tally {
    /// A tally of one.
    pub(super) fn of(whose: Whose, kind: Kind) -> Tally {
        let mut tally = Tally::default();
        tally.add(whose, kind);
        tally
    }

    /// Adds one.
    pub fn add(&mut self, whose: Whose, kind: Kind) {
        self.add_many(whose, kind, 1);
    }

    /// Adds all of another.
    pub fn add_all(&mut self, other: &Tally) {
        for (whose, kind, count) in other.iter() {
            self.add_many(whose, kind, count);
        }
        self.add_reports(other);
        self.states += other.states;
    }

    /// Adds what another tells that was only reported.
    pub(super) fn add_reports(&mut self, other: &Tally) {
        for (whose, kind, count) in other.reported() {
            add(&mut self.reported, whose, kind, count);
        }
    }

    /// Adds what a rule or a list names that only reports.
    pub(super) fn report(&mut self, whose: Whose, kind: Kind) {
        add(&mut self.reported, whose, kind, 1);
    }

    /// Adds a script that holds a tag in a framework's state, and stays as it is.
    pub fn add_state(&mut self) {
        self.states += 1;
    }

    /// How many scripts hold a tag in a framework's state, and stay as they are.
    pub fn states(&self) -> u64 {
        self.states
    }

    /// What was withheld.
    pub fn iter(&self) -> impl Iterator<Item = (Whose, Kind, u64)> {
        self.withheld.iter().copied()
    }

    /// What rules and lists name that only report, and passed.
    pub fn reported(&self) -> impl Iterator<Item = (Whose, Kind, u64)> {
        self.reported.iter().copied()
    }

    /// How much was withheld, all in all.
    pub fn total(&self) -> u64 {
        self.withheld.iter().map(|(_, _, count)| count).sum()
    }

    fn add_many(&mut self, whose: Whose, kind: Kind, more: u64) {
        add(&mut self.withheld, whose, kind, more);
    }
}

fn add(counts: &mut Vec<(Whose, Kind, u64)>, whose: Whose, kind: Kind, more: u64) {
    match counts.iter_mut().find(|(w, k, _)| (*w, *k) == (whose, kind)) {
        Some((_, _, count)) => *count += more,
        None => counts.push((whose, kind, more)),
    }
}

/// A tally that is handed in when its page is done with, however that ends.
pub(super) struct Account {
    tally: Tally,
    to: Option<Box<Asker>>,
}

/// Who is told of a tally.
type Asker = dyn Fn(&Tally) + Send + Sync;

impl Account {
    /// An account that nobody asks for.
    pub(super) fn new() -> Account {
        Account { tally: Tally::default(), to: None }
    }

    /// Hands it in to `to`, at last.
    pub(super) fn hand_in(&mut self, to: impl Fn(&Tally) + Send + Sync + 'static) {
        self.to = Some(Box::new(to));
    }
}

impl Deref for Account {
    type Target = Tally;

    fn deref(&self) -> &Tally {
        &self.tally
    }
}

impl DerefMut for Account {
    fn deref_mut(&mut self) -> &mut Tally {
        &mut self.tally
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tally.fmt(f)
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        if let Some(to) = &self.to {
            to(&self.tally);
        }
    }
}
