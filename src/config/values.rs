//! The small languages in which settings are written: `2000/h`, `10%`, `12h`, `08:00-21:00`.
//!
//! Each type has one fallible constructor, `FromStr`, whose error says what is allowed.

use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

/// What may be written instead of a value that is not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowed(pub &'static str);

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// The longest time that makes sense anywhere here.
const LONGEST: u64 = 3_660 * DAY;

/// A length of time: `500ms`, `30s`, `5m`, `12h`, `30d`, `1h30m`, or `0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

impl FromStr for Span {
    type Err = Allowed;

    fn from_str(text: &str) -> Result<Self, Allowed> {
        const ALLOWED: Allowed = Allowed("a time such as 30s, 5m, 12h or 30d, ten years at most");
        let text = text.trim();
        if text == "0" {
            return Ok(Self(Duration::ZERO));
        }
        let mut total = Duration::ZERO;
        let mut rest = text;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or(ALLOWED)?;
            let (number, after) = rest.split_at_checked(digits).ok_or(ALLOWED)?;
            let number: u64 = number.parse().map_err(|_| ALLOWED)?;
            let unit = after
                .find(|c: char| !c.is_ascii_alphabetic())
                .unwrap_or(after.len());
            let (unit, after) = after.split_at_checked(unit).ok_or(ALLOWED)?;
            let part = match unit {
                "ms" => Some(Duration::from_millis(number)),
                "s" => Some(Duration::from_secs(number)),
                "m" | "min" => number.checked_mul(MINUTE).map(Duration::from_secs),
                "h" => number.checked_mul(HOUR).map(Duration::from_secs),
                "d" => number.checked_mul(DAY).map(Duration::from_secs),
                _ => None,
            };
            total = part
                .and_then(|part| total.checked_add(part))
                .ok_or(ALLOWED)?;
            rest = after;
        }
        if text.is_empty() || total > Duration::from_secs(LONGEST) {
            Err(ALLOWED)
        } else {
            Ok(Self(total))
        }
    }
}

/// The user's own cap: `2000/h`, `30/min`, `5/s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateCap {
    /// Requests.
    pub requests: NonZeroU32,
    /// In this time: a second, a minute or an hour.
    pub per: Duration,
}

impl FromStr for RateCap {
    type Err = Allowed;

    fn from_str(text: &str) -> Result<Self, Allowed> {
        const ALLOWED: Allowed =
            Allowed("a number of requests and a time, such as 2000/h, 30/min or 5/s");
        let (requests, unit) = text.split_once('/').ok_or(ALLOWED)?;
        let per = match unit.trim() {
            "s" | "sec" => 1,
            "m" | "min" => MINUTE,
            "h" | "hour" => HOUR,
            _ => return Err(ALLOWED),
        };
        let requests = requests.trim().parse().map_err(|_| ALLOWED)?;
        Ok(Self {
            requests,
            per: Duration::from_secs(per),
        })
    }
}

/// A share of a whole, 0 to 100 per cent: `50%`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percent(u8);

impl Percent {
    /// The share, from 0 to 100.
    pub fn get(self) -> u8 {
        self.0
    }
}

impl FromStr for Percent {
    type Err = Allowed;

    fn from_str(text: &str) -> Result<Self, Allowed> {
        text.trim()
            .strip_suffix('%')
            .and_then(|number| number.trim_end().parse().ok())
            .filter(|percent| *percent <= 100)
            .map(Self)
            .ok_or(Allowed("a whole number of per cent, 0% to 100%"))
    }
}

/// What of the quota is left to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReservePart {
    /// A share of the limit, below 100.
    Share(Percent),
    /// So many requests an hour.
    Requests(u32),
}

impl FromStr for ReservePart {
    type Err = Allowed;

    fn from_str(text: &str) -> Result<Self, Allowed> {
        const ALLOWED: Allowed =
            Allowed("a share below 100%, such as 10%, or a number of requests");
        match text.parse::<Percent>() {
            Ok(share) if share.get() < 100 => Ok(Self::Share(share)),
            Ok(_) => Err(ALLOWED),
            Err(_) => text.trim().parse().map(Self::Requests).map_err(|_| ALLOWED),
        }
    }
}

