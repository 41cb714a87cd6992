//! The form of a choice: where it was sent from, and what it says.
//!
//! A choice must come from a page of this site. `Sec-Fetch-Site` decides where browsers send
//! it; else the host of `Origin`. A page with `Referrer-Policy: no-referrer` posts with
//! `Origin: null`; without `Sec-Fetch-Site` such a form needs its token. A client that sends
//! none of these is no browser that could be lured, and is accepted.
//!
//! Everything that a form may not say is refused by name, so that no misspelt field is taken
//! for silence.

use std::time::Duration;

use bytes::Bytes;
use http::header::{HeaderMap, HeaderValue, ORIGIN, USER_AGENT};
use http_body::Body;
use http_body_util::{BodyExt, Limited};
use tokio::time::timeout;
use url::{Url, form_urlencoded};

use super::choose::Wish;
use crate::fault::{Fault, VisitorFault};
use crate::gate::seal::Seal;
use crate::policy::{PerPurpose, Purpose};
use crate::time::Time;

/// The largest form, in bytes.
pub const FORM_BYTES_MAX: usize = 16 * 1024;

/// How long a form may take to arrive.
const ARRIVAL: Duration = Duration::from_secs(10);

/// A body of at most so many bytes that has to arrive soon.
pub(super) async fn whole<B>(body: B, bytes_max: usize) -> Result<Bytes, Fault>
where
    B: Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let collected = timeout(ARRIVAL, Limited::new(body, bytes_max).collect())
        .await
        .map_err(|_| VisitorFault::BadRequest("the body took too long to arrive"))?;
    let collected = collected.map_err(|error| {
        if error.is::<http_body_util::LengthLimitError>() {
            VisitorFault::TooLarge
        } else {
            VisitorFault::BadRequest("the body broke off")
        }
    })?;
    Ok(collected.to_bytes())
}

/// A form as it was sent.
#[derive(Clone, Debug, Default)]
pub struct Form {
    fields: Vec<(String, String)>,
}

impl Form {
    /// Reads a body of at most [`FORM_BYTES_MAX`].
    pub async fn read<B>(body: B) -> Result<Form, Fault>
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let body = whole(body, FORM_BYTES_MAX).await?;
        let fields = form_urlencoded::parse(&body).into_owned().collect();
        Ok(Form { fields })
    }

    /// The first field of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// What the form wishes for each purpose in `asked`.
    pub fn wishes(&self, asked: &[Purpose]) -> Result<PerPurpose<Option<Wish>>, Fault> {
        let choice = self.get("choice").ok_or(VisitorFault::UnknownChoice("choice".to_owned()))?;
        if let Some((_, other)) = self.fields.iter().find(|(n, v)| n == "choice" && v != choice) {
            return Err(VisitorFault::UnknownChoice(format!("{choice} and {other}")).into());
        }
        let for_all =
            |wish| Ok(PerPurpose::from_fn(|purpose| asked.contains(&purpose).then_some(wish)));
        match choice {
            "agree-all" => for_all(Wish::Agree),
            "decline-all" => for_all(Wish::Refuse),
            "selected" => self.selected(asked),
            other => Err(VisitorFault::UnknownChoice(other.to_owned()).into()),
        }
    }

    /// A purpose that the form does not name is refused: an unticked box sends nothing.
    fn selected(&self, asked: &[Purpose]) -> Result<PerPurpose<Option<Wish>>, Fault> {
        let mut wishes =
            PerPurpose::from_fn(|purpose| asked.contains(&purpose).then_some(Wish::Refuse));
        let mut said: PerPurpose<Option<Wish>> = PerPurpose::default();
        for (name, value) in &self.fields {
            let of_ours = ["choice", "return", "token", "shown", "lang", "way", "page"];
            if of_ours.contains(&name.as_str()) {
                continue;
            }
            let purpose = name.parse::<Purpose>().ok().filter(|purpose| asked.contains(purpose));
            let unknown = |what: String| Fault::from(VisitorFault::UnknownChoice(what));
            let purpose = purpose.ok_or_else(|| unknown(name.clone()))?;
            let wish = match value.as_str() {
                "agree" => Wish::Agree,
                "decline" => Wish::Refuse,
                other => return Err(unknown(format!("{name}={other}"))),
            };
            // Who says both has not agreed.
            let said_otherwise = said[purpose].is_some_and(|earlier| earlier != wish);
            said[purpose] = Some(if said_otherwise { Wish::Refuse } else { wish });
            wishes[purpose] = said[purpose];
        }
        Ok(wishes)
    }
}

/// Whom a form was shown to, as a request shows it.
#[derive(Clone, Copy, Debug)]
pub struct Whom<'a> {
    /// The visitor's address.
    pub address: std::net::IpAddr,
    /// Their headers.
    pub headers: &'a HeaderMap,
}

impl Whom<'_> {
    /// The token of a form that is shown now.
    pub fn token(&self, seal: &Seal, now: Time) -> String {
        seal.form_token(&self.bytes(), now)
    }

    fn bytes(&self) -> Vec<u8> {
        let agent = self.headers.get(USER_AGENT).map_or(&b""[..], HeaderValue::as_bytes);
        [self.address.to_string().as_bytes(), b" ", agent].concat()
    }
}

