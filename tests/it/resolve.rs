//! `outreach resolve`: unknown outcomes are settled by evidence or by decision, never by themselves.

use std::net::TcpListener;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use outreach::internals::domain::delivery::State;
use outreach::internals::store::LookBack;
use outreach::run::Access;
use serde_json::{Value, json};

use crate::fixture::{CHANNEL, Place, content, every_state, text};
use crate::support::{Receiver, SandboxProcess, Scratch, contacts, event, number};

fn story(place: &Place, row: &str) -> Value {
    let output = place.outreach(&["status", "spring", "--row", row, "--json"]);
    let story: Value = serde_json::from_slice(&output.stdout).unwrap();
    story[0].clone()
}

fn sound(place: &Place) {
    assert_eq!(place.reader().integrity_faults().unwrap(), [""; 0]);
}

#[test]
fn the_unknown_rows_are_listed_with_masked_numbers() {
    let place = every_state();
    let output = place.outreach(&["resolve", "spring"]);
    assert_eq!(output.status.code(), Some(0));
    insta::assert_snapshot!("resolve_list", text(&output.stdout));
    let output = place.outreach(&["resolve", "spring", "--json"]);
    let rows: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(rows[0]["row"], 5);
    assert_eq!(rows[1]["row"], 6);
    assert_eq!(rows[2]["row"], 7);
    assert_eq!(rows[0]["requested_at"], "2026-05-01T10:00:00Z");
}

#[test]
fn a_decision_is_carried_out_for_the_named_rows_and_recorded_with_who_and_when() {
    let place = every_state();
    assert!(
        place
            .outreach(&["resolve", "spring", "--assume-sent", "--row", "5"])
            .status
            .success()
    );
    assert!(
        place
            .outreach(&["resolve", "spring", "--resend", "--row", "6"])
            .status
            .success()
    );
    let sent = story(&place, "5");
    assert_eq!(sent["status"], "sent");
    assert_eq!(sent["attempts"][1]["outcome"], "assumed_sent");
    assert_eq!(sent["attempts"][1]["actor"], "jana@desk");
    let again = story(&place, "6");
    assert_eq!(again["status"], "queued");
    assert_eq!(again["reason"], Value::Null);
    assert_eq!(again["attempts"][1]["outcome"], "resend");
    sound(&place);
}

#[test]
fn all_unknown_rows_and_no_others_are_settled() {
    let place = every_state();
    assert!(
        place
            .outreach(&["resolve", "spring", "--assume-sent", "--all"])
            .status
            .success()
    );
    let counts = place.reader().counts(place.batch().id).unwrap();
    // Row 7 too, which a process that is gone had left under way.
    assert_eq!((counts.unknown, counts.sent, counts.sending), (0, 4, 0));
    sound(&place);
}

#[test]
fn a_row_that_is_not_unknown_stops_the_whole_decision() {
    let place = every_state();
    let args = ["resolve", "spring", "--resend", "--row", "5", "--row", "2"];
    let output = place.outreach(&args);
    assert_eq!(output.status.code(), Some(2));
    let told = text(&output.stderr);
    assert!(told.contains("`outreach status spring --row 2`"), "{told}");
    assert_eq!(story(&place, "5")["status"], "unknown");
    assert_eq!(story(&place, "2")["status"], "sent");
}

#[test]
fn a_batch_that_another_process_holds_is_left_alone() {
    let place = every_state();
    let store = outreach::internals::store::Store::open(&place.db()).unwrap();
    let _hold = store
        .hold("spring", "2026-05-01T10:00:00Z".parse().unwrap())
        .unwrap();
    let output = place.outreach(&["resolve", "spring", "--assume-sent", "--all"]);
    assert_eq!(output.status.code(), Some(9));
    assert!(text(&output.stderr).contains(&std::process::id().to_string()));
}

