//! The fields of a receipt, from which its JSON Schema is made.
//!
//! Names are those of W3C DPV and Dublin Core, after the guide to ISO/IEC TS 27560:2023 in DPV; what no
//! vocabulary has is under `kelisim:`.
//!
//! No number that is not whole and no key that is not ASCII stands in one: what is signed is then one form of
//! the text ([`super::proof`]).
//!
//! They are filled in by [`super::receipt`].

use schemars::JsonSchema;
use serde::Serialize;

/// A receipt.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Receipt {
    /// What the names below stand for.
    #[serde(rename = "@context")]
    pub(super) context: Context,
    /// The receipt.
    #[serde(rename = "@id")]
    pub(super) id: String,
    /// `dpv:ConsentReceipt`.
    #[serde(rename = "@type")]
    pub(super) kind: String,
    /// The version of its schema.
    #[serde(rename = "dct:conformsTo")]
    pub(super) conforms_to: String,
    /// The receipt's id.
    #[serde(rename = "dct:identifier")]
    pub(super) identifier: String,
    /// When it was given out.
    #[serde(rename = "dct:created")]
    pub(super) created: String,
    /// The record that it is a copy of.
    #[serde(rename = "dct:source")]
    pub(super) record: Record,
    /// What it is signed by; put in when all else is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Proof")]
    pub(super) proof: Option<Proof>,
}

/// Prefixes.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Context {
    /// Data Privacy Vocabulary.
    pub(super) dpv: String,
    /// Dublin Core terms.
    pub(super) dct: String,
    /// What only this gateway knows.
    pub(super) kelisim: String,
}

/// A record of consent: one event, with all that was said to whom it is.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    #[serde(rename = "@id")]
    pub(super) id: String,
    /// `dpv:ConsentRecord`.
    #[serde(rename = "@type")]
    pub(super) kind: String,
    #[serde(rename = "dct:conformsTo")]
    pub(super) conforms_to: String,
    /// The record's id.
    #[serde(rename = "dct:identifier")]
    pub(super) identifier: String,
    /// When it happened.
    #[serde(rename = "dct:date")]
    pub(super) date: String,
    /// Whose choice it was, if they have a consent id: who refuses everything has none.
    #[serde(rename = "dpv:hasDataSubject", skip_serializing_if = "Option::is_none")]
    pub(super) subject: Option<Subject>,
    /// What was shown.
    #[serde(rename = "dpv:hasNotice")]
    pub(super) notice: Notice,
    /// Who processes the data.
    #[serde(rename = "dpv:hasDataController")]
    pub(super) controller: Controller,
    /// Under whose law.
    #[serde(rename = "dpv:hasJurisdiction")]
    pub(super) jurisdiction: String,
    /// For what, and what was chosen.
    #[serde(rename = "dpv:hasProcess")]
    pub(super) processes: Vec<Process>,
    /// Choices that were made under other terms and count on.
    #[serde(rename = "kelisim:underOtherTerms", default, skip_serializing_if = "Vec::is_empty")]
    pub(super) others: Vec<Other>,
    /// How a consent is taken back.
    #[serde(rename = "dpv:hasConsentControl")]
    pub(super) control: Control,
    /// What the person may ask for.
    #[serde(rename = "dpv:hasRight")]
    pub(super) right: String,
    /// That data are not made public, and where they are stored.
    #[serde(rename = "kelisim:publication")]
    pub(super) publication: String,
    /// Who expressed it: `dpv:DataSubject`.
    #[serde(rename = "dpv:isImplementedByEntity")]
    pub(super) expressed_by: String,
    /// Whether their browser says that a person did: `attested`, `unattested`, `unknown`.
    #[serde(rename = "kelisim:attestation")]
    pub(super) attestation: String,
    /// In which way: `banner`, `form`, `settings`, `api`.
    #[serde(rename = "kelisim:way")]
    pub(super) way: String,
    /// What the browser signalled by itself (Global Privacy Control): `silent`, `refuses`.
    #[serde(rename = "kelisim:signal")]
    pub(super) signal: String,
}

/// A person, by their consent id.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Subject {
    #[serde(rename = "@type")]
    pub(super) kind: String,
    #[serde(rename = "dct:identifier")]
    pub(super) identifier: String,
}

/// What was shown, by digests (SHA-256, 128 bits): the record's archive holds what they are of.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Notice {
    #[serde(rename = "@type")]
    pub(super) kind: String,
    /// BCP 47.
    #[serde(rename = "dct:language")]
    pub(super) language: String,
    /// The policy version, by the day on which it came into force.
    #[serde(rename = "dct:hasVersion")]
    pub(super) version: String,
    /// Of the wording, the stylesheet and the script.
    #[serde(rename = "kelisim:shown")]
    #[schemars(regex(pattern = "^[0-9a-f]{32}$"))]
    pub(super) shown: String,
    /// Of all that was stated.
    #[serde(rename = "kelisim:statement")]
    #[schemars(regex(pattern = "^[0-9a-f]{32}$"))]
    pub(super) statement: String,
}

/// The operator.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Controller {
    #[serde(rename = "@type")]
    pub(super) kind: String,
    #[serde(rename = "dpv:hasName")]
    pub(super) name: String,
    /// The business identification number.
    #[serde(rename = "dct:identifier")]
    #[schemars(regex(pattern = "^[0-9]{12}$"))]
    pub(super) identifier: String,
    #[serde(rename = "dpv:hasAddress")]
    pub(super) address: String,
    /// Telephone and e-mail.
    #[serde(rename = "dpv:hasContact")]
    pub(super) contact: Vec<String>,
}

