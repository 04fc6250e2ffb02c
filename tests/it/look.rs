//! Whether anybody is left: asked by a worker that has no permit yet, and would otherwise wait for one in vain.

use std::sync::Arc;

use jiff::Timestamp;

use outreach::internals::domain::phone::PhoneNumber;
use outreach::internals::store::{Claim, ClaimRules, Claimed, Journal, Opening, Store};

use crate::model::{next, next_at, rules, sent, store};
use crate::support::number;

fn now() -> Timestamp {
    "2026-05-01T10:00:01Z".parse().unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
}

async fn is_anybody_left(journal: &Journal, landed: Option<&Claimed>) -> bool {
    let settlement = landed.map(|claimed| sent(claimed, now()));
    let (settled, left) = journal.has_outstanding(settlement, now()).await.unwrap();
    assert_eq!(settled.is_some(), landed.is_some());
    left
}

fn opt_out(store: &Store, n: u32) {
    let phones = [PhoneNumber::from_e164(number(n)).unwrap()];
    let added = store.suppress(&phones, "asked for it", "a test", now());
    assert_eq!(added.unwrap(), 1);
}

#[test]
fn who_is_found_is_claimed_next_and_in_the_same_order() {
    let folder = tempfile::tempdir().unwrap();
    let (store, batch) = store(folder.path(), 3);
    runtime().block_on(async {
        let (journal, _) = Journal::start(store, &batch, rules(), now()).await.unwrap();
        assert!(is_anybody_left(&journal, None).await);
        let first = next(&journal, None).await.unwrap();
        assert!(is_anybody_left(&journal, None).await);
        assert!(is_anybody_left(&journal, Some(&first)).await);
        let second = next(&journal, None).await.unwrap();
        let third = next(&journal, None).await.unwrap();
        let seqs = [&first, &second, &third].map(|claimed| claimed.recipient.seq());
        assert_eq!(seqs, [1, 2, 3]);
        // Two are under way, and have workers of their own.
        assert!(!is_anybody_left(&journal, None).await);
        assert!(!is_anybody_left(&journal, Some(&second)).await);
        assert!(!is_anybody_left(&journal, Some(&third)).await);
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
    assert!(!runtime.block_on(is_anybody_left(&journal, Some(&first))));
    let counts = store.reader().unwrap().counts(batch.id).unwrap();
    assert_eq!((counts.sent, counts.suppressed, counts.queued), (1, 2, 0));
}

#[test]
fn the_hours_of_who_is_under_way_keep_nobody_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let (store, batch) = store(folder.path(), 2);
    let sleeper = PhoneNumber::from_e164(number(1)).unwrap();
    let morning: Timestamp = "2026-05-01T12:00:00Z".parse().unwrap();
    let next_day: Timestamp = "2026-05-02T10:00:00Z".parse().unwrap();
    // The hours of the one begin when those of the other end.
    let hours = move |phone, now| match (phone == sleeper, now < morning) {
        (true, true) => Opening::At(morning),
        (false, false) => Opening::At(next_day),
        (true, false) | (false, true) => Opening::Now,
    };
    let rules = ClaimRules {
        window: Some(std::sync::Arc::new(hours)),
        ..rules()
    };
    runtime().block_on(async {
        let (journal, _) = Journal::start(store, &batch, rules, now()).await.unwrap();
        let second = next(&journal, None).await.unwrap();
        assert_eq!(second.recipient.seq(), 2);
        let first = next_at(&journal, None, morning).await.unwrap();
        assert_eq!(first.recipient.seq(), 1);
        // From the top once more, past the one whose hours are over, and who is under way.
        let nobody = journal
            .settle_and_claim(None, Some(morning))
            .await
            .unwrap()
            .1;
        assert_eq!(nobody, Some(Claim::Exhausted { opens_at: None }));
        assert!(!is_anybody_left(&journal, Some(&first)).await);
        assert!(!is_anybody_left(&journal, Some(&second)).await);
    });
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
        window: Some(std::sync::Arc::new(hours)),
        ..rules()
    };
    runtime().block_on(async {
        let (journal, _) = Journal::start(store, &batch, rules, now()).await.unwrap();
        let first = next(&journal, None).await.unwrap();
        assert!(!is_anybody_left(&journal, Some(&first)).await);
    });
}
