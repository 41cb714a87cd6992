//! The key file: what seals consent cookies.
//!
//! It is made at the first start, with mode 0600, and never leaves its folder: whoever has it
//! can forge agreements. One key a line, `<number> <64 hex digits>`; the last one seals, and
//! the others still open what they sealed.
//!
//! Losing it is not a disaster: every cookie becomes unreadable, which is a refusal, and
//! visitors are asked again. The same is done on purpose where the key is there and its record
//! is not, or where a withdrawal never reached the disk: with these went the knowledge of who
//! had withdrawn. The record knows its keys by their fingerprints.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use sha2::{Digest, Sha256};
use tracing::warn;

use super::folder::{Folder, sync_parent};
use super::signer::Signer;
use super::sqlite;
use crate::gate::seal::{Seal, SealKey};

/// Why there is no seal.
#[derive(Debug)]
pub enum KeyError {
    /// The file cannot be read or made.
    Io(PathBuf, io::Error),
    /// A line is not a key.
    Malformed(PathBuf, usize),
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyError::Io(path, error) => write!(f, "{}: {error}", path.display()),
            KeyError::Malformed(path, line) => write!(
                f,
                "{}:{line}: not a key; a line is a number from 0 to 255 and 64 hex digits",
                path.display()
            ),
        }
    }
}

/// The keys of a data folder.
#[derive(Debug)]
pub struct Keys {
    /// What seals and opens cookies.
    pub seal: Seal,
    /// By which the record knows the keys; the last one seals.
    pub fingerprints: Vec<String>,
    /// What signs receipts.
    pub signer: Signer,
    /// Whether a record that knows none of them may be made theirs: it is new, as they are.
    pub adopt: bool,
}

/// Opens the key file, makes it, or renews it where what it sealed can no longer be checked.
pub fn open(folder: &Folder) -> Result<Keys, KeyError> {
    let path = folder.key();
    let fail = |error| KeyError::Io(path.clone(), error);
    let (mut keys, made) = match fs::read_to_string(&path) {
        Ok(text) => (parse(&path, &text)?, false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            (put(&path, 1).map_err(fail)?, true)
        }
        Err(error) => return Err(fail(error)),
    };
    let known: Vec<String> = keys.iter().map(fingerprint).collect();
    let lost = match sqlite::sealed_with(&folder.record()) {
        _ if folder.mark().is_set() => Some("a withdrawal never reached the disk"),
        Ok(Some(print)) if known.contains(&print) => None,
        Ok(Some(_)) => Some("the record of consent is that of other keys"),
        Ok(None) => Some("the record of consent is gone"),
        // It is there and cannot be read now: no agreement counts until it can.
        Err(_) => None,
    };
    if let Some(why) = lost.filter(|_| !made) {
        warn!(key = %path.display(), "{why}: a new key asks every visitor again");
        let last = keys.last().map_or(0, |key| key.id);
        keys = put(&path, last.wrapping_add(1)).map_err(fail)?;
    }
    folder.mark().clear().map_err(fail)?;
    warn_of_readers(&path).map_err(fail)?;
    let signer = Signer::open(folder)?;
    let fingerprints = keys.iter().map(fingerprint).collect();
    let current = keys.pop().ok_or(KeyError::Malformed(path, 1))?;
    let adopt = lost.is_some() || made;
    Ok(Keys { seal: Seal::new(&current, &keys), fingerprints, signer, adopt })
}

/// Says where others can read a key.
pub(super) fn warn_of_readers(path: &Path) -> io::Result<()> {
    if fs::metadata(path)?.permissions().mode() & 0o077 != 0 {
        warn!(key = %path.display(), "others can read the key: `chmod 600` it, and change it");
    }
    Ok(())
}

/// What the record knows a key by; nothing of the key can be learnt from it.
fn fingerprint(key: &SealKey) -> String {
    let digest = Sha256::new().chain_update(b"kelisim key 1").chain_update(key.secret).finalize();
    HEXLOWER.encode(&digest[..16])
}

