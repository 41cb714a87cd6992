//! How a receipt is signed and checked: W3C Data Integrity, `eddsa-jcs-2022`.
//!
//! The document and the proof's own fields are each brought into one form (JCS, RFC 8785), digested, and
//! signed together with Ed25519 (vc-di-eddsa §3.3). The key's name in the proof is the key itself
//! (`did:key`), so that a receipt can be checked without any network; whose key it is, what the operator
//! publishes says.
//!
//! JCS orders keys and writes numbers as JavaScript does. Keys here are ASCII and numbers whole, and for
//! those `serde_json` writes the same bytes; what it would write otherwise does not hold.
//!
//! A receipt may be set in other white space. A key that stands there twice, an escape more, another order:
//! nobody gave that out, and it does not hold either.

use std::fmt;

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::store::signer::{Signer, key_name};
use crate::time::Time;

/// The fields of a proof, but for the signature.
const SUITE: &str = "eddsa-jcs-2022";

/// What is known of a receipt that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holds {
    /// The name of the key that signed it.
    pub key: String,
    /// When.
    pub created: String,
    /// Whether the key is one of those that were given.
    pub published: bool,
}

/// What is wrong with a receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// It is no JSON; says where.
    Json(String),
    /// It is not spelled as it was given out.
    Spelling,
    /// There is no proof, or it lacks a field; says which.
    Missing(&'static str),
    /// A field of the proof is another than receipts have.
    Other(&'static str, String),
    /// The key is none of those that were given.
    Unpublished(String),
    /// The signature is not that of this text by this key.
    Signature,
    /// What was given as keys is none.
    Keys(String),
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Broken::Json(error) => write!(f, "it is not JSON: {error}"),
            Broken::Spelling => f.write_str(
                "it is not as it was given out: a key stands twice, or in another order, or something is \
                 spelled otherwise",
            ),
            Broken::Missing(field) => write!(f, "there is no `{field}`"),
            Broken::Other(field, value) => write!(f, "`{field}` is `{value}`, which no receipt has"),
            Broken::Unpublished(key) => write!(f, "the key {key} is none of those that were given"),
            Broken::Signature => {
                f.write_str("the signature does not hold: the receipt was changed, or its proof")
            }
            Broken::Keys(why) => write!(f, "the keys cannot be read: {why}"),
        }
    }
}

/// The fields of a document.
type Fields = Map<String, Value>;

/// Adds a proof to a document, made at this time.
pub fn sign(mut document: Fields, signer: &Signer, now: Time) -> Fields {
    let mut proof = Fields::new();
    for (name, value) in [
        ("type", "DataIntegrityProof".to_owned()),
        ("cryptosuite", SUITE.to_owned()),
        ("created", now.to_string()),
        ("verificationMethod", signer.name()),
        ("proofPurpose", "assertionMethod".to_owned()),
    ] {
        proof.insert(name.to_owned(), value.into());
    }
    if let Some(context) = document.get("@context") {
        proof.insert("@context".to_owned(), context.clone());
    }
    let signature = signer.sign(&signed(&document, &proof));
    let value = format!("z{}", bs58::encode(signature).into_string());
    proof.insert("proofValue".to_owned(), value.into());
    document.insert("proof".to_owned(), proof.into());
    document
}

/// Checks a receipt, by these keys if any are given: a JWK Set, or one JWK.
pub fn check(receipt: &[u8], keys: Option<&[u8]>) -> Result<Holds, Broken> {
    let json = |error: serde_json::Error| Broken::Json(error.to_string());
    let mut document: Fields = serde_json::from_slice(receipt).map_err(json)?;
    if canonical(&document) != without_white_space(receipt) {
        return Err(Broken::Spelling);
    }
    let Some(Value::Object(mut proof)) = document.remove("proof") else {
        return Err(Broken::Missing("proof"));
    };
    let value = text(&mut proof, "proofValue")?;
    for (name, expected) in [
        ("type", "DataIntegrityProof"),
        ("cryptosuite", SUITE),
        ("proofPurpose", "assertionMethod"),
    ] {
        match proof.get(name).and_then(Value::as_str) {
            Some(given) if given == expected => {}
            Some(given) => return Err(Broken::Other(name, given.to_owned())),
            None => return Err(Broken::Missing(name)),
        }
    }
    if proof.get("@context") != document.get("@context") {
        return Err(Broken::Other("@context", "not that of the receipt".to_owned()));
    }
    let field =
        |name: &'static str| proof.get(name).and_then(Value::as_str).ok_or(Broken::Missing(name));
    let (name, created) = (field("verificationMethod")?, field("created")?.to_owned());
    let other = || Broken::Other("verificationMethod", name.to_owned());
    let public = public_of(name).ok_or_else(other)?;
    let given = keys.map(published).transpose()?;
    if given.as_ref().is_some_and(|keys| !keys.contains(&public)) {
        return Err(Broken::Unpublished(name.to_owned()));
    }
    let signature = value.strip_prefix('z').and_then(|value| bs58::decode(value).into_vec().ok());
    let signature = signature.ok_or_else(|| Broken::Other("proofValue", value.clone()))?;
    UnparsedPublicKey::new(&ED25519, &public)
        .verify(&signed(&document, &proof), &signature)
        .map_err(|_| Broken::Signature)?;
    Ok(Holds { key: name.to_owned(), created, published: given.is_some() })
}

