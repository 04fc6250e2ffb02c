//! A clock that is wrong: the API's answers tell, and times that were stored by it do no harm.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::{SignedDuration, Timestamp};

use crate::support::{CHANNEL, Ended, Scratch};

/// A server whose clock differs from ours; accepts every message.
struct Server {
    address: SocketAddr,
    messages: Arc<AtomicUsize>,
}

impl Server {
    fn with_clock(minutes: i64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let messages = Arc::new(AtomicUsize::new(0));
        let account = Arc::clone(&messages);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                answer(stream.unwrap(), minutes, &account);
            }
        });
        Self { address, messages }
    }

    fn messages(&self) -> usize {
        self.messages.load(Ordering::SeqCst)
    }

    fn send(&self, scratch: &Scratch, batch: &str, more: &[&str]) -> Ended {
        let url = format!("http://{}/v1", self.address);
        let program = scratch.outreach(&["send", "contacts.csv", "--yes", "--message", "Hi"]);
        let program = program.with(&["--batch", batch, "--base-url", &url, "--channel", CHANNEL]);
        program.with(more).run()
    }
}

/// Answers one request and closes the connection.
fn answer(mut stream: TcpStream, minutes: i64, account: &AtomicUsize) {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let Ok(read @ 1..) = stream.read(&mut buffer) else {
            return;
        };
        bytes.extend(&buffer[..read]);
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head.split("content-length: ").nth(1).unwrap();
        let length: usize = length.lines().next().unwrap().parse().unwrap();
        if body.len() >= length {
            break;
        }
    }
    let id = account.fetch_add(1, Ordering::SeqCst) + 1;
    let now = Timestamp::now() + SignedDuration::from_mins(minutes);
    let date = jiff::fmt::rfc2822::to_string(&now.to_zoned(jiff::tz::TimeZone::UTC)).unwrap();
    let date = date.replace("+0000", "GMT");
    let body = format!(
        "{{\"id\":\"{id}\",\"contact\":{{\"id\":\"{}\"}}}}",
        id + 1000
    );
    let length = body.len();
    let _ = write!(
        stream,
        "HTTP/1.1 201 Created\r\nDate: {date}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    );
}

#[test]
fn a_clock_that_differs_from_the_apis_stops_the_batch_after_the_canary() {
    for minutes in [2 * 24 * 60, -2 * 24 * 60, 6, -6] {
        let server = Server::with_clock(minutes);
        let scratch = Scratch::new();
        scratch.contacts(5);
        let stopped = server.send(&scratch, "list", &[]).expect(5);
        for word in ["clock", "--trust-clock"] {
            assert!(stopped.said.contains(word), "{}", stopped.said);
        }
        assert_eq!(server.messages(), 1, "{minutes}");
        // Whoever knows that this clock is right goes on.
        server.send(&scratch, "list", &["--trust-clock"]).expect(0);
        assert_eq!(server.messages(), 5, "{minutes}");
    }
}

#[test]
fn clocks_that_differ_a_little_stop_nothing() {
    for minutes in [0, 4, -4] {
        let server = Server::with_clock(minutes);
        let scratch = Scratch::new();
        scratch.contacts(3);
        server.send(&scratch, "list", &[]).expect(0);
        assert_eq!(server.messages(), 3);
    }
}

#[test]
fn a_time_that_lies_ahead_counts_as_now_and_stays_as_it_is() {
    let server = Server::with_clock(0);
    let scratch = Scratch::new();
    scratch.contacts(2);
    server.send(&scratch, "first", &[]).expect(0);
    // As a clock that was two days ahead would have left it.
    let ahead = (Timestamp::now() + SignedDuration::from_hours(48)).as_millisecond();
    let connection = rusqlite::Connection::open(scratch.path("outreach.db")).unwrap();
    connection
        .execute(
            "UPDATE attempt SET started_at = ?1, finished_at = ?1",
            [ahead],
        )
        .unwrap();
    server.send(&scratch, "second", &[]).expect(0);
    assert_eq!(server.messages(), 2, "nobody was messaged again");
    let stored: i64 = connection
        .query_row("SELECT min(finished_at) FROM attempt", [], |row| row.get(0))
        .unwrap();
    assert_eq!(stored, ahead, "it is not rewritten");
}
