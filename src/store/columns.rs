//! How values of ours are stored.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::error::StoreError;
use crate::domain::phone::PhoneNumber;

/// `not_before` of a row that waits for the outcome of another batch's request to be settled.
pub(super) const FOR_AN_OUTCOME: i64 = i64::MAX;

/// `not_before` of a row that came back to the queue: at once, before rows that were never tried.
pub(super) const AT_ONCE: i64 = 1;

/// A number as it is stored.
pub(super) fn phone_to_column(phone: PhoneNumber) -> i64 {
    // 15 digits fit.
    i64::try_from(phone.get()).unwrap_or(i64::MAX)
}

/// A number as it is stored, and as an older version may have stored it, before its numbering plan changed.
pub(super) fn number_columns(phone: PhoneNumber) -> impl Iterator<Item = i64> {
    let former = phone.former().filter_map(|form| i64::try_from(form).ok());
    std::iter::once(phone_to_column(phone)).chain(former)
}

/// A number as it was stored, in the form that its numbering plan has today.
pub(super) fn phone_from_column(column: i64) -> Result<PhoneNumber, StoreError> {
    u64::try_from(column)
        .ok()
        .and_then(PhoneNumber::from_e164)
        .ok_or_else(|| StoreError::Value {
            detail: "a phone number out of range".to_owned(),
        })
}

/// Milliseconds since 1970, as times are stored.
pub(super) fn to_millis(time: Timestamp) -> i64 {
    time.as_millisecond()
}

pub(super) fn from_millis(millis: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_millisecond(millis).map_err(|_| StoreError::Value {
        detail: format!("{millis} is no time"),
    })
}

/// A value as its JSON.
pub(super) fn to_json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Value {
        detail: error.to_string(),
    })
}

/// A value from its JSON.
pub(super) fn from_json<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Value {
        detail: error.to_string(),
    })
}
