//! What a message must be: the lines under *receives* and *gets*.
//!
//! A field that is named is named whole: all its lines, in order, and no other. A field that is not
//! named may be anything.
//!
//! Content is compared unpacked, and a body that does not unpack is a failure of its own.

use super::message::Message;
use super::packing;
use super::text::{Text, Values};

/// One thing that a message must be.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// Where the scenario says so.
    pub(crate) line: usize,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Start(Text),
    Status(u16),
    Field(String, Vec<Text>),
    NoField(String),
    FieldHas(String, Text),
    FieldLacks(String, Text),
    BodyIs(Text),
    BodyHas(Text),
    BodyLacks(Text),
    BreaksOff,
}

/// A scenario's mistake, or a disappointment, with its line.
pub(crate) type Failure = (usize, String);

/// Reads the lines of a block. Those of a request begin with its request line.
pub(crate) fn parse(block: &[(usize, String)], is_request: bool) -> Result<Vec<Wanted>, Failure> {
    let mut wanted: Vec<Wanted> = Vec::new();
    let mut lines = block.iter();
    if is_request {
        let Some((line, start)) = lines.next() else {
            return Err((0, "say at least which request it is".to_owned()));
        };
        wanted.push(Wanted { line: *line, what: What::Start(text(*line, start)?) });
    }
    while let Some((line, content)) = lines.next() {
        let line = *line;
        let what = match content.split(' ').collect::<Vec<_>>().as_slice() {
            ["body", "is"] => {
                let rest: Vec<&str> = lines.by_ref().map(|(_, line)| line.as_str()).collect();
                What::BodyIs(text(line, rest.join("\n").trim_end_matches('\n'))?)
            }
            ["body", "is", "empty"] => What::BodyIs(text(line, "")?),
            ["body", "is", ..] => What::BodyIs(after(line, content, "body is ")?),
            ["body", "contains", ..] => What::BodyHas(after(line, content, "body contains ")?),
            ["body", "lacks", ..] => What::BodyLacks(after(line, content, "body lacks ")?),
            ["status", code] => {
                What::Status(code.parse().map_err(|_| (line, format!("`{code}` is no status")))?)
            }
            ["breaks", "off"] => What::BreaksOff,
            ["no", name] => What::NoField((*name).to_owned()),
            [name, "contains", ..] => {
                let name = (*name).to_owned();
                let text = after(line, content, &format!("{name} contains "))?;
                What::FieldHas(name, text)
            }
            [name, "lacks", ..] => {
                let name = (*name).to_owned();
                let text = after(line, content, &format!("{name} lacks "))?;
                What::FieldLacks(name, text)
            }
            [name, ..] if name.len() > 1 && name.ends_with(':') => {
                let value = after(line, content, name)?;
                let name = name.trim_end_matches(':').to_owned();
                let before = wanted.iter_mut().find_map(|wanted| match &mut wanted.what {
                    What::Field(known, values) if known.eq_ignore_ascii_case(&name) => Some(values),
                    _ => None,
                });
                if let Some(values) = before {
                    values.push(value);
                    continue;
                }
                What::Field(name, vec![value])
            }
            [""] => continue,
            _ => return Err((line, format!("unknown words: `{content}`"))),
        };
        wanted.push(Wanted { line, what });
    }
    Ok(wanted)
}

fn after(line: usize, content: &str, words: &str) -> Result<Text, Failure> {
    text(line, content.strip_prefix(words).unwrap_or_default().trim())
}

/// Reads a text of the scenario, with the line it stands on.
pub(crate) fn text(line: usize, source: &str) -> Result<Text, Failure> {
    Text::parse(source).map_err(|wrong| (line, wrong))
}

/// Checks a message; the first disappointment is returned.
pub(crate) fn check(
    wanted: &[Wanted],
    message: &Message,
    values: &mut Values,
) -> Result<(), Failure> {
    let body = content(message);
    for Wanted { line, what } in wanted {
        let fail = |text: String| Err((*line, format!("{text}\n  what came:\n{message}")));
        let wrong = |text: String| (*line, text);
        let unpacked = || body.as_ref().map_err(|error| (*line, error.clone()));
        match what {
            What::Start(text) => {
                if !text.is(message.start.as_bytes(), values).map_err(wrong)? {
                    return fail(format!("expected `{}`", text.source()));
                }
            }
            What::Status(status) => {
                if message.status() != *status {
                    return fail(format!("expected status {status}"));
                }
            }
            What::Field(name, texts) => {
                let given: Vec<&[u8]> = message.values(name).collect();
                let mut same = given.len() == texts.len();
                for (text, given) in texts.iter().zip(&given) {
                    same = same && text.is(given, values).map_err(wrong)?;
                }
                if !same {
                    let lines: Vec<_> =
                        texts.iter().map(|text| format!("`{name}: {}`", text.source())).collect();
                    return fail(format!("expected {}", lines.join(" and ")));
                }
            }
            What::NoField(name) => {
                if message.values(name).next().is_some() {
                    return fail(format!("expected no `{name}`"));
                }
            }
            What::FieldHas(name, text) | What::FieldLacks(name, text) => {
                let mut found = false;
                for given in message.values(name) {
                    found = found || text.stands_in(given, values).map_err(wrong)?;
                }
                if found != matches!(what, What::FieldHas(..)) {
                    let verb = if found { "without" } else { "with" };
                    return fail(format!("expected `{name}` {verb} `{}`", text.source()));
                }
            }
            What::BodyIs(text) => {
                if !text.is(unpacked()?, values).map_err(wrong)? {
                    return fail(format!("expected the body\n    {}", text.source()));
                }
            }
            What::BodyHas(text) | What::BodyLacks(text) => {
                let found = text.stands_in(unpacked()?, values).map_err(wrong)?;
                if found != matches!(what, What::BodyHas(_)) {
                    let verb = if found { "without" } else { "with" };
                    return fail(format!("expected a body {verb} `{}`", text.source()));
                }
            }
            What::BreaksOff => {
                if message.whole {
                    return fail("expected an answer that breaks off".to_owned());
                }
            }
        }
    }
    Ok(())
}

/// Whether a message may end before its end.
pub(crate) fn breaks_off(wanted: &[Wanted]) -> bool {
    wanted.iter().any(|wanted| matches!(wanted.what, What::BreaksOff))
}

/// The body, unpacked as far as it has come.
fn content(message: &Message) -> Result<Vec<u8>, String> {
    let coding = message.values("content-encoding").next().unwrap_or_default();
    let page = message.values("content-type").any(|kind| kind.starts_with(b"text/"));
    if message.body.is_empty() || !page {
        return Ok(message.body.clone());
    }
    packing::unpack(&String::from_utf8_lossy(coding), &message.body, message.whole)
        .map_err(|error| format!("the body does not unpack: {error}"))
}

/// A message with its content unpacked, as a failure shows it.
pub(crate) fn shown(message: &Message) -> Message {
    let body = content(message).unwrap_or_else(|_| message.body.clone());
    Message { body, ..message.clone() }
}
