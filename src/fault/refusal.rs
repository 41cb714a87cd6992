//! Why a request is refused before anybody has read it, and what is answered.
//!
//! What is refused is what two readers could read in two ways, or what costs more than any request
//! may. The answer is short and in English: it is for the program that sent the request.
//!
//! What is wrong with requests that can be read is in [`super`].

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};

const TEXT: &str = "text/plain; charset=utf-8";
const UNKEPT: &str = "no-store";

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A line that does not end in CRLF, or a CR elsewhere (RFC 9112 §2.2).
    LineEnd,
    /// More than one empty line before the request (RFC 9112 §2.2).
    EmptyLines,
    /// The request line is not method, target and version with one space between (RFC 9112 §3).
    RequestLine,
    /// A version of HTTP that is not spoken here.
    Version,
    /// `CONNECT` or `TRACE`: here is a site and no tunnel, and its requests hold secrets.
    Method,
    /// A tunnel for a protocol other than WebSockets (RFC 8441 §4).
    Protocol,
    /// The target has a form that its method does not take, or bytes that none may have.
    Target,
    /// The request line is too long.
    LongTarget,
    /// A field without a name, with space around it, or folded (RFC 9112 §5.1, §5.2).
    FieldName,
    /// A field with a control character in its value (RFC 9110 §5.5).
    FieldValue,
    /// A field is too long, there are too many, or they are too much together.
    Fields,
    /// The fields of all requests that wait on a connection are too much together.
    WaitingFields,
    /// There is not one `Host`, or it is none, or the target names another (RFC 9112 §3.2).
    Host,
    /// A host that the connection's certificate is not for (RFC 9110 §15.5.20).
    Misdirected,
    /// `Content-Length` is not one decimal number (RFC 9112 §6.3).
    Length,
    /// `Transfer-Encoding` is not `chunked` once and alone, or not for this version (RFC 9112 §6.1).
    Coding,
    /// A transfer coding that is not spoken here.
    UnknownCoding,
    /// Both `Content-Length` and `Transfer-Encoding` (RFC 9112 §6.1).
    TwoLengths,
    /// An expectation other than `100-continue` (RFC 9110 §10.1.1).
    Expectation,
    /// A chunk that is not size, line end, so many bytes, line end (RFC 9112 §7.1).
    Chunk,
    /// A field behind the last chunk that may not stand there (RFC 9110 §6.5.1).
    Trailer,
    /// The head took too long.
    SlowHead,
    /// The body came too slowly.
    SlowBody,
}

impl Refusal {
    /// Every reason, in the order of its declaration.
    pub const ALL: [Refusal; 23] = [
        Refusal::LineEnd,
        Refusal::EmptyLines,
        Refusal::RequestLine,
        Refusal::Version,
        Refusal::Method,
        Refusal::Protocol,
        Refusal::Target,
        Refusal::LongTarget,
        Refusal::FieldName,
        Refusal::FieldValue,
        Refusal::Fields,
        Refusal::WaitingFields,
        Refusal::Host,
        Refusal::Misdirected,
        Refusal::Length,
        Refusal::Coding,
        Refusal::UnknownCoding,
        Refusal::TwoLengths,
        Refusal::Expectation,
        Refusal::Chunk,
        Refusal::Trailer,
        Refusal::SlowHead,
        Refusal::SlowBody,
    ];

