//! A changed list is judged and rendered anew, and everybody gets what is due.

use std::time::Duration;

use super::{ANNA, BOB, EVA, HELLO, IDA, SHOP, Scene, TEXTS, faults, killed, poll};

/// A batch that a guard has stopped: Anna and Bob are refused, nobody was messaged.
fn stopped(scene: &mut Scene) {
    scene.list("a.csv", &[(ANNA, "Anna"), (BOB, "Bob"), (EVA, "Eva")]);
    let mut weather = faults(&["400:text=No such template"]);
    weather.halts = true;
    let done = scene.send_in(&weather, Scene::arguments("a", HELLO, "a.csv", &[]));
    assert_eq!(done.code, Some(5), "{}", done.said);
}

fn hello(name: &str) -> String {
    TEXTS[HELLO].replace("{{ first_name }}", name)
}

#[test]
fn who_is_no_longer_in_the_list_is_not_queued_again() {
    let mut scene = Scene::new();
    stopped(&mut scene);
    scene.list("edited.csv", &[(BOB, "Bob"), (EVA, "Eva")]);
    scene.send("a", HELLO, "edited.csv", &["--update"]);
    scene.resume("a");
    assert!(scene.texts(ANNA).is_empty(), "{}", scene.world.log);
    assert_eq!(scene.texts(BOB), [hello("Bob")]);
}

#[test]
fn who_is_queued_again_gets_the_text_of_now() {
    let mut scene = Scene::new();
    stopped(&mut scene);
    scene.list(
        "edited.csv",
        &[(ANNA, "Annette"), (BOB, "Bob"), (EVA, "Eva")],
    );
    scene.send("a", HELLO, "edited.csv", &["--update"]);
    scene.resume("a");
    assert_eq!(scene.texts(ANNA), [hello("Annette")], "{}", scene.world.log);
}

#[test]
fn who_is_sent_to_once_more_gets_the_text_of_now() {
    let mut scene = Scene::new();
    scene.list("a.csv", &[(ANNA, "Anna"), (BOB, "Bob")]);
    let lost = faults(&["500:at=2"]);
    scene.send_in(&lost, Scene::arguments("a", HELLO, "a.csv", &[]));
    assert_eq!(scene.status("a", BOB), "unknown");
    scene.list("edited.csv", &[(ANNA, "Anna"), (BOB, "Robert")]);
    scene.send("a", HELLO, "edited.csv", &["--update"]);
    scene.run(&["resolve", "a", "--resend", "--all"]);
    scene.resume("a");
    assert_eq!(scene.texts(BOB), [hello("Robert")], "{}", scene.world.log);
}

#[test]
fn who_has_the_message_is_told_with_the_text_that_was_sent() {
    let mut scene = Scene::new();
    scene.list("a.csv", &[(ANNA, "Anna"), (BOB, "Bob")]);
    scene.send("a", HELLO, "a.csv", &[]);
    scene.list("edited.csv", &[(ANNA, "Annette"), (BOB, "Bob")]);
    scene.send("a", HELLO, "edited.csv", &["--update"]);
    assert_eq!(scene.texts(ANNA), [hello("Anna")], "{}", scene.world.log);
    let story = scene.output(&["status", "a", "--row", "2"]);
    assert!(story.contains(&hello("Anna")), "{story}");
    assert!(!story.contains(&hello("Annette")), "{story}");
}

#[test]
fn who_is_suppressed_while_the_outcome_is_unknown_keeps_the_message() {
    let mut scene = Scene::new();
    scene.list("a.csv", &[(ANNA, "Anna"), (BOB, "Bob")]);
    let lost = faults(&["500:at=2"]);
    scene.send_in(&lost, Scene::arguments("a", HELLO, "a.csv", &[]));
    scene.run(&["suppress", "add", &Scene::phone(BOB)]);
    scene.list("edited.csv", &[(ANNA, "Anna"), (BOB, "Robert")]);
    scene.send("a", HELLO, "edited.csv", &["--update"]);
    assert_eq!(scene.status("a", BOB), "unknown");
    scene.run(&["suppress", "remove", &Scene::phone(BOB)]);
    scene.run(&["resolve", "a", "--resend", "--all"]);
    scene.resume("a");
    assert_eq!(scene.texts(BOB), [hello("Bob")], "{}", scene.world.log);
}

#[test]
fn who_was_taken_out_of_the_list_is_not_sent_to_once_more_and_that_is_told() {
    let mut scene = Scene::new();
    scene.list("a.csv", &[(ANNA, "Anna"), (BOB, "Bob")]);
    let lost = faults(&["500:at=2"]);
    scene.send_in(&lost, Scene::arguments("a", HELLO, "a.csv", &[]));
    scene.list("edited.csv", &[(ANNA, "Anna"), (EVA, "Eva")]);
    scene.send("a", HELLO, "edited.csv", &["--update"]);
    let done = scene.world.run(&["resolve", "a", "--resend", "--all"]);
    assert_eq!(done.code, Some(3), "{}", done.said);
    assert!(done.said.contains("no longer in the list"), "{}", done.said);
    assert!(!done.said.contains("resume"), "{}", done.said);
    scene.resume("a");
    assert!(scene.texts(BOB).is_empty(), "{}", scene.world.log);
    assert_eq!(scene.status("a", BOB), "unknown");
}

