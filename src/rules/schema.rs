//! The JSON Schema of each kind of rule file, for editors.
//!
//! It is made of the very structs that read the files, so it knows the same keys. What stands in it as a
//! list is what the loader takes out of a file entry by entry.
//!
//! A schema says which keys and kinds of values there may be. Whether patterns match their examples and
//! files fit together is for [`super::load`] to say.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use super::action::Action;
use super::cookie::CookieEntry;
use super::csp::{AllowEntry, CspFile};
use super::first_party::{PathEntry, SignatureEntry, SitePathEntry};
use super::leeway::{ExemptEntry, SiteBannerEntry};
use super::lists::ListFile;
use super::page_kind::PageKindEntry;
use super::policy::{PolicyFile, PurposeEntry, Recipient};
use super::site::SiteFile;
use super::vendor::{InlineEntry, NameEntry, UrlEntry, VendorFile};
use crate::banner::Texts;
use crate::policy::{Basis, Category, Purpose};

/// A kind of rule file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// `site.toml`
    Site,
    /// `vendors/<name>.toml`
    Vendor,
    /// `policy/<date>.toml`
    Policy,
    /// `texts/<language>.toml`
    Texts,
    /// `lists/<name>.toml`
    List,
    /// `csp.toml`
    Csp,
}

impl FileKind {
    /// All of them.
    pub const ALL: [FileKind; 6] = [
        FileKind::Site,
        FileKind::Vendor,
        FileKind::Policy,
        FileKind::Texts,
        FileKind::List,
        FileKind::Csp,
    ];

    /// The name on the command line, and of the schema's file.
    pub const fn name(self) -> &'static str {
        match self {
            FileKind::Site => "site",
            FileKind::Vendor => "vendor",
            FileKind::Policy => "policy",
            FileKind::Texts => "texts",
            FileKind::List => "list",
            FileKind::Csp => "csp",
        }
    }

    /// The schema, in JSON (draft 7, which editors' TOML servers read).
    pub fn schema(self) -> String {
        let mut settings = SchemaSettings::draft07();
        settings.inline_subschemas = true;
        let mut making = settings.into_generator();
        let schema = match self {
            FileKind::Site => {
                let mut schema = making.root_schema_for::<SiteFile>();
                add_list::<SitePathEntry>(&mut making, &mut schema, "path");
                add_list::<ExemptEntry>(&mut making, &mut schema, "exempt");
                add_list::<SiteBannerEntry>(&mut making, &mut schema, "site-banner");
                add_list::<PageKindEntry>(&mut making, &mut schema, "page-kind");
                schema
            }
            FileKind::Texts => making.root_schema_for::<Texts>(),
            FileKind::Csp => {
                let mut schema = making.root_schema_for::<CspFile>();
                add_list::<AllowEntry>(&mut making, &mut schema, "allow");
                schema
            }
            FileKind::List => {
                let mut schema = making.root_schema_for::<ListFile>();
                add_list::<NameEntry>(&mut making, &mut schema, "cookie");
                schema
            }
            FileKind::Vendor => {
                let mut schema = making.root_schema_for::<VendorFile>();
                add_list::<UrlEntry>(&mut making, &mut schema, "url");
                add_list::<InlineEntry>(&mut making, &mut schema, "inline");
                add_list::<CookieEntry>(&mut making, &mut schema, "cookie");
                add_list::<NameEntry>(&mut making, &mut schema, "storage");
                add_list::<PathEntry>(&mut making, &mut schema, "path");
                add_list::<SignatureEntry>(&mut making, &mut schema, "signature");
                schema
            }
            FileKind::Policy => {
                let mut schema = making.root_schema_for::<PolicyFile>();
                add_list::<Recipient>(&mut making, &mut schema, "recipient");
                add_list::<PurposeEntry>(&mut making, &mut schema, "purpose");
                schema
            }
        };
        format!("{:#}\n", schema.to_value())
    }
}

/// Adds what stands in a file under `[[name]]`.
fn add_list<T: JsonSchema>(making: &mut SchemaGenerator, file: &mut Schema, name: &str) {
    let list = making.subschema_for::<Vec<T>>().to_value();
    let properties = file.ensure_object().entry("properties").or_insert_with(|| json!({}));
    if let Value::Object(properties) = properties {
        properties.insert(name.to_owned(), list);
    }
}

/// A day, as `2026-11-22`.
pub(super) fn day(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" })
}

/// A purpose's name.
pub(super) fn purpose(_: &mut SchemaGenerator) -> Schema {
    one_of(&Purpose::ALL.map(Purpose::name))
}

/// A list of purposes' names.
pub(super) fn purposes(making: &mut SchemaGenerator) -> Schema {
    list_of(&purpose(making))
}

/// A legal basis.
pub(super) fn basis(_: &mut SchemaGenerator) -> Schema {
    one_of(&Basis::ALL.map(Basis::name))
}

/// A list of categories of data.
pub(super) fn categories(_: &mut SchemaGenerator) -> Schema {
    list_of(&one_of(&Category::ALL.map(Category::name)))
}

/// What may be done with a cookie.
pub(super) fn action_of_cookie(_: &mut SchemaGenerator) -> Schema {
    one_of(&[Action::ReportOnly, Action::Hold, Action::Strip].map(Action::name))
}

/// How long a cookie lasts, as `365 d`.
pub(super) fn lasting(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "pattern": "^(session|[1-9][0-9]{0,4} (s|min|h|d))$" })
}

fn one_of(names: &[&str]) -> Schema {
    json_schema!({ "type": "string", "enum": json!(names) })
}

fn list_of(items: &Schema) -> Schema {
    json_schema!({ "type": "array", "items": items })
}
