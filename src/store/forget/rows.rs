//! Rows that hold the number of an erased person in a field: those of the person that are sent to another number, and those of
//! others who share the number, as a firm or a family does.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};

use crate::domain::phone::{PhoneNumber, WrittenNumbers};
use crate::domain::row_cells::{Holding, MAPPING, RowCells, holding, may_be_one_person};
use crate::store::checkpoint::Reader;
use crate::store::columns::{from_json, phone_from_column};
use crate::store::error::StoreError;
use crate::store::ids::{BatchId, RecipientId};
use crate::store::query::Query as _;
use crate::store::steps::at_most;

/// Rows that are looked through in one read transaction.
const LOOKED_THROUGH: u32 = 20_000;

/// A follow-up may follow another one: so many are gone through.
const MOST_FOLLOWED: usize = 10;

/// The rows that hold a number in a field, in whatever way it is written there.
#[derive(Debug, Clone, Default)]
pub(super) struct HoldingRows {
    rows: Vec<(RecipientId, Holding)>,
    /// Those of them of which it is a number of their person are of several people, by their names.
    is_shared: bool,
}

impl HoldingRows {
    /// Whether that one is of the person with the number, and goes with it.
    pub(super) fn is_of_the_person(&self, holding: &Holding) -> bool {
        holding.is_theirs && !self.is_shared
    }

    /// Those that go with the person.
    pub(super) fn of_the_person(&self) -> impl Iterator<Item = RecipientId> {
        let theirs = self.rows.iter().filter(|(_, it)| self.is_of_the_person(it));
        theirs.map(|(id, _)| *id)
    }

    /// All of them, each with how it holds the number.
    pub(super) fn iter(&self) -> impl Iterator<Item = &(RecipientId, Holding)> {
        self.rows.iter()
    }

    /// The same, so many at a time.
    pub(super) fn steps(&self, size: usize) -> impl Iterator<Item = Self> {
        self.rows.chunks(size).map(|rows| Self {
            rows: rows.to_vec(),
            is_shared: self.is_shared,
        })
    }
}

/// The rows that were found so far, and the names of those of which the number is one of their person.
#[derive(Default)]
struct Found {
    rows: Vec<(RecipientId, Holding)>,
    names: BTreeSet<BTreeSet<String>>,
}

impl Reader {
    /// The rows that hold each of these numbers. Reads all rows, once.
    pub(super) fn rows_that_hold(
        &self,
        phones: &[PhoneNumber],
    ) -> Result<Vec<HoldingRows>, StoreError> {
        let numbers = WrittenNumbers::of(phones);
        let mut found: Vec<Found> = phones.iter().map(|_| Found::default()).collect();
        let (mut lists, mut after) = (HashMap::new(), RecipientId(0));
        while !phones.is_empty() {
            let rows: Vec<(RecipientId, String)> = self.connection.rows(
                "SELECT id, fields FROM recipient_input WHERE id > ?1 ORDER BY id LIMIT ?2",
                (after, at_most(LOOKED_THROUGH)),
            )?;
            let Some((last, _)) = rows.last() else {
                break;
            };
            after = *last;
            for (id, fields) in &rows {
                let may_hold = numbers.that_may_be_in(fields);
                if may_hold.is_empty() {
                    continue;
                }
                let fields: Vec<String> = from_json(fields)?;
                let own = self.number_of(*id)?;
                let cells = self.row_cells(id.batch(), &mut lists)?;
                for at in may_hold {
                    let (Some(found), Some(phone), Some(forms)) =
                        (found.get_mut(at), phones.get(at), numbers.forms(at))
                    else {
                        continue;
                    };
                    let Some(holding) = holding(cells, &fields, own, (*phone, forms)) else {
                        continue;
                    };
                    let name = cells.map(|cells| cells.name(&fields));
                    found.names.extend(name.filter(|_| holding.is_theirs));
                    found.rows.push((*id, holding));
                }
            }
        }
        let found = found.into_iter().map(|Found { rows, names }| HoldingRows {
            rows,
            is_shared: !may_be_one_person(names.iter()),
        });
        Ok(found.collect())
    }

    /// The number that a row would be sent to, if it has one.
    fn number_of(&self, row: RecipientId) -> Result<Option<PhoneNumber>, StoreError> {
        let sql = "SELECT p.number FROM recipient r CROSS JOIN person p ON p.id = r.person WHERE r.id = ?1";
        let number: Option<Option<i64>> = self.connection.find(sql, [row])?;
        number.flatten().map(phone_from_column).transpose()
    }

    /// Where the rows of a batch have their names.
    fn row_cells<'a>(
        &self,
        batch: BatchId,
        known: &'a mut HashMap<BatchId, Option<RowCells>>,
    ) -> Result<Option<&'a RowCells>, StoreError> {
        let cells = match known.entry(batch) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(self.cells_of(batch)?),
        };
        Ok(cells.as_ref())
    }

    /// The same, read. The rows of a follow-up have the columns of the batch that it follows, and are sent to another one.
    fn cells_of(&self, batch: BatchId) -> Result<Option<RowCells>, StoreError> {
        type Found = (Option<String>, String, Option<BatchId>);
        let sql = format!(
            "SELECT b.definition ->> '{MAPPING}', b.headers, o.id
             FROM batch b LEFT JOIN batch o ON o.uid = unhex(b.policy -> 'follow_up' ->> 'of') WHERE b.id = ?1"
        );
        let (mut headers, mut next) = (None, Some(batch));
        let mut cells: Option<RowCells> = None;
        for _ in 0..MOST_FOLLOWED {
            let Some(batch) = next else { break };
            let Some((mapping, own, of)) = self.connection.find_row::<Found>(&sql, [batch])? else {
                break;
            };
            if headers.is_none() {
                headers = Some(from_json::<Vec<String>>(&own)?);
            }
            let found = mapping.zip(headers.as_deref());
            let found = found.and_then(|(mapping, headers)| RowCells::of(&mapping, headers));
            cells = match (cells, found) {
                (Some(cells), Some(more)) => Some(cells.and(more)),
                (cells, found) => cells.or(found),
            };
            next = of;
        }
        Ok(cells)
    }
}
