//! The small languages in which settings are written that are no other module's: `12h`, `phone=Mobile`;
//! and what each language allows, for the errors.
//!
//! Each type has one fallible constructor, `FromStr`, whose error says what is allowed.

use std::str::FromStr;
use std::time::Duration;

use crate::amio::BaseUrlError;
use crate::domain::phone::UnknownRegion;
use crate::domain::quota::QuotaError;
use crate::domain::schedule::ScheduleError;
use crate::intake::BadSetting;

/// What may be written instead of a value that is not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowed(pub &'static str);

/// An error of a value that can say what may be written instead. It must not repeat the value: an
/// address may hold a password.
pub trait SaysAllowed {
    /// What may be written, as the end of "allowed is ...".
    fn allowed(&self) -> String;
}

impl SaysAllowed for Allowed {
    fn allowed(&self) -> String {
        self.0.to_owned()
    }
}

impl SaysAllowed for BadSetting {
    fn allowed(&self) -> String {
        Self::allowed(self).to_owned()
    }
}

impl SaysAllowed for UnknownRegion {
    fn allowed(&self) -> String {
        let near = self.suggestion.as_ref();
        let near = near.map_or_else(String::new, |name| format!("; did you mean {name}?"));
        format!("an ISO code (CZ) or an English name (Czechia){near}")
    }
}

impl SaysAllowed for BaseUrlError {
    fn allowed(&self) -> String {
        match self {
            Self::NotAnAddress(_) | Self::NotEncrypted(_) => {
                "an https address, or http to this machine (127.0.0.1, localhost)"
            }
            Self::CarriesSecrets => {
                "an address alone, without user, password, ? and #: credentials do not belong in it"
            }
        }
        .to_owned()
    }
}

impl SaysAllowed for QuotaError {
    fn allowed(&self) -> String {
        match self {
            Self::Rate(_) => "a number of requests and a time, such as 2000/h, 30/min or 5/s",
            Self::Reserve(_) => "a share below 100%, such as 10%, or a number of requests",
        }
        .to_owned()
    }
}

impl SaysAllowed for ScheduleError {
    fn allowed(&self) -> String {
        match self {
            Self::Window(_) => "two different times of day such as 08:00-21:00",
            Self::Zone(_) => "a time zone such as Europe/Prague or UTC",
            Self::Until(_) => "a time of day such as 06:00, or a date and time",
            Self::Past(_) => "a time that is still to come",
            Self::For(_) => "a time such as 5h or 90m",
        }
        .to_owned()
    }
}

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
pub struct NamedColumn {
    /// What the column holds.
    pub role: ColumnRole,
    /// Its header.
    pub header: String,
}

impl FromStr for NamedColumn {
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
    fn small_words() {
        assert_eq!(
            "phone = Mobile = 2".parse::<NamedColumn>(),
            Ok(NamedColumn {
                role: ColumnRole::Phone,
                header: "Mobile = 2".to_owned()
            })
        );
        all_fail::<NamedColumn>(&["", "phone", "phone=", "fone=Mobile"]);
    }
}