/// A time of day, to the minute: `06:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay {
    hour: u8,
    minute: u8,
}

impl TimeOfDay {
    /// The hour, 0 to 23.
    pub fn hour(self) -> u8 {
        self.hour
    }

    /// The minute, 0 to 59.
    pub fn minute(self) -> u8 {
        self.minute
    }
}

impl FromStr for TimeOfDay {
    type Err = Allowed;

    fn from_str(text: &str) -> Result<Self, Allowed> {
        const ALLOWED: Allowed = Allowed("a time of day such as 06:00, 00:00 to 23:59");
        let (hour, minute) = text.trim().split_once(':').ok_or(ALLOWED)?;
        let two_digits = |part: &str, below: u8| match part.len() {
            1..=2 if part.bytes().all(|byte| byte.is_ascii_digit()) => {
                part.parse().ok().filter(|number: &u8| *number < below)
            }
            _ => None,
        };
        match (two_digits(hour, 24), two_digits(minute, 60)) {
            (Some(hour), Some(minute)) if text.trim().len() >= 4 => Ok(Self { hour, minute }),
            _ => Err(ALLOWED),
        }
    }
}

/// The times of day between which to send; may run over midnight: `22:00-02:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayWindow {
    /// From this minute on.
    pub from: TimeOfDay,
    /// Up to, but without, this minute.
    pub to: TimeOfDay,
}

impl FromStr for DayWindow {
    type Err = Allowed;

    fn from_str(text: &str) -> Result<Self, Allowed> {
        const ALLOWED: Allowed = Allowed("two different times of day such as 08:00-21:00");
        let (from, to) = text.split_once('-').ok_or(ALLOWED)?;
        let window = Self {
            from: from.parse().map_err(|_| ALLOWED)?,
            to: to.parse().map_err(|_| ALLOWED)?,
        };
        if window.from == window.to {
            Err(ALLOWED)
        } else {
            Ok(window)
        }
    }
}

/// A time zone of the IANA database: `Europe/Prague`, `UTC`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneName(String);

impl ZoneName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ZoneName {
    type Err = Allowed;

    fn from_str(text: &str) -> Result<Self, Allowed> {
        jiff::tz::TimeZone::get(text.trim())
            .map(|_| Self(text.trim().to_owned()))
            .map_err(|_| Allowed("a time zone such as Europe/Prague or UTC"))
    }
}

/// What stands between two cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CellDelimiter(u8);

impl CellDelimiter {
    /// The byte itself.
    pub fn get(self) -> u8 {
        self.0
    }
}

impl FromStr for CellDelimiter {
    type Err = Allowed;

    fn from_str(text: &str) -> Result<Self, Allowed> {
        Ok(Self(match text {
            "," | "comma" => b',',
            ";" | "semicolon" => b';',
            "\t" | "\\t" | "tab" => b'\t',
            "|" | "pipe" => b'|',
            _ => {
                return Err(Allowed(
                    "comma, semicolon, tab, pipe, or the character itself",
                ));
            }
        }))
    }
}

/// An encoding of text, by any of the names that the web knows it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodingName(&'static str);

impl EncodingName {
    /// The canonical name.
    pub fn as_str(&self) -> &'static str {
        self.0
    }
}

impl FromStr for EncodingName {
    type Err = Allowed;

    fn from_str(text: &str) -> Result<Self, Allowed> {
        encoding_rs::Encoding::for_label(text.as_bytes())
            .map(|encoding| Self(encoding.name()))
            .ok_or(Allowed(
                "an encoding such as utf-8, utf-16le, windows-1250 or iso-8859-2",
            ))
    }
}

/// A region as ISO 3166 code, in upper case: `CZ`. Whether it exists, the phone library knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionCode(String);

impl RegionCode {
    /// The two letters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RegionCode {
    type Err = Allowed;

