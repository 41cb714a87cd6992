//! Bodies: streams as they come, trailers, messages that have none, ends that are half closed.

use std::fmt::Write;

use crate::Between;
use crate::message::chunk;
use crate::packing::Packing;

const GET: &str = "GET /a HTTP/1.1\r\nHost: send-box.com\r\nTE: trailers\r\n\r\n";

#[test]
fn events_arrive_one_by_one_packed_or_not() {
    let between = Between::start();
    for packing in [None, Some(Packing::Gzip), Some(Packing::Br), Some(Packing::Zstd)] {
        let mut visitor = between.visitor(
            "GET /events HTTP/1.1\r\nHost: send-box.com\r\nAccept: text/event-stream\r\n\
             Accept-Encoding: gzip, br, zstd\r\n\r\n",
        );
        let mut site = between.site();
        site.head();
        let coding = packing.map(Packing::coding);
        let coding = coding.map(|coding| format!("Content-Encoding: {coding}\r\n"));
        site.say(format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n{}\
             Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
            coding.unwrap_or_default()
        ));
        // The head does not wait for the first event.
        assert!(visitor.head().contains("\r\ncontent-type: text/event-stream\r\n"));
        let mut packer = packing.map(Packing::packer);
        for event in 1..=5 {
            let event = format!("id: {event}\ndata: <b>{event}</b>\n\n").into_bytes();
            let packed = match &mut packer {
                None => event,
                Some(packer) => packer.piece(&event).expect("it packs"),
            };
            site.say(chunk(&packed));
            assert_eq!(visitor.chunk(), packed, "{packing:?}: as it was sent, before the next");
        }
        site.say("0\r\n\r\n");
        assert_eq!(visitor.until("0\r\n\r\n"), b"0\r\n\r\n");
    }
}

#[test]
fn trailers_pass_both_ways_where_they_are_announced_and_wanted() {
    let between = Between::start();
    let mut visitor = between.visitor(
        "POST /a HTTP/1.1\r\nHost: send-box.com\r\nTE: gzip, trailers\r\nTrailer: X-Sum, X-Name\r\n\
         Transfer-Encoding: chunked\r\n\r\n\
         3\r\nabc\r\n0\r\nX-Sum: 1\r\nX-Name: \u{43f}\r\nX-Other: 2\r\n\r\n",
    );
    let mut site = between.site();
    let head = site.head();
    assert!(head.contains("\r\ntrailer: X-Sum, X-Name\r\n"), "{head}");
    assert!(head.contains("\r\nte: trailers\r\nconnection: te\r\n"), "{head}");
    assert_eq!(site.chunk(), b"abc");
    assert_eq!(site.chunk(), b"");
    let trailers = "x-sum: 1\r\nx-name: \u{43f}\r\n\r\n";
    assert_eq!(String::from_utf8_lossy(&site.until("\r\n\r\n")), trailers);

    let answer = |kind: &str| {
        format!(
            "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\
             Trailer: X-Sum\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\nX-Other: 2\r\n\r\n"
        )
    };
    site.say(answer("text/plain"));
    assert!(visitor.head().contains("\r\ntrailer: X-Sum\r\n"));
    assert_eq!(visitor.chunk(), b"abc");
    assert_eq!(visitor.until("\r\n\r\n"), b"0\r\nx-sum: 1\r\n\r\n");

    // Behind a page that was changed on its way, too.
    visitor.say(GET.replace("TE:", "Sec-Fetch-Dest: document\r\nTE:"));
    site.head();
    site.say(answer("text/html; charset=utf-8"));
    visitor.head();
    let mut page = Vec::new();
    loop {
        match visitor.chunk() {
            chunk if chunk.is_empty() => break,
            chunk => page.extend(chunk),
        }
    }
    assert!(page.starts_with(b"abc<") && page.len() > 100, "the banner is in it");
    assert_eq!(visitor.until("\r\n\r\n"), b"x-sum: 1\r\n\r\n");

    // Who has not asked for them gets none.
    visitor.say(GET.replace("TE: trailers\r\n", ""));
    site.head();
    site.say(answer("text/plain"));
    visitor.head();
    assert_eq!(visitor.chunk(), b"abc");
    assert_eq!(visitor.until("\r\n\r\n"), b"0\r\n\r\n");
}

