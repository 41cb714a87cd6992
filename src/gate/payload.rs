//! Scripts that are a page's state, and load nothing.
//!
//! Frameworks send their state along as script: `__next_f`, `__NUXT__`, `__INITIAL_STATE__`. It may
//! hold the text of a whole tag, as a part of the page that is built from it; held, or changed in one
//! letter, the page does not come to life. So it stays as it is, and what is made of it at run time is
//! for the run-time guard to take.
//!
//! Nothing is taken on trust: what is data is read as data to its end. JSON that is handed to one of
//! those names runs nothing; of Nuxt's state, which is an expression, it is seen that it calls nothing
//! but what makes a value.
//!
//! Who asks: [`super::document`], for a script in which a rule has matched.

use serde::de::IgnoredAny;
use serde_json::Deserializer;

/// Where Next.js hands over its state, piece by piece.
const NEXT: [&str; 4] = [
    "self.__next_f.push(",
    "(self.__next_f=self.__next_f||[]).push(",
    "window.__next_f.push(",
    "(window.__next_f=window.__next_f||[]).push(",
];

/// What Nuxt's state may call: what makes values, and the function around it.
const MAKES_VALUES: [&str; 9] =
    ["function", "Date", "Map", "Set", "Array", "Object", "create", "BigInt", "URL"];

/// Names under which there is more than state, and words that do more than say.
const REACHES: [&str; 18] = [
    "document",
    "window",
    "self",
    "top",
    "parent",
    "frames",
    "globalThis",
    "this",
    "location",
    "navigator",
    "eval",
    "import",
    "fetch",
    "await",
    "yield",
    "Function",
    "Image",
    "async",
];

/// Whether a script is nothing but state.
pub(super) fn is_state(code: &[u8]) -> bool {
    let Ok(code) = std::str::from_utf8(code) else { return false };
    let code = code.trim();
    pushes(code) || assigns_json(code) || assigns_nuxt(code)
}

/// `self.__next_f.push([1,"…"])`, once or several times.
fn pushes(code: &str) -> bool {
    let mut rest = code;
    while !rest.is_empty() {
        let Some(inside) = NEXT.iter().find_map(|start| rest.strip_prefix(start)) else {
            return false;
        };
        let Some(behind) = behind_json(inside).and_then(|rest| rest.strip_prefix(')')) else {
            return false;
        };
        rest = behind.trim_start_matches(|c: char| c == ';' || c.is_whitespace());
    }
    !code.is_empty()
}

/// `window.__NAME__ = {…}`.
fn assigns_json(code: &str) -> bool {
    let Some(value) = assigned(code) else { return false };
    behind_json(value).is_some_and(|rest| rest.trim_start_matches(';').is_empty())
}

/// `window.__NUXT__ = (function (a, b) { … return {…} }(…))`, and what Nuxt 3 writes behind it.
fn assigns_nuxt(code: &str) -> bool {
    code.strip_prefix("window.__NUXT__").is_some_and(|rest| {
        let rest = rest.replace("window.__NUXT__", "");
        rest.trim_start().starts_with(['=', '.']) && makes_values(&rest)
    })
}

/// What is assigned to a name that begins with two underscores.
fn assigned(code: &str) -> Option<&str> {
    let name = code
        .strip_prefix("window.")
        .or_else(|| code.strip_prefix("self."))
        .or_else(|| code.strip_prefix("var "))
        .unwrap_or(code);
    let name = name.strip_prefix("__")?;
    let value = name.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
    value.trim_start().strip_prefix('=')
}

/// What follows one JSON value.
fn behind_json(text: &str) -> Option<&str> {
    let mut values = Deserializer::from_str(text).into_iter::<IgnoredAny>();
    values.next()?.ok()?;
    Some(text[values.byte_offset()..].trim_start())
}

/// Whether an expression calls nothing and reaches for nothing but what makes values. Strings are
/// passed over; templates, comments and regular expressions are taken for more than state.
fn makes_values(code: &str) -> bool {
    let bytes = code.as_bytes();
    let mut at = 0;
    let mut before: &str = "";
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' | b'\'' => {
                let Some(len) = string_len(&bytes[at..]) else { return false };
                at += len;
                before = "";
            }
            b'`' | b'/' | b'@' | b'#' | b'\\' => return false,
            b'(' if !before.is_empty() && !MAKES_VALUES.contains(&before) => return false,
            // A function that is put together on the way.
            b'(' if at > 0 && bytes[at - 1] == b']' => return false,
            b'=' if bytes.get(at + 1) == Some(&b'>') => return false,
            _ if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') => {
                let is_word =
                    |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$');
                let len = bytes[at..].iter().take_while(|byte| is_word(byte)).count();
                before = &code[at..at + len];
                let is_key = at > 0 && bytes[at - 1] == b'.' || bytes.get(at + len) == Some(&b':');
                if !is_key && REACHES.contains(&before) {
                    return false;
                }
                at += len;
            }
            _ => {
                if !byte.is_ascii_whitespace() {
                    before = "";
                }
                at += 1;
            }
        }
    }
    true
}

/// How long a string is, with its quotes.
fn string_len(text: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        match text.get(at)? {
            b'\\' => at += 2,
            b'\n' => return None,
            byte if *byte == text[0] => return Some(at + 1),
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_is_told_from_code_that_looks_like_it() {
        for state in [
            r#"self.__next_f.push([1,"<script src=\"https://mc.yandex.ru/metrika/tag.js\">\u003c/script>"])"#,
            "(self.__next_f=self.__next_f||[]).push([0]);self.__next_f.push([2,null]) ;",
            r#"window.__INITIAL_STATE__ = {"gtm": "https://www.googletagmanager.com/gtm.js?id="};"#,
            r#"var __DATA__=["ym(101234567,'init')"]"#,
            r#"window.__NUXT__=(function(a,b){return {data:[{html:a}],at:new Date(1),n:b.c}}("<script>ym(1,\"init\")</script>",null));"#,
            r#"window.__NUXT__=(function(a){a.b="//mc.yandex.ru/watch/1";return {state:a}}({}))"#,
            r#"window.__NUXT__={};window.__NUXT__.config={public:{gtm:"https://www.googletagmanager.com/gtm.js",location:1},app:{baseURL:"/"}}"#,
        ] {
            assert!(is_state(state.as_bytes()), "{state}");
        }
        for code in [
            "",
            r#"self.__next_f.push([1,"a"]);load("//mc.yandex.ru/metrika/tag.js")"#,
            r#"self.__next_f.push([1,"a"+load()])"#,
            "self.__next_f.push(load([1]))",
            r#"window.__DATA__={"a":1};load("//mc.yandex.ru/metrika/tag.js")"#,
            r#"window.__DATA__={"a":load()}"#,
            r#"window.location="https://mc.yandex.ru/watch/1""#,
            r#"window.__NUXT__=(function(a){load(a);return {}}("//mc.yandex.ru/metrika/tag.js"))"#,
            r#"window.__NUXT__=(function(a){document.body.innerHTML=a}("<img src=//mc.yandex.ru/watch/1>"))"#,
            r#"window.__NUXT__={a:`${load("//mc.yandex.ru/metrika/tag.js")}`}"#,
            r#"window.__NUXT__={};(()=>{x.src="//mc.yandex.ru/metrika/tag.js"})()"#,
            r#"window.__NUXT__=a["constructor"]("load('//mc.yandex.ru/metrika/tag.js')")()"#,
            r#"window.__NUXT__={};window["load"]("//mc.yandex.ru/metrika/tag.js")"#,
        ] {
            assert!(!is_state(code.as_bytes()), "{code}");
        }
    }
}
