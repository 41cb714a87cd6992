//! The stylesheets, as they follow from a site's [`Theme`].
//!
//! How the banner and our pages are laid out is compiled in; the theme's colours, corners and place are put
//! before it, as custom properties, and after it. So there is one file for each, and one request.
//!
//! A file's address holds a digest of its content: another theme is another address.
//!
//! What is laid out how is in `assets/banner.css` and `assets/page.css`.

use std::fmt::Write as _;

use super::assets::Asset;
use super::picture::Picture;
use super::theme::{Palette, Part, Position, Scheme, Theme};

/// What our markup is dressed in.
#[derive(Debug)]
pub struct Style {
    /// Of the banner.
    pub banner: Asset,
    /// Of the notice of a new version of the policy.
    pub notice: Asset,
    /// Of our own pages.
    pub page: Asset,
    /// Of the box for a frame that is withheld.
    pub held: Asset,
    /// The colours of the control, which its script brings along, in rules that any of the site's outweighs.
    pub(super) control: String,
    /// The site's logo, if it has one.
    pub logo: Option<Picture>,
    /// Which of light and dark our pages know, as `<meta name="color-scheme">` says it.
    pub color_scheme: &'static str,
}

impl Style {
    /// Makes the files.
    pub fn new(theme: &Theme) -> Style {
        let color_scheme = match theme.scheme {
            Scheme::Auto => "light dark",
            Scheme::Light => "light",
            Scheme::Dark => "dark",
        };
        let (laid_out, pages) =
            (include_str!("assets/banner.css"), include_str!("assets/page.css"));
        let (of_banner, place) =
            (variables(theme, "#cc-main", "--cc-", &Part::ALL), place(theme.position));
        let of_notice = variables(theme, "#cc-notice", "--cc-", &Part::ALL);
        let notice = include_str!("assets/notice.css");
        let of_pages = variables(theme, ":root", "--", &Part::ALL);
        let banner = format!("@layer kelisim{{{of_banner}}}\n{laid_out}{place}");
        let of_pages = format!(":root{{color-scheme:{color_scheme}}}{of_pages}\n");
        let (page, held) = (of_pages.clone() + pages, of_pages + include_str!("assets/held.css"));
        Style {
            banner: Asset::stylesheet("banner", banner),
            notice: Asset::stylesheet("notice", format!("@layer kelisim{{{of_notice}}}\n{notice}")),
            page: Asset::stylesheet("page", page),
            held: Asset::stylesheet("held", held),
            control: variables(theme, ":where(#cc-open)", "--cc-", &[Part::Paper, Part::Quiet]),
            logo: theme.logo.clone(),
            color_scheme,
        }
    }

    /// The stylesheet at this path.
    pub fn stylesheet_at(&self, path: &str) -> Option<&Asset> {
        let files = [&self.banner, &self.notice, &self.page, &self.held];
        files.into_iter().find(|file| file.path == path)
    }

    /// The logo, if it is at this path.
    pub fn logo_at(&self, path: &str) -> Option<&Picture> {
        self.logo.as_ref().filter(|logo| logo.path == path)
    }
}

/// The theme's colours and corners as custom properties.
fn variables(theme: &Theme, of: &str, start: &str, parts: &[Part]) -> String {
    let colours = |palette: &Palette| {
        let mut written = String::new();
        for &part in parts {
            let (name, colour) = (part.name(), palette[part]);
            write!(written, "{start}{name}:{colour};").expect("a String takes every write");
        }
        written
    };
    let always = match theme.scheme {
        Scheme::Dark => &theme.dark,
        Scheme::Auto | Scheme::Light => &theme.light,
    };
    let mut written = format!("{of}{{{}{start}radius:{}px}}", colours(always), theme.radius);
    if theme.scheme == Scheme::Auto {
        let dark = colours(&theme.dark);
        write!(written, "@media (prefers-color-scheme:dark){{{of}{{{dark}}}}}")
            .expect("a String takes every write");
    }
    written
}

/// Where the banner stands, if not across the bottom.
fn place(position: Position) -> &'static str {
    match position {
        Position::Bottom => "",
        Position::Left => concat!(
            include_str!("assets/banner-corner.css"),
            "@layer kelisim{@media (min-width:481px){#cc-main .cm-wrapper{right:auto!important}}}\n"
        ),
        Position::Right => concat!(
            include_str!("assets/banner-corner.css"),
            "@layer kelisim{@media (min-width:481px){#cc-main .cm-wrapper{left:auto!important}}}\n"
        ),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::Style;
    use crate::banner::theme::{Position, Scheme, Theme};

    /// How a site looks that says nothing of it.
    pub(in crate::banner) fn style() -> Style {
        Style::new(&Theme::default())
    }

    #[test]
    fn colours_follow_the_visitors_system_unless_the_site_says_which() {
        let css =
            |scheme| Style::new(&Theme { scheme, ..Theme::default() }).banner.body.into_owned();
        let (light, dark, query) =
            ("--cc-paper:#ffffff;", "--cc-paper:#18212b;", "@media (prefers-color-scheme:dark)");
        for (scheme, has) in [
            (Scheme::Auto, [true, true, true]),
            (Scheme::Light, [true, false, false]),
            (Scheme::Dark, [false, true, false]),
        ] {
            assert_eq!(
                [light, dark, query].map(|part| css(scheme).contains(part)),
                has,
                "{scheme:?}"
            );
        }
    }

    #[test]
    fn another_theme_is_another_address() {
        let path = |theme: Theme| Style::new(&theme).banner.path;
        let usual = path(Theme::default());
        assert_eq!(usual.len(), "/.consent/banner-0a1b2c3d.css".len());
        assert_eq!(usual, path(Theme::default()));
        assert_ne!(usual, path(Theme { radius: 3, ..Theme::default() }));
        assert_ne!(usual, path(Theme { position: Position::Left, ..Theme::default() }));
    }

    #[test]
    fn a_file_is_found_at_its_own_address_only() {
        let style = Style::new(&Theme::default());
        for file in [&style.banner, &style.notice, &style.page] {
            // Nothing is asked of anybody for it, and no font.
            assert!(!["url(", "@import", "@font-face"].iter().any(|part| file.body.contains(part)));
            assert_eq!(style.stylesheet_at(&file.path).expect("its own").body, file.body);
            // A page of any encoding may name it.
            assert!(file.body.is_ascii(), "{}", file.path);
        }
        assert!(style.stylesheet_at("/.consent/banner-00000000.css").is_none());
        assert!(style.logo_at("/.consent/logo-00000000.svg").is_none());
    }
}
