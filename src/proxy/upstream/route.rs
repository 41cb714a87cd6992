//! Which group of servers a request goes to: by its host and the beginning of its path.
//!
//! Routes are tried in the order in which they are written, and the first that fits decides. Where
//! none fits, a request goes to the group that has no route, so the last route that is written should
//! be the most general.
//!
//! Paths are compared as they were sent: what a site makes of `..` and `%2F` is its own business, and
//! it is asked for no other path than the visitor's.

/// Which requests go to a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Route {
    /// The hosts; any if not set.
    pub host: Option<HostPattern>,
    /// What the path begins with; anything if not set.
    pub path: Option<String>,
    /// The name of the group.
    pub upstream: String,
}

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

    fn fits(&self, host: &str) -> bool {
        match self {
            HostPattern::Is(name) => host == name,
            HostPattern::Under(end) => host.len() > end.len() && host.ends_with(end.as_str()),
        }
    }
}

impl Route {
    /// Whether a request for `host`, in lower case and without a port, and for `path` goes this way.
    pub(super) fn fits(&self, host: &str, path: &str) -> bool {
        self.host.as_ref().is_none_or(|pattern| pattern.fits(host))
            && self.path.as_ref().is_none_or(|begins| is_under(path, begins))
    }
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
        for (host, path, asked_host, asked_path, fits) in [
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
            let found = route(host, path).fits(asked_host, asked_path);
            assert_eq!(found, fits, "{host}{path} and {asked_host}{asked_path}");
        }
    }

    #[test]
    fn what_is_no_host_is_no_pattern() {
        for text in ["", "*.", "*", "a.*", "site.kz:80", "a/b", "http://a"] {
            assert!(HostPattern::parse(text).is_err(), "{text}");
        }
    }
}
