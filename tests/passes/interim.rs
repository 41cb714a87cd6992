//! What the site says ahead of its answer (RFC 9110 §15.2, RFC 8297).

use crate::Between;

const GET: &str = "GET /a HTTP/1.1\r\nHost: send-box.com\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[test]
fn early_hints_arrive_early_and_in_order() {
    let between = Between::start();
    let mut visitor = between.visitor(GET);
    let mut site = between.site();
    site.head();
    for style in ["/a.css", "/b.css"] {
        site.say(format!(
            "HTTP/1.1 103 Early Hints\r\nLink: <{style}>; rel=preload\r\nX: \u{43f}\r\n\r\n"
        ));
        // It is there before the site says anything more.
        assert_eq!(
            visitor.head(),
            format!(
                "HTTP/1.1 103 Early Hints\r\nlink: <{style}>; rel=preload\r\nx: \u{43f}\r\n\r\n"
            )
        );
    }
    // And what comes at once with the answer comes before it.
    site.say(format!("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 199 Own\r\nA: b\r\n\r\n{OK}"));
    assert_eq!(visitor.head(), "HTTP/1.1 102 Processing\r\n\r\n");
    assert_eq!(visitor.head(), "HTTP/1.1 199 \r\na: b\r\n\r\n");
    assert!(visitor.head().starts_with("HTTP/1.1 200 OK\r\n"));
    assert_eq!(visitor.until("ok"), b"ok");
}

#[test]
fn early_hints_to_withheld_vendors_do_not_arrive() {
    let between = Between::start();
    let mut visitor = between.visitor(GET);
    let mut site = between.site();
    site.head();
    site.say(
        "HTTP/1.1 103 Early Hints\r\n\
         Link: <https://mc.yandex.ru>; rel=preconnect, </a.css>; rel=preload; as=style\r\n\
         Link: <https://www.googletagmanager.com/gtag/js?id=G-1>; rel=preload; as=script\r\n\
         Set-Cookie: _ga=1\r\nConnection: x-hop\r\nX-Hop: 1\r\nContent-Length: 5\r\n\r\n",
    );
    assert_eq!(
        visitor.head(),
        "HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload; as=style\r\n\r\n"
    );
    site.say(OK);
    visitor.until("ok");
}

#[test]
fn hints_of_a_second_request_wait_for_the_first_answer() {
    let between = Between::start();
    let mut visitor = between.visitor(format!("{GET}{GET}"));
    let mut site = between.site();
    let large = "x".repeat(3 << 20);
    site.head();
    site.say(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", large.len()));
    site.say(&large);
    site.head();
    site.say(format!("HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n{OK}"));
    visitor.head();
    assert!(visitor.bytes(large.len()) == large.as_bytes(), "nothing is between");
    assert_eq!(visitor.head(), "HTTP/1.1 103 Early Hints\r\na: b\r\n\r\n");
    assert!(visitor.head().starts_with("HTTP/1.1 200 OK\r\n"));
}

#[test]
fn who_cannot_be_told_ahead_gets_the_answer_alone() {
    let between = Between::start();
    let mut visitor = between.visitor("GET /a HTTP/1.0\r\nHost: send-box.com\r\n\r\n");
    let mut site = between.site();
    site.head();
    site.say(format!("HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n{OK}"));
    let answer = String::from_utf8(visitor.rest()).expect("it is text");
    assert!(answer.starts_with("HTTP/1.0 200 OK\r\n") && answer.ends_with("ok"), "{answer}");
}

#[test]
fn of_a_flood_of_hints_some_arrive_and_then_the_answer() {
    let between = Between::start();
    let mut visitor = between.visitor(GET);
    let mut site = between.site();
    site.head();
    let hint = "HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n";
    site.say(format!("{}{OK}", hint.repeat(1_000)));
    let mut hints = 0;
    while visitor.head().starts_with("HTTP/1.1 103 ") {
        hints += 1;
    }
    assert!((16..1_000).contains(&hints), "{hints}");
    assert_eq!(visitor.until("ok"), b"ok");
}
