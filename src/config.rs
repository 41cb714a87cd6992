//! What is set at start: addresses, the site, folders, threads.
//!
//! Flags win over `KELISIM_*` variables, which win over `kelisim.toml`, which wins over the
//! defaults. What may change while running is not here but in `rules/`.
//!
//! A setting that is unknown or unfit is an error that names it: nothing is guessed and
//! nothing is read and then not used.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use ipnet::IpNet;
use serde::Deserialize;

use crate::proxy::{GroupSettings, Origin, Route};
use crate::rules::RuleFile;

/// What `kelisim run` can be told, by flag, variable or file.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// The site: `http://HOST:PORT`, `https://…`, or `h2c://…` for HTTP/2 without TLS
    #[arg(long, env = "KELISIM_UPSTREAM", value_name = "URL")]
    pub upstream: Option<String>,
    /// Address for plain HTTP; may be given several times [default: 127.0.0.1:8080]
    #[arg(long, env = "KELISIM_LISTEN", value_name = "ADDR", value_delimiter = ',')]
    #[serde(default)]
    pub listen: Vec<SocketAddr>,
    /// Address for TLS with HTTP/2 and HTTP/1.1; may be given several times
    #[arg(long, env = "KELISIM_LISTEN_TLS", value_name = "ADDR", value_delimiter = ',')]
    #[serde(default)]
    pub listen_tls: Vec<SocketAddr>,
    /// Folder of certificates: NAME.crt and NAME.key, PEM [default: certs]
    #[arg(long, env = "KELISIM_CERTS", value_name = "DIR")]
    pub certs: Option<PathBuf>,
    /// Folder of rules [default: rules]
    #[arg(long, env = "KELISIM_RULES", value_name = "DIR")]
    pub rules: Option<PathBuf>,
    /// Folder of the record of consent, the logs and the keys [default: data]
    #[arg(long, env = "KELISIM_DATA", value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Address of health and metrics [default: 127.0.0.1:9180]
    #[arg(long, env = "KELISIM_ADMIN", value_name = "ADDR")]
    pub admin: Option<SocketAddr>,
    /// Network of proxies that are believed about whom they ask for; may be given several times
    #[arg(long, env = "KELISIM_TRUST", value_name = "CIDR", value_delimiter = ',')]
    #[serde(default)]
    pub trust: Vec<IpNet>,
    /// Threads that serve [default: one for each core]
    #[arg(long, env = "KELISIM_THREADS", value_name = "N")]
    pub threads: Option<usize>,
}

/// Why a setting cannot be used.
#[derive(Debug)]
pub struct ConfigError(String);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}

/// Everything that the gateway needs to start, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// The groups of servers behind the gateway.
    pub upstreams: Vec<GroupSettings>,
    /// Which requests go to which.
    pub routes: Vec<Route>,
    /// Addresses for plain HTTP.
    pub listen: Vec<SocketAddr>,
    /// Addresses for TLS.
    pub listen_tls: Vec<SocketAddr>,
    /// The folder of certificates.
    pub certs: PathBuf,
    /// The folder of rules.
    pub rules: PathBuf,
    /// The folder of the record, the logs and the keys.
    pub data: PathBuf,
    /// The address of health and metrics.
    pub admin: SocketAddr,
    /// Networks of proxies that are believed about whom they ask for.
    pub trust: Vec<IpNet>,
    /// Threads that serve.
    pub threads: usize,
}

const PLAIN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8080);
const ADMIN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 9180);

/// The folder of rules where none is named.
pub const RULES: &str = "rules";

