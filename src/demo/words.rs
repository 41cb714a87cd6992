//! The demonstration site's wording, one value per language.
//!
//! A struct and not a table of keys: a sentence that is missing in one language does not compile.
//!
//! Texts are plain: markup is the pages' business, and maud escapes them.
//!
//! The consent banner's wording is no part of the site; it lives in `rules/texts/`.

mod en;
mod kk;
mod ru;

/// A language of the site; the value of `<html lang>` and of the cookie `sb_lang`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    /// Kazakh, the site's own: its addresses carry no prefix.
    Kazakh,
    /// Russian, under `/ru/`.
    Russian,
    /// English, under `/en/`.
    English,
}

impl Language {
    /// In the order of the language switch.
    pub(super) const ALL: [Self; 3] = [Self::Kazakh, Self::Russian, Self::English];

    /// The BCP 47 tag.
    pub(super) fn tag(self) -> &'static str {
        match self {
            Self::Kazakh => "kk",
            Self::Russian => "ru",
            Self::English => "en",
        }
    }

    /// The language's own name, for the switch.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Kazakh => "Қазақша",
            Self::Russian => "Русский",
            Self::English => "English",
        }
    }

    /// What stands before a page's path: nothing for Kazakh, else `/ru` or `/en`.
    pub(super) fn prefix(self) -> &'static str {
        match self {
            Self::Kazakh => "",
            Self::Russian => "/ru",
            Self::English => "/en",
        }
    }

    /// Everything the site says in this language.
    pub(super) fn words(self) -> &'static Words {
        match self {
            Self::Kazakh => &kk::WORDS,
            Self::Russian => &ru::WORDS,
            Self::English => &en::WORDS,
        }
    }
}

/// A heading with the sentence under it.
pub(super) struct Item {
    /// The heading.
    pub(super) title: &'static str,
    /// One sentence.
    pub(super) text: &'static str,
}

/// Everything the site says in one language.
pub(super) struct Words {
    pub(super) home: &'static str,
    pub(super) prices: &'static str,
    pub(super) cabinet: &'static str,
    pub(super) sign_in: &'static str,
    pub(super) sign_out: &'static str,
    pub(super) languages: &'static str,

    pub(super) hero: Item,
    pub(super) see_prices: &'static str,
    pub(super) open_cabinet: &'static str,
    pub(super) sample_order: &'static str,
    pub(super) sample_code: &'static str,
    pub(super) services: &'static str,
    pub(super) service: [Item; 3],
    pub(super) how: &'static str,
    pub(super) step: [Item; 3],

    pub(super) prices_lead: &'static str,
    pub(super) volume: &'static str,
    pub(super) voice: &'static str,
    pub(super) check: &'static str,
    pub(super) tiers: [&'static str; 3],
    pub(super) how_many: &'static str,
    pub(super) about: &'static str,
    pub(super) order: &'static str,

    pub(super) sign_in_title: &'static str,
    pub(super) login: &'static str,
    pub(super) password: &'static str,
    pub(super) any_values: &'static str,
    pub(super) fill_in: &'static str,

    pub(super) hello: &'static str,
    pub(super) balance: &'static str,
    pub(super) sent_this_month: &'static str,
    pub(super) delivered_share: &'static str,
    pub(super) latest: &'static str,
    pub(super) time: &'static str,
    pub(super) recipient: &'static str,
    pub(super) text: &'static str,
    pub(super) status: &'static str,
    pub(super) delivered: &'static str,
    pub(super) on_its_way: &'static str,
    pub(super) not_delivered: &'static str,

    pub(super) no_such_page: &'static str,
    pub(super) made_up: &'static str,
}
