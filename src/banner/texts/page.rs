//! The wording of what stands in the site's pages beside the banner.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What stands in the site's pages beside the banner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PageTexts {
    /// The link to the settings where scripts are off: one short word of ASCII, since it comes with every page.
    pub link: String,
    /// The title of the box that stands for a frame which is withheld.
    pub held_title: String,
    /// Who it would be and what they would receive: `{recipient}`, `{country}`, `{data}`.
    pub held: String,
    /// Shows it this time.
    pub held_once: String,
    /// Asks for consent.
    pub held_always: String,
    /// Why it is never shown: `{host}`.
    pub held_undeclared: String,
}
