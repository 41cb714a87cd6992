//! The head of a request, read as strictly as the standard lets us.
//!
//! Where a lenient reader guesses, the site behind may guess otherwise, and what one takes for a body
//! the other takes for the next request. So a head that can be read in two ways is not read at all.
//!
//! What passes has one meaning: hyper, the gate and the site read the same method, target, host and
//! length. Targets may hold bytes that are no URI (raw windows-1251, quotes); sites live with them,
//! and so they pass: [`Head::rewritten`].
//!
//! Limits are those of RFC 9110 in spirit and nginx's in size. Bodies are in [`super::framing`].

#[cfg(test)]
mod tests;

use memchr::memchr;

use super::framing::Framing;
use crate::fault::Refusal;
use crate::proxy::{EXPECTS, RAW_TARGET};

/// The longest line.
pub(super) const LINE_BYTES_MAX: usize = 16 * 1024;

/// The largest head.
pub(in crate::server) const HEAD_BYTES_MAX: usize = 64 * 1024;

/// The most fields.
pub(super) const FIELDS_MAX: usize = 100;

/// Looks for the end of a head, line by line, as its bytes come.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lines {
    /// Where the line begins that has not ended.
    line: usize,
    /// How far it was looked at.
    seen: usize,
    /// How many lines have ended, empty ones before the first left out.
    ended: usize,
}

impl Lines {
    /// Whether the head is complete in `bytes`, which it begins: then where it ends.
    pub(super) fn end(&mut self, bytes: &[u8]) -> Result<Option<usize>, Refusal> {
        while let Some(end) = memchr(b'\n', &bytes[self.seen..]).map(|at| self.seen + at) {
            let line = bytes[self.line..end].strip_suffix(b"\r").ok_or(Refusal::LineEnd)?;
            if memchr(b'\r', line).is_some() {
                return Err(Refusal::LineEnd);
            }
            self.bound(line.len())?;
            let first = self.line == 0;
            self.line = end + 1;
            self.seen = end + 1;
            match (line.is_empty(), self.ended) {
                // One empty line before the request is passed over (RFC 9112 §2.2).
                (true, 0) if first => {}
                (true, 0) => return Err(Refusal::EmptyLines),
                (true, _) => return Ok(Some(end + 1)),
                (false, _) => self.ended += 1,
            }
            if self.ended > FIELDS_MAX + 1 {
                return Err(Refusal::Fields);
            }
        }
        self.seen = bytes.len();
        self.bound(bytes.len() - self.line)?;
        if bytes.len() > HEAD_BYTES_MAX {
            return Err(Refusal::Fields);
        }
        self.despair(bytes)?;
        Ok(None)
    }

    /// Refuses what no byte that is still to come could mend: nobody has to wait for a deadline.
    fn despair(&self, bytes: &[u8]) -> Result<(), Refusal> {
        let rest = &bytes[self.line..];
        let ended = rest.strip_suffix(b"\r").unwrap_or(rest);
        if memchr(b'\r', ended).is_some() {
            return Err(Refusal::LineEnd);
        }
        let bytes = bytes.strip_prefix(b"\r\n").unwrap_or(bytes);
        match memchr(b'\n', bytes) {
            Some(end) if self.ended > 0 => RequestLine::read(&bytes[..end - 1]).map(drop),
            _ => Ok(()),
        }
    }

    fn bound(&self, line: usize) -> Result<(), Refusal> {
        match self.ended {
            _ if line <= LINE_BYTES_MAX => Ok(()),
            0 => Err(Refusal::LongTarget),
            _ => Err(Refusal::Fields),
        }
    }
}

/// What a head says that is needed to follow the connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// How its body is delimited.
    pub(super) framing: Framing,
    /// The head as it goes on, where it is not as it came: a target that is no URI is
    /// percent-encoded for who wants one, and stands in a field of ours as it came.
    pub(super) rewritten: Option<Vec<u8>>,
}

