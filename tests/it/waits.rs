//! Rows that wait or came back, on the journal alone: until when, what is said of them, and that no other batch is
//! concerned.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::{SignedDuration, Timestamp};
use outreach::internals::dispatch::{Ledger as _, TakenBack};
use outreach::internals::domain::delivery::{Event, State};
use outreach::internals::domain::outcome::AttemptOutcome;
use outreach::internals::store::{
    Claim, Claimed, Decision, Journal, Opening, Settlement, StoreError,
};

use crate::claims::{Scene, at, claim, settle, try_claim, wait_for};
use crate::support::number;

const SENT: (AttemptOutcome, Event) = (AttemptOutcome::Sent, Event::Accepted);

/// What is said of each row of the batch: the code, and the words.
fn reasons(scene: &Scene, batch: &str) -> Vec<(Option<String>, Option<String>)> {
    let reader = scene.store.reader().unwrap();
    let id = reader.batch(batch).unwrap().id;
    let words = |text: Option<&str>| text.map(str::to_owned);
    let mut reasons = Vec::new();
    let read = reader.rows(id, |row| {
        reasons.push((words(row.reason_code), words(row.reason)));
        Ok::<_, StoreError>(())
    });
    read.unwrap();
    reasons
}

#[track_caller]
fn assert_waits(found: &Claim, until: Option<Timestamp>) {
    assert_eq!(*found, Claim::Exhausted { opens_at: until });
}

#[test]
fn who_waits_for_hours_is_looked_at_when_they_come_and_never_twice_at_one_time() {
    let tomorrow = at(86_400);
    // Hours that are said to have come already would be asked for again and again.
    let soonest = at(0) + SignedDuration::from_millis(1);
    for (opens, wanted) in [(tomorrow, tomorrow), (at(0), soonest), (at(-9), soonest)] {
        let scene = Scene::new();
        scene.load("spring", &[1]);
        let run = scene.run("spring", Some(Arc::new(move |_, _| Opening::At(opens))));
        assert_waits(&try_claim(&run, at(0)).unwrap(), Some(wanted));
    }
}

#[test]
fn who_waits_for_an_answer_is_told_why_and_nobody_else_is() {
    let scene = Scene::new();
    scene.load("spring", &[1]);
    scene.load("summer", &[1, 2, 3]);
    let (spring, summer) = (scene.guarded_run("spring"), scene.guarded_run("summer"));
    let under_way = claim(&spring, at(0));
    let told = try_claim(&summer, at(0)).unwrap();
    assert_eq!(told, Claim::OthersSpent(1));
    assert_eq!(claim(&summer, at(0)).phone.get(), number(2));
    let (code, why) = reasons(&scene, "summer").remove(0);
    assert_eq!(code.as_deref(), Some("waits"));
    let why = why.unwrap();
    assert!(why.contains("row 2") && why.contains("spring"), "{why}");
    assert_eq!(reasons(&scene, "summer")[1..], [(None, None), (None, None)]);
    assert_eq!(reasons(&scene, "spring"), [(None, None)]);
    // Whoever goes on with the batch asks anew.
    settle(
        &spring,
        &under_way,
        (AttemptOutcome::Rejected, Event::Refused),
        false,
    );
    drop(summer);
    let summer = scene.guarded_run("summer");
    assert_eq!(reasons(&scene, "summer")[0], (None, None));
    assert_eq!(claim(&summer, at(1)).phone.get(), number(1));
}

#[test]
fn the_rows_of_one_batch_that_wait_or_are_queued_are_nothing_to_the_run_of_another() {
    let scene = Scene::new();
    scene.load("spring", &[1]);
    scene.load("summer", &[2]);
    scene.load("autumn", &[3]);
    // Its hours come tomorrow; they are asked for once.
    let was_asked = AtomicBool::new(false);
    let window = move |_, _| {
        if was_asked.swap(true, Ordering::SeqCst) {
            Opening::Now
        } else {
            Opening::At(at(86_400))
        }
    };
    let spring = scene.run("spring", Some(Arc::new(window)));
    assert_waits(&try_claim(&spring, at(0)).unwrap(), Some(at(86_400)));
    let summer = scene.run("summer", None);
    let claimed = claim(&summer, at(0));
    settle(&summer, &claimed, SENT, false);
    assert_waits(&try_claim(&summer, at(1)).unwrap(), None);
    let told = try_claim(&spring, at(1)).unwrap();
    assert_eq!(told, Claim::OthersSpent(1));
    assert_waits(&try_claim(&spring, at(1)).unwrap(), Some(at(86_400)));
    assert_eq!(scene.states("autumn"), [State::Queued]);
}

