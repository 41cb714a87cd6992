//! Where the operator wants the gate to do otherwise: not yet, not there, or more than the rules say.
//!
//! `mode` for the whole site, `[[exempt]]` for a part of it and a time, `[unlisted]` for what no rule
//! knows, `[[site-banner]]` for a banner that the site has already. All of it stands in `site.toml`.
//!
//! An exemption always has a reason and an end, no more than [`EXEMPT_DAYS_MAX`] days ahead, and
//! ends by itself. A selector cannot say more than what to hide, and never hides our own banner.
//!
//! What is done by it is the gate's; that exemptions are recorded, the store's.

use schemars::JsonSchema;
use serde::Deserialize;

use super::pattern::HostPattern;
use super::schema;
use super::source::{Entry, Source};
use crate::time::{Day, Time};

/// How many days ahead an exemption may end.
pub const EXEMPT_DAYS_MAX: u32 = 90;

/// Whether the gate acts, or only counts what it would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// What is not permitted is withheld.
    #[default]
    Enforce,
    /// Nothing is withheld; what would be is counted. The site is not protected.
    Observe,
}

/// Whether pages come behind a second policy that names the hosts they may reach (Content Security
/// Policy).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Csp {
    /// None is sent.
    #[default]
    Off,
    /// Browsers only report what the policy would stop: so it is learned what the site needs.
    Learn,
    /// Browsers stop what the operator has not approved, or the visitor not agreed to.
    Enforce,
}

/// Who tells Google's tags what they may do (Consent Mode v2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ConsentMode {
    /// The gateway, before any tag, by what the visitor chose.
    #[default]
    Gateway,
    /// The site, by code of its own; the gateway says nothing.
    Site,
}

/// What is done with what no rule knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Leave {
    /// It passes.
    #[default]
    Pass,
    /// It is withheld from everybody.
    Withhold,
}

/// What is done with what no rule knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unlisted {
    /// Scripts from hosts that are neither the site's own nor in any rule.
    pub scripts: Leave,
    /// Cookies that the site sets, of names that are in no rule.
    pub cookies: Leave,
    /// Hosts whose scripts pass all the same.
    pub except: Vec<HostPattern>,
}

/// Pages that are not gated until some day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exempt {
    /// The path, and all below it.
    pub path: String,
    /// The first day on which the pages are gated again.
    pub until: Day,
    /// Why.
    pub reason: String,
    /// The line of `site.toml` on which it begins.
    pub line: usize,
}

impl Exempt {
    /// Whether it has not ended yet.
    pub fn is_in_force(&self, now: Time) -> bool {
        now < self.until.start()
    }

    /// Whether a page stands under its path. One whose path a server might read as another's does
    /// not.
    pub fn covers(&self, path: &str) -> bool {
        let below = path.strip_prefix(self.path.as_str()).is_some_and(|rest| {
            rest.is_empty() || rest.starts_with('/') || self.path.ends_with('/')
        });
        below && is_plain(path)
    }
}

/// Whether a path can be read in one way only: without dots that lead up, and nothing escaped that
/// divides it.
fn is_plain(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let divides = ["%2f", "%5c", "%2e", "\\", "//"].iter().any(|part| lower.contains(part));
    !divides && path.split('/').all(|part| !matches!(part, "." | ".."))
}

/// What is done about banners that the site has already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SiteBanner {
    /// CSS selectors of what is hidden.
    pub hide: Vec<String>,
    /// Whether the site's banner asks in the place of ours.
    pub wins: bool,
}

impl SiteBanner {
    /// The stylesheet that hides what is to be hidden, and nothing of ours.
    pub fn stylesheet(&self) -> Option<String> {
        let hidden = |selector: &String| {
            format!("{selector}:not(#cc-main,#cc-main *,#cc-open){{display:none!important}}\n")
        };
        Some(self.hide.iter().map(hidden).collect::<String>()).filter(|css| !css.is_empty())
    }
}

/// What is done with what no rule knows.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UnlistedTable {
    /// Scripts from hosts that are neither the site's own nor in any rule.
    #[serde(default)]
    scripts: Leave,
    /// Cookies that the site sets, of names that are in no rule.
    #[serde(default)]
    cookies: Leave,
    /// Hosts whose scripts pass all the same, written as in `hosts`.
    #[serde(default)]
    except: Vec<String>,
}

/// Pages that are not gated until some day.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExemptEntry {
    /// The path, such as `/shop`, and all below it.
    path: String,
    /// The first day on which the pages are gated again, at most 90 days ahead.
    #[schemars(schema_with = "schema::day")]
    until: Day,
    /// Why, for whoever asks later: it goes into the record.
    reason: String,
}

/// A banner that the site has already.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SiteBannerEntry {
    /// What is done about it.
    action: Action,
    /// The CSS selector of what is hidden.
    selector: Option<String>,
}

/// What is done about a banner of the site's.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Action {
    /// It is hidden, and ours asks.
    Hide,
    /// It asks, and ours is not put in.
    Win,
}

