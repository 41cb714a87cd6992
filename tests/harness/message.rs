//! HTTP/1.1 messages, as bytes and as their parts.
//!
//! The parts keep spelling and order. Reading is total: it is asked again with more bytes until the
//! message is whole, so a message that never becomes whole is seen as what it is.

use std::fmt;

/// A message, as far as it has come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Message {
    /// The request line or the status line.
    pub(crate) start: String,
    /// The header fields, in order.
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    /// The body, without its framing.
    pub(crate) body: Vec<u8>,
    /// Whether all of it has come.
    pub(crate) whole: bool,
}

impl Message {
    /// The values of a field, in order.
    pub(crate) fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let named = move |field: &&(String, Vec<u8>)| field.0.eq_ignore_ascii_case(name);
        self.headers.iter().filter(named).map(|(_, value)| value.as_slice())
    }

    /// Whether a field has this value, letter case aside.
    fn says(&self, name: &str, value: &str) -> bool {
        self.values(name).any(|given| given.eq_ignore_ascii_case(value.as_bytes()))
    }

    /// The status of an answer.
    pub(crate) fn status(&self) -> u16 {
        self.start.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0)
    }

    /// Reads a message, and says how many bytes it takes; nothing before its head is complete.
    /// `ended` says that no more bytes will come; `bodiless` that it has no body whatever its
    /// fields say, as the answer to `HEAD`.
    pub(crate) fn read(bytes: &[u8], ended: bool, bodiless: bool) -> Option<(Self, usize)> {
        let head = find(bytes, b"\r\n\r\n")?;
        let mut lines = bytes[..head].split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
        let start = String::from_utf8_lossy(lines.next()?).into_owned();
        let headers = lines
            .map(|line| {
                let colon = find(line, b":").unwrap_or(line.len());
                let name = String::from_utf8_lossy(&line[..colon]).into_owned();
                (name, line[(colon + 1).min(line.len())..].trim_ascii().to_vec())
            })
            .collect();
        let mut message = Self { start, headers, body: Vec::new(), whole: false };
        let rest = &bytes[head + 4..];
        let is_answer = message.start.starts_with("HTTP/");
        let length = message.values("content-length").next().map(String::from_utf8_lossy);
        let length = length.and_then(|length| length.parse::<usize>().ok());
        let mut taken = 0;
        if bodiless || (is_answer && matches!(message.status(), 100..200 | 204 | 304)) {
            message.whole = true;
        } else if message.says("transfer-encoding", "chunked") {
            (message.body, taken, message.whole) = unchunk(rest);
        } else if let Some(length) = length {
            taken = length.min(rest.len());
            message.body = rest[..taken].to_vec();
            message.whole = rest.len() >= length;
        } else if is_answer {
            taken = rest.len();
            message.body = rest.to_vec();
            message.whole = ended;
        } else {
            message.whole = true;
        }
        Some((message, head + 4 + taken))
    }
}

/// The message as a failure shows it.
impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "    {}", self.start)?;
        for (name, value) in &self.headers {
            writeln!(f, "    {name}: {}", value.escape_ascii())?;
        }
        writeln!(f)?;
        let body = String::from_utf8_lossy(&self.body);
        for line in body.lines().take(100) {
            writeln!(f, "    {}", line.chars().take(400).collect::<String>())?;
        }
        if !self.whole {
            writeln!(f, "    (it ended before its end)")?;
        }
        Ok(())
    }
}

/// Where `part` begins in `bytes`.
pub(crate) fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

/// The content of a chunked body, the bytes it takes, and whether its end has come.
fn unchunk(bytes: &[u8]) -> (Vec<u8>, usize, bool) {
    let mut content = Vec::new();
    let mut at = 0;
    while let Some(line) = find(&bytes[at..], b"\r\n") {
        let digits = String::from_utf8_lossy(&bytes[at..at + line]).into_owned();
        let digits = digits.split(';').next().unwrap_or_default().trim().to_owned();
        let Ok(size) = usize::from_str_radix(&digits, 16) else { break };
        let from = at + line + 2;
        if size == 0 {
            // Trailers, if there are any, end with an empty line as a head does.
            let end = if bytes[from..].starts_with(b"\r\n") {
                Some(from + 2)
            } else {
                find(&bytes[from..], b"\r\n\r\n").map(|end| from + end + 4)
            };
            return (content, end.unwrap_or(at), end.is_some());
        }
        if bytes.len() < from + size + 2 {
            content.extend(&bytes[from.min(bytes.len())..(from + size).min(bytes.len())]);
            break;
        }
        content.extend(&bytes[from..from + size]);
        at = from + size + 2;
    }
    (content, at, false)
}

/// A chunk of a body.
pub(crate) fn chunk(content: &[u8]) -> Vec<u8> {
    if content.is_empty() {
        return Vec::new();
    }
    let mut chunk = format!("{:x}\r\n", content.len()).into_bytes();
    chunk.extend(content);
    chunk.extend(b"\r\n");
    chunk
}
