//! What is under way: in memory, and as intents on disk.

use std::collections::BTreeMap;

use rusqlite::Connection;

use crate::store::error::StoreError;
use crate::store::intent::{self, Intent};

/// A request that may be on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flight {
    /// When it was claimed, in milliseconds.
    pub(super) started_at: i64,
    /// The repeat guard's key of its content.
    pub(super) content_key: i64,
    /// The number, as it is stored.
    pub(super) phone: i64,
}

/// What stands on disk for a flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cover {
    /// Nothing yet: it was claimed in this group.
    Fresh,
    /// The intent that begins at this row.
    Intent(i64),
    /// Nothing any more: its answer is no longer awaited, and it was called unknown.
    GivenUp,
}

/// An intent, as far as it matters in memory.
#[derive(Debug)]
struct Range {
    last: i64,
    started_at: i64,
    /// How many of its rows are under way.
    open: u32,
    stored: bool,
}

/// How a flight ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Landed {
    /// Its intent stood on disk.
    Awaited(Flight),
    /// It had been given up.
    GivenUp(Flight),
    /// It is not known.
    Unknown,
}

/// All requests of a batch that are under way, by row.
///
/// Invariant at the end of a group: a row is under way if and only if an intent on disk covers it
/// and the row is still `queued`.
#[derive(Debug, Default)]
pub(super) struct Flights {
    by_row: BTreeMap<i64, (Flight, Cover)>,
    /// By first row.
    ranges: BTreeMap<i64, Range>,
    claimed: Vec<i64>,
    /// First rows of intents on disk that end with this group.
    ended: Vec<i64>,
}

impl Flights {
    pub(super) fn is_under_way(&self, id: i64) -> bool {
        self.by_row.contains_key(&id)
    }

    /// A row is claimed; its intent is written at the end of the group.
    pub(super) fn claim(&mut self, id: i64, flight: Flight) {
        self.by_row.insert(id, (flight, Cover::Fresh));
        self.claimed.push(id);
    }

    /// The request has ended.
    pub(super) fn land(&mut self, id: i64) -> Landed {
        let Some((flight, cover)) = self.by_row.remove(&id) else {
            return Landed::Unknown;
        };
        match cover {
            Cover::GivenUp => Landed::GivenUp(flight),
            // A claim is answered after its group only, so that this does not happen.
            Cover::Fresh => Landed::Unknown,
            Cover::Intent(first) => {
                if let Some(range) = self.ranges.get_mut(&first) {
                    range.open -= 1;
                    if range.open == 0 {
                        self.end(first);
                    }
                }
                Landed::Awaited(flight)
            }
        }
    }

    /// The row that just landed goes back to the queue: no intent may cover it any longer.
    pub(super) fn release(&mut self, id: i64) {
        let before = self.ranges.range(..=id).next_back();
        let Some((&first, last)) = before
            .map(|(first, range)| (first, range.last))
            .filter(|(_, last)| *last >= id)
        else {
            return;
        };
        self.end(first);
        for (&id, (flight, cover)) in self.by_row.range_mut(first..=last) {
            if *cover == Cover::Intent(first) {
                *cover = Cover::Intent(id);
                let alone = Range {
                    last: id,
                    started_at: flight.started_at,
                    open: 1,
                    stored: false,
                };
                self.ranges.insert(id, alone);
            }
        }
    }

    fn end(&mut self, first: i64) {
        if self.ranges.remove(&first).is_some_and(|range| range.stored) {
            self.ended.push(first);
        }
    }

    /// No answer is awaited any longer; what stood on disk is gone.
    pub(super) fn give_up(&mut self) {
        for (_, cover) in self.by_row.values_mut() {
            *cover = Cover::GivenUp;
        }
        self.ranges.clear();
        self.claimed.clear();
        self.ended.clear();
    }

