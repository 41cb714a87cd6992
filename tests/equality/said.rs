//! Requests and answers as they could be said, odd and legal.
//!
//! Everything here is drawn: names in any case and repeated, values with bytes beyond ASCII, bodies of
//! each framing. Nothing of it is what a rule speaks of: no page, no navigation, no vendor's cookie.

use std::fmt;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// A request, or an answer.
#[derive(Clone)]
pub(crate) struct Said {
    /// The first line, without its end.
    pub(crate) start: Vec<u8>,
    /// All fields but those of framing.
    pub(crate) fields: Vec<(String, Vec<u8>)>,
    /// The body.
    pub(crate) body: Body,
}

/// A failure shows it as it was sent.
impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.bytes(false).escape_ascii())
    }
}

/// How a body is delimited.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    /// There is none, and nothing says so.
    None,
    /// By its length.
    Length(Vec<u8>),
    /// In chunks, each with its extension; then trailers.
    Chunks(Vec<(Vec<u8>, String)>, Vec<(String, Vec<u8>)>),
    /// By the end of the connection.
    Close(Vec<u8>),
}

impl Said {
    /// As it is sent; to a `HEAD` an answer is the head alone.
    pub(crate) fn bytes(&self, head_alone: bool) -> Vec<u8> {
        let mut bytes = self.start.clone();
        bytes.extend(b"\r\n");
        let field = |bytes: &mut Vec<u8>, name: &str, value: &[u8]| {
            bytes.extend([name.as_bytes(), b":", value, b"\r\n"].concat());
        };
        for (name, value) in &self.fields {
            field(&mut bytes, name, value);
        }
        let mut body = Vec::new();
        match &self.body {
            Body::None => {}
            Body::Close(content) => body.extend(content),
            Body::Length(content) => {
                field(&mut bytes, "Content-Length", content.len().to_string().as_bytes());
                body.extend(content);
            }
            Body::Chunks(chunks, trailers) => {
                field(&mut bytes, "Transfer-Encoding", b" chunked");
                for (content, extension) in chunks {
                    body.extend(format!("{:X}{extension}\r\n", content.len()).bytes());
                    body.extend([content, &b"\r\n"[..]].concat());
                }
                body.extend(b"0\r\n");
                for (name, value) in trailers {
                    field(&mut body, name, value);
                }
                body.extend(b"\r\n");
            }
        }
        bytes.extend(b"\r\n");
        if !head_alone {
            bytes.extend(body);
        }
        bytes
    }
}

/// Names that mean nothing to a gateway, and some that name what is one connection's or the client's.
fn name(known: &'static [&'static str]) -> impl Strategy<Value = String> {
    let any =
        select(vec!["a", "A", "x-b", "X-B", "!#$%&'*+-.^`|~", "X-Repeated", "x-repeated", "0"]);
    prop_oneof![3 => any, 2 => select(known)].prop_map(ToOwned::to_owned)
}

/// Bytes that a value may have, spaces around it included.
fn value() -> impl Strategy<Value = Vec<u8>> {
    let byte =
        prop_oneof![8 => 0x21u8..0x7f, 2 => Just(b' '), 1 => Just(b'\t'), 3 => 0x80u8..=0xff];
    vec(byte, 0..20)
}

fn content() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![4 => vec(any::<u8>(), 0..100), 1 => vec(any::<u8>(), 5_000..30_000)]
}

fn chunks() -> impl Strategy<Value = Vec<(Vec<u8>, String)>> {
    let extension = prop_oneof!["", ";a", ";a=b", " ;a=\"b;c\""];
    vec((vec(any::<u8>(), 1..400), extension), 0..6)
}

/// Trailers, and what announces them, if anything does.
fn trailers() -> impl Strategy<Value = (Vec<(String, Vec<u8>)>, Option<&'static str>)> {
    let name = select(vec!["X-Sum", "x-sum", "x-End", "x-other"]).prop_map(ToOwned::to_owned);
    let announced = select(vec![None, Some("X-Sum"), Some("x-end, X-SUM")]);
    (vec((name, value()), 0..4), announced)
}

fn with_trailer(mut said: Said, announced: Option<&'static str>) -> Said {
    if let Some(names) = announced {
        said.fields.push(("Trailer".to_owned(), names.into()));
    }
    said
}

const ASKED: &[&str] = &[
    "accept-language",
    "Authorization",
    "Cookie2",
    "DNT",
    "If-Match",
    "If-None-Match",
    "if-range",
    "If-Modified-Since",
    "Range",
    "Origin",
    "Referer",
    "User-Agent",
    "Via",
    "X-Requested-With",
    // Of this connection, or about the client.
    "Keep-Alive",
    "Proxy-Connection",
    "Proxy-Authorization",
    "Upgrade",
    "X-Forwarded-For",
    "Forwarded",
    "X-Real-IP",
    "X-Consent",
    "X-Forwarded-Proto",
    "x_b",
    "kelisim-expects",
    "Kelisim-Raw-Target",
];

const ANSWERED: &[&str] = &[
    "Age",
    "Allow",
    "Accept-Ranges",
    "Cache-Control",
    "Content-Language",
    "Content-Range",
    "ETag",
    "Expires",
    "Last-Modified",
    "Location",
    "Server",
    "Vary",
    "Via",
    "WWW-Authenticate",
    "x_b",
    "Date",
    "Content-Security-Policy",
    "Pragma",
    "Retry-After",
    "Keep-Alive",
    "Proxy-Connection",
    "Proxy-Authenticate",
    "Upgrade",
];

