//! A visitor who speaks HTTP/2 frame by frame, rightly or wrongly.
//!
//! Fields are written by the simplest of HPACK's forms, as literals that nobody indexes (RFC 7541
//! §6.2.2), so that a test says every byte.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const PRIORITY: u8 = 2;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PUSH_PROMISE: u8 = 5;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

/// `END_STREAM`; of `SETTINGS` and `PING` it is `ACK`.
pub(crate) const END_STREAM: u8 = 0x1;
pub(crate) const ACK: u8 = 0x1;
pub(crate) const END_HEADERS: u8 = 0x4;
pub(crate) const PADDED: u8 = 0x8;
pub(crate) const WITH_PRIORITY: u8 = 0x20;

/// A frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    /// The code that it ends a stream or the connection with.
    pub(crate) fn code(&self) -> Option<u32> {
        let at = match self.kind {
            RST_STREAM => 0,
            GOAWAY => 4,
            _ => return None,
        };
        let code = self.payload.get(at..at + 4)?;
        Some(code.iter().fold(0, |all, byte| all << 8 | u32::from(*byte)))
    }
}

/// A frame as it is sent.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("it is short").to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

pub(crate) fn setting(name: u16, value: u32) -> Vec<u8> {
    [&name.to_be_bytes()[..], &value.to_be_bytes()].concat()
}

pub(crate) fn settings(all: &[(u16, u32)]) -> Vec<u8> {
    let all: Vec<u8> = all.iter().flat_map(|(name, value)| setting(*name, *value)).collect();
    frame(SETTINGS, 0, 0, &all)
}

pub(crate) fn window_update(stream: u32, more: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, stream, &more.to_be_bytes())
}

pub(crate) fn reset(stream: u32, code: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &code.to_be_bytes())
}

/// A field, as a literal with a new name.
pub(crate) fn field(name: &str, value: &str) -> Vec<u8> {
    let mut out = vec![0];
    for text in [name, value] {
        // A number with a prefix of seven bits (RFC 7541 §5.1).
        match text.len() {
            short @ 0..127 => out.push(u8::try_from(short).expect("it fits")),
            long => {
                out.push(127);
                let mut rest = long - 127;
                while rest >= 128 {
                    out.push(u8::try_from(rest % 128 + 128).expect("it fits"));
                    rest /= 128;
                }
                out.push(u8::try_from(rest).expect("it fits"));
            }
        }
        out.extend_from_slice(text.as_bytes());
    }
    out
}

pub(crate) fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    fields.iter().flat_map(|(name, value)| field(name, value)).collect()
}

/// The fields of a request for a path.
pub(crate) fn request<'a>(method: &'a str, path: &'a str) -> [(&'a str, &'a str); 4] {
    [(":method", method), (":scheme", "http"), (":path", path), (":authority", "send-box.com")]
}

/// A whole `GET`.
pub(crate) fn get(stream: u32, path: &str) -> Vec<u8> {
    frame(HEADERS, END_STREAM | END_HEADERS, stream, &block(&request("GET", path)))
}

/// The head of a `POST` whose body is to come.
pub(crate) fn post(stream: u32, path: &str) -> Vec<u8> {
    frame(HEADERS, END_HEADERS, stream, &block(&request("POST", path)))
}

/// A connection.
pub(crate) struct Wire {
    stream: TcpStream,
    bytes: Vec<u8>,
}

/// What came next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Came {
    Frame(Frame),
    /// The gateway has closed.
    Closed,
    /// Nothing, in the time that was given.
    Nothing,
}

impl Wire {
    /// A connection on which nothing was said.
    pub(crate) fn open(to: SocketAddr) -> Wire {
        let stream = TcpStream::connect(to).expect("the gateway listens");
        stream.set_nodelay(true).expect("a socket");
        stream.set_write_timeout(Some(Duration::from_secs(10))).expect("a socket");
        Wire { stream, bytes: Vec::new() }
    }

    /// A connection on which both have said their settings, and acknowledged them.
    pub(crate) fn greeted(to: SocketAddr, own: &[(u16, u32)]) -> Wire {
        let mut wire = Wire::open(to);
        wire.send(&[PREFACE, &settings(own)].concat());
        wire.until("the gateway's settings", |frame| frame.kind == SETTINGS && frame.flags == 0);
        wire.send(&frame(SETTINGS, ACK, 0, &[]));
        wire.until("an acknowledgement", |frame| frame.kind == SETTINGS && frame.flags == ACK);
        wire
    }

    /// Sends, and says whether the gateway still takes it.
    pub(crate) fn try_send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// Sends to who is sure to take it.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the gateway takes it");
    }

    /// The next frame, if one comes in time.
    pub(crate) fn next(&mut self, patience: Duration) -> Came {
        let until = Instant::now() + patience;
        loop {
            if let Some(frame) = self.take() {
                return Came::Frame(frame);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Came::Nothing;
            }
            self.stream.set_read_timeout(Some(left)).expect("a socket");
            let mut buffer = [0; 16 * 1024];
            match self.stream.read(&mut buffer) {
                Ok(0) => return Came::Closed,
                Ok(read) => self.bytes.extend_from_slice(&buffer[..read]),
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    return Came::Nothing;
                }
                Err(_) => return Came::Closed,
            }
        }
    }

    /// Waits for a frame, passing over others.
    pub(crate) fn until(&mut self, what: &str, wanted: impl Fn(&Frame) -> bool) -> Frame {
        loop {
            match self.next(Duration::from_secs(10)) {
                Came::Frame(frame) if wanted(&frame) => return frame,
                Came::Frame(_) => {}
                other => panic!("{what} never came: {other:?}"),
            }
        }
    }

    /// Waits until the gateway closes, and returns the code of its `GOAWAY`, if there was one.
    pub(crate) fn ended(&mut self, patience: Duration) -> Result<Option<u32>, String> {
        let since = Instant::now();
        let mut code = None;
        while since.elapsed() < patience {
            match self.next(patience) {
                Came::Frame(frame) if frame.kind == GOAWAY => code = frame.code(),
                Came::Frame(_) => {}
                Came::Closed => return Ok(code),
                Came::Nothing => break,
            }
        }
        Err(format!("the connection is open after {patience:?}; GOAWAY: {code:?}"))
    }

    fn take(&mut self) -> Option<Frame> {
        let length = self.bytes.get(..3)?.iter().fold(0, |all, byte| all << 8 | usize::from(*byte));
        let payload = self.bytes.get(9..9 + length)?.to_vec();
        let stream = self.bytes[5..9].iter().fold(0, |all, byte| all << 8 | u32::from(*byte));
        let frame = Frame {
            kind: self.bytes[3],
            flags: self.bytes[4],
            stream: stream & 0x7fff_ffff,
            payload,
        };
        self.bytes.drain(..9 + length);
        Some(frame)
    }
}
