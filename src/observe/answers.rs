//! What visitors were asked and what they answered, without anybody in it.
//!
//! An operator has to see whether a banner is understood: how often it is shown, and what is answered, by its
//! language, the kind of page and the text that was shown. That takes numbers and nobody's trail: no
//! identifier, no address, no country, no time, and no page but by a kind that the operator has named.
//!
//! Pages that nobody may ever see are left out: those that a browser fetches ahead, and those of crawlers and
//! programs that say who they are.
//!
//! The numbers are in memory, and begin anew with the process.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use http::header::{HeaderMap, HeaderValue, USER_AGENT};

use crate::policy::TextDigest;

/// How many combinations of language, kind of page and text one thread keeps apart. A text changes with the
/// wording or the terms; when there is no more room, new ones are counted without it.
const APART_MAX: usize = 1_000;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Event {
    /// A page asked.
    Shown,
    /// Everything was agreed to.
    Agreed,
    /// Everything was declined.
    Declined,
    /// Each purpose was answered for itself.
    Selected,
    /// What was agreed to was taken back.
    Withdrawn,
}

impl Event {
    /// All of them.
    pub const ALL: [Event; 5] =
        [Event::Shown, Event::Agreed, Event::Declined, Event::Selected, Event::Withdrawn];

    /// The name in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Event::Shown => "shown",
            Event::Agreed => "agreed",
            Event::Declined => "declined",
            Event::Selected => "selected",
            Event::Withdrawn => "withdrawn",
        }
    }
}

/// Where something was asked or answered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Where {
    /// The language.
    pub language: String,
    /// The kind of page.
    pub page: String,
    /// The digest of the text that was shown, in hexadecimal; empty for texts that there was no room for.
    pub text: String,
}

/// How often each event happened somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// Where.
    pub place: Where,
    counts: [u64; Event::ALL.len()],
}

impl Answered {
    /// How often.
    pub fn count(&self, event: Event) -> u64 {
        self.counts[event as usize]
    }

    /// How often a question was answered.
    pub fn answers(&self) -> u64 {
        [Event::Agreed, Event::Declined, Event::Selected]
            .map(|event| self.count(event))
            .iter()
            .sum()
    }
}

/// What one thread has counted.
#[derive(Debug, Default)]
pub(super) struct Answers(Mutex<BTreeMap<Where, [u64; Event::ALL.len()]>>);

impl Answers {
    fn counts(&self) -> MutexGuard<'_, BTreeMap<Where, [u64; Event::ALL.len()]>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, event: Event, language: &str, page: &str, text: TextDigest) {
        let (language, page) = (language.to_owned(), page.to_owned());
        let mut place = Where { language, page, text: data_encoding::HEXLOWER.encode(&text.0) };
        let mut counts = self.counts();
        if counts.len() >= APART_MAX && !counts.contains_key(&place) {
            place.text.clear();
        }
        counts.entry(place).or_default()[event as usize] += 1;
    }

    /// The sums over all threads.
    pub(super) fn sums<'a>(of_threads: impl Iterator<Item = &'a Answers>) -> Vec<Answered> {
        let mut sums: BTreeMap<Where, [u64; Event::ALL.len()]> = BTreeMap::new();
        for of_thread in of_threads {
            for (place, counts) in of_thread.counts().iter() {
                let sum = sums.entry(place.clone()).or_default();
                for (sum, count) in sum.iter_mut().zip(counts) {
                    *sum += count;
                }
            }
        }
        sums.into_iter().map(|(place, counts)| Answered { place, counts }).collect()
    }
}

/// What crawlers and programs call themselves by, in lower case. Crawlers give their name as `…bot/1.0`, and
/// where to read about them; nothing here is meant to find those who hide.
const PROGRAMS: [&str; 15] = [
    "bot/",
    "bot;",
    "bot)",
    "+http",
    "crawler",
    "spider",
    "slurp",
    "facebookexternalhit",
    "headlesschrome",
    "lighthouse",
    "curl/",
    "wget/",
    "python-",
    "go-http-client",
    "okhttp/",
];

/// Whether a request counts as a person's: it is not made ahead of one, and by no program that says so.
pub fn is_persons(headers: &HeaderMap) -> bool {
    let is_ahead = ["sec-purpose", "purpose", "x-moz"].iter().any(|name| {
        let says = |value: &HeaderValue| value.as_bytes().starts_with(b"prefetch");
        headers.get_all(*name).iter().any(says)
    });
    let agent = headers.get(USER_AGENT).map(|agent| agent.as_bytes().to_ascii_lowercase());
    let is_named = agent.is_some_and(|agent| {
        !PROGRAMS.iter().any(|name| memchr::memmem::find(&agent, name.as_bytes()).is_some())
    });
    is_named && !is_ahead
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_summed_and_texts_without_room_are_counted_without_their_digest() {
        let (one, other) = (Answers::default(), Answers::default());
        let text = |number: usize| {
            let mut digest = TextDigest::default();
            digest.0[..8].copy_from_slice(&number.to_be_bytes());
            digest
        };
        for number in 0..APART_MAX + 5 {
            one.add(Event::Shown, "ru", "home", text(number));
        }
        other.add(Event::Shown, "ru", "home", text(0));
        other.add(Event::Agreed, "ru", "home", text(0));
        let sums = Answers::sums([&one, &other].into_iter());
        assert_eq!(sums.len(), APART_MAX + 1);
        let total: u64 = sums.iter().map(|sum| sum.count(Event::Shown)).sum();
        assert_eq!(total, APART_MAX as u64 + 6);
        let without = sums.iter().find(|sum| sum.place.text.is_empty()).unwrap();
        assert_eq!(without.count(Event::Shown), 5);
        let first = sums.iter().find(|sum| sum.count(Event::Agreed) == 1).unwrap();
        assert_eq!((first.count(Event::Shown), first.answers()), (2, 1));
    }

    #[test]
    fn what_is_fetched_ahead_or_by_a_program_that_says_so_is_nobodys() {
        let persons = |pairs: &[(&'static str, &str)]| {
            let headers = pairs.iter().map(|(n, v)| (n.parse().unwrap(), v.parse().unwrap()));
            is_persons(&headers.collect())
        };
        let agent = |agent| ("user-agent", agent);
        let browser = agent(
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0 Safari/537.36",
        );
        assert!(persons(&[browser]));
        assert!(persons(&[browser, ("sec-purpose", "other")]));
        // A telephone of that name.
        assert!(persons(&[agent("Mozilla/5.0 (Linux; Android 10; CUBOT NOTE 20) Chrome/143.0")]));
        for ahead in [
            ("sec-purpose", "prefetch"),
            ("sec-purpose", "prefetch;prerender"),
            ("purpose", "prefetch"),
            ("x-moz", "prefetch"),
        ] {
            assert!(!persons(&[browser, ahead]), "{ahead:?}");
        }
        for program in [
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
            "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
            "Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/143.0.0.0 Safari/537.36",
            "facebookexternalhit/1.1",
            "curl/8.14.1",
            "python-requests/2.32",
        ] {
            assert!(!persons(&[agent(program)]), "{program}");
        }
        assert!(!persons(&[]), "who says nothing is no browser");
    }
}
