//! `outreach serve` as a process of its own, and the events that it is sent.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use serde_json::{Value, json};

use super::{CHANNEL, Running, Scratch, wait_until};

/// A running receiver that takes unsigned events. Killed when dropped.
pub(crate) struct Receiver {
    address: SocketAddr,
    process: Running,
}

impl Receiver {
    /// Starts one on the checkpoint of the folder; returns when it listens.
    pub(crate) fn start(scratch: &Scratch) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = free.local_addr().expect("its address");
        drop(free);
        let process = scratch
            .outreach(&["serve", "--insecure-no-signature"])
            .with(&["--listen", &address.to_string()])
            .start();
        wait_until("the receiver listens", || {
            TcpStream::connect(address).is_ok()
        });
        Self { address, process }
    }

    /// Sends an event, which must be taken.
    #[track_caller]
    pub(crate) fn take(&self, event: &Value) {
        let answer = self.request("POST /webhooks/amio", &event.to_string());
        assert!(answer.starts_with("HTTP/1.1 200"), "{event}: {answer}");
    }

    /// The page of figures.
    pub(crate) fn metrics(&self) -> String {
        self.request("GET /metrics", "")
    }

    fn request(&self, what: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(self.address).expect("the receiver listens");
        write!(
            stream,
            "{what} HTTP/1.1\r\nHost: here\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }

    /// Ends it as a service manager does.
    pub(crate) fn end(self) {
        self.process.signal("TERM");
        self.process.wait().expect(0);
    }
}

/// An event of the channel about a contact; `number` only where the event tells it.
pub(crate) fn event(
    kind: &str,
    contact: &str,
    number: Option<u64>,
    sent_at: &str,
    fields: &Value,
) -> Value {
    let mut data = json!({
        "channel": { "id": CHANNEL, "type": "facebook_messenger" },
        "contact": { "id": contact },
    });
    if let Some(number) = number {
        data["contact"]["phone_number"] = number.to_string().into();
    }
    for (key, value) in fields.as_object().expect("fields") {
        data[key] = value.clone();
    }
    json!({ "event": kind, "timestamp": sent_at, "data": data })
}
