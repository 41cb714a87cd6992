//! Who is asking, as far as the gateway may know.
//!
//! A visitor who has not chosen is a stranger. One who refused everything is remembered
//! without an identifier: nothing distinguishes them from others who refused that day.
//! Only agreeing to something creates an id.

use std::fmt;

use super::Choices;

/// The consent id of a visitor who agreed to something: random, and nothing else.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct VisitorId(pub u128);

/// An id is personal: it is not printed by accident.
impl fmt::Debug for VisitorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VisitorId(…)")
    }
}

/// A visitor, by what their sealed cookie says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visitor {
    /// No readable choice.
    Stranger,
    /// Refused everything; no identifier.
    Anonymous {
        /// The refusals.
        choices: Choices,
    },
    /// Agreed to something.
    Known {
        /// The consent id.
        id: VisitorId,
        /// The choices.
        choices: Choices,
    },
}

impl Visitor {
    /// The choices, if any were made.
    pub fn choices(&self) -> Choices {
        match self {
            Visitor::Stranger => Choices::default(),
            Visitor::Anonymous { choices } | Visitor::Known { choices, .. } => *choices,
        }
    }

    /// The consent id, which only a visitor who agreed to something has.
    pub fn id(&self) -> Option<VisitorId> {
        match self {
            Visitor::Known { id, .. } => Some(*id),
            Visitor::Stranger | Visitor::Anonymous { .. } => None,
        }
    }
}
