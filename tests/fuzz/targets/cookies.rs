//! Any `Cookie` fields through the gate, for a visitor who has chosen nothing.
//!
//! Read again by the letter of RFC 6265, what is left are the cookies that were there, in their order and
//! byte for byte, but for those that are withheld and our own; gone through again, nothing more is taken.

#![no_main]

use std::sync::{Arc, LazyLock};

use http::{HeaderMap, HeaderValue};
use kelisim::gate::cookies::ConsentCookie;
use kelisim::gate::request::{Cookies, cookies, is_withheld};
use kelisim::gate::seal::{Seal, SealKey};
use kelisim::policy::{Record, Signal, Visitor, decide};
use kelisim::rules::Mode;
use kelisim::snapshot::Snapshot;
use kelisim::time::Time;
use kelisim::{demo, rules};
use libfuzzer_sys::fuzz_target;

const NOW: Time = Time(1_763_800_000);

/// What a fuzzer would guess late: each is a byte of the input.
const NAMES: [&str; 8] =
    ["_ga=1", "; _ym_uid=2", "__Host-consent=x", "consent=y", "; ", "=", "_ga_ABC=", "session=3"];

static SNAPSHOT: LazyLock<Arc<Snapshot>> = LazyLock::new(|| {
    let rules = rules::load("rules", &demo::rule_files()).expect("the shipped rules load");
    let seal = Seal::new(&SealKey { id: 1, secret: [1; 32] }, &[]);
    Arc::new(Snapshot::new(rules, seal))
});

fn gate(headers: &HeaderMap, own: &ConsentCookie) -> (Cookies, Vec<Vec<u8>>) {
    let conditions = SNAPSHOT.conditions(NOW, Record::Readable);
    let verdicts = decide(&conditions, &Visitor::Stranger, Signal::Silent);
    let (rules, seal) = (&SNAPSHOT.rules, &SNAPSHOT.seal);
    let cookies = cookies(headers, rules, &verdicts, own, seal, Mode::Enforce);
    let mut expected = Vec::new();
    for field in headers.get_all("cookie") {
        for pair in field.as_bytes().split(|byte| *byte == b';') {
            let name = name(pair);
            if !own.is_ours(name) && !is_withheld(name, &SNAPSHOT.rules, &verdicts) {
                expected.push(trim(pair).to_vec());
            }
        }
    }
    (cookies, expected)
}

/// A pair's name: what stands before its first `=`, without spaces and tabs around it.
fn name(pair: &[u8]) -> &[u8] {
    pair.iter().position(|byte| *byte == b'=').map_or(b"", |at| trim(&pair[..at]))
}

fn trim(bytes: &[u8]) -> &[u8] {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
    let Some(from) = bytes.iter().position(|byte| !is_space(byte)) else { return b"" };
    let to = bytes.iter().rposition(|byte| !is_space(byte)).map_or(from, |at| at + 1);
    &bytes[from..to]
}

fn pairs(kept: Option<&HeaderValue>) -> Vec<Vec<u8>> {
    let pairs = kept.map(|kept| kept.as_bytes().split(|byte| *byte == b';').map(trim));
    pairs.into_iter().flatten().filter(|pair| !pair.is_empty()).map(<[u8]>::to_vec).collect()
}

fuzz_target!(|input: &[u8]| {
    let Some((&how, rest)) = input.split_first() else { return };
    let text: Vec<u8> = rest
        .iter()
        .flat_map(|byte| match byte {
            1..=8 => NAMES[usize::from(*byte) - 1].as_bytes().to_vec(),
            byte => vec![*byte],
        })
        .collect();
    let mut headers = HeaderMap::new();
    // HTTP/2 sends crumbs.
    for field in text.split(|byte| *byte == b'\n') {
        let Ok(field) = HeaderValue::from_bytes(field) else { return };
        headers.append("cookie", field);
    }
    let own = ConsentCookie::new(how & 1 == 0, (how & 2 == 0).then_some("send-box.com"));
    let (Cookies { kept, withheld, .. }, mut expected) = gate(&headers, &own);
    expected.retain(|pair| !pair.is_empty());
    assert_eq!(pairs(kept.as_ref()), expected, "{}", text.escape_ascii());
    for name in &withheld {
        let others = withheld.iter().filter(|other| *other == name);
        assert!(others.count() == 1 && !expected.iter().any(|pair| self::name(pair) == name));
    }
    if withheld.is_empty() && headers.keys_len() == 1 && headers.len() == 1 {
        let all = headers.get("cookie").map(HeaderValue::as_bytes);
        let ours = pairs(headers.get("cookie")).iter().any(|pair| own.is_ours(name(pair)));
        assert!(
            ours || kept.as_ref().map(HeaderValue::as_bytes).unwrap_or_default()
                == all.unwrap_or_default()
        );
    }

    let Some(kept) = kept else { return };
    let again = HeaderMap::from_iter([(http::header::COOKIE, kept.clone())]);
    let (again, _) = gate(&again, &own);
    assert_eq!((again.kept, again.withheld), (Some(kept), Vec::new()), "{}", text.escape_ascii());
});
