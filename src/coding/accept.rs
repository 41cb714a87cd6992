//! Which codings a client takes.
//!
//! Two questions are asked of `Accept-Encoding`: in which coding a page that we changed goes to
//! the client, and which codings the site may use so that we can read it.
//!
//! A coding that the client did not name, or refused, is never chosen or asked for. A member
//! that is malformed counts as not there, and where a coding is named twice, the first counts.
//!
//! How a body turned out to be packed is told by [`Coding::of_body`].

use std::fmt::Write;

use super::Coding;

/// A weight of 1, in thousandths.
const FULL: u16 = 1000;

/// What we pack with, the one that we like best last.
const MADE: [Coding; 3] = [Coding::Gzip, Coding::Brotli, Coding::Zstd];

/// What we read, in the order in which `*` is spelled out.
const READ: [Coding; 4] = [Coding::Zstd, Coding::Brotli, Coding::Gzip, Coding::Deflate];

/// A member's coding; nothing for `*`.
type Range = Option<Coding>;

/// The members that concern us, each range once, with weights in thousandths.
struct Accepted(Vec<(Range, u16)>);

impl Accepted {
    fn read<'a>(accept: impl Iterator<Item = &'a [u8]>) -> Accepted {
        let mut accepted = Accepted(Vec::new());
        for member in accept.flat_map(|field| field.split(|b| *b == b',')) {
            let Some((range, weight)) = range_and_weight(member) else { continue };
            if accepted.named(range).is_none() {
                accepted.0.push((range, weight));
            }
        }
        accepted
    }

    fn named(&self, range: Range) -> Option<u16> {
        self.0.iter().find(|(named, _)| *named == range).map(|(_, weight)| *weight)
    }

    /// The weight of a coding that is named or covered by `*`.
    fn weight(&self, coding: Coding) -> u16 {
        self.named(Some(coding)).or_else(|| self.named(None)).unwrap_or(0)
    }
}

impl Coding {
    /// In which coding a changed page goes to a client, by its `Accept-Encoding` fields
    /// (RFC 9110 §12.5.3): the one of highest weight, among equals zstd, then br, then gzip.
    /// Identity where the client likes that better, names nothing that we make, or is silent:
    /// what does not say that it can unpack mostly cannot.
    pub fn for_client<'a>(accept: impl Iterator<Item = &'a [u8]>) -> Coding {
        Coding::best(accept, MADE)
    }

    /// The same for a file that is packed once and as well as can be: among equals br, which knows the
    /// words of scripts beforehand, then zstd, then gzip.
    pub fn for_file<'a>(accept: impl Iterator<Item = &'a [u8]>) -> Coding {
        Coding::best(accept, [Coding::Gzip, Coding::Zstd, Coding::Brotli])
    }

    /// The coding of highest weight, among equals the last of these.
    fn best<'a>(accept: impl Iterator<Item = &'a [u8]>, made: [Coding; 3]) -> Coding {
        let accepted = Accepted::read(accept);
        let (weight, coding) = made
            .into_iter()
            .map(|coding| (accepted.weight(coding), coding))
            .max_by_key(|(weight, _)| *weight)
            .expect("there are codings that we make");
        let plain = accepted.named(Some(Coding::Identity)).unwrap_or(0);
        if weight == 0 || plain > weight { Coding::Identity } else { coding }
    }

    /// The `Accept-Encoding` value that goes to the site: of what the client takes, what we can
    /// read, in the client's order and with its weights; `identity` where nothing is left.
    ///
    /// `*` is spelled out, since the site may know codings that we do not.
    pub fn readable<'a>(accept: impl Iterator<Item = &'a [u8]>) -> String {
        let accepted = Accepted::read(accept);
        let unnamed = |coding: &Coding| accepted.named(Some(*coding)).is_none();
        let mut members: Vec<(Coding, u16)> = Vec::new();
        for &(range, weight) in &accepted.0 {
            match range {
                // To name a coding in order to refuse it is needless where there is no `*`.
                Some(Coding::Identity) => members.push((Coding::Identity, weight)),
                Some(coding) if weight > 0 => members.push((coding, weight)),
                None if weight > 0 => {
                    members.extend(READ.into_iter().filter(unnamed).map(|c| (c, weight)));
                }
                None if unnamed(&Coding::Identity) => members.push((Coding::Identity, 0)),
                _ => {}
            }
        }
        if members.iter().all(|(_, weight)| *weight == 0) {
            return Coding::Identity.name().to_owned();
        }
        let mut value = String::new();
        for (coding, weight) in members {
            if !value.is_empty() {
                value.push_str(", ");
            }
            value.push_str(coding.name());
            match weight {
                FULL => {}
                0 => value.push_str(";q=0"),
                _ => {
                    let digits = format!("{weight:03}");
                    write!(value, ";q=0.{}", digits.trim_end_matches('0'))
                        .expect("a string takes all that is written");
                }
            }
        }
        value
    }
}

