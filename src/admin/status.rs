//! The page that says how the gateway stands: `/` of the operator's address.
//!
//! What takes protection away stands first and in red: a gateway that only observes looks from outside
//! just like one that protects. Then what the last reload was refused for, what was withheld, by vendor,
//! and what no rule knows.
//!
//! It has no script, loads nothing, and holds nothing personal. Whatever rules say is escaped.

use maud::{DOCTYPE, Markup, html};

use crate::observe::{Answered, Discovered, Event};
use crate::rules::{Mode, RuleSet};
use crate::time::Time;

/// The page's own policy: nothing but the style that stands in it.
pub(super) const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}\
    .bad{background:#b00020;color:#fff;padding:.5rem 1rem}.good{color:#0a5c1a}pre{white-space:pre-wrap}\
    td,th{text-align:left;padding:.1rem 1rem .1rem 0}";

/// How much of what no rule knows stands on the page.
const UNKNOWN_SHOWN: usize = 50;

/// How the gateway stands.
pub(super) struct Status<'a> {
    pub(super) rules: &'a RuleSet,
    pub(super) now: Time,
    /// What the last reload was refused for.
    pub(super) refused: Option<String>,
    /// Why the gateway is not ready, if it is not.
    pub(super) unready: Option<String>,
    /// Whether exemptions count.
    pub(super) recorded: bool,
    /// What was withheld: by whom, what, and how often.
    pub(super) withheld: Vec<(String, &'static str, u64)>,
    /// What passed because lists and rules only report it, likewise.
    pub(super) reported: Vec<(String, &'static str, u64)>,
    /// What visitors were asked and what they answered.
    pub(super) answers: Vec<Answered>,
    /// What no rule knows.
    pub(super) discovered: Discovered,
}

impl Status<'_> {
    /// The page.
    pub(super) fn page(&self) -> String {
        let Status { rules, now, refused, unready, recorded, .. } = self;
        let Status { withheld, reported, answers, discovered, .. } = self;
        let site = &rules.site;
        let observes = site.mode == Mode::Observe;
        let exempt: Vec<_> = site.exempt_at(*now).collect();
        let only_reported = rules.only_reported(*now);
        let told = usize::from(observes) + exempt.len() + only_reported.len();
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    title { @if observes { "NOT PROTECTED – kelisim" } @else { "kelisim" } }
                    style { (maud::PreEscaped(STYLE)) }
                }
                body {
                    h1 { "kelisim" }
                    @if observes {
                        p.bad role="alert" {
                            strong { "The site is not protected." }
                            " " code { "mode = \"observe\"" }
                            " in " (site.path) ": tags and cookies pass whatever visitors chose, and nobody is asked."
                        }
                    } @else if exempt.is_empty() && only_reported.is_empty() {
                        p.good { "The site is protected." }
                    } @else if exempt.is_empty() {
                        p { "The site is protected, but for what these rules name:" }
                    } @else {
                        p { "The site is protected, but for these pages:" }
                    }
                    @for exempt in &exempt {
                        p.bad role="alert" {
                            strong { "Not protected until " (exempt.until) ":" }
                            " pages under " code { (exempt.path) } " (" (exempt.reason) ")"
                            @if !recorded { ". It does not count yet: it could not be recorded" }
                        }
                    }
                    @for text in &only_reported { p.bad role="alert" { (text) } }
                    @for text in rules.warnings(*now).iter().skip(told) {
                        p { (text) }
                    }
                    @if let Some(text) = unready {
                        h2 { "Not ready" }
                        pre.bad { (text) }
                    }
                    @if let Some(text) = refused {
                        h2 { "The last reload was refused, and everything goes on as it was" }
                        pre.bad { (text) }
                    }
                    h2 { @if observes { "What would be withheld" } @else { "What was withheld" } }
                    @if withheld.is_empty() { p { "Nothing yet." } } @else {
                        table {
                            tr { th { "Vendor" } th { "Kind" } th { "Times" } }
                            @for (vendor, kind, times) in withheld {
                                tr { td { (vendor) } td { (kind) } td { (times) } }
                            }
                        }
                    }
                    @if !rules.lists().is_empty() {
                        h2 { "Lists of others" }
                        table {
                            tr { th { "List" } th { "Holds" } th { "Does" } th { "Origin" } }
                            @for list in rules.lists() {
                                tr { td { (list.id) } td { (list.extent()) } td { (list.action.name()) } td { (list.origin) } }
                            }
                        }
                    }
                    @if !rules.lists().is_empty() || !only_reported.is_empty() || !reported.is_empty() {
                        h2 { "What passed and only was reported" }
                        @if reported.is_empty() { p { "Nothing yet." } } @else {
                            table {
                                tr { th { "List or vendor" } th { "Kind" } th { "Times" } }
                                @for (whose, kind, times) in reported {
                                    tr { td { (whose) } td { (kind) } td { (times) } }
                                }
                            }
                        }
                    }
                    h2 { "What visitors answered" }
                    (answered(answers))
                    h2 { "What no rule knows" }
                    (unknown(discovered))
                    p { a href="/discovered" { "all of it" } " · " a href="/metrics" { "metrics" } " · " a href="/readyz" { "ready?" } }
                }
            }
        };
        page.into_string()
    }
}

