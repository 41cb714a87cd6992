//! The notice of a new version, and how a visitor closes it.
//!
//! What is remembered is the day of the version that was read, and nothing else: the cookie is the same for
//! everybody who has read it, goes to no site, and ends by itself a week after that version is in force.
//!
//! Closing it is no choice: nothing is recorded, and nothing follows from it.

use http::header::SET_COOKIE;

use super::form::Form;
use super::recording::cookie_line;
use super::{Page, Subject, back};
use crate::fault::{Fault, VisitorFault};
use crate::time::Day;

/// For how many days after a version is in force it is remembered that its notice was read: clocks differ,
/// and pages lie open.
const AFTER_DAYS: u32 = 7;

/// Remembers that the notice of the form's version was read, if it is one that is told of now.
pub(super) fn dismiss(subject: &Subject<'_>, form: &Form) -> Result<Page, Fault> {
    let version = form.get("version").and_then(|day| day.parse::<Day>().ok());
    let version = version.ok_or(VisitorFault::BadRequest("`version` is not a day"))?;
    let mut page = back(form, None)?;
    let now = subject.conditions.now;
    let mut announced = subject.snapshot.rules.policies.announced(now);
    // The page may have lain open until the version was in force.
    if announced.any(|policy| policy.in_force == version) {
        let until = version.plus_days(AFTER_DAYS).start();
        let seconds = until.0.saturating_sub(now.day().start().0);
        let name = subject.cookie.notice_name();
        if let Some(line) = cookie_line(subject.cookie, name, version.to_string(), seconds) {
            page.headers_mut().insert(SET_COOKIE, line);
        }
    }
    Ok(page)
}
