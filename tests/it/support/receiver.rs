//! `outreach serve` as a process of its own, and the events that it is sent.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use serde_json::{Value, json};

use super::{CHANNEL, Program, Running, Scratch, wait_until};

/// A running receiver that takes unsigned events. Killed when dropped.
pub(crate) struct Receiver {
    address: SocketAddr,
    process: Running,
}

impl Receiver {
    /// Starts one on the checkpoint of the folder; returns when it listens.
    pub(crate) fn start(scratch: &Scratch) -> Self {
        Self::of(scratch.outreach(&["serve", "--insecure-no-signature"]))
    }

    /// Starts the `serve` that is given.
    pub(crate) fn of(serve: Program) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = free.local_addr().expect("its address");
        drop(free);
        let process = serve.with(&["--listen", &address.to_string()]).start();
        wait_until("the receiver listens", || {
            TcpStream::connect(address).is_ok()
        });
        Self { address, process }
    }

    /// Sends an event, which must be taken.
    #[track_caller]
    pub(crate) fn take(&self, event: &Value) {
        let status = self.post("", &event.to_string());
        assert_eq!(status, 200, "{event}");
    }

    /// The page of figures.
    pub(crate) fn metrics(&self) -> String {
        self.request("GET /metrics", "", "")
    }

    /// What it said on stderr so far.
    pub(crate) fn said(&self) -> String {
        self.process.said()
    }

    /// Posts a body with these headers; returns the status.
    pub(crate) fn post(&self, headers: &str, body: &str) -> u16 {
        let answer = self.request("POST /webhooks/amio", headers, body);
        let status = answer.split(' ').nth(1).expect("a status line");
        status.parse().expect("a number")
    }

    fn request(&self, what: &str, headers: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(self.address).expect("the receiver listens");
        write!(
            stream,
            "{what} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n{body}",
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
