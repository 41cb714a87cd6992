//! The sealed consent cookie.
//!
//! It holds the consent id, if there is one, and the choices with their marks, followed by
//! a message authentication code. What does not verify is not read: a forged, cut or
//! garbled cookie is the cookie of a stranger.
//!
//! The code is deterministic, and an anonymous cookie holds days instead of moments: two
//! visitors who refuse the same text on the same day hold the same bytes.
//!
//! Each cookie names the key that sealed it, so that keys can be changed without asking
//! everybody again. Making and keeping keys is `store`'s work.

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::policy::{
    Choice, Choices, Mark, Purpose, Signal, TermsDigest, TextDigest, Visitor, VisitorId,
};
use crate::time::{DAY_SECONDS, Day, Time};

/// The first byte of a sealed value.
const FORMAT: u8 = 1;

/// Bytes of the authentication code: 128 bits.
const MAC_BYTES: usize = 16;

/// How long a form may lie open.
const TOKEN_SECONDS: u64 = 2 * DAY_SECONDS;

/// The longest value that is looked at: seven choices under an id take less.
const SEALED_CHARS_MAX: usize = 1024;

/// A key that seals, and the number by which cookies name it.
#[derive(Clone)]
pub struct SealKey {
    /// The number.
    pub id: u8,
    /// The secret.
    pub secret: [u8; 32],
}

/// Keys are never printed.
impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealKey({})", self.id)
    }
}

/// Seals and opens consent cookies.
#[derive(Clone)]
pub struct Seal {
    current: Keyed,
    retired: Vec<Keyed>,
    /// What codes of forms begin with.
    tokens: Hmac<Sha256>,
}

/// A key, and what codes of cookies begin with that are made by it.
#[derive(Clone)]
struct Keyed {
    id: u8,
    cookies: Hmac<Sha256>,
}

impl Keyed {
    fn of(key: &SealKey) -> Keyed {
        Keyed { id: key.id, cookies: keyed(key, b"kelisim consent cookie 1") }
    }

    fn mac(&self, content: &[u8]) -> Hmac<Sha256> {
        self.cookies.clone().chain_update(content)
    }
}

/// Keys are never printed.
impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Seal({})", self.current.id)
    }
}

impl Seal {
    /// Seals with `current`, and opens what it or one of `retired` sealed.
    pub fn new(current: &SealKey, retired: &[SealKey]) -> Seal {
        Seal {
            current: Keyed::of(current),
            retired: retired.iter().map(Keyed::of).collect(),
            tokens: keyed(current, b"kelisim form token 1"),
        }
    }

    /// A cookie value for a visitor, or nothing for one who has not chosen.
    pub fn seal(&self, visitor: &Visitor) -> Option<String> {
        let (id, choices) = match visitor {
            Visitor::Stranger => return None,
            Visitor::Anonymous { choices } => (None, choices),
            Visitor::Known { id, choices } => (Some(*id), choices),
        };
        let mut bytes = vec![FORMAT, self.current.id, u8::from(id.is_some())];
        if let Some(VisitorId(id)) = id {
            bytes.extend(id.to_be_bytes());
        }
        for (purpose, choice) in choices.iter() {
            write_choice(&mut bytes, purpose, choice, id.is_some());
        }
        let code = self.current.mac(&bytes).finalize().into_bytes();
        bytes.extend(&code[..MAC_BYTES]);
        Some(BASE64URL_NOPAD.encode(&bytes))
    }

