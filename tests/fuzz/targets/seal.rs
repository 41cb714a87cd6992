//! Any bytes as a sealed cookie: as they come, with a code that is right, and changed after it was made.
//!
//! Nothing opens whose code is not right to the bit, and nothing that opens is read amiss: what it says can
//! be sealed, and opens to the same. A visitor's own cookie with one bit more, less or turned is a stranger's.

#![no_main]

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use kelisim::gate::seal::{Seal, SealKey};
use kelisim::policy::Visitor;
use libfuzzer_sys::fuzz_target;
use sha2::Sha256;

const SECRET: [u8; 32] = [7; 32];

/// A sealed value with any content, as only who has the key can make one.
fn sealed(content: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(&SECRET).expect("a key of any length");
    mac.update(b"kelisim consent cookie 1");
    mac.update(content);
    BASE64URL_NOPAD.encode(&[content, &mac.finalize().into_bytes()[..16]].concat())
}

fuzz_target!(|input: &[u8]| {
    // A key that seals nothing here: what the fuzzer saw sealed it sends again.
    let other = Seal::new(&SealKey { id: 1, secret: [9; 32] }, &[]);
    assert_eq!(other.open(input), None, "a code of 128 bits is not guessed");
    assert_eq!(other.open(BASE64URL_NOPAD.encode(input).as_bytes()), None);
    let seal = Seal::new(&SealKey { id: 1, secret: SECRET }, &[]);
    let Some((&at, rest)) = input.split_first() else { return };
    let content = [&[1, 1, at & 1], rest].concat();
    let value = sealed(&content);
    let Some(visitor) = seal.open(value.as_bytes()) else { return };

    let again = seal.seal(&visitor).expect("it is no stranger");
    let opened = seal.open(again.as_bytes());
    assert_eq!(opened, Some(visitor), "{}", content.escape_ascii());
    assert_eq!(seal.seal(&visitor), Some(again.clone()), "it is the same each time");
    assert!(!matches!(visitor, Visitor::Stranger));
    assert_eq!(visitor.id().is_some(), at & 1 == 1);

    let place = usize::from(at) % again.len();
    let (before, after) = again.as_bytes().split_at(place);
    for changed in [
        [before, &[after[0] ^ 1], &after[1..]].concat(),
        [before, &after[1..]].concat(),
        [before, b"A", after].concat(),
        [before, b"=", after].concat(),
        again[..place].as_bytes().to_vec(),
        [again.as_bytes(), b"A"].concat(),
        [again.as_bytes(), b" "].concat(),
    ] {
        let same = changed == again.as_bytes();
        assert!(same || seal.open(&changed).is_none(), "{}", changed.escape_ascii());
    }
    assert_eq!(other.open(again.as_bytes()), None);
});
