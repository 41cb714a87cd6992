//! Text of a scenario, with the places that `<<…>>` marks.
//!
//! Where a scenario *says* something, `<<name>>` is a value it has kept, `<<hex ff fe>>` are bytes,
//! and `<<300 of x>>` is a long row. Where it *expects* something, `<<any>>` is whatever came, and `<<new name>>` keeps it.

use std::collections::BTreeMap;

use regex::bytes::Regex;

/// The values that a scenario has kept, by name.
pub(crate) type Values = BTreeMap<String, Vec<u8>>;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Literal(Vec<u8>),
    Value(String),
    Any,
    New(String),
}

/// Text with places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    pieces: Vec<Piece>,
    source: String,
}

impl Text {
    /// Reads text, or says what is wrong with a place in it.
    pub(crate) fn parse(source: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = source;
        while let Some((before, after)) = rest.split_once("<<") {
            let (place, after) =
                after.split_once(">>").ok_or_else(|| "`<<` without `>>`".to_owned())?;
            pieces.push(Piece::Literal(before.as_bytes().to_vec()));
            pieces.push(match place.split_once(' ') {
                Some(("hex", digits)) => {
                    let digits: String = digits.split_whitespace().collect();
                    let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(digits.as_bytes());
                    Piece::Literal(bytes.map_err(|_| format!("`{place}` is no row of hex bytes"))?)
                }
                Some(("new", name)) if is_name(name) => Piece::New(name.to_owned()),
                Some((count, what)) if what.starts_with("of ") => {
                    let count = count.parse().map_err(|_| format!("`{count}` is no number"))?;
                    Piece::Literal(what["of ".len()..].repeat(count).into_bytes())
                }
                None if place == "any" => Piece::Any,
                None if is_name(place) => Piece::Value(place.to_owned()),
                _ => return Err(format!("unknown place `<<{place}>>`")),
            });
            rest = after;
        }
        pieces.push(Piece::Literal(rest.as_bytes().to_vec()));
        Ok(Self { pieces, source: source.to_owned() })
    }

    /// The text as the scenario has it.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// The bytes to say.
    pub(crate) fn bytes(&self, values: &Values) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        for piece in &self.pieces {
            match piece {
                Piece::Literal(literal) => bytes.extend(literal),
                Piece::Value(name) => bytes.extend(value(values, name)?),
                Piece::Any | Piece::New(_) => {
                    return Err(format!("`{}` says nothing, it only expects", self.source));
                }
            }
        }
        Ok(bytes)
    }

    /// Whether `given` is this text, and what its places are then.
    pub(crate) fn is(&self, given: &[u8], values: &mut Values) -> Result<bool, String> {
        self.matches(given, values, r"\A", r"\z")
    }

    /// Whether this text stands in `given`, and what its places are then.
    pub(crate) fn stands_in(&self, given: &[u8], values: &mut Values) -> Result<bool, String> {
        self.matches(given, values, "", "")
    }

    fn matches(
        &self,
        given: &[u8],
        values: &mut Values,
        from: &str,
        to: &str,
    ) -> Result<bool, String> {
        use std::fmt::Write as _;
        let mut pattern = format!("(?s-u){from}");
        let mut names = Vec::new();
        for piece in &self.pieces {
            let literal: &[u8] = match piece {
                Piece::Literal(literal) => literal,
                Piece::Value(name) => value(values, name)?,
                Piece::Any => {
                    pattern.push_str(".*?");
                    continue;
                }
                Piece::New(name) => {
                    pattern.push_str("(.*?)");
                    names.push(name.clone());
                    continue;
                }
            };
            for byte in literal {
                write!(pattern, r"\x{byte:02x}").expect("a String takes every write");
            }
        }
        pattern.push_str(to);
        let regex = Regex::new(&pattern).map_err(|error| error.to_string())?;
        let Some(found) = regex.captures(given) else { return Ok(false) };
        for (number, name) in names.into_iter().enumerate() {
            let kept = found.get(number + 1).map_or(&b""[..], |place| place.as_bytes());
            values.insert(name, kept.to_vec());
        }
        Ok(true)
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn value<'a>(values: &'a Values, name: &str) -> Result<&'a [u8], String> {
    let known = || values.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    values
        .get(name)
        .map(Vec::as_slice)
        .ok_or_else(|| format!("`<<{name}>>` was not kept; known: {}", known()))
}
