//! An accepted message counts, whichever way it was learned that it was accepted.

use std::time::Duration;

use jiff::Timestamp;
use outreach::internals::domain::delivery::State;
use outreach::internals::domain::eligibility::HistorySpan;
use outreach::internals::domain::phone::PhoneNumber;
use outreach::internals::store::{Claim, Decision, LookBack, PersonVerdict};
use serde_json::json;

use crate::support::{CHANNEL, Program, Receiver, SandboxProcess, Scratch, event, number};
use crate::webhooks::{NUMBER, Scene, at, delivered, echo, opt_in, received};

/// Another batch for the same list.
fn other(scratch: &Scratch, sandbox: &SandboxProcess, text: &str) -> Program {
    scratch
        .outreach(&["send", "contacts.csv", "--yes", "--batch", "other"])
        .with(&["--message", text, "--channel", CHANNEL])
        .with(&["--base-url", sandbox.base_url()])
}

#[test]
fn whoever_a_killed_run_messaged_is_not_messaged_again_once_an_event_proves_it() {
    let same = "Hello {{ first_name }}";
    for (text, guard) in [(same, "--repeat-guard"), ("Good evening", "--not-within")] {
        let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
        scratch.contacts(3);
        // The second message is accepted, and its answer is never read.
        scratch
            .send(&sandbox)
            .concurrency(1)
            .crash_at("after-request:2")
            .run()
            .expect_crash();
        let receiver = Receiver::start(&scratch);
        let ours = json!({
            "outreach_batch": "list",
            "outreach_recipient": scratch.checkpoint().recipient_key("list", 2),
        });
        receiver.take(&event(
            "message_echo",
            "4001",
            None,
            &Timestamp::now().to_string(),
            &json!({ "id": "9001", "metadata": ours }),
        ));
        receiver.end();
        assert_eq!(scratch.checkpoint().states()[&number(1)], State::Sent);
        other(&scratch, &sandbox, text)
            .with(&[guard, "1d"])
            .run()
            .expect(0);
        assert_eq!(sandbox.accepted()[&number(1)], 1, "{guard}");
        let rows = scratch.checkpoint().rows_of("other");
        assert_eq!(rows[1].state, State::Suppressed, "{guard}");
        assert_eq!(rows[2].state, State::Sent, "{guard}");
        scratch.checkpoint().expect_sound();
    }
}

/// Nobody is left for the batch's run.
async fn expect_exhausted(scene: &Scene) {
    let mut claim = scene.try_claim(at(12)).await;
    if matches!(claim, Claim::OthersSpent(_)) {
        claim = scene.try_claim(at(12)).await;
    }
    assert!(matches!(claim, Claim::Exhausted { .. }), "{claim:?}");
}

fn spans() -> [HistorySpan; 2] {
    let day = Duration::from_hours(24);
    let off = HistorySpan::default();
    [
        HistorySpan {
            repeat_guard: day,
            ..off
        },
        HistorySpan {
            not_within: day,
            ..off
        },
    ]
}

#[tokio::test]
async fn an_echo_that_overtakes_the_answer_counts_in_a_run_that_began_before() {
    for span in spans() {
        let scene = Scene::new(&[NUMBER]).await;
        let second = scene.beside_with("autumn", &[NUMBER], span).await;
        let claimed = scene.claim(at(9)).await;
        scene.take(&echo(NUMBER, "9001", 1)).await;
        assert_eq!(scene.story(2).state, State::Sent);
        expect_exhausted(&second).await;
        assert_eq!(second.story(2).state, State::Suppressed);
        scene.answer(&claimed, Some("9001"), at(13)).await;
        scene.sound();
    }
}

