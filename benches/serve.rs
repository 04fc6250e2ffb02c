//! The webhook receiver under bounded load from another process: events durably stored a second, and
//! how long the 200 takes, beside a bare axum handler that reads the body and answers.
//!
//! ```text
//! cargo bench --bench serve               20,000 events over 64 connections
//! cargo bench --bench serve -- 50000 16   so many events, so many connections
//! ```
//!
//! Each event is a signed `messages_delivered` of a message that the checkpoint knows; all are
//! different, and each changes its message and its contact. The load is this program again, as a
//! process of its own, on the same machine.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a program for developers that may stop at the first surprise"
)]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use outreach::internals::clock::Clock;
use outreach::internals::config::{Layer, Settings as Config};
use outreach::internals::domain::content::Rendered;
use outreach::internals::domain::delivery::Event;
use outreach::internals::domain::dialect::ListFormat;
use outreach::internals::domain::eligibility::HistorySpan;
use outreach::internals::domain::event::OptOutWords;
use outreach::internals::domain::outcome::{AttemptOutcome, Receipt};
use outreach::internals::domain::phone::PhoneNumber;
use outreach::internals::domain::recipient::{Accepted, JudgedRow, Position, RowNumber, Verdict};
use outreach::internals::serve::{Limits, Server, Settings};
use outreach::internals::store::{Claim, ClaimRules, Journal, NewBatch, Reader, Settlement, Store};
use sha1::Sha1;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const SECRET: &str = "a-secret-of-the-channel";
const CHANNEL: &str = "7001";

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    if let Some(at) = args.iter().position(|arg| arg == "--load") {
        let [address, events, connections] = &args[at + 1..] else {
            panic!("--load ADDRESS EVENTS CONNECTIONS");
        };
        let address = address.parse().unwrap();
        let (events, connections) = (events.parse().unwrap(), connections.parse().unwrap());
        runtime.block_on(load(address, events, connections));
        return;
    }
    let mut numbers = args.iter().filter_map(|arg| arg.parse::<u32>().ok());
    let events = numbers.next().unwrap_or(20_000);
    let connections = numbers.next().unwrap_or(64);
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("bench.db");
    let store = Arc::new(Store::open(&db).unwrap());
    fill(&store, events);
    runtime.block_on(send_all(&store));
    println!("{events} events over {connections} connections");
    runtime.block_on(async {
        for _ in 0..2 {
            bare(events, connections).await;
        }
        receiver(store, events, connections).await;
    });
    check(&db, events);
}

/// A handler that reads the body and answers 200.
async fn bare(events: u32, connections: u32) {
    let app = axum::Router::new().route(
        "/webhooks/amio",
        axum::routing::post(|_: axum::body::Bytes| async {}),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move { axum::serve(listener, app).await });
    drive("bare axum", address, events, connections).await;
    serving.abort();
}

async fn receiver(store: Arc<Store>, events: u32, connections: u32) {
    let environment = BTreeMap::from([("OUTREACH_WEBHOOK_SECRET".to_owned(), SECRET.to_owned())]);
    let config = Config::load(Layer::default(), None, environment).unwrap();
    let settings = Settings {
        listen: "127.0.0.1:0".parse().unwrap(),
        tls: None,
        secrets: Some(config.webhook_secrets().unwrap()),
        words: OptOutWords::default(),
        metrics_names: false,
        limits: Limits::default(),
    };
    let server = Server::bind(settings, store, Clock::system())
        .await
        .unwrap();
    let address = server.address();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(server.run(async {
        let _ = stopped.await;
    }));
    drive("outreach serve, new events", address, events, connections).await;
    drive(
        "outreach serve, the same again",
        address,
        events,
        connections,
    )
    .await;
    stop.send(()).unwrap();
    serving.await.unwrap();
}

/// Runs the load in a process of its own and tells what it measured.
async fn drive(what: &str, address: SocketAddr, events: u32, connections: u32) {
    let mut load = std::process::Command::new(std::env::current_exe().unwrap());
    load.args(["--load", &address.to_string()])
        .args([events.to_string(), connections.to_string()])
        .stdout(Stdio::piped());
    let output = tokio::task::spawn_blocking(move || load.output().unwrap())
        .await
        .unwrap();
    assert!(output.status.success());
    let told = String::from_utf8(output.stdout).unwrap();
    println!("{what:32} {}", told.trim());
}

