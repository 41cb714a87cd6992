//! The embedded store: one SQLite file.
//!
//! Write-ahead log, `synchronous = FULL`: a commit returns when the data are on the disk.
//! Public and personal columns lie in different tables from the first schema on, so that
//! forgetting a person is deleting rows of one table.
//!
//! The statements keep to a subset that PostgreSQL takes too.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use data_encoding::HEXLOWER;
use rusqlite::{
    Connection, OpenFlags, OptionalExtension, Transaction, TransactionBehavior, params,
};

use super::Archived;
use super::entry::{Entry, commitment};
use super::exemption::{self, Exemption};
use super::schema;
use crate::policy::VisitorId;
use crate::superseded::Trace;
use crate::time::{Day, Time};

/// How long a write waits for whoever else has the file locked: a visitor waits with it.
const BUSY: Duration = Duration::from_secs(1);

/// An open store.
pub(super) struct Sqlite {
    connection: Connection,
    last_link: Vec<u8>,
}

impl Sqlite {
    /// Makes an empty file, for the operator's own account alone (policy 8.1).
    pub(super) fn make(path: &Path) -> std::io::Result<()> {
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map(drop)
    }

    /// Opens the file, and archives what digests of the record will refer to. A file that is
    /// not there is not made: it was there once, and with it went what it knew. One that knows
    /// none of `keys` is another's, unless it is to be made theirs.
    pub(super) fn open(
        path: &Path,
        archive: &[Archived],
        keys: &[String],
        adopt: bool,
    ) -> rusqlite::Result<Sqlite> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        // A row that was deleted leaves no readable bytes in the file (policy 3.11).
        connection.pragma_update(None, "secure_delete", true)?;
        let transaction = begin(&mut connection)?;
        schema::bring_up(&transaction)?;
        let print = fingerprint(&transaction)?;
        if !(adopt || print.is_some_and(|print| keys.contains(&print))) {
            return Err(refusal("it is the record of other keys"));
        }
        transaction.execute("DELETE FROM sealed_with", [])?;
        transaction.execute("INSERT INTO sealed_with (fingerprint) VALUES (?1)", [keys.last()])?;
        for Archived { digest, kind, content } in archive {
            transaction.execute(
                "INSERT INTO archive (digest, kind, content) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                params![HEXLOWER.encode(digest), kind, content],
            )?;
        }
        transaction.commit()?;
        let last_link = connection
            .query_row("SELECT link FROM event ORDER BY seq DESC LIMIT 1", [], |row| row.get(0))
            .optional()?
            .unwrap_or_default();
        Ok(Sqlite { connection, last_link })
    }

    /// The ids whose agreements were ended and would still count.
    pub(super) fn superseded(&self, now: Time) -> rusqlite::Result<Vec<(Trace, Time)>> {
        let mut query =
            self.connection.prepare("SELECT trace, until FROM ended WHERE until > ?1")?;
        let rows = query.query_map([seconds(now)], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))
        })?;
        let mut ids = Vec::new();
        for row in rows {
            let (trace, until) = row?;
            let trace =
                HEXLOWER.decode(trace.as_bytes()).ok().and_then(|trace| trace.try_into().ok());
            let trace = trace.ok_or_else(|| refusal("a withdrawn id cannot be read"))?;
            ids.push((Trace(trace), Time(u64::try_from(until).unwrap_or(0))));
        }
        Ok(ids)
    }

    /// Records which exemptions are in force; when this returns it is on the disk.
    pub(super) fn exempt(
        &mut self,
        exempt: &[Exemption],
        policy: Day,
        now: Time,
    ) -> rusqlite::Result<()> {
        let transaction = begin(&mut self.connection)?;
        let link = exemption::write(&transaction, exempt, policy, now, self.last_link.clone())?;
        transaction.commit()?;
        self.last_link = link;
        Ok(())
    }

    /// Writes entries in one transaction; when this returns they are on the disk.
    pub(super) fn write(&mut self, entries: &[Entry], now: Time) -> rusqlite::Result<()> {
        let transaction = begin(&mut self.connection)?;
        let mut link = self.last_link.clone();
        for entry in entries {
            link = write_entry(&transaction, entry, &link, Whom::Kept)?;
        }
        drop_ended(&transaction, now)?;
        transaction.commit()?;
        self.last_link = link;
        Ok(())
    }

    /// Writes that these visitors withdrew, destroys who they were in every event, and leaves nothing
    /// of it in the log that is written ahead. Returns how many events were theirs.
    pub(super) fn forget(
        &mut self,
        withdrawals: &[Entry],
        ids: &[VisitorId],
        now: Time,
    ) -> rusqlite::Result<usize> {
        let transaction = begin(&mut self.connection)?;
        let mut link = self.last_link.clone();
        let mut rows = 0;
        for id in ids {
            let visitor = hex(*id);
            rows += transaction.execute("DELETE FROM personal WHERE visitor = ?1", [visitor])?;
        }
        for entry in withdrawals {
            link = write_entry(&transaction, entry, &link, Whom::Destroyed)?;
        }
        drop_ended(&transaction, now)?;
        transaction.commit()?;
        self.last_link = link;
        // What was deleted stands in the log until it is carried over and cut off.
        let truncated = "PRAGMA wal_checkpoint(TRUNCATE)";
        match self.connection.query_row(truncated, [], |row| row.get::<_, i64>(0))? {
            0 => Ok(rows),
            _ => {
                Err(refusal("somebody reads the record, so the log ahead of it cannot be cut off"))
            }
        }
    }

    /// For questions to the record.
    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }
}

