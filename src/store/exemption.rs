//! Exemptions in the record: when pages stopped being gated, why, and when they were gated again.
//!
//! Whoever asks later which visitors were not protected finds it where the consents are: an event when an
//! exemption begins and one when it ends, links of the same chain.
//!
//! The record is told which exemptions are in force, and finds out by itself what has begun and ended: so
//! nothing is written twice, and what ended while no gateway ran is written when the next one starts.

use rusqlite::{Transaction, params};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::rules::Exempt;
use crate::time::{Day, Time};

/// The table beside that of events. Its rows are never changed.
pub(super) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS exemption (
    seq     INTEGER PRIMARY KEY REFERENCES event (seq),
    state   TEXT NOT NULL,
    path    TEXT NOT NULL,
    until   TEXT NOT NULL,
    reason  TEXT NOT NULL
);
";

/// Pages that are not gated, as the record knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exemption {
    /// The path.
    pub path: String,
    /// The first day on which they are gated again.
    pub until: String,
    /// Why.
    pub reason: String,
}

impl From<&Exempt> for Exemption {
    fn from(exempt: &Exempt) -> Exemption {
        let Exempt { path, until, reason, .. } = exempt;
        Exemption { path: path.clone(), until: until.to_string(), reason: reason.clone() }
    }
}

/// Those that have begun and not ended.
fn open(transaction: &Transaction<'_>) -> rusqlite::Result<Vec<Exemption>> {
    let mut query =
        transaction.prepare("SELECT state, path, until, reason FROM exemption ORDER BY seq")?;
    let rows = query.query_map([], |row| {
        let exemption = Exemption { path: row.get(1)?, until: row.get(2)?, reason: row.get(3)? };
        Ok((row.get::<_, String>(0)?, exemption))
    })?;
    let mut open = Vec::new();
    for row in rows {
        let (state, exemption) = row?;
        open.retain(|other| *other != exemption);
        if state == BEGINS {
            open.push(exemption);
        }
    }
    Ok(open)
}

const BEGINS: &str = "begins";
const ENDS: &str = "ends";

/// Writes what has begun and ended, and returns the last link of the chain.
pub(super) fn write(
    transaction: &Transaction<'_>,
    exempt: &[Exemption],
    policy: Day,
    now: Time,
    mut link: Vec<u8>,
) -> rusqlite::Result<Vec<u8>> {
    let open = open(transaction)?;
    let ended = open.iter().filter(|one| !exempt.contains(one)).map(|one| (ENDS, one));
    let begun = exempt.iter().filter(|one| !open.contains(one)).map(|one| (BEGINS, one));
    for (state, Exemption { path, until, reason }) in ended.chain(begun) {
        let record = Uuid::new_v4().to_string();
        let (at, policy) = (now.to_string(), policy.to_string());
        let mut hash = Sha256::new();
        hash.update(&link);
        hash.update("exemption v1\n");
        for part in [record.as_str(), &at, &policy, state, path, until, reason] {
            // Lengths keep two parts from passing for others.
            hash.update(format!("{}:{part}\n", part.len()));
        }
        link = hash.finalize().to_vec();
        transaction.execute(
            "INSERT INTO event (record, at, policy, shown, locale, way, signal, commitment, link)
             VALUES (?1, ?2, ?3, '', '', 'operator', '', x'', ?4)",
            params![record, at, policy, link],
        )?;
        transaction.execute(
            "INSERT INTO exemption (seq, state, path, until, reason) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![transaction.last_insert_rowid(), state, path, until, reason],
        )?;
    }
    Ok(link)
}
