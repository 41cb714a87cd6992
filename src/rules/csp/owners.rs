//! Whose a source is: which vendors' rules, and which lists of others, speak of what it covers.
//!
//! A source that lies within what a rule names is the vendor's, and goes with it. One that covers what a
//! rule names and more beside cannot be approved: either the vendor would pass by it, or what the site
//! needs would go with the vendor. A policy knows no queries, so what rules tell apart by these is theirs
//! together; but where a rule without one holds the whole, its vendor alone counts.
//!
//! Where it is not clear the answer is the stricter one: it is a vendor's, or it is refused.
//!
//! Whether the vendor is withheld from a visitor is for [`crate::gate`] to say.

use url::Url;

use super::super::RuleSet;
use super::super::action::Action;
use super::super::lists::List;
use super::super::pattern::{HostPattern, glob_matches};
use super::super::vendor::{UrlRule, Use, Vendor};
use super::{Fetch, HostSource};

/// The page that lists are asked about, where the site has no whole host.
const ANY_PAGE: &str = "https://site.invalid/";

/// Whose a source is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owners {
    /// Vendors, by their place in the rules.
    pub vendors: Vec<usize>,
    /// Lists of others that withhold what they name, by theirs.
    pub lists: Vec<usize>,
}

impl Owners {
    /// Whether it is nobody's but the site's own business.
    pub fn is_empty(&self) -> bool {
        self.vendors.is_empty() && self.lists.is_empty()
    }
}

impl RuleSet {
    /// Whose a source is when things are fetched from it so.
    pub fn owners(&self, source: &HostSource, fetch: Fetch) -> Owners {
        let vendors =
            owners(&self.vendors, source, fetch).unwrap_or_else(|(vendor, _)| vec![vendor]);
        let lists = match vendors.is_empty() {
            true => self.listed(source, fetch),
            false => Vec::new(),
        };
        Owners { vendors, lists }
    }

    fn listed(&self, source: &HostSource, fetch: Fetch) -> Vec<usize> {
        let whole = self.site.hosts.iter().find_map(|host| match host {
            HostPattern::Exact(name) => Url::parse(&format!("https://{name}/")).ok(),
            _ => None,
        });
        let page = whole.or_else(|| Url::parse(ANY_PAGE).ok());
        let (Some(page), Ok(url)) = (page, Url::parse(&source.example())) else {
            return Vec::new();
        };
        let listed = self.listed_at(&page, &url, fetch.uses());
        listed.iter().filter(|list| self.lists()[*list].action == Action::Hold).collect()
    }

    /// What can be approved that covers an address, and no more than must be: its origin, or where rules
    /// name some of what is there its folder, or itself.
    pub fn approvable(&self, url: &Url, fetch: Fetch) -> Option<String> {
        let origin = url.origin();
        let origin = origin.is_tuple().then(|| origin.ascii_serialization())?;
        let folder = url.path().rfind('/').map(|at| format!("{origin}{}", &url.path()[..=at]));
        let file = format!("{origin}{}", url.path());
        let fits = |text: &String| {
            let source = super::CspSource::parse(text).ok();
            let host = source.as_ref().and_then(super::CspSource::host);
            host.is_some_and(|host| owners(&self.vendors, host, fetch).is_ok())
        };
        [Some(origin), folder, Some(file)].into_iter().flatten().find(fits)
    }
}

