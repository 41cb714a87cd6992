//! The notice of a new version, and how a visitor closes it.
//!
//! What is remembered is the day of the version that was read, and nothing else: the cookie is the same for
//! everybody who has read it, goes to no site, and ends by itself a week after that version is in force.
//!
//! Closing it is no choice: nothing is recorded, and nothing follows from it.

use cookie::time::Duration;
use cookie::{Cookie, SameSite};
use http::header::{HeaderValue, SET_COOKIE};

use super::form::Form;
use super::{Page, Subject, back};
use crate::fault::{Fault, VisitorFault};
use crate::gate::cookies::ConsentCookie;
use crate::time::Day;

/// For how many days after a version is in force it is remembered that its notice was read: clocks differ,
/// and pages lie open.
const AFTER_DAYS: u32 = 7;

/// Remembers that the notice of the form's version was read, if it is one that is told of now.
pub(super) fn dismiss(subject: &Subject<'_>, form: &Form) -> Result<Page, Fault> {
    let version = form.get("version").and_then(|day| day.parse::<Day>().ok());
    let version = version.ok_or(VisitorFault::BadRequest("`version` is not a day"))?;
    let mut page = back(form)?;
    let now = subject.conditions.now;
    let mut announced = subject.snapshot.rules.policies.announced(now);
    // The page may have lain open until the version was in force.
    if announced.any(|policy| policy.in_force == version) {
        let until = version.plus_days(AFTER_DAYS).start();
        let seconds = until.0.saturating_sub(now.day().start().0);
        let name = subject.cookie.notice_name();
        if let Some(line) = subject.set_cookie(name, version.to_string(), seconds) {
            page.headers_mut().insert(SET_COOKIE, line);
        }
    }
    Ok(page)
}

impl Subject<'_> {
    /// The line that sets a cookie of ours.
    pub(super) fn set_cookie(
        &self,
        name: &'static str,
        value: String,
        seconds: u64,
    ) -> Option<HeaderValue> {
        let seconds = Duration::seconds(i64::try_from(seconds).unwrap_or(i64::MAX));
        let mut cookie = Cookie::build((name, value))
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .max_age(seconds);
        match self.cookie {
            ConsentCookie::Plain => {}
            ConsentCookie::Host => cookie = cookie.secure(true),
            ConsentCookie::Shared(domain) => cookie = cookie.secure(true).domain(domain.clone()),
        }
        HeaderValue::from_str(&cookie.build().to_string()).ok()
    }
}
