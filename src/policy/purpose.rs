//! The seven purposes of the policy, 4.1 to 4.7.
//!
//! The list is closed on purpose: data for an eighth purpose have no legal basis until the
//! policy names it, and then this type changes with it.
//!
//! [`PerPurpose`] is total: it holds one value for each purpose, so nothing can be forgotten.
//!
//! What each purpose rests on and may collect is data, in [`super::Terms`].

use std::fmt;
use std::ops::{Index, IndexMut};
use std::str::FromStr;

/// Why personal data are processed (policy, section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Purpose {
    /// 4.1: conclude and perform contracts.
    Contract,
    /// 4.2: run the site for its function: account, requests, support.
    Operation,
    /// 4.3: improve quality and usability, incl. by analysing usage.
    Analytics,
    /// 4.4: the phone-number scoring service.
    Scoring,
    /// 4.5: notices of new products, special offers, events.
    Marketing,
    /// 4.6: answer data-subject requests; the operator's other duties.
    SubjectRequests,
    /// 4.7: rights and legitimate interests: security, prevention of fraud.
    Security,
}

impl Purpose {
    /// All seven, in the policy's order.
    pub const ALL: [Purpose; 7] = [
        Purpose::Contract,
        Purpose::Operation,
        Purpose::Analytics,
        Purpose::Scoring,
        Purpose::Marketing,
        Purpose::SubjectRequests,
        Purpose::Security,
    ];

    /// The name used in rules, forms, pages and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Purpose::Contract => "contract",
            Purpose::Operation => "operation",
            Purpose::Analytics => "analytics",
            Purpose::Scoring => "scoring",
            Purpose::Marketing => "marketing",
            Purpose::SubjectRequests => "subject-requests",
            Purpose::Security => "security",
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Purpose {
    type Err = ();

    fn from_str(name: &str) -> Result<Purpose, ()> {
        Purpose::ALL.into_iter().find(|purpose| purpose.name() == name).ok_or(())
    }
}

/// One value for each purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct PerPurpose<T>([T; 7]);

impl<T> PerPurpose<T> {
    /// Computes the value of each purpose in turn.
    pub fn from_fn(mut value: impl FnMut(Purpose) -> T) -> PerPurpose<T> {
        PerPurpose(std::array::from_fn(|i| value(Purpose::ALL[i])))
    }

    /// Purposes with their values, in the policy's order.
    pub fn iter(&self) -> impl Iterator<Item = (Purpose, &T)> {
        Purpose::ALL.into_iter().zip(&self.0)
    }
}

impl<T> Index<Purpose> for PerPurpose<T> {
    type Output = T;

    fn index(&self, purpose: Purpose) -> &T {
        &self.0[purpose as usize]
    }
}

impl<T> IndexMut<Purpose> for PerPurpose<T> {
    fn index_mut(&mut self, purpose: Purpose) -> &mut T {
        &mut self.0[purpose as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_purpose_is_found_by_its_name_and_index() {
        let numbers = PerPurpose::from_fn(|purpose| purpose as usize);
        for (i, purpose) in Purpose::ALL.into_iter().enumerate() {
            assert_eq!(purpose.name().parse(), Ok(purpose));
            assert_eq!(numbers[purpose], i);
        }
        assert_eq!("analitics".parse::<Purpose>(), Err(()));
    }
}
