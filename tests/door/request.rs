//! Requests, read by the strictest rules.
//!
//! What is sent to a site must be read by every server in the same way. So this reader knows one
//! form of everything, and calls the rest malformed, also what RFC 9112 lets a server forgive.
//!
//! It also tells what servers with loose habits take for framing, though it is none.

use crate::message::find;

/// A request, as far as it has come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    /// Method, target and version.
    pub(crate) line: Vec<u8>,
    /// The fields of the head, and those after a chunked body.
    pub(crate) fields: Vec<(Vec<u8>, Vec<u8>)>,
    /// The body, without its framing.
    pub(crate) body: Vec<u8>,
}

/// What stands at the beginning of some bytes.
#[derive(Clone, Debug)]
pub(crate) enum Reading {
    /// The beginning of a request.
    Part,
    /// A request, and how many bytes it takes.
    Whole(Request, usize),
    /// No request, or one that servers read in different ways.
    Malformed(String),
}

/// Reads the first request.
pub(crate) fn read(bytes: &[u8]) -> Reading {
    match strictly(bytes) {
        Ok(Some((request, taken))) => Reading::Whole(request, taken),
        Ok(None) => Reading::Part,
        Err(why) => Reading::Malformed(why),
    }
}

impl Request {
    /// Whether this is its request line, one of its field lines or its body.
    pub(crate) fn shows(&self, text: &[u8]) -> bool {
        let is_field = |(name, value): &(Vec<u8>, Vec<u8>)| {
            text.len() == name.len() + 2 + value.len()
                && text[..name.len()].eq_ignore_ascii_case(name)
                && text[name.len()..].starts_with(b": ")
                && text.ends_with(value)
        };
        self.line == text || self.body == text || self.fields.iter().any(is_field)
    }

    /// Whether it has a field.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.values(name).next().is_some()
    }

    /// What loose readers take for more than it is.
    pub(crate) fn doubts(&self) -> Vec<String> {
        let mut doubts = Vec::new();
        for (name, _) in &self.fields {
            // CGI turns both `-` and `_` into `_`.
            let letters: Vec<u8> = name
                .iter()
                .filter(|b| b.is_ascii_alphanumeric())
                .map(u8::to_ascii_lowercase)
                .collect();
            let framing = [&b"contentlength"[..], b"transferencoding", b"host"];
            let exact = [&b"content-length"[..], b"transfer-encoding", b"host"];
            if framing.contains(&letters.as_slice())
                && !exact.iter().any(|exact| name.eq_ignore_ascii_case(exact))
            {
                doubts.push(format!("`{}` is read as framing by some", name.escape_ascii()));
            }
        }
        if self.has("upgrade") && !self.body.is_empty() {
            doubts.push("after `Upgrade` some read the body as another protocol".to_owned());
        }
        doubts
    }

    fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let named =
            move |field: &&(Vec<u8>, Vec<u8>)| field.0.eq_ignore_ascii_case(name.as_bytes());
        self.fields.iter().filter(named).map(|(_, value)| value.as_slice())
    }
}

/// The first request and its length; nothing where more has to come.
fn strictly(bytes: &[u8]) -> Result<Option<(Request, usize)>, String> {
    let mut request = Request::default();
    let Some((line, mut at)) = line(bytes, 0)? else { return Ok(None) };
    is_request_line(line)?;
    request.line = line.to_vec();
    if !fields(bytes, &mut at, &mut request.fields)? {
        return Ok(None);
    }
    if request.values("host").count() != 1 {
        return Err(format!("{} lines of Host", request.values("host").count()));
    }
    let lengths: Vec<&[u8]> = request.values("content-length").collect();
    let codings: Vec<&[u8]> = request.values("transfer-encoding").collect();
    match (lengths.as_slice(), codings.as_slice()) {
        ([], []) => {}
        ([length], []) => {
            let digits = std::str::from_utf8(length).ok();
            let digits = digits.filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
            let length: usize = digits
                .and_then(|digits| digits.parse().ok())
                .ok_or_else(|| format!("length `{}`", length.escape_ascii()))?;
            let Some(body) = bytes.get(at..).and_then(|rest| rest.get(..length)) else {
                return Ok(None);
            };
            request.body = body.to_vec();
            at += length;
        }
        ([], [coding]) if coding.eq_ignore_ascii_case(b"chunked") => {
            if !chunks(bytes, &mut at, &mut request)? {
                return Ok(None);
            }
        }
        _ => return Err("a length and a coding, or several of one".to_owned()),
    }
    Ok(Some((request, at)))
}

