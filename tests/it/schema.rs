//! A checkpoint of every released schema version opens, with everything that it knew.
//!
//! `fixtures/checkpoint-vN.db.gz` is what version N left of `fixtures/contacts.csv`, sent to the
//! sandbox as batch `first`. A fixture is never made again: it is what people have on their disks.

use std::fs;
use std::io::Read;

use outreach::internals::domain::delivery::State;
use outreach::internals::store::{Reader, Store};

#[test]
fn a_checkpoint_of_every_schema_version_opens_and_knows_what_it_knew() {
    for version in 1..=3 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("old.db");
        let packed = format!(
            "{}/fixtures/checkpoint-v{version}.db.gz",
            env!("CARGO_MANIFEST_DIR")
        );
        let mut old = Vec::new();
        flate2::read::GzDecoder::new(fs::File::open(packed).unwrap())
            .read_to_end(&mut old)
            .unwrap();
        fs::write(&path, old).unwrap();

        if version < 3 {
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
            .rows_in::<outreach::internals::store::StoreError>(batch.id, State::Sent, |row| {
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
