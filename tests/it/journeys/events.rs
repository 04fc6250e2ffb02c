//! Steps with webhook events: what people say, and what became of messages.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha1::Sha1;

use super::api::{Accepted, poll};
use super::check::must;
use super::known::known;
use super::list::{CHANNELS, PEOPLE, number};
use super::runs::Stepped;
use super::steps::{Ending, Weather};
use super::world::{Report, SECRET, World};
use crate::support::{Random, Running};

/// What an event says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Saying {
    Stop,
    StopByButton,
    OptIn,
    Delivered,
    Read,
    Echo,
}

pub(crate) fn sign(body: &str) -> String {
    let mac = Hmac::<Sha1>::new_from_slice(SECRET.as_bytes()).unwrap();
    let bytes = mac.chain_update(body).finalize().into_bytes();
    let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha1={}", hex.concat())
}

impl World {
    /// Events to a receiver that is started for them and ended again.
    pub(crate) fn events(&mut self, random: &mut Random) -> Stepped {
        let account = self.model.account.clone();
        self.bring_events(random, &account)?;
        Ok(Report {
            touched: self.all_batches(),
            settles: true,
            ..Report::default()
        })
    }

    pub(super) fn bring_events(
        &mut self,
        random: &mut Random,
        account: &[Accepted],
    ) -> Result<(), String> {
        if account.is_empty() {
            return Ok(());
        }
        let serve = ["serve", "--listen", "127.0.0.1:0"].map(str::to_owned);
        let mut receiver = self.start(&serve, None);
        let url = listens_at(&mut receiver);
        for _ in 0..random.between(1, 3) {
            let message = self.pick_message(random, account);
            let saying = *random.one_of(&[
                Saying::Stop,
                Saying::Stop,
                Saying::StopByButton,
                Saying::StopByButton,
                Saying::OptIn,
                Saying::Delivered,
                Saying::Read,
                Saying::Echo,
                Saying::Echo,
            ]);
            let body = event(saying, &message, random).to_string();
            self.note(&format!("# event {body}"));
            let copies = if random.next().is_multiple_of(4) {
                2
            } else {
                1
            };
            for _ in 0..copies {
                let status = self.api.deliver(&url, &sign(&body), &body);
                must(status == 200, || {
                    format!("serve answers {status} to {body}")
                })?;
            }
            self.heard(saying, &message);
        }
        receiver.signal("TERM");
        let done = self.end(&serve, receiver);
        must(done.code == Some(0), || {
            format!("serve ends with {:?}: {}", done.code, done.said)
        })
    }

    /// A message that an event is about: of somebody who was erased or said STOP, one whose outcome is
    /// open, or one of the latest.
    fn pick_message(&self, random: &mut Random, account: &[Accepted]) -> Accepted {
        let people = &self.model.people;
        let moved = |message: &&Accepted| {
            let person = &people[message.person];
            person.forgotten || person.pressed
        };
        let open = |message: &&Accepted| {
            let batch = self.model.batch(&message.batch);
            let row = batch.and_then(|batch| batch.row_of(message.person));
            row.is_none_or(|row| !row.is("sent"))
        };
        let latest = account.len().saturating_sub(8);
        let among: Vec<&Accepted> = match random.next() % 4 {
            0 => account.iter().filter(moved).collect(),
            1 => account.iter().filter(open).collect(),
            2 => account.iter().collect(),
            _ => Vec::new(),
        };
        if among.is_empty() {
            random.one_of(&account[latest..]).clone()
        } else {
            (*random.one_of(&among)).clone()
        }
    }

    /// What the event means for what may be sent from now on.
    fn heard(&mut self, saying: Saying, message: &Accepted) {
        let (person, channel) = (message.person, message.channel);
        let batch = self.model.batch(&message.batch);
        let row = batch.and_then(|batch| batch.row_of(person));
        let is_settled = row.is_some_and(|row| row.is("sent"));
        match saying {
            Saying::OptIn => self.model.call(person, channel, None),
            Saying::Delivered => self.model.call(person, channel, Some(&message.batch)),
            Saying::Stop | Saying::StopByButton | Saying::Read | Saying::Echo => {}
        }
        let somebody = &mut self.model.people[person];
        match saying {
            Saying::Read => {}
            Saying::OptIn => somebody.contact_known[channel] = true,
            Saying::Delivered => {
                somebody.may_show_contact(channel);
                somebody.evidence |= !is_settled;
                somebody.delivered |= !is_settled;
            }
            Saying::Echo => {
                somebody.may_show_contact(channel);
                somebody.evidence |= !is_settled;
            }
            Saying::Stop | Saying::StopByButton => {
                let by_button = saying == Saying::StopByButton;
                let dropped = by_button && somebody.pressed && known("second_postback")
                    || somebody.forgotten && known("stop_after_forget");
                somebody.pressed |= by_button;
                let is_known = channel == 1 || somebody.contact_known[channel];
                if dropped {
                    somebody.murky |= !somebody.blocked;
                } else if is_known {
                    somebody.murky = false;
                    self.model.block(person);
                } else {
                    somebody.murky |= !somebody.blocked && somebody.contact_shown[channel];
                    somebody.stop_waits = Some(channel);
                    somebody.stop_waited = true;
                }
            }
        }
    }

