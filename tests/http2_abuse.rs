//! What visitors can do to the gateway over HTTP/2, and what it costs.
//!
//! Each attack is played by raw frames against a gateway that is a process of its own. It has to be
//! ended or bounded: the connection is cut with a code that says why, the cut is counted, memory and
//! time of a processor stay under the ceilings that stand here, and another visitor is served all the
//! while. `--nocapture` prints the figures.
//!
//! The parts are in `tests/http2/`. Deadlines are shown with time set, in `src/server/http2/tests.rs`.

#[allow(dead_code, reason = "the scenarios use more of it")]
mod harness {
    use std::time::Duration;

    pub(crate) mod message;
    pub(crate) mod program;

    /// How long anything may take that a test waits for.
    pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
}

#[allow(dead_code, reason = "the conformance tests use more of it")]
mod http2 {
    pub(crate) mod measure;
    pub(crate) mod origin;
    pub(crate) mod wire;
}

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use harness::program::{Gateway, Program, ask};
use http2::measure::{Ceiling, under};
use http2::origin;
use http2::wire::*;
use tempfile::TempDir;

const ENHANCE_YOUR_CALM: u32 = 0xb;
const CANCEL: u32 = 0x8;

/// How soon an attack is answered by the end of its connection.
const SOON: Duration = Duration::from_secs(5);

/// What most attacks may cost.
const CEILING: Ceiling = Ceiling {
    // 8 MiB, and two of the huge pages that the allocator asks the system for: it takes 2 MiB at once.
    memory_kib: 12 * 1024,
    cpu: Duration::from_millis(2500),
    wait: Duration::from_secs(2),
};

fn gateway() -> (Gateway, TempDir) {
    let data = tempfile::tempdir().expect("a folder");
    (Program::run(origin::start(), data.path()).start(), data)
}

/// How often something was cut for a reason.
fn cuts(gateway: &Gateway, reason: &str) -> u64 {
    let metrics =
        ask(gateway.admin, "GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let body = String::from_utf8_lossy(&metrics.body).into_owned();
    let line = format!("kelisim_http2_cut_total{{reason=\"{reason}\"}} ");
    let value = body.lines().find_map(|found| found.strip_prefix(&line));
    value.unwrap_or_else(|| panic!("no {line}in {body}")).parse().expect("a number")
}

/// Sends the same again and again until the gateway takes no more, and says with which code it ended.
fn flood(wire: &mut Wire, frames: &[u8], times: usize) -> Option<u32> {
    for _ in 0..times {
        if !wire.try_send(frames) {
            break;
        }
    }
    wire.ended(SOON).expect("a flood is ended")
}

#[test]
fn floods_of_frames_that_do_no_work_end_the_connection() {
    let (gateway, _data) = gateway();
    let unknown = frame(77, 0, 0, b"whatever");
    let priority = frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 9]);
    for (name, one, reason) in [
        ("settings flood", settings(&[(4, 70_000)]), "settings"),
        ("ping flood", frame(PING, 0, 0, &[7; 8]), "pings"),
        ("ping answers nobody asked for", frame(PING, ACK, 0, &[7; 8]), "pings"),
        ("priority flood", priority, "priorities"),
        ("window flood", window_update(0, 1), "windows"),
        ("unknown frames", unknown, "idle_frames"),
    ] {
        let before = cuts(&gateway, reason);
        under(name, CEILING, &gateway, || {
            for _ in 0..10 {
                let mut wire = Wire::greeted(gateway.plain, &[]);
                let code = flood(&mut wire, &one.repeat(100), 100);
                // Who goes on sending may lose what they are told.
                assert!(code.is_none_or(|code| code == ENHANCE_YOUR_CALM), "{name}: {code:?}");
            }
        });
        assert_eq!(cuts(&gateway, reason) - before, 10, "{name}");
    }
}

#[test]
fn who_reads_is_told_why() {
    let (gateway, _data) = gateway();
    for (count, ends) in [(100, false), (101, true)] {
        let mut wire = Wire::greeted(gateway.plain, &[]);
        wire.send(&frame(PING, 0, 0, &[7; 8]).repeat(count));
        match ends {
            true => assert_eq!(wire.ended(SOON), Ok(Some(ENHANCE_YOUR_CALM))),
            false => {
                for _ in 0..count {
                    wire.until("an answer", |frame| frame.kind == PING && frame.flags == ACK);
                }
            }
        }
    }
}

