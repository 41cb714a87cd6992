//! Whole pages of ours: the settings, the answer to the hidden frame, what went wrong.
//!
//! They stand outside the site's design, so they bring their own stylesheet. Everything that a
//! visitor does here is links and forms; the settings' one script only removes what trackers have left
//! in the browser's storage.
//!
//! Each page is complete and honest by itself: the settings state all seven purposes of the policy,
//! those that need no consent too, so that nobody has to look elsewhere to decide. What is asked lies open,
//! the rest is folded.
//!
//! They are served with [`POLICY`] (the frame's answer with [`POLICY_FRAMED`]), by `subject`.

use maud::{DOCTYPE, Markup, html};

use super::assets;
use super::cards::{purpose_card, state_line, withheld};
use super::detail::Direction;
use super::rights;
use super::splice::query;
use super::style::Style;
use super::texts::{Texts, fill};
use super::view::{Asked, Failure, Notice, Operator, Purpose, Settings, State};

/// The `Content-Security-Policy` of our pages.
pub const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; \
                          img-src 'self'; form-action 'self'; frame-src 'self'; base-uri 'none'; \
                          frame-ancestors 'none'";

/// The same for [`done`], which our own script frames.
pub const POLICY_FRAMED: &str = "default-src 'none'; style-src 'self'; script-src 'self'; \
                                 img-src 'self'; form-action 'self'; frame-src 'self'; base-uri 'none'; \
                                 frame-ancestors 'self'";

/// The settings page, `/.consent/`.
pub fn settings(texts: &Texts, style: &Style, view: &Settings<'_>) -> String {
    let words = &texts.settings;
    let asked = || view.purposes.iter().filter(|purpose| purpose.asked == Asked::Here);
    let body = html! {
        header.top {
            a.back href=(view.return_to) { (back_arrow(texts)) (words.back) }
            (languages(texts, view))
        }
        main {
            h1 { (words.title) }
            @if let Some(notice) = view.notice { (notice_line(texts, notice, view.record)) }
            @if let Some(outcome) = &view.outcome { (rights::outcome(texts, outcome)) }
            p.lead { (fill(&words.lead, &[("operator", view.operator.name)])) }
            section.choice aria-labelledby="choice" {
                h2 #choice { (words.choice) }
                @if asked().next().is_none() {
                    p { (words.nothing_asked) }
                } @else {
                    (choices(texts, view))
                    // Also what is agreed to and held back by the browser's signal can be withdrawn.
                    @if view.code.is_some() || asked().any(|purpose| purpose.state == State::Permitted) {
                        (withdrawal(texts, view))
                    }
                    p.small { (words.term) }
                }
                @if let Some(code) = view.code { p.small { (code_line(texts, code)) } }
            }
            section aria-labelledby="cost" {
                h2 #cost { (words.cost_title) }
                p { (words.cost) }
            }
            section.purposes aria-labelledby="purposes" {
                h2 #purposes { (words.purposes) }
                p.small { (fill(&words.version, &[("date", &texts.date(view.in_force))])) }
                @for purpose in view.purposes { (purpose_card(texts, purpose, true)) }
                @if !view.withheld.is_empty() { (withheld(texts, view)) }
                p.small { (words.never) }
            }
            (documents(texts, view))
            (rights::offered(texts, view.token, ended(view)))
            (particulars(texts, &view.operator, view.code))
        }
        @if !view.forget.is_empty() || view.notice.is_some() {
            script src=(assets::forget_js().path) data-keys=(view.forget)
                data-changed[view.notice.is_some()] {}
        }
    };
    page(texts, style, &words.title, "settings", &body)
}

/// What our hidden frame receives after a choice.
pub fn done(texts: &Texts, style: &Style) -> String {
    let body = html! {
        main {
            h1 { (texts.settings.done) }
            p { a href="/.consent/" { (texts.settings.title) } }
        }
    };
    page(texts, style, &texts.settings.done, "short", &body)
}