/// Checks the table of the unlisted.
pub(super) fn unlisted(source: &mut Source<'_>, line: usize, table: UnlistedTable) -> Unlisted {
    let UnlistedTable { scripts, cookies, except } = table;
    let mut hosts = Vec::new();
    for host in &except {
        match HostPattern::parse(host) {
            Ok(pattern) => hosts.push(pattern),
            Err(text) => source.problem(line, text),
        }
    }
    if !hosts.is_empty() && scripts == Leave::Pass {
        let text = "`except` says whose scripts pass all the same, but all pass; set `scripts = \"withhold\"`";
        source.problem(line, text);
    }
    Unlisted { scripts, cookies, except: hosts }
}

/// Checks the exemptions.
pub(super) fn exempt(source: &mut Source<'_>, entries: Vec<Entry<ExemptEntry>>) -> Vec<Exempt> {
    let mut exempt: Vec<Exempt> = Vec::new();
    for Entry { line, value: ExemptEntry { path, until, reason } } in entries {
        let wrong = match path.as_str() {
            "/" => Some("`/` is the whole site; set `mode = \"observe\"` for that".to_owned()),
            path if !path.starts_with('/') => {
                Some(format!("path `{path}` does not begin with `/`; write `/{path}`"))
            }
            path if !is_plain(path) || path.contains(['*', '?', '#', ' ']) => Some(format!(
                "path `{path}` is no plain path; write one like `/shop`: it stands for all below it"
            )),
            path if exempt.iter().any(|other| other.path == path) => {
                Some(format!("`{path}` is exempt already; remove one of the two"))
            }
            _ => None,
        };
        if let Some(text) = wrong {
            source.problem(line, text);
        }
        if reason.trim().is_empty() {
            source.problem(line, "`reason` is empty; say why the pages are exempt");
        }
        exempt.push(Exempt { path, until, reason, line });
    }
    exempt
}

/// Checks what is to be done about the site's banners.
pub(super) fn site_banner(source: &mut Source<'_>) -> SiteBanner {
    let mut banner = SiteBanner::default();
    for Entry { line, value: SiteBannerEntry { action, selector } } in source.each("site-banner") {
        match (action, selector) {
            (Action::Hide, None) => {
                source
                    .problem(line, "`action = \"hide\"` needs a `selector`, such as `#cookie-bar`");
            }
            (Action::Hide, Some(selector)) => match selector_problem(&selector) {
                Some(text) => source.problem(line, text),
                None => banner.hide.push(selector),
            },
            (Action::Win, Some(_)) => {
                let text =
                    "`selector` says what is hidden, and a banner that wins is not; remove it";
                source.problem(line, text);
            }
            (Action::Win, None) => banner.wins = true,
        }
    }
    if banner.wins && !banner.hide.is_empty() {
        source.problem(0, "a site's banner is hidden and another wins: then nobody asks; keep one");
    }
    banner
}

/// What is wrong with a selector. It has to name one thing by an id, a class or an attribute, so that
/// it hides no page, and holds nothing that could end the rule it stands in.
fn selector_problem(selector: &str) -> Option<String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.#[]=\"~^$ >".contains(c);
    let last = selector.rsplit([' ', '>', '~']).next().unwrap_or_default();
    let names = last.contains(['#', '.', '[']);
    let quotes = selector.matches('"').count().is_multiple_of(2);
    let brackets = selector.matches('[').count() == selector.matches(']').count();
    let ends = selector.trim() == selector && !selector.starts_with(['>', '~']);
    if selector.chars().all(allowed) && names && quotes && brackets && ends {
        return None;
    }
    Some(format!(
        "`{selector}` is no selector of one thing; write an id, a class or an attribute, such as \
         `#cookie-bar`, `div.cookie-notice` or `[data-banner=\"cookies\"]`, one entry for each"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exemption_covers_its_path_and_what_is_below_and_nothing_that_only_looks_so() {
        let exempt = |path: &str| Exempt {
            path: path.to_owned(),
            until: Day(20_000),
            reason: "x".to_owned(),
            line: 1,
        };
        for path in ["/shop", "/shop/", "/shop/a.html"] {
            assert!(exempt("/shop").covers(path), "{path}");
        }
        for path in [
            "/",
            "/shopping",
            "/a/shop",
            "/shop/../prices",
            "/shop/%2e%2E/prices",
            "/shop/..%2Fprices",
            "/shop//prices",
            "/shop\\..\\prices",
        ] {
            assert!(!exempt("/shop").covers(path), "{path}");
        }
        assert!(exempt("/shop/").covers("/shop/a") && !exempt("/shop/").covers("/shop"));
        assert!(exempt("/a").is_in_force(Time(Day(20_000).start().0 - 1)));
        assert!(!exempt("/a").is_in_force(Day(20_000).start()));
    }

    #[test]
    fn a_selector_names_one_thing_and_ends_no_rule() {
        for right in
            ["#bar", ".cookie-notice", "div.cookie > p#x", "[data-a=\"b\"]", "a[href^=\"c\"]"]
        {
            assert_eq!(selector_problem(right), None, "{right}");
        }
        for wrong in [
            "",
            "*",
            "body",
            "html",
            "#a,body",
            "#a div",
            "#a{}",
            "#a}",
            "a:not(.b)",
            "#a;",
            "[a",
            "#a\"",
            "</style",
            "#a/*",
            "@import",
            "#a > ",
            "#a\\",
        ] {
            assert!(selector_problem(wrong).is_some(), "{wrong}");
        }
    }
}
