//! What the personal-data policy says, and what follows from it for one visitor.
//!
//! Everything else in the gateway reads one value, [`Verdicts`]: for each purpose of the
//! policy either a permit or a reason to withhold. [`decide()`] computes it from the policy
//! in force, the visitor's choices and the browser's signal, and from nothing else.
//!
//! Only `decide` makes a [`Permit`], and only a permit opens a [`Personal`]: a log that
//! has no legal basis does not compile.
//!
//! This floor is pure: no clock, no files, no HTTP.

mod category;
mod change;
mod consent;
mod decide;
mod personal;
mod purpose;
mod terms;
mod version;
mod visitor;

pub use category::{Categories, Category};
pub use change::Part;
pub use consent::{Choice, Choices, Mark, Signal, TextDigest};
pub use decide::{Conditions, Outline, Permit, Reason, Record, Verdict, Verdicts, decide};
pub use personal::{Datum, Personal};
pub use purpose::{PerPurpose, Purpose};
pub use terms::{Basis, Keep, Recipient, RecipientId, Terms, TermsDigest};
pub use version::{NOTICE_DAYS, Policies, PolicyError, PolicyVersion};
pub use visitor::{Visitor, VisitorId};
