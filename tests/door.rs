//! The front door: which HTTP/1 requests reach the site, and which are refused.
//!
//! Every byte is said by `tests/door/cases.txt`, so that the table can be read, and argued with, by
//! someone who runs a proxy. Behind the door a recording upstream reads by the strictest rules and
//! tells what a loose server would take for a second request.
//!
//! The same cases are played against nginx and HAProxy: what they refuse for its framing, and the
//! table lets through, is a mistake of the table's.
//!
//! The parts are in `tests/door/`. What the gateway does with a request that passed is in the
//! scenarios.

#[path = "harness/message.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod message;
#[path = "harness/program.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod program;

mod door {
    pub(crate) mod cases;
    pub(crate) mod escapes;
    pub(crate) mod judge;
    pub(crate) mod peers;
    pub(crate) mod request;
    pub(crate) mod upstream;
    pub(crate) mod visitor;
}

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use door::cases::{Case, Outcome, parse};
use door::judge::{judge, refused};
use door::peers::Peer;
use door::request::{Reading, read};
use door::upstream::{Got, Upstream};
use door::visitor::{Heard, send, send_and_stay};
use program::Program;

/// How long anything may take that a test waits for.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many cases there are at least: a table that is cut short must not pass.
const CASES_MIN: usize = 450;

fn cases() -> Vec<Case> {
    let cases = parse(include_str!("door/cases.txt"));
    let cases = cases.unwrap_or_else(|wrong| panic!("tests/door/cases.txt:\n{}", wrong.join("\n")));
    assert!(cases.len() >= CASES_MIN, "only {} cases", cases.len());
    cases
}

/// Plays a case, and waits until nothing more can reach the upstream.
fn play(case: &Case, at: SocketAddr, upstream: &Upstream) -> Result<(Heard, Got), String> {
    let heard = send(at, case);
    Ok((heard, upstream.take()?))
}

fn failure(case: &Case, wrong: &[String], heard: Option<&Heard>) -> String {
    let Case { line, name, outcome, .. } = case;
    let heard = heard.map(|heard| format!("\n    answered: {heard}")).unwrap_or_default();
    format!("cases.txt:{line}: {name} ({})\n    {}{heard}", outcome.kind(), wrong.join("\n    "))
}

#[test]
fn every_request_passes_or_is_refused_as_the_table_says() {
    let cases = cases();
    let upstream = Upstream::start();
    let data = tempfile::tempdir().expect("a temporary folder");
    let gateway = Program::run(upstream.address, data.path()).start();
    let mut failures = Vec::new();
    let mut kinds: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for case in &cases {
        let wrong = match play(case, gateway.plain, &upstream) {
            Ok((heard, got)) => {
                let wrong = judge(case, &heard, &got);
                (!wrong.is_empty()).then(|| failure(case, &wrong, Some(&heard)))
            }
            Err(error) => Some(failure(case, &[error], None)),
        };
        let kind = kinds.entry(case.outcome.kind()).or_default();
        kind.0 += 1;
        kind.1 += usize::from(wrong.is_none());
        failures.extend(wrong);
    }
    for (kind, (played, right)) in &kinds {
        println!("{kind}: {played} cases, {right} as they must be");
    }
    assert!(
        failures.is_empty(),
        "{} of {} cases are not as they must be:\n\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n")
    );
}