/// The line that begins at a place, without its end, and where the next begins.
fn line(bytes: &[u8], from: usize) -> Result<Option<(&[u8], usize)>, String> {
    let rest = &bytes[from..];
    let Some(end) = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n' | 0)) else {
        return Ok(None);
    };
    match rest.get(end..end + 2) {
        None if rest[end] == b'\r' => Ok(None),
        Some(b"\r\n") => Ok(Some((&rest[..end], from + end + 2))),
        _ => Err(format!("a bare control in `{}`", rest[..=end].escape_ascii())),
    }
}

fn is_token(name: &[u8]) -> bool {
    let is_part = |b: &u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(b);
    !name.is_empty() && name.iter().all(is_part)
}

/// RFC 9112 §3. Bytes over 127 are left alone: sites in old encodings have them in their addresses.
fn is_request_line(line: &[u8]) -> Result<(), String> {
    let parts: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
    let [method, target, b"HTTP/1.1" | b"HTTP/1.0"] = parts.as_slice() else {
        return Err(format!("request line `{}`", line.escape_ascii()));
    };
    let is_part = |b: &u8| *b > b' ' && *b != 0x7F && *b != b'#';
    if !is_token(method) || target.is_empty() || !target.iter().all(is_part) {
        return Err(format!("request line `{}`", line.escape_ascii()));
    }
    Ok(())
}

/// Reads field lines and the empty line after them; says whether it has come.
fn fields(
    bytes: &[u8],
    at: &mut usize,
    into: &mut Vec<(Vec<u8>, Vec<u8>)>,
) -> Result<bool, String> {
    loop {
        let Some((field, next)) = line(bytes, *at)? else { return Ok(false) };
        *at = next;
        if field.is_empty() {
            return Ok(true);
        }
        let wrong = || format!("field line `{}`", field.escape_ascii());
        let colon = find(field, b":").ok_or_else(wrong)?;
        let (name, value) = (&field[..colon], field[colon + 1..].trim_ascii());
        let is_part = |b: &u8| *b == b'\t' || (*b >= b' ' && *b != 0x7F);
        if !is_token(name) || !value.iter().all(is_part) {
            return Err(wrong());
        }
        into.push((name.to_vec(), value.to_vec()));
    }
}

/// Reads a chunked body; says whether its end has come. RFC 9112 §7.1, without extensions.
fn chunks(bytes: &[u8], at: &mut usize, request: &mut Request) -> Result<bool, String> {
    loop {
        let Some((digits, next)) = line(bytes, *at)? else { return Ok(false) };
        let wrong = || format!("chunk size `{}`", digits.escape_ascii());
        if digits.is_empty() || digits.len() > 8 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(wrong());
        }
        let text = std::str::from_utf8(digits).map_err(|_| wrong())?;
        let size = usize::from_str_radix(text, 16).map_err(|_| wrong())?;
        *at = next;
        if size == 0 {
            return fields(bytes, at, &mut request.fields);
        }
        let Some(chunk) = bytes.get(next..next + size + 2) else { return Ok(false) };
        let Some(content) = chunk.strip_suffix(b"\r\n") else {
            return Err("a chunk that is not as long as it says".to_owned());
        };
        request.body.extend(content);
        *at = next + size + 2;
    }
}
