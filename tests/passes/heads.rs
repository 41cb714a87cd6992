//! Heads: methods, reasons, bytes and the order of fields, and conditions on what does not change.

use crate::Between;
use crate::wire::Wire;

/// A latin or Cyrillic name in an encoding of one byte a letter.
const NAME: &[u8] = b"\xcf\xf0\xe8\xe2\xe5\xf2 \xff";

/// The names of a head's fields, in their order.
fn names(head: &str) -> Vec<String> {
    let fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    fields.map(|(name, _)| name.to_owned()).collect()
}

/// Asks and is answered, on connections that stay.
fn exchange(visitor: &mut Wire, site: &mut Wire, asks: &str, answers: &str) -> (String, String) {
    visitor.say(asks);
    let asked = site.head();
    site.say(answers);
    (asked, visitor.head())
}

#[test]
fn methods_that_nobody_has_heard_of_pass() {
    let between = Between::start();
    for method in ["PURGE", "M-SEARCH", "REPORT", "x", "!#$%&'*+-.^_`|~"] {
        let mut visitor =
            between.visitor(format!("{method} /a HTTP/1.1\r\nHost: send-box.com\r\n\r\n"));
        let mut site = between.site();
        let head = site.head();
        assert!(head.starts_with(&format!("{method} /a HTTP/1.1\r\n")), "{head}");
        assert!(!head.contains("content-length"), "{head}");
        site.say("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
        visitor.until("\r\n\r\n");
    }
    let mut visitor = between.visitor(
        "PROPFIND /a HTTP/1.1\r\nHost: send-box.com\r\nDepth: 1\r\nContent-Length: 4\r\n\r\n<a/>",
    );
    let mut site = between.site();
    assert!(site.head().starts_with("PROPFIND /a HTTP/1.1\r\n"));
    assert_eq!(site.until("<a/>"), b"<a/>");
    site.say("HTTP/1.1 207 Multi-Status\r\nContent-Length: 4\r\n\r\n<b/>");
    assert!(visitor.head().starts_with("HTTP/1.1 207 Multi-Status\r\n"));
    visitor.until("<b/>");
}

#[test]
fn bytes_beyond_ascii_pass_in_values_both_ways() {
    let between = Between::start();
    let line = [b"X-Name: ", NAME, b"\r\n"].concat();
    let passed = [b"\r\nx-name: ", NAME, b"\r\n"].concat();
    let mut visitor = between
        .visitor([b"GET /a HTTP/1.1\r\nHost: send-box.com\r\n", &line[..], b"\r\n"].concat());
    let mut site = between.site();
    site.until(&passed);
    site.until("\r\n\r\n");
    site.say([b"HTTP/1.1 204 No Content\r\n", &line[..], b"\r\n"].concat());
    visitor.until(&passed);
}

#[test]
fn reasons_are_the_sites_own() {
    let between = Between::start();
    let mut visitor = between.visitor("GET / HTTP/1.1\r\nHost: send-box.com\r\n\r\n");
    let mut site = between.site();
    site.head();
    site.say("HTTP/1.1 204 No Content\r\n\r\n");
    visitor.head();
    for (line, passed) in [
        ("200 Fine, thanks", "200 Fine, thanks"),
        ("404 ", "404 "),
        ("404", "404 "),
        ("599 ", "599 "),
        ("599 Own\tone", "599 Own\tone"),
        ("999 ok", "999 ok"),
        // hyper's parser gives up such a reason as a whole.
        ("200 \u{43f}", "200 "),
    ] {
        let asks = "GET / HTTP/1.1\r\nHost: send-box.com\r\nAccept: x\r\n\r\n";
        let answers = format!("HTTP/1.1 {line}\r\nContent-Length: 0\r\n\r\n");
        let (_, head) = exchange(&mut visitor, &mut site, asks, &answers);
        assert!(head.starts_with(&format!("HTTP/1.1 {passed}\r\n")), "{line}: {head}");
    }
}

#[test]
fn fields_keep_the_order_of_their_first_lines_also_where_others_go() {
    let between = Between::start();
    let mut visitor = between.visitor("");
    visitor.say(
        "GET /a HTTP/1.1\r\nA: 1\r\nRange: bytes=0-1\r\nHost: send-box.com\r\nC: 1\r\nA: 2\r\n\
         If-None-Match: \"1\"\r\nSec-Fetch-Dest: document\r\nCookie: _ga=1\r\nD: 1\r\nC: 2\r\n\
         If-Modified-Since: x\r\nE: 1\r\nF: 1\r\nKeep-Alive: 1\r\nG: 1\r\n\r\n",
    );
    let mut site = between.site();
    let head = site.head();
    let expected = ["host", "a", "a", "c", "c", "sec-fetch-dest", "d", "e", "f", "g"];
    assert_eq!(names(&head)[..expected.len()], expected, "{head}");
    assert!(head.contains("\r\na: 1\r\na: 2\r\nc: 1\r\nc: 2\r\n"), "{head}");

    site.say(
        "HTTP/1.1 200 OK\r\nA: 1\r\nSet-Cookie: _ga=1\r\nLast-Modified: x\r\nB: 1\r\n\
         Link: <https://mc.yandex.ru>; rel=preconnect\r\nSet-Cookie: own=1\r\nExpires: x\r\n\
         Content-Type: text/html; charset=utf-8\r\nA: 2\r\nAccept-Ranges: bytes\r\nC: 1\r\n\
         Content-Length: 3\r\nSet-Cookie: own=2\r\nD: 1\r\nETag: \"1\"\r\nE: 1\r\nDate: x\r\n\r\nabc",
    );
    let head = visitor.head();
    let expected = [
        "a",
        "a",
        "set-cookie",
        "set-cookie",
        // What is expired: for the host and its domain, for `/` and `/a`.
        "set-cookie",
        "set-cookie",
        "set-cookie",
        "set-cookie",
        "b",
        "content-type",
        "c",
        "d",
        "etag",
        "e",
        "date",
    ];
    assert_eq!(names(&head)[..expected.len()], expected, "{head}");
    assert!(head.contains("\r\nset-cookie: own=1\r\nset-cookie: own=2\r\n"), "{head}");
}

#[test]
fn conditions_on_files_are_for_the_site_to_judge() {
    let between = Between::start();
    let mut visitor = between.visitor("");
    let mut site = None;
    for (asks, answers) in [
        ("if-none-match: W/\"1\", \"2\"", "304 Not Modified\r\netag: \"2\"\r\nlast-modified: x"),
        ("if-modified-since: Sun, 22 Nov 2026 09:00:00 GMT", "304 Not Modified\r\nvary: a"),
        ("if-match: \"1\"", "412 Precondition Failed\r\ncontent-length: 0"),
        ("if-unmodified-since: x", "412 Precondition Failed\r\ncontent-length: 0"),
        ("if-match: *", "204 No Content\r\netag: \"3\""),
    ] {
        visitor.say(format!(
            "GET /a.css HTTP/1.1\r\nHost: send-box.com\r\nSec-Fetch-Dest: style\r\n{asks}\r\n\r\n"
        ));
        let site = site.get_or_insert_with(|| between.site());
        let head = site.head();
        assert!(head.contains(&format!("\r\n{asks}\r\n")), "{head}");
        site.say(format!("HTTP/1.1 {answers}\r\n\r\n"));
        let head = visitor.head();
        assert!(head.starts_with(&format!("HTTP/1.1 {answers}\r\n")), "{head}");
    }
}