/// The fields that matter here, as they were found.
#[derive(Default)]
struct Fields<'a> {
    host: Option<&'a [u8]>,
    length: Option<&'a [u8]>,
    coding: Option<&'a [u8]>,
    expect: Option<&'a [u8]>,
    upgrade: Option<&'a [u8]>,
    /// Whether `Connection` names the upgrade, as it has to (RFC 9110 §7.8).
    connects_upgrade: bool,
    /// Whether it has fields that are the door's own to write.
    claims_ours: bool,
    count: usize,
}

impl Head {
    /// Reads a head that [`Lines`] has found the end of.
    pub(super) fn read(bytes: &[u8]) -> Result<Head, Refusal> {
        if bytes.len() > HEAD_BYTES_MAX {
            return Err(Refusal::Fields);
        }
        let bytes = bytes.strip_prefix(b"\r\n").unwrap_or(bytes);
        let mut rest = bytes;
        let line = RequestLine::read(take_line(&mut rest))?;
        let mut fields = Fields::default();
        loop {
            let field = take_line(&mut rest);
            if field.is_empty() {
                break;
            }
            fields.add(field)?;
        }
        fields.check_host(&line)?;
        if fields.expect.is_some_and(|expect| !expect.eq_ignore_ascii_case(b"100-continue")) {
            return Err(Refusal::Expectation);
        }
        let framing = fields.framing(&line)?;
        let websocket = fields.upgrade.is_some_and(|to| to.eq_ignore_ascii_case(b"websocket"));
        let upgrades = websocket
            && fields.connects_upgrade
            && line.is_get
            && line.is_current
            && framing.is_none();
        let raw = line.target.iter().any(|byte| !is_uri(*byte));
        // In HTTP/1.0, or without a body, an expectation says nothing (RFC 9110 §10.1.1).
        let expects = fields.expect.is_some() && line.is_current && !framing.is_none();
        let as_it_came =
            !raw && (fields.upgrade.is_none() || upgrades) && !expects && !fields.claims_ours;
        let changes = Changes { raw, upgrades, expects };
        let rewritten = (!as_it_came).then(|| rewrite(bytes, &line, changes));
        match &rewritten {
            Some(longer) if longer.len() > HEAD_BYTES_MAX => {
                Err(if raw { Refusal::LongTarget } else { Refusal::Fields })
            }
            _ if raw && fields.count == FIELDS_MAX => Err(Refusal::Fields),
            _ => Ok(Head { framing, rewritten }),
        }
    }
}

/// Takes the next line from the front, without its end.
fn take_line<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let end = memchr(b'\n', rest);
    let (line, behind) = rest.split_at(end.map_or(rest.len(), |end| end + 1));
    *rest = behind;
    line.strip_suffix(b"\n").map_or(line, |line| &line[..line.len().max(1) - 1])
}

/// The first line.
struct RequestLine<'a> {
    method: &'a [u8],
    target: &'a [u8],
    /// The host that the target names, if it is absolute.
    authority: Option<&'a [u8]>,
    is_get: bool,
    /// HTTP/1.1, not 1.0.
    is_current: bool,
}

impl<'a> RequestLine<'a> {
    fn read(line: &'a [u8]) -> Result<Self, Refusal> {
        let mut parts = line.split(|byte| *byte == b' ');
        let (Some(method), Some(target), Some(version), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Refusal::RequestLine);
        };
        if method.is_empty() || !method.iter().all(|byte| is_token(*byte)) || target.is_empty() {
            return Err(Refusal::RequestLine);
        }
        let is_current = match version {
            b"HTTP/1.1" => true,
            b"HTTP/1.0" => false,
            [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
                if major.is_ascii_digit() && minor.is_ascii_digit() =>
            {
                return Err(Refusal::Version);
            }
            _ => return Err(Refusal::RequestLine),
        };
        if matches!(method, b"CONNECT" | b"TRACE") {
            return Err(Refusal::Method);
        }
        if target.iter().any(|byte| matches!(byte, 0..=b' ' | b'#' | 0x7f)) {
            return Err(Refusal::Target);
        }
        let authority = match target {
            [b'/', ..] => None,
            b"*" if method == b"OPTIONS" => None,
            _ => Some(authority(target).ok_or(Refusal::Target)?),
        };
        let is_get = method == b"GET";
        Ok(Self { method, target, authority, is_get, is_current })
    }

