//! What RFC 9113 (HTTP/2) and RFC 7541 (HPACK) ask of a server, frame by frame.
//!
//! The cases are those that h2spec tries, as far as they are remembered, and more; the table is
//! `tests/http2/cases.rs`. What comes of each is held to the code that the standard names. Where the
//! gateway does otherwise, [`KNOWN`] says what it does and why: a case that gets better or worse fails
//! until the list is right.

#[allow(dead_code, reason = "the scenarios use more of it")]
mod harness {
    use std::time::Duration;

    pub(crate) mod message;
    pub(crate) mod program;

    /// How long anything may take that a test waits for.
    pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
}

#[allow(dead_code, reason = "the abuse tests use more of it")]
mod http2 {
    pub(crate) mod cases;
    pub(crate) mod origin;
    pub(crate) mod wire;
}

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use harness::program::{Gateway, Program};
use http2::cases::Outcome::{Alive, Connection};
use http2::cases::{Case, Outcome, PROTOCOL, cases};
use http2::origin;
use http2::wire::*;
use tempfile::TempDir;

/// How many cases there are at least: a table that is cut short must not pass.
const CASES_MIN: usize = 140;

/// How long what has to come may take.
const SOON: Duration = Duration::from_secs(3);

/// What is sent last, to see whether everything goes on.
const LAST: &[u8; 8] = b"go on? !";

/// What comes otherwise than the standard says: the case, what comes, and why that stays.
const KNOWN: [(&str, Outcome, &str); 14] = [
    ("a block that is no HPACK", Connection(PROTOCOL), NO_HPACK),
    ("an index behind both tables", Connection(PROTOCOL), NO_HPACK),
    ("a table's size behind a field", Connection(PROTOCOL), NO_HPACK),
    ("a number without end", Connection(PROTOCOL), NO_HPACK),
    ("Huffman padding of more than 7 bits", Connection(PROTOCOL), NO_HPACK),
    ("Huffman padding of zeros", Connection(PROTOCOL), NO_HPACK),
    ("Huffman's end of string", Connection(PROTOCOL), NO_HPACK),
    ("a string longer than its block", Connection(PROTOCOL), NO_HPACK),
    ("an index of 0", Connection(PROTOCOL), NO_HPACK),
    ("a table's size over what was said", Connection(PROTOCOL), NO_HPACK),
    ("half-closed: DATA", Connection(PROTOCOL), ENDED),
    ("half-closed: HEADERS", Connection(PROTOCOL), ENDED),
    ("closed: HEADERS behind RST_STREAM", Connection(PROTOCOL), ENDED),
    ("a pseudo-field in trailers", Alive, "the h2 library drops it, and nobody reads it"),
];

const NO_HPACK: &str = "the h2 library has one code for this and for names that are none";
const ENDED: &str = "the h2 library ends the connection, as it may, but by another code";

fn gateway() -> (Gateway, TempDir) {
    let data = tempfile::tempdir().expect("a folder");
    (Program::run(origin::start(), data.path()).start(), data)
}

/// Plays a case and says what came of it.
fn play(case: &Case, to: SocketAddr) -> Option<Outcome> {
    let mut wire = if case.bare { Wire::open(to) } else { Wire::greeted(to, &[]) };
    // Who is cut off may find the connection closed already.
    let _ = wire.try_send(&case.sends) && wire.try_send(&frame(PING, 0, 0, LAST));
    let mut told = None;
    let mut alive = false;
    loop {
        match wire.next(SOON) {
            Came::Frame(frame) => match (frame.kind, frame.code()) {
                (GOAWAY, Some(code)) if code != 0 => told = Some(Outcome::Connection(code)),
                (RST_STREAM, Some(code)) => return Some(Outcome::Stream(code)),
                (HEADERS, _) => return Some(Outcome::Answer(status(&frame.payload))),
                (PING, _) if frame.payload == LAST => {
                    alive = true;
                    if case.outcome == Alive {
                        return Some(Alive);
                    }
                }
                _ => {}
            },
            Came::Closed => return Some(told.unwrap_or(Outcome::Closed)),
            // Whoever says that a connection ends has to end it.
            Came::Nothing => return (alive && told.is_none()).then_some(Alive),
        }
    }
}

/// The status that an answer begins with, if it stands in HPACK's table.
fn status(fields: &[u8]) -> u16 {
    match fields.first() {
        Some(0x88) => 200,
        Some(0x8c) => 400,
        Some(0x8d) => 404,
        _ => 0,
    }
}

/// Whether what came is what has to: a stream error may end the connection (RFC 9113 §5.4.2).
fn is_right(due: Outcome, came: Option<Outcome>) -> bool {
    match (due, came) {
        (Outcome::Stream(code), Some(Outcome::Connection(told))) => code == told,
        (due, came) => Some(due) == came,
    }
}

