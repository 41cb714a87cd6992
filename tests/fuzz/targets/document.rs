//! Any page through the real gate: the shipped rules, a visitor who has chosen nothing.
//!
//! However the page is cut, read and packed, the same text comes out. Gone through again, nothing
//! more in it is held. And in what comes out no script that runs comes from `mc.yandex.ru`, and no
//! picture or frame: [`looker`] reads it as a browser would.
//!
//! Gone through again it is not always the same bytes: only the gate may write `data-consent`, so a
//! second gate takes away what the first one wrote. The third time nothing is left to take.

#![no_main]

mod cuts;
mod looker;

use std::sync::{Arc, LazyLock};

use kelisim::charset::{self, Charset, Reading};
use kelisim::coding::{Coding, Decoder, Levels};
use kelisim::gate::document::{Document, GuardTag, Insertion};
use kelisim::gate::fate::Fates;
use kelisim::gate::seal::{Seal, SealKey};
use kelisim::gate::stream::Stream;
use kelisim::html::{Edit, rewrite};
use kelisim::policy::{Record, Signal, Visitor, decide};
use kelisim::snapshot::Snapshot;
use kelisim::time::Time;
use kelisim::{demo, rules};
use libfuzzer_sys::fuzz_target;
use looker::Looker;
use url::Url;

const NOW: Time = Time(1_763_800_000);

/// What the pages begin with.
const SKELETONS: [&str; 12] = [
    "",
    "<!DOCTYPE html><html lang=kk><head><title>a</title></head><body>",
    "<script>",
    "<script src=\"",
    "<svg><script>",
    "<svg><script href='",
    "<iframe srcdoc=\"",
    "<noscript>",
    "<base href=//mc.yandex.ru/>",
    "<img src='https://mc.yandex.ru/",
    "<math><annotation-xml encoding='text/html'>",
    "<template><select>",
];

/// How the page is served.
const TYPES: [&str; 4] = [
    "text/html; charset=utf-8",
    "text/html",
    "text/html; charset=windows-1251",
    "text/html; charset=utf-16le",
];

struct Gate {
    snapshot: Arc<Snapshot>,
    fates: Fates,
    url: Url,
}

static GATE: LazyLock<Gate> = LazyLock::new(|| {
    let rules = rules::load("rules", &demo::rule_files()).expect("the shipped rules load");
    let seal = Seal::new(&SealKey { id: 1, secret: [1; 32] }, &[]);
    let snapshot = Arc::new(Snapshot::new(rules, seal));
    let conditions = snapshot.conditions(NOW, Record::Readable);
    let fates =
        Fates::of(&snapshot.rules, &decide(&conditions, &Visitor::Stranger, Signal::Silent));
    let url = "https://send-box.com/a/b?c".parse().expect("a valid address");
    Gate { snapshot, fates, url }
});

fn document(insertion: Option<Insertion>) -> Document {
    let Gate { snapshot, fates, url } = &*GATE;
    let guard = insertion.as_ref().map(|insertion| GuardTag {
        policy: insertion.policy,
        permitted: String::new(),
        withheld: String::new(),
        reloads: insertion.banner,
        nonce: insertion.nonce.clone(),
        is_document: insertion.is_document,
    });
    Document::new(Arc::clone(snapshot), fates.clone(), url.clone(), insertion).guarded(guard)
}

/// Nothing, the control or the banner.
fn insertion(choice: u8) -> Option<Insertion> {
    let policy = GATE.snapshot.rules.policies.at(NOW).expect("a version is in force");
    (choice >= 2).then(|| Insertion {
        policy: policy.in_force,
        banner: choice == 3,
        notice: None,
        kind: "other".to_owned(),
        token: "t".to_owned(),
        return_to: "/a/b?c".to_owned(),
        nonce: (choice == 3).then(|| "n".to_owned()),
        permitted: String::new(),
        reload: choice == 3,
        accept_language: String::new(),
        is_document: false,
    })
}

fuzz_target!(|input: &[u8]| {
    let (input, cuts) = cuts::split(input);
    let [how, what, rest @ ..] = input else { return };
    let kind = TYPES[usize::from(how & 3)];
    let coding = Coding::ALL[usize::from(how >> 4) % Coding::ALL.len()];
    let skeleton = SKELETONS[usize::from(*what) % SKELETONS.len()];
    let mut page = [skeleton.as_bytes(), rest].concat();
    if kind.ends_with("utf-16le") {
        page = page.iter().flat_map(|byte| [*byte, 0]).collect();
    }
    let header = charset::of_header([kind.as_bytes()]);
    let charset = charset::decide(&header, None, &page, true).expect("the end decides");
    let edit = || document(insertion(how >> 2 & 3)).in_encoding(charset.sent_in());

    let Some((text, first)) = streamed(charset, edit(), Coding::Identity, &[&page]) else {
        assert_eq!(charset.reading(), Reading::Unreadable);
        return;
    };
    let pieces = cuts.pieces(&page);
    let (packed, again) = streamed(charset, edit(), coding, &pieces).expect("it was read");
    let same = unpacked(coding, &packed);
    assert!(
        same == text,
        "{coding:?} in {} pieces:\n{}\nat once:\n{}",
        pieces.len(),
        same.escape_ascii(),
        text.escape_ascii()
    );
    assert_eq!(again.tally().total(), first.tally().total());

    let show = || format!("{}\nbecame\n{}", page.escape_ascii(), text.escape_ascii());

    let mut looker = Looker::new(GATE.url.clone(), charset);
    looker.look(&text);
    assert!(looker.found.is_empty(), "{:?} in\n{}", looker.found, show());

    let (second, edit) = rewrite(&text, document(None).in_encoding(charset.sent_in()))
        .expect("short pages are not refused");
    assert!(edit.tally().total() == 0, "{} more are held in\n{}", edit.tally().total(), show());
    let (third, edit) = rewrite(&second, document(None).in_encoding(charset.sent_in()))
        .expect("short pages are not refused");
    assert!(edit.tally().total() == 0, "{} more are held at last in\n{}", edit.tally().total(), show());
    assert!(third == second, "it changes for ever:\n{}", show());
    let names_consent = text.windows(12).any(|word| word.eq_ignore_ascii_case(b"data-consent"));
    assert!(second == text || names_consent, "it changes again:\n{}", show());
});

/// A page in these pieces as it goes out, if it can be read. After every third the other side waits.
fn streamed<E: Edit>(
    charset: Charset,
    edit: E,
    coding: Coding,
    pieces: &[&[u8]],
) -> Option<(Vec<u8>, E)> {
    let mut stream = Stream::new(charset, edit, coding, Levels { zstd: 1, br: 1, gzip: 1 })?;
    let mut out = Vec::new();
    for (at, piece) in pieces.iter().enumerate() {
        stream.take(piece, &mut out).expect("short pages are not refused");
        // Not after each: a flush of one byte costs as much as one of a page.
        if at % 3 == 2 && at < 60 {
            stream.flush(&mut out).expect("it can be flushed");
        }
    }
    let edit = stream.finish(&mut out).expect("short pages are not refused");
    Some((out, edit))
}

fn unpacked(coding: Coding, mut packed: &[u8]) -> Vec<u8> {
    let mut decoder = Decoder::new(coding);
    let mut plain = Vec::new();
    loop {
        let step = decoder.step(packed, &mut plain).expect("what was packed can be unpacked");
        packed = &packed[step.taken..];
        if !step.more {
            break;
        }
    }
    decoder.finish().expect("it is whole");
    plain
}
