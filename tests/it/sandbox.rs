//! The sandbox as a client sees it, over real connections, and the account that it keeps.

mod refusals;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use outreach::internals::sandbox::{
    Channel, CodeForm, ConnectionLimit, Excess, FaultRule, Headers, Quota, Sandbox, Settings,
    Share, WindowKind,
};
use reqwest::{Client, Response};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const ANY_PORT: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// A sandbox and a client that talks to it.
struct Scene {
    sandbox: Sandbox,
    client: Client,
}

/// A sandbox in which everybody has Messenger.
fn everybody() -> Settings {
    Settings {
        without_messenger: Share::NONE,
        ..Settings::default()
    }
}

fn with_faults(faults: &[&str]) -> Settings {
    Settings {
        faults: faults
            .iter()
            .map(|fault| fault.parse::<FaultRule>().unwrap())
            .collect(),
        ..everybody()
    }
}

fn with_quota(limit: u32, window_ms: u64, kind: WindowKind, headers: Headers) -> Settings {
    let quota = Quota::fixed(
        NonZeroU32::new(limit).unwrap(),
        Duration::from_millis(window_ms),
    );
    Settings {
        quota: Some(Quota {
            kind,
            headers,
            ..quota
        }),
        ..everybody()
    }
}

fn body(number: u64) -> Value {
    json!({
        "channel": { "id": Settings::MESSENGER_CHANNEL },
        "contact": { "phone_number": format!("+{number}") },
        "content": { "type": "text", "payload": "Your table is ready." },
    })
}

impl Scene {
    async fn new(settings: Settings) -> Self {
        let sandbox = Sandbox::start(settings, ANY_PORT).await.unwrap();
        Self {
            sandbox,
            client: outreach::internals::amio::http_client()
                .no_proxy()
                .build()
                .unwrap(),
        }
    }

    fn request(&self, body: String) -> reqwest::RequestBuilder {
        let url = format!("{}/messages", self.sandbox.base_url());
        self.client
            .post(url)
            .bearer_auth(Settings::DEFAULT_TOKEN)
            .body(body)
    }

    async fn post(&self, body: &Value) -> reqwest::Result<Response> {
        self.request(body.to_string())
            .timeout(Duration::from_secs(30))
            .send()
            .await
    }

    async fn send(&self, number: u64) -> reqwest::Result<Response> {
        self.post(&body(number)).await
    }

    async fn status(&self, number: u64) -> u16 {
        self.send(number).await.unwrap().status().as_u16()
    }