#[test]
fn empty_and_tiny_data_is_bounded() {
    let (gateway, _data) = gateway();
    for (name, payload, flags) in [
        ("empty DATA flood", &b""[..], 0),
        ("padding flood", &[3, 0, 0, 0], PADDED),
        ("tiny DATA flood", b"x", 0),
    ] {
        under(name, CEILING, &gateway, || {
            for _ in 0..10 {
                let mut wire = Wire::greeted(gateway.plain, &[]);
                wire.send(&post(1, "/slow"));
                let data = frame(DATA, flags, 1, payload);
                let code = flood(&mut wire, &data.repeat(100), 300);
                assert!(
                    code.is_none_or(|code| code == ENHANCE_YOUR_CALM || code == 3),
                    "{name}: {code:?}"
                );
            }
        });
    }
}

#[test]
fn requests_taken_back_are_bounded() {
    let (gateway, _data) = gateway();
    under("rapid reset, 10 connections of up to 10,000", CEILING, &gateway, || {
        for _ in 0..10 {
            let mut wire = Wire::greeted(gateway.plain, &[]);
            for pair in 0..10_000 {
                let stream = pair * 2 + 1;
                if !wire.try_send(&[get(stream, "/slow"), reset(stream, CANCEL)].concat()) {
                    break;
                }
            }
            let code = wire.ended(SOON).expect("it is ended");
            assert!(code.is_none_or(|code| code == ENHANCE_YOUR_CALM), "{code:?}");
        }
    });
    // So slowly that each is answered, and without DATA, which would count as work.
    let before = cuts(&gateway, "resets");
    under("rapid reset in step", CEILING, &gateway, || {
        let mut wire = Wire::greeted(gateway.plain, &[]);
        let head = block(&request("HEAD", "/small"));
        let mut pairs = 0;
        while pairs <= 200 {
            let stream = pairs * 2 + 1;
            wire.send(&frame(HEADERS, END_HEADERS, stream, &head));
            wire.until("an answer", |frame| frame.kind == HEADERS && frame.stream == stream);
            wire.send(&reset(stream, CANCEL));
            pairs += 1;
        }
        assert_eq!(wire.ended(SOON), Ok(Some(ENHANCE_YOUR_CALM)));
    });
    assert_eq!(cuts(&gateway, "resets") - before, 1);
    // A balancer's users leave all the time, and are served all the time.
    let mut wire = Wire::greeted(gateway.plain, &[]);
    for pair in 0..400 {
        let (taken, left) = (pair * 4 + 1, pair * 4 + 3);
        wire.send(&get(taken, "/small"));
        wire.until("an answer", |frame| frame.kind == DATA && frame.stream == taken);
        wire.send(&[get(left, "/slow"), reset(left, CANCEL)].concat());
    }
    assert_eq!(cuts(&gateway, "resets") - before, 1);
}

/// What makes the gateway reset a stream.
type Mistake = fn(u32) -> Vec<u8>;

#[test]
fn a_gateway_that_is_made_to_reset_ends_the_connection() {
    let (gateway, _data) = gateway();
    let mistakes: [(&str, Mistake); 7] = [
        ("WINDOW_UPDATE of 0", |stream| [get(stream, "/slow"), window_update(stream, 0)].concat()),
        ("DATA behind the end", |stream| {
            [get(stream, "/slow"), frame(DATA, 0, stream, b"x")].concat()
        }),
        ("HEADERS behind the end", |stream| [get(stream, "/slow"), get(stream, "/slow")].concat()),
        ("a window over 2^31 - 1", |stream| {
            [get(stream, "/slow"), window_update(stream, 0x7fff_ffff)].concat()
        }),
        ("PRIORITY on itself", |stream| {
            let on_itself = [&stream.to_be_bytes()[..], &[1]].concat();
            [get(stream, "/slow"), frame(PRIORITY, 0, stream, &on_itself)].concat()
        }),
        ("PRIORITY of a wrong length", |stream| {
            [get(stream, "/slow"), frame(PRIORITY, 0, stream, &[0; 4])].concat()
        }),
        ("more than Content-Length", |stream| {
            let fields = [&request("POST", "/slow")[..], &[("content-length", "1")]].concat();
            let head = frame(HEADERS, END_HEADERS, stream, &block(&fields));
            [head, frame(DATA, 0, stream, b"xx")].concat()
        }),
    ];
    for (name, mistake) in mistakes {
        under(&format!("MadeYouReset: {name}"), CEILING, &gateway, || {
            let mut wire = Wire::greeted(gateway.plain, &[]);
            let mut streams = 0;
            // In step: each is a stream of its own, opened and broken.
            while streams < 1_000 && wire.try_send(&mistake(streams * 2 + 1)) {
                streams += 1;
                let answer = loop {
                    match wire.next(SOON) {
                        Came::Frame(Frame { kind: WINDOW_UPDATE, .. }) => {}
                        other => break other,
                    }
                };
                match answer {
                    Came::Frame(frame) if frame.kind == RST_STREAM => {}
                    Came::Frame(Frame { kind: GOAWAY, .. }) | Came::Closed => break,
                    other => panic!("{name}: {other:?}"),
                }
            }
            wire.ended(SOON).expect("it is ended");
            println!("    after {streams} streams");
            assert!(streams <= 102, "{name}: {streams} streams were reset");
        });
    }
    assert!(cuts(&gateway, "made_resets") > 0);
}

