//! What is inserted into the site's pages where a question is open: the banner.
//!
//! It is rendered once per language when the rules are loaded. A request copies it and fills
//! in its token, the way back and the page's nonce.
//!
//! It works with scripts off: a form with two equal buttons and a link. It is ASCII, so it
//! stands in a page of any encoding; its stylesheet precedes it, so it is not painted bare.
//! Element names follow the contracts of vanilla-cookieconsent that browsers which answer banners look for: of its
//! version 3 (`#cc-main .cm-wrapper`, `.cm__btn[data-role=necessary]`; autoconsent) and of its version 2 (`#cc--main`,
//! `#cm`, and `#s-sv-bn` for what saves, which here declines; Consent-O-Matic).
//!
//! Where in a page it is put is the gate's business; how it looks is `assets/banner.css`. Behind it stands the
//! [`control`](super::control).

use data_encoding::HEXLOWER;
use maud::{Markup, html};
use sha2::{Digest, Sha256};

use super::assets;
use super::control::Control;
use super::splice::{Place, Prepared, Values};
use super::style::Style;
use super::texts::{Texts, fill};
use super::view::{Asked, Operator, Purpose};

/// The page that something of ours is put into.
#[derive(Debug, Clone, Copy, Default)]
pub struct Carrier<'a> {
    /// Its path, to return to.
    pub return_to: &'a str,
    /// The kind of page that it is, as it is counted.
    pub kind: &'a str,
    /// The nonce that its policy (CSP) wants on scripts and stylesheets, if it wants one.
    pub nonce: Option<&'a str>,
    /// The purposes that are permitted in it, with spaces between.
    pub permitted: &'a str,
    /// Whether its policy lets our scripts run by their digests, which they then carry.
    pub by_digest: bool,
    /// Whether what an agreement releases comes with a reload: the page's policy would stop it.
    pub reload: bool,
    /// Its origin, such as `https://send-box.com`, where its `<base>` is another; else empty.
    pub origin: &'a str,
}

impl<'a> Carrier<'a> {
    /// What is filled in where there is no form.
    pub(super) fn values(self) -> Values<'a> {
        let Carrier { return_to, kind, nonce, permitted, by_digest, reload, origin } = self;
        Values { return_to, kind, nonce, permitted, origin, by_digest, reload, ..Values::default() }
    }
}

/// The banner in one language.
#[derive(Debug, Clone)]
pub struct Layer {
    prepared: Prepared,
    digest: [u8; 16],
    /// The digest in hexadecimal, as the form carries it.
    shown: String,
    /// The digest of the control's script, as `integrity` names it; empty without one.
    control: String,
}

