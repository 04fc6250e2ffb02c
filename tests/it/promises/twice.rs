//! Nobody gets a message twice.

use std::time::{Duration, Instant};

use super::{
    ANNA, BOB, EVA, HELLO, IDA, SHOP, Scene, TEXTS, delivered, echo, faults, killed, poll, rows,
};

#[test]
fn an_acceptance_that_an_echo_tells_counts_for_the_repeat_guard() {
    let mut scene = Scene::new();
    scene.list("a.csv", &[(ANNA, "Anna"), (BOB, "Bob")]);
    scene.list("b.csv", &[(BOB, "Bob"), (EVA, "Eva")]);
    let weather = killed("hang-after-accept:at=2");
    scene.send_in(&weather, Scene::arguments("a", SHOP, "a.csv", &[]));
    let message = scene.message_to(BOB);
    scene.events(&[echo(&message)]);
    assert_eq!(scene.status("a", BOB), "sent");
    scene.send("b", SHOP, "b.csv", &[]);
    assert_eq!(scene.texts(BOB).len(), 1, "{}", scene.world.log);
    assert_eq!(scene.texts(EVA).len(), 1);
    // And for --not-within.
    scene.send("c", HELLO, "b.csv", &["--not-within", "1d"]);
    assert_eq!(scene.texts(BOB).len(), 1, "{}", scene.world.log);
}

#[test]
fn an_echo_that_comes_before_the_answer_counts_as_well() {
    let mut scene = Scene::new();
    scene.list("a.csv", &[(BOB, "Bob"), (ANNA, "Anna")]);
    scene.list("b.csv", &[(BOB, "Bob")]);
    let arguments = Scene::arguments("a", SHOP, "a.csv", &[]);
    let (arguments, mut running) = scene.start(&faults(&["hang-after-accept:at=1"]), arguments);
    assert!(scene.world.wait_for_hang(&mut running));
    let message = scene.message_to(BOB);
    scene.events(&[echo(&message)]);
    scene.send_beside("b", SHOP, "b.csv");
    scene.world.kill(&arguments, running);
    assert_eq!(scene.texts(BOB).len(), 1, "{}", scene.world.log);
}

#[test]
fn a_results_file_is_a_list_with_the_same_cells() {
    let mut scene = Scene::new();
    let list = [
        (ANNA, "=Anna"),
        (BOB, "-Bob"),
        (EVA, "@Eva"),
        (IDA, "'=Ida"),
    ];
    scene.list("a.csv", &list);
    assert_eq!(scene.send("a", HELLO, "a.csv", &[]), Some(0));
    scene.send("again", HELLO, "a.results.csv", &[]);
    for format in ["jsonl", "xlsx"] {
        let file = format!("a.{format}");
        scene.run(&["export", "a", "-o", &file]);
        scene.send(format, HELLO, &file, &[]);
    }
    for (person, name) in list {
        let text = TEXTS[HELLO].replace("{{ first_name }}", name);
        assert_eq!(scene.texts(person), [text], "{}", scene.world.log);
    }
}

#[test]
fn an_unfinished_batch_of_the_same_message_has_no_limit_of_time() {
    let mut scene = Scene::new();
    scene.list("a.csv", &[(ANNA, "Anna"), (BOB, "Bob"), (EVA, "Eva")]);
    scene.list(
        "b.csv",
        &[(ANNA, "Anna"), (BOB, "Bob"), (EVA, "Eva"), (IDA, "Ida")],
    );
    let weather = killed("hang-before-accept:at=2");
    scene.send_in(&weather, Scene::arguments("a", SHOP, "a.csv", &[]));
    assert_eq!(scene.texts(ANNA).len(), 1);
    // The guard's time is over, as it is in the next night.
    let begin = Instant::now();
    poll("a second is over", || {
        begin.elapsed() > Duration::from_millis(1_100)
    });
    scene.send("b", SHOP, "b.csv", &["--repeat-guard", "1s"]);
    assert_eq!(scene.texts(ANNA).len(), 1, "{}", scene.world.log);
    assert_eq!(scene.texts(IDA).len(), 1);
}

#[test]
fn a_person_who_was_erased_and_taken_off_the_list_is_not_messaged_twice_by_a_batch() {
    let mut scene = Scene::new();
    scene.list("a.csv", &[(ANNA, "Anna"), (BOB, "Bob")]);
    scene.list("more.csv", &[(ANNA, "Anna"), (EVA, "Eva")]);
    assert_eq!(scene.send("a", SHOP, "a.csv", &[]), Some(0));
    let phone = Scene::phone(ANNA);
    scene.run(&["forget", &phone, "--yes"]);
    scene.run(&["suppress", "remove", &phone]);
    scene.send("a", SHOP, "more.csv", &["--add"]);
    assert_eq!(scene.texts(ANNA).len(), 1, "{}", scene.world.log);
    assert_eq!(scene.texts(EVA).len(), 1);
}

