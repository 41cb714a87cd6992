//! What the site and the policy say in their own files, in a language that those lack.
//!
//! So another language is one file: `site.toml` need not change for the operator's name, and a version of
//! the policy that visitors have agreed to is not edited for a translation of it.
//!
//! It only fills in: where their own files say it in this language, theirs counts.
//!
//! It is a section of each language's file (`[translated]`); `rules` puts it where it is lacking.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a language's file says for others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Translated {
    /// The operator of `site.toml`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator: Option<OperatorWords>,
    /// Versions of the policy, by the day on which each comes into force, such as `2025-10-01`.
    pub policy: BTreeMap<String, PolicyWords>,
}

/// The operator in this language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OperatorWords {
    /// Legal name.
    pub name: String,
    /// Postal address.
    pub address: String,
}

/// A version of the policy in this language.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyWords {
    /// Names of recipients, by their ids.
    pub recipients: BTreeMap<String, String>,
    /// Purposes, by their ids.
    pub purposes: BTreeMap<String, PurposeWords>,
}

/// A purpose in this language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PurposeWords {
    /// A short title.
    pub title: String,
    /// The policy's own text.
    pub text: String,
}
