//! The door between a visitor and a reader that stands for hyper.
//!
//! Which heads and bodies are refused is in `tests/door`, against the whole gateway. Here it is shown
//! that cuts change nothing, when a refusal is written, and the deadlines, with time set.

use std::future::poll_fn;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::TcpStream;
use tokio::time::advance;

use super::*;
use crate::settings::{Count, Span};

impl Line for DuplexStream {
    fn socket(&self) -> Option<&TcpStream> {
        None
    }
}

/// A visitor, and the door that they came to.
fn meet() -> (DuplexStream, Door<DuplexStream>) {
    meet_within(Bounds::default())
}

fn meet_within(bounds: Bounds) -> (DuplexStream, Door<DuplexStream>) {
    let (visitor, io) = duplex(64 * 1024);
    (visitor, Door::new(io, Arc::new(bounds), Arc::default()))
}

/// What passes until the end.
async fn passed(door: &mut Door<DuplexStream>) -> Vec<u8> {
    let mut all = Vec::new();
    door.read_to_end(&mut all).await.expect("nothing breaks");
    all
}

/// What the visitor gets when hyper has nothing more to say.
async fn answered(mut door: Door<DuplexStream>, visitor: &mut DuplexStream) -> String {
    let (shut, answer) = tokio::join!(door.shutdown(), async {
        let mut answer = String::new();
        visitor.read_to_string(&mut answer).await.expect("it is text");
        answer
    });
    shut.expect("nothing breaks");
    answer
}

fn refused(door: &Door<DuplexStream>) -> Vec<&'static str> {
    let sums = Counters::refusals(std::slice::from_ref(&door.counters));
    sums.filter(|(_, sum)| *sum > 0).map(|(name, _)| name).collect()
}

const TWO: &str = "\r\nPOST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
                   3;x=y\r\nabc\r\n0\r\nSum: 1\r\n\r\n\
                   PUT /b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello\
                   GET /\u{43f}?\"<c> HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nX: y\r\n\r\n";

#[tokio::test]
async fn what_passes_is_the_same_however_it_comes() {
    let raw = "GET /\u{43f}?\"<c> HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nX: y\r\n\r\n";
    let uri = "GET /%D0%BF?%22%3Cc%3E HTTP/1.1\r\nHost: a\r\nX: y\r\n\
               kelisim-raw-target: /\u{43f}?\"<c>\r\n\r\n";
    let expected = TWO.replace(raw, uri);
    for cut in 0..=TWO.len() {
        let (mut visitor, mut door) = meet();
        let (one, two) = TWO.as_bytes().split_at(cut);
        let (all, ()) = tokio::join!(passed(&mut door), async {
            visitor.write_all(one).await.expect("it is taken");
            tokio::task::yield_now().await;
            visitor.write_all(two).await.expect("it is taken");
            visitor.shutdown().await.expect("it is taken");
        });
        assert_eq!(String::from_utf8_lossy(&all), expected, "cut at {cut}");
        assert!(refused(&door).is_empty());
    }
}