    fn from_str(text: &str) -> Result<Self, Allowed> {
        let code = text.trim().to_ascii_uppercase();
        if code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase()) {
            Ok(Self(code))
        } else {
            Err(Allowed("a code of two letters such as CZ"))
        }
    }
}

/// What a named column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ColumnRole {
    /// The phone number.
    Phone,
    /// The region of a number without a plus.
    Region,
    /// Given names.
    FirstName,
    /// Family names.
    LastName,
    /// The contact's Amio id.
    ContactId,
}

/// `WHAT=HEADER`: which column is what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnChoice {
    /// What the column holds.
    pub role: ColumnRole,
    /// Its header.
    pub header: String,
}

impl FromStr for ColumnChoice {
    type Err = Allowed;

    fn from_str(text: &str) -> Result<Self, Allowed> {
        const ALLOWED: Allowed =
            Allowed("WHAT=HEADER, WHAT being phone, region, first_name, last_name or contact_id");
        let (role, header) = text.split_once('=').ok_or(ALLOWED)?;
        let role = match role.trim() {
            "phone" => ColumnRole::Phone,
            "region" => ColumnRole::Region,
            "first_name" => ColumnRole::FirstName,
            "last_name" => ColumnRole::LastName,
            "contact_id" => ColumnRole::ContactId,
            _ => return Err(ALLOWED),
        };
        match header.trim() {
            "" => Err(ALLOWED),
            header => Ok(Self {
                role,
                header: header.to_owned(),
            }),
        }
    }
}

/// The address of the API, without a slash at the end: https, or http to this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(String);

