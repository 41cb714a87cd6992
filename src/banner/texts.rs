//! The wording of the banner and the pages, one file per language.
//!
//! Texts are data (`rules/texts/<language>.toml`), so that a lawyer can correct them and another
//! language is one more file.
//!
//! Every key must be there and no other: a text half translated is refused when it is loaded, not
//! found out by a visitor. `{words}` in braces are filled in; [`Texts::problems`] finds those that
//! are missing or unknown.
//!
//! The purposes' own titles and wording belong to the policy and stand in its file.

mod change;
mod cookies;
mod page;
pub mod rights;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub use self::change::{ChangeTexts, PartWords, PolicyTexts};
pub use self::cookies::{CookieTexts, RoleWords, TimeWords};
pub use self::page::PageTexts;
pub use self::rights::RightsTexts;
use super::detail::{DetailTexts, Direction};
use super::translated::Translated;
use super::view::{Date, Failure, Notice, State};

/// All wording in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Texts {
    /// The language's code (BCP 47), such as `kk`; also the name of its file.
    pub code: String,
    /// The language's name in itself, such as «Қазақша».
    pub name: String,
    /// How it is written: from left to right, unless it says otherwise.
    #[serde(default)]
    pub dir: Direction,
    /// The banner.
    pub banner: BannerTexts,
    /// What stands in the site's pages beside it.
    pub page: PageTexts,
    /// The settings page.
    pub settings: SettingsTexts,
    /// What a consent states besides, and what is said where none can be kept.
    pub detail: DetailTexts,
    /// What the settings page says after something happened.
    pub notices: NoticeTexts,
    /// How a verdict is told to the visitor.
    pub states: StateTexts,
    /// Legal bases (policy 5.2).
    pub basis: BasisWords,
    /// Categories of data (policy 6.1).
    pub data: DataWords,
    /// Countries by code, such as `KZ`.
    pub countries: BTreeMap<String, String>,
    /// How a day is written, and a list.
    pub grammar: Grammar,
    /// What is said when something goes wrong.
    pub failures: FailureTexts,
    /// The notice of a new version of the policy.
    pub change: ChangeTexts,
    /// The pages of the policy's versions.
    pub policy: PolicyTexts,
    /// The declaration of cookies.
    pub cookies: CookieTexts,
    /// What a visitor does about their data.
    pub rights: RightsTexts,
    /// What the site and the policy say, where their files lack this language.
    #[serde(default)]
    pub translated: Translated,
}

/// The banner and the control that opens the settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BannerTexts {
    /// Its heading.
    pub title: String,
    /// Who asks, for what: `{operator}`, `{purpose}`, `{section}`. Once for each purpose asked.
    pub ask: String,
    /// Who receives what and where: `{recipients}`, `{data}`.
    pub who: String,
    /// That a refusal costs nothing now and that the choice can be changed.
    pub free: String,
    /// The button that agrees.
    pub agree: String,
    /// The button that declines.
    pub decline: String,
    /// The link to the settings.
    pub settings: String,
    /// Shown when the answer could not be recorded by script.
    pub error: String,
    /// The hidden frame's title, for those who meet it all the same.
    pub frame: String,
    /// The permanent control's label.
    pub control: String,
}

/// The settings page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingsTexts {
    /// Heading and title.
    pub title: String,
    /// First paragraph: `{operator}`.
    pub lead: String,
    /// The link back to the page that the visitor came from.
    pub back: String,
    /// Label of the list of languages.
    pub languages: String,
    /// Heading over the form.
    pub choice: String,
    /// How long a choice counts and how it ends.
    pub term: String,
    /// Said when no purpose is asked here.
    pub nothing_asked: String,
    /// The option that agrees to one purpose.
    pub agree: String,
    /// The option that declines one purpose.
    pub decline: String,
    /// Saves the options.
    pub save: String,
    /// Agrees to all.
    pub agree_all: String,
    /// Declines all.
    pub decline_all: String,
    /// Withdraws what was agreed to.
    pub withdraw: String,
    /// What withdrawing does.
    pub withdraw_note: String,
    /// Heading over what refusing costs.
    pub cost_title: String,
    /// What refusing costs (policy 6.3, 6.5).
    pub cost: String,
    /// Heading over the purposes.
    pub purposes: String,
    /// Which version of the policy is shown: `{date}`.
    pub version: String,
    /// A purpose's clause: `{section}`.
    pub clause: String,
    /// Label of the state.
    pub state: String,
    /// Label of the basis.
    pub basis: String,
    /// Label of the data.
    pub data: String,
    /// Label of the recipients.
    pub recipients: String,
    /// Said where there are none.
    pub recipients_none: String,
    /// Label of the term.
    pub keep: String,
    /// The term in days: `{days}`.
    pub keep_days: String,
    /// The term where no number is set (policy 3.4).
    pub keep_until_met: String,
    /// Said of consent asked elsewhere (4.5).
    pub elsewhere: String,
    /// That data are not made public and never of a special kind (policy 6.6).
    pub never: String,
    /// Heading over the operator's particulars.
    pub operator: String,
    /// Label of the business identification number.
    pub bin: String,
    /// Label of the address.
    pub address: String,
    /// Label of the telephone.
    pub phone: String,
    /// Label of the e-mail address.
    pub email: String,
    /// Heading over how to write.
    pub write_title: String,
    /// How to write: `{subject}`.
    pub write: String,
    /// The subject that the policy asks for (7.2): «Жеке деректер» in every language.
    pub subject: String,
    /// The visitor's short code: `{code}`.
    pub code: String,
    /// Title of the answer that our hidden frame receives.
    pub done: String,
}

