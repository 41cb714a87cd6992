//! Whether a person made a choice, as far as their browser says so.
//!
//! Programs answer banners, and some answer *agree*. A click that no person made may refuse, never
//! agree. Where a form is sent because somebody acted, Chromium and Firefox say `Sec-Fetch-User: ?1`
//! (Fetch Metadata §2.4); where a script sends it they say nothing. No script can write the field.
//!
//! WebKit sends the other fields and never this one, and over plain HTTP no browser sends any: nothing
//! is known of a person then, and nothing against one. What no form can have sent is a script's anywhere.
//!
//! What follows from it is decided where choices are made; the record keeps it.

use http::header::{HeaderMap, HeaderValue, USER_AGENT};

/// What a browser says of who made a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attestation {
    /// A person acted.
    Attested,
    /// Nobody did, in a browser that would have said so: a script.
    Unattested,
    /// It does not say.
    Unknown,
}

impl Attestation {
    /// All of them.
    pub const ALL: [Attestation; 3] =
        [Attestation::Attested, Attestation::Unattested, Attestation::Unknown];

    /// The name in the record.
    pub const fn name(self) -> &'static str {
        match self {
            Attestation::Attested => "attested",
            Attestation::Unattested => "unattested",
            Attestation::Unknown => "unknown",
        }
    }

    /// What the fields of a request say.
    pub fn of(headers: &HeaderMap) -> Attestation {
        let field = |name: &str| headers.get(name).map_or(&b""[..], HeaderValue::as_bytes);
        let fields = ["sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest"];
        if !fields.iter().any(|name| headers.contains_key(*name)) {
            return Attestation::Unknown;
        }
        let navigates = field("sec-fetch-mode") == b"navigate";
        match field("sec-fetch-user") {
            b"?1" if navigates => Attestation::Attested,
            _ if navigates && is_webkit(field(USER_AGENT.as_str())) => Attestation::Unknown,
            _ => Attestation::Unattested,
        }
    }
}

/// Safari, and on iOS every browser. Those that stem from Chromium call themselves WebKit, too.
fn is_webkit(agent: &[u8]) -> bool {
    let says = |word: &[u8]| memchr::memmem::find(agent, word).is_some();
    says(b"AppleWebKit/") && !says(b"Chrome/") && !says(b"Chromium/")
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHROMIUM: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36";
    const WEBVIEW: &str = "Mozilla/5.0 (Linux; Android 14; SM-A155F; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/128.0.6613.146 Mobile Safari/537.36";
    const EDGE: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36 Edg/130.0.0.0";
    const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    const SAFARI: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15";
    const IPHONE_CHROME: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/130.0.6723.90 Mobile/15E148 Safari/604.1";
    const IPHONE_FIREFOX: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/132.0 Mobile/15E148 Safari/605.1.15";

    /// Site, mode, dest, user; `-` where the field does not come.
    const BY_PERSON: [&str; 4] = ["same-origin", "navigate", "document", "?1"];
    const BY_PERSON_FRAMED: [&str; 4] = ["same-origin", "navigate", "iframe", "?1"];
    const BY_SCRIPT: [&str; 4] = ["same-origin", "navigate", "document", "-"];
    const BY_SCRIPT_FRAMED: [&str; 4] = ["same-origin", "navigate", "iframe", "-"];
    const BY_FETCH: [&str; 4] = ["same-origin", "cors", "empty", "-"];
    const BY_BEACON: [&str; 4] = ["same-origin", "no-cors", "empty", "-"];
    const NONE: [&str; 4] = ["-", "-", "-", "-"];

    #[test]
    #[rustfmt::skip] // a table
    fn each_browser_is_believed_for_what_it_says() {
        use Attestation::{Attested, Unattested, Unknown};
        for (agent, sent, expected) in [
            // A person submits the form, here or in the banner's hidden frame.
            (CHROMIUM, BY_PERSON, Attested),
            (CHROMIUM, BY_PERSON_FRAMED, Attested),
            (WEBVIEW, BY_PERSON, Attested),
            (EDGE, BY_PERSON, Attested),
            (FIREFOX, BY_PERSON, Attested),
            (FIREFOX, BY_PERSON_FRAMED, Attested),
            // `form.submit()`, or `button.click()` by a script.
            (CHROMIUM, BY_SCRIPT, Unattested),
            (CHROMIUM, BY_SCRIPT_FRAMED, Unattested),
            (WEBVIEW, BY_SCRIPT, Unattested),
            (EDGE, BY_SCRIPT, Unattested),
            (FIREFOX, BY_SCRIPT, Unattested),
            (FIREFOX, BY_SCRIPT_FRAMED, Unattested),
            // `fetch`, `XMLHttpRequest`, `sendBeacon`.
            (CHROMIUM, BY_FETCH, Unattested),
            (FIREFOX, BY_FETCH, Unattested),
            (CHROMIUM, BY_BEACON, Unattested),
            (SAFARI, BY_FETCH, Unattested),
            (SAFARI, BY_BEACON, Unattested),
            // WebKit never says `Sec-Fetch-User`, for persons neither.
            (SAFARI, BY_SCRIPT, Unknown),
            (SAFARI, BY_SCRIPT_FRAMED, Unknown),
            (IPHONE_CHROME, BY_SCRIPT, Unknown),
            (IPHONE_FIREFOX, BY_SCRIPT, Unknown),
            // Plain HTTP, Safari before 16.4, and programs.
            (CHROMIUM, NONE, Unknown),
            (FIREFOX, NONE, Unknown),
            (SAFARI, NONE, Unknown),
            ("curl/8.14.1", NONE, Unknown),
            // What no browser sends is believed of none.
            (CHROMIUM, ["same-origin", "navigate", "document", "?0"], Unattested),
            (CHROMIUM, ["same-origin", "cors", "empty", "?1"], Unattested),
            ("", BY_SCRIPT, Unattested),
            (CHROMIUM, ["-", "-", "-", "?1"], Unknown),
        ] {
            let names = ["sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest", "sec-fetch-user"];
            let mut headers = HeaderMap::new();
            for (name, value) in names.into_iter().zip(sent).filter(|(_, value)| *value != "-") {
                headers.insert(name, HeaderValue::from_static(value));
            }
            headers.insert(USER_AGENT, HeaderValue::from_static(agent));
            assert_eq!(Attestation::of(&headers), expected, "{agent}: {sent:?}");
        }
    }
}
