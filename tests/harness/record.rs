//! What the gateway has written: the record of consent and the purpose logs.
//!
//! A row of the record is one line, so that a scenario can state the whole record. Who chose is
//! `id 1`, `id 2`… in the order of appearance, or `no id`: the number itself is nobody's business.
//!
//! Every digest in the record has to resolve to what was agreed to and shown, and its chain has to hold;
//! that is checked here for every row of every scenario.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::chain;

/// The rows of the record, one line each.
pub(crate) fn rows(data: &Path) -> Result<Vec<String>, String> {
    let unreadable = |error| format!("the record cannot be read: {error}");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let record = Connection::open_with_flags(data.join("consent.db"), flags).map_err(unreadable)?;
    chain::verify(&record)?;
    read(&record).map_err(unreadable)
}

fn read(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut query = connection.prepare(
        "SELECT seq, at, policy, locale, way, signal, shown,
                (SELECT visitor FROM personal WHERE personal.seq = event.seq),
                EXISTS (SELECT 1 FROM archive WHERE digest = shown AND kind = 'shown'),
                EXISTS (SELECT 1 FROM archive WHERE digest = statement AND kind = 'statement'),
                attestation
         FROM event ORDER BY seq",
    )?;
    let mut ids: Vec<String> = Vec::new();
    let mut lines = Vec::new();
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let seq: i64 = row.get(0)?;
        let column = |index| row.get::<_, String>(index);
        if let Some(exemption) = exemption(connection, seq)? {
            lines.push(format!(
                "{} | policy {} | {} | {exemption}",
                column(1)?,
                column(2)?,
                column(4)?
            ));
            continue;
        }
        let who = match row.get::<_, Option<String>>(7)? {
            None => "no id".to_owned(),
            Some(id) => {
                let number = ids.iter().position(|known| *known == id).unwrap_or_else(|| {
                    ids.push(id);
                    ids.len() - 1
                });
                format!("id {}", number + 1)
            }
        };
        let mut cells = vec![column(1)?, format!("policy {}", column(2)?)];
        cells.extend([column(3)?, column(4)?, column(5)?]);
        cells.extend(choices(connection, seq)?);
        cells.push(who);
        // That a person chose is the rule.
        let attestation: Option<String> = row.get(10)?;
        cells.extend(attestation.filter(|attestation| attestation != "attested"));
        if !row.get::<_, bool>(9)? {
            cells.push("the statement is not in the archive".to_owned());
        }
        if !row.get::<_, bool>(8)? {
            cells.push(format!("shown {} is not in the archive", column(6)?));
        }
        lines.push(cells.join(" | "));
    }
    Ok(lines)
}

/// What an event says of an exemption, if it is about one.
fn exemption(connection: &Connection, seq: i64) -> rusqlite::Result<Option<String>> {
    let query = "SELECT state, path, until, reason FROM exemption WHERE seq = ?1";
    let words = |row: &rusqlite::Row<'_>| {
        let column = |index| row.get::<_, String>(index);
        let (state, path, until, reason) = (column(0)?, column(1)?, column(2)?, column(3)?);
        Ok(format!("{state} | {path} until {until} | {reason}"))
    };
    connection.query_row(query, [seq], words).optional()
}

fn choices(connection: &Connection, seq: i64) -> rusqlite::Result<Vec<String>> {
    let mut query = connection.prepare(
        "SELECT purpose, state, until, terms,
                EXISTS (SELECT 1 FROM archive WHERE digest = terms AND kind = 'terms')
         FROM choice WHERE seq = ?1 ORDER BY purpose",
    )?;
    let cells = query.query_map([seq], |row| {
        let column = |index| row.get::<_, String>(index);
        let cell = format!("{} {} until {}", column(0)?, column(1)?, column(2)?);
        let archived: bool = row.get(4)?;
        Ok(if archived { cell } else { format!("{cell} (terms not in the archive)") })
    })?;
    cells.collect()
}

/// The lines of a purpose's log of one day.
pub(crate) fn log(data: &Path, section: &str, day: &str) -> Result<Vec<String>, String> {
    let path = data.join("log").join(section).join(format!("{day}.jsonl"));
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(text.lines().map(ToOwned::to_owned).collect()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}
