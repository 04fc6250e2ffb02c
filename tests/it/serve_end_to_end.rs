//! What happened after "sent", with real processes: the sandbox, the sender, and a receiver that is
//! killed again and again. The sandbox's own account is the judge.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::time::Duration;

use jiff::Timestamp;
use outreach::internals::domain::delivery::State;
use outreach::internals::store::{Contact, StoreError};
use serde_json::Value;

use crate::support::{
    CHANNEL, Checkpoint, PATIENCE, Receiver, Running, SandboxProcess, Scratch, wait_until,
};

/// Each gets two messages: 2,000 in all.
const PEOPLE: u32 = 1_000;
const SECRET: &str = "a-secret-of-the-channel";

/// A port that nobody uses now.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn serve(scratch: &Scratch, port: u16) -> Running {
    let address = format!("127.0.0.1:{port}");
    scratch
        .outreach(&["serve", "--listen", &address])
        .env("OUTREACH_WEBHOOK_SECRET", SECRET)
        .start()
}

fn send(scratch: &Scratch, sandbox: &SandboxProcess, batch: &str, text: &str) -> Running {
    scratch
        .outreach(&["send", "contacts.csv", "--yes", "--batch", batch])
        .with(&["--message", text, "--rate", "250/s", "--timeout", "1s"])
        .with(&["--undecided-in-a-row", "100", "-o", &format!("{batch}.csv")])
        .with(&["--base-url", sandbox.base_url(), "--channel", CHANNEL])
        .concurrency(10)
        .start()
}

/// One message of one person, as both sides tell it.
#[derive(Debug, PartialEq)]
struct Told {
    delivered: Option<Timestamp>,
    read: Option<Timestamp>,
}

fn time(value: &Value) -> Option<Timestamp> {
    value.as_str().map(|text| text.parse().unwrap())
}

/// By message id.
type Messages = BTreeMap<String, Told>;
/// By number: messages, opted in, opted out.
type People = BTreeMap<u64, (Messages, bool, bool)>;

fn as_the_sandbox_tells(sandbox: &SandboxProcess) -> People {
    let person = |person: Value| {
        let messages = person["messages"].as_array().unwrap().iter();
        let told = |message: &Value| {
            let told = Told {
                delivered: time(&message["delivered_at"]),
                read: time(&message["read_at"]),
            };
            (message["id"].as_str().unwrap().to_owned(), told)
        };
        let number = person["number"].as_str().unwrap().parse().unwrap();
        let (opted_in, stopped) = (&person["opted_in_at"], &person["stopped_at"]);
        let facts = (
            messages.map(told).collect(),
            !opted_in.is_null(),
            !stopped.is_null(),
        );
        (number, facts)
    };
    sandbox.people().into_iter().map(person).collect()
}

fn as_the_checkpoint_tells(checkpoint: &Checkpoint) -> People {
    let mut contacts: Vec<Contact> = Vec::new();
    checkpoint
        .reader
        .contacts(|contact| {
            contacts.push(contact);
            Ok::<_, StoreError>(())
        })
        .unwrap();
    let mut people = People::new();
    for contact in contacts {
        let messages = checkpoint.reader.messages_to(CHANNEL, contact.phone);
        let told = messages.unwrap().into_iter().map(|message| {
            let told = Told {
                delivered: message.delivered_at,
                read: message.read_at,
            };
            (message.message_id.unwrap(), told)
        });
        let facts = (
            told.collect(),
            contact.opted_in_at.is_some(),
            contact.opted_out_at.is_some(),
        );
        people.insert(contact.phone.get(), facts);
    }
    people
}

