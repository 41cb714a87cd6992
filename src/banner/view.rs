//! What the pages are told: words and borrowed strings, nothing else.
//!
//! The policy, the visitor and the verdicts have their own types, and the pages need none of their
//! rules. Whoever has them turns them into these, and finds the words in [`Texts`](super::Texts).
//!
//! Every value is legal, so every field is public. Strings are plain text: escaping them is the
//! pages' business, and no caller escapes anything.
//!
//! What is made of them stands in [`layer`](super::layer) and [`pages`](super::pages).

mod cookies;
mod documents;

pub use cookies::{Declaration, DeclaredCookie, DeclaredPurpose, Met, Provider, WithheldVendor};
pub use documents::{Change, Changed, Coming, PolicyPage, Standing, Version};
pub mod rights;

/// Who processes the data (policy 2.1), in the visitor's language.
#[derive(Debug, Clone, Copy)]
pub struct Operator<'a> {
    /// Legal name.
    pub name: &'a str,
    /// Business identification number (БСН), which the Law wants in every consent, art. 8(4).
    pub bin: &'a str,
    /// Postal address.
    pub address: &'a str,
    /// Telephone as it is read, such as `+7 (727) 312-36-11`.
    pub phone: &'a str,
    /// Where requests and withdrawals are sent by e-mail (policy 7.2, 7.7).
    pub email: &'a str,
}

/// One purpose of the policy (4.1 to 4.7), with its terms in words.
#[derive(Debug, Clone)]
pub struct Purpose<'a> {
    /// Its id in the rules, such as `analytics`: the form's field.
    pub id: &'a str,
    /// Its clause, such as `4.3`.
    pub section: &'a str,
    /// A few words.
    pub title: &'a str,
    /// The policy's own wording.
    pub text: &'a str,
    /// The legal basis in words, from [`BasisWords`](super::texts::BasisWords).
    pub basis: &'a str,
    /// What is collected, each in words, from [`DataWords`](super::texts::DataWords).
    pub data: Vec<&'a str>,
    /// Who receives it besides the operator.
    pub recipients: Vec<Recipient<'a>>,
    /// Whose code and cookies serve it: known by the rules, and named by the policy.
    pub vendors: Vec<&'a str>,
    /// For how many days data are kept; `None`: until the purpose is met (policy 3.4).
    pub keep_days: Option<u32>,
    /// Whether and where consent to it is asked.
    pub asked: Asked,
    /// What holds for this visitor now. Not read in the banner.
    pub state: State,
    /// When the visitor's choice was made and until when it counts. Not read in the banner.
    pub mark: Option<Mark>,
}

/// A recipient of data (policy 3.6).
#[derive(Debug, Clone, Copy)]
pub struct Recipient<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its country in words, from [`Texts::country`](super::Texts::country).
    pub country: &'a str,
    /// Whether that is another country than the operator's.
    pub abroad: bool,
}

/// Whether and where consent to a purpose is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Asked here: something loaded serves it. It stands in the banner and can be switched.
    Here,
    /// It rests on consent, but is asked where the data are given (4.5: at registration).
    Elsewhere,
    /// It rests on another basis (policy 5.2): explained, not switched.
    Never,
}

/// A verdict on one purpose, as the visitor is told of it.
///
/// The variants other than `Permitted` are the reasons for which a purpose is withheld.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The visitor agreed, or the purpose needs no agreement.
    Permitted,
    /// No choice yet.
    NotAsked,
    /// Declined.
    Declined,
    /// Agreed once, withdrawn since.
    Withdrawn,
    /// The choice's term is over.
    Expired,
    /// The purpose's terms are no longer those that were agreed to.
    TermsChanged,
    /// The browser refuses on the visitor's behalf (`Sec-GPC: 1`).
    SignalledRefusal,
    /// The policy does not name who would receive the data.
    Undeclared,
    /// The operator has stopped the purpose for everybody.
    Suspended,
    /// The choice could not be verified, so it counts as a refusal.
    Unverified,
}

/// When a choice was made and until when it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The day of the choice.
    pub at: Date,
    /// The day on which it ends.
    pub until: Date,
}

/// A calendar day; written in the visitor's language by [`Texts::date`](super::Texts::date).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date {
    /// Year, such as 2025.
    pub year: i16,
    /// Month, 1 to 12.
    pub month: u8,
    /// Day of the month, 1 to 31.
    pub day: u8,
}

/// A language that the visitor may switch to.
#[derive(Debug, Clone, Copy)]
pub struct Language<'a> {
    /// Its code, such as `kk`.
    pub code: &'a str,
    /// Its name in itself, such as «Қазақша».
    pub name: &'a str,
}

