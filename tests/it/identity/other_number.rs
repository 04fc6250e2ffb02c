//! An answer that names another number than the one that was messaged.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use jiff::Timestamp;
use serde_json::json;

use crate::support::{CHANNEL, Receiver, Scratch, contacts, event};

/// An API that takes every message for the person +420777000099, whoever was meant.
fn confused_api() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 8192]);
            let body = r#"{"id":"55","channel":{"id":"7001200300400500601","type":"facebook_messenger"},"contact":{"id":"4242","phone_number":"+420 777 000 099"}}"#;
            let answer = format!(
                "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    url
}

#[test]
fn an_answer_that_names_another_number_is_told_and_its_contact_is_never_addressed() {
    let scratch = Scratch::new();
    scratch.write("contacts.csv", &contacts(1..2));
    let url = confused_api();
    let sent = scratch
        .outreach(&[
            "send",
            "contacts.csv",
            "--yes",
            "--batch",
            "list",
            "--message",
            "Hello",
        ])
        .with(&["--base-url", &url, "--channel", CHANNEL])
        .run()
        .expect(0);
    let sent = sent.says("for 1 rows the API's answer names another number");
    assert!(!sent.said.contains("777000099"), "masked: {}", sent.said);
    let results = scratch.read("list.results.csv");
    let row = results.lines().nth(1).unwrap();
    assert!(row.contains("+420777000001,sent,"), "{row}");
    assert!(row.contains("another number, +420777000099"), "{row}");
    let story = scratch
        .outreach(&["status", "list", "--row", "2"])
        .run()
        .expect(0);
    assert!(story.out.contains("another number"), "{}", story.out);
    // Never addressed: neither for the one nor for the other.
    let contact = |phone: &str| {
        scratch
            .outreach(&["contacts", "show", phone, "--json"])
            .run()
            .out
    };
    for phone in ["+420777000001", "+420777000099"] {
        assert!(
            !contact(phone).contains("\"contact_id\": \"4242\""),
            "{}",
            contact(phone)
        );
    }
    let receiver = Receiver::start(&scratch);
    receiver.take(&event(
        "message_received",
        "4242",
        None,
        &Timestamp::now().to_string(),
        &json!({ "id": "9001", "content": { "type": "text", "payload": "Please STOP messaging me" } }),
    ));
    receiver.end();
    let listed = scratch.outreach(&["suppress", "list"]).run().expect(0).out;
    for phone in ["+420777000001", "+420777000099"] {
        assert!(listed.contains(phone), "a STOP reaches both: {listed}");
    }
    scratch
        .outreach(&["forget", "+420777000099", "--yes"])
        .run()
        .expect(0);
    scratch.outreach(&["export", "list"]).run().expect(0);
    assert!(!scratch.read("list.results.csv").contains("777000099"));
}