/// What the signature is made of: the digests of the proof and of the document.
fn signed(document: &Fields, proof: &Fields) -> Vec<u8> {
    [proof, document].map(|fields| Sha256::digest(canonical(fields))).concat()
}

/// The one form of a document.
pub(super) fn canonical(document: &Fields) -> Vec<u8> {
    serde_json::to_vec(document).expect("what was JSON is JSON")
}

fn text(proof: &mut Fields, name: &'static str) -> Result<String, Broken> {
    match proof.remove(name) {
        Some(Value::String(text)) => Ok(text),
        _ => Err(Broken::Missing(name)),
    }
}

/// The key that a name is of, if it is one as we write them.
fn public_of(name: &str) -> Option<Vec<u8>> {
    let (_, multibase) = name.split_once("#z")?;
    let bytes = bs58::decode(multibase).into_vec().ok()?;
    let public = bytes.get(2..)?.to_vec();
    (public.len() == 32 && (key_name(&public) == name || name.ends_with(&fragment(&public))))
        .then_some(public)
}

/// `#z6Mk…`: other issuers put an address of theirs before it.
fn fragment(public: &[u8]) -> String {
    key_name(public).split_once('#').map(|(_, key)| format!("#{key}")).unwrap_or_default()
}

/// The public keys in a JWK Set, or the one that a JWK is.
fn published(keys: &[u8]) -> Result<Vec<Vec<u8>>, Broken> {
    let set: Value = serde_json::from_slice(keys).map_err(|e| Broken::Keys(e.to_string()))?;
    let one = std::slice::from_ref(&set);
    let all = set.get("keys").and_then(Value::as_array).map_or(one, Vec::as_slice);
    let public = |key: &Value| {
        let is_ours = key.get("crv").and_then(Value::as_str) == Some("Ed25519");
        let x = key.get("x").and_then(Value::as_str).filter(|_| is_ours)?;
        BASE64URL_NOPAD.decode(x.as_bytes()).ok().filter(|public| public.len() == 32)
    };
    let found: Vec<_> = all.iter().filter_map(public).collect();
    match found.is_empty() {
        true => Err(Broken::Keys("there is no Ed25519 key in them".to_owned())),
        false => Ok(found),
    }
}

