//! Personal data under lock.
//!
//! A [`Personal`] is made where a datum arrives and opened only by a [`Permit`] that covers
//! its category. So a log line without a legal basis does not compile, and one outside its
//! purpose's categories comes out empty.
//!
//! Its `Debug` prints nothing personal: a stray `{:?}` in a log message tells nothing.
//!
//! ```compile_fail
//! # use kelisim::policy::{Category, Datum, Personal};
//! # struct Agent(String);
//! # impl Datum for Agent { const CATEGORY: Category = Category::Browser; }
//! let agent = Personal::new(Agent("Mozilla/5.0".into()));
//! println!("{}", agent.0.0); // the field is private: there is no way around `open`
//! ```

use std::fmt;

use super::{Category, Permit};

/// A kind of personal datum.
pub trait Datum {
    /// The category that the policy counts it under.
    const CATEGORY: Category;
}

/// A personal datum that opens only to a permit.
#[derive(Clone)]
pub struct Personal<T: Datum>(T);

impl<T: Datum> Personal<T> {
    /// Locks a datum.
    pub fn new(datum: T) -> Personal<T> {
        Personal(datum)
    }

    /// The datum, if the permit's purpose may collect its category.
    pub fn open(&self, permit: &Permit) -> Option<&T> {
        permit.collects().contains(T::CATEGORY).then_some(&self.0)
    }
}

impl<T: Datum> fmt::Debug for Personal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Personal<{}>", T::CATEGORY.name())
    }
}