    /// The status and the first error text.
    async fn refusal(&self, body: &Value) -> (u16, String) {
        let response = self.post(body).await.unwrap();
        (
            response.status().as_u16(),
            read(response).await["errors"][0]["message"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        )
    }

    async fn get(&self, path: &str) -> Response {
        let url = format!("{}{path}", self.sandbox.base_url());
        self.client
            .get(url)
            .bearer_auth(Settings::DEFAULT_TOKEN)
            .send()
            .await
            .unwrap()
    }

    async fn account(&self, path: &str) -> String {
        let url = format!("http://{}/sandbox/{path}", self.sandbox.address());
        self.client
            .get(url)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
    }

    /// Every accepted number with its count, as `/sandbox/accepted` lists it.
    async fn accepted(&self) -> BTreeMap<String, u64> {
        let lines = self.account("accepted").await;
        let person = |line: &str| {
            let person: Value = serde_json::from_str(line).unwrap();
            (
                person["number"].as_str().unwrap().to_owned(),
                person["count"].as_u64().unwrap(),
            )
        };
        lines.lines().map(person).collect()
    }
}

async fn read(response: Response) -> Value {
    serde_json::from_str(&response.text().await.unwrap()).unwrap()
}

fn header(response: &Response, name: &str) -> Option<u64> {
    response
        .headers()
        .get(name)
        .map(|value| value.to_str().unwrap().parse().unwrap())
}

#[tokio::test]
async fn a_message_by_phone_is_answered_as_documented() {
    let scene = Scene::new(everybody()).await;
    let mut request = body(15_550_100_199);
    request["contact"]["phone_number"] = "+1 (555) 010-0199".into();
    request["metadata"] = json!({ "row": "000123", "tag": "confirmed_event_update" });
    let response = scene.post(&request).await.unwrap();
    assert_eq!(response.status(), 201);
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let answer = read(response).await;
    let id: u64 = answer["id"].as_str().unwrap().parse().unwrap();
    assert!(id > 1 << 53 && location.ends_with(&format!("/v1/messages/{id}")));
    assert_eq!(
        answer["channel"],
        json!({ "id": Settings::MESSENGER_CHANNEL, "type": "facebook_messenger" })
    );
    assert_eq!(answer["contact"]["phone_number"], "15550100199");
    assert_eq!(
        (&answer["content"], &answer["metadata"]),
        (&request["content"], &request["metadata"])
    );

    // From now on the contact id works too, and later messages have larger ids.
    let by_id = json!({ "channel": request["channel"], "contact": { "id": answer["contact"]["id"] }, "content": request["content"] });
    let later = read(scene.post(&by_id).await.unwrap()).await;
    assert!(later["id"].as_str().unwrap().parse::<u64>().unwrap() > id);
    assert_eq!(later["contact"], json!({ "id": answer["contact"]["id"] }));
    assert_eq!(later.get("metadata"), None);
    assert_eq!(
        scene.accepted().await,
        BTreeMap::from([("15550100199".to_owned(), 2)])
    );
}

#[tokio::test]
async fn what_cannot_be_processed_is_refused_in_the_documented_envelope() {
    let scene = Scene::new(everybody()).await;
    let wrong_of = |path: &str, value: Value| {
        let mut wrong = body(420_777_000_001);
        *wrong.pointer_mut(path).unwrap() = value;
        wrong
    };
    let with_metadata = |metadata: Value| {
        let mut wrong = body(420_777_000_001);
        wrong["metadata"] = metadata;
        wrong
    };
    for wrong in [
        json!({}),
        wrong_of("/content/type", "poem".into()),
        wrong_of("/content/type", "image".into()),
        wrong_of("/content/payload", "".into()),
        wrong_of("/content", Value::Null),
        wrong_of("/contact", json!({ "id": "7001200300400500777" })),
        wrong_of("/contact", json!({})),
        wrong_of("/contact/phone_number", "call me".into()),
        wrong_of("/contact/phone_number", 420_777_000_001_u64.into()),
        with_metadata(json!({ "tag": "PROMOTION" })),
        with_metadata(json!({ "tag": "ACCOUNT_UPDATE", "type": "update" })),
        with_metadata(json!({ "platform_metadata": "x".repeat(1001) })),
        with_metadata(json!("text")),
    ] {
        let (status, text) = scene.refusal(&wrong).await;
        assert_eq!(status, 422, "{wrong}");
        assert!(!text.is_empty(), "{wrong}");
    }
    let broken = scene
        .request("{\"channel\":".to_owned())
        .send()
        .await
        .unwrap();
    assert_eq!(broken.status(), 422);
    assert_eq!(
        scene.refusal(&wrong_of("/channel/id", "1".into())).await,
        (404, "Channel not found.".to_owned())
    );
    assert_eq!(scene.sandbox.stats().accepted, 0);
}

#[tokio::test]
async fn a_wrong_token_is_refused_and_uses_no_quota() {
    let scene = Scene::new(everybody()).await;
    let url = format!("{}/messages", scene.sandbox.base_url());
    for token in ["", "wrong", "sandbox-token2"] {
        let response = scene
            .client
            .post(&url)
            .bearer_auth(token)
            .body(body(420_777_000_001).to_string())
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 401);
        let answer = read(response).await;
        assert_eq!(answer["errors"][0]["message"], "Wrong accessToken.");
        assert_eq!(answer["status"]["code"], 401);
    }
    assert_eq!(
        scene
            .client
            .post(&url)
            .body("{}")
            .send()
            .await
            .unwrap()
            .status(),
        401
    );
    let first = scene.send(420_777_000_001).await.unwrap();
    assert_eq!(header(&first, "x-ratelimit-remaining"), Some(99_999));
}

