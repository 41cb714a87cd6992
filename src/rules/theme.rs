//! `[banner]` of `site.toml`: how the banner and our pages look.
//!
//! What is not said is as it is shipped. Colours are refused that cannot be read where they stand, with one
//! like them that can: a banner that nobody can read asks nobody.
//!
//! What there is to say is [`Theme`]'s.

use data_encoding::BASE64;
use schemars::JsonSchema;
use serde::Deserialize;

use super::RuleFile;
use super::problem::nearest;
use super::source::Source;
use crate::banner::Theme;
use crate::banner::colour::Colour;
use crate::banner::picture::{Picture, is_picture};
use crate::banner::theme::{Faint, Palette, Part, Position, Scheme};

/// How round corners may be, in pixels.
const RADIUS_MAX: u8 = 24;

/// How the banner and our own pages look.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ThemeTable {
    /// Where the banner stands on wide screens.
    position: Position,
    /// Which of the two palettes is shown when.
    scheme: Scheme,
    /// How round corners are, in pixels: 0 to 24.
    radius: Option<u8>,
    /// A picture beside this file: .svg, .png or .webp.
    logo: Option<String>,
    /// Colours by day, as `#rrggbb`.
    light: Colours,
    /// Colours for those whose system is dark.
    dark: Colours,
}

/// Colours, as `#rrggbb`; those that are not said are as they are shipped.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
struct Colours {
    /// What text stands on.
    paper: Option<String>,
    /// What our pages lay the paper on; the paper's, if only that is said.
    ground: Option<String>,
    /// Headings and text.
    ink: Option<String>,
    /// Text that steps back, and edges.
    quiet: Option<String>,
    /// Lines that only adorn.
    line: Option<String>,
    /// Both answers.
    button: Option<String>,
    /// The words on them.
    button_ink: Option<String>,
    /// Links, and what has the focus.
    link: Option<String>,
}

impl Colours {
    fn of(&self, part: Part) -> Option<&str> {
        let said = match part {
            Part::Paper => &self.paper,
            Part::Ground if self.ground.is_none() => &self.paper,
            Part::Ground => &self.ground,
            Part::Ink => &self.ink,
            Part::Quiet => &self.quiet,
            Part::Line => &self.line,
            Part::Button => &self.button,
            Part::ButtonInk => &self.button_ink,
            Part::Link => &self.link,
        };
        said.as_deref()
    }
}

/// Where it stands, to be asked before a file is taken out of its source.
pub(super) struct Lines {
    radius: usize,
    logo: usize,
    /// Of each colour of each palette; of its table where it is not said.
    colours: [[usize; 8]; 2],
}

/// The palettes by their names in the file.
const NAMES: [&str; 2] = ["light", "dark"];

impl Lines {
    pub(super) fn of(source: &Source<'_>) -> Lines {
        let colours = NAMES.map(|name| {
            Part::ALL.map(|part| source.line_of(&format!("banner.{name}.{}", part.name())))
        });
        let (radius, logo) = (source.line_of("banner.radius"), source.line_of("banner.logo"));
        Lines { radius, logo, colours }
    }
}

/// Reads the table. The logo is among the files of the folder.
pub(super) fn read(
    source: &mut Source<'_>,
    lines: &Lines,
    table: &ThemeTable,
    files: &[RuleFile],
) -> Theme {
    let usual = Theme::default();
    let radius = table.radius.unwrap_or(usual.radius);
    if radius > RADIUS_MAX {
        let text = format!("`radius = {radius}` is too round; say 0 to {RADIUS_MAX} pixels");
        source.problem(lines.radius, text);
    }
    let logo = table.logo.as_deref().and_then(|name| {
        logo(name, files)
            .map_err(|text| source.problem(lines.logo, format!("logo `{name}` {text}")))
            .ok()
    });
    let [of_light, of_dark] = &lines.colours;
    let light = palette(source, (NAMES[0], of_light), &table.light, usual.light);
    let dark = palette(source, (NAMES[1], of_dark), &table.dark, usual.dark);
    for (scheme, palette, name, lines) in [
        (Scheme::Light, &table.dark, NAMES[1], of_dark),
        (Scheme::Dark, &table.light, NAMES[0], of_light),
    ] {
        let says = Part::ALL.into_iter().any(|part| palette.of(part).is_some());
        if table.scheme == scheme && says {
            let line = lines.iter().min().copied().unwrap_or_default();
            let text = format!(
                "`[banner.{name}]` is shown to nobody under this `scheme`; remove one of the two"
            );
            source.problem(line, text);
        }
    }
    Theme { position: table.position, scheme: table.scheme, radius, logo, light, dark }
}

/// The colours that the file says, over those that are shipped.
fn palette(
    source: &mut Source<'_>,
    (name, lines): (&str, &[usize; 8]),
    said: &Colours,
    mut palette: Palette,
) -> Palette {
    for part in Part::ALL {
        let Some(text) = said.of(part) else { continue };
        let key = part.name();
        match Colour::parse(text) {
            Some(colour) => palette[part] = colour,
            None => source.problem(
                lines[part as usize],
                format!("`{key} = \"{text}\"` is no colour; write it as `#12425f`"),
            ),
        }
    }
    for Faint { part, upon, ratio, least, instead } in palette.faults() {
        // Where only one of the two is said, the other's line is that of the table, which is above.
        let line = lines[part as usize].max(lines[upon as usize]);
        let (key, colour, ground) = (part.name(), palette[part], palette[upon]);
        let right = instead.map_or_else(
            || format!("no {key} is read upon all that it stands on; change those"),
            |instead| format!("`{key} = \"{instead}\"` would do"),
        );
        let text = format!(
            "`[banner.{name}]`: {key} {colour} upon {} {ground} has a contrast of {ratio:.1}:1 and needs \
             {least}:1 (WCAG 2.2); {right}",
            upon.name()
        );
        source.problem(line, text);
    }
    palette
}

/// The picture of this name, which lies beside `site.toml`.
fn logo(name: &str, files: &[RuleFile]) -> Result<Picture, String> {
    let file = files.iter().find(|(file, _)| file == name);
    let Some((_, text)) = file.filter(|_| is_picture(name)) else {
        let near = nearest(
            name,
            files.iter().map(|(file, _)| file.as_str()).filter(|file| is_picture(file)),
        );
        let right = near.map_or_else(
            || "put a picture of that name beside `site.toml`: .svg, .png or .webp".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        return Err(format!("is no picture in this folder; {right}"));
    };
    let bytes = BASE64.decode(text.as_bytes()).map_err(|_| "could not be read".to_owned())?;
    Picture::read(name, bytes)
}