/// What the visitor reads when something went wrong; `retry` is a path of this site, such as the
/// page that was asked for.
pub fn error(texts: &Texts, style: &Style, failure: Failure<'_>, retry: Option<&str>) -> String {
    let text = texts.failure(failure);
    let message = match failure {
        Failure::UnknownChoice(what) => fill(&text.message, &[("what", what)]),
        _ => text.message.clone(),
    };
    let status = failure.status();
    // A failing site has no use for our settings; a form that failed does.
    let ours = status < 500;
    let body = html! {
        main {
            h1 { (text.title) }
            p.lead { (message) }
            p.links {
                @if let Some(path) = retry { a.button href=(path) { (texts.failures.retry) } }
                @if ours { a.button href="/.consent/" { (texts.failures.settings) } }
            }
            p.small { (fill(&texts.failures.status, &[("status", &status.to_string())])) }
        }
    };
    page(texts, style, &text.title, "short", &body)
}

pub(super) fn page(texts: &Texts, style: &Style, title: &str, kind: &str, body: &Markup) -> String {
    html! {
        (DOCTYPE)
        html lang=(texts.code) dir=[(texts.dir == Direction::Rtl).then(|| texts.dir.name())] {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex, nofollow";
                meta name="color-scheme" content=(style.color_scheme);
                title { (title) }
                link rel="stylesheet" href=(style.page.path);
            }
            body class=(kind) {
                @if let Some(logo) = &style.logo { img.logo src=(logo.path) alt="" height="28"; }
                (body)
            }
        }
    }
    .into_string()
}

/// The arrow of a way back, against the direction of the text.
pub(super) fn back_arrow(texts: &Texts) -> Markup {
    let arrow = match texts.dir {
        Direction::Ltr => "← ",
        Direction::Rtl => "→ ",
    };
    html! { span aria-hidden="true" { (arrow) } }
}

fn notice_line(texts: &Texts, notice: Notice, record: Option<&str>) -> Markup {
    let kind = match notice {
        Notice::Saved | Notice::Withdrawn => "notice",
        Notice::CookiesRefused | Notice::SignalConflict => "notice warning",
    };
    html! {
        p class=(kind) role="status" {
            (texts.notice(notice))
            // The others tell of no choice.
            @if let Some(record) = record.filter(|_| kind == "notice") {
                " " (rights::receipt_link(texts, record))
            }
        }
    }
}

fn languages(texts: &Texts, view: &Settings<'_>) -> Markup {
    html! {
        nav aria-label=(texts.settings.languages) {
            @for language in view.languages {
                @let current = language.code == texts.code;
                a href=(again(language.code, view)) lang=(language.code)
                    hreflang=(language.code) aria-current=[current.then_some("true")] { (language.name) }
            }
        }
    }
}

/// The settings page itself, in a language, with the way back kept.
fn here(language: &str, return_to: &str) -> String {
    format!("/.consent/?lang={}&return={}", query(language), query(return_to))
}

/// The record that opens what stands under another id than the browser's. What was saved stands under that one, or
/// under none.
fn ended<'a>(view: &Settings<'a>) -> Option<&'a str> {
    view.record.filter(|_| view.notice != Some(Notice::Saved))
}

/// The same, with what was just done.
fn again(language: &str, view: &Settings<'_>) -> String {
    let notice = match view.notice {
        Some(Notice::Saved) => "&notice=saved",
        Some(Notice::Withdrawn) => "&notice=withdrawn",
        Some(Notice::CookiesRefused | Notice::SignalConflict) | None => "",
    };
    let record = view.record.map(|record| format!("&record={}", query(record)));
    format!("{}{notice}{}", here(language, view.return_to), record.unwrap_or_default())
}

/// Both forms come back here, so that the visitor sees what their click did.
fn hidden_fields(texts: &Texts, view: &Settings<'_>, outcome: &str) -> Markup {
    let back = format!("{}&notice={outcome}", here(&texts.code, view.return_to));
    html! {
        input type="hidden" name="token" value=(view.token);
        input type="hidden" name="shown" value=(view.shown);
        input type="hidden" name="return" value=(back);
        input type="hidden" name="lang" value=(texts.code);
        input type="hidden" name="way" value="settings";
    }
}

/// The code never breaks across lines: it is copied into a letter, or read out.
pub(super) fn code_line(texts: &Texts, code: &str) -> Markup {
    let (before, after) =
        texts.settings.code.split_once("{code}").unwrap_or((&texts.settings.code, ""));
    html! { (before) code { (code) } (after) }
}