#[test]
fn the_first_list_replaces_one_that_rows_were_added_to() {
    let mut scene = Scene::new();
    scene.list("a.csv", &[(ANNA, "Anna"), (BOB, "Bob")]);
    scene.list("more.csv", &[(EVA, "Eva"), (IDA, "Ida")]);
    assert_eq!(scene.send("a", SHOP, "a.csv", &[]), Some(0));
    let weather = killed("hang-before-accept:at=1");
    scene.send_in(
        &weather,
        Scene::arguments("a", SHOP, "more.csv", &["--add"]),
    );
    scene.send("a", SHOP, "a.csv", &["--update"]);
    scene.resume("a");
    assert!(scene.texts(IDA).is_empty(), "{}", scene.world.log);
}

#[test]
fn a_file_that_was_added_before_is_not_added_with_another_message() {
    let mut scene = Scene::new();
    scene.list("a.csv", &[(ANNA, "Anna")]);
    scene.list("more.csv", &[(EVA, "Eva")]);
    assert_eq!(scene.send("a", SHOP, "a.csv", &[]), Some(0));
    assert_eq!(scene.send("a", SHOP, "more.csv", &["--add"]), Some(0));
    let again = scene.send("a", HELLO, "more.csv", &["--add"]);
    assert_eq!(again, Some(2), "{}", scene.world.log);
}

#[test]
fn a_request_under_way_that_is_refused_suppresses_nobody() {
    let mut scene = Scene::new();
    scene.list("a.csv", &[(ANNA, "Anna"), (BOB, "Bob")]);
    scene.list("b.csv", &[(ANNA, "Anna"), (EVA, "Eva")]);
    // The answer about Anna takes a second, and refuses her.
    let mut weather = faults(&["400:at=1,text=Not now"]);
    weather.latency = 1_000;
    let arguments = Scene::arguments("a", SHOP, "a.csv", &[]);
    let (first, running) = scene.start(&weather, arguments);
    poll("Anna's request is under way", || {
        // The batch may not be there yet.
        let rows = scene.world.export("a").unwrap_or_default();
        rows.iter().any(|row| row.is("unknown"))
    });
    scene.send_beside("b", SHOP, "b.csv");
    scene.world.end(&first, running);
    scene.resume("b");
    assert_eq!(scene.status("a", ANNA), "error");
    assert_eq!(scene.texts(ANNA).len(), 1, "{}", scene.world.log);
    assert_eq!(scene.status("b", ANNA), "sent");
}

#[test]
fn an_outcome_that_is_open_elsewhere_makes_the_row_wait() {
    let mut scene = Scene::new();
    scene.list("a.csv", &[(BOB, "Bob"), (ANNA, "Anna")]);
    let lost = faults(&["500:at=2"]);
    scene.send_in(&lost, Scene::arguments("a", SHOP, "a.csv", &[]));
    assert_eq!(scene.status("a", ANNA), "unknown");
    scene.list("b.csv", &[(ANNA, "Anna"), (EVA, "Eva")]);
    assert_eq!(
        scene.send("b", SHOP, "b.csv", &[]),
        Some(3),
        "{}",
        scene.world.log
    );
    assert_eq!(scene.status("b", ANNA), "queued");
    assert_eq!(scene.texts(EVA).len(), 1);
}

#[test]
fn who_was_taken_out_and_comes_back_is_messaged() {
    let mut scene = Scene::new();
    scene.list("a.csv", &[(ANNA, "Anna"), (BOB, "Bob")]);
    let weather = killed("hang-before-accept:at=1");
    scene.send_in(&weather, Scene::arguments("a", SHOP, "a.csv", &[]));
    scene.list("edited.csv", &[(ANNA, "Anna"), (EVA, "Eva")]);
    scene.send("a", SHOP, "edited.csv", &["--update"]);
    assert_eq!(scene.status("a", BOB), "suppressed");
    scene.list("more.csv", &[(BOB, "Bob")]);
    scene.send("a", SHOP, "more.csv", &["--add"]);
    assert_eq!(scene.texts(BOB).len(), 1, "{}", scene.world.log);
    assert_eq!(scene.status("a", BOB), "sent");
}