    /// Path and query of the target; without the path's slash where an absolute target has none.
    fn path(&self) -> &'a [u8] {
        let before = self.authority.map_or(0, |authority| {
            let scheme = memchr::memmem::find(self.target, b"//").unwrap_or_default();
            scheme + 2 + authority.len()
        });
        &self.target[before..]
    }
}

/// The authority of an absolute target, which is one of HTTP's.
fn authority(target: &[u8]) -> Option<&[u8]> {
    let scheme = [&b"http://"[..], b"https://"].into_iter().find(|scheme| {
        target.get(..scheme.len()).is_some_and(|t| t.eq_ignore_ascii_case(scheme))
    })?;
    let rest = &target[scheme.len()..];
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
    Some(&rest[..end])
}

impl<'a> Fields<'a> {
    fn add(&mut self, line: &'a [u8]) -> Result<(), Refusal> {
        self.count += 1;
        let colon = memchr(b':', line).ok_or(Refusal::FieldName)?;
        // Tabs around a value are white space to some readers and part of it to others.
        let (name, value) = (&line[..colon], trim_spaces(&line[colon + 1..]));
        if name.is_empty() || !name.iter().all(|byte| is_token(*byte)) {
            return Err(Refusal::FieldName);
        }
        // All of them are looked at, which is quicker than to look for the first.
        if line[colon + 1..].iter().fold(false, |found, byte| found | is_control(*byte)) {
            return Err(Refusal::FieldValue);
        }
        let (known, twice) = match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => (&mut self.host, Refusal::Host),
            6 if name.eq_ignore_ascii_case(b"expect") => (&mut self.expect, Refusal::Expectation),
            7 if name.eq_ignore_ascii_case(b"upgrade") => {
                // A list of protocols is none that is spoken here.
                self.upgrade = Some(if self.upgrade.is_some() { b"" } else { value });
                return Ok(());
            }
            10 if name.eq_ignore_ascii_case(b"connection") => {
                let mut listed = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
                self.connects_upgrade |= listed.any(|one| one.eq_ignore_ascii_case(b"upgrade"));
                return Ok(());
            }
            14 if name.eq_ignore_ascii_case(b"content-length") => {
                (&mut self.length, Refusal::Length)
            }
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => {
                (&mut self.coding, Refusal::Coding)
            }
            _ => {
                self.claims_ours |= is_ours(name);
                return Ok(());
            }
        };
        match known.replace(value) {
            Some(_) => Err(twice),
            None => Ok(()),
        }
    }

    fn check_host(&self, line: &RequestLine<'_>) -> Result<(), Refusal> {
        // HTTP/1.0 had none; a site behind a gateway cannot do without one, wherever it is named.
        let named = line.authority.filter(|_| !line.is_current);
        let host = self.host.or(named).ok_or(Refusal::Host)?;
        let alike = line.authority.is_none_or(|authority| authority.eq_ignore_ascii_case(host));
        if is_host(host) && alike { Ok(()) } else { Err(Refusal::Host) }
    }

    fn framing(&self, line: &RequestLine<'_>) -> Result<Framing, Refusal> {
        match (self.length, self.coding) {
            (Some(_), Some(_)) => Err(Refusal::TwoLengths),
            (None, None) => Ok(Framing::of_length(0)),
            (Some(length), None) => {
                let digits = !length.is_empty() && length.iter().all(u8::is_ascii_digit);
                let length = std::str::from_utf8(length).ok().and_then(|text| text.parse().ok());
                length.filter(|_| digits).map(Framing::of_length).ok_or(Refusal::Length)
            }
            (None, Some(_)) if !line.is_current => Err(Refusal::Coding),
            (None, Some(coding)) if coding.eq_ignore_ascii_case(b"chunked") => {
                Ok(Framing::chunked())
            }
            (None, Some(coding)) => {
                let one = !coding.is_empty() && coding.iter().all(|byte| is_token(*byte));
                Err(if one { Refusal::UnknownCoding } else { Refusal::Coding })
            }
        }
    }
}