#[test]
fn a_row_of_one_of_several_files_is_named_with_its_file() {
    let (scratch, sandbox) = (
        Scratch::new(),
        SandboxProcess::with_faults(&["500-after-accept"]),
    );
    scratch.write("a.csv", &contacts(0..1));
    scratch.write("b.csv", &contacts(1..2));
    scratch
        .outreach(&["send", "a.csv", "b.csv", "--yes", "--batch", "list"])
        .with(&["--message", "Hello", "--channel", crate::support::CHANNEL])
        .with(&[
            "--base-url",
            sandbox.base_url(),
            "--undecided-in-a-row",
            "9",
        ])
        .run();
    let unknown = || scratch.checkpoint().counts().unknown;
    assert_eq!(unknown(), 2);
    let resolve = ["resolve", "list", "--assume-sent", "--row", "2"];
    let told = scratch.outreach(&resolve).run().expect(2);
    assert!(told.said.contains("a.csv, row 2") && told.said.contains("b.csv, row 2"));
    assert_eq!(unknown(), 2);
    let with = |file: &str| scratch.outreach(&resolve).with(&["--file", file]).run();
    with("c.csv").expect(2);
    with("b.csv").expect(0);
    let states: Vec<_> = scratch
        .checkpoint()
        .rows()
        .iter()
        .map(|row| row.state)
        .collect();
    assert_eq!(states, [State::Unknown, State::Sent]);
    with("1").expect(0);
    assert_eq!(unknown(), 0);
}

#[test]
fn what_is_sent_again_by_decision_may_have_arrived_and_counts_for_other_batches() {
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::with_faults(&["500-after-accept:at=1"]);
    scratch.contacts(1);
    scratch.send(&sandbox).run().expect(3);
    let resolve = ["resolve", "list", "--resend", "--all"];
    scratch.outreach(&resolve).run().expect(0);
    // Before the batch itself sends again: another text, then the same.
    let send = |batch: &str, text: &str| {
        let command = ["send", "contacts.csv", "--yes", "--batch", batch];
        scratch
            .outreach(&command)
            .with(&["--channel", CHANNEL, "--base-url", sandbox.base_url()])
            .with(&["--message", text, "--message-again", "--min-valid", "0%"])
    };
    send("other", "Another text")
        .with(&["--not-within", "1d"])
        .run();
    send("same", "Hello {{ first_name }}").run();
    assert_eq!(sandbox.stats().sends, 1, "nobody else sends");
    for (batch, reason) in [
        ("other", "this number may have got a message at "),
        ("same", "the same message may have gone to this number at "),
    ] {
        let rows = scratch.checkpoint().rows_of(batch);
        assert_eq!(rows[0].state, State::Suppressed, "{batch}");
        let told = rows[0].reason.as_deref().unwrap_or_default();
        assert!(told.starts_with(reason), "{told}");
    }
    scratch.send(&sandbox).run().expect(0);
    assert_eq!(sandbox.stats().sends, 2, "its own batch does");
}

/// A decision to send again holds as long as nothing shows that the message arrived.
#[test]
fn a_delivery_that_comes_after_the_decision_to_send_again_ends_it() {
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::with_faults(&["500-after-accept:at=1"]);
    scratch.contacts(1);
    scratch.send(&sandbox).run().expect(3);
    let resolve = ["resolve", "list", "--resend", "--all"];
    scratch.outreach(&resolve).run().expect(0);
    let receiver = Receiver::start(&scratch);
    let now = jiff::Timestamp::now().to_string();
    let delivered = json!({ "messages": [{ "id": "8001" }], "delivered_timestamp": now });
    receiver.take(&event(
        "messages_delivered",
        "4601",
        Some(number(0)),
        &now,
        &delivered,
    ));
    receiver.end();
    scratch.send(&sandbox).run().expect(0);
    assert_eq!(sandbox.stats().sends, 1);
    assert_eq!(scratch.checkpoint().rows()[0].state, State::Sent);
}

/// Answers so many requests, each on a connection of its own; returns what was asked, and when.
fn answer(answers: Vec<(&'static str, String)>) -> (String, JoinHandle<Vec<(String, Instant)>>) {
    use std::io::{Read as _, Write as _};
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let served = std::thread::spawn(move || {
        let answers = answers.into_iter();
        let serve = |(head, body): (&str, String)| {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = vec![0; 4096];
            let read = stream.read(&mut request).unwrap();
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {head}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
            );
            stream.write_all(answer.as_bytes()).unwrap();
            (text(&request[..read]), Instant::now())
        };
        answers.map(serve).collect()
    });
    (url, served)
}

