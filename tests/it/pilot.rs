//! A pilot: some of a list get the message, then the batch waits for a person.

use outreach::internals::sandbox::Settings;

use crate::support::{CHANNEL, Ended, SandboxProcess, Scratch, wait_until};

fn pilot_of(scratch: &Scratch, batch: &str) -> serde_json::Value {
    let status = scratch.outreach(&["status", batch, "--json"]).run();
    let status: serde_json::Value = serde_json::from_str(&status.out).unwrap();
    status["pilot"].clone()
}

fn paste_resume(scratch: &Scratch, said: &Ended) -> Ended {
    let (_, rest) = said.said.split_once("`outreach resume ").unwrap();
    let words: Vec<&str> = rest.split('`').next().unwrap().split(' ').collect();
    scratch
        .outreach(&["resume"])
        .with(&words)
        .with(&["--yes"])
        .run()
}

#[test]
fn a_pilot_of_ten_in_a_thousand_with_a_kill_in_it_messages_ten_people_and_no_more() {
    let (scratch, sandbox) = (
        Scratch::new(),
        SandboxProcess::with_faults(&["hang-after-accept:at=4"]),
    );
    scratch.contacts(1_000);
    let pilot = || scratch.send(&sandbox).with(&["--limit", "10"]);
    let mut first = pilot().concurrency(1).start();
    wait_until("the fourth answer is awaited", || {
        sandbox.accepted().len() == 4
    });
    assert!(first.kill());
    let over = pilot()
        .run()
        .expect(4)
        .says("6 to send")
        .says("9 sent, 1 unknown")
        .says("goes on with the other 990");
    assert_eq!(sandbox.accepted().len(), 10);
    let told = pilot_of(&scratch, "list");
    assert_eq!(
        (&told["people"], &told["sent"], &told["unknown"]),
        (&10.into(), &9.into(), &1.into())
    );
    assert_eq!(
        (&told["is_over"], &told["rest_waits"]),
        (&true.into(), &true.into())
    );

    // Neither the same command nor one without the flag goes on by itself.
    pilot().run().expect(4).says("The pilot is over");
    scratch
        .send(&sandbox)
        .run()
        .expect(4)
        .says("outreach resume");
    assert_eq!(sandbox.accepted().len(), 10);
    let status = scratch.outreach(&["status"]).run().expect(0);
    assert!(status.out.contains("(pilot is over)"), "{}", status.out);

    paste_resume(&scratch, &over).expect(3);
    assert_eq!(sandbox.accepted().len(), 1_000);
    assert!(sandbox.accepted().values().all(|messages| *messages == 1));
    pilot().run().expect(3);
}

#[test]
fn kills_at_any_moment_leave_a_pilot_its_people() {
    for (point, passage) in [
        ("before-intent-commit", 3),
        ("after-intent-commit", 1),
        ("after-request", 5),
        ("before-result-commit", 2),
    ] {
        let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
        scratch.contacts(40);
        let pilot = || {
            scratch
                .send(&sandbox)
                .with(&["--sample", "7", "--seed", "3"])
        };
        pilot()
            .crash_at(&format!("{point}:{passage}"))
            .run()
            .expect_crash();
        pilot().run().expect(4);
        let told = pilot_of(&scratch, "list");
        let settled = |word: &str| told[word].as_u64().unwrap();
        assert_eq!(settled("people"), 7);
        assert_eq!(settled("sent") + settled("unknown"), 7, "{point}: {told}");
        let reached = sandbox.accepted().len() as u64;
        assert!(
            reached >= settled("sent") && reached <= 7,
            "{point}: {reached}"
        );
    }
}

#[test]
fn a_sample_is_drawn_by_a_seed_that_is_told_and_draws_the_same_people_again() {
    let people = |seed: &[&str]| {
        let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
        scratch.contacts(200);
        let pilot = scratch.send(&sandbox).with(&["--sample", "8"]).with(seed);
        pilot.run().expect(4);
        let drawn = pilot_of(&scratch, "list")["seed"].to_string();
        let reached: Vec<u64> = sandbox.accepted().into_keys().collect();
        assert_eq!(reached.len(), 8);
        (drawn, reached)
    };
    let (seed, drawn) = people(&[]);
    assert_eq!(people(&["--seed", &seed]).1, drawn);
    let first: Vec<u64> = (0..8).map(crate::support::number).collect();
    assert_ne!(people(&["--seed", "1"]).1, first);
    assert_ne!(people(&["--seed", "1"]).1, people(&["--seed", "2"]).1);
}

