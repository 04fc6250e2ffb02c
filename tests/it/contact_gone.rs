//! A remembered contact that the API does not know any more: the number is tried once, and what the contact says is
//! still heard.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use jiff::Timestamp;
use outreach::internals::domain::delivery::State;
use serde_json::json;

use crate::support::{CHANNEL, Receiver, SandboxProcess, Scratch, event, number};

/// The id that the list names.
const GONE: &str = "7001200300400500777";

/// A list of one person, whose contact it names.
fn listed() -> Scratch {
    let scratch = Scratch::new();
    let list = format!("phone,first_name,contact_id\n+{},Eva,{GONE}\n", number(1));
    scratch.write("contacts.csv", &list);
    scratch
}

fn sandbox(faults: &[&str]) -> SandboxProcess {
    let faults: Vec<_> = faults.iter().flat_map(|fault| ["--fault", fault]).collect();
    SandboxProcess::start(&faults)
}

/// Sends the list as the batch, with a text of its own; returns the exit code.
fn send(scratch: &Scratch, url: &str, batch: &str) -> i32 {
    let message = format!("Hello {batch}");
    let lists_contacts = scratch.read("contacts.csv").contains(GONE);
    let columns: &[&str] = if lists_contacts {
        &["--column", "contact_id=contact_id"]
    } else {
        &[]
    };
    let ended = scratch
        .outreach(&["send", "contacts.csv", "--yes", "--batch", batch])
        .with(&["--message", &message])
        .with(columns)
        .with(&["--base-url", url, "--channel", CHANNEL])
        .run();
    ended.code.expect("an exit code")
}

/// How the requests for the only row of the batch `list` ended.
fn requests(scratch: &Scratch) -> Vec<String> {
    let attempts = scratch.checkpoint().attempts(2).into_iter();
    attempts
        .map(|attempt| attempt.outcome.unwrap_or_default())
        .collect()
}

fn stop(scratch: &Scratch, contact: &str) {
    let receiver = Receiver::start(scratch);
    let content =
        json!({ "id": format!("9{contact}"), "content": { "type": "text", "payload": "STOP" } });
    let now = Timestamp::now().to_string();
    receiver.take(&event("message_received", contact, None, &now, &content));
    receiver.end();
}

fn suppressed(scratch: &Scratch) -> String {
    scratch.outreach(&["suppress", "list"]).run().expect(0).out
}

#[test]
fn the_number_is_tried_once_as_a_request_of_its_own_and_a_stop_of_the_old_contact_is_heard() {
    for status in ["404", "422", "400"] {
        let scratch = listed();
        let gone = format!("refuse=Contact not found.:by=id:status={status}");
        let api = sandbox(&[&gone]);
        assert_eq!(send(&scratch, api.base_url(), "list"), 0);
        assert_eq!(requests(&scratch), ["contact_gone", "sent"]);
        let checkpoint = scratch.checkpoint();
        checkpoint.expect_sound();
        assert_eq!(checkpoint.counts().requests, 2, "both count in the quota");
        assert_eq!(api.accepted()[&number(1)], 1);
        // From now on it is the contact that the answer named.
        let known = scratch
            .outreach(&["contacts", "show", &format!("+{}", number(1)), "--json"])
            .run();
        assert!(!known.out.contains(GONE), "{}", known.out);
        stop(&scratch, GONE);
        assert!(suppressed(&scratch).contains(&number(1).to_string()));
    }
}

#[test]
fn a_number_without_messenger_ends_the_contact_too() {
    let scratch = listed();
    let faults = [
        "refuse=Contact not found.:by=id:status=404",
        "refuse=(#100) No matching user found:by=phone",
    ];
    assert_eq!(send(&scratch, sandbox(&faults).base_url(), "list"), 0);
    assert_eq!(requests(&scratch), ["contact_gone", "no_messenger"]);
    stop(&scratch, GONE);
    assert!(suppressed(&scratch).contains(&number(1).to_string()));
}

