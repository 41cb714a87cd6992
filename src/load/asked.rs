//! What visitors ask for, made ready before they come.
//!
//! Their fields are those of a browser that opens a page: what a gateway spends on a request depends on
//! how much the request says.

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, COOKIE, HOST, HeaderMap, HeaderName, HeaderValue};
use http::{Request, Uri};
use http_body_util::Full;

use super::connection::Dialer;
use super::consent;
use super::scenario::{Consent, Kind, Protocol, Scenario};

/// What the visitors of one kind ask for.
pub(super) struct Asked {
    /// Addresses, as the protocol writes them.
    pages: Vec<Uri>,
    headers: HeaderMap,
    /// A cookie for each of several people; none for strangers.
    cookies: Vec<HeaderValue>,
}

/// Makes ready what is asked, and has consents given.
pub(super) async fn prepare(scenario: &Scenario, dialer: &Dialer) -> Result<Vec<Asked>, String> {
    let mut given: Vec<(Consent, Vec<HeaderValue>)> = Vec::new();
    let mut asked = Vec::new();
    for kind in &scenario.kinds {
        let known = given.iter().find(|(consent, _)| *consent == kind.consent);
        let cookies = match known {
            Some((_, cookies)) => cookies.clone(),
            None => consent::give(dialer, kind.consent).await?,
        };
        given.push((kind.consent, cookies.clone()));
        asked.push(Asked::of(kind, dialer.authority(), cookies)?);
    }
    Ok(asked)
}

impl Asked {
    fn of(kind: &Kind, authority: &str, cookies: Vec<HeaderValue>) -> Result<Asked, String> {
        let page = |path: &String| {
            let written = match kind.protocol {
                Protocol::Http1 => path.clone(),
                Protocol::Http2 => format!("https://{authority}{path}"),
            };
            written.parse::<Uri>().map_err(|error| format!("page `{path}`: {error}"))
        };
        let pages = kind.pages.iter().map(page).collect::<Result<_, _>>()?;
        let mut headers = HeaderMap::new();
        let text = |value: &str| HeaderValue::from_str(value).map_err(|error| error.to_string());
        if kind.protocol == Protocol::Http1 {
            headers.insert(HOST, text(authority)?);
        }
        for (name, value) in &BROWSER {
            headers.insert(name.clone(), HeaderValue::from_static(value));
        }
        headers.insert(ACCEPT_ENCODING, text(&kind.accept_encoding)?);
        Ok(Asked { pages, headers, cookies })
    }

    /// The `turn`-th request.
    pub(super) fn request(&self, turn: u64) -> Request<Full<Bytes>> {
        let nth = |count: usize| usize::try_from(turn % count as u64).unwrap_or(0);
        let mut request = Request::new(Full::default());
        *request.uri_mut() = self.pages[nth(self.pages.len())].clone();
        request.headers_mut().clone_from(&self.headers);
        if !self.cookies.is_empty() {
            let cookie = self.cookies[nth(self.cookies.len())].clone();
            request.headers_mut().insert(COOKIE, cookie);
        }
        request
    }
}

/// What a browser says when it opens a page.
static BROWSER: [(HeaderName, &str); 8] = [
    (
        http::header::USER_AGENT,
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    ),
    (
        ACCEPT,
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    ),
    (http::header::ACCEPT_LANGUAGE, "kk-KZ,kk;q=0.9,ru;q=0.8,en;q=0.7"),
    (http::header::UPGRADE_INSECURE_REQUESTS, "1"),
    (HeaderName::from_static("sec-fetch-site"), "none"),
    (HeaderName::from_static("sec-fetch-mode"), "navigate"),
    (HeaderName::from_static("sec-fetch-user"), "?1"),
    (HeaderName::from_static("sec-fetch-dest"), "document"),
];
