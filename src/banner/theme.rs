//! What a site may say of the looks of the banner and of our pages.
//!
//! Colours, corners, place and logo are the site's. That both answers are equal buttons, that the text is
//! read and that the banner stands before nothing is not: there is no key for it, and colours are only
//! what [`Palette::faults`] finds nothing in.
//!
//! Every theme has both palettes whole; which of them is shown is its [`Scheme`]'s to say.
//!
//! The files that follow from it are in [`style`](super::style); `site.toml` is read by `rules`.

use std::ops::{Index, IndexMut};

use schemars::JsonSchema;
use serde::Deserialize;

use super::colour::Colour;
use super::picture::Picture;

/// The looks.
#[derive(Clone, Debug)]
pub struct Theme {
    /// Where the banner stands.
    pub position: Position,
    /// Which palette is shown when.
    pub scheme: Scheme,
    /// How round corners are, in pixels.
    pub radius: u8,
    /// Shown above the banner's heading, and on our pages.
    pub logo: Option<Picture>,
    /// The colours by day.
    pub light: Palette,
    /// The colours for those whose system is dark.
    pub dark: Palette,
}

impl Default for Theme {
    fn default() -> Theme {
        Theme {
            position: Position::Bottom,
            scheme: Scheme::Auto,
            radius: 12,
            logo: None,
            light: Palette::LIGHT,
            dark: Palette::DARK,
        }
    }
}

/// Where the banner stands on wide screens; on narrow ones it is at the bottom.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Position {
    /// Across the bottom.
    #[default]
    Bottom,
    /// In the left corner at the bottom.
    Left,
    /// In the right corner at the bottom.
    Right,
}

/// Which palette is shown when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scheme {
    /// As the visitor's system is.
    #[default]
    Auto,
    /// Always the light one.
    Light,
    /// Always the dark one.
    Dark,
}

/// What has a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What text stands on.
    Paper,
    /// What our pages lay the paper on.
    Ground,
    /// Headings and text.
    Ink,
    /// Text that steps back, and the edges of what can be pressed.
    Quiet,
    /// Lines that only adorn.
    Line,
    /// Both answers.
    Button,
    /// The words on them.
    ButtonInk,
    /// Links, and what has the focus.
    Link,
}

impl Part {
    /// All of them, in the order of their numbers.
    pub const ALL: [Part; 8] = [
        Part::Paper,
        Part::Ground,
        Part::Ink,
        Part::Quiet,
        Part::Line,
        Part::Button,
        Part::ButtonInk,
        Part::Link,
    ];

    /// The name in `site.toml` and in stylesheets.
    pub const fn name(self) -> &'static str {
        match self {
            Part::Paper => "paper",
            Part::Ground => "ground",
            Part::Ink => "ink",
            Part::Quiet => "quiet",
            Part::Line => "line",
            Part::Button => "button",
            Part::ButtonInk => "button-ink",
            Part::Link => "link",
        }
    }
}

/// A colour for each part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Palette([Colour; 8]);

impl Index<Part> for Palette {
    type Output = Colour;

    fn index(&self, part: Part) -> &Colour {
        &self.0[part as usize]
    }
}

impl IndexMut<Part> for Palette {
    fn index_mut(&mut self, part: Part) -> &mut Colour {
        &mut self.0[part as usize]
    }
}

/// WCAG 2.2, 1.4.3: text.
const TEXT: f64 = 4.5;
/// WCAG 2.2, 1.4.11: what can be pressed.
const CONTROL: f64 = 3.0;

/// What stands upon what, and how well it has to be told from it.
const PAIRS: [(Part, Part, f64); 9] = [
    (Part::Ink, Part::Paper, TEXT),
    (Part::Quiet, Part::Paper, TEXT),
    (Part::Link, Part::Paper, TEXT),
    (Part::ButtonInk, Part::Button, TEXT),
    (Part::Button, Part::Paper, CONTROL),
    (Part::Ink, Part::Ground, TEXT),
    (Part::Quiet, Part::Ground, TEXT),
    (Part::Link, Part::Ground, TEXT),
    (Part::Button, Part::Ground, CONTROL),
];

/// Two colours of which one cannot be told well enough from the other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Faint {
    /// What is to be seen.
    pub part: Part,
    /// What it stands upon.
    pub upon: Part,
    /// The contrast that there is.
    pub ratio: f64,
    /// The contrast that there has to be.
    pub least: f64,
    /// A colour like it that would do, if any does.
    pub instead: Option<Colour>,
}

impl Palette {
    /// The colours by day where the site says nothing.
    pub const LIGHT: Palette = Palette::new([
        0xff_ff_ff, 0xf3_f6_f8, 0x17_22_2e, 0x4c_5a_68, 0xd5_dc_e3, 0x12_42_5f, 0xff_ff_ff,
        0x12_42_5f,
    ]);
    /// The same for dark systems.
    pub const DARK: Palette = Palette::new([
        0x18_21_2b, 0x10_17_1e, 0xe9_ee_f3, 0xb4_c0_cc, 0x36_44_52, 0xcf_e4_f2, 0x0d_24_33,
        0xa9_d2_ee,
    ]);

    const fn new(rgb: [u32; 8]) -> Palette {
        let [paper, ground, ink, quiet, line, button, button_ink, link] = rgb;
        Palette([
            Colour::new(paper),
            Colour::new(ground),
            Colour::new(ink),
            Colour::new(quiet),
            Colour::new(line),
            Colour::new(button),
            Colour::new(button_ink),
            Colour::new(link),
        ])
    }

    /// Which colours are too faint where they stand, each where it is the faintest.
    pub fn faults(&self) -> impl Iterator<Item = Faint> {
        Part::ALL.into_iter().filter_map(|part| {
            let pairs = PAIRS.iter().filter(|(of, ..)| *of == part);
            let ratio = |upon: Part| self[part].contrast(self[upon]);
            let faint = pairs.clone().filter(|(_, upon, least)| ratio(*upon) < *least);
            let (_, upon, least) = *faint
                .min_by(|(_, one, _), (_, other, _)| ratio(*one).total_cmp(&ratio(*other)))?;
            let grounds: Vec<_> = pairs.map(|(_, upon, least)| (self[*upon], *least)).collect();
            let instead = self[part].readable_upon(&grounds);
            Some(Faint { part, upon, ratio: ratio(upon), least, instead })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Palette, Part};
    use crate::banner::colour::Colour;

    #[test]
    fn the_colours_that_are_shipped_can_be_read() {
        assert_eq!(Palette::LIGHT.faults().next(), None);
        assert_eq!(Palette::DARK.faults().next(), None);
    }

    #[test]
    fn a_part_finds_its_own_colour() {
        for (at, part) in Part::ALL.into_iter().enumerate() {
            assert_eq!(part as usize, at);
        }
        assert_eq!(Palette::LIGHT[Part::ButtonInk].to_string(), "#ffffff");
        assert_eq!(Palette::DARK[Part::Link].to_string(), "#a9d2ee");
    }

    #[test]
    fn what_is_too_faint_is_named_where_it_is_the_faintest_with_what_would_do() {
        let mut palette = Palette::LIGHT;
        palette[Part::Quiet] = Colour::parse("#99a3ad").expect("a colour");
        let faults: Vec<_> = palette.faults().collect();
        assert_eq!(faults.len(), 1);
        assert_eq!((faults[0].part, faults[0].upon), (Part::Quiet, Part::Ground));
        palette[Part::Quiet] = faults[0].instead.expect("a darker one");
        assert_eq!(palette.faults().next(), None);
    }
}