/// One purpose, with its terms and what was chosen.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Process {
    #[serde(rename = "@type")]
    pub(super) kind: String,
    #[serde(rename = "dpv:hasPurpose")]
    pub(super) purpose: Purpose,
    #[serde(rename = "dpv:hasLegalBasis")]
    pub(super) basis: Basis,
    /// The categories of data.
    #[serde(rename = "dpv:hasPersonalData")]
    pub(super) data: Vec<Data>,
    /// How they are processed.
    #[serde(rename = "dpv:hasProcessing")]
    pub(super) processing: Vec<String>,
    #[serde(rename = "dpv:hasStorageCondition")]
    pub(super) storage: Storage,
    #[serde(rename = "dpv:hasRecipient")]
    pub(super) recipients: Vec<Recipient>,
    #[serde(rename = "dpv:hasConsentStatus")]
    pub(super) status: Status,
    /// The digest of the terms, which cover all of the above.
    #[serde(rename = "kelisim:terms")]
    #[schemars(regex(pattern = "^[0-9a-f]{32}$"))]
    pub(super) terms: String,
}

/// A purpose.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Purpose {
    #[serde(rename = "@type")]
    pub(super) kind: String,
    /// Its name in the rules.
    #[serde(rename = "dct:identifier")]
    pub(super) identifier: String,
    /// The clause of the policy.
    #[serde(rename = "dct:isPartOf")]
    pub(super) section: String,
    #[serde(rename = "dct:title")]
    pub(super) title: String,
    #[serde(rename = "dct:description")]
    pub(super) description: String,
}

/// A legal basis.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Basis {
    #[serde(rename = "@type")]
    #[schemars(extend("enum" = ["dpv:Contract", "dpv:ExpressedConsent", "dpv:LegalObligation", "dpv:LegitimateInterest"]))]
    pub(super) kind: String,
    #[serde(rename = "dct:description")]
    pub(super) description: String,
}

/// A category of data.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Data {
    #[serde(rename = "@type")]
    pub(super) kind: String,
    #[serde(rename = "dct:identifier")]
    pub(super) identifier: String,
    #[serde(rename = "dct:title")]
    pub(super) title: String,
}

/// For how long, and where.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Storage {
    #[serde(rename = "@type")]
    pub(super) kind: String,
    /// As ISO 8601 writes it, `P365D`; absent: until the purpose is met.
    #[serde(rename = "dpv:hasDuration", skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^P[0-9]+D$"))]
    pub(super) duration: Option<String>,
    /// The country.
    #[serde(rename = "dpv:hasLocation")]
    pub(super) location: String,
}

/// Who receives data.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Recipient {
    #[serde(rename = "@type")]
    pub(super) kind: String,
    #[serde(rename = "dct:identifier")]
    pub(super) identifier: String,
    #[serde(rename = "dpv:hasName")]
    pub(super) name: String,
    /// ISO 3166-1. Another than that of the jurisdiction is a transfer abroad.
    #[serde(rename = "dpv:hasJurisdiction")]
    #[schemars(regex(pattern = "^[A-Z]{2}$"))]
    pub(super) jurisdiction: String,
}

/// What was chosen.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Status {
    #[serde(rename = "@type")]
    #[schemars(extend("enum" = ["dpv:ConsentGiven", "dpv:ConsentRefused", "dpv:ConsentWithdrawn"]))]
    pub(super) kind: String,
    /// Until when it counts.
    #[serde(rename = "dct:valid")]
    pub(super) valid: String,
}

/// A choice under terms that this receipt does not tell.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Other {
    #[serde(rename = "dct:identifier")]
    pub(super) purpose: String,
    #[serde(rename = "dpv:hasConsentStatus")]
    pub(super) status: Status,
    #[serde(rename = "kelisim:terms")]
    pub(super) terms: String,
}

/// How a consent is taken back.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Control {
    /// `dpv:WithdrawConsent`.
    #[serde(rename = "@type")]
    pub(super) kind: String,
    /// Where: the address of the settings, and one for letters.
    #[serde(rename = "dct:references")]
    #[schemars(inner(url))]
    pub(super) references: Vec<String>,
}

/// W3C Data Integrity.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Proof {
    #[serde(rename = "@context")]
    pub(super) context: Context,
    #[serde(rename = "type")]
    #[schemars(extend("const" = "DataIntegrityProof"))]
    pub(super) kind: String,
    #[schemars(extend("const" = "eddsa-jcs-2022"))]
    pub(super) cryptosuite: String,
    pub(super) created: String,
    #[serde(rename = "verificationMethod")]
    #[schemars(regex(pattern = "^did:key:z[1-9A-HJ-NP-Za-km-z]+#z[1-9A-HJ-NP-Za-km-z]+$"))]
    pub(super) verification_method: String,
    #[serde(rename = "proofPurpose")]
    #[schemars(extend("const" = "assertionMethod"))]
    pub(super) purpose: String,
    #[serde(rename = "proofValue")]
    #[schemars(regex(pattern = "^z[1-9A-HJ-NP-Za-km-z]+$"))]
    pub(super) value: String,
}
