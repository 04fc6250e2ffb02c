//! What may be written as the value of a setting: one function for each kind of value.
//!
//! Every error is the end of the sentence "allowed is ...". It must not repeat the value: an address
//! may hold a password.

use std::net::SocketAddr;
use std::num::{NonZeroU16, NonZeroU32};
use std::str::FromStr;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use jiff::tz::TimeZone;

use crate::amio::BaseUrlError;
use crate::cluster::AccessError;
use crate::domain::bad_setting::BadSetting;
use crate::domain::phone::UnknownRegion;
use crate::domain::refusal::RefusalRuleError;
use crate::domain::schedule::{ScheduleError, parse_zone};
use crate::intake::ColumnChoice;

/// An error of another module's value that can say what may be written instead.
pub(super) trait AllowedValues {
    /// What may be written, as the end of "allowed is ...".
    fn allowed(&self) -> String;
}

impl AllowedValues for BadSetting {
    fn allowed(&self) -> String {
        Self::allowed(self).to_owned()
    }
}

impl AllowedValues for UnknownRegion {
    fn allowed(&self) -> String {
        let near = self.suggestion.as_ref();
        let near = near.map_or_else(String::new, |name| format!("; did you mean {name}?"));
        format!("an ISO code (CZ) or an English name (Czechia){near}")
    }
}

impl AllowedValues for AccessError {
    fn allowed(&self) -> String {
        self.to_string()
    }
}

impl AllowedValues for BaseUrlError {
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

impl AllowedValues for RefusalRuleError {
    fn allowed(&self) -> String {
        self.to_string()
    }
}

impl AllowedValues for ScheduleError {
    fn allowed(&self) -> String {
        match self {
            Self::Window(_) => "two different times of day such as 08:00-21:00",
            Self::Zone(_) => "a time zone such as Europe/Prague or UTC",
            Self::Until(_) => "a time of day such as 06:00, or a date and time",
            Self::Past(_) => "a time that is still to come",
        }
        .to_owned()
    }
}

/// A value whose own module reads it.
pub(super) fn parsed<T: FromStr<Err: AllowedValues>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| error.allowed())
}

/// One of two words.
pub(super) fn one_of<T: Clone + Send + Sync + 'static>(
    [(first, one), (second, other)]: [(&'static str, T); 2],
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new([first, second]).map(move |word| {
        if word == first {
            one.clone()
        } else {
            other.clone()
        }
    })
}

/// A whole number above zero.
pub(super) fn at_least_one(text: &str) -> Result<NonZeroU32, &'static str> {
    text.parse().map_err(|_| "a whole number from 1")
}

/// A whole number; `None` is 0, and means "off".
pub(super) fn zero_is_off(text: &str) -> Result<Option<NonZeroU32>, &'static str> {
    let number = text.parse().map_err(|_| "a whole number")?;
    Ok(NonZeroU32::new(number))
}

/// The most simultaneous requests that make sense: more would exhaust a machine's sockets.
const MAX_CONCURRENCY: u16 = 10_000;

/// A number of simultaneous requests.
pub(super) fn concurrency(text: &str) -> Result<NonZeroU16, String> {
    let number: Option<NonZeroU16> = text.parse().ok();
    number
        .filter(|number| number.get() <= MAX_CONCURRENCY)
        .ok_or_else(|| format!("1 to {MAX_CONCURRENCY}"))
}

/// The id of a channel.
pub(super) fn channel_id(text: &str) -> Result<String, &'static str> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if text.is_empty() || !text.bytes().all(fits) {
        return Err("the id of a channel, as the Amio admin app shows it");
    }
    Ok(text.to_owned())
}

/// A channel, and what is for it.
pub(super) fn channel_and(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some((channel, what)) if !channel.trim().is_empty() && !what.is_empty() => {
            Ok((channel.trim().to_owned(), what.to_owned()))
        }
        Some(_) | None => Err("the channel, =, and what is for it"),
    }
}

/// The one word of `fallback-on`.
pub(super) fn only_channel(text: &str) -> Result<String, &'static str> {
    match text {
        "channel" => Ok(text.to_owned()),
        _ => Err("channel"),
    }
}

/// A whole number.
pub(super) fn whole_number(text: &str) -> Result<u64, &'static str> {
    text.parse().map_err(|_| "a whole number")
}

/// An address and a port.
pub(super) fn listen_address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse()
        .map_err(|_| "an address and a port, such as 127.0.0.1:8080")
}

/// A time zone.
pub(super) fn zone(text: &str) -> Result<TimeZone, &'static str> {
    parse_zone(text).map_err(|_| "a time zone such as Europe/Prague or UTC")
}

/// `KEY=TEMPLATE`.
pub(super) fn key_and_template(text: &str) -> Result<(String, String), &'static str> {
    let (key, template) = text.split_once('=').ok_or("KEY=TEMPLATE")?;
    Ok((key.trim().to_owned(), template.to_owned()))
}

/// Takes `WHAT=HEADER`: which column is what.
pub(super) fn name_column(columns: &mut ColumnChoice, text: &str) -> Result<(), &'static str> {
    const ALLOWED: &str =
        "WHAT=HEADER, WHAT being phone, region, first_name, last_name or contact_id";
    let (role, header) = text.split_once('=').ok_or(ALLOWED)?;
    let header = header.trim().to_owned();
    if header.is_empty() {
        return Err(ALLOWED);
    }
    let place = match role.trim() {
        "phone" => {
            columns.phone.push(header);
            return Ok(());
        }
        "region" => &mut columns.region,
        "first_name" => &mut columns.first_name,
        "last_name" => &mut columns.last_name,
        "contact_id" => &mut columns.contact_id,
        _ => return Err(ALLOWED),
    };
    match place.replace(header) {
        Some(_) => Err("each column but phone once"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_words() {
        let mut columns = ColumnChoice::default();
        assert_eq!(name_column(&mut columns, "phone = Mobile = 2"), Ok(()));
        assert_eq!(columns.phone, ["Mobile = 2"]);
        for text in ["", "phone", "phone=", "fone=Mobile"] {
            assert!(
                name_column(&mut columns, text).is_err(),
                "{text:?} was taken"
            );
        }
        assert_eq!(name_column(&mut columns, "region=A"), Ok(()));
        assert!(
            name_column(&mut columns, "region=B").is_err(),
            "named twice"
        );
    }
}
