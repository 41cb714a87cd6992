//! A receipt: what a person can keep of a choice, and show to others.
//!
//! It holds the fields of a consent record by ISO/IEC TS 27560:2023 in the words of the W3C's Data Privacy
//! Vocabulary (DPV), as JSON-LD, and is signed ([`proof`]). A refusal and a withdrawal have receipts, too.
//!
//! It is made of a row of the record and of the statement that the row names, and of nothing that is in force
//! today but the address at which consent is withdrawn: it can be given again as long as the row is there.
//!
//! Choices that were made under other terms than those of the statement are listed by digest alone: what they
//! say, their own receipt says.

mod fields;
pub mod proof;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};
use uuid::Uuid;

use self::fields::{
    Basis, Context, Control, Controller, Data, Notice, Other, Process, Purpose, Receipt, Recipient,
    Record, Status, Storage, Subject,
};
use crate::face::statement::{JURISDICTION, StatedPurpose, Statement};
use crate::store::signer::Signer;
use crate::store::{Row, RowChoice};
use crate::time::Time;

/// The profiles of ISO/IEC TS 27560 in DPV.
const RECEIPT: &str = "https://w3id.org/dpv/schema/dpv-27560#receipt";
const RECORD: &str = "https://w3id.org/dpv/schema/dpv-27560#record";

/// The receipt of an event, signed. Nothing for one of before statements were archived.
pub fn receipt(
    row: &Row,
    statement: &Statement,
    settings: &str,
    signer: &Signer,
    id: Uuid,
    now: Time,
) -> Option<Map<String, Value>> {
    let receipt = Receipt {
        context: Context {
            dpv: "https://w3id.org/dpv#".to_owned(),
            dct: "http://purl.org/dc/terms/".to_owned(),
            kelisim: "urn:kelisim:".to_owned(),
        },
        id: id.urn().to_string(),
        kind: "dpv:ConsentReceipt".to_owned(),
        conforms_to: RECEIPT.to_owned(),
        identifier: id.to_string(),
        created: now.to_string(),
        record: record(row, statement, settings)?,
        proof: None,
    };
    match serde_json::to_value(receipt) {
        Ok(Value::Object(fields)) => Some(proof::sign(fields, signer, now)),
        _ => None,
    }
}

/// The one form in which a receipt is given out.
pub fn content(receipt: &Map<String, Value>) -> Vec<u8> {
    proof::canonical(receipt)
}

fn record(row: &Row, statement: &Statement, settings: &str) -> Option<Record> {
    let operator = &statement.operator;
    let (mut processes, mut others) = (Vec::new(), Vec::new());
    for choice in &row.choices {
        let stated = statement.purpose(&choice.purpose);
        match stated.filter(|stated| stated.terms == choice.terms) {
            Some(stated) => processes.push(process(stated, choice)),
            None => others.push(Other {
                purpose: choice.purpose.clone(),
                status: status(choice),
                terms: choice.terms.clone(),
            }),
        }
    }
    let subject = row.visitor.map(|id| Subject {
        kind: "dpv:DataSubject".to_owned(),
        identifier: Uuid::from_u128(id.0).to_string(),
    });
    Some(Record {
        id: format!("urn:uuid:{}", row.record),
        kind: "dpv:ConsentRecord".to_owned(),
        conforms_to: RECORD.to_owned(),
        identifier: row.record.clone(),
        date: row.at.clone(),
        subject,
        notice: Notice {
            kind: "dpv:ConsentNotice".to_owned(),
            language: statement.language.clone(),
            version: row.policy.clone(),
            shown: row.shown.clone(),
            statement: row.statement.clone()?,
        },
        controller: Controller {
            kind: "dpv:DataController".to_owned(),
            name: operator.name.clone(),
            identifier: operator.bin.clone(),
            address: operator.address.clone(),
            contact: vec![operator.phone.clone(), operator.email.clone()],
        },
        jurisdiction: JURISDICTION.to_owned(),
        processes,
        others,
        control: Control {
            kind: "dpv:WithdrawConsent".to_owned(),
            references: vec![settings.to_owned(), format!("mailto:{}", operator.email)],
        },
        right: statement.rights.clone(),
        publication: statement.publication.clone(),
        expressed_by: "dpv:DataSubject".to_owned(),
        attestation: row.attestation.clone()?,
        way: row.way.clone(),
        signal: row.signal.clone(),
    })
}

fn process(stated: &StatedPurpose, choice: &RowChoice) -> Process {
    let data = stated.data.iter().map(|data| Data {
        kind: "dpv:PersonalData".to_owned(),
        identifier: data.id.clone(),
        title: data.name.clone(),
    });
    let recipients = stated.recipients.iter().map(|to| Recipient {
        kind: "dpv:ThirdParty".to_owned(),
        identifier: to.id.clone(),
        name: to.name.clone(),
        jurisdiction: to.country.clone(),
    });
    let methods = ["dpv:Collect", "dpv:Record", "dpv:Store", "dpv:Use", "dpv:Erase"];
    let discloses = (!stated.recipients.is_empty()).then_some("dpv:Disclose");
    Process {
        kind: "dpv:Process".to_owned(),
        purpose: Purpose {
            kind: "dpv:Purpose".to_owned(),
            identifier: stated.id.clone(),
            section: stated.section.clone(),
            title: stated.title.clone(),
            description: stated.text.clone(),
        },
        basis: Basis {
            kind: match stated.basis.as_str() {
                "contract" => "dpv:Contract",
                "legal-obligation" => "dpv:LegalObligation",
                "legitimate-interest" => "dpv:LegitimateInterest",
                _ => "dpv:ExpressedConsent",
            }
            .to_owned(),
            description: stated.basis_text.clone(),
        },
        data: data.collect(),
        processing: methods.into_iter().chain(discloses).map(str::to_owned).collect(),
        storage: Storage {
            kind: "dpv:StorageCondition".to_owned(),
            duration: stated.keep_days.map(|days| format!("P{days}D")),
            location: JURISDICTION.to_owned(),
        },
        recipients: recipients.collect(),
        status: status(choice),
        terms: stated.terms.clone(),
    }
}

fn status(choice: &RowChoice) -> Status {
    let kind = match choice.state.as_str() {
        "agreed" => "dpv:ConsentGiven",
        "withdrawn" => "dpv:ConsentWithdrawn",
        _ => "dpv:ConsentRefused",
    };
    Status { kind: kind.to_owned(), valid: choice.until.clone() }
}

/// The JSON Schema of a receipt (draft 7, as those of rule files).
pub fn schema() -> String {
    let mut settings = SchemaSettings::draft07();
    settings.inline_subschemas = true;
    let schema = settings.into_generator().into_root_schema_for::<Receipt>();
    format!("{:#}\n", schema.to_value())
}