/// The vendors whose a source is; or of one that covers more, the vendor and the rule.
pub(super) fn owners<'a>(
    vendors: &'a [Vendor],
    source: &HostSource,
    fetch: Fetch,
) -> Result<Vec<usize>, (usize, &'a UrlRule)> {
    let (mut whole, mut by_query) = (Vec::new(), Vec::new());
    let mut more_by_query = None;
    for (index, vendor) in vendors.iter().enumerate() {
        if vendor.recipient.is_operator() {
            continue;
        }
        let withholding = vendor.urls.iter().filter(|rule| {
            vendor.action_of(rule) != Action::ReportOnly && rule.value.serves(fetch.uses())
        });
        for rule in withholding {
            let found = match share(&rule.value, source) {
                Share::Nothing => continue,
                Share::More => return Err((index, &rule.value)),
                Share::MoreByQuery => {
                    more_by_query.get_or_insert((index, &rule.value));
                    continue;
                }
                Share::Within => &mut whole,
                Share::ByQuery => &mut by_query,
            };
            if !found.contains(&index) {
                found.push(index);
            }
        }
    }
    match (whole.is_empty(), more_by_query) {
        (false, _) => Ok(whole),
        (true, Some(more)) => Err(more),
        (true, None) => Ok(by_query),
    }
}

/// What a source has in common with what a rule names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Share {
    Nothing,
    /// All of the source is the rule's.
    Within,
    /// It is that very file, of which some queries are the rule's.
    ByQuery,
    /// It is a folder with a file, of which some queries are the rule's.
    MoreByQuery,
    /// It covers what the rule names, and more.
    More,
}

fn share(rule: &UrlRule, source: &HostSource) -> Share {
    let within = match hosts(&rule.host, source) {
        Share::Nothing => return Share::Nothing,
        hosts => hosts == Share::Within,
    };
    let Some(glob) = rule.path.as_deref() else {
        return if within { Share::Within } else { Share::More };
    };
    // Before its first `*`, and of that the path.
    let start = glob.split('*').next().unwrap_or_default();
    let (start_path, asks) = match start.split_once('?') {
        Some((path, _)) => (path, true),
        None => (start, glob.contains('?')),
    };
    let open = glob.contains('*') && !start.contains('?');
    let Some(path) = &source.path else { return Share::More };
    if path.ends_with('/') {
        let is_below = start_path.starts_with(path.as_str());
        let is_above = open && path.starts_with(start_path);
        return match (is_below || is_above, is_above && glob.strip_suffix('*') == Some(start)) {
            (false, _) => Share::Nothing,
            (true, true) if within => Share::Within,
            (true, _) if within && asks && !open => Share::MoreByQuery,
            (true, _) => Share::More,
        };
    }
    let shares = match open {
        true => path.starts_with(start_path),
        false => path == start_path,
    };
    match shares {
        true if !within => Share::More,
        true if glob_matches(glob, path) => Share::Within,
        true if asks => Share::ByQuery,
        // What stands behind the first `*` is not in this path.
        _ => Share::Nothing,
    }
}

/// What the hosts of a source have in common with those of a rule.
fn hosts(rule: &HostPattern, source: &HostSource) -> Share {
    let (name, dotted) = (&source.host, format!(".{}", source.host));
    if !source.any_under {
        return if rule.matches(name) { Share::Within } else { Share::Nothing };
    }
    let (within, more) = match rule {
        HostPattern::Exact(host) => (false, host.ends_with(&dotted)),
        HostPattern::Under(domain) => {
            (domain == name || name.ends_with(&format!(".{domain}")), domain.ends_with(&dotted))
        }
        HostPattern::Any(start) => {
            // `*.yandex.ru` covers `mc.yandex.ru`, which is one of `mc.yandex.*`.
            let labels: Vec<_> = name.split('.').collect();
            let ends_in_start =
                |count: usize| start.ends_with(&format!(".{}", labels[..count].join(".")));
            (false, (1..labels.len()).any(ends_in_start))
        }
    };
    match (within, more) {
        (true, _) => Share::Within,
        (false, true) => Share::More,
        (false, false) => Share::Nothing,
    }
}

/// The filter of a list that withholds a host below a wildcard's, with its list's file and line.
pub(super) fn listed_under(lists: &[List], source: &HostSource) -> Option<String> {
    let mut holding = lists.iter().filter(|list| source.any_under && list.action == Action::Hold);
    holding.find_map(|list| list.names_under(&source.host))
}

