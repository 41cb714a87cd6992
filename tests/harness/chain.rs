//! The record's chain, recomputed from what stands in the file.
//!
//! It is written anew here, from the description in `docs/rights.md`: a mistake in the gateway's own would
//! not be found by the gateway's own.

use rusqlite::{Connection, OptionalExtension};
use sha2::{Digest, Sha256};

/// Says at which event the chain does not hold, if it does not.
pub(crate) fn verify(record: &Connection) -> Result<usize, String> {
    walk(record).map_err(|error| format!("the record cannot be read: {error}"))?
}

fn walk(record: &Connection) -> rusqlite::Result<Result<usize, String>> {
    let mut previous: Vec<u8> = Vec::new();
    let mut query = record.prepare(
        "SELECT seq, record, at, policy, shown, locale, way, signal, attestation, statement,
                commitment, link FROM event ORDER BY seq",
    )?;
    let mut rows = query.query([])?;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        let seq: i64 = row.get(0)?;
        let text = |index| row.get::<_, Option<String>>(index).map(Option::unwrap_or_default);
        let commitment: Vec<u8> = row.get(10)?;
        let public = if let Some(parts) = exemption(record, seq)? {
            let all = [vec![text(1)?, text(2)?, text(3)?], parts].concat();
            let lines = all.iter().map(|part| format!("{}:{part}\n", part.len()));
            format!("exemption v1\n{}", lines.collect::<String>())
        } else {
            let signal = match text(7)?.as_str() {
                "silent" => "Silent",
                _ => "Refuses",
            };
            let since_2: Option<String> = row.get(8)?;
            let (version, more) = match since_2 {
                None => (1, String::new()),
                Some(attestation) => (2, format!("{attestation}\n{}\n", text(9)?)),
            };
            format!(
                "entry v{version}\n{}\n{}\n{}\n{}{}\n{}\n{}\n{signal}\n{more}",
                text(1)?,
                text(2)?,
                text(3)?,
                choices(record, seq)?,
                text(4)?,
                text(5)?,
                text(6)?,
            )
        };
        let hash = Sha256::new().chain_update(&previous).chain_update(public);
        let link = hash.chain_update(&commitment).finalize().to_vec();
        if link != row.get::<_, Vec<u8>>(11)? {
            return Ok(Err(format!("the chain does not hold at event {seq}")));
        }
        if let Some((visitor, salt)) = personal(record, seq)? {
            let id = u128::from_str_radix(&visitor, 16).unwrap_or_default().to_be_bytes();
            let hash = Sha256::new().chain_update(salt).chain_update(id).finalize();
            if hash.to_vec() != commitment {
                return Ok(Err(format!("event {seq} is not that of the visitor beside it")));
            }
        }
        previous = link;
        count += 1;
    }
    Ok(Ok(count))
}

fn exemption(record: &Connection, seq: i64) -> rusqlite::Result<Option<Vec<String>>> {
    let query = "SELECT state, path, until, reason FROM exemption WHERE seq = ?1";
    let parts = |row: &rusqlite::Row<'_>| (0..4).map(|index| row.get(index)).collect();
    record.query_row(query, [seq], parts).optional()
}

/// In the order in which they were written, which is the policy's.
fn choices(record: &Connection, seq: i64) -> rusqlite::Result<String> {
    let mut query = record
        .prepare("SELECT purpose, state, terms, until FROM choice WHERE seq = ?1 ORDER BY rowid")?;
    let lines = query.query_map([seq], |row| {
        let column = |index| row.get::<_, String>(index);
        Ok(format!("{} {} {} {}\n", column(0)?, column(1)?, column(2)?, column(3)?))
    })?;
    lines.collect()
}

fn personal(record: &Connection, seq: i64) -> rusqlite::Result<Option<(String, Vec<u8>)>> {
    let query = "SELECT visitor, salt FROM personal WHERE seq = ?1";
    record.query_row(query, [seq], |row| Ok((row.get(0)?, row.get(1)?))).optional()
}