/// What a person counts as sent suppresses others, and what a person wants sent again does not.
#[tokio::test]
async fn what_a_person_decided_counts_like_an_answer() {
    let scene = Scene::new(&[NUMBER, NUMBER + 1]).await;
    for _ in 0..2 {
        let claimed = scene.claim(at(9)).await;
        scene.answer(&claimed, None, at(10)).await;
    }
    let (first, second) = (scene.story(2).recipient, scene.story(3).recipient);
    let store = std::sync::Arc::clone(&scene.store);
    tokio::task::spawn_blocking(move || {
        let decide = |who, what| store.decide(vec![who], what, "jana".to_owned(), at(4000));
        decide(first, Decision::AssumeSent).unwrap();
        decide(second, Decision::Resend).unwrap();
    })
    .await
    .unwrap();
    for span in spans() {
        let reader = scene.store.reader().unwrap();
        let same = r#"{"type":"text","payload":"Hi"}"#;
        let judge = |number| {
            let phone = PhoneNumber::from_e164(number).unwrap();
            let content = (Some("7001"), Some(same));
            reader
                .judge(phone, content, span, None, &[], at(5000))
                .unwrap()
        };
        assert!(matches!(judge(NUMBER), PersonVerdict::Suppressed(_)));
        // To send again is decided for that batch: for every other the first request may have been accepted.
        assert!(matches!(judge(NUMBER + 1), PersonVerdict::Suppressed(_)));
    }
    scene.sound();
}

#[tokio::test]
async fn an_opt_out_that_waits_for_its_contact_counts_before_the_next_claim_of_any_run() {
    let scene = Scene::new(&[NUMBER]).await;
    let second = scene
        .beside_with("autumn", &[NUMBER], HistorySpan::default())
        .await;
    let taken = scene.take(&received(NUMBER, "9009", "Stop")).await;
    assert_eq!((taken.new, taken.waiting), (1, 0), "kept with the contact");
    let claimed = scene.claim(at(9)).await;
    // The answer names the contact.
    scene.answer(&claimed, Some("9001"), at(10)).await;
    assert_eq!(scene.suppressed(), [NUMBER]);
    expect_exhausted(&second).await;
    scene.sound();
}

#[tokio::test]
async fn an_opt_out_whose_contact_an_event_makes_known_counts_before_the_next_claim() {
    let scene = Scene::new(&[NUMBER]).await;
    let taken = scene.take(&received(NUMBER, "9009", "Stop")).await;
    assert_eq!((taken.new, taken.waiting), (1, 0), "kept with the contact");
    scene.take(&opt_in(NUMBER, 11)).await;
    expect_exhausted(&scene).await;
    assert_eq!(scene.suppressed(), [NUMBER]);
    scene.sound();
}

#[test]
fn an_opt_out_whose_contact_a_killed_run_made_known_counts_from_the_next_run_on() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    // The contact's id, from elsewhere.
    let elsewhere = Scratch::new();
    elsewhere.contacts(1);
    elsewhere.send(&sandbox).run().expect(0);
    let contact = sandbox.people()[0]["contact_id"].clone();
    scratch.contacts(3);
    let receiver = Receiver::start(&scratch);
    receiver.take(&event(
        "message_received",
        contact.as_str().unwrap(),
        None,
        &Timestamp::now().to_string(),
        &json!({ "id": "9001", "content": { "type": "text", "payload": "STOP" } }),
    ));
    receiver.end();
    scratch
        .send(&sandbox)
        .concurrency(1)
        .crash_at("after-intent-commit:2")
        .run()
        .expect_crash();
    assert_eq!(scratch.checkpoint().states()[&number(0)], State::Sent);
    other(&scratch, &sandbox, "Good evening")
        .with(&["--message-again"])
        .run()
        .expect(0);
    assert_eq!(sandbox.accepted()[&number(0)], 2, "no more than before");
    assert_eq!(
        scratch.checkpoint().rows_of("other")[0].state,
        State::Suppressed
    );
}

#[tokio::test]
async fn a_copy_of_an_event_that_says_more_is_heard() {
    let scene = Scene::new(&[NUMBER]).await;
    let claimed = scene.claim(at(9)).await;
    scene.answer(&claimed, None, at(10)).await;
    // Whom the contact's id belongs to is not known.
    let whole = delivered(NUMBER, "9001");
    let mut half = whole.clone();
    half["data"]["contact"]["phone_number"].take();
    assert_eq!(scene.take(&half).await.waiting, 1);
    assert_eq!(scene.story(2).state, State::Unknown);
    scene.take(&whole).await;
    let story = scene.story(2);
    assert_eq!(story.state, State::Sent);
    assert_eq!(story.message_id.as_deref(), Some("9001"));
    assert!(story.delivered_at.is_some());
    let left = scene.store.apply_waiting_events(at(3700)).await.unwrap();
    assert_eq!((left.applied, left.waiting), (0, 0));
    scene.sound();
}

