//! What becomes of an accepted message: the events, and the account of them.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::super::answer::time_text;
use super::super::app::App;
use super::super::book::{Message, Person, Who};
use super::super::random::{Share, draw};
use super::super::settings::Channel;
use super::{Accepted, WebhookSettings};

/// One event, to be delivered at least once.
#[derive(Debug)]
pub(super) struct Event {
    /// The literal of the API.
    pub(super) name: &'static str,
    /// The channel, for the URL.
    pub(super) channel_id: String,
    /// The JSON text of `data`.
    pub(super) data: String,
    /// From the acceptance of the message.
    pub(super) after: Duration,
    /// Carries a wrong signature.
    pub(super) forged: bool,
    /// Says that this person opted out.
    pub(super) stops: Option<Who>,
    /// A draw of its own, for what may happen to its delivery.
    pub(super) chance: u64,
}

/// Purposes of draws.
mod purpose {
    pub(super) const OPT_IN: u64 = 101;
    pub(super) const ECHO: u64 = 102;
    pub(super) const DELIVERED: u64 = 103;
    pub(super) const READ: u64 = 104;
    pub(super) const STOP: u64 = 105;
    pub(super) const FAILED: u64 = 106;
    pub(super) const UNKNOWN: u64 = 107;
    pub(super) const FORGED: u64 = 108;
    pub(super) const WORD: u64 = 109;
    pub(super) const CODE: u64 = 110;
    pub(super) const ORDER: u64 = 111;
    pub(super) const EVENT: u64 = 112;
}

/// Steps from the first event to the last.
const STEPS: u32 = 8;

/// Decides what becomes of a message, enters it into the account, and tells the events.
pub(super) fn plan(app: &App, settings: &WebhookSettings, accepted: &Accepted) -> Vec<Event> {
    let who = accepted.receipt.who;
    let Some(channel) = app.settings.channels.get(who.channel()) else {
        return Vec::new();
    };
    let mut story = Story {
        app,
        settings,
        accepted,
        who,
        channel,
        events: Vec::new(),
    };
    story.echo();
    story.opt_in();
    if !story.fails() {
        story.arrives();
    }
    story.oddities();
    story.events
}

/// What the events of one message are made from.
struct Story<'a> {
    app: &'a App,
    settings: &'a WebhookSettings,
    accepted: &'a Accepted,
    who: Who,
    channel: &'a Channel,
    events: Vec<Event>,
}

