//! Asking the lists.
//!
//! Where a vendor's rule speaks, or the address is the site's own, no list is asked: what the operator has
//! written about it holds, and the visitor's agreement to it.
//!
//! Whether an answer comes fresh or is one that was kept makes no difference: all that it depends on is
//! part of the question.

use std::fmt;

use url::Url;

use super::super::RuleSet;
use super::super::vendor::Use;
use super::answers::Question;
use super::{List, Listed};

/// What a list says of something, by file and line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Naming {
    /// The list, by its place.
    pub list: usize,
    /// The file.
    pub path: String,
    /// The line.
    pub line: usize,
    /// The filter, or the rule for the cookie.
    pub rule: String,
}

/// `rules/lists/x.txt:7: `||tracker.example^``
impl fmt::Display for Naming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.rule)
    }
}

impl RuleSet {
    /// The lists of others.
    pub fn lists(&self) -> &[List] {
        &self.lists.all
    }

    /// Whether any list has filters.
    pub fn has_filters(&self) -> bool {
        self.lists.all.iter().any(|list| list.filters.is_some())
    }

    /// The lists that name an address which a page uses in one of these ways.
    pub fn listed_at(&self, page: &Url, url: &Url, uses: &[Use]) -> Listed {
        let Some(host) = self.foreign(page, url) else { return Listed::default() };
        let question = Question {
            host,
            url: url.as_str(),
            uses: uses.iter().fold(0, |bits, used| bits | 1 << *used as u8),
        };
        self.lists.answers.get_or(question, || self.listed_afresh(host, url, uses))
    }

    /// The host of the page, where an address is another's that lists may be asked of.
    fn foreign<'a>(&self, page: &'a Url, url: &Url) -> Option<&'a str> {
        let (of_page, of_url) = (page.host_str()?, url.host_str()?);
        let is_request = matches!(url.scheme(), "http" | "https" | "ws" | "wss");
        (is_request && of_page != of_url && !self.site.owns(of_url) && self.has_filters())
            .then_some(of_page)
    }

    fn listed_afresh(&self, host: &str, url: &Url, uses: &[Use]) -> Listed {
        if uses.iter().any(|used| self.at_url(url, *used).next().is_some()) {
            return Listed::default();
        }
        let page = format!("https://{host}/");
        let stops = |list: &List| {
            let filters = list.filters.as_ref();
            filters.is_some_and(|filters| {
                uses.iter().any(|used| filters.stop(&page, url.as_str(), *used))
            })
        };
        self.which(stops)
    }

    /// The lists that name a cookie.
    pub fn with_listed_cookie(&self, name: &[u8]) -> Listed {
        match self.lists.all.is_empty() || self.with_cookie(name).next().is_some() {
            true => Listed::default(),
            false => self.which(|list| list.cookies.name(name)),
        }
    }

    fn which(&self, names: impl Fn(&List) -> bool) -> Listed {
        let naming = self.lists.all.iter().enumerate().filter(|(_, list)| names(list));
        naming.fold(Listed::default(), |listed, (index, _)| listed.with(index))
    }

    /// What names an address in the lists, when a page uses it in one of these ways.
    pub fn naming_at(&self, page: &Url, url: &Url, uses: &[Use]) -> Vec<Naming> {
        let listed = self.listed_at(page, url, uses);
        let page = page.host_str().map(|host| format!("https://{host}/")).unwrap_or_default();
        let naming = |list: usize| {
            let filters = self.lists.all[list].filters.as_ref()?;
            let mut stopping =
                uses.iter().filter_map(|used| filters.stopping(&page, url.as_str(), *used));
            let (path, line, filter) = stopping.next()?;
            Some(Naming { list, path: path.to_owned(), line, rule: format!("`{filter}`") })
        };
        listed.iter().filter_map(naming).collect()
    }

    /// What names a cookie in the lists.
    pub fn naming_cookie(&self, name: &[u8]) -> Vec<Naming> {
        let naming = |list: usize| {
            let of = &self.lists.all[list];
            let (line, name) = of.cookies.naming(name)?;
            Some(Naming { list, path: of.path.clone(), line, rule: format!("[[cookie]] `{name}`") })
        };
        self.with_listed_cookie(name).iter().filter_map(naming).collect()
    }

    /// How much memory the answers of lists take that are kept.
    pub fn answers_bytes(&self) -> u64 {
        self.lists.answers.bytes()
    }
}