impl BaseUrl {
    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for BaseUrl {
    type Err = Allowed;

    fn from_str(text: &str) -> Result<Self, Allowed> {
        const ALLOWED: Allowed =
            Allowed("an https address, or http to this machine (127.0.0.1, localhost)");
        const BARE: Allowed = Allowed(
            "an address alone, without user, password, ? and #: credentials do not belong in it",
        );
        let text = text.trim().trim_end_matches('/');
        let (scheme, rest) = text.split_once("://").ok_or(ALLOWED)?;
        if rest.contains(['@', '?', '#', '\\'])
            || rest.chars().any(|c| c.is_whitespace() || c.is_control())
        {
            return Err(BARE);
        }
        let authority = rest.split('/').next().unwrap_or_default();
        let host = host(authority).ok_or(ALLOWED)?;
        let plain = match scheme.to_ascii_lowercase().as_str() {
            "https" => false,
            "http" => true,
            _ => return Err(ALLOWED),
        };
        if plain && !is_loopback(host) {
            Err(ALLOWED)
        } else {
            Ok(Self(text.to_owned()))
        }
    }
}

/// The host of `host:port`, if both are well formed.
fn host(authority: &str) -> Option<&str> {
    let (host, port) = if let Some(inner) = authority.strip_prefix('[') {
        let (host, port) = inner.split_once(']')?;
        host.parse::<std::net::Ipv6Addr>().ok()?;
        (host, port)
    } else {
        let end = authority.find(':').unwrap_or(authority.len());
        authority.split_at_checked(end)?
    };
    let port_is_fine = match port.strip_prefix(':') {
        Some(port) => port.parse::<u16>().is_ok_and(|port| port > 0),
        None => port.is_empty(),
    };
    (port_is_fine && !host.is_empty()).then_some(host)
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_fail<T: FromStr>(texts: &[&str]) {
        for text in texts {
            assert!(text.parse::<T>().is_err(), "{text:?} was taken");
        }
    }

    #[test]
    fn times() {
        for (text, millis) in [
            ("0", 0),
            ("500ms", 500),
            ("30s", 30_000),
            ("5m", 300_000),
            ("12h", 43_200_000),
            ("30d", 2_592_000_000),
            ("1h30m", 5_400_000),
        ] {
            assert_eq!(
                text.parse(),
                Ok(Span(Duration::from_millis(millis))),
                "{text}"
            );
        }
        all_fail::<Span>(&[
            "",
            " ",
            "5",
            "h",
            "5 h",
            "-5m",
            "5w",
            "99999999999999999999s",
            "4000d",
            "1.5h",
        ]);
    }

    #[test]
    fn rates() {
        let cap = |requests, seconds| RateCap {
            requests: NonZeroU32::new(requests).unwrap(),
            per: Duration::from_secs(seconds),
        };
        assert_eq!("2000/h".parse(), Ok(cap(2_000, 3_600)));
        assert_eq!("30/min".parse(), Ok(cap(30, 60)));
        assert_eq!("5/s".parse(), Ok(cap(5, 1)));
        all_fail::<RateCap>(&["", "0/h", "2000", "2000/d", "-1/s", "1.5/s", "/h"]);
    }

    #[test]
    fn shares() {
        assert_eq!(
            "10%".parse::<ReservePart>(),
            Ok(ReservePart::Share(Percent(10)))
        );
        assert_eq!("100".parse::<ReservePart>(), Ok(ReservePart::Requests(100)));
        assert_eq!("100%".parse::<Percent>().map(Percent::get), Ok(100));
        all_fail::<ReservePart>(&["", "100%", "-1", "101%", "ten"]);
        all_fail::<Percent>(&["", "50", "101%", "-1%", "%"]);
    }

    #[test]
    fn times_of_day() {
        let window: DayWindow = "22:00-2:30".parse().unwrap();
        assert_eq!(
            (window.from.hour(), window.to.hour(), window.to.minute()),
            (22, 2, 30)
        );
        all_fail::<TimeOfDay>(&["", "6", "24:00", "06:60", "+6:00", "06:00:00", "6:0"]);
        all_fail::<DayWindow>(&["", "08:00", "08:00-08:00", "08:00-25:00"]);
    }

    #[test]
    fn addresses_are_https_or_on_this_machine() {
        for (text, kept) in [
            ("https://api.amio.io/v1/", "https://api.amio.io/v1"),
            ("http://127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1"),
            ("http://localhost", "http://localhost"),
            ("http://[::1]:9000/v1", "http://[::1]:9000/v1"),
        ] {
            assert_eq!(text.parse::<BaseUrl>().unwrap().as_str(), kept);
        }
        all_fail::<BaseUrl>(&[
            "",
            "api.amio.io",
            "http://api.amio.io/v1",
            "http://127.0.0.1.evil.example",
            "ftp://localhost",
            "https://user:secret@api.amio.io",
            "http://localhost@evil.example",
            "https://",
            "https://x:0",
            "https://x:port",
            "https://api.amio.io/v1?access_token=x",
            "http://localhost\\@evil.example",
        ]);
    }

    #[test]
    fn small_words() {
        assert_eq!(
            "tab".parse::<CellDelimiter>().map(CellDelimiter::get),
            Ok(b'\t')
        );
        assert_eq!(
            "CP1250".parse::<EncodingName>().unwrap().as_str(),
            "windows-1250"
        );
        all_fail::<EncodingName>(&["", "utf-9"]);
        assert_eq!(
            "latin1".parse::<EncodingName>().unwrap().as_str(),
            "windows-1252"
        );
        assert_eq!("cz".parse::<RegionCode>().unwrap().as_str(), "CZ");
        assert_eq!(
            "Europe/Prague".parse::<ZoneName>().unwrap().as_str(),
            "Europe/Prague"
        );
        all_fail::<ZoneName>(&["", "Mars/Olympus"]);
        all_fail::<RegionCode>(&["", "C", "CZE", "ČZ"]);
        all_fail::<CellDelimiter>(&["", "x", ",,"]);
        assert_eq!(
            "phone = Mobile = 2".parse::<ColumnChoice>(),
            Ok(ColumnChoice {
                role: ColumnRole::Phone,
                header: "Mobile = 2".to_owned()
            })
        );
        all_fail::<ColumnChoice>(&["", "phone", "phone=", "fone=Mobile"]);
    }
}
