//! Whether an inline script is a vendor's snippet, or holds code of the site as well.
//!
//! A snippet waits as a whole, and can be released on the spot. A script that holds more has to run
//! without its loader ([`super::mixed`]).
//!
//! It is a guess: the script is cut into statements, and each is compared with what vendors hand out.
//! A wrong one costs the release on the spot or the site's code, never the tag's silence.

use std::borrow::Cow;
use std::cell::LazyCell;
use std::ops::Range;

use memchr::memchr3;
use rustc_hash::FxHashSet;

use super::among;

/// A statement that is longer than any snippet a vendor hands out holds more than that.
const SNIPPET_BYTES_MAX: usize = 2048;

/// What stands for a byte beyond ASCII: no word, no sign and no space.
const BEYOND_ASCII: u8 = 0x7f;

/// How deep functions are looked into.
const DEPTH_MAX: usize = 4;

/// Whether there is anything in a script but the tag that stands at `tag`, in pieces, with what it
/// takes to set it up.
pub(super) fn holds_site_code(code: &[u8], tag: impl Iterator<Item = Range<usize>>) -> bool {
    holds_other(&in_ascii(code), 0, &tag.collect::<Vec<_>>(), DEPTH_MAX)
}

/// The script with what is beyond ASCII made unreadable, byte for byte: whichever encoding it is in,
/// code is ASCII, and everything keeps its place.
fn in_ascii(code: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(code) {
        Ok(text) if text.is_ascii() => Cow::Borrowed(text),
        _ => {
            let plain = |byte: &u8| if byte.is_ascii() { *byte } else { BEYOND_ASCII };
            let plain = String::from_utf8(code.iter().map(plain).collect());
            Cow::Owned(plain.expect("what is beyond ASCII has been replaced"))
        }
    }
}

/// The same of a part of it, which begins at `offset`.
fn holds_other(code: &str, offset: usize, tag: &[Range<usize>], depth: usize) -> bool {
    let statements = statements(code);
    let is_tags = |statement: &Range<usize>| {
        let statement = statement.start + offset..statement.end + offset;
        tag.iter().any(|at| at.start < statement.end && statement.start < at.end)
    };
    // What the tag brings or is set up by: its names stand in these.
    let known: LazyCell<FxHashSet<&str>, _> = LazyCell::new(|| {
        let of_tag = statements
            .iter()
            .filter(|statement| is_tags(statement) || sets_up(&code[(*statement).clone()]));
        of_tag.flat_map(|statement| code[statement.clone()].split(|c| !is_word(c))).collect()
    });
    let is_known = |name: &str| known.contains(name);
    statements.iter().any(|statement| {
        let text = &code[statement.clone()];
        if !is_tags(statement) {
            return !(sets_up(text)
                || builds_element(text, is_known)
                || calls_known(text, is_known));
        }
        let letters = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).count();
        if letters > SNIPPET_BYTES_MAX {
            return true;
        }
        match body_of_wrapper(text) {
            Some(body) if depth > 0 => {
                let start = offset + statement.start + body.start;
                holds_other(&text[body], start, tag, depth - 1)
            }
            _ => false,
        }
    })
}

/// `window.a = window.a || …`, `if (!window.a) { window.a = … }`, `function a() { b.push(arguments) }`,
/// `'use strict'`.
fn sets_up(statement: &str) -> bool {
    let queues = statement.len() < 200 && statement.contains("push(arguments)");
    let is_short = statement.len() < 120;
    let makes = is_short && statement.contains("||") && statement.contains('=');
    let names = is_short && makes_if_missing(statement).is_some();
    queues || makes || names || statement.trim_matches(['"', '\'']) == "use strict"
}

/// `if (!a) { a = … }`, with nothing behind it.
fn makes_if_missing(statement: &str) -> Option<()> {
    let test = statement.strip_prefix("if")?.trim_start().strip_prefix('(')?;
    let (name, then) = test.trim_start().strip_prefix('!')?.split_once(')')?;
    let then = then.trim_start();
    let then = then.strip_prefix('{').and_then(|then| then.strip_suffix('}')).unwrap_or(then);
    let made = then.trim_start().strip_prefix(name.trim())?.trim_start().strip_prefix('=')?;
    (statements(made).len() == 1).then_some(())
}