/// The load: each connection sends its share of the events, one after the other.
async fn load(address: SocketAddr, events: u32, connections: u32) {
    let requests: Vec<Vec<u8>> = (0..events).map(request).collect();
    let requests = Arc::new(requests);
    let begin = Instant::now();
    let clients: Vec<_> = (0..connections)
        .map(|client| {
            let requests = Arc::clone(&requests);
            tokio::spawn(async move {
                let mut stream = TcpStream::connect(address).await.unwrap();
                stream.set_nodelay(true).unwrap();
                let mut times = Vec::new();
                for request in requests
                    .iter()
                    .skip(client as usize)
                    .step_by(connections as usize)
                {
                    let begin = Instant::now();
                    stream.write_all(request).await.unwrap();
                    let mut answer = Vec::with_capacity(256);
                    while !answer.ends_with(b"\r\n\r\n") {
                        assert!(stream.read_buf(&mut answer).await.unwrap() > 0);
                    }
                    assert!(
                        answer.starts_with(b"HTTP/1.1 200"),
                        "{}",
                        String::from_utf8_lossy(&answer)
                    );
                    times.push(begin.elapsed());
                }
                times
            })
        })
        .collect();
    let mut times = Vec::new();
    for client in clients {
        times.extend(client.await.unwrap());
    }
    let rate = f64::from(events) / begin.elapsed().as_secs_f64();
    times.sort();
    let at = |share: usize| ms(times[(times.len() - 1) * share / 1000]);
    println!(
        "{rate:>8.0} events/s   p50 {:.2} ms   p99 {:.2} ms   p99.9 {:.2} ms",
        at(500),
        at(990),
        at(999)
    );
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn number(nth: u32) -> u64 {
    420_700_000_000 + u64::from(nth)
}

fn request(nth: u32) -> Vec<u8> {
    let body = format!(
        r#"{{"event":"messages_delivered","timestamp":"2026-05-02T08:16:01.000Z","data":{{"channel":{{"id":"{CHANNEL}","type":"facebook_messenger"}},"contact":{{"id":"8{0}","phone_number":"{0}"}},"messages":[{{"id":"9{0}"}}],"delivered_timestamp":"2026-05-02T08:16:00.000Z"}}}}"#,
        number(nth)
    );
    let mac = Hmac::<Sha1>::new_from_slice(SECRET.as_bytes()).unwrap();
    let bytes = mac.chain_update(body.as_bytes()).finalize().into_bytes();
    let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!(
        "POST /webhooks/amio HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nx-hub-signature: sha1={}\r\ncontent-length: {}\r\n\r\n{body}",
        hex.concat(),
        body.len()
    )
    .into_bytes()
}

fn fill(store: &Store, rows: u32) {
    let now = Timestamp::now();
    let id = store
        .create_batch(NewBatch {
            name: outreach::internals::store::BatchName::Named("bench".into()),
            digest: [0; 32],
            definition: BTreeMap::new(),
            headers: vec!["Phone".into()],
            files: vec!["bench.csv".into()],
            channel: CHANNEL.into(),
            list: ListFormat::default(),
            sandbox: false,
            created_at: now,
        })
        .unwrap();
    let mut loader = store.loader(id, CHANNEL, now);
    for nth in 0..rows {
        let row = JudgedRow {
            position: Position {
                file: 0,
                row: RowNumber::new(nth + 2).unwrap(),
            },
            mends: None,
            record: [format!("+{}", number(nth))].iter().collect(),
            typed: String::new(),
            verdict: Verdict::Queued(Accepted {
                phone: PhoneNumber::from_e164(number(nth)).unwrap(),
                mended: None,
                first_name: None,
                last_name: None,
                contact_id: None,
                content: Some(Rendered {
                    content: r#"{"type":"text","payload":"Hi"}"#.into(),
                    metadata: "{}".into(),
                }),
            }),
        };
        loader.push(row, |_| String::new()).unwrap();
    }
    loader.finish().unwrap();
}

/// Sends the batch as many workers would, without a network.
async fn send_all(store: &Arc<Store>) {
    let batch = store.reader().unwrap().batch("bench").unwrap();
    let rules = ClaimRules {
        span: HistorySpan::default(),
        token: 1,
        window: None,
    };
    let started = Journal::start(Arc::clone(store), &batch, rules, Timestamp::now()).await;
    let journal = started.unwrap().0;
    let workers: Vec<_> = (0..512)
        .map(|_| {
            let journal = journal.clone();
            tokio::spawn(async move {
                let mut settlement = None;
                loop {
                    let now = Timestamp::now();
                    let (_, claim) = journal
                        .settle_and_claim(settlement.take(), Some(now))
                        .await
                        .unwrap();
                    let Some(Claim::Claimed(claimed)) = claim else {
                        return;
                    };
                    settlement = Some(Settlement {
                        why: "",
                        known: None,
                        by_text: false,
                        recipient: claimed.recipient,
                        outcome: AttemptOutcome::Sent,
                        event: Event::Accepted,
                        http_status: Some(201),
                        text: String::new(),
                        receipt: Some(Receipt {
                            message_id: Some(format!("9{}", claimed.phone.get())),
                            contact_id: Some(format!("8{}", claimed.phone.get())),
                            channel_type: None,
                            number: None,
                        }),
                        at: now,
                    });
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.unwrap();
    }
}

/// All of it is in the checkpoint.
fn check(db: &Path, events: u32) {
    let reader = Reader::open(db).unwrap();
    let batch = reader.batch("bench").unwrap();
    let funnel = reader.funnel(batch.id).unwrap();
    assert_eq!(funnel.delivered, u64::from(events));
    assert_eq!(reader.waiting_events().unwrap(), 0);
    println!("all {events} are delivered in the checkpoint");
}