/// In what a head goes on otherwise than it came.
#[derive(Clone, Copy)]
struct Changes {
    /// Its target is no URI.
    raw: bool,
    /// Its upgrade is one that is taken; else it has none.
    upgrades: bool,
    /// Its body is kept back until it is asked for, which hyper would do of itself.
    expects: bool,
}

/// The head as it goes on: with a target that is a URI, without an upgrade that is not taken, and with
/// an expectation under a name of ours.
fn rewrite(bytes: &[u8], line: &RequestLine<'_>, changes: Changes) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 3 * line.target.len());
    out.extend_from_slice(line.method);
    out.push(b' ');
    for &byte in line.target {
        if is_uri(byte) {
            out.push(byte);
        } else {
            out.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
    }
    let rest = line.method.len() + 1 + line.target.len();
    let mut fields = bytes[rest..].split_inclusive(|byte| *byte == b'\n');
    out.extend_from_slice(fields.next().unwrap_or_default());
    for field in fields.filter(|field| *field != b"\r\n") {
        let name = &field[..memchr(b':', field).unwrap_or(0)];
        if is_ours(name) || (!changes.upgrades && name.eq_ignore_ascii_case(b"upgrade")) {
            continue;
        }
        if changes.expects && name.eq_ignore_ascii_case(b"expect") {
            out.extend_from_slice(EXPECTS.as_bytes());
            out.extend_from_slice(&field[name.len()..]);
        } else {
            out.extend_from_slice(field);
        }
    }
    if changes.raw {
        let path = line.path();
        out.extend_from_slice(RAW_TARGET.as_bytes());
        out.extend_from_slice(if path.starts_with(b"/") { b": " } else { b": /" });
        out.extend_from_slice(path);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
    out
}

/// Whether a field is one that the door writes for the path to read.
fn is_ours(name: &[u8]) -> bool {
    [RAW_TARGET, EXPECTS].iter().any(|ours| name.eq_ignore_ascii_case(ours.as_bytes()))
}

fn trim_spaces(mut value: &[u8]) -> &[u8] {
    while let [b' ', rest @ ..] | [rest @ .., b' '] = value {
        value = rest;
    }
    value
}

/// A byte of a method or a field's name (RFC 9110 §5.6.2).
pub(super) fn is_token(byte: u8) -> bool {
    const TOKEN: [bool; 256] = table(b"!#$%&'*+-.^_`|~");
    TOKEN[usize::from(byte)]
}

/// Which bytes are letters, digits or among some others.
const fn table(others: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < u8::MAX {
        table[byte as usize] = byte.is_ascii_alphanumeric();
        byte += 1;
    }
    let mut at = 0;
    while at < others.len() {
        table[others[at] as usize] = true;
        at += 1;
    }
    table
}

/// A byte that no field's value may have (RFC 9110 §5.5).
pub(super) fn is_control(byte: u8) -> bool {
    (byte < b' ' && byte != b'\t') || byte == 0x7f
}

/// A byte that every reader of URIs takes (RFC 3986 §2, without the brackets' finer points).
fn is_uri(byte: u8) -> bool {
    const URI: [bool; 256] = table(b"!#$%&'()*+,-./:;=?@[]_~");
    URI[usize::from(byte)]
}

/// Whether a value is a host with an optional port (RFC 3986 §3.2.2), and no more.
pub(super) fn is_host(value: &[u8]) -> bool {
    let (name, rest) = if value.starts_with(b"[") {
        let Some(end) = memchr(b']', value) else { return false };
        let inner = &value[1..end];
        let address = std::str::from_utf8(inner)
            .ok()
            .and_then(|text| text.parse::<std::net::Ipv6Addr>().ok());
        if address.is_none() {
            return false;
        }
        value.split_at(end + 1)
    } else {
        value.split_at(memchr(b':', value).unwrap_or(value.len()))
    };
    let port = match rest {
        [] => true,
        [b':', port @ ..] => {
            let number = std::str::from_utf8(port).ok().and_then(|text| text.parse::<u16>().ok());
            number.is_some() && port.iter().all(u8::is_ascii_digit)
        }
        _ => false,
    };
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let named = name.starts_with(b"[") || (!name.is_empty() && name.iter().all(plain));
    named && port
}
