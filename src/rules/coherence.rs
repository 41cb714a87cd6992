//! What is wrong between files that are each right by themselves.
//!
//! A missing file, a purpose on the wrong basis or a pattern that is too wide loses protection
//! without a word. What can be seen of that is a problem here, before it is one for visitors.

use std::collections::BTreeMap;

use super::lists::List;
use super::problem::Problem;
use super::vendor::Vendor;
use crate::banner::Texts;
use crate::policy::{Basis, Keep, PolicyVersion, Purpose, RecipientId};
use crate::rules::LOGGED;

/// All that is wrong between vendors, policy versions and texts, each with its file. `all_read` says
/// whether every file could be read.
pub(super) fn problems(
    vendors: &[Vendor],
    lists: &[List],
    versions: &[(String, PolicyVersion)],
    texts: &BTreeMap<String, Texts>,
    all_read: bool,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    for claim in vendors.iter().map(Claim::of_vendor).chain(lists.iter().map(Claim::of_list)) {
        problems.extend(misspelt_recipient(claim, versions));
        problems.extend(other_purpose(claim, versions));
    }
    for vendor in vendors {
        // Of texts that could not be read it is not known whose language they are in.
        problems.extend(all_read.then(|| vendor.misnamed(texts)).into_iter().flatten());
        problems.extend(operators_tags(vendor));
        problems.extend(operators_keys(vendor));
        problems.extend(cookies_of_others(vendor, vendors));
    }
    for (path, version) in versions {
        for text in of_version(vendors, version, all_read) {
            problems.push(Problem { path: path.clone(), line: 0, text });
        }
    }
    problems
}

/// What a file says of who receives data, and what for.
#[derive(Clone, Copy)]
struct Claim<'a> {
    path: &'a str,
    line: usize,
    purpose: Purpose,
    recipient: &'a RecipientId,
}

impl Claim<'_> {
    fn of_vendor(vendor: &Vendor) -> Claim<'_> {
        let Vendor { path, recipient_line, purpose, recipient, .. } = vendor;
        Claim { path, line: *recipient_line, purpose: *purpose, recipient }
    }

    fn of_list(list: &List) -> Claim<'_> {
        let List { path, recipient_line, purpose, recipient, .. } = list;
        Claim { path, line: *recipient_line, purpose: *purpose, recipient }
    }

    fn problem(self, text: String) -> Problem {
        Problem { path: self.path.to_owned(), line: self.line, text }
    }
}

fn of_vendor(vendor: &Vendor, text: String) -> Problem {
    Claim::of_vendor(vendor).problem(text)
}

/// A vendor whose recipient no policy names is withheld for ever. That is right for one that
/// is meant so, and a silent loss for one that is misspelt.
fn misspelt_recipient(claim: Claim<'_>, versions: &[(String, PolicyVersion)]) -> Option<Problem> {
    let given = claim.recipient.0.as_str();
    let declared = || {
        let recipients = versions.iter().flat_map(|(_, version)| version.terms.iter());
        recipients
            .flat_map(|(_, terms)| terms.recipients.iter().map(|to| to.id.0.as_str()))
            .chain([RecipientId::OPERATOR])
    };
    if declared().any(|name| name == given) {
        return None;
    }
    let near = declared().find(|name| strsim::damerau_levenshtein(given, name) <= 2)?;
    Some(claim.problem(format!("recipient `{given}` is in no policy; did you mean `{near}`?")))
}

/// A recipient that the policy names for another purpose alone: the vendor would be withheld
/// from everybody, whatever they agree to.
fn other_purpose(claim: Claim<'_>, versions: &[(String, PolicyVersion)]) -> Option<Problem> {
    if claim.recipient.is_operator() {
        return None;
    }
    let named: Vec<Purpose> = versions
        .iter()
        .flat_map(|(_, version)| version.terms.iter())
        .filter(|(_, terms)| terms.declares(claim.recipient))
        .map(|(purpose, _)| purpose)
        .collect();
    let right = named.first().filter(|_| !named.contains(&claim.purpose))?;
    let text = format!(
        "serves `{}`, but the policy names `{}` for `{right}`; set `purpose = \"{right}\"`",
        claim.purpose, claim.recipient.0
    );
    Some(claim.problem(text))
}

/// The operator's own file names cookies that are never withheld. A tag in it would not be.
fn operators_tags(vendor: &Vendor) -> Option<Problem> {
    (vendor.recipient.is_operator() && vendor.has_tags()).then(|| {
        let text = "recipient `operator` has `[[url]]` or `[[inline]]`, or paths: tags of it are never \
                    withheld; name the vendor that receives the data";
        of_vendor(vendor, text.to_owned())
    })
}

/// Keys are listed to be removed, and the site's own never are.
fn operators_keys(vendor: &Vendor) -> Option<Problem> {
    (vendor.recipient.is_operator() && !vendor.keys.is_empty()).then(|| {
        let text = "recipient `operator` has `[[storage]]`: keys of the site's own are never \
                    removed; leave it out";
        of_vendor(vendor, text.to_owned())
    })
}

/// A pattern of the operator's that covers another vendor's cookie lets it through for good.
fn cookies_of_others(own: &Vendor, vendors: &[Vendor]) -> Vec<Problem> {
    if !own.recipient.is_operator() {
        return Vec::new();
    }
    let others = vendors.iter().filter(|vendor| !vendor.recipient.is_operator());
    let covered = others.flat_map(|vendor| {
        let names = vendor.cookie_examples.iter();
        names.filter(|name| own.owns(name)).map(move |name| (name, vendor))
    });
    covered
        .map(|(name, vendor)| {
            let text = format!(
                "covers the cookie `{name}` of {}, which then is never withheld; narrow the pattern",
                vendor.name
            );
            of_vendor(own, text)
        })
        .collect()
}

fn of_version(vendors: &[Vendor], version: &PolicyVersion, all_read: bool) -> Vec<String> {
    let mut problems = Vec::new();
    for (purpose, terms) in version.terms.iter() {
        // A log is kept by day files, so its purpose must say for how many days.
        if LOGGED.contains(&purpose) && terms.keep == Keep::UntilMet {
            problems.push(format!(
                "purpose `{purpose}` keeps a log and has no `keep_days`; say for how many days"
            ));
        }
        let serves =
            |vendor: &&Vendor| vendor.purpose == purpose && !vendor.recipient.is_operator();
        let outside = vendors.iter().filter(serves);
        if terms.basis == Basis::Consent {
            for recipient in &terms.recipients {
                // Cookies alone stop no tag.
                let recognises = |vendor: &Vendor| {
                    vendor.recipient == recipient.id
                        && vendor.purpose == purpose
                        && vendor.has_tags()
                };
                if all_read && !vendors.iter().any(recognises) {
                    problems.push(format!(
                        "names `{}` for `{purpose}`, but no file in `vendors` recognises its tags: \
                         they would run unasked; add one",
                        recipient.id.0
                    ));
                }
            }
        } else {
            for vendor in outside.filter(|vendor| terms.declares(&vendor.recipient)) {
                problems.push(format!(
                    "`{purpose}` rests on {}, so the tags of {} run unasked; a vendor's tags need \
                     consent",
                    terms.basis.name(),
                    vendor.name
                ));
            }
        }
    }
    problems
}
