//! Promises that the program does not keep yet, one test for each way in which it was seen.
//!
//! This module is not declared in `main.rs`: its tests fail on the program of today. When a fault is
//! mended, its test moves into `promises.rs`, and its name goes out of `journeys/known.rs`.

mod erasure;
mod lists;
mod stops;
mod twice;

use std::time::Duration;

use serde_json::{Value, json};

use crate::journeys::api::{Accepted, people, poll};
use crate::journeys::events::{listens_at, sign};
use crate::journeys::list::{CHANNELS, Entry, TEXTS, csv_text, number};
use crate::journeys::model::{How, ResultRow};
use crate::journeys::steps::{Ending, Weather};
use crate::journeys::world::{Done, World};
use crate::support::Running;

const ANNA: usize = 1;
const BOB: usize = 2;
const EVA: usize = 3;
const IDA: usize = 5;

/// "Hello NAME".
const HELLO: usize = 0;
/// The same for everybody.
const SHOP: usize = 2;

/// A folder, the API, and the program.
struct Scene {
    world: World,
    /// The API of the run that was started last.
    url: String,
}

/// A row of a list; its key is its name and its person.
fn row(person: usize, name: &str) -> Entry {
    Entry {
        key: format!("{name}-{person}"),
        cell: format!("+{}", number(person)),
        person: Some(person),
        name: name.to_owned(),
    }
}

fn rows(list: &[(usize, &str)]) -> Vec<Entry> {
    list.iter()
        .map(|&(person, name)| row(person, name))
        .collect()
}

fn faults(faults: &[&str]) -> Weather {
    Weather {
        faults: faults.iter().map(|&fault| fault.to_owned()).collect(),
        concurrency: 1,
        ..Weather::fair()
    }
}

/// Dies while the first request that the fault hits waits for its answer.
fn killed(fault: &str) -> Weather {
    Weather {
        ending: Ending::Killed,
        ..faults(&[fault])
    }
}

impl Scene {
    fn new() -> Self {
        for person in [ANNA, BOB, EVA, IDA] {
            assert!(people().reachable(0, person));
        }
        Self {
            world: World::new(7),
            url: String::new(),
        }
    }

    fn list(&self, file: &str, list: &[(usize, &str)]) {
        self.world.scratch.write(file, &csv_text(&rows(list)));
    }

    fn arguments(batch: &str, text: usize, file: &str, more: &[&str]) -> Vec<String> {
        let mut arguments = World::send_arguments(batch, How::plain(text), file, None);
        arguments.extend(more.iter().map(|&word| word.to_owned()));
        arguments
    }

    fn send_in(&mut self, weather: &Weather, arguments: Vec<String>) -> Done {
        self.world.run_in(arguments, weather)
    }

    /// `send` without faults; returns the exit code.
    fn send(&mut self, batch: &str, text: usize, file: &str, more: &[&str]) -> Option<i32> {
        let arguments = Self::arguments(batch, text, file, more);
        self.send_in(&Weather::fair(), arguments).code
    }

    fn resume(&mut self, batch: &str) -> Option<i32> {
        let arguments = self.world.resume_arguments(batch);
        self.send_in(&Weather::fair(), arguments).code
    }

    #[track_caller]
    fn run(&mut self, arguments: &[&str]) {
        let done = self.world.run(arguments);
        assert_eq!(done.code, Some(0), "{arguments:?}: {}", done.said);
    }

    /// The standard output of a command that ends with 0.
    #[track_caller]
    fn output(&mut self, arguments: &[&str]) -> String {
        let arguments: Vec<String> = arguments.iter().map(|&word| word.to_owned()).collect();
        let ended = self.world.start(&arguments, None).wait();
        assert_eq!(ended.code, Some(0), "{arguments:?}: {}", ended.said);
        ended.out
    }

    fn start(&mut self, weather: &Weather, mut arguments: Vec<String>) -> (Vec<String>, Running) {
        let latency = Duration::from_millis(weather.latency);
        let url = self.world.api.open(weather.faults.clone(), latency);
        World::tune(&mut arguments, &url, weather);
        self.url = url;
        let running = self.world.start(&arguments, None);
        (arguments, running)
    }

    /// A run beside the one that was started.
    fn send_beside(&mut self, batch: &str, text: usize, file: &str) {
        let mut arguments = Self::arguments(batch, text, file, &[]);
        World::tune(&mut arguments, &self.url, &Weather::fair());
        let running = self.world.start(&arguments, None);
        self.world.end(&arguments, running);
    }

    /// The texts that the person got, in order.
    fn texts(&self, person: usize) -> Vec<String> {
        let account = self.world.api.account_now().into_iter();
        let of_person = account.filter(|message| message.person == person);
        of_person.map(|message| message.text).collect()
    }

    fn message_to(&self, person: usize) -> Accepted {
        let mut account = self.world.api.account_now().into_iter();
        let message = account.rfind(|message| message.person == person);
        message.expect("a message to the person")
    }

    /// The row of the person that counts.
    fn row(&mut self, batch: &str, person: usize) -> ResultRow {
        let rows = self.world.export(batch).expect("the results");
        let mut of_person = rows.into_iter().filter(|row| row.person == Some(person));
        let row = of_person.find(|row| row.status != "duplicate");
        row.expect("a row of the person")
    }

    fn status(&mut self, batch: &str, person: usize) -> String {
        self.row(batch, person).status
    }

    /// Brings events to `serve`, which runs for them only.
    fn events(&mut self, events: &[Value]) {
        let serve = ["serve", "--listen", "127.0.0.1:0"].map(str::to_owned);
        let mut receiver = self.world.start(&serve, None);
        let url = listens_at(&mut receiver);
        for event in events {
            let body = event.to_string();
            assert_eq!(self.world.api.deliver(&url, &sign(&body), &body), 200);
        }
        receiver.signal("TERM");
        assert_eq!(self.world.end(&serve, receiver).code, Some(0));
    }

    fn phone(person: usize) -> String {
        format!("+{}", number(person))
    }
}

fn event(kind: &str, data: &Value) -> Value {
    let now = jiff::Timestamp::now().to_string();
    json!({ "event": kind, "timestamp": now, "data": data })
}

fn echo(message: &Accepted) -> Value {
    event("message_echo", &message.echo)
}

/// What the person who got the message says; `fields` join the data.
fn said(message: &Accepted, kind: &str, fields: &Value) -> Value {
    let mut data = json!({
        "channel": { "id": CHANNELS[0].0, "type": CHANNELS[0].1 },
        "contact": { "id": message.echo["contact"]["id"] },
    });
    for (name, value) in fields.as_object().expect("fields") {
        data[name] = value.clone();
    }
    event(kind, &data)
}

fn delivered(message: &Accepted) -> Value {
    let mut data = json!({
        "channel": { "id": CHANNELS[0].0, "type": CHANNELS[0].1 },
        "contact": { "id": message.echo["contact"]["id"] },
        "messages": [{ "id": message.id.to_string() }],
        "delivered_timestamp": jiff::Timestamp::now().to_string(),
    });
    data["contact"]["phone_number"] = json!(number(message.person).to_string());
    event("messages_delivered", &data)
}

fn stop(message: &Accepted, id: u64) -> Value {
    let fields = json!({ "id": id.to_string(), "content": { "type": "text", "payload": "STOP" } });
    said(message, "message_received", &fields)
}

fn stop_by_button(message: &Accepted) -> Value {
    said(
        message,
        "postback",
        &json!({ "postback": { "payload": "STOP" } }),
    )
}