impl Settings {
    /// Reads `kelisim.toml`.
    pub fn read(path: &Path) -> Result<Settings, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError(format!("{}: {error}", path.display())))?;
        toml::from_str(&text).map_err(|error| {
            let line = error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
            ConfigError(format!("{}:{line}: {}", path.display(), error.message().trim()))
        })
    }

    /// These settings, with what they leave open taken from `file`.
    #[must_use]
    pub fn or(self, file: Settings) -> Settings {
        fn list<T>(given: Vec<T>, other: Vec<T>) -> Vec<T> {
            if given.is_empty() { other } else { given }
        }
        Settings {
            upstream: self.upstream.or(file.upstream),
            listen: list(self.listen, file.listen),
            listen_tls: list(self.listen_tls, file.listen_tls),
            certs: self.certs.or(file.certs),
            rules: self.rules.or(file.rules),
            data: self.data.or(file.data),
            admin: self.admin.or(file.admin),
            trust: list(self.trust, file.trust),
            threads: self.threads.or(file.threads),
        }
    }

    /// Fills in the defaults and checks what was given.
    pub fn config(self) -> Result<Config, ConfigError> {
        let upstream = self.upstream.ok_or_else(|| {
            ConfigError("the site is not named; give `--upstream http://HOST:PORT`".to_owned())
        })?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = self.threads.unwrap_or(cores);
        if !(1..=1024).contains(&threads) {
            return Err(ConfigError(format!("`--threads {threads}`: give 1 to 1024")));
        }
        let listen = if self.listen.is_empty() && self.listen_tls.is_empty() {
            vec![PLAIN]
        } else {
            self.listen
        };
        Ok(Config {
            upstreams: vec![GroupSettings::of_one(
                Origin::parse(&upstream)
                    .map_err(|why| ConfigError(format!("`--upstream {upstream}`: {why}")))?,
            )],
            routes: Vec::new(),
            listen,
            listen_tls: self.listen_tls,
            certs: self.certs.unwrap_or_else(|| "certs".into()),
            rules: self.rules.unwrap_or_else(|| RULES.into()),
            data: self.data.unwrap_or_else(|| "data".into()),
            admin: self.admin.unwrap_or(ADMIN),
            trust: self.trust,
            threads,
        })
    }
}

/// Reads the files of a rules folder: `site.toml` and what lies in `policy`, `vendors`,
/// `texts`. Anything else in these folders is handed over too, to be refused by name.
pub fn rule_files(folder: &Path) -> io::Result<Vec<RuleFile>> {
    let mut files = Vec::new();
    let named = |path: &Path, error: io::Error| {
        io::Error::new(error.kind(), format!("{}: {error}", path.display()))
    };
    let mut read = |name: String, path: &Path| -> io::Result<()> {
        files.push((name, std::fs::read_to_string(path).map_err(|error| named(path, error))?));
        Ok(())
    };
    for entry in sorted(folder).map_err(|error| named(folder, error))? {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') || name.ends_with('~') || name == "README.md" {
            continue;
        }
        let path = entry.path();
        if path.is_dir() {
            for inner in sorted(&path).map_err(|error| named(&path, error))? {
                let file = inner.file_name().to_string_lossy().into_owned();
                if !file.starts_with('.') && !file.ends_with('~') {
                    read(format!("{name}/{file}"), &inner.path())?;
                }
            }
        } else {
            read(name, &path)?;
        }
    }
    Ok(files)
}

fn sorted(folder: &Path) -> io::Result<Vec<std::fs::DirEntry>> {
    let mut entries = std::fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unfit_site_is_refused_with_what_would_be_right() {
        let site = |upstream: &str| {
            let upstream = Some(upstream.to_owned());
            Settings { upstream, ..Settings::default() }.config()
        };
        assert_eq!(
            site("http://127.0.0.1:3000").unwrap().upstreams[0].servers[0].to_string(),
            "127.0.0.1:3000"
        );
        for unfit in ["site.kz", "gopher://site.kz", "http://site.kz/path", "http://u@site.kz"] {
            let error = site(unfit).unwrap_err().to_string();
            assert!(error.contains(unfit), "{error}");
        }
    }

    #[test]
    fn the_file_fills_in_what_flags_leave_open() {
        let file: Settings =
            toml::from_str("upstream = \"http://a:1\"\nlisten = [\"127.0.0.1:1\"]\nthreads = 3")
                .unwrap();
        let flags = Settings { upstream: Some("http://b:2".to_owned()), ..Settings::default() };
        let config = flags.or(file).config().unwrap();
        assert_eq!(
            (config.upstreams[0].servers[0].to_string().as_str(), config.threads),
            ("b:2", 3)
        );
        assert_eq!(config.listen, ["127.0.0.1:1".parse().unwrap()]);
        let error = toml::from_str::<Settings>("lissten = []").unwrap_err().to_string();
        assert!(error.contains("lissten"), "{error}");
    }
}
