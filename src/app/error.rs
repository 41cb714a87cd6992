//! Why a gateway does not start, or goes on as it was when it is to reload.
//!
//! What each part says names the input and what would be right; here they are one.

use std::fmt;

use crate::config::ConfigError;
use crate::handover::HandoverError;
use crate::proxy::SitesError;
use crate::rules::Problem;
use crate::store::StoreError;
use crate::store::folder::FolderError;
use crate::store::keys::KeyError;
use crate::tls::TlsError;

/// Why the gateway did not start, or not reload.
#[derive(Debug)]
pub enum StartError {
    /// The rules have problems.
    Rules(Vec<Problem>),
    /// The rules cannot be read.
    RuleFiles(std::io::Error),
    /// No policy version is in force yet; says from when one is.
    NoPolicy(String),
    /// The data folder cannot be used.
    Folder(FolderError),
    /// There is no key to seal cookies with.
    Key(KeyError),
    /// The settings cannot be used.
    Settings(ConfigError),
    /// TLS cannot be served.
    Tls(TlsError),
    /// The site cannot be reached as it was set.
    Upstream(SitesError),
    /// The record of consent does not take what it has to explain.
    Store(StoreError),
    /// The gateway that runs did not hand over.
    Handover(HandoverError),
    /// An address or thread cannot be had.
    Io(std::io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Rules(problems) => {
                let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
                write!(f, "{}", lines.join("\n"))
            }
            StartError::RuleFiles(error) => write!(f, "the rules cannot be read: {error}"),
            StartError::NoPolicy(day) => write!(f, "no policy version is in force before {day}"),
            StartError::Folder(error) => write!(f, "{error}"),
            StartError::Key(error) => write!(f, "{error}"),
            StartError::Settings(error) => write!(f, "{error}"),
            StartError::Tls(error) => write!(f, "{error}"),
            StartError::Upstream(error) => write!(f, "{error}"),
            StartError::Store(error) => write!(f, "{error}"),
            StartError::Handover(error) => write!(f, "{error}"),
            StartError::Io(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for StartError {}

impl From<std::io::Error> for StartError {
    fn from(error: std::io::Error) -> StartError {
        StartError::Io(error)
    }
}