impl Layer {
    /// The banner that asks for the purposes of [`Asked::Here`], with the control behind it if there is one;
    /// `None` if there is none to ask.
    pub fn new(
        texts: &Texts,
        operator: &Operator<'_>,
        purposes: &[Purpose<'_>],
        style: &Style,
        control: Option<&Control>,
    ) -> Option<Self> {
        let asked: Vec<_> =
            purposes.iter().filter(|purpose| purpose.asked == Asked::Here).collect();
        if asked.is_empty() {
            return None;
        }
        let ids: Vec<_> = asked.iter().map(|purpose| purpose.id).collect();
        let banner = &texts.banner;
        let markup = html! {
            (stylesheet(style))
            div #cc-main lang=(texts.code) dir=(texts.dir.name()) data-nosnippet {
                div.cm-wrapper #cc--main role="dialog" aria-labelledby="cc-title" aria-describedby="cc-text" {
                    form.cm #cm method="post" action=(ours("/.consent/choices")) target="_self"
                        accept-charset="utf-8" autocomplete="off" data-purposes=(ids.join(" "))
                        data-error=(banner.error) data-frame=(banner.frame)
                        data-no-cookies=(texts.detail.no_cookies)
                        data-value=(Place::Reload.mark()) {
                        input type="hidden" name="token" value=(Place::Token.mark());
                        input type="hidden" name="shown" value=(Place::Shown.mark());
                        input type="hidden" name="return" value=(Place::Return.mark());
                        input type="hidden" name="lang" value=(texts.code);
                        input type="hidden" name="page" value=(Place::Kind.mark());
                        div.cm__texts {
                            @if let Some(logo) = &style.logo {
                                img.cm__logo src=(ours(&logo.path)) alt="" height="28";
                            }
                            h2.cm__title #cc-title { (banner.title) }
                            div.cm__desc #cc-text {
                                @for purpose in asked {
                                    p { (question(texts, operator, purpose)) }
                                    @if !purpose.recipients.is_empty() {
                                        p { (transfer(texts, purpose)) }
                                    }
                                }
                                p { (banner.free) }
                                noscript { p { (texts.detail.no_cookies_hint) } }
                            }
                        }
                        div.cm__btns {
                            button.cm__btn name="choice" value="agree-all" data-role="all" {
                                (banner.agree)
                            }
                            button.cm__btn #s-sv-bn name="choice" value="decline-all" data-role="necessary" {
                                (banner.decline)
                            }
                            a.cm__btn href=(settings_link(texts)) target="_self" data-role="show" {
                                (banner.settings)
                            }
                        }
                        p.cm__error role="alert" hidden {}
                    }
                }
            }
            @if let Some(control) = control { (control.beside_banner()) }
            script src=(ours(&assets::banner_js().path)) defer data-nonce=(Place::Nonce.mark())
                data-integrity=(Place::Integrity.mark()) {}
        };
        let prepared = prepare(markup);
        let mut digest = [0; 16];
        digest.copy_from_slice(&Sha256::digest(shown(&prepared, style))[..16]);
        let control = control.map(|control| control.file.integrity.clone()).unwrap_or_default();
        Some(Self { prepared, digest, shown: HEXLOWER.encode(&digest), control })
    }

    /// Appends the banner for a page.
    pub fn write(&self, out: &mut Vec<u8>, token: &str, page: Carrier<'_>) {
        let Layer { prepared, shown, control, .. } = self;
        prepared.write(out, Values { token, shown, control, ..page.values() });
    }

    /// What the visitor is shown, and the code that shows it: what the digest is taken of.
    pub fn shown(&self, style: &Style) -> String {
        shown(&self.prepared, style)
    }

    /// SHA-256 over [`Layer::shown`], cut to 16 bytes.
    pub fn digest(&self) -> [u8; 16] {
        self.digest
    }
}

fn shown(prepared: &Prepared, style: &Style) -> String {
    prepared.source() + &style.banner.body + &assets::banner_js().body
}

/// Who asks, and for what.
fn question(texts: &Texts, operator: &Operator<'_>, purpose: &Purpose<'_>) -> String {
    let words =
        [("operator", operator.name), ("purpose", purpose.title), ("section", purpose.section)];
    fill(&texts.banner.ask, &words)
}

/// Who receives what and where, in one sentence.
fn transfer(texts: &Texts, purpose: &Purpose<'_>) -> String {
    let recipients: Vec<_> =
        purpose.recipients.iter().map(|to| format!("{} ({})", to.name, to.country)).collect();
    let recipients = texts.list(recipients.iter().map(String::as_str));
    let data = texts.list(purpose.data.iter().copied());
    fill(&texts.banner.who, &[("recipients", &recipients), ("data", &data)])
}

/// Our own attributes say where a nonce and its like go; the whole attribute is filled in or left out.
pub(super) fn prepare(markup: Markup) -> Prepared {
    let attributes = [
        ("data-nonce", Place::Nonce),
        ("data-integrity", Place::Integrity),
        ("data-notice", Place::NoticeIntegrity),
        ("data-value", Place::Reload),
    ];
    let markup = attributes.iter().fold(markup.into_string(), |markup, (name, place)| {
        markup.replace(&format!(" {name}=\"{}\"", place.mark()), place.mark())
    });
    Prepared::new(&markup)
}

fn stylesheet(style: &Style) -> Markup {
    let path = &style.banner.path;
    html! { link rel="stylesheet" href=(ours(path)) data-nonce=(Place::Nonce.mark()); }
}

/// An address of ours. A page may have another base, and then a path alone leads elsewhere.
pub(super) fn ours(path: &str) -> String {
    format!("{}{path}", Place::Origin.mark())
}

/// The settings in the language of the page that links them.
fn settings_link(texts: &Texts) -> String {
    ours(&format!("/.consent/?lang={}&return={}", texts.code, Place::ReturnQuery.mark()))
}

