//! The sandbox's webhook events, as a receiver sees them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use outreach::internals::sandbox::{Sandbox, Settings, Share, WebhookSettings, WebhookStats};
use serde_json::{Value, json};
use sha1::{Digest, Sha1};

const SECRET: &str = "a secret of the channel";
const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// HMAC-SHA1 from its definition (RFC 2104), so that the sandbox's own way is not checked by itself.
fn hmac_sha1(key: &[u8], message: &[u8]) -> String {
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key);
    let inner = Sha1::new()
        .chain_update(block.map(|byte| byte ^ 0x36))
        .chain_update(message)
        .finalize();
    let outer = Sha1::new()
        .chain_update(block.map(|byte| byte ^ 0x5c))
        .chain_update(inner)
        .finalize();
    outer
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<Vec<_>>()
        .concat()
}

/// A receiver that notes every genuine event and fails at the first attempts if asked to.
#[derive(Default)]
struct Receiver {
    taken: Mutex<Vec<Value>>,
    attempts: Mutex<u64>,
    failures: u64,
}

async fn receive(
    State(receiver): State<Arc<Receiver>>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let signature = headers["x-hub-signature"].to_str().unwrap();
    if signature != format!("sha1={}", hmac_sha1(SECRET.as_bytes(), &body)) {
        return StatusCode::UNAUTHORIZED;
    }
    let attempt = {
        let mut attempts = receiver.attempts.lock().unwrap();
        *attempts += 1;
        *attempts
    };
    if attempt <= receiver.failures {
        return StatusCode::INTERNAL_SERVER_ERROR;
    }
    receiver
        .taken
        .lock()
        .unwrap()
        .push(serde_json::from_slice(&body).unwrap());
    StatusCode::OK
}

struct Scene {
    sandbox: Sandbox,
    receiver: Arc<Receiver>,
    client: reqwest::Client,
}

impl Scene {
    async fn new(failures: u64, script: impl FnOnce(&mut WebhookSettings)) -> Self {
        let receiver = Receiver {
            failures,
            ..Receiver::default()
        };
        Self::start(receiver, Settings::default(), script).await
    }

    async fn start(
        receiver: Receiver,
        settings: Settings,
        script: impl FnOnce(&mut WebhookSettings),
    ) -> Self {
        let receiver = Arc::new(receiver);
        let app = Router::new()
            .route("/hooks/{channel}", post(receive))
            .with_state(Arc::clone(&receiver));
        let listener = tokio::net::TcpListener::bind(ANY_PORT).await.unwrap();
        let url = format!(
            "http://{}/hooks/{{channel_id}}",
            listener.local_addr().unwrap()
        );
        tokio::spawn(async move { axum::serve(listener, app).await });
        let mut webhooks = WebhookSettings::new(&url, SECRET);
        webhooks.delay = Duration::ZERO;
        webhooks.spread = Duration::from_millis(20);
        webhooks.minute = Duration::from_micros(100);
        script(&mut webhooks);
        let settings = Settings {
            webhooks: Some(webhooks),
            without_messenger: Share::NONE,
            ..settings
        };
        let sandbox = Sandbox::start(settings, ANY_PORT).await.unwrap();
        Self {
            sandbox,
            receiver,
            client: outreach::internals::amio::http_client()
                .no_proxy()
                .build()
                .unwrap(),
        }
    }

    async fn send(&self, channel: &str, number: u64) -> Value {
        let response = self.post(channel, number).await;
        assert_eq!(response.status(), 201);
        serde_json::from_str(&response.text().await.unwrap()).unwrap()
    }

    async fn post(&self, channel: &str, number: u64) -> reqwest::Response {
        let body = json!({
            "channel": { "id": channel },
            "contact": { "phone_number": number.to_string() },
            "content": { "type": "text", "payload": "Your table is ready." },
            "metadata": { "row": number },
        });
        let url = format!("{}/messages", self.sandbox.base_url());
        let request = self
            .client
            .post(url)
            .bearer_auth(Settings::DEFAULT_TOKEN)
            .body(body.to_string());
        request.send().await.unwrap()
    }

