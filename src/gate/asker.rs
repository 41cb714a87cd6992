//! Who is asking: the visitor and the browser's signal, read from a request.
//!
//! The consent cookie grants; the set of superseded ids takes away. What cannot be read, or
//! stands there twice with different values, is no consent at all.
//!
//! Deciding what follows is [`crate::policy::decide()`]'s.

use http::header::HeaderMap;

use super::cookies::{self, ConsentCookie};
use super::seal::Seal;
use crate::policy::{Choice, Policies, Signal, Visitor};
use crate::superseded::Superseded;
use crate::time::{Day, Time};

/// How many copies of the consent cookie are looked at.
const COPIES_MAX: usize = 8;

/// Reads the visitor from their consent cookie.
pub fn visitor(
    headers: &HeaderMap,
    cookie: &ConsentCookie,
    seal: &Seal,
    superseded: &Superseded,
) -> Visitor {
    let mut values = cookies::of_request(headers)
        .filter(|found| found.name == cookie.name().as_bytes())
        .map(|found| found.value);
    let Some(value) = values.next() else { return Visitor::Stranger };
    // Two cookies of one name come from two scopes, and nobody knows which is newer.
    if values.any(|other| other != value) {
        return Visitor::Stranger;
    }
    match seal.open(value) {
        Some(Visitor::Known { id, mut choices }) if superseded.contains(id) => {
            let agreed: Vec<_> = choices
                .iter()
                .filter(|(_, choice)| matches!(choice, Choice::Agreed(_)))
                .map(|(purpose, choice)| (purpose, *choice.mark()))
                .collect();
            for (purpose, mark) in agreed {
                choices.set(purpose, Choice::Withdrawn(mark));
            }
            Visitor::Known { id, choices }
        }
        Some(visitor) => visitor,
        None => Visitor::Stranger,
    }
}

/// Every visitor with an id whose cookie a request holds: more than one where cookies of ours
/// stand in several scopes, or come by both schemes. Whoever takes something back takes it back
/// under all of them.
pub fn known(headers: &HeaderMap, seal: &Seal) -> Vec<Visitor> {
    let mut known: Vec<Visitor> = Vec::new();
    for found in cookies::of_request(headers) {
        let is_ours = ConsentCookie::NAMES.iter().any(|name| found.name == name.as_bytes());
        if !is_ours || known.len() >= COPIES_MAX {
            continue;
        }
        if let Some(visitor @ Visitor::Known { .. }) = seal.open(found.value)
            && !known.contains(&visitor)
        {
            known.push(visitor);
        }
    }
    known
}

/// The version that a visitor has to be told of: the next one that is announced, unless they have read its
/// notice. Versions are told of one after another, so who has read of one has read of those before it.
pub fn notice_due(
    headers: &HeaderMap,
    cookie: &ConsentCookie,
    policies: &Policies,
    now: Time,
) -> Option<Day> {
    let mut announced = policies.announced(now).map(|policy| policy.in_force).peekable();
    announced.peek()?;
    let read = cookies::of_request(headers)
        .filter(|found| found.name == cookie.notice_name().as_bytes())
        .map(|found| std::str::from_utf8(found.value).ok()?.parse::<Day>().ok());
    // Of several, which come from several scopes, the one that was read least counts.
    let read = read.min().flatten();
    announced.find(|day| read.is_none_or(|read| *day > read))
}

/// Reads the browser's signal: `Sec-GPC: 1`, and no other value. Of several fields one exact
/// `1` is enough.
pub fn signal(headers: &HeaderMap) -> Signal {
    if headers.get_all("sec-gpc").iter().any(|value| value.as_bytes() == b"1") {
        Signal::Refuses
    } else {
        Signal::Silent
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::seal::SealKey;
    use crate::policy::{Choices, Mark, Purpose, TermsDigest, TextDigest, VisitorId};
    use crate::time::{Day, Time};

    fn agreed() -> Visitor {
        let mark = Mark {
            at: Time(1),
            until: Time(2),
            policy: Day(0),
            terms: TermsDigest::default(),
            shown: TextDigest::default(),
            signal: Signal::Silent,
        };
        let mut choices = Choices::default();
        choices.set(Purpose::Analytics, Choice::Agreed(mark));
        Visitor::Known { id: VisitorId(5), choices }
    }

    #[test]
    fn a_superseded_agreement_is_read_as_withdrawn_and_a_doubled_cookie_not_at_all() {
        let seal = Seal::new(&SealKey { id: 1, secret: [1; 32] }, &[]);
        let superseded = Superseded::default();
        let value = seal.seal(&agreed()).unwrap();
        let read = |cookies: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("cookie", cookies.parse().unwrap());
            visitor(&headers, &ConsentCookie::Host, &seal, &superseded)
        };
        assert_eq!(read(&format!("a=1; __Host-consent={value}")), agreed());
        assert_eq!(read(&format!("__Host-consent={value}; __Host-consent={value}")), agreed());
        assert_eq!(read(&format!("__Host-consent={value}; __Host-consent=x")), Visitor::Stranger);
        assert_eq!(read(&format!("consent={value}")), Visitor::Stranger);

        superseded.add(VisitorId(5), Time(2));
        let choices = read(&format!("__Host-consent={value}")).choices();
        assert!(matches!(choices.of(Purpose::Analytics), Some(Choice::Withdrawn(_))));
    }

    #[test]
    fn only_an_exact_one_signals() {
        for (value, expected) in [
            ("1", Signal::Refuses),
            ("0", Signal::Silent),
            ("1, 1", Signal::Silent),
            ("true", Signal::Silent),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("sec-gpc", value.parse().unwrap());
            assert_eq!(signal(&headers), expected, "{value}");
        }
    }
}