/// As many rows as can be claimed at this time, by their people; each is under way then.
fn claim_all(run: &Journal, now: Timestamp) -> Vec<u64> {
    let mut people = Vec::new();
    loop {
        match try_claim(run, now).unwrap() {
            Claim::Claimed(claimed) => people.push(claimed.phone.get()),
            Claim::OthersSpent(_) => {}
            found => {
                assert_waits(&found, None);
                return people;
            }
        }
    }
}

#[test]
fn who_came_back_to_the_queue_is_claimed_first_and_by_its_own_batch_alone() {
    let scene = Scene::new();
    scene.load("spring", &[1, 2, 3]);
    scene.load("summer", &[4, 5]);
    let (spring, summer) = (scene.run("spring", None), scene.run("summer", None));
    for run in [&spring, &summer] {
        let claimed = match try_claim(run, at(0)).unwrap() {
            Claim::OthersSpent(_) => claim(run, at(0)),
            Claim::Claimed(claimed) => *claimed,
            other => panic!("{other:?}"),
        };
        settle(
            run,
            &claimed,
            (AttemptOutcome::NotSent, Event::Released),
            false,
        );
    }
    assert_eq!(claim_all(&summer, at(1)), [4, 5].map(number));
    assert_eq!(claim_all(&spring, at(1)), [1, 2, 3].map(number));
}

#[test]
fn answers_that_are_given_up_are_those_of_the_batch_alone() {
    let scene = Scene::new();
    scene.load("spring", &[1, 2]);
    scene.load("summer", &[3]);
    let (spring, summer) = (scene.run("spring", None), scene.run("summer", None));
    assert_eq!(claim_all(&spring, at(0)), [1, 2].map(number));
    assert_eq!(claim_all(&summer, at(0)), [number(3)]);
    scene.load("autumn", &[4]);
    let autumn = scene.run("autumn", None);
    assert_eq!(claim_all(&autumn, at(0)), [number(4)]);
    assert_eq!(wait_for(summer.interrupt(at(1))).unwrap(), 1);
    assert_eq!(scene.states("spring"), [State::Sending; 2]);
    assert_eq!(scene.states("summer"), [State::Unknown]);
    assert_eq!(scene.states("autumn"), [State::Sending]);
    assert_eq!(wait_for(summer.interrupt(at(2))).unwrap(), 0);
    assert_eq!(wait_for(spring.interrupt(at(2))).unwrap(), 2);
}

#[test]
fn a_lost_answer_keeps_other_batches_waiting_unless_another_try_was_asked_for_whatever_became_of_it()
 {
    for (event, wanted) in [
        (Event::AnswerLost, State::Queued),
        // `--undecided retry`
        (Event::Released, State::Suppressed),
    ] {
        let scene = Scene::new();
        scene.load("spring", &[1]);
        scene.load("summer", &[1]);
        let spring = scene.guarded_run("spring");
        let claimed = claim(&spring, at(0));
        settle(&spring, &claimed, (AttemptOutcome::Undecided, event), false);
        let summer = scene.guarded_run("summer");
        let found = try_claim(&summer, at(2)).unwrap();
        assert!(matches!(found, Claim::Exhausted { .. }), "{found:?}");
        assert_eq!(scene.states("summer"), [wanted], "{event:?}");
    }
}

/// The row was not sent, as the answer says: when it is tried again, if it is.
fn put_off(
    run: &Journal,
    claimed: &Claimed,
    outcome: AttemptOutcome,
    now: Timestamp,
) -> Option<Timestamp> {
    let settlement = Settlement {
        recipient: claimed.recipient,
        outcome,
        event: Event::Released,
        http_status: Some(422),
        text: "later".to_owned(),
        why: "",
        known: None,
        by_text: true,
        receipt: None,
        at: now,
    };
    wait_for(run.settle_and_claim(Some(settlement), None)).unwrap();
    let queued = wait_for(run.has_outstanding(None, now)).unwrap().1;
    if !queued {
        return None;
    }
    match try_claim(run, now).unwrap() {
        Claim::Exhausted { opens_at } => opens_at,
        found => panic!("{found:?}"),
    }
}

/// How long each try waits for the next, in milliseconds, until none follows.
fn tries(scene: &Scene, batch: &str) -> Vec<i128> {
    let run = scene.run(batch, None);
    let (mut now, mut waits) = (at(0), Vec::new());
    while let Some(next) = put_off(&run, &claim(&run, now), AttemptOutcome::Later, now) {
        waits.push(next.duration_since(now).as_millis());
        now = next;
    }
    assert_eq!(scene.states(batch), [State::Error]);
    waits
}

