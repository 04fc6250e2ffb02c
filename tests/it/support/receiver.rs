//! `outreach serve` as a process of its own, and the events that it is sent.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use serde_json::{Value, json};

use super::{CHANNEL, Ended, Program, Running, Scratch, wait_until};

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

    /// Sends an event; true if it was taken, false if it was refused or there is no receiver any more.
    pub(crate) fn offer(&self, event: &Value) -> bool {
        let answer = self.try_request("POST /webhooks/amio", "", &event.to_string());
        answer.is_ok_and(|answer| answer.contains(" 200 "))
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
        self.try_request(what, headers, body).expect("an answer")
    }

    fn try_request(&self, what: &str, headers: &str, body: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(self.address)?;
        write!(
            stream,
            "{what} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }

    /// It ends by itself.
    pub(crate) fn wait(self) -> Ended {
        self.process.wait()
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
