//! The keys of the checkpoint, each a type of its own.

use rusqlite::ToSql;
use rusqlite::types::{FromSql, FromSqlResult, ToSqlOutput, Value, ValueRef};

/// A batch's number in the checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BatchId(pub(super) i64);

impl BatchId {
    pub(super) fn get(self) -> i64 {
        self.0
    }

    /// The keys before and after those of its recipients.
    pub(super) fn range(self) -> (i64, i64) {
        (self.0 << 32, (self.0 + 1) << 32)
    }
}

/// A recipient's key: the batch, and the place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecipientId(pub(super) i64);

impl RecipientId {
    /// The key of the recipient at `seq` (from 1) of the batch.
    pub fn new(batch: BatchId, seq: u32) -> Self {
        Self((batch.0 << 32) | i64::from(seq))
    }

    /// The batch.
    pub fn batch(self) -> BatchId {
        BatchId(self.0 >> 32)
    }

    /// The place in the batch.
    pub fn seq(self) -> u32 {
        u32::try_from(self.0 & i64::from(u32::MAX)).unwrap_or(u32::MAX)
    }

    pub(super) fn get(self) -> i64 {
        self.0
    }
}

/// A person: the holder, now or earlier, of one phone number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct PersonId(pub(super) i64);

/// A channel that messages went through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ChannelId(pub(super) i64);

/// A person on a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ContactRow(pub(super) i64);

/// A request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct AttemptId(pub(super) i64);

macro_rules! integer_column {
    ($($name:ident),*) => {$(
        impl ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                self.0.to_sql()
            }
        }

        impl FromSql for $name {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                i64::column_result(value).map(Self)
            }
        }
    )*};
}

integer_column!(
    BatchId,
    RecipientId,
    PersonId,
    ChannelId,
    ContactRow,
    AttemptId
);

/// An id of the API, as it is stored: an integer where it is decimal, which is the usual case, so that
/// indexes over ids are small and grow at their end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ApiId<'a>(pub(super) &'a str);

impl ToSql for ApiId<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match decimal(self.0) {
            Some(number) => ToSqlOutput::Owned(Value::Integer(number)),
            None => ToSqlOutput::Borrowed(ValueRef::Text(self.0.as_bytes())),
        })
    }
}

impl From<ApiId<'_>> for Value {
    fn from(id: ApiId<'_>) -> Self {
        decimal(id.0).map_or_else(|| Self::Text(id.0.to_owned()), Self::Integer)
    }
}

/// An id of the API, as it was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StoredId(pub(super) String);

impl FromSql for StoredId {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Ok(Self(match value {
            ValueRef::Integer(number) => number.to_string(),
            other => String::column_result(other)?,
        }))
    }
}

/// The number, if the text is exactly how it is written.
fn decimal(text: &str) -> Option<i64> {
    let number: i64 = text.parse().ok()?;
    let canonical =
        text.starts_with(|first: char| first.is_ascii_digit()) && number.to_string() == text;
    canonical.then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_text_that_comes_back_the_same_is_stored_as_a_number() {
        assert_eq!(
            decimal("7531234567890123456"),
            Some(7_531_234_567_890_123_456)
        );
        for text in ["", "007", "+7", "-7", "7.0", "abc", "99999999999999999999"] {
            assert_eq!(decimal(text), None, "{text}");
        }
    }
}
