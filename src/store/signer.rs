//! What signs receipts: Ed25519 keys, in a file of their own beside the one that seals cookies.
//!
//! It is made at the first start, with mode 0600, and never leaves its folder. Whoever has it can write
//! receipts in the operator's name. One key a line, as in `seal.key`; the last one signs, and the others stay
//! published, so that what they signed can still be checked.
//!
//! Losing it makes no receipt false: those that were signed by it can no longer be checked against what is
//! published, and a new key is made.
//!
//! How a receipt is put together, signed and checked is in [`crate::subject::receipt`].

use std::fs;
use std::io;
use std::sync::Arc;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use super::folder::Folder;
use super::keys::{KeyError, parse, put};

/// The prefix of an Ed25519 public key (multicodec `ed25519-pub`).
const ED25519_PUB: [u8; 2] = [0xed, 0x01];

/// Signs receipts.
#[derive(Clone, Debug)]
pub struct Signer(Arc<Vec<Ed25519KeyPair>>);

impl Signer {
    /// Opens the key file, or makes it.
    pub(super) fn open(folder: &Folder) -> Result<Signer, KeyError> {
        let path = folder.signing_key();
        let fail = |error| KeyError::Io(path.clone(), error);
        let keys = match fs::read_to_string(&path) {
            Ok(text) => parse(&path, &text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => put(&path, 1).map_err(fail)?,
            Err(error) => return Err(fail(error)),
        };
        super::keys::warn_of_readers(&path).map_err(fail)?;
        let pair = |secret: &[u8; 32]| Ed25519KeyPair::from_seed_unchecked(secret);
        let pairs = keys.iter().map(|key| pair(&key.secret)).collect::<Result<Vec<_>, _>>();
        match pairs {
            Ok(pairs) if !pairs.is_empty() => Ok(Signer(Arc::new(pairs))),
            _ => Err(KeyError::Malformed(path, 1)),
        }
    }

    fn current(&self) -> &Ed25519KeyPair {
        self.0.last().expect("a signer has a key")
    }

    /// Signs.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.current().sign(message).as_ref().to_vec()
    }

    /// The name of the key that signs.
    pub fn name(&self) -> String {
        key_name(self.current().public_key().as_ref())
    }

    /// All public keys as a JWK Set (RFC 7517, RFC 8037); each is named as receipts name it.
    pub fn published(&self) -> Value {
        let key = |pair: &Ed25519KeyPair| {
            let public = pair.public_key().as_ref();
            json!({
                "kty": "OKP",
                "crv": "Ed25519",
                "alg": "EdDSA",
                "use": "sig",
                "kid": key_name(public),
                "x": BASE64URL_NOPAD.encode(public),
            })
        };
        json!({ "keys": self.0.iter().map(key).collect::<Vec<_>>() })
    }
}

/// What a public key is called in a proof: `did:key:z6Mk…#z6Mk…` (W3C did:key). It holds the key itself.
pub fn key_name(public: &[u8]) -> String {
    let multibase = format!("z{}", bs58::encode([&ED25519_PUB[..], public].concat()).into_string());
    format!("did:key:{multibase}#{multibase}")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_is_made_once_and_one_that_was_replaced_stays_published() {
        let data = tempfile::tempdir().unwrap();
        let folder = Folder::open(data.path()).unwrap();
        let first = Signer::open(&folder).unwrap();
        let mode = fs::metadata(folder.signing_key()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(Signer::open(&folder).unwrap().name(), first.name());
        let line = fs::read_to_string(folder.signing_key()).unwrap();
        fs::write(folder.signing_key(), format!("{line}2 {}\n", "ab".repeat(32))).unwrap();
        let second = Signer::open(&folder).unwrap();
        assert_ne!(second.name(), first.name());
        let published = second.published();
        assert_eq!(published["keys"][0]["kid"], first.name());
        assert_eq!(published["keys"][1]["kid"], second.name());
        fs::write(folder.signing_key(), "1 zz\n").unwrap();
        let error = Signer::open(&folder).unwrap_err().to_string();
        assert!(error.contains("receipt.key:1:"), "{error}");
    }
}