#[tokio::test]
async fn the_same_numbers_lack_messenger_every_time_and_under_every_order() {
    let settings = || Settings {
        without_messenger: Share::percent(30),
        seed: 9,
        ..Settings::default()
    };
    let mut seen = Vec::new();
    for reverse in [false, true] {
        let scene = Scene::new(settings()).await;
        let mut numbers: Vec<u64> = (420_777_000_000..420_777_000_200).collect();
        if reverse {
            numbers.reverse();
        }
        let mut without = BTreeSet::new();
        for number in numbers {
            match scene.status(number).await {
                201 => {}
                422 => _ = without.insert(number),
                other => panic!("{other}"),
            }
        }
        assert!((40..80).contains(&without.len()), "{}", without.len());
        assert_eq!(scene.sandbox.stats().accepted, 200 - without.len() as u64);
        seen.push(without);
    }
    assert_eq!(seen[0], seen[1]);
}

#[tokio::test]
async fn channels_contacts_and_messages_can_be_read_back() {
    let scene = Scene::new(everybody()).await;
    let channel = Settings::MESSENGER_CHANNEL;
    for number in 420_777_000_000..420_777_000_012 {
        assert_eq!(scene.status(number).await, 201);
    }
    let answer = read(scene.send(420_777_000_003).await.unwrap()).await;
    let contact = answer["contact"]["id"].as_str().unwrap();

    let list = scene
        .get(&format!("/channels/{channel}/contacts?max=5&offset=10"))
        .await;
    assert_eq!(header(&list, "x-total-count"), Some(12));
    assert_eq!(read(list).await.as_array().unwrap().len(), 2);

    let messages = scene
        .get(&format!(
            "/channels/{channel}/contacts/{contact}/messages?max=1"
        ))
        .await;
    assert_eq!(header(&messages, "x-total-count"), Some(2));
    let messages = read(messages).await;
    assert_eq!(
        (&messages[0]["id"], &messages[0]["direction"]),
        (&answer["id"], &json!("sent"))
    );
    assert_eq!(
        (&messages[0]["delivered"], &messages[0]["content"]),
        (&Value::Null, &answer["content"])
    );

    assert_eq!(
        read(scene.get(&format!("/channels/{channel}")).await).await["type"],
        "facebook_messenger"
    );
    assert_eq!(
        header(&scene.get("/channels").await, "x-total-count"),
        Some(3)
    );
    for missing in [
        "/channels/1",
        "/nothing",
        &format!("/channels/{channel}/contacts/4611686018427387905"),
    ] {
        let response = scene.get(missing).await;
        assert_eq!(response.status(), 404, "{missing}");
        assert!(read(response).await["errors"].is_array(), "{missing}");
    }
    assert_eq!(scene.get("/messages").await.status(), 405);
}

#[tokio::test]
async fn every_call_uses_quota_and_exactly_the_limit_passes_in_a_window() {
    for kind in [
        WindowKind::Fixed,
        WindowKind::Sliding,
        WindowKind::LeakyBucket,
    ] {
        let scene = Scene::new(with_quota(5, 3_600_000, kind, Headers::Honest)).await;
        assert_eq!(
            header(&scene.get("/channels").await, "x-ratelimit-remaining"),
            Some(4)
        );
        let mut statuses = Vec::new();
        for number in 0..8 {
            statuses.push(scene.status(420_777_000_000 + number).await);
        }
        assert_eq!(
            statuses,
            [201, 201, 201, 201, 429, 429, 429, 429],
            "{kind:?}"
        );
        let stats = scene.sandbox.stats();
        assert_eq!(
            (stats.peak_per_window, stats.accepted, stats.throttled.quota),
            (5, 4, 4)
        );
        assert_eq!(
            stats.by_status,
            BTreeMap::from([(200, 1), (201, 4), (429, 4)])
        );
    }
}

