//! The terms of one purpose: what is agreed to when a visitor agrees.
//!
//! Terms are data, written in `rules/policy/<date>.toml`. Their digest covers the structure:
//! section, basis, categories, recipients, retention. It leaves the wording out, so that
//! a comma moved in one of three languages asks nobody again.
//!
//! An agreement is tied to the digest of its own purpose's terms: a change in 4.1 does not
//! void an agreement to 4.3.

use std::fmt;

use sha2::{Digest, Sha256};

use super::{Categories, Purpose};

/// The legal basis of a purpose (policy 5.2; Law 94-V, art. 11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Basis {
    /// Art. 11(2): a contract.
    Contract,
    /// Art. 11(1): the subject's consent.
    Consent,
    /// A duty laid down by law.
    LegalObligation,
    /// Art. 11(3): rights and legitimate interests.
    LegitimateInterest,
}

impl Basis {
    /// All bases.
    pub const ALL: [Basis; 4] =
        [Basis::Contract, Basis::Consent, Basis::LegalObligation, Basis::LegitimateInterest];

    /// The name used in rules and tables.
    pub const fn name(self) -> &'static str {
        match self {
            Basis::Contract => "contract",
            Basis::Consent => "consent",
            Basis::LegalObligation => "legal-obligation",
            Basis::LegitimateInterest => "legitimate-interest",
        }
    }
}

/// How long data of a purpose are kept (policy 3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// So many days.
    Days(u16),
    /// Until the purpose is met.
    UntilMet,
}

/// A recipient of data as the policy names it, e.g. `yandex-metrica` (policy 3.6).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecipientId(pub String);

impl RecipientId {
    /// The operator itself: its own cookies need no disclosure to anybody.
    pub const OPERATOR: &'static str = "operator";

    /// Whether this is the operator itself.
    pub fn is_operator(&self) -> bool {
        self.0 == Self::OPERATOR
    }
}

/// Who receives data, and where: moving data to another country changes the terms (Law 94-V,
/// art. 8(4): whether there is cross-border transfer).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Recipient {
    /// Who.
    pub id: RecipientId,
    /// ISO 3166-1 code of the country.
    pub country: String,
}

/// The digest of a purpose's terms: 16 bytes of SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct TermsDigest(pub [u8; 16]);

impl fmt::Display for TermsDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TermsDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TermsDigest({self})")
    }
}

/// What one purpose rests on, collects, discloses and keeps, in one policy version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The policy's clause, e.g. `4.3`.
    pub section: String,
    /// The legal basis.
    pub basis: Basis,
    /// The categories that may be collected.
    pub collects: Categories,
    /// Who receives them, besides the operator; sorted.
    pub recipients: Vec<Recipient>,
    /// How long they are kept.
    pub keep: Keep,
    /// The digest of all of the above, and of the purpose.
    pub digest: TermsDigest,
}

impl Terms {
    /// Puts terms together and computes their digest.
    pub fn new(
        purpose: Purpose,
        section: String,
        basis: Basis,
        collects: Categories,
        mut recipients: Vec<Recipient>,
        keep: Keep,
    ) -> Terms {
        recipients.sort();
        recipients.dedup();
        let mut terms =
            Terms { section, basis, collects, recipients, keep, digest: TermsDigest::default() };
        let hash = Sha256::digest(terms.canonical(purpose));
        terms.digest.0.copy_from_slice(&hash[..16]);
        terms
    }

    /// The text that the digest is taken of. It is archived with the record of consent, so
    /// that every digest in the record resolves to what was agreed to.
    pub fn canonical(&self, purpose: Purpose) -> String {
        let collects: Vec<_> = self.collects.iter().map(super::Category::name).collect();
        let recipients: Vec<_> =
            self.recipients.iter().map(|to| format!("{} ({})", to.id.0, to.country)).collect();
        let keep = match self.keep {
            Keep::Days(days) => format!("{days} days"),
            Keep::UntilMet => "until met".to_owned(),
        };
        format!(
            "terms v1\npurpose {purpose}\nsection {}\nbasis {}\ncollects {}\nrecipients {}\nkeep {keep}\n",
            self.section,
            self.basis.name(),
            collects.join(" "),
            recipients.join(" "),
        )
    }

    /// Whether the policy names `recipient` for this purpose.
    pub fn declares(&self, recipient: &RecipientId) -> bool {
        recipient.is_operator() || self.recipients.iter().any(|to| to.id == *recipient)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Category;

    fn terms(recipients: &[&str], keep: Keep) -> Terms {
        Terms::new(
            Purpose::Analytics,
            "4.3".to_owned(),
            Basis::Consent,
            [Category::IpAddress].into_iter().collect(),
            recipients
                .iter()
                .map(|id| Recipient { id: RecipientId((*id).to_owned()), country: "KZ".to_owned() })
                .collect(),
            keep,
        )
    }

    #[test]
    fn the_digest_follows_the_terms_and_not_the_order_they_were_written_in() {
        let first = terms(&["a", "b"], Keep::Days(365));
        assert_eq!(first.digest, terms(&["b", "a", "a"], Keep::Days(365)).digest);
        assert_ne!(first.digest, terms(&["a"], Keep::Days(365)).digest);
        assert_ne!(first.digest, terms(&["a", "b"], Keep::Days(364)).digest);
        assert_ne!(first.digest, terms(&["a", "b"], Keep::UntilMet).digest);
        let mut moved = first.clone();
        moved.recipients[0].country = "RU".to_owned();
        assert_ne!(first.canonical(Purpose::Analytics), moved.canonical(Purpose::Analytics));
    }

    #[test]
    fn the_operator_needs_no_declaration() {
        let terms = terms(&["yandex-metrica"], Keep::UntilMet);
        assert!(terms.declares(&RecipientId("operator".to_owned())));
        assert!(terms.declares(&RecipientId("yandex-metrica".to_owned())));
        assert!(!terms.declares(&RecipientId("google-ads".to_owned())));
    }
}