#[test]
fn one_message_proves_one_request() {
    let mut scene = Scene::new();
    // The contact is known from an earlier message.
    scene.list("a.csv", &[(ANNA, "Anna"), (BOB, "Bob")]);
    assert_eq!(scene.send("first", HELLO, "a.csv", &[]), Some(0));
    scene.list("one.csv", &[(BOB, "Bob")]);
    let lost = faults(&["close-after-accept"]);
    let arguments = Scene::arguments("lost", SHOP, "one.csv", &["--repeat-guard", "0"]);
    scene.send_in(&lost, arguments);
    let refused = faults(&["500"]);
    let arguments = Scene::arguments("never", SHOP, "one.csv", &["--repeat-guard", "0"]);
    scene.send_in(&refused, arguments);
    assert_eq!(scene.status("lost", BOB), "unknown");
    assert_eq!(scene.status("never", BOB), "unknown");
    let url = scene.world.api.open(Vec::new(), Duration::ZERO);
    for batch in ["never", "lost"] {
        scene
            .world
            .run(&["resolve", batch, "--from-api", "--base-url", &url]);
    }
    assert_eq!(scene.status("never", BOB), "unknown", "{}", scene.world.log);
}

#[test]
fn a_row_that_may_have_been_accepted_keeps_that() {
    let mut scene = Scene::new();
    scene.list("a.csv", &[(ANNA, "Anna"), (BOB, "Bob")]);
    let lost = faults(&["close-after-accept:at=2"]);
    scene.send_in(&lost, Scene::arguments("a", SHOP, "a.csv", &[]));
    assert_eq!(scene.status("a", BOB), "unknown");
    scene.run(&["suppress", "add", &Scene::phone(BOB)]);
    scene.run(&["resolve", "a", "--resend", "--all"]);
    scene.resume("a");
    assert_eq!(scene.texts(BOB).len(), 1);
    let row = scene.row("a", BOB);
    assert!(
        row.is("unknown") || row.is("suppressed") && row.reason.contains("may have been sent at"),
        "{row:?}\n{}",
        scene.world.log
    );
    let message = scene.message_to(BOB);
    scene.events(&[echo(&message)]);
    assert_eq!(scene.status("a", BOB), "sent", "{}", scene.world.log);
}

#[test]
fn what_happens_to_a_batch_of_one_name_says_nothing_about_another_checkpoints() {
    let mut scene = Scene::new();
    scene.list("a.csv", &[(ANNA, "Anna"), (BOB, "Bob")]);
    scene.list("b.csv", &[(EVA, "Eva"), (IDA, "Ida")]);
    // Nothing of the one checkpoint's batch is sent; all of the other's is.
    let weather = killed("hang-before-accept:at=1");
    scene.send_in(&weather, Scene::arguments("spring", SHOP, "a.csv", &[]));
    let other = ["--db", "other.db", "-o", "other.csv"];
    assert_eq!(scene.send("spring", SHOP, "b.csv", &other), Some(0));
    let events = [echo(&scene.message_to(EVA)), echo(&scene.message_to(IDA))];
    scene.events(&events);
    let list = rows(&[(ANNA, "Anna"), (BOB, "Bob")]);
    for entry in list {
        let row = scene.row("spring", entry.person.unwrap());
        assert!(
            !row.is("sent") && !row.has_contact,
            "{row:?}\n{}",
            scene.world.log
        );
    }
}

#[test]
fn a_delivery_that_waits_proves_no_later_request() {
    let mut scene = Scene::new();
    scene.list("a.csv", &[(ANNA, "Anna"), (BOB, "Bob")]);
    let weather = killed("hang-after-accept:at=2");
    scene.send_in(&weather, Scene::arguments("a", SHOP, "a.csv", &[]));
    let message = scene.message_to(BOB);
    scene.events(&[delivered(&message)]);
    scene.run(&["resolve", "a", "--assume-sent", "--all"]);
    // Bob's second message is refused by a server error: nobody knows what became of it.
    let lost = faults(&["503:at=2"]);
    scene.send_in(&lost, Scene::arguments("b", HELLO, "a.csv", &[]));
    assert_eq!(scene.texts(BOB).len(), 1);
    assert_eq!(scene.status("b", BOB), "unknown", "{}", scene.world.log);
}
