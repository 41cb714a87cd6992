//! New rules and certificates while the gateway runs.
//!
//! All or nothing: the rules are read and their examples played, the certificates are read, what the
//! record has to explain is written to it, and only then the old ones are let go. Whatever is wrong,
//! the gateway goes on as it was and says why.
//!
//! A request that is under way keeps the snapshot that it began with, a connection its certificate, a
//! WebSocket its verdicts.
//!
//! What needs a restart is in [`crate::config`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;

use crate::app::StartError;
use crate::clock::Clock;
use crate::config::{Config, rule_files};
use crate::gate::seal::Seal;
use crate::rules::{self, RuleFile, RuleSet};
use crate::server::{ByName, Certificates};
use crate::snapshot::Snapshot;
use crate::store::{Archived, Store};

/// What can be changed while the gateway runs.
#[derive(Debug)]
pub struct Reload {
    /// Where rules and certificates lie.
    pub config: Config,
    /// The time.
    pub clock: Clock,
    /// What seals cookies. It stays.
    pub seal: Seal,
    /// The rules in force.
    pub snapshot: Arc<ArcSwap<Snapshot>>,
    /// The record of consent.
    pub store: Arc<Store>,
    /// The certificates, where there is TLS.
    pub certificates: Option<Arc<Certificates>>,
    /// Whether the last attempt was refused.
    pub refused: Arc<AtomicBool>,
}

impl Reload {
    /// Reads rules and certificates anew, and puts both into force.
    pub fn reload(&self) -> Result<(), StartError> {
        let reloaded = self.attempt();
        self.refused.store(reloaded.is_err(), Ordering::Relaxed);
        reloaded
    }

    fn attempt(&self) -> Result<(), StartError> {
        let files = rule_files(&self.config.rules).map_err(StartError::RuleFiles)?;
        let rules = load(&self.config, &files, &self.clock)?;
        let certificates = self.certificates.as_ref().map(|_| ByName::read(&self.config.certs));
        let certificates = certificates.transpose().map_err(StartError::Tls)?;
        let snapshot = Snapshot::new(rules, self.seal.clone());
        self.store.archive(archive(&snapshot)).map_err(StartError::Store)?;
        if let (Some(served), Some(certificates)) = (&self.certificates, certificates) {
            served.replace(certificates);
        }
        self.snapshot.store(Arc::new(snapshot));
        Ok(())
    }
}

/// Reads rules that can be served by now.
pub(crate) fn load(
    config: &Config,
    files: &[RuleFile],
    clock: &Clock,
) -> Result<RuleSet, StartError> {
    let root = config.rules.display().to_string();
    let rules = rules::load(root.trim_end_matches('/'), files).map_err(StartError::Rules)?;
    match rules.policies.at(clock.now()) {
        Some(_) => Ok(rules),
        None => Err(StartError::NoPolicy(rules.policies.all()[0].in_force.to_string())),
    }
}

/// What digests in the record refer to: the terms that were agreed to or refused, and the
/// banner with its code as it was shown.
pub(crate) fn archive(snapshot: &Snapshot) -> Vec<Archived> {
    let mut archive = Vec::new();
    for policy in snapshot.rules.policies.all() {
        for (purpose, terms) in policy.terms.iter() {
            let content = terms.canonical(purpose);
            archive.push(Archived { digest: terms.digest.0, kind: "terms", content });
        }
    }
    for layer in snapshot.faces().filter_map(|face| face.layer.as_ref()) {
        archive.push(Archived { digest: layer.digest(), kind: "shown", content: layer.shown() });
    }
    archive
}
