//! What the fuzz targets begin with: `rustc --edition 2024 -o seeds tests/fuzz/seeds.rs && ./seeds`.
//!
//! Markup that somebody thought nasty stands in the tests already, as strings; addresses and scripts
//! of vendors are examples in the rules. They are read from there, so that none is kept twice, and
//! written to `tests/fuzz/corpus/`, which git ignores. The standard library is enough.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Longer strings teach a fuzzer nothing that shorter ones do not.
const SEED_BYTES_MAX: usize = 2_000;

/// How each seed is cut (see `targets/cuts.rs`): pieces of 1, 2 and 7 bytes.
const TAIL: [u8; 4] = [1, 2, 7, 3];

/// `<p>page</p>` in each coding, by its place in `Coding::ALL`.
const PACKED: [(u8, &[u8]); 5] = [
    (0, b"<p>page</p>"),
    (1, b"\x78\x9c\xb3\x29\xb0\x2b\x48\x4c\x4f\xb5\xd1\x2f\xb0\x03\x00\x16\x52\x03\xa1"),
    (2, b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\xb3\x29\xb0\x2b\x48\x4c\x4f\xb5\xd1\x2f\xb0\x03\x00\x68\xc5\x4d\xfb\x0b\x00\x00\x00"),
    (3, b"\x0b\x05\x80<p>page</p>\x03"),
    (4, b"\x28\xb5\x2f\xfd\x20\x0b\x59\x00\x00<p>page</p>"),
];

/// What a balancer says first, with something behind it.
const ANNOUNCED: [&[u8]; 6] = [
    b"PROXY TCP4 198.51.100.7 203.0.113.1 1234 443\r\nGET /",
    b"PROXY TCP6 2001:db8::7 2001:db8::1 1234 443\r\n",
    b"PROXY UNKNOWN\r\n",
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc6\x33\x64\x07\xcb\0\x71\x01\x04\xd2\x01\xbbGET /",
    b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0",
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x13\xc6\x33\x64\x07\xcb\0\x71\x01\x04\xd2\x01\xbb\x03\0\x04abcd",
];

const COOKIES: [&str; 4] = [
    "session=1; _ga=GA1.1.1; lang=kk",
    "_ym_uid=1;_ym_d=2; a=b=c; =x; y",
    "__Host-consent=abc; consent=def\n_ga=1\nsession=2",
    " a = 1 ;; \t_ga\t=2;",
];

fn main() -> io::Result<()> {
    let fuzz = Path::new(file!()).parent().expect("it lies in a folder").to_owned();
    let root = fuzz.join("../..");
    let mut markup = Vec::new();
    for folder in ["tests", "src/html", "src/gate", "src/charset", "src/banner"] {
        for file in files(&root.join(folder), "rs")? {
            let text = fs::read_to_string(file)?;
            markup.extend(literals(&text).into_iter().filter(|text| text.contains(&b'<')));
        }
    }
    let mut vendors = Vec::new();
    for file in files(&root.join("rules/vendors"), "toml")? {
        let text = fs::read_to_string(file)?;
        // Every other part stands between quotes; patterns do no harm.
        for example in text.split("'''").skip(1).step_by(2) {
            vendors.push(format!("<script>{example}</script>").into_bytes());
        }
        for address in text.split('"').filter(|text| text.starts_with("https://")) {
            let (a, b) = ("<script src=\"", "\"></script><img src=\"");
            let (c, d) = ("\"><iframe src=\"", "\"></iframe><link rel=preload href=\"");
            vendors.push([a, address, b, address, c, address, d, address, "\">"].concat().into());
        }
    }
    for all in [&mut markup, &mut vendors] {
        all.retain(|text| text.len() <= SEED_BYTES_MAX);
        all.sort();
        all.dedup();
    }
    let corpus = fuzz.join("corpus");
    for target in ["scanner", "rewriter"] {
        write(
            &corpus.join(target),
            "tests",
            markup.iter().map(|text| [&text[..], &TAIL].concat()),
        )?;
    }
    // Only some, as each costs a megabyte, with a run where its first space is.
    let runs = markup.iter().step_by(20).flat_map(|text| {
        let at = text.iter().position(|byte| *byte == b' ' || *byte == b'>').unwrap_or(0) + 1;
        let (start, end) = text.split_at(at.min(text.len()));
        [0_u8, 60, 70, 120].map(|less| [start, &[1, less], end, &[40, 1, 9, 3]].concat())
    });
    write(&corpus.join("held"), "tests", runs)?;
    let of_document = |(at, text): (usize, &Vec<u8>)| {
        // Each is served in another way, in one page or another.
        let how = u8::try_from(at % 80).expect("it is short");
        [&[how, 1 - how % 2], &text[..], &TAIL].concat()
    };
    write(&corpus.join("document"), "tests", markup.iter().enumerate().map(of_document))?;
    write(&corpus.join("document"), "rules", vendors.iter().enumerate().map(of_document))?;
    let packed = PACKED.iter().map(|(coding, body)| [&[*coding], *body, &TAIL].concat());
    write(&corpus.join("coding"), "packed", packed)?;
    let plain = (8..16_u8).flat_map(|choice| {
        let text = markup.iter().skip(usize::from(choice)).step_by(60);
        text.map(move |text| [&[choice], &text[..], &TAIL].concat())
    });
    write(&corpus.join("coding"), "plain", plain)?;
    let announced = ANNOUNCED.iter().map(|bytes| [&[0], *bytes, &TAIL].concat());
    write(&corpus.join("proxy_protocol"), "announced", announced)?;
    let cases = fs::read_to_string(root.join("tests/door/cases.txt"))?;
    let requests = cases.split("\n== ").map(|case| [&[0], &sent(case)[..], &TAIL].concat());
    let requests: Vec<_> = requests.filter(|seed| seed.len() <= SEED_BYTES_MAX).collect();
    write(&corpus.join("door"), "cases", requests.into_iter())?;
    let cookies = COOKIES.iter().map(|cookies| [b"\0", cookies.as_bytes()].concat());
    write(&corpus.join("cookies"), "fields", cookies)?;
    // No choice, and one of each kind: purpose, kind, times, policy, terms, text shown.
    let choice =
        |known: bool, kind: u8| [&[2, kind][..], &vec![1; if known { 52 } else { 44 }]].concat();
    let kinds = [0, 1, 2, 3, 4, 5];
    let anonymous = kinds.map(|kind| [&[0], &choice(false, kind)[..]].concat());
    let known = kinds.map(|kind| [&[1][..], &[9; 16], &choice(true, kind)].concat());
    write(&corpus.join("seal"), "visitors", anonymous.into_iter().chain(known))
}

/// The bytes that a case of the front door sends, its escapes left as they are.
fn sent(case: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in case.lines() {
        if let Some(text) = line.strip_prefix(">> ") {
            bytes.extend(text.replace("\\r", "\r").replace("\\n", "\n").bytes());
        } else if let Some(text) = line.strip_prefix('>') {
            bytes.extend([text.trim_start().as_bytes(), b"\r\n"].concat());
        }
    }
    bytes
}

fn write(folder: &Path, name: &str, seeds: impl Iterator<Item = Vec<u8>>) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let mut count = 0;
    for seed in seeds {
        fs::write(folder.join(format!("{name}-{count:04}")), seed)?;
        count += 1;
    }
    println!("{}: {count} seeds from {name}", folder.display());
    Ok(())
}

