//! Times, sizes and counts as operators write them: `"1m 15s"`, `"64KiB"`, `100`.
//!
//! Each knows its range, and says it when something else is given. What was read is written as it
//! can be read again.

use std::fmt;
use std::time::Duration;

use jiff::SignedDuration;
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A time that something may take: `"10s"`, `"500ms"`, `"1m 15s"`; from 1 ms to 24 hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(Duration);

impl Span {
    const MILLIS_MIN: u64 = 1;
    const MILLIS_MAX: u64 = 24 * 60 * 60 * 1000;

    /// So many milliseconds, or the nearest that is in range.
    pub const fn of_millis(millis: u64) -> Span {
        let (min, max) = (Span::MILLIS_MIN, Span::MILLIS_MAX);
        let millis = if millis < min { min } else { millis };
        Span(Duration::from_millis(if millis > max { max } else { millis }))
    }

    /// So many seconds, or the nearest that is in range.
    pub const fn of_secs(secs: u64) -> Span {
        Span::of_millis(secs.saturating_mul(1000))
    }

    /// How long.
    pub const fn get(self) -> Duration {
        self.0
    }

    fn parse(text: &str) -> Option<Span> {
        let time: SignedDuration = text.parse().ok()?;
        let time = Duration::try_from(time).ok()?;
        let range =
            Duration::from_millis(Span::MILLIS_MIN)..=Duration::from_millis(Span::MILLIS_MAX);
        range.contains(&time).then_some(Span(time))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // At most 24 hours fit.
        write!(f, "{:#}", SignedDuration::try_from(self.0).unwrap_or(SignedDuration::MAX))
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Span, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Span;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time with its unit from \"1ms\" to \"24h\", such as \"10s\"")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Span, E> {
                Span::parse(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
            }
        }
        from.deserialize_str(Reader)
    }
}

/// Bytes: `"64KiB"`, from `MIN` to `MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size<const MIN: u64, const MAX: u64>(u64);

/// Units, the largest first.
const UNITS: [(&str, u64); 5] =
    [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

impl<const MIN: u64, const MAX: u64> Size<MIN, MAX> {
    /// So many bytes, or the nearest that is in range.
    pub const fn of_bytes(bytes: u64) -> Size<MIN, MAX> {
        let bytes = if bytes < MIN { MIN } else { bytes };
        Size(if bytes > MAX { MAX } else { bytes })
    }

    /// How many bytes, for what counts in 32 bits.
    pub fn get(self) -> u32 {
        u32::try_from(self.0).unwrap_or(u32::MAX)
    }

    /// How many bytes.
    pub const fn bytes(self) -> u64 {
        self.0
    }

    fn parse(text: &str) -> Option<Size<MIN, MAX>> {
        let (number, unit) =
            UNITS.iter().find_map(|(name, unit)| Some((text.strip_suffix(name)?, *unit)))?;
        let number = number.trim_end();
        if !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let bytes = number.parse::<u64>().ok()?.checked_mul(unit)?;
        (MIN..=MAX).contains(&bytes).then_some(Size(bytes))
    }
}

impl<const MIN: u64, const MAX: u64> fmt::Display for Size<MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = |(_, unit): &&(&str, u64)| self.0 >= *unit && self.0.is_multiple_of(*unit);
        let (name, unit) = UNITS.iter().find(whole).unwrap_or(&("B", 1));
        write!(f, "{}{name}", self.0 / unit)
    }
}

impl<const MIN: u64, const MAX: u64> Serialize for Size<MIN, MAX> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de, const MIN: u64, const MAX: u64> Deserialize<'de> for Size<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Size<MIN, MAX>, D::Error> {
        struct Reader<const MIN: u64, const MAX: u64>;
        impl<const MIN: u64, const MAX: u64> Visitor<'_> for Reader<MIN, MAX> {
            type Value = Size<MIN, MAX>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let (min, max) = (Size::<MIN, MAX>(MIN), Size::<MIN, MAX>(MAX));
                write!(f, "a size from \"{min}\" to \"{max}\", such as \"64KiB\"")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Size::parse(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
            }
        }
        from.deserialize_str(Reader)
    }
}

/// A number from `MIN` to `MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count<const MIN: usize, const MAX: usize>(usize);

impl<const MIN: usize, const MAX: usize> Count<MIN, MAX> {
    /// So many, or the nearest number that is in range.
    pub const fn of(number: usize) -> Count<MIN, MAX> {
        let number = if number < MIN { MIN } else { number };
        Count(if number > MAX { MAX } else { number })
    }

    /// How many.
    pub const fn get(self) -> usize {
        self.0
    }
}

impl<const MIN: usize, const MAX: usize> Serialize for Count<MIN, MAX> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(to)
    }
}

impl<'de, const MIN: usize, const MAX: usize> Deserialize<'de> for Count<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Count<MIN, MAX>, D::Error> {
        struct Reader<const MIN: usize, const MAX: usize>;
        impl<const MIN: usize, const MAX: usize> Visitor<'_> for Reader<MIN, MAX> {
            type Value = Count<MIN, MAX>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a whole number from {MIN} to {MAX}")
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
                let count = usize::try_from(number).ok().filter(|n| (MIN..=MAX).contains(n));
                count.map(Count).ok_or_else(|| E::invalid_value(Unexpected::Signed(number), &self))
            }
        }
        from.deserialize_i64(Reader)
    }
}