#[test]
fn a_visitor_who_stays_is_answered_all_the_same() {
    // Where the end of a body is what is wrong, waiting for it is right.
    let cases: Vec<Case> =
        cases().into_iter().filter(|case| !matches!(case.outcome, Outcome::Cut { .. })).collect();
    let upstream = Upstream::start();
    let data = tempfile::tempdir().expect("a temporary folder");
    let gateway = Program::run(upstream.address, data.path()).start();
    // All at once: those that wait in vain wait together.
    let at = gateway.plain;
    let playing: Vec<_> = cases
        .into_iter()
        .map(|case| std::thread::spawn(move || (send_and_stay(at, &case), case)))
        .collect();
    let mut failures = Vec::new();
    for playing in playing {
        let (heard, case) = playing.join().expect("no visitor panics");
        let statuses: Vec<u16> = heard.answers.iter().map(|answer| answer.status).collect();
        let mut expected = vec![200; case.outcome.passing()];
        if let Outcome::Refuse { status, .. } = case.outcome {
            expected.push(status);
        }
        if statuses != expected || (case.outcome.refuses() && !heard.closed) {
            let wrong = format!("must be answered {expected:?}, and closed if refused");
            failures.push(failure(&case, &[wrong], Some(&heard)));
        }
    }
    assert!(failures.is_empty(), "{} cases:\n\n{}", failures.len(), failures.join("\n"));
}

/// What another proxy made of the cases.
#[derive(Default)]
struct Tally {
    passed: usize,
    refused: usize,
    /// Refused, though the table passes them.
    stricter: Vec<String>,
    /// Passed, though the table refuses them.
    looser: Vec<String>,
    /// Passed in a form that servers read differently.
    doubtful: usize,
    /// Refused for its framing, though the table passes it.
    wrong: Vec<String>,
}

impl Tally {
    fn of(peer: &Peer, cases: &[Case], upstream: &Upstream) -> Tally {
        let mut tally = Tally::default();
        for case in cases {
            let (_, got) = play(case, peer.address, upstream).unwrap_or_else(|error| {
                panic!("{}: {}", peer.name, failure(case, &[error], None));
            });
            let name = format!("cases.txt:{}: {}", case.line, case.name);
            if refused(case, &got) {
                tally.refused += 1;
                if !case.outcome.refuses() {
                    if case.framing {
                        tally.wrong.push(format!("{name}: refused by {}", peer.name));
                    }
                    tally.stricter.push(name);
                }
            } else {
                tally.passed += 1;
                tally.doubtful += usize::from(!got.doubts.is_empty());
                if case.outcome.refuses() {
                    tally.looser.push(name);
                }
            }
        }
        tally
    }
}

#[test]
fn nothing_that_nginx_or_haproxy_refuse_for_its_framing_passes() {
    let cases = cases();
    let upstream = Upstream::start();
    let refused = cases.iter().filter(|case| case.outcome.refuses()).count();
    let passed = cases.len() - refused;
    // *stricter*, *looser*: than the table. *doubtful*: of what passed, how much reached the upstream
    // in a form that servers read differently.
    let mut table = vec![
        "            passed  refused  stricter  looser  doubtful".to_owned(),
        format!("the table{passed:>9}{refused:>9}"),
    ];
    let mut lists = Vec::new();
    let mut wrong = Vec::new();
    for peer in [Peer::nginx(upstream.address), Peer::haproxy(upstream.address)] {
        let tally = Tally::of(&peer, &cases, &upstream);
        table.push(format!(
            "{:<9}{:>9}{:>9}{:>10}{:>8}{:>10}",
            peer.name,
            tally.passed,
            tally.refused,
            tally.stricter.len(),
            tally.looser.len(),
            tally.doubtful
        ));
        for (words, names) in [
            ("refuses what the table passes", &tally.stricter),
            ("passes what the table refuses", &tally.looser),
        ] {
            lists.push(format!("{} {words}:\n    {}", peer.name, names.join("\n    ")));
        }
        // One that was set up wrongly refuses everything, and proves anything.
        let few = tally.stricter.len() * 4 < passed;
        assert!(few, "{} refuses nearly everything:\n{}", peer.name, tally.stricter.join("\n"));
        wrong.extend(tally.wrong);
    }
    println!("\n{}\n\n{}", table.join("\n"), lists.join("\n\n"));
    assert!(wrong.is_empty(), "the table passes, for their framing:\n{}", wrong.join("\n"));
}