    /// The visitor that a cookie value describes, or nothing if it is not ours to the bit.
    pub fn open(&self, value: &[u8]) -> Option<Visitor> {
        let mut room = [0; SEALED_CHARS_MAX / 4 * 3];
        let length = BASE64URL_NOPAD.decode_len(value.len()).ok()?;
        let bytes = room.get_mut(..length)?;
        BASE64URL_NOPAD.decode_mut(value, bytes).ok()?;
        let (content, code) = bytes.split_at_checked(bytes.len().checked_sub(MAC_BYTES)?)?;
        let mut reader = Reader(content);
        if reader.byte()? != FORMAT {
            return None;
        }
        let key_id = reader.byte()?;
        let key =
            std::iter::once(&self.current).chain(&self.retired).find(|key| key.id == key_id)?;
        // Compared in constant time: the time must not tell how much of a forgery is right.
        key.mac(content).verify_truncated_left(code).ok()?;

        let known = reader.byte()? != 0;
        let id = if known { Some(VisitorId(u128::from_be_bytes(reader.array()?))) } else { None };
        let mut choices = Choices::default();
        while !reader.0.is_empty() {
            let (purpose, choice) = read_choice(&mut reader, known)?;
            choices.set(purpose, choice);
        }
        Some(match id {
            Some(id) => Visitor::Known { id, choices },
            None => Visitor::Anonymous { choices },
        })
    }

    /// A token that proves that a form came from a page of ours, shown to `whom` at `now`. It
    /// rests on what the request itself shows, so no identifier is needed to check it; and it
    /// is another one each minute, so that no script of the page can use it as one.
    pub fn form_token(&self, whom: &[u8], now: Time) -> String {
        let minute = u32::try_from(now.0 / 60).unwrap_or(u32::MAX).to_be_bytes();
        let code = self.token_mac(whom, minute).finalize().into_bytes();
        BASE64URL_NOPAD.encode(&[&minute[..], &code[..MAC_BYTES]].concat())
    }

    /// Whether a token was made for `whom`, at most two days ago.
    pub fn holds(&self, token: &str, whom: &[u8], now: Time) -> bool {
        let Ok(bytes) = BASE64URL_NOPAD.decode(token.as_bytes()) else { return false };
        let Some((minute, code)) = bytes.split_first_chunk() else { return false };
        let made = u64::from(u32::from_be_bytes(*minute)) * 60;
        let is_recent = made <= now.0 && now.0 - made <= TOKEN_SECONDS;
        is_recent
            && code.len() == MAC_BYTES
            && self.token_mac(whom, *minute).verify_truncated_left(code).is_ok()
    }

    fn token_mac(&self, whom: &[u8], minute: [u8; 4]) -> Hmac<Sha256> {
        self.tokens.clone().chain_update(minute).chain_update(whom)
    }
}

/// The label keeps a code made for one use from being taken for another.
fn keyed(key: &SealKey, label: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&key.secret)
        .expect("HMAC takes a key of any length (RFC 2104 §3)");
    mac.update(label);
    mac
}

fn write_choice(bytes: &mut Vec<u8>, purpose: Purpose, choice: &Choice, known: bool) {
    let mark = choice.mark();
    let kind = match choice {
        Choice::Agreed(_) => 0,
        Choice::Declined(_) => 1,
        Choice::Withdrawn(_) => 2,
    };
    let signal = match mark.signal {
        Signal::Silent => 0,
        Signal::Refuses => 1,
    };
    bytes.extend([purpose as u8, kind << 1 | signal]);
    for moment in [mark.at, mark.until] {
        match known {
            true => bytes.extend(moment.0.to_be_bytes()),
            false => bytes.extend(moment.day().0.to_be_bytes()),
        }
    }
    bytes.extend(mark.policy.0.to_be_bytes());
    bytes.extend(mark.terms.0);
    bytes.extend(mark.shown.0);
}