/// What the settings page says after something happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoticeTexts {
    /// The choice is recorded.
    pub saved: String,
    /// The consent is withdrawn.
    pub withdrawn: String,
    /// The browser keeps no cookies.
    pub cookies_refused: String,
    /// The browser's signal refuses what was agreed to.
    pub signal_conflict: String,
}

/// How a verdict is told to the visitor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StateTexts {
    /// Agreed.
    pub agreed: String,
    /// Allowed without consent, on another basis.
    pub other_basis: String,
    /// No choice yet.
    pub not_asked: String,
    /// Declined.
    pub declined: String,
    /// Withdrawn.
    pub withdrawn: String,
    /// The term is over.
    pub expired: String,
    /// The terms changed.
    pub terms_changed: String,
    /// Refused by the browser's signal.
    pub signalled_refusal: String,
    /// The recipient is not in the policy.
    pub undeclared: String,
    /// Stopped by the operator.
    pub suspended: String,
    /// Not verifiable.
    pub unverified: String,
    /// When the choice was made and until when it counts: `{at}`, `{until}`.
    pub mark: String,
}

/// Legal bases (policy 5.2) in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BasisWords {
    /// Art. 11(2): a contract.
    pub contract: String,
    /// Art. 11(1): consent.
    pub consent: String,
    /// A duty by law.
    pub legal_obligation: String,
    /// Art. 11(3): rights and legitimate interests.
    pub legitimate_interest: String,
}

/// Categories of data (policy 6.1) in words, as they stand in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DataWords {
    /// IP address.
    pub ip_address: String,
    /// The browser, or another program.
    pub browser: String,
    /// Characteristics of hardware and software.
    pub hardware: String,
    /// Date and time of access.
    pub access_time: String,
    /// Addresses of the pages asked for.
    pub page_address: String,
    /// Cookie data.
    pub cookie: String,
    /// Location.
    pub location: String,
    /// Name.
    pub name: String,
    /// Phone number.
    pub phone: String,
    /// E-mail address.
    pub email: String,
}

/// How a day and a list are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Grammar {
    /// A day: `{day}`, `{month}`, `{year}`.
    pub date: String,
    /// The months from January on, as they stand in a date.
    pub months: [String; 12],
    /// Between the last two of a list, with its spaces.
    pub and: String,
}

/// What is said when something goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FailureTexts {
    /// The link that tries again.
    pub retry: String,
    /// The link to the settings.
    pub settings: String,
    /// The status under the message: `{status}`.
    pub status: String,
    /// 400.
    pub bad_request: FailureText,
    /// 403.
    pub forbidden: FailureText,
    /// 404.
    pub not_found: FailureText,
    /// 405.
    pub method_not_allowed: FailureText,
    /// 413.
    pub too_large: FailureText,
    /// 422; its message takes `{what}`.
    pub unknown_choice: FailureText,
    /// 500.
    pub internal: FailureText,
    /// 502.
    pub site_down: FailureText,
    /// 429 and 503.
    pub busy: FailureText,
    /// 504.
    pub site_slow: FailureText,
}

/// One failure's heading and message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FailureText {
    /// Heading.
    pub title: String,
    /// What happened and what the visitor can do.
    pub message: String,
}

impl Texts {
    /// A country in words, by its code.
    pub fn country(&self, code: &str) -> Option<&str> {
        self.countries.get(code).map(String::as_str)
    }

    /// A day in words. A month that no calendar has is written as a number.
    pub fn date(&self, date: Date) -> String {
        let number = date.month.to_string();
        let month =
            usize::from(date.month).checked_sub(1).and_then(|at| self.grammar.months.get(at));
        fill(
            &self.grammar.date,
            &[
                ("day", &date.day.to_string()),
                ("month", month.unwrap_or(&number)),
                ("year", &date.year.to_string()),
            ],
        )
    }

