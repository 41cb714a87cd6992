//! What parts of the gate cost in instructions: the decision, the sealed cookie, a request's cookies, a page.
//!
//! `benches/instructions/run` runs this under callgrind and compares with its baseline. `cargo bench --bench
//! instructions` runs it alone, where valgrind and the runner of gungraun are. Time is measured in `gate.rs`.
//!
//! Each is done once before it is counted: caches are full then, as they are in a process that serves. What is
//! made for it, and what it makes, is dropped uncounted.

#![allow(missing_docs, reason = "gungraun makes items of each function, and documents none")]

use std::hint::black_box;
use std::sync::Arc;

use gungraun::{library_benchmark, library_benchmark_group, main};
use http::HeaderMap;
use kelisim::demo;
use kelisim::gate::cookies::ConsentCookie;
use kelisim::gate::document::Document;
use kelisim::gate::fate::Fates;
use kelisim::gate::request::{self, Cookies};
use kelisim::gate::seal::{Seal, SealKey};
use kelisim::html;
use kelisim::policy::{
    Choice, Choices, Conditions, Mark, Purpose, Record, Signal, TextDigest, Verdicts, Visitor,
    VisitorId, decide,
};
use kelisim::rules::{self, Mode};
use kelisim::snapshot::Snapshot;
use kelisim::time::Time;
use mimalloc::MiMalloc;
use url::Url;

/// As in the program.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const NOW: Time = Time(1_763_800_000);

/// A session of the site's, and what two vendors left.
const COOKIES: &str = "sb_session=eyJ1c2VyIjoiYSJ9; _ym_uid=1763800000123456789; _ym_d=1763800000; \
                       _ga=GA1.1.123.456; _ga_DEMO000001=GS2.1.s1; sb_lang=kk; theme=dark";

/// The shipped rules. They live as long as the process, which ends after one measurement.
fn snapshot() -> &'static Arc<Snapshot> {
    let rules = rules::load("rules", &demo::rule_files()).expect("the shipped rules load");
    let seal = Seal::new(&SealKey { id: 1, secret: [1; 32] }, &[]);
    Box::leak(Box::new(Arc::new(Snapshot::new(rules, seal))))
}

/// Who has agreed to be counted, and is remembered by that.
fn agreed(snapshot: &Snapshot) -> Visitor {
    let policy = snapshot.rules.policies.at(NOW).expect("a version is in force");
    let mark = Mark {
        at: NOW,
        until: Time(NOW.0 + 86_400),
        policy: policy.in_force,
        terms: policy.terms[Purpose::Analytics].digest,
        shown: TextDigest::default(),
        signal: Signal::Silent,
    };
    let mut choices = Choices::default();
    choices.set(Purpose::Analytics, Choice::Agreed(mark));
    Visitor::Known { id: VisitorId(1), choices }
}

/// Does something once, so that it is warm.
fn warm<T, R>(setting: T, once: impl FnOnce(&T) -> R) -> T {
    drop(black_box(once(&setting)));
    setting
}

struct Asked {
    conditions: Conditions<'static>,
    visitor: Visitor,
}

impl Asked {
    fn of_who_agreed() -> Asked {
        let snapshot = snapshot();
        let conditions = snapshot.conditions(NOW, Record::Readable);
        let asked = Asked { conditions, visitor: agreed(snapshot) };
        warm(asked, Asked::answer)
    }

    fn answer(&self) -> Verdicts<'static> {
        decide(&self.conditions, black_box(&self.visitor), Signal::Silent)
    }
}

#[library_benchmark]
#[bench::of_who_agreed(Asked::of_who_agreed())]
fn decision(asked: Asked) -> (Verdicts<'static>, Asked) {
    (black_box(asked.answer()), asked)
}

struct Sealed {
    seal: &'static Seal,
    cookie: String,
}

impl Sealed {
    fn of_who_agreed() -> Sealed {
        let snapshot = snapshot();
        let cookie = snapshot.seal.seal(&agreed(snapshot)).expect("a choice was made");
        warm(Sealed { seal: &snapshot.seal, cookie }, Sealed::open)
    }

    fn open(&self) -> Option<Visitor> {
        self.seal.open(black_box(self.cookie.as_bytes()))
    }
}

#[library_benchmark]
#[bench::of_who_agreed(Sealed::of_who_agreed())]
fn sealed_cookie(sealed: Sealed) -> (Option<Visitor>, Sealed) {
    (black_box(sealed.open()), sealed)
}

struct Sorted {
    snapshot: &'static Snapshot,
    verdicts: Verdicts<'static>,
    headers: HeaderMap,
}

impl Sorted {
    fn of(visitor: impl FnOnce(&Snapshot) -> Visitor) -> Sorted {
        let snapshot = snapshot();
        let visitor = visitor(snapshot);
        let verdicts =
            decide(&snapshot.conditions(NOW, Record::Readable), &visitor, Signal::Silent);
        let mut cookies = COOKIES.to_owned();
        if let Some(sealed) = snapshot.seal.seal(&visitor) {
            cookies = format!("{cookies}; {}={sealed}", ConsentCookie::Host.name());
        }
        let mut headers = HeaderMap::new();
        headers.insert("cookie", cookies.parse().expect("a valid field"));
        warm(Sorted { snapshot, verdicts, headers }, Sorted::sort)
    }

    fn of_a_stranger() -> Sorted {
        Sorted::of(|_| Visitor::Stranger)
    }

    fn of_who_agreed() -> Sorted {
        Sorted::of(agreed)
    }

    fn sort(&self) -> Cookies {
        request::cookies(
            black_box(&self.headers),
            &self.snapshot.rules,
            &self.verdicts,
            &ConsentCookie::Host,
            &self.snapshot.seal,
            Mode::Enforce,
        )
    }
}

#[library_benchmark]
#[bench::of_a_stranger(Sorted::of_a_stranger())]
#[bench::of_who_agreed(Sorted::of_who_agreed())]
fn request_cookies(sorted: Sorted) -> (Cookies, Sorted) {
    (black_box(sorted.sort()), sorted)
}

struct Page {
    snapshot: &'static Arc<Snapshot>,
    fates: Fates,
    url: Url,
    bytes: Vec<u8>,
}

impl Page {
    /// The demonstration's home page, as the site sends it.
    fn of_a_stranger() -> Page {
        let snapshot = snapshot();
        let conditions = snapshot.conditions(NOW, Record::Readable);
        let verdicts = decide(&conditions, &Visitor::Stranger, Signal::Silent);
        let request = http::Request::builder().uri("/").body(()).expect("a valid request");
        let page = Page {
            snapshot,
            fates: Fates::of(&snapshot.rules, &verdicts),
            url: "https://send-box.com/".parse().expect("a valid address"),
            bytes: demo::site::answer(&request, b"").into_body().to_vec(),
        };
        warm(page, Page::rewritten)
    }

    fn rewritten(&self) -> Vec<u8> {
        let document =
            Document::new(Arc::clone(self.snapshot), self.fates.clone(), self.url.clone(), None);
        html::rewrite(black_box(&self.bytes), document).expect("nothing is refused").0
    }
}

#[library_benchmark]
#[bench::of_a_stranger(Page::of_a_stranger())]
fn page(page: Page) -> (Vec<u8>, Page) {
    (black_box(page.rewritten()), page)
}

library_benchmark_group!(
    name = part,
    benchmarks = [decision, sealed_cookie, request_cookies, page]
);
main!(library_benchmark_groups = part);