/// All files with this ending in a folder and those within, but for what this crate made.
fn files(folder: &Path, ending: &str) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() && !path.ends_with("fuzz") {
            found.extend(files(&path, ending)?);
        } else if path.extension().is_some_and(|its| its == ending) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// What stands between double quotes in a Rust file, its escapes resolved. Read simply: a quote in a
/// comment or a character may turn inside out what follows it on its line, which is text as well.
fn literals(code: &str) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut bytes = code.bytes().peekable();
    while let Some(byte) = bytes.next() {
        if byte == b'\\' {
            bytes.next();
        }
        if byte != b'"' {
            continue;
        }
        let mut text = Vec::new();
        while let Some(byte) = bytes.next().filter(|byte| *byte != b'"') {
            if byte != b'\\' {
                text.push(byte);
                continue;
            }
            match bytes.next() {
                Some(b'n') => text.push(b'\n'),
                Some(b'r') => text.push(b'\r'),
                Some(b't') => text.push(b'\t'),
                Some(b'0') => text.push(0),
                Some(b'\n') => while bytes.next_if(u8::is_ascii_whitespace).is_some() {},
                Some(b'u') => {
                    let digits: String =
                        bytes.by_ref().take_while(|byte| *byte != b'}').map(char::from).collect();
                    let letter = u32::from_str_radix(digits.trim_start_matches('{'), 16).ok();
                    let letter = letter.and_then(char::from_u32).unwrap_or('?');
                    text.extend(letter.to_string().bytes());
                }
                Some(b'x') => {
                    let digits: String = bytes.by_ref().take(2).map(char::from).collect();
                    text.push(u8::from_str_radix(&digits, 16).unwrap_or(b'?'));
                }
                Some(other) => text.push(other),
                None => {}
            }
        }
        found.push(text);
    }
    found
}