    /// `a, b and c`.
    pub fn list<'a>(&self, items: impl IntoIterator<Item = &'a str>) -> String {
        let items: Vec<&str> = items.into_iter().collect();
        match items.split_last() {
            None => String::new(),
            Some((only, [])) => (*only).to_owned(),
            Some((last, rest)) => rest.join(", ") + &self.grammar.and + last,
        }
    }

    /// What the settings say of a notice.
    pub(super) fn notice(&self, notice: Notice) -> &str {
        match notice {
            Notice::Saved => &self.notices.saved,
            Notice::Withdrawn => &self.notices.withdrawn,
            Notice::CookiesRefused => &self.notices.cookies_refused,
            Notice::SignalConflict => &self.notices.signal_conflict,
        }
    }

    /// What the settings say of a purpose that is asked.
    pub(super) fn state(&self, state: State) -> &str {
        match state {
            State::Permitted => &self.states.agreed,
            State::NotAsked => &self.states.not_asked,
            State::Declined => &self.states.declined,
            State::Withdrawn => &self.states.withdrawn,
            State::Expired => &self.states.expired,
            State::TermsChanged => &self.states.terms_changed,
            State::SignalledRefusal => &self.states.signalled_refusal,
            State::Undeclared => &self.states.undeclared,
            State::Suspended => &self.states.suspended,
            State::Unverified => &self.states.unverified,
        }
    }

    /// What is said of a failure.
    pub(super) fn failure(&self, failure: Failure<'_>) -> &FailureText {
        match failure {
            Failure::BadRequest => &self.failures.bad_request,
            Failure::Forbidden => &self.failures.forbidden,
            Failure::Unattested => &self.rights.unattested,
            Failure::NotFound => &self.failures.not_found,
            Failure::MethodNotAllowed => &self.failures.method_not_allowed,
            Failure::TooLarge => &self.failures.too_large,
            Failure::UnknownChoice(_) => &self.failures.unknown_choice,
            Failure::NotForgotten => &self.rights.not_forgotten,
            Failure::Internal => &self.failures.internal,
            Failure::SiteDown => &self.failures.site_down,
            Failure::TooMany | Failure::Busy => &self.failures.busy,
            Failure::SiteSlow => &self.failures.site_slow,
        }
    }
}

/// Fills the words in braces. What is filled in is not searched again.
pub(super) fn fill(text: &str, words: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let known = after.split_once('}').and_then(|(name, tail)| {
            words.iter().find(|(word, _)| *word == name).map(|(_, value)| (*value, tail))
        });
        if let Some((value, tail)) = known {
            filled.push_str(value);
            rest = tail;
        } else {
            filled.push('{');
            rest = after;
        }
    }
    filled + rest
}

#[cfg(test)]
pub(super) mod tests {
    use super::{Texts, fill};
    use crate::banner::view::Date;

    pub(in crate::banner) const FILES: [(&str, &str); 3] = [
        ("kk", include_str!("../../rules/texts/kk.toml")),
        ("ru", include_str!("../../rules/texts/ru.toml")),
        ("en", include_str!("../../rules/texts/en.toml")),
    ];

    pub(in crate::banner) fn texts(code: &str) -> Texts {
        let (_, file) = FILES.iter().find(|(name, _)| *name == code).expect("a shipped language");
        toml::from_str(file).expect("a shipped file")
    }

    #[test]
    fn the_shipped_languages_are_complete_and_without_problems() {
        for (code, _) in FILES {
            assert_eq!(texts(code).code, code);
            assert_eq!(texts(code).problems(), [], "{code}");
        }
    }

    #[test]
    fn the_languages_name_the_same_countries() {
        for (code, _) in FILES {
            assert!(texts(code).countries.keys().eq(texts("kk").countries.keys()), "{code}");
        }
    }

    #[test]
    fn a_missing_key_and_an_unknown_one_are_refused_by_name() {
        let file = FILES[2].1;
        let missing = file.replacen("decline =", "declined =", 1);
        let error = toml::from_str::<Texts>(&missing).expect_err("refused").to_string();
        assert!(error.contains("declined"), "{error}");
    }

    #[test]
    fn a_word_that_nothing_fills_is_a_problem() {
        let mut texts = texts("en");
        texts.banner.who = "{recipient} gets it".to_owned();
        texts.banner.agree = " ".to_owned();
        let problems: Vec<_> = texts.problems().into_iter().map(|(_, text)| text).collect();
        assert_eq!(
            problems,
            [
                "`banner.agree` is empty",
                "`banner.who` does not say `{recipients}`",
                "`banner.who` does not say `{data}`",
                "`banner.who`: unknown `{recipient}`; it takes {recipients}, {data}",
            ]
        );
    }

    #[test]
    fn days_and_lists_are_written_as_each_language_writes_them() {
        let date = Date { year: 2025, month: 10, day: 1 };
        assert_eq!(texts("kk").date(date), "2025 жылғы 1 қазан");
        assert_eq!(texts("ru").date(date), "1 октября 2025 года");
        assert_eq!(texts("en").date(date), "1 October 2025");
        assert_eq!(texts("kk").list(["a", "b", "c"]), "a, b және c");
        assert_eq!(texts("en").list(["a"]), "a");
        assert_eq!(texts("en").list([]), "");
    }

    #[test]
    fn what_is_filled_in_is_not_filled_again() {
        assert_eq!(fill("{a} {b} {c {a}", &[("a", "{b}"), ("b", "2")]), "{b} 2 {c {b}");
    }
}
