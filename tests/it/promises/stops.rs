//! A STOP is heard whenever and in whatever shape it comes.

use serde_json::json;

use super::{ANNA, BOB, EVA, HELLO, SHOP, Scene, killed, said, stop, stop_by_button};

/// Anna and Bob got a first message.
fn messaged() -> Scene {
    let mut scene = Scene::new();
    scene.list("a.csv", &[(ANNA, "Anna"), (BOB, "Bob")]);
    assert_eq!(scene.send("first", HELLO, "a.csv", &[]), Some(0));
    scene
}

#[test]
fn a_stop_after_an_erasure_is_heard() {
    let mut scene = messaged();
    let phone = Scene::phone(ANNA);
    scene.run(&["forget", &phone, "--yes"]);
    scene.run(&["suppress", "remove", &phone]);
    scene.send("second", SHOP, "a.csv", &[]);
    assert_eq!(scene.texts(ANNA).len(), 2);
    let message = scene.message_to(ANNA);
    scene.events(&[stop(&message, 42)]);
    scene.send("third", 1, "a.csv", &[]);
    assert_eq!(scene.texts(ANNA).len(), 2, "{}", scene.world.log);
    assert_eq!(scene.texts(BOB).len(), 3);
}

#[test]
fn a_second_stop_by_a_button_is_heard() {
    let mut scene = messaged();
    let message = scene.message_to(ANNA);
    scene.events(&[stop_by_button(&message)]);
    scene.run(&["suppress", "remove", &Scene::phone(ANNA)]);
    scene.send("second", SHOP, "a.csv", &[]);
    assert_eq!(scene.texts(ANNA).len(), 2);
    scene.events(&[stop_by_button(&message)]);
    scene.send("third", 1, "a.csv", &[]);
    assert_eq!(scene.texts(ANNA).len(), 2, "{}", scene.world.log);
}

#[test]
fn a_stop_that_waited_for_its_contact_is_heard_before_the_next_claim() {
    let mut scene = Scene::new();
    scene.list("a.csv", &[(ANNA, "Anna"), (BOB, "Bob"), (EVA, "Eva")]);
    scene.list("b.csv", &[(BOB, "Bob")]);
    scene.send("first", HELLO, "b.csv", &[]);
    // Whoever else messaged Anna, her contact is not known here.
    scene.send("apart", HELLO, "a.csv", &["--db", "apart.db"]);
    let message = scene.message_to(ANNA);
    scene.events(&[stop(&message, 42)]);
    // A run that is killed learns it from the answer to a message.
    let weather = killed("hang-before-accept:at=2");
    scene.send_in(&weather, Scene::arguments("second", SHOP, "a.csv", &[]));
    assert_eq!(scene.texts(ANNA).len(), 2);
    scene.list("c.csv", &[(ANNA, "Anna"), (EVA, "Eva")]);
    scene.send("third", 1, "c.csv", &[]);
    assert_eq!(scene.texts(ANNA).len(), 2, "{}", scene.world.log);
}

#[test]
fn a_stop_of_who_may_have_an_unanswered_message_holds_other_lists_too() {
    let mut scene = Scene::new();
    scene.list("a.csv", &[(ANNA, "Anna"), (BOB, "Bob")]);
    // Anna's message is accepted, and nobody learns her contact.
    let weather = killed("hang-after-accept:at=1");
    scene.send_in(&weather, Scene::arguments("first", HELLO, "a.csv", &[]));
    let message = scene.message_to(ANNA);
    scene.events(&[stop(&message, 42)]);
    scene.send("second", SHOP, "a.csv", &[]);
    assert_eq!(scene.texts(ANNA).len(), 1, "{}", scene.world.log);
    assert_eq!(scene.texts(BOB).len(), 1);
}

#[test]
fn a_stop_is_heard_whatever_else_the_event_holds() {
    let odd = [
        json!({ "metadata": ["a"] }),
        json!({ "messages": {} }),
        json!({ "message": "text" }),
        json!({ "error": "text" }),
        json!({ "opt_in": [1] }),
        json!({ "delivered_timestamp": 5 }),
        json!({ "channel": { "id": super::CHANNELS[0].0, "type": 5 } }),
        json!({ "id": { "nested": 1 } }),
    ];
    let mut scene = messaged();
    for (index, fields) in odd.into_iter().enumerate() {
        let message = scene.message_to(ANNA);
        let mut event = stop(&message, 1_000 + index as u64);
        for (name, value) in fields.as_object().unwrap() {
            event["data"][name] = value.clone();
        }
        scene.events(&[event]);
        let phone = Scene::phone(ANNA);
        let listed = scene.output(&["suppress", "list", "--json"]);
        assert!(listed.contains(&phone), "{fields}: {listed}");
        scene.run(&["suppress", "remove", &phone]);
    }
    let message = scene.message_to(BOB);
    let fields = json!({ "postback": { "payload": "STOP" }, "content": 7, "metadata": 3 });
    scene.events(&[said(&message, "postback", &fields)]);
    let listed = scene.output(&["suppress", "list", "--json"]);
    assert!(listed.contains(&Scene::phone(BOB)), "{listed}");
}
