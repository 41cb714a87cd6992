//! The statement: all that a consent has to say, in one language, as data.
//!
//! The Law wants a consent to name the operator and its number, the term, whether third parties receive
//! data and where, whether data are made public, and the list of data (art. 8(4)). A banner says it in
//! sentences and across layers. So it is put down here once more, for each policy version and language,
//! and archived by its digest: each row of the record names the statement that its choice was made under.
//!
//! Receipts are made of a row and its statement alone, so one can be given years later, under whatever
//! policy was in force then.
//!
//! The words are those of [`super::cards`], which pages are made of, too.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{cards, operator};
use crate::banner::Texts;
use crate::policy::{Keep, PolicyVersion, Purpose, TextDigest};
use crate::rules::RuleSet;

/// Where the operator is established, and under whose law it acts.
pub const JURISDICTION: &str = "KZ";

/// What was stated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Statement {
    /// In which language (BCP 47).
    pub language: String,
    /// Under which policy version, by its day.
    pub policy: String,
    /// Who processes the data.
    pub operator: StatedOperator,
    /// For what, with the terms of each.
    pub purposes: Vec<StatedPurpose>,
    /// How long a choice counts.
    pub term: String,
    /// That data are not made public, and where they are stored.
    pub publication: String,
    /// What can be done by letter: withdraw, ask, correct, delete.
    pub rights: String,
    /// What a refusal costs.
    pub refusal: String,
}

/// The operator's particulars.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StatedOperator {
    /// Legal name.
    pub name: String,
    /// Business identification number.
    pub bin: String,
    /// Postal address.
    pub address: String,
    /// Telephone.
    pub phone: String,
    /// Where requests are sent.
    pub email: String,
}

/// One purpose with its terms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StatedPurpose {
    /// Its name in the rules.
    pub id: String,
    /// Its clause in the policy.
    pub section: String,
    /// In a few words.
    pub title: String,
    /// In the policy's words.
    pub text: String,
    /// The legal basis, by its name in the rules.
    pub basis: String,
    /// The same in words.
    pub basis_text: String,
    /// What is collected.
    pub data: Vec<Stated>,
    /// Who receives it besides the operator.
    pub recipients: Vec<StatedRecipient>,
    /// For how many days it is kept; without a number until the purpose is met (policy 3.4).
    pub keep_days: Option<u16>,
    /// The digest of these terms.
    pub terms: String,
}

/// Something with a name in the rules and one for readers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stated {
    /// In the rules.
    pub id: String,
    /// For readers.
    pub name: String,
}

/// A recipient, and where the data go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StatedRecipient {
    /// In the rules.
    pub id: String,
    /// For readers.
    pub name: String,
    /// ISO 3166-1 code of the country.
    pub country: String,
    /// The country in words.
    pub country_name: String,
}

impl Statement {
    /// What is stated under a policy version in a language.
    pub fn new(rules: &RuleSet, policy: &PolicyVersion, texts: &Texts) -> Statement {
        let operator = operator(&rules.site.operator, &texts.code);
        let shown = cards(rules, policy, texts);
        let purposes = Purpose::ALL.into_iter().zip(shown).map(|(purpose, card)| {
            let terms = &policy.terms[purpose];
            let data = terms.collects.iter().zip(&card.data);
            let recipients = terms.recipients.iter().zip(&card.recipients);
            StatedPurpose {
                id: card.id.to_owned(),
                section: card.section.to_owned(),
                title: card.title.to_owned(),
                text: card.text.to_owned(),
                basis: terms.basis.name().to_owned(),
                basis_text: card.basis.to_owned(),
                data: data
                    .map(|(category, name)| Stated {
                        id: category.name().to_owned(),
                        name: (*name).to_owned(),
                    })
                    .collect(),
                recipients: recipients
                    .map(|(to, shown)| StatedRecipient {
                        id: to.id.0.clone(),
                        name: shown.name.to_owned(),
                        country: to.country.clone(),
                        country_name: shown.country.to_owned(),
                    })
                    .collect(),
                keep_days: match terms.keep {
                    Keep::Days(days) => Some(days),
                    Keep::UntilMet => None,
                },
                terms: terms.digest.to_string(),
            }
        });
        Statement {
            language: texts.code.clone(),
            policy: policy.in_force.to_string(),
            operator: StatedOperator {
                name: operator.name.to_owned(),
                bin: operator.bin.to_owned(),
                address: operator.address.to_owned(),
                phone: operator.phone.to_owned(),
                email: operator.email.to_owned(),
            },
            purposes: purposes.collect(),
            term: texts.settings.term.clone(),
            publication: texts.settings.never.clone(),
            rights: texts.settings.write.replace("{subject}", &texts.settings.subject),
            refusal: texts.settings.cost.clone(),
        }
    }

    /// The text that is archived.
    pub fn content(&self) -> String {
        serde_json::to_string(self).expect("strings and numbers are JSON")
    }

    /// SHA-256 of what is archived, cut to 16 bytes.
    pub fn digest(&self) -> TextDigest {
        let mut digest = [0; 16];
        digest.copy_from_slice(&Sha256::digest(self.content())[..16]);
        TextDigest(digest)
    }

    /// What is stated of one purpose.
    pub fn purpose(&self, id: &str) -> Option<&StatedPurpose> {
        self.purposes.iter().find(|purpose| purpose.id == id)
    }
}
