//! Which addresses are trackers', as far as this test knows.
//!
//! Written apart from `rules/`: what the gateway removes is judged by somebody else's list. It names
//! hosts, where the rules name paths as well, and holds what the pages of this test point at.
//!
//! An address is judged against every base that the page names, as the gateway does: which of them
//! counts is decided while the page is built.
//!
//! What follows for a page is in [`super::expected`].

use super::gateway::Choices;
use regex::Regex;
use std::sync::LazyLock;
use url::Url;

/// Where `kelisim rewrite` takes a page to stand if it is not told.
const PAGE: &str = "https://send-box.com/";

/// The trackers that the policy names: released to a visitor who has agreed.
const DECLARED: [&str; 9] = [
    "mc.yandex.ru",
    "mc.yandex.com",
    "mc.yandex.kz",
    "mc.webvisor.org",
    "informer.yandex.ru",
    "www.googletagmanager.com",
    "www.google-analytics.com",
    "ssl.google-analytics.com",
    "stats.g.doubleclick.net",
];

/// Those that it does not name: released to nobody.
const UNDECLARED: [&str; 13] = [
    "an.yandex.ru",
    "connect.facebook.net",
    "counter.yadro.ru",
    "pubads.g.doubleclick.net",
    "static.hotjar.com",
    "top-fwz1.mail.ru",
    "www.googleadservices.com",
    "googleads.g.doubleclick.net",
    "securepubads.g.doubleclick.net",
    "ad.doubleclick.net",
    "pagead2.googlesyndication.com",
    "tpc.googlesyndication.com",
    "adservice.google.com",
];

/// What an inline script has to say of itself to be held, each with whether the policy names it.
static WORDS: LazyLock<[(Regex, bool); 2]> = LazyLock::new(|| {
    let declared =
        r"(?i)metrika|mc\.yandex|ym\(|webvisor|google-?analytics|googletagmanager|gtm\.|dc\.js";
    let undeclared = r"google_conversion_id|/pagead/|(AW|DC)-[0-9]|doubleclick\.net|fbq\(|fbevents|hotjar|counter\.yadro|top-fwz1|vk\.com/|an\.yandex|analytics\.tiktok|clarity\.ms";
    [(declared, true), (undeclared, false)]
        .map(|(words, is_declared)| (Regex::new(words).expect("it is valid"), is_declared))
});

/// The bases of one page.
pub(crate) struct Bases(Vec<Url>);

impl Bases {
    pub(crate) fn new<'a>(named: impl Iterator<Item = &'a str>) -> Self {
        let page = Url::parse(PAGE).expect("it is an address");
        let named: Vec<_> = named.filter_map(|href| page.join(href).ok()).collect();
        Self([vec![page], named].concat())
    }

    /// Whether the address is one that is withheld from a visitor with these choices.
    pub(crate) fn withheld(&self, address: &str, choices: Choices) -> bool {
        // What is written like `https:a.example` leads there from some pages, and to none from others.
        let whole = Url::parse(address).ok();
        self.0.iter().filter_map(|base| base.join(address).ok()).chain(whole).any(|url| {
            let host = url.host_str().unwrap_or_default();
            let copied = host == "cdn.jsdelivr.net" && url.path().contains("yandex-metrica-watch");
            let declared = (DECLARED.contains(&host) || copied) && !undeclared_tag(&url);
            (choices == Choices::Nothing && declared)
                || UNDECLARED.contains(&host)
                || undeclared_tag(&url)
        })
    }

    /// The same for a list of picture candidates.
    pub(crate) fn withheld_candidate(&self, srcset: &str, choices: Choices) -> bool {
        let mut candidates = srcset.split(',').filter_map(|part| part.split_whitespace().next());
        candidates.any(|address| self.withheld(address, choices))
    }
}

/// Tags that come from hosts which serve others, too: Google Ads' from where Analytics' come from,
/// and Facebook's pixel.
fn undeclared_tag(url: &Url) -> bool {
    match url.host_str() {
        Some("www.googletagmanager.com") => url.query_pairs().any(|(name, value)| {
            name == "id" && (value.starts_with("AW-") || value.starts_with("DC-"))
        }),
        Some("www.facebook.com") => matches!(url.path(), "/tr" | "/tr/"),
        _ => false,
    }
}

/// Whether a script with this code may be held from a visitor with these choices.
pub(crate) fn code_may_be_withheld(code: &str, choices: Choices) -> bool {
    WORDS.iter().any(|(words, is_declared)| {
        (choices == Choices::Nothing || !is_declared) && words.is_match(code)
    })
}