fn choices(texts: &Texts, view: &Settings<'_>) -> Markup {
    let words = &texts.settings;
    let asked: Vec<_> =
        view.purposes.iter().filter(|purpose| purpose.asked == Asked::Here).collect();
    html! {
        form method="post" action="/.consent/choices" autocomplete="off" {
            (hidden_fields(texts, view, "saved"))
            @for purpose in &asked {
                fieldset {
                    legend { (purpose.title) " " span.clause { (purpose.section) } }
                    p.state { (state_line(texts, purpose)) }
                    div.options {
                        (option(purpose, "agree", &words.agree, purpose.state == State::Permitted))
                        (option(purpose, "decline", &words.decline,
                            matches!(purpose.state, State::Declined | State::Withdrawn)))
                    }
                }
            }
            div.buttons {
                button.pm__btn name="choice" value="selected" data-role="save" { (words.save) }
                button.pm__btn name="choice" value="agree-all" data-role="all" { (words.agree_all) }
                button.pm__btn name="choice" value="decline-all" data-role="necessary" {
                    (words.decline_all)
                }
            }
        }
    }
}

/// Checked is only what the visitor chose before: nothing is chosen for them.
fn option(purpose: &Purpose<'_>, value: &str, label: &str, chosen: bool) -> Markup {
    html! {
        label {
            input type="radio" name=(purpose.id) value=(value) checked[chosen];
            span { (label) }
        }
    }
}

fn withdrawal(texts: &Texts, view: &Settings<'_>) -> Markup {
    html! {
        form.withdraw method="post" action="/.consent/withdraw" {
            (hidden_fields(texts, view, "withdrawn"))
            button aria-describedby="withdraw-note" { (texts.settings.withdraw) }
            p.small #withdraw-note { (texts.settings.withdraw_note) }
        }
    }
}

/// The policy that this rests on, and its versions to come.
fn documents(texts: &Texts, view: &Settings<'_>) -> Markup {
    let code = &texts.code;
    html! {
        section aria-labelledby="documents" {
            h2 #documents { (texts.policy.documents) }
            ul {
                @if let Some(document) = view.document {
                    li { a href=(document) { (texts.policy.document) } }
                }
                li { a href=(format!("/.consent/policy?lang={code}")) { (texts.policy.title) } }
                li { a href=(format!("/.consent/cookies?lang={code}")) { (texts.cookies.title) } }
                @for (version, date) in view.announced {
                    li {
                        a href=(format!("/.consent/policy/{version}?lang={code}")) {
                            (fill(&texts.change.lead, &[("date", &texts.date(*date))]))
                        }
                    }
                }
            }
        }
    }
}

pub(super) fn particulars(texts: &Texts, operator: &Operator<'_>, code: Option<&str>) -> Markup {
    let words = &texts.settings;
    let Operator { name, bin, address, phone, email } = *operator;
    let dialled: String = phone.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect();
    let write = fill(&words.write, &[("subject", &words.subject)]);
    html! {
        section aria-labelledby="operator" {
            h2 #operator { (words.operator) }
            p.name { (name) }
            dl {
                dt { (words.bin) } dd { (bin) }
                dt { (words.address) } dd { (address) }
                dt { (words.phone) } dd { a href=(format!("tel:{dialled}")) { (phone) } }
                dt { (words.email) } dd { a href=(letter(email, code, &words.subject)) { (email) } }
            }
            h3 { (words.write_title) }
            p { (write) }
        }
    }
}

/// A letter with the subject that the policy asks for (7.2), and the code if there is one.
pub(super) fn letter(to: &str, code: Option<&str>, subject: &str) -> String {
    let body = code.map_or_else(String::new, |code| format!("&body={}", query(code)));
    format!("mailto:{to}?subject={}{body}", query(subject))
}

#[cfg(test)]
mod tests {
    use super::{done, error, settings};
    use crate::banner::style::tests::style;
    use crate::banner::texts::tests::texts;
    use crate::banner::view::tests::{OPERATOR, purposes};
    use crate::banner::view::{Date, Failure, Language, Notice, Settings, State};

    const LANGUAGES: [Language<'static>; 3] = [
        Language { code: "kk", name: "Қазақша" },
        Language { code: "ru", name: "Русский" },
        Language { code: "en", name: "English" },
    ];

