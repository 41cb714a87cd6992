//! Which group of servers a request goes to: by its host and the beginning of its path.
//!
//! Routes are tried in the order in which they are written, and the first that fits decides. What none
//! takes goes to the `upstream` that has no name, or to the only group there is.
//!
//! Paths are compared as they were sent: what a site makes of `..` and `%2F` is its own business, and
//! it is asked for no other path than the visitor's.

use super::settings::Route;

/// A host, or all hosts under one: `*.site.kz`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostPattern {
    /// This host.
    Is(String),
    /// Every host that ends so, dot included.
    Under(String),
}

impl HostPattern {
    /// Reads `site.kz` or `*.site.kz`; the error says what would be right.
    pub fn parse(text: &str) -> Result<HostPattern, &'static str> {
        let (under, name) = match text.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, text),
        };
        let is_host = |c: char| c.is_ascii_alphanumeric() || "-._[]:".contains(c);
        let with_port = !name.contains('[') && name.contains(':');
        if name.is_empty() || !name.chars().all(is_host) || with_port {
            return Err("write a host without its port, such as `site.kz` or `*.site.kz`");
        }
        let name = name.to_ascii_lowercase();
        Ok(if under { HostPattern::Under(format!(".{name}")) } else { HostPattern::Is(name) })
    }

    /// As it is written in the settings.
    pub(super) fn text(&self) -> String {
        match self {
            HostPattern::Is(name) => name.clone(),
            HostPattern::Under(end) => format!("*{end}"),
        }
    }

    fn fits(&self, host: &str) -> bool {
        match self {
            HostPattern::Is(name) => host == name,
            HostPattern::Under(end) => host.len() > end.len() && host.ends_with(end.as_str()),
        }
    }
}

/// Whether a request for `host`, in lower case and without a port, and for `path` goes this way.
pub(super) fn fits(route: &Route, host: &str, path: &str) -> bool {
    route.host.as_ref().is_none_or(|pattern| pattern.fits(host))
        && route.path.as_ref().is_none_or(|begins| is_under(path, begins))
}

/// Whether every request goes this way.
pub(super) fn takes_all(route: &Route) -> bool {
    route.host.is_none() && route.path.is_none()
}

/// Whether a path is `begins` or lies under it: `/api` is not where `/apis` is.
fn is_under(path: &str, begins: &str) -> bool {
    path.strip_prefix(begins)
        .is_some_and(|rest| begins.ends_with('/') || rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_fit_whole_and_paths_by_their_parts() {
        let route = |host: &str, path: &str| Route {
            host: (!host.is_empty()).then(|| HostPattern::parse(host).unwrap()),
            path: (!path.is_empty()).then(|| path.to_owned()),
            upstream: String::new(),
        };
        for (host, path, asked_host, asked_path, way) in [
            ("", "", "any.kz", "/any", true),
            ("Site.kz", "", "site.kz", "/", true),
            ("site.kz", "", "www.site.kz", "/", false),
            ("*.site.kz", "", "a.b.site.kz", "/", true),
            ("*.site.kz", "", "site.kz", "/", false),
            ("*.site.kz", "", ".site.kz", "/", false),
            ("*.site.kz", "", "othersite.kz", "/", false),
            ("[::1]", "", "[::1]", "/", true),
            ("", "/api", "a", "/api", true),
            ("", "/api", "a", "/api/x", true),
            ("", "/api", "a", "/apis", false),
            ("", "/api/", "a", "/api", false),
            ("", "/api/", "a", "/api/x", true),
            ("", "/", "a", "/x", true),
            ("", "/", "a", "*", false),
            ("site.kz", "/api", "site.kz", "/api", true),
            ("site.kz", "/api", "site.kz", "/", false),
            ("site.kz", "/api", "other.kz", "/api", false),
        ] {
            let found = fits(&route(host, path), asked_host, asked_path);
            assert_eq!(found, way, "{host}{path} and {asked_host}{asked_path}");
        }
    }

    #[test]
    fn what_is_no_host_is_no_pattern() {
        for text in ["", "*.", "*", "a.*", "site.kz:80", "a/b", "http://a"] {
            assert!(HostPattern::parse(text).is_err(), "{text}");
        }
    }
}
