//! People on the suppression list of whom only a keyed hash is left: who was erased, and who opted out after pruning.
//!
//! Another copy of this checkpoint has the same key: the hashes count there too, and a person whom it still names, as a
//! backup does, is found by them and erased again. By the hash alone nobody can be found in a checkpoint with another key.

use std::collections::HashMap;

use jiff::Timestamp;

use super::checkpoint::{Reader, Store};
use super::columns::{number_columns, phone_from_column, time, to_millis};
use super::error::StoreError;
use super::forget::ForgetError;
use super::keys::Hash;
use super::person::{FORGET, FORGOTTEN};
use super::query::Query as _;
use super::suppression::ListEntry;
use super::transaction::Tx;
use crate::domain::keyed_hash::KeyedHash;
use crate::domain::phone::PhoneNumber;

impl ListEntry<KeyedHash> {
    fn is_erased(&self) -> bool {
        self.reason == FORGOTTEN
    }
}

/// What became of hashes that were taken over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HashesTaken {
    /// People who must not be messaged because of them.
    pub people: usize,
    /// Of these, people whom the checkpoint still named.
    pub named: usize,
    /// Of these, erased people: they were erased again.
    pub erased_again: usize,
    /// Erased people who cannot be erased again while a request to them is under way: they are suppressed.
    pub not_erased: usize,
    /// Hashes that were made with another key: they say nothing here.
    pub of_another_key: usize,
}

impl Reader {
    /// Everybody on the suppression list whose number is not known any more.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails, or whatever `each` returns.
    pub(crate) fn hashed_suppressions<E: From<StoreError>>(
        &self,
        each: impl FnMut(ListEntry<KeyedHash>) -> Result<(), E>,
    ) -> Result<(), E> {
        let key = self.keys.print();
        self.connection.visit(
            "SELECT number_hash, suppressed_reason, suppressed_source, suppressed_at
             FROM person INDEXED BY person_suppressed
             WHERE suppressed_at IS NOT NULL AND number IS NULL AND number_hash IS NOT NULL ORDER BY id",
            [],
            |row| {
                Ok(ListEntry {
                    who: KeyedHash {
                        key,
                        hash: row.get(0)?,
                    },
                    reason: row.get::<_, Option<String>>(1)?.unwrap_or_default(),
                    source: row.get::<_, Option<String>>(2)?.unwrap_or_default(),
                    added_at: time(row, 3)?,
                })
            },
            each,
        )
    }
}

impl Store {
    /// A person with one of these hashes must not be messaged, and is erased if the hash is of an erased person.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails; the same call again goes on.
    pub(crate) fn suppress_hashed(
        &self,
        entries: Vec<ListEntry<KeyedHash>>,
        now: Timestamp,
    ) -> Result<HashesTaken, StoreError> {
        let (own, others): (Vec<_>, Vec<_>) = entries
            .into_iter()
            .partition(|entry| entry.who.key == self.keys.print());
        let mut taken = HashesTaken {
            people: own.len(),
            of_another_key: others.len(),
            ..HashesTaken::default()
        };
        if own.is_empty() {
            return Ok(taken);
        }
        let named = self.named_by(&own)?;
        taken.named = named.len();
        for (phone, entry) in &named {
            self.suppress(&[*phone], &entry.reason, &entry.source, entry.added_at)?;
        }
        let erased = named.iter().filter(|(_, entry)| entry.is_erased());
        let erased: Vec<PhoneNumber> = erased.map(|(phone, _)| *phone).collect();
        for erased in self.forget_all(&erased, now)? {
            match erased {
                Ok(_) => taken.erased_again += 1,
                Err(ForgetError::UnderWay { .. }) => taken.not_erased += 1,
                Err(ForgetError::Store(error)) => return Err(error),
            }
        }
        let is_named =
            |entry: &&ListEntry<KeyedHash>| named.iter().any(|(_, named)| named.who == entry.who);
        let unnamed: Vec<ListEntry<KeyedHash>> =
            own.iter().filter(|it| !is_named(it)).cloned().collect();
        self.writer
            .write_blocking(move |tx| unnamed.iter().try_for_each(|entry| keep(tx, entry)))?;
        if taken.erased_again > 0 {
            self.fold_log();
        }
        Ok(taken)
    }

    /// Whom the checkpoint still names of them.
    fn named_by<'a>(
        &self,
        entries: &'a [ListEntry<KeyedHash>],
    ) -> Result<Vec<(PhoneNumber, &'a ListEntry<KeyedHash>)>, StoreError> {
        let wanted: HashMap<Hash, &ListEntry<KeyedHash>> = entries
            .iter()
            .map(|entry| (entry.who.hash, entry))
            .collect();
        let mut found = Vec::new();
        self.reader()?.connection.visit(
            "SELECT number FROM person WHERE number IS NOT NULL",
            [],
            |row| Ok(row.get::<_, i64>(0)?),
            |number| {
                let phone = phone_from_column(number)?;
                let forms = number_columns(phone).chain([number]);
                let mut hashes = forms.map(|form| self.keys.number_column(form));
                let entry = hashes.find_map(|hash| wanted.get(&hash).copied());
                found.extend(entry.map(|entry| (phone, entry)));
                Ok::<_, StoreError>(())
            },
        )?;
        Ok(found)
    }
}