/// Also where the list is the one that the batch has.
#[test]
fn who_was_suppressed_and_is_no_longer_is_judged_anew_by_an_update() {
    for list in ["edited.csv", "a.csv"] {
        let mut scene = Scene::new();
        scene.list("a.csv", &[(ANNA, "Anna"), (BOB, "Bob")]);
        scene.list("edited.csv", &[(ANNA, "Anna"), (BOB, "Bob"), (EVA, "Eva")]);
        scene.run(&["suppress", "add", &Scene::phone(BOB)]);
        assert_eq!(scene.send("a", SHOP, "a.csv", &[]), Some(0));
        assert_eq!(scene.status("a", BOB), "suppressed");
        scene.run(&["suppress", "remove", &Scene::phone(BOB)]);
        assert_eq!(scene.send("a", SHOP, list, &["--update"]), Some(0));
        assert_eq!(scene.texts(BOB).len(), 1, "{}", scene.world.log);
        assert_eq!(scene.texts(ANNA).len(), 1, "{}", scene.world.log);
        assert_eq!(scene.status("a", BOB), "sent");
    }
}

#[test]
fn who_is_suppressed_and_is_added_has_one_row_that_counts() {
    let mut scene = Scene::new();
    scene.list("a.csv", &[(ANNA, "Anna"), (BOB, "Bob")]);
    scene.list("again.csv", &[(BOB, "Bob")]);
    scene.list("later.csv", &[(BOB, "Bob"), (EVA, "Eva")]);
    let phone = Scene::phone(BOB);
    scene.run(&["suppress", "add", &phone]);
    assert_eq!(scene.send("a", SHOP, "a.csv", &[]), Some(0));
    let rows = |scene: &mut Scene| -> Vec<String> {
        let rows = scene.world.export("a").expect("the results");
        let of_bob = rows.into_iter().filter(|row| row.person == Some(BOB));
        of_bob.map(|row| row.status).collect()
    };
    scene.send("a", SHOP, "later.csv", &["--add"]);
    assert_eq!(rows(&mut scene), ["suppressed", "duplicate"]);
    scene.run(&["suppress", "remove", &phone]);
    scene.send("a", SHOP, "again.csv", &["--add"]);
    assert_eq!(rows(&mut scene), ["duplicate", "duplicate", "sent"]);
    assert_eq!(scene.texts(BOB).len(), 1, "{}", scene.world.log);
}

#[test]
fn who_was_refused_erased_and_is_added_again_is_messaged() {
    let mut scene = Scene::new();
    stopped(&mut scene);
    let phone = Scene::phone(ANNA);
    scene.run(&["forget", &phone, "--yes"]);
    scene.run(&["suppress", "remove", &phone]);
    scene.list("more.csv", &[(ANNA, "Anna")]);
    scene.send("a", HELLO, "more.csv", &["--add"]);
    assert_eq!(scene.texts(ANNA), [hello("Anna")], "{}", scene.world.log);
    assert_eq!(scene.status("a", ANNA), "sent");
}

#[test]
fn who_was_refused_taken_out_and_comes_back_is_messaged() {
    let mut scene = Scene::new();
    stopped(&mut scene);
    scene.list("edited.csv", &[(BOB, "Bob"), (EVA, "Eva")]);
    scene.send("a", HELLO, "edited.csv", &["--update"]);
    scene.list("more.csv", &[(ANNA, "Anna")]);
    scene.send("a", HELLO, "more.csv", &["--add"]);
    assert_eq!(scene.texts(ANNA), [hello("Anna")], "{}", scene.world.log);
}

#[test]
fn a_batch_may_have_any_name() {
    let mut scene = Scene::new();
    scene.list("a.csv", &[(ANNA, "Anna")]);
    scene.list("b.csv", &[(BOB, "Bob")]);
    scene.list("more.csv", &[(EVA, "Eva")]);
    assert_eq!(scene.send("a second list", SHOP, "b.csv", &[]), Some(0));
    assert_eq!(scene.send("a", SHOP, "a.csv", &[]), Some(0));
    assert_eq!(scene.send("a", SHOP, "more.csv", &["--add"]), Some(0));
    assert_eq!(
        scene.status("a second list", BOB),
        "sent",
        "{}",
        scene.world.log
    );
}

#[test]
fn an_api_that_falls_silent_is_asked_by_few_more_requests() {
    let mut scene = Scene::new();
    let list: Vec<(usize, &str)> = (1..30).map(|person| (person, "Anna")).collect();
    scene.list("a.csv", &list);
    let weather = faults(&["503:after=4"]);
    let more = ["--rate", "20/s", "--grace", "1s"];
    let mut arguments = Scene::arguments("a", SHOP, "a.csv", &more);
    let url = scene.world.api.open(weather.faults.clone(), Duration::ZERO);
    arguments.extend(["--base-url", &url, "--concurrency", "20"].map(str::to_owned));
    let mut running = scene.world.start(&arguments, None);
    poll("the API is silent", || scene.world.api.struck("503") >= 3);
    // Whoever had passed the gate would be sent within two seconds.
    let begin = std::time::Instant::now();
    poll("the others would have left", || {
        begin.elapsed() > Duration::from_secs(2)
    });
    let struck = scene.world.api.struck("503");
    running.kill();
    assert!(struck <= 4, "{struck} requests to a silent API");
}
