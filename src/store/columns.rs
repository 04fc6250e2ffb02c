//! How values of ours are stored.

use jiff::Timestamp;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ValueRef};
use rusqlite::{Row, RowIndex};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::ids::StoredId;
use crate::domain::batch_state::BatchState;
use crate::domain::delivery::State;
use crate::domain::outcome::AttemptOutcome;
use crate::domain::phone::PhoneNumber;
use crate::domain::worded::UnknownWord;

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

impl FromSql for PhoneNumber {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        phone_from_column(i64::column_result(value)?).map_err(FromSqlError::other)
    }
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

/// The time in a column.
pub(super) fn time(row: &Row<'_>, column: impl RowIndex) -> Result<Timestamp, StoreError> {
    from_millis(row.get(column)?)
}

/// The time in a column that may hold none.
pub(super) fn time_if_any(
    row: &Row<'_>,
    column: impl RowIndex,
) -> Result<Option<Timestamp>, StoreError> {
    let millis: Option<i64> = row.get(column)?;
    millis.map(from_millis).transpose()
}

/// The API's id in a column that may hold none.
pub(super) fn api_id_if_any(row: &Row<'_>, column: usize) -> Result<Option<String>, StoreError> {
    let id: Option<StoredId> = row.get(column)?;
    Ok(id.map(|id| id.0))
}

/// The count in a column.
pub(super) fn count(row: &Row<'_>, column: usize) -> Result<u64, StoreError> {
    Ok(u64::try_from(row.get::<_, i64>(column)?).unwrap_or(0))
}

macro_rules! word_column {
    ($($name:ident),*) => {$(
        impl FromSql for $name {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                let word = value.as_str()?;
                word.parse().map_err(|error: UnknownWord| {
                    FromSqlError::other(StoreError::Value {
                        detail: error.to_string(),
                    })
                })
            }
        }
    )*};
}

word_column!(AttemptOutcome, BatchState, State);

/// A value that is stored as its JSON.
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned> FromSql for Json<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        from_json(value.as_str()?)
            .map(Self)
            .map_err(FromSqlError::other)
    }
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