/// A person whom the checkpoint does not name is on the suppression list by the hash.
fn keep(tx: &Tx<'_>, entry: &ListEntry<KeyedHash>) -> Result<(), StoreError> {
    let (at, hash) = (to_millis(entry.added_at), entry.who.hash);
    let source = if entry.is_erased() {
        FORGET
    } else {
        &entry.source
    };
    let there = tx.connection.change(
        "UPDATE person SET suppressed_reason = iif(?4 OR suppressed_at IS NULL, ?3, suppressed_reason),
                suppressed_source = iif(?4 OR suppressed_at IS NULL, ?5, suppressed_source),
                suppressed_at = coalesce(suppressed_at, ?2)
         WHERE number_hash = ?1",
        (hash, at, &entry.reason, entry.is_erased(), source),
    )?;
    if there == 0 {
        tx.connection.change(
            "INSERT INTO person (number_hash, suppressed_at, suppressed_reason, suppressed_source)
             VALUES (?1, ?2, ?3, ?4)",
            (hash, at, &entry.reason, source),
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(
        store: &Store,
        phone: PhoneNumber,
        reason: &str,
        source: &str,
    ) -> ListEntry<KeyedHash> {
        ListEntry {
            who: KeyedHash {
                key: store.keys.print(),
                hash: store.keys.number(phone),
            },
            reason: reason.to_owned(),
            source: source.to_owned(),
            added_at: Timestamp::from_second(9).unwrap(),
        }
    }

    /// What is on the list of a person, of whom there are the hash and this entry, after that of another checkpoint.
    fn kept(
        there: Option<(&'static str, &'static str)>,
        reason: &str,
        source: &str,
    ) -> (String, String, i64) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("outreach.db")).unwrap();
        let phones = [420_777_000_001, 420_777_000_002]
            .map(|number| PhoneNumber::from_e164(number).unwrap());
        let hashes = phones.map(|phone| store.keys.number(phone));
        let filled = store.writer.write_blocking(move |tx| {
            let (reason, source) = there.unzip();
            for hash in hashes {
                tx.connection.change(
                    "INSERT INTO person (number_hash, suppressed_at, suppressed_reason, suppressed_source)
                         VALUES (?1, ?2, ?3, ?4)",
                    (hash, there.map(|_| 5), reason, source),
                )?;
            }
            Ok(())
        });
        filled.unwrap();
        let entries = vec![entry(&store, phones[0], reason, source)];
        let taken = store.suppress_hashed(entries, Timestamp::UNIX_EPOCH);
        assert_eq!(taken.unwrap().people, 1);
        let row = store.writer.write_blocking(|tx| {
            let other: Option<i64> = tx.connection.value("SELECT suppressed_at FROM person WHERE id = 2", [])?;
            let sql = "SELECT suppressed_reason, suppressed_source, suppressed_at FROM person WHERE id = 1";
            Ok((tx.connection.row(sql, [])?, other))
        });
        let (row, other) = row.unwrap();
        assert_eq!(other, there.map(|_| 5), "nobody else");
        row
    }

    #[test]
    fn the_first_entry_of_a_person_stays_and_an_erasure_counts_besides() {
        let stop = Some(("STOP", "person"));
        for (there, entry, wanted) in [
            (None, ("asked", "list"), ("asked", "list", 9_000)),
            (None, (FORGOTTEN, "list"), (FORGOTTEN, FORGET, 9_000)),
            (stop, ("asked", "list"), ("STOP", "person", 5)),
            (stop, (FORGOTTEN, "list"), (FORGOTTEN, FORGET, 5)),
        ] {
            let (reason, source, at) = wanted;
            let wanted = (reason.to_owned(), source.to_owned(), at);
            assert_eq!(kept(there, entry.0, entry.1), wanted, "{there:?} {entry:?}");
        }
    }

    #[test]
    fn an_entry_of_another_key_says_nothing_here() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("outreach.db")).unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let other = Store::open(&elsewhere.path().join("outreach.db")).unwrap();
        let phone = PhoneNumber::from_e164(420_777_000_001).unwrap();
        let entries = vec![entry(&other, phone, "STOP", "person")];
        let taken = store
            .suppress_hashed(entries, Timestamp::UNIX_EPOCH)
            .unwrap();
        let wanted = HashesTaken {
            of_another_key: 1,
            ..HashesTaken::default()
        };
        assert_eq!(taken, wanted);
        let people = store
            .writer
            .write_blocking(|tx| tx.connection.count("SELECT count(*) FROM person", []));
        assert_eq!(people.unwrap(), 0);
    }
}
