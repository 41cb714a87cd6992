//! What RFC 9113 and RFC 7541 say of single mistakes, and of what is none.
//!
//! The order is the standards'; each case names its section, says what is sent behind the settings, and
//! what has to come of it. Where a stream error is due, the standard lets the gateway end the connection
//! with the same code (RFC 9113 §5.4.2), and so do these.

use super::wire::*;

pub(crate) const PROTOCOL: u32 = 0x1;
pub(crate) const FLOW_CONTROL: u32 = 0x3;
pub(crate) const STREAM_CLOSED: u32 = 0x5;
pub(crate) const FRAME_SIZE: u32 = 0x6;
pub(crate) const COMPRESSION: u32 = 0x9;

/// What has to come, or came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The connection ends with this code.
    Connection(u32),
    /// The stream ends with this code.
    Stream(u32),
    /// The request is answered with this status; 0 is one that stands in no table of HPACK's.
    Answer(u16),
    /// Everything goes on: a `PING` is answered.
    Alive,
    /// The connection ends without a word.
    Closed,
}

use Outcome::{Alive, Answer, Closed, Connection, Stream};

/// A case.
pub(crate) struct Case {
    pub(crate) section: &'static str,
    pub(crate) name: &'static str,
    pub(crate) sends: Vec<u8>,
    pub(crate) outcome: Outcome,
    /// Whether nothing was said before, not even the preface.
    pub(crate) bare: bool,
}

const END: u8 = END_STREAM | END_HEADERS;

fn root() -> Vec<u8> {
    block(&request("GET", "/"))
}

/// The fields of a `GET`, with others.
fn with(more: &[(&str, &str)]) -> Vec<u8> {
    block(&[&request("GET", "/")[..], more].concat())
}

/// A whole request of these fields alone.
fn only(fields: &[(&str, &str)]) -> Vec<u8> {
    frame(HEADERS, END, 1, &block(fields))
}

/// The same request, its path in another form of HPACK's.
fn path_as(form: &[u8]) -> Vec<u8> {
    let [method, scheme, _, authority] = request("GET", "/");
    frame(HEADERS, END, 1, &[&block(&[method, scheme, authority])[..], form].concat())
}

fn flat(frames: &[Vec<u8>]) -> Vec<u8> {
    frames.concat()
}

/// A request of which the connection has seen the end, and the gateway has reset.
fn closed() -> Vec<u8> {
    flat(&[post(1, "/slow"), reset(1, 8)])
}

