//! A checkpoint of every released schema version opens, with everything that it knew.
//!
//! `fixtures/checkpoint-vN.db.gz` is what version N left of `fixtures/contacts.csv`, sent to the
//! sandbox as batch `first`. A fixture is never made again: it is what people have on their disks.

use std::fs;
use std::io::Read;
use std::path::Path;

use hmac::{Hmac, KeyInit, Mac};
use outreach::internals::domain::delivery::State;
use outreach::internals::store::{Reader, Store};
use sha2::Sha256;

use crate::support::Scratch;

fn unpack(version: u32, path: &Path) {
    let packed = format!(
        "{}/fixtures/checkpoint-v{version}.db.gz",
        env!("CARGO_MANIFEST_DIR")
    );
    let mut old = Vec::new();
    flate2::read::GzDecoder::new(fs::File::open(packed).unwrap())
        .read_to_end(&mut old)
        .unwrap();
    fs::write(path, old).unwrap();
}

/// Two people are still queued, as if the program had been stopped before it came to them; the batch has the
/// name that the list gave it, with white space in its message.
fn interrupt(path: &Path) -> String {
    let digest = "00ff00ff";
    let old = rusqlite::Connection::open(path).unwrap();
    old.execute_batch(&format!(
        "UPDATE batch SET name = 'contacts-{digest}', digest = x'{digest}{zeros}', finished_at = NULL,
                definition = replace(definition, 'your order', ' your  order');
         CREATE TEMP TABLE late AS SELECT id FROM recipient WHERE state = 'sent' ORDER BY id DESC LIMIT 2;
         DELETE FROM message WHERE recipient IN temp.late;
         DELETE FROM message_by_id WHERE recipient IN temp.late;
         DELETE FROM contact_message WHERE recipient IN temp.late;
         DELETE FROM attempt WHERE recipient IN temp.late;
         UPDATE recipient SET state = 'queued' WHERE id IN temp.late;
         UPDATE tally SET n = n - 2 WHERE what IN ('sent', 'requests');
         INSERT INTO tally (batch, what, n) VALUES (1, 'queued', 2)
             ON CONFLICT DO UPDATE SET n = 2;",
        zeros = "0".repeat(56)
    ))
    .unwrap();
    format!("contacts-{digest}")
}

#[test]
fn a_batch_that_an_older_program_began_is_found_by_its_list_and_continued() {
    let scratch = Scratch::new();
    let path = scratch.path("sandbox.db");
    unpack(3, &path);
    let name = interrupt(&path);
    scratch.write("contacts.csv", include_str!("../../fixtures/contacts.csv"));
    let sent = scratch
        .outreach(&["send", "contacts.csv", "--sandbox", "--yes"])
        .with(&["--message", "Hello {{ first_name }}, your order is ready."])
        .run()
        .expect(0);
    assert!(sent.said.contains(&name), "{}", sent.said);
    let reader = Reader::open(&path).unwrap();
    let batches = reader.batches().unwrap();
    let names: Vec<&str> = batches.iter().map(|batch| batch.name.as_str()).collect();
    assert_eq!(names, [name]);
    let counts = reader.counts(batches[0].id).unwrap();
    assert_eq!((counts.rows(), counts.queued), (12, 0));
    let sending_again = counts.requests - (counts.sent + counts.no_messenger);
    assert_eq!(sending_again, 0, "{counts:?}: nobody had two requests");
}

