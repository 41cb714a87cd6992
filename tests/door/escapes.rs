//! Bytes that plain text cannot show.
//!
//! `\r`, `\n`, `\t`, `\0`, `\\` and `\xHH` are one byte each; `\{300*text}` is a text three hundred
//! times, and may hold escapes, also of its own kind. Everything else is itself, in UTF-8.

use std::str::Chars;

/// The bytes that a text stands for.
pub(crate) fn unescape(text: &str) -> Result<Vec<u8>, String> {
    read(&mut text.chars(), false)
}

/// Reads to the end, or to the brace that closes a repetition.
fn read(letters: &mut Chars<'_>, repeated: bool) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => escape(letters, &mut bytes)?,
            '}' if repeated => return Ok(bytes),
            _ => bytes.extend(letter.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    if repeated { Err("`\\{` without `}`".to_owned()) } else { Ok(bytes) }
}

/// Reads what stands after a backslash.
fn escape(letters: &mut Chars<'_>, bytes: &mut Vec<u8>) -> Result<(), String> {
    match letters.next() {
        Some('r') => bytes.push(b'\r'),
        Some('n') => bytes.push(b'\n'),
        Some('t') => bytes.push(b'\t'),
        Some('0') => bytes.push(0),
        Some('\\') => bytes.push(b'\\'),
        Some('x') => {
            let mut digit = || letters.next().and_then(|letter| letter.to_digit(16));
            let byte =
                digit().zip(digit()).and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
            bytes.push(byte.ok_or("`\\x` needs two hexadecimal digits")?);
        }
        Some('{') => {
            let times: String = letters.by_ref().take_while(|letter| *letter != '*').collect();
            let times: usize =
                times.parse().map_err(|_| format!("expected `\\{{300*text}}`, not `{times}*`"))?;
            bytes.extend(read(letters, true)?.repeat(times));
        }
        other => {
            let other = other.map(String::from).unwrap_or_default();
            return Err(format!("`\\{other}` is no escape; a backslash is `\\\\`"));
        }
    }
    Ok(())
}