/// A run whose clock was days behind stands between the message and now.
#[tokio::test]
async fn the_guards_look_back_beyond_a_run_whose_clock_was_behind() {
    for span in spans() {
        let scene = Scene::new(&[NUMBER]).await;
        let claimed = scene.claim(at(-3600)).await;
        scene.answer(&claimed, Some("9001"), at(-3599)).await;
        let behind = scene.beside("wrong clock", &[NUMBER + 1]).await;
        let days_ago = -3 * 86_400;
        let claimed = behind.claim(at(days_ago)).await;
        behind
            .answer(&claimed, Some("9002"), at(days_ago + 1))
            .await;
        let again = scene.beside_with("autumn", &[NUMBER], span).await;
        expect_exhausted(&again).await;
        let reader = scene.store.reader().unwrap();
        let same = r#"{"type":"text","payload":"Hi"}"#;
        let phone = PhoneNumber::from_e164(NUMBER).unwrap();
        let known = reader.judge(phone, (Some("7001"), Some(same)), span, None, &[], at(0));
        let PersonVerdict::Suppressed(cause) = known.unwrap() else {
            panic!("the message of batch spring is not known");
        };
        assert!(cause.to_string().contains("(batch spring)"), "{cause}");
        // The pacer counts the requests of the last two hours likewise, and the other one, which left after
        // the first: as of now at the latest.
        let lately = LookBack {
            since: at(-7200),
            now: at(0),
            uptime: None,
        };
        assert_eq!(
            reader.past_requests(1, &lately, 10).unwrap().starts,
            [at(-3600), at(0)]
        );
    }
}

/// A signal gave the request up, and its answer comes all the same.
#[tokio::test]
async fn an_answer_that_comes_late_ends_the_waits_for_it() {
    for span in spans() {
        let scene = Scene::new(&[NUMBER]).await;
        let claimed = scene.claim(at(9)).await;
        scene.give_up(at(10)).await;
        assert_eq!(scene.story(2).state, State::Unknown);
        let second = scene.beside_with("autumn", &[NUMBER], span).await;
        expect_exhausted(&second).await;
        assert_eq!(second.story(2).state, State::Queued, "it waits");
        scene.answer(&claimed, Some("9001"), at(11)).await;
        expect_exhausted(&second).await;
        assert_eq!(second.story(2).state, State::Suppressed);
        scene.sound();
    }
}

#[tokio::test]
async fn metadata_of_an_earlier_version_prove_requests_of_that_version_alone() {
    // The batch began before this checkpoint was brought to the present version, or since.
    for (migrated, is_proven) in [(at(20), true), (at(5), false)] {
        let scene = Scene::new(&[NUMBER]).await;
        let lost = scene.claim(at(10)).await;
        scene.answer(&lost, None, at(11)).await;
        let file = rusqlite::Connection::open(scene.store.path()).unwrap();
        file.execute(
            "UPDATE checkpoint SET created_at = ?1",
            [migrated.as_millisecond()],
        )
        .unwrap();
        let mut told = echo(NUMBER, "9001", 1);
        told["data"]["metadata"]["outreach_recipient"] = json!(1);
        scene.take(&told).await;
        let counts = scene.counts();
        let wanted = if is_proven { (1, 0) } else { (0, 1) };
        assert_eq!((counts.sent, counts.unknown), wanted, "{migrated}");
        // Another batch of that name is none of these.
        told["data"]["metadata"]["outreach_batch"] = json!("autumn");
        scene.take(&told).await;
        assert_eq!((scene.counts().sent, scene.counts().unknown), wanted);
    }
}
