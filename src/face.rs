//! What visitors see of the gateway, prepared from the rules.
//!
//! For each policy version and language: the banner, the control, and the digest of what is
//! shown, under which choices are recorded. Rendering happens here, when rules are loaded; a
//! request fills in three strings.
//!
//! The words themselves are `banner`'s; this file turns the policy's terms into them, and
//! `coming` what a version changes of them.

mod coming;

pub mod statement;

use self::statement::Statement;
use crate::banner::view::{Asked, Date, Operator, Purpose as Card, Recipient, State};
use crate::banner::{Control, Layer, Notice, Style, Texts};
use crate::policy::{
    Basis, Category, Keep, PolicyVersion, Purpose, Reason, RecipientId, TextDigest, Verdict,
};
use crate::rules::{self, PolicyWording, RuleSet, Vendor};
use crate::time::Day;

pub use self::coming::coming;

/// What is shown to visitors of one language under one policy version.
#[derive(Debug)]
pub struct Face {
    /// The banner; none where nothing is asked.
    pub layer: Option<Layer>,
    /// The control; none where the site links the settings itself.
    pub control: Option<Control>,
    /// The notice of this version while it is announced; none of the first, before which there was none.
    pub notice: Option<Notice>,
    /// The digest of what is shown when asking; zero where nothing is asked.
    pub shown: TextDigest,
    /// All that a consent has to say, as data.
    pub statement: Statement,
    /// The digest of it.
    pub stated: TextDigest,
}

impl Face {
    /// Prepares the face of one version in one language.
    pub fn new(rules: &RuleSet, policy: &PolicyVersion, texts: &Texts, style: &Style) -> Face {
        let operator = operator(&rules.site.operator, &texts.code);
        let cards = cards(rules, policy, texts);
        let has_control = rules.site.control == rules::Control::Button;
        let control = has_control.then(|| Control::new(texts, style));
        let layer = Layer::new(texts, &operator, &cards, style, control.as_ref());
        let shown = layer.as_ref().map(Layer::digest).unwrap_or_default();
        let notice = coming(rules, policy, texts).map(|coming| Notice::new(texts, style, &coming));
        let statement = Statement::new(rules, policy, texts);
        let stated = statement.digest();
        Face { layer, control, notice, shown: TextDigest(shown), statement, stated }
    }
}

/// The operator in words of one language.
pub fn operator<'a>(operator: &'a rules::Operator, language: &str) -> Operator<'a> {
    Operator {
        name: operator.name.get(language),
        bin: &operator.bin,
        address: operator.address.get(language),
        phone: &operator.phone,
        email: &operator.email,
    }
}

/// The seven purposes in words, as a stranger would see them: nothing chosen yet.
pub fn cards<'a>(rules: &'a RuleSet, policy: &'a PolicyVersion, texts: &'a Texts) -> Vec<Card<'a>> {
    let Some(wording) = rules.wording.get(&policy.in_force) else { return Vec::new() };
    let asked: Vec<Purpose> = rules.asked(policy).collect();
    let card = |purpose: Purpose| {
        let terms = &policy.terms[purpose];
        let asked = match terms.basis {
            Basis::Consent if asked.contains(&purpose) => Asked::Here,
            Basis::Consent => Asked::Elsewhere,
            _ => Asked::Never,
        };
        Card {
            id: purpose.name(),
            section: &terms.section,
            title: wording.purposes[purpose].title.get(&texts.code),
            text: wording.purposes[purpose].text.get(&texts.code),
            basis: basis_word(terms.basis, texts),
            data: terms.collects.iter().map(|category| data_word(category, texts)).collect(),
            recipients: recipients(&terms.recipients, wording, texts),
            vendors: vendors(rules, &texts.code, |vendor| {
                vendor.purpose == purpose && is_declared(policy, vendor)
            }),
            keep_days: match terms.keep {
                Keep::Days(days) => Some(u32::from(days)),
                Keep::UntilMet => None,
            },
            asked,
            state: if asked == Asked::Never { State::Permitted } else { State::NotAsked },
            mark: None,
        }
    };
    Purpose::ALL.into_iter().map(card).collect()
}