#[test]
fn answers_that_need_no_upload_cost_nothing() {
    let site = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = site.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        for mut stream in site.incoming().map_while(Result::ok) {
            let mut head = [0; 4096];
            let asked = stream.read(&mut head).expect("a request");
            assert!(head[..asked].ends_with(b"\r\n\r\n"), "heads are short");
            let answer =
                b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            stream.write_all(answer).expect("it is taken");
        }
    });
    let data = tempfile::tempdir().expect("a folder");
    let gateway = Program::run(address, data.path()).start();
    let mut wire = Wire::greeted(gateway.plain, &[]);
    // As a balancer sends them whose users are not logged in.
    for request in 0..300 {
        let stream = request * 2 + 1;
        wire.send(&post(stream, "/"));
        let ends = |frame: &Frame| frame.kind == RST_STREAM && frame.stream == stream;
        assert_eq!(wire.until("the end of the stream", ends).code(), Some(0));
    }
    assert_eq!(cuts(&gateway, "made_resets"), 0);
}

#[test]
fn answers_that_the_site_breaks_off_are_no_mistakes_of_the_visitors() {
    let site = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = site.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        for mut stream in site.incoming().map_while(Result::ok) {
            assert!(stream.read(&mut [0; 4096]).expect("a request") > 0);
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf").expect("taken");
        }
    });
    let data = tempfile::tempdir().expect("a folder");
    let gateway = Program::run(address, data.path()).start();
    let mut wire = Wire::greeted(gateway.plain, &[]);
    for request in 0..300 {
        let stream = request * 2 + 1;
        wire.send(&get(stream, "/"));
        let ends = |frame: &Frame| frame.kind == RST_STREAM && frame.stream == stream;
        assert_ne!(wire.until("the end of the stream", ends).code(), Some(0));
    }
    assert_eq!(cuts(&gateway, "made_resets"), 0);
}

#[test]
fn a_window_that_opens_byte_by_byte_ends_the_connection() {
    let (gateway, _data) = gateway();
    let mut wire = Wire::greeted(gateway.plain, &[(4, 0)]);
    wire.send(&get(1, "/big"));
    let mut bytes = 0;
    while bytes < 5_000 && wire.try_send(&window_update(1, 1)) {
        match wire.next(SOON) {
            Came::Frame(Frame { kind: DATA, .. }) => bytes += 1,
            Came::Frame(Frame { kind: GOAWAY, .. }) | Came::Closed => break,
            Came::Frame(_) => {}
            Came::Nothing => panic!("nothing comes behind {bytes} bytes"),
        }
    }
    assert!(bytes < 1_000, "{bytes} bytes were sent one by one");
    assert_eq!(cuts(&gateway, "windows"), 1);
}

#[test]
fn fields_without_end_are_ended() {
    let (gateway, _data) = gateway();
    let filler = block(&[("x-filler", &"x".repeat(1000))]).repeat(15);
    let long = [&[0, 127, 0x80, 0x80, 0x80, 0x04][..], &[b'x'; 16_000]].concat();
    for (name, payload) in [
        ("empty CONTINUATION flood", &[][..]),
        ("CONTINUATION flood", &filler),
        ("a name of 8 MB", &long),
    ] {
        under(name, CEILING, &gateway, || {
            for _ in 0..10 {
                let mut wire = Wire::greeted(gateway.plain, &[]);
                wire.send(&frame(HEADERS, END_STREAM, 1, &block(&request("GET", "/small"))));
                flood(&mut wire, &frame(CONTINUATION, 0, 1, payload), 1_000);
            }
        });
    }
}

