//! The demonstration's site on a thread of its own, and the shipped rules.
//!
//! The rules are compiled in, so that `kelisim demo` needs no folder beside it.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;
use tracing::error;

use super::site;
use crate::rules::{CSP_FILE, Csp, RuleFile};

macro_rules! shipped {
    ($($name:literal),+ $(,)?) => {
        [$(($name, include_str!(concat!("../../rules/", $name)))),+]
    };
}

const RULES: [(&str, &str); 23] = shipped![
    "site.toml",
    "policy/2025-10-01.toml",
    "texts/en.toml",
    "texts/kk.toml",
    "texts/ru.toml",
    "vendors/1c-bitrix.toml",
    "vendors/bitrix24.toml",
    "vendors/clarity.toml",
    "vendors/cloudflare.toml",
    "vendors/google-ads.toml",
    "vendors/google-analytics.toml",
    "vendors/google-tag-manager.toml",
    "vendors/hotjar.toml",
    "vendors/liveinternet.toml",
    "vendors/meta.toml",
    "vendors/own.toml",
    "vendors/roistat.toml",
    "vendors/tiktok.toml",
    "vendors/tilda.toml",
    "vendors/vk-mail-ru.toml",
    "vendors/yandex-ads.toml",
    "vendors/yandex-metrica.toml",
    "vendors/zero-kz.toml",
];

/// The rules as they are shipped.
pub fn rule_files() -> Vec<RuleFile> {
    RULES.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

/// The rules with a policy (CSP) for its pages: the shipped ones, and what they may reach.
pub fn rule_files_with(csp: Csp) -> Vec<RuleFile> {
    let said = match csp {
        Csp::Off => "off",
        Csp::Learn => "learn",
        Csp::Enforce => "enforce",
    };
    let mut files = rule_files();
    if let Some((_, site)) = files.iter_mut().find(|(name, _)| name == "site.toml") {
        // Above all tables, of which it is none's.
        *site = format!("csp = \"{said}\"\n{site}");
    }
    files.push((CSP_FILE.to_owned(), include_str!("csp.toml").to_owned()));
    files
}

/// Starts the site on a free port of loopback. Its thread ends with the process.
pub fn start_site() -> io::Result<SocketAddr> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name("demo-site".to_owned()).spawn(move || {
        runtime.block_on(async {
            match TcpListener::from_std(listener) {
                Ok(listener) => site::serve(listener).await,
                Err(error) => error!(%error, "the demonstration's site cannot listen"),
            }
        });
    })?;
    Ok(address)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::rules::Csp;

    #[test]
    fn its_pages_may_come_with_each_kind_of_policy() {
        for csp in [Csp::Off, Csp::Learn, Csp::Enforce] {
            let rules = crate::rules::load("demo", &super::rule_files_with(csp)).unwrap();
            assert_eq!(rules.site.csp, csp);
            assert!(!rules.approved.entries.is_empty());
        }
    }

    #[test]
    fn the_compiled_in_rules_are_the_shipped_ones_and_none_is_missing() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
        let mut compiled = super::rule_files();
        compiled.sort();
        let mut shipped = crate::config::rule_files(&folder).unwrap();
        shipped.sort();
        assert_eq!(compiled, shipped);
    }
}