/// What was asked and answered, by language, kind of page and text.
fn answered(answers: &[Answered]) -> Markup {
    html! {
        @if answers.is_empty() { p { "Nothing yet." } } @else {
            table {
                tr {
                    th { "Language" } th { "Page" } th { "Text" } th { "Shown" } th { "Agreed" }
                    th { "Declined" } th { "Selected" } th { "Withdrawn" } th { "Answered" }
                }
                @for sum in answers {
                    @let count = |event| sum.count(event);
                    tr {
                        td { (sum.place.language) } td { (sum.place.page) }
                        td { (sum.place.text.get(..8).unwrap_or_default()) }
                        td { (count(Event::Shown)) }
                        @for event in [Event::Agreed, Event::Declined, Event::Selected] {
                            td { (count(event)) (share(count(event), sum.answers())) }
                        }
                        td { (count(Event::Withdrawn)) }
                        td { (sum.answers()) (share(sum.answers(), count(Event::Shown))) }
                    }
                }
            }
            p {
                "Shares of agreed, declined and selected are of the answers; that of the answered is of the pages that \
                 asked, of which one visitor may have seen several. Pages fetched ahead, crawlers and programs are left \
                 out; nobody is told apart."
            }
        }
    }
}

/// ` (25 %)`, where there is anything to be a share of, and no more than all of it.
fn share(part: u64, whole: u64) -> String {
    match (part * 100 + whole / 2).checked_div(whole) {
        Some(share) if share <= 100 => format!(" ({share} %)"),
        _ => String::new(),
    }
}

/// Hosts and cookies that no rule knows, the most met first.
fn unknown(discovered: &Discovered) -> Markup {
    let Discovered { looked_at, found, others } = discovered;
    html! {
        p {
            (looked_at) " answers were looked through. "
            code { "kelisim discover" } " makes rules of what they held."
        }
        @if found.is_empty() { p { "Nothing." } } @else {
            table {
                tr { th { "Host or cookie" } th { "Kind" } th { "Times" } th { "First on" } th { "First" } th { "Last" } }
                @for found in found.iter().take(UNKNOWN_SHOWN) {
                    tr {
                        td { (found.name) } td { (found.kind.name()) } td { (found.count) }
                        td { (found.page) } td { (found.first) } td { (found.last) }
                    }
                }
            }
        }
        @if found.len() > UNKNOWN_SHOWN { p { "And " (found.len() - UNKNOWN_SHOWN) " more." } }
        @for (kind, count) in others { p { "Of names that there is no room for: " (kind.name()) ", " (count) " times." } }
    }
}
