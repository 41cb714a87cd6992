//! New settings, rules and certificates while the gateway runs.
//!
//! All or nothing: everything that can be wrong is read and checked, as at a start and by the same
//! function; what the record has to explain is written to it, and only then one store puts all of it
//! into force. Whatever is wrong, the gateway goes on as it was and says why.
//!
//! A request that is under way goes on by what it began with, a connection with its certificate and
//! bounds, a WebSocket with its verdicts and its server.
//!
//! What is in force is [`InForce`]; what needs a new process stands in [`fixed`].

use std::sync::{Arc, Mutex, PoisonError};

use tracing::warn;

use crate::admin::Refusal;
use crate::app::StartError;
use crate::clock::Clock;
use crate::config::{Config, ConfigError, fixed, rule_files};
use crate::gate::seal::Seal;
use crate::policy::PolicyVersion;
use crate::proxy::{Current, InForce, Plan, Rates, Sites, SitesError, Trusted};
use crate::rules::{self, Mode, RuleFile, RuleSet};
use crate::server::Admission;
use crate::snapshot::Snapshot;
use crate::store::{Archived, Exemption, Store, StoreError};
use crate::time::Time;
use crate::tls::{Served, TlsError};

/// What can be changed while the gateway runs.
#[derive(Debug)]
pub struct Reload {
    /// What it was started with.
    pub started: Config,
    /// The time.
    pub clock: Clock,
    /// What seals cookies. It stays.
    pub seal: Seal,
    /// What is in force.
    pub current: Arc<Current>,
    /// Who is let in.
    pub admission: Arc<Admission>,
    /// The record of consent.
    pub store: Arc<Store>,
    /// Why the last attempt was refused, if it was.
    pub refused: Arc<Refusal>,
    /// Held by the attempt that is made: one follows the other.
    pub turn: Mutex<()>,
}

impl Reload {
    /// Puts these settings into force, if they could be read, with the rules and certificates that they
    /// name as those are now.
    pub fn reload(&self, wanted: Result<Config, ConfigError>) -> Result<(), StartError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = wanted.map_err(StartError::Settings);
        let reloaded = wanted.and_then(|wanted| self.attempt(&wanted));
        self.refused.set(reloaded.as_ref().err().map(ToString::to_string));
        reloaded
    }

    fn attempt(&self, wanted: &Config) -> Result<(), StartError> {
        fixed::check(&self.started, wanted).map_err(StartError::Settings)?;
        let files = rule_files(&wanted.rules).map_err(StartError::RuleFiles)?;
        let before = self.current.get();
        let next = prepare(wanted, &files, &self.clock, Some(&before))?.sealed(&self.seal);
        self.store.archive(archive(&next.snapshot)).map_err(StartError::Store)?;
        let now = self.clock.now();
        exempt(&self.store, &next.snapshot, now).map_err(StartError::Store)?;
        warn_of(&next.snapshot, now);
        warn_of_late_notice(&before.snapshot, &next.snapshot, now);
        self.current.replace(next);
        self.admission.follow(wanted);
        Ok(())
    }
}

/// All that can be wrong and is not: what will be in force once there is a seal for cookies.
pub(crate) struct Prepared {
    config: Config,
    rules: RuleSet,
    served: Option<Served>,
    sites: Sites,
    rates: Rates,
}

/// Reads and checks all that is to be in force after what was `before`.
pub(crate) fn prepare(
    config: &Config,
    files: &[RuleFile],
    clock: &Clock,
    before: Option<&InForce>,
) -> Result<Prepared, StartError> {
    let limits = &config.bounds.limits;
    Ok(Prepared {
        rules: load(config, files, clock)?,
        served: served(config, before).map_err(StartError::Tls)?,
        sites: sites(config, before).map_err(StartError::Upstream)?,
        rates: before
            .map_or_else(|| Rates::new(limits), |before| Rates::after(&before.rates, limits)),
        config: config.clone(),
    })
}

impl Prepared {
    /// The whole.
    pub(crate) fn sealed(self, seal: &Seal) -> InForce {
        let Prepared { config, rules, served, sites, rates } = self;
        InForce {
            snapshot: Arc::new(Snapshot::new(rules, seal.clone())),
            served,
            hsts: config.hsts,
            trusted: Trusted::new(config.trust),
            announcing: Trusted::new(config.proxy_protocol),
            via: config.via,
            sites: Arc::new(sites),
            rates,
            sizes: config.sizes,
            bounds: config.bounds,
        }
    }
}

/// Reads rules that can be served by now.
fn load(config: &Config, files: &[RuleFile], clock: &Clock) -> Result<RuleSet, StartError> {
    let root = config.rules.display().to_string();
    let rules = rules::load(root.trim_end_matches('/'), files).map_err(StartError::Rules)?;
    let now = clock.now();
    let problems = rules.problems_on(now.day());
    if !problems.is_empty() {
        return Err(StartError::Rules(problems));
    }
    match rules.policies.at(now) {
        Some(_) => Ok(rules),
        None => Err(StartError::NoPolicy(rules.policies.all()[0].in_force.to_string())),
    }
}

/// What TLS is served with, where it is listened to.
fn served(config: &Config, before: Option<&InForce>) -> Result<Option<Served>, TlsError> {
    if config.listen_tls.is_empty() {
        return Ok(None);
    }
    match before.and_then(|before| before.served.as_ref()) {
        Some(before) => before.renewed(&config.certs).map(Some),
        None => Served::read(&config.certs).map(Some),
    }
}

fn sites(config: &Config, before: Option<&InForce>) -> Result<Sites, SitesError> {
    let plan = Plan::new(config.upstream.as_ref(), &config.upstreams, &config.route)?;
    Sites::new(plan, &config.resolver, &config.bounds, before.map(|before| &*before.sites))
}

/// Says what takes protection away.
pub(crate) fn warn_of(snapshot: &Snapshot, now: Time) {
    for text in snapshot.rules.warnings(now) {
        warn!("{text}");
    }
}

/// Says which versions of the policy come too late for what they say: visitors are told from now on, and not since
/// the day that they give (policy 2.3). Another gateway may have told them, so it is no reason to refuse.
fn warn_of_late_notice(before: &Snapshot, next: &Snapshot, now: Time) {
    for version in next.rules.policies.all() {
        let PolicyVersion { announced, in_force, .. } = version;
        if *announced < now.day() && before.rules.policies.of(*in_force).is_none() {
            warn!(
                "the policy of {in_force} says that visitors are told since {announced}; this gateway tells them \
                 from now on"
            );
        }
    }
}

/// Tells the record which pages are not gated now. That the gate only observes is the exemption of all.
pub(crate) fn exempt(store: &Store, snapshot: &Snapshot, now: Time) -> Result<(), StoreError> {
    let Some(policy) = snapshot.rules.policies.at(now) else { return Ok(()) };
    store.exempt(exemptions(snapshot, now), policy.in_force)
}

/// The exemptions in force.
pub(crate) fn exemptions(snapshot: &Snapshot, now: Time) -> Vec<Exemption> {
    let site = &snapshot.rules.site;
    let observes = (site.mode == Mode::Observe).then(|| Exemption {
        path: "/".to_owned(),
        until: String::new(),
        reason: "mode = \"observe\"".to_owned(),
    });
    site.exempt_at(now).map(Exemption::from).chain(observes).collect()
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
        let content = layer.shown(&snapshot.style);
        archive.push(Archived { digest: layer.digest(), kind: "shown", content });
    }
    for face in snapshot.faces() {
        let content = face.statement.content();
        archive.push(Archived { digest: face.stated.0, kind: "statement", content });
    }
    archive
}
