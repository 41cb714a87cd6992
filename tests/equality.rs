//! Where no rule speaks, it is as if there were no gateway: byte for byte.
//!
//! Drawn requests and answers are exchanged directly, and once more through the gateway. What the site
//! sees and what the visitor sees has to be the same, but for what the tables here name; operators read
//! the same list in `docs/operate.md`.
//!
//! The visitor's connection through the gateway stays open from case to case as long as HTTP lets it, and so
//! does that to the site: a byte too many or too few would be seen in the next case.

#[path = "harness/message.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod message;
#[path = "harness/program.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod program;
#[path = "harness/wire.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod wire;

mod equality {
    pub(crate) mod origin;
    pub(crate) mod read;
    pub(crate) mod said;
}

use std::time::Duration;

use equality::origin::{Answer, Origin};
use equality::read::{Fields, Message};
use equality::said::{Body, Said, answer, request};
use program::Program;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use wire::Wire;

/// How long anything may take that a test waits for.
const PATIENCE: Duration = Duration::from_secs(20);

/// Fields that end at the gateway, whichever way they go.
const OF_ONE_CONNECTION: [&str; 8] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// Fields that `Connection` may list, and that travel all the same. So do `Content-*` and `Sec-*`.
const NEVER_OF_ONE_CONNECTION: [&str; 4] = ["authorization", "cookie", "host", "trailer"];

/// Fields in which the gateway states who asks, and no visitor does.
const OF_THE_GATEWAY: [&str; 9] = [
    "forwarded",
    "kelisim-expects",
    "kelisim-raw-target",
    "x-consent",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-real-ip",
];

/// The fields that a message brings to the other end: in small letters, lines of one name together at the
/// place of the first.
fn carried(message: &Message) -> Fields {
    let ends_here = |name: &str| {
        let listed = message.lists("connection", name)
            && !NEVER_OF_ONE_CONNECTION.contains(&name)
            && !name.starts_with("content-")
            && !name.starts_with("sec-");
        listed || OF_ONE_CONNECTION.contains(&name)
    };
    let mut fields = grouped(&message.fields);
    fields.retain(|(name, _)| !ends_here(name));
    fields
}

fn grouped(fields: &Fields) -> Fields {
    let mut all: Fields = Vec::new();
    for (name, value) in fields {
        let name = name.to_ascii_lowercase();
        let last = all.iter().rposition(|(known, _)| *known == name);
        all.insert(last.map_or(all.len(), |last| last + 1), (name, value.clone()));
    }
    all
}

/// Trailers travel where `Trailer` announces them.
fn announced(message: &Message) -> Fields {
    let mut trailers = grouped(&message.trailers);
    trailers.retain(|(name, _)| message.lists("trailer", name));
    trailers
}

/// What the site has to see of a request that it would have seen so without a gateway.
fn at_the_site(direct: &Message) -> Message {
    let mut fields = carried(direct);
    fields.retain(|(name, _)| !OF_THE_GATEWAY.contains(&name.as_str()) && !name.contains('_'));
    // HTTP/1 wants it first.
    fields.sort_by_key(|(name, _)| name != "host");
    Message { fields, trailers: announced(direct), ..direct.clone() }
}

/// What the site sees, but for what the gateway adds.
fn seen_at_the_site(through: &Message) -> Message {
    let mut fields = through.fields.clone();
    fields.retain(|(name, _)| {
        let name = name.as_str();
        !OF_THE_GATEWAY.contains(&name) && !OF_ONE_CONNECTION.contains(&name)
    });
    Message { fields, ..through.clone() }
}

/// What the visitor has to see of an answer that they would have seen so without a gateway.
fn at_the_visitor(direct: &Message, asks_for_trailers: bool, to_head: bool) -> Message {
    let trailers = if asks_for_trailers { announced(direct) } else { Vec::new() };
    let mut fields = carried(direct);
    if to_head || is_bodiless(direct) {
        // There are none behind it.
        fields.retain(|(name, _)| name != "trailer");
    }
    // Whatever HTTP the site speaks.
    let start = [b"HTTP/1.1", &direct.start[b"HTTP/1.1".len()..]].concat();
    Message { start, fields, body: direct.body.clone(), trailers }
}

/// Whether the status says that there is no body.
fn is_bodiless(answer: &Message) -> bool {
    let status = answer.start.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
    matches!(status, b"204" | b"304")
}