/// JSON without the white space between its tokens.
fn without_white_space(json: &[u8]) -> Vec<u8> {
    let (mut kept, mut in_text, mut escaped) = (Vec::with_capacity(json.len()), false, false);
    for byte in json {
        if in_text {
            in_text = escaped || *byte != b'"';
            escaped = !escaped && *byte == b'\\';
        } else if byte.is_ascii_whitespace() {
            continue;
        } else {
            in_text = *byte == b'"';
        }
        kept.push(*byte);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::folder::Folder;
    use crate::store::keys;

    fn signer(data: &std::path::Path) -> Signer {
        keys::open(&Folder::open(data).unwrap()).unwrap().signer
    }

    fn fields(json: &str) -> Fields {
        serde_json::from_str(json).unwrap()
    }

    /// From the W3C's test vectors (vc-di-eddsa, `eddsa-jcs-2022`), in canonical order.
    const VECTOR: &str = r#"{"@context":["https://www.w3.org/ns/credentials/v2","https://www.w3.org/ns/credentials/examples/v2"],"credentialSubject":{"alumniOf":"The School of Examples","id":"did:example:abcdefgh"},"description":"A minimum viable example of an Alumni Credential.","id":"urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33","issuer":"https://vc.example/issuers/5678","name":"Alumni Credential","proof":{"@context":["https://www.w3.org/ns/credentials/v2","https://www.w3.org/ns/credentials/examples/v2"],"created":"2023-02-24T23:36:38Z","cryptosuite":"eddsa-jcs-2022","proofPurpose":"assertionMethod","proofValue":"z63t83Y53KfzJ5ZosfKTnqfMcKB2dmTrfjSaQjeNNjAD5srBowQfmWqeRb8rRjmeEuCBEsddF9LsVogtuTsijJKh4","type":"DataIntegrityProof","verificationMethod":"https://vc.example/issuers/5678#z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"},"type":["VerifiableCredential","AlumniCredential"],"validFrom":"2023-01-01T00:00:00Z"}"#;

    #[test]
    fn what_others_signed_by_the_standard_holds() {
        let holds = check(VECTOR.as_bytes(), None).unwrap();
        assert_eq!(holds.created, "2023-02-24T23:36:38Z");
        let changed = VECTOR.replacen("Examples", "examples", 1);
        assert_eq!(check(changed.as_bytes(), None), Err(Broken::Signature));
    }

    #[test]
    fn every_byte_counts() {
        let data = tempfile::tempdir().unwrap();
        let signer = signer(data.path());
        let document =
            fields(r#"{"@context":[{"a":"b"}],"n":{"x":1,"y":[true,null,"қазақ \" \\ "]}}"#);
        let receipt = canonical(&sign(document, &signer, Time(1_763_800_123)));
        let keys = signer.published().to_string();
        assert!(check(&receipt, Some(keys.as_bytes())).unwrap().published);
        for at in 0..receipt.len() {
            for bit in 0..8 {
                let mut flipped = receipt.clone();
                flipped[at] ^= 1 << bit;
                assert!(check(&flipped, Some(keys.as_bytes())).is_err(), "byte {at}, bit {bit}");
            }
            let mut shorter = receipt.clone();
            shorter.remove(at);
            assert!(check(&shorter, Some(keys.as_bytes())).is_err(), "without byte {at}");
        }
    }

    #[test]
    fn white_space_is_nobodys_word_and_spelling_is() {
        let data = tempfile::tempdir().unwrap();
        let signer = signer(data.path());
        let signed = sign(fields(r#"{"a":"1","b":"2"}"#), &signer, Time(0));
        let pretty = serde_json::to_string_pretty(&signed).unwrap();
        assert!(!check(pretty.as_bytes(), None).unwrap().published);
        let text = String::from_utf8(canonical(&signed)).unwrap();
        for other in [
            text.replacen(r#"{"a":"1""#, r#"{"a":"0","a":"1""#, 1),
            text.replacen(r#""a":"1","b":"2""#, r#""b":"2","a":"1""#, 1),
            text.replacen(r#""a":"1""#, r#""\u0061":"1""#, 1),
        ] {
            assert_eq!(check(other.as_bytes(), None), Err(Broken::Spelling), "{other}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let (data, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (ours, theirs) = (signer(data.path()), signer(other.path()));
        let signed = sign(fields(r#"{"a":1}"#), &ours, Time(0));
        let bytes = canonical(&signed);
        let keys = theirs.published().to_string();
        let unpublished = check(&bytes, Some(keys.as_bytes()));
        assert_eq!(unpublished, Err(Broken::Unpublished(ours.name())));
        let one = ours.published()["keys"][0].to_string();
        assert!(check(&bytes, Some(one.as_bytes())).is_ok(), "one key is enough");
        assert!(matches!(check(&bytes, Some(b"{}")), Err(Broken::Keys(_))));
        assert!(matches!(check(b"{", None), Err(Broken::Json(_))));
        assert_eq!(check(b"{}", None), Err(Broken::Missing("proof")));
        let with = |name: &str, value: &str| {
            let mut signed = signed.clone();
            let proof = signed.get_mut("proof").and_then(Value::as_object_mut).unwrap();
            proof.insert(name.to_owned(), value.into());
            check(&canonical(&signed), None)
        };
        assert!(matches!(with("cryptosuite", "none"), Err(Broken::Other("cryptosuite", _))));
        assert!(matches!(with("proofValue", "z0"), Err(Broken::Other("proofValue", _))));
        assert_eq!(with("created", "1970-01-01T00:00:01Z"), Err(Broken::Signature));
        let name = Broken::Other("verificationMethod", "did:key:z6".to_owned());
        assert_eq!(with("verificationMethod", "did:key:z6"), Err(name));
        assert_eq!(with("verificationMethod", &theirs.name()), Err(Broken::Signature));
    }
}
