//! The key file: what seals consent cookies.
//!
//! It is made at the first start, with mode 0600, and never leaves its folder: whoever has it
//! can forge agreements. One key a line, `<number> <64 hex digits>`; the last one seals, and
//! the others still open what they sealed.
//!
//! Losing it is not a disaster: every cookie becomes unreadable, which is a refusal, and
//! visitors are asked again. The same is done on purpose where a key is there and its record
//! is gone: with the record went the knowledge of who had withdrawn.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER_PERMISSIVE;
use tracing::warn;

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

/// Opens the key file in `data`, or makes it. `has_record` says whether the record that goes
/// with it is there.
pub fn open(data: &Path, has_record: bool) -> Result<Seal, KeyError> {
    let path = data.join("seal.key");
    let fail = |error| KeyError::Io(path.clone(), error);
    // Personal data: for the operator's own account alone (policy 8.1).
    fs::DirBuilder::new().recursive(true).mode(0o700).create(data).map_err(fail)?;
    let text = match fs::read_to_string(&path) {
        Ok(text) if has_record => text,
        Ok(text) => {
            warn!(
                key = %path.display(),
                "the record of consent is gone: a new key makes every cookie unreadable, and \
                 visitors are asked again"
            );
            renew(&path, &text).map_err(fail)?
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(&path).map_err(fail)?,
        Err(error) => return Err(fail(error)),
    };
    let mode = fs::metadata(&path).map_err(fail)?.permissions().mode();
    if mode & 0o077 != 0 {
        warn!(key = %path.display(), "others can read the key: `chmod 600` it, and change it");
    }
    let mut keys = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if !line.trim().is_empty() {
            keys.push(parse(line).ok_or_else(|| KeyError::Malformed(path.clone(), index + 1))?);
        }
    }
    let current = keys.pop().ok_or(KeyError::Malformed(path, 1))?;
    Ok(Seal::new(current, keys))
}

/// Puts one fresh key in the place of all that the file holds, under the next number.
fn renew(path: &Path, old: &str) -> io::Result<String> {
    let last = old.lines().filter_map(parse).next_back().map_or(0, |key| key.id);
    let text = fresh(last.wrapping_add(1))?;
    let beside = path.with_extension("key.new");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    Ok(text)
}

fn fresh(id: u8) -> io::Result<String> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret)?;
    Ok(format!("{id} {}\n", data_encoding::HEXLOWER.encode(&secret)))
}

/// Makes a file with one fresh key, or takes the one that another process has just made.
fn make(path: &Path) -> io::Result<String> {
    let text = fresh(1)?;
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(mut file) => {
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            Ok(text)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => fs::read_to_string(path),
        Err(error) => Err(error),
    }
}

fn parse(line: &str) -> Option<SealKey> {
    let (id, secret) = line.trim().split_once(' ')?;
    let secret = HEXLOWER_PERMISSIVE.decode(secret.trim().as_bytes()).ok()?;
    Some(SealKey { id: id.parse().ok()?, secret: secret.try_into().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_file_is_made_once_for_its_owner_alone() {
        let data = tempfile::tempdir().unwrap();
        let first = open(data.path(), false).unwrap();
        let mode = fs::metadata(data.path().join("seal.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let now = crate::time::Time(60);
        let token = |has_record| open(data.path(), has_record).unwrap().form_token(b"x", now);
        assert_eq!(token(true), first.form_token(b"x", now));
        // Without its record a key must not open what it sealed: who withdrew is forgotten.
        assert_ne!(token(false), first.form_token(b"x", now));
        assert_eq!(
            fs::metadata(data.path().join("seal.key")).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }

    #[test]
    fn a_line_that_is_no_key_is_named() {
        let data = tempfile::tempdir().unwrap();
        fs::write(data.path().join("seal.key"), format!("1 {}\n2 zz\n", "0".repeat(64))).unwrap();
        let error = open(data.path(), true).unwrap_err().to_string();
        assert!(error.contains("seal.key:2:"), "{error}");
    }
}
