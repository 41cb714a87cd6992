//! What a setting is: its name, its sentence, its type and its default, said once.
//!
//! `settings!` makes of that one place the struct, its reading from TOML (unknown keys are refused),
//! its default, and the [`Entry`]s that flags, variables and [`write::to_toml`] are made of. To add a
//! setting: a line in a table's `settings!`, its use, and a row in `tests/config.rs`, which fails
//! without both. To add a section: a `settings!` beside the code that is bound by it, and a field of
//! its type in [`crate::config::Settings`]; `BTreeMap<String, T>` is `[section.NAME]`, `Vec<T>` is
//! `[[section]]`.
//!
//! What is in a struct is fit for use: ranges are part of the types ([`Span`], [`Size`], [`Count`]), so that what is
//! unfit is refused where it is read, with its line.
//!
//! Which settings there are is told in [`crate::config`] and [`crate::bounds`].

mod values;
pub mod write;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use values::{Count, Size, Span};

/// How a setting is written.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// `name = "text"`
    Text,
    /// `name = 1`
    Number,
    /// `name = ["text", "text"]`
    List,
    /// `[name]`
    Table(fn() -> Vec<Entry>),
    /// `[name.NAME]`, as many as one likes.
    Named(fn() -> Vec<Entry>),
    /// `[[name]]`, as many as one likes.
    Each(fn() -> Vec<Entry>),
}

/// One setting of a table.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name in the file.
    pub name: String,
    /// Its lines of documentation.
    pub doc: &'static [&'static str],
    /// What its flag takes, if it has a flag, and a variable with it.
    pub flag: Option<&'static str>,
    /// How it is written.
    pub kind: Kind,
    /// What it may be.
    pub range: Option<String>,
}

impl Entry {
    /// The variable of the environment that goes with its flag.
    pub fn variable(&self) -> String {
        format!("KELISIM_{}", self.name.replace('-', "_").to_uppercase())
    }
}

/// What a setting can be.
pub trait Setting: Serialize + DeserializeOwned {
    /// How it is written.
    const KIND: Kind;

    /// What it may be, if that is to be said of each.
    fn range() -> Option<String> {
        None
    }
}

/// Settings that belong together.
pub trait Table: Setting + Clone + Default {
    /// What they are for.
    const DOC: &'static [&'static str];

    /// Each of them.
    fn entries() -> Vec<Entry>;

    /// The defaults, with an example for each setting that has none.
    fn example() -> Self;

    /// Sets the one that a flag gives. Says what is wrong with the texts.
    fn set(&mut self, name: &str, texts: &[String]) -> Result<(), String>;
}

/// Defines a table: for each setting its documentation, what its flag takes if it has a flag, name,
/// type, default, and an example where the default is nothing.
macro_rules! settings {
    (@last $default:expr) => { $default };
    (@last $default:expr, $example:expr) => { $example };
    (
        $(#[doc = $about:literal])+
        $vis:vis struct $Table:ident {
            $(
                $(#[doc = $doc:literal])+
                $([$flag:literal])?
                $name:ident: $Type:ty = $default:expr $(, like $example:expr)?;
            )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
        #[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
        $vis struct $Table {
            $($(#[doc = $doc])+ $vis $name: $Type,)+
        }

        impl Default for $Table {
            fn default() -> $Table {
                $Table { $($name: $default,)+ }
            }
        }

        impl $crate::settings::Setting for $Table {
            const KIND: $crate::settings::Kind =
                $crate::settings::Kind::Table(<$Table as $crate::settings::Table>::entries);
        }

        impl $crate::settings::Table for $Table {
            const DOC: &'static [&'static str] = &[$($about),+];

            fn entries() -> Vec<$crate::settings::Entry> {
                vec![$($crate::settings::Entry {
                    name: stringify!($name).replace('_', "-"),
                    doc: &[$($doc),+],
                    flag: [$($flag)?].first().copied(),
                    kind: <$Type as $crate::settings::Setting>::KIND,
                    range: <$Type as $crate::settings::Setting>::range(),
                },)+]
            }

            fn example() -> $Table {
                $Table { $($name: $crate::settings::settings!(@last $default $(, $example)?),)+ }
            }

            fn set(&mut self, name: &str, texts: &[String]) -> Result<(), String> {
                $(if name == stringify!($name).replace('_', "-") {
                    self.$name = $crate::settings::read(texts)?;
                    return Ok(());
                })+
                Err(format!("`{name}` is no setting"))
            }
        }
    };
}
pub(crate) use settings;

/// Reads a setting from the texts that a flag was given.
pub(crate) fn read<T: Setting>(texts: &[String]) -> Result<T, String> {
    let text = |text: &String| toml::Value::String(text.clone());
    let value = match (T::KIND, texts) {
        (Kind::List, _) => toml::Value::Array(texts.iter().map(text).collect()),
        (Kind::Number, [one]) => one.parse().map_or_else(|_| text(one), toml::Value::Integer),
        (_, [one]) => text(one),
        _ => return Err("give one value".to_owned()),
    };
    T::deserialize(value).map_err(|error| error.message().trim().to_owned())
}

macro_rules! kinds {
    ($($Type:ty: $kind:ident),+) => {
        $(impl Setting for $Type {
            const KIND: Kind = Kind::$kind;
        })+
    };
}
kinds!(String: Text, PathBuf: Text, SocketAddr: Text, IpNet: Text, Span: Text);

impl<const MIN: u64, const MAX: u64> Setting for Size<MIN, MAX> {
    const KIND: Kind = Kind::Text;

    fn range() -> Option<String> {
        let (min, max) = (Self::of_bytes(MIN), Self::of_bytes(MAX));
        Some(format!("\"{min}\" to \"{max}\""))
    }
}

impl<const MIN: usize, const MAX: usize> Setting for Count<MIN, MAX> {
    const KIND: Kind = Kind::Number;

    fn range() -> Option<String> {
        Some(format!("{MIN} to {MAX}"))
    }
}

impl<T: Setting> Setting for Option<T> {
    const KIND: Kind = T::KIND;

    fn range() -> Option<String> {
        T::range()
    }
}

impl<T: Setting> Setting for Vec<T> {
    const KIND: Kind = match T::KIND {
        Kind::Table(entries) => Kind::Each(entries),
        _ => Kind::List,
    };
}

impl<T: Table> Setting for BTreeMap<String, T> {
    const KIND: Kind = Kind::Named(T::entries);
}

#[cfg(test)]
mod tests;