#[cfg(test)]
mod tests {
    use super::{Carrier, Layer};
    use crate::banner::control::Control;
    use crate::banner::style::tests::style;
    use crate::banner::texts::tests::texts;
    use crate::banner::view::tests::{OPERATOR, purposes};
    use crate::banner::view::{Asked, Purpose};
    use crate::banner::{Style, Theme};

    fn banner(code: &str, nonce: Option<&str>) -> String {
        let texts = texts(code);
        let (style, purposes) = (style(), purposes(&texts));
        let control = Control::new(&texts, &style);
        let layer =
            Layer::new(&texts, &OPERATOR, &purposes, &style, Some(&control)).expect("4.3 is asked");
        let mut out = Vec::new();
        layer.write(
            &mut out,
            "tok",
            Carrier { return_to: "/prices?a=1&b=2", nonce, ..Carrier::default() },
        );
        String::from_utf8(out).expect("ASCII")
    }

    #[test]
    fn the_banner_is_a_form_that_works_without_scripts() {
        for code in ["kk", "ru", "en"] {
            let banner = banner(code, None);
            assert!(banner.is_ascii(), "{code}");
            for part in [
                r#"method="post" action="/.consent/choices""#,
                r#"<input type="hidden" name="token" value="tok">"#,
                r#"<input type="hidden" name="return" value="/prices?a=1&amp;b=2">"#,
                r#"name="choice" value="agree-all" data-role="all""#,
                r#"name="choice" value="decline-all" data-role="necessary""#,
                &format!(r#"href="/.consent/?lang={code}&amp;return=/prices%3Fa%3D1%26b%3D2""#),
                r#"role="dialog""#,
                "data-nosnippet",
            ] {
                assert!(banner.contains(part), "{code}: {part}\n{banner}");
            }
        }
    }

    #[test]
    fn one_sentence_says_who_receives_what_and_where() {
        let banner = banner("en", None);
        assert!(
            banner.contains("Yandex.Metrica (Russia) and Google Analytics (USA) will receive"),
            "{banner}"
        );
        assert!(banner.contains("cookie data and IP address"), "{banner}");
    }

    #[test]
    fn a_nonce_stands_on_the_scripts_and_the_stylesheet() {
        assert_eq!(banner("en", Some("n0")).matches(r#" nonce="n0""#).count(), 3);
        assert!(!banner("en", None).contains("nonce"));
    }

    #[test]
    fn a_strict_policy_gets_the_scripts_digest_and_a_narrow_one_a_reload() {
        let texts = texts("en");
        let layer =
            Layer::new(&texts, &OPERATOR, &purposes(&texts), &style(), None).expect("asked");
        let written = |by_digest, reload| {
            let mut out = Vec::new();
            layer.write(&mut out, "tok", Carrier { by_digest, reload, ..Carrier::default() });
            String::from_utf8(out).expect("ASCII")
        };
        let digest = format!(" integrity=\"{}\"", crate::banner::assets::banner_js().integrity);
        assert!(written(true, false).contains(&digest) && !written(true, false).contains("reload"));
        assert!(written(false, true).contains(" data-reload>"));
        assert!(!written(false, true).contains("integrity"));
    }

    #[test]
    fn nothing_asked_is_no_banner() {
        let texts = texts("ru");
        let elsewhere: Vec<_> = purposes(&texts)
            .into_iter()
            .map(|purpose| Purpose { asked: Asked::Elsewhere, ..purpose })
            .collect();
        assert!(Layer::new(&texts, &OPERATOR, &elsewhere, &style(), None).is_none());
    }

    #[test]
    fn the_digest_is_of_what_was_shown() {
        let texts = texts("ru");
        let purposes = purposes(&texts);
        let digest = |radius, control: Option<&Control>| {
            let style = Style::new(&Theme { radius, ..Theme::default() });
            Layer::new(&texts, &OPERATOR, &purposes, &style, control).expect("asked").digest()
        };
        assert_eq!(digest(12, None), digest(12, None));
        assert_ne!(digest(12, None), digest(12, Some(&Control::new(&texts, &style()))));
        // How it looked is a part of what was shown.
        assert_ne!(digest(12, None), digest(0, None));
    }
}
