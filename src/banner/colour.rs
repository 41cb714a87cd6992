//! Colours, and how well one is read upon another.
//!
//! Only opaque colours: of what shines through nobody can say how it is read. The contrast is that of
//! WCAG 2.2, by which courts and authorities judge whether a button can be seen.
//!
//! Which colours stand upon which is [`theme`](super::theme)'s to say.

use std::fmt;

/// A colour of the screen (sRGB), such as `#12425f`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour {
    red: u8,
    green: u8,
    blue: u8,
}

impl Colour {
    const BLACK: Colour = Colour::new(0x00_00_00);
    const WHITE: Colour = Colour::new(0xff_ff_ff);

    /// Of a number as it is written behind `#`.
    #[allow(clippy::cast_possible_truncation, reason = "each is cut to its byte")]
    pub(super) const fn new(rgb: u32) -> Colour {
        Colour { red: (rgb >> 16) as u8, green: (rgb >> 8) as u8, blue: rgb as u8 }
    }

    /// Reads `#rrggbb` or `#rgb`.
    pub fn parse(text: &str) -> Option<Colour> {
        let digits =
            text.strip_prefix('#').filter(|rest| rest.bytes().all(|b| b.is_ascii_hexdigit()))?;
        let whole = match digits.len() {
            6 => digits.to_owned(),
            3 => digits.chars().flat_map(|digit| [digit, digit]).collect(),
            _ => return None,
        };
        u32::from_str_radix(&whole, 16).ok().map(Colour::new)
    }

    /// WCAG 2.2, "contrast ratio": from 1 to 21.
    pub fn contrast(self, other: Colour) -> f64 {
        let (one, other) = (self.luminance(), other.luminance());
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    /// The colour most like this one that has these contrasts, each upon its ground, if black or white has.
    pub fn readable_upon(self, grounds: &[(Colour, f64)]) -> Option<Colour> {
        let steps = (0..=100)
            .flat_map(|part| [Colour::BLACK, Colour::WHITE].map(|to| self.mixed(to, part)));
        let reads = |colour: &Colour| {
            grounds.iter().all(|(ground, least)| colour.contrast(*ground) >= *least)
        };
        steps.into_iter().find(reads)
    }

    /// With so many hundredths of another.
    fn mixed(self, other: Colour, hundredths: u32) -> Colour {
        let mix = |one: u8, other: u8| {
            let sum = u32::from(one) * (100 - hundredths) + u32::from(other) * hundredths;
            u8::try_from(sum / 100).unwrap_or(u8::MAX)
        };
        Colour {
            red: mix(self.red, other.red),
            green: mix(self.green, other.green),
            blue: mix(self.blue, other.blue),
        }
    }

    /// WCAG 2.2, "relative luminance".
    fn luminance(self) -> f64 {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.red) + 0.7152 * linear(self.green) + 0.0722 * linear(self.blue)
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }
}

#[cfg(test)]
mod tests {
    use super::Colour;

    fn colour(text: &str) -> Colour {
        Colour::parse(text).expect("a colour")
    }

    #[test]
    fn contrast_is_as_wcag_has_it() {
        for (one, other, ratio) in [
            ("#000", "#fff", 21.0),
            ("#fff", "#fff", 1.0),
            ("#767676", "#fff", 4.54),
            ("#949494", "#ffffff", 3.03),
        ] {
            let found = colour(one).contrast(colour(other));
            assert!((found - ratio).abs() < 0.01, "{one} upon {other}: {found}");
            assert!((colour(other).contrast(colour(one)) - found).abs() < f64::EPSILON);
        }
    }

    #[test]
    fn what_would_do_is_near_and_does_it_upon_any_ground() {
        for ground in ["#fff", "#000", "#767676", "#12425f", "#ffcc00", "#808080"] {
            let found =
                colour("#7a8a99").readable_upon(&[(colour(ground), 4.5)]).expect("black or white");
            assert!(found.contrast(colour(ground)) >= 4.5, "{found} upon {ground}");
        }
        // One that does already stays as it is, and there is none upon black and white at once.
        let (blue, white, black) = (colour("#12425f"), colour("#fff"), colour("#000"));
        assert_eq!(blue.readable_upon(&[(white, 4.5)]), Some(blue));
        assert_eq!(blue.readable_upon(&[(white, 5.0), (black, 5.0)]), None);
    }

    #[test]
    fn only_opaque_colours_are_read() {
        assert_eq!(colour("#1A2").to_string(), "#11aa22");
        for wrong in
            ["", "#", "red", "#12345", "#12345678", "12425f", "#12425g", "#+12425", "rgb(0,0,0)"]
        {
            assert_eq!(Colour::parse(wrong), None, "{wrong}");
        }
    }
}
