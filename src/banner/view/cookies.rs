//! What the declaration of cookies is told.
//!
//! As everywhere in [`super`], these are words; whoever has the rules finds them.

use super::Date;

/// The cookies of the site, as far as rules name them or the site was seen to set them.
#[derive(Debug, Clone, Default)]
pub struct Declaration<'a> {
    /// The operator's name.
    pub operator: &'a str,
    /// What role a purpose, in the policy's order.
    pub purposes: Vec<DeclaredPurpose<'a>>,
    /// Whose cookies are withheld from everybody.
    pub withheld: Vec<WithheldVendor<'a>>,
    /// What the site was seen to set and no rule names.
    pub undeclared: Vec<(String, Met)>,
}

/// A purpose with the cookies that serve it.
#[derive(Debug, Clone)]
pub struct DeclaredPurpose<'a> {
    /// Its title.
    pub title: &'a str,
    /// Its clause.
    pub section: &'a str,
    /// Who sets them.
    pub providers: Vec<Provider<'a>>,
}

/// Who sets cookies, or has them set.
#[derive(Debug, Clone)]
pub struct Provider<'a> {
    /// The name.
    pub name: &'a str,
    /// The country that its data go to, if they go to somebody else.
    pub country: Option<&'a str>,
    /// Its cookies.
    pub cookies: Vec<DeclaredCookie<'a>>,
    /// Its keys in the browser's storage, `_ym*` for all that begin so.
    pub keys: Vec<String>,
}

/// One cookie, or all that begin alike.
#[derive(Debug, Clone)]
pub struct DeclaredCookie<'a> {
    /// The name, `_ga_*` for all that begin so.
    pub name: String,
    /// What it is for, as a sentence.
    pub role: Option<&'a str>,
    /// How long it is kept, as a sentence.
    pub keep: Option<String>,
    /// When it was met.
    pub met: Option<Met>,
}

/// Whose cookies are withheld from everybody.
#[derive(Debug, Clone)]
pub struct WithheldVendor<'a> {
    /// The name.
    pub name: &'a str,
    /// Their names.
    pub cookies: Vec<String>,
}

/// The days on which something was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Met {
    /// The first.
    pub first: Date,
    /// The last.
    pub last: Date,
}
