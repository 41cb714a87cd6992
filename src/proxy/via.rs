//! That a request has come by this gateway (RFC 9110 §7.6.3).
//!
//! Said only where the operator gives a name. The standard wants it of every gateway; but nginx and
//! others pack nothing for who has come by a proxy, and their pages would pass at four times the size.

use std::str::FromStr;

use http::{HeaderValue, Version};
use serde::{Deserialize, Serialize};

use crate::settings::{Kind, Setting};

/// The name that this gateway goes by.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Via(String);

impl Via {
    /// What is said of a request that came in this version.
    pub(super) fn told(&self, version: Version) -> HeaderValue {
        let version = match version {
            Version::HTTP_10 => "1.0",
            Version::HTTP_2 => "2",
            _ => "1.1",
        };
        let told = format!("{version} {}", self.0);
        HeaderValue::from_str(&told).expect("a token is a field's value")
    }
}

impl FromStr for Via {
    type Err = String;

    /// Reads a token (RFC 9110 §5.6.2).
    fn from_str(name: &str) -> Result<Via, String> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        match !name.is_empty() && name.bytes().all(fits) {
            true => Ok(Via(name.to_owned())),
            false => Err(format!(
                "{name:?} is no name for `Via`; write letters, digits, dots and dashes, such as kelisim"
            )),
        }
    }
}

impl TryFrom<String> for Via {
    type Error = String;

    fn try_from(name: String) -> Result<Via, String> {
        name.parse()
    }
}

impl From<Via> for String {
    fn from(via: Via) -> String {
        via.0
    }
}

impl Setting for Via {
    const KIND: Kind = Kind::Text;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_token_and_told_with_the_version() {
        for name in ["", "a b", "a,b", "a(b)", "ә", "a\n"] {
            let why = name.parse::<Via>().unwrap_err();
            assert!(why.starts_with(&format!("{name:?} is no name")), "{why}");
        }
        let via: Via = "gate-1.kz".parse().unwrap();
        for (version, told) in [
            (Version::HTTP_10, "1.0 gate-1.kz"),
            (Version::HTTP_11, "1.1 gate-1.kz"),
            (Version::HTTP_2, "2 gate-1.kz"),
        ] {
            assert_eq!(via.told(version), told);
        }
    }
}