#[test]
fn what_version_3_knew_of_refusals_and_of_erased_people_is_kept() {
    let scratch = Scratch::new();
    let path = scratch.path("sandbox.db");
    unpack(3, &path);
    let name = interrupt(&path);
    let old = rusqlite::Connection::open(&path).unwrap();
    let phone: i64 = old
        .query_row(
            "SELECT phone FROM recipient WHERE state = 'queued'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    // Erased first, then in a list again.
    let key = [7; 32];
    let mut hash = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    hash.update(b"phone");
    hash.update(&phone.to_be_bytes());
    let hash = hash.finalize().into_bytes().to_vec();
    old.execute(
        "INSERT OR REPLACE INTO setting VALUES ('forget_key', ?1)",
        [key],
    )
    .unwrap();
    old.execute("INSERT INTO suppression_hash VALUES (?1, 1)", [hash])
        .unwrap();
    old.execute(
        "INSERT INTO known_refusal VALUES ('nobody of that name', 1)",
        [],
    )
    .unwrap();
    drop(old);
    scratch
        .outreach(&["resume", &name, "--sandbox", "--yes"])
        .run()
        .expect(0);
    let reader = Reader::open(&path).unwrap();
    let counts = reader.counts(reader.batch(&name).unwrap().id).unwrap();
    assert_eq!((counts.queued, counts.suppressed), (0, 1), "{counts:?}");
    let new = rusqlite::Connection::open(&path).unwrap();
    let meaning: String = new
        .query_row(
            "SELECT meaning FROM refusal WHERE text = 'nobody of that name'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(meaning, "no_messenger");
    let doctor = scratch.outreach(&["doctor", "--db", "sandbox.db"]).run();
    assert!(doctor.out.contains("sandbox.db is sound"), "{}", doctor.out);
}

#[test]
fn an_old_checkpoint_is_upgraded_with_or_without_a_copy() {
    let scratch = Scratch::new();
    unpack(3, &scratch.path("outreach.db"));
    unpack(3, &scratch.path("other.db"));
    scratch
        .outreach(&["checkpoint", "upgrade", "--db", "outreach.db"])
        .run()
        .expect(0)
        .says("from version 3")
        .says("outreach.db.v3.bak");
    assert!(scratch.path("outreach.db.v3.bak").exists());
    let old = rusqlite::Connection::open(scratch.path("outreach.db.v3.bak")).unwrap();
    let version: u32 = old
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    assert_eq!(version, 3, "the copy is as it was");
    scratch
        .outreach(&["checkpoint", "upgrade", "--no-copy", "--db", "other.db"])
        .run()
        .expect(0)
        .says("No copy of the old one was kept");
    let copies = fs::read_dir(scratch.folder())
        .unwrap()
        .filter(|file| {
            let name = file.as_ref().unwrap().file_name();
            name.to_string_lossy().starts_with("other.db.v")
        })
        .count();
    assert_eq!(copies, 0);
    for db in ["outreach.db", "other.db"] {
        let again = scratch.outreach(&["checkpoint", "upgrade", "--db", db]);
        again.run().expect(0).says("nothing was changed");
        let status = scratch.outreach(&["status", "first", "--db", db]).run();
        assert!(status.out.contains("first"), "{}", status.out);
    }
    let missing = scratch.outreach(&["checkpoint", "upgrade", "--db", "missing.db"]);
    missing.run().expect(8);
}

#[test]
fn a_checkpoint_of_every_schema_version_opens_and_knows_what_it_knew() {
    for version in 1..=3 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("old.db");
        unpack(version, &path);

        if version < 4 {
            // A reader changes nothing, and says who does.
            let refused = Reader::open(&path).unwrap_err().to_string();
            assert!(refused.contains("outreach doctor"), "{refused}");
        }
        let store = Store::open_existing(&path).unwrap();
        let reader = store.reader().unwrap();
        assert_eq!(reader.integrity_faults().unwrap(), [""; 0]);
        let batch = reader.batch("first").unwrap();
        let counts = reader.counts(batch.id).unwrap();
        assert_eq!((counts.rows(), counts.sent), (12, 8), "version {version}");
        let mut sent = 0;
        reader
            .rows::<outreach::internals::store::StoreError>(batch.id, |row| {
                if row.state != State::Sent {
                    return Ok(());
                }
                assert!(row.phone.is_some() && row.finished_at.is_some());
                let message = row.message.message_id.unwrap();
                assert!(reader.knows_message(message).unwrap(), "version {version}");
                sent += 1;
                Ok(())
            })
            .unwrap();
        assert_eq!(sent, 8);
    }
}

/// What only reads, or is refused, must not bring the checkpoint forward: an earlier program could not use it
/// any more.
#[test]
fn neither_contacts_nor_a_refused_forget_upgrades_a_checkpoint() {
    let scratch = Scratch::new();
    let path = scratch.path("outreach.db");
    unpack(3, &path);
    let before = fs::read(&path).unwrap();
    let phone = "+420777123456";
    for (args, code, said) in [
        (&["contacts", "list"][..], 8, "outreach doctor"),
        (&["contacts", "show", phone], 8, "outreach doctor"),
        (&["forget", phone], 2, "--yes"),
    ] {
        scratch.outreach(args).run().expect(code).says(said);
    }
    assert!(fs::read(&path).unwrap() == before);
}
