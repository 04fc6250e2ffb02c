//! The webhook receiver over real connections: who gets in, and what hostile clients achieve.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit, Mac};
use outreach::internals::amio::webhook::WebhookSecrets;
use outreach::internals::clock::Clock;
use outreach::internals::config::{Layer, Settings as Config};
use outreach::internals::domain::event::OptOutWords;
use outreach::internals::serve::{Limits, Server, Settings};
use outreach::internals::store::Store;
use reqwest::{Client, StatusCode};
use serde_json::json;
use sha1::Sha1;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::support::{Receiver, Scratch};

const SECRET: &str = "a-secret-of-the-channel";
const OTHER: &str = "the-secret-of-another";

struct Scene {
    folder: tempfile::TempDir,
    client: Client,
    address: SocketAddr,
    scheme: &'static str,
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

/// Secrets as the environment gives them: one for all channels, and one for channel 7009.
fn secrets() -> WebhookSecrets {
    let environment = std::collections::BTreeMap::from([
        ("OUTREACH_WEBHOOK_SECRET".to_owned(), SECRET.to_owned()),
        ("OUTREACH_WEBHOOK_SECRET_7009".to_owned(), OTHER.to_owned()),
    ]);
    let config = Config::load(Layer::default(), None, environment).unwrap();
    config.webhook_secrets().unwrap()
}

fn settings() -> Settings {
    Settings {
        listen: "127.0.0.1:0".parse().unwrap(),
        tls: None,
        secrets: Some(secrets()),
        words: OptOutWords::default(),
        metrics_names: false,
        limits: Limits::default(),
    }
}

fn sign(secret: &str, body: &[u8]) -> String {
    let mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).unwrap();
    let bytes = mac.chain_update(body).finalize().into_bytes();
    let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha1={}", hex.concat())
}

fn opt_in(channel: &str, number: u64) -> String {
    json!({
        "event": "opt_in",
        "timestamp": "2026-05-02T08:00:00Z",
        "data": {
            "channel": { "id": channel, "type": "facebook_messenger" },
            "contact": { "id": format!("8{number}"), "phone_number": number.to_string() },
            "opt_in": { "type": "phone_number" },
        },
    })
    .to_string()
}