/// What the visitor sees, but for what the gateway adds.
fn seen_at_the_visitor(through: &Message, direct: &Message) -> Message {
    let mut through = through.clone();
    let dated = direct.values("date").next().is_some();
    let sized = direct.values("content-length").next().is_some();
    let empty = through.body.is_empty();
    through.fields.retain(|(name, value)| match name.as_str() {
        "connection" | "transfer-encoding" => false,
        "date" => dated,
        // Where the site has told by its connection's end that there is nothing, the gateway tells it.
        "content-length" => sized || !(empty && value == b"0"),
        _ => true,
    });
    through
}

struct Between {
    origin: Origin,
    gateway: program::Gateway,
    /// The visitor's connection through the gateway, if it is still good.
    open: Option<Wire>,
    /// How many cases found it open.
    reused: u32,
    _data: tempfile::TempDir,
}

impl Between {
    /// Says a request and reads the answer; returns what the site and the visitor have seen.
    fn exchange(&mut self, wire: &mut Wire, said: &Said, answered: &Said) -> (Message, Message) {
        let to_head = said.start.starts_with(b"HEAD ");
        let closes = matches!(answered.body, Body::Close(_))
            || answered.start.starts_with(b"HTTP/1.0")
            || answered
                .fields
                .iter()
                .any(|(name, value)| name == "Connection" && value == b"close");
        self.origin.answers(Answer { bytes: answered.bytes(to_head), closes });
        wire.say(said.bytes(false));
        let asked = self.origin.asked();
        (asked, Message::read(wire, true, to_head))
    }

    fn compare(&mut self, said: &Said, answered: &Said) -> Result<(), TestCaseError> {
        let mut direct = Wire::to(self.origin.address);
        let (site_direct, visitor_direct) = self.exchange(&mut direct, said, answered);
        drop(direct);

        self.reused += u32::from(self.open.is_some());
        let gateway = self.gateway.plain;
        let mut wire = self.open.take().unwrap_or_else(|| Wire::to(gateway));
        let (site, visitor) = self.exchange(&mut wire, said, answered);
        if !visitor.lists("connection", "close") {
            self.open = Some(wire);
        }

        let (expected, seen) = (at_the_site(&site_direct), seen_at_the_site(&site));
        same("the site", &expected, &seen)?;
        let asks_for_trailers = site_direct.lists("te", "trailers");
        let te: Vec<_> = site.values("te").collect();
        let expected_te: &[&[u8]] = if asks_for_trailers { &[b"trailers"] } else { &[] };
        proptest::prop_assert_eq!(te, expected_te);
        // A body stays framed as it was.
        let chunked = |message: &Message| message.values("transfer-encoding").next().is_some();
        proptest::prop_assert_eq!(chunked(&site), chunked(&site_direct));

        let to_head = said.start.starts_with(b"HEAD ");
        let expected = at_the_visitor(&visitor_direct, asks_for_trailers, to_head);
        same("the visitor", &expected, &seen_at_the_visitor(&visitor, &visitor_direct))?;
        proptest::prop_assert!(!self.origin.was_asked_more(), "one request became two");
        Ok(())
    }
}

fn same(who: &str, expected: &Message, seen: &Message) -> Result<(), TestCaseError> {
    let shown = |message: &Message| {
        let fields = |fields: &Fields| -> String {
            let line = |(name, value): &(String, Vec<u8>)| {
                format!("\n    {name}: {}", value.escape_ascii())
            };
            fields.iter().map(line).collect()
        };
        format!(
            "\n    {}{}\n    ({} bytes){}",
            message.start.escape_ascii(),
            fields(&message.fields),
            message.body.len(),
            fields(&message.trailers)
        )
    };
    let wrong = || format!("{who} must see{}\n  and sees{}", shown(expected), shown(seen));
    if expected == seen { Ok(()) } else { Err(TestCaseError::fail(wrong())) }
}

#[test]
fn what_no_rule_speaks_of_is_the_same_as_without_a_gateway() {
    let data = tempfile::tempdir().expect("a folder");
    let origin = Origin::start();
    let gateway = Program::run(origin.address, data.path()).start();
    let between = Between { origin, gateway, open: None, reused: 0, _data: data };
    let between = std::cell::RefCell::new(between);
    let config = Config { failure_persistence: None, ..Config::default() };
    let cases = config.cases;
    let mut runner = TestRunner::new(config);
    let ran = runner.run(&(request(), answer()), |(said, answered)| {
        between.borrow_mut().compare(&said, &answered)
    });
    ran.unwrap_or_else(|failed| panic!("{failed}"));
    let reused = between.borrow().reused;
    assert!(reused > cases / 3, "{reused} of {cases} cases followed others on one connection");
}