/// A line of a loader that is no function of its own. `append` is a word of many libraries, so there
/// it is the tag's element that is handed over.
fn builds_element(statement: &str, is_known: impl Fn(&str) -> bool) -> bool {
    const BUILDS: [&str; 8] = [
        "createElement(",
        "getElementsByTagName(",
        "appendChild(",
        "insertBefore(",
        ".async",
        ".defer",
        ".type",
        ".crossOrigin",
    ];
    let puts = |word: &str| {
        let handed = statement.split_once(word).and_then(|(_, behind)| behind.strip_suffix(')'));
        handed.is_some_and(|handed| is_known(handed.trim()))
    };
    statement.len() < 160
        && (BUILDS.iter().any(|word| statement.contains(word))
            || [".append(", ".prepend("].into_iter().any(puts))
}

/// `a(…)` or `a.push(…)`, where `a` stands in what is known to be the tag's.
fn calls_known(statement: &str, is_known: impl Fn(&str) -> bool) -> bool {
    let statement = statement.strip_prefix("window.").unwrap_or(statement);
    let name = &statement[..statement.find(|c| !is_word(c)).unwrap_or(statement.len())];
    let behind = statement[name.len()..].trim_start();
    let is_call = behind.starts_with('(') || behind.starts_with(".push(");
    let has_function = statement.contains("function") || statement.contains("=>");
    !name.is_empty() && is_call && !has_function && is_known(name)
}

fn is_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | '$')
}

/// The body of the first function in a statement that calls another one with it: a timer, a listener.
/// A function that is called where it stands is a loader's own.
fn body_of_wrapper(statement: &str) -> Option<Range<usize>> {
    if !statement.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '$' | '_'))
        || statement.starts_with("function")
    {
        return None;
    }
    let function =
        [statement.find("function"), statement.find("=>")].into_iter().flatten().min()?;
    let open = function + statement[function..].find('{')?;
    let mut lexer = Lexer::at(statement.as_bytes(), open);
    let mut depth = 0_usize;
    while let Some((at, byte)) = lexer.next_sign() {
        match byte {
            b'{' => depth += 1,
            b'}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(open + 1..at);
                }
            }
            _ => {}
        }
    }
    None
}

/// Cuts code into its outermost statements, without white space and comments around them.
fn statements(code: &str) -> Vec<Range<usize>> {
    const BLOCKS: [&str; 8] = ["function", "if", "for", "while", "try", "do", "switch", "class"];
    const GOES_ON: [&str; 3] = ["else", "catch", "finally"];
    let bytes = code.as_bytes();
    let mut found = Vec::new();
    let mut lexer = Lexer::at(bytes, 0);
    let (mut depth, mut start, mut end) = (0_usize, None::<usize>, 0);
    let mut last = b';';
    // Within brackets only their ends matter.
    while let Some((at, byte)) = if depth == 0 { lexer.next() } else { lexer.next_sign() } {
        // A line that ends a statement, as far as the letters around it tell.
        let breaks = depth == 0
            && bytes[end..at].contains(&b'\n')
            && !b"=(,+:?&|.![{".contains(&last)
            && !b"([.,+-*/?:=&|){}".contains(&byte);
        let ended_block = depth == 0 && last == b'}' && byte != b';' && byte != b')' && {
            let text = start.map_or("", |start| &code[start..end]);
            let goes_on = GOES_ON.iter().any(|word| code[at..].starts_with(word));
            BLOCKS.iter().any(|word| text.starts_with(word)) && !goes_on
        };
        if let Some(from) = start.filter(|_| breaks || ended_block) {
            found.push(from..end);
            start = None;
        }
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b';' if depth == 0 => {
                found.extend(start.take().map(|from| from..end));
                end = at + 1;
                last = byte;
                continue;
            }
            _ => {}
        }
        start = start.or(Some(at));
        end = lexer.end;
        last = byte;
    }
    found.extend(start.map(|from| from..lexer.end));
    found
}

/// Letter by letter through code; a string, a template or a regular expression counts as one, and a
/// comment as none.
struct Lexer<'a> {
    code: &'a [u8],
    at: usize,
    /// Where the last letter that counts has ended.
    end: usize,
    /// Whether a value has just ended, behind which a slash divides.
    word_before: bool,
}

