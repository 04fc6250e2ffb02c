use super::*;
use crate::store::checkpoint::Store;

const ON: ChannelId = ChannelId(1);
const ANNA: PersonId = PersonId(1);
const BOB: PersonId = PersonId(2);

/// A contact as it is stored: id, person, whether it is former, and when it opted out.
type Row = (i64, Option<i64>, bool, Option<i64>);

/// What is done with a checkpoint of two people and two channels after these statements. The contacts of the first
/// channel, and who is suppressed, with the reason and since when.
struct After<T> {
    done: T,
    contacts: Vec<Row>,
    suppressed: Vec<(i64, String, i64)>,
}

fn after<T: Send + 'static>(
    statements: &'static str,
    act: impl Fn(&Connection, &HashKey) -> Result<T, StoreError> + Send + 'static,
) -> After<T> {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("outreach.db")).unwrap();
    let keys = store.keys.clone();
    let found = store.writer.write_blocking(move |tx| {
        tx.connection.execute_batch(
            "INSERT INTO channel (id, api_id) VALUES (1, '7001'), (2, '7002');
             INSERT INTO person (id, number) VALUES (1, 420777000001), (2, 420777000002);
             INSERT INTO contact (id, channel, api_id, person, opted_out_at) VALUES (90, 2, 21, 1, 7000), (91, 1, 29, 2, 8000);",
        )?;
        tx.connection.execute_batch(statements)?;
        let done = act(tx.connection, &keys)?;
        let contacts = tx.connection.rows(
            "SELECT id, person, former, opted_out_at FROM contact WHERE channel = 1 AND id <> 91 ORDER BY id",
            [],
        )?;
        let suppressed = tx.connection.rows(
            "SELECT id, suppressed_reason, suppressed_at FROM person WHERE suppressed_at IS NOT NULL ORDER BY id",
            [],
        )?;
        let others: Vec<Row> = tx.connection.rows(
            "SELECT id, person, former, opted_out_at FROM contact WHERE id IN (90, 91) ORDER BY id",
            [],
        )?;
        let untouched = [
            (90, Some(1), false, Some(7_000)),
            (91, Some(2), false, Some(8_000)),
        ];
        assert_eq!(others, untouched, "contacts of another channel or id");
        Ok(After { done, contacts, suppressed })
    });
    found.unwrap()
}

fn opted_out(whose: i64) -> (i64, String, i64) {
    (whose, OPTED_OUT.to_owned(), 5_000)
}

const NOBODYS: &str =
    "INSERT INTO contact (id, channel, api_id, opted_out_at) VALUES (1, 1, 21, 5000);";
const ANNAS: &str = "INSERT INTO contact (id, channel, api_id, person) VALUES (1, 1, 21, 1);";
const ANNAS_OPTED_OUT: &str =
    "INSERT INTO contact (id, channel, api_id, person, opted_out_at) VALUES (1, 1, 21, 1, 5000);";

#[test]
fn what_a_contact_said_reaches_each_person_whose_it_turns_out_to_be() {
    let learned = |statements, whose| {
        let learned = after(statements, move |connection, keys| {
            learn(connection, keys, ON, "21", whose)
        });
        let found = learned.done;
        (
            found.row.0,
            found.person,
            found.is_new,
            learned.contacts,
            learned.suppressed,
        )
    };
    let annas = |at| (1, Some(1), false, at);
    assert_eq!(
        learned("", Some(ANNA)),
        (
            92,
            Some(ANNA),
            true,
            vec![(92, Some(1), false, None)],
            vec![]
        )
    );
    assert_eq!(
        learned(NOBODYS, None),
        (1, None, false, vec![(1, None, false, Some(5_000))], vec![])
    );
    assert_eq!(
        learned(NOBODYS, Some(ANNA)),
        (
            1,
            Some(ANNA),
            false,
            vec![annas(Some(5_000))],
            vec![opted_out(1)]
        )
    );
    for whose in [None, Some(ANNA)] {
        assert_eq!(
            learned(ANNAS, whose),
            (1, Some(ANNA), false, vec![annas(None)], vec![])
        );
    }
    // The API says that it is Bob's too: he is heard, and never addressed by it.
    assert_eq!(
        learned(ANNAS, Some(BOB)),
        (
            1,
            Some(ANNA),
            false,
            vec![annas(None), (92, Some(2), true, None)],
            vec![]
        )
    );
    assert_eq!(
        learned(ANNAS_OPTED_OUT, Some(BOB)),
        (
            1,
            Some(ANNA),
            false,
            vec![annas(Some(5_000)), (92, Some(2), true, Some(5_000))],
            vec![opted_out(2)]
        )
    );
    let known_to_both = "INSERT INTO contact (id, channel, api_id, person, former) VALUES (1, 1, 21, 1, 0), (2, 1, 21, 2, 1);";
    let (_, _, _, contacts, _) = learned(known_to_both, Some(BOB));
    assert_eq!(contacts, [annas(None), (2, Some(2), true, None)]);
}