/// The settings page, `/.consent/`.
#[derive(Debug, Clone)]
pub struct Settings<'a> {
    /// Who processes the data.
    pub operator: Operator<'a>,
    /// The day on which the policy shown came into force.
    pub in_force: Date,
    /// All purposes, in the policy's order.
    pub purposes: &'a [Purpose<'a>],
    /// Whose code and cookies are known, and let pass for nobody: the policy does not name them.
    pub withheld: &'a [&'a str],
    /// Every language served, the current one included.
    pub languages: &'a [Language<'a>],
    /// Proves that the form was made for this visitor, where the browser says nothing else.
    pub token: &'a str,
    /// The digest of what is shown in this language: an answer to something else does not count.
    pub shown: &'a str,
    /// The page that the visitor came from: a path of this site, checked by the caller.
    pub return_to: &'a str,
    /// The short code of the visitor's consent id, if they have one.
    pub code: Option<&'a str>,
    /// What has just happened.
    pub notice: Option<Notice>,
    /// The record that the address names: of what has just happened, and after a withdrawal the only tie to it.
    pub record: Option<&'a str>,
    /// What followed, if it was a withdrawal.
    pub outcome: Option<rights::Outcome<'a>>,
    /// The keys in the browser's storage that nobody may keep any more, with spaces between; `_ym*`
    /// stands for all that begin so.
    pub forget: &'a str,
    /// Where the policy's full text stands, if that is known.
    pub document: Option<&'a str>,
    /// The versions that are announced, as their addresses have them, each with its day.
    pub announced: &'a [(String, Date)],
}

/// What the settings page says first, after something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// The choice is recorded.
    Saved,
    /// The consent is withdrawn.
    Withdrawn,
    /// The browser kept none of our cookies: no choice can be remembered, nothing is collected.
    CookiesRefused,
    /// The browser's signal (`Sec-GPC`) refuses what the visitor had agreed to.
    SignalConflict,
}

/// What went wrong, as the visitor is told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure<'a> {
    /// 400: the request cannot be understood.
    BadRequest,
    /// 403: the form was not sent from this site's own page.
    Forbidden,
    /// 403: an agreement that no person made.
    Unattested,
    /// 404: no such page under `/.consent/`.
    NotFound,
    /// 405: the page exists, the method does not.
    MethodNotAllowed,
    /// 413: the form is too large, or what is sent to the site.
    TooLarge,
    /// 422: a purpose or a choice that does not exist, named as it was sent.
    UnknownChoice(&'a str),
    /// 429: their address asks too often.
    TooMany,
    /// 500: our own mistake.
    Internal,
    /// 502: the site does not answer, or not in a way that can be passed on.
    SiteDown,
    /// 503: nothing could be destroyed.
    NotForgotten,
    /// 503: too much at once, or closing down.
    Busy,
    /// 504: the site did not answer in time.
    SiteSlow,
}

impl Failure<'_> {
    /// The status that goes with it.
    pub fn status(&self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Forbidden | Self::Unattested => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::TooLarge => 413,
            Self::UnknownChoice(_) => 422,
            Self::TooMany => 429,
            Self::Internal => 500,
            Self::SiteDown => 502,
            Self::NotForgotten | Self::Busy => 503,
            Self::SiteSlow => 504,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::{Asked, Operator, Purpose, Recipient, State};
    use crate::banner::Texts;

    pub(in crate::banner) const OPERATOR: Operator<'static> = Operator {
        name: "SENDBOX LLP",
        bin: "250740032757",
        address: "050065, Almaty",
        phone: "+7 (727) 312-36-11",
        email: "box@send-box.com",
    };

    /// Seven purposes shaped like the policy's; the third is asked.
    pub(in crate::banner) fn purposes(texts: &Texts) -> Vec<Purpose<'_>> {
        let purpose = |section, id, asked, state| Purpose {
            id,
            section,
            title: "Title",
            text: "Text",
            basis: &texts.basis.contract,
            data: vec![&texts.data.cookie, &texts.data.ip_address],
            recipients: Vec::new(),
            vendors: Vec::new(),
            keep_days: None,
            asked,
            state,
            mark: None,
        };
        let country = |code| texts.country(code).expect("a shipped country");
        let mut purposes = vec![
            purpose("4.1", "contract", Asked::Never, State::Permitted),
            purpose("4.2", "operation", Asked::Never, State::Permitted),
            purpose("4.3", "analytics", Asked::Here, State::NotAsked),
            purpose("4.4", "scoring", Asked::Never, State::Permitted),
            purpose("4.5", "marketing", Asked::Elsewhere, State::NotAsked),
            purpose("4.6", "subject-requests", Asked::Never, State::Permitted),
            purpose("4.7", "security", Asked::Never, State::Permitted),
        ];
        purposes[2].basis = &texts.basis.consent;
        purposes[2].recipients = vec![
            Recipient { name: "Yandex.Metrica", country: country("RU"), abroad: true },
            Recipient { name: "Google Analytics", country: country("US"), abroad: true },
        ];
        purposes[2].vendors = vec!["Yandex.Metrica", "Google Tag Manager"];
        purposes
    }
}