/// What becomes of who chose.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whom {
    /// It is kept beside the event.
    Kept,
    /// It is never written: the event says only that it was somebody's.
    Destroyed,
}

fn drop_ended(transaction: &Transaction<'_>, now: Time) -> rusqlite::Result<()> {
    transaction.prepare_cached("DELETE FROM ended WHERE until <= ?1")?.execute([seconds(now)])?;
    Ok(())
}

fn write_entry(
    to: &Connection,
    entry: &Entry,
    previous: &[u8],
    whom: Whom,
) -> rusqlite::Result<Vec<u8>> {
    let mut salt = [0; 16];
    let mut committed = Vec::new();
    if let Some(visitor) = entry.visitor {
        getrandom::fill(&mut salt).map_err(|error| {
            rusqlite::Error::ToSqlConversionFailure(Box::new(std::io::Error::from(error)))
        })?;
        committed = commitment(&salt, visitor).to_vec();
    }
    let link = entry.link(previous, &committed).to_vec();
    let mut insert = to.prepare_cached(
        "INSERT INTO event (record, at, policy, shown, locale, way, signal, commitment, link,
                            attestation, statement)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
         ON CONFLICT (record) DO NOTHING",
    )?;
    let inserted = insert.execute(params![
        entry.record.to_string(),
        entry.at.to_string(),
        entry.policy.to_string(),
        HEXLOWER.encode(&entry.shown.0),
        entry.locale,
        entry.way.name(),
        format!("{:?}", entry.signal).to_lowercase(),
        committed,
        link,
        entry.attestation.name(),
        HEXLOWER.encode(&entry.statement.0),
    ])?;
    if inserted == 0 {
        // It was written after all, when an error was reported.
        return Ok(previous.to_vec());
    }
    let seq = to.last_insert_rowid();
    for (purpose, choice) in entry.choices.iter() {
        let mark = choice.mark();
        to.prepare_cached(
            "INSERT INTO choice (seq, purpose, state, terms, until) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            seq,
            purpose.name(),
            choice.name(),
            mark.terms.to_string(),
            mark.until.to_string()
        ])?;
    }
    if let Some(visitor) = entry.visitor.filter(|_| whom == Whom::Kept) {
        to.prepare_cached("INSERT INTO personal (seq, visitor, salt) VALUES (?1, ?2, ?3)")?
            .execute(params![seq, hex(visitor), salt])?;
    }
    if let Some((visitor, until)) = entry.supersedes {
        schema::end(to, Trace::from(visitor), until)?;
    }
    Ok(link)
}

/// Takes the file for writing at once: one that reads first and writes later fails without
/// waiting where another writes.
fn begin(connection: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
    connection.transaction_with_behavior(TransactionBehavior::Immediate)
}

pub(super) fn refusal(why: &str) -> rusqlite::Error {
    let error = std::io::Error::other(why.to_owned());
    rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Null, Box::new(error))
}

/// The fingerprint of the key whose cookies the record at `path` can check; none where there
/// is no record, or an empty one.
pub(super) fn sealed_with(path: &Path) -> rusqlite::Result<Option<String>> {
    if !path.exists() {
        return Ok(None);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    let count = "SELECT count(*) FROM sqlite_master WHERE name = 'sealed_with'";
    match connection.query_row(count, [], |row| row.get::<_, i64>(0))? {
        0 => Ok(None),
        _ => fingerprint(&connection),
    }
}

fn fingerprint(connection: &Connection) -> rusqlite::Result<Option<String>> {
    connection.query_row("SELECT fingerprint FROM sealed_with", [], |row| row.get(0)).optional()
}

pub(super) fn hex(visitor: VisitorId) -> String {
    format!("{:032x}", visitor.0)
}

pub(super) fn seconds(time: Time) -> i64 {
    i64::try_from(time.0).unwrap_or(i64::MAX)
}
