//! Heads in words, and generated ones against httparse, which hyper reads with.
//!
//! Which heads are refused, byte by byte, is in `tests/door`.

use proptest::prelude::*;

use super::*;

/// Reads a head that comes in these parts.
fn read(parts: &[&[u8]]) -> Result<Option<Head>, Refusal> {
    let (mut lines, mut bytes) = (Lines::default(), Vec::new());
    for part in parts {
        bytes.extend_from_slice(part);
        if let Some(end) = lines.end(&bytes)? {
            return Head::read(&bytes[..end]).map(Some);
        }
    }
    Ok(None)
}

fn rewritten(head: &str) -> Option<String> {
    let head = read(&[head.as_bytes()]).expect("it passes").expect("it is whole");
    head.rewritten.map(|bytes| String::from_utf8(bytes).expect("it is text"))
}

#[test]
fn what_is_written_as_it_should_be_goes_on_as_it_came() {
    for head in [
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /%D0?a=b&c HTTP/1.0\r\nHost: a:80\r\nX: \u{43f}\t\r\n\r\n",
        "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: WebSocket\r\nConnection: x, Upgrade\r\n\r\n",
    ] {
        assert_eq!(rewritten(head), None, "{head}");
    }
}

#[test]
fn a_target_that_is_no_uri_is_kept_beside_one_that_is() {
    for (target, uri, raw) in [
        ("/\u{43f}", "/%D0%BF", "/\u{43f}"),
        ("/a?\"b\"", "/a?%22b%22", "/a?\"b\""),
        ("http://a/<>", "http://a/%3C%3E", "/<>"),
        ("http://a?|", "http://a?%7C", "/?|"),
    ] {
        let head = format!("GET {target} HTTP/1.1\r\nHost: a\r\nKelisim-Raw-Target: /x\r\n\r\n");
        let expected =
            format!("GET {uri} HTTP/1.1\r\nHost: a\r\nkelisim-raw-target: {raw}\r\n\r\n");
        assert_eq!(rewritten(&head), Some(expected));
    }
    let forged = "GET / HTTP/1.1\r\nHost: a\r\nKelisim-Raw-Target: /x\r\n\r\n";
    assert_eq!(rewritten(forged).as_deref(), Some("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
}

#[test]
fn a_target_that_grows_too_long_is_refused() {
    let refused = |letters| {
        let (target, field) = ("\u{43f}".repeat(letters), "x".repeat(1_000));
        let head = format!("GET /{target} HTTP/1.1\r\nHost: a\r\nX: {field}\r\n\r\n");
        read(&[head.as_bytes()]).err()
    };
    assert_eq!(refused(8_000), None);
    assert_eq!(refused(8_100), Some(Refusal::LongTarget));
    assert_eq!(refused(9_000), Some(Refusal::LongTarget));
}

#[test]
fn an_expectation_is_called_otherwise_where_a_body_is_kept_back() {
    let head = |version: &str, name: &str, length: u8| {
        format!(
            "PUT / HTTP/{version}\r\nHost: a\r\n{name}:  100-Continue \r\n\
             Content-Length: {length}\r\n\r\n"
        )
    };
    let (asked, passed) = (head("1.1", "Expect", 3), head("1.1", "kelisim-expects", 3));
    assert_eq!(rewritten(&asked), Some(passed.clone()));
    // It says nothing in HTTP/1.0, nor without a body, and nobody else can call it so.
    assert_eq!(rewritten(&head("1.0", "Expect", 3)), None);
    assert_eq!(rewritten(&head("1.1", "Expect", 0)), None);
    let forged = passed.replace("kelisim", "Kelisim");
    assert_eq!(
        rewritten(&forged).as_deref(),
        Some("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n")
    );
}

fn bits() -> impl Strategy<Value = Vec<&'static str>> {
    let bits = vec![
        "GET",
        "POST",
        "TRACE",
        "x!",
        " ",
        "  ",
        "\t",
        "/",
        "*",
        "/a?b=c",
        "/\u{43f}",
        "/\"<>",
        "#",
        "http://a/",
        "https://b",
        "HTTP/1.1",
        "HTTP/1.0",
        "HTTP/1.2",
        "\r\n",
        "\n",
        "\r",
        "\r\n\r\n",
        ":",
        ": ",
        " :",
        "Host: a\r\n",
        "Host: b\r\n",
        "Content-Length: 3\r\n",
        "Content-Length: +3\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding: gzip\r\n",
        "Upgrade: websocket\r\nConnection: upgrade\r\n",
        "Upgrade: h2c\r\n",
        "Expect: 100-continue\r\n",
        "X: y\r\n",
        "X:\u{43f}\r\n",
        "a_b: c\r\n",
        "\0",
        "\u{7f}",
        "kelisim-raw-target: /\r\n",
        " x",
        "X",
        "y",
    ];
    prop::collection::vec(prop::sample::select(bits), 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4_000) })]

    #[test]
    fn hyper_reads_what_passes_and_reads_the_same(
        start in prop::sample::select(vec!["", "GET / HTTP/1.1\r\n", "POST /a HTTP/1.1\r\nHost: a\r\n", "\r\nGET /\u{43f} HTTP/1.0\r\nHost: a\r\n"]),
        bits in bits(),
        end in prop::sample::select(vec!["", "\r\n", "\r\n\r\n"]),
    ) {
        let bytes = format!("{start}{}{end}", bits.concat()).into_bytes();
        let whole = read(&[&bytes]);
        for cut in 0..bytes.len() {
            let (one, two) = bytes.split_at(cut);
            let parts = read(&[one, two]);
            prop_assert_eq!(parts.is_err(), whole.is_err(), "cut at {}", cut);
            if whole.is_ok() {
                prop_assert_eq!(&parts, &whole);
            }
        }
        let Ok(Some(head)) = whole else { return Ok(()) };

        let end = memchr::memmem::find(&bytes[2..], b"\r\n\r\n").expect("it is whole") + 6;
        let given = head.rewritten.as_deref().unwrap_or(&bytes[..end]);
        let mut fields = [httparse::EMPTY_HEADER; 100];
        let mut theirs = httparse::Request::new(&mut fields);
        prop_assert_eq!(theirs.parse(given), Ok(httparse::Status::Complete(given.len())));
        let target: http::Uri = theirs.path.expect("there is one").parse().expect("hyper takes it");
        let host = |name: &str| theirs.headers.iter().filter(|f| f.name.eq_ignore_ascii_case(name)).count();
        prop_assert!(target.authority().is_some() || host("host") == 1);
        let (lengths, codings) = (host("content-length"), host("transfer-encoding"));
        match head.framing {
            Framing::Length(0) => prop_assert_eq!(codings, 0),
            Framing::Length(length) => {
                prop_assert_eq!((lengths, codings), (1, 0));
                prop_assert_eq!(length, 3);
            }
            Framing::Chunked(_) => prop_assert_eq!((lengths, codings), (0, 1)),
        }
    }
}