    /// Its name where refusals are counted, the status that is answered, and what is wrong.
    #[rustfmt::skip] // a table
    const fn row(self) -> (&'static str, &'static str, &'static str) {
        const BAD: &str = "400 Bad Request";
        match self {
            Refusal::LineEnd => ("line_end", BAD, "a line does not end in CRLF"),
            Refusal::EmptyLines => ("empty_lines", BAD, "empty lines stand before the request"),
            Refusal::RequestLine => ("request_line", BAD, "the first line is not `METHOD target HTTP/1.1`"),
            Refusal::Version => ("version", "505 HTTP Version Not Supported", "HTTP/1.0, HTTP/1.1 and HTTP/2 are spoken here"),
            Refusal::Method => ("method", "501 Not Implemented", "CONNECT and TRACE are not answered here"),
            Refusal::Protocol => ("protocol", "501 Not Implemented", "`websocket` is the one protocol that a CONNECT can ask for here"),
            Refusal::Target => ("target", BAD, "the target is not a path, or holds what has to be percent-encoded"),
            Refusal::LongTarget => ("long_target", "414 URI Too Long", "the first line is longer than 16 KiB"),
            Refusal::FieldName => ("field_name", BAD, "a header field is not `name: value` on one line"),
            Refusal::FieldValue => ("field_value", BAD, "a header field holds a control character"),
            Refusal::Fields => ("fields", "431 Request Header Fields Too Large", "header fields are limited to 100, 16 KiB each, 64 KiB together"),
            Refusal::WaitingFields => ("waiting_fields", "431 Request Header Fields Too Large", "header fields of requests that wait are limited to 1 MiB a connection; ask for less at once"),
            Refusal::Host => ("host", BAD, "name one host, in one `Host` field, and the same in the target"),
            Refusal::Misdirected => ("misdirected", "421 Misdirected Request", "this connection's certificate is not for that host: ask on another"),
            Refusal::Length => ("length", BAD, "`Content-Length` is not one decimal number"),
            Refusal::Coding => ("coding", BAD, "`Transfer-Encoding` is not `chunked`, once and alone, in HTTP/1.1"),
            Refusal::UnknownCoding => ("unknown_coding", "501 Not Implemented", "`chunked` is the one transfer coding spoken here"),
            Refusal::TwoLengths => ("two_lengths", BAD, "`Content-Length` and `Transfer-Encoding` exclude each other"),
            Refusal::Expectation => ("expectation", "417 Expectation Failed", "`100-continue` is the one expectation that can be met"),
            Refusal::Chunk => ("chunk", BAD, "a chunk is not as its size says"),
            Refusal::Trailer => ("trailer", BAD, "a field stands behind the body that may only stand before it"),
            Refusal::SlowHead => ("slow_head", "408 Request Timeout", "the request's head did not come in time"),
            Refusal::SlowBody => ("slow_body", "408 Request Timeout", "the request's body came too slowly"),
        }
    }

    /// Its name where refusals are counted.
    pub const fn name(self) -> &'static str {
        self.row().0
    }

    /// The status that is answered, with its phrase.
    pub const fn status(self) -> &'static str {
        self.row().1
    }

    /// What is wrong and what would be right.
    fn text(self) -> String {
        format!("{}\n", self.row().2)
    }

    /// The whole answer over HTTP/1, behind which the connection closes.
    pub fn answer(self) -> Vec<u8> {
        let (status, text) = (self.status(), self.text());
        format!(
            "HTTP/1.1 {status}\r\nContent-Type: {TEXT}\r\nContent-Length: {}\r\n\
             Cache-Control: {UNKEPT}\r\nConnection: close\r\n\r\n{text}",
            text.len()
        )
        .into_bytes()
    }

    /// The answer where a request does not come by itself.
    pub fn response(self) -> Response<Bytes> {
        let mut response = Response::new(Bytes::from(self.text()));
        let code = self.status().split(' ').next().and_then(|code| code.parse().ok());
        *response.status_mut() = code.unwrap_or(StatusCode::BAD_REQUEST);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(TEXT));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(UNKEPT));
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_listed_once_and_has_a_name_of_its_own() {
        let mut names: Vec<_> = Refusal::ALL.iter().map(|refusal| refusal.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Refusal::ALL.len());
        for (place, refusal) in Refusal::ALL.into_iter().enumerate() {
            assert_eq!(refusal as usize, place);
        }
    }

    #[test]
    fn an_answer_is_one_whole_response() {
        for refusal in Refusal::ALL {
            let answer = String::from_utf8(refusal.answer()).expect("it is text");
            let (head, body) = answer.split_once("\r\n\r\n").expect("it has a head");
            assert!(head.contains(&format!("Content-Length: {}", body.len())), "{answer}");
            assert!(head.starts_with(&format!("HTTP/1.1 {}\r\n", refusal.status())), "{answer}");
            let response = refusal.response();
            assert!(refusal.status().starts_with(response.status().as_str()), "{answer}");
            assert_eq!(response.body(), body);
        }
    }
}