#[test]
fn a_contact_of_two_people_is_heard_by_both_and_addressed_by_none() {
    let doubtful = |statements| {
        let doubtful = after(statements, |connection, _| {
            learn_doubtful(connection, ON, "21", [ANNA, BOB])
        });
        (doubtful.done.0, doubtful.contacts, doubtful.suppressed)
    };
    let rows = |first, second, at| vec![(first, Some(1), true, at), (second, Some(2), true, at)];
    assert_eq!(doubtful(""), (92, rows(92, 93, None), vec![]));
    assert_eq!(doubtful(ANNAS), (1, rows(1, 92, None), vec![]));
    let (first, contacts, suppressed) = doubtful(ANNAS_OPTED_OUT);
    assert_eq!((first, contacts), (1, rows(1, 92, Some(5_000))));
    assert_eq!(suppressed, [opted_out(1), opted_out(2)]);
}

#[test]
fn a_contact_of_a_results_file_is_heard_and_what_is_known_of_it_stays() {
    let imported = |statements| {
        let imported = after(statements, |connection, keys| {
            learn_imported(connection, keys, ON, "21", ANNA)
        });
        (
            imported.done.map(|row| row.0),
            imported.contacts,
            imported.suppressed,
        )
    };
    assert_eq!(
        imported(""),
        (Some(92), vec![(92, Some(1), true, None)], vec![])
    );
    assert_eq!(
        imported(NOBODYS),
        (
            Some(1),
            vec![(1, Some(1), true, Some(5_000))],
            vec![opted_out(1)]
        )
    );
    assert_eq!(
        imported(ANNAS),
        (Some(1), vec![(1, Some(1), false, None)], vec![])
    );
    let bobs = "INSERT INTO contact (id, channel, api_id, person) VALUES (1, 1, 21, 2);";
    assert_eq!(
        imported(bobs),
        (None, vec![(1, Some(2), false, None)], vec![])
    );
    let clear = after("", |connection, keys| {
        learn_imported(connection, keys, ON, "21", ANNA)?;
        connection.value::<i64>("SELECT api_id FROM contact WHERE id = 92", [])
    });
    assert_eq!(clear.done, 21);
    // Of an erased person a hash is kept.
    let erased = after(
        "UPDATE person SET number = NULL WHERE id = 1;",
        |connection, keys| {
            learn_imported(connection, keys, ON, "21", ANNA)?;
            let found = find(connection, keys, ON, "21")?.map(|found| (found.row.0, found.erased));
            let clear: Option<i64> =
                connection.value("SELECT api_id FROM contact WHERE id = 92", [])?;
            Ok((found, clear))
        },
    );
    assert_eq!(erased.done, (Some((92, true)), None));
}