#[test]
fn a_bomb_of_indexed_crumbs_does_not_go_off() {
    let (gateway, _data) = gateway();
    // A cookie of four kilobytes, kept in HPACK's table, and then named by one byte each time.
    let mut big = block(&request("GET", "/small"));
    let crumb = format!("a={}", "x".repeat(3_900));
    let mut kept = field("cookie", &crumb);
    kept[0] = 0x40;
    big.extend_from_slice(&kept);
    let sixteen_thousand = [&big[..], &[0xbe; 11_000]].concat();
    let mut small = block(&request("GET", "/small"));
    let mut kept = field("cookie", "a=1");
    kept[0] = 0x40;
    small.extend_from_slice(&kept);
    let crumbs = |count: usize| [&small[..], &vec![0xbe; count]].concat();

    under("header bomb, 43 MB a frame", CEILING, &gateway, || {
        for _ in 0..20 {
            let mut wire = Wire::greeted(gateway.plain, &[]);
            wire.send(&frame(HEADERS, END_STREAM | END_HEADERS, 1, &sixteen_thousand));
            assert_eq!(wire.ended(SOON), Ok(Some(ENHANCE_YOUR_CALM)));
        }
    });
    under("a thousand crumbs, 100 times", CEILING, &gateway, || {
        let mut wire = Wire::greeted(gateway.plain, &[]);
        for request in 0..100 {
            let stream = request * 2 + 1;
            wire.send(&frame(HEADERS, END_STREAM | END_HEADERS, stream, &crumbs(1_000)));
            let answer = wire.until("an answer", |frame| frame.kind == HEADERS);
            // `:status: 431`, which stands in no table: the value is a literal.
            let text = String::from_utf8_lossy(&answer.payload).into_owned();
            assert!(
                answer.stream == stream && (text.contains("431") || answer.payload.len() < 64),
                "{answer:?}"
            );
        }
        // As many as a browser keeps for a site.
        wire.send(&frame(HEADERS, END_STREAM | END_HEADERS, 201, &crumbs(179)));
        let answer = wire.until("an answer", |frame| frame.kind == HEADERS && frame.stream == 201);
        assert_eq!(
            answer.payload[0], 0x88,
            "`:status: 200` is the eighth of the table: {answer:?}"
        );
    });
}

#[test]
fn fields_of_waiting_requests_are_bounded() {
    let (gateway, _data) = gateway();
    // 100 requests that wait, of 60 KB each: a megabyte of them is let in.
    let long = "x".repeat(15_000);
    let fields =
        [&request("GET", "/slow")[..], &[("a", &long), ("b", &long), ("c", &long), ("d", &long)]]
            .concat();
    let (first, rest) = (block(&fields[..6]), block(&fields[6..]));
    let ceiling = Ceiling { memory_kib: 28 * 1024, ..CEILING };
    under("60 KB of fields in each of 500 waiting requests", ceiling, &gateway, || {
        let mut wires = Vec::new();
        for _ in 0..5 {
            let mut wire = Wire::greeted(gateway.plain, &[]);
            for request in 0..100 {
                let stream = request * 2 + 1;
                let (first, second) = (first.split_at(16_000), rest.split_at(16_000));
                wire.send(&frame(HEADERS, END_STREAM, stream, first.0));
                wire.send(&frame(CONTINUATION, 0, stream, first.1));
                wire.send(&frame(CONTINUATION, 0, stream, second.0));
                wire.send(&frame(CONTINUATION, END_HEADERS, stream, second.1));
            }
            wires.push(wire);
        }
        for wire in &mut wires {
            let mut refused = 0;
            while let Came::Frame(frame) = wire.next(Duration::from_millis(300)) {
                refused += usize::from(frame.kind == HEADERS);
            }
            assert!((80..=90).contains(&refused), "{refused} of 100 were refused");
        }
    });
}

#[test]
fn answers_that_nobody_takes_are_held_in_small_pieces() {
    let (gateway, _data) = gateway();
    let hold = |name: &str, window: u32| {
        let ceiling = Ceiling { memory_kib: 96 * 1024, cpu: Duration::from_secs(8), ..CEILING };
        under(name, ceiling, &gateway, || {
            let mut wires = Vec::new();
            for _ in 0..4 {
                let mut wire = Wire::greeted(gateway.plain, &[(4, window)]);
                if window > 0 {
                    wire.send(&window_update(0, 0x7000_0000));
                }
                for request in 0..100 {
                    wire.send(&get(request * 2 + 1, "/big"));
                }
                wires.push(wire);
            }
            if window == 0 {
                for wire in &mut wires {
                    for _ in 0..100 {
                        wire.until("an answer", |frame| frame.kind == HEADERS);
                    }
                }
            }
            std::thread::sleep(Duration::from_secs(1));
        });
    };
    hold("400 answers of 8 MiB behind windows of 0", 0);
    hold("400 answers of 8 MiB that are not read", 0x7000_0000);
}