    fn shown(code: &str, state: State, return_to: &str) -> String {
        let texts = texts(code);
        let mut purposes = purposes(&texts);
        purposes[2].state = state;
        let view = Settings {
            operator: OPERATOR,
            in_force: Date { year: 2025, month: 10, day: 1 },
            purposes: &purposes,
            withheld: &["Meta Pixel", "TikTok Pixel"],
            languages: &LANGUAGES,
            token: "tok",
            shown: "5e5e",
            return_to,
            // Who declined has none.
            code: (state != State::Declined).then_some("K7Q2-9FDM"),
            notice: Some(Notice::Saved),
            record: None,
            outcome: None,
            forget: "_ym* zz",
            document: Some("/privacy"),
            announced: &[("2026-12-01".to_owned(), Date { year: 2026, month: 12, day: 1 })],
        };
        settings(&texts, &style(), &view)
    }

    #[test]
    fn the_settings_state_every_purpose_and_who_the_operator_is() {
        for code in ["kk", "ru", "en"] {
            let page = shown(code, State::NotAsked, "/");
            for section in ["4.1", "4.2", "4.3", "4.4", "4.5", "4.6", "4.7"] {
                assert!(page.contains(section), "{code}: {section}");
            }
            // What is asked lies open.
            assert_eq!(page.matches("<details class=\"card\"").count(), 7 + 1, "{code}");
            assert_eq!(page.matches(" open>").count(), 1, "{code}");
            assert!(page.contains(r#"id="analytics" open>"#), "{code}");
            for part in [OPERATOR.bin, OPERATOR.email, "Жеке деректер", "K7Q2-9FDM", "6.3", "6.5"]
            {
                assert!(page.contains(part), "{code}: {part}");
            }
        }
    }

    #[test]
    fn nothing_is_ticked_before_a_choice_and_the_choice_is_after_it() {
        assert!(!shown("kk", State::NotAsked, "/").contains("checked"));
        assert!(!shown("kk", State::TermsChanged, "/").contains("checked"));
        assert!(shown("kk", State::Permitted, "/").contains(r#"value="agree" checked"#));
        assert!(shown("kk", State::Withdrawn, "/").contains(r#"value="decline" checked"#));
    }

    #[test]
    fn withdrawing_is_offered_to_those_who_agreed() {
        assert!(shown("ru", State::Permitted, "/").contains(r#"action="/.consent/withdraw""#));
        assert!(!shown("ru", State::Declined, "/").contains(r#"action="/.consent/withdraw""#));
    }

    #[test]
    fn the_way_back_is_escaped_and_kept_across_languages() {
        let page = shown("en", State::NotAsked, "/a?b=\"<x>&c");
        assert!(page.contains(r#"href="/a?b=&quot;&lt;x&gt;&amp;c""#), "{page}");
        assert!(
            page.contains(
                "/.consent/?lang=ru&amp;return=/a%3Fb%3D%22%3Cx%3E%26c&amp;notice=saved\""
            ),
            "{page}"
        );
    }

    #[test]
    fn our_pages_hold_no_inline_script_or_style() {
        for page in [
            shown("kk", State::Permitted, "/"),
            done(&texts("kk"), &style()),
            error(&texts("kk"), &style(), Failure::SiteDown, Some("/")),
        ] {
            let scripts = page.matches("<script").count();
            let files = page.matches("<script src=\"/.consent/forget-").count();
            assert!(files == scripts && page.matches("></script>").count() == files, "{page}");
            assert!(!page.contains("<style") && !page.contains(" style="), "{page}");
        }
    }

    #[test]
    fn the_settings_name_what_the_browser_is_to_forget() {
        let page = shown("kk", State::Withdrawn, "/");
        assert!(page.contains(r#" data-keys="_ym* zz""#), "{page}");
        assert!(!done(&texts("kk"), &style()).contains("<script"));
    }

    #[test]
    fn an_error_names_what_was_sent_without_running_it() {
        let page = error(&texts("en"), &style(), Failure::UnknownChoice("<script>analitics"), None);
        assert!(page.contains("&lt;script&gt;analitics"), "{page}");
        assert!(page.contains("422"));
        let page = error(&texts("ru"), &style(), Failure::SiteDown, Some("/x"));
        assert!(page.contains(r#"href="/x""#));
    }
}