#[tokio::test]
async fn the_quota_returns_when_the_headers_say_so() {
    let scene = Scene::new(with_quota(2, 2_000, WindowKind::Fixed, Headers::Honest)).await;
    assert_eq!(scene.status(15_550_100_001).await, 201);
    assert_eq!(scene.status(15_550_100_002).await, 201);
    let refused = scene.send(15_550_100_003).await.unwrap();
    assert_eq!(refused.status(), 429);
    assert_eq!(
        (
            header(&refused, "x-ratelimit-limit"),
            header(&refused, "x-ratelimit-remaining")
        ),
        (Some(2), Some(0))
    );
    let reset = Duration::from_secs(header(&refused, "x-ratelimit-reset").unwrap());
    assert_eq!(read(refused).await["status"]["code"], "429");
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    assert!(
        reset <= now + Duration::from_secs(3),
        "rounded up, by less than a second"
    );
    // The wait that the header asks for; the quota's own arithmetic is tested without a clock.
    tokio::time::sleep(reset.saturating_sub(now)).await;
    assert_eq!(scene.status(15_550_100_003).await, 201);
}

#[tokio::test]
async fn headers_can_be_missing_or_wrong() {
    let first = async |headers| {
        let scene = Scene::new(with_quota(10, 3_600_000, WindowKind::Fixed, headers)).await;
        scene.status(15_550_100_001).await;
        let response = scene.send(15_550_100_002).await.unwrap();
        (
            header(&response, "x-ratelimit-remaining"),
            header(&response, "x-ratelimit-reset"),
        )
    };
    assert_eq!(first(Headers::Off).await, (None, None));
    assert_eq!(first(Headers::RemainingHigh).await.0, Some(9));
    assert_eq!(first(Headers::RemainingZero).await.0, Some(0));
    let (remaining, reset) = first(Headers::ResetRemaining).await;
    assert_eq!(remaining, Some(8));
    assert!((3598..=3601).contains(&reset.unwrap()));
    let honest = first(Headers::Honest).await.1.unwrap();
    let past = first(Headers::ResetPast).await.1.unwrap();
    assert!((7195..=7205).contains(&(honest - past)), "{honest} {past}");
    let mut unlimited = everybody();
    unlimited.quota = None;
    let scene = Scene::new(unlimited).await;
    assert_eq!(
        header(
            &scene.send(15_550_100_001).await.unwrap(),
            "x-ratelimit-limit"
        ),
        None
    );
}

/// What a client sees of one fault, and whether the message went out all the same.
async fn seen(fault: &str) -> (String, u64) {
    let scene = Scene::new(with_faults(&[fault])).await;
    let request = scene.request(body(15_550_100_001).to_string());
    let seen = match request.timeout(Duration::from_secs(1)).send().await {
        Ok(response) => {
            let status = response.status().as_u16();
            match response.text().await {
                Ok(text) if serde_json::from_str::<Value>(&text).is_ok() => status.to_string(),
                Ok(_) => format!("{status} unreadable"),
                Err(_) => format!("{status} cut"),
            }
        }
        Err(error) if error.is_timeout() => "timeout".to_owned(),
        Err(error) if error.is_connect() => "refused".to_owned(),
        Err(_) => "no answer".to_owned(),
    };
    (seen, scene.sandbox.stats().accepted)
}

#[tokio::test]
async fn each_fault_is_what_it_says_on_the_wire() {
    for (fault, expected, accepted) in [
        ("500", "500", 0),
        ("502", "502", 0),
        ("503", "503", 0),
        ("502-after-accept", "502", 1),
        ("403", "403", 0),
        ("404", "404", 0),
        ("405", "405", 0),
        ("413", "413", 0),
        ("422", "422", 0),
        ("garbage-201", "201 unreadable", 1),
        ("garbage-200", "200 unreadable", 0),
        ("hang-after-accept", "timeout", 1),
        ("hang-before-accept", "timeout", 0),
        ("close-after-accept", "no answer", 1),
        ("cut-after-accept:byte=1", "no answer", 1),
        ("cut-after-accept:byte=40", "no answer", 1),
        ("cut-after-accept:byte=450", "201 cut", 1),
        ("drop-before-read", "no answer", 0),
        ("close-after-answer", "201", 1),
        ("slow:for=20ms", "201", 1),
    ] {
        assert_eq!(
            seen(fault).await,
            (expected.to_owned(), accepted),
            "{fault}"
        );
    }
}