impl Scene {
    async fn new(settings: Settings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("outreach.db")).unwrap();
        let server = Server::bind(settings, Arc::new(store), Clock::system())
            .await
            .unwrap();
        let (address, scheme) = (server.address(), server.scheme());
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(server.run(async {
            let _ = stopped.await;
        }));
        let client = outreach::internals::amio::http_client()
            .no_proxy()
            .tls_danger_accept_invalid_certs(true)
            .timeout(Duration::from_secs(30))
            .build()
            .unwrap();
        Self {
            folder,
            client,
            address,
            scheme,
            stop,
            running,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    async fn post(&self, path: &str, signature: Option<&str>, body: &str) -> StatusCode {
        let mut request = self.client.post(self.url(path)).body(body.to_owned());
        if let Some(signature) = signature {
            request = request.header("X-Hub-Signature", signature);
        }
        request.send().await.unwrap().status()
    }

    async fn signed(&self, secret: &str, body: &str) -> StatusCode {
        let signature = sign(secret, body.as_bytes());
        self.post("/webhooks/amio", Some(&signature), body).await
    }

    async fn metrics(&self) -> String {
        let answer = self.client.get(self.url("/metrics")).send().await.unwrap();
        answer.text().await.unwrap()
    }

    /// Events in the checkpoint.
    fn stored(&self) -> u64 {
        let path = self.folder.path().join("outreach.db");
        let connection = rusqlite::Connection::open(path).unwrap();
        let count = "SELECT count(*) FROM event";
        let count: i64 = connection.query_row(count, [], |row| row.get(0)).unwrap();
        u64::try_from(count).unwrap()
    }

    async fn end(self) {
        let _ = self.stop.send(());
        self.running.await.unwrap();
    }
}

fn figure(metrics: &str, name: &str) -> u64 {
    let line = metrics.lines().find(|line| line.starts_with(name));
    let line = line.unwrap_or_else(|| panic!("no {name} in\n{metrics}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn only_what_the_channels_secret_signed_gets_in() {
    let scene = Scene::new(settings()).await;
    let body = opt_in("7001", 420_777_000_001);
    assert_eq!(scene.signed(SECRET, &body).await, 200);
    // Nothing, nonsense, another secret, another body.
    let of_another_body = sign(SECRET, opt_in("7001", 420_777_000_002).as_bytes());
    for signature in [
        None,
        Some("sha1="),
        Some(sign(OTHER, body.as_bytes()).as_str()),
        Some(of_another_body.as_str()),
    ] {
        let refused = scene.post("/webhooks/amio", signature, &body).await;
        assert_eq!(refused, 401, "{signature:?}");
    }
    // A channel with a secret of its own, by body and by path.
    let nine = opt_in("7009", 420_777_000_003);
    assert_eq!(scene.signed(SECRET, &nine).await, 401);
    assert_eq!(scene.signed(OTHER, &nine).await, 200);
    let signature = sign(OTHER, nine.as_bytes());
    let by_path = |path: &'static str| scene.post(path, Some(&signature), &nine);
    assert_eq!(by_path("/webhooks/amio/7009").await, 200);
    assert_eq!(by_path("/webhooks/amio/7001").await, 401);
    // Signed with the secret of one channel, about another.
    let foreign = sign(OTHER, body.as_bytes());
    let crossed = scene
        .post("/webhooks/amio/7009", Some(&foreign), &body)
        .await;
    assert_eq!(crossed, 401);
    assert_eq!(scene.stored(), 2);
    let metrics = scene.metrics().await;
    let refused = |reason: &str| {
        figure(
            &metrics,
            &format!("outreach_webhook_refused_total{{reason=\"{reason}\"}}"),
        )
    };
    assert_eq!(refused("no_signature"), 1);
    assert_eq!(refused("wrong_signature"), 5);
    assert_eq!(refused("unknown_channel"), 1);
    let answer = scene.client.get(scene.url("/healthz")).send().await;
    assert_eq!(answer.unwrap().status(), 200);
    scene.end().await;
}

#[tokio::test]
async fn unknown_kinds_are_kept_and_what_is_no_event_is_refused() {
    let scene = Scene::new(settings()).await;
    let unknown = json!({ "event": "weather", "data": { "is": "fine" } }).to_string();
    assert_eq!(scene.signed(SECRET, &unknown).await, 200);
    let odd =
        json!({ "event": "messages_read", "data": { "channel": { "id": "7001" } } }).to_string();
    assert_eq!(scene.signed(SECRET, &odd).await, 200);
    assert_eq!(scene.stored(), 2);
    for body in ["", "no json", "{}", "[1]"] {
        assert_eq!(scene.signed(SECRET, body).await, 400, "{body}");
    }
    let huge = "x".repeat(Limits::default().body + 1);
    assert_eq!(scene.signed(SECRET, &huge).await, 413);
    assert_eq!(scene.stored(), 2);
    for path in ["/", "/webhooks", "/webhooks/amio/1/2"] {
        assert_eq!(scene.post(path, None, "{}").await, 404, "{path}");
    }
    let get = scene.client.get(scene.url("/webhooks/amio")).send().await;
    assert_eq!(get.unwrap().status(), 405);
    scene.end().await;
}

#[tokio::test]
async fn events_come_over_tls_too() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (
        folder.path().join("cert.pem"),
        folder.path().join("key.pem"),
    );
    std::fs::write(
        &certificate,
        include_str!("../../fixtures/tls/localhost.pem"),
    )
    .unwrap();
    std::fs::write(&key, include_str!("../../fixtures/tls/localhost.key")).unwrap();
    let with = |certificate, key| Settings {
        tls: Some((certificate, key)),
        ..settings()
    };
    let scene = Scene::new(with(certificate.clone(), key.clone())).await;
    let status = scene.signed(SECRET, &opt_in("7001", 420_777_000_001)).await;
    assert_eq!((scene.scheme, status), ("https", StatusCode::OK));
    scene.end().await;
    // Files that are swapped are told, not served.
    let store = Arc::new(Store::open(&folder.path().join("outreach.db")).unwrap());
    let swapped = Server::bind(with(key, certificate), store, Clock::system()).await;
    let told = swapped.unwrap_err().to_string();
    assert!(
        told.contains("key.pem") && told.contains("no such PEM section"),
        "{told}"
    );
}

#[tokio::test]
async fn a_request_under_way_is_answered_when_the_server_stops() {
    let scene = Scene::new(settings()).await;
    let body = opt_in("7001", 420_777_000_001);
    let mut stream = TcpStream::connect(scene.address).await.unwrap();
    let head = format!(
        "POST /webhooks/amio HTTP/1.1\r\nhost: x\r\nx-hub-signature: {}\r\ncontent-length: {}\r\n\r\n",
        sign(SECRET, body.as_bytes()),
        body.len()
    );
    let (first, rest) = body.as_bytes().split_at(10);
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(first).await.unwrap();
    // The server has the head before it is told to stop.
    tokio::time::sleep(Duration::from_millis(100)).await;
    scene.stop.send(()).unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    stream.write_all(rest).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    scene.running.await.unwrap();
    assert!(TcpStream::connect(scene.address).await.is_err());
}

/// What one hostile client does; it does not care for the answer.
async fn attack(address: SocketAddr, nth: u64) {
    let Ok(mut stream) = TcpStream::connect(address).await else {
        return;
    };
    let body = opt_in("7001", 420_888_000_000 + nth);
    let signature = sign(SECRET, body.as_bytes());
    let head = |signature: &str, length: usize| {
        format!(
            "POST /webhooks/amio HTTP/1.1\r\nhost: x\r\nx-hub-signature: {signature}\r\ncontent-length: {length}\r\n\r\n"
        )
    };
    let request = match nth % 10 {
        // Forged, mis-signed, not signed.
        0 => head(&sign("guess", body.as_bytes()), body.len()) + &body,
        1 => head(&signature, body.len()) + &body.replace("opt_in", "opt_of"),
        2 => format!(
            "POST /webhooks/amio HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ),
        // Truncated.
        3 => head(&signature, body.len()) + &body[..body.len() / 2],
        // Oversized: announced, and in chunks without end.
        4 => head(&signature, 1 << 30) + &body,
        5 => {
            let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x1_0000));
            format!(
                "POST /webhooks/amio HTTP/1.1\r\nhost: x\r\nx-hub-signature: {signature}\r\ntransfer-encoding: chunked\r\n\r\n"
            ) + &chunk.repeat(5)
        }
        // Signed, and no JSON.
        6 => head(&sign(SECRET, b"<html>"), 6) + "<html>",
        // No HTTP at all; a head without end.
        7 => "\u{16}\u{3}\u{1}\u{2}\r\n\r\n".to_owned(),
        8 => "GET / HTTP/1.1\r\nx: y\r\n".to_owned() + &"a: b\r\n".repeat(2_000),
        // Slow: a byte of the body, and silence.
        _ => head(&signature, body.len()) + "{",
    };
    let _ = stream.write_all(request.as_bytes()).await;
    match nth % 10 {
        // Gone at once.
        3 | 7 => {}
        // Stays until it is thrown out, or for a while.
        _ => {
            let mut sink = [0; 512];
            let wait = Duration::from_secs(2);
            let _ = tokio::time::timeout(wait, stream.read(&mut sink)).await;
        }
    }
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.and_then(|kib| kib.parse().ok()).unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_hostile_requests_store_nothing_while_genuine_events_are_served() {
    let limits = Limits {
        head_time: Duration::from_millis(300),
        body_time: Duration::from_millis(300),
        connections: 64,
        ..Limits::default()
    };
    let scene = Scene::new(Settings {
        limits,
        ..settings()
    })
    .await;
    // Warm: the caches and the allocator have what they need.
    for nth in 0..100 {
        attack(scene.address, nth % 9).await;
    }
    let before = resident_kib();
    let attackers: Vec<_> = (0..100)
        .map(|attacker| {
            let address = scene.address;
            tokio::spawn(async move {
                for nth in 0..100 {
                    attack(address, attacker * 100 + nth).await;
                }
            })
        })
        .collect();
    let mut genuine = 0;
    let mut slowest = Duration::ZERO;
    while !attackers.iter().all(JoinHandle::is_finished) {
        let began = Instant::now();
        let body = opt_in("7001", 420_777_000_000 + genuine);
        assert_eq!(scene.signed(SECRET, &body).await, 200);
        slowest = slowest.max(began.elapsed());
        genuine += 1;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let grown = resident_kib().saturating_sub(before);
    assert_eq!(scene.stored(), genuine, "only what was signed");
    assert!(
        genuine > 20,
        "{genuine} genuine events were served meanwhile"
    );
    assert!(slowest < Duration::from_secs(10), "{slowest:?}");
    assert!(grown < 64 * 1024, "{grown} KiB more");
    let metrics = scene.metrics().await;
    let kept = figure(&metrics, "outreach_webhook_events_total{kind=\"opt_in\"}");
    assert_eq!(kept, genuine);
    scene.end().await;
}

#[test]
fn it_never_starts_open_to_others() {
    let outreach = |args: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        let output = assert_cmd::Command::cargo_bin("outreach")
            .unwrap()
            .current_dir(folder.path())
            .env_clear()
            .arg("serve")
            .args(args)
            .output()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let (code, told) = outreach(&[]);
    assert_eq!(code, Some(6));
    assert!(told.contains("anybody could send events"), "{told}");
    let (code, _) = outreach(&["--insecure-no-signature", "--listen", "0.0.0.0:0"]);
    assert_eq!(code, Some(2));
}

#[test]
fn a_secret_may_end_in_an_equals_sign_and_what_is_refused_is_told_once() {
    let scratch = Scratch::new();
    scratch.write("secrets", "# base64\nc2VjcmV0cw==\n7009=b3RoZXI=\n");
    let receiver = Receiver::of(scratch.outreach(&["serve", "--webhook-secret-file", "secrets"]));
    let body = opt_in("7001", 420_777_000_001);
    let signed = |secret: &str, body: &str| {
        let signature = sign(secret, body.as_bytes());
        receiver.post(&format!("X-Hub-Signature: {signature}\r\n"), body)
    };
    assert_eq!(signed("c2VjcmV0cw==", &body), 200);
    assert_eq!(signed("b3RoZXI=", &opt_in("7009", 420_777_000_002)), 200);
    for refusals in [1, 2] {
        for _ in 0..3 {
            assert_eq!(signed("guess", &body), 401);
        }
        let told = receiver.said();
        assert_eq!(told.matches("was refused").count(), refusals, "{told}");
        assert_eq!(signed("c2VjcmV0cw==", &body), 200);
    }
}