    /// A STOP that waited for its contact is heard once the contact is known.
    pub(crate) fn hear_waiting_stops(&mut self) {
        for person in 0..PEOPLE {
            let somebody = &mut self.model.people[person];
            let heard = somebody
                .stop_waits
                .is_some_and(|channel| somebody.contact_known[channel]);
            if !heard {
                continue;
            }
            somebody.stop_waits = None;
            if known("stop_before_contact") || somebody.murky || somebody.forgotten {
                somebody.murky = true;
            } else {
                self.model.block(person);
            }
        }
    }

    /// A run waits for an answer; the receiver takes events; then the run is killed.
    pub(crate) fn events_meanwhile(&mut self, random: &mut Random) -> Stepped {
        let Some(plan) = self.plan(random) else {
            return Ok(Report::default());
        };
        let mut weather = Weather::fair();
        weather.ending = Ending::Killed;
        weather.concurrency = 1;
        weather.faults = vec![format!("hang-after-accept:at={}", random.between(1, 3))];
        let url = self
            .api
            .open(weather.faults.clone(), std::time::Duration::ZERO);
        let mut arguments = plan.arguments();
        Self::tune(&mut arguments, &url, &weather);
        self.note(&format!("# {:?}, events, then killed", weather.faults));
        let mut running = self.start(&arguments, None);
        if !self.wait_for_hang(&mut running) {
            let done = self.end(&arguments, running);
            let valid = plan
                .list
                .iter()
                .any(|entry| entry.valid_person(plan.text).is_some());
            super::runs::expect_code(&done, &weather, valid)?;
            return Ok(self.enter(&plan, done.code, &weather));
        }
        let account = self.api.account_now();
        let mut report = self.enter(&plan, None, &weather);
        self.bring_events(random, &account)?;
        self.kill(&arguments, running);
        report.settles = true;
        report.touched = self.all_batches();
        Ok(report)
    }
}

/// The address that `serve` tells.
pub(crate) fn listens_at(receiver: &mut Running) -> String {
    let mut url = None;
    poll("serve listens", || {
        assert!(!receiver.has_ended(), "serve ended: {}", receiver.said());
        let said = receiver.said();
        let start = said.find("http://");
        let address = start.and_then(|start| said[start..].split_once("/webhooks"));
        url = address.map(|(url, _)| url.to_owned());
        url.is_some()
    });
    url.unwrap_or_default()
}

/// An event about a message that was accepted, or by the person who got it.
fn event(saying: Saying, message: &Accepted, random: &mut Random) -> Value {
    let (channel_id, channel_type) = CHANNELS[message.channel];
    let now = jiff::Timestamp::now();
    let mut contact = json!({ "id": message.echo["contact"]["id"] });
    let has_number = matches!(saying, Saying::OptIn | Saying::Delivered) || message.channel == 1;
    if has_number {
        contact["phone_number"] = json!(number(message.person).to_string());
    }
    let mut data = json!({
        "channel": { "id": channel_id, "type": channel_type },
        "contact": contact,
    });
    let kind = match saying {
        Saying::Stop => {
            let id = message.id + 1 + random.next() % 1_000_000;
            data["id"] = json!(id.to_string());
            data["content"] = json!({ "type": "text", "payload": "STOP" });
            "message_received"
        }
        Saying::StopByButton => {
            data["postback"] = json!({ "payload": "STOP" });
            "postback"
        }
        Saying::OptIn => {
            data["opt_in"] = json!({ "type": "phone_number" });
            "opt_in"
        }
        Saying::Delivered => {
            data["messages"] = json!([{ "id": message.id.to_string() }]);
            data["delivered_timestamp"] = json!(now.to_string());
            "messages_delivered"
        }
        Saying::Read => {
            data["last_read_timestamp"] = json!(now.to_string());
            "messages_read"
        }
        Saying::Echo => {
            data = message.echo.clone();
            "message_echo"
        }
    };
    json!({ "event": kind, "timestamp": now.to_string(), "data": data })
}