#[tokio::test]
async fn whom_the_sandbox_refuses_gets_no_answer_that_says_accepted() {
    for fault in ["garbage-201", "502-after-accept"] {
        let settings = Settings {
            without_messenger: "100%".parse().unwrap(),
            ..with_faults(&[fault])
        };
        let scene = Scene::new(settings).await;
        let answer = scene.send(15_550_100_001).await.unwrap();
        assert_eq!(answer.status().as_u16(), 422, "{fault}");
        assert_eq!(scene.sandbox.stats().accepted, 0);
    }
}

#[tokio::test]
async fn an_answer_is_cut_at_every_byte_that_is_asked_for() {
    for byte in [0, 1, 17, 60, 200, 300] {
        let scene = Scene::new(with_faults(&[&format!("cut-after-accept:byte={byte}")])).await;
        let mut stream = TcpStream::connect(scene.sandbox.address()).await.unwrap();
        let body = body(15_550_100_001).to_string();
        let (token, length) = (Settings::DEFAULT_TOKEN, body.len());
        let head = format!(
            "POST /v1/messages HTTP/1.1\r\nHost: sandbox\r\nAuthorization: Bearer {token}\r\nContent-Length: {length}\r\n\r\n"
        );
        stream
            .write_all(format!("{head}{body}").as_bytes())
            .await
            .unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer.len(), byte);
        assert_eq!(scene.sandbox.stats().accepted, 1);
    }
}

#[tokio::test]
async fn faults_come_at_the_requests_that_they_name() {
    let scene = Scene::new(with_faults(&[
        "503:at=2,retry-after=7",
        "500:every=4",
        "401:after=6,on=all",
    ]))
    .await;
    let mut statuses = Vec::new();
    for number in 0..8 {
        let response = scene.send(15_550_100_000 + number).await.unwrap();
        if response.status() == 503 {
            assert_eq!(header(&response, "retry-after"), Some(7));
        }
        statuses.push(response.status().as_u16());
    }
    assert_eq!(statuses, [201, 503, 201, 500, 201, 201, 401, 500]);
    assert_eq!(scene.get("/channels").await.status(), 401);
    let faults = scene.sandbox.stats().faults;
    assert_eq!(
        faults,
        BTreeMap::from(
            [("401", 2), ("500", 2), ("503", 1)].map(|(name, count)| (name.to_owned(), count))
        )
    );
}

