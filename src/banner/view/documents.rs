//! What the pages about the policy are told: its versions, and what one of them changes.
//!
//! As everywhere in [`super`], these are words; whoever has the rules finds them.

use super::{Date, Language, Operator, Purpose};

/// A version of the policy that is announced, and what it changes.
#[derive(Debug, Clone)]
pub struct Coming<'a> {
    /// The day on which it comes into force, as its address has it: `2026-12-01`.
    pub version: String,
    /// The same day.
    pub in_force: Date,
    /// What the operator says of it, if anything.
    pub summary: Option<&'a str>,
    /// The purposes whose terms change.
    pub changes: Vec<Change<'a>>,
    /// Whether consent is asked for anew because of that.
    pub asks_again: bool,
}

/// A purpose whose terms change.
#[derive(Debug, Clone)]
pub struct Change<'a> {
    /// Its title in the new version.
    pub title: &'a str,
    /// Its clause in the new version.
    pub section: &'a str,
    /// What of its terms changes.
    pub parts: Vec<Changed<'a>>,
}

/// One part of a purpose's terms that changes.
#[derive(Debug, Clone)]
pub struct Changed<'a> {
    /// Which, from [`PartWords`](crate::banner::texts::PartWords).
    pub what: &'a str,
    /// What it is until then.
    pub before: String,
    /// What it is from then on.
    pub after: String,
}

/// How a version stands today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// In force since a day.
    InForce(Date),
    /// Announced on a day, in force from another on.
    Announced {
        /// When it was announced.
        announced: Date,
        /// When it comes into force.
        in_force: Date,
    },
    /// In force from one day until another.
    Past {
        /// Its first day.
        from: Date,
        /// The first day on which it was no longer in force.
        until: Date,
    },
}

/// A version in the list of all that are public.
#[derive(Debug, Clone)]
pub struct Version {
    /// The day on which it comes into force, as its address has it.
    pub version: String,
    /// How it stands.
    pub standing: Standing,
    /// Whether it is the one that is shown.
    pub is_shown: bool,
}

/// The page of one version, `/.consent/policy`.
#[derive(Debug, Clone)]
pub struct PolicyPage<'a> {
    /// Its own address, without its query.
    pub path: &'a str,
    /// Who processes the data.
    pub operator: Operator<'a>,
    /// How the version stands.
    pub standing: Standing,
    /// What it changes of the one before it, unless it is the first.
    pub changes: Option<&'a Coming<'a>>,
    /// Where its full text stands, if that is known.
    pub document: Option<&'a str>,
    /// All purposes, in the policy's order.
    pub purposes: &'a [Purpose<'a>],
    /// All versions that were announced, the newest first.
    pub versions: &'a [Version],
    /// Every language served, the current one included.
    pub languages: &'a [Language<'a>],
}