#[test]
fn what_has_no_body_is_followed_by_the_next_answer() {
    let between = Between::start();
    let mut visitor = between.visitor("");
    let mut site = None;
    for (method, answer, says) in [
        ("HEAD", "200 OK\r\nContent-Length: 1000\r\n", "content-length: 1000\r\n"),
        ("HEAD", "200 OK\r\nTransfer-Encoding: chunked\r\n", "HTTP/1.1 200 OK\r\n"),
        ("HEAD", "404 Not Found\r\nContent-Type: text/html\r\nContent-Length: 7\r\n", "404"),
        ("GET", "204 No Content\r\nX-Of: site\r\n", "x-of: site\r\n"),
        ("DELETE", "204 No Content\r\n", "HTTP/1.1 204 No Content\r\n"),
        ("GET", "304 Not Modified\r\nETag: \"1\"\r\nContent-Length: 5\r\n", "etag: \"1\"\r\n"),
        ("GET", "205 Reset Content\r\nContent-Length: 0\r\n", "HTTP/1.1 205 Reset Content\r\n"),
    ] {
        visitor.say(format!("{method} /a HTTP/1.1\r\nHost: send-box.com\r\nAccept: x\r\n\r\n"));
        let site = site.get_or_insert_with(|| between.site());
        assert!(site.head().starts_with(method));
        site.say(format!("HTTP/1.1 {answer}\r\n"));
        let head = visitor.head();
        assert!(head.starts_with("HTTP/1.1 ") && head.contains(says), "{answer}: {head}");
    }
    visitor.say(GET);
    let mut site = site.expect("it was asked");
    site.head();
    site.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    visitor.until("ok");
}

#[test]
fn parts_of_a_file_pass_as_the_site_cuts_them() {
    let between = Between::start();
    let parts = "--b\r\nContent-Type: video/mp4\r\nContent-Range: bytes 0-1/9\r\n\r\nab\r\n\
                 --b\r\nContent-Range: bytes 4-5/9\r\n\r\nef\r\n--b--\r\n";
    let mut visitor = between.visitor("");
    let mut site = None;
    for (asks, answers, body) in [
        ("Range: bytes=0-1", "206 Partial Content\r\nContent-Range: bytes 0-1/9", "ab"),
        (
            "If-Range: \"1\"\r\nRange: bytes=-1",
            "206 Partial Content\r\nContent-Range: bytes 8-8/9",
            "i",
        ),
        (
            "Range: bytes=0-1,4-5",
            "206 Partial Content\r\nContent-Type: multipart/byteranges; boundary=b",
            parts,
        ),
        ("Range: bytes=100-", "416 Range Not Satisfiable\r\nContent-Range: bytes */9", ""),
    ] {
        visitor.say(format!(
            "GET /film.mp4 HTTP/1.1\r\nHost: send-box.com\r\nAccept: */*\r\n{asks}\r\n\r\n"
        ));
        let site = site.get_or_insert_with(|| between.site());
        let head = site.head();
        for field in asks.split("\r\n") {
            let (name, value) = field.split_once(": ").expect("a field");
            let field = format!("\r\n{}: {value}\r\n", name.to_ascii_lowercase());
            assert!(head.contains(&field), "{field}: {head}");
        }
        site.say(format!("HTTP/1.1 {answers}\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
        let mut expected = String::new();
        for line in answers.split("\r\n").skip(1) {
            let (name, value) = line.split_once(": ").expect("a field");
            let _ = write!(expected, "{}: {value}\r\n", name.to_ascii_lowercase());
        }
        let head = visitor.head();
        assert!(
            head.starts_with(&format!(
                "HTTP/1.1 {}\r\n{expected}",
                &answers.lines().next().unwrap_or_default()
            )),
            "{head}"
        );
        assert_eq!(visitor.bytes(body.len()), body.as_bytes());
    }
}

#[test]
fn a_visitor_who_says_no_more_still_hears_the_answer() {
    let between = Between::start();
    for request in [GET, "POST /a HTTP/1.1\r\nHost: send-box.com\r\nContent-Length: 3\r\n\r\nabc"] {
        let mut visitor = between.visitor(request);
        visitor.fall_silent();
        let mut site = between.site();
        site.head();
        site.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n");
        visitor.until("ok");
        site.say("3\r\nend\r\n0\r\n\r\n");
        assert!(visitor.rest().ends_with(b"3\r\nend\r\n0\r\n\r\n"));
    }
}

#[test]
fn a_site_that_says_no_more_has_answered() {
    let between = Between::start();
    let mut visitor = between.visitor(GET);
    let mut site = between.site();
    site.head();
    // The end of the connection is the end of the body, which HTTP/1.1 has another way to say.
    site.say("HTTP/1.1 200 OK\r\n\r\nall of it");
    site.fall_silent();
    assert!(visitor.head().contains("\r\ntransfer-encoding: chunked\r\n"));
    assert_eq!(visitor.chunk(), b"all of it");
    assert_eq!(visitor.chunk(), b"");
    visitor.until("\r\n");
    assert_eq!(site.rest(), b"");

    // Half of a body is not taken for a whole one.
    visitor.say(GET);
    let mut site = between.site();
    site.head();
    site.say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    site.fall_silent();
    assert!(visitor.rest().ends_with(b"half"));
}