#[tokio::test]
async fn a_refusing_sandbox_refuses_on_the_same_port_and_comes_back() {
    let scene = Scene::new(with_faults(&["refuse:at=2,for=300ms"])).await;
    assert_eq!(scene.status(15_550_100_001).await, 201);
    assert_eq!(scene.status(15_550_100_002).await, 201);
    let mut refused = 0;
    let back = loop {
        match TcpStream::connect(scene.sandbox.address()).await {
            Ok(_) if refused > 0 => break scene.status(15_550_100_003).await,
            Ok(_) => {}
            Err(error) => {
                assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
                refused += 1;
            }
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    assert_eq!(back, 201);
    assert!(refused > 10, "{refused}");
    assert_eq!(scene.sandbox.stats().outages, 1);
}

#[tokio::test]
async fn numbers_that_are_accepted_twice_are_counted_exactly() {
    let scene = Scene::new(everybody()).await;
    for number in (1..=40).chain([7, 9, 9, 23]) {
        assert_eq!(scene.status(15_550_100_000 + number).await, 201);
    }
    let stats = scene.sandbox.stats();
    assert_eq!(
        (stats.accepted, stats.distinct, stats.repeated),
        (44, 40, 3)
    );
    let repeated: BTreeMap<_, _> = stats
        .repeated_people
        .into_iter()
        .map(|person| (person.number, person.count))
        .collect();
    assert_eq!(
        repeated,
        BTreeMap::from(
            [("15550100007", 2), ("15550100009", 3), ("15550100023", 2)]
                .map(|(number, count)| (number.to_owned(), count))
        )
    );
    let accepted = scene.accepted().await;
    assert_eq!((accepted.len(), accepted.values().sum::<u64>()), (40, 44));
    let remote: Value = serde_json::from_str(&scene.account("stats").await).unwrap();
    assert_eq!(
        (&remote["accepted"], &remote["requests"]),
        (&json!(44), &json!(44)),
        "reading the account counts nothing"
    );
}

/// As many sends at a time as there are numbers, each on a connection of its own.
async fn at_once(scene: &Scene, count: u64) -> Vec<Result<u16, reqwest::Error>> {
    let tasks: Vec<_> = (0..count)
        .map(|number| {
            let request = scene
                .request(body(15_550_100_000 + number).to_string())
                .timeout(Duration::from_secs(10));
            tokio::spawn(async move {
                request
                    .send()
                    .await
                    .map(|response| response.status().as_u16())
            })
        })
        .collect();
    let mut seen = Vec::new();
    for task in tasks {
        seen.push(task.await.unwrap());
    }
    seen
}

#[tokio::test]
async fn the_peak_of_connections_is_counted() {
    let scene = Scene::new(Settings {
        latency: Duration::from_millis(500),
        ..everybody()
    })
    .await;
    assert!(
        at_once(&scene, 12)
            .await
            .iter()
            .all(|seen| matches!(seen, Ok(201)))
    );
    let stats = scene.sandbox.stats();
    assert_eq!((stats.peak_connections, stats.peak_in_flight), (12, 12));
}

#[tokio::test]
async fn connections_above_the_limit_are_refused_or_throttled_or_wait() {
    for excess in [Excess::Answer429, Excess::Close, Excess::Queue] {
        let limit = NonZeroU32::new(3).unwrap();
        let mut settings = Settings {
            latency: Duration::from_millis(500),
            ..everybody()
        };
        settings.connections = Some(ConnectionLimit { limit, excess });
        let mut scene = Scene::new(settings).await;
        // Without a pool a connection ends with its request, so that the waiting ones get their turn.
        scene.client = outreach::internals::amio::http_client()
            .no_proxy()
            .pool_max_idle_per_host(0)
            .build()
            .unwrap();
        let seen = at_once(&scene, 8).await;
        let count = |status: u16| {
            seen.iter()
                .filter(|seen| matches!(seen, Ok(found) if *found == status))
                .count()
        };
        let failed = seen.iter().filter(|seen| seen.is_err()).count();
        let stats = scene.sandbox.stats();
        match excess {
            Excess::Answer429 => assert_eq!(
                (count(201), count(429), stats.throttled.connections),
                (3, 5, 5)
            ),
            Excess::Close => assert_eq!(
                (count(201), failed, stats.refused_connections >= 5),
                (3, 5, true)
            ),
            Excess::Queue => assert_eq!((count(201), stats.peak_in_flight), (8, 3)),
        }
    }
}

#[tokio::test]
async fn refusals_can_all_say_the_same_and_codes_can_be_texts() {
    let mut settings = Settings {
        without_messenger: Share::ALL,
        code_form: CodeForm::Text,
        ..Settings::default()
    };
    settings.texts.every_422 = Some("Unprocessable.".to_owned());
    settings.channels = vec![Channel::new(
        Settings::MESSENGER_CHANNEL,
        "facebook_messenger",
    )];
    let scene = Scene::new(settings).await;
    for wrong in [json!({}), body(15_550_100_001)] {
        assert_eq!(
            scene.refusal(&wrong).await,
            (422, "Unprocessable.".to_owned())
        );
    }
    let answer = read(scene.send(15_550_100_001).await.unwrap()).await;
    assert_eq!(answer["status"]["code"], "422");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let scene = Scene::new(Settings {
        max_body: 1000,
        ..everybody()
    })
    .await;
    let response = scene.request(" ".repeat(1001)).send().await.unwrap();
    assert_eq!(response.status(), 413);
}

#[tokio::test]
async fn a_stopped_sandbox_frees_its_port() {
    let scene = Scene::new(everybody()).await;
    assert_eq!(scene.status(15_550_100_001).await, 201);
    let address = scene.sandbox.address();
    scene.sandbox.stop();
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(Sandbox::start(everybody(), address).await.is_ok());
}