/// Refuses a form that some other site may have made the browser send.
pub fn check_origin(
    whom: Whom<'_>,
    site: &str,
    form: &Form,
    seal: &Seal,
    now: Time,
) -> Result<(), Fault> {
    let field = |name: &str| whom.headers.get(name).map(HeaderValue::as_bytes);
    let foreign = Err(VisitorFault::ForeignForm.into());
    match (field("sec-fetch-site"), field(ORIGIN.as_str())) {
        (Some(b"same-origin" | b"none"), _) | (None, None) => Ok(()),
        (Some(_), _) => foreign,
        (None, Some(b"null")) => {
            let holds = seal.holds(form.get("token").unwrap_or_default(), &whom.bytes(), now);
            if holds { Ok(()) } else { foreign }
        }
        (None, Some(origin)) => {
            let host = std::str::from_utf8(origin).ok().and_then(|origin| origin.split_once("://"));
            match host {
                Some((_, host)) if host.eq_ignore_ascii_case(site) => Ok(()),
                _ => foreign,
            }
        }
    }
}

/// A path to return to, if it is one of this site and no way to another: `//host`, `/\host`
/// and what a browser makes of tabs in them are refused by reading them as it does.
pub fn local_path(given: &str) -> Option<String> {
    let here = Url::parse("https://here.invalid/").expect("a valid address");
    let url = here.join(given).ok().filter(|_| given.starts_with('/'))?;
    // `/.//host` is a path here, and a way to another host once its dots are gone.
    let local = url.origin() == here.origin() && !url.path().starts_with("//");
    local.then(|| url[url::Position::BeforePath..].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::seal::SealKey;
    use crate::time::Day;

    fn form(body: &str) -> Form {
        Form { fields: form_urlencoded::parse(body.as_bytes()).into_owned().collect() }
    }

    #[test]
    fn only_paths_of_this_site_are_returned_to() {
        for (given, expected) in [
            ("/prices?a=1#x", Some("/prices?a=1#x")),
            ("/", Some("/")),
            ("/баға", Some("/%D0%B1%D0%B0%D2%93%D0%B0")),
            ("//evil.kz/", None),
            ("/\\evil.kz/", None),
            ("/\t/evil.kz/", None),
            ("/.//evil.kz/", None),
            ("/..//evil.kz", None),
            ("/%2e//evil.kz", None),
            ("/a/..//evil.kz", None),
            ("https://evil.kz/", None),
            ("javascript:alert(1)", None),
            ("prices", None),
            ("", None),
        ] {
            assert_eq!(local_path(given).as_deref(), expected, "{given:?}");
        }
    }

    #[test]
    fn a_wish_is_read_and_what_is_unknown_is_named() {
        let asked = [Purpose::Analytics];
        let of = |body: &str| form(body).wishes(&asked).map(|wishes| wishes[Purpose::Analytics]);
        assert_eq!(of("choice=agree-all"), Ok(Some(Wish::Agree)));
        assert_eq!(of("choice=decline-all"), Ok(Some(Wish::Refuse)));
        assert_eq!(of("choice=selected&analytics=agree&return=%2F"), Ok(Some(Wish::Agree)));
        assert_eq!(of("choice=selected"), Ok(Some(Wish::Refuse)));
        for both in ["analytics=agree&analytics=decline", "analytics=decline&analytics=agree"] {
            assert_eq!(of(&format!("choice=selected&{both}")), Ok(Some(Wish::Refuse)), "{both}");
        }
        for (body, named) in [
            ("", "choice"),
            ("choice=maybe", "maybe"),
            ("choice=agree-all&choice=decline-all", "agree-all and decline-all"),
            ("choice=selected&analitics=agree", "analitics"),
            ("choice=selected&marketing=agree", "marketing"),
            ("choice=selected&analytics=yes", "analytics=yes"),
        ] {
            let expected = VisitorFault::UnknownChoice(named.to_owned());
            assert_eq!(of(body), Err(expected.into()), "{body}");
        }
    }

    #[test]
    fn a_form_from_elsewhere_is_refused() {
        let seal = Seal::new(&SealKey { id: 1, secret: [1; 32] }, &[]);
        let address = "198.51.100.7".parse().unwrap();
        let now = Day(20_000).start();
        let check = |pairs: &[(&'static str, &str)], body: &str| {
            let headers: HeaderMap =
                pairs.iter().map(|(n, v)| (n.parse().unwrap(), v.parse().unwrap())).collect();
            check_origin(
                Whom { address, headers: &headers },
                "send-box.com",
                &form(body),
                &seal,
                now,
            )
            .is_ok()
        };
        assert!(check(&[], ""));
        assert!(check(&[("sec-fetch-site", "same-origin"), ("origin", "null")], ""));
        assert!(check(&[("sec-fetch-site", "none")], ""));
        assert!(!check(
            &[("sec-fetch-site", "cross-site"), ("origin", "https://send-box.com")],
            ""
        ));
        assert!(!check(&[("sec-fetch-site", "same-site")], ""));
        assert!(check(&[("origin", "https://send-box.com")], ""));
        assert!(!check(&[("origin", "https://send-box.com.evil.kz")], ""));
        assert!(!check(&[("origin", "null")], "token=guess"));

        let headers = HeaderMap::new();
        let whom = Whom { address, headers: &headers };
        let token = |at| format!("token={}", whom.token(&seal, at));
        assert!(check(&[("origin", "null")], &token(now)));
        assert!(check(&[("origin", "null")], &token(Day(19_999).start())));
        assert!(!check(&[("origin", "null")], &token(Day(19_997).start())));
    }
}
