//! What only a new process can change: its sockets, its threads and its record.
//!
//! Everything else that is set comes into force on reload. A reload that would change one of these is
//! refused as a whole, by name: no setting is read and then not used.
//!
//! `tests/reload_settings.rs` holds every setting to one or the other.

use super::{Config, ConfigError};

/// A setting, and how a gateway has it.
type Fixed = (&'static str, fn(&Config) -> String);

/// Those settings. That is all of them.
pub const FIXED: [Fixed; 6] = [
    ("listen", |config| format!("{:?}", config.listen)),
    ("listen-tls", |config| format!("{:?}", config.listen_tls)),
    ("admin", |config| config.admin.to_string()),
    ("data", |config| config.data.display().to_string()),
    ("threads", |config| config.threads.to_string()),
    ("limits.backlog", |config| config.bounds.limits.backlog.get().to_string()),
];

/// Says what of `wanted` a process that was started with `running` cannot become.
pub fn check(running: &Config, wanted: &Config) -> Result<(), ConfigError> {
    let differs = |(name, of): &Fixed| {
        let (is, wanted) = (of(running), of(wanted));
        (is != wanted).then(|| format!("`{name}`: it is {is}, and {wanted} is wanted"))
    };
    let mut lines: Vec<_> = FIXED.iter().filter_map(differs).collect();
    if lines.is_empty() {
        return Ok(());
    }
    lines.push(
        "only a new process can change that; restart, or start one with `--take-over`".into(),
    );
    Err(ConfigError(lines.join("\n")))
}
