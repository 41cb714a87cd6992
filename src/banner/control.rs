//! The permanent control: one tag in a page, and the script of its language.
//!
//! A visitor who has answered gets one short tag with each page, and a script that browsers keep: it makes the link
//! to the settings, styles it, and hears what is decided elsewhere. So a page costs little, and a policy (CSP)
//! has to let in one file.
//!
//! With scripts off the tag is a plain link, in one short word: it comes with every page, so it is ASCII and
//! says no more than it must. All of the tag is ASCII, and stands in a page of any encoding.
//!
//! The script is `assets/control.js`, its style `assets/control.css`; what it asks is [`crate::guard`]'s.

use maud::{Markup, PreEscaped, html};
use serde_json::json;

use super::assets::Asset;
use super::layer::{Carrier, ours, prepare};
use super::splice::{Place, Prepared, Values};
use super::style::Style;
use super::texts::Texts;

const SCRIPT: &str = include_str!("assets/min/control.js");
const STYLE: &str = include_str!("assets/min/control.css");

/// The control that opens the settings, in one language.
#[derive(Debug, Clone)]
pub struct Control {
    /// Its script.
    pub file: Asset,
    tag: Prepared,
}

impl Control {
    /// Makes the script of a language, and its tag.
    pub fn new(texts: &Texts, style: &Style) -> Self {
        let style = format!("{}{}", style.control, STYLE.trim());
        let told = [&texts.banner.control, &texts.code, &style].map(|text| json!(text).to_string());
        let code = format!("((TEXT,LANG,STYLE)=>{{{}}})({});\n", SCRIPT.trim(), told.join(","));
        // Without a name: its address is a part of every page.
        let file = Asset::script("", code);
        let tag = prepare(html! { (script(&file)) (link(texts)) });
        Self { file, tag }
    }

    /// Appends the tag for a page that carries no banner.
    pub fn write(&self, out: &mut Vec<u8>, page: Carrier<'_>) {
        self.tag.write(out, Values { control: &self.file.integrity, ..page.values() });
    }

    /// The tag beside the banner, which is itself a way to the settings.
    pub(super) fn beside_banner(&self) -> Markup {
        script(&self.file)
    }
}

/// Quotes are left out where HTML needs none.
fn script(file: &Asset) -> Markup {
    let (nonce, integrity) = (Place::Nonce.mark(), Place::ControlIntegrity.mark());
    let (source, permitted) = (ours(&file.path), Place::Permitted.mark());
    PreEscaped(format!("<script src={source} defer{permitted}{nonce}{integrity}></script>"))
}

fn link(texts: &Texts) -> Markup {
    let link = html! { (texts.page.link) };
    let settings = ours(&format!("/.consent/?{}", texts.code));
    PreEscaped(format!("<noscript><a href={settings}>{}</a></noscript>", link.into_string()))
}

#[cfg(test)]
mod tests {
    use super::Control;
    use crate::banner::colour::Colour;
    use crate::banner::style::tests::style;
    use crate::banner::texts::tests::{FILES, texts};
    use crate::banner::theme::{Part, Theme};
    use crate::banner::{Carrier, Style};
    use crate::coding::Coding;

    /// What the tag may take of a page, and its script of a first visit.
    const TAG_BYTES_MAX: usize = 120;
    const SCRIPT_BYTES_MAX: usize = 1_000;

    fn tag(code: &str, page: Carrier<'_>) -> String {
        let mut out = Vec::new();
        Control::new(&texts(code), &style()).write(&mut out, page);
        String::from_utf8(out).expect("ASCII")
    }

    #[test]
    fn after_a_choice_a_page_has_one_short_tag_and_a_small_script_that_stays() {
        for (code, _) in FILES {
            let tag = tag(code, Carrier { permitted: "analytics", ..Carrier::default() });
            assert!(tag.is_ascii() && tag.len() <= TAG_BYTES_MAX, "{} bytes: {tag}", tag.len());
            let packed = Control::new(&texts(code), &style()).file.packed(Coding::Gzip).len();
            assert!(packed <= SCRIPT_BYTES_MAX, "{code}: {packed} bytes");
        }
    }

    #[test]
    fn with_scripts_off_the_tag_is_a_link_in_the_language_of_the_page() {
        let tag = tag("kk", Carrier::default());
        assert!(tag.ends_with("<noscript><a href=/.consent/?kk>Cookie</a></noscript>"), "{tag}");
    }

    #[test]
    fn the_tag_says_what_is_permitted_and_carries_what_a_policy_wants() {
        let permitted = "analytics marketing";
        let page = Carrier { permitted, nonce: Some("n0"), by_digest: true, ..Carrier::default() };
        let file = Control::new(&texts("en"), &style()).file;
        let (path, integrity) = (&file.path, &file.integrity);
        let expected = format!(
            "<script src={path} defer data-p=\"analytics marketing\" nonce=\"n0\" integrity=\"{integrity}\">"
        );
        assert!(tag("en", page).starts_with(&expected), "{}", tag("en", page));
        let origin = Carrier { origin: "https://send-box.com", ..Carrier::default() };
        let expected = format!("<script src=https://send-box.com{path} defer data-p>");
        assert!(tag("en", origin).starts_with(&expected), "{}", tag("en", origin));
    }

    #[test]
    fn another_language_or_colour_is_another_script() {
        let path = |code, style: &Style| Control::new(&texts(code), style).file.path;
        let mut theme = Theme::default();
        theme.dark[Part::Paper] = Colour::parse("#004411").expect("a colour");
        let green = Style::new(&theme);
        assert_ne!(path("ru", &style()), path("en", &style()));
        assert_ne!(path("ru", &style()), path("ru", &green));
        let body = Control::new(&texts("ru"), &green).file.body;
        assert!(body.contains("--cc-paper:#004411;"), "{body}");
    }
}