    /// Waits until every event has been taken or given up.
    async fn settled(&self) -> WebhookStats {
        loop {
            let stats = self.sandbox.stats().webhooks;
            if stats.pending == 0 {
                return stats;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    fn taken(&self, name: &str) -> Vec<Value> {
        let taken = self.receiver.taken.lock().unwrap();
        taken
            .iter()
            .filter(|event| event["event"] == name)
            .map(|event| event["data"].clone())
            .collect()
    }

    /// The sandbox's account of each number.
    async fn people(&self) -> BTreeMap<String, Value> {
        let url = format!("http://{}/sandbox/people", self.sandbox.address());
        let text = self
            .client
            .get(url)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        let person = |line: &str| {
            let person: Value = serde_json::from_str(line).unwrap();
            (person["number"].as_str().unwrap().to_owned(), person)
        };
        text.lines().map(person).collect()
    }
}

fn ids(events: &[Value], pointer: &str) -> BTreeSet<String> {
    events
        .iter()
        .map(|data| data.pointer(pointer).unwrap().as_str().unwrap().to_owned())
        .collect()
}

/// The numbers or message ids of which the account says something.
fn of(people: &BTreeMap<String, Value>, pointer: &str, key: &str) -> BTreeSet<String> {
    let said = people
        .values()
        .filter(|person| !person.pointer(pointer).unwrap().is_null());
    said.map(|person| person.pointer(key).unwrap().as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_message_is_followed_by_every_documented_event() {
    let scene = Scene::new(0, |webhooks| {
        for name in ["echo", "opt-in", "delivered", "read", "stop", "unknown"] {
            assert!(webhooks.set_share(name, Share::ALL));
        }
        webhooks.stop_words = vec!["Unsubscribe".to_owned()];
    })
    .await;
    let sent = scene
        .send(Settings::MESSENGER_CHANNEL, 15_550_100_199)
        .await;
    let stats = scene.settled().await;
    assert_eq!((stats.events, stats.delivered, stats.given_up), (6, 6, 0));
    let contact = json!({ "id": sent["contact"]["id"], "phone_number": "15550100199" });

    let echo = &scene.taken("message_echo")[0];
    assert_eq!(
        (&echo["id"], &echo["metadata"], &echo["content"]),
        (&sent["id"], &sent["metadata"], &sent["content"])
    );
    let opt_in = &scene.taken("opt_in")[0];
    assert_eq!(
        (&opt_in["contact"], &opt_in["opt_in"]["type"]),
        (&contact, &json!("phone_number"))
    );
    let delivered = &scene.taken("messages_delivered")[0];
    assert_eq!(
        (&delivered["contact"], &delivered["messages"][0]["id"]),
        (&contact, &sent["id"])
    );
    let read = &scene.taken("messages_read")[0];
    assert!(read["last_read_timestamp"].as_str() > delivered["delivered_timestamp"].as_str());
    assert_eq!(read.get("messages"), None);
    assert_eq!(
        scene.taken("message_received")[0]["content"]["payload"],
        "Unsubscribe"
    );

    let person = &scene.people().await["15550100199"];
    for key in ["opted_in_at", "stopped_at", "stop_taken_at"] {
        assert!(person[key].is_string(), "{key}");
    }
    assert_eq!(
        person["messages"][0]["delivered_at"],
        delivered["delivered_timestamp"]
    );
    assert_eq!(
        person["messages"][0]["read_at"],
        read["last_read_timestamp"]
    );

    // The person has opted out, the receiver knows, and still they are messaged.
    scene
        .send(Settings::MESSENGER_CHANNEL, 15_550_100_199)
        .await;
    assert_eq!(scene.sandbox.stats().messaged_after_stop, 1);
    scene.settled().await;
    assert_eq!(scene.taken("opt_in").len(), 1, "an opt-in comes once");
}

#[tokio::test]
async fn the_account_of_people_equals_what_the_events_said() {
    let scene = Scene::new(40, |webhooks| {
        // Long enough that the failures spread over many events, however slow the machine.
        webhooks.minute = Duration::from_millis(2);
        for (name, percent) in [
            ("duplicates", 20),
            ("reordered", 50),
            ("stop", 20),
            ("forged", 30),
        ] {
            assert!(webhooks.set_share(name, Share::percent(percent)));
        }
    })
    .await;
    for number in 0..150 {
        scene
            .send(Settings::MESSENGER_CHANNEL, 15_550_100_000 + number)
            .await;
    }
    let stats = scene.settled().await;
    assert_eq!(
        (
            stats.failed_attempts,
            stats.redelivered,
            stats.given_up,
            stats.forged_taken
        ),
        (40, 40, 0, 0)
    );
    assert!(
        stats.duplicates > 10 && stats.forged_refused > 20,
        "{stats:?}"
    );
    let genuine = stats.events - stats.forged_refused;
    assert_eq!(stats.delivered, genuine + stats.duplicates);
    assert_eq!(
        scene.receiver.taken.lock().unwrap().len() as u64,
        stats.delivered
    );

    let people = scene.people().await;
    let (phone, id, contact) = ("/contact/phone_number", "/messages/0/id", "/contact/id");
    assert_eq!(
        ids(&scene.taken("opt_in"), phone),
        of(&people, "/opted_in_at", "/number")
    );
    assert_eq!(
        ids(&scene.taken("messages_delivered"), id),
        of(&people, "/messages/0/delivered_at", id)
    );
    assert_eq!(
        ids(&scene.taken("messages_read"), contact),
        of(&people, "/messages/0/read_at", "/contact_id")
    );
    assert_eq!(
        ids(&scene.taken("message_received"), contact),
        of(&people, "/stopped_at", "/contact_id")
    );
    let shares = [
        of(&people, "/opted_in_at", id).len(),
        of(&people, "/stopped_at", id).len(),
    ];
    assert!(
        (85..125).contains(&shares[0]) && (8..40).contains(&shares[1]),
        "{shares:?}"
    );
}

#[tokio::test]
async fn other_channels_fail_by_event_with_documented_codes() {
    let scene = Scene::new(0, |webhooks| {
        assert!(webhooks.set_share("failed", Share::ALL));
    })
    .await;
    for number in 0..30 {
        scene
            .send(Settings::MOBILE_CHANNEL, 15_550_100_000 + number)
            .await;
        scene
            .send(Settings::VIBER_CHANNEL, 15_550_100_000 + number)
            .await;
    }
    scene.settled().await;
    let failed = scene.taken("message_failed");
    assert_eq!(failed.len(), 60);
    let codes = |kind: &str| -> BTreeSet<u64> {
        let of_kind = failed.iter().filter(|data| data["channel"]["type"] == kind);
        of_kind
            .map(|data| data["error"]["code"].as_u64().unwrap())
            .collect()
    };
    assert_eq!(
        (codes("mobile"), codes("viber_business_messages")),
        (BTreeSet::from([1, 4]), BTreeSet::from([1, 2, 4]))
    );
    assert!(scene.taken("messages_delivered").is_empty() && scene.taken("opt_in").is_empty());
}

#[tokio::test]
async fn a_person_who_accepted_takes_further_messages_within_the_reply_window() {
    for (accepts, status) in [(Share::ALL, 201), (Share::NONE, 422)] {
        let settings = Settings {
            reply_window: Some(Duration::from_hours(24)),
            ..Settings::default()
        };
        let scene = Scene::start(Receiver::default(), settings, |webhooks| {
            assert!(webhooks.set_share("opt-in", accepts));
        })
        .await;
        scene
            .send(Settings::MESSENGER_CHANNEL, 15_550_100_199)
            .await;
        scene.settled().await;
        let again = scene
            .post(Settings::MESSENGER_CHANNEL, 15_550_100_199)
            .await;
        assert_eq!(again.status(), status);
    }
}

#[tokio::test]
async fn a_fault_makes_messages_fail_later_with_its_code() {
    let settings = Settings {
        faults: vec!["fail-later=3:from=2,to=3".parse().unwrap()],
        ..Settings::default()
    };
    let scene = Scene::start(Receiver::default(), settings, |webhooks| {
        assert!(webhooks.set_share("failed", Share::NONE));
    })
    .await;
    let mut sent = Vec::new();
    for number in 0..4 {
        sent.push(
            scene
                .send(Settings::VIBER_CHANNEL, 15_550_100_000 + number)
                .await,
        );
    }
    scene.settled().await;
    let failed = scene.taken("message_failed");
    let id = |message: &Value| message["id"].as_str().unwrap().to_owned();
    assert_eq!(
        ids(&failed, "/message/id"),
        BTreeSet::from([id(&sent[1]), id(&sent[2])])
    );
    assert!(failed.iter().all(|data| data["error"]["code"] == 3));
    let people = scene.people().await;
    let codes = people
        .values()
        .map(|person| &person["messages"][0]["failed"]);
    assert_eq!(codes.filter(|code| **code == 3).count(), 2);
}

#[tokio::test]
async fn an_event_that_is_never_taken_is_given_up_after_seven_attempts() {
    let scene = Scene::new(u64::MAX, |webhooks| {
        assert!(webhooks.set_share("opt-in", Share::NONE));
    })
    .await;
    scene
        .send(Settings::MESSENGER_CHANNEL, 15_550_100_199)
        .await;
    let stats = scene.settled().await;
    assert_eq!(
        (
            stats.events,
            stats.failed_attempts,
            stats.redelivered,
            stats.given_up
        ),
        (1, 7, 6, 1)
    );
}