/// A target: raw bytes, quotes, dots and empty queries included.
fn target() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        3 => "[a-z0-9/._~%3A;=&+-]{0,10}".prop_map(String::into_bytes),
        1 => "\\.\\./|//|%2[eE]|%00|\\?|\"|<>|\\{\\}|\\||\\^|`|\\\\".prop_map(String::into_bytes),
        1 => vec(0x80u8..=0xff, 0..4),
    ];
    vec(part, 0..5).prop_map(|parts| [b"/e", &parts.concat()[..]].concat())
}

/// A request. `HEAD` is one of them, and so are methods that nobody knows.
pub(crate) fn request() -> impl Strategy<Value = Said> {
    let method = prop_oneof![
        select(vec!["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])
            .prop_map(ToOwned::to_owned),
        "[A-Z!#$%&'*+.^_`|~a-z0-9-]{1,12}".prop_filter("not for a gateway", |method| {
            !matches!(method.as_str(), "CONNECT" | "TRACE" | "PRI")
        }),
    ];
    let destination =
        select(vec![&[][..], &["empty"], &["image"], &["image", "gzip;q=0.1, compress, *"]]);
    let cookie = select(vec![None, Some("a=1"), Some("a=1; b=\"2,3\";c;;=d; a=2\t;\u{43f}=x")]);
    let connection = select(vec![
        None,
        None,
        Some("keep-alive"),
        Some("X-B, a, host, content-length"),
        Some("close"),
        Some(""),
    ]);
    let te = select(vec![None, Some("trailers"), Some("gzip;q=0.5, Trailers"), Some("gzip")]);
    let body = prop_oneof![
        3 => Just(Body::None),
        3 => content().prop_map(Body::Length),
        2 => chunks().prop_map(|chunks| Body::Chunks(chunks, Vec::new())),
    ];
    let known = (destination, cookie, connection, te);
    (
        method,
        target(),
        vec((name(ASKED), value()), 0..12),
        known,
        body,
        trailers(),
        any::<prop::sample::Index>(),
    )
        .prop_map(|(method, target, mut fields, known, body, (trailers, announced), at)| {
            let (destination, cookie, connection, te) = known;
            let names = ["Sec-Fetch-Dest", "Accept-Encoding"];
            let mut add = |name: &str, value: Option<&str>| {
                let fields_then = fields.len() + 1;
                if let Some(value) = value {
                    fields.insert(at.index(fields_then), (name.to_owned(), value.into()));
                }
            };
            for (name, value) in names.iter().zip(destination) {
                add(name, Some(value));
            }
            add("Host", Some(" send-box.com"));
            add("Cookie", cookie);
            add("Connection", connection);
            add("TE", te);
            let start = [method.as_bytes(), b" ", &target, b" HTTP/1.1"].concat();
            match body {
                Body::Chunks(chunks, _) => {
                    let said = Said { start, fields, body: Body::Chunks(chunks, trailers) };
                    with_trailer(said, announced)
                }
                body => Said { start, fields, body },
            }
        })
}

/// An answer.
pub(crate) fn answer() -> impl Strategy<Value = Said> {
    let status = prop_oneof![
        select(vec![200u16, 201, 204, 206, 301, 304, 401, 403, 404, 412, 416, 500, 503]),
        (208u16..1000).prop_filter("has no body", |status| *status != 304),
    ];
    let reason = prop_oneof!["", "OK", "[ -~\t]{0,20}"];
    let kind = select(vec![
        "text/plain",
        "image/png",
        "application/json; charset=utf-8",
        "text/css",
        "text/event-stream",
        "multipart/byteranges; boundary=b",
    ]);
    let connection = select(vec![None, None, Some("x-b, A, Trailer"), Some("close")]);
    let cookies = vec(select(vec!["a=1; Path=/", "b=\"2\"", "=x; HttpOnly"]), 0..3);
    let body = prop_oneof![
        1 => Just(Body::Length(Vec::new())),
        3 => content().prop_map(Body::Length),
        2 => chunks().prop_map(|chunks| Body::Chunks(chunks, Vec::new())),
        1 => content().prop_map(Body::Close),
    ];
    let known = (kind, connection, cookies);
    (
        any::<bool>(),
        status,
        reason,
        vec((name(ANSWERED), value()), 0..12),
        known,
        body,
        trailers(),
        any::<prop::sample::Index>(),
    )
        .prop_map(
            |(old, status, reason, mut fields, known, body, (trailers, announced), at)| {
                let (kind, connection, cookies) = known;
                let mut add = |name: &str, value: &str| {
                    let fields_then = fields.len() + 1;
                    fields.insert(at.index(fields_then), (name.to_owned(), value.into()));
                };
                add("Content-Type", kind);
                if let Some(connection) = connection {
                    add("Connection", connection);
                }
                for cookie in cookies {
                    add("Set-Cookie", cookie);
                }
                let version = if old && !matches!(body, Body::Chunks(..)) { "1.0" } else { "1.1" };
                let start = format!("HTTP/{version} {status} {reason}").into_bytes();
                match body {
                    _ if matches!(status, 204 | 304) => Said { start, fields, body: Body::None },
                    Body::Chunks(chunks, _) => {
                        let said = Said { start, fields, body: Body::Chunks(chunks, trailers) };
                        with_trailer(said, announced)
                    }
                    body => Said { start, fields, body },
                }
            },
        )
}
