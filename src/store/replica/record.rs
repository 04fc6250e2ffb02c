//! What a record of the log holds: the rows of one transaction as they stand after it.

use rusqlite::types::{Value, ValueRef};
use serde::{Deserialize, Serialize};

use crate::store::error::StoreError;
use crate::store::schema;

/// The form of a record. A program that does not know it stops there.
const FORM: u8 = 1;

/// A body that is longer is compressed.
const WORTH_COMPRESSING: usize = 512;

/// The longest body of a record, unpacked. The largest transactions are those of a list that is read, of 4,096 rows each:
/// some 120 KB packed.
const LONGEST: usize = 256 << 20;

/// A value of a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::store) enum Cell {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
}

impl From<ValueRef<'_>> for Cell {
    fn from(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(number) => Self::Integer(number),
            ValueRef::Real(number) => Self::Real(number),
            // The tables are STRICT: a text is UTF-8, as far as it was written through the program.
            ValueRef::Text(text) => Self::Text(String::from_utf8_lossy(text).into_owned()),
            ValueRef::Blob(bytes) => Self::Blob(bytes.to_owned()),
        }
    }
}

impl From<Cell> for Value {
    fn from(cell: Cell) -> Self {
        match cell {
            Cell::Null => Self::Null,
            Cell::Integer(number) => Self::Integer(number),
            Cell::Real(number) => Self::Real(number),
            Cell::Text(text) => Self::Text(text),
            Cell::Blob(bytes) => Self::Blob(bytes),
        }
    }
}

/// A row after the transaction; `None`: it is not there any more.
pub(in crate::store) type Row = (i64, Option<Vec<Cell>>);

/// The rows that a transaction changed in one table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::store) struct TableRows {
    pub(in crate::store) table: String,
    pub(in crate::store) rows: Vec<Row>,
}

/// What a record holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::store) enum RecordContent {
    /// The state begins, or goes on, as the snapshot at this place has it.
    Snapshot,
    /// A transaction.
    Rows(Vec<TableRows>),
    /// Nothing is sent any more: a node found that the log is not what it was.
    Stop(String),
    /// Each node writes the digests of its tables as they stand here.
    Compare,
}

/// A record, unpacked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::store) struct Record {
    /// The version of the schema whose rows it has.
    pub(in crate::store) schema: u32,
    /// Which try it is: random, so that no two records are alike.
    pub(in crate::store) id: [u8; 16],
    pub(in crate::store) content: RecordContent,
}

impl Record {
    pub(in crate::store) fn new(id: [u8; 16], content: RecordContent) -> Self {
        Self {
            schema: schema::VERSION,
            id,
            content,
        }
    }

    /// Form, whether it is compressed, and the rest.
    pub(in crate::store) fn pack(&self) -> Result<Vec<u8>, StoreError> {
        let plain = postcard::to_stdvec(self).map_err(|error| unreadable(&error))?;
        if plain.len() > LONGEST {
            return Err(StoreError::Cluster {
                detail: format!(
                    "one transaction changes {} MB, and a record of the log holds {} MB; nothing was changed",
                    plain.len() >> 20,
                    LONGEST >> 20
                ),
            });
        }
        let (packed, body) = if plain.len() > WORTH_COMPRESSING {
            let body = zstd::bulk::compress(&plain, 1).map_err(|error| unreadable(&error))?;
            (1, body)
        } else {
            (0, plain)
        };
        let mut bytes = vec![FORM, packed];
        bytes.extend(body);
        Ok(bytes)
    }

    pub(in crate::store) fn unpack(bytes: &[u8]) -> Result<Self, StoreError> {
        let (head, body) = bytes
            .split_first_chunk::<2>()
            .ok_or_else(|| unreadable(&"empty"))?;
        let [form, packed] = *head;
        if form != FORM {
            return Err(StoreError::Cluster {
                detail: format!(
                    "a newer program writes to the log (form {form}, this one knows {FORM}): install that one"
                ),
            });
        }
        let record: Self = if packed == 1 {
            let plain = zstd::decode_all(body).map_err(|error| unreadable(&error))?;
            postcard::from_bytes(&plain)
        } else {
            postcard::from_bytes(body)
        }
        .map_err(|error| unreadable(&error))?;
        if record.schema != schema::VERSION {
            return Err(StoreError::Cluster {
                detail: format!(
                    "the log was written with version {} of the checkpoint, this program has {}: all nodes need the same program",
                    record.schema,
                    schema::VERSION
                ),
            });
        }
        Ok(record)
    }
}

fn unreadable(why: &dyn std::fmt::Display) -> StoreError {
    StoreError::Cluster {
        detail: format!("a record of the log cannot be read: {why}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_comes_back_as_it_was_small_or_compressed() {
        for length in [1, 100_000] {
            let row = vec![
                Cell::Null,
                Cell::Integer(-7),
                Cell::Real(0.5),
                Cell::Text("a".repeat(length)),
                Cell::Blob(vec![0, 255]),
            ];
            let rows = TableRows {
                table: "t".to_owned(),
                rows: vec![(i64::MIN, Some(row)), (5, None)],
            };
            let record = Record::new([3; 16], RecordContent::Rows(vec![rows]));
            let packed = record.pack().unwrap();
            assert!(packed.len() < 1000);
            assert_eq!(Record::unpack(&packed).unwrap(), record);
        }
    }

    #[test]
    fn what_a_newer_program_wrote_is_refused() {
        let mut packed = Record::new([0; 16], RecordContent::Snapshot)
            .pack()
            .unwrap();
        packed[0] = FORM + 1;
        let error = Record::unpack(&packed).unwrap_err().to_string();
        assert!(error.contains("newer program"), "{error}");
        assert!(Record::unpack(&[FORM]).is_err());
        let newer = Record {
            schema: schema::VERSION + 1,
            ..Record::new([0; 16], RecordContent::Snapshot)
        };
        assert!(Record::unpack(&newer.pack().unwrap()).is_err());
    }
}