#[rustfmt::skip] // a table
#[expect(clippy::too_many_lines, reason = "a table")]
pub(crate) fn cases() -> Vec<Case> {
    let root = root();
    let half = root.len() / 2;
    let get_1 = get(1, "/");
    let body = |fields: &[(&str, &str)]| frame(HEADERS, END_HEADERS, 1, &block(&[&request("POST", "/")[..], fields].concat()));
    let on_itself = [&1_u32.to_be_bytes()[..], &[255]].concat();
    let continued = |pieces: &[Vec<u8>]| flat(&[vec![frame(HEADERS, END_STREAM, 1, &root[..half])], pieces.to_vec()].concat());
    let many: Vec<u8> = (0..3).flat_map(|n| frame(HEADERS, END, 1 + 2 * n, &root)).collect();
    let table: Vec<(&str, &str, Vec<u8>, Outcome)> = vec![
        // Requests that are right.
        ("8.1", "a GET", get_1.clone(), Answer(200)),
        ("8.1", "a HEAD", frame(HEADERS, END, 1, &block(&request("HEAD", "/"))), Answer(200)),
        ("8.1", "a POST with two frames of DATA", flat(&[body(&[]), frame(DATA, 0, 1, b"he"), frame(DATA, END_STREAM, 1, b"llo")]), Answer(200)),
        ("8.1", "a POST with trailers", flat(&[body(&[]), frame(DATA, 0, 1, b"x"), frame(HEADERS, END, 1, &block(&[("x-sum", "1")]))]), Answer(200)),
        ("8.1", "an OPTIONS for the server as a whole", only(&[(":method", "OPTIONS"), (":scheme", "http"), (":path", "*"), (":authority", "send-box.com")]), Answer(200)),
        ("5.1.1", "three streams at once", many, Answer(200)),
        ("5.1.1", "streams may be left out", frame(HEADERS, END, 99, &root), Answer(200)),
        // 3.4: the preface.
        ("3.4", "settings behind the preface", [PREFACE, &settings(&[])].concat(), Alive),
        ("3.4", "no settings behind the preface", [PREFACE, &get_1].concat(), Connection(PROTOCOL)),
        ("3.4", "an acknowledgement behind the preface", [PREFACE, &frame(SETTINGS, ACK, 0, &[])].concat(), Connection(PROTOCOL)),
        ("3.4", "a preface that is none", b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n".to_vec(), Closed),
        // 4.1: frames.
        ("4.1", "an unknown kind of frame", flat(&[frame(0xee, 0xff, 0, b"12345678"), get_1.clone()]), Answer(200)),
        ("4.1", "an unknown kind on a stream", flat(&[frame(0xee, 0, 1, b"x"), get_1.clone()]), Answer(200)),
        ("4.1", "flags that mean nothing", frame(PING, 0xfe, 0, b"12345678"), Alive),
        ("4.1", "the reserved bit", frame(PING, 0, 0x8000_0000, b"12345678"), Alive),
        // 4.2: sizes.
        ("4.2", "DATA of 2^14 bytes", flat(&[body(&[]), frame(DATA, END_STREAM, 1, &[0; 1 << 14])]), Answer(200)),
        ("4.2", "DATA over the maximum", flat(&[body(&[]), frame(DATA, END_STREAM, 1, &vec![0; (1 << 14) + 1])]), Stream(FRAME_SIZE)),
        ("4.2", "HEADERS over the maximum", frame(HEADERS, END, 1, &vec![0; (1 << 14) + 1]), Connection(FRAME_SIZE)),
        ("4.2", "an unknown frame over the maximum", frame(0xee, 0, 0, &vec![0; (1 << 14) + 1]), Connection(FRAME_SIZE)),
        // 4.3: blocks of fields.
        ("4.3", "a block that is no HPACK", frame(HEADERS, END, 1, &[0x40]), Connection(COMPRESSION)),
        ("4.3", "PRIORITY within a block", continued(&[frame(PRIORITY, 0, 1, &[0; 5]), frame(CONTINUATION, END_HEADERS, 1, &root[half..])]), Connection(PROTOCOL)),
        ("4.3", "HEADERS of another stream within a block", continued(&[frame(HEADERS, END, 3, &root)]), Connection(PROTOCOL)),
        // 5.1: states.
        ("5.1", "idle: DATA", frame(DATA, END_STREAM, 1, b"x"), Connection(PROTOCOL)),
        ("5.1", "idle: RST_STREAM", reset(1, 8), Connection(PROTOCOL)),
        ("5.1", "idle: WINDOW_UPDATE", window_update(1, 100), Connection(PROTOCOL)),
        ("5.1", "idle: CONTINUATION", frame(CONTINUATION, END_HEADERS, 1, &root), Connection(PROTOCOL)),
        ("5.1", "idle: PRIORITY", frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 9]), Alive),
        ("5.1", "half-closed: DATA", flat(&[get(1, "/slow"), frame(DATA, END_STREAM, 1, b"x")]), Stream(STREAM_CLOSED)),
        ("5.1", "half-closed: HEADERS", flat(&[get(1, "/slow"), get(1, "/slow")]), Stream(STREAM_CLOSED)),
        ("5.1", "half-closed: CONTINUATION", flat(&[get(1, "/slow"), frame(CONTINUATION, END_HEADERS, 1, &root)]), Connection(PROTOCOL)),
        ("5.1", "half-closed: WINDOW_UPDATE, PRIORITY, RST_STREAM", flat(&[get(1, "/slow"), window_update(1, 1), frame(PRIORITY, 0, 1, &[0; 5]), reset(1, 8)]), Alive),
        ("5.1", "closed: DATA behind RST_STREAM", flat(&[closed(), frame(DATA, END_STREAM, 1, b"x")]), Stream(STREAM_CLOSED)),
        ("5.1", "closed: HEADERS behind RST_STREAM", flat(&[closed(), get(1, "/")]), Stream(STREAM_CLOSED)),
        ("5.1", "closed: CONTINUATION behind RST_STREAM", flat(&[closed(), frame(CONTINUATION, END_HEADERS, 1, &root)]), Connection(PROTOCOL)),
        ("5.1", "closed: WINDOW_UPDATE and PRIORITY", flat(&[closed(), window_update(1, 1), frame(PRIORITY, 0, 1, &[0; 5])]), Alive),
        // 5.1.1: names of streams.
        ("5.1.1", "a stream of an even number", frame(HEADERS, END, 2, &root), Connection(PROTOCOL)),
        ("5.1.1", "a stream before one that was opened", flat(&[get(5, "/slow"), get(3, "/")]), Connection(PROTOCOL)),
        // 5.3: priorities, of which the form remains.
        ("5.3.1", "HEADERS that depend on themselves", frame(HEADERS, END | WITH_PRIORITY, 1, &[&on_itself[..], &root].concat()), Stream(PROTOCOL)),
        ("5.3.1", "PRIORITY that depends on itself", flat(&[get(1, "/slow"), frame(PRIORITY, 0, 1, &on_itself)]), Stream(PROTOCOL)),
        ("5.3.1", "HEADERS with a priority", frame(HEADERS, END | WITH_PRIORITY, 1, &[&[0, 0, 0, 0, 9][..], &root].concat()), Answer(200)),
        // 5.5: extensions.
        ("5.5", "an unknown setting", flat(&[settings(&[(0xee, 7)]), get_1.clone()]), Answer(200)),
        ("5.5", "an unknown frame within a block", continued(&[frame(0xee, 0, 1, b"x"), frame(CONTINUATION, END_HEADERS, 1, &root[half..])]), Connection(PROTOCOL)),
        // 6.1: DATA.
        ("6.1", "DATA of no stream", frame(DATA, END_STREAM, 0, b"x"), Connection(PROTOCOL)),
        ("6.1", "padded DATA", flat(&[body(&[("content-length", "2")]), frame(DATA, END_STREAM | PADDED, 1, b"\x03hi\0\0\0")]), Answer(200)),
        ("6.1", "padding as long as DATA", flat(&[body(&[]), frame(DATA, END_STREAM | PADDED, 1, b"\x06hi\0\0\0")]), Connection(PROTOCOL)),
        ("6.1", "padding without its length", flat(&[body(&[]), frame(DATA, END_STREAM | PADDED, 1, b"")]), Connection(FRAME_SIZE)),
        // 6.2: HEADERS.
        ("6.2", "HEADERS of no stream", frame(HEADERS, END, 0, &root), Connection(PROTOCOL)),
        ("6.2", "padded HEADERS", frame(HEADERS, END | PADDED, 1, &[&[2][..], &root, &[0, 0]].concat()), Answer(200)),
        ("6.2", "padding longer than HEADERS", frame(HEADERS, END | PADDED, 1, &[&[255][..], &root].concat()), Connection(PROTOCOL)),
        // 6.3: PRIORITY.
        ("6.3", "PRIORITY of no stream", frame(PRIORITY, 0, 0, &[0; 5]), Connection(PROTOCOL)),
        ("6.3", "PRIORITY of four bytes", flat(&[get(1, "/slow"), frame(PRIORITY, 0, 1, &[0; 4])]), Stream(FRAME_SIZE)),
        // 6.4: RST_STREAM.
        ("6.4", "RST_STREAM of no stream", reset(0, 8), Connection(PROTOCOL)),
        ("6.4", "RST_STREAM of three bytes", flat(&[get(1, "/slow"), frame(RST_STREAM, 0, 1, &[0; 3])]), Connection(FRAME_SIZE)),
        ("7", "RST_STREAM with an unknown code", flat(&[get(1, "/slow"), reset(1, 0xff)]), Alive),
        // 6.5: SETTINGS.
        ("6.5", "SETTINGS are acknowledged", settings(&[(3, 100), (4, 70_000)]), Alive),
        ("6.5", "an acknowledgement with a payload", frame(SETTINGS, ACK, 0, &setting(4, 1)), Connection(FRAME_SIZE)),
        ("6.5", "SETTINGS of a stream", frame(SETTINGS, 0, 1, &setting(3, 100)), Connection(PROTOCOL)),
        ("6.5", "SETTINGS of five bytes", frame(SETTINGS, 0, 0, &[0; 5]), Connection(FRAME_SIZE)),
        ("6.5.2", "ENABLE_PUSH of 2", settings(&[(2, 2)]), Connection(PROTOCOL)),
        ("6.5.2", "INITIAL_WINDOW_SIZE over 2^31 - 1", settings(&[(4, 0x8000_0000)]), Connection(FLOW_CONTROL)),
        ("6.5.2", "the same as the second of two settings", settings(&[(3, 9), (4, 0xffff_ffff)]), Connection(FLOW_CONTROL)),
        ("6.5.2", "MAX_FRAME_SIZE under 2^14", settings(&[(5, 0x3fff)]), Connection(PROTOCOL)),
        ("6.5.2", "MAX_FRAME_SIZE over 2^24 - 1", settings(&[(5, 0x100_0000)]), Connection(PROTOCOL)),
        ("8441 3", "ENABLE_CONNECT_PROTOCOL of 2", settings(&[(8, 2)]), Connection(PROTOCOL)),
        // 6.6: PUSH_PROMISE.
        ("6.6", "PUSH_PROMISE of a client", flat(&[get(1, "/slow"), frame(PUSH_PROMISE, END_HEADERS, 1, &[&2_u32.to_be_bytes()[..], &root].concat())]), Connection(PROTOCOL)),
        // 6.7: PING.
        ("6.7", "a PING", frame(PING, 0, 0, b"12345678"), Alive),
        ("6.7", "an answer to no PING", frame(PING, ACK, 0, b"12345678"), Alive),
        ("6.7", "PING of a stream", frame(PING, 0, 1, b"12345678"), Connection(PROTOCOL)),
        ("6.7", "PING of seven bytes", frame(PING, 0, 0, b"1234567"), Connection(FRAME_SIZE)),
        // 6.8: GOAWAY.
        ("6.8", "GOAWAY of a stream", frame(GOAWAY, 0, 1, &[0; 8]), Connection(PROTOCOL)),
        ("6.8", "GOAWAY of seven bytes", frame(GOAWAY, 0, 0, &[0; 7]), Connection(FRAME_SIZE)),
        ("7", "GOAWAY with an unknown code, while an answer is due", flat(&[get(1, "/"), frame(GOAWAY, 0, 0, &[0, 0, 0, 0, 0, 0, 0, 0xff])]), Answer(200)),
        // 6.9: WINDOW_UPDATE.
        ("6.9", "WINDOW_UPDATE of 0", window_update(0, 0), Connection(PROTOCOL)),
        ("6.9", "WINDOW_UPDATE of 0 on a stream", flat(&[get(1, "/slow"), window_update(1, 0)]), Stream(PROTOCOL)),
        ("6.9", "WINDOW_UPDATE of three bytes", frame(WINDOW_UPDATE, 0, 0, &[0, 0, 1]), Connection(FRAME_SIZE)),
        ("6.9.1", "a window over 2^31 - 1", flat(&[window_update(0, 0x7fff_ffff), window_update(0, 0x7fff_ffff)]), Connection(FLOW_CONTROL)),
        ("6.9.1", "a stream's window over 2^31 - 1", flat(&[get(1, "/slow"), window_update(1, 0x7fff_ffff), window_update(1, 0x7fff_ffff)]), Stream(FLOW_CONTROL)),
        ("6.9.1", "more DATA than the stream's window", flat(&[post(1, "/slow"), vec![frame(DATA, 0, 1, &[0; 1 << 14]); 5].concat()]), Stream(FLOW_CONTROL)),
        ("6.9.2", "settings that make a window too large", flat(&[get(1, "/slow"), window_update(1, 0x7fff_0000), settings(&[(4, 0x7fff_ffff)])]), Connection(FLOW_CONTROL)),
        // 6.10: CONTINUATION.
        ("6.10", "two CONTINUATION frames", continued(&[frame(CONTINUATION, 0, 1, &root[half..half + 9]), frame(CONTINUATION, END_HEADERS, 1, &root[half + 9..])]), Answer(200)),
        ("6.10", "DATA within a block", continued(&[frame(DATA, 0, 1, b"x")]), Connection(PROTOCOL)),
        ("6.10", "CONTINUATION of no stream", continued(&[frame(CONTINUATION, END_HEADERS, 0, &root[half..])]), Connection(PROTOCOL)),
        ("6.10", "CONTINUATION of another stream", continued(&[frame(CONTINUATION, END_HEADERS, 3, &root[half..])]), Connection(PROTOCOL)),
        ("6.10", "CONTINUATION behind the end of a block", flat(&[get(1, "/slow"), frame(CONTINUATION, END_HEADERS, 1, &block(&[("x", "y")]))]), Connection(PROTOCOL)),
        ("6.10", "CONTINUATION behind DATA", flat(&[post(1, "/slow"), frame(DATA, 0, 1, b"x"), frame(CONTINUATION, END_HEADERS, 1, &root)]), Connection(PROTOCOL)),
        // 8.1: messages.
        ("8.1", "a second HEADERS that does not end the stream", flat(&[post(1, "/slow"), frame(HEADERS, END_HEADERS, 1, &block(&[("x", "y")]))]), Stream(PROTOCOL)),
        ("8.1", "a pseudo-field in trailers", flat(&[post(1, "/slow"), frame(HEADERS, END, 1, &block(&[(":method", "GET")]))]), Stream(PROTOCOL)),
        ("8.1.1", "less than Content-Length", flat(&[body(&[("content-length", "5")]), frame(DATA, END_STREAM, 1, b"hi")]), Stream(PROTOCOL)),
        ("8.1.1", "more than Content-Length", flat(&[body(&[("content-length", "1")]), frame(DATA, END_STREAM, 1, b"hi")]), Stream(PROTOCOL)),
        ("8.1.1", "more than Content-Length, in two frames", flat(&[body(&[("content-length", "1")]), frame(DATA, 0, 1, b"h"), frame(DATA, END_STREAM, 1, b"i")]), Stream(PROTOCOL)),
        ("8.1.1", "Content-Length without a body", frame(HEADERS, END, 1, &with(&[("content-length", "5")])), Stream(PROTOCOL)),
        ("8.1.1", "two Content-Lengths", frame(HEADERS, END_HEADERS, 1, &with(&[("content-length", "5"), ("content-length", "6")])), Stream(PROTOCOL)),
        // 8.2: fields.
        ("8.2.1", "a name in upper case", frame(HEADERS, END, 1, &with(&[("X-Test", "1")])), Stream(PROTOCOL)),
        ("8.2.1", "a name with a space", frame(HEADERS, END, 1, &with(&[("x test", "1")])), Stream(PROTOCOL)),
        ("8.2.1", "a name with a colon", frame(HEADERS, END, 1, &with(&[("x:test", "1")])), Stream(PROTOCOL)),
        ("8.2.1", "an empty name", frame(HEADERS, END, 1, &with(&[("", "1")])), Stream(PROTOCOL)),
        ("8.2.1", "a value with a line end", frame(HEADERS, END, 1, &with(&[("x", "a\r\nb: c")])), Stream(PROTOCOL)),
        ("8.2.1", "a value with NUL", frame(HEADERS, END, 1, &with(&[("x", "a\0b")])), Stream(PROTOCOL)),
        ("8.2.1", "a value with a space before it", frame(HEADERS, END, 1, &with(&[("x", " a")])), Answer(400)),
        ("8.2.2", "Connection", frame(HEADERS, END, 1, &with(&[("connection", "close")])), Stream(PROTOCOL)),
        ("8.2.2", "Transfer-Encoding", frame(HEADERS, END, 1, &with(&[("transfer-encoding", "chunked")])), Stream(PROTOCOL)),
        ("8.2.2", "Upgrade", frame(HEADERS, END, 1, &with(&[("upgrade", "h2c")])), Stream(PROTOCOL)),
        ("8.2.2", "Keep-Alive", frame(HEADERS, END, 1, &with(&[("keep-alive", "1")])), Stream(PROTOCOL)),
        ("8.2.2", "Proxy-Connection", frame(HEADERS, END, 1, &with(&[("proxy-connection", "close")])), Stream(PROTOCOL)),
        ("8.2.2", "TE but for trailers", frame(HEADERS, END, 1, &with(&[("te", "trailers, gzip")])), Stream(PROTOCOL)),
        ("8.2.2", "TE for trailers", frame(HEADERS, END, 1, &with(&[("te", "trailers")])), Answer(200)),
        ("8.2.3", "a cookie in parts", frame(HEADERS, END, 1, &with(&[("cookie", "a=1"), ("cookie", "b=2")])), Answer(200)),
        // 8.3: pseudo-fields.
        ("8.3", "one that is unknown", frame(HEADERS, END, 1, &block(&[(":unknown", "1"), (":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "a")])), Stream(PROTOCOL)),
        ("8.3", "one of answers", frame(HEADERS, END, 1, &block(&[(":status", "200"), (":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "a")])), Stream(PROTOCOL)),
        ("8.3", "one behind a field", only(&[(":method", "GET"), (":scheme", "http"), ("x", "1"), (":path", "/"), (":authority", "a")]), Stream(PROTOCOL)),
        ("8.3.1", "an empty path", only(&[(":method", "GET"), (":scheme", "http"), (":path", ""), (":authority", "a")]), Stream(PROTOCOL)),
        ("8.3.1", "no method", only(&[(":scheme", "http"), (":path", "/"), (":authority", "a")]), Stream(PROTOCOL)),
        ("8.3.1", "no scheme", only(&[(":method", "GET"), (":path", "/"), (":authority", "a")]), Stream(PROTOCOL)),
        ("8.3.1", "no path", only(&[(":method", "GET"), (":scheme", "http"), (":authority", "a")]), Stream(PROTOCOL)),
        ("8.3.1", "two methods", frame(HEADERS, END, 1, &block(&[(":method", "GET"), (":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "a")])), Stream(PROTOCOL)),
        ("8.3.1", "two schemes", only(&[(":method", "GET"), (":scheme", "http"), (":scheme", "http"), (":path", "/"), (":authority", "a")]), Stream(PROTOCOL)),
        ("8.3.1", "two paths", only(&[(":method", "GET"), (":scheme", "http"), (":path", "/"), (":path", "/"), (":authority", "a")]), Stream(PROTOCOL)),
        ("8.3.1", "two authorities", only(&[(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "a"), (":authority", "a")]), Stream(PROTOCOL)),
        ("8.3.1", "a path that is none", only(&[(":method", "GET"), (":scheme", "http"), (":path", "index"), (":authority", "a")]), Stream(PROTOCOL)),
        ("8.3.1", "a method with a space", only(&[(":method", "GE T"), (":scheme", "http"), (":path", "/"), (":authority", "a")]), Stream(PROTOCOL)),
        ("8.3.1", "a Host unlike the authority", frame(HEADERS, END, 1, &with(&[("host", "other.kz")])), Answer(400)),
        ("8.3.1", "a user in the authority", only(&[(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "me@a")]), Answer(400)),
        ("8.3.1", "no authority and no Host", only(&[(":method", "GET"), (":scheme", "http"), (":path", "/")]), Answer(400)),
        ("8.3.1", "a Host instead of the authority", only(&[(":method", "GET"), (":scheme", "http"), (":path", "/"), ("host", "a")]), Answer(200)),
        ("8.5", "a CONNECT with a path", only(&[(":method", "CONNECT"), (":path", "/"), (":authority", "a:1")]), Stream(PROTOCOL)),
        ("8.5", "a proxy's CONNECT", only(&[(":method", "CONNECT"), (":authority", "a:1")]), Answer(0)),
        ("8441 4", "a protocol without CONNECT", only(&[(":method", "GET"), (":protocol", "websocket"), (":scheme", "http"), (":path", "/"), (":authority", "a")]), Stream(PROTOCOL)),
        ("8441 4", "a CONNECT for a protocol without a path", only(&[(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":authority", "a")]), Stream(PROTOCOL)),
        // RFC 7541: HPACK.
        ("7541 2.3.3", "an index behind both tables", frame(HEADERS, END, 1, &[&root[..], &[0xc6]].concat()), Connection(COMPRESSION)),
        ("7541 4.2", "a table's size behind a field", frame(HEADERS, END, 1, &[&root[..], &[0x3f, 0x81, 0x1f]].concat()), Connection(COMPRESSION)),
        ("7541 5.1", "a number without end", frame(HEADERS, END, 1, &[&root[..], &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]].concat()), Connection(COMPRESSION)),
        ("7541 5.2", "Huffman padding of more than 7 bits", frame(HEADERS, END, 1, &[&root[..], &[0x00, 0x85, 0xf2, 0xb2, 0x4a, 0x84, 0xff, 0x84, 0x49, 0x50, 0x9f, 0xff]].concat()), Connection(COMPRESSION)),
        ("7541 5.2", "Huffman padding of zeros", frame(HEADERS, END, 1, &[&root[..], &[0x00, 0x85, 0xf2, 0xb2, 0x4a, 0x84, 0xff, 0x83, 0x49, 0x50, 0x90]].concat()), Connection(COMPRESSION)),
        ("7541 5.2", "Huffman's end of string", frame(HEADERS, END, 1, &[&root[..], &[0x00, 0x85, 0xf2, 0xb2, 0x4a, 0x84, 0xff, 0x87, 0x49, 0x51, 0xff, 0xff, 0xff, 0xfa, 0x7f]].concat()), Connection(COMPRESSION)),
        ("7541 5.2", "a string longer than its block", frame(HEADERS, END, 1, &[&root[..], &[0x00, 0x01, b'x', 0x05, b'y']].concat()), Connection(COMPRESSION)),
        ("7541 6.1", "an index of 0", frame(HEADERS, END, 1, &[&root[..], &[0x80]].concat()), Connection(COMPRESSION)),
        ("7541 6.1", "an indexed field", path_as(&[0x84]), Answer(200)),
        ("7541 6.2.1", "a literal that is kept, its name indexed", path_as(&[0x44, 1, b'/']), Answer(200)),
        ("7541 6.2.1", "a literal that is kept, and named again", flat(&[path_as(&[&[0x44, 1, b'/', 0x40][..], &field("x", "y")[1..]].concat()), frame(HEADERS, END, 3, &[0x82, 0x86, 0xbf, 0x41, 1, b'a', 0xbf])]), Answer(200)),
        ("7541 6.2.2", "a literal that is not kept, its name indexed", path_as(&[0x04, 1, b'/']), Answer(200)),
        ("7541 6.2.3", "a literal never to be kept", path_as(&[0x14, 1, b'/']), Answer(200)),
        ("7541 6.2", "a Huffman string", path_as(&[0x04, 0x81, 0x63]), Answer(200)),
        ("7541 6.3", "a table's size", frame(HEADERS, END, 1, &[&[0x20, 0x3f, 0xe1, 0x1f][..], &root].concat()), Answer(200)),
        ("7541 6.3", "a table's size over what was said", frame(HEADERS, END, 1, &[&[0x3f, 0xe2, 0x1f][..], &root].concat()), Connection(COMPRESSION)),
    ];
    let case = |(section, name, sends, outcome)| Case { section, name, sends, outcome, bare: section == "3.4" };
    table.into_iter().map(case).collect()
}
