//! Which filters of a list the gate can use, line by line.
//!
//! Lists are written for browsers that see every request and can hide elements. The gate sees the
//! addresses that pages name: of a filter for anything else it must not be thought that it does anything.
//! So a line is either used as it stands, or left out with a reason.
//!
//! What is used the crate `adblock` (Brave's) reads; what is more than a name and a pattern to it is told
//! apart here, by its options.

use std::fmt;

use adblock::filters::network::NetworkFilterError;
use adblock::lists::{FilterParseError, ParseOptions, RuleTypes, parse_filter};

/// How lists are read: filters of requests alone.
pub(super) fn reading() -> ParseOptions {
    ParseOptions { rule_types: RuleTypes::NetworkOnly, ..ParseOptions::default() }
}

/// What a line of a list is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// Empty, a comment, or the list's first line.
    Nothing,
    /// A filter that is used.
    Filter,
    /// A filter that is not.
    LeftOut(LeftOut),
}

/// Why a filter is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeftOut {
    /// It hides elements, or changes them by scripts.
    Cosmetic,
    /// Its pattern is a regular expression.
    Regex,
    /// It is for requests that no address in a page tells of.
    Requests,
    /// It changes what passes instead of stopping it.
    Changes,
    /// An option that nobody knows, or none of them reads.
    Malformed,
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LeftOut::Cosmetic => "hides or changes elements",
            LeftOut::Regex => "its pattern is a regular expression",
            LeftOut::Requests => {
                "is for requests alone that pages do not name (`xmlhttprequest`, `websocket`, `ping`, `popup`, …)"
            }
            LeftOut::Changes => {
                "changes what passes (`csp`, `redirect`, `removeparam`, `document`, …)"
            }
            LeftOut::Malformed => "has an option or a pattern that cannot be read",
        })
    }
}

impl Line {
    /// Reads a line.
    pub fn of(line: &str) -> Line {
        let line = line.trim();
        let is_header = line.starts_with('[') && line.ends_with(']');
        if line.is_empty() || line.starts_with('!') || line.starts_with("# ") || is_header {
            return Line::Nothing;
        }
        if let Some(why) = by_options(line) {
            return Line::LeftOut(why);
        }
        match parse_filter(line, false, reading()) {
            Ok(_) => Line::Filter,
            Err(FilterParseError::Unsupported | FilterParseError::Cosmetic(_)) => {
                Line::LeftOut(LeftOut::Cosmetic)
            }
            Err(FilterParseError::Network(
                NetworkFilterError::FullRegexUnsupported
                | NetworkFilterError::MatchCaseWithoutFullRegex,
            )) => Line::LeftOut(LeftOut::Regex),
            Err(_) => Line::LeftOut(LeftOut::Malformed),
        }
    }
}

/// Why the options of a filter leave it out, if they do.
fn by_options(line: &str) -> Option<LeftOut> {
    // Elements are named behind two `#`, with a letter or two between them, or behind two `$`.
    let is_cosmetic =
        ["##", "#@#", "#?#", "#$#", "#%#", "$$"].iter().any(|mark| line.contains(mark));
    let (_, options) = line.rsplit_once('$').filter(|_| !is_cosmetic)?;
    let (mut shown, mut only_unseen) = (false, false);
    for option in options.split(',') {
        let name = option.split('=').next().unwrap_or_default();
        match name.trim() {
            "csp" | "permissions" | "redirect" | "redirect-rule" | "rewrite" | "removeparam"
            | "replace" | "generichide" | "ghide" | "elemhide" | "ehide" | "specifichide"
            | "shide" | "genericblock" | "document" | "doc" | "tag" | "method" | "header"
            | "cookie" | "inline-script" | "inline-font" => {
                return Some(LeftOut::Changes);
            }
            "script" | "image" | "subdocument" | "frame" | "other" | "all" => shown = true,
            "xmlhttprequest" | "xhr" | "websocket" | "ping" | "beacon" | "popup" | "popunder"
            | "webrtc" | "font" | "media" | "object" | "object-subrequest" | "stylesheet"
            | "css" => only_unseen = true,
            _ => {}
        }
    }
    (only_unseen && !shown).then_some(LeftOut::Requests)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_line_is_told_apart() {
        use LeftOut::{Changes, Cosmetic, Malformed, Regex, Requests};
        for (line, expected) in [
            ("", Line::Nothing),
            ("! Title: x", Line::Nothing),
            ("# x", Line::Nothing),
            ("[Adblock Plus 2.0]", Line::Nothing),
            ("||tracker.example^", Line::Filter),
            ("||tracker.example^$third-party,script", Line::Filter),
            ("@@||tracker.example/ok.js$domain=a.kz", Line::Filter),
            ("/pixel.gif?$image", Line::Filter),
            ("&utm=$~script", Line::Filter),
            ("||a.example^$script,xmlhttprequest", Line::Filter),
            ("a.example##.banner", Line::LeftOut(Cosmetic)),
            ("a.example#@#.banner", Line::LeftOut(Cosmetic)),
            ("a.example##+js(nowebrtc)", Line::LeftOut(Cosmetic)),
            ("a.example$$script[src]", Line::LeftOut(Cosmetic)),
            ("/^https?:\\/\\/a/", Line::LeftOut(Regex)),
            ("||a.example^$xmlhttprequest", Line::LeftOut(Requests)),
            ("||a.example^$ping,third-party", Line::LeftOut(Requests)),
            ("||a.example^$popup", Line::LeftOut(Requests)),
            ("||a.example^$csp=script-src 'none'", Line::LeftOut(Changes)),
            ("||a.example^$script,redirect=noop.js", Line::LeftOut(Changes)),
            ("@@||a.example^$generichide", Line::LeftOut(Changes)),
            ("||a.example^$scirpt", Line::LeftOut(Malformed)),
        ] {
            assert_eq!(Line::of(line), expected, "{line}");
        }
    }
}