#[test]
fn a_case_that_cannot_be_read_is_named_with_its_line() {
    for (text, told) in [
        ("pass\n> GET / HTTP/1.1\n", "1: a case begins with"),
        ("== one\n> GET / HTTP/1.1\n", "1: `one` does not say what must become of it"),
        ("== one\npass\n", "1: `one` sends nothing"),
        ("== one\nrefuse\n> x\n", "2: expected"),
        ("== one\nrefuse 200\n> x\n", "2: `200` is neither"),
        ("== one\nrefuse 400 after x\n> x\n", "2: `x` is no number"),
        ("== one\npass\nrefuse 400\n> x\n", "3: a case has one outcome"),
        ("== one\npass\n> x\nlacks y\n", "4: what must become of a case"),
        ("== one\npass\nshows y\n> x\n", "3: no line begins so"),
        ("== one\nrefuse 400\nanswers 2\n> x\n", "3: `answers`"),
        ("== one\nrefuse 400\nlacks y\n> x\n", "1: `one` reaches nobody"),
        ("== one\npass\n> x \n", "3: white space"),
        ("== one\npass\n> \\y\n", "3: `\\y` is no escape"),
        ("== one\npass\n> \\x+1\n", "3: `\\x` needs"),
        ("== one\npass\n> \\{x*y}\n", "3: expected"),
        ("== one\npass\n> x\n== one\npass\n> x\n", "4: line 1 has a case of this name"),
    ] {
        let wrong = parse(text).expect_err(text);
        assert!(wrong.iter().any(|wrong| wrong.starts_with(told)), "{text:?}: {wrong:?}");
    }
}

#[test]
fn bytes_are_sent_as_they_are_written() {
    let text =
        "# a note\n\n== one\nrefuse 400 after 2 framing\n> a\\t\\x00\\{3*\\xffy}\n>\n>> b\\r\n";
    let cases = parse(text).expect("it can be read");
    let [case] = cases.as_slice() else { panic!("{cases:?}") };
    assert_eq!(case.bytes, b"a\t\0\xffy\xffy\xffy\r\n\r\nb\r");
    assert_eq!(case.outcome, Outcome::Refuse { status: 400, after: 2 });
    assert!(case.framing);
}

#[test]
fn the_upstream_knows_one_form_of_everything() {
    let head = "POST / HTTP/1.1\r\nHost: a\r\n";
    let whole = |rest: &str| match read(format!("{head}{rest}").as_bytes()) {
        Reading::Whole(request, _) => Some(request),
        Reading::Part | Reading::Malformed(_) => None,
    };
    assert_eq!(whole("Content-Length: 2\r\n\r\nokay").expect("it is whole").body, b"ok");
    let chunked = whole("Transfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\nX: y\r\n\r\n");
    let chunked = chunked.expect("it is whole");
    assert_eq!((chunked.body.as_slice(), chunked.has("x")), (&b"ok"[..], true));
    for part in
        ["Content-Length: 2\r\n\r\no", "Transfer-Encoding: chunked\r\n\r\n0\r\n", "X: y\r\n"]
    {
        let bytes = format!("{head}{part}");
        assert!(matches!(read(bytes.as_bytes()), Reading::Part), "{part:?}");
    }
    for bad in [
        "Host: b\r\n\r\n",
        "Content-Length: 2\r\nContent-Length: 2\r\n\r\nok",
        "Content-Length: +2\r\n\r\nok",
        "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n0;x\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
        "X : y\r\n\r\n",
        "X: y\n\r\n",
        "X: y\r\n z\r\n\r\n",
    ] {
        let bytes = format!("{head}{bad}");
        assert!(matches!(read(bytes.as_bytes()), Reading::Malformed(_)), "{bad:?}");
    }
    let bent = whole("Content_Length: 2\r\n\r\n").expect("it is whole");
    assert_eq!(bent.doubts().len(), 1);
}