#[test]
fn every_frame_is_taken_as_the_standards_say() {
    let cases = cases();
    assert!(cases.len() >= CASES_MIN, "only {} cases", cases.len());
    let (gateway, _data) = gateway();
    let mut wrong = Vec::new();
    let mut sections: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for case in &cases {
        let came = play(case, gateway.plain);
        let right = is_right(case.outcome, came);
        let section = sections.entry(case.section).or_default();
        section.0 += usize::from(right);
        section.1 += 1;
        let known = KNOWN.iter().find(|(name, ..)| *name == case.name);
        if known.map_or(!right, |(_, known, _)| came != Some(*known)) {
            let Case { section, name, outcome, .. } = case;
            wrong.push(format!("§{section} {name}: due {outcome:?}, came {came:?}"));
        }
    }
    let right: usize = sections.values().map(|(right, _)| right).sum();
    for (section, (right, all)) in &sections {
        println!("§{section}: {right} of {all}");
    }
    println!("{right} of {} as the standards say; {} known otherwise", cases.len(), KNOWN.len());
    for (name, came, why) in KNOWN {
        println!("    {name}: {came:?}: {why}");
    }
    assert!(wrong.is_empty(), "{} are not as they are due:\n{}", wrong.len(), wrong.join("\n"));
}

/// The next piece of the answer on a stream.
fn data(wire: &mut Wire, stream: u32) -> Frame {
    wire.until("DATA", |frame| frame.kind == DATA && frame.stream == stream)
}

// §6.9.1.
#[test]
fn an_answer_is_no_longer_than_the_window() {
    let (gateway, _data) = gateway();
    let mut wire = Wire::greeted(gateway.plain, &[(4, 1)]);
    wire.send(&get(1, "/small"));
    let first = data(&mut wire, 1);
    assert_eq!((first.payload.as_slice(), first.flags), (&b"x"[..], 0));
    wire.send(&window_update(1, 1));
    let second = data(&mut wire, 1);
    assert_eq!((second.payload.as_slice(), second.flags), (&b"x"[..], END_STREAM));
}

// §6.9.2.
#[test]
fn settings_open_and_shut_windows_of_streams_that_are_open() {
    let (gateway, _data) = gateway();
    let mut wire = Wire::greeted(gateway.plain, &[(4, 0)]);
    wire.send(&get(1, "/big"));
    wire.until("an answer", |frame| frame.kind == HEADERS);
    wire.send(&settings(&[(4, 10)]));
    assert_eq!(data(&mut wire, 1).payload.len(), 10);
    // Now it is three less than nothing: two more are not enough.
    wire.send(&settings(&[(4, 7)]));
    wire.send(&window_update(1, 2));
    wire.send(&frame(PING, 0, 0, LAST));
    wire.until("an answer, and no DATA before it", |frame| {
        assert_ne!(frame.kind, DATA);
        frame.kind == PING && frame.flags == ACK
    });
    wire.send(&window_update(1, 3));
    assert_eq!(data(&mut wire, 1).payload.len(), 2);
}

// §5.1.2.
#[test]
fn a_stream_too_many_is_refused_and_the_others_go_on() {
    let (gateway, _data) = gateway();
    let mut wire = Wire::greeted(gateway.plain, &[]);
    for request in 0..100 {
        wire.send(&get(request * 2 + 1, "/slow"));
    }
    wire.send(&get(201, "/small"));
    let refused = wire.until("a refusal", |frame| frame.kind == RST_STREAM);
    assert_eq!((refused.stream, refused.code()), (201, Some(0x7)));
    wire.send(&reset(1, 0x8));
    wire.send(&get(203, "/small"));
    let answer = wire.until("an answer", |frame| frame.kind == HEADERS);
    assert_eq!((answer.stream, status(&answer.payload)), (203, 200));
}

// §6.5.3, §6.7, §3.4 and RFC 8441 §3.
#[test]
fn settings_come_first_and_pings_come_back_as_they_went() {
    let (gateway, _data) = gateway();
    let mut wire = Wire::open(gateway.plain);
    wire.send(&[PREFACE, &settings(&[])].concat());
    let Came::Frame(first) = wire.next(SOON) else { panic!("nothing comes") };
    assert_eq!((first.kind, first.flags, first.stream), (SETTINGS, 0, 0));
    let told: Vec<&[u8]> = first.payload.chunks(6).collect();
    for (name, value) in [(3, 100), (4, 64 * 1024), (6, 64 * 1024), (8, 1)] {
        assert!(told.contains(&&setting(name, value)[..]), "{name}: {told:?}");
    }
    wire.until("an acknowledgement", |frame| frame.kind == SETTINGS && frame.flags == ACK);
    wire.send(&frame(PING, 0, 0, LAST));
    let back = wire.until("an answer", |frame| frame.kind == PING);
    assert_eq!((back.payload.as_slice(), back.flags), (&LAST[..], ACK));
}

// §6.2, §8.1.
#[test]
fn the_answer_to_a_head_has_no_data() {
    let (gateway, _data) = gateway();
    let mut wire = Wire::greeted(gateway.plain, &[]);
    wire.send(&frame(HEADERS, END_STREAM | END_HEADERS, 1, &block(&request("HEAD", "/.consent/"))));
    let answer = wire.until("an answer", |frame| frame.kind == HEADERS);
    assert_eq!((status(&answer.payload), answer.flags & END_STREAM), (200, END_STREAM));
}