impl<'a> Lexer<'a> {
    /// Where a statement may begin.
    fn at(code: &'a [u8], at: usize) -> Lexer<'a> {
        Lexer { code, at, end: at, word_before: false }
    }

    /// The next letter that counts, and where it stands; behind it the lexer goes on.
    fn next(&mut self) -> Option<(usize, u8)> {
        loop {
            let start = self.at;
            let byte = *self.code.get(start)?;
            let rest = &self.code[start..];
            if byte.is_ascii_whitespace() {
                self.at += 1;
                continue;
            }
            if byte == b'/' && rest.starts_with(b"/*") {
                let end = memchr::memmem::find(&rest[2..], b"*/");
                self.at += end.map_or(rest.len(), |end| end + 4);
                continue;
            }
            let is_comment = match byte {
                b'/' => rest.starts_with(b"//"),
                b'<' => rest.starts_with(b"<!--"),
                b'-' => rest.starts_with(b"-->"),
                _ => false,
            };
            if is_comment {
                self.at += memchr::memchr(b'\n', rest).unwrap_or(rest.len());
                continue;
            }
            let is_regex = byte == b'/' && !self.word_before;
            self.at += match byte {
                b'"' | b'\'' | b'`' => quoted_len(rest),
                _ if is_regex => quoted_len(rest),
                _ => 1,
            };
            let is_quoted = matches!(byte, b'"' | b'\'' | b'`') || is_regex;
            self.word_before = is_quoted || ends_value(byte);
            self.end = self.at;
            return Some((start, byte));
        }
    }

    /// The same, but passes over letters that neither open nor close anything.
    fn next_sign(&mut self) -> Option<(usize, u8)> {
        let rest = &self.code[self.at..];
        let signs = rest.iter().position(|byte| SIGNS[usize::from(*byte)]);
        let passed = &rest[..signs.unwrap_or(rest.len())];
        if let [plain @ .., last] = passed.trim_ascii_end() {
            self.end = self.at + plain.len() + 1;
            self.word_before = ends_value(*last);
        }
        self.at += passed.len();
        self.next()
    }
}

/// Whether a value may end with this letter.
fn ends_value(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b')' | b']' | b'}' | BEYOND_ASCII)
}

/// The letters that may open or close something: brackets, quotes, comments.
static SIGNS: [bool; 256] = among(b"()[]{}\"'`/<-");

/// How long what begins with a quote, or a slash, is to the next one.
fn quoted_len(text: &[u8]) -> usize {
    let quote = text[0];
    if quote == b'/' {
        return regex_len(text);
    }
    let mut at = 1;
    while let Some(found) = text.get(at..).and_then(|rest| memchr3(quote, b'\\', b'\n', rest)) {
        at += found + 1;
        match text[at - 1] {
            b'\\' => at += 1,
            b'\n' if quote == b'`' => {}
            b'\n' => return at - 1,
            _ => return at,
        }
    }
    text.len()
}