/// Puts one fresh key in the place of whatever the file holds.
pub(super) fn put(path: &Path, id: u8) -> io::Result<Vec<SealKey>> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret)?;
    let beside = path.with_extension("key.new");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    writeln!(file, "{id} {}", HEXLOWER.encode(&secret))?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    sync_parent(path)?;
    Ok(vec![SealKey { id, secret }])
}

pub(super) fn parse(path: &Path, text: &str) -> Result<Vec<SealKey>, KeyError> {
    let mut keys = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if !line.trim().is_empty() {
            let malformed = KeyError::Malformed(path.to_owned(), index + 1);
            keys.push(parse_line(line).ok_or(malformed)?);
        }
    }
    Ok(keys)
}

fn parse_line(line: &str) -> Option<SealKey> {
    let (id, secret) = line.trim().split_once(' ')?;
    let secret = HEXLOWER_PERMISSIVE.decode(secret.trim().as_bytes()).ok()?;
    Some(SealKey { id: id.parse().ok()?, secret: secret.try_into().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Time;

    fn token(keys: &Keys) -> String {
        keys.seal.form_token(b"x", Time(60))
    }

    #[test]
    fn a_key_lives_as_long_as_its_record() {
        let data = tempfile::tempdir().unwrap();
        let folder = Folder::open(data.path()).unwrap();
        let record = || sqlite::Sqlite::make(&folder.record()).unwrap();
        let adopt = |keys: &Keys| {
            sqlite::Sqlite::open(&folder.record(), &[], &keys.fingerprints, keys.adopt).map(drop)
        };
        let first = open(&folder).unwrap();
        let mode = fs::metadata(folder.key()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        record();
        adopt(&first).unwrap();
        let again = open(&folder).unwrap();
        assert_eq!(token(&first), token(&again));
        adopt(&again).unwrap();

        // An empty record knows nothing of who withdrew; so does none; so does another's.
        fs::write(folder.record(), "").unwrap();
        let second = open(&folder).unwrap();
        assert_ne!(token(&first), token(&second));
        adopt(&first).unwrap();
        let after = open(&folder).unwrap();
        assert_ne!(token(&after), token(&second), "the record was the first key's");
        fs::remove_file(folder.record()).unwrap();
        let third = open(&folder).unwrap();
        record();
        adopt(&third).unwrap();

        // A withdrawal that never reached the disk is honoured all the same.
        folder.mark().set().unwrap();
        assert_ne!(token(&open(&folder).unwrap()), token(&third));
        assert!(!folder.mark().is_set());
    }

    #[test]
    fn a_changed_key_takes_its_record_along() {
        let data = tempfile::tempdir().unwrap();
        let folder = Folder::open(data.path()).unwrap();
        let adopt = |keys: &Keys| {
            sqlite::Sqlite::open(&folder.record(), &[], &keys.fingerprints, keys.adopt).map(drop)
        };
        let first = open(&folder).unwrap();
        sqlite::Sqlite::make(&folder.record()).unwrap();
        adopt(&first).unwrap();
        let line = fs::read_to_string(folder.key()).unwrap();
        let next = format!("2 {}\n", "ab".repeat(32));
        fs::write(folder.key(), format!("{line}{next}")).unwrap();
        let both = open(&folder).unwrap();
        assert!(!both.adopt);
        adopt(&both).unwrap();
        fs::write(folder.key(), next).unwrap();
        assert!(!open(&folder).unwrap().adopt, "the record went over to the second key");
    }

    #[test]
    fn a_line_that_is_no_key_is_named() {
        let data = tempfile::tempdir().unwrap();
        let folder = Folder::open(data.path()).unwrap();
        fs::write(folder.key(), format!("1 {}\n2 zz\n", "0".repeat(64))).unwrap();
        let error = open(&folder).unwrap_err().to_string();
        assert!(error.contains("seal.key:2:"), "{error}");
    }
}