/// Reads one member; nothing where it is malformed or names what we do not know.
fn range_and_weight(member: &[u8]) -> Option<(Range, u16)> {
    let mut parts = member.split(|b| *b == b';').map(<[u8]>::trim_ascii);
    let range = match parts.next()? {
        b"*" => None,
        name => Some(Coding::named(name)?),
    };
    let weight = match (parts.next(), parts.next()) {
        (None, _) => FULL,
        (Some(weight), None) => {
            let (name, value) = weight.split_at(weight.iter().position(|b| *b == b'=')?);
            if !name.trim_ascii().eq_ignore_ascii_case(b"q") {
                return None;
            }
            thousandths(value[1..].trim_ascii())?
        }
        _ => return None,
    };
    Some((range, weight))
}

/// Reads a `qvalue`: from 0 to 1 with up to three digits behind the point.
fn thousandths(value: &[u8]) -> Option<u16> {
    let (whole, behind) = match value {
        [whole] => (whole, &[][..]),
        [whole, b'.', behind @ ..] if behind.len() <= 3 => (whole, behind),
        _ => return None,
    };
    let mut weight = match whole {
        b'0' => 0,
        b'1' => FULL,
        _ => return None,
    };
    for (digit, unit) in behind.iter().zip([100, 10, 1]) {
        if !digit.is_ascii_digit() {
            return None;
        }
        weight += u16::from(digit - b'0') * unit;
    }
    (weight <= FULL).then_some(weight)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn for_client(accept: &[&str]) -> &'static str {
        Coding::for_client(accept.iter().map(|field| field.as_bytes())).name()
    }

    fn readable(accept: &[&str]) -> String {
        Coding::readable(accept.iter().map(|field| field.as_bytes()))
    }

    #[test]
    fn the_highest_weight_wins_and_among_equals_zstd_br_gzip() {
        for (accept, expected) in [
            ("gzip, deflate, br, zstd", "zstd"),
            ("gzip, deflate, br", "br"),
            ("gzip, deflate", "gzip"),
            ("x-gzip", "gzip"),
            ("deflate", "identity"),
            ("", "identity"),
            ("gzip;q=0.9, br;q=0.899", "gzip"),
            ("gzip;q=0.9, br;q=0.901", "br"),
            ("zstd;q=0.001, gzip", "gzip"),
            ("GZIP;Q=0.5", "gzip"),
            (" ,, gzip ; q = 0.5 ,\t", "gzip"),
            ("dcb, dcz, compress", "identity"),
        ] {
            assert_eq!(for_client(&[accept]), expected, "{accept:?}");
        }
        assert_eq!(for_client(&["gzip;q=0.5", "br"]), "br");
        assert_eq!(for_client(&[]), "identity");
    }

    #[test]
    fn what_is_refused_or_malformed_is_not_chosen() {
        for (accept, expected) in [
            ("gzip;q=0", "identity"),
            ("gzip;q=0.000, br", "br"),
            ("zstd;q=0, *", "br"),
            ("*", "zstd"),
            ("*;q=0", "identity"),
            ("*;q=0, gzip;q=0.1", "gzip"),
            ("gzip;q=0.5, *;q=0.4", "gzip"),
            ("gzip, identity;q=0", "gzip"),
            ("identity;q=0", "identity"),
            ("identity, gzip;q=0.5", "identity"),
            ("identity;q=0.5, gzip;q=0.5", "gzip"),
            ("gzip;q=2", "identity"),
            ("gzip;q=1.001", "identity"),
            ("gzip;q=0.1234", "identity"),
            ("gzip;q=.5", "identity"),
            ("gzip;q=", "identity"),
            ("gzip;q", "identity"),
            ("gzip;level=9", "identity"),
            ("gzip;q=1;q=0", "identity"),
            ("gzip;q=1.000", "gzip"),
            ("gzip;q=0., br;q=1.", "br"),
            ("gzip;q=0, gzip", "identity"),
            ("gzip;q=-1", "identity"),
        ] {
            assert_eq!(for_client(&[accept]), expected, "{accept:?}");
        }
    }

    #[test]
    fn the_site_is_asked_for_what_the_client_takes_and_we_can_read() {
        for (accept, expected) in [
            ("gzip, deflate, br, zstd", "gzip, deflate, br, zstd"),
            ("gzip, deflate, br, zstd, dcb, dcz", "gzip, deflate, br, zstd"),
            ("BR;q=1.0, gzip;q=0.80 , *;q=0.1", "br, gzip;q=0.8, zstd;q=0.1, deflate;q=0.1"),
            ("br;q=0.005", "br;q=0.005"),
            ("x-gzip, gzip;q=0.5", "gzip"),
            ("compress, br;q=7, gzip;q=0.25", "gzip;q=0.25"),
            ("gzip;q=0, *", "zstd, br, deflate"),
            ("gzip, *;q=0", "gzip, identity;q=0"),
            ("gzip, identity;q=0.5, *;q=0", "gzip, identity;q=0.5"),
            ("identity;q=0, gzip", "identity;q=0, gzip"),
            ("identity;q=0, dcb", "identity"),
            ("gzip;q=0", "identity"),
            ("*;q=0", "identity"),
            ("compress", "identity"),
            ("", "identity"),
        ] {
            assert_eq!(readable(&[accept]), expected, "{accept:?}");
        }
        assert_eq!(readable(&["gzip", "br"]), "gzip, br");
        assert_eq!(readable(&[]), "identity");
    }
}
