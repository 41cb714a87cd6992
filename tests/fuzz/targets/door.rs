//! Any bytes through the front door, and what passes through `httparse`, which hyper reads heads with.
//!
//! However they come, the same passes. Each head that passes is whole, is read to the same length, names one
//! host and one length at most; and what follows its body is the next head, so that nothing is smuggled.

#![no_main]

mod cuts;

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use kelisim::bounds::Bounds;
use kelisim::observe::Counters;
use kelisim::server::Door;
use libfuzzer_sys::fuzz_target;
use tokio::io::{AsyncRead, ReadBuf};

const BEGINNINGS: [&str; 6] = [
    "",
    "GET / HTTP/1.1\r\nHost: a\r\n",
    "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
    "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
    "POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: ",
    "GET /\u{43f} HTTP/1.1\r\nHost: a\r\n\r\nGET ",
];

/// A visitor who sends these pieces and no more.
struct Pieces<'a>(std::vec::IntoIter<&'a [u8]>, &'a [u8]);

impl AsyncRead for Pieces<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.1.is_empty() {
            let Some(next) = self.0.next() else { return Poll::Ready(Ok(())) };
            self.1 = next;
        }
        let (now, later) = self.1.split_at(self.1.len().min(into.remaining()));
        into.put_slice(now);
        self.1 = later;
        Poll::Ready(Ok(()))
    }
}

/// What passes, and why no more does, if something was refused.
fn passed(pieces: Vec<&[u8]>) -> (Vec<u8>, Option<&'static str>) {
    let counters = Arc::<Counters>::default();
    let io = Pieces(pieces.into_iter(), b"");
    let mut door = Door::new(io, Arc::new(Bounds::default()), Arc::clone(&counters));
    let mut cx = Context::from_waker(Waker::noop());
    let mut all = Vec::new();
    loop {
        let mut buffer = [0; 1024];
        let mut into = ReadBuf::new(&mut buffer);
        match Pin::new(&mut door).poll_read(&mut cx, &mut into) {
            Poll::Ready(Ok(())) if into.filled().is_empty() => break,
            Poll::Ready(Ok(())) => all.extend_from_slice(into.filled()),
            other => panic!("a visitor who never pauses is never waited for: {other:?}"),
        }
    }
    let refused = Counters::refusals(&[counters]).find(|(_, count)| *count > 0);
    (all, refused.map(|(reason, _)| reason))
}

/// Reads requests as hyper does. Of a body that was refused less than all has passed.
fn read(mut text: &[u8], refused: bool) {
    while !text.is_empty() {
        let mut fields = [httparse::EMPTY_HEADER; 101];
        let mut head = httparse::Request::new(&mut fields);
        let parsed = head.parse(text);
        let Ok(httparse::Status::Complete(length)) = parsed else {
            panic!(
                "half a head has passed, or one that is not read: {parsed:?} {}",
                text.escape_ascii()
            )
        };
        let values = |name: &str| -> Vec<&[u8]> {
            let named = head.headers.iter().filter(|field| field.name.eq_ignore_ascii_case(name));
            named.map(|field| field.value).collect()
        };
        let target: http::Uri = head.path.expect("it is whole").parse().expect("hyper takes it");
        // HTTP/1.0 may name it in the target alone.
        let hosts = values("host").len();
        assert!(hosts == 1 || hosts == 0 && target.authority().is_some(), "{target}");
        text = &text[length..];
        match (&values("content-length")[..], &values("transfer-encoding")[..]) {
            ([], []) => {}
            ([length], []) => {
                let length = std::str::from_utf8(length).expect("digits");
                let length: usize = length.parse().unwrap_or(usize::MAX);
                text = text.get(length..).unwrap_or_default();
            }
            ([], [coding]) => {
                assert!(coding.eq_ignore_ascii_case(b"chunked"));
                let Some(rest) = behind_chunks(text, refused) else { return };
                text = rest;
            }
            both => panic!("two lengths: {both:?}"),
        }
    }
}

/// What follows a chunked body; nothing if it was cut.
fn behind_chunks(mut text: &[u8], refused: bool) -> Option<&[u8]> {
    loop {
        let (line, size) = match httparse::parse_chunk_size(text) {
            Ok(httparse::Status::Complete(read)) => read,
            Ok(httparse::Status::Partial) => return None,
            Err(_) if refused => return None,
            Err(error) => panic!("{error}: {}", text.escape_ascii()),
        };
        text = &text[line..];
        if size == 0 {
            // Nobody judges half a line before its end.
            let ended = text.starts_with(b"\r\n") || text.windows(4).any(|end| end == b"\r\n\r\n");
            if !ended {
                return None;
            }
            let mut fields = [httparse::EMPTY_HEADER; 101];
            return match httparse::parse_headers(text, &mut fields) {
                Ok(httparse::Status::Complete((length, _))) => Some(&text[length..]),
                Ok(httparse::Status::Partial) => None,
                Err(_) if refused => None,
                Err(error) => panic!("trailers: {error}: {}", text.escape_ascii()),
            };
        }
        let size = usize::try_from(size).ok()?;
        text = text.get(size..)?;
        if text.len() < 2 {
            return None;
        }
        match text.strip_prefix(b"\r\n") {
            Some(rest) => text = rest,
            None if refused => return None,
            None => panic!("a chunk does not end with its line: {}", text.escape_ascii()),
        }
    }
}

fuzz_target!(|input: &[u8]| {
    let (input, cuts) = cuts::split(input);
    let Some((&choice, rest)) = input.split_first() else { return };
    let beginning = BEGINNINGS[usize::from(choice) % BEGINNINGS.len()];
    let text = [beginning.as_bytes(), rest].concat();
    let (all, refused) = passed(vec![&text]);
    for pieces in [text.chunks(1).collect(), cuts.pieces(&text)] {
        let (same, as_well) = passed(pieces);
        // Of several reasons the one that is seen first is told.
        assert_eq!(as_well.is_some(), refused.is_some(), "{}", text.escape_ascii());
        // Of a body that breaks the rules more passes where it comes in pieces.
        let common = all.len().min(same.len());
        assert!(all[..common] == same[..common], "{}", text.escape_ascii());
        assert!(refused.is_some() || all.len() == same.len(), "{}", text.escape_ascii());
        read(&same, refused.is_some());
    }
    read(&all, refused.is_some());
});