/// Only a hash is left of the contact; its person may be known again.
#[test]
fn a_contact_that_was_erased_gets_its_id_back_once_its_person_has_the_number_again() {
    let ids = |statements, is_imported: bool| {
        after(statements, move |connection, keys| {
            connection.change(
                "INSERT INTO contact (id, channel, api_id_hash, person) VALUES (1, 1, ?1, 1)",
                [keys.contact("7001", "21")],
            )?;
            if is_imported {
                let found = learn_imported(connection, keys, ON, "21", ANNA)?;
                assert_eq!(found, None);
            } else {
                learn(connection, keys, ON, "21", Some(ANNA))?;
            }
            connection.rows::<(i64, Option<i64>, bool)>(
                "SELECT id, api_id, api_id_hash IS NULL FROM contact WHERE channel = 1 AND id <> 91",
                [],
            )
        })
        .done
    };
    let erased = "UPDATE person SET number = NULL WHERE id = 1;";
    assert_eq!(ids("", false), [(1, Some(21), true)]);
    assert_eq!(ids(erased, false), [(1, None, false)]);
    assert_eq!(ids("", true), [(1, None, false)]);
}

#[test]
fn a_person_is_addressed_by_the_last_contact_that_stands_or_by_the_lists_own() {
    let addressed = |statements, from_list: Option<&'static str>| {
        after(statements, move |connection, _| {
            addressed_by(connection, ON, ANNA, from_list.map(str::to_owned))
        })
        .done
    };
    let two = "INSERT INTO contact (channel, api_id, person) VALUES (1, 21, 1), (1, 22, 1);";
    let former = "INSERT INTO contact (channel, api_id, person, former) VALUES (1, 21, 1, 1), (1, NULL, 1, 0);";
    for (statements, from_list, wanted) in [
        ("", None, None),
        ("", Some("25"), Some("25")),
        ("", Some("29"), None),
        (two, Some("25"), Some("22")),
        (former, None, None),
        (former, Some("25"), Some("25")),
    ] {
        let wanted = wanted.map(str::to_owned);
        assert_eq!(addressed(statements, from_list), wanted, "{statements}");
    }
}

#[test]
fn a_contact_that_is_retired_is_never_addressed_again_and_no_other_is_concerned() {
    let two = "INSERT INTO contact (id, channel, api_id, person, former)
                   VALUES (1, 1, 21, 1, 0), (2, 1, 21, 2, 0), (3, 1, 22, 1, 0);";
    let retired = after(two, |connection, keys| {
        retire(connection, keys, ON, "21", ANNA)
    });
    assert_eq!(
        retired.contacts,
        [
            (1, Some(1), true, None),
            (2, Some(2), false, None),
            (3, Some(1), false, None)
        ]
    );
    // It may be known from the list alone.
    let unknown = after("", |connection, keys| {
        retire(connection, keys, ON, "21", ANNA)
    });
    assert_eq!(unknown.contacts, [(92, Some(1), true, None)]);
}

#[test]
fn the_contact_of_a_person_is_the_first_on_the_channel_and_made_where_there_is_none() {
    let of = |statements| {
        let of = after(statements, |connection, _| of_person(connection, ON, ANNA));
        (of.done.row.0, of.done.is_new, of.contacts.len())
    };
    let two =
        "INSERT INTO contact (id, channel, api_id, person) VALUES (2, 1, 22, 1), (1, 1, 21, 1);";
    assert_eq!(of(two), (1, false, 2));
    assert_eq!(of(""), (92, true, 1));
}

#[test]
fn of_several_opt_ins_or_opt_outs_the_first_counts_in_any_order() {
    let at = |second| Some(Timestamp::from_second(second).unwrap());
    for order in [[3, 5], [5, 3]] {
        let noted = after(ANNAS, move |connection, _| {
            for second in order {
                note_opting(connection, ContactRow(1), at(second), None)?;
                note_opting(connection, ContactRow(1), None, at(second + 10))?;
            }
            connection.row::<(Option<i64>, Option<i64>)>(
                "SELECT opted_in_at, opted_out_at FROM contact WHERE id = 1",
                [],
            )
        });
        assert_eq!(noted.done, (Some(3_000), Some(13_000)));
    }
}