#[test]
fn a_contact_is_not_forgotten_where_the_try_by_number_says_nothing_of_it() {
    let scratch = Scratch::new();
    scratch.contacts(1);
    let first = sandbox(&[]);
    assert_eq!(send(&scratch, first.base_url(), "first"), 0);
    let second = sandbox(&[
        "refuse=Contact not found.:by=id:status=404",
        "refuse=(#551) This person isn't available right now.:by=phone",
    ]);
    assert_eq!(send(&scratch, second.base_url(), "second"), 3);
    let third = sandbox(&["refuse=Contact not found.:by=id:status=404"]);
    assert_eq!(send(&scratch, third.base_url(), "third"), 0);
    let by_id: u64 = third.stats().faults.values().sum();
    assert_eq!(by_id, 1, "the third batch addressed the contact again");
}

#[test]
fn a_process_that_died_between_the_two_requests_goes_on_by_number() {
    let scratch = listed();
    let api = sandbox(&["refuse=Contact not found.:by=id:status=404"]);
    scratch
        .outreach(&["send", "contacts.csv", "--yes", "--batch", "list"])
        .with(&[
            "--message",
            "Hello list",
            "--column",
            "contact_id=contact_id",
        ])
        .with(&["--base-url", api.base_url(), "--channel", CHANNEL])
        .crash_at("after-request")
        .run()
        .expect_crash();
    // The answer is lost: nobody knows that it was a refusal.
    assert_eq!(send(&scratch, api.base_url(), "list"), 3);
    let states: Vec<State> = scratch.checkpoint().states().into_values().collect();
    assert_eq!(states, [State::Unknown]);
    assert!(api.accepted().is_empty());
}

#[test]
fn where_the_list_names_one_contact_and_the_api_another_the_one_that_was_addressed_ends() {
    let scratch = listed();
    scratch.write(
        "contacts.csv",
        &format!("phone,first_name\n+{},Eva\n", number(1)),
    );
    assert_eq!(send(&scratch, sandbox(&[]).base_url(), "first"), 0);
    let list = format!("phone,first_name,contact_id\n+{},Eva,{GONE}\n", number(1));
    scratch.write("contacts.csv", &list);
    let faults = [
        "refuse=Contact not found.:by=id:status=404",
        "refuse=(#100) No matching user found:by=phone",
    ];
    assert_eq!(send(&scratch, sandbox(&faults).base_url(), "list"), 0);
    assert_eq!(requests(&scratch), ["contact_gone", "no_messenger"]);
    let known = scratch
        .outreach(&["contacts", "show", &format!("+{}", number(1)), "--json"])
        .run();
    assert!(known.out.contains(r#""contact_id": null"#), "{}", known.out);
}

/// An API that knows no contact and takes every other message for +420777000099.
fn confused_api() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 8192];
            let length = stream.read(&mut request).unwrap_or(0);
            let by_id = String::from_utf8_lossy(&request[..length]).contains(GONE);
            let (status, body) = if by_id {
                (
                    "404 Not Found",
                    r#"{"errors":[{"message":"Contact not found."}]}"#,
                )
            } else {
                (
                    "201 Created",
                    r#"{"id":"55","contact":{"id":"4242","phone_number":"420777000099"}}"#,
                )
            };
            let answer = format!(
                "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    url
}

#[test]
fn where_the_answer_names_another_number_both_contacts_are_heard_and_neither_is_addressed() {
    let scratch = listed();
    assert_eq!(send(&scratch, &confused_api(), "list"), 0);
    assert_eq!(requests(&scratch), ["contact_gone", "sent"]);
    let known = |phone: &str| {
        scratch
            .outreach(&["contacts", "show", phone, "--json"])
            .run()
    };
    let own = format!("+{}", number(1));
    for phone in [own.as_str(), "+420777000099"] {
        let known = known(phone);
        assert!(
            !known.out.contains(GONE) && !known.out.contains("4242"),
            "{}",
            known.out
        );
    }
    stop(&scratch, GONE);
    assert!(suppressed(&scratch).contains(&own));
    assert!(!suppressed(&scratch).contains("777000099"));
    stop(&scratch, "4242");
    assert!(suppressed(&scratch).contains("777000099"));
}