    /// Brings the intents on disk in line; to be called at the end of each group.
    pub(super) fn write(&mut self, connection: &Connection, token: i64) -> Result<(), StoreError> {
        for first in self.ended.drain(..) {
            intent::remove(connection, first)?;
        }
        self.cover_claimed();
        for (&first, range) in self.ranges.iter_mut().filter(|(_, range)| !range.stored) {
            let intent = Intent {
                first,
                last: range.last,
                token,
                started_at: range.started_at,
            };
            intent::insert(connection, &intent)?;
            range.stored = true;
        }
        Ok(())
    }

    /// Neighbouring rows that were claimed in this group share an intent.
    fn cover_claimed(&mut self) {
        self.claimed.sort_unstable();
        let mut open: Option<(i64, Range)> = None;
        for id in std::mem::take(&mut self.claimed) {
            let Some((flight, cover)) = self.by_row.get_mut(&id) else {
                continue;
            };
            let (first, range) = match open.take() {
                Some((first, mut range)) if range.last + 1 == id => {
                    range.last = id;
                    range.open += 1;
                    range.started_at = range.started_at.min(flight.started_at);
                    (first, range)
                }
                other => {
                    self.ranges.extend(other);
                    let alone = Range {
                        last: id,
                        started_at: flight.started_at,
                        open: 1,
                        stored: false,
                    };
                    (id, alone)
                }
            };
            *cover = Cover::Intent(first);
            open = Some((first, range));
        }
        self.ranges.extend(open);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flight() -> Flight {
        Flight {
            started_at: 7,
            content_key: 1,
            phone: 2,
        }
    }

    fn flights(ids: &[i64]) -> (Flights, Connection) {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                "CREATE TABLE intent (first INTEGER PRIMARY KEY, last INTEGER, token INTEGER,
                                      started_at INTEGER)",
            )
            .unwrap();
        let mut flights = Flights::default();
        for id in ids {
            flights.claim(*id, flight());
        }
        flights.write(&connection, 1).unwrap();
        (flights, connection)
    }

    fn on_disk(connection: &Connection) -> Vec<(i64, i64)> {
        let mut select = connection
            .prepare("SELECT first, last FROM intent ORDER BY first")
            .unwrap();
        let rows = select
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap();
        rows.map(Result::unwrap).collect()
    }

    #[test]
    fn neighbours_share_an_intent_that_goes_with_the_last_of_them() {
        let (mut flights, connection) = flights(&[5, 3, 4, 9]);
        assert_eq!(on_disk(&connection), [(3, 5), (9, 9)]);
        for id in [4, 9, 3] {
            assert_eq!(flights.land(id), Landed::Awaited(flight()));
        }
        flights.write(&connection, 1).unwrap();
        assert_eq!(on_disk(&connection), [(3, 5)]);
        flights.land(5);
        flights.write(&connection, 1).unwrap();
        assert_eq!(on_disk(&connection), []);
    }

    #[test]
    fn a_row_that_goes_back_to_the_queue_is_covered_no_longer_and_its_neighbours_are() {
        let (mut flights, connection) = flights(&[1, 2, 3, 4]);
        flights.land(1);
        flights.land(3);
        flights.release(3);
        // Of what was split just now, one lands in the same group.
        flights.land(2);
        flights.write(&connection, 1).unwrap();
        assert_eq!(on_disk(&connection), [(4, 4)]);
        // Back again, beside a neighbour that never landed.
        flights.claim(3, flight());
        flights.write(&connection, 1).unwrap();
        assert_eq!(on_disk(&connection), [(3, 3), (4, 4)]);
    }

    #[test]
    fn the_first_of_a_range_goes_back() {
        let (mut flights, connection) = flights(&[1, 2]);
        flights.land(1);
        flights.release(1);
        flights.claim(1, flight());
        flights.write(&connection, 1).unwrap();
        assert_eq!(on_disk(&connection), [(1, 1), (2, 2)]);
    }

    #[test]
    fn what_was_given_up_may_still_land() {
        let (mut flights, _) = flights(&[1]);
        flights.give_up();
        assert_eq!(flights.land(1), Landed::GivenUp(flight()));
        assert_eq!(flights.land(1), Landed::Unknown);
    }
}
