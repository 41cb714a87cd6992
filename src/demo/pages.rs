//! The bodies of the demonstration site's pages.
//!
//! Enough of a real service for a visitor to have something to do: read, compare prices, sign in,
//! look at what was sent.
//!
//! All numbers and messages are made up. Whatever came from the visitor is escaped by maud.
//!
//! The frame around each page is in [`super::frame`], who gets which page in [`super::site`].

use super::{
    address::{Address, Page},
    frame::{self, Session},
    words::{Item, Words},
};
use maud::{Markup, PreEscaped, html};

/// Up to how many messages a month, and what an SMS, a voice message and a check cost, in tenge.
/// The texts that name these bounds are [`Words::tiers`].
const PRICES: [(u32, &str, &str, &str); 3] =
    [(10_000, "17", "24", "4"), (100_000, "15", "21", "3"), (u32::MAX, "13", "18", "2")];

/// Line drawings for the three services, in the order of [`Words::service`].
const DRAWINGS: [&str; 3] = [
    r#"<path d="M5 8h32v21H20l-9 8v-8H5z"/><path d="M12 16h18M12 22h11"/>"#,
    r#"<path d="M6 17v8h7l10 8V9l-10 8z"/><path d="M29 15a8 8 0 0 1 0 12M33 10q8 11 0 22"/>"#,
    r#"<circle cx="18" cy="18" r="11"/><path d="m26 26 10 10M13 18l4 4 7-8"/>"#,
];

/// The front page.
pub(super) fn home(address: Address, session: Session) -> Markup {
    let words = address.language.words();
    let content = html! {
        section.hero {
            div.wide {
                div {
                    h1 { (words.hero.title) }
                    p { (words.hero.text) }
                    div.buttons {
                        a.button href=(address.to(Page::Prices).path()) { (words.see_prices) }
                        a.button.plain href=(address.to(Page::Cabinet).path()) {
                            (words.open_cabinet)
                        }
                    }
                }
                div.phone {
                    div.screen {
                        b { "send-box" }
                        @for sample in [words.sample_order, words.sample_code] {
                            p.bubble { (sample) small { "✓ " (words.delivered) } }
                        }
                    }
                }
            }
        }
        section {
            div.wide {
                h2 { (words.services) }
                ul.cards {
                    @for (Item { title, text }, drawing) in words.service.iter().zip(DRAWINGS) {
                        li.card {
                            svg viewBox="0 0 42 42" aria-hidden="true" fill="none"
                                stroke="currentColor" stroke-width="2.5"
                                stroke-linecap="round" stroke-linejoin="round" {
                                (PreEscaped(drawing))
                            }
                            h3 { (title) }
                            p { (text) }
                        }
                    }
                }
            }
        }
        section.sand {
            div.wide {
                h2 { (words.how) }
                ol.cards.steps {
                    @for Item { title, text } in &words.step {
                        li.card { h3 { (title) } p { (text) } }
                    }
                }
            }
        }
    };
    frame::page(address, session, words.hero.title, &content)
}

/// What messages cost, with a calculator where scripts run.
pub(super) fn prices(address: Address, session: Session) -> Markup {
    let words = address.language.words();
    let tiers = PRICES.map(|(bound, sms, ..)| format!("[{bound},{sms}]")).join(",");
    let content = html! {
        section {
            div.wide {
                h1 { (words.prices) }
                p.soft { (words.prices_lead) }
                div.scroll {
                    table.prices {
                        thead {
                            tr {
                                th scope="col" { (words.volume) }
                                th.number scope="col" { "SMS" }
                                th.number scope="col" { (words.voice) }
                                th.number scope="col" { (words.check) }
                            }
                        }
                        @for (tier, (_, sms, voice, check)) in words.tiers.iter().zip(PRICES) {
                            tr {
                                th scope="row" { (tier) }
                                @for price in [sms, voice, check] { td.number { (price) " ₸" } }
                            }
                        }
                    }
                }
                div #calculator.calculator hidden {
                    label for="volume" { (words.how_many) " " strong #messages {} }
                    input #volume type="range" min="1" max="200" value="25"
                        data-tiers={ "[" (tiers) "]" };
                    div { (words.about) ": " output #total for="volume" {} }
                }
                div.buttons {
                    a #order.button href=(address.to(Page::SignIn).path()) data-goal="order" {
                        (words.order)
                    }
                }
            }
        }
    };
    frame::page(address, session, words.prices, &content)
}

/// What a visitor sent with the sign-in form, as far as the page must speak of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Attempt {
    /// The form has not been sent yet.
    First,
    /// A field was empty.
    Incomplete,
}

/// The sign-in form.
pub(super) fn sign_in(address: Address, session: Session, attempt: Attempt) -> Markup {
    let words = address.language.words();
    let content = html! {
        section {
            div.narrow {
                h1 { (words.sign_in_title) }
                p.soft { (words.any_values) }
                form #sign-in.form method="post" action=(address.path()) {
                    @if attempt == Attempt::Incomplete { p.alert role="alert" { (words.fill_in) } }
                    label { (words.login) input name="login" autocomplete="username" required; }
                    label {
                        (words.password)
                        input name="password" type="password" required
                            autocomplete="current-password";
                    }
                    button.button { (words.sign_in) }
                }
            }
        }
    };
    frame::page(address, session, words.sign_in_title, &content)
}

/// The page behind the session, for the visitor who signed in as `login`.
pub(super) fn cabinet(address: Address, login: &str) -> Markup {
    let words = address.language.words();
    let tiles = [
        (words.balance, "48 250 ₸"),
        (words.sent_this_month, "12 904"),
        (words.delivered_share, "98 %"),
    ];
    let content = html! {
        section.sand {
            div.wide {
                div.line {
                    h1 #greeting { (words.hello) " " (login) }
                    form #sign-out method="post" action=(address.to(Page::SignOut).path()) {
                        button.button.plain { (words.sign_out) }
                    }
                }
                ul.cards {
                    @for (name, value) in tiles { li.card { p { (name) } span.tile { (value) } } }
                }
            }
        }
        section { div.wide { h2 { (words.latest) } div.scroll { (messages(words)) } } }
    };
    frame::page(address, Session::Open, words.cabinet, &content)
}

fn messages(words: &Words) -> Markup {
    let sent = [
        ("14:32", "+7 70• ••• •• 14", words.sample_code, "badge waiting", words.on_its_way),
        ("14:05", "+7 77• ••• •• 80", words.sample_order, "badge", words.delivered),
        ("13:58", "+7 74• ••• •• 27", words.sample_code, "badge", words.delivered),
        ("12:40", "+7 70• ••• •• 63", words.sample_order, "badge failed", words.not_delivered),
    ];
    html! {
        table.messages {
            thead {
                tr {
                    @for name in [words.time, words.recipient, words.text, words.status] {
                        th scope="col" { (name) }
                    }
                }
            }
            @for (time, recipient, text, badge, status) in sent {
                tr {
                    td { (time) }
                    td.number { (recipient) }
                    td { (text) }
                    td { span class=(badge) { (status) } }
                }
            }
        }
    }
}

/// What stands at an address that leads nowhere.
pub(super) fn missing(address: Address, session: Session) -> Markup {
    let words = address.language.words();
    let content = html! {
        section {
            div.narrow {
                h1 { (words.no_such_page) }
                a.button href=(address.to(Page::Home).path()) { (words.home) }
            }
        }
    };
    frame::page(address, session, words.no_such_page, &content)
}