impl Story<'_> {
    /// A draw about the message. Numbers, not ids, so that another run with this seed repeats it.
    fn draw(&self, purpose: u64) -> u64 {
        let nth = self.accepted.receipt.count as u64;
        draw(
            self.app.settings.seed ^ nth.rotate_left(32),
            purpose,
            self.who.subject(),
        )
    }

    fn happens(&self, share: Share, purpose: u64) -> bool {
        share.holds(self.draw(purpose))
    }

    fn is_messenger(&self) -> bool {
        self.channel.answers_at_once()
    }

    fn is_mobile(&self) -> bool {
        self.channel.kind == "mobile"
    }

    fn message_id(&self) -> String {
        self.accepted.receipt.message_id.to_string()
    }

    /// The nominal time of a step, in epoch milliseconds.
    fn time_ms(&self, step: u32) -> u64 {
        let after = self.settings.delay + self.settings.spread * step / STEPS;
        self.accepted.sent_ms + u64::try_from(after.as_millis()).unwrap_or(0)
    }

    /// Changes the account of this message and its person.
    fn enter(&self, change: impl FnOnce(&mut Person, &mut Message)) {
        self.app.book.with(self.who, |person| {
            let mut messages = std::mem::take(&mut person.messages);
            if let Some(message) = messages
                .iter_mut()
                .find(|message| message.id == self.accepted.receipt.message_id)
            {
                change(person, message);
            }
            person.messages = messages;
        });
    }

    /// Adds an event with `channel`, `contact` and these fields.
    fn add(
        &mut self,
        name: &'static str,
        step: u32,
        with_phone: bool,
        fields: Value,
    ) -> &mut Event {
        let mut contact = json!({ "id": self.who.contact_id().to_string() });
        if with_phone || !self.is_messenger() {
            contact["phone_number"] = self.who.number().to_string().into();
        }
        let mut data = Map::new();
        data.insert(
            "channel".to_owned(),
            json!({ "id": self.channel.id, "type": self.channel.kind }),
        );
        data.insert("contact".to_owned(), contact);
        if let Value::Object(fields) = fields {
            data.extend(fields);
        }
        let chance = draw(
            self.draw(purpose::EVENT),
            u64::from(step),
            self.events.len() as u64,
        );
        let reordered = self
            .settings
            .reordered
            .holds(draw(chance, purpose::ORDER, 0));
        let step = if reordered {
            u32::try_from(draw(chance, purpose::ORDER, 1) % u64::from(STEPS)).unwrap_or(0)
        } else {
            step
        };
        let after = self.settings.delay + self.settings.spread * step / STEPS;
        let event = Event {
            name,
            channel_id: self.channel.id.clone(),
            data: Value::Object(data).to_string(),
            after,
            forged: false,
            stops: None,
            chance,
        };
        let index = self.events.len();
        self.events.push(event);
        &mut self.events[index]
    }

    fn echo(&mut self) {
        if self.is_mobile() || !self.happens(self.settings.echo, purpose::ECHO) {
            return;
        }
        let json_of = |text: &str| serde_json::from_str::<Value>(text).unwrap_or(Value::Null);
        let mut fields =
            json!({ "id": self.message_id(), "content": json_of(&self.accepted.content) });
        if let Some(metadata) = &self.accepted.metadata {
            fields["metadata"] = json_of(metadata);
        }
        self.add("message_echo", 0, false, fields);
    }

    /// True if what is sent to this person gets through to them.
    fn accepts_messages(&self) -> bool {
        let draw = draw(self.app.settings.seed, purpose::OPT_IN, self.who.subject());
        !self.is_messenger() || self.settings.opt_in.holds(draw)
    }

    fn opt_in(&mut self) {
        let first = self.accepted.by_phone && self.accepted.receipt.count == 1;
        if !self.is_messenger() || !first || !self.accepts_messages() {
            return;
        }
        let time = self.time_ms(1);
        self.enter(|person, _| person.opted_in_ms = time);
        self.add(
            "opt_in",
            1,
            true,
            json!({ "opt_in": { "type": "phone_number" } }),
        );
    }

    /// A failure that is told later: not on Messenger, which tells at once.
    fn fails(&mut self) -> bool {
        if self.is_messenger() {
            return false;
        }
        let unreachable = self.app.is_unreachable(self.who);
        if !unreachable && !self.happens(self.settings.failed, purpose::FAILED) {
            return false;
        }
        let (code, text) = match (
            unreachable && !self.is_mobile(),
            self.draw(purpose::CODE) % 3,
        ) {
            (true, _) => (3, "No user was found for this phone number."),
            (false, 0) => (4, "The message was not delivered in time."),
            (false, 1) if !self.is_mobile() => (2, "The person blocks messages."),
            (false, _) => (1, "The message could not be processed."),
        };
        self.enter(|_, message| message.failed_code = code);
        let fields = json!({ "message": { "id": self.message_id() }, "error": { "code": code, "message": text } });
        self.add("message_failed", 2, true, fields);
        true
    }

    fn arrives(&mut self) {
        if !self.accepts_messages() || !self.happens(self.settings.delivered, purpose::DELIVERED) {
            return;
        }
        let delivered = self.time_ms(2);
        self.enter(|_, message| message.delivered_ms = delivered);
        let fields = json!({ "messages": [{ "id": self.message_id() }], "delivered_timestamp": time_text(delivered) });
        self.add("messages_delivered", 2, self.accepted.by_phone, fields);
        if !self.is_mobile() && self.happens(self.settings.read, purpose::READ) {
            let read = self.time_ms(4);
            // The event names no message: it says that everything sent so far is read.
            self.app.book.with(self.who, |person| {
                let unread = person
                    .messages
                    .iter_mut()
                    .filter(|message| message.read_ms == 0 && message.sent_ms <= read);
                unread.for_each(|message| message.read_ms = read);
            });
            self.add(
                "messages_read",
                4,
                false,
                json!({ "last_read_timestamp": time_text(read) }),
            );
        }
        if self.happens(self.settings.stop, purpose::STOP)
            && self.channel.kind != "viber_business_messages"
        {
            let stopped = self.time_ms(6);
            self.enter(|person, _| {
                if person.stopped_ms == 0 {
                    person.stopped_ms = stopped;
                }
            });
            let who = self.who;
            let fields = self.opt_out();
            self.add("message_received", 6, false, fields).stops = Some(who);
        }
    }

    /// A message from the person that holds an opt-out word.
    fn opt_out(&self) -> Value {
        let words = &self.settings.stop_words;
        let index = usize::try_from(self.draw(purpose::WORD))
            .unwrap_or(0)
            .checked_rem(words.len());
        let word = index
            .and_then(|index| words.get(index))
            .map_or("STOP", String::as_str);
        let id = self.app.book.next_id(self.app.now_ms()).to_string();
        json!({ "id": id, "content": { "type": "text", "payload": word } })
    }

    fn oddities(&mut self) {
        if self.happens(self.settings.unknown, purpose::UNKNOWN) {
            self.add("channel_weather", 3, false, json!({ "weather": "fine" }));
        }
        if self.happens(self.settings.forged, purpose::FORGED) {
            let fields = self.opt_out();
            self.add("message_received", 5, false, fields).forged = true;
        }
    }
}