#[test]
fn each_question_to_the_api_keeps_the_pace_and_is_counted() {
    let place = every_state();
    let others: Vec<Value> = (0..100)
        .map(|n| json!({"id": n.to_string(), "direction": "received", "content": {}}))
        .collect();
    let (url, served) = answer(vec![
        ("429 Too Many Requests\r\nRetry-After: 1", String::new()),
        ("200 OK", Value::from(others).to_string()),
        ("200 OK", "[]".to_owned()),
    ]);
    let access = Access {
        base_url: url.parse().unwrap(),
        token: "t".to_owned().into(),
    };
    let output = place
        .command(&["resolve", "spring", "--from-api", "--base-url", &url])
        .env("AMIO_TOKEN", "t")
        .env("OUTREACH_RATE", "1/s")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    let served = served.join().unwrap();
    for (path, (request, _)) in ["offset=0", "offset=0", "offset=100"].iter().zip(&served) {
        assert!(request.contains(path), "{request}");
    }
    for pair in served.windows(2) {
        let apart = pair[1].1 - pair[0].1;
        assert!(apart > Duration::from_millis(900), "{apart:?}");
    }
    let (token, reader) = (access.fingerprint(), place.reader());
    assert_eq!(
        reader.claimed(token).unwrap(),
        3,
        "other processes see them"
    );
    let now = jiff::Timestamp::now();
    let lately = LookBack {
        since: now - jiff::SignedDuration::from_mins(1),
        now,
        uptime: None,
    };
    let past = reader.past_requests(token, &lately, 10).unwrap();
    assert_eq!((past.starts.len(), past.unanswered), (3, 0));
    sound(&place);
}

#[test]
fn the_apis_list_proves_what_it_shows_and_nothing_else() {
    let place = every_state();
    let list = format!(
        r#"[{{"id":"1","direction":"sent","sent":"2026-04-01T10:00:00Z","delivered":null,"read":null,"content":{same}}},
            {{"id":"2","direction":"sent","sent":"2026-05-01T10:00:00.9Z","delivered":"2026-05-01T10:00:02Z","read":null,"content":{same}}}]"#,
        same = content(5)
    );
    let (url, served) = answer(vec![("200 OK", list)]);
    let output = place
        .command(&["resolve", "spring", "--from-api", "--base-url", &url])
        .env("AMIO_TOKEN", "t")
        .output()
        .unwrap();
    // Row 6 has no contact id: it stays unknown, and the exit code says so.
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    let told = text(&output.stderr);
    let reason = "cannot be asked about: no contact id is known, or the person was erased";
    assert!(told.contains(reason), "{told}");
    let (request, _) = &served.join().unwrap()[0];
    let path = format!("GET /v1/channels/{CHANNEL}/contacts/4005/messages");
    assert!(request.starts_with(&path), "{request}");
    let proven = story(&place, "5");
    assert_eq!(proven["status"], "sent");
    assert_eq!(proven["message_id"], "2");
    assert_eq!(proven["delivered_at"], "2026-05-01T10:00:02Z");
    assert_eq!(proven["attempts"][1]["outcome"], "evidence");
    assert_eq!(story(&place, "6")["status"], "unknown");
    sound(&place);
}

#[test]
fn the_api_is_asked_on_the_channel_of_the_request_whose_outcome_is_unknown() {
    use outreach::internals::sandbox::Settings;
    const VIBER: &str = Settings::VIBER_CHANNEL;
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::start(&[
        "--no-messenger",
        "100%",
        "--no-viber",
        "0%",
        "--fault=500-after-accept:at=3",
    ]);
    scratch.contacts(1);
    scratch
        .outreach(&["send", "contacts.csv", "--yes", "--batch", "before"])
        .with(&["--message", "Before", "--channel", VIBER])
        .with(&["--base-url", sandbox.base_url()])
        .run()
        .expect(0);
    scratch
        .send(&sandbox)
        .with(&["--message-again", "--fallback", VIBER])
        .with(&["--message-for", &format!("{VIBER}=Call us")])
        .run()
        .expect(3);
    assert_eq!(scratch.checkpoint().counts().unknown, 1);
    scratch
        .outreach(&["resolve", "list", "--from-api", "--base-url"])
        .with(&[sandbox.base_url()])
        .run()
        .expect(0);
    let counts = scratch.checkpoint().counts();
    assert_eq!((counts.sent, counts.unknown), (1, 0));
    assert_eq!(sandbox.stats().reached, 1);
    scratch.checkpoint().expect_sound();
}