/// The same of a regular expression, in which a slash between square brackets ends nothing.
fn regex_len(text: &[u8]) -> usize {
    let mut at = 1;
    let mut in_class = false;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'\\' => at += 1,
            b'[' => in_class = true,
            b']' => in_class = false,
            b'\n' => return at,
            b'/' if !in_class => return at + 1,
            _ => {}
        }
        at += 1;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut(code: &str) -> Vec<&str> {
        statements(code).into_iter().map(|at| &code[at]).collect()
    }

    /// Whether there is more than the tag in a script in which `TAG` tells it.
    fn is_mixed(code: &[u8]) -> bool {
        holds_site_code(code, memchr::memmem::find_iter(code, b"TAG").map(|at| at..at + 3))
    }

    #[test]
    fn code_is_cut_into_its_outermost_statements() {
        assert_eq!(cut("a=1;b('x;y');"), ["a=1", "b('x;y')"]);
        assert_eq!(
            cut("(function(){a;b})\n(c, \"d\");e()"),
            ["(function(){a;b})\n(c, \"d\")", "e()"]
        );
        assert_eq!(cut("a()\nb()\n+c"), ["a()", "b()\n+c"]);
        assert_eq!(cut("function f(){x} g()"), ["function f(){x}", "g()"]);
        assert_eq!(cut("try{a;}catch(e){b}c()"), ["try{a;}catch(e){b}", "c()"]);
        assert_eq!(cut("/* a; */ b // c;\n;d=/;[/;]/.e"), ["b", "d=/;[/;]/.e"]);
        assert_eq!(cut("<!-- a;\nb=`;${c};`;--> d\n"), ["b=`;${c};`"]);
        assert!(cut(" ;; \n").is_empty());
    }

    #[test]
    fn a_snippet_is_told_from_a_script_that_does_more() {
        let loader = "(function(m,e,t){m[i]=m[i]||function(){};k.src=r})(window,document,\"script\",\"//TAG\",\"ym\");";
        let is_more = |code: &str| is_mixed(code.replace("LOADER", loader).as_bytes());
        for snippet in [
            "LOADER ym(1,\"init\",{a:1});",
            "\n/* counter */\nLOADER\n\nym(1, 'init', {})\n// end\n",
            "setTimeout(function(){LOADER ym(1,'init',{})},5000);",
            "document.addEventListener('DOMContentLoaded', () => { LOADER })",
            "window.dataLayer=window.dataLayer||[];function gtag(){dataLayer.push(arguments);}gtag('js',new Date());LOADER gtag('config','G-1')",
            "var s=document.createElement('script');s.async=true;s.src='//TAG';document.head.appendChild(s);",
            "let s = document.createElement('script'); s.src = '//TAG'; document.head.append( s );",
            "if (!window.mainTracker) { window.mainTracker = 'tilda'; }\nif(!a)a={};LOADER",
            "/* счётчик */ LOADER ym(1,'init',{params:{город:'Алматы'}});",
            "try{var c=new TAG(1)}catch(e){}",
            "",
        ] {
            assert!(!is_more(snippet), "{snippet}");
        }
        for mixed in [
            "LOADER ym(1,'init',{});document.title='a';",
            "initMenu();LOADER",
            "$(function(){ initMenu(); LOADER ym(1,'init',{}); })",
            "function box(){return 1}\nLOADER",
            "var menu={open:function(){}};LOADER",
            "LOADER $('#menu').append('<li>');",
            "LOADER list.append(item);",
            "if(!window.a){window.a=1;initMenu()}LOADER",
            "if(!window.a){window.b=1}LOADER",
            "if(!window.a)window.a=1;else initMenu();LOADER",
            "LOADER document.title='Цены';",
        ] {
            assert!(is_more(mixed), "{mixed}");
        }
        // In windows-1251, too.
        let with = |code: &[u8]| [loader.as_bytes(), code].concat();
        assert!(is_mixed(&with(b"document.title='\xd6\xe5\xed\xfb'")));
        assert!(!is_mixed(&with(b"ym(1,'\xd6\xe5\xed\xfb')")));
        let long = format!("(function(){{{}s.src='//TAG'}})()", "menu.add('x');".repeat(200));
        assert!(is_more(&long));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4_000) })]

        #[test]
        fn no_sign_is_passed_over_and_code_ends_where_it_does(
            bits in prop::collection::vec(prop::sample::select(vec![
                "a", "b1 ", "'", "\"", "`", "/", "/*", "*/", "//", "\n", "\\", "(", ")", "{", "}", "=", " ", "\t", "[", "]",
                "<!--", "-->", "-", "<", "\x7f", "$", ";",
            ]), 0..24),
        ) {
            let code = bits.concat();
            let is_sign = |found: &(usize, u8)| SIGNS[usize::from(found.1)];
            let (mut all, mut signs) = (Lexer::at(code.as_bytes(), 0), Lexer::at(code.as_bytes(), 0));
            let letters: Vec<_> = std::iter::from_fn(|| all.next()).filter(is_sign).collect();
            let passed: Vec<_> = std::iter::from_fn(|| signs.next_sign()).filter(is_sign).collect();
            prop_assert_eq!(letters, passed, "{}", code);
            prop_assert_eq!(all.end, signs.end, "{}", code);
        }

        #[test]
        fn statements_follow_each_other_whatever_is_written(
            bits in prop::collection::vec(prop::sample::select(vec![
                "ё", "a", "'", "\"", "`", "/", "/*", "*/", "//", "\n", "\\", "(", ")", "{", "}", ";", "=", ">", " ",
                "function", "[", "]", "TAG", "$(", "if", "catch", "$", "{",
            ]), 0..24),
        ) {
            let code = bits.concat();
            let code = in_ascii(code.as_bytes());
            let found = statements(&code);
            prop_assert!(found.windows(2).all(|two| two[0].end <= two[1].start), "{found:?}");
            prop_assert!(found.iter().all(|at| !code[at.clone()].is_empty()), "{found:?}");
            is_mixed(code.as_bytes());
        }
    }
}
