//! Messages as an end reads them: first line, fields, body, trailers.

use crate::wire::Wire;

/// Names and values, in order; spaces around values are none of theirs (RFC 9110 §5.5).
pub(crate) type Fields = Vec<(String, Vec<u8>)>;

/// A message that was read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Message {
    /// The first line.
    pub(crate) start: Vec<u8>,
    /// The fields of the head.
    pub(crate) fields: Fields,
    /// The body, without its framing.
    pub(crate) body: Vec<u8>,
    /// The fields behind the body.
    pub(crate) trailers: Fields,
}

impl Message {
    /// Reads a message; one that is an answer to `HEAD`, or has a status without body, is its head.
    pub(crate) fn read(wire: &mut Wire, is_answer: bool, to_head: bool) -> Message {
        let (start, fields) = head(&wire.until("\r\n\r\n"));
        let mut message = Message { start, fields, body: Vec::new(), trailers: Vec::new() };
        let status = message.start.splitn(3, |byte| *byte == b' ').nth(1).unwrap_or_default();
        if is_answer && (to_head || matches!(status, b"204" | b"304")) {
            return message;
        }
        let length = message
            .values("content-length")
            .next()
            .map(|value| String::from_utf8_lossy(value).parse().expect("a length is a number"));
        if message.values("transfer-encoding").next().is_some() {
            loop {
                match wire.chunk() {
                    chunk if chunk.is_empty() => break,
                    chunk => message.body.extend(chunk),
                }
            }
            loop {
                let line = wire.until("\r\n");
                if line == b"\r\n" {
                    break;
                }
                message.trailers.extend(field(&line));
            }
        } else if let Some(length) = length {
            message.body = wire.bytes(length);
        } else if is_answer {
            message.body = wire.rest();
        }
        message
    }

    /// The values of a field.
    pub(crate) fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let named = self.fields.iter().filter(move |(known, _)| known.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_slice())
    }

    /// Whether a list in a field has this member.
    pub(crate) fn lists(&self, name: &str, member: &str) -> bool {
        self.values(name)
            .flat_map(|value| value.split(|byte| *byte == b','))
            .any(|one| one.trim_ascii().eq_ignore_ascii_case(member.as_bytes()))
    }
}

fn head(bytes: &[u8]) -> (Vec<u8>, Fields) {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let start = lines.next().unwrap_or_default();
    (start.strip_suffix(b"\r").unwrap_or(start).to_vec(), lines.filter_map(field).collect())
}

fn field(line: &[u8]) -> Option<(String, Vec<u8>)> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let name = String::from_utf8_lossy(&line[..colon]).into_owned();
    Some((name, line[colon + 1..].trim_ascii().to_vec()))
}
