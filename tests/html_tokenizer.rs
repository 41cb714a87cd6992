//! The scanner against html5lib's tokenizer cases.
//!
//! The cases (JSON, MIT) are read where they lie; `../shared/data/html5lib-tokenizer/README.md` says
//! what they mean. Each is run once for each of its initial states, whole and byte by byte.
//!
//! Tokens are compared complete: names, decoded attributes, self-closing flags, the text of comments
//! and the name of doctypes, characters after decoding. The decoding of text and comments is done
//! here: the scanner only says where they are. `xmlViolation.test` describes another input.

use std::path::{Path, PathBuf};

use kelisim::html::scan::{Content, Inside, Kind, Piece, Scanner};
use kelisim::html::{Edit, Element, Interest, rewrite};
use serde_json::Value;

/// How many cases there are, each counted once for each of its initial states.
const CASES: usize = 7_032;

#[derive(Debug, PartialEq, Eq, Clone)]
enum Token {
    Start { name: Vec<u8>, attributes: Vec<(Vec<u8>, Vec<u8>)>, self_closing: bool },
    End(Vec<u8>),
    Comment(Vec<u8>),
    Doctype(Vec<u8>),
    Text(Vec<u8>),
}

struct Case {
    title: String,
    input: Vec<u8>,
    state: String,
    last_start_tag: Vec<u8>,
    expected: Vec<Token>,
}

#[test]
fn tokens_are_those_html5lib_expects_however_the_input_is_cut() {
    let Some(cases) = cases() else { return };
    let mut wrong = Vec::new();
    for case in &cases {
        for size in [usize::MAX, 1, 2, 3] {
            let found = tokens(case, size);
            if found != case.expected {
                wrong.push(format!("{}, cut at {size}: {found:?}", case.title));
            }
        }
    }
    println!("{} of {} html5lib cases", cases.len() - wrong.len().min(cases.len()), cases.len());
    assert!(
        wrong.is_empty(),
        "{} wrong, the first: {:#?}",
        wrong.len(),
        &wrong[..wrong.len().min(8)]
    );
    assert_eq!(cases.len(), CASES, "html5lib's cases have changed, or some are not read");
}

#[test]
fn without_an_edit_every_case_passes_byte_for_byte() {
    let Some(cases) = cases() else { return };
    for case in &cases {
        for every in [Interest::Pass, Interest::Tag, Interest::Whole] {
            let (output, _) =
                rewrite(&case.input, Look { every, seen: Vec::new() }).expect("nothing is refused");
            assert_eq!(output, case.input, "{} with {every:?}", case.title);
        }
    }
}