#[test]
fn the_tries_of_one_batch_take_none_from_another_batch_to_the_same_person() {
    let scene = Scene::new();
    scene.load("spring", &[1]);
    scene.load("summer", &[1]);
    let first = tries(&scene, "spring");
    assert_eq!(first[..3], [10_000, 20_000, 40_000]);
    assert_eq!(tries(&scene, "summer"), first);
}

#[test]
fn what_is_decided_in_one_batch_begins_the_tries_of_another_not_anew() {
    let scene = Scene::new();
    scene.load("spring", &[1]);
    scene.load("summer", &[1]);
    let spring = scene.run("spring", None);
    let refused = claim(&spring, at(0));
    let end = (AttemptOutcome::Rejected, Event::Refused);
    settle(&spring, &refused, end, false);
    let summer = scene.run("summer", None);
    let (mut now, mut waits) = (at(2), Vec::new());
    for _ in 0..3 {
        let claimed = claim(&summer, now);
        let next = put_off(&summer, &claimed, AttemptOutcome::Later, now).unwrap();
        waits.push(next.duration_since(now).as_secs());
        now = next;
        let back = TakenBack {
            rows: vec![refused.recipient],
            hold: false,
        };
        wait_for(spring.take_back(back, now)).unwrap();
    }
    assert_eq!(waits, [10, 20, 40]);
    assert_eq!(scene.states("spring"), [State::Queued]);
}

#[test]
fn who_is_put_off_for_half_a_day_is_not_tried_for_another() {
    let scene = Scene::new();
    scene.load("spring", &[1]);
    let run = scene.run("spring", None);
    // No connection is no answer that puts off.
    let claimed = claim(&run, at(0));
    let not_sent = (AttemptOutcome::NotSent, Event::Released);
    settle(&run, &claimed, not_sent, false);
    let hour = 3_600;
    for (hours, wanted) in [(0, Some(10)), (6, Some(20)), (13, None)] {
        let now = at(hours * hour);
        let next = put_off(&run, &claim(&run, now), AttemptOutcome::Later, now);
        let wanted = wanted.map(|seconds| at(hours * hour + seconds));
        assert_eq!(next, wanted, "after {hours} h");
    }
    assert_eq!(scene.states("spring"), [State::Error]);
}

#[test]
fn what_is_decided_of_one_lost_answer_leaves_the_others_open() {
    let scene = Scene::new();
    scene.load("spring", &[1, 2]);
    let spring = scene.guarded_run("spring");
    let lost = (AttemptOutcome::Undecided, Event::AnswerLost);
    let claimed = [claim(&spring, at(0)), claim(&spring, at(0))];
    for claimed in &claimed {
        settle(&spring, claimed, lost, false);
    }
    let first = vec![claimed[0].recipient];
    let decided = scene
        .store
        .decide(first, Decision::AssumeSent, "jana".to_owned(), at(2));
    assert_eq!(decided.unwrap(), 1);
    assert_eq!(scene.states("spring"), [State::Sent, State::Unknown]);
    scene.load("summer", &[1, 2]);
    let summer = scene.guarded_run("summer");
    let found = try_claim(&summer, at(3)).unwrap();
    assert!(matches!(found, Claim::Exhausted { .. }), "{found:?}");
    assert_eq!(scene.states("summer"), [State::Suppressed, State::Queued]);
}

#[test]
fn an_answer_that_comes_late_ends_the_wait_for_it_and_no_other() {
    let scene = Scene::new();
    scene.load("spring", &[1, 2]);
    let spring = scene.guarded_run("spring");
    let lost = (AttemptOutcome::Undecided, Event::AnswerLost);
    let claimed = [claim(&spring, at(0)), claim(&spring, at(0))];
    for claimed in &claimed {
        settle(&spring, claimed, lost, false);
    }
    scene.load("summer", &[1, 2]);
    let summer = scene.guarded_run("summer");
    let found = try_claim(&summer, at(3)).unwrap();
    assert!(matches!(found, Claim::Exhausted { .. }), "{found:?}");
    let before = reasons(&scene, "summer");
    let waits = |(code, _): &(Option<String>, _)| code.as_deref() == Some("waits");
    assert!(before.iter().all(waits), "{before:?}");
    let refused = (AttemptOutcome::Rejected, Event::Refused);
    settle(&spring, &claimed[0], refused, false);
    let after = reasons(&scene, "summer");
    assert_eq!(after, [(None, None), before[1].clone()]);
    assert_eq!(claim(&summer, at(4)).phone.get(), number(1));
    let found = try_claim(&summer, at(4)).unwrap();
    assert!(matches!(found, Claim::Exhausted { .. }), "{found:?}");
}
