//! Points in time, as values.
//!
//! [`Time`] is a second, [`Day`] a calendar day in UTC. Both are plain numbers, so that
//! deciding, sealing and logging can be tested at any moment.
//!
//! Nothing here asks what time it is: time is an argument everywhere below the house, and
//! only `clock` reads the machine's.
//!
//! Days are UTC days. The operator's own midnight is five hours earlier; a policy comes into
//! force, and a log file begins, at 00:00 UTC.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Seconds in a day.
pub const DAY_SECONDS: u64 = 86_400;

/// A moment: whole seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(pub u64);

impl Time {
    /// The UTC day that this moment lies in.
    pub fn day(self) -> Day {
        Day(u32::try_from(self.0 / DAY_SECONDS).unwrap_or(u32::MAX))
    }

    /// This moment with its seconds dropped.
    #[must_use]
    pub fn to_the_minute(self) -> Time {
        Time(self.0 - self.0 % 60)
    }

    /// So many seconds later.
    #[must_use]
    pub fn plus_seconds(self, seconds: u64) -> Time {
        Time(self.0.saturating_add(seconds))
    }

    fn stamp(self) -> jiff::Timestamp {
        i64::try_from(self.0)
            .ok()
            .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
            .unwrap_or(jiff::Timestamp::MAX)
    }

    /// The form of HTTP's date fields: `Sun, 22 Nov 2026 10:00:00 GMT` (RFC 9110 §5.6.7).
    pub fn http_date(self) -> String {
        self.stamp().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
    }
}

/// RFC 3339: `2026-11-22T10:00:00Z`.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.stamp().strftime("%Y-%m-%dT%H:%M:%SZ"))
    }
}

impl FromStr for Time {
    type Err = String;

    fn from_str(text: &str) -> Result<Time, String> {
        let stamp: jiff::Timestamp = text
            .parse()
            .map_err(|_| format!("`{text}` is not a moment; write it as `2026-11-22T10:00:00Z`"))?;
        let seconds = u64::try_from(stamp.as_second())
            .map_err(|_| format!("`{text}` lies before 1970-01-01T00:00:00Z"))?;
        Ok(Time(seconds))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Time, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A UTC calendar day: whole days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Day(pub u32);

impl Day {
    /// The moment at which this day begins.
    pub fn start(self) -> Time {
        Time(u64::from(self.0) * DAY_SECONDS)
    }

    /// Year, month from 1, and day of the month from 1.
    pub fn calendar(self) -> (i16, u8, u8) {
        let date = self.start().stamp().to_zoned(jiff::tz::TimeZone::UTC).date();
        (date.year(), date.month().unsigned_abs(), date.day().unsigned_abs())
    }

    /// So many days later.
    #[must_use]
    pub fn plus_days(self, days: u32) -> Day {
        Day(self.0.saturating_add(days))
    }
}

/// `2026-11-22`
impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.start().stamp().strftime("%Y-%m-%d"))
    }
}

impl FromStr for Day {
    type Err = String;

    fn from_str(text: &str) -> Result<Day, String> {
        let date: jiff::civil::Date =
            text.parse().map_err(|_| format!("`{text}` is not a day; write it as `2026-11-22`"))?;
        // The civil parser takes a whole date-time too; a day is ten characters.
        if text.len() != 10 {
            return Err(format!("`{text}` is not a day; write it as `2026-11-22`"));
        }
        let days = jiff::civil::date(1970, 1, 1)
            .until(date)
            .map_err(|_| format!("`{text}` lies outside the calendar"))?
            .get_days();
        u32::try_from(days).map(Day).map_err(|_| format!("`{text}` lies before 1970-01-01"))
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Day, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

/// How long something lasts that is told in one unit, such as a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasting {
    /// Until the browser is closed.
    Session,
    /// So many seconds.
    Seconds(u32),
    /// So many minutes.
    Minutes(u32),
    /// So many hours.
    Hours(u32),
    /// So many days.
    Days(u32),
}

impl FromStr for Lasting {
    type Err = String;

    fn from_str(text: &str) -> Result<Lasting, String> {
        if text == "session" {
            return Ok(Lasting::Session);
        }
        let wrong = || {
            format!(
                "`{text}` is no time; write `session`, `30 s`, `30 min`, `20 h` or `365 d`, the longest that it lasts"
            )
        };
        let (count, unit) = text.split_once(' ').ok_or_else(wrong)?;
        let is_plain = count.len() <= 5 && count.bytes().all(|b| b.is_ascii_digit());
        let count =
            count.parse().ok().filter(|count| is_plain && *count > 0 && !text.starts_with('0'));
        let count: u32 = count.ok_or_else(wrong)?;
        match unit {
            "s" => Ok(Lasting::Seconds(count)),
            "min" => Ok(Lasting::Minutes(count)),
            "h" => Ok(Lasting::Hours(count)),
            "d" => Ok(Lasting::Days(count)),
            _ => Err(wrong()),
        }
    }
}

impl<'de> Deserialize<'de> for Lasting {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Lasting, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_moments_read_back_as_written() {
        for text in ["1970-01-01", "2024-02-29", "2026-11-22"] {
            assert_eq!(text.parse::<Day>().unwrap().to_string(), text);
        }
        let noon: Time = "2026-11-22T12:34:56Z".parse().unwrap();
        assert_eq!(noon.to_string(), "2026-11-22T12:34:56Z");
        assert_eq!(noon.day().to_string(), "2026-11-22");
        assert_eq!(noon.to_the_minute().to_string(), "2026-11-22T12:34:00Z");
        assert_eq!(noon.http_date(), "Sun, 22 Nov 2026 12:34:56 GMT");
    }

    #[test]
    fn what_is_no_day_is_refused_with_the_right_form() {
        for text in ["22.11.2026", "2026-13-01", "2026-11-22T00:00:00", "", "1969-12-31"] {
            let error = text.parse::<Day>().unwrap_err();
            assert!(error.contains('`'), "{error}");
        }
    }

    #[test]
    fn a_time_is_a_number_and_a_unit_and_anything_else_is_told_what_would_be_right() {
        for (text, time) in [
            ("session", Lasting::Session),
            ("30 s", Lasting::Seconds(30)),
            ("30 min", Lasting::Minutes(30)),
            ("20 h", Lasting::Hours(20)),
            ("365 d", Lasting::Days(365)),
        ] {
            assert_eq!(text.parse(), Ok(time));
        }
        for wrong in ["", "30", "30min", "0 d", "-1 d", "+1 d", "01 d", "1 y", "1.5 h", "123456 d"]
        {
            let problem = wrong.parse::<Lasting>().unwrap_err();
            assert!(problem.contains("`365 d`"), "{wrong}: {problem}");
        }
    }
}
