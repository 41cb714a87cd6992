//! What the record holds of a visitor, and one event with the statement that it was made under.
//!
//! These are the questions that a person may ask about themselves (policy 7.4). They are asked of the
//! store's thread, few at a time, and never while a page waits for its verdicts.
//!
//! Rows are given in the record's own words: an older gateway may have used others than today's.
//!
//! Who asks, and what they are shown, is `subject`'s.

use data_encoding::HEXLOWER;
use rusqlite::{OptionalExtension, Row as Found};
use uuid::Uuid;

use super::entry::Entry;
use super::sqlite::{Sqlite, hex};
use crate::policy::VisitorId;

/// How many events of one visitor are told; the newest.
pub const ROWS_MAX: u16 = 100;

/// An event as it stands in the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The record's id.
    pub record: String,
    /// When.
    pub at: String,
    /// The policy version then in force, by its day.
    pub policy: String,
    /// The digest of the wording and the code that were shown.
    pub shown: String,
    /// The language.
    pub locale: String,
    /// The way, by [`super::Way::name`].
    pub way: String,
    /// What the browser signalled: `silent` or `refuses`.
    pub signal: String,
    /// Who attests that a person chose; nothing is known of events before version 2 of the schema.
    pub attestation: Option<String>,
    /// The digest of the statement that the choice was made under; likewise.
    pub statement: Option<String>,
    /// The choices after this event.
    pub choices: Vec<RowChoice>,
    /// Whose it is, if it is anybody's who is not forgotten.
    pub visitor: Option<VisitorId>,
}

/// A choice as it stands in the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowChoice {
    /// The purpose's name.
    pub purpose: String,
    /// `agreed`, `declined` or `withdrawn`.
    pub state: String,
    /// The digest of its terms.
    pub terms: String,
    /// Until when it counts.
    pub until: String,
}

/// What the record holds of somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// Their events, the newest first; at most [`ROWS_MAX`].
    pub rows: Vec<Row>,
    /// How many there are.
    pub count: usize,
}

impl From<&Entry> for Row {
    fn from(entry: &Entry) -> Row {
        let choices = entry.choices.iter().map(|(purpose, choice)| RowChoice {
            purpose: purpose.name().to_owned(),
            state: choice.name().to_owned(),
            terms: choice.mark().terms.to_string(),
            until: choice.mark().until.to_string(),
        });
        Row {
            record: entry.record.to_string(),
            at: entry.at.to_string(),
            policy: entry.policy.to_string(),
            shown: HEXLOWER.encode(&entry.shown.0),
            locale: entry.locale.clone(),
            way: entry.way.name().to_owned(),
            signal: format!("{:?}", entry.signal).to_lowercase(),
            attestation: Some(entry.attestation.name().to_owned()),
            statement: Some(HEXLOWER.encode(&entry.statement.0)),
            choices: choices.collect(),
            visitor: entry.visitor,
        }
    }
}

const COLUMNS: &str = "SELECT event.seq, record, at, policy, shown, locale, way, signal,
    attestation, statement, visitor FROM event LEFT JOIN personal ON personal.seq = event.seq";

/// The events of these visitors.
pub(super) fn of_visitors(record: &Sqlite, ids: &[VisitorId]) -> rusqlite::Result<Rows> {
    let mut found = Rows::default();
    for id in ids {
        let visitor = hex(*id);
        let mut query = record.connection().prepare_cached(&format!(
            "{COLUMNS} WHERE personal.visitor = ?1 ORDER BY personal.seq DESC LIMIT ?2"
        ))?;
        let rows = query.query_map(rusqlite::params![visitor, ROWS_MAX], row)?;
        for row in rows {
            found.rows.push(with_choices(record, row?)?);
        }
        let count = "SELECT count(*) FROM personal WHERE visitor = ?1";
        let mut count = record.connection().prepare_cached(count)?;
        let count: i64 = count.query_row([visitor], |row| row.get(0))?;
        found.count += usize::try_from(count).unwrap_or(0);
    }
    // Of several ids, the newest of all. Times are written so that they sort.
    found.rows.sort_by(|one, other| other.at.cmp(&one.at));
    found.rows.truncate(usize::from(ROWS_MAX));
    Ok(found)
}

/// One event, and the statement that it was made under.
pub(super) fn of_record(
    record: &Sqlite,
    id: Uuid,
) -> rusqlite::Result<Option<(Row, Option<String>)>> {
    let mut query = record.connection().prepare_cached(&format!("{COLUMNS} WHERE record = ?1"))?;
    let Some(found) = query.query_row([id.to_string()], row).optional()? else { return Ok(None) };
    let row = with_choices(record, found)?;
    let statement = "SELECT content FROM archive WHERE digest = ?1 AND kind = 'statement'";
    let mut statement = record.connection().prepare_cached(statement)?;
    let content = statement.query_row([&row.statement], |row| row.get(0)).optional()?;
    Ok(Some((row, content)))
}

fn row(found: &Found<'_>) -> rusqlite::Result<(i64, Row)> {
    let visitor: Option<String> = found.get(10)?;
    let row = Row {
        record: found.get(1)?,
        at: found.get(2)?,
        policy: found.get(3)?,
        shown: found.get(4)?,
        locale: found.get(5)?,
        way: found.get(6)?,
        signal: found.get(7)?,
        attestation: found.get(8)?,
        statement: found.get(9)?,
        choices: Vec::new(),
        visitor: visitor.and_then(|id| u128::from_str_radix(&id, 16).ok()).map(VisitorId),
    };
    Ok((found.get(0)?, row))
}

fn with_choices(record: &Sqlite, (seq, mut row): (i64, Row)) -> rusqlite::Result<Row> {
    let mut query = record.connection().prepare_cached(
        "SELECT purpose, state, terms, until FROM choice WHERE seq = ?1 ORDER BY purpose",
    )?;
    let choices = query.query_map([seq], |row| {
        Ok(RowChoice {
            purpose: row.get(0)?,
            state: row.get(1)?,
            terms: row.get(2)?,
            until: row.get(3)?,
        })
    })?;
    row.choices = choices.collect::<rusqlite::Result<_>>()?;
    Ok(row)
}
