//! The notice of a new version of the policy, in the site's own pages (policy 2.3).
//!
//! It says from when, and for which purposes, what changes, and leads to the announced version. It is a form
//! with one button, which works with scripts off; with scripts the page stays as it is.
//!
//! It is no dialog and asks for nothing: a page that has a question open shows the banner instead, because
//! two boxes over a page are read by nobody. Its stylesheet and its script are files of its own, so that
//! pages carry them on the days of a notice alone.
//!
//! On which pages it stands is for the path to say; how it looks is `assets/notice.css`.

use maud::html;

use super::assets;
use super::layer::{Carrier, ours, prepare};
use super::splice::{Place, Prepared, Values};
use super::style::Style;
use super::texts::{Texts, fill};
use super::view::Coming;

/// The notice in one language.
#[derive(Debug, Clone)]
pub struct Notice {
    prepared: Prepared,
}

impl Notice {
    /// Prepares the notice of a version.
    pub fn new(texts: &Texts, style: &Style, coming: &Coming<'_>) -> Notice {
        let words = &texts.change;
        let code = &texts.code;
        let text = ours(&format!("/.consent/policy/{}?lang={code}", coming.version));
        let markup = html! {
            link rel="stylesheet" href=(ours(&style.notice.path))
                data-nonce=(Place::Nonce.mark());
            aside #cc-notice lang=(code) dir=(texts.dir.name()) aria-labelledby="cc-notice-title" data-nosnippet {
                form method="post" action=(ours("/.consent/notice")) target="_self"
                    accept-charset="utf-8" {
                    input type="hidden" name="token" value=(Place::Token.mark());
                    input type="hidden" name="version" value=(coming.version);
                    input type="hidden" name="return" value=(Place::Return.mark());
                    h2 #cc-notice-title { (words.title) }
                    p { (fill(&words.lead, &[("date", &texts.date(coming.in_force))])) }
                    @if let Some(summary) = coming.summary { p { (summary) } }
                    (changes(texts, coming))
                    div.cc-notice__end {
                        a href=(text) target="_self" { (words.read) }
                        button { (words.dismiss) }
                    }
                }
            }
            script src=(ours(&assets::notice_js().path)) defer data-nonce=(Place::Nonce.mark())
                data-notice=(Place::NoticeIntegrity.mark()) {}
        };
        Notice { prepared: prepare(markup) }
    }

    /// Appends the notice for a page.
    pub fn write(&self, out: &mut Vec<u8>, token: &str, page: Carrier<'_>) {
        self.prepared.write(out, Values { token, ..page.values() });
    }
}

/// The purposes whose terms change, and what of them, in short.
fn changes(texts: &Texts, coming: &Coming<'_>) -> maud::Markup {
    let words = &texts.change;
    html! {
        @if coming.changes.is_empty() { p { (words.same) } } @else {
            p { (words.changes) }
            ul {
                @for change in &coming.changes {
                    @let parts = texts.list(change.parts.iter().map(|part| part.what));
                    li {
                        (fill(&words.purpose, &[
                            ("purpose", change.title),
                            ("section", change.section),
                            ("parts", &parts),
                        ]))
                    }
                }
            }
        }
        @if coming.asks_again { p { (words.again) } }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::banner::style::tests::style;
    use crate::banner::texts::tests::texts;
    use crate::banner::view::{Change, Changed, Date};

    pub(in crate::banner) fn coming(texts: &Texts) -> Coming<'_> {
        let what = |what| Changed { what, before: "b<".to_owned(), after: "a".to_owned() };
        let parts = &texts.change.parts;
        Coming {
            version: "2026-12-01".to_owned(),
            in_force: Date { year: 2026, month: 12, day: 1 },
            summary: Some("Short & plain."),
            changes: vec![Change {
                title: "Quality",
                section: "4.3",
                parts: vec![what(&parts.recipients), what(&parts.keep)],
            }],
            asks_again: true,
        }
    }

    fn written(coming: &Coming<'_>, code: &str, page: Carrier<'_>) -> String {
        let mut out = Vec::new();
        Notice::new(&texts(code), &style(), coming).write(&mut out, "tok", page);
        String::from_utf8(out).expect("ASCII")
    }

    #[test]
    fn a_notice_is_a_form_with_one_button_that_says_what_changes_and_from_when() {
        for code in ["kk", "ru", "en"] {
            let texts = texts(code);
            let page = Carrier { return_to: "/a?b&c", nonce: Some("n0"), ..Carrier::default() };
            let notice = written(&coming(&texts), code, page);
            assert!(notice.is_ascii(), "{code}");
            for part in [
                r#"action="/.consent/notice""#,
                r#"name="version" value="2026-12-01""#,
                r#"name="return" value="/a?b&amp;c""#,
                r#"name="token" value="tok""#,
                &format!(r#"href="/.consent/policy/2026-12-01?lang={code}""#),
                "Short &amp; plain.",
                "data-nosnippet",
                "4.3",
            ] {
                assert!(notice.contains(part), "{code}: {part}\n{notice}");
            }
            assert_eq!(notice.matches("<button").count(), 1);
            assert_eq!(notice.matches(r#" nonce="n0""#).count(), 2);
            // It is nothing that a browser could answer for its owner.
            assert!(!notice.contains("dialog") && !notice.contains("cc-main"), "{notice}");
        }
    }

    #[test]
    fn where_no_terms_change_that_is_said() {
        let texts = texts("en");
        let coming =
            Coming { changes: Vec::new(), asks_again: false, summary: None, ..coming(&texts) };
        let notice = written(&coming, "en", Carrier::default());
        assert!(notice.contains(&texts.change.same) && !notice.contains(&texts.change.again));
        assert!(!notice.contains("integrity"));
        let strict = Carrier { by_digest: true, ..Carrier::default() };
        assert!(written(&coming, "en", strict).contains(&assets::notice_js().integrity));
    }
}