impl Fetch {
    /// For what a rule says that such things are used, as far as rules tell.
    pub const fn uses(self) -> &'static [Use] {
        match self {
            Fetch::Script | Fetch::Worker => &[Use::Script],
            Fetch::Style | Fetch::Image | Fetch::Font | Fetch::Media | Fetch::Manifest => {
                &[Use::Image]
            }
            Fetch::Frame => &[Use::Frame],
            Fetch::Object => &[Use::Frame, Use::Image],
            // Rules do not speak of what scripts send: so whatever is said of an address counts.
            Fetch::Connect | Fetch::Form => &[Use::Script, Use::Image, Use::Frame],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::csp::CspSource;

    fn of(host: &str, path: Option<&str>, source: &str) -> Share {
        let (host, path) = (HostPattern::parse(host).unwrap(), path.map(str::to_owned));
        let rule = UrlRule { host, path, uses: Use::ALL.to_vec() };
        let source = CspSource::parse(source).unwrap();
        share(&rule, source.host().unwrap())
    }

    #[test]
    fn a_source_is_within_a_rule_or_covers_more_or_has_nothing_in_common_with_it() {
        let tag = Some("/gtag/*");
        let npm = Some("/npm/yandex-metrica-watch*");
        let by_id = Some("/gtag/js?*id=AW-*");
        for (host, path, source, expected) in [
            ("mc.yandex.*", None, "https://mc.yandex.ru", Share::Within),
            ("mc.yandex.*", None, "wss://mc.yandex.ru/x/", Share::Within),
            ("mc.yandex.*", None, "https://*.yandex.ru", Share::More),
            ("mc.yandex.*", None, "https://*.mc.yandex.ru", Share::Nothing),
            ("mc.yandex.*", None, "https://*.example.kz", Share::Nothing),
            ("mc.yandex.*", None, "https://yastatic.net", Share::Nothing),
            ("*.ga.com", None, "https://*.ga.com", Share::Within),
            ("*.ga.com", None, "https://*.x.ga.com", Share::Within),
            ("*.x.ga.com", None, "https://*.ga.com", Share::More),
            ("www.ga.com", None, "https://*.ga.com", Share::More),
            ("ga.com", None, "https://*.ga.com", Share::Nothing),
            ("t.com", tag, "https://t.com", Share::More),
            ("t.com", tag, "https://t.com/gtag/", Share::Within),
            ("t.com", tag, "https://t.com/gtag/x/", Share::Within),
            ("t.com", tag, "https://t.com/gtag/js", Share::Within),
            ("t.com", tag, "https://t.com/g", Share::Nothing),
            ("t.com", tag, "https://t.com/other/", Share::Nothing),
            ("t.com", by_id, "https://t.com/gtag/js", Share::ByQuery),
            ("t.com", by_id, "https://t.com/gtag/", Share::MoreByQuery),
            ("t.com", by_id, "https://t.com/gtag/js2", Share::Nothing),
            ("t.com", npm, "https://t.com/npm/", Share::More),
            ("t.com", npm, "https://t.com/npm/swiper@11/", Share::Nothing),
            ("t.com", npm, "https://t.com/npm/yandex-metrica-watch/", Share::Within),
            ("t.com", Some("*/ns.html*"), "https://t.com/a/", Share::More),
            ("t.com", Some("*/ns.html*"), "https://t.com/a/ns.html", Share::Within),
            ("t.com", Some("*/ns.html*"), "https://t.com/a.js", Share::Nothing),
            ("t.com", Some("/a.js"), "https://t.com/a.js", Share::Within),
            ("t.com", Some("/a.js"), "https://t.com/a.js/", Share::Nothing),
            ("t.com", Some("/a?*"), "https://t.com/a", Share::ByQuery),
            ("*.t.com", Some("/a/*"), "https://*.t.com/a/", Share::Within),
            ("x.t.com", Some("/a/*"), "https://*.t.com/a/", Share::More),
        ] {
            assert_eq!(of(host, path, source), expected, "{host} {path:?} {source}");
        }
    }
}
