//! The rows of a person, in every list that the checkpoint holds.

use super::checkpoint::Reader;
use super::columns::Json;
use super::error::StoreError;
use super::person;
use super::query::Query as _;
use crate::domain::delivery::CANCELLED;
use crate::domain::phone::PhoneNumber;

/// A row of a list that has the number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PersonRow {
    /// The batch.
    pub(crate) batch: String,
    /// The files of the batch.
    pub(crate) files: Vec<String>,
    /// Which of them it stands in, from 0.
    pub(crate) file: u16,
    /// The row, as a spreadsheet numbers it.
    pub(crate) row: u32,
    /// How it stands, in the word of the results.
    pub(crate) status: String,
    /// Why, for people.
    pub(crate) reason: Option<String>,
}

impl Reader {
    /// The rows that have the number, whatever became of them, in the order in which they were read.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn rows_of(&self, phone: PhoneNumber) -> Result<Vec<PersonRow>, StoreError> {
        let Some(whose) = person::find(&self.connection, &self.keys, phone)? else {
            return Ok(Vec::new());
        };
        self.connection.read(
            "SELECT b.name, b.files, i.file, i.row, iif(b.state = ?2 AND r.state = 'queued', ?2, r.state), r.reason
             FROM recipient r INDEXED BY recipient_by_person
                  CROSS JOIN recipient_input i ON i.id = r.id
                  CROSS JOIN batch b ON b.id = r.id >> 32
             WHERE r.person = ?1 AND b.name IS NOT NULL ORDER BY r.id",
            (whose, CANCELLED),
            |row| Ok(PersonRow {
                batch: row.get(0)?,
                files: row.get::<_, Json<_>>(1)?.0,
                file: row.get(2)?,
                row: row.get(3)?,
                status: row.get(4)?,
                reason: row.get(5)?,
            }),
        )
    }
}