#[tokio::test]
async fn a_refusal_waits_for_the_answers_before_it() {
    let (mut visitor, mut door) = meet();
    let good = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let both = format!("{good}GET / HTTP/1.1\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
    visitor.write_all(both.as_bytes()).await.expect("it is taken");
    assert_eq!(passed(&mut door).await, good.as_bytes());
    door.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.expect("it is taken");
    assert_eq!(refused(&door), ["host"]);
    visitor.shutdown().await.expect("it is taken");
    let answer = answered(door, &mut visitor).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 400 Bad Request\r\n"), "{answer}");
}

#[tokio::test]
async fn a_body_that_breaks_the_rules_just_ends() {
    let (mut visitor, mut door) = meet();
    let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    visitor.write_all(format!("{head}3\r\nabcd").as_bytes()).await.expect("it is taken");
    let all = passed(&mut door).await;
    assert!(all.starts_with(head.as_bytes()) && !all.ends_with(b"d"), "{}", all.escape_ascii());
    assert_eq!(refused(&door), ["chunk"]);
    visitor.shutdown().await.expect("it is taken");
    assert_eq!(answered(door, &mut visitor).await, "", "its head has passed: hyper answers");
}

#[tokio::test]
async fn what_goes_ahead_waits_for_hyper_and_hyper_waits_for_its_end() {
    let (mut visitor, io) = duplex(4);
    let mut door = Door::new(io, Arc::default(), Arc::default());
    let ahead = door.ahead();
    let said = async {
        door.write_all(b"the first answer, ").await.expect("it is taken");
        // hyper has written all that it had when it flushes; the visitor takes four bytes at a time.
        let flushed = poll_fn(|cx| Poll::Ready(Pin::new(&mut door).poll_flush(cx))).await;
        assert!(flushed.is_pending(), "a part of the head is left");
        door.write_all(b"the second").await.expect("it is taken");
        drop(door);
    };
    let mut heard = String::new();
    let ((), (), read) =
        tokio::join!(ahead.say("a head, ".into()), said, visitor.read_to_string(&mut heard),);
    read.expect("it is text");
    assert_eq!(heard, "the first answer, a head, the second");
}

/// Asserts that the reading ends after so many seconds, and not before.
async fn ends_after(door: &mut Door<DuplexStream>, seconds: u64) {
    let began = Instant::now();
    let mut bytes = [0; 64];
    while door.read(&mut bytes).await.expect("nothing breaks") > 0 {}
    let took = began.elapsed();
    let expected = Duration::from_secs(seconds);
    assert!(took >= expected && took < expected + Duration::from_secs(1), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_connection_may_rest_and_a_head_may_not() {
    let (mut visitor, mut door) = meet();
    ends_after(&mut door, 75).await;
    visitor.shutdown().await.expect("it is taken");
    assert_eq!(answered(door, &mut visitor).await, "", "nobody has asked for anything");

    let (mut visitor, mut door) = meet();
    let slow = async {
        // A byte each second does not help.
        for byte in b"GET / HTTP/1.1\r\nHost: example\r\n\r\n" {
            if visitor.write_all(&[*byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    tokio::select! {
        () = ends_after(&mut door, 10) => {}
        () = slow => panic!("the head came to its end"),
    }
    assert_eq!(refused(&door), ["slow_head"]);
    visitor.shutdown().await.expect("it is taken");
    assert!(answered(door, &mut visitor).await.starts_with("HTTP/1.1 408 "));
}

#[tokio::test(start_paused = true)]
async fn a_body_may_take_hours_but_not_trickle() {
    let head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n";
    let send = |mut visitor: DuplexStream, each_second: usize| async move {
        visitor.write_all(head).await.expect("it is taken");
        for _ in 0..1_000_000 / each_second {
            if visitor.write_all(&vec![b'x'; each_second]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    let (visitor, mut door) = meet();
    let (all, ()) = tokio::join!(passed(&mut door), send(visitor, 125));
    assert_eq!(all.len(), head.len() + 1_000_000, "8,000 seconds are not too long");

    let (visitor, mut door) = meet();
    tokio::select! {
        () = ends_after(&mut door, 60) => {}
        () = send(visitor, 10) => panic!("all of it came"),
    }
    assert_eq!(refused(&door), ["slow_body"]);
}

#[tokio::test(start_paused = true)]
async fn time_in_which_nobody_reads_is_not_the_visitors() {
    let (mut visitor, mut door) = meet();
    let head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n";
    visitor.write_all(head).await.expect("it is taken");
    let mut bytes = [0; 100];
    assert_eq!(door.read(&mut bytes).await.expect("nothing breaks"), head.len());
    advance(Duration::from_hours(1)).await;
    visitor.write_all(b"body").await.expect("it is taken");
    assert_eq!(door.read(&mut bytes).await.expect("nothing breaks"), 4);
    assert!(refused(&door).is_empty());
}

#[tokio::test(start_paused = true)]
async fn who_takes_nothing_of_an_answer_is_not_waited_for() {
    let (visitor, mut door) = meet();
    let began = Instant::now();
    let error = door.write_all(&vec![0; 100_000]).await.expect_err("nobody reads");
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert_eq!(began.elapsed().as_secs(), 60);
    drop(visitor);
}

#[tokio::test(start_paused = true)]
async fn the_door_does_not_linger_for_long() {
    let (mut visitor, mut door) = meet();
    visitor.write_all(b"GET / HTTP/9.9\r\n\r\n").await.expect("it is taken");
    assert!(passed(&mut door).await.is_empty());
    let began = Instant::now();
    door.shutdown().await.expect("nothing breaks");
    assert_eq!(began.elapsed().as_secs(), 3);
    let mut answer = [0; 64];
    let length = visitor.read(&mut answer).await.expect("nothing breaks");
    assert!(answer[..length].starts_with(b"HTTP/1.1 505 "));
}

#[tokio::test(start_paused = true)]
async fn the_bounds_are_the_operators() {
    let mut bounds = Bounds::default();
    bounds.timeouts.idle = Span::of_secs(7);
    let (_visitor, mut door) = meet_within(bounds);
    ends_after(&mut door, 7).await;

    let mut bounds = Bounds::default();
    bounds.timeouts.head = Span::of_secs(3);
    let (mut visitor, mut door) = meet_within(bounds);
    visitor.write_all(b"GET / HT").await.expect("it is taken");
    ends_after(&mut door, 3).await;
    assert_eq!(refused(&door), ["slow_head"]);

    let mut bounds = Bounds::default();
    bounds.timeouts.write = Span::of_secs(5);
    let (_visitor, mut door) = meet_within(bounds);
    let began = Instant::now();
    door.write_all(&vec![0; 100_000]).await.expect_err("nobody reads");
    assert_eq!(began.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_body_comes_at_the_rate_that_the_operator_says() {
    // Fifteen bytes come each second.
    for (rate, ends) in [(20, Some(10)), (10, None)] {
        let mut bounds = Bounds::default();
        bounds.timeouts.body = Span::of_secs(10);
        bounds.limits.body_rate = Count::of(rate);
        let (mut visitor, mut door) = meet_within(bounds);
        let send = async move {
            let head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 450\r\n\r\n";
            visitor.write_all(head).await.expect("it is taken");
            for _ in 0..30 {
                if visitor.write_all(b"fifteen bytes..").await.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        if let Some(seconds) = ends {
            tokio::select! {
                () = ends_after(&mut door, seconds) => {}
                () = send => panic!("all of it came"),
            }
        } else {
            let (all, ()) = tokio::join!(passed(&mut door), send);
            assert!(all.ends_with(b"fifteen bytes.."));
        }
        assert_eq!(refused(&door).contains(&"slow_body"), ends.is_some(), "{rate} bytes a second");
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_on_which_nothing_happens_rests_until_something_comes() {
    const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let (mut visitor, mut door) = meet();
    let pause = door.pause();
    let mut read = [0; 1024];
    // As hyper reads: what comes, and then that nothing does.
    let mut waits = async |door: &mut Door<DuplexStream>| {
        poll_fn(|cx| {
            let mut into = ReadBuf::new(&mut read);
            while let Poll::Ready(came) = Pin::new(&mut *door).poll_read(cx, &mut into) {
                came.expect("nothing breaks");
            }
            Poll::Ready(into.filled().to_vec())
        })
        .await
    };
    assert!(waits(&mut door).await.is_empty());
    advance(REST / 2).await;
    assert!(waits(&mut door).await.is_empty() && !pause.is_rest());
    advance(REST).await;
    assert!(waits(&mut door).await.is_empty() && pause.is_rest());
    assert_eq!(door.buffer.capacity(), 0, "nothing is kept for it");

    visitor.write_all(GET).await.expect("it reads");
    assert!(door.wakes().await && !pause.is_rest());
    assert_eq!(waits(&mut door).await, GET);

    // An answer that has not gone out is no rest, nor is half a head.
    door.flushed = false;
    advance(2 * REST).await;
    assert!(waits(&mut door).await.is_empty() && !pause.is_rest());
    door.flushed = true;
    visitor.write_all(&GET[..10]).await.expect("it reads");
    assert!(waits(&mut door).await.is_empty());
    advance(2 * REST).await;
    assert!(waits(&mut door).await.is_empty() && pause.is_half_a_head());
    visitor.write_all(&GET[10..]).await.expect("it reads");
    assert_eq!(waits(&mut door).await, GET);

    // A rest has its end, and so has one whose visitor leaves.
    assert!(waits(&mut door).await.is_empty());
    assert!(!door.wakes().await, "its time is over");
    let (visitor, mut door) = meet();
    drop(visitor);
    assert!(!door.wakes().await);
}