/// Where a version's full text stands, if the operator says so.
pub fn document<'a>(rules: &'a RuleSet, policy: &PolicyVersion, language: &str) -> Option<&'a str> {
    let wording = rules.wording.get(&policy.in_force)?;
    wording.document.as_ref().map(|document| document.get(language))
}

/// The vendors whose tags and cookies nobody gets, whatever they chose: the policy does not name them.
pub fn withheld<'a>(rules: &'a RuleSet, policy: &PolicyVersion, language: &str) -> Vec<&'a str> {
    vendors(rules, language, |vendor| vendor.withholds() && !is_declared(policy, vendor))
}

fn is_declared(policy: &PolicyVersion, vendor: &Vendor) -> bool {
    policy.terms[vendor.purpose].declares(&vendor.recipient)
}

/// The names of some vendors, none of which is the operator, each once and in order.
fn vendors<'a>(rules: &'a RuleSet, language: &str, of: impl Fn(&Vendor) -> bool) -> Vec<&'a str> {
    let chosen =
        rules.vendors.iter().filter(|vendor| !vendor.recipient.is_operator() && of(vendor));
    let mut names: Vec<_> = chosen.map(|vendor| vendor.name_in(language)).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The operator's, to which art. 8(4) of the Law looks when it asks whether data leave the country.
const HOME: &str = "KZ";

fn recipients<'a>(
    declared: &[crate::policy::Recipient],
    wording: &'a PolicyWording,
    texts: &'a Texts,
) -> Vec<Recipient<'a>> {
    declared.iter().filter_map(|to| worded(wording, &to.id, texts)).collect()
}

/// One recipient, if the policy's wording has it.
pub fn recipient<'a>(
    rules: &'a RuleSet,
    policy: &PolicyVersion,
    id: &RecipientId,
    texts: &'a Texts,
) -> Option<Recipient<'a>> {
    worded(rules.wording.get(&policy.in_force)?, id, texts)
}

fn worded<'a>(
    wording: &'a PolicyWording,
    id: &RecipientId,
    texts: &'a Texts,
) -> Option<Recipient<'a>> {
    let recipient = wording.recipients.get(&id.0)?;
    Some(Recipient {
        name: recipient.name.get(&texts.code),
        country: texts.country(&recipient.country).unwrap_or(&recipient.country),
        abroad: recipient.country != HOME,
    })
}

fn basis_word(basis: Basis, texts: &Texts) -> &str {
    match basis {
        Basis::Contract => &texts.basis.contract,
        Basis::Consent => &texts.basis.consent,
        Basis::LegalObligation => &texts.basis.legal_obligation,
        Basis::LegitimateInterest => &texts.basis.legitimate_interest,
    }
}

fn data_word(category: Category, texts: &Texts) -> &str {
    let words = &texts.data;
    match category {
        Category::IpAddress => &words.ip_address,
        Category::Browser => &words.browser,
        Category::Hardware => &words.hardware,
        Category::AccessTime => &words.access_time,
        Category::PageAddress => &words.page_address,
        Category::Cookie => &words.cookie,
        Category::Location => &words.location,
        Category::Name => &words.name,
        Category::Phone => &words.phone,
        Category::Email => &words.email,
    }
}

/// A verdict as the visitor is told of it.
pub fn state(verdict: &Verdict) -> State {
    match verdict {
        Verdict::Permit(_) => State::Permitted,
        Verdict::Withhold(reason) => match reason {
            Reason::NotAsked => State::NotAsked,
            Reason::Declined => State::Declined,
            Reason::Withdrawn => State::Withdrawn,
            Reason::Expired => State::Expired,
            Reason::TermsChanged => State::TermsChanged,
            Reason::SignalledRefusal => State::SignalledRefusal,
            Reason::Undeclared => State::Undeclared,
            Reason::Suspended => State::Suspended,
            Reason::Unverified => State::Unverified,
        },
    }
}

/// A day as pages write it.
pub fn date(day: Day) -> Date {
    let (year, month, day) = day.calendar();
    Date { year, month, day }
}