#[test]
fn a_killed_receiver_ends_with_the_sandboxs_own_account() {
    let scratch = Scratch::new();
    scratch.contacts(PEOPLE);
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}/webhooks/amio/{{channel_id}}");
    let sandbox = SandboxProcess::start(&[
        "--no-messenger",
        "10%",
        "--fault=500:1%",
        "--fault=hang-after-accept:1%",
        "--fault=close-after-accept:1%",
        "--fault=hang-before-accept:0.5%",
        "--webhook-url",
        &url,
        "--webhook-secret",
        SECRET,
        "--webhook=stop:8%",
        "--webhook=unknown:5%",
        "--webhook=duplicates:10%",
        "--webhook=reordered:25%",
        "--webhook=forged:5%",
        "--stop-word=Odhlásit!",
        "--webhook-spread=1s",
        "--webhook-minute=60ms",
    ]);
    let mut kills = 0;
    let mut receiver = serve(&scratch, port);
    for (batch, text) in [("first", "Hello"), ("second", "Hello again")] {
        let mut sender = send(&scratch, &sandbox, batch, text);
        while !sender.has_ended() {
            std::thread::sleep(Duration::from_millis(700));
            assert!(receiver.kill(), "the receiver ended: {}", receiver.said());
            kills += 1;
            std::thread::sleep(Duration::from_millis(150));
            receiver = serve(&scratch, port);
        }
        let ended = sender.wait();
        assert!(matches!(ended.code, Some(0 | 3)), "{}", ended.said);
    }
    assert!(kills >= 8, "{kills} kills");
    let begin = std::time::Instant::now();
    wait_until("all events are taken", || {
        sandbox.stats().webhooks.pending == 0
    });
    assert!(begin.elapsed() < PATIENCE);
    let checkpoint = scratch.checkpoint();
    wait_until("no event waits", || {
        checkpoint.reader.waiting_events().unwrap() == 0
    });
    receiver.signal("TERM");
    receiver.wait().expect(0);

    let stats = sandbox.stats();
    assert_eq!(stats.webhooks.given_up, 0, "{:?}", stats.webhooks);
    assert_eq!(stats.webhooks.forged_taken, 0);
    assert!(stats.webhooks.forged_refused > 20, "{:?}", stats.webhooks);
    assert!(stats.webhooks.failed_attempts > 20, "{:?}", stats.webhooks);
    assert!(stats.webhooks.duplicates > 100, "{:?}", stats.webhooks);
    assert_eq!(
        stats.messaged_after_stop, 0,
        "a STOP was followed by a message"
    );

    checkpoint.expect_sound();
    let (theirs, ours) = (
        as_the_sandbox_tells(&sandbox),
        as_the_checkpoint_tells(&checkpoint),
    );
    for (number, facts) in &theirs {
        assert_eq!(ours.get(number), Some(facts), "{number}");
    }
    assert_eq!(ours.len(), theirs.len());
    assert!(theirs.values().filter(|(_, _, stopped)| *stopped).count() > 40);
    // Whoever opted out in time was taken out of the second batch.
    let second = checkpoint.rows_of("second");
    let suppressed = second.iter().filter(|row| row.state == State::Suppressed);
    assert!(suppressed.count() > 5);
    // Every lost answer of an accepted message was settled: who is unknown got nothing.
    for batch in ["first", "second"] {
        let sent = checkpoint.rows_of(batch);
        let sent = sent.iter().filter(|row| row.state == State::Sent).count();
        assert_eq!(checkpoint.counts_of(batch).sent, sent as u64);
    }
    let messages: usize = theirs.values().map(|(messages, ..)| messages.len()).sum();
    let counted = checkpoint.counts_of("first").sent + checkpoint.counts_of("second").sent;
    assert_eq!(counted, messages as u64);
}

/// Whoever reaches the figures can read them, and the name of a batch may show what a list is about.
#[test]
fn the_figures_name_a_batch_only_where_that_is_asked_for() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(3);
    send(&scratch, &sandbox, "redundancies", "Hello")
        .wait()
        .expect(0);
    let figures = |more: &[&str]| {
        let serve = scratch.outreach(&["serve", "--insecure-no-signature"]);
        let receiver = Receiver::of(serve.with(more));
        let figures = receiver.metrics();
        receiver.end();
        figures
    };
    let unnamed = figures(&[]);
    let sent = "outreach_recipients{state=\"sent\"} 3";
    assert!(unnamed.contains(sent), "{unnamed}");
    assert!(!unnamed.contains("redundancies"), "{unnamed}");
    let named = figures(&["--metrics-names"]);
    let sent = "outreach_recipients{batch=\"redundancies\",state=\"sent\"} 3";
    assert!(named.contains(sent), "{named}");
}