/// Changes nothing, and notes the attributes of the elements it sees.
struct Look {
    every: Interest,
    seen: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Edit for Look {
    fn interest(&mut self, _name: &[u8]) -> Interest {
        self.every
    }

    fn element(&mut self, element: &mut Element<'_>) {
        for attribute in element.attributes() {
            let name = plain(&attribute.name().to_ascii_lowercase(), true);
            let value = attribute.value().into_owned();
            if self.seen.iter().all(|(earlier, _)| *earlier != name) {
                self.seen.push((name, value));
            }
        }
    }
}

/// What the scanner makes of a case fed in pieces of `size` bytes.
fn tokens(case: &Case, size: usize) -> Vec<Token> {
    let mut scanner = Scanner::new();
    let content = match case.state.as_str() {
        "PLAINTEXT state" => Content::PlainText,
        "RCDATA state" => Content::RcData,
        "RAWTEXT state" => Content::RawText,
        "Script data state" => Content::Script,
        _ => Content::Data,
    };
    scanner.read_as(content, &case.last_start_tag);
    // A section that is open from the start has no `<![CDATA[`.
    let mut cdata_opened = false;
    if case.state == "CDATA section state" {
        scanner.read_cdata();
        cdata_opened = true;
    }
    let mut tokens = Vec::new();
    // From where the input is not in `tokens` yet.
    let mut from = 0;
    let mut markup_from = 0;
    for start in (0..case.input.len()).step_by(size.min(case.input.len().max(1))) {
        let chunk = &case.input[start..case.input.len().min(start.saturating_add(size))];
        let mut at = 0;
        while at < chunk.len() {
            let content = scanner.content();
            let Piece { kind, start: begin, end, continues, name_len } = scanner.next(chunk, at);
            if !continues {
                markup_from = start + begin;
            }
            at = end;
            if matches!(kind, Kind::Text | Kind::Partial) {
                continue;
            }
            // Text is decoded as a whole: a reference may have been cut in two.
            text(&case.input[from..markup_from], content, &mut tokens);
            from = markup_from;
            let raw = &case.input[from..start + at];
            from = start + at;
            match kind {
                Kind::StartTag { self_closing } => {
                    let look = Look { every: Interest::Tag, seen: Vec::new() };
                    let (_, mut look) = rewrite(raw, look).expect("nothing is refused");
                    look.seen.sort();
                    tokens.push(Token::Start {
                        name: plain(&raw[1..=name_len].to_ascii_lowercase(), true),
                        attributes: look.seen,
                        self_closing,
                    });
                }
                Kind::EndTag => {
                    let name = &raw[2..2 + name_len];
                    tokens.push(Token::End(plain(&name.to_ascii_lowercase(), true)));
                }
                Kind::Comment => tokens.push(Token::Comment(comment(raw, true))),
                Kind::Doctype => tokens.push(doctype(raw)),
                Kind::Cdata => {
                    let open = if cdata_opened { 0 } else { "<![CDATA[".len() };
                    cdata_opened = false;
                    characters(plain(&raw[open..raw.len() - 3], false), &mut tokens);
                }
                Kind::Nothing | Kind::Text | Kind::Partial => {}
            }
        }
    }
    if !matches!(scanner.inside(), Inside::Text | Inside::Undecided) {
        text(&case.input[from..markup_from], scanner.content(), &mut tokens);
        from = markup_from;
    }
    let rest = &case.input[from..];
    match scanner.inside() {
        Inside::Text | Inside::Undecided => text(rest, scanner.content(), &mut tokens),
        Inside::Tag => {}
        Inside::Comment => tokens.push(Token::Comment(comment(rest, false))),
        Inside::Doctype => tokens.push(doctype(rest)),
        Inside::Cdata => characters(plain(rest, false), &mut tokens),
    }
    tokens
}

/// Adds text as a browser reads it.
fn text(raw: &[u8], content: Content, tokens: &mut Vec<Token>) {
    let plain = plain(raw, content != Content::Data);
    if matches!(content, Content::Data | Content::RcData) {
        let decoded = htmlize::unescape_bytes_in(plain, htmlize::Context::General);
        characters(decoded.into_owned(), tokens);
    } else {
        characters(plain, tokens);
    }
}

fn characters(bytes: Vec<u8>, tokens: &mut Vec<Token>) {
    if bytes.is_empty() {
        return;
    }
    match tokens.last_mut() {
        Some(Token::Text(text)) => text.extend(bytes),
        _ => tokens.push(Token::Text(bytes)),
    }
}

/// Line ends made line feeds, and, where the state asks for it, NUL made U+FFFD.
fn plain(raw: &[u8], replace_nul: bool) -> Vec<u8> {
    let mut plain = Vec::new();
    for (at, &byte) in raw.iter().enumerate() {
        match byte {
            b'\r' => plain.push(b'\n'),
            b'\n' if at > 0 && raw[at - 1] == b'\r' => {}
            b'\0' if replace_nul => plain.extend("\u{FFFD}".as_bytes()),
            _ => plain.push(byte),
        }
    }
    plain
}

/// The data of a comment in any of its forms.
fn comment(raw: &[u8], ended: bool) -> Vec<u8> {
    let data = if let Some(rest) = raw.strip_prefix(b"<!--") {
        let endings: &[&[u8]] =
            if ended { &[b"--!>", b"-->", b"->", b">"] } else { &[b"--!", b"--", b"-"] };
        endings.iter().find_map(|ending| rest.strip_suffix(*ending)).unwrap_or(rest)
    } else {
        let rest = if ended { &raw[..raw.len() - 1] } else { raw };
        rest.strip_prefix(b"<!").or(rest.strip_prefix(b"</")).unwrap_or(&rest[1..])
    };
    plain(data, true)
}

/// A doctype by its name: the rest of it does not change where it ends.
fn doctype(raw: &[u8]) -> Token {
    let is_space = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\x0C' | b'\r' | b' ');
    let name = raw["<!doctype".len()..].iter().copied().skip_while(|byte| is_space(byte));
    let name: Vec<u8> = name.take_while(|byte| !is_space(byte) && *byte != b'>').collect();
    Token::Doctype(plain(&name.to_ascii_lowercase(), true))
}

/// All cases, or `None`, with a line that says so, where they are not to be had.
fn cases() -> Option<Vec<Case>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/html5lib-tokenizer");
    if !folder.is_dir() {
        println!("skipped: {} is not there", folder.display());
        return None;
    }
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .expect("the folder can be read")
        .map(|entry| entry.expect("its entries can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "test"))
        .filter(|path| !path.ends_with("xmlViolation.test"))
        .collect();
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        let json = std::fs::read(&file).expect("a case file can be read");
        let json: Value = serde_json::from_slice(&json).expect("a case file is JSON");
        let file = file.file_name().expect("a file has a name").to_string_lossy().into_owned();
        for test in json["tests"].as_array().expect("a file holds tests") {
            read_case(&file, test, &mut cases);
        }
    }
    Some(cases)
}

fn read_case(file: &str, test: &Value, cases: &mut Vec<Case>) {
    let escaped = test["doubleEscaped"] == true;
    let string = |value: &Value| unescape(value.as_str().expect("a string"), escaped);
    let mut expected = Vec::new();
    for token in test["output"].as_array().expect("a list of tokens") {
        match token[0].as_str().expect("a token has a kind") {
            "StartTag" => {
                let attributes = token[2].as_object().expect("attributes are an object");
                let mut attributes: Vec<_> = attributes
                    .iter()
                    .map(|(name, value)| (unescape(name, escaped), string(value)))
                    .collect();
                attributes.sort();
                let self_closing = token[3] == true;
                expected.push(Token::Start { name: string(&token[1]), attributes, self_closing });
            }
            "EndTag" => expected.push(Token::End(string(&token[1]))),
            "Comment" => expected.push(Token::Comment(string(&token[1]))),
            "DOCTYPE" => {
                let name = if token[1].is_null() { Vec::new() } else { string(&token[1]) };
                expected.push(Token::Doctype(name));
            }
            "Character" => characters(string(&token[1]), &mut expected),
            other => panic!("a token of an unknown kind {other}"),
        }
    }
    let states = test["initialStates"].as_array().map_or_else(
        || vec!["Data state".to_owned()],
        |states| states.iter().map(|s| s.as_str().expect("a state's name").to_owned()).collect(),
    );
    for state in states {
        cases.push(Case {
            title: format!("{file}: {}: {state}", test["description"]),
            input: string(&test["input"]),
            last_start_tag: test["lastStartTag"].as_str().unwrap_or("").as_bytes().to_vec(),
            expected: expected.clone(),
            state,
        });
    }
}

/// A string's bytes, `\uHHHH` in it resolved if it is escaped twice. A lone surrogate becomes the
/// three bytes UTF-8 would have for it: the scanner does not mind.
fn unescape(string: &str, escaped: bool) -> Vec<u8> {
    if !escaped {
        return string.as_bytes().to_vec();
    }
    let mut bytes = Vec::new();
    let mut units = Vec::new();
    let mut rest = string;
    while !rest.is_empty() {
        let hex = rest.strip_prefix("\\u").and_then(|tail| tail.get(..4));
        if let Some(unit) = hex.and_then(|hex| u16::from_str_radix(hex, 16).ok()) {
            units.push(unit);
            rest = &rest[6..];
            continue;
        }
        push_units(&mut units, &mut bytes);
        let first = rest.chars().next().expect("the rest is not empty");
        bytes.extend(first.to_string().as_bytes());
        rest = &rest[first.len_utf8()..];
    }
    push_units(&mut units, &mut bytes);
    bytes
}

fn push_units(units: &mut Vec<u16>, bytes: &mut Vec<u8>) {
    for decoded in char::decode_utf16(units.drain(..)) {
        match decoded {
            Ok(character) => bytes.extend(character.to_string().as_bytes()),
            Err(lone) => {
                let [high, low] = lone.unpaired_surrogate().to_be_bytes();
                bytes.push(0xE0 | (high >> 4));
                bytes.push(0x80 | ((high & 0x0F) << 2) | (low >> 6));
                bytes.push(0x80 | (low & 0x3F));
            }
        }
    }
}