fn read_choice(reader: &mut Reader<'_>, known: bool) -> Option<(Purpose, Choice)> {
    let purpose = *Purpose::ALL.get(usize::from(reader.byte()?))?;
    let kind = reader.byte()?;
    let signal = if kind & 1 == 0 { Signal::Silent } else { Signal::Refuses };
    let mut moment = || {
        Some(match known {
            true => Time(u64::from_be_bytes(reader.array()?)),
            false => Day(u32::from_be_bytes(reader.array()?)).start(),
        })
    };
    let (at, until) = (moment()?, moment()?);
    let policy = Day(u32::from_be_bytes(reader.array()?));
    let terms = TermsDigest(reader.array()?);
    let shown = TextDigest(reader.array()?);
    let mark = Mark { at, until, policy, terms, shown, signal };
    let choice = match kind >> 1 {
        0 => Choice::Agreed(mark),
        1 => Choice::Declined(mark),
        2 => Choice::Withdrawn(mark),
        _ => return None,
    };
    Some((purpose, choice))
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: u8) -> SealKey {
        SealKey { id, secret: [id; 32] }
    }

    fn visitor(known: bool) -> Visitor {
        let at = if known { Time(1_763_800_123) } else { Day(20_000).start() };
        let mark = Mark {
            at,
            until: Day(20_365).start(),
            policy: Day(19_000),
            terms: TermsDigest([1; 16]),
            shown: TextDigest([2; 16]),
            signal: Signal::Refuses,
        };
        let mut choices = Choices::default();
        choices.set(Purpose::Marketing, Choice::Withdrawn(mark));
        if known {
            choices.set(Purpose::Analytics, Choice::Agreed(mark));
            return Visitor::Known { id: VisitorId(0xfeed), choices };
        }
        choices.set(Purpose::Analytics, Choice::Declined(mark));
        Visitor::Anonymous { choices }
    }

    #[test]
    fn what_was_sealed_opens_again_with_the_same_or_a_retired_key() {
        for visitor in [visitor(true), visitor(false)] {
            let old = Seal::new(&key(1), &[]);
            let value = old.seal(&visitor).unwrap();
            assert!(value.len() < SEALED_CHARS_MAX);
            assert_eq!(old.open(value.as_bytes()), Some(visitor));
            let new = Seal::new(&key(2), &[key(1)]);
            assert_eq!(new.open(value.as_bytes()), Some(visitor));
            assert_eq!(Seal::new(&key(2), &[]).open(value.as_bytes()), None);
        }
    }

    #[test]
    fn a_cookie_changed_in_any_bit_or_cut_anywhere_is_not_read() {
        let seal = Seal::new(&key(1), &[]);
        for visitor in [visitor(true), visitor(false)] {
            let bytes = BASE64URL_NOPAD.decode(seal.seal(&visitor).unwrap().as_bytes()).unwrap();
            for bit in 0..bytes.len() * 8 {
                let mut forged = bytes.clone();
                forged[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(seal.open(BASE64URL_NOPAD.encode(&forged).as_bytes()), None, "{bit}");
            }
            for end in 0..bytes.len() {
                let cut = BASE64URL_NOPAD.encode(&bytes[..end]);
                assert_eq!(seal.open(cut.as_bytes()), None, "{end}");
            }
        }
    }

    #[test]
    fn a_strangers_cookie_does_not_exist() {
        assert_eq!(Seal::new(&key(1), &[]).seal(&Visitor::Stranger), None);
    }

    #[test]
    fn a_form_token_holds_for_one_asker_and_two_days() {
        let seal = Seal::new(&key(1), &[]);
        let shown = Time(1_763_800_123);
        let token = seal.form_token(b"198.51.100.7 agent", shown);
        let holds = |whom: &[u8], later| seal.holds(&token, whom, shown.plus_seconds(later));
        assert!(
            holds(b"198.51.100.7 agent", 0) && holds(b"198.51.100.7 agent", TOKEN_SECONDS - 60)
        );
        assert!(!holds(b"198.51.100.7 agent", TOKEN_SECONDS + 60));
        assert!(!holds(b"198.51.100.8 agent", 0));
        assert_ne!(token, seal.form_token(b"198.51.100.7 agent", shown.plus_seconds(60)));
        for forged in ["", "AAAA", &token[..token.len() - 2]] {
            assert!(!seal.holds(forged, b"198.51.100.7 agent", shown), "{forged}");
        }
    }
}
