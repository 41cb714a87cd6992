//! Visitors over HTTP/1.1 who leave before their answer has come.

use std::time::{Duration, Instant};

use crate::Between;

/// How long the site works at least on what it is asked: longer than it takes to look after somebody.
const WORK: Duration = Duration::from_millis(2500);

/// How soon the site is let go when its visitor has left; it would be waited for a minute.
const SOON: Duration = Duration::from_secs(10);

const GET: &str = "GET /report HTTP/1.1\r\nHost: send-box.com\r\n\r\n";

#[test]
fn for_a_visitor_who_broke_off_nobody_works_any_more() {
    let between = Between::start();
    let post = "POST /report HTTP/1.1\r\nHost: send-box.com\r\nContent-Length: 3\r\n\r\nabc";
    let two = [GET, GET].concat();
    for (says, ends_with) in [(GET, "\r\n\r\n"), (post, "abc"), (&two, "\r\n\r\n")] {
        for falls_silent in [false, true] {
            let visitor = between.visitor(says);
            let mut site = between.site();
            site.until(ends_with);
            if falls_silent {
                visitor.fall_silent();
                std::thread::sleep(Duration::from_millis(50));
            }
            let since = Instant::now();
            visitor.break_off();
            assert!(site.is_over(), "{says}: the site was asked for more");
            assert!(since.elapsed() < SOON, "{says}: {:?}", since.elapsed());
        }
    }
}

#[test]
fn for_a_visitor_who_broke_off_within_an_answer_nobody_works_any_more() {
    let between = Between::start();
    let mut visitor = between.visitor(GET);
    let mut site = between.site();
    site.head();
    site.say("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
    visitor.until("abc");
    let since = Instant::now();
    visitor.break_off();
    assert!(site.is_over());
    assert!(since.elapsed() < SOON, "{:?}", since.elapsed());
}

#[test]
fn who_only_says_no_more_is_answered_however_long_it_takes() {
    let between = Between::start();
    let mut visitor = between.visitor(GET);
    let mut site = between.site();
    site.head();
    visitor.fall_silent();
    std::thread::sleep(WORK);
    site.say("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n");
    visitor.until("\r\n\r\n");
    std::thread::sleep(WORK);
    site.say("abc");
    assert_eq!(visitor.rest(), b"abc");
}
