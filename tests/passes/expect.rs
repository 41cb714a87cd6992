//! `Expect: 100-continue`, end to end (RFC 9110 §10.1.1).

use std::time::{Duration, Instant};

use crate::Between;

const HEAD: &str = "PUT /a HTTP/1.1\r\nHost: send-box.com\r\nAccept: x\r\nExpect: 100-Continue\r\n\
                    Content-Length: 4\r\n\r\n";

#[test]
fn the_sites_own_100_is_what_the_visitor_gets() {
    let between = Between::start();
    let mut visitor = between.visitor(HEAD);
    let mut site = between.site();
    // Twice, to see that both connections are good for more.
    for round in 0..2 {
        if round > 0 {
            visitor.say(HEAD);
        }
        let head = site.head();
        assert!(head.contains("\r\naccept: x\r\nexpect: 100-Continue\r\n"), "{head}");
        assert!(!head.contains("kelisim"), "{head}");
        site.say("HTTP/1.1 100 Continue\r\nX-Of: the site\r\n\r\n");
        assert_eq!(visitor.head(), "HTTP/1.1 100 Continue\r\nx-of: the site\r\n\r\n");
        visitor.say("body");
        assert_eq!(site.until("body"), b"body");
        site.say("HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok");
        let head = visitor.head();
        assert!(head.starts_with("HTTP/1.1 201 Created\r\n"), "{head}");
        assert!(!head.contains("connection: close"), "{head}");
        assert_eq!(visitor.until("ok"), b"ok");
    }
}

#[test]
fn an_answer_before_the_body_arrives_and_nobody_asks_for_the_body() {
    let between = Between::start();
    for answer in ["413 Content Too Large", "401 Unauthorized", "307 Temporary Redirect"] {
        let mut visitor = between.visitor(HEAD);
        let mut site = between.site();
        site.head();
        site.say(format!("HTTP/1.1 {answer}\r\nContent-Length: 2\r\n\r\n"));
        // Nobody has to wait for the whole of it.
        let head = visitor.head();
        assert!(head.starts_with(&format!("HTTP/1.1 {answer}\r\n")), "{head}");
        assert!(head.contains("\r\nconnection: close\r\n"), "{head}");
        site.say("no");
        assert_eq!(visitor.until("no"), b"no");
        // What a visitor sends all the same is no request, whatever it looks like.
        visitor.try_to_say("GET /smuggled HTTP/1.1\r\nHost: send-box.com\r\n\r\n");
        visitor.fall_silent();
        assert_eq!(visitor.rest(), b"");
        assert_eq!(site.rest(), b"", "the site gets no body, and its connection is not used again");
    }
    let mut visitor = between.visitor("GET /next HTTP/1.1\r\nHost: send-box.com\r\n\r\n");
    let mut site = between.site();
    assert!(site.head().starts_with("GET /next "), "nothing was smuggled");
    site.say("HTTP/1.1 204 No Content\r\n\r\n");
    visitor.head();
}

#[test]
fn a_site_that_says_nothing_is_not_waited_for() {
    let between = Between::start();
    let since = Instant::now();
    let mut visitor = between.visitor(HEAD);
    let mut site = between.site();
    site.head();
    assert_eq!(visitor.head(), "HTTP/1.1 100 Continue\r\n\r\n");
    let waited = since.elapsed();
    assert!(waited >= Duration::from_secs(1) && waited < Duration::from_secs(5), "{waited:?}");
    visitor.say("body");
    assert_eq!(site.until("body"), b"body");
    // What it says late the visitor knows.
    site.say("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert!(visitor.head().starts_with("HTTP/1.1 200 OK\r\n"));
}

#[test]
fn of_a_visitor_who_does_not_wait_the_site_is_asked_first_all_the_same() {
    let between = Between::start();
    let mut visitor = between.visitor(format!("{HEAD}body"));
    let mut site = between.site();
    site.head();
    site.say("HTTP/1.1 100 Continue\r\n\r\n");
    assert_eq!(site.until("body"), b"body");
    site.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(visitor.head(), "HTTP/1.1 100 Continue\r\n\r\n");
    assert!(visitor.head().starts_with("HTTP/1.1 200 OK\r\n"));

    visitor.say(format!("{HEAD}body"));
    site.head();
    site.say("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(site.rest(), b"", "it has decided without the body");
    let head = visitor.head();
    assert!(head.starts_with("HTTP/1.1 403 ") && head.contains("connection: close"), "{head}");
}

#[test]
fn chunks_wait_to_be_asked_for_too() {
    let between = Between::start();
    let mut visitor = between.visitor(
        "POST /a HTTP/1.1\r\nHost: send-box.com\r\nExpect: 100-continue\r\n\
         Transfer-Encoding: chunked\r\n\r\n",
    );
    let mut site = between.site();
    assert!(site.head().contains("\r\ntransfer-encoding: chunked\r\n"));
    site.say("HTTP/1.1 100 Continue\r\n\r\n");
    visitor.head();
    visitor.say("4\r\nbody\r\n0\r\n\r\n");
    site.until("body");
    site.until("0\r\n\r\n");
    site.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert!(visitor.head().starts_with("HTTP/1.1 200 OK\r\n"));
}

#[test]
fn an_expectation_of_no_body_waits_for_nothing_and_one_of_http_1_0_is_none() {
    let between = Between::start();
    let fields = "Host: send-box.com\r\nExpect: 100-continue\r\n";
    let mut visitor = between.visitor(format!("GET /a HTTP/1.1\r\n{fields}\r\n"));
    let mut site = between.site();
    assert!(site.head().contains("\r\nexpect: 100-continue\r\n"));
    site.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let head = visitor.head();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && !head.contains("close"), "{head}");

    let head = format!("POST /a HTTP/1.0\r\n{fields}Content-Length: 4\r\n\r\n");
    let mut visitor = between.visitor(format!("{head}body"));
    assert!(!site.head().contains("expect:"));
    assert_eq!(site.until("body"), b"body");
    site.say("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert!(visitor.head().starts_with("HTTP/1.0 200 OK\r\n"));
}

#[test]
fn the_gateways_own_pages_ask_for_the_body_themselves() {
    let between = Between::start();
    let body = "choice=decline-all&return=/";
    let mut visitor = between.visitor(format!(
        "POST /.consent/choices HTTP/1.1\r\nHost: send-box.com\r\nExpect: 100-continue\r\n\
         Sec-Fetch-Site: same-origin\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    ));
    assert_eq!(visitor.head(), "HTTP/1.1 100 Continue\r\n\r\n");
    visitor.say(body);
    assert!(visitor.head().starts_with("HTTP/1.1 303 "));
}

#[test]
fn where_the_site_is_down_nobody_asks_for_the_body() {
    let between = Between::start();
    let Between { gateway, site, _data } = between;
    drop(site);
    let mut visitor = crate::Wire::to(gateway.plain);
    visitor.say(HEAD);
    let head = visitor.head();
    assert!(head.starts_with("HTTP/1.1 502 "), "{head}");
    assert!(head.contains("\r\nconnection: close\r\n"), "{head}");
}

#[test]
fn an_upload_that_the_site_refuses_without_reading_it_is_answered() {
    let between = Between::start();
    let mut visitor = between.visitor(
        "POST /a HTTP/1.1\r\nHost: send-box.com\r\nContent-Length: 100000000\r\n\r\nsome of it",
    );
    let mut site = between.site();
    site.until("some of it");
    site.say("HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno");
    let head = visitor.head();
    assert!(head.starts_with("HTTP/1.1 413 Content Too Large\r\n"), "{head}");
    assert_eq!(visitor.until("no"), b"no");
}
