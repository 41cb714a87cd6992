//! Any bytes through the scanner, cut anywhere.
//!
//! What is read in pieces is what is read at once; the pieces joined are the input; every step goes
//! on. Which text follows a start tag is said by its name alone, as a simple tree builder would.

#![no_main]

mod cuts;

use kelisim::html::scan::{Content, Inside, Kind, Scanner};
use libfuzzer_sys::fuzz_target;

/// One piece of markup, by its place in the whole input.
#[derive(Debug, PartialEq, Eq)]
struct Markup {
    kind: Kind,
    start: usize,
    end: usize,
    name_len: usize,
}

fuzz_target!(|input: &[u8]| {
    let (text, cuts) = cuts::split(input);
    let cdata = input.last().is_some_and(|last| last & 0x80 != 0);
    let whole = read(text, &[text], cdata);
    let singles: Vec<_> = text.chunks(1).collect();
    assert_eq!(read(text, &singles, cdata), whole, "a byte at a time");
    assert_eq!(read(text, &cuts.pieces(text), cdata), whole, "cut as {cuts:?}");
});

/// All markup in `text`, which comes in these pieces, and how the scanner stands at the end.
fn read(text: &[u8], pieces: &[&[u8]], cdata: bool) -> (Vec<Markup>, Inside, Content) {
    let mut scanner = Scanner::new();
    if cdata {
        scanner.read_cdata();
    }
    let mut found = Vec::new();
    let (mut base, mut opened) = (0, 0);
    for bytes in pieces {
        let mut at = 0;
        while at < bytes.len() {
            let before = scanner.inside();
            let piece = scanner.next(bytes, at);
            assert!(piece.end > at && piece.end <= bytes.len(), "{piece:?} from {at}");
            assert!(piece.start >= at && piece.start <= piece.end, "{piece:?} from {at}");
            assert!(!piece.continues || before != Inside::Text, "{piece:?} continues nothing");
            assert!(!piece.continues || piece.start == at, "{piece:?} continues later");
            if !piece.continues {
                opened = base + piece.start;
            }
            at = piece.end;
            match piece.kind {
                Kind::Text => {
                    assert_eq!((piece.start, piece.end), (bytes.len(), bytes.len()), "{piece:?}");
                    assert_eq!(scanner.inside(), Inside::Text);
                }
                Kind::Partial => {
                    assert_eq!(piece.end, bytes.len(), "{piece:?}");
                    assert_ne!(scanner.inside(), Inside::Text);
                }
                kind => {
                    assert_eq!(scanner.inside(), Inside::Text);
                    let mut markup = Markup { kind, start: opened, end: base + at, name_len: 0 };
                    named(&mut markup, text, piece.name_len, &mut scanner);
                    found.push(markup);
                }
            }
        }
        base += bytes.len();
    }
    assert_eq!(base, text.len());
    (found, scanner.inside(), scanner.content())
}

/// Looks at a piece of markup, and tells the scanner what follows it.
fn named(markup: &mut Markup, text: &[u8], name_len: usize, scanner: &mut Scanner) {
    let bytes = &text[markup.start..markup.end];
    assert!(bytes.ends_with(b">"), "{markup:?}: {}", bytes.escape_ascii());
    let name_at = match markup.kind {
        Kind::StartTag { self_closing } => {
            assert_eq!(self_closing, bytes.ends_with(b"/>") && self_closing);
            1
        }
        Kind::EndTag => 2,
        Kind::Cdata => return assert!(bytes.ends_with(b"]]>"), "{}", bytes.escape_ascii()),
        Kind::Nothing => return assert_eq!(bytes, b"</>"),
        _ => return assert!(bytes.starts_with(b"<"), "{}", bytes.escape_ascii()),
    };
    markup.name_len = name_len;
    let name = bytes[name_at..name_at + name_len].to_ascii_lowercase();
    let ends = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\x0c' | b'\r' | b' ' | b'/' | b'>');
    assert!(bytes.starts_with(if name_at == 1 { b"<" } else { b"</" }));
    assert!(name[0].is_ascii_alphabetic() && !name.iter().any(ends), "{}", name.escape_ascii());
    assert!(ends(&bytes[name_at + name_len]), "{}", bytes.escape_ascii());
    if markup.kind == Kind::EndTag {
        if matches!(&name[..], b"svg" | b"math") {
            scanner.set_foreign(false);
        }
        return;
    }
    let content = match &name[..] {
        b"script" => Content::Script,
        b"title" | b"textarea" => Content::RcData,
        b"style" | b"xmp" | b"iframe" | b"noembed" | b"noframes" | b"noscript" => Content::RawText,
        b"plaintext" => Content::PlainText,
        b"svg" | b"math" => return scanner.set_foreign(true),
        _ => return,
    };
    scanner.read_as(content, &bytes[1..=name_len]);
}
