//! Whether anybody is left: asked by a worker that has no permit yet, and would otherwise wait for one in vain.

use std::sync::Arc;

use jiff::Timestamp;

use outreach::domain::phone::PhoneNumber;
use outreach::store::{Ask, Claim, ClaimRules, Claimed, Journal, Opening, Store, SuppressionEntry};

use crate::model::{next, rules, sent, store};
use crate::support::number;

const NOBODY: Option<Claim> = Some(Claim::Exhausted { opens_at: None });

fn now() -> Timestamp {
    "2026-05-01T10:00:01Z".parse().unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
}

async fn look(journal: &Journal, landed: Option<&Claimed>) -> Option<Claim> {
    let settlement = landed.map(|claimed| sent(claimed, now()));
    journal.step(settlement, Ask::Look(now())).await.unwrap().1
}

fn opt_out(store: &Store, n: u32) {
    let entry = SuppressionEntry {
        phone: PhoneNumber::from_e164(number(n)).unwrap(),
        reason: "asked for it".to_owned(),
        source: "a test".to_owned(),
        added_at: now(),
    };
    assert_eq!(store.suppress(vec![entry]).unwrap(), 1);
}

#[test]
fn who_is_found_is_claimed_next_and_in_the_same_order() {
    let folder = tempfile::tempdir().unwrap();
    let (store, batch) = store(folder.path(), 3);
    runtime().block_on(async {
        let (journal, _) = Journal::start(store, &batch, rules(), now()).await.unwrap();
        assert_eq!(look(&journal, None).await, Some(Claim::Somebody));
        let first = next(&journal, None).await.unwrap();
        assert_eq!(look(&journal, None).await, Some(Claim::Somebody));
        assert_eq!(look(&journal, Some(&first)).await, Some(Claim::Somebody));
        let second = next(&journal, None).await.unwrap();
        let third = next(&journal, None).await.unwrap();
        let seqs = [&first, &second, &third].map(|claimed| claimed.recipient.seq());
        assert_eq!(seqs, [1, 2, 3]);
        // Two are under way, and have workers of their own.
        assert_eq!(look(&journal, None).await, NOBODY);
        assert_eq!(look(&journal, Some(&second)).await, NOBODY);
        assert_eq!(look(&journal, Some(&third)).await, NOBODY);
    });
}

#[test]
fn whoever_opted_out_meanwhile_keeps_nobody_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let (store, batch) = store(folder.path(), 3);
    let runtime = runtime();
    let (journal, first) = runtime.block_on(async {
        let started = Journal::start(Arc::clone(&store), &batch, rules(), now()).await;
        let journal = started.unwrap().0;
        let first = next(&journal, None).await.unwrap();
        (journal, first)
    });
    opt_out(&store, 2);
    opt_out(&store, 3);
    let found = runtime.block_on(look(&journal, Some(&first)));
    assert_eq!(found, NOBODY);
    let counts = store.reader().unwrap().counts(batch.id).unwrap();
    assert_eq!((counts.sent, counts.suppressed, counts.queued), (1, 2, 0));
}

#[test]
fn rows_for_a_later_run_keep_nobody_waiting_however_many_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let (store, batch) = store(folder.path(), 5_000);
    let first = PhoneNumber::from_e164(number(1)).unwrap();
    let hours = move |phone, _| {
        if phone == first {
            Opening::Now
        } else {
            Opening::NotInThisRun
        }
    };
    let rules = ClaimRules {
        window: Some(Box::new(hours)),
        ..rules()
    };
    runtime().block_on(async {
        let (journal, _) = Journal::start(store, &batch, rules, now()).await.unwrap();
        let first = next(&journal, None).await.unwrap();
        // Others have their turn meanwhile.
        let mut found = look(&journal, Some(&first)).await;
        let mut looks = 1;
        while found == Some(Claim::Again) {
            found = look(&journal, None).await;
            looks += 1;
        }
        assert_eq!(found, NOBODY);
        assert!(looks > 1);
    });
}