#[test]
fn a_pilot_that_was_stopped_is_finished_whoever_goes_on_and_the_rest_waits() {
    let scratch = Scratch::new().in_steps_of(2);
    let sandbox = SandboxProcess::with_faults(&["401:at=3"]);
    scratch.contacts(20);
    let pilot = scratch.send(&sandbox).with(&["--limit", "5"]);
    pilot.concurrency(1).run().expect(5);
    assert_eq!(sandbox.accepted().len(), 2);
    scratch
        .resume(&sandbox)
        .run()
        .expect(4)
        .says("The rest of a pilot");
    assert_eq!(sandbox.accepted().len(), 5);
    scratch.resume(&sandbox).run().expect(0);
    assert_eq!(sandbox.accepted().len(), 20);
}

#[test]
fn a_row_that_comes_back_to_the_queue_meanwhile_is_not_in_the_pilot() {
    let (scratch, sandbox) = (
        Scratch::new(),
        SandboxProcess::with_faults(&["422:at=1", "401:at=5"]),
    );
    scratch.contacts(20);
    // A first pilot has a refused row, a second one stands in its middle when that row is queued again.
    let pilot = |n| scratch.send(&sandbox).concurrency(1).with(&["--limit", n]);
    pilot("2").run().expect(4);
    pilot("3").run().expect(5);
    let retry = ["retry", "list", "--row", "2", "--yes"];
    scratch.outreach(&retry).run().expect(0);
    pilot("3").run().expect(4);
    assert_eq!(sandbox.accepted().len(), 4);
    let refused = crate::support::number(0);
    assert!(!sandbox.accepted().contains_key(&refused));
    scratch.resume(&sandbox).run().expect(0);
    assert_eq!(sandbox.accepted().len(), 20);
}

#[test]
fn who_may_not_be_messaged_when_it_is_their_turn_is_one_of_the_pilot_and_nobody_takes_the_place() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::with_faults(&["401:at=2"]));
    scratch.contacts(10);
    let pilot = || {
        scratch
            .send(&sandbox)
            .concurrency(1)
            .with(&["--limit", "4"])
    };
    pilot().run().expect(5);
    let number = format!("+{}", crate::support::number(2));
    scratch
        .outreach(&["suppress", "add", &number])
        .run()
        .expect(0);
    pilot().run().expect(4).says("3 sent, 1 suppressed");
    assert_eq!(sandbox.accepted().len(), 3);
}

#[test]
fn a_pilot_of_everybody_completes_the_batch() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(5);
    let pilot = scratch.send(&sandbox).with(&["--limit", "5"]);
    pilot.run().expect(0).says("nobody else is queued");
    let refused = scratch.send(&sandbox).with(&["--limit", "0"]).run();
    refused.expect(2);
    let both = ["--limit", "1", "--sample", "1"];
    scratch.send(&sandbox).with(&both).run().expect(2);
}

#[test]
fn a_pilot_says_how_it_went_by_what_the_api_said() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::with_faults(&["422:at=2"]));
    scratch.contacts(9);
    let pilot = scratch
        .send(&sandbox)
        .concurrency(1)
        .with(&["--limit", "3"]);
    pilot
        .run()
        .expect(4)
        .says("2 sent, 1 no Messenger")
        .says("no_messenger: HTTP 422");
    // Nothing of it is asked for in a second pilot.
    let another = scratch.send(&sandbox).with(&["--limit", "4"]).run();
    another.expect(4).says("2 wait");
    assert_eq!(sandbox.accepted().len(), 6);
}

#[test]
fn a_worker_does_not_go_round_a_pilot_of_which_a_row_waits_for_another_batch() {
    let (scratch, sandbox) = (
        Scratch::new(),
        SandboxProcess::with_faults(&["close-after-accept:at=1"]),
    );
    scratch.contacts(1);
    let first = scratch.send(&sandbox).with(&["--no-canary"]);
    first.run().expect(3);
    scratch.write("more.csv", &crate::support::contacts(0..3));
    scratch
        .outreach(&["send", "more.csv", "--yes", "--batch", "more"])
        .with(&["--message", "Hello {{ first_name }}", "--channel", CHANNEL])
        .with(&["--fallback", Settings::MOBILE_CHANNEL, "--limit", "1"])
        .with(&["--message-again", "--base-url", sandbox.base_url()])
        .run()
        .expect(3);
    // An event may queue people of such a batch; the rest of a list is not queued by one.
    let worker = ["worker", "--once", "--base-url", sandbox.base_url()];
    scratch.outreach(&worker).run().expect(0);
    assert_eq!(sandbox.stats().accepted, 1);
    let settle = ["resolve", "list", "--assume-sent", "--all"];
    scratch.outreach(&settle).run().expect(0);
    scratch.outreach(&worker).run();
    assert_eq!(sandbox.stats().accepted, 1);
}
