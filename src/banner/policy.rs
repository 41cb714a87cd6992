//! The page of one version of the policy: `/.consent/policy`, `/.consent/policy/<date>`.
//!
//! It states what the rules state: all purposes with their terms, who receives data and where, and the
//! operator. A version that is announced says what it changes, part by part, from what to what.
//!
//! It is for everybody the same: what holds for one visitor stands in the settings.
//!
//! Frame and cards are those of the other [`super::pages`].

use maud::{Markup, html};

use super::cards::purpose_card;
use super::pages::{back_arrow, page, particulars};
use super::splice::query;
use super::style::Style;
use super::texts::{Texts, fill};
use super::view::{Coming, Language, PolicyPage, Standing};

/// The page.
pub fn policy(texts: &Texts, style: &Style, view: &PolicyPage<'_>) -> String {
    let words = &texts.policy;
    let kind = match view.standing {
        Standing::InForce(_) => "notice",
        Standing::Announced { .. } | Standing::Past { .. } => "notice warning",
    };
    let body = html! {
        (top(texts, view.path, view.languages))
        main {
            h1 { (words.title) }
            p class=(kind) { (texts.standing(view.standing)) }
            p.lead { (fill(&words.lead, &[("operator", view.operator.name)])) }
            @if let Some(document) = view.document {
                p { a href=(document) { (texts.policy.document) } }
            }
            @if let Some(changes) = view.changes { (changed(texts, changes)) }
            section.purposes aria-labelledby="purposes" {
                h2 #purposes { (texts.settings.purposes) }
                @for purpose in view.purposes { (purpose_card(texts, purpose, false)) }
                p.small { (texts.settings.never) }
            }
            (particulars(texts, &view.operator, None))
            (versions(texts, view))
        }
    };
    page(texts, style, &words.title, "policy", &body)
}

/// The way back to the settings, and the same page in each language.
pub(super) fn top(texts: &Texts, path: &str, languages: &[Language<'_>]) -> Markup {
    let code = &texts.code;
    html! {
        header.top {
            a.back href=(format!("/.consent/?lang={}", query(code))) {
                (back_arrow(texts)) (texts.settings.title)
            }
            nav aria-label=(texts.settings.languages) {
                @for language in languages {
                    @let current = language.code == code;
                    a href=(format!("{path}?lang={}", query(language.code))) lang=(language.code)
                        hreflang=(language.code) aria-current=[current.then_some("true")] {
                        (language.name)
                    }
                }
            }
        }
    }
}

/// What a version changes of the one before it.
fn changed(texts: &Texts, coming: &Coming<'_>) -> Markup {
    let words = &texts.policy;
    html! {
        section aria-labelledby="changed" {
            h2 #changed { (words.changed) }
            @if let Some(summary) = coming.summary { p { (summary) } }
            @if coming.changes.is_empty() { p { (texts.change.same) } }
            @for change in &coming.changes {
                h3 { (change.title) " " span.clause { (change.section) } }
                dl {
                    @for part in &change.parts {
                        dt { (part.what) }
                        dd {
                            (fill(&words.before, &[("text", &part.before)]))
                            br;
                            (fill(&words.after, &[("text", &part.after)]))
                        }
                    }
                }
            }
            @if coming.asks_again { p { (texts.change.again) } }
        }
    }
}

fn versions(texts: &Texts, view: &PolicyPage<'_>) -> Markup {
    html! {
        section aria-labelledby="versions" {
            h2 #versions { (texts.policy.versions) }
            ul {
                @for version in view.versions {
                    @let path = format!("/.consent/policy/{}?lang={}", version.version, texts.code);
                    li {
                        a href=(path) aria-current=[version.is_shown.then_some("page")] {
                            (texts.standing(version.standing))
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::banner::notice::tests::coming;
    use crate::banner::style::tests::style;
    use crate::banner::texts::tests::texts;
    use crate::banner::view::tests::{OPERATOR, purposes};
    use crate::banner::view::{Date, Version};

    #[test]
    fn a_version_says_how_it_stands_what_it_changes_and_all_that_it_states() {
        let day = |month| Date { year: 2026, month, day: 1 };
        let standing = Standing::Announced { announced: day(11), in_force: day(12) };
        for code in ["kk", "ru", "en"] {
            let texts = texts(code);
            let coming = coming(&texts);
            let version = "2026-12-01".to_owned();
            let view = PolicyPage {
                path: "/.consent/policy/2026-12-01",
                operator: OPERATOR,
                standing,
                changes: Some(&coming),
                document: Some("/privacy"),
                purposes: &purposes(&texts),
                versions: &[Version { version, standing, is_shown: true }],
                languages: &[Language { code: "ru", name: "Русский" }],
            };
            let page = policy(&texts, &style(), &view);
            for part in [
                &texts.date(day(12)),
                &texts.date(day(11)),
                "Yandex.Metrica (",
                "b&lt;",
                "Short &amp; plain.",
                OPERATOR.bin,
                r#"href="/.consent/policy/2026-12-01?lang=ru""#,
                r#"aria-current="page""#,
            ] {
                assert!(page.contains(part), "{code}: {part}\n{page}");
            }
            assert_eq!(page.matches("<details class=\"card\"").count(), 7, "{code}");
            // It is the same for everybody.
            assert!(!page.contains("<form") && !page.contains(&texts.states.not_asked));
            assert!(!page.contains("<script") && !page.contains(" style="));
        }
    }
}
