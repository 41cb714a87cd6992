//! What of a purpose's terms one version changes.
//!
//! A visitor is told of a change before it counts (policy 2.3), so it has to be told what it is: not by
//! whoever writes the file and may forget something, but by comparing what the file says.
//!
//! Terms differ in some part exactly when their digests differ: nobody is asked anew about what was not told,
//! and nobody is told of a change that asks nobody.
//!
//! The words for it are `banner`'s.

use super::Terms;

/// A part of a purpose's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The policy's clause.
    Section,
    /// The legal basis.
    Basis,
    /// The data that may be collected.
    Collects,
    /// Who receives them, and where.
    Recipients,
    /// How long they are kept.
    Keep,
}

impl Part {
    /// The name in rules.
    pub const fn name(self) -> &'static str {
        match self {
            Part::Section => "section",
            Part::Basis => "basis",
            Part::Collects => "collects",
            Part::Recipients => "recipients",
            Part::Keep => "keep_days",
        }
    }
}

impl Terms {
    /// The parts in which these terms differ from those before them.
    pub fn changes_from(&self, before: &Terms) -> Vec<Part> {
        let parts = [
            (Part::Section, self.section != before.section),
            (Part::Basis, self.basis != before.basis),
            (Part::Collects, self.collects != before.collects),
            (Part::Recipients, self.recipients != before.recipients),
            (Part::Keep, self.keep != before.keep),
        ];
        parts.into_iter().filter(|(_, differs)| *differs).map(|(part, _)| part).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Basis, Categories, Category, Keep, Purpose, Recipient, RecipientId};

    #[test]
    fn terms_differ_in_some_part_exactly_when_their_digests_do() {
        let recipient = |country: &str| Recipient {
            id: RecipientId("yandex-metrica".to_owned()),
            country: country.to_owned(),
        };
        let mut all = Vec::new();
        for section in ["4.3", "4.4"] {
            for basis in [Basis::Consent, Basis::Contract] {
                for collects in [Categories::NONE, [Category::Cookie].into_iter().collect()] {
                    for recipients in [vec![], vec![recipient("RU")], vec![recipient("KZ")]] {
                        for keep in [Keep::UntilMet, Keep::Days(30)] {
                            let section = section.to_owned();
                            all.push(Terms::new(
                                Purpose::Analytics,
                                section,
                                basis,
                                collects,
                                recipients.clone(),
                                keep,
                            ));
                        }
                    }
                }
            }
        }
        for before in &all {
            for after in &all {
                let told = !after.changes_from(before).is_empty();
                assert_eq!(told, before.digest != after.digest, "{before:?} {after:?}");
            }
        }
        assert_eq!(all[1].changes_from(&all[0]), [Part::Keep]);
        assert_eq!(all[2].changes_from(&all[0]), [Part::Recipients]);
    }
}
