//! People: found by number, or by the keyed hash of a number that was erased.

use jiff::Timestamp;
use rusqlite::{Connection, Row};

use super::columns::{number_columns, phone_from_column, phone_to_column, to_millis};
use super::error::StoreError;
use super::ids::PersonId;
use super::keys::HashKey;
use super::query::Query as _;
use crate::domain::phone::PhoneNumber;
use crate::domain::recipient::{OPTED_OUT, Suppression, UNREAD};

/// The reason of a suppression that `forget` left.
pub(super) const FORGOTTEN: &str = "erased at the person's request";
/// Its source.
pub(super) const FORGET: &str = "forget";

/// The person with this number; `None` if no list and no event ever named it.
///
/// An older version may have stored the number in a form that its numbering plan has given up: that is the
/// same person.
pub(super) fn find(
    connection: &Connection,
    keys: &HashKey,
    phone: PhoneNumber,
) -> Result<Option<PersonId>, StoreError> {
    let named = find_named(connection, phone)?;
    if named.is_some() || !any_erased(connection)? {
        return Ok(named);
    }
    for form in number_columns(phone) {
        if let Some(found) = by_hash(connection, keys, form)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// The same, unless a hash is all that is left of the person.
pub(super) fn find_named(
    connection: &Connection,
    phone: PhoneNumber,
) -> Result<Option<PersonId>, StoreError> {
    for form in number_columns(phone) {
        if let Some(found) = by_number(connection, form)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn by_number(connection: &Connection, form: i64) -> Result<Option<PersonId>, StoreError> {
    connection.find(
        "SELECT person FROM person_by_number WHERE number = ?1",
        [form],
    )
}

fn by_hash(
    connection: &Connection,
    keys: &HashKey,
    form: i64,
) -> Result<Option<PersonId>, StoreError> {
    connection.find(
        "SELECT id FROM person WHERE number_hash = ?1",
        [keys.number_column(form)],
    )
}

/// Everybody with this number, each with the form of it that is theirs; those of whom a hash is left too.
pub(super) fn all_of(
    connection: &Connection,
    keys: &HashKey,
    phone: PhoneNumber,
) -> Result<Vec<(PersonId, i64)>, StoreError> {
    let mut people = Vec::new();
    for form in number_columns(phone) {
        people.extend(by_number(connection, form)?.map(|whose| (whose, form)));
        people.extend(by_hash(connection, keys, form)?.map(|whose| (whose, form)));
    }
    Ok(people)
}

/// Whether only hashes are left of anybody: the usual case costs no hash.
pub(super) fn any_erased(connection: &Connection) -> Result<bool, StoreError> {
    connection.value(
        "SELECT EXISTS (SELECT 1 FROM person WHERE number_hash IS NOT NULL)",
        [],
    )
}

/// The person with this number, made if need be.
pub(super) fn find_or_make(
    connection: &Connection,
    keys: &HashKey,
    phone: PhoneNumber,
) -> Result<PersonId, StoreError> {
    if let Some(person) = find(connection, keys, phone)? {
        return Ok(person);
    }
    let person = make(connection, phone)?;
    enter_number(connection, phone_to_column(phone), person)?;
    Ok(person)
}

/// The person with this number, made if need be. A pruned person is named again, and gets the number back.
pub(super) fn find_or_name(
    connection: &Connection,
    keys: &HashKey,
    phone: PhoneNumber,
) -> Result<PersonId, StoreError> {
    let person = find_or_make(connection, keys, phone)?;
    name_again(connection, person, phone)?;
    Ok(person)
}

/// A person of whom pruning left a hash is named again: the number comes back. That of an erased person does not.
pub(super) fn name_again(
    connection: &Connection,
    person: PersonId,
    phone: PhoneNumber,
) -> Result<(), StoreError> {
    let named = connection.change(
        "UPDATE person SET number = ?2, number_hash = NULL
             WHERE id = ?1 AND number IS NULL AND suppressed_source IS NOT ?3",
        (person, phone_to_column(phone), FORGET),
    )?;
    if named > 0 {
        enter_number(connection, phone_to_column(phone), person)?;
    }
    Ok(())
}

/// Makes a person whose number is not entered into the index yet.
pub(super) fn make(connection: &Connection, phone: PhoneNumber) -> Result<PersonId, StoreError> {
    connection.change(
        "INSERT INTO person (number) VALUES (?1)",
        [phone_to_column(phone)],
    )?;
    Ok(PersonId(connection.last_insert_rowid()))
}

/// Enters a number into the index of people.
pub(super) fn enter_number(
    connection: &Connection,
    form: i64,
    person: PersonId,
) -> Result<(), StoreError> {
    connection.change(
        "INSERT INTO person_by_number (number, person) VALUES (?1, ?2)",
        (form, person),
    )?;
    Ok(())
}

/// The person's number; `None` once it was erased.
pub(super) fn number(
    connection: &Connection,
    person: PersonId,
) -> Result<Option<PhoneNumber>, StoreError> {
    let number = connection.find("SELECT number FROM person WHERE id = ?1", [person])?;
    Ok(number.flatten())
}

/// A person as it is stored.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub(super) id: PersonId,
    /// As it is stored; `None` once it was erased.
    pub(super) number: Option<i64>,
    /// Why it must not be messaged, if so.
    pub(super) suppression: Option<Suppression>,
    /// When it was put on the suppression list because of an opt-out, in milliseconds.
    pub(super) opted_out_at: Option<i64>,
    /// When it last wrote or pressed a button, in milliseconds.
    pub(super) last_inbound_at: Option<i64>,
}

/// The person, and the others with the same number, usually none: an older version stored it in a form that its
/// numbering plan has given up, and a list in the new form made another person.
pub(super) fn with_same_number(
    connection: &Connection,
    person: PersonId,
) -> Result<Vec<Person>, StoreError> {
    let found = connection.find_read(
        "SELECT id, number, suppressed_at, suppressed_reason, suppressed_source IS ?2, last_inbound_at
             FROM person WHERE id = ?1",
        (person, FORGET),
        read,
    )?;
    let known = found.unwrap_or(Person {
        id: person,
        number: None,
        suppression: None,
        opted_out_at: None,
        last_inbound_at: None,
    });
    let number = known.number;
    let mut people = vec![known];
    if let Some(stored) = number {
        for form in number_columns(phone_from_column(stored)?).filter(|form| *form != stored) {
            people.extend(named(connection, form)?);
        }
    }
    Ok(people)
}

/// Everybody with this number, as [`with_same_number`] finds them; nobody if no list and no event ever named it.
pub(super) fn with_number(
    connection: &Connection,
    keys: &HashKey,
    phone: PhoneNumber,
) -> Result<Vec<Person>, StoreError> {
    let mut people = Vec::new();
    for form in number_columns(phone) {
        people.extend(named(connection, form)?);
    }
    if people.is_empty()
        && let Some(erased) = find(connection, keys, phone)?
    {
        return with_same_number(connection, erased);
    }
    Ok(people)
}

fn named(connection: &Connection, form: i64) -> Result<Option<Person>, StoreError> {
    connection.find_read(
        "SELECT p.id, p.number, suppressed_at, suppressed_reason, suppressed_source IS ?2, last_inbound_at
             FROM person_by_number n CROSS JOIN person p ON p.id = n.person WHERE n.number = ?1",
        (form, FORGET),
        read,
    )
}

fn read(row: &Row<'_>) -> Result<Person, StoreError> {
    let number: Option<i64> = row.get(1)?;
    let suppressed_at: Option<i64> = row.get(2)?;
    let (mut suppression, mut opted_out_at) = (None, None);
    if suppressed_at.is_some() {
        let reason: Option<String> = row.get(3)?;
        let is_erased = number.is_none() && row.get(4)?;
        let reason = reason.unwrap_or_default();
        opted_out_at = suppressed_at.filter(|_| reason == OPTED_OUT);
        suppression = Some(if is_erased {
            Suppression::Forgotten
        } else {
            Suppression::Listed { reason }
        });
    }
    Ok(Person {
        id: row.get(0)?,
        number,
        suppression,
        opted_out_at,
        last_inbound_at: row.get(5)?,
    })
}

/// Why the person must not be messaged, if so. What is kept under another form of the number counts too.
pub(super) fn suppression(
    connection: &Connection,
    person: PersonId,
) -> Result<Option<Suppression>, StoreError> {
    let people = with_same_number(connection, person)?;
    Ok(people.into_iter().find_map(|person| person.suppression))
}

/// Puts the person on the suppression list; an entry that is there stays, unless it only says that a reply was not read.
/// Returns whether it is new.
pub(super) fn suppress(
    connection: &Connection,
    person: PersonId,
    reason: &str,
    source: &str,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let changed = connection.change(
        "UPDATE person SET suppressed_at = ?2, suppressed_reason = ?3, suppressed_source = ?4
             WHERE id = ?1 AND (suppressed_at IS NULL OR suppressed_reason = ?5 AND ?3 <> ?5)",
        (person, to_millis(at), reason, source, UNREAD),
    )?;
    Ok(changed > 0)
}

/// The same, if the number is still the person's: between look-up and transaction others may write.
pub(super) fn suppress_named(
    connection: &Connection,
    person: PersonId,
    phone: PhoneNumber,
    reason: &str,
    source: &str,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let is_theirs = connection.has(
        "SELECT 1 FROM person WHERE id = ?1 AND number = ?2",
        (person, phone_to_column(phone)),
    )?;
    Ok(is_theirs && suppress(connection, person, reason, source, at)?)
}

/// Makes a person who is on the suppression list.
pub(super) fn make_suppressed(
    connection: &Connection,
    phone: PhoneNumber,
    reason: &str,
    source: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    let form = phone_to_column(phone);
    connection.change(
        "INSERT INTO person (number, suppressed_at, suppressed_reason, suppressed_source) VALUES (?1, ?2, ?3, ?4)",
        (form, to_millis(at), reason, source),
    )?;
    let person = PersonId(connection.last_insert_rowid());
    enter_number(connection, form, person)
}

/// Takes the person off the suppression list; an erased person gets the number back, in the form that was theirs, because
/// it was named again. Returns whether the person was on the list.
pub(super) fn lift(
    connection: &Connection,
    person: PersonId,
    form: i64,
) -> Result<bool, StoreError> {
    let changed = connection.change(
        "UPDATE person SET suppressed_at = NULL, suppressed_reason = NULL, suppressed_source = NULL
             WHERE id = ?1 AND suppressed_at IS NOT NULL",
        [person],
    )?;
    let restored = connection.change(
        "UPDATE person SET number = ?2, number_hash = NULL WHERE id = ?1 AND number IS NULL",
        (person, form),
    )?;
    if restored > 0 {
        enter_number(connection, form, person)?;
    }
    Ok(changed > 0)
}

/// Removes a person whom no list, message, contact or suppression names any more.
pub(super) fn remove_unnamed(connection: &Connection, person: PersonId) -> Result<(), StoreError> {
    let unnamed: bool = connection
        .find(
            "SELECT suppressed_at IS NULL AND last_inbound_at IS NULL AND number_hash IS NULL
                    AND NOT EXISTS (SELECT 1 FROM recipient WHERE person = p.id)
                    AND NOT EXISTS (SELECT 1 FROM attempt WHERE person = p.id)
                    AND NOT EXISTS (SELECT 1 FROM contact WHERE person = p.id)
             FROM person p WHERE id = ?1",
            [person],
        )?
        .unwrap_or(false);
    if unnamed {
        connection.change(
            "DELETE FROM person_by_number
                 WHERE number = (SELECT number FROM person WHERE id = ?1) AND person = ?1",
            [person],
        )?;
        connection.change("DELETE FROM person WHERE id = ?1", [person])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::checkpoint::Store;
    use super::*;
    use crate::domain::eligibility::HistorySpan;
    use crate::store::history::PersonVerdict;

    /// A checkpoint as an older version left it: Mexico wrote a 1 before mobile numbers until 2019. A list that came
    /// later made a second person.
    fn two_of_one_number(folder: &std::path::Path) -> (Store, PhoneNumber) {
        let store = Store::open(&folder.join("outreach.db")).unwrap();
        store
            .writer
            .write_blocking(move |tx| {
                Ok(tx.connection.execute_batch(
                    "INSERT INTO person (number) VALUES (525512345678), (5215512345678);
                     INSERT INTO person_by_number (number, person) SELECT number, id FROM person;",
                )?)
            })
            .unwrap();
        (store, PhoneNumber::from_e164(525_512_345_678).unwrap())
    }

    fn is_suppressed(store: &Store, phone: PhoneNumber) -> bool {
        let (span, now) = (HistorySpan::default(), Timestamp::UNIX_EPOCH);
        let verdict = store
            .reader()
            .unwrap()
            .judge(phone, (None, None), span, None, &[], now);
        matches!(verdict, Ok(PersonVerdict::Suppressed(_)))
    }

    #[test]
    fn an_opt_out_under_the_old_form_of_a_number_is_heard_where_the_new_form_is_a_person_too() {
        let folder = tempfile::tempdir().unwrap();
        let (store, phone) = two_of_one_number(folder.path());
        let now = Timestamp::UNIX_EPOCH;
        store
            .writer
            .write_blocking(move |tx| suppress(tx.connection, PersonId(2), "STOP", "event", now))
            .unwrap();
        assert!(is_suppressed(&store, phone));
        assert_eq!(store.unsuppress(vec![phone]).unwrap(), 1);
        assert!(!is_suppressed(&store, phone));
    }

    #[test]
    fn who_is_erased_is_erased_under_each_form_of_the_number() {
        let folder = tempfile::tempdir().unwrap();
        let (store, phone) = two_of_one_number(folder.path());
        let now = Timestamp::UNIX_EPOCH;
        store.forget(phone, now).unwrap();
        assert!(is_suppressed(&store, phone));
        let left: i64 = store
            .writer
            .write_blocking(|tx| {
                let sql = "SELECT count(number) FROM person";
                Ok(tx.connection.query_row(sql, [], |row| row.get(0))?)
            })
            .unwrap();
        assert_eq!(left, 0);
        // A person who is known again is known under each form of the number: an opt-out under either counts.
        assert_eq!(store.unsuppress(vec![phone]).unwrap(), 1);
        assert!(!is_suppressed(&store, phone));
        store
            .writer
            .write_blocking(move |tx| suppress(tx.connection, PersonId(2), "STOP", "event", now))
            .unwrap();
        assert!(is_suppressed(&store, phone));
    }

    /// Pruning leaves a hash of the number: by it an opt-out finds the person, and the guards whom they messaged.
    #[test]
    fn a_person_of_whom_a_hash_is_left_is_not_removed_and_one_whom_nothing_names_is() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("outreach.db")).unwrap();
        let left: Vec<i64> = store
            .writer
            .write_blocking(|tx| {
                tx.connection.execute_batch(
                    "INSERT INTO person (id, number, number_hash) VALUES (1, NULL, x'0a'), (2, 420777123456, NULL);
                     INSERT INTO person_by_number (number, person) VALUES (420777123456, 2);",
                )?;
                for whose in [1, 2] {
                    remove_unnamed(tx.connection, PersonId(whose))?;
                }
                let people = "SELECT id FROM person UNION ALL SELECT person FROM person_by_number";
                tx.connection.list(people, [])
            })
            .unwrap();
        assert_eq!(left, [1]);
    }

    /// What is on the list after an entry that is there, or none, and a second one, and whether that one is new.
    fn listed(
        store: &Store,
        first: Option<&'static str>,
        second: &'static str,
        by_number: bool,
    ) -> (bool, Vec<Entry>) {
        let phones = [420_777_123_456, 420_777_123_457]
            .map(|number| PhoneNumber::from_e164(number).unwrap());
        let found = store.writer.write_blocking(move |tx| {
            let (whose, later) = (PersonId(1), Timestamp::from_second(9).unwrap());
            let connection = tx.connection;
            connection.execute_batch(
                "DELETE FROM person WHERE id > 0;
                 INSERT INTO person (id, number) VALUES (1, 420777123456), (2, 420777123457);",
            )?;
            if let Some(first) = first {
                suppress(connection, whose, first, "first", Timestamp::UNIX_EPOCH)?;
            }
            let [own, other] = phones;
            let is_new = if by_number {
                assert!(!suppress_named(
                    connection, whose, other, second, "second", later
                )?);
                suppress_named(connection, whose, own, second, "second", later)?
            } else {
                suppress(connection, whose, second, "second", later)?
            };
            let entries = connection.rows(
                "SELECT id, suppressed_reason, suppressed_source, suppressed_at
                     FROM person WHERE suppressed_at IS NOT NULL",
                [],
            )?;
            Ok((is_new, entries))
        });
        found.unwrap()
    }

    /// Whose it is, reason, source and time.
    type Entry = (i64, String, String, i64);

    #[test]
    fn an_entry_stays_unless_it_only_says_that_a_reply_was_not_read_and_the_next_one_says_more() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("outreach.db")).unwrap();
        for (first, second, is_new) in [
            (None, UNREAD, true),
            (None, "STOP", true),
            (Some(UNREAD), UNREAD, false),
            (Some(UNREAD), "STOP", true),
            (Some("STOP"), UNREAD, false),
            (Some("STOP"), "asked by phone", false),
        ] {
            let (reason, source, at) = match first {
                Some(first) if !is_new => (first, "first", 0),
                Some(_) | None => (second, "second", 9_000),
            };
            let wanted = (is_new, vec![(1, reason.to_owned(), source.to_owned(), at)]);
            for by_number in [false, true] {
                assert_eq!(
                    listed(&store, first, second, by_number),
                    wanted,
                    "{first:?} {second}"
                );
            }
        }
    }

    #[test]
    fn a_person_is_removed_only_where_nothing_names_them() {
        for naming in [
            "UPDATE person SET suppressed_at = 5 WHERE id = 1",
            "UPDATE person SET last_inbound_at = 5 WHERE id = 1",
            "UPDATE person SET number_hash = x'0a' WHERE id = 1",
            "INSERT INTO recipient (id, person, state) VALUES (1, 1, 'sent')",
            "INSERT INTO attempt (recipient, person, channel, kind, started_at) VALUES (1, 1, 1, 'request', 5)",
            "INSERT INTO contact (channel, person) VALUES (1, 1)",
        ] {
            let folder = tempfile::tempdir().unwrap();
            let store = Store::open(&folder.path().join("outreach.db")).unwrap();
            let left: Vec<i64> = store
                .writer
                .write_blocking(move |tx| {
                    tx.connection.execute_batch(&format!(
                        "INSERT INTO person (id, number) VALUES (1, 420777123456), (2, 420777123457);
                         INSERT INTO person_by_number (number, person) SELECT number, id FROM person;
                         {naming}"
                    ))?;
                    for whose in [1, 2, 3] {
                        remove_unnamed(tx.connection, PersonId(whose))?;
                    }
                    let people = "SELECT id FROM person UNION ALL SELECT person FROM person_by_number";
                    tx.connection.list(people, [])
                })
                .unwrap();
            assert_eq!(left, [1, 1], "{naming}");
        }
    }

    /// Of both a hash is left; who was erased did not ask to be known again.
    #[test]
    fn a_pruned_person_is_named_again_and_an_erased_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("outreach.db")).unwrap();
        let keys = store.keys.clone();
        let phones = [420_777_123_456, 420_777_123_457, 420_777_123_458]
            .map(|number| PhoneNumber::from_e164(number).unwrap());
        let found = store.writer.write_blocking(move |tx| {
            let connection = tx.connection;
            for (phone, source) in phones.into_iter().zip([None, Some("person"), Some(FORGET)]) {
                connection.change(
                    "INSERT INTO person (number_hash, suppressed_at, suppressed_source) VALUES (?1, ?2, ?3)",
                    (keys.number_column(phone_to_column(phone)), source.map(|_| 5), source),
                )?;
            }
            for phone in phones {
                find_or_name(connection, &keys, phone)?;
            }
            connection.rows::<(i64, Option<i64>, bool, Option<i64>)>(
                "SELECT p.id, p.number, p.number_hash IS NULL, n.number
                     FROM person p LEFT JOIN person_by_number n ON n.person = p.id ORDER BY p.id",
                [],
            )
        });
        let named = |id, phone| (id, Some(phone), true, Some(phone));
        assert_eq!(
            found.unwrap(),
            [
                named(1, 420_777_123_456),
                named(2, 420_777_123_457),
                (3, None, false, None)
            ]
        );
    }
}
