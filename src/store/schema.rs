//! The tables of the record, and how an older file becomes one of today's.
//!
//! Version 1 knew neither who attested a choice nor the statement that it was made under: its events have
//! neither, and their links of the chain are those of `entry v1`. It kept the ids that were withdrawn;
//! since version 2 a digest of each is kept, [`Trace`].
//!
//! A file is brought up in one transaction with whatever comes next, so it is of one version at any time.
//! There is no way back: a gateway that knows only version 1 refuses the file.
//!
//! What is read and written is in [`super::sqlite`] and [`super::rows`].

use data_encoding::HEXLOWER;
use rusqlite::{Connection, Transaction, params};

use super::exemption;
use super::sqlite::{refusal, seconds};
use crate::policy::VisitorId;
use crate::superseded::Trace;
use crate::time::{DAY_SECONDS, Time};

/// The version of the schema, kept in the file.
const VERSION: i64 = 2;

/// `ended` has no order of its own: it would tell which event ended which id.
const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS event (
    seq     INTEGER PRIMARY KEY,
    record  TEXT NOT NULL UNIQUE,
    at      TEXT NOT NULL,
    policy  TEXT NOT NULL,
    shown   TEXT NOT NULL,
    locale  TEXT NOT NULL,
    way     TEXT NOT NULL,
    signal  TEXT NOT NULL,
    commitment BLOB NOT NULL,
    link    BLOB NOT NULL,
    attestation TEXT,
    statement TEXT
);
CREATE TABLE IF NOT EXISTS choice (
    seq     INTEGER NOT NULL REFERENCES event (seq),
    purpose TEXT NOT NULL,
    state   TEXT NOT NULL,
    terms   TEXT NOT NULL,
    until   TEXT NOT NULL,
    PRIMARY KEY (seq, purpose)
);
CREATE TABLE IF NOT EXISTS personal (
    seq     INTEGER PRIMARY KEY REFERENCES event (seq),
    visitor TEXT NOT NULL,
    salt    BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS personal_visitor ON personal (visitor);
CREATE TABLE IF NOT EXISTS ended (
    trace   TEXT PRIMARY KEY,
    until   BIGINT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sealed_with (
    fingerprint TEXT PRIMARY KEY
);
CREATE TABLE IF NOT EXISTS archive (
    digest  TEXT PRIMARY KEY,
    kind    TEXT NOT NULL,
    content TEXT NOT NULL
);
";

/// What version 2 adds to a file of version 1.
const SINCE_1: &str = "
ALTER TABLE event ADD COLUMN attestation TEXT;
ALTER TABLE event ADD COLUMN statement TEXT;
";

/// Makes the tables, or brings those of an older file up to date.
pub(super) fn bring_up(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version > VERSION {
        // A newer gateway wrote this file: guessing at it could lose a withdrawal.
        return Err(refusal(&format!("schema version {version} is newer than {VERSION}")));
    }
    transaction.execute_batch(SCHEMA)?;
    transaction.execute_batch(exemption::SCHEMA)?;
    if version == 1 {
        transaction.execute_batch(SINCE_1)?;
        let mut ended = transaction.prepare("SELECT visitor, until FROM superseded")?;
        let mut rows = ended.query([])?;
        while let Some(row) = rows.next()? {
            let (visitor, until): (String, i64) = (row.get(0)?, row.get(1)?);
            let id = u128::from_str_radix(&visitor, 16)
                .map_err(|_| refusal("a withdrawn id cannot be read"))?;
            let until = Time(u64::try_from(until).unwrap_or(0));
            end(transaction, Trace::from(VisitorId(id)), until)?;
        }
        drop(rows);
        drop(ended);
        transaction.execute_batch("DROP TABLE superseded")?;
    }
    transaction.pragma_update(None, "user_version", VERSION)
}

/// Keeps that an id no longer counts: to the end of the day, as the second would tell which event it was.
pub(super) fn end(to: &Connection, trace: Trace, until: Time) -> rusqlite::Result<()> {
    let until = until.plus_seconds(DAY_SECONDS).day().start();
    to.prepare_cached(
        "INSERT INTO ended (trace, until) VALUES (?1, ?2)
         ON CONFLICT (trace) DO UPDATE SET until = max(until, excluded.until)",
    )?
    .execute(params![HEXLOWER.encode(&trace.0), seconds(until)])?;
    Ok(())
}
