//! Refusals of the platform behind the API, contact ids of earlier runs, and the list of accepted messages.

use std::time::{Duration, Instant};

use outreach::internals::sandbox::{AcceptedMessage, EarlierContacts, Settings, Share};
use serde_json::json;

use super::{Scene, at_once, body, everybody, with_faults};

const LIMIT: &str = "(#4) Too many send requests to phone numbers: wait, please.";

#[tokio::test]
async fn a_refusal_has_its_text_and_status_and_comes_after_so_many_accepted_messages() {
    let fault = format!("refuse={LIMIT}:after=5:status=502");
    let scene = Scene::new(Settings {
        without_messenger: Share::percent(30),
        ..with_faults(&[&fault])
    })
    .await;
    let (mut accepted, mut without_messenger) = (0, 0);
    while accepted < 5 {
        let number = 15_550_100_000 + accepted + without_messenger;
        match scene.status(number).await {
            201 => accepted += 1,
            422 => without_messenger += 1,
            other => panic!("{other}"),
        }
    }
    assert!(without_messenger > 0, "refused people are not counted");
    for number in 0..20 {
        let refusal = scene.refusal(&body(15_550_200_000 + number)).await;
        assert_eq!(refusal, (502, LIMIT.to_owned()));
    }
    let stats = scene.sandbox.stats();
    assert_eq!((stats.accepted, stats.by_status[&502]), (5, 20));
    assert_eq!(stats.faults[&format!("refuse={LIMIT}")], 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_requests_at_a_time_are_not_one_message_too_many() {
    let scene = Scene::new(with_faults(&["refuse=(#10) No:after=40"])).await;
    let seen = at_once(&scene, 100).await;
    let count = |status| {
        let alike = seen
            .iter()
            .filter(|seen| matches!(seen, Ok(found) if *found == status));
        alike.count()
    };
    assert_eq!((count(201), count(422)), (40, 60));
    assert_eq!(scene.sandbox.stats().accepted, 40);
}

#[tokio::test]
async fn a_refusal_can_hit_a_share_of_the_requests() {
    let scene = Scene::new(with_faults(&["refuse=(#1200) Try again later.:share=0.1"])).await;
    let mut refused = 0;
    for number in 0..300 {
        refused += u32::from(scene.status(15_550_100_000 + number).await == 422);
    }
    assert!((15..50).contains(&refused), "{refused}");
}

#[tokio::test]
async fn a_refusal_can_end_after_a_time() {
    let scene = Scene::new(with_faults(&[
        "refuse=(#4) Wait:after=1:for=300ms:retry-after=1",
    ]))
    .await;
    assert_eq!(scene.status(15_550_100_000).await, 201);
    let (begin, mut refused) = (Instant::now(), 0);
    loop {
        let response = scene.send(15_550_100_001).await.unwrap();
        if response.status() == 201 {
            break;
        }
        assert_eq!(response.headers()["retry-after"], "1");
        refused += 1;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(refused > 1 && begin.elapsed() >= Duration::from_millis(300));
    assert_eq!(
        scene.status(15_550_100_002).await,
        201,
        "it does not come back"
    );
}

#[tokio::test]
async fn rules_for_refusals_and_other_faults_combine() {
    let faults = [
        "500:at=2",
        "refuse=(#190) Gone:after=2:status=401:on=all",
        "refuse=No:at=1",
    ];
    let scene = Scene::new(with_faults(&faults)).await;
    let mut statuses = Vec::new();
    for number in 0..6 {
        statuses.push(scene.status(15_550_100_000 + number).await);
    }
    assert_eq!(statuses, [422, 500, 201, 201, 401, 401]);
    assert_eq!(scene.get("/channels").await.status(), 401);
}

#[tokio::test]
async fn only_contact_ids_of_a_sandbox_are_known_from_earlier() {
    let earlier = Scene::new(everybody()).await;
    let answer = super::read(earlier.send(15_550_100_001).await.unwrap()).await;
    let by_id = |id: &str| {
        let mut body = body(0);
        body["contact"] = json!({ "id": id });
        body
    };
    let own = by_id(answer["contact"]["id"].as_str().unwrap());
    let not_found = (422, "Contact not found.".to_owned());
    let id: u64 = own["contact"]["id"].as_str().unwrap().parse().unwrap();
    for (earlier_contacts, is_known) in [
        (EarlierContacts::None, false),
        (EarlierContacts::All, true),
        (EarlierContacts::These([1, id].into()), true),
        (EarlierContacts::These([1, id + 1].into()), false),
    ] {
        let scene = Scene::new(Settings {
            earlier_contacts,
            ..everybody()
        })
        .await;
        for foreign in [
            "7001200300400500777",
            "1",
            "abc",
            "-5",
            "9223372036854775807",
        ] {
            assert_eq!(scene.refusal(&by_id(foreign)).await, not_found, "{foreign}");
        }
        let mut elsewhere = own.clone();
        elsewhere["channel"]["id"] = Settings::MOBILE_CHANNEL.into();
        assert_eq!(scene.refusal(&elsewhere).await, not_found);
        if is_known {
            assert_eq!(scene.post(&own).await.unwrap().status(), 201);
            assert_eq!(scene.sandbox.messages()[0].number, "15550100001");
        } else {
            assert_eq!(scene.refusal(&own).await, not_found);
        }
    }
}

#[tokio::test]
async fn the_account_lists_every_accepted_message() {
    let scene = Scene::new(everybody()).await;
    let mut request = body(15_550_100_001);
    request["metadata"] = json!({ "row": 17, "batch": "list" });
    let first = super::read(scene.post(&request).await.unwrap()).await;
    let second = super::read(scene.send(15_550_100_001).await.unwrap()).await;
    request["channel"]["id"] = Settings::VIBER_CHANNEL.into();
    let third = super::read(scene.post(&request).await.unwrap()).await;

    let page = scene.account("messages").await;
    let parse = |line: &str| serde_json::from_str::<AcceptedMessage>(line).unwrap();
    let page: Vec<AcceptedMessage> = page.lines().map(parse).collect();
    let library = scene.sandbox.messages();
    for messages in [page, library] {
        let facts = messages.iter().map(|message| {
            assert_eq!(message.number, "15550100001");
            assert!(message.sent.ends_with('Z'));
            (
                message.id.clone().into(),
                message.contact_id.clone().into(),
                message.channel_id.clone().into(),
            )
        });
        let expected = [&first, &second, &third].map(|answer| {
            let [channel, contact] = ["channel", "contact"].map(|key| answer[key]["id"].clone());
            (answer["id"].clone(), contact, channel)
        });
        assert_eq!(facts.collect::<Vec<_>>(), expected);
        assert_eq!(messages[0].content, request["content"]);
        assert_eq!(messages[0].metadata.as_ref(), Some(&request["metadata"]));
        assert_eq!(messages[1].metadata, None);
    }
}

#[tokio::test]
async fn retired_tags_can_be_refused() {
    let scene = Scene::new(Settings {
        retired_tags: true,
        ..everybody()
    })
    .await;
    let mut request = body(15_550_100_001);
    for tag in [
        "ACCOUNT_UPDATE",
        "confirmed_event_update",
        "POST_PURCHASE_UPDATE",
    ] {
        request["metadata"] = json!({ "tag": tag });
        let refusal = scene.refusal(&request).await;
        assert_eq!(
            refusal,
            (422, "(#100) Invalid parameter".to_owned()),
            "{tag}"
        );
    }
    request["metadata"] = json!({ "tag": "HUMAN_AGENT" });
    assert_eq!(scene.post(&request).await.unwrap().status(), 201);
    assert_eq!(scene.status(15_550_100_002).await, 201);
}

#[tokio::test]
async fn a_person_who_has_not_acted_takes_no_further_message_within_a_reply_window() {
    let scene = Scene::new(Settings {
        reply_window: Some(Duration::from_hours(24)),
        ..everybody()
    })
    .await;
    let outside = "(#10) This message is sent outside of allowed window.".to_owned();
    let mut request = body(15_550_100_001);
    assert_eq!(scene.post(&request).await.unwrap().status(), 201);
    assert_eq!(scene.refusal(&request).await, (422, outside));
    request["channel"]["id"] = Settings::MOBILE_CHANNEL.into();
    for _ in 0..2 {
        assert_eq!(scene.post(&request).await.unwrap().status(), 201);
    }
}

#[tokio::test]
async fn a_fault_can_be_aimed_at_a_channel_or_at_sends_by_contact_id() {
    let viber = Settings::VIBER_CHANNEL;
    let on_viber = format!("refuse=(#200) Not open to this page:channel={viber}");
    let faults = [&on_viber, "refuse=Contact not found.:by=id:status=404"];
    let scene = Scene::new(with_faults(&faults)).await;
    let by_phone = body(15_550_100_001);
    let answer = super::read(scene.post(&by_phone).await.unwrap()).await;
    let mut request = by_phone.clone();
    request["contact"] = json!({ "id": answer["contact"]["id"] });
    assert_eq!(
        scene.refusal(&request).await,
        (404, "Contact not found.".to_owned())
    );
    request["channel"]["id"] = viber.into();
    assert_eq!(scene.refusal(&request).await.0, 422);
    assert_eq!(scene.post(&by_phone).await.unwrap().status(), 201);
    assert_eq!(scene.refusal(&json!({})).await.0, 422);
    assert_eq!(scene.sandbox.stats().faults.values().sum::<u64>(), 2);
}
